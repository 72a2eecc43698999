use super::{
    operations::versionless,
    state::{Operation, Registry, Spec, State},
    versions::{counts_all, shows},
};
use crate::{
    http::{
        message::{Object, Peek as _},
        time_format,
    },
    world::{World, params::FirstBody},
};
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
    let asked = r.pending.as_ref().map_or(&r.spec, |p| &p.target);
    let first = world.params.acr_first_body;
    let spec = if first == FirstBody::Asked { asked } else { &r.spec };
    let hidden = r.state == State::Creating && first == FirstBody::Before;
    let mut out = Object::new();
    out.insert("sku".into(), json!({"name": asked.sku, "tier": asked.sku}));
    out.insert("type".into(), json!("Microsoft.ContainerRegistry/registries"));
    if let (Some(identity), false) = (identity(world, spec), hidden) {
        out.insert("identity".into(), identity);
    }
    out.insert("id".into(), json!(r.id));
    out.insert("name".into(), json!(r.name));
    out.insert("location".into(), json!(r.location));
    out.insert("tags".into(), json!(asked.tags));
    if shows(api, "systemData") {
        let (created, modified) = (time_format::offset(r.created), time_format::offset(r.modified));
        out.insert("systemData".into(), world.system_data(r.authors, &created, &modified));
    }
    let encryption =
        if hidden { json!({"status": "disabled"}) } else { encryption(r, spec, api >= "2020-11-01-preview") };
    out.insert("properties".into(), properties(world, api, r, asked, encryption));
    Value::Object(out)
}

/// In the order of the service. Recorded: what is about neither key nor identity is shown as asked for at once.
fn properties(world: &World, api: &str, r: &Registry, asked: &Spec, encryption: Value) -> Value {
    let mut p = Object::new();
    let mut put = |name: &str, value: Value| {
        if shows(api, name) && !world.params.acr_members_to_come.iter().any(|n| n == name) {
            p.insert(name.to_owned(), value);
        }
    };
    put("loginServer", json!(world.login_server(&r.name)));
    put("creationDate", json!(time_format::zulu(r.created)));
    put("provisioningState", json!(camel(r.state)));
    let mut encryption = Some(encryption);
    for (name, value) in &asked.props {
        match name.as_str() {
            // Recorded: the rule set is there on every Premium answer and on no other.
            "networkRuleSet" if asked.sku != "Premium" => continue,
            "networkRuleSet" => put(name, rule_set(api, value)),
            "policies" => {
                put(name, policies(api, value, r));
                put("encryption", encryption.take().unwrap_or_default());
            }
            _ => put(name, value.clone()),
        }
        if name == "dataEndpointEnabled" {
            put("dataEndpointHostNames", json!(world.data_hosts(r, asked)));
            let connections = world.networks.connections_of(&r.id);
            let connections: Vec<Value> = connections.iter().map(|c| super::connections::body(api, &r.id, c)).collect();
            put("privateEndpointConnections", json!(connections));
        }
    }
    Value::Object(p)
}

/// With the time of their last change, before the status.
fn policies(api: &str, policies: &Value, r: &Registry) -> Value {
    let all = policies.as_object().into_iter().flatten().filter(|(name, _)| shows(api, name));
    let one = |(name, members): (&String, &Value)| {
        let mut members = members.as_object().cloned().unwrap_or_default();
        if matches!(name.as_str(), "retentionPolicy" | "softDeletePolicy") {
            let status = members.shift_remove("status");
            members.insert("lastUpdatedTime".into(), json!(time_format::offset(r.modified)));
            members.extend(status.map(|s| ("status".to_owned(), s)));
        }
        (name.clone(), Value::Object(members))
    };
    Value::Object(all.map(one).collect())
}

/// Subnets before the addresses, in the versions that have subnets.
fn rule_set(api: &str, rules: &Value) -> Value {
    let part = |name: &str| rules.get(name).cloned();
    let mut out = Object::new();
    out.insert("defaultAction".into(), part("defaultAction").unwrap_or_else(|| json!("Allow")));
    if shows(api, "virtualNetworkRules") {
        out.insert("virtualNetworkRules".into(), part("virtualNetworkRules").unwrap_or_else(|| json!([])));
    }
    out.insert("ipRules".into(), part("ipRules").unwrap_or_else(|| json!([])));
    Value::Object(out)
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
        kv.insert("lastKeyRotationTimestamp".into(), json!(time_format::offset(t)));
    }
    json!({"status": "enabled", "keyVaultProperties": kv})
}

/// Types are answered in camel case, ids as the caller spelled them; without any the member is not there.
/// As the list of all resources has it, which spells types as they are asked for (recorded).
pub(super) fn listed_identity(world: &World, spec: &Spec) -> Option<Value> {
    let mut identity = identity(world, spec)?;
    identity["type"] = json!(match (spec.system, spec.user.is_empty()) {
        (_, true) => "SystemAssigned",
        (None, false) => "UserAssigned",
        (Some(_), false) => "SystemAssigned, UserAssigned",
    });
    Some(identity)
}

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

/// What is used of what the tier allows. `connections`: private ones.
pub(super) fn usages(api: &str, r: &Registry, connections: usize) -> Value {
    let (bytes, webhooks) = match r.spec.sku.as_str() {
        "Premium" => (536_870_912_000_u64, 500),
        "Standard" => (107_374_182_400, 10),
        _ => (10_737_418_240, 2),
    };
    let rules = r.spec.props.at("networkRuleSet.ipRules").and_then(Value::as_array).map_or(0, Vec::len);
    let count = |name: &str, limit: i64, used: usize| json!({"name": name, "limit": limit, "currentValue": used, "unit": "Count"});
    let mut all = vec![
        json!({"name": "Size", "limit": bytes, "currentValue": 0, "unit": "Bytes"}),
        count("Webhooks", webhooks, 0),
    ];
    if counts_all(api) {
        all.push(count("Geo-replications", -1, r.replicas.len()));
        all.push(count("IPRules", 200, rules));
        all.push(count("PrivateEndpointConnections", super::connections::MOST as i64, connections));
    }
    json!({"value": all})
}
