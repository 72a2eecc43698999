use crate::diagnosis::{
    Area, Blind, Case, Cause, Judged, Looked, Scene, Seen, Severity,
    cause::pages,
    facts::{Daemon, DaemonConfigFact, DockerConfigFact, DockerFact},
};
use std::sync::Arc;

pub(crate) const CAUSES: &[Cause] = &[
    Cause::new(
        "docker-restart-pending",
        Area::Machine,
        Severity::Advice,
        "Docker's daemon does not go by the proxy that its configuration names",
        |s| Box::pin(pending(s)),
    )
    .rules(&["R-DP-25"])
    .page(pages::DOCKER_PROXY),
    Cause::new(
        "docker-proxy-differs",
        Area::Machine,
        Severity::Advice,
        "containers are given another proxy than Docker's daemon pulls through",
        |s| Box::pin(differs(s)),
    )
    .rules(&["R-DP-25"])
    .page(pages::DOCKER_PROXY)
    .follows(&["docker-restart-pending"]),
];

/// A proxy without who logs in to it, to be shown and compared.
fn bare(proxy: &str) -> String {
    let (scheme, rest) = proxy.trim().split_once("://").unwrap_or(("http", proxy.trim()));
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    format!("{}://{}", scheme.to_ascii_lowercase(), host.trim_end_matches('/').to_ascii_lowercase())
}

fn shown(proxy: Option<&str>) -> String {
    proxy.map_or_else(|| "no proxy".to_owned(), bare)
}

/// The proxies of a running daemon: for `https`, and for `http`.
async fn running(scene: &Scene) -> Looked<Option<(Arc<Seen<DockerFact>>, [Option<String>; 2])>> {
    let docker = scene.see::<DockerFact>().await?;
    match &docker.daemon {
        Daemon::Runs { https, http, .. } => {
            let proxies = [https.clone(), http.clone()];
            Ok(Some((docker, proxies)))
        }
        Daemon::Silent { .. } => Err(Blind::masked("docker-daemon-stopped")),
        Daemon::None => Ok(None),
    }
}

async fn pending(scene: &Scene) -> Judged {
    let Some((docker, [https, http])) = running(scene).await? else { return Ok(None) };
    let config = scene.see::<DaemonConfigFact>().await?;
    for (what, configured, goes_by) in [("https", &config.https, https), ("http", &config.http, http)] {
        let Some((wanted, file)) = configured else { continue };
        if goes_by.as_deref().map(bare) == Some(bare(wanted)) {
            continue;
        }
        let file = file.display();
        return Ok(Some(
            Case::new(format!(
                "for {what} {file} names {}, and the daemon goes by {}: it has not been restarted since",
                bare(wanted),
                shown(goes_by.as_deref())
            ))
            .shows(format!("{file}: {}", bare(wanted)))
            .seen(&docker, format!("{} info: {}", docker.command, shown(goes_by.as_deref())))
            .line("sudo systemctl daemon-reload && sudo systemctl restart docker"),
        ));
    }
    Ok(None)
}

/// The proxies of the client's configuration, which it hands on to containers and builds: for `https`, and for `http`.
fn of_client(config: &DockerConfigFact) -> [Option<String>; 2] {
    ["httpsProxy", "httpProxy"].map(|name| config.proxies.get(name).filter(|p| !p.is_empty()).cloned())
}

async fn differs(scene: &Scene) -> Judged {
    let config = scene.see::<DockerConfigFact>().await?;
    config.logins()?;
    let client = of_client(&config);
    if client.iter().all(Option::is_none) {
        return Ok(None);
    }
    let Some((docker, daemon)) = running(scene).await? else { return Ok(None) };
    let path = config.file();
    for (what, (client, daemon)) in ["https", "http"].into_iter().zip(client.iter().zip(&daemon)) {
        let Some(client) = client else { continue };
        if daemon.as_deref().map(bare) == Some(bare(client)) {
            continue;
        }
        return Ok(Some(
            Case::new(format!(
                "for {what} {path} gives containers {}, and the daemon, which pulls images, goes by {}",
                bare(client),
                shown(daemon.as_deref())
            ))
            .shows(format!("{path}: proxies.default {}", bare(client)))
            .seen(&docker, format!("{} info: {}", docker.command, shown(daemon.as_deref())))
            .words("give the daemon the same proxy in the `proxies` of /etc/docker/daemon.json, and restart it"),
        ));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn a_proxy_is_shown_without_its_password() {
        assert_eq!(bare("http://kim:secret@Proxy.example:3128/"), "http://proxy.example:3128");
        assert_eq!(bare("proxy.example:3128"), "http://proxy.example:3128");
        assert_eq!(bare("http://k%40m:s@cret@proxy:1"), "http://proxy:1");
    }
}
