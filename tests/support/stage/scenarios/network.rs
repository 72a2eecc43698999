//! Vaults behind firewalls.

use super::*;
use cmk::{Bypass, Irreversible, RegistryNetwork, VaultNetwork, azure::vaults::NetworkAction};
use cmk_mocks::ConnectionState;
use serde_json::json;

const CLOSED: &str = "kv-closed";
const CLOSED_KEY: &str = "closed-key";

/// A second vault with a key, closed to everybody.
fn with_closed_vault(world: &mut World) {
    let now = world.now();
    world.seed_vault(GROUP, CLOSED, VaultModel::Rbac);
    world.seed_key(CLOSED, CLOSED_KEY, now);
    world.mutate_vault_firewall(CLOSED, true, false, &["198.51.100.7"]);
}

const END_CLOSED: End = End { vault: CLOSED, key: CLOSED_KEY, identity: "system", again: &["revalidate"], ..END };
pub static BYPASS: Play = Play {
    name: "bypass",
    set: bypassed,
    end: END_CLOSED,
    also: |world, what| {
        trusted_alone(world, CLOSED, &["198.51.100.7"], what);
        assert!(world.vault_deleted(VAULT), "{what}: the old vault is left");
    },
};

pub fn bypassed(seed: u64) -> (World, Order) {
    let mut world = encrypted(seed, KeyRef::Versionless, VaultModel::Policy);
    with_closed_vault(&mut world);
    let order =
        Bypass::new(registry()).to_key(key(CLOSED, CLOSED_KEY)).drop_old_vault().accept(Irreversible::VaultDeletion);
    (world, order.into())
}

pub static BYPASS_FROM_NOTHING: Play = Play {
    name: "bypass, from nothing",
    set: |seed| {
        let world = World::with_params(setup(seed, SimCloud::Public), soon());
        let order = Bypass::from_nothing(create::order(), vault(CLOSED), key(CLOSED, CLOSED_KEY));
        (world, order.into())
    },
    end: END_CLOSED,
    also: |world, what| {
        trusted_alone(world, CLOSED, &[], what);
        assert!(world.vault_names().len() == 2, "{what}: {:?}", world.vault_names());
    },
};

pub static BYPASS_IN_PLACE: Play = Play {
    name: "bypass, in place",
    set: |seed| {
        let mut world = encrypted(seed, KeyRef::Versioned, VaultModel::Rbac);
        world.mutate_vault_firewall(VAULT, true, false, &["198.51.100.7"]);
        (world, Bypass::new(registry()).into())
    },
    end: End { pinned: true, again: &["revalidate"], ..END },
    also: |world, what| trusted_alone(world, VAULT, &["198.51.100.7"], what),
};

pub static VAULT_NETWORK: Play = Play {
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

pub static REGISTRY_NETWORK: Play = Play {
    name: "registry network",
    set: |seed| {
        let mut world = encrypted(seed, KeyRef::Versionless, VaultModel::Policy);
        let rules = json!([{"action": "Allow", "value": "198.51.100.7"}, {"action": "Allow", "value": "203.0.113.99"}]);
        let rules = json!({"defaultAction": "Allow", "ipRules": rules});
        world.mutate_registry_property(registry().as_str(), "networkRuleSet", rules);
        let vnet = world.seed_vnet(GROUP, "vnet-old", "10.0.0.0/16");
        let subnet = world.seed_subnet(&vnet, "build", &[]);
        let approved = ConnectionState::Approved;
        let old = world.seed_private_endpoint(GROUP, "pe-old", registry().as_str(), &subnet, approved);
        world.seed_private_endpoint(GROUP, "pe-new", registry().as_str(), &subnet, approved);
        let order = RegistryNetwork::new(registry())
            .drop_connection(world.private_endpoint(&old).unwrap().connection)
            .accept(Irreversible::PrivateEndpoint)
            .default_action(NetworkAction::Deny)
            .allow_ip("203.0.113.0/28")
            .forget_ip("203.0.113.99")
            .tasks(true);
        (world, order.into())
    },
    end: END,
    also: |world, what| {
        let properties = world.registry(registry().as_str()).unwrap().properties;
        let rules = &properties["networkRuleSet"];
        let ip: Vec<_> = rules["ipRules"].as_array().unwrap().iter().map(|r| r["value"].as_str().unwrap()).collect();
        assert_eq!(ip, ["198.51.100.7", "203.0.113.0/28"], "{what}");
        assert_eq!(rules["defaultAction"], "Deny", "{what}");
        assert_eq!(properties["networkRuleBypassAllowedForTasks"], true, "{what}");
        assert_eq!(properties["publicNetworkAccess"], "Enabled", "{what}");
        let states: Vec<_> =
            world.private_endpoints().into_iter().map(|e| (e.id.ends_with("pe-new"), e.state)).collect();
        assert!(states.contains(&(true, ConnectionState::Approved)), "{what}: {states:?}");
        assert!(states.contains(&(false, ConnectionState::Disconnected)), "{what}: {states:?}");
    },
};

/// Closed but for trusted services and these addresses.
fn trusted_alone(world: &World, vault: &str, addresses: &[&str], what: &str) {
    let rules = world.vault_network(vault).unwrap();
    assert!(rules.deny && rules.bypass && rules.public, "{what}: {rules:?}");
    let bare: Vec<_> = rules.ip_rules.iter().map(|r| r.trim_end_matches("/32")).collect();
    assert_eq!(bare, addresses, "{what}");
}
