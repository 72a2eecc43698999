use crate::{
    azure::registries::data::REFRESH_USER,
    diagnosis::{
        Area, Case, Cause, Judged, Scene, Severity,
        cause::pages,
        facts::{DockerConfigFact, RegistryFact, ServerFact},
    },
    engine::error::when,
};

pub(crate) const CAUSES: &[Cause] = &[
    Cause::new(
        "anonymous-pull-shadowed",
        Area::Login,
        Severity::Broken,
        "anybody may pull, and a stale login on this machine keeps it from pulling as nobody",
        |s| Box::pin(shadowed(s)),
    )
    .rules(&["R-DP-25", "R-DP-04"])
    .page(pages::LOGIN),
    Cause::new(
        "docker-login-expired",
        Area::Login,
        Severity::Broken,
        "a container client's login to the registry has run out",
        |s| Box::pin(expired(s)),
    )
    .rules(&["R-DP-04", "R-DP-25"])
    .page(pages::LOGIN),
];

/// The login that is kept here for the registry and is no good, with why not.
async fn stale(scene: &Scene) -> Result<Option<(String, String)>, crate::diagnosis::Blind> {
    let (config, server) =
        futures::future::try_join(scene.see::<DockerConfigFact>(), scene.see::<ServerFact>()).await?;
    let ended = config.login(&server.host)?.and_then(|login| login.expires).filter(|end| *end <= scene.now());
    Ok(ended.map(|end| {
        (server.host.clone(), format!("the login in {} for {} ended {}", config.file(), server.host, when(end)))
    }))
}

fn logged_out(case: Case, host: &str) -> Case {
    case.line(format!("cmk logout {host}")).line(format!("docker logout {host}"))
}

async fn shadowed(scene: &Scene) -> Judged {
    let registry = scene.see::<RegistryFact>().await?;
    if !registry.body.properties.anonymous_pull_enabled.unwrap_or_default() {
        return Ok(None);
    }
    let Some((host, why)) = stale(scene).await? else { return Ok(None) };
    let case = Case::new(format!("{why}; clients send it all the same, and are refused"))
        .seen(&registry, "anonymousPullEnabled true")
        .shows(why);
    Ok(Some(logged_out(case, &host)))
}

async fn expired(scene: &Scene) -> Judged {
    let registry = scene.see::<RegistryFact>().await?;
    // Then it is better forgotten than made anew: told by the cause above.
    if registry.body.properties.anonymous_pull_enabled.unwrap_or_default() {
        return Ok(None);
    }
    let Some((host, why)) = stale(scene).await? else { return Ok(None) };
    Ok(Some(
        Case::new(format!("{why}: one by Entra lasts three hours; pulls and pushes answer `unauthorized`"))
            .shows(why)
            .line(format!("cmk login {host}"))
            .line(format!("az acr login --name {}", scene.registry().name()))
            .words(format!(
                "where nobody can log in again, pull with a managed identity, or as {REFRESH_USER} with a token made shortly \
                 before (`cmk login {host} --expose-token`)"
            )),
    ))
}
