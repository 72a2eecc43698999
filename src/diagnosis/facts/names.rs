use super::{RegistryFact, ServerFact};
use crate::{
    azure::Reader,
    diagnosis::{Fact, Looked, Scene, Unresolved},
};
use futures::future::{join_all, try_join};
use std::net::IpAddr;

/// What the registry's names come to on this machine: the login server, and each data endpoint (R-DP-23).
#[derive(Clone, Debug)]
pub struct NamesFact {
    /// The login server first.
    pub all: Vec<NameFound>,
}

/// What a name comes to.
#[derive(Clone, Debug)]
pub struct NameFound {
    /// The name, in lower case.
    pub host: String,
    /// Its addresses.
    pub found: Result<Vec<IpAddr>, Unresolved>,
}

impl NameFound {
    /// Its addresses; none where it has none, or they cannot be asked for.
    #[must_use]
    pub fn addresses(&self) -> &[IpAddr] {
        self.found.as_deref().unwrap_or_default()
    }
    /// Whether the resolver says that there is no such name.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        match &self.found {
            Ok(found) => found.is_empty(),
            Err(Unresolved::NoSuchName(_)) => true,
            Err(Unresolved::CannotAsk(_)) => false,
        }
    }
    /// As a line.
    #[must_use]
    pub fn shown(&self) -> String {
        let all: Vec<_> = self.addresses().iter().map(ToString::to_string).collect();
        match &self.found {
            Ok(_) if !all.is_empty() => format!("{} is {} here", self.host, all.join(", ")),
            Ok(_) => format!("{} has no address here", self.host),
            Err(Unresolved::NoSuchName(why) | Unresolved::CannotAsk(why)) => format!("{}: {why}", self.host),
        }
    }
}

impl NamesFact {
    /// What a name comes to, if it is one of the registry's.
    #[must_use]
    pub fn of(&self, host: &str) -> Option<&NameFound> {
        self.all.iter().find(|n| n.host.eq_ignore_ascii_case(host))
    }
}

impl Fact for NamesFact {
    async fn look(scene: &Scene, _: &Reader) -> Looked<Self> {
        let (registry, server) = try_join(scene.see::<RegistryFact>(), scene.see::<ServerFact>()).await?;
        let data = registry.body.properties.data_endpoint_host_names.iter().map(|h| h.to_lowercase());
        let hosts = std::iter::once(server.host.clone()).chain(data);
        let all = hosts.map(|host| async {
            let found = scene.machine().resolve(&host).await;
            NameFound { host, found }
        });
        Ok(Self { all: join_all(all).await })
    }
}
