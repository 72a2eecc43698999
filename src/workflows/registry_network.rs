//! Change the network rules of a registry.

use crate::{
    azure::{Cloud, id::RegistryId, registries::RegistryRules, vaults::NetworkAction},
    engine::{
        error::{Error, Refusal, Result},
        journal::journaled,
        run::{Context, Workflow},
        step::{Accepted, Irreversible, Known},
    },
    steps::{DropPrivateEndpoint, RegistryNetworkChange, SetRegistryNetwork},
};
use serde::{Deserialize, Serialize};

// ---- order ----------------------------------------------------------------------------------------------------------

/// The order to change a registry's network rules; what is not said stays.
///
/// ```
/// use cmk::{RegistryNetwork, azure::vaults::NetworkAction};
/// let registry = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop\
///     /providers/Microsoft.ContainerRegistry/registries/contoso1".parse()?;
/// let order = RegistryNetwork::new(registry).default_action(NetworkAction::Deny).allow_ip("203.0.113.7").tasks(true);
/// # Ok::<(), cmk::Error>(())
/// ```
///
/// # Expected flow
/// 1. The rules are read, changed where the order says, and what differs is written by one PATCH; then read again. The block
///    of addresses and default action is written whole (R-CMK-30, R-ARM-13).
/// 2. Connections of private endpoints that are named are removed.
///
/// # Guarantees
/// - Rules that the order does not name stay, in their order and spelling. The rules before are kept for the way back.
/// - The plan says who is cut off (R-DP-21, R-DP-22).
/// - Rules for subnets are not dropped: only previews know them, and where there are any the block is not written. They are
///   looked for in api-version [`REGISTRY_SUBNETS`](crate::azure::versions::REGISTRY_SUBNETS), by which az changes rules.
///
/// # Assumptions
/// - That a PATCH in a stable api-version drops rules for subnets is *assumed*; that they are shown by that preview, too.
///
/// # Caveats
/// - The rules guard images, not ARM: a caller who is shut out can still change them.
/// - Which public address a caller has is not looked up; a registry tells it to the client that it refuses (R-DP-20).
/// - Rules take minutes to hold (R-DP-20).
/// - A removed private endpoint connection does not come back: its owner has to make the endpoint anew.
///
/// # Errors
/// Refused before anything is written: what is no IPv4 address, more than 200 rules, a registry that is not Premium
/// (R-DP-20), rules for subnets that would be dropped (R-DP-21), a removal that is not accepted, no such registry, a missing
/// right (R-ARM-33), a lock (R-ARM-31).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RegistryNetwork {
    registry: RegistryId,
    #[serde(default)]
    change: RegistryNetworkChange,
    #[serde(default)]
    drop_connections: Vec<String>,
    #[serde(default)]
    accept: Accepted,
}

impl RegistryNetwork {
    /// Of this registry; nothing changes yet.
    #[must_use]
    pub fn new(registry: RegistryId) -> Self {
        Self {
            registry,
            change: RegistryNetworkChange::default(),
            drop_connections: Vec::new(),
            accept: Accepted::default(),
        }
    }
    /// All of the change to the rules at once.
    #[must_use]
    pub fn change(mut self, change: RegistryNetworkChange) -> Self {
        self.change = change;
        self
    }
    /// Whether the public address answers at all. Without it, service endpoints of subnets are cut off too (R-DP-21).
    #[must_use]
    pub fn public_access(mut self, on: bool) -> Self {
        self.change.public_access = Some(on);
        self
    }
    /// What becomes of whom no rule names.
    #[must_use]
    pub fn default_action(mut self, action: NetworkAction) -> Self {
        self.change.default_action = Some(action);
        self
    }
    /// Lets an IPv4 address or range in.
    #[must_use]
    pub fn allow_ip(mut self, ip: impl Into<String>) -> Self {
        self.change.allow_ip.push(ip.into());
        self
    }
    /// Takes the rule of an address or range away.
    #[must_use]
    pub fn forget_ip(mut self, ip: impl Into<String>) -> Self {
        self.change.forget_ip.push(ip.into());
        self
    }
    /// Lets trusted services through, or no longer (R-DP-22).
    #[must_use]
    pub fn trusted_services(mut self, through: bool) -> Self {
        self.change.trusted_services = Some(through);
        self
    }
    /// Lets tasks with the registry's own identity through, or no longer (R-DP-22).
    #[must_use]
    pub fn tasks(mut self, through: bool) -> Self {
        self.change.tasks = Some(through);
        self
    }
    /// Removes the connection of a private endpoint, by the connection's name. It does not come back:
    /// [`Irreversible::PrivateEndpoint`] has to be accepted.
    #[must_use]
    pub fn drop_connection(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        if !self.drop_connections.iter().any(|there| there.eq_ignore_ascii_case(&name)) {
            self.drop_connections.push(name);
        }
        self
    }
    /// Accepts by name what cannot be taken back: [`Irreversible::PrivateEndpoint`].
    #[must_use]
    pub fn accept(mut self, what: Irreversible) -> Self {
        self.accept.add(what);
        self
    }
    /// The registry.
    #[must_use]
    pub fn registry(&self) -> &RegistryId {
        &self.registry
    }
}

// ---- outcome --------------------------------------------------------------------------------------------------------

/// A registry's network rules after a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegistryNetworkChanged {
    /// The registry.
    pub registry: RegistryId,
    /// The rules as they were.
    pub before: RegistryRules,
    /// The rules as they are.
    pub after: RegistryRules,
    /// The private endpoint connections that are gone, of those named.
    pub dropped: Vec<String>,
}

/// What the registry was like before.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Before {
    rules: RegistryRules,
    connections: Vec<String>,
}

journaled!(RegistryNetwork, RegistryNetworkChanged, Before);

// ---- steps ----------------------------------------------------------------------------------------------------------

impl Workflow for RegistryNetwork {
    const NAME: &'static str = "network";
    const VERSION: u32 = 1;
    type Outcome = RegistryNetworkChanged;

    fn subject(&self) -> String {
        self.registry.to_string()
    }
    fn accepts(&self) -> &[Irreversible] {
        &self.accept
    }
    fn refusals(&self, _: &Cloud) -> Vec<Refusal> {
        let mut why = self.change.refusals();
        why.extend(self.drop_connections.iter().filter_map(|name| no_name(name)));
        if self.change.is_empty() && self.drop_connections.is_empty() {
            why.push(Refusal::new("nothing is to change", "own", "say what, as `--allow-ip` or `--public-access off`"));
        }
        why
    }

    async fn steps(&self, cx: &Context) -> Result<Known<RegistryNetworkChanged>> {
        let registry = self.registry.clone();
        let read = |look: crate::azure::Reader| async move {
            let seen =
                look.registry(&registry).await?.ok_or_else(|| Error::refused(crate::steps::no_registry(&registry)))?;
            let connections =
                seen.properties.private_endpoint_connections.iter().filter_map(|c| c.name.clone()).collect();
            Ok(Before { rules: seen.network_rules(), connections })
        };
        let before = cx.decide("rules", &self.registry.to_string(), read).await?;
        let mut done = Known::Now(());
        if !self.change.is_empty() {
            let (registry, change) = (self.registry.clone(), self.change.clone());
            done = cx.step(SetRegistryNetwork { registry, change, exactly: None, from: None, after: None }).await?;
        }
        let mut dropped = Vec::new();
        for connection in &self.drop_connections {
            if before.connections.iter().any(|there| there.eq_ignore_ascii_case(connection)) {
                dropped.push(connection.clone());
            } else {
                cx.note(format!("{} has no private endpoint connection '{connection}'", self.registry.name()));
            }
            let (registry, connection) = (self.registry.clone(), connection.clone());
            cx.step(DropPrivateEndpoint { registry, connection }).await?;
        }
        let after = self.change.on(&before.rules);
        Ok(done.map(|()| RegistryNetworkChanged {
            registry: self.registry.clone(),
            before: before.rules,
            after,
            dropped,
        }))
    }
}

/// A connection's name becomes part of a path.
fn no_name(name: &str) -> Option<Refusal> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let is = (1..=128).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(plain);
    (!is).then(|| {
        Refusal::new(
            format!("'{}' is no name of a private endpoint connection", name.escape_debug()),
            "R-ARM-22",
            "give the connection's name, as `az acr private-endpoint-connection list` shows it",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_name_is_no_part_of_a_path() {
        assert!(no_name("pe-1.westeurope_x").is_none());
        let long = "a".repeat(129);
        for bad in ["", "..", "a/b", "a?b", "a b", "-a", &long] {
            assert!(no_name(bad).is_some(), "{bad}");
        }
    }
}
