//! Puts a recording's requests to a simulated world, names mapped.
#![allow(unreachable_pub, missing_docs)]

use crate::{
    data::{Exchange, Recording, bytes_of, path_key},
    differences::{Met, compare},
};
use bytes::Bytes;
use cmk_mocks::{Delay, FirstBody, Params, Setup, VaultModel, World};
use http::{Method, Request};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use time::{Date, OffsetDateTime, macros::datetime};
use uuid::Uuid;

/// The operation that an exchange is one of, if it is in scope.
pub fn operation(r: &Recording, e: &Exchange) -> Option<String> {
    let key = e.key();
    let parts: Vec<_> = key.split('/').skip(1).collect();
    let cmk = r.name.contains("/test_acr_encryption_with_cmk");
    let what = if e.is_vault() {
        match parts.as_slice() {
            ["keys"] => "keys",
            ["deletedkeys"] => "deleted keys",
            ["keys", _, "versions"] => "versions",
            ["keys", _, "rotationpolicy"] => "rotation policy",
            ["keys", _, "create"] => "create key",
            ["keys", _, "rotate"] => "rotate key",
            ["keys", _] if matches!(e.method.as_str(), "GET" | "DELETE" | "PATCH") => "key",
            ["keys", _, v] if matches!(e.method.as_str(), "GET" | "PATCH") && v.len() == 32 => "key version",
            ["deletedkeys", _] => "deleted key",
            ["deletedkeys", _, "recover"] => "recover key",
            _ => return None,
        }
    } else if e.is_arm() {
        match parts.as_slice() {
            [.., "microsoft.containerregistry", "registries", _] if cmk => "registry",
            [.., "microsoft.containerregistry", "registries", _, "operationstatuses", _] if cmk => "registry operation",
            [.., "microsoft.managedidentity", "userassignedidentities", _] => "identity",
            [.., "microsoft.managedidentity", "userassignedidentities"] => "identities",
            [.., "microsoft.keyvault", "vaults", _] => match e.req_body["properties"]["createMode"].as_str() {
                Some("recover") => "vault to recover",
                _ => "vault",
            },
            [.., "microsoft.keyvault", "vaults"] => "vaults",
            [.., "microsoft.keyvault", "vaults", _, "accesspolicies", _] => "access policies",
            [.., "microsoft.keyvault", "vaults", _, "keys", _] => "key in ARM",
            [.., "microsoft.keyvault", "deletedvaults"] => "deleted vaults",
            [.., "microsoft.keyvault", "locations", _, "deletedvaults", _] => "deleted vault",
            [.., "microsoft.keyvault", "locations", _, "deletedvaults", _, "purge"] => "purge vault",
            [.., "microsoft.keyvault", "locations", _, "operationresults", _] => "vault operation",
            [.., "microsoft.authorization", "roleassignments", _] => "role assignment",
            [.., "microsoft.authorization", "roleassignments"] => "role assignments",
            [.., "microsoft.containerregistry", "checknameavailability"] => "registry name",
            [.., "microsoft.keyvault", "checknameavailability"] => "vault name",
            _ => return None,
        }
    } else {
        return None;
    };
    // Symmetric keys are not simulated, nor are private endpoints; neither is part of a workflow.
    let symmetric = |e: &Exchange| e.resp_body["key"]["kty"].as_str().is_some_and(|kty| kty.starts_with("oct"));
    if r.exchanges.iter().any(symmetric) || r.name.contains("private_endpoint_connection") {
        return None;
    }
    // A key to bring another one in gets an expiry of its own; no workflow makes one.
    if what == "create key" && e.req_body["key_ops"] == json!(["import"]) {
        return None;
    }
    // Answers of different outcome are different things.
    let outcome = if e.is_ok() { "ok".to_owned() } else { e.status.to_string() };
    Some(format!("{} {what} {outcome}", e.method))
}

/// Requests that only keep the world as it was recorded, and are not compared.
fn is_setting(e: &Exchange) -> bool {
    let key = e.key();
    let group = e.is_arm() && key.split('/').count() == 5 && key.contains("/resourcegroups/");
    let registry = e.is_arm() && key.split('/').count() == 9 && key.contains("/registries/");
    (group || registry) && matches!(e.method.as_str(), "PUT" | "DELETE")
}

/// Keys that come to be there in a way the simulator does not have: the new key's id.
fn comes_to_be(e: &Exchange) -> Option<&str> {
    let key = e.key();
    let odd = e.method == "PUT" && key.starts_with("/keys/") && key.split('/').count() == 3
        || key == "/keys/restore"
        || e.req_body["key_ops"] == json!(["import"])
        || e.req_body["kty"].as_str().is_some_and(|kty| kty.starts_with("oct"));
    e.resp_body["key"]["kid"].as_str().filter(|_| odd && e.is_vault() && e.is_ok())
}

pub struct Drive<'a> {
    recording: &'a Recording,
    world: World,
    times: Vec<OffsetDateTime>,
    /// Ids that the service made up: recorded, simulated.
    ids: BTreeMap<String, String>,
    /// URLs that the service made up: the recorded path, the simulated URL.
    urls: BTreeMap<String, String>,
}

impl<'a> Drive<'a> {
    /// A world as it was before the recording, if there is anything in scope.
    pub fn new(recording: &'a Recording) -> Option<Self> {
        let relevant: Vec<_> = recording.exchanges.iter().filter(|e| operation(recording, e).is_some()).collect();
        let first = relevant.first()?;
        let times = times(recording);
        let subscription = |e: &&Exchange| e.is_arm().then(|| e.path.split('/').nth(2)?.parse().ok()).flatten();
        let tenant = recording.exchanges.iter().find_map(|e| tenant_of(&e.resp_body, &e.resp_headers));
        let location = recording.exchanges.iter().find_map(|e| e.resp_body["location"].as_str());
        let default = Setup::default();
        let setup = Setup {
            subscription: relevant.iter().copied().find_map(|e| subscription(&e)).unwrap_or(default.subscription),
            tenant: tenant.unwrap_or(default.tenant),
            location: location.unwrap_or("westus").replace(' ', "").to_lowercase(),
            now: times[first.n.min(times.len() - 1)] - Duration::from_secs(3600),
            ..default
        };
        let mut params = Params { kv_throttle: false, ..Params::instant() };
        // Recorded: what the first body of a registry's write shows has changed (recorded-traffic 2.4).
        let began = times.first().copied().unwrap_or(setup.now);
        params.acr_first_body =
            if began < datetime!(2023-03-01 00:00 UTC) { FirstBody::Before } else { FirstBody::Asked };
        let world = World::with_params(setup, params);
        let mut drive = Self { recording, world, times, ids: BTreeMap::new(), urls: BTreeMap::new() };
        drive.seed();
        Some(drive)
    }

    /// Makes what was there before the recording began.
    fn seed(&mut self) {
        let all = &self.recording.exchanges;
        let made = |key: &str| {
            let first = all.iter().find(|e| e.key() == key);
            first.is_some_and(|e| e.method == "PUT" || e.status == 404)
        };
        let mut groups = BTreeSet::new();
        for e in all.iter().filter(|e| e.is_arm()) {
            let parts: Vec<_> = e.path.split('/').collect();
            if parts.len() > 4 && parts[3].eq_ignore_ascii_case("resourcegroups") {
                let key = path_key(&parts[..5].join("/"));
                if all.iter().find(|e| e.key() == key).is_none_or(|e| e.method != "PUT") {
                    groups.insert(parts[4].to_owned());
                }
            }
        }
        let groups: BTreeMap<_, _> = groups.into_iter().map(|g| (g.to_lowercase(), g)).collect();
        for group in groups.values() {
            self.world.seed_group(group);
        }
        // Who calls is who has the first policy of the first vault.
        let policy = |e: &Exchange| {
            let policies =
                [&e.req_body, &e.resp_body].map(|b| b["properties"]["accessPolicies"][0]["objectId"].as_str());
            policies.into_iter().flatten().next().map(str::to_owned)
        };
        if let Some(caller) = all.iter().filter(|e| e.key().contains("/vaults/")).find_map(policy) {
            self.ids.insert(caller.to_lowercase(), self.world.operator().object_id.to_string());
        }
        self.seed_names();
        self.seed_deleted();
        let mut seen = BTreeSet::new();
        for e in all {
            let key = e.key();
            let resource = key.contains("/vaults/") || key.contains("/userassignedidentities/");
            if !e.is_arm() || !resource || key.split('/').count() != 9 || !seen.insert(key.clone()) || made(&key) {
                continue;
            }
            let Some(body) = all.iter().find(|e| e.key() == key && e.is_ok() && e.resp_body.is_object()) else {
                continue;
            };
            let api = if key.contains("/vaults/") { "2023-07-01" } else { "2023-01-31" };
            let registering = body.resp_body["properties"]["provisioningState"] == "RegisteringDns";
            let ready = |e: &Exchange| e.key() == key && e.resp_body["properties"]["provisioningState"] == "Succeeded";
            if registering {
                let until = self.recording.find(0, ready).unwrap_or(self.times.len() - 1);
                let until = self.times[until] + Duration::from_secs(u64::from(until == self.times.len() - 1));
                let wait = Duration::try_from(until - self.world.now()).unwrap_or_default();
                self.world.params.vault_dns_delay = Delay::fixed(wait);
            }
            self.put_as_shown(&body.path, api, &body.resp_body);
            self.world.params.vault_dns_delay = Delay::ZERO;
        }
        // The vaults that SDKs were given.
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
            let path = format!(
                "/subscriptions/{}/resourceGroups/seeded/providers/Microsoft.KeyVault/vaults/{name}",
                self.world.subscription()
            );
            let caller = self.world.operator().object_id;
            let mut ask = json!({ "location": "westus", "properties": {
                "tenantId": self.world.tenant(), "sku": { "family": "A", "name": "premium" },
                "enableRbacAuthorization": false, "softDeleteRetentionInDays": days.unwrap_or(90),
                "accessPolicies": [{ "tenantId": self.world.tenant(), "objectId": caller, "permissions": { "keys": ["all"] } }],
            }});
            if !level.contains("Purgeable") && !level.is_empty() {
                ask["properties"]["enablePurgeProtection"] = json!(true);
            }
            let made = self.put(&path, "2026-02-01", &ask);
            if !made["id"].is_string() {
                self.world.seed_vault("seeded", &name, VaultModel::Policy);
            }
        }
        self.seed_keys();
    }

    /// Makes a resource so that it shows what it showed.
    fn put_as_shown(&mut self, path: &str, api: &str, body: &Value) {
        let mut ask = body.clone();
        if let Some(properties) = ask["properties"].as_object_mut() {
            properties.remove("provisioningState");
            if properties.get("enableSoftDelete") == Some(&json!(false)) {
                properties.remove("enableSoftDelete");
            }
        }
        let seeded = self.put(path, api, &ask);
        self.learn(body, &seeded);
    }

    /// Names that others have.
    fn seed_names(&mut self) {
        for e in &self.recording.exchanges {
            let name = e.req_body["name"].as_str().unwrap_or_default().to_lowercase();
            let taken = e.key().ends_with("/checknameavailability") && e.resp_body["nameAvailable"] == false;
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
    fn seed_deleted(&mut self) {
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
            self.put_as_shown(&vault.path, "2023-07-01", &vault.resp_body);
            let now = self.world.now();
            let url = format!("https://management.azure.com{}?api-version=2023-07-01", vault.path);
            self.send("DELETE", &url, true, Vec::new(), now);
        }
    }

    /// Keys that were there before the recording began, deleted or not.
    fn seed_keys(&mut self) {
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
            match made {
                Some(kid) => self.make_key(kid, &e.resp_body, now),
                // Purged without a look.
                None if key.starts_with("/deletedkeys/") => {
                    let vault = named(e.host.split('.').next().unwrap_or_default());
                    let spelled = e.path.split('/').nth(2).unwrap_or_default();
                    self.world.seed_key(&vault, spelled, now);
                }
                None => continue,
            }
            if key.starts_with("/deletedkeys/") {
                let vault = named(e.host.split('.').next().unwrap_or_default());
                self.world.mutate_delete_key(&vault, &name);
            }
        }
    }

    fn put(&mut self, path: &str, api: &str, body: &Value) -> Value {
        let body = self.mapped(&body.to_string());
        let now = self.world.now();
        let url = format!("https://management.azure.com{}?api-version={api}", self.mapped(path));
        let (status, _, body) = self.send("PUT", &url, true, body.into_bytes(), now);
        assert!((200..300).contains(&status), "{}: seeding {path}: {body}", self.recording.name);
        body
    }

    fn send(
        &mut self,
        method: &str,
        url: &str,
        token: bool,
        body: Vec<u8>,
        now: OffsetDateTime,
    ) -> (u16, BTreeMap<String, String>, Value) {
        let arm = url.starts_with("https://management.azure.com/");
        let audience = if arm { "https://management.azure.com" } else { "https://vault.azure.net" };
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(url);
        if token {
            let token = self.world.token(self.world.operator().object_id, audience, now);
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(Bytes::from(body)).unwrap_or_else(|e| panic!("{url}: {e}"));
        let (parts, body) = self.world.handle(now, request).into_parts();
        let text = |v: &http::HeaderValue| String::from_utf8_lossy(v.as_bytes()).into_owned();
        let headers = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        (parts.status.as_u16(), headers, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// Puts all that is in scope to the world.
    pub fn run(mut self) -> Vec<Met> {
        let mut met = Vec::new();
        let recording = self.recording;
        for (at, e) in recording.exchanges.iter().enumerate() {
            let operation = operation(recording, e);
            if let Some(kid) = comes_to_be(e) {
                self.make_key(kid, &e.resp_body, self.times[at]);
                continue;
            }
            // Further pages hold what others have: their links are the service's own.
            let is_page = e.query.keys().any(|q| q.eq_ignore_ascii_case("$skiptoken"));
            if operation.is_none() && !is_setting(e) || is_page {
                continue;
            }
            self.let_it_take(at);
            let now = self.times[at].max(self.world.now());
            let query: Vec<_> = e.query.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let mut url = url::Url::parse(&format!("https://{}/", named(&e.host))).unwrap();
            url.set_path(&self.mapped(&e.path));
            if let Some(learned) = self.urls.get(&e.key()) {
                url = url::Url::parse(learned).unwrap();
                url.set_query(None);
            }
            let asked = self.mapped(&named(&String::from_utf8(bytes_of(&e.req_body)).unwrap()));
            url.query_pairs_mut().extend_pairs(query.iter().map(|(n, v)| (*n, self.mapped(v))));
            let challenged = e.status == 401 && e.is_vault();
            let mut answer = self.send(&e.method, url.as_str(), !challenged, asked.clone().into_bytes(), now);
            let mut newer = false;
            if answer.0 == 400 && unknown_version(&answer.2) && e.is_ok() {
                newer = true;
                let version = if e.is_vault() { "2025-07-01" } else { arm_version(&e.key()) };
                let others = query.iter().filter(|(n, _)| *n != "api-version").copied();
                url.query_pairs_mut().clear().extend_pairs(others.chain([("api-version", version)]));
                answer = self.send(&e.method, url.as_str(), !challenged, asked.clone().into_bytes(), now);
            }
            let mut early = false;
            if answer.0 == 403 && e.is_ok() && e.key().ends_with("/rotationpolicy") {
                early = true;
                self.permit_rotation_policy(e);
                answer = self.send(&e.method, url.as_str(), true, asked.clone().into_bytes(), now);
            }
            let (status, headers, body) = answer;
            if e.is_ok() && (200..300).contains(&status) {
                self.learn(&e.resp_body, &body);
                for header in ["azure-asyncoperation", "location"] {
                    if let (Some(was), Some(is)) = (e.resp_headers.get(header), headers.get(header)) {
                        self.learn_text(was, is);
                        let path = |text: &str| Some(path_key(url.join(text).ok()?.path()));
                        if let (Some(was), Ok(is)) = (path(was), url.join(is)) {
                            self.urls.insert(was, is.to_string());
                        }
                    }
                }
            }
            let Some(operation) = operation else { continue };
            let recorded: Value = serde_json::from_str(&self.mapped(&named(&e.resp_body.to_string()))).unwrap();
            let mut points = compare(e, &recorded, status, &headers, &body);
            if newer {
                points.insert(crate::differences::Point::of(
                    "api-version",
                    "api-version",
                    "not known to the simulator",
                ));
            }
            if early {
                let point = "the permission `rotate` is not enough for the simulator";
                points.insert(crate::differences::Point::of("status", "permission", point));
            }
            met.push(Met {
                operation,
                place: format!(
                    "{} exchange {} ({})",
                    recording.name,
                    e.n,
                    body["error"]["message"].as_str().unwrap_or_default()
                ),
                date: self.times[at],
                api: e.api_version().to_owned(),
                compared: status == e.status,
                points,
            });
        }
        met
    }

    /// A version that was imported, restored or of a kind that the simulator does not have.
    fn make_key(&mut self, kid: &str, shown: &Value, at: OffsetDateTime) {
        let url = url::Url::parse(&named(kid)).unwrap();
        let vault = url.host_str().unwrap_or_default().split('.').next().unwrap_or_default().to_owned();
        let parts: Vec<_> = url.path().split('/').collect();
        let [_, "keys", key, version] = parts.as_slice() else { return };
        self.world.advance(at);
        let kty = shown["key"]["kty"].as_str().filter(|kty| !kty.starts_with("oct")).unwrap_or("RSA");
        let made = self.world.seed_key_of(&vault, key, kty, at);
        self.ids.insert((*version).to_owned(), made.clone());
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
        self.send("PATCH", &url, true, change.to_string().into_bytes(), at);
    }

    /// When rotation policies were in preview, who might rotate a key might also read and write its policy.
    fn permit_rotation_policy(&mut self, e: &Exchange) {
        let vault = e.host.split('.').next().unwrap_or_default().to_owned();
        let id = self.recording.exchanges.iter().find(|e| e.key().ends_with(&format!("/vaults/{vault}")));
        let Some(id) = id.map(|e| e.path.clone()) else { return };
        let caller = self.world.operator().object_id;
        let policy = json!({ "properties": { "accessPolicies": [{
            "tenantId": self.world.tenant(), "objectId": caller,
            "permissions": { "keys": ["getrotationpolicy", "setrotationpolicy"] },
        }]}});
        self.put(&format!("{id}/accessPolicies/add"), "2023-07-01", &policy);
    }

    /// Sets how long what this request begins took when it was recorded.
    fn let_it_take(&mut self, at: usize) {
        let all = &self.recording.exchanges;
        let e = &all[at];
        let key = e.key();
        let later = |wanted: &dyn Fn(&Exchange) -> bool| (at + 1..all.len()).find(|&i| wanted(&all[i]));
        let took = |end: Option<usize>| match end {
            Some(end) => Delay::fixed(Duration::try_from(self.times[end] - self.times[at]).unwrap_or_default()),
            None => Delay::ZERO,
        };
        let succeeded = |e: &Exchange| e.resp_body["status"] == "Succeeded";
        let operation =
            e.resp_headers.get("azure-asyncoperation").map(|u| path_key(url::Url::parse(u).unwrap().path()));
        if let Some(operation) = operation {
            let d = took(later(&|e| e.key() == operation && succeeded(e)));
            self.world.params.acr_create_duration = d;
            self.world.params.acr_update_duration = d;
        }
        if e.method == "PUT" && key.contains("/vaults/") {
            let ready = |e: &Exchange| e.key() == key && e.resp_body["properties"]["provisioningState"] == "Succeeded";
            let registering = e.resp_body["properties"]["provisioningState"] == "RegisteringDns";
            self.world.params.vault_dns_delay = if registering { took(later(&ready)) } else { Delay::ZERO };
        }
        let deleted = |end: &str| key.replace("/keys/", "/deletedkeys/") + end;
        if e.is_vault() && e.method == "DELETE" && key.starts_with("/keys/") {
            self.world.params.key_delete_settle =
                took(later(&|e| e.key() == deleted("") && e.is_ok() && e.method == "GET"));
        }
        if e.is_vault() && e.method == "POST" && key.ends_with("/recover") {
            let live = key.replace("/deletedkeys/", "/keys/").trim_end_matches("/recover").to_owned();
            self.world.params.key_recover_settle =
                took(later(&|e| e.key().starts_with(&live) && e.is_ok() && e.method == "GET"));
        }
        if e.method == "POST" && key.ends_with("/purge") {
            self.world.params.vault_purge_duration =
                took(later(&|e| e.key().contains("/operationresults/") && succeeded(e)));
        }
        if e.method == "PUT" && key.contains("/userassignedidentities/") {
            let known = later(&|e| e.method == "PUT" && e.key().contains("/roleassignments/") && e.is_ok());
            let early = later(&|e| e.resp_body["error"]["code"] == "PrincipalNotFound");
            self.world.params.principal_replication_delay = if early.is_some() { took(known) } else { Delay::ZERO };
        }
    }

    // ---- ids that the service makes up ------------------------------------------------------------------------------

    fn mapped(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for (start, end) in ids(text) {
            out.push_str(&text[from..start]);
            let id = &text[start..end];
            out.push_str(self.ids.get(&id.to_lowercase()).map_or(id, String::as_str));
            from = end;
        }
        out.push_str(&text[from..]);
        out
    }
    fn learn_text(&mut self, was: &str, is: &str) {
        let (mine, theirs) = (ids(is), ids(was));
        if mine.len() != theirs.len() {
            return;
        }
        for ((a, b), (c, d)) in theirs.into_iter().zip(mine) {
            if was[a..b] != is[c..d] {
                self.ids.entry(was[a..b].to_lowercase()).or_insert_with(|| is[c..d].to_owned());
            }
        }
    }
    fn learn(&mut self, was: &Value, is: &Value) {
        match (was, is) {
            (Value::String(was), Value::String(is)) => self.learn_text(was, is),
            (Value::Array(was), Value::Array(is)) if was.len() == is.len() => {
                was.iter().zip(is).for_each(|(was, is)| self.learn(was, is));
            }
            (Value::Object(was), Value::Object(is)) => {
                for (name, was) in was {
                    let same = |(other, _): &(&String, &Value)| other.eq_ignore_ascii_case(name);
                    if let Some((_, is)) = is.iter().find(same) {
                        self.learn(was, is);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Names that recorders made and no host can have.
fn named(text: &str) -> String {
    text.replace("keyvault_name", "keyvault-name")
}

fn unknown_version(body: &Value) -> bool {
    let code = body["error"]["code"].as_str().unwrap_or_default();
    ["NoRegisteredProviderFound", "InvalidApiVersionParameter", "BadParameter", "InvalidResourceType"].contains(&code)
        || body["error"]["message"].as_str().is_some_and(|m| m.contains("api-version"))
}

fn arm_version(key: &str) -> &'static str {
    match () {
        () if key.contains("microsoft.containerregistry") => "2025-11-01",
        () if key.contains("microsoft.keyvault") => "2023-07-01",
        () if key.contains("microsoft.managedidentity") => "2023-01-31",
        () if key.contains("microsoft.authorization") => "2022-04-01",
        () => "2024-03-01",
    }
}

fn tenant_of(body: &Value, headers: &BTreeMap<String, String>) -> Option<Uuid> {
    let challenge = headers.get("www-authenticate").filter(|h| h.contains("authorization="));
    let challenged = challenge.and_then(|h| ids(h).first().map(|&(a, b)| h[a..b].to_owned()));
    let own = body["properties"]["tenantId"].as_str().map(str::to_owned);
    own.or(challenged)?.parse().ok()
}

/// Where GUIDs and versions of keys stand in a text. The zero GUID of recorders is none.
pub fn ids(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let word = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let hex = |from: usize, n: usize| bytes.get(from..from + n).is_some_and(|b| b.iter().all(u8::is_ascii_hexdigit));
    let guid = |at: usize| {
        let dash = |i: usize| bytes.get(at + i) == Some(&b'-');
        hex(at, 8)
            && dash(8)
            && hex(at + 9, 4)
            && dash(13)
            && hex(at + 14, 4)
            && dash(18)
            && hex(at + 19, 4)
            && dash(23)
            && hex(at + 24, 12)
    };
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let begins = at == 0 || !word(at - 1);
        let length = match begins {
            true if guid(at) && !word(at + 36) => 36,
            true if hex(at, 32) && !word(at + 32) => 32,
            _ => 0,
        };
        if length > 0 && text[at..at + length].bytes().any(|b| b != b'0' && b != b'-') {
            found.push((at, at + length));
        }
        at += length.max(1);
    }
    found
}

/// When each exchange was; where the recorder took the dates away, a second each from the recording's day on.
fn times(r: &Recording) -> Vec<OffsetDateTime> {
    let day = r.name.rsplit('@').next().and_then(|stem| {
        let mut parts = stem.split(['-', '_']);
        let year = parts.next()?.parse().ok()?;
        let month = parts.next()?.parse::<u8>().ok()?.try_into().ok()?;
        let date = Date::from_calendar_date(year, month, parts.next()?.parse().ok()?).ok()?;
        Some(date.midnight().assume_utc())
    });
    let mut last = r.exchanges.iter().find_map(Exchange::date).or(day).unwrap_or(datetime!(2021-01-01 00:00 UTC));
    let mut all = Vec::new();
    for e in &r.exchanges {
        last = e.date().map_or_else(|| last + Duration::from_secs(1), |date| date.max(last));
        all.push(last);
    }
    all
}
