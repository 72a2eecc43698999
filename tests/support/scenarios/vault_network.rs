//! A vault's network rules.

use super::*;
use cmk::{VaultNetwork, azure::vaults::NetworkAction};

pub(super) static SCENARIOS: Scenarios = Scenarios { public: &[&VAULT_NETWORK], ..NONE };

static VAULT_NETWORK: SimpleScenario = SimpleScenario {
    name: "vault network",
    set: |seed| {
        let mut world = encrypted(seed, KeyRef::Versionless, VaultModel::Policy);
        world.mutate_vault_firewall(VAULT, false, true, &["198.51.100.7", "203.0.113.99"]);
        let order = VaultNetwork::new(vault(VAULT))
            .default_action(NetworkAction::Deny)
            .allow_ip("203.0.113.0/28")
            .forget_ip("203.0.113.99");
        (world, order.into())
    },
    end: END,
    also: |world, what| trusted_alone(world, VAULT, &["198.51.100.7", "203.0.113.0/28"], what),
};
