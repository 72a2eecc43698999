//! Passwords, made and shown: of the admin user and of tokens.

use super::{errors, logins::Password, state::Registry};
use crate::{
    http::{
        message::{Call, Fail, Object, Peek, Reply},
        time_format,
    },
    world::{World, clock::Moment as _},
};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

fn credentials(world: &World, registry: &Registry) -> Reply {
    let passwords: Vec<Value> = ["password", "password2"]
        .into_iter()
        .zip(world.admin_passwords(&registry.id))
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    Reply::json(200, json!({"username": registry.name, "passwords": passwords}))
}

pub(super) fn list(world: &World, registry: &Registry) -> Result<Reply, Fail> {
    if !registry.admin_enabled() {
        return Err(errors::admin_disabled(&registry.id));
    }
    Ok(credentials(world, registry))
}

pub(super) fn regenerate(world: &mut World, call: &Call, registry: &Registry) -> Result<Reply, Fail> {
    if !registry.admin_enabled() {
        return Err(errors::admin_disabled(&registry.id));
    }
    let body = call.json()?;
    let which = match body.text("name") {
        Some("password") => 0,
        Some("password2") => 1,
        other => return Err(errors::bad(format!("The password name '{}' is not valid.", other.unwrap_or_default()))),
    };
    let spread = world.params.acr_admin_password_spread.draw(&mut world.rng);
    let found = world.registries.get_mut(&registry.id).and_then(|r| r.logins.admin.get_mut(which));
    if let Some(password) = found {
        password.generation += 1;
        password.spread_at = Some(call.now.after(spread));
    }
    Ok(credentials(world, registry))
}

/// A token's password is shown here once, and the one it takes the place of is void.
pub(super) fn generate(world: &mut World, call: &Call, registry: &Registry) -> Result<Reply, Fail> {
    let body = call.json()?;
    let id = body.text("tokenId").ok_or_else(|| errors::bad("The property 'tokenId' is required."))?;
    let below = format!("{}/tokens/", registry.id).to_lowercase();
    let name = id.to_lowercase().strip_prefix(&below).map(str::to_owned);
    let name = name.filter(|n| registry.logins.tokens.contains_key(n)).ok_or_else(|| errors::no_token(id))?;
    let expiry = moment(&body, "expiry")?;
    if expiry.is_some_and(|end| end <= call.now) {
        return Err(errors::bad("The expiry of a password lies in the future."));
    }
    let names = match body.text("name") {
        None => vec!["password1", "password2"],
        Some("password1") => vec!["password1"],
        Some("password2") => vec!["password2"],
        Some(other) => return Err(errors::bad(format!("The password name '{other}' is not valid."))),
    };
    let made: Vec<Password> = names
        .into_iter()
        .map(|name| {
            let value = world.rng.base64url(36);
            Password { name: name.to_owned(), value, created: call.now, expiry }
        })
        .collect();
    let token = world.registries.get_mut(&registry.id).and_then(|r| r.logins.tokens.get_mut(&name));
    let token = token.ok_or_else(|| errors::no_token(id))?;
    token.passwords.retain(|p| made.iter().all(|m| m.name != p.name));
    token.passwords.extend(made.iter().cloned());
    token.passwords.sort_by(|a, b| a.name.cmp(&b.name));
    let passwords: Vec<Value> = token.passwords.iter().map(|p| shown(p, made.contains(p))).collect();
    Ok(Reply::json(200, json!({"username": token.name, "passwords": passwords})))
}

pub(super) fn shown(password: &Password, with_value: bool) -> Value {
    let mut out = Object::new();
    out.insert("creationTime".into(), json!(time_format::offset(password.created)));
    if let Some(end) = password.expiry {
        out.insert("expiry".into(), json!(time_format::offset(end)));
    }
    out.insert("name".into(), json!(password.name));
    if with_value {
        out.insert("value".into(), json!(password.value));
    }
    Value::Object(out)
}

fn moment(body: &Object, name: &str) -> Result<Option<OffsetDateTime>, Fail> {
    let Some(text) = body.text(name) else { return Ok(None) };
    let parsed = OffsetDateTime::parse(text, &Rfc3339);
    parsed.map(Some).map_err(|_| errors::bad(format!("The time '{text}' is not valid.")))
}
