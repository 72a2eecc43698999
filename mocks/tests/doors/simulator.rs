//! The simulator as other tests start it.

use azure_core::http::{Method, Request, Url};
use cmk_mocks::worlds::{Key, Registry, Scope, Vault, WorldBuilder};
use cmk_mocks::{Fault, SimCloud, Simulator, SimulatorError, What, When};
use std::time::Duration;
use time::macros::datetime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

fn shop(w: WorldBuilder) -> WorldBuilder {
    w.group("shop")
        .identity("id-shop")
        .vault(Vault::rbac("kv-shop").key("acr"))
        .registry(Registry::new("shop1").cmk("kv-shop", "acr", "id-shop").image("web:v1"))
}

async fn get(azure: &Simulator, url: &str) -> u16 {
    let mut request = Request::new(Url::parse(url).unwrap(), Method::Get);
    let scope = "https://management.azure.com/.default";
    let token = azure.credential().get_token(&[scope], None).await.unwrap();
    request.insert_header("authorization", format!("Bearer {}", token.token.secret()));
    azure.transport().execute_request(&request).await.unwrap().status().into()
}

fn registries(azure: &Simulator) -> String {
    let subscription = azure.sim().with_world(|world, _| world.subscription());
    format!(
        "https://management.azure.com/subscriptions/{subscription}/providers/Microsoft.ContainerRegistry/registries?api-version=2025-11-01"
    )
}

#[tokio::test]
async fn exchanges_are_asked_about_and_a_failure_lists_them() {
    let azure = Simulator::builder().world(shop).start().await.unwrap();
    azure.sim().schedule([Fault::new(When::request(2), What::Status { code: 503, retry_after_s: None })]);
    let url = registries(&azure);
    assert_eq!((get(&azure, &url).await, get(&azure, &url).await), (200, 503));
    assert_eq!(get(&azure, "https://management.azure.com/tenants?api-version=2022-12-01").await, 200);
    let seen = azure.exchanges();
    seen.to("MANAGEMENT.azure.com").path_ends_with("/registries").assert_count(2).status(503).assert_count(1);
    seen.writes().assert_none();
    seen.assert_order(&[("GET", "/registries"), ("GET", "/tenants")]);
    assert_eq!(seen.fault("status").last().map(|e| e.n), Some(2));
    assert_eq!((seen.path_contains("containerregistry").count(), seen.method("get").iter().count()), (2, 3));

    let message = |check: &(dyn Fn() + std::panic::RefUnwindSafe)| {
        *std::panic::catch_unwind(check).unwrap_err().downcast::<String>().unwrap()
    };
    let gets = seen.clone();
    let told = message(&move || {
        gets.path_ends_with("/registries").assert_none();
    });
    assert!(told.starts_with("0 exchanges (../registries) were expected, there are 2\n  #1 GET https://"), "{told}");
    assert!(told.contains("-> 503 [status]\nothers:\n  #3 GET https://management.azure.com/tenants -> 200"), "{told}");
    let told = message(&move || {
        seen.assert_order(&[("GET", "/tenants"), ("GET", "/registries")]);
    });
    assert!(told.starts_with("there is no GET ../registries after GET ../tenants\n"), "{told}");
}

#[tokio::test]
async fn it_is_as_it_was_asked_to_be() {
    let start = datetime!(2030-01-01 12:00 UTC);
    let of = |seed: u64| Simulator::builder().seed(seed).cloud(SimCloud::China).now(start).world(shop).start();
    let (one, same, other) = (of(7).await.unwrap(), of(7).await.unwrap(), of(8).await.unwrap());
    let version = |azure: &Simulator| azure.sim().with_world(|w, _| w.key_versions("kv-shop", "acr").remove(0).version);
    assert_eq!(version(&one), version(&same));
    assert_ne!(version(&one), version(&other));
    assert_eq!(one.sim().with_world(|w, _| w.cloud()), SimCloud::China);
    assert!((one.sim().clock().now() - start).abs() < time::Duration::minutes(1));
    assert!(one.variables().is_empty() && one.certificate().is_none());

    let fast = Simulator::builder().clock(100_000.0).start().await.unwrap();
    let begun = fast.sim().clock().now();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(fast.sim().clock().now() - begun > time::Duration::hours(1));

    let text = "{groups: [{name: g}], faults: [{when: {among: writes, nth: 3}, what: {kind: lost_after}}]}";
    let told = Simulator::builder().description(text).start().await.unwrap();
    assert_eq!(told.sim().faults().len(), 1);
    let wrong = Simulator::builder().description("{groups: [{nom: g}]}").start().await;
    assert!(matches!(wrong, Err(SimulatorError::World(_))));

    let world = shop(WorldBuilder::new()).build().unwrap();
    let taken = Simulator::builder().take(world).start().await.unwrap();
    assert_eq!(taken.sim().with_world(|w, _| w.registry_ids().len()), 1);
}

#[tokio::test(start_paused = true)]
async fn latency_passes_on_a_paused_clock() {
    let azure = Simulator::builder().latency(Duration::from_secs(4)).start().await.unwrap();
    let begun = tokio::time::Instant::now();
    get(&azure, "https://management.azure.com/tenants?api-version=2022-12-01").await;
    assert_eq!(begun.elapsed(), Duration::from_secs(4));
}

#[tokio::test]
async fn it_listens_until_it_is_dropped_or_shut_down() {
    let azure = Simulator::builder().tls().start().await.unwrap();
    let variable = |name: &str| azure.variables().iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    assert_eq!(variable("HTTPS_PROXY"), Some(azure.url()));
    assert_eq!(std::fs::read_to_string(variable("SSL_CERT_FILE").unwrap()).unwrap(), azure.certificate().unwrap());
    let addr = azure.addr();
    let mut proxied = TcpStream::connect(addr).await.unwrap();
    proxied
        .write_all(b"CONNECT management.azure.com:443 HTTP/1.1\r\nhost: management.azure.com:443\r\n\r\n")
        .await
        .unwrap();
    let mut answer = [0; 12];
    proxied.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    azure.shutdown().await;
    assert!(TcpStream::connect(addr).await.is_err());

    let dropped = Simulator::start().await.unwrap();
    let addr = dropped.addr();
    drop(dropped);
    let gone = async {
        while TcpStream::connect(addr).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap();
}

#[test]
fn wrong_references_are_told_in_words() {
    let fails = |w: WorldBuilder| w.build().unwrap_err().to_string();
    let new = || WorldBuilder::new().group("g").identity("id").vault(Vault::rbac("kv-one").key("acr"));
    let registry = || Registry::new("shop1");
    assert_eq!(fails(new().registry(registry().cmk("kv-one", "acr", "ghost"))), "there is no identity 'ghost'");
    assert_eq!(fails(new().registry(registry().cmk("kv-two", "acr", "id"))), "there is no vault 'kv-two'");
    assert_eq!(fails(new().registry(registry().cmk("kv-one", "key", "id"))), "there is no key 'kv-one/key'");
    assert_eq!(fails(new().registry(registry()).registry(registry())), "there is a registry 'shop1' already");
    assert_eq!(fails(new().registry(Registry::new("a b"))), "'a b' is no name of a registry");
    assert_eq!(fails(new().grant("operator", "King", Scope::subscription())), "there is no role 'King'");
    assert_eq!(fails(new().grant("operator", "Reader", Scope::group("h"))), "there is no group 'h'");
    assert_eq!(fails(WorldBuilder::new().identity("id")), "there is no group for 'id'");
    let basic = registry().sku("Basic").cmk("kv-one", "acr", "id");
    assert_eq!(fails(new().registry(basic)), "keys, network rules and replications are for Premium registries");
}

#[test]
fn what_is_described_is_there() {
    let now = datetime!(2026-06-01 0:00 UTC);
    let world = WorldBuilder::new()
        .now(now)
        .location("northeurope")
        .group("a")
        .identity("id")
        .person("kim")
        .application("ci", "secret")
        .vault(
            Vault::policies("kv-a")
                .premium()
                .tag("t", "v")
                .firewall(&["203.0.113.0/24"], true)
                .access_policy("kim", &["get"])
                .key(Key::new("k").of_type("RSA-HSM").size(3072).version(now - time::Duration::days(2)).disabled())
                .key(Key::new("e").expires(now + time::Duration::days(9))),
        )
        .group("b")
        .vault(Vault::rbac("kv-b").key("gone").key(Key::new("k").deleted()).without_purge_protection())
        .vault(Vault::rbac("kv-c").deleted())
        .registry(
            Registry::new("shopreg1").cmk_version("kv-a", "e", "id").identity("id").tag("t", "v").replica("westeurope"),
        )
        .registry(Registry::new("shopreg2").cmk("kv-b", "gone", "system").private())
        .registry(Registry::new("shopreg3").sku("Basic").system_identity())
        .grant("ci", "AcrPull", Scope::registry("shopreg3"))
        .grant("shopreg3", "Reader", Scope::key("kv-b", "gone"))
        .grant("kim", "Reader", Scope::identity("id"))
        .lock(Scope::vault("kv-b"), false)
        .build()
        .unwrap();
    let ids = world.registry_ids();
    let at = |name: &str| ids.iter().find(|id| id.ends_with(name)).unwrap();
    assert!(at("shopreg1").contains("/resourceGroups/b/"));
    assert!(world.can_unwrap(now, at("shopreg1")).is_ok() && world.can_unwrap(now, at("shopreg2")).is_ok());
    assert!(world.registry(at("shopreg3")).unwrap().system_principal.is_some());
    assert!(!world.key_versions("kv-a", "k")[0].enabled && world.vault_deleted("kv-c"));
    assert_eq!(world.vault_network("kv-a").unwrap().ip_rules, ["203.0.113.0/24"]);
    assert_eq!(world.access_policies("kv-a").len(), 3);
}
