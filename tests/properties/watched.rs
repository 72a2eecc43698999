//! The watch over all exchanges of all scenarios sees each thing that is never to be seen.

use bytes::Bytes;
use cmk_tests::{ScenarioFixture, run_paused, scenarios};
use serde_json::{Value, json};
use std::panic::AssertUnwindSafe;

const ARM: &str = "https://management.azure.com";

/// Sends something in a scenario, and says whether the watch cried.
fn cried(name: &str, requests: &[(&str, String, Value)]) -> bool {
    run_paused(async {
        let fixture = ScenarioFixture::new(scenarios::named(name), 30);
        for (method, url, body) in requests {
            let audience = if url.starts_with(ARM) { ARM } else { "https://vault.azure.net" };
            let token = fixture.sim.with_world(|w, now| w.token(w.operator().object_id, audience, now));
            let request = http::Request::builder()
                .method(*method)
                .uri(url)
                .header("authorization", format!("Bearer {token}"))
                .header("content-type", "application/json");
            let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
            fixture.sim.handle(request.body(body).unwrap()).await;
        }
        std::panic::catch_unwind(AssertUnwindSafe(|| drop(fixture))).is_err()
    })
}

fn registry() -> String {
    format!("{ARM}{}?api-version=2025-11-01", scenarios::registry())
}
fn vault() -> String {
    format!("{ARM}{}?api-version=2026-02-01", scenarios::vault(scenarios::VAULT))
}

#[test]
fn each_thing_that_is_never_to_be_seen_is_seen() {
    let look = || ("GET", registry(), Value::Null);
    let name = "rotate pinned";
    assert!(!cried(name, &[look()]), "a look is nothing to cry about");
    let off = json!({"properties": {"enablePurgeProtection": false}});
    assert!(cried(name, &[("PATCH", vault(), off)]), "purge protection off");
    let plain = json!({"properties": {"encryption": {"status": "disabled"}}});
    assert!(cried(name, &[("PATCH", registry(), plain)]), "encryption off");
    let whole = json!({"location": "westeurope", "sku": {"name": "Premium"}});
    assert!(cried(name, &[look(), ("PUT", registry(), whole.clone())]), "a PUT of what exists");
    assert!(cried(name, &[("GET", vault(), Value::Null), ("PUT", vault(), whole)]), "a PUT of what exists");
    let identity = scenarios::identity(scenarios::IDENTITY).to_string();
    let detach = json!({"identity": {"type": "UserAssigned", "userAssignedIdentities": {identity: null}}});
    assert!(cried(name, &[look(), ("PATCH", registry(), detach)]), "the identity in use taken off");
    let none = json!({"identity": {"type": "None"}});
    assert!(cried(name, &[look(), ("PATCH", registry(), none)]), "all identities taken off");
    let key = format!("{}/create?api-version=2025-07-01", scenarios::key(scenarios::VAULT, scenarios::KEY));
    let make = || ("POST", key.clone(), json!({"kty": "RSA"}));
    assert!(!cried(name, &[make()]), "one version asked for");
    assert!(cried(name, &[make(), make()]), "a version asked for again without a look");
    let looked = (
        "GET",
        format!("{}/versions?api-version=2025-07-01", scenarios::key(scenarios::VAULT, scenarios::KEY)),
        Value::Null,
    );
    assert!(!cried(name, &[make(), looked, make()]), "after a look it may be asked for again");
}

/// A request that was told to wait, sent again at once.
#[test]
fn r_arm_35_a_wait_that_is_not_kept_is_seen() {
    use cmk_mocks::{Fault, RetryHeader, What, When};
    run_paused(async {
        let fixture = ScenarioFixture::new(scenarios::named("rotate pinned"), 31);
        let wait = What::Throttle { retry_after_s: 7, header: RetryHeader::RetryAfter };
        fixture.sim.schedule([Fault::new(When::request(1), wait)]);
        let token = fixture.sim.with_world(|w, now| w.token(w.operator().object_id, ARM, now));
        for _ in 0..2 {
            let request = http::Request::get(registry()).header("authorization", format!("Bearer {token}"));
            fixture.sim.handle(request.body(Bytes::new()).unwrap()).await;
        }
        assert!(std::panic::catch_unwind(AssertUnwindSafe(|| drop(fixture))).is_err());
    });
}
