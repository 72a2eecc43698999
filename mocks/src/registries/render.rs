use super::operations::versionless;
use super::state::{Operation, Registry, Spec, State};
use crate::World;
use crate::params::FirstBody;
use crate::stamp;
use crate::wire::Object;
use serde_json::{Value, json};

pub(super) fn camel(state: State) -> &'static str {
    match state {
        State::Creating => "Creating",
        State::Updating => "Updating",
        State::Deleting => "Deleting",
        State::Succeeded => "Succeeded",
        State::Failed => "Failed",
    }
}

/// How an operation stands.
pub(super) fn operation(found: &Operation) -> Value {
    match &found.outcome {
        None => json!({"status": found.running}),
        Some(Ok(())) => json!({"status": "Succeeded"}),
        Some(Err((code, message))) => json!({"status": "Failed", "error": {"code": code, "message": message}}),
    }
}

/// `api`: what rotation is about is shown since 2020-11-01-preview only (recorded).
pub(super) fn body(world: &World, api: &str, r: &Registry) -> Value {
    let asked = r.pending.as_ref().map(|p| &p.target);
    let spec = match (asked, world.params.acr_first_body) {
        (Some(target), FirstBody::Asked) => target,
        _ => &r.spec,
    };
    let hidden = r.state == State::Creating && world.params.acr_first_body == FirstBody::Before;
    let premium = spec.sku == "Premium";
    let mut p = Object::new();
    p.insert("loginServer".into(), json!(world.login_server(&r.name)));
    p.insert("creationDate".into(), json!(stamp::zulu(r.created)));
    p.insert("provisioningState".into(), json!(camel(r.state)));
    for (name, value) in &spec.props {
        // Recorded: the rule set is there on every Premium answer and on no other.
        if name != "networkRuleSet" {
            p.insert(name.clone(), value.clone());
        } else if premium {
            p.insert(name.clone(), rule_set(api, value));
        }
    }
    if let Some(retention) =
        p.get_mut("policies").and_then(|v| v.get_mut("retentionPolicy")).and_then(Value::as_object_mut)
    {
        retention.insert("lastUpdatedTime".into(), json!(stamp::offset(r.modified)));
    }
    p.insert(
        "encryption".into(),
        if hidden { json!({"status": "disabled"}) } else { encryption(r, spec, api >= "2020-11-01-preview") },
    );
    p.insert("dataEndpointHostNames".into(), json!(world.data_hosts(r, spec)));
    let connections = world.networks.connections_of(&r.id);
    let connections: Vec<Value> = connections.iter().map(|c| super::connections::body(&r.id, c)).collect();
    p.insert("privateEndpointConnections".into(), json!(connections));
    let mut out = Object::new();
    out.insert("sku".into(), json!({"name": spec.sku, "tier": spec.sku}));
    out.insert("type".into(), json!("Microsoft.ContainerRegistry/registries"));
    if let (Some(identity), false) = (identity(world, spec), hidden) {
        out.insert("identity".into(), identity);
    }
    out.insert("id".into(), json!(r.id));
    out.insert("name".into(), json!(r.name));
    out.insert("location".into(), json!(r.location));
    out.insert("tags".into(), json!(spec.tags));
    out.insert(
        "systemData".into(),
        json!({
            "createdBy": world.operator().client_id,
            "createdByType": "Application",
            "createdAt": stamp::offset(r.created),
            "lastModifiedBy": world.operator().client_id,
            "lastModifiedByType": "Application",
            "lastModifiedAt": stamp::offset(r.modified),
        }),
    );
    out.insert("properties".into(), Value::Object(p));
    Value::Object(out)
}

/// Recorded: subnets are there until 2021-08-01-preview, and from 2022-02-01-preview on they are not.
fn rule_set(api: &str, rules: &Value) -> Value {
    let mut rules = rules.as_object().cloned().unwrap_or_default();
    if api < "2021-09-01" {
        rules.entry("virtualNetworkRules").or_insert_with(|| json!([]));
    } else {
        rules.remove("virtualNetworkRules");
    }
    Value::Object(rules)
}

/// A pinned version is shown as used as soon as it is asked for (recorded), whatever comes of it.
/// So is the time of the rotation.
fn encryption(r: &Registry, spec: &Spec, rotation: bool) -> Value {
    let pending = r.pending.is_some();
    let Some(cmk) = &spec.cmk else { return json!({"status": "disabled"}) };
    let mut kv = Object::new();
    kv.insert("keyIdentifier".into(), json!(cmk.key_identifier));
    let versionless = versionless(&cmk.key_identifier);
    let pinned = if versionless { None } else { Some(cmk.key_identifier.clone()) };
    let shown = if pending { pinned.or_else(|| cmk.used.clone()) } else { cmk.used.clone().or(pinned) };
    if let Some(used) = shown {
        kv.insert("versionedKeyIdentifier".into(), json!(used));
    }
    kv.insert("identity".into(), json!(cmk.identity));
    if !rotation {
        return json!({"status": "enabled", "keyVaultProperties": kv});
    }
    kv.insert("keyRotationEnabled".into(), json!(versionless));
    let was = r.spec.cmk.as_ref().and_then(|c| c.used.as_ref());
    let moves = pending && !versionless && was.is_some_and(|was| !was.eq_ignore_ascii_case(&cmk.key_identifier));
    if let Some(t) = if moves { Some(r.modified) } else { cmk.last_rotation } {
        kv.insert("lastKeyRotationTimestamp".into(), json!(stamp::offset(t)));
    }
    json!({"status": "enabled", "keyVaultProperties": kv})
}

/// Types are answered in camel case, ids as the caller spelled them; without any the member is not there.
fn identity(world: &World, spec: &Spec) -> Option<Value> {
    let kind = match (spec.system, spec.user.is_empty()) {
        (None, true) => return None,
        (Some(_), true) => "systemAssigned",
        (None, false) => "userAssigned",
        (Some(_), false) => "systemAssigned, userAssigned",
    };
    let mut o = Object::new();
    if let Some(p) = spec.system {
        o.insert("principalId".into(), json!(p));
        o.insert("tenantId".into(), json!(world.setup.tenant));
    }
    o.insert("type".into(), json!(kind));
    if !spec.user.is_empty() {
        let map: Object = spec
            .user
            .values()
            .map(|a| (a.id.clone(), json!({"principalId": a.principal_id, "clientId": a.client_id})))
            .collect();
        o.insert("userAssignedIdentities".into(), Value::Object(map));
    }
    Some(Value::Object(o))
}
