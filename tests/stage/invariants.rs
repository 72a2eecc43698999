//! What must hold however a play was disturbed (azure-rules 10.3).

use super::{Stage, scenarios};
use cmk_mocks::Exchange;
use serde_json::Value;

/// Holds when the play is through.
pub fn check(stage: &Stage, what: &str) {
    let scenario = stage.scenario;
    let registry = scenarios::registry().to_string();
    stage.sim.with_world(|world, now| {
        // 2: images can be read.
        let readable = world.can_unwrap(now, &registry);
        assert!(readable.is_ok(), "{what}: the registry cannot unwrap: {readable:?}");
        // 7: at most one key version made.
        let versions = world.key_versions(&scenario.vault(), scenario.key());
        assert_eq!(versions.len(), scenario.versions(), "{what}: key versions {versions:#?}");
        let seen = world.registry(&registry).unwrap();
        assert!(seen.encrypted && seen.state == "Succeeded", "{what}: {seen:#?}");
        let newest = versions.iter().max_by_key(|v| v.created).unwrap();
        let used = seen.versioned_key_identifier.unwrap();
        assert!(used.ends_with(&newest.version), "{what}: uses {used}, newest is {}", newest.version);
        let reference = seen.key_identifier.unwrap();
        assert_eq!(reference.ends_with(&newest.version), scenario.pinned(), "{what}: refers to {reference}");
        assert!(versions.iter().all(|v| v.enabled), "{what}: a version was disabled");
        assert_eq!(seen.detach_attempt, None, "{what}: the identity was put at risk (R-CMK-21)");
    });
    exchanges(&stage.sim.exchanges(), what);
}

/// Holds of every exchange, whatever came of the play.
pub fn exchanges(all: &[Exchange], what: &str) {
    let mut born: Vec<String> = Vec::new();
    let mut told: Vec<(String, time::OffsetDateTime)> = Vec::new();
    for one in all {
        let path = one.path.to_lowercase();
        let what = || format!("{what}: request {} {} {}", one.n, one.method, one.path);
        let body = &one.request_body;
        // 8: no purge protection off, ever.
        assert_ne!(body.pointer("/properties/enablePurgeProtection"), Some(&Value::Bool(false)), "{}", what());
        // 1: encryption never goes off.
        assert_ne!(body.pointer("/properties/encryption/status"), Some(&Value::from("disabled")), "{}", what());
        // No PUT of a registry or vault that exists.
        let resource = ["/registries/", "/vaults/"]
            .iter()
            .any(|kind| path.rsplit_once(kind).is_some_and(|(_, rest)| !rest.is_empty() && !rest.contains('/')));
        // What lands late had left before.
        if resource && one.method == "PUT" && one.fault.is_none() {
            assert!(!born.contains(&path), "{}: PUT of what exists", what());
        }
        if resource && one.method == "GET" && one.status == 200 {
            let failed = one.response_body.pointer("/properties/provisioningState") == Some(&Value::from("Failed"));
            if failed {
                born.retain(|b| *b != path)
            } else if !born.contains(&path) {
                born.push(path.clone())
            }
        }
        // No detach of an identity.
        if one.method == "PATCH"
            && let Some(map) = body.pointer("/identity/userAssignedIdentities")
        {
            assert!(map.as_object().is_some_and(|m| m.values().all(|v| !v.is_null())), "{}", what());
        }
        // 9: every 429 is followed by its wait.
        let key = format!("{} {path}", one.method);
        if one.fault.as_deref() == Some("lands_late") {
            // Not asked now: it lands, of a request that had left before.
            continue;
        }
        if let Some((_, until)) = told.iter().find(|(k, _)| *k == key) {
            assert!(one.at >= *until, "{}: asked again before Retry-After", what());
        }
        told.retain(|(k, _)| *k != key);
        if one.status == 429
            && let Some(wait) = wait_of(one)
        {
            told.push((key, one.at + std::time::Duration::from_secs_f64(wait)));
        }
    }
}

fn wait_of(one: &Exchange) -> Option<f64> {
    one.response_headers.iter().find_map(|(name, value)| match name.to_ascii_lowercase().as_str() {
        "retry-after" => value.parse::<f64>().ok(),
        "retry-after-ms" | "x-ms-retry-after-ms" => value.parse::<f64>().ok().map(|ms| ms / 1000.0),
        _ => None,
    })
}
