//! What each data-plane operation does, once it may.

use super::{
    errors, import, render,
    rotation::{default_policy, read_arm_policy},
    routes::{Op, Target},
    rsa,
    state::{Key, KeyVersion, Life, MAX_TAGS, NewVersion, Transition, Use, usable, valid_key_name},
};
use crate::{
    http::message::{Call, Fail, Object, Peek, Reply, page, tags_of},
    services::{key_access::Denial, vaults::Vault},
    world::{World, clock::Moment as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

pub(super) fn act(world: &mut World, call: &Call, vault: &Vault, target: &Target) -> Result<Reply, Fail> {
    let suffix = world.setup.cloud.vault_suffix();
    let name = target.key.as_str();
    match target.op {
        Op::List | Op::ListDeleted => Ok(list(world, call, vault, target.op == Op::ListDeleted)),
        Op::Versions => {
            // Recorded: of a key that is not there, none.
            let Ok(key) = live(vault, name, call) else { return Ok(paged(world, call, &[])) };
            let mut versions: Vec<&KeyVersion> = key.versions.iter().collect();
            // Recorded: by version id, not by time.
            versions.sort_by(|a, b| a.version.cmp(&b.version));
            let items: Vec<Value> =
                versions.iter().map(|v| Value::Object(render::item(vault, suffix, key, v, true, call))).collect();
            Ok(paged(world, call, &items))
        }
        Op::Get => {
            let key = live(vault, name, call)?;
            let v = version(key, target)?;
            Ok(Reply::json(200, Value::Object(render::bundle(vault, suffix, key, v, call))))
        }
        Op::Create => create(world, call, vault, name),
        Op::Import => import::import(world, call, vault, name),
        Op::Rotate => {
            live(vault, name, call)?;
            writable(vault)?;
            let v = world.rotate_key(&vault.name, name, call.now)?;
            answer(world, call, &vault.name, name, &v.version)
        }
        Op::Update => update(world, call, vault, target),
        Op::GetPolicy => {
            let key = live(vault, name, call)?;
            let policy = key.policy.clone().unwrap_or_else(default_policy);
            Ok(Reply::json(200, policy.body(policy_id(vault, suffix, key))))
        }
        Op::SetPolicy => {
            let key = live(vault, name, call)?;
            writable(vault)?;
            let mut policy = read_arm_policy(&call.json().map_err(|f| errors::bad(f.message))?);
            policy.check(world.params.rotation_policy_min_expiry_days)?;
            policy.created = key.policy.as_ref().map_or(0, |p| p.created);
            let policy = policy.stamped(call.now);
            let id = policy_id(vault, suffix, key);
            if let Some(key) = world.key_mut(&vault.name, name) {
                key.policy = Some(policy.clone());
            }
            Ok(Reply::json(200, policy.body(id)))
        }
        Op::Wrap => crypt(world, call, vault, target, Use::Wrap),
        Op::Unwrap => crypt(world, call, vault, target, Use::Unwrap),
        Op::Encrypt => crypt(world, call, vault, target, Use::Encrypt),
        Op::Decrypt => crypt(world, call, vault, target, Use::Decrypt),
        Op::Delete => {
            let key = live(vault, name, call)?;
            writable(vault)?;
            if !vault.keeps_deleted {
                let current = key.current().ok_or_else(|| errors::not_found(name))?;
                let body = Value::Object(render::bundle(vault, suffix, key, current, call));
                world.forget_key(&vault.name, name);
                return Ok(Reply::json(200, body));
            }
            let settled = call.now.after(world.params.key_delete_settle.draw(&mut world.rng));
            let body = deleted_bundle(vault, suffix, key, call.now, call)?;
            if let Some(key) = world.key_mut(&vault.name, name) {
                key.life = Life::Deleted { at: call.now, settled };
            }
            Ok(Reply::json(200, body))
        }
        Op::GetDeleted => {
            let (key, at) = deleted(vault, name, call)?;
            Ok(Reply::json(200, deleted_bundle(vault, suffix, key, at, call)?))
        }
        Op::Recover => recover(world, call, vault, name),
        Op::Purge => {
            deleted(vault, name, call)?;
            writable(vault)?;
            if vault.purge_protection {
                return Err(errors::purge_protected());
            }
            if let Some(v) = world.vaults.get_mut(&vault.name) {
                v.keys.remove(&name.to_lowercase());
            }
            Ok(Reply::empty(204))
        }
    }
}

fn writable(vault: &Vault) -> Result<(), Fail> {
    if vault.read_only { Err(errors::read_only(&vault.name)) } else { Ok(()) }
}

fn live<'a>(vault: &'a Vault, name: &str, call: &Call) -> Result<&'a Key, Fail> {
    let found = vault.keys.get(&name.to_lowercase()).filter(|k| k.is_active(call.now));
    found.ok_or_else(|| errors::not_found(name))
}

fn version<'a>(key: &'a Key, target: &Target) -> Result<&'a KeyVersion, Fail> {
    let wanted = target.version.as_deref();
    key.version(wanted).ok_or_else(|| errors::not_found(&format!("{}/{}", key.name, wanted.unwrap_or_default())))
}

/// A deleted key is found only once its deletion has settled (R-KV-13).
fn deleted<'a>(vault: &'a Vault, name: &str, call: &Call) -> Result<(&'a Key, time::OffsetDateTime), Fail> {
    let key = vault.keys.get(&name.to_lowercase()).ok_or_else(|| errors::deleted_not_found(name))?;
    match (key.life, key.transition(call.now)) {
        (Life::Deleted { at, .. }, Some(Transition::Deleted)) => Ok((key, at)),
        _ => Err(errors::deleted_not_found(name)),
    }
}

fn deleted_bundle(
    vault: &Vault,
    suffix: &str,
    key: &Key,
    at: time::OffsetDateTime,
    call: &Call,
) -> Result<Value, Fail> {
    let current = key.current().ok_or_else(|| errors::not_found(&key.name))?;
    Ok(render::deleted(vault, suffix, key, at, render::bundle(vault, suffix, key, current, call)))
}

fn policy_id(vault: &Vault, suffix: &str, key: &Key) -> String {
    format!("{}/rotationpolicy", render::kid(vault, suffix, &key.name, None))
}

/// The bundle of a version as it is now.
pub(super) fn answer(world: &World, call: &Call, vault: &str, name: &str, version: &str) -> Result<Reply, Fail> {
    let suffix = world.setup.cloud.vault_suffix();
    let vault = world.vaults.get(vault).ok_or_else(errors::no_route)?;
    let key = vault.keys.get(&name.to_lowercase()).ok_or_else(|| errors::not_found(name))?;
    let v = key.version(Some(version)).ok_or_else(|| errors::not_found(name))?;
    Ok(Reply::json(200, Value::Object(render::bundle(vault, suffix, key, v, call))))
}

/// Whether a version of this name may be made now.
pub(super) fn check_name(call: &Call, vault: &Vault, name: &str) -> Result<(), Fail> {
    if !valid_key_name(name) {
        return Err(errors::bad(format!("The request URI contains an invalid name: {name}")));
    }
    match vault.keys.get(&name.to_lowercase()).and_then(|k| k.transition(call.now)) {
        Some(state) => Err(errors::conflict(name, state)),
        None => Ok(()),
    }
}

fn create(world: &mut World, call: &Call, vault: &Vault, name: &str) -> Result<Reply, Fail> {
    check_name(call, vault, name)?;
    let body = call.json().map_err(|f| errors::bad(f.message))?;
    let kty = body.text("kty").ok_or_else(|| errors::bad("Property  kty  is required."))?.to_owned();
    let ops = body.at("key_ops").and_then(Value::as_array);
    let new = NewVersion {
        kty,
        size: body.int("key_size"),
        curve: body.text("crv").map(str::to_owned),
        ops: ops.map(|l| l.iter().filter_map(|o| o.as_str().map(str::to_owned)).collect()),
        enabled: body.flag("attributes.enabled").unwrap_or(true),
        nbf: body.int("attributes.nbf"),
        exp: body.int("attributes.exp"),
        exportable: body.flag("attributes.exportable").unwrap_or(false),
        tags: tags_of(&body).unwrap_or_default(),
        material: None,
    };
    let made = world.make_version(&vault.name, name, new, call.now)?;
    answer(world, call, &vault.name, name, &made.version)
}

fn update(world: &mut World, call: &Call, vault: &Vault, target: &Target) -> Result<Reply, Fail> {
    let name = target.key.as_str();
    let wanted = version(live(vault, name, call)?, target)?.version.clone();
    writable(vault)?;
    let body = call.json().map_err(|f| errors::bad(f.message))?;
    let tags = tags_of(&body);
    if tags.as_ref().is_some_and(|t| t.len() > MAX_TAGS) {
        return Err(errors::bad("A key has at most 15 tags."));
    }
    let attributes = body.object("attributes").cloned().unwrap_or_else(Object::new);
    if let Some(v) = world.key_mut(&vault.name, name).and_then(|k| k.versions.iter_mut().find(|v| v.version == wanted))
    {
        v.enabled = attributes.flag("enabled").unwrap_or(v.enabled);
        for (field, slot) in [("nbf", &mut v.nbf), ("exp", &mut v.exp)] {
            if let Some(value) = attributes.get(field) {
                *slot = value.as_i64();
            }
        }
        if let Some(ops) = body.at("key_ops").and_then(Value::as_array) {
            v.ops = ops.iter().filter_map(|o| o.as_str().map(str::to_owned)).collect();
        }
        if let Some(tags) = tags {
            v.tags = tags;
        }
        v.updated = call.now;
    }
    answer(world, call, &vault.name, name, &wanted)
}

fn recover(world: &mut World, call: &Call, vault: &Vault, name: &str) -> Result<Reply, Fail> {
    let key = vault.keys.get(&name.to_lowercase()).ok_or_else(|| errors::not_found(name))?;
    match key.transition(call.now) {
        Some(Transition::Deleted) => {}
        Some(state) => return Err(errors::conflict(name, state)),
        None => return Err(errors::not_found(name)),
    }
    writable(vault)?;
    let from = call.now.after(world.params.key_recover_settle.draw(&mut world.rng));
    if let Some(key) = world.key_mut(&vault.name, name) {
        key.life = Life::ActiveFrom(from);
    }
    let current = key.current().ok_or_else(|| errors::not_found(name))?;
    answer(world, call, &vault.name, name, &current.version)
}

fn list(world: &World, call: &Call, vault: &Vault, deleted_ones: bool) -> Reply {
    let suffix = world.setup.cloud.vault_suffix();
    let items: Vec<Value> = vault
        .keys
        .values()
        .filter_map(|k| {
            let item = render::item(vault, suffix, k, k.current()?, false, call);
            match (deleted_ones, k.life) {
                (false, _) => k.is_active(call.now).then_some(Value::Object(item)),
                (true, Life::Deleted { at, settled }) => {
                    (settled <= call.now).then(|| render::deleted(vault, suffix, k, at, item))
                }
                _ => None,
            }
        })
        .collect();
    paged(world, call, &items)
}

fn paged(world: &World, call: &Call, items: &[Value]) -> Reply {
    let size = call.query("maxresults").and_then(|m| m.parse().ok()).unwrap_or(world.params.kv_page_size);
    let skip = call.query("$skiptoken").and_then(|t| URL_SAFE_NO_PAD.decode(t).ok());
    let skip = skip.and_then(|s| String::from_utf8(s).ok());
    let (value, next) = page(items, skip.as_deref(), size);
    let link = next.map(|n| {
        let token = URL_SAFE_NO_PAD.encode(n.to_string());
        let (path, api) = (call.path.trim_end_matches('/'), call.api_version());
        format!("https://{}:443{path}?api-version={api}&$skiptoken={token}&maxresults={size}", call.host)
    });
    Reply::json(200, json!({"value": value, "nextLink": link}))
}

/// What is wrapped here is not encrypted but names the version, so that only it unwraps. What a client has wrapped by
/// itself is.
fn crypt(world: &World, call: &Call, vault: &Vault, target: &Target, op: Use) -> Result<Reply, Fail> {
    let key = live(vault, &target.key, call)?;
    let v = version(key, target)?;
    usable(v, op, call.now, world.params.disabled_blocks_wrap).map_err(|d| match d {
        Denial::VersionDisabled => errors::disabled(op.name()),
        Denial::NotYetValid => errors::not_yet_valid(op.name()),
        Denial::Expired => errors::expired(op.name()),
        _ => errors::not_permitted(op.name()),
    })?;
    let body = call.json().map_err(|f| errors::bad(f.message))?;
    if body.text("alg").is_none() {
        return Err(errors::bad("Property  alg  is required."));
    }
    let value = body.text("value").map(|s| URL_SAFE_NO_PAD.decode(s.trim_end_matches('=')));
    let Some(Ok(value)) = value else { return Err(errors::bad("Property  value  has invalid value")) };
    let mark = format!("{}:", v.version);
    let out = match op {
        Use::Wrap | Use::Encrypt => [mark.as_bytes(), &value].concat(),
        Use::Unwrap | Use::Decrypt => match value.strip_prefix(mark.as_bytes()) {
            Some(plain) => plain.to_vec(),
            None => opened(v, &body, &value).ok_or_else(|| errors::bad("The parameter is incorrect.\r\n"))?,
        },
    };
    let kid = render::kid(vault, world.setup.cloud.vault_suffix(), &key.name, Some(&v.version));
    Ok(Reply::json(200, json!({"kid": kid, "value": URL_SAFE_NO_PAD.encode(out)})))
}

fn opened(v: &KeyVersion, body: &Object, sealed: &[u8]) -> Option<Vec<u8>> {
    let modulus = v.material.first().filter(|_| v.curve.is_none())?;
    rsa::open(body.text("alg")?, &URL_SAFE_NO_PAD.decode(modulus).ok()?, sealed)
}
