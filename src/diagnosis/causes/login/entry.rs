use super::BY_ROLES;
use crate::diagnosis::{
    Area, Case, Cause, Judged, Scene, Severity, When,
    cause::pages,
    facts::{Access, AccessFact, LoginFact, RegistryFact, TokenFact},
};

pub(crate) const CAUSES: &[Cause] = &[
    Cause::new(
        "login-refused",
        Area::Login,
        Severity::Broken,
        "the registry does not exchange the caller's Entra token (CONNECTIVITY_REFRESH_TOKEN_ERROR)",
        |s| Box::pin(refused(s)),
    )
    .rules(&["R-DP-02", "R-DP-11", "R-DP-25"])
    .page(pages::LOGIN)
    .follows(BY_ROLES),
    Cause::new(
        "token-lacks-action",
        Area::Login,
        Severity::Broken,
        "the registry's access token allows less than the caller wants (CONNECTIVITY_ACCESS_TOKEN_ERROR)",
        |s| Box::pin(lacks(s)),
    )
    .rules(&["R-DP-03", "R-DP-11", "R-DP-26"])
    .page(pages::LOGIN)
    .follows(BY_ROLES),
    Cause::new(
        "arm-audience-refused",
        Area::Login,
        Severity::Advice,
        "the registry takes no tokens for Azure Resource Manager, which older clients come with",
        |s| Box::pin(arm_audience(s)),
    )
    .rules(&["R-DP-06"])
    .page(pages::ARM_AUDIENCE),
    Cause::new("admin-user-on", Area::Login, Severity::Advice, "the registry's admin user is on", |s| {
        Box::pin(admin(s))
    })
    .rules(&["R-DP-07"])
    .page(pages::AUTHENTICATION)
    .when(When::Both),
    Cause::new("anonymous-pull-on", Area::Login, Severity::Advice, "anybody may pull from the registry", |s| {
        Box::pin(anonymous(s))
    })
    .rules(&["R-DP-25"])
    .page(pages::ANONYMOUS)
    .when(When::Audit),
];

async fn refused(scene: &Scene) -> Judged {
    if scene.see::<AccessFact>().await?.access != Access::LoginRefused {
        return Ok(None);
    }
    let login = scene.see::<LoginFact>().await?;
    let Err(refused) = &login.said else { return Ok(None) };
    let case = Case::new(format!("{} answered {}: {}", login.server, refused.status, refused.why))
        .seen(&login, format!("POST /oauth2/exchange answered {}, which az calls {}", refused.status, refused.code));
    Ok(Some(match refused.status {
        401 => case.words(
            "the token is of another tenant than the registry's subscription, or for an audience that it does not take: log \
             in to the tenant of the registry (`az login --tenant TENANT`)",
        ),
        _ => case.words("log in again (`az login`): a token keeps what its holder might do when it was given"),
    }))
}

async fn lacks(scene: &Scene) -> Judged {
    if scene.see::<AccessFact>().await?.access != Access::TokenLacks {
        return Ok(None);
    }
    let token = scene.see::<TokenFact>().await?;
    Ok(Some(
        Case::new(format!("a token for {} was given without {}", token.scope, token.lacks.join(" and ")))
            .seen(&token, format!("POST /oauth2/token gave a token that lacks {}", token.lacks.join(", ")))
            .words(
                "the roles that can be seen do not say why: look for deny assignments, for a role whose condition is of \
                 another form, and for roles through groups, which take up to a day; then log in again",
            ),
    ))
}

async fn arm_audience(scene: &Scene) -> Judged {
    let registry = scene.see::<RegistryFact>().await?;
    let policy = registry.body.properties.policies.as_ref();
    let policy = policy.and_then(|p| p.azure_ad_authentication_as_arm_policy.as_ref());
    if !policy.is_some_and(|p| p.status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("disabled"))) {
        return Ok(None);
    }
    let id = scene.registry();
    Ok(Some(
        Case::new(
            "it takes tokens for https://containerregistry.azure.net only: clients that come with a token for Azure Resource \
             Manager, as older az, AKS and scripts do, are refused with 401",
        )
        .seen(&registry, "policies.azureADAuthenticationAsArmPolicy.status disabled")
        .words("fine where all clients ask for tokens of that audience, as this program does")
        .line(format!("az acr config authentication-as-arm update --registry {} --status enabled", id.name())),
    ))
}

async fn admin(scene: &Scene) -> Judged {
    let registry = scene.see::<RegistryFact>().await?;
    let id = scene.registry();
    Ok(registry.body.properties.admin_user_enabled.unwrap_or_default().then(|| {
        Case::new("whoever has one of its two passwords may do everything with all images, and nobody is named for it")
            .seen(&registry, "adminUserEnabled true")
            .line(format!("az acr update --name {} --admin-enabled false", id.name()))
            .words("after its users have identities or repository tokens of their own")
    }))
}

async fn anonymous(scene: &Scene) -> Judged {
    let registry = scene.see::<RegistryFact>().await?;
    let id = scene.registry();
    Ok(registry.body.properties.anonymous_pull_enabled.unwrap_or_default().then(|| {
        Case::new("all its images can be pulled without any login, if that is not meant")
            .seen(&registry, "anonymousPullEnabled true")
            .line(format!("az acr update --name {} --anonymous-pull-enabled false", id.name()))
    }))
}
