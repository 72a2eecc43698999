//! The in-process door: each fault does what it says, and time is the runtime's.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::bench::Bench;
use azure_core::error::ErrorKind;
use azure_core::http::Method;
use cmk_mocks::{Fault, Match, Release, RetryHeader, Schedule, What, When, is_write};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_paused_clock_runs_by_itself() {
    let bench = Bench::new();
    let before = bench.sim.clock().now();
    tokio::time::sleep(Duration::from_secs(90 * 60)).await;
    assert_eq!((bench.sim.clock().now() - before).whole_minutes(), 90);
    // The token is from before the wait, for the SDK an hour young, and good for the world.
    assert_eq!(bench.put("g").await.unwrap().status, 201);
    bench.sim.clock().advance(Duration::from_secs(60));
    assert_eq!((bench.sim.clock().now() - before).whole_minutes(), 91);
    assert_eq!(bench.get("g").await.unwrap().date.unwrap(), azure_core::time::to_rfc7231(&bench.sim.clock().now()));
}

#[tokio::test(start_paused = true)]
async fn r_arm_02_a_throttled_request_is_not_applied() {
    let bench = Bench::with(When::request(1), What::Throttle { retry_after_s: 7, header: RetryHeader::RetryAfter });
    let answer = bench.put("g").await.unwrap();
    assert_eq!((answer.status, answer.wait.as_deref()), (429, Some("7")));
    assert!(!bench.has("g").await);
    assert_eq!(bench.put("g").await.unwrap().status, 201, "once is once");

    let what = What::Throttle { retry_after_s: 2, header: RetryHeader::XMsRetryAfterMs };
    bench.sim.schedule([Fault::new(When::matching(Match::new("GET", "resourcegroups")).always(), what)]);
    for _ in 0..3 {
        assert_eq!(bench.get("g").await.unwrap().wait.as_deref(), Some("2000"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_is_given_with_or_without_a_wait() {
    let bench = Bench::with(When::write(2), What::Status { code: 503, retry_after_s: Some(3) });
    assert_eq!(bench.put("a").await.unwrap().status, 201);
    assert_eq!(bench.get("a").await.unwrap().status, 200);
    let answer = bench.put("b").await.unwrap();
    assert_eq!((answer.status, answer.wait.as_deref()), (503, Some("3")));
    assert!(!bench.has("b").await);
    let fired = bench.sim.fired();
    assert_eq!((fired[0].n, fired[0].kind.as_str(), fired[0].method.as_str()), (3, "status", "PUT"));
}

#[tokio::test(start_paused = true)]
async fn lost_before_refused_and_lost_after() {
    for (what, error, applied) in [
        (What::LostBefore, ErrorKind::Io, false),
        (What::Refused, ErrorKind::Connection, false),
        (What::LostAfter, ErrorKind::Io, true),
    ] {
        let bench = Bench::with(When::request(1), what.clone());
        assert_eq!(bench.put("g").await.unwrap_err(), error, "{what:?}");
        assert_eq!(bench.has("g").await, applied, "{what:?}");
        assert_eq!(bench.kinds(), [what.kind()]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_request_lands_on_time_and_before_what_comes_after() {
    let bench = Bench::with(When::matching(Match::new("PUT", "/late")), What::LandsLate { after_s: 20 });
    assert_eq!(bench.put("late").await.unwrap_err(), ErrorKind::Io);
    assert_eq!(bench.get("late").await.unwrap().status, 404);
    assert_eq!(bench.sim.landing(), 1);
    tokio::time::sleep(Duration::from_secs(19)).await;
    assert_eq!(bench.get("late").await.unwrap().status, 404);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.get("late").await.unwrap().status, 200);
    let log = bench.sim.exchanges();
    let late: Vec<_> =
        log.iter().filter(|e| e.fault.as_deref() == Some("lands_late")).map(|e| (e.n, e.status)).collect();
    assert_eq!(late, [(1, 0), (1, 201)]);
}

#[tokio::test(start_paused = true)]
async fn late_requests_land_in_the_order_of_their_time() {
    let bench = Bench::new();
    let late = |path, after_s| Fault::new(When::matching(Match::new("PUT", path)), What::LandsLate { after_s });
    bench.sim.schedule([late("/first", 30), late("/second", 10)]);
    assert_eq!(bench.put("first").await.unwrap_err(), ErrorKind::Io);
    assert_eq!(bench.put("second").await.unwrap_err(), ErrorKind::Io);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let landed: Vec<_> = bench.sim.exchanges().into_iter().filter(|e| e.status == 201).collect();
    assert_eq!(landed.iter().map(|e| e.n).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((landed[1].at - landed[0].at).whole_seconds(), 20, "each at its own time");
}

#[tokio::test(start_paused = true)]
async fn stale_reads_miss_the_last_write_for_so_long() {
    let bench = Bench::new();
    bench.put("old").await.unwrap();
    bench.sim.schedule([Fault::new(When::request(2), What::StaleRead { for_s: 10 })]);
    assert_eq!(bench.get("old").await.unwrap().status, 200, "no write to miss: it waits");
    bench.put("new").await.unwrap();
    assert_eq!(bench.get("new").await.unwrap().status, 404);
    assert_eq!(bench.get("old").await.unwrap().status, 200);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(bench.get("new").await.unwrap().status, 200);
    assert_eq!(bench.kinds(), ["stale_read"]);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_older_than_the_staleness_is_always_seen() {
    let bench = Bench::with(When::request(2), What::StaleRead { for_s: 10 });
    bench.put("g").await.unwrap();
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(bench.get("g").await.unwrap().status, 200);
    assert!(bench.kinds().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_slow_grant_is_told_to_the_world() {
    let bench = Bench::with(When::request(1), What::SlowGrant { delay_s: 300 });
    let before = serde_json::to_value(bench.sim.world()).unwrap();
    assert_eq!(bench.get("g").await.unwrap().status, 404);
    assert_ne!(serde_json::to_value(bench.sim.world()).unwrap(), before);
    assert_eq!(bench.kinds(), ["slow_grant"]);
}

#[tokio::test(start_paused = true)]
async fn r_arm_03_busy_meets_only_writes_to_registries() {
    let bench = Bench::with(When::request(1), What::Busy);
    assert_eq!(bench.put("g").await.unwrap().status, 201);
    assert_ne!(bench.send(Method::Get, &bench.registry_path("r"), None).await.unwrap().status, 409);
    let answer = bench.send(Method::Patch, &bench.registry_path("r"), Some(json!({}))).await.unwrap();
    assert_eq!(answer.status, 409);
    assert_eq!(answer.json()["error"]["code"], "AnotherOperationInProgress");
}

#[tokio::test(start_paused = true)]
async fn spoiled_bodies_are_of_applied_requests() {
    for what in [What::CutBody, What::HtmlBody, What::EmptyBody] {
        let bench = Bench::with(When::request(1), what.clone());
        assert_eq!(bench.get("g").await.unwrap().status, 404, "only a success is spoiled");
        let answer = bench.put("g").await.unwrap();
        assert_eq!(answer.status, 201);
        assert!(serde_json::from_slice::<serde_json::Value>(&answer.body).is_err(), "{what:?}");
        assert!(bench.has("g").await);
        assert_eq!(bench.get("g").await.unwrap().json()["name"], "g");
        assert_eq!(bench.kinds(), [what.kind()]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_held_request_is_never_answered_and_dies_with_its_client() {
    for (what, applied) in [(What::HoldBefore, false), (What::HoldAfter, true)] {
        let bench = Bench::with(When::request(1), what);
        let held = bench.sim.held(1);
        tokio::select! {
            answer = bench.put("g") => panic!("answered: {answer:?}"),
            () = held => {}
        }
        // The client is dropped by now: releasing comes too late for it.
        assert!(bench.sim.holding().is_empty());
        assert_eq!(bench.sim.release(None, Release::Go), 0);
        assert_eq!(bench.has("g").await, applied);
        bench.sim.held(1).await;
        let deadline = tokio::time::timeout(Duration::from_secs(60), bench.sim.held(2)).await;
        assert!(deadline.is_err(), "nothing else is held");
    }
}

#[tokio::test(start_paused = true)]
async fn a_held_request_can_be_let_go() {
    for (how, expected) in [(Release::Go, Ok(201)), (Release::Drop, Err(ErrorKind::Io))] {
        let bench = Bench::with(When::request(1), What::HoldBefore);
        let release = async {
            bench.sim.held(1).await;
            assert_eq!(bench.sim.holding()[0].method, "PUT");
            assert_eq!(bench.sim.release(Some(2), how), 0);
            assert_eq!(bench.sim.release(Some(1), how), 1);
        };
        let (answer, ()) = tokio::join!(bench.put("g"), release);
        assert_eq!(answer.map(|a| a.status), expected);
        assert_eq!(bench.has("g").await, how == Release::Go);
    }
}

#[tokio::test(start_paused = true)]
async fn latency_takes_simulated_time_and_a_caller_may_leave_half_way() {
    let bench = Bench::new();
    bench.sim.latency(Duration::from_secs(2));
    let start = bench.sim.clock().now();
    bench.put("a").await.unwrap();
    assert_eq!((bench.sim.clock().now() - start).whole_seconds(), 2);
    for (patience, applied) in [(500, false), (1500, true)] {
        let name = format!("p{patience}");
        assert!(tokio::time::timeout(Duration::from_millis(patience), bench.put(&name)).await.is_err());
        assert_eq!(bench.has(&name).await, applied);
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_exist_refuses_the_connection() {
    let bench = Bench::new();
    let error = bench.send_to("elsewhere.example.com", Method::Get, "/", None).await.unwrap_err();
    assert_eq!(error, ErrorKind::Connection);
    assert_eq!(bench.sim.exchanges()[0].fault.as_deref(), Some("no_such_host"));
}

#[tokio::test(start_paused = true)]
async fn no_token_is_logged() {
    let bench = Bench::new();
    bench.put("g").await.unwrap();
    let form = "grant_type=client_credentials&client_secret=canary-one&client_assertion=canary-two";
    let request = http::Request::post("https://login.microsoftonline.com/t/oauth2/v2.0/token");
    bench.sim.handle(request.body(form.into()).unwrap()).await;
    let answer = http::Response::new(
        br#"{"access_token":"canary-three","nested":[{"refresh_token":"canary-four"}]}"#.to_vec().into(),
    );
    let cut = http::Response::new(br#"{"token_type":"Bearer","access_token":"canary-fi"#.to_vec().into());
    let request = http::Request::get("https://vault.azure.net/keys/k?api-version=7.4&a=%20b").body("".into()).unwrap();
    let now = bench.sim.clock().now();
    let made = cmk_mocks::Exchange::new(1, now, &request, Some(&answer), None);
    assert_eq!(made.query["a"], " b");
    let cut = cmk_mocks::Exchange::new(1, now, &request, Some(&cut), Some("cut_body"));
    let text = serde_json::to_string(&(bench.sim.exchanges(), made, cut)).unwrap();
    for canary in ["canary-", &bench.token().await, "Bearer "] {
        assert!(!text.contains(canary), "{canary} in {text}");
    }
}

#[test]
fn a_seed_makes_one_schedule_and_all_kinds_occur() {
    let deadline = Duration::from_secs(60);
    let make = |seed| Schedule::random(seed, 0.2, 50, deadline);
    assert_eq!(make(7), make(7));
    assert_ne!(make(7), make(8));
    assert!(Schedule::random(1, 0.0, 1000, deadline).0.is_empty());
    assert_eq!(Schedule::random(1, 1.0, 1000, deadline).0.len(), 1000);
    let mut seen = BTreeSet::new();
    for fault in (0..200).flat_map(make) {
        seen.insert(fault.what.kind());
        let longest = match fault.what {
            What::Throttle { retry_after_s, .. } | What::Status { retry_after_s: Some(retry_after_s), .. } => {
                retry_after_s.into()
            }
            What::LandsLate { after_s: s } | What::StaleRead { for_s: s } => 2 * s,
            What::SlowGrant { delay_s: s } => s,
            _ => 0,
        };
        assert!(longest <= 60);
    }
    assert_eq!(seen, BTreeSet::from(What::KINDS));
    assert!(make(7).without(&["hold_before", "hold_after"]).0.iter().all(|f| !f.what.kind().starts_with("hold")));
}

#[test]
fn faults_are_data() {
    let text = r#"[
        {"when": {"nth": 3}, "what": {"kind": "lost_after"}},
        {"when": {"among": "writes", "nth": 2}, "what": {"kind": "throttle", "retry_after_s": 5, "header": "x-ms-retry-after-ms"}},
        {"when": {"among": {"matching": {"method": "PATCH"}}, "always": true}, "what": {"kind": "lands_late", "after_s": 9}}
    ]"#;
    let schedule: Schedule = serde_json::from_str(text).unwrap();
    assert_eq!(schedule.0[0], Fault::new(When::request(3), What::LostAfter));
    assert_eq!(schedule.0[2].when.nth, 1);
    assert_eq!(serde_json::from_str::<Schedule>(&serde_json::to_string(&schedule).unwrap()).unwrap(), schedule);
    assert!(serde_json::from_str::<Schedule>(r#"[{"when": {"nht": 3}, "what": {"kind": "busy"}}]"#).is_err());
}

#[test]
fn questions_are_no_writes() {
    let (post, arm, vault) = (http::Method::POST, "management.azure.com", "v.vault.azure.net");
    assert!(is_write(&http::Method::PATCH, arm, "/x"));
    assert!(is_write(&post, vault, "/keys/k/create"));
    assert!(is_write(&post, arm, "/subscriptions/s/providers/Microsoft.KeyVault/register"));
    assert!(!is_write(&post, arm, "/subscriptions/s/providers/Microsoft.ContainerRegistry/checkNameAvailability"));
    assert!(!is_write(&post, vault, "/keys/k/v/wrapkey"));
    assert!(!is_write(&post, "login.microsoftonline.com", "/t/oauth2/v2.0/token"));
    assert!(!is_write(&http::Method::GET, arm, "/x"));
}
