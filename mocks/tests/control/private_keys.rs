//! A private key that is sent to the simulator stands in nothing that it writes or tells.

use crate::support::controlling::{Steered, world};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use cmk_mocks::{Clock, roles};
use serde_json::{Value, json};

/// A private member, which is told from any other by its text.
fn part(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("the private {name} of a key"))
}

fn jwk(more: &[&str]) -> Value {
    let mut jwk = json!({ "kty": "RSA", "n": "yw".repeat(171), "e": "AQAB" });
    for name in more {
        jwk[*name] = part(name).into();
    }
    jwk
}

#[tokio::test]
async fn a_private_key_stands_in_no_log_no_answer_and_no_saved_world() {
    let (mut world, seeded) = world();
    let now = world.now();
    let scope = format!("/subscriptions/{}", world.subscription());
    world.set_role(world.operator().object_id, roles::KEY_VAULT_CRYPTO_OFFICER, &scope, now);
    let steered = Steered::of(world, seeded, Clock::manual(now)).await;
    let place = tempfile::tempdir().unwrap();
    let (log, saved) = (place.path().join("log.jsonl"), place.path().join("world.json"));
    steered.sim.log_to(&log).unwrap();

    let token = steered.sim.with_world(|w, now| w.token(w.operator().object_id, "https://vault.azure.net", now));
    let token = format!("Bearer {token}");
    let headers = [("host", "vault1.vault.azure.net"), ("authorization", &*token)];
    let members = ["d", "p", "q", "dp", "dq", "qi"];
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", part("pem"));
    let pfx = STANDARD.encode([&[0x30, 0x82, 9, 0x51, 2, 1, 3, 0x30][..], part("pfx").as_bytes()].concat());
    let whole = json!({ "key": jwk(&members), "tags": { "made": "elsewhere" } }).to_string();
    let sent = [
        ("PUT", "/keys/brought", 200, whole.clone()),
        // What is refused is logged too.
        ("PUT", "/keys/cut-off", 400, whole[..whole.rfind("\"qi\"").unwrap()].to_owned()),
        ("PUT", "/keys/odd", 400, json!({ "Key": jwk(&["D", "P", "Qi", "K"]) }).to_string()),
        ("PUT", "/keys/symmetric", 400, json!({ "key": { "kty": "oct", "k": part("k") } }).to_string()),
        ("PUT", "/keys/blob", 400, json!({ "key": { "kty": "RSA", "key_hsm": part("key_hsm") } }).to_string()),
        ("PUT", "/keys/pem", 400, json!({ "key": pem }).to_string()),
        ("PUT", "/keys/text", 400, json!({ "key": whole }).to_string()),
        ("POST", "/certificates/c/import", 404, json!({ "value": pfx, "pwd": part("pwd") }).to_string()),
        ("PUT", "/secrets/s", 404, json!({ "value": part("value") }).to_string()),
        ("POST", "/keys/brought/decrypt", 400, json!({ "alg": "RSA-OAEP", "value": pfx }).to_string()),
        ("PUT", "/keys/bare", 400, pem.clone()),
    ];
    for (method, path, status, body) in &sent {
        let answer = steered.ask(method, &format!("{path}?api-version=7.4"), &headers, body).await;
        assert_eq!(answer.status, *status, "{path}: {}", answer.text);
    }

    steered.sim.save_to(&saved).unwrap();
    steered.sim.snapshot("with").unwrap();
    let mut told = vec![
        ("the log", std::fs::read_to_string(&log).unwrap()),
        ("the saved world", std::fs::read_to_string(&saved).unwrap()),
        ("the page", steered.ask("GET", "/", &[], "").await.text),
    ];
    for what in ["exchanges", "status", "world", "snapshots", "held", "faults"] {
        told.push((what, steered.get(what).await.text));
    }
    for (what, text) in &told {
        let names = members.iter().chain(&["D", "P", "Qi", "K", "k", "key_hsm", "pem", "pwd", "value"]);
        for secret in names.map(|name| part(name)).chain([pfx.clone()]) {
            assert!(!text.contains(&secret), "{what} has {secret}");
        }
    }
    // It is the exchanges that were looked at, and what is public is in them.
    for (what, text) in [&told[0], &told[3]] {
        assert!(sent.iter().all(|(_, path, ..)| text.contains(path)), "{what}: {text}");
        assert!(text.contains(&"yw".repeat(171)) && text.contains("elsewhere"), "{what}");
    }
    #[cfg(unix)]
    for file in [&log, &saved] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
    steered.server.shutdown().await;
}
