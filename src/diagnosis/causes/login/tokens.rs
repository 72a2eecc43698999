use crate::{
    azure::registries::{RegistryAccess, Token},
    diagnosis::{
        Area, Case, Cause, Judged, Scene, Severity,
        cause::pages,
        facts::{DockerConfigFact, RepositoryFact, ScopeMapsFact, ServerFact, TokensFact},
    },
    engine::error::when,
};

pub(crate) const CAUSES: &[Cause] = &[
    Cause::new(
        "repository-token-disabled",
        Area::Login,
        Severity::Advice,
        "a repository token is disabled, and whoever has it is refused",
        |s| Box::pin(disabled(s)),
    )
    .rules(&["R-DP-03", "R-DP-25"])
    .page(pages::TOKENS),
    Cause::new(
        "repository-token-expired",
        Area::Login,
        Severity::Broken,
        "all passwords of a repository token have expired",
        |s| Box::pin(expired(s)),
    )
    .rules(&["R-DP-03", "R-DP-25"])
    .page(pages::TOKENS),
    Cause::new(
        "scope-map-lacks-action",
        Area::Login,
        Severity::Broken,
        "the repository token that a container client logs in with does not allow what is wanted",
        |s| Box::pin(lacks(s)),
    )
    .rules(&["R-DP-03", "R-DP-26"])
    .page(pages::TOKENS)
    .follows(&["repository-token-disabled", "repository-token-expired"]),
];

fn name(token: &Token) -> &str {
    token.name.as_deref().unwrap_or_default()
}

async fn disabled(scene: &Scene) -> Judged {
    let tokens = scene.see::<TokensFact>().await?;
    let off: Vec<_> = tokens.all.iter().filter(|t| !t.is_enabled()).map(|t| name(t)).collect();
    let Some(first) = off.first() else { return Ok(None) };
    Ok(Some(
        Case::new(format!("disabled: {}", off.join(", ")))
            .seen(&tokens, format!("status disabled: {}", off.join(", ")))
            .line(format!("az acr token update --registry {} --name {first} --status enabled", scene.registry().name()))
            .words("or delete it, if nobody is to have it any more"),
    ))
}

async fn expired(scene: &Scene) -> Judged {
    let tokens = scene.see::<TokensFact>().await?;
    // Of a disabled one nobody expects that it works.
    let ended = tokens.all.iter().filter(|t| t.is_enabled()).filter_map(|t| Some((name(t), t.ended(scene.now())?)));
    let ended: Vec<_> = ended.collect();
    let Some((first, _)) = ended.first() else { return Ok(None) };
    let told: Vec<_> = ended.iter().map(|(name, end)| format!("{name} since {}", when(*end))).collect();
    Ok(Some(
        Case::new(format!("no password is good any more of {}", told.join(", ")))
            .seen(&tokens, format!("credentials.passwords[].expiry: {}", told.join(", ")))
            .line(format!(
                "az acr token credential generate --registry {} --name {first} --password1",
                scene.registry().name()
            )),
    ))
}

async fn lacks(scene: &Scene) -> Judged {
    let wanted: &[&str] = match scene.asked().wants {
        RegistryAccess::Pull => &["content/read"],
        RegistryAccess::Push => &["content/read", "content/write"],
        RegistryAccess::Delete => &["content/delete"],
        // Tokens have no catalog of their own to speak of.
        RegistryAccess::List => return Ok(None),
    };
    let repository = scene.see::<RepositoryFact>().await?;
    let Some(repository) = &repository.name else { return Ok(None) };
    let (config, server) =
        futures::future::try_join(scene.see::<DockerConfigFact>(), scene.see::<ServerFact>()).await?;
    let Some(user) = config.login(&server.host)?.and_then(|login| login.user.as_deref()) else { return Ok(None) };
    let tokens = scene.see::<TokensFact>().await?;
    let Some(token) = tokens.all.iter().find(|t| name(t).eq_ignore_ascii_case(user)) else { return Ok(None) };
    let maps = scene.see::<ScopeMapsFact>().await?;
    let of = token.properties.scope_map_id.as_deref().unwrap_or_default();
    let is = |id: &Option<String>| id.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(of));
    let map = maps.all.iter().find(|m| is(&m.id));
    let allows = |action: &&&str| map.is_some_and(|m| m.allows(repository.as_str(), action));
    let lacking: Vec<_> = wanted.iter().filter(|action| !allows(action)).copied().collect();
    if lacking.is_empty() {
        return Ok(None);
    }
    let (registry, map_name) = (scene.registry().name(), of.rsplit('/').next().unwrap_or_default());
    let lacking = lacking.join(" ");
    Ok(Some(
        Case::new(format!(
            "{} logs in as token {}, whose scope map {map_name} does not give {lacking} in {repository}",
            config.file(),
            name(token)
        ))
        .seen(&maps, map.map_or_else(|| "the scope map is not there".into(), |m| m.properties.actions.join(", ")))
        .line(format!(
            "az acr scope-map update --registry {registry} --name {map_name} --add-repository {repository} {lacking}"
        )),
    ))
}
