//! Keys through Resource Manager: works behind the vault's firewall and without data-plane rights.

use super::errors;
use crate::{
    http::message::{Call, Caller, Fail, Object, Peek, Reply, page, tags_of},
    services::{
        arm::{ArmPath, authorize, resource_not_found},
        key_audit::Entry,
        keys::{Key, KeyVersion, NewVersion, fail_conflict, read_arm_policy, valid_key_name},
    },
    world::World,
};
use http::Method;
use serde_json::{Value, json};

pub(super) fn handle(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let lower = path.lower_parts();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let id = path.id();
    let may = |world: &World, verb: &str| {
        authorize(world, call, caller, &format!("Microsoft.KeyVault/vaults/keys/{verb}"), &id)
    };
    let write = call.method == Method::PUT;
    may(
        world,
        if write {
            "write"
        } else if lower.len() > 4 {
            "versions/read"
        } else {
            "read"
        },
    )?;
    let group = path.existing_group(world)?;
    let vault_name = path.name(1).to_owned();
    if world.vault_in(&group, &vault_name).is_none() {
        return Err(resource_not_found(&ArmPath {
            parts: path.parts.iter().take(2).cloned().collect(),
            ..path.clone()
        }));
    }
    let find = |world: &World, name: &str| -> Option<Key> {
        let vault = world.vaults.get(&vault_name)?;
        vault.keys.get(&name.to_lowercase()).filter(|k| k.is_active(call.now)).cloned()
    };
    match (&call.method, lower.as_slice()) {
        (&Method::PUT, ["vaults", _, "keys", name]) => {
            if let Some(key) = find(world, name)
                && let Some(current) = key.current()
            {
                return Ok(Reply::json(200, body(world, &vault_name, &key, current, None)));
            }
            put(world, call, caller, &vault_name, path.name(3))
        }
        (&Method::GET, ["vaults", _, "keys", name]) => {
            let key = find(world, name).ok_or_else(|| errors::no_key(path.name(3)))?;
            let current = key.current().ok_or_else(|| errors::no_key(path.name(3)))?;
            Ok(Reply::json(200, body(world, &vault_name, &key, current, None)))
        }
        (&Method::GET, ["vaults", _, "keys"]) => {
            let vault = world.vaults.get(&vault_name);
            let keys = vault.into_iter().flat_map(|v| v.keys.values()).filter(|k| k.is_active(call.now));
            let value: Vec<Value> =
                keys.filter_map(|k| k.current().map(|c| body(world, &vault_name, k, c, None))).collect();
            Ok(paged(world, call, &value))
        }
        (&Method::GET, ["vaults", _, "keys", name, "versions"]) => {
            let key = find(world, name).ok_or_else(|| errors::no_key(path.name(3)))?;
            let mut versions: Vec<&KeyVersion> = key.versions.iter().collect();
            versions.sort_by(|a, b| a.version.cmp(&b.version));
            let value: Vec<Value> =
                versions.iter().map(|v| body(world, &vault_name, &key, v, Some(&v.version))).collect();
            Ok(paged(world, call, &value))
        }
        (&Method::GET, ["vaults", _, "keys", name, "versions", version]) => {
            let key = find(world, name).ok_or_else(|| errors::no_key(path.name(3)))?;
            let found = key.versions.iter().find(|v| v.version == *version);
            let found = found.ok_or_else(|| errors::no_key(path.name(3)))?;
            Ok(Reply::json(200, body(world, &vault_name, &key, found, Some(&found.version))))
        }
        _ => Err(path.no_such_type(world)),
    }
}

fn paged(world: &World, call: &Call, value: &[Value]) -> Reply {
    let (value, next) = page(value, call.query("$skiptoken"), world.params.arm_page_size);
    let mut out = json!({"value": value});
    if let (Some(n), Some(o)) = (next, out.as_object_mut()) {
        o.insert("nextLink".into(), json!(world.next_link(call, n)));
    }
    Reply::json(200, out)
}

fn put(world: &mut World, call: &Call, caller: &Caller, vault: &str, name: &str) -> Result<Reply, Fail> {
    if !valid_key_name(name) {
        return Err(errors::bad(format!("The key name '{name}' is not valid.")));
    }
    let request = call.json()?;
    let kty = request.text("properties.kty").unwrap_or("RSA");
    let ops = request.at("properties.keyOps").and_then(Value::as_array);
    let ops = ops.map(|l| l.iter().filter_map(|o| o.as_str().map(str::to_owned)).collect());
    let new = NewVersion {
        kty: kty.to_owned(),
        size: request.int("properties.keySize"),
        curve: request.text("properties.curveName").map(str::to_owned),
        ops,
        enabled: request.flag("properties.attributes.enabled").unwrap_or(true),
        nbf: request.int("properties.attributes.nbf"),
        exp: request.int("properties.attributes.exp"),
        exportable: request.flag("properties.attributes.exportable").unwrap_or(false),
        tags: tags_of(&request).unwrap_or_default(),
        material: None,
    };
    let policy = request.object("properties.rotationPolicy").map(read_arm_policy);
    if let Some(state) = world.key_in_transition(vault, name, call.now) {
        return Err(fail_conflict(name, state));
    }
    let made = world.make_version(vault, name, new, call.now)?;
    let entry = Entry {
        operation: "KeyCreate",
        vault,
        uri: format!("https://{}{}", call.host, call.path),
        status: 200,
        cause: None,
        caller: Some((caller.object_id, caller.client_id)),
        ip: world.params.client_ip.clone(),
    };
    world.log(call.now, entry);
    if let (Some(policy), Some(key)) = (policy, world.key_mut(vault, name)) {
        key.policy = Some(policy.stamped(call.now));
    }
    let key = world.vaults.get(vault).and_then(|v| v.keys.get(&name.to_lowercase())).cloned();
    let key = key.ok_or_else(|| errors::no_key(name))?;
    Ok(Reply::json(200, body(world, vault, &key, &made, None)))
}

fn body(world: &World, vault: &str, key: &Key, v: &KeyVersion, version: Option<&str>) -> Value {
    let Some(vault) = world.vaults.get(vault) else { return Value::Null };
    let base = format!("{}/keys/{}", vault.uri(world.setup.cloud.vault_suffix()), key.name);
    let mut attributes = Object::new();
    attributes.insert("enabled".into(), json!(v.enabled));
    for (name, at) in [("nbf", v.nbf), ("exp", v.exp)] {
        if let Some(at) = at {
            attributes.insert(name.into(), json!(at));
        }
    }
    attributes.insert("created".into(), json!(v.created.unix_timestamp()));
    attributes.insert("updated".into(), json!(v.updated.unix_timestamp()));
    attributes.insert("recoveryLevel".into(), json!(vault.recovery_level()));
    attributes.insert("exportable".into(), json!(v.exportable));
    let mut p = Object::new();
    p.insert("attributes".into(), Value::Object(attributes));
    p.insert("kty".into(), json!(v.kty));
    p.insert("keyOps".into(), json!(v.ops));
    match &v.curve {
        Some(curve) => p.insert("curveName".into(), json!(curve)),
        None => p.insert("keySize".into(), json!(v.size)),
    };
    p.insert("keyUri".into(), json!(base));
    p.insert("keyUriWithVersion".into(), json!(format!("{base}/{}", v.version)));
    if let (None, Some(policy)) = (version, &key.policy) {
        p.insert("rotationPolicy".into(), policy.arm_body());
    }
    let (id, kind) = match version {
        Some(version) => {
            (format!("{}/keys/{}/versions/{version}", vault.id, key.name), "Microsoft.KeyVault/vaults/keys/versions")
        }
        None => (format!("{}/keys/{}", vault.id, key.name), "Microsoft.KeyVault/vaults/keys"),
    };
    let mut out = Object::new();
    out.insert("id".into(), json!(id));
    out.insert("name".into(), json!(version.unwrap_or(&key.name)));
    out.insert("type".into(), json!(kind));
    out.insert("location".into(), json!(vault.location));
    if !v.tags.is_empty() {
        out.insert("tags".into(), json!(v.tags));
    }
    out.insert("properties".into(), Value::Object(p));
    Value::Object(out)
}
