//! Reading a PUT or PATCH into the registry that is asked for, and what is refused before anything starts.

use super::{
    errors,
    operations::shown_identity,
    state::{Attached, Cmk, Registry, Spec},
};
use crate::{
    http::message::{Fail, Object, Peek, tags_of},
    services::{arm::missing_identity, directory::PrincipalKind, key_access::KeyId},
    world::{World, params::NullIdentity},
};
use serde_json::{Value, json};

/// R-ARM-20
pub(crate) fn valid_name(name: &str) -> bool {
    (5..=50).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric())
}

fn sku_of(body: &Object) -> Result<Option<String>, Fail> {
    let Some(name) = body.text("sku.name") else { return Ok(None) };
    let known = ["Basic", "Standard", "Premium"].into_iter().find(|s| s.eq_ignore_ascii_case(name));
    known.map(|s| Some(s.to_owned())).ok_or_else(|| errors::bad(format!("The SKU '{name}' is not valid.")))
}

/// Plain members with their defaults. Others are read-only or unknown and ignored (R-CMK-14).
pub(crate) fn default_props() -> Object {
    let all = json!({
        "adminUserEnabled": false,
        "networkRuleSet": {"defaultAction": "Allow", "ipRules": []},
        "policies": {
            "quarantinePolicy": {"status": "disabled"},
            "trustPolicy": {"type": "Notary", "status": "disabled"},
            "retentionPolicy": {"days": 7, "status": "disabled"},
            "exportPolicy": {"status": "enabled"},
            "azureADAuthenticationAsArmPolicy": {"status": "enabled"},
            "softDeletePolicy": {"retentionDays": 7, "status": "disabled"},
        },
        "dataEndpointEnabled": false,
        "publicNetworkAccess": "Enabled",
        "networkRuleBypassOptions": "AzureServices",
        "networkRuleBypassAllowedForTasks": false,
        "zoneRedundancy": "Disabled",
        "anonymousPullEnabled": false,
        "roleAssignmentMode": "LegacyRegistryPermissions",
    });
    all.as_object().cloned().unwrap_or_default()
}

fn merge_props(props: &mut Object, body: &Object) -> Result<(), Fail> {
    let Some(given) = body.object("properties") else { return Ok(()) };
    for (name, old) in props.iter_mut() {
        let Some(new) = given.get(name).filter(|v| !v.is_null()) else { continue };
        if std::mem::discriminant(old) != std::mem::discriminant(new) {
            return Err(errors::bad(format!("The property '{name}' has the wrong type.")));
        }
        match (name.as_str(), old, new) {
            // Said when it is made only.
            ("zoneRedundancy", ..) => {}
            ("policies", Value::Object(all), Value::Object(given)) => {
                for (policy, members) in given {
                    if let (Some(Value::Object(have)), Value::Object(more)) = (all.get_mut(policy), members) {
                        let writable = more.iter().filter(|(k, v)| *k != "lastUpdatedTime" && !v.is_null());
                        have.extend(writable.map(|(k, v)| (k.clone(), v.clone())));
                    }
                }
            }
            // Replaced as a whole: rules that are not sent again are gone.
            ("networkRuleSet", old, new) => {
                let rules = new.get("ipRules").and_then(Value::as_array).cloned().unwrap_or_default();
                let rules: Vec<Value> = rules
                    .iter()
                    .filter_map(|r| Some(json!({"action": "Allow", "value": r.get("value")?.as_str()?})))
                    .collect();
                let action = new.get("defaultAction").and_then(Value::as_str).unwrap_or("Allow");
                let kept = old.get("virtualNetworkRules").cloned();
                *old = json!({"defaultAction": action, "ipRules": rules});
                // ASSUMED: a version that does not know subnets leaves them alone.
                let subnets = new.get("virtualNetworkRules").and_then(Value::as_array).map(|all| subnet_rules(all));
                if let (Some(subnets), Some(o)) = (subnets.or(kept), old.as_object_mut()) {
                    o.insert("virtualNetworkRules".into(), subnets);
                }
            }
            (_, old, new) => *old = new.clone(),
        }
    }
    Ok(())
}

fn subnet_rules(given: &[Value]) -> Value {
    given.iter().filter_map(|r| Some(json!({"action": "Allow", "id": r.get("id")?.as_str()?}))).collect()
}

impl World {
    /// R-ARM-30: a subnet's own subscription has to know registries, for a rule to name it (ASSUMED: which error).
    fn check_subnets(&self, spec: &Spec) -> Result<(), Fail> {
        let rules = spec.props.at("networkRuleSet.virtualNetworkRules").and_then(Value::as_array);
        let ids = rules.into_iter().flatten().filter_map(|r| r.get("id")?.as_str());
        ids.into_iter().try_for_each(|id| self.require_registered(id, "Microsoft.ContainerRegistry"))
    }

    /// What a PUT asks for, on nothing or on a registry that is there.
    pub(super) fn read_put(
        &mut self,
        body: &Object,
        id: &str,
        name: &str,
        old: Option<&Registry>,
    ) -> Result<Spec, Fail> {
        let sku = sku_of(body)?.ok_or_else(|| errors::bad("The property 'sku' is required."))?;
        let mut spec = Spec {
            tags: tags_of(body).unwrap_or_default(),
            sku,
            system: None,
            user: std::collections::BTreeMap::new(),
            cmk: None,
            props: default_props(),
        };
        merge_props(&mut spec.props, body)?;
        if body.at("properties.networkRuleSet.virtualNetworkRules").is_some() {
            self.check_subnets(&spec)?;
        }
        let before = old.map(|r| r.spec.clone());
        // R-CMK-35: an indicator, nothing more.
        let zones = match &before {
            Some(before) => before.props.text("zoneRedundancy"),
            None => body.text("properties.zoneRedundancy"),
        };
        if zones.is_some_and(|z| z.eq_ignore_ascii_case("Enabled")) {
            spec.props.insert("zoneRedundancy".into(), json!("Enabled"));
        }
        self.read_identity(body, id, &mut spec, before.as_ref(), true)?;
        let was = before.as_ref().and_then(|s| s.cmk.as_ref());
        let born = old.is_some_and(|r| r.born);
        // R-CMK-30: on an encrypted registry a PUT has to name the key again.
        if was.is_some() && born && body.object("properties.encryption").is_none() {
            return Err(errors::incomplete_key(name));
        }
        spec.cmk = self.read_encryption(body, name, was, born)?;
        self.check_spec(&spec, before.as_ref(), id, name, born, true)?;
        Ok(spec)
    }

    /// What a PATCH asks for: absent is unchanged.
    pub(super) fn read_patch(&mut self, body: &Object, id: &str, name: &str, old: &Registry) -> Result<Spec, Fail> {
        let mut spec = old.spec.clone();
        if let Some(sku) = sku_of(body)? {
            spec.sku = sku;
        }
        if let Some(tags) = tags_of(body) {
            spec.tags = tags;
        }
        merge_props(&mut spec.props, body)?;
        if body.at("properties.networkRuleSet.virtualNetworkRules").is_some() {
            self.check_subnets(&spec)?;
        }
        if body.object("identity").is_some() {
            self.read_identity(body, id, &mut spec, Some(&old.spec), false)?;
        }
        if body.object("properties.encryption").is_some() {
            spec.cmk = self.read_encryption(body, name, old.spec.cmk.as_ref(), old.born)?;
        }
        // An identity that somebody else took off stands in the way of identity and key only.
        let touched = body.object("identity").is_some() || body.object("properties.encryption").is_some();
        self.check_spec(&spec, Some(&old.spec), id, name, old.born, touched)?;
        Ok(spec)
    }

    fn read_identity(
        &mut self,
        body: &Object,
        id: &str,
        spec: &mut Spec,
        before: Option<&Spec>,
        replace: bool,
    ) -> Result<(), Fail> {
        let kind = body.text("identity.type").unwrap_or(if replace { "None" } else { "" }).to_lowercase();
        let given = body.object("identity.userAssignedIdentities").cloned().unwrap_or_default();
        let (system, user) = if kind.is_empty() {
            (spec.system.is_some(), !spec.user.is_empty() || !given.is_empty())
        } else {
            (kind.contains("systemassigned"), kind.contains("userassigned"))
        };
        if !["", "none"].contains(&kind.as_str()) && !system && !user {
            return Err(errors::bad(format!("The identity type '{kind}' is not valid.")));
        }
        // Every new assignment of the system identity makes a new principal (recorded).
        spec.system = match (system, before.and_then(|s| s.system)) {
            (true, Some(p)) => Some(p),
            (true, None) => {
                let name = id.rsplit('/').next().unwrap_or_default().to_owned();
                Some(self.enroll(PrincipalKind::ManagedIdentity, &name, None).object_id)
            }
            (false, _) => None,
        };
        if !user {
            spec.user.clear();
            return Ok(());
        }
        if replace {
            spec.user.clear();
        }
        for (uai, value) in &given {
            let key = uai.to_lowercase();
            if value.is_null() {
                match self.params.acr_null_identity {
                    NullIdentity::Removes => {
                        spec.user.remove(&key);
                    }
                    NullIdentity::Ignored => {}
                    NullIdentity::Refused => return Err(errors::null_identity()),
                }
                continue;
            }
            let Some(found) = self.identities.get(uai) else {
                // What is attached already may be dead: only a new name has to exist.
                if let Some(old) = before.and_then(|s| s.user.get(&key)) {
                    spec.user.insert(key, old.clone());
                    continue;
                }
                return Err(missing_identity(id, uai));
            };
            let attached = Attached { id: uai.clone(), principal_id: found.principal_id, client_id: found.client_id };
            let spelled = before.and_then(|s| s.user.get(&key)).filter(|a| a.client_id == attached.client_id);
            let attached = spelled.cloned().unwrap_or(attached);
            spec.user.insert(key, attached);
        }
        Ok(())
    }

    fn read_encryption(&self, body: &Object, name: &str, was: Option<&Cmk>, born: bool) -> Result<Option<Cmk>, Fail> {
        let Some(encryption) = body.object("properties.encryption") else { return Ok(None) };
        let status = encryption.text("status").map(str::to_lowercase);
        let given = encryption.object("keyVaultProperties");
        match (status.as_deref(), was) {
            (Some("disabled"), Some(_)) if born => return Err(errors::cannot_disable()),
            (Some("disabled"), _) => return Ok(None),
            (None, None) if given.is_none() => return Ok(None),
            (Some("enabled") | None, None) if born => return Err(errors::only_at_create()),
            (Some("enabled") | None, _) => {}
            (Some(other), _) => return Err(errors::bad(format!("The encryption status '{other}' is not valid."))),
        }
        let member = |n: &str| given.and_then(|g| g.text(n)).filter(|s| !s.trim().is_empty()).map(str::to_owned);
        let (Some(key_identifier), Some(identity)) = (member("keyIdentifier"), member("identity")) else {
            return Err(errors::incomplete_key(name));
        };
        if KeyId::parse(self.setup.cloud, &key_identifier).is_none() {
            return Err(errors::key_uri());
        }
        let identity = if identity.eq_ignore_ascii_case("system") { "system".into() } else { identity };
        Ok(Some(Cmk {
            key_identifier,
            identity,
            used: was.and_then(|c| c.used.clone()),
            last_rotation: was.and_then(|c| c.last_rotation),
        }))
    }

    /// What can be said without asking the vault.
    fn check_spec(
        &self,
        spec: &Spec,
        before: Option<&Spec>,
        id: &str,
        name: &str,
        born: bool,
        touched: bool,
    ) -> Result<(), Fail> {
        let Some(cmk) = &spec.cmk else { return Ok(()) };
        if spec.sku != "Premium" {
            let was = before.is_some_and(|b| b.cmk.is_some() && b.sku == "Premium");
            return Err(if was { errors::sku_downgrade() } else { errors::premium_required() });
        }
        let trust = spec.props.text("policies.trustPolicy.status");
        if trust.is_some_and(|s| s.eq_ignore_ascii_case("enabled")) {
            return Err(errors::no_content_trust(id));
        }
        if !touched {
            return Ok(());
        }
        if cmk.identity == "system" && !born {
            return Err(errors::system_at_create());
        }
        let attached = match cmk.identity.as_str() {
            "system" => spec.system.is_some(),
            client => spec.user.values().any(|a| a.client_id.to_string().eq_ignore_ascii_case(client)),
        };
        if !attached {
            let shown = Spec { system: spec.system.or(before.and_then(|b| b.system)), ..spec.clone() };
            let shown = shown_identity(&shown);
            return Err(errors::no_access_to_identity(id, name, &shown));
        }
        let key = KeyId::parse(self.setup.cloud, &cmk.key_identifier);
        if let Some(vault) = key.and_then(|k| self.vaults.get(&k.vault)) {
            if vault.tenant != self.setup.tenant {
                return Err(errors::cross_tenant());
            }
            if self.params.require_purge_protection && !vault.purge_protection {
                return Err(errors::purge_protection());
            }
        }
        Ok(())
    }
}
