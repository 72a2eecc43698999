use super::errors;
use crate::{
    http::{
        message::{Caller, Fail, Object},
        time_format,
    },
    services::{
        arm::{ArmPath, Listed},
        keys::Key,
        system_data::Authors,
    },
    world::{World, clock::Moment as _, params::VaultDefaultModel},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Permissions {
    pub(crate) keys: Vec<String>,
    pub(crate) secrets: Option<Vec<String>>,
    pub(crate) certificates: Option<Vec<String>>,
    pub(crate) storage: Option<Vec<String>>,
    /// The kinds in the order in which they were asked for, which answers keep (recorded).
    #[serde(default)]
    pub(crate) order: Vec<String>,
}

impl Permissions {
    /// As answers have them.
    pub(super) fn body(&self) -> Object {
        let lists = [
            ("keys", Some(&self.keys)),
            ("secrets", self.secrets.as_ref()),
            ("certificates", self.certificates.as_ref()),
            ("storage", self.storage.as_ref()),
        ];
        let mut lists: Vec<_> = lists.into_iter().filter_map(|(kind, words)| Some((kind, words?))).collect();
        let place = |kind: &str| self.order.iter().position(|k| k.eq_ignore_ascii_case(kind));
        lists.sort_by_key(|(kind, _)| place(kind).unwrap_or(self.order.len()));
        lists.into_iter().map(|(kind, words)| (kind.to_owned(), json!(words))).collect()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub(crate) tenant: Uuid,
    pub(crate) object_id: Uuid,
    pub(crate) application: Option<Uuid>,
    pub(crate) permissions: Permissions,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct NetworkAcls {
    pub(crate) bypass: bool,
    pub(crate) deny: bool,
    pub(crate) ip_rules: Vec<String>,
    pub(crate) subnets: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Vault {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) location: String,
    pub(crate) tags: Object,
    pub(crate) tenant: Uuid,
    pub(crate) premium: bool,
    /// What ARM shows.
    pub(crate) policies: Vec<Policy>,
    /// What counts: from when on which policies (R-RBAC-06).
    pub(crate) effective: Vec<(OffsetDateTime, Vec<Policy>)>,
    pub(crate) rbac: bool,
    /// Whether anybody ever asked for this model.
    #[serde(default)]
    pub(crate) rbac_said: bool,
    /// Whether anybody ever asked for soft delete.
    #[serde(default)]
    pub(crate) soft_delete_said: bool,
    /// Whether anybody ever asked for this retention.
    #[serde(default)]
    pub(crate) retention_said: bool,
    pub(crate) purge_protection: bool,
    /// Whether it keeps what is deleted.
    #[serde(default = "keeps")]
    pub(crate) keeps_deleted: bool,
    pub(crate) retention_days: u32,
    pub(crate) enabled_for: Object,
    pub(crate) network: Option<NetworkAcls>,
    pub(crate) public_network_access: String,
    pub(crate) dns_ready_at: OffsetDateTime,
    pub(crate) created: OffsetDateTime,
    pub(crate) modified: OffsetDateTime,
    #[serde(default)]
    pub(crate) authors: Authors,
    pub(crate) listed_from: OffsetDateTime,
    /// R-CMK-39: in an enforced network security perimeter.
    pub(crate) perimeter: bool,
    /// R-KV-09
    pub(crate) read_only: bool,
    pub(crate) keys: BTreeMap<String, Key>,
    pub(crate) deleted_at: Option<OffsetDateTime>,
    pub(crate) purging_until: Option<OffsetDateTime>,
}

fn keeps() -> bool {
    true
}

impl Vault {
    pub(crate) fn purge_at(&self) -> Option<OffsetDateTime> {
        self.deleted_at.map(|t| t.after(Duration::days(i64::from(self.retention_days))))
    }

    /// Permissions in force on keys at `now`, under the policy model.
    pub(crate) fn key_permissions(&self, object_id: Uuid, now: OffsetDateTime) -> Option<Vec<String>> {
        let (_, policies) = self.effective.iter().rev().find(|(from, _)| *from <= now)?;
        let mine: Vec<&Policy> = policies.iter().filter(|p| p.object_id == object_id).collect();
        (!mine.is_empty()).then(|| mine.iter().flat_map(|p| p.permissions.keys.clone()).collect())
    }

    pub(crate) fn set_policies(&mut self, policies: Vec<Policy>, from: OffsetDateTime) {
        // A later change never takes effect before an earlier one.
        let from = self.effective.last().map_or(from, |(t, _)| from.max(*t));
        self.effective.push((from, policies.clone()));
        if self.effective.len() > 32 {
            self.effective.remove(0);
        }
        self.policies = policies;
    }

    pub(crate) fn uri(&self, suffix: &str) -> String {
        format!("https://{}.{suffix}", self.name.to_lowercase())
    }

    pub(crate) fn recovery_level(&self) -> String {
        if !self.keeps_deleted {
            return "Purgeable".into();
        }
        let custom = if self.retention_days < 90 { "Customized" } else { "" };
        let purgeable = if self.purge_protection { "" } else { "+Purgeable" };
        format!("{custom}Recoverable{purgeable}")
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Vaults {
    /// By name in lower case: names are unique everywhere.
    pub(crate) live: BTreeMap<String, Vault>,
    pub(crate) deleted: BTreeMap<String, Vault>,
    /// Purges: opaque id, begin, end.
    pub(crate) purges: BTreeMap<String, (OffsetDateTime, OffsetDateTime)>,
}

impl Vaults {
    pub(crate) fn get(&self, name: &str) -> Option<&Vault> {
        self.live.get(&name.to_lowercase())
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Vault> {
        self.live.get_mut(&name.to_lowercase())
    }
}

/// What a PUT or PATCH asks for; absent is absent.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    pub(super) location: String,
    pub(super) tags: Option<Object>,
    pub(super) tenant: Option<Uuid>,
    pub(super) premium: Option<bool>,
    pub(super) policies: Option<Vec<Policy>>,
    pub(super) rbac: Option<bool>,
    pub(super) soft_delete: Option<bool>,
    pub(super) purge_protection: Option<bool>,
    pub(super) retention_days: Option<i64>,
    pub(super) enabled_for: Object,
    pub(super) network: Option<NetworkAcls>,
    pub(super) public_network_access: Option<String>,
    pub(super) recover: bool,
    /// Of the request, for R-KV-30.
    pub(super) rbac_by_version: bool,
}

/// R-KV-01
pub(crate) fn valid_name(name: &str) -> bool {
    (3..=24).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
        && !name.contains("--")
}

impl World {
    /// The id of the vault or key at a path, as the vault and the path spell it.
    pub(super) fn find_vault_id(&self, path: &ArmPath) -> Option<String> {
        let lower = path.lower_parts();
        match lower.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["vaults", name] => Some(self.vault_in(&path.existing_group(self).ok()?, name)?.id.clone()),
            ["vaults", name, "keys", _] => {
                let vault = self.vault_in(&path.existing_group(self).ok()?, name)?;
                Some(format!("{}/keys/{}", vault.id, path.name(3)))
            }
            _ => None,
        }
    }

    pub(crate) fn vault_in(&self, group: &str, name: &str) -> Option<&Vault> {
        self.vaults.get(name).filter(|v| v.group.eq_ignore_ascii_case(group))
    }

    /// PUT: create, recover or replace. True: it is new.
    pub(super) fn put_vault(&mut self, group: &str, name: &str, wish: Wish) -> Result<(Vault, bool), Fail> {
        let key = name.to_lowercase();
        if !valid_name(name) {
            return Err(errors::bad_name(name));
        }
        if let Some(live) = self.vaults.live.get(&key) {
            if !live.group.eq_ignore_ascii_case(group) || wish.recover {
                return Err(errors::exists(name));
            }
            let live = self.update_vault(name, wish)?;
            return Ok((live, false));
        }
        if let Some(gone) = self.vaults.deleted.get(&key) {
            let same_place = gone.group.eq_ignore_ascii_case(group) && gone.location == wish.location;
            return match (wish.recover, same_place) {
                (true, true) => self.recover_vault(&key).map(|v| (v, false)).ok_or_else(errors::nothing_to_recover),
                (true, false) => Err(errors::nothing_to_recover()),
                (false, _) => Err(errors::exists_deleted()),
            };
        }
        if wish.recover {
            return Err(errors::nothing_to_recover());
        }
        let vault = self.create_vault(group, name, wish)?;
        Ok((vault, true))
    }

    fn create_vault(&mut self, group: &str, name: &str, wish: Wish) -> Result<Vault, Fail> {
        let tenant = wish.tenant.ok_or_else(|| errors::missing("tenantId"))?;
        let premium = wish.premium.ok_or_else(|| errors::missing("sku"))?;
        let rbac = wish.rbac.unwrap_or(match self.params.vault_default_model {
            VaultDefaultModel::ByApiVersion => wish.rbac_by_version,
            VaultDefaultModel::Rbac => true,
            VaultDefaultModel::Policy => false,
        });
        if wish.purge_protection == Some(false) {
            return Err(errors::purge_protection_stays());
        }
        // Recorded: asked for without, it is made with soft delete all the same.
        let retention = wish.retention_days.unwrap_or(90);
        if !(7..=90).contains(&retention) {
            return Err(errors::bad_retention());
        }
        if wish.policies.is_none() && !rbac {
            return Err(errors::missing("accessPolicies"));
        }
        let now = self.now;
        let mut vault = Vault {
            id: format!("{}/providers/Microsoft.KeyVault/vaults/{name}", self.group_id(group)),
            name: name.to_owned(),
            group: group.to_owned(),
            location: wish.location,
            tags: wish.tags.unwrap_or_default(),
            tenant,
            premium,
            policies: Vec::new(),
            effective: Vec::new(),
            rbac,
            rbac_said: wish.rbac.is_some(),
            soft_delete_said: wish.soft_delete.is_some(),
            retention_said: wish.retention_days.is_some(),
            purge_protection: wish.purge_protection == Some(true),
            keeps_deleted: self.params.vault_always_keeps_deleted || wish.soft_delete == Some(true),
            retention_days: u32::try_from(retention).unwrap_or(90),
            enabled_for: wish.enabled_for,
            network: wish.network,
            public_network_access: wish.public_network_access.unwrap_or_else(|| "Enabled".into()),
            dns_ready_at: now.after(self.params.vault_dns_delay.draw(&mut self.rng)),
            created: now,
            modified: now,
            authors: Authors::default(),
            listed_from: now.after(self.params.list_lag.draw(&mut self.rng)),
            perimeter: false,
            read_only: false,
            keys: BTreeMap::new(),
            deleted_at: None,
            purging_until: None,
        };
        let from = now.after(self.params.access_policy_delay.draw(&mut self.rng));
        vault.set_policies(wish.policies.unwrap_or_default(), from);
        self.vaults.live.insert(name.to_lowercase(), vault.clone());
        Ok(vault)
    }

    /// PUT on what is there, and PATCH. The model flips only when asked to (R-KV-30).
    pub(super) fn update_vault(&mut self, name: &str, wish: Wish) -> Result<Vault, Fail> {
        let from = self.now.after(self.params.access_policy_delay.draw(&mut self.rng));
        let now = self.now;
        let vault = self.vaults.get_mut(name).ok_or_else(errors::nothing_to_recover)?;
        if vault.read_only {
            return Err(errors::read_only(name));
        }
        if wish.purge_protection == Some(false) {
            return Err(errors::purge_protection_stays());
        }
        if wish.soft_delete == Some(false) {
            return Err(errors::soft_delete_stays());
        }
        if wish.retention_days.is_some_and(|d| d != i64::from(vault.retention_days)) {
            return Err(errors::retention_stays());
        }
        vault.purge_protection |= wish.purge_protection == Some(true);
        vault.tenant = wish.tenant.unwrap_or(vault.tenant);
        vault.premium = wish.premium.unwrap_or(vault.premium);
        vault.rbac = wish.rbac.unwrap_or(vault.rbac);
        vault.rbac_said |= wish.rbac.is_some();
        vault.soft_delete_said |= wish.soft_delete.is_some();
        vault.retention_said |= wish.retention_days.is_some();
        if let Some(tags) = wish.tags {
            vault.tags = tags;
        }
        if let Some(policies) = wish.policies
            && policies != vault.policies
        {
            vault.set_policies(policies, from);
        }
        if wish.network.is_some() {
            vault.network = wish.network;
        }
        if let Some(access) = wish.public_network_access {
            vault.public_network_access = access;
        }
        vault.enabled_for.extend(wish.enabled_for);
        vault.modified = now;
        Ok(vault.clone())
    }

    /// Notes who did it, on what a PUT or PATCH has come to.
    pub(super) fn vault_changed(&mut self, mut vault: Vault, by: &Caller, made: bool) -> Vault {
        if made {
            vault.authors = Authors::of(by);
        } else {
            vault.authors.change(by);
        }
        if let Some(live) = self.vaults.get_mut(&vault.name) {
            live.authors = vault.authors;
        }
        vault
    }

    pub(super) fn change_policies(&mut self, name: &str, change: impl FnOnce(&mut Vec<Policy>)) -> Result<Vault, Fail> {
        let from = self.now.after(self.params.access_policy_delay.draw(&mut self.rng));
        let vault = self.vaults.get_mut(name).ok_or_else(errors::nothing_to_recover)?;
        if vault.read_only {
            return Err(errors::read_only(name));
        }
        let mut policies = vault.policies.clone();
        change(&mut policies);
        if policies != vault.policies {
            vault.set_policies(policies, from);
        }
        Ok(vault.clone())
    }

    pub(crate) fn listed_vaults(&self) -> Vec<Listed> {
        let listed = |v: &Vault| Listed {
            id: v.id.clone(),
            name: v.name.clone(),
            kind: "Microsoft.KeyVault/vaults",
            location: v.location.clone(),
            tags: v.tags.clone(),
            sku: None,
            identity: None,
            system_data: Some(self.system_data(
                v.authors,
                &time_format::zulu(v.created),
                &time_format::zulu(v.modified),
            )),
            listed_from: v.listed_from,
        };
        self.vaults.live.values().map(listed).collect()
    }
}

impl NetworkAcls {
    /// As if there were none; answers then have none (recorded).
    pub(super) fn is_open(&self) -> bool {
        self.bypass && !self.deny && self.ip_rules.is_empty() && self.subnets.is_empty()
    }
    pub(super) fn body(&self) -> serde_json::Value {
        let list = |field: &str, items: &[String]| -> Vec<serde_json::Value> {
            items.iter().map(|i| json!({field: i})).collect()
        };
        json!({
            "bypass": if self.bypass { "AzureServices" } else { "None" },
            "defaultAction": if self.deny { "Deny" } else { "Allow" },
            "ipRules": list("value", &self.ip_rules),
            "virtualNetworkRules": list("id", &self.subnets),
        })
    }
}
