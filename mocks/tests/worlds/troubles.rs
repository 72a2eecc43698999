//! Every trouble is staged in the healthy world, in a world of other names, and in a running one.

use bytes::Bytes;
use cmk_mocks::troubles::{self, Names, Place, TroubleError};
use cmk_mocks::worlds::{self, Base};
use cmk_mocks::{Clock, PrincipalKind, Server, Sim, World};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

fn healthy() -> World {
    worlds::ready_made("healthy", &Base::default()).unwrap().world
}

/// The healthy world under other names, beside a registry of another team.
fn elsewhere() -> World {
    let text = worlds::READY_MADE.iter().find(|w| w.name == "healthy").unwrap().text;
    let text = text.replace("contoso1", "fabrikam7").replace("acr-cmk", "wrap").replace("shop", "plant");
    let text = text.replace("workspaces:", "  - {name: plain1, sku: Basic}\nworkspaces:");
    worlds::read(&text, &Base::default()).unwrap().world
}

fn shown(world: &World) -> Value {
    serde_json::to_value(world).unwrap()
}

fn named(registry: &str) -> Names {
    Names { registry: Some(registry.into()), ..Names::default() }
}

#[test]
fn every_trouble_changes_the_healthy_world() {
    for trouble in troubles::all() {
        let before = healthy();
        let mut world = before.clone();
        trouble.apply(&mut world, &Names::default()).unwrap_or_else(|e| panic!("{}: {e}", trouble.name()));
        assert!(shown(&world) != shown(&before), "{} changes nothing", trouble.name());
        let about = trouble.about();
        assert!(about.ends_with('.') && about.len() < 120 && !about.contains('\n'), "{about}");
    }
}

#[test]
fn every_trouble_changes_a_world_of_other_names_and_leaves_others_alone() {
    for trouble in troubles::all() {
        let before = elsewhere();
        let mut world = before.clone();
        trouble.apply(&mut world, &named("FABRIKAM7")).unwrap_or_else(|e| panic!("{}: {e}", trouble.name()));
        let after = shown(&world);
        assert!(after != shown(&before), "{} changes nothing", trouble.name());
        for name in ["contoso1", "acr-cmk"] {
            let said = after.to_string().matches(name).count();
            // The words of a refusal of identities are one recorded text.
            assert!(said == 0 || trouble.name() == "identity-at-risk", "{} speaks of {name}", trouble.name());
        }
        let plain = world.registry_ids().into_iter().find(|id| id.ends_with("/plain1")).unwrap();
        assert_eq!(world.registry(&plain), before.registry(&plain), "{}", trouble.name());
    }
}

#[test]
fn two_troubles_after_each_other_do_not_panic() {
    for first in troubles::all() {
        let mut once = healthy();
        let place = Place::find(&once, &Names::default()).unwrap();
        first.apply_at(&mut once, &place).unwrap();
        for second in troubles::all() {
            second.apply_at(&mut once.clone(), &place).unwrap();
        }
    }
}

#[test]
fn names_are_unique_and_those_of_causes_outside_are_told_apart() {
    let names: Vec<&str> =
        troubles::all().map(|t| t.name()).chain(troubles::outside().iter().map(|o| o.name)).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    let error = troubles::named("docker-absent").unwrap_err();
    assert!(matches!(&error, TroubleError::Outside { name, .. } if name == "docker-absent"), "{error}");
    assert_eq!(troubles::named("nothing").unwrap_err(), TroubleError::NoSuchTrouble("nothing".into()));
}

#[test]
fn what_is_not_there_is_named_and_changes_nothing() {
    let stage = |world: &mut World, name: &str, names: Names| {
        let before = shown(world);
        let error = troubles::named(name).unwrap().apply(world, &names).unwrap_err();
        assert_eq!(shown(world), before, "{name}");
        error.to_string()
    };
    let mut world = elsewhere();
    let which = stage(&mut world, "registry-absent", Names::default());
    assert!(which.contains("which registry?") && which.contains("plain1") && which.contains("fabrikam7"), "{which}");
    assert_eq!(stage(&mut world, "registry-absent", named("none")), "there is no registry 'none'");
    assert!(stage(&mut world, "key-deleted", named("plain1")).contains("'plain1' has no customer-managed key"));
    for (names, what) in [
        (Names { vault: Some("kv-none".into()), ..named("fabrikam7") }, "there is no vault 'kv-none'"),
        (Names { key: Some("none".into()), ..named("fabrikam7") }, "there is no key 'kv-fabrikam7/none'"),
        (Names { identity: Some("id-none".into()), ..named("fabrikam7") }, "there is no identity 'id-none'"),
    ] {
        assert_eq!(stage(&mut world, "key-deleted", names), what);
    }
    let mut fleet = worlds::ready_made("fleet", &Base::default()).unwrap().world;
    let system = stage(&mut fleet, "identity-deleted", named("platform1"));
    assert!(system.contains("not unwrapped by a user-assigned identity"), "{system}");
    troubles::named("key-disabled").unwrap().apply(&mut fleet, &named("platform1")).unwrap();
    // What is still there can be spoiled after the vault is gone.
    let mut gone = healthy();
    for name in ["vault-deleted", "admin-user-on"] {
        troubles::named(name).unwrap().apply(&mut gone, &Names::default()).unwrap();
    }
    assert!(stage(&mut gone, "key-deleted", Names::default()).contains("no customer-managed key"));
}

#[test]
fn what_was_made_is_told() {
    let mut world = healthy();
    let made = troubles::named("probe-failed").unwrap().apply(&mut world, &Names::default()).unwrap();
    let caller: uuid::Uuid = made["caller"].parse().unwrap();
    assert!(world.role_assignments().iter().any(|(who, ..)| *who == caller));
    let before = world.add_principal(PrincipalKind::User, "other").object_id;
    assert_ne!(before, caller);
}

#[tokio::test(start_paused = true)]
async fn a_running_simulator_moves_its_clock_for_a_trouble_that_takes_time() {
    let world = healthy();
    let began = world.now();
    let sim = Sim::new(world, Clock::tokio(began));
    sim.trouble("key-old", &Names::default()).unwrap();
    assert_eq!(sim.clock().now(), began + Duration::from_secs(400 * 24 * 3600));
    assert_eq!(sim.world().now(), sim.clock().now());
    sim.trouble("key-disabled", &Names::default()).unwrap();
    assert!(!sim.world().key_versions("kv-contoso1", "acr-cmk")[0].enabled);
}

async fn asked(server: &Server, method: &str, path: &str, body: &str) -> (u16, Value) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let url = url::Url::parse(&server.url()).unwrap();
    let mut line = tokio::net::TcpStream::connect(("127.0.0.1", url.port().unwrap())).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        url.port().unwrap(),
        body.len()
    );
    line.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    line.read_to_end(&mut answer).await.unwrap();
    let answer = Bytes::from(answer);
    let text = std::str::from_utf8(&answer).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn the_control_api_lists_and_stages_troubles() {
    let world = healthy();
    let sim = Sim::new(world.clone(), Clock::scaled(world.now(), 1.0));
    let server = Server::start(sim.clone(), 0).await.unwrap();
    let (status, all) = asked(&server, "GET", "/_sim/troubles", "").await;
    assert_eq!(status, 200);
    let listed = all["troubles"].as_array().unwrap();
    assert_eq!(listed.len(), troubles::all().count());
    assert_eq!(listed[0], json!({"name": "registry-absent", "about": "The registry was deleted."}));
    assert!(all["outside"].as_array().unwrap().iter().all(|o| o["name"].is_string() && o["why"].is_string()));
    for (path, body, status, part) in [
        ("key-disabled", "", 200, "made"),
        ("probe-failed", r#"{"registry": "contoso1"}"#, 200, "caller"),
        ("vault-deleted", r#"{"registry": "none"}"#, 400, "there is no registry 'none'"),
        ("vault-deleted", r#"{"registries": "none"}"#, 400, "unknown field `registries`"),
        ("docker-absent", "", 400, "lies outside the world"),
        ("nothing", "", 404, "there is no trouble 'nothing'"),
    ] {
        let (got, answer) = asked(&server, "POST", &format!("/_sim/troubles/{path}"), body).await;
        assert_eq!(got, status, "{path}: {answer}");
        assert!(answer.to_string().contains(part), "{path}: {answer}");
    }
    assert_eq!(asked(&server, "DELETE", "/_sim/troubles", "").await.0, 405);
    assert!(!sim.world().key_versions("kv-contoso1", "acr-cmk")[0].enabled);
    assert!(!sim.world().vault_deleted("kv-contoso1"));
    server.shutdown().await;
}
