//! Worlds out of files: those that come with the simulator, the page's example, wrong files, and saved worlds.

use cmk_mocks::worlds::{self, Base, Given, READY_MADE, WorldError};
use cmk_mocks::{ClientPlace, Clock, Params, Schedule, Setup, Sim, SimCloud, What, World, roles};
use serde_json::{Value, json};
use std::time::Duration;
use time::macros::datetime;

fn read(text: &str) -> Given {
    worlds::read(text, &Base::default()).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn ready_made(name: &str) -> Given {
    worlds::ready_made(name, &Base::default()).unwrap()
}

fn shown(world: &World) -> Value {
    serde_json::to_value(world).unwrap()
}

fn registry(world: &World, name: &str) -> String {
    world.registry_ids().into_iter().find(|id| id.ends_with(&format!("/{name}"))).unwrap()
}

fn example() -> &'static str {
    let page = include_str!("../../../docs/worlds.md");
    page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap()
}

#[test]
fn the_worlds_that_come_with_the_simulator_are_as_they_say() {
    for world in READY_MADE {
        let given = ready_made(world.name);
        assert!(given.about.is_some_and(|a| a.ends_with('.')), "{}", world.name);
        assert_eq!((given.saved, given.faults.len()), (false, 0));
        assert_eq!(given.now, Setup::default().now, "{}", world.name);
        assert_eq!(given.world.now(), given.now);
    }
    let tutorial = ready_made("tutorial").world;
    assert_eq!((tutorial.registry_ids().len(), tutorial.vault_names().len()), (0, 0));
    let fleet = ready_made("fleet").world;
    assert_eq!((fleet.registry_ids().len(), fleet.vault_names().len()), (5, 2));
    for world in [ready_made("healthy").world, fleet] {
        for id in world.registry_ids() {
            let encrypted = world.registry(&id).unwrap().encrypted;
            assert_eq!(world.can_unwrap(world.now(), &id).is_ok(), encrypted, "{id}");
            assert!(world.can_pull(world.now(), &id).is_ok(), "{id}");
        }
    }
    let error = worlds::ready_made("none", &Base::default()).unwrap_err();
    assert_eq!(error.to_string(), "there is no world 'none'; there are tutorial, healthy, fleet");
}

#[test]
fn the_example_of_the_page_is_a_world() {
    let Given { world, now, faults, about, .. } = read(example());
    assert!(about.unwrap().contains("expire"));
    let id = registry(&world, "shopweb1");
    let view = world.registry(&id).unwrap();
    assert!(world.can_unwrap(now, &id).is_ok());
    assert_eq!(view.properties["adminUserEnabled"], true, "the trouble");
    assert_eq!(view.properties["dataEndpointEnabled"], true);
    assert_eq!(view.properties["policies"]["exportPolicy"]["status"], "disabled");
    assert_eq!(view.properties["policies"]["trustPolicy"]["status"], "disabled", "what is not said stays");
    assert!(view.system_principal.is_some());
    assert_eq!((world.params.arm_page_size, world.params.role_assignment_delay.max), (100, Duration::from_secs(40)));
    let versions = world.key_versions("kv-shop", "acr");
    assert_eq!(versions.iter().map(|v| v.enabled).collect::<Vec<_>>(), [false, true]);
    assert_eq!(versions[1].exp, Some((now + time::Duration::days(20)).unix_timestamp()));
    assert_eq!(versions[1].tags["owner"], "kim");
    assert!(world.rotation_policy("kv-shop", "acr").unwrap().to_string().contains("P60D"));
    let rules = world.vault_network("kv-shop").unwrap();
    assert_eq!((rules.deny, rules.bypass, rules.ip_rules.as_slice()), (true, true, &["203.0.113.0/24".to_owned()][..]));
    let [subnet] = &world.registry_subnets(&id)[..] else { panic!() };
    assert!(subnet.ends_with("/virtualNetworks/vnet/subnets/machines") && subnet.contains("/resourceGroups/net/"));
    assert_eq!(world.client_place(), &ClientPlace::Subnet(subnet.clone()));
    let [endpoint] = &world.private_endpoints()[..] else { panic!() };
    assert_eq!(endpoint.target, id);
    assert!(endpoint.members.iter().any(|m| m.fqdn.contains("northeurope") && m.address.is_some()), "{endpoint:?}");
    assert_eq!(world.diagnostic_settings(&id).len(), 1);
    let push = world.role_assignments().into_iter().find(|(_, role, ..)| *role == roles::ACR_PUSH).unwrap();
    assert_eq!((push.2, push.3), (id, now - time::Duration::days(2)));
    assert_eq!(faults[0].what, What::LostAfter);
    let random = Schedule::random(5, 0.05, 200, Duration::from_secs(30)).without(&["hold_before", "hold_after"]);
    assert_eq!(faults[1..], random.0);
}

#[test]
fn yaml_and_json_of_the_same_description_are_the_same_world() {
    for text in READY_MADE.iter().map(|w| w.text).chain([example()]) {
        let value: Value = serde_saphyr::from_str(text).unwrap();
        for json in [value.to_string(), serde_json::to_string_pretty(&value).unwrap().replace("  ", "\t")] {
            let (from_yaml, from_json) = (read(text), read(&json));
            assert_eq!(shown(&from_yaml.world), shown(&from_json.world));
            assert_eq!(from_yaml.faults, from_json.faults);
        }
    }
}

#[test]
fn a_saved_world_is_read_by_the_same_function() {
    for name in ["tutorial", "healthy", "fleet"] {
        let Given { world, now, .. } = ready_made(name);
        let saved = Sim::new(world.clone(), Clock::scaled(now, 1e-9)).save();
        let text = serde_json::to_string_pretty(&saved).unwrap();
        let again = read(&text);
        assert!(again.saved);
        assert_eq!(again.now, saved.now);
        assert_eq!(shown(&again.world), serde_json::to_value(&saved.world).unwrap());
        let error = worlds::read(&text.replace("\"params\"", "\"parameters\""), &Base::default()).unwrap_err();
        assert!(matches!(error, WorldError::Saved(_)), "{error}");
        let message = error.to_string();
        assert!(message.contains("params") && message.contains("line"), "{message}");
    }
}

#[test]
fn what_is_not_said_is_the_bases() {
    let now = datetime!(2027-05-01 08:00 UTC);
    let setup = Setup { seed: 9, cloud: SimCloud::China, now, ..Setup::default() };
    let params = Params { arm_page_size: 7, ..Params::default() };
    let base = Base { setup, params };
    for text in ["", "# nothing\n", "{}"] {
        let given = worlds::read(text, &base).unwrap();
        assert_eq!((given.now, given.world.cloud(), given.world.params.arm_page_size), (now, SimCloud::China, 7));
    }
    let said = "setup: {cloud: usgov, now: 2026-01-01T00:00:00Z, delays: 0}\nparams: {arm_page_size: 5}";
    let given = worlds::read(said, &base).unwrap();
    assert_eq!((given.now, given.world.cloud()), (datetime!(2026-01-01 0:00 UTC), SimCloud::UsGov));
    assert_eq!(given.world.params, Params { arm_page_size: 5, ..Params::instant() });
    let half = worlds::read("setup: {delays: 0.5}", &base).unwrap().world.params;
    assert_eq!(half, Params { arm_page_size: 7, ..Params::scaled(0.5) });
}

#[test]
fn troubles_of_a_file_are_staged_and_faults_are_left_to_be_scheduled() {
    let healthy = READY_MADE.iter().find(|w| w.name == "healthy").unwrap().text;
    let given = read(&format!("{healthy}\ntroubles: [vault-deleted, {{name: key-disabled}}, grant-young]\n"));
    assert!(given.world.vault_deleted("kv-contoso1"));
    assert_eq!(given.now, Setup::default().now + time::Duration::seconds(240), "the last lets time pass");
    assert_eq!(given.now, given.world.now());
    let deleted = read(&healthy.replace("keys:\n", "deleted: true\n    keys:\n"));
    assert!(deleted.world.vault_deleted("kv-contoso1"));
    let id = registry(&deleted.world, "contoso1");
    assert!(deleted.world.can_unwrap(deleted.now, &id).is_err());
}

/// Each wrong file, and where and what is told of it.
const WRONG: &[(&str, &str)] = &[
    ("vaults:\n  - nam: kv\n", "line 2, column 5: unknown field `nam`"),
    (
        "groups: [{name: g}]\nvaults:\n  - name: kv-shop\n    keys:\n      - {name: k, sise: 2}\n",
        "line 5, column 19: unknown field `sise`, expected one of name, type, size, curve, operations, versions, rotation, deleted",
    ),
    ("groups:\n  - tags: {}\n", "missing field `name`"),
    ("setup: {seed: minus}\n", "line 1, column 15"),
    ("setup: {cloud: mars}\n", "line 1, column 16: unknown variant `mars`"),
    ("setup: {age: 1w}\n", "line 1, column 14: '1w' is no length of time"),
    ("setup: {now: yesterday}\n", "line 1, column 14: 'yesterday' is no time"),
    ("setup: {delays: -1}\n", "line 1, column 17: a factor is 0 to 1000000"),
    ("params:\n  arm_page_sise: 3\n", "line 2, column 18: there is no setting 'arm_page_sise'"),
    ("params:\n  arm_page_size: many\n", "line 2, column 18: arm_page_size: invalid type"),
    ("providers: {Microsoft.Nothing: true}\n", "there is no provider 'Microsoft.Nothing'"),
    ("groups:\n  - name: a\n  - name: A\n", "line 3, column 11: there is a group 'A' already"),
    ("groups:\n  - {name: a, subscription: 00000000-0000-0000-0000-000000000009}\n", "there is no subscription"),
    ("identities: [{name: id}]\n", "line 1, column 21: there is no group for 'id'"),
    ("groups: [{name: a}, {name: b}]\nidentities:\n  - name: id\n", "line 3, column 11: 'id' has to say its group"),
    ("identities: [{name: id, group: none}]\n", "line 1, column 32: there is no group 'none'"),
    ("people: [{name: operator}]\n", "line 1, column 17: there is somebody named 'operator' already"),
    ("groups: [{name: g}]\nvaults: [{name: k}]\n", "line 2, column 17: 'k' is no name of a vault"),
    ("groups: [{name: g}]\nvaults: [{name: kv-shop, retention_days: 5}]\n", "7 to 90 days"),
    ("groups: [{name: g}]\nvaults: [{name: kv-shop, keys: [{name: a_b}]}]\n", "'a_b' is no name of a key"),
    ("groups: [{name: g}]\nvaults: [{name: kv-shop, keys: [{name: k, type: RSA-HSM}]}]\n", "does not support HSM"),
    ("groups: [{name: g}]\nvaults: [{name: kv-shop, keys: [{name: k}, {name: K}]}]\n", "there is a key 'K' already"),
    (
        "groups: [{name: g}]\nvaults: [{name: kv-shop, keys: [{name: k, rotation: {rotate_after: P1D}}]}]\n",
        "line 2, column 53: A key is rotated not sooner than 7 days",
    ),
    (
        "groups: [{name: g}]\nvaults: [{name: kv-shop, keys: [{name: k, versions: [{made: -1d}, {made: -2d}]}]}]\n",
        "line 2, column 74: versions are made one after the other",
    ),
    (
        "groups: [{name: g}]\nvaults: [{name: kv-shop, access_policies: [{to: kim, keys: [get]}]}]\n",
        "line 2, column 49",
    ),
    ("groups: [{name: g}]\nvaults: [{name: kv-shop, network: {subnets: [a/b]}}]\n", "there is no subnet 'a/b'"),
    ("groups: [{name: g}]\nregistries: [{name: sh-op}]\n", "'sh-op' is no name of a registry"),
    ("groups: [{name: g}]\nregistries: [{name: shop1, sku: Gold}]\n", "line 2, column 33: a registry is Basic"),
    (
        "groups: [{name: g}]\nregistries:\n  - name: shop1\n    cmk: {vault: kv, key: k, identity: id}\n",
        "line 4, column 18: there is no vault 'kv'",
    ),
    (
        "groups: [{name: g}]\nvaults: [{name: kv-a}]\nregistries: [{name: shop1, cmk: {vault: kv-a, key: k, identity: id}}]\n",
        "line 3, column 52: there is no key 'kv-a/k'",
    ),
    (
        "groups: [{name: g}]\nvaults: [{name: kv-a, keys: [{name: k}]}]\nregistries:\n  - name: shop1\n    cmk: {vault: kv-a, \
         key: k, identity: id}\n",
        "line 5, column 42: there is no identity 'id'",
    ),
    (
        "groups: [{name: g}]\nregistries: [{name: shop1, sku: Basic, replications: [eastus]}]\n",
        "for Premium registries",
    ),
    ("groups: [{name: g}]\nregistries: [{name: shop1, properties: {adminUser: true}}]\n", "no property 'adminUser'"),
    (
        "groups: [{name: g}]\nregistries: [{name: shop1, properties: {adminUserEnabled: 1}}]\n",
        "line 2, column 59: the property 'adminUserEnabled' is like false",
    ),
    (
        "groups: [{name: g}]\nregistries: [{name: shop1, tokens: [{name: tok, scope_map: m, password: p}]}]\n",
        "there is no scope map 'm'",
    ),
    ("grants: [{to: nobody, role: Reader, at: subscription}]\n", "line 1, column 15: there is no identity, person"),
    ("grants: [{to: operator, role: Reeder, at: subscription}]\n", "line 1, column 31: there is no role 'Reeder'"),
    ("grants: [{to: operator, role: Reader, at: {vault: kv}}]\n", "line 1, column 51: there is no vault 'kv'"),
    ("grants: [{to: operator, role: Reader, at: {moon: kv}}]\n", "unknown variant `moon`"),
    (
        "policies: [{name: p, at: subscription, resource_type: a/b, equals: 1}]\n",
        "line 1, column 19: a policy has a member",
    ),
    ("groups: [{name: g}]\nprivate_zones: [{of: registries, networks: [v]}]\n", "there is no network 'v'"),
    ("private_zones: [{of: registries}]\n", "line 1, column 22: there is no group for 'private zone'"),
    ("client: {stands: {subnet: v/s}}\n", "line 1, column 27: there is no subnet 'v/s'"),
    ("troubles: [key-lost]\n", "which registry?"),
    (
        "groups: [{name: g}]\nregistries: [{name: shop1}]\ntroubles:\n  - key-lost\n",
        "line 4, column 5: there is no trouble",
    ),
    (
        "groups: [{name: g}]\nregistries: [{name: shop1}]\ntroubles:\n  - az-old\n",
        "line 4, column 5: 'az-old' lies outside",
    ),
    ("groups: [{name: g}]\nregistries: [{name: shop1}]\ntroubles:\n  - key-old\n", "has no customer-managed key"),
    ("troubles:\n  - {name: key-old, regestry: a}\n", "line 2, column 5: unknown field `regestry`"),
    ("faults:\n  - {when: {nth: 1}, what: {kind: explode}}\n", "line 2, column 5: unknown variant `explode`"),
    ("random_faults: {seed: 1, intensity: 2, requests: 3, longest: 1s}\n", "line 1, column 37: the share of requests"),
    (
        "random_faults: {seed: 1, intensity: 1, requests: 3, longest: 1s, without: [rain]}\n",
        "line 1, column 76: there is no fault 'rain'",
    ),
    ("groups: [{name: a}\n", "line "),
    ("groups: a\n", "line 1, column 9"),
    ("about: a\nabout: b\n", "line 2"),
    ("- a\n", "line 1"),
    ("{\"groups\": [{\"name\": \"a\",}, {\"nam\": 1}]}", "line 1, column 30: unknown field `nam`"),
];

#[test]
fn wrong_files_are_told_with_the_place_and_what_is_wrong() {
    let mut bad = Vec::new();
    for (text, wanted) in WRONG {
        match worlds::read(text, &Base::default()) {
            Ok(_) => bad.push(format!("read: {text}")),
            Err(error) if error.to_string().contains(wanted) && error.to_string().matches("line").count() < 2 => {}
            Err(error) => bad.push(format!("{wanted:?} is not in {:?} of\n{text}", error.to_string())),
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn files_of_any_content_are_no_panic() {
    let deep = format!("about: {}1{}", "[".repeat(5000), "]".repeat(5000));
    let bomb = "a: &a [1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nfaults: [*c,*c,*c,*c]\n";
    for text in
        ["\0", "\u{feff}{}", "null", "true", "[]", "{\"world\": {}}", "{\"world\": {}, \"now\": 1}", "%", &deep, bomb]
    {
        // Whatever comes of it, it comes.
        let _ = worlds::read(text, &Base::default());
    }
    assert!(matches!(worlds::read("{\"world\": {}}", &Base::default()), Err(WorldError::Saved(_))));
    assert!(worlds::read(bomb, &Base::default()).is_err());
    assert!(worlds::read(&json!({"groups": 1}).to_string(), &Base::default()).is_err());
}
