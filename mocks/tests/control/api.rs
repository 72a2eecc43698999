//! The control API: clock modes, snapshots, the log, the status, and whom it refuses.

use std::time::Duration;

use crate::support::controlling::{Answer, Steered, world};
use cmk_mocks::{Clock, ClockError, ClockMode, Denial, Fault, KeyOp, OPERATOR_SECRET, Sim, SnapshotError, What, When};
use serde_json::{Value, json};

const HOUR: time::Duration = time::Duration::HOUR;

#[tokio::test]
async fn a_clock_by_hand_stands_and_a_fast_one_runs() {
    let steered = Steered::new().await;
    let start = steered.sim.clock().now();
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(steered.sim.clock().now(), start);
    let shown = steered.control("PUT", "clock", json!({ "mode": "fast", "factor": 36_000 })).await;
    assert_eq!((&shown["mode"], &shown["factor"]), (&json!("fast"), &json!(36_000.0)));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(steered.sim.clock().now() - start >= HOUR, "{}", steered.sim.clock().now());

    let shown = steered.control("PUT", "clock", json!({ "mode": "real" })).await;
    assert_eq!((&shown["mode"], shown.get("factor")), (&json!("real"), None));
    let before = steered.sim.clock().now();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let ran = steered.sim.clock().now() - before;
    assert!(ran >= time::Duration::milliseconds(50) && ran < HOUR, "{ran}");

    let stands = steered.control("PUT", "clock", json!({ "mode": "manual" })).await;
    let moved = steered.control("POST", "clock/advance", json!({ "seconds": 0.5 })).await;
    let at = |shown: &Value| {
        let text = shown["now"].as_str().unwrap();
        time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap()
    };
    assert_eq!(at(&moved) - at(&stands), time::Duration::milliseconds(500));
}

#[tokio::test]
async fn what_is_no_mode_is_refused_and_changes_nothing() {
    let steered = Steered::new().await;
    for wrong in [
        r#"{"mode":"fast"}"#,
        r#"{"mode":"fast","factor":0}"#,
        r#"{"mode":"fast","factor":-1}"#,
        r#"{"mode":"real","factor":2}"#,
        r#"{"mode":"tokio"}"#,
        r#"{"mode":"manual","speed":1}"#,
        "{}",
        "",
        "real",
    ] {
        assert_eq!(steered.ask("PUT", "/_sim/clock", &[], wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(steered.sim.clock().mode(), ClockMode::Manual);

    let (world, seeded) = world();
    let clock = Clock::tokio(world.now());
    let bound = Steered::of(world, seeded, clock).await;
    assert_eq!(bound.ask("PUT", "/_sim/clock", &[], r#"{"mode":"real"}"#).await.status, 409);
    assert_eq!(bound.sim.clock().mode(), ClockMode::Tokio);
}

#[test]
fn modes_are_read_as_they_are_written() {
    for mode in [ClockMode::Real, ClockMode::Manual, ClockMode::Fast { factor: 60.0 }, ClockMode::Fast { factor: 0.5 }]
    {
        assert_eq!(mode.to_string().parse(), Ok(mode));
    }
    assert_eq!("fast=0".parse::<ClockMode>(), Err(ClockError::Factor(0.0)));
    for wrong in ["", "fast", "fast=", "fast=x", "slow=2", "tokio", "real=1"] {
        assert!(matches!(wrong.parse::<ClockMode>(), Err(ClockError::Name(_))), "{wrong}");
    }
    assert!(matches!("fast=inf".parse::<ClockMode>(), Err(ClockError::Factor(_))));
}

#[tokio::test]
async fn who_sleeps_by_a_clock_by_hand_is_woken_when_it_is_moved_that_far() {
    let steered = Steered::new().await;
    steered.sim.latency(Duration::from_secs(600));
    let path = steered.group_path("shop");
    let asked = steered.arm("GET", &path, "");
    let start = steered.sim.clock().now();
    let moved = async {
        loop {
            tokio::time::sleep(Duration::from_millis(5)).await;
            steered.sim.clock().advance(Duration::from_secs(60));
        }
    };
    let answer = tokio::select! {
        answer = asked => answer,
        () = moved => unreachable!("it goes on"),
    };
    assert_eq!(answer.status, 200);
    assert!(steered.sim.clock().now() - start >= time::Duration::seconds(600));
}

#[tokio::test]
async fn the_clock_goes_from_one_thing_that_falls_due_to_the_next() {
    let steered = Steered::new().await;
    let (sim, registry, user) = (&steered.sim, steered.seeded.registry.clone(), steered.seeded.user);
    let start = sim.clock().now();
    let wraps = || sim.with_world(|w, now| w.principal_access(now, user, "vault1", "key1", KeyOp::Wrap));
    let newest = steered.seeded.versions[1].clone();
    let uses_newest =
        || sim.with_world(|w, _| w.registry(&registry).unwrap().versioned_key_identifier.unwrap().ends_with(&newest));
    assert_eq!((wraps(), uses_newest()), (Err(Denial::NoRole), false));
    // The deleted key is deleted, the grant comes into force, the registry takes the newer version: in whatever order.
    let mut steps = 0;
    while wraps().is_err() || !uses_newest() {
        let before = sim.next_due().expect("something is due");
        let shown = steered.control("POST", "clock/next", Value::Null).await;
        assert_eq!(sim.clock().now(), before);
        assert_ne!(shown["next"], shown["now"]);
        steps += 1;
        assert!(steps < 10, "{shown}");
    }
    assert!(sim.clock().now() - start <= HOUR);

    // A lost request that lands is one of these things.
    sim.schedule([Fault::new(When::write(1), What::LandsLate { after_s: 30 })]);
    let path = steered.group_path("late");
    let addr = steered.server.addr();
    let token = sim.with_world(|w, now| w.token(w.operator().object_id, "https://management.azure.com", now));
    let lost = lost_request(addr, &path, &token).await;
    assert!(lost.is_empty(), "{lost}");
    let at = sim.clock().now();
    steered.control("POST", "clock/next", Value::Null).await;
    assert_eq!(sim.clock().now() - at, time::Duration::seconds(30));
    assert!(steered.has_group("late").await);
}

async fn lost_request(addr: std::net::SocketAddr, path: &str, token: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
    let body = r#"{"location":"westeurope"}"#;
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: management.azure.com\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text).await;
    text
}

#[tokio::test]
async fn time_ends_without_a_fall() {
    let steered = Steered::new().await;
    for _ in 0..2 {
        steered.control("POST", "clock/advance", json!({ "seconds": 1e18 })).await;
        assert_eq!(steered.sim.clock().now().year(), 9000);
        assert_eq!(
            steered.arm("PUT", &steered.group_path("last"), r#"{"location":"westeurope"}"#).await.status / 100,
            2
        );
    }
    steered.sim.with_world(|w, _| w.mutate_delete_vault("vault1"));
    steered.control("POST", "clock/next", Value::Null).await;
    assert_eq!(steered.get("status").await.status, 200);
}

#[tokio::test]
async fn a_snapshot_is_gone_back_to_and_the_clock_is_not() {
    let steered = Steered::new().await;
    let taken = steered.control("PUT", "snapshots/before", Value::Null).await;
    steered.control("POST", "clock/advance", json!({ "seconds": 600 })).await;
    assert_eq!(steered.arm("PUT", &steered.group_path("new"), r#"{"location":"westeurope"}"#).await.status, 201);
    steered.sim.with_world(|w, _| w.mutate_delete_registry(&steered.seeded.registry));
    let now = steered.sim.clock().now();

    let wraps = || {
        let user = steered.seeded.user;
        steered.sim.with_world(|w, now| w.principal_access(now, user, "vault1", "key1", KeyOp::Wrap))
    };
    for _ in 0..2 {
        let restored = steered.control("POST", "snapshots/before/restore", Value::Null).await;
        assert_eq!(restored, taken);
        assert_eq!(steered.sim.clock().now(), now, "it never runs backwards");
        assert!(!steered.has_group("new").await);
        assert!(steered.sim.with_world(|w, _| w.registry(&steered.seeded.registry).is_some()));
        assert_eq!(wraps(), Ok(()), "the grant that was on its way has come into force meanwhile");
        assert_eq!(steered.arm("PUT", &steered.group_path("new"), r#"{"location":"westeurope"}"#).await.status, 201);
    }
    let listed = steered.get("snapshots").await.json();
    assert_eq!(listed, json!({ "snapshots": [taken], "most": Sim::SNAPSHOTS }));
    steered.control("DELETE", "snapshots/before", Value::Null).await;
    assert_eq!(steered.ask("POST", "/_sim/snapshots/before/restore", &[], "").await.status, 404);
    assert_eq!(steered.ask("DELETE", "/_sim/snapshots/before", &[], "").await.status, 404);
    assert!(steered.has_group("new").await, "what is refused changes nothing");
}

#[tokio::test]
async fn snapshots_are_bounded_and_named() {
    let steered = Steered::new().await;
    for i in 0..Sim::SNAPSHOTS {
        steered.sim.snapshot(&format!("n{i}")).unwrap();
    }
    let full = steered.ask("PUT", "/_sim/snapshots/more", &[], "").await;
    assert_eq!(
        (full.status, full.json()),
        (409, json!({ "error": "there are 16 snapshots already: delete one first" }))
    );
    assert_eq!(steered.sim.snapshot("more"), Err(SnapshotError::TooMany));
    steered.sim.snapshot("n0").expect("one of the same name is replaced");
    steered.sim.forget_snapshot("n1").unwrap();
    steered.sim.snapshot("more").unwrap();
    for wrong in ["", "a%20b", "..%2Fa", "%00", &"x".repeat(65)] {
        let status = steered.ask("PUT", &format!("/_sim/snapshots/{wrong}"), &[], "").await.status;
        assert_eq!(status, 400, "{wrong}");
    }
    assert_eq!(steered.sim.snapshots().len(), Sim::SNAPSHOTS);
}

#[tokio::test]
async fn exchanges_are_followed_line_by_line() {
    let steered = Steered::new().await;
    steered
        .sim
        .schedule([Fault::new(When::request(2), What::Throttle { retry_after_s: 1, header: Default::default() })]);
    for _ in 0..3 {
        steered.arm("GET", &steered.group_path("shop"), "").await;
    }
    let all = steered.get("exchanges").await;
    let lines = steered.get("exchanges?format=jsonl").await;
    assert_eq!((lines.header("content-type"), lines.header("x-sim-next")), ("application/x-ndjson", "3"));
    let parsed: Vec<Value> = lines.text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!((json!(parsed), lines.text.ends_with('\n')), (all.json(), true));
    assert_eq!((&parsed[1]["status"], &parsed[1]["fault"]), (&json!(429), &json!("throttle")));

    let numbers = |answer: &Answer| -> Vec<u64> {
        answer.json().as_array().unwrap().iter().map(|e| e["n"].as_u64().unwrap()).collect()
    };
    let part = steered.get("exchanges?since=1&limit=1").await;
    assert_eq!((numbers(&part), part.header("x-sim-next")), (vec![2], "2"));
    let rest = steered.get("exchanges?since=2&limit=9").await;
    assert_eq!((numbers(&rest), rest.header("x-sim-next")), (vec![3], "3"));
    let none = steered.get("exchanges?since=99&format=jsonl").await;
    assert_eq!((&*none.text, none.header("x-sim-next")), ("", "3"));
    // What is forgotten is still counted, so that who follows neither misses nor repeats anything.
    steered.control("DELETE", "exchanges", Value::Null).await;
    steered.arm("GET", &steered.group_path("shop"), "").await;
    let on = steered.get("exchanges?since=3").await;
    assert_eq!((numbers(&on), on.header("x-sim-next")), (vec![4], "4"));
    assert_eq!(steered.get("health").await.json()["exchanges"], json!(4));
    for wrong in ["since=-1", "limit=x", "format=xml", "sinse=1"] {
        assert_eq!(steered.get(&format!("exchanges?{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn the_status_tells_who_may_use_a_key_and_why_not() {
    let steered = Steered::new().await;
    let shown = steered.get("status").await.json();
    let of = |who: &str, key: &str| {
        let all = shown["access"].as_array().unwrap();
        all.iter()
            .find(|a| a["principal"] == who && a["key"] == key)
            .cloned()
            .unwrap_or_else(|| panic!("{who}: {all:?}"))
    };
    let identity = steered.seeded.identity.principal_id.to_string();
    let granted = of(&identity, "key1");
    let yes = json!({ "may": true });
    assert_eq!((&granted["get"], &granted["wrap_key"], &granted["unwrap_key"]), (&yes, &yes, &yes));
    assert_eq!(of(&identity, "key2")["get"]["denial"], "NoPolicy");
    let user = of(&steered.seeded.user.to_string(), "key1");
    assert_eq!((&user["name"], &user["wrap_key"]["denial"]), (&json!("Ada <b>Lovelace</b>"), &json!("NoRole")));
    assert_eq!(user["wrap_key"]["pending"], "2026-11-22T00:05:00Z");
    let gone = shown["access"].as_array().unwrap().iter().find(|a| a["kind"].is_null()).unwrap();
    assert_eq!(gone["unwrap_key"]["why"], "the identity is deleted");
    let operator = steered.sim.with_world(|w, _| w.operator().object_id).to_string();
    assert_eq!(of(&operator, "key2")["unwrap_key"]["denial"], "VersionDisabled");

    // The same as the judge of tests says, of each pair.
    for line in shown["access"].as_array().unwrap() {
        let text = |name: &str| line[name].as_str().unwrap();
        let who = text("principal").parse().unwrap();
        for (name, op) in [("get", KeyOp::Get), ("wrap_key", KeyOp::Wrap), ("unwrap_key", KeyOp::Unwrap)] {
            let judged = steered.sim.with_world(|w, now| w.principal_access(now, who, text("vault"), text("key"), op));
            assert_eq!(line[name]["may"], json!(judged.is_ok()), "{line}");
        }
    }
    let registry = shown["registries"].as_array().unwrap().iter().find(|r| r["name"] == "contoso1").unwrap();
    assert_eq!(registry["version_in_use"], json!(steered.seeded.versions[0]));
    let keys = |vault: usize| shown["vaults"][vault]["keys"].as_array().unwrap();
    assert_eq!(keys(0)[0]["versions"][0]["version"], json!(steered.seeded.versions[1]), "newest first");
    assert_eq!(keys(1)[0]["versions"][0]["expires"], "2026-11-23T00:00:00Z");
    assert_ne!(keys(1)[1]["state"], "active");
}

#[tokio::test]
async fn a_closed_firewall_keeps_people_out_and_lets_trusted_services_in() {
    let steered = Steered::new().await;
    let (user, identity) = (steered.seeded.user, steered.seeded.identity.principal_id);
    steered.sim.clock().advance(Duration::from_secs(600));
    let access = |who| steered.sim.with_world(|w, now| w.principal_access(now, who, "vault1", "key1", KeyOp::Unwrap));
    assert_eq!((access(user), access(identity)), (Ok(()), Ok(())));
    for may_bypass in [true, false] {
        steered.sim.with_world(|w, _| {
            w.mutate_vault_firewall("vault1", true, true, &[]);
            w.params.uami_can_bypass_firewall = may_bypass;
        });
        let of_identity = if may_bypass { Ok(()) } else { Err(Denial::Firewall) };
        assert_eq!((access(user), access(identity)), (Err(Denial::Firewall), of_identity));
    }
}

#[tokio::test]
async fn the_status_shows_no_secrets_and_is_bounded() {
    let steered = Steered::new().await;
    let body = format!("grant_type=client_credentials&client_secret={OPERATOR_SECRET}");
    let tenant = steered.sim.with_world(|w, _| w.tenant());
    let login = [("host", "login.microsoftonline.com")];
    steered.ask("POST", &format!("/{tenant}/oauth2/v2.0/token"), &login, &body).await;
    steered.sim.with_world(|w, _| {
        for i in 0..300 {
            w.seed_registry("many", &format!("many{i:03}"), "Basic");
            w.seed_identity("many", &format!("id{i:03}"));
        }
    });
    let status = steered.get("status").await;
    for secret in [OPERATOR_SECRET, "client_secret", "REDACTED", "eyJ", "Bearer"] {
        assert!(!status.text.contains(secret), "{secret}");
    }
    let shown = status.json();
    let length = |name: &str| shown[name].as_array().unwrap().len();
    assert_eq!((length("registries"), length("access"), length("exchanges")), (200, 500, 1));
    assert_eq!(shown["counts"]["registries"], 302);
}

#[tokio::test]
async fn pages_of_the_web_are_refused_and_a_browser_may_only_look() {
    let steered = Steered::new().await;
    let foreign = [
        ("origin", "https://example.com"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ];
    let all = [("GET", ""), ("GET", "status"), ("GET", "world"), ("PUT", "snapshots/a"), ("POST", "clock/next")];
    for header in foreign {
        for (method, what) in all {
            let answer = steered.ask(method, &format!("/_sim/{what}"), &[header], "").await;
            assert_eq!(answer.status, 403, "{method} {what} {header:?}");
        }
        assert_eq!(steered.ask("GET", "/", &[header], "").await.status, 403);
    }
    for site in ["same-origin", "none"] {
        let header = [("sec-fetch-site", site)];
        for what in ["", "status", "health", "clock", "openapi.json"] {
            assert_eq!(steered.ask("GET", &format!("/_sim/{what}"), &header, "").await.status, 200, "{what}");
        }
        for (method, what) in [("GET", "world"), ("GET", "exchanges"), ("GET", "faults"), ("PUT", "snapshots/a")] {
            assert_eq!(steered.ask(method, &format!("/_sim/{what}"), &header, "").await.status, 403, "{what}");
        }
    }
    assert_eq!(steered.sim.snapshots(), []);
    assert_eq!(steered.ask("OPTIONS", "/_sim/clock", &[], "").await.status, 403);
}

#[tokio::test]
async fn the_page_answers_under_a_loopback_host_only_and_runs_nothing_but_itself() {
    let steered = Steered::new().await;
    let port = steered.server.addr().port();
    for host in ["localhost", "127.0.0.1", "[::1]", "127.9.9.9"] {
        let host = format!("{host}:{port}");
        for path in ["/", "/_sim/"] {
            let page = steered.ask("GET", path, &[("host", &host)], "").await;
            assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"), "{host}{path}");
            assert!(page.text.contains("<title>azure-sim</title>"));
        }
    }
    for host in ["attacker.example.com", "127.0.0.1.example.com", "localhost.example.com", "[::2]", "192.168.0.1"] {
        let host = format!("{host}:{port}");
        for path in ["/", "/_sim/", "/_sim/status", "/_sim/world"] {
            let page = steered.ask("GET", path, &[("host", &host)], "").await;
            assert_eq!(page.status, 502, "{host}{path}");
            assert!(!page.text.contains("azure-sim") && !page.text.contains("vault1"), "{}", page.text);
        }
    }
    let page = steered.get("").await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    for (name, value) in
        [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("cache-control", "no-store")]
    {
        assert_eq!(page.header(name), value);
    }
    for foreign in ["http://", "https://", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
        assert!(!page.text.contains(foreign), "{foreign}");
    }
    assert_eq!(steered.ask("POST", "/", &[], "").await.status, 421);
}
