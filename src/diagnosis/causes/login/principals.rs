use crate::diagnosis::{
    Area, Case, Cause, Judged, Scene, Severity,
    cause::pages,
    facts::{DirectoryFact, DockerConfigFact, LoginUserFact, ServerFact, WhoIsIt},
};

pub(crate) const CAUSES: &[Cause] = &[
    Cause::new(
        "principal-is-app-id",
        Area::Login,
        Severity::Broken,
        "the id that is asked about is an application's, and roles go to the object id of its service principal",
        |s| Box::pin(is_app_id(s)),
    )
    .rules(&["R-CMK-08", "R-DP-25"])
    .page(pages::LOGIN),
    Cause::new(
        "principal-unknown",
        Area::Login,
        Severity::Broken,
        "the principal that is asked about is not in the tenant",
        |s| Box::pin(unknown(s)),
    )
    .rules(&["R-DP-25"])
    .page(pages::LOGIN),
    Cause::new(
        "login-user-is-object-id",
        Area::Login,
        Severity::Broken,
        "a container client logs in with a service principal's object id in place of its application id",
        |s| Box::pin(user_is_object_id(s)),
    )
    .rules(&["R-DP-25"])
    .page(pages::LOGIN),
    Cause::new(
        "login-app-unknown",
        Area::Login,
        Severity::Broken,
        "a container client logs in with an application that the tenant does not know",
        |s| Box::pin(app_unknown(s)),
    )
    .rules(&["R-DP-25"])
    .page(pages::LOGIN),
    Cause::new("secret-expired", Area::Login, Severity::Broken, "the service principal's secret has expired", |s| {
        Box::pin(secret_expired(s))
    })
    .rules(&["R-DP-25"])
    .page(pages::LOGIN),
];

async fn is_app_id(scene: &Scene) -> Judged {
    let directory = scene.see::<DirectoryFact>().await?;
    let Some(WhoIsIt { id, object: None, client: Some(client), .. }) = &directory.who else { return Ok(None) };
    let object = client.id.clone().unwrap_or_default();
    let name = client.display_name.clone().unwrap_or_default();
    Ok(Some(
        Case::new(format!(
            "{id} is the application (client) id of '{}', whose object id is {object}",
            name.escape_debug()
        ))
        .seen(&directory, format!("appId {id}, id {object}"))
        .words(format!("ask again with the object id {object}, and give roles to it")),
    ))
}

async fn unknown(scene: &Scene) -> Judged {
    let directory = scene.see::<DirectoryFact>().await?;
    let Some(WhoIsIt { id, object: None, client: None, .. }) = &directory.who else { return Ok(None) };
    let case = Case::new(format!(
        "no service principal, user or group of the caller's tenant has the id {id}, as object id or as application id"
    ))
    .seen(&directory, format!("nobody with the id {id}"));
    Ok(Some(match &scene.asked().aks {
        Some(cluster) => case.words(format!(
            "the kubelet identity of {} was deleted: give the cluster another (`az aks update --assign-kubelet-identity`)",
            cluster.name()
        )),
        None => case.words(
            "look whether it is of another tenant, in which case a service principal has to be made in this one \
             (`az ad sp create --id APP`), or was deleted",
        ),
    }))
}

async fn user_is_object_id(scene: &Scene) -> Judged {
    let user = scene.see::<LoginUserFact>().await?;
    let Some(WhoIsIt { id, object: Some(object), client: None, .. }) = &user.who else { return Ok(None) };
    let Some(app) = &object.app_id else { return Ok(None) };
    let server = scene.see::<ServerFact>().await?;
    Ok(Some(
        Case::new(format!("{id} is an object id; the application id that it logs in with is {app}"))
            .seen(&user, format!("id {id}, appId {app}"))
            .line(format!("docker login {} --username {app} --password-stdin", server.host)),
    ))
}

async fn app_unknown(scene: &Scene) -> Judged {
    let user = scene.see::<LoginUserFact>().await?;
    let Some(WhoIsIt { id, object: None, client: None, .. }) = &user.who else { return Ok(None) };
    let server = scene.see::<ServerFact>().await?;
    let config = scene.see::<DockerConfigFact>().await?;
    Ok(Some(
        Case::new(format!(
            "{} logs in to {} as {id}, which is no application of the caller's tenant: it is of another one, or was deleted. \
             The registry says `Application not registered with AAD`",
            config.file(),
            server.host
        ))
        .seen(&user, format!("nobody with the id {id}"))
        .words("log in with an application of the registry's tenant")
        .line(format!("cmk login {}", server.host)),
    ))
}

async fn secret_expired(scene: &Scene) -> Judged {
    let now = scene.now();
    let ended = |who: &Option<WhoIsIt>| {
        let who = who.as_ref()?;
        let app = who.application.as_ref()?.app_id.clone().unwrap_or_default();
        Some((who.id, app, who.secrets_ended(now)?))
    };
    let (directory, user) = (scene.see::<DirectoryFact>().await, scene.see::<LoginUserFact>().await);
    let case = |app: String, end: time::OffsetDateTime| {
        Case::new(format!(
            "the last secret or certificate of application {app} ended {}",
            crate::engine::error::when(end)
        ))
        .line(format!("az ad app credential reset --id {app} --append"))
        .words("then log in again with the new secret, wherever the old one is used")
    };
    // Either is told if the other cannot be seen.
    if let Ok(Some((.., app, end))) = directory.as_ref().map(|d| ended(&d.who)) {
        let seen = directory?;
        return Ok(Some(case(app, end).seen(&seen, "passwordCredentials and keyCredentials have all ended")));
    }
    if let Ok(Some((id, app, end))) = user.as_ref().map(|u| ended(&u.who)) {
        let seen = user?;
        let shows = format!("a container client logs in as {id}; its credentials have all ended");
        return Ok(Some(case(app, end).seen(&seen, shows)));
    }
    directory?;
    user?;
    Ok(None)
}
