//! Soft-deleted vaults: state and routes (R-KV-02..06).

use super::{errors, state::Vault};
use crate::{
    http::{
        message::{Call, Caller, Fail, Reply},
        time_format,
    },
    services::arm::{ArmPath, authorize, subscription_of},
    world::{World, clock::Moment as _},
};
use http::Method;
use serde_json::{Value, json};
use time::OffsetDateTime;

impl World {
    pub(crate) fn delete_vault(&mut self, name: &str) -> bool {
        let Some(mut vault) = self.vaults.live.remove(&name.to_lowercase()) else { return false };
        vault.deleted_at = Some(self.now);
        // R-KV-05
        self.drop_assignments_within(&vault.id);
        self.vaults.deleted.insert(name.to_lowercase(), vault);
        true
    }

    pub(super) fn delete_vaults_of(&mut self, group: &str) {
        let names: Vec<String> =
            self.vaults.live.values().filter(|v| v.group.eq_ignore_ascii_case(group)).map(|v| v.name.clone()).collect();
        for name in names {
            self.delete_vault(&name);
        }
    }

    /// R-KV-04: everything is as it was; what else the PUT asked for is not done. Old policies are back at once.
    pub(crate) fn recover_vault(&mut self, key: &str) -> Option<Vault> {
        if self.vaults.deleted.get(key)?.purging_until.is_some() {
            return None;
        }
        let mut vault = self.vaults.deleted.remove(key)?;
        vault.deleted_at = None;
        vault.modified = self.now;
        vault.dns_ready_at = self.now;
        self.vaults.live.insert(key.to_owned(), vault.clone());
        Some(vault)
    }

    fn purge_vault(&mut self, name: &str) -> Result<String, Fail> {
        let until = self.now.after(self.params.vault_purge_duration.draw(&mut self.rng));
        let id = self.rng.base64url(52);
        let key = name.to_lowercase();
        let vault = self.vaults.deleted.get_mut(&key).ok_or_else(|| errors::no_deleted_vault(name))?;
        if vault.purge_protection {
            return Err(errors::purge_refused());
        }
        vault.purging_until = Some(until);
        self.vaults.purges.insert(id.clone(), (self.now, until));
        Ok(id)
    }

    /// `before`: when this was last done.
    pub(super) fn settle_vaults(&mut self, before: OffsetDateTime, now: OffsetDateTime) {
        let stays = |v: &Vault| v.purging_until.is_none_or(|t| t > now) && v.purge_at().is_none_or(|t| t > now);
        if !self.vaults.deleted.values().all(stays) {
            self.vaults.deleted.retain(|_, v| stays(v));
        }
        self.settle_keys(before, now);
    }
}

pub(super) fn handle(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let lower = path.lower_parts();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let scope = path.subscription_id();
    let may = |world: &World, what: &str| authorize(world, call, caller, &format!("Microsoft.KeyVault/{what}"), &scope);
    let is_at = |v: &Vault, location: &str| v.location.eq_ignore_ascii_case(location) && path.holds(&v.id);
    match (&call.method, lower.as_slice()) {
        (&Method::GET, ["deletedvaults"]) => {
            may(world, "deletedVaults/read")?;
            let value: Vec<Value> = world.vaults.deleted.values().filter(|v| path.holds(&v.id)).map(body).collect();
            Ok(Reply::json(200, json!({"value": value})))
        }
        // There are no managed HSMs here, which clients that list deleted vaults want to know.
        (&Method::GET, ["deletedmanagedhsms"]) => {
            may(world, "deletedManagedHsms/read")?;
            Ok(Reply::json(200, json!({"value": []})))
        }
        (&Method::GET, ["locations", _, "deletedmanagedhsms", _]) => {
            may(world, "locations/deletedManagedHsms/read")?;
            Err(errors::no_deleted_hsm(path.name(3)))
        }
        (&Method::GET, ["locations", location, "deletedvaults", name]) => {
            may(world, "locations/deletedVaults/read")?;
            let found = world.vaults.deleted.get(*name).filter(|v| is_at(v, location));
            let found = found.ok_or_else(|| errors::no_deleted_vault(path.name(3)))?;
            Ok(Reply::json(200, body(found)))
        }
        (&Method::POST, ["locations", location, "deletedvaults", name, "purge"]) => {
            may(world, "locations/deletedVaults/purge/action")?;
            let there = world.vaults.deleted.get(*name).is_some_and(|v| is_at(v, location));
            if !there {
                return Err(errors::no_deleted_vault(path.name(3)));
            }
            let id = world.purge_vault(path.name(3))?;
            Ok(Reply::empty(202).header("location", operation_url(world, call, path, &id)))
        }
        (&Method::GET, ["locations", _, "operationresults", _]) => {
            may(world, "locations/operationResults/read")?;
            let id = path.name(3);
            let (begin, end) = *world.vaults.purges.get(id).ok_or_else(|| path.no_such_type(world))?;
            let created = time_format::spaced(begin);
            if call.now < end {
                let body = json!({"createdDateTime": created, "status": "NotStarted"});
                return Ok(Reply::json(202, body).header("location", operation_url(world, call, path, id)));
            }
            let last = time_format::spaced(end);
            let body = json!({"createdDateTime": created, "lastActionDateTime": last, "status": "Succeeded"});
            Ok(Reply::json(200, body))
        }
        _ => Err(path.no_such_type(world)),
    }
}

fn operation_url(world: &World, call: &Call, path: &ArmPath, id: &str) -> String {
    format!(
        "https://{}{}/providers/Microsoft.KeyVault/locations/{}/operationResults/{id}?api-version={}",
        world.setup.cloud.arm_host(),
        path.subscription_id(),
        path.name(1),
        call.api_version()
    )
}

fn body(v: &Vault) -> Value {
    let date = |t: Option<OffsetDateTime>| t.map(time_format::whole);
    let mut properties = json!({
        "vaultId": v.id,
        "location": v.location,
        "tags": v.tags,
        "deletionDate": date(v.deleted_at),
        "scheduledPurgeDate": date(v.purge_at()),
    });
    if let (true, Some(o)) = (v.purge_protection, properties.as_object_mut()) {
        o.insert("purgeProtectionEnabled".into(), json!(true));
    }
    json!({
        "id": format!(
            "{}/providers/Microsoft.KeyVault/locations/{}/deletedVaults/{}",
            subscription_of(&v.id), v.location, v.name
        ),
        "name": v.name,
        "type": "Microsoft.KeyVault/deletedVaults",
        "properties": properties,
    })
}
