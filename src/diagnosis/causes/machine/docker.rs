use super::older;
use crate::diagnosis::{
    Area, Blind, BlindKind, Case, Cause, Judged, NotRun, Scene, Severity,
    cause::pages,
    facts::{Daemon, DockerConfigFact, DockerFact},
};

pub(crate) const CAUSES: &[Cause] = &[
    Cause::new("docker-absent", Area::Machine, Severity::Advice, "there is no container client on this machine", |s| {
        Box::pin(absent(s))
    })
    .rules(&["R-DP-10", "R-DP-11"])
    .page(pages::HEALTH),
    Cause::new("docker-old", Area::Machine, Severity::Advice, "Docker is older than what is known to work", |s| {
        Box::pin(old(s))
    })
    .rules(&["R-DP-10", "R-DP-11"])
    .page(pages::HEALTH),
    Cause::new("docker-daemon-stopped", Area::Machine, Severity::Advice, "Docker's daemon does not answer", |s| {
        Box::pin(stopped(s))
    })
    .rules(&["R-DP-10", "R-DP-11"])
    .page(pages::HEALTH),
    Cause::new(
        "docker-config-unreadable",
        Area::Machine,
        Severity::Broken,
        "Docker's configuration cannot be read",
        |s| Box::pin(unreadable(s)),
    )
    .rules(&["R-DP-10"])
    .page(pages::LOGIN),
    Cause::new(
        "docker-credential-store-missing",
        Area::Machine,
        Severity::Broken,
        "Docker is told to keep logins with a program that is not there",
        |s| Box::pin(store_missing(s)),
    )
    .rules(&["R-DP-10"])
    .page(pages::LOGIN),
];

/// Docker 18.03 of March 2018 is the oldest that the registry's pages speak of.
const OLDEST: (u64, u64) = (18, 3);

async fn absent(scene: &Scene) -> Judged {
    match scene.see::<DockerFact>().await {
        Err(Blind { kind: BlindKind::Masked("docker-absent"), .. }) => {}
        Err(blind) => return Err(blind),
        Ok(_) => return Ok(None),
    }
    Ok(Some(
        Case::new(
            "neither docker nor podman is on the PATH (`az` calls it DOCKER_COMMAND_ERROR); cmk itself needs none",
        )
        .shows("no such program")
        .words("install one where images are built or run; to log in without one: `cmk login`"),
    ))
}

async fn old(scene: &Scene) -> Judged {
    let docker = scene.see::<DockerFact>().await?;
    if docker.command.contains("podman") {
        return Ok(None);
    }
    let daemon = match &docker.daemon {
        Daemon::Runs { version, .. } => version.as_deref(),
        Daemon::Silent { .. } | Daemon::None => None,
    };
    let all = [("client", docker.client.as_deref()), ("daemon", daemon)];
    let old: Vec<String> = all
        .into_iter()
        .filter_map(|(what, version)| Some((what, version.filter(|v| older(v, OLDEST))?)))
        .map(|(what, version)| format!("{what} {version}"))
        .collect();
    if old.is_empty() {
        return Ok(None);
    }
    Ok(Some(
        Case::new(format!("{}; 18.03 or later is needed (`az` calls it DOCKER_VERSION_ERROR)", old.join(", ")))
            .seen(&docker, old.join(", "))
            .words("install a current version of Docker"),
    ))
}

async fn stopped(scene: &Scene) -> Judged {
    let docker = scene.see::<DockerFact>().await?;
    let Daemon::Silent { why } = &docker.daemon else { return Ok(None) };
    let case = Case::new(format!("{} says: {why} (`az` calls it DOCKER_DAEMON_ERROR)", docker.command))
        .seen(&docker, "no version of a server");
    Ok(Some(if why.to_ascii_lowercase().contains("permission denied") {
        case.words("it may run, and not for this user: have the user put into the group docker, and log in again")
    } else {
        case.line("sudo systemctl start docker")
    }))
}

async fn unreadable(scene: &Scene) -> Judged {
    let config = scene.see::<DockerConfigFact>().await?;
    let Some(why) = &config.unreadable else { return Ok(None) };
    let path = config.file();
    Ok(Some(
        Case::new(format!("{why}; no client of Docker's knows its logins with it"))
            .shows(why.clone())
            .words(format!("mend {path}, or move it away and log in again: `cmk login`")),
    ))
}

/// The helper that the configuration names for this registry.
fn helper(scene: &Scene, config: &DockerConfigFact) -> Option<String> {
    let name = scene.registry().name().to_ascii_lowercase();
    let suffix = scene.cloud().registry_suffix();
    let mine = |host: &str| {
        let host = host.trim_start_matches("https://").trim_end_matches('/').to_ascii_lowercase();
        let Some(label) = host.strip_suffix(suffix).and_then(|h| h.strip_suffix('.')) else { return false };
        // With a domain name label, something comes after the registry's name.
        label == name || label.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('-'))
    };
    let own = config.helpers.iter().find(|(host, _)| mine(host)).map(|(_, helper)| helper);
    own.or(config.store.as_ref()).filter(|helper| !helper.is_empty()).cloned()
}

async fn store_missing(scene: &Scene) -> Judged {
    let config = scene.see::<DockerConfigFact>().await?;
    config.logins()?;
    let Some(helper) = helper(scene, &config) else { return Ok(None) };
    let plain = helper.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    let program = format!("docker-credential-{helper}");
    // A name that is no file's name is nowhere either, and is not run.
    if plain && scene.machine().run(&program, &["version"]).await != Err(NotRun::Absent) {
        return Ok(None);
    }
    let (path, helper) = (config.file(), helper.escape_debug());
    Ok(Some(
        Case::new(format!("{path} names '{helper}', and there is no docker-credential-{helper} on the PATH"))
            .shows(format!("{path}: credsStore or credHelpers names {helper}"))
            .words(format!("install docker-credential-{helper}, or take its name out of {path}"))
            .words("log in past it: `cmk login`"),
    ))
}
