//! Who gets to a registry by network.

use super::*;
use cmk::{Irreversible, RegistryNetwork, azure::vaults::NetworkAction};
use cmk_mocks::{ConnectionState, KeyRef, VaultModel};
use cmk_tests::{
    fixture::*,
    transport::{Answer, Tap},
};
use serde_json::{Value, json};

fn order() -> RegistryNetwork {
    RegistryNetwork::new(registry())
}
fn world_with(rules: Value) -> World {
    let mut world = encrypted(KeyRef::Versionless, VaultModel::Policy);
    world.mutate_registry_property(registry().as_str(), "networkRuleSet", rules);
    world
}
fn world() -> World {
    world_with(json!({"defaultAction": "Allow", "ipRules": [{"action": "Allow", "value": "198.51.100.7"}]}))
}
fn patches(fixture: &Fixture) -> Vec<Value> {
    let all = fixture.sim.exchanges().into_iter();
    all.filter(|e| e.method == "PATCH").map(|e| e.request_body["properties"].clone()).collect()
}

#[test]
fn r_cmk_30_only_what_differs_is_written_and_the_way_back_puts_it_back() {
    run_paused(async {
        let fixture = Fixture::of(world());
        let before = fixture.seen().properties;
        done(&fixture, order().public_access(false).trusted_services(true)).await;
        fixture.run(order().allow_ip("203.0.113.7").default_action(NetworkAction::Deny)).named("second").await.unwrap();
        let ip = |all: &[&str]| all.iter().map(|v| json!({"action": "Allow", "value": v})).collect::<Vec<_>>();
        let block = json!({"defaultAction": "Deny", "ipRules": ip(&["198.51.100.7", "203.0.113.7"])});
        assert_eq!(patches(&fixture), [json!({"publicNetworkAccess": "Disabled"}), json!({"networkRuleSet": block})]);
        for (name, run) in [("back-2", "second"), ("back-1", "network")] {
            let back = cmk::Rollback::of(&fixture.journal, &run.parse().unwrap()).await.unwrap();
            fixture.run(back).named(name).await.unwrap();
        }
        assert_eq!(fixture.seen().properties, before);
    });
}

#[test]
fn r_dp_21_rules_for_subnets_are_not_dropped() {
    let subnets = || {
        let subnet = json!([{"action": "Allow", "id": "/subscriptions/s/subnets/build"}]);
        world_with(json!({"defaultAction": "Deny", "ipRules": [], "virtualNetworkRules": subnet}))
    };
    let words: &[&str] =
        &["subnets/build", "assumed", "az acr network-rule add --name contoso1 --ip-address 203.0.113.7"];
    refused(subnets(), order().allow_ip("203.0.113.7"), &[("R-DP-21", words)]);
    // What leaves the block alone is done.
    run_paused(async {
        let fixture = Fixture::of(subnets());
        done(&fixture, order().tasks(true)).await;
        assert!(patches(&fixture)[0].get("networkRuleSet").is_none());
        let kept = fixture.seen().properties["networkRuleSet"]["virtualNetworkRules"].clone();
        assert_eq!(kept.as_array().map(Vec::len), Some(1));
    });
}

#[test]
fn r_dp_21_where_the_preview_does_not_answer_what_is_not_known_is_said() {
    use azure_core::http::Request;
    for status in [400, 404] {
        run_paused(async {
            let fixture = Fixture::of(world());
            let change = move |request: &Request, answer: &mut Answer| {
                let query = request.url().query().unwrap_or_default();
                if query.contains(cmk::azure::versions::REGISTRY_SUBNETS) {
                    (answer.status, answer.body) = (status, br#"{"error":{"code":"InvalidResourceType"}}"#.to_vec());
                }
            };
            let tap = Tap { inner: fixture.sim.transport(), change };
            let azure = fixture.builder().transport(std::sync::Arc::new(tap)).build();
            let plan = fixture.run_on(&azure, order().allow_ip("203.0.113.7")).plan().await.unwrap();
            assert!(plan.has_changes() && plan.to_string().contains("subnets is unknown"), "{status}: {plan}");
        });
    }
}

#[test]
fn r_dp_20_what_cannot_be_is_refused() {
    let many = (0..=200).fold(order(), |order, n| order.allow_ip(format!("203.0.{}.{}", n / 100, n % 100)));
    refused(world(), many, &[("R-DP-20", &["202 rules", "200 is the most"])]);
    refused(world(), order().allow_ip("2001:db8::1"), &[("R-DP-20", &["2001:db8::1"])]);
    refused(world(), order(), &[("own", &["nothing is to change"])]);
    let mut basic = encrypted(KeyRef::Versionless, VaultModel::Policy);
    basic.seed_registry(GROUP, "basic1", "Basic");
    let id = registry().as_str().replace(REGISTRY, "basic1").parse().unwrap();
    refused(basic, RegistryNetwork::new(id).tasks(true), &[("R-DP-20", &["not Premium", "--sku Premium"])]);
}

#[test]
fn a_private_endpoint_goes_with_leave_only() {
    let world = || {
        let mut world = world();
        let vnet = world.seed_vnet(GROUP, "vnet", "10.0.0.0/16");
        let subnet = world.seed_subnet(&vnet, "build", &[]);
        let endpoint =
            world.seed_private_endpoint(GROUP, "pe-1", registry().as_str(), &subnet, ConnectionState::Approved);
        let connection = world.private_endpoint(&endpoint).unwrap().connection;
        (world, endpoint, connection)
    };
    let (first, _, connection) = world();
    refused(first, order().drop_connection(connection), &[("own", &["'private-endpoint' is not accepted"])]);
    run_paused(async {
        let (world, endpoint, connection) = world();
        let fixture = Fixture::of(world);
        let order = order().drop_connection(connection.clone()).accept(Irreversible::PrivateEndpoint);
        let shown = plan(&fixture, order.clone()).await.to_string();
        assert!(shown.contains(&endpoint) && shown.contains("cannot be taken back"), "{shown}");
        let changed = done(&fixture, order.clone()).await;
        assert_eq!((changed.dropped, changed.before == changed.after), (vec![connection], true));
        let left = fixture.sim.world().private_endpoint(&endpoint).unwrap().state;
        assert_eq!(left, ConnectionState::Disconnected);
        let again = plan(&fixture, order).await;
        assert!(!again.has_changes() && again.to_string().contains("has no private endpoint connection"), "{again}");
    });
    refused(self::world(), order().drop_connection("../x"), &[("R-ARM-22", &["../x"])]);
}
