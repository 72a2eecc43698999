//! Registries, what is in them, and the clusters that pull from them.

use super::{Build, Built, names::Kind};
use crate::{
    admin::seed::KeyRef,
    services::registries::default_props,
    worlds::{
        WorldError,
        described::{Cluster, Cmk, Registry, Text},
    },
};
use serde_json::{Value, json};
use serde_saphyr::Spanned;

/// `cmk.identity` of a registry's own identity.
const SYSTEM: &str = "system";

impl Build {
    pub(super) fn registry(&mut self, r: &Registry) -> Built {
        let name = r.name.value.as_str();
        self.known.fresh(Kind::Registry, &r.name)?;
        if !crate::services::registries::valid_name(name) {
            return Err(WorldError::of(&r.name, format!("'{name}' is no name of a registry")));
        }
        let group = self.known.group(r.group.as_ref(), &r.name)?;
        let sku = r.sku.as_ref().map_or("Premium", |s| s.value.as_str());
        if let Some(wrong) = r.sku.as_ref().filter(|s| !["Basic", "Standard", "Premium"].contains(&s.value.as_str())) {
            return Err(WorldError::of(wrong, "a registry is Basic, Standard or Premium"));
        }
        let premium = r.cmk.is_some() || r.network.is_some() || !r.replications.is_empty();
        if let Some(wrong) = r.sku.as_ref().filter(|s| premium && s.value != "Premium") {
            return Err(WorldError::of(wrong, "keys, network rules and replications are for Premium registries"));
        }
        let id = match &r.cmk {
            Some(cmk) => self.registry_cmk(&group, name, cmk)?,
            None => self.world.seed_registry(&group, name, sku),
        };
        self.known.add(Kind::Registry, &r.name, id.clone());
        if r.system_identity && self.world.registry(&id).is_some_and(|v| v.system_principal.is_none()) {
            self.world.mutate_enable_system_identity(&id);
        }
        if let Some(principal) = self.world.registry(&id).and_then(|v| v.system_principal) {
            self.known.fresh_person(&r.name)?;
            self.known.somebody(name, principal);
        }
        for identity in &r.identities {
            let identity = self.known.id(Kind::Identity, identity)?;
            self.world.mutate_attach_identity(&id, &identity);
        }
        r.tags.iter().for_each(|(tag, value)| self.world.mutate_registry_tag(&id, tag, value));
        r.properties.iter().try_for_each(|(member, value)| self.property(&id, member, value))?;
        self.registry_network(&id, r)?;
        for region in &r.replications {
            if !self.world.seed_replication(&id, &region.value) {
                return Err(WorldError::of(region, "a private endpoint's subnet has no address left for it"));
            }
        }
        r.images.iter().for_each(|image| drop(self.world.seed_image(&id, image)));
        self.logins(&id, r)?;
        for task in &r.tasks {
            self.world.seed_task(&id, &task.name, task.system_identity, task.enabled);
        }
        Ok(())
    }

    fn registry_cmk(&mut self, group: &str, name: &str, cmk: &Cmk) -> Built<String> {
        self.known.id(Kind::Vault, &cmk.vault)?;
        let by_path = |key: &Text| Spanned { value: format!("{}/{}", cmk.vault.value, key.value), ..key.clone() };
        self.known.id(Kind::Key, &by_path(&cmk.key))?;
        let (vault, key) = (cmk.vault.value.as_str(), cmk.key.value.as_str());
        let refers = if cmk.versioned { KeyRef::Versioned } else { KeyRef::Versionless };
        if cmk.identity.value == SYSTEM {
            return Ok(self.world.seed_registry_cmk_system(group, name, vault, key, refers));
        }
        let identity = self.known.id(Kind::Identity, &cmk.identity)?;
        Ok(self.world.seed_registry_cmk(group, name, vault, key, refers, &identity))
    }

    fn property(&mut self, id: &str, member: &str, value: &Spanned<Value>) -> Built {
        let known = default_props();
        let usual = known.get(member).ok_or_else(|| {
            WorldError::of(value, format!("a registry has no property '{member}' that can be set like this"))
        })?;
        if std::mem::discriminant(usual) != std::mem::discriminant(&value.value) {
            return Err(WorldError::of(value, format!("the property '{member}' is like {usual}")));
        }
        let mut whole = usual.clone();
        match (&mut whole, &value.value) {
            (Value::Object(all), Value::Object(said)) => all.extend(said.clone()),
            (whole, said) => *whole = said.clone(),
        }
        self.world.mutate_registry_property(id, member, whole);
        Ok(())
    }

    fn registry_network(&mut self, id: &str, r: &Registry) -> Built {
        if !r.public_access {
            self.world.mutate_registry_property(id, "publicNetworkAccess", json!("Disabled"));
        }
        let Some(n) = &r.network else { return Ok(()) };
        let subnets = n.subnets.iter().map(|s| self.known.id(Kind::Subnet, s)).collect::<Built<Vec<_>>>()?;
        let subnets: Vec<&str> = subnets.iter().map(String::as_str).collect();
        let addresses: Vec<&str> = n.addresses.iter().map(String::as_str).collect();
        self.world.mutate_registry_firewall(id, n.deny, &addresses, &subnets);
        let bypass = if n.trusted_services { "AzureServices" } else { "None" };
        self.world.mutate_registry_property(id, "networkRuleBypassOptions", json!(bypass));
        Ok(())
    }

    fn logins(&mut self, id: &str, r: &Registry) -> Built {
        for map in &r.scope_maps {
            let actions: Vec<&str> = map.actions.iter().map(String::as_str).collect();
            self.world.seed_scope_map(id, &map.name, &actions);
        }
        for token in &r.tokens {
            let map = token.scope_map.value.as_str();
            if !map.starts_with('_') && !r.scope_maps.iter().any(|m| m.name.eq_ignore_ascii_case(map)) {
                return Err(WorldError::of(&token.scope_map, format!("there is no scope map '{map}'")));
            }
            let expires = self.moment_of(token.expires.as_ref())?;
            self.world.seed_token(id, &token.name, map, &token.password, expires);
            self.world.mutate_token_status(id, &token.name, token.enabled);
        }
        Ok(())
    }

    pub(super) fn cluster(&mut self, c: &Cluster) -> Built {
        self.known.fresh(Kind::Cluster, &c.name)?;
        let group = self.known.group(c.group.as_ref(), &c.name)?;
        let kubelet = c.kubelet.as_ref().map(|k| self.known.id(Kind::Identity, k)).transpose()?;
        let subnet = c.subnet.as_ref().map(|s| self.known.id(Kind::Subnet, s)).transpose()?;
        let id = self.world.seed_aks(&group, &c.name.value, kubelet.as_deref().unwrap_or_default());
        self.world.mutate_aks_kubelet(&id, kubelet.as_deref());
        self.world.mutate_aks_subnet(&id, subnet.as_deref(), c.routed);
        self.known.add(Kind::Cluster, &c.name, id);
        Ok(())
    }
}
