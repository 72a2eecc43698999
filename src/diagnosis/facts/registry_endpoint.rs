use super::{NameFound, NamesFact, RegistryFact, ServerFact, is_private};
use crate::{
    azure::{
        Cause, Reader,
        error::{FirewallKind, ServiceError},
        registries::{
            Registry,
            data::{Challenge, DataPlaneError, LoginServer, Stage},
        },
        resources::PrivateEndpointConnection,
    },
    diagnosis::{Blind, Fact, Looked, Scene},
};
use std::net::IpAddr;

/// What answers at the registry's door, `GET /v2/`, to this machine: the first thing every client asks (R-DP-01).
#[derive(Clone, Debug)]
pub struct DoorFact {
    /// The registry's host.
    pub server: LoginServer,
    /// What it said.
    pub said: Door,
    /// What `az acr check-health` calls it, if it has a name for it (R-DP-11).
    pub code: Option<&'static str>,
    /// The cause, by its code, that is in the way; empty if none is.
    pub in_the_way: &'static str,
}

/// What was said at a registry's door.
#[derive(Clone, Debug)]
pub enum Door {
    /// How to log in: it is open as far as networks go.
    Challenge(Challenge),
    /// 403: network rules refuse this machine (R-DP-20).
    Refused {
        /// The address it comes from, as the registry names it.
        client: Option<IpAddr>,
        /// The registry's words.
        error: Box<ServiceError>,
    },
    /// Something that is no challenge.
    Strange {
        /// What.
        why: String,
    },
    /// No secure connection came to be: a certificate, or somebody on the way who speaks another TLS.
    Insecure {
        /// The transport's words.
        why: String,
    },
    /// No connection came to be, or nothing came over it.
    Unreached {
        /// The transport's words.
        why: String,
    },
}

impl DoorFact {
    /// How to log in.
    ///
    /// # Errors
    /// The cause that is in the way.
    pub fn challenge(&self) -> Looked<&Challenge> {
        match &self.said {
            Door::Challenge(challenge) => Ok(challenge),
            _ => Err(Blind::masked(self.in_the_way)),
        }
    }
}

/// The cause, by its code, that goes for a registry that refuses this machine.
fn refuses(registry: &Registry, name: Option<&NameFound>) -> &'static str {
    let connections = &registry.properties.private_endpoint_connections;
    if registry.has_public_access() {
        "registry-firewall"
    } else if !connections.iter().any(PrivateEndpointConnection::is_approved) {
        "registry-public-access-off"
    } else if name.is_some_and(|n| n.addresses().iter().any(is_private)) {
        "dns-private-elsewhere"
    } else {
        "dns-public-despite-endpoint"
    }
}

/// The proxy that this machine's environment sends requests to a host through, as the variables are commonly read.
pub(in crate::diagnosis) fn proxy(scene: &Scene, host: &str) -> Option<String> {
    let env = |names: [&str; 2]| names.into_iter().find_map(|name| scene.machine().env(name));
    let proxy = env(["HTTPS_PROXY", "https_proxy"]).or_else(|| env(["ALL_PROXY", "all_proxy"]))?;
    let spared = env(["NO_PROXY", "no_proxy"]).unwrap_or_default();
    let covers = |entry: &str| {
        let entry = entry.trim().trim_start_matches("*").trim_start_matches('.').to_ascii_lowercase();
        let entry = entry.strip_suffix(":443").unwrap_or(&entry);
        !entry.is_empty() && (host == entry || host.strip_suffix(entry).is_some_and(|head| head.ends_with('.')))
    };
    let all = spared.split(',').any(|entry| entry.trim() == "*");
    (!all && !spared.split(',').any(covers)).then_some(proxy)
}

impl Fact for DoorFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let (server, names) = (scene.see::<ServerFact>().await?, scene.see::<NamesFact>().await?);
        let server = LoginServer::parse(scene.cloud(), &server.host).map_err(|_| Blind::masked("wrong-cloud"))?;
        if names.of(server.as_str()).is_some_and(|found| found.is_nothing()) {
            return Err(Blind::masked("dns-unresolved"));
        }
        let failed = match look.challenge(&server).await {
            Ok(challenge) => return Ok(Self { server, said: Door::Challenge(challenge), code: None, in_the_way: "" }),
            Err(e) => DataPlaneError::new(&server, Stage::Challenge, e),
        };
        let (code, e) = (failed.code, &failed.source);
        let said = match (e.first_cause(), e.service()) {
            (_, Some(said)) if said.status == 403 => Door::Refused {
                client: said.firewall_refusal().filter(|r| r.kind == FirewallKind::Registry).and_then(|r| r.client),
                error: Box::new(said.clone()),
            },
            // Its own throttle, or a trouble of its own, says nothing of the networks between.
            (_, Some(said)) if said.status == 429 || said.status >= 500 => return Err(failed.source.into()),
            (Cause::Transport(_), _) if code == Some("CONNECTIVITY_SSL_ERROR") => Door::Insecure { why: e.to_string() },
            (Cause::Transport(_) | Cause::Deadline(_), _) => Door::Unreached { why: e.to_string() },
            _ => Door::Strange { why: e.to_string() },
        };
        let registry = scene.see::<RegistryFact>().await?;
        let in_the_way = match &said {
            Door::Challenge(_) => "",
            Door::Refused { .. } => refuses(&registry.body, names.of(server.as_str())),
            Door::Strange { .. } => "no-challenge",
            Door::Insecure { .. } => "tls-failed",
            Door::Unreached { .. } if proxy(scene, server.as_str()).is_some() => "proxy-suspect",
            Door::Unreached { .. } => "registry-unreachable",
        };
        Ok(Self { server, said, code, in_the_way })
    }
}
