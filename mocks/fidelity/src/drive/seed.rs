//! What was there before a recording began.

use super::{Drive, DriveError, named};
use crate::{
    compare::Answer,
    ids::{Ids, ids},
    recording::{Exchange, Recording, path_key},
    scope::{Fate, Operation, comes_to_be, endpoint, fate},
};
use cmk_mocks::{ConnectionState, Delay, FirstBody, Params, PrincipalKind, Setup, VaultModel, World, roles};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

impl<'a> Drive<'a> {
    /// A world as it was before the recording.
    pub(super) fn new(recording: &'a Recording) -> Result<Self, DriveError> {
        let all = &recording.exchanges;
        let times = recording.times();
        let began = times.first().copied().unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let relevant = all.iter().zip(&times).filter(|(e, _)| fate(recording, e) == Fate::Compared);
        let first = relevant.clone().next().map_or(began, |(_, at)| *at);
        let subscription = |e: &Exchange| e.is_arm().then(|| e.path.split('/').nth(2)?.parse().ok()).flatten();
        let tenant = all.iter().find_map(tenant_of);
        let location = all.iter().find_map(|e| e.resp_body["location"].as_str());
        let default = Setup::default();
        let setup = Setup {
            subscription: relevant.clone().find_map(|(e, _)| subscription(e)).unwrap_or(default.subscription),
            tenant: tenant.unwrap_or(default.tenant),
            location: location.unwrap_or("westus").replace(' ', "").to_lowercase(),
            now: first - Duration::from_secs(3600),
            ..default
        };
        let mut params = Params { kv_throttle: false, ..Params::instant() };
        // Recorded: what the first body of a registry's write shows has changed (recorded-traffic 2.4).
        params.acr_first_body =
            if began < datetime!(2023-03-01 00:00 UTC) { FirstBody::Before } else { FirstBody::Asked };
        params.acr_members_to_come = to_come(began);
        let forgets = |e: &Exchange| e.resp_body["attributes"]["recoveryLevel"] == "Purgeable";
        params.vault_always_keeps_deleted = !all.iter().any(forgets);
        let world = World::with_params(setup, params);
        let caller = world.operator().object_id;
        let mut drive = Self { recording, world, caller, times, ids: Ids::default(), urls: BTreeMap::new() };
        drive.seed_caller();
        drive.seed_groups();
        drive.seed_names();
        drive.seed_deleted()?;
        drive.seed_resources()?;
        drive.seed_sdk_vaults()?;
        drive.seed_keys()?;
        Ok(drive)
    }

    /// A person where one was recorded, who owns the subscription.
    fn seed_caller(&mut self) {
        let all = &self.recording.exchanges;
        if all.iter().any(|e| e.resp_body["systemData"]["createdByType"] == "User") {
            let person = self.world.add_principal(PrincipalKind::User, "somebody@example.com");
            self.caller = person.object_id;
            let scope = format!("/subscriptions/{}", self.world.subscription());
            let now = self.world.now();
            self.world.set_role(self.caller, roles::OWNER, &scope, now);
        }
        // Who calls is who has the first policy of the first vault.
        let policy = |e: &Exchange| {
            let policies =
                [&e.req_body, &e.resp_body].map(|b| b["properties"]["accessPolicies"][0]["objectId"].as_str());
            policies.into_iter().flatten().next().map(str::to_owned)
        };
        if let Some(recorded) = all.iter().filter(|e| e.key().contains("/vaults/")).find_map(policy) {
            self.ids.insert(&recorded, self.caller.to_string());
        }
    }

    fn seed_groups(&mut self) {
        let all = &self.recording.exchanges;
        let mut groups = BTreeMap::new();
        for e in all.iter().filter(|e| e.is_arm()) {
            let parts: Vec<_> = e.path.split('/').collect();
            let [_, _, _, kind, name, ..] = parts.as_slice() else { continue };
            let key = path_key(&parts[..5].join("/"));
            let first = all.iter().find(|e| e.key() == key);
            if kind.eq_ignore_ascii_case("resourcegroups") && first.is_none_or(|e| e.method != "PUT") {
                let shown = first.map(|e| e.resp_body.clone()).unwrap_or_default();
                groups.insert(name.to_lowercase(), ((*name).to_owned(), shown));
            }
        }
        for (name, shown) in groups.into_values() {
            self.world.seed_group(&name);
            let path = format!("/subscriptions/{}/resourceGroups/{name}", self.world.subscription());
            if shown["location"].is_string() {
                let ask = json!({ "location": shown["location"], "tags": shown["tags"] });
                let now = self.world.now();
                let url = format!("https://management.azure.com{path}?api-version=2021-04-01");
                // Where it shows nothing more, the group stays as it is.
                let _ = self.send("PUT", &url, Some(self.caller), ask.to_string().into_bytes(), now);
            }
        }
    }

    /// Vaults and identities that are shown without having been made.
    fn seed_resources(&mut self) -> Result<(), DriveError> {
        let all = &self.recording.exchanges;
        let mut seen = BTreeSet::new();
        for e in all.iter().filter(|e| e.is_arm()) {
            let key = e.key();
            let kind = ["/vaults/", "/userassignedidentities/"].iter().any(|k| key.contains(k));
            if !kind || key.split('/').count() != 9 || !seen.insert(key.clone()) {
                continue;
            }
            if e.method == "PUT" || e.status == 404 {
                continue;
            }
            let Some(body) = all.iter().find(|e| e.key() == key && e.is_ok() && e.resp_body.is_object()) else {
                continue;
            };
            let api = if key.contains("/vaults/") { "2023-07-01" } else { "2023-01-31" };
            let registering = body.resp_body["properties"]["provisioningState"] == "RegisteringDns";
            let ready = |e: &Exchange| e.key() == key && e.resp_body["properties"]["provisioningState"] == "Succeeded";
            if registering {
                let end = self.times.len() - 1;
                let until = self.recording.find(0, ready).unwrap_or(end);
                let until = self.times[until] + Duration::from_secs(u64::from(until == end));
                let wait = Duration::try_from(until - self.world.now()).unwrap_or_default();
                self.world.params.vault_dns_delay = Delay::fixed(wait);
            }
            self.put_as_shown(&body.path, api, &body.resp_body)?;
            self.world.params.vault_dns_delay = Delay::ZERO;
        }
        Ok(())
    }

    /// The vaults that SDKs were given.
    fn seed_sdk_vaults(&mut self) -> Result<(), DriveError> {
        let all = &self.recording.exchanges;
        let label = |e: &Exchange| e.host.split('.').next().unwrap_or_default().to_owned();
        let hosts: BTreeSet<_> = all.iter().filter(|e| e.is_vault()).map(label).collect();
        let managed = all.iter().filter(|e| e.is_arm() && e.key().contains("/vaults/"));
        let managed: BTreeSet<_> = managed.filter_map(|e| e.key().split('/').nth(8).map(str::to_owned)).collect();
        for host in hosts.difference(&managed) {
            let levels = |e: &Exchange| e.resp_body["attributes"]["recoveryLevel"].as_str().map(str::to_owned);
            let level = all.iter().find_map(levels).unwrap_or_default();
            let days = all.iter().find_map(|e| e.resp_body["attributes"]["recoverableDays"].as_i64());
            self.world.seed_group("seeded");
            let name = named(host);
            let subscription = self.world.subscription();
            let path = format!(
                "/subscriptions/{subscription}/resourceGroups/seeded/providers/Microsoft.KeyVault/vaults/{name}"
            );
            let mut ask = json!({ "location": "westus", "properties": {
                "tenantId": self.world.tenant(), "sku": { "family": "A", "name": "premium" },
                "enableRbacAuthorization": false, "softDeleteRetentionInDays": days.unwrap_or(90),
                "accessPolicies": [{
                    "tenantId": self.world.tenant(), "objectId": self.caller, "permissions": { "keys": ["all"] },
                }],
            }});
            if !level.contains("Purgeable") && !level.is_empty() {
                ask["properties"]["enablePurgeProtection"] = json!(true);
            }
            self.put(&path, "2026-02-01", &ask)?;
        }
        Ok(())
    }

    /// Names that others have.
    fn seed_names(&mut self) {
        for e in &self.recording.exchanges {
            let name = e.req_body["name"].as_str().unwrap_or_default().to_lowercase();
            let in_use = e.method == "PUT" && e.status == 409 && Operation::of(e).ends("/registries/{}");
            if in_use && let Some(name) = e.path.split('/').nth(8) {
                self.world.seed_group("others");
                self.world.seed_registry("others", name, "Premium");
            }
            let taken = e.key().ends_with("/checknameavailability") && e.resp_body["reason"] == "AlreadyExists";
            let made = |e: &Exchange| e.method == "PUT" && e.key().ends_with(&format!("/{name}"));
            if !taken || self.recording.find(0, made).is_some() {
                continue;
            }
            self.world.seed_group("others");
            if e.key().contains("microsoft.keyvault") {
                self.world.seed_vault("others", &name, VaultModel::Policy);
            } else {
                self.world.seed_registry("others", &name, "Premium");
            }
        }
    }

    /// Vaults that were deleted before the recording began.
    fn seed_deleted(&mut self) -> Result<(), DriveError> {
        let all = &self.recording.exchanges;
        let mut seen = BTreeSet::new();
        for e in all {
            let key = e.key();
            let name = key.rsplit('/').next().unwrap_or_default().to_owned();
            let of_vault = key.contains("/vaults/") && key.split('/').count() == 9;
            let of_deleted = key.contains("/deletedvaults/") && e.method == "GET" && e.is_ok();
            if !of_vault && !of_deleted {
                continue;
            }
            let first = seen.insert(name.clone());
            if of_vault || !first {
                continue;
            }
            let shown = |e: &&Exchange| e.key().ends_with(&format!("/vaults/{name}")) && e.resp_body["id"].is_string();
            let Some(vault) = all.iter().find(shown) else { continue };
            self.world.seed_group(vault.path.split('/').nth(4).unwrap_or_default());
            self.put_as_shown(&vault.path, "2023-07-01", &vault.resp_body)?;
            let now = self.world.now();
            let url = format!("https://management.azure.com{}?api-version=2023-07-01", vault.path);
            self.send("DELETE", &url, Some(self.caller), Vec::new(), now)?;
            // The group is made again by the recording.
            let group = path_key(&vault.path.split('/').take(5).collect::<Vec<_>>().join("/"));
            if all.iter().find(|e| e.key() == group).is_some_and(|e| e.method == "PUT" && e.status == 201) {
                let url = format!("https://management.azure.com{group}?api-version=2021-04-01");
                self.send("DELETE", &url, Some(self.caller), Vec::new(), now)?;
            }
        }
        Ok(())
    }

    /// Keys that were there before the recording began, deleted or not.
    fn seed_keys(&mut self) -> Result<(), DriveError> {
        let mut seen = BTreeSet::new();
        let now = self.world.now();
        for e in self.recording.exchanges.iter().filter(|e| e.is_vault() && e.status != 401) {
            let key = e.key();
            let made = e.resp_body["key"]["kid"].as_str();
            let own = key.split('/').nth(2).map(str::to_owned).or_else(|| {
                let kid = url::Url::parse(&named(made?)).ok()?;
                kid.path().split('/').nth(2).map(str::to_lowercase)
            });
            let Some(name) = own.filter(|n| !n.is_empty() && seen.insert((e.host.clone(), n.clone()))) else {
                continue;
            };
            let creates = key.ends_with("/create") || comes_to_be(e).is_some();
            if !e.is_ok() || creates {
                continue;
            }
            let vault = named(e.host.split('.').next().unwrap_or_default());
            match made {
                Some(kid) => self.make_key(kid, &e.resp_body, now)?,
                // Purged without a look.
                None if key.starts_with("/deletedkeys/") => {
                    let spelled = e.path.split('/').nth(2).unwrap_or_default();
                    self.world.seed_key(&vault, spelled, now);
                }
                None => continue,
            }
            if key.starts_with("/deletedkeys/") {
                self.world.mutate_delete_key(&vault, &name);
            }
        }
        Ok(())
    }

    /// A private endpoint to a registry, with a network for it.
    pub(super) fn stage_endpoint(&mut self, e: &Exchange, at: OffsetDateTime) {
        let Some((target, by_hand)) = endpoint(e).filter(|(target, _)| target.contains("/registries/")) else { return };
        let parts: Vec<_> = e.path.split('/').collect();
        let [_, _, _, _, group, .., name] = parts.as_slice() else { return };
        self.world.advance(at);
        let network = self.world.seed_vnet(group, &format!("net-{name}"), "10.0.0.0/16");
        let subnet = self.world.seed_subnet(&network, "default", &[]);
        let state = if by_hand { ConnectionState::Pending } else { ConnectionState::Approved };
        self.world.seed_private_endpoint(group, name, target, &subnet, state);
    }

    /// A version that was imported, restored or of a kind that the simulator does not have.
    pub(super) fn make_key(&mut self, kid: &str, shown: &Value, at: OffsetDateTime) -> Result<(), DriveError> {
        let url = self.url(&named(kid))?;
        let vault = url.host_str().unwrap_or_default().split('.').next().unwrap_or_default().to_owned();
        let parts: Vec<_> = url.path().split('/').collect();
        let [_, "keys", key, version] = parts.as_slice() else { return Ok(()) };
        self.world.advance(at);
        let kty = shown["key"]["kty"].as_str().filter(|kty| !kty.starts_with("oct")).unwrap_or("RSA");
        let made = self.world.seed_key_of(&vault, key, kty, at);
        self.ids.insert(version, made.clone());
        let mut change = json!({});
        for member in ["tags", "attributes"] {
            if shown[member].is_object() {
                change[member] = shown[member].clone();
            }
        }
        if let Some(attributes) = change["attributes"].as_object_mut() {
            attributes.retain(|name, _| ["enabled", "exp", "nbf"].contains(&name.as_str()));
        }
        let url = format!("https://{vault}.vault.azure.net/keys/{key}/{made}?api-version=7.4");
        self.send("PATCH", &url, Some(self.caller), change.to_string().into_bytes(), at).map(drop)
    }

    /// Makes a resource so that it shows what it showed.
    fn put_as_shown(&mut self, path: &str, api: &str, body: &Value) -> Result<(), DriveError> {
        let mut ask = body.clone();
        if let Some(properties) = ask["properties"].as_object_mut() {
            properties.shift_remove("provisioningState");
            if properties.get("enableSoftDelete") == Some(&json!(false)) {
                properties.shift_remove("enableSoftDelete");
            }
        }
        let seeded = self.put(path, api, &ask)?;
        self.ids.learn(body, &seeded);
        Ok(())
    }

    pub(super) fn put(&mut self, path: &str, api: &str, body: &Value) -> Result<Value, DriveError> {
        let body = self.ids.mapped(&body.to_string());
        let now = self.world.now();
        let url = format!("https://management.azure.com{}?api-version={api}", self.ids.mapped(path));
        let answer: Answer = self.send("PUT", &url, Some(self.caller), body.into_bytes(), now)?;
        if !answer.is_ok() {
            return Err(self.error(format!("{path} cannot be made: {}", answer.body)));
        }
        Ok(answer.body)
    }
}

/// What registries did not show yet on a day (recorded).
fn to_come(day: OffsetDateTime) -> Vec<String> {
    let came = [
        ("publicNetworkAccess", datetime!(2020-04-30 00:00 UTC)),
        ("anonymousPullEnabled", datetime!(2021-01-01 00:00 UTC)),
    ];
    came.iter().filter(|(_, since)| day < *since).map(|(name, _)| (*name).to_owned()).collect()
}

fn tenant_of(e: &Exchange) -> Option<Uuid> {
    let challenge = e.resp_headers.get("www-authenticate").filter(|h| h.contains("authorization="));
    let challenged = challenge.and_then(|h| ids(h).first().map(|&(a, b)| h[a..b].to_owned()));
    let own = e.resp_body["properties"]["tenantId"].as_str().map(str::to_owned);
    own.or(challenged)?.parse().ok()
}
