use crate::{
    azure::{
        Cloud,
        registries::{
            RegistryAccess,
            data::{LoginServer, Repository},
        },
    },
    diagnosis::{
        Area, Case, Cause, Judged, Scene, Severity,
        cause::pages,
        facts::{DockerConfigFact, ServerFact},
    },
};

pub(crate) const CAUSES: &[Cause] = &[
    Cause::new(
        "wrong-cloud",
        Area::Login,
        Severity::Broken,
        "the registry's login server is of another cloud than the one that is asked",
        |s| Box::pin(wrong_cloud(s)),
    )
    .rules(&["R-DP-25", "R-DP-11", "R-ARM-20"])
    .page(pages::LOGIN),
    Cause::new(
        "repository-name-invalid",
        Area::Login,
        Severity::Broken,
        "there can be no repository of the name that is asked about",
        |s| Box::pin(repository_name(s)),
    )
    .rules(&["R-DP-25"])
    .page(pages::LOGIN),
    Cause::new(
        "registry-name-case",
        Area::Login,
        Severity::Broken,
        "a container client is logged in to the registry under another name than its own",
        |s| Box::pin(name_case(s)),
    )
    .rules(&["R-DP-25"])
    .page(pages::LOGIN)
    .follows(&["wrong-cloud"]),
];

async fn wrong_cloud(scene: &Scene) -> Judged {
    let server = scene.see::<ServerFact>().await?;
    if LoginServer::parse(scene.cloud(), &server.host).is_ok() {
        return Ok(None);
    }
    let of = Cloud::all_known().into_iter().find(|cloud| LoginServer::parse(cloud, &server.host).is_ok());
    let of = of.map_or_else(|| "no cloud that is known".to_owned(), |cloud| cloud.name().to_owned());
    Ok(Some(
        Case::new(format!(
            "its login server {} is one of {of}, and this asks the cloud {}, where registries end in {}",
            server.host,
            scene.cloud().name(),
            scene.cloud().registry_suffix()
        ))
        .seen(&server, format!("loginServer {}", server.host))
        .words(format!("choose the cloud {of}: `--cloud NAME` of cmk, and `az cloud set --name NAME` for az")),
    ))
}

async fn repository_name(scene: &Scene) -> Judged {
    let asked = scene.asked();
    let Some(name) = asked.repository.as_ref().filter(|_| asked.wants != RegistryAccess::List) else { return Ok(None) };
    let Err(why) = name.parse::<Repository>() else { return Ok(None) };
    let lower = name.to_lowercase();
    let case = Case::new(why.to_string()).shows(format!("the name {}", name.escape_debug()));
    Ok(Some(if lower.parse::<Repository>().is_ok() {
        case.words(format!("write it in lower case: {lower}"))
    } else {
        case.words("give the repository alone, without registry, tag or digest, such as shop/web")
    }))
}

async fn name_case(scene: &Scene) -> Judged {
    let (config, server) =
        futures::future::try_join(scene.see::<DockerConfigFact>(), scene.see::<ServerFact>()).await?;
    let (logins, host) = (config.logins()?, server.host.as_str());
    // Logged in by the right name as well, a client finds what it needs.
    if logins.iter().any(|login| login.host == host) {
        return Ok(None);
    }
    let label = host.split('.').next().unwrap_or_default();
    let other_cloud = |found: &str| {
        Cloud::all_known().iter().any(|c| *found == format!("{label}.{}", c.registry_suffix())) && found != host
    };
    let why = |found: &str| {
        let lower = found.to_lowercase();
        if lower == host {
            Some("in capitals, which clients tell apart")
        } else if lower == label {
            Some("without its suffix, which a client takes for another registry")
        } else if other_cloud(&lower) {
            Some("with the suffix of another cloud")
        } else {
            None
        }
    };
    let Some((login, why)) = logins.iter().find_map(|login| Some((login, why(&login.host)?))) else {
        return Ok(None);
    };
    Ok(Some(
        Case::new(format!("{} has a login for {}: {why}; the registry is {host}", config.file(), login.name))
            .seen(&server, format!("loginServer {host}"))
            .shows(format!("auths: {}", login.name))
            .line(format!("cmk login {host}"))
            .line(format!("docker logout {}", login.name))
            .words(format!("name images {host}/REPOSITORY, in lower case")),
    ))
}
