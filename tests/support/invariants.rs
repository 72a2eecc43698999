//! What must hold however a scenario was disturbed (azure-rules 10.3).

use crate::{ScenarioFixture, scenarios};
use cmk_mocks::{Exchange, World};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Holds when the scenario is through.
pub fn check(fixture: &ScenarioFixture, what: &str) {
    check_core(fixture, what);
    fixture.sim.with_world(|world, _| fixture.scenario.also(world, what));
}

/// Holds of the registry and its key.
pub fn check_core(fixture: &ScenarioFixture, what: &str) {
    let end = fixture.scenario.end();
    let registry = scenarios::registry().to_string();
    fixture.sim.with_world(|world, now| {
        // 2: images can be read, or what took the key away has taken effect soon.
        if end.readable {
            let readable = world.can_unwrap(now, &registry);
            assert!(readable.is_ok(), "{what}: the registry cannot unwrap: {readable:?}");
        } else {
            let readable = world.can_unwrap(now + scenarios::GRANTS, &registry);
            assert!(readable.is_err(), "{what}: the registry can unwrap all the same");
        }
        // 7: at most one key version made.
        let mut versions = world.key_versions(end.vault, end.key);
        assert_eq!(versions.len(), end.versions, "{what}: key versions {versions:#?}");
        versions.sort_by_key(|v| v.created);
        let disabled: Vec<_> = (0..versions.len()).filter(|n| !versions[*n].enabled).collect();
        assert_eq!(disabled, end.disabled, "{what}: disabled versions");
        let seen = world.registry(&registry).unwrap();
        assert!(seen.encrypted && seen.state == "Succeeded", "{what}: {seen:#?}");
        let wanted = format!("/keys/{}/{}", end.key, versions[end.uses].version);
        let used = seen.versioned_key_identifier.unwrap();
        assert!(used.contains(end.vault) && used.ends_with(&wanted), "{what}: uses {used}, not {wanted}");
        let reference = seen.key_identifier.unwrap();
        assert_eq!(reference.ends_with(&wanted), end.pinned, "{what}: refers to {reference}");
        assert_eq!(seen.detach_attempt, None, "{what}: the identity was put at risk (R-CMK-21)");
        let identity = match end.identity {
            "system" => "system".to_owned(),
            name => world.identity(scenarios::identity(name).as_str()).unwrap().client_id.to_string(),
        };
        assert_eq!(seen.identity, Some(identity), "{what}: another identity than {} unwraps", end.identity);
    });
}

/// All that a scenario is about, to be compared.
pub fn state(world: &cmk_mocks::World) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for id in world.registry_ids() {
        let _ = writeln!(text, "{:#?} {:?}", world.registry(&id), world.diagnostic_settings(&id));
    }
    for vault in world.vault_names() {
        let _ = writeln!(text, "{vault} {:?} {:?}", world.access_policies(&vault), world.vault_network(&vault));
        for key in world.key_names(&vault) {
            let policy = world.rotation_policy(&vault, &key);
            let _ = writeln!(text, "{key} {policy:?} {:#?}", world.key_versions(&vault, &key));
        }
    }
    let _ = writeln!(text, "{:#?} {:?}", world.role_assignments(), world.private_endpoints());
    text
}

/// What a world is like, without the ids and times that differ from run to run: a line a fact. `before` tells which ids no
/// run has made.
pub fn digest(world: &World, before: &World) -> String {
    let (mut lines, mut versions) = (Vec::new(), BTreeMap::new());
    let vaults: BTreeSet<String> = before.vault_names().into_iter().chain(world.vault_names()).collect();
    for vault in &vaults {
        for (who, keys) in world.access_policies(vault) {
            lines.push(format!("vault {vault} lets {who} {keys:?}"));
        }
        let (deleted, network) = (world.vault_deleted(vault), world.vault_network(vault));
        lines.push(format!("vault {vault} deleted {deleted} network {network:?}"));
        for key in world.key_names(vault) {
            let mut policy = world.rotation_policy(vault, &key);
            // Its times.
            policy.as_mut().and_then(Value::as_object_mut).and_then(|policy| policy.remove("attributes"));
            lines.push(format!("key {vault}/{key} policy {policy:?}"));
            for (n, v) in world.key_versions(vault, &key).into_iter().enumerate() {
                let (from, until, tags) =
                    (v.nbf.is_some(), v.exp.is_some(), v.tags.keys().cloned().collect::<Vec<_>>());
                lines.push(format!("key {vault}/{key} v{n} enabled {} dates {from} {until} tags {tags:?}", v.enabled));
                versions.insert(v.version, format!("{key}-v{n}"));
            }
        }
    }
    for id in world.registry_ids() {
        let Some(mut r) = world.registry(&id) else { continue };
        let (rotated, at_risk) = (r.last_rotation.take().is_some(), r.detach_attempt.take().is_some());
        r.user_identities.sort();
        lines.push(format!("{r:?} rotated {rotated} at risk {at_risk} logs {:?}", world.diagnostic_settings(&id)));
        let (uses, by, reads) = (&r.versioned_key_identifier, &r.identity, world.can_unwrap(world.now(), &id));
        lines.push(format!("core {id} {} on {:?} uses {uses:?} by {by:?} reads {reads:?}", r.state, r.key_identifier));
    }
    lines.extend(world.role_assignments().iter().map(|(who, role, at, _)| format!("{who} has {role} at {at}")));
    lines.extend(world.private_endpoints().iter().map(|e| format!("{} {:?}", e.id, e.state)));
    let known = format!(
        "{:?} {:?}",
        before.role_assignments(),
        before.registry_ids().iter().map(|id| before.registry(id)).collect::<Vec<_>>()
    );
    let mut lines: Vec<String> = lines.iter().map(|line| without_ids(line, &versions, &known)).collect();
    lines.sort();
    lines.join("\n")
}

/// Versions by their number, and other GUIDs than those known before by a word.
fn without_ids(line: &str, versions: &BTreeMap<String, String>, known: &str) -> String {
    let mut text = String::new();
    for piece in line.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '-') {
        let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let rest = &piece[word.len()..];
        text += match versions.get(word) {
            Some(number) => number,
            None if word.len() == 36 && word.parse::<uuid::Uuid>().is_ok() && !known.contains(word) => "(new)",
            None => word,
        };
        text += rest;
    }
    text
}

/// Holds of every exchange, whatever came of the scenario: looked at when a [`ScenarioFixture`] goes.
pub fn exchanges(all: &[Exchange], what: &str) {
    let mut born: Vec<String> = Vec::new();
    let mut told: Vec<(String, time::OffsetDateTime)> = Vec::new();
    // The registry as it was last shown, and the tags of versions that may have been made and nobody has looked for.
    let mut shown = Value::Null;
    let mut unlooked: Vec<Value> = Vec::new();
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
        if resource && one.method == "DELETE" && matches!(one.status, 200..300) {
            born.retain(|b| *b != path);
        }
        // The identity that unwraps is never taken off, nor tried to be.
        if one.method == "PATCH" && body.get("identity").is_some() && one.fault.as_deref() != Some("lands_late") {
            detaches(&shown, body, &what());
        }
        if path.contains("/registries/") && one.response_body.pointer("/properties/provisioningState").is_some() {
            shown = one.response_body.clone();
        }
        // A version is not asked for again before it is looked whether it was made.
        if one.method == "POST" && path.ends_with("/create") && one.fault.as_deref() != Some("lands_late") {
            let tags = body["tags"].clone();
            assert!(!unlooked.contains(&tags), "{}: a version asked for again without a look", what());
            // Refused by the service, or never sent.
            if !matches!(one.status, 400..500) && one.fault.as_deref() != Some("refused") {
                unlooked.push(tags);
            }
        }
        if one.method == "GET" && path.contains("/keys/") {
            unlooked.clear();
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

/// Whether a PATCH of the identity map leaves the identity that unwraps.
fn detaches(shown: &Value, body: &Value, what: &str) {
    let Some(uses) = shown.pointer("/properties/encryption/keyVaultProperties/identity").and_then(Value::as_str) else {
        return;
    };
    let kind = body.pointer("/identity/type").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    if uses.eq_ignore_ascii_case("system") {
        assert!(kind.contains("systemassigned"), "{what}: takes the system identity off, which unwraps");
        return;
    }
    assert!(kind.contains("userassigned"), "{what}: takes all identities off");
    let attached = shown.pointer("/identity/userAssignedIdentities").and_then(Value::as_object);
    let used = attached.into_iter().flatten().find(|(_, ids)| ids["clientId"] == uses).map(|(id, _)| id);
    let map = body.pointer("/identity/userAssignedIdentities").and_then(Value::as_object);
    let off = map.into_iter().flatten().filter(|(_, value)| value.is_null()).map(|(id, _)| id);
    for off in off {
        assert!(used.is_none_or(|used| !used.eq_ignore_ascii_case(off)), "{what}: takes off {off}, which unwraps");
    }
}

fn wait_of(one: &Exchange) -> Option<f64> {
    one.response_headers.iter().find_map(|(name, value)| match name.to_ascii_lowercase().as_str() {
        "retry-after" => value.parse::<f64>().ok(),
        "retry-after-ms" | "x-ms-retry-after-ms" => value.parse::<f64>().ok().map(|ms| ms / 1000.0),
        _ => None,
    })
}
