//! Management locks (R-ARM-31).

use crate::{
    http::message::{Call, Caller, Fail, Peek, Reply, page},
    services::arm::{ArmPath, Lock, MAX_NOTES, authorize, within},
    world::World,
};
use http::Method;
use serde_json::{Value, json};

/// `parts` are those of the path, in lower case: `locks`, or `locks` and a name.
pub(super) fn handle(
    world: &mut World,
    call: &Call,
    caller: &Caller,
    path: &ArmPath,
    parts: &[&str],
) -> Result<Reply, Fail> {
    let may = |world: &World, verb: &str, scope: &str| {
        authorize(world, call, caller, &format!("Microsoft.Authorization/locks/{verb}"), scope)
    };
    let name = path.name(1);
    match (&call.method, parts) {
        (&Method::GET, ["locks"]) => {
            may(world, "read", &path.scope)?;
            list(world, call, &path.scope)
        }
        (&Method::GET, ["locks", _]) => {
            may(world, "read", &path.id())?;
            let found = world.resources.lock(&path.scope, name).ok_or_else(|| not_found(name))?;
            Ok(Reply::json(200, body(found)))
        }
        (&Method::PUT, ["locks", _]) => {
            may(world, "write", &path.id())?;
            let scope = world.canonical_scope(&path.scope)?;
            let lock = read(call, scope, name)?;
            let (body, made) = (body(&lock), world.resources.put_lock(lock));
            Ok(Reply::json(if made { 201 } else { 200 }, body))
        }
        (&Method::DELETE, ["locks", _]) => {
            may(world, "delete", &path.id())?;
            Ok(Reply::empty(if world.resources.remove_lock(&path.scope, name) { 200 } else { 204 }))
        }
        _ => Err(path.no_such_type(world)),
    }
}

fn read(call: &Call, scope: String, name: &str) -> Result<Lock, Fail> {
    let request = call.json()?;
    let notes = request.text("properties.notes").map(str::to_owned);
    let read_only = match request.text("properties.level").map(str::to_lowercase).as_deref() {
        Some("cannotdelete") => false,
        Some("readonly") => true,
        _ => return Err(bad("The level of a lock is CanNotDelete or ReadOnly.")),
    };
    if notes.as_ref().is_some_and(|n| n.chars().count() > MAX_NOTES) {
        return Err(bad("The notes of a lock have at most 512 characters."));
    }
    Ok(Lock { scope, name: name.to_owned(), read_only, notes })
}

/// What stands at the scope and below; with `atScope()` at it and above instead (ASSUMED, as roles have it).
fn list(world: &World, call: &Call, scope: &str) -> Result<Reply, Fail> {
    let scope = world.canonical_scope(scope)?;
    let at_scope = match call.query("$filter").map(str::trim).unwrap_or_default() {
        "" => false,
        filter if filter.eq_ignore_ascii_case("atScope()") => true,
        filter => return Err(bad(&format!("The filter '{filter}' is not supported."))),
    };
    let listed = |l: &&Lock| if at_scope { within(&scope, &l.scope) } else { within(&l.scope, &scope) };
    let value: Vec<Value> = world.resources.locks.iter().filter(listed).map(body).collect();
    let (value, next) = page(&value, call.query("$skiptoken"), world.params.arm_page_size);
    let mut out = json!({"value": value});
    if let (Some(n), Some(o)) = (next, out.as_object_mut()) {
        o.insert("nextLink".into(), json!(world.next_link(call, n)));
    }
    Ok(Reply::json(200, out))
}

fn body(lock: &Lock) -> Value {
    let mut properties = json!({"level": lock.level()});
    if let (Some(notes), Some(o)) = (&lock.notes, properties.as_object_mut()) {
        o.insert("notes".into(), json!(notes));
    }
    json!({
        "properties": properties,
        "id": lock.id(),
        "type": "Microsoft.Authorization/locks",
        "name": lock.name,
    })
}

fn bad(message: &str) -> Fail {
    Fail::new(400, "SimUnverified.InvalidLock", message)
}

/// The code is not known.
fn not_found(name: &str) -> Fail {
    Fail::new(404, "SimUnverified.LockNotFound", format!("The lock '{name}' could not be found."))
}
