//! A registry's network rules.

use super::*;
use cmk::{Irreversible, RegistryNetwork, azure::vaults::NetworkAction};
use cmk_mocks::ConnectionState;
use serde_json::json;

pub(super) static SCENARIOS: Scenarios = Scenarios { public: &[&REGISTRY_NETWORK], ..NONE };

static REGISTRY_NETWORK: SimpleScenario = SimpleScenario {
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
