use super::{
    arm_keys, deleted, errors,
    state::{NetworkAcls, Permissions, Policy, Vault, Wish, valid_name},
};
use crate::{
    http::{
        message::{Call, Caller, Fail, Object, Peek, Reply, page, tags_of},
        time_format,
    },
    services::{
        arm::{ArmPath, authorize, resource_not_found},
        key_audit::Entry,
    },
    world::World,
};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const KIND: &str = "Microsoft.KeyVault/vaults";

pub(super) fn handle(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let reply = inner(world, call, caller, path)?;
    Ok(reply.header("server", "Microsoft-IIS/10.0").header("x-ms-keyvault-service-version", super::SERVICE_VERSION))
}

fn inner(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let lower = path.lower_parts();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let id = path.resource_id();
    let may = |world: &World, verb: &str| authorize(world, call, caller, &format!("{KIND}/{verb}"), &id);
    match (&call.method, lower.as_slice()) {
        (&Method::GET, ["managedhsms"]) => {
            may(world, "read")?;
            Ok(Reply::json(200, json!({"value": []})))
        }
        (_, ["deletedvaults" | "deletedmanagedhsms" | "locations", ..]) => deleted::handle(world, call, caller, path),
        (&Method::POST, ["checknameavailability"]) => check_name(world, call, caller, path),
        (&Method::GET, ["vaults"]) => list(world, call, caller, path),
        (_, ["vaults", ..]) if path.group.is_none() => Err(path.no_such_type(world)),
        (_, ["vaults", _, "privateendpointconnections" | "networksecurityperimeterconfigurations", ..]) => {
            super::links::handle(world, call, caller, path)
        }
        (_, ["vaults", _, "keys", ..]) => arm_keys::handle(world, call, caller, path),
        (&Method::GET, ["vaults", name]) => {
            may(world, "read")?;
            let group = path.existing_group(world)?;
            let vault = world.vault_in(&group, name).ok_or_else(|| resource_not_found(path))?;
            Ok(Reply::json(200, body(world, call, vault, true)))
        }
        (&Method::PUT, ["vaults", _]) => {
            may(world, "write")?;
            world.require_registered(&path.scope, "Microsoft.KeyVault")?;
            let group = path.existing_group(world)?;
            let request = call.json()?;
            let wish = read_wish(call, &request)?;
            if wish.location.is_empty() {
                return Err(Fail::new(
                    400,
                    "LocationRequired",
                    "The location property is required for this definition.",
                ));
            }
            let recover = wish.recover;
            let (vault, made) = world.put_vault(&group, path.name(1), wish)?;
            let vault = world.vault_changed(vault, caller, made);
            let operation = if recover { "VaultRecover" } else { "VaultPut" };
            log(world, call, caller, &vault, operation);
            Ok(Reply::json(200, body(world, call, &vault, !made)))
        }
        (&Method::PATCH, ["vaults", name]) => {
            may(world, "write")?;
            let group = path.existing_group(world)?;
            world.vault_in(&group, name).ok_or_else(|| resource_not_found(path))?;
            let wish = read_wish(call, &call.json()?)?;
            let vault = world.update_vault(name, wish)?;
            let vault = world.vault_changed(vault, caller, false);
            log(world, call, caller, &vault, "VaultPatch");
            Ok(Reply::json(200, body(world, call, &vault, true)))
        }
        (&Method::DELETE, ["vaults", name]) => {
            may(world, "delete")?;
            let group = path.existing_group(world)?;
            let Some(vault) = world.vault_in(&group, name).cloned() else { return Ok(Reply::empty(204)) };
            world.delete_vault(name);
            log(world, call, caller, &vault, "VaultDelete");
            Ok(Reply::empty(200))
        }
        (&Method::PUT, ["vaults", name, "accesspolicies", kind @ ("add" | "replace" | "remove")]) => {
            may(world, "accessPolicies/write")?;
            let group = path.existing_group(world)?;
            world.vault_in(&group, name).ok_or_else(|| resource_not_found(path))?;
            let request = call.json()?;
            let given = read_policies(&request)?.ok_or_else(|| errors::missing("accessPolicies"))?;
            let vault = world.change_policies(name, |all| match *kind {
                "replace" => given.into_iter().for_each(|p| replace(all, p)),
                "add" => given.into_iter().for_each(|p| add(all, p)),
                _ => given.into_iter().for_each(|p| remove(all, &p)),
            })?;
            log(world, call, caller, &vault, "VaultPatch");
            Ok(Reply::json(
                200,
                json!({
                    "id": format!("{}/accessPolicies/", vault.id),
                    "type": "Microsoft.KeyVault/vaults/accessPolicies",
                    "properties": {"accessPolicies": policies_body(&vault.policies)},
                }),
            ))
        }
        _ => Err(path.no_such_type(world)),
    }
}

fn log(world: &mut World, call: &Call, caller: &Caller, vault: &Vault, operation: &str) {
    let uri = format!("https://{}{}", call.host, call.path);
    let caller = Some((caller.object_id, caller.client_id));
    let ip = world.params.client_ip.clone();
    world.log(call.now, Entry { operation, vault: &vault.name, uri, status: 200, cause: None, caller, ip });
}

fn list(world: &World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    authorize(world, call, caller, &format!("{KIND}/read"), &path.scope)?;
    if path.group.is_some() {
        path.existing_group(world)?;
    }
    let value: Vec<Value> = world
        .vaults
        .live
        .values()
        .filter(|v| v.listed_from <= call.now && path.holds(&v.id))
        .map(|v| body(world, call, v, true))
        .collect();
    let size = call.query("$top").and_then(|t| t.parse().ok()).unwrap_or(world.params.arm_page_size);
    let (value, next) = page(&value, call.query("$skiptoken"), size);
    let mut out = json!({"value": value});
    if let (Some(n), Some(o)) = (next, out.as_object_mut()) {
        o.insert("nextLink".into(), json!(world.next_link(call, n)));
    }
    Ok(Reply::json(200, out))
}

fn check_name(world: &World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let action = "Microsoft.KeyVault/checkNameAvailability/read";
    authorize(world, call, caller, action, &path.subscription_id())?;
    let request = call.json()?;
    let name = request.text("name").unwrap_or_default();
    let key = name.to_lowercase();
    let taken = world.vaults.live.contains_key(&key) || world.vaults.deleted.contains_key(&key);
    let body = if !valid_name(name) {
        json!({"nameAvailable": false, "reason": "AccountNameInvalid", "message": errors::invalid_name(name)})
    } else if taken {
        json!({"nameAvailable": false, "reason": "AlreadyExists", "message": errors::name_taken(name)})
    } else {
        json!({"nameAvailable": true})
    };
    Ok(Reply::json(200, body))
}

fn read_wish(call: &Call, request: &Object) -> Result<Wish, Fail> {
    let text = |p: &str| request.text(p).map(str::to_owned);
    let premium = match request.text("properties.sku.name").map(str::to_lowercase).as_deref() {
        Some("premium") => Some(true),
        Some("standard") => Some(false),
        Some(other) => return Err(errors::bad(format!("The sku name '{other}' is not valid."))),
        None => None,
    };
    let tenant = match request.text("properties.tenantId").map(Uuid::parse_str) {
        Some(Ok(t)) => Some(t),
        Some(Err(_)) => return Err(errors::bad("The tenantId is not a valid GUID.")),
        None => None,
    };
    let enabled_for = ["enabledForDeployment", "enabledForDiskEncryption", "enabledForTemplateDeployment"]
        .iter()
        .filter_map(|n| request.flag(&format!("properties.{n}")).map(|v| ((*n).to_owned(), json!(v))))
        .collect();
    Ok(Wish {
        location: request.text("location").unwrap_or_default().replace(' ', "").to_lowercase(),
        tags: tags_of(request),
        tenant,
        premium,
        policies: read_policies(request)?,
        rbac: request.flag("properties.enableRbacAuthorization"),
        soft_delete: request.flag("properties.enableSoftDelete"),
        purge_protection: request.flag("properties.enablePurgeProtection"),
        retention_days: request.int("properties.softDeleteRetentionInDays"),
        enabled_for,
        network: request.object("properties.networkAcls").map(read_network),
        public_network_access: text("properties.publicNetworkAccess"),
        recover: request.text("properties.createMode").is_some_and(|m| m.eq_ignore_ascii_case("recover")),
        rbac_by_version: call.api_version() >= "2026-02-01",
    })
}

fn read_network(acls: &Object) -> NetworkAcls {
    let items = |list: &str, field: &str| -> Vec<String> {
        let all = acls.at(list).and_then(Value::as_array).cloned().unwrap_or_default();
        all.iter().filter_map(|r| r.get(field)?.as_str().map(str::to_owned)).collect()
    };
    let with_mask = |v: String| if v.contains('/') { v } else { format!("{v}/32") };
    NetworkAcls {
        bypass: !acls.text("bypass").is_some_and(|b| b.eq_ignore_ascii_case("None")),
        deny: acls.text("defaultAction").is_some_and(|a| a.eq_ignore_ascii_case("Deny")),
        ip_rules: items("ipRules", "value").into_iter().map(with_mask).collect(),
        // Recorded: subnet ids come back in lower case.
        subnets: items("virtualNetworkRules", "id").into_iter().map(|s| s.to_lowercase()).collect(),
    }
}

fn read_policies(request: &Object) -> Result<Option<Vec<Policy>>, Fail> {
    let Some(list) = request.at("properties.accessPolicies").and_then(Value::as_array) else { return Ok(None) };
    let mut out = Vec::new();
    for entry in list {
        let entry = entry.as_object().ok_or_else(|| errors::bad("An access policy has to be an object."))?;
        let guid = |f: &str| entry.text(f).and_then(|v| Uuid::parse_str(v).ok());
        let (Some(tenant), Some(object_id)) = (guid("tenantId"), guid("objectId")) else {
            return Err(errors::bad("An invalid value was provided for 'accessPolicies'."));
        };
        let words = |f: &str| -> Option<Vec<String>> {
            let list = entry.at(&format!("permissions.{f}"))?.as_array()?;
            Some(list.iter().filter_map(|w| w.as_str().map(str::to_owned)).collect())
        };
        out.push(Policy {
            tenant,
            object_id,
            application: guid("applicationId"),
            permissions: Permissions {
                keys: words("keys").unwrap_or_default(),
                secrets: words("secrets"),
                certificates: words("certificates"),
                storage: words("storage"),
                order: entry.object("permissions").map(|p| p.keys().cloned().collect()).unwrap_or_default(),
            },
        });
    }
    Ok(Some(out))
}

fn same(a: &Policy, b: &Policy) -> bool {
    a.object_id == b.object_id && a.tenant == b.tenant && a.application == b.application
}

fn replace(all: &mut Vec<Policy>, p: Policy) {
    match all.iter_mut().find(|a| same(a, &p)) {
        Some(found) => *found = p,
        None => all.push(p),
    }
}

fn merge(have: &mut Vec<String>, more: Vec<String>) {
    for word in more {
        if !have.iter().any(|h| h.eq_ignore_ascii_case(&word)) {
            have.push(word);
        }
    }
}

fn add(all: &mut Vec<Policy>, p: Policy) {
    let Some(found) = all.iter_mut().find(|a| same(a, &p)) else {
        all.push(p);
        return;
    };
    merge(&mut found.permissions.keys, p.permissions.keys);
    for (have, more) in [
        (&mut found.permissions.secrets, p.permissions.secrets),
        (&mut found.permissions.certificates, p.permissions.certificates),
        (&mut found.permissions.storage, p.permissions.storage),
    ] {
        if let Some(more) = more {
            merge(have.get_or_insert_default(), more);
        }
    }
}

/// An entry with nothing left is dropped.
fn remove(all: &mut Vec<Policy>, p: &Policy) {
    if let Some(found) = all.iter_mut().find(|a| same(a, p)) {
        let less = |have: &mut Vec<String>, gone: &[String]| {
            have.retain(|h| !gone.iter().any(|g| g.eq_ignore_ascii_case(h)));
        };
        less(&mut found.permissions.keys, &p.permissions.keys);
        for (have, gone) in [
            (&mut found.permissions.secrets, &p.permissions.secrets),
            (&mut found.permissions.certificates, &p.permissions.certificates),
            (&mut found.permissions.storage, &p.permissions.storage),
        ] {
            if let (Some(have), Some(gone)) = (have.as_mut(), gone) {
                less(have, gone);
            }
        }
    }
    all.retain(|a| {
        let left = |v: &Option<Vec<String>>| v.as_ref().is_some_and(|v| !v.is_empty());
        let x = &a.permissions;
        !same(a, p) || !x.keys.is_empty() || left(&x.secrets) || left(&x.certificates) || left(&x.storage)
    });
}

fn policies_body(policies: &[Policy]) -> Vec<Value> {
    policies
        .iter()
        .map(|p| {
            let mut entry = Object::new();
            entry.insert("tenantId".into(), json!(p.tenant));
            entry.insert("objectId".into(), json!(p.object_id));
            if let Some(application) = p.application {
                entry.insert("applicationId".into(), json!(application));
            }
            entry.insert("permissions".into(), Value::Object(p.permissions.body()));
            Value::Object(entry)
        })
        .collect()
}

/// `settled`: false in the answer that made the vault, where the URI has no trailing slash.
///
/// Recorded: what nobody has said is left out, or was before some version.
fn body(world: &World, call: &Call, v: &Vault, settled: bool) -> Value {
    let api = call.api_version();
    let mut p = Object::new();
    let mut put = |name: &str, value: Value| p.insert(name.to_owned(), value);
    put("sku", json!({"family": "A", "name": if v.premium { "premium" } else { "standard" }}));
    put("tenantId", json!(v.tenant));
    if let Some(n) = v.network.as_ref().filter(|n| !n.is_open()) {
        put("networkAcls", n.body());
    }
    let connections = world.networks.connections_of(&v.id);
    if !connections.is_empty() {
        let all: Vec<Value> = connections.iter().map(|c| super::links::connection(&v.id, c)).collect();
        put("privateEndpointConnections", json!(all));
    }
    put("accessPolicies", json!(policies_body(&v.policies)));
    put("enabledForDeployment", json!(false));
    for (name, value) in &v.enabled_for {
        put(name, value.clone());
    }
    if v.soft_delete_said || api >= "2019-09-01" {
        put("enableSoftDelete", json!(true));
    }
    if v.retention_said || api >= "2023-07-01" {
        put("softDeleteRetentionInDays", json!(v.retention_days));
    }
    if v.rbac_said || v.rbac {
        put("enableRbacAuthorization", json!(v.rbac));
    }
    if v.purge_protection {
        put("enablePurgeProtection", json!(true));
    }
    let suffix = world.setup.cloud.vault_suffix();
    // Recorded: the first answer also has the name as the caller spelled it.
    let uri = if settled { format!("{}/", v.uri(suffix)) } else { format!("https://{}.{suffix}", v.name) };
    put("vaultUri", json!(uri));
    let ready = v.dns_ready_at <= world.now;
    put("provisioningState", json!(if ready { "Succeeded" } else { "RegisteringDns" }));
    if api >= "2021-06-01-preview" {
        // R-CMK-39: an enforced perimeter is what rules.
        let access = if v.perimeter { "SecuredByPerimeter" } else { &v.public_network_access };
        put("publicNetworkAccess", json!(access));
    }
    let mut body = json!({
        "id": v.id,
        "name": v.name,
        "type": KIND,
        "location": v.location,
        "tags": v.tags,
        "systemData": world.system_data(v.authors, &time_format::zulu(v.created), &time_format::zulu(v.modified)),
        "properties": p,
    });
    if api < "2021-04-01-preview"
        && let Some(members) = body.as_object_mut()
    {
        members.shift_remove("systemData");
    }
    body
}
