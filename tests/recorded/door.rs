//! A transport that answers from one recording, by state.
//!
//! The recording is a time line, and the door knows up to where it has happened. A write of ours that was recorded moves
//! it on; reads show what was last said up to there. Each answer is listed with where it comes from.

use crate::data::{Exchange, Recording, bytes_of, path_key};
use async_trait::async_trait;
use azure_core::http::{
    AsyncRawResponse, Body, HttpClient, Request,
    headers::{HeaderName, HeaderValue, Headers},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// The recording, status, headers and body as they are.
    Recorded,
    /// The newest body of the same resource, as the recorder asked less often.
    Newest,
    /// Nothing of the kind has happened yet: the service's own 404.
    NotYet,
    /// The recorded 401, to a request that was not recorded.
    Challenge,
    /// A grant of ours, merged into the recorded policies; az replaced the vault instead.
    MergedPolicy,
    /// The recorded vault with such a grant.
    MergedVault,
    /// A key bundle of the recording.
    KeyBundle,
    /// The recorded key bundles as a list of versions.
    KeyList,
    /// A recorded key bundle as ARM would show it.
    ArmKey,
    /// A provider that is registered, as resources of it were recorded.
    Provider,
    /// A name that is free, as the resource was made later in the recording.
    NameIsFree,
    /// What az never asks beforehand: the caller may do all, nothing is locked, no policy denies.
    Allowed,
    /// Nothing: the recording does not tell.
    Unanswered,
}

/// A request of ours and where its answer came from.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Value,
    pub(crate) source: Source,
    /// The recorded exchange, if it is one.
    pub(crate) n: Option<usize>,
}

impl Asked {
    /// Method and path without names.
    pub(crate) fn shape(&self) -> String {
        let mut named = false;
        let parts = self.path.split('/').map(|part| {
            let name = named;
            let lower = part.to_ascii_lowercase();
            let after = ["subscriptions", "resourcegroups", "registries", "vaults", "userassignedidentities", "keys"];
            named = after.contains(&lower.as_str()) || lower == "versions" && !name;
            let is_version = part.len() == 32 && part.bytes().all(|b| b.is_ascii_hexdigit());
            if name || is_version { "*" } else { part }
        });
        format!("{} {}", self.method, parts.collect::<Vec<_>>().join("/"))
    }
}

/// The door.
pub(crate) struct Replay {
    recording: Recording,
    state: Mutex<State>,
}

struct State {
    /// The first exchange that has not happened yet.
    at: usize,
    polled: BTreeMap<String, usize>,
    /// The vault's body once a grant was merged into it.
    vault: Option<Value>,
    asked: Vec<Asked>,
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").field("recording", &self.recording.name).finish_non_exhaustive()
    }
}

struct Reply {
    source: Source,
    n: Option<usize>,
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Reply {
    fn new(source: Source, status: u16, body: &Value) -> Self {
        let headers = [("content-type".to_owned(), "application/json; charset=utf-8".to_owned())];
        Self { source, n: None, status, headers: headers.into(), body: bytes_of(body) }
    }
    fn recorded(exchange: &Exchange) -> Self {
        Self {
            source: Source::Recorded,
            n: Some(exchange.n),
            status: exchange.status,
            headers: exchange.resp_headers.clone(),
            body: exchange.answer(),
        }
    }
    fn not_found(kind: &str, name: &str, group: &str) -> Self {
        let message = format!(
            "The Resource '{kind}/{name}' under resource group '{group}' was not found. For more details please go to \
             https://aka.ms/ARMResourceNotFoundFix"
        );
        Self::new(Source::NotYet, 404, &json!({ "error": { "code": "ResourceNotFound", "message": message } }))
    }
}

/// A request in the parts that answers depend on.
struct Ask<'a> {
    method: &'a str,
    host: &'a str,
    path: &'a str,
    parts: Vec<&'a str>,
    body: &'a Value,
    has_token: bool,
}

impl Replay {
    /// A door on a recording up to, and without, the exchange at `at`.
    pub(crate) fn new(recording: Recording, at: usize) -> Arc<Self> {
        let state = State { at, polled: BTreeMap::new(), vault: None, asked: Vec::new() };
        Arc::new(Self { recording, state: Mutex::new(state) })
    }
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
    /// Lets happen what was recorded before the exchange at `at`.
    pub(crate) fn let_happen(&self, at: usize) {
        let mut state = self.state();
        state.at = state.at.max(at);
    }
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state().asked.clone()
    }
    /// The vault's policies as they are now.
    pub(crate) fn vault(&self) -> Option<Value> {
        self.state().vault.clone()
    }

    fn exchanges(&self) -> &[Exchange] {
        &self.recording.exchanges
    }

    fn answer(&self, state: &mut State, ask: &Ask<'_>) -> Reply {
        if ask.host.ends_with(".vault.azure.net") {
            return self.key_vault(state, ask);
        }
        let lower: Vec<_> = ask.parts.iter().map(|p| p.to_ascii_lowercase()).collect();
        let lower: Vec<_> = lower.iter().map(String::as_str).collect();
        match lower.as_slice() {
            ["subscriptions", _, "providers", namespace] if ask.method == "GET" => self.provider(ask, namespace),
            ["subscriptions", _, "providers", _, "checknameavailability"] if ask.method == "POST" => {
                self.name_availability(state, ask)
            }
            [.., "microsoft.authorization", "permissions"] if ask.method == "GET" => {
                let all = json!({ "actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": [] });
                Reply::new(Source::Allowed, 200, &json!({ "value": [all] }))
            }
            [.., "microsoft.authorization", "locks"] if ask.method == "GET" => {
                Reply::new(Source::Allowed, 200, &json!({ "value": [] }))
            }
            [.., "microsoft.policyinsights", "checkpolicyrestrictions"] => {
                let none = json!({ "fieldRestrictions": [], "contentEvaluationResult": { "policyEvaluations": [] } });
                Reply::new(Source::Allowed, 200, &none)
            }
            ["subscriptions", _, "providers", "microsoft.containerregistry", "registries"] => self.registries(state),
            [.., "registries", _] => self.registry(state, ask),
            [.., "registries", _, "operationstatuses", _] => self.poll(state, ask),
            [.., "vaults", _] if ask.method == "GET" => match &state.vault {
                Some(vault) => Reply::new(Source::MergedVault, 200, vault),
                None => self.newest(state, ask),
            },
            [.., "vaults", _, "accesspolicies", "add"] if ask.method == "PUT" => self.add_policy(state, ask),
            [.., "vaults", _, "keys", name] if ask.method == "GET" => self.arm_key(state, ask, name, None),
            [.., "vaults", _, "keys", name, "versions", version] if ask.method == "GET" => {
                self.arm_key(state, ask, name, Some(version))
            }
            _ if ask.method == "GET" => self.newest(state, ask),
            _ => Reply::new(Source::Unanswered, 501, &Value::Null),
        }
    }

    /// What was said last about the resource at a path.
    fn newest_body(&self, state: &State, ask: &Ask<'_>) -> Option<&Exchange> {
        let ours = |e: &&Exchange| ["GET", "PUT", "PATCH"].iter().any(|m| e.is_for(m, ask.host, ask.path)) && e.is_ok();
        self.exchanges()[..state.at].iter().rfind(ours)
    }

    fn newest(&self, state: &State, ask: &Ask<'_>) -> Reply {
        match self.newest_body(state, ask) {
            Some(e) if e.method == "GET" => Reply::recorded(e),
            Some(e) => Reply::new(Source::Newest, 200, &e.resp_body),
            None => Reply::new(Source::Unanswered, 501, &Value::Null),
        }
    }

    /// The registry of the recording as the only one of its subscription.
    fn registries(&self, state: &State) -> Reply {
        let shown = |e: &&Exchange| e.is_ok() && e.resp_body["type"] == "Microsoft.ContainerRegistry/registries";
        let newest = self.exchanges()[..state.at].iter().rfind(shown).map(|e| e.resp_body.clone());
        Reply::new(Source::Newest, 200, &json!({ "value": Vec::from_iter(newest) }))
    }

    fn provider(&self, ask: &Ask<'_>, namespace: &str) -> Reply {
        let used = |e: &Exchange| e.is_ok() && e.key().contains(&format!("/providers/{namespace}/"));
        if !self.exchanges().iter().any(used) {
            return Reply::new(Source::Unanswered, 501, &Value::Null);
        }
        let body = json!({
            "id": ask.path, "namespace": ask.parts.last(), "registrationState": "Registered", "resourceTypes": [],
        });
        Reply::new(Source::Provider, 200, &body)
    }

    fn name_availability(&self, state: &State, ask: &Ask<'_>) -> Reply {
        let name = format!("/{}", ask.body["name"].as_str().unwrap_or_default().to_ascii_lowercase());
        let kind = ask.body["type"].as_str().unwrap_or_default().to_ascii_lowercase();
        let makes = |e: &Exchange| e.method == "PUT" && e.key().contains(&kind) && e.key().ends_with(&name);
        match self.recording.find(0, makes) {
            Some(at) if at >= state.at => Reply::new(Source::NameIsFree, 200, &json!({ "nameAvailable": true })),
            _ => Reply::new(Source::Unanswered, 501, &Value::Null),
        }
    }

    fn registry(&self, state: &mut State, ask: &Ask<'_>) -> Reply {
        let write = |e: &Exchange| e.is_write() && e.key() == path_key(ask.path);
        let next = self.recording.find(state.at, write);
        if ask.method != "GET" {
            // Ours is answered only if it is what comes next.
            return match next.map(|at| (at, &self.exchanges()[at])) {
                Some((at, e)) if e.method == ask.method => {
                    state.at = at + 1;
                    Reply::recorded(e)
                }
                _ => Reply::new(Source::Unanswered, 501, &Value::Null),
            };
        }
        if !self.exchanges()[..state.at].iter().any(write) {
            let name = |at: usize| ask.parts.get(at).copied().unwrap_or_default();
            return Reply::not_found("Microsoft.ContainerRegistry/registries", name(7), name(3));
        }
        // The next recorded look, unless something else happened first: a write of anything, an operation's end.
        let until = self.recording.find(state.at, Exchange::is_write).unwrap_or(self.exchanges().len());
        let look = (state.at..until).find(|&at| self.exchanges()[at].is_for("GET", ask.host, ask.path));
        let poll = |at: &usize| self.exchanges()[*at].key().contains("/operationstatuses/");
        match look.filter(|&look| !(state.at..look).any(|at| poll(&at))) {
            Some(at) => {
                state.at = at + 1;
                Reply::recorded(&self.exchanges()[at])
            }
            None => match self.newest_body(state, ask) {
                Some(e) => Reply::new(Source::Newest, 200, &e.resp_body),
                None => Reply::new(Source::Unanswered, 501, &Value::Null),
            },
        }
    }

    fn poll(&self, state: &mut State, ask: &Ask<'_>) -> Reply {
        let polls: Vec<_> =
            (0..self.exchanges().len()).filter(|&at| self.exchanges()[at].is_for("GET", ask.host, ask.path)).collect();
        let times = state.polled.entry(path_key(ask.path)).or_default();
        let Some(&at) = polls.get(*times).or(polls.last()) else {
            return Reply::new(Source::Unanswered, 501, &Value::Null);
        };
        *times += 1;
        state.at = state.at.max(at + 1);
        Reply::recorded(&self.exchanges()[at])
    }

    fn add_policy(&self, state: &mut State, ask: &Ask<'_>) -> Reply {
        let vault = ask.path.rsplitn(3, '/').last().unwrap_or_default();
        let ask_vault = Ask { path: vault, parts: Vec::new(), ..*ask };
        let body = state.vault.clone().or_else(|| self.newest_body(state, &ask_vault).map(|e| e.resp_body.clone()));
        let Some(mut body) = body else { return Reply::new(Source::Unanswered, 501, &Value::Null) };
        for added in ask.body["properties"]["accessPolicies"].as_array().unwrap_or(&Vec::new()) {
            let policies = body["properties"]["accessPolicies"].as_array_mut().unwrap();
            let of_same = |p: &&mut Value| p["objectId"] == added["objectId"];
            let Some(there) = policies.iter_mut().find(of_same) else {
                policies.push(added.clone());
                continue;
            };
            for (kind, more) in added["permissions"].as_object().unwrap() {
                let mut all = there["permissions"][kind].as_array().cloned().unwrap_or_default();
                let new: Vec<_> = more.as_array().unwrap().iter().filter(|p| !all.contains(p)).cloned().collect();
                all.extend(new);
                there["permissions"][kind] = all.into();
            }
        }
        // az's own way to do it has now happened.
        if let Some(at) = self.recording.find(state.at, |e| e.is_for("PUT", ask.host, vault)) {
            state.at = at + 1;
        }
        let answer = json!({
            "id": format!("{vault}/accessPolicies/"),
            "type": "Microsoft.KeyVault/vaults/accessPolicies",
            "properties": { "accessPolicies": body["properties"]["accessPolicies"] },
        });
        state.vault = Some(body);
        Reply::new(Source::MergedPolicy, 200, &answer)
    }

    /// The bundles of a key's versions that have been made, oldest first.
    fn versions(&self, state: &State, host: &str, name: &str) -> Vec<&Value> {
        let made = |e: &&Exchange| e.is_ok() && e.is_for("POST", host, &format!("/keys/{name}/create"));
        self.exchanges()[..state.at].iter().filter(made).map(|e| &e.resp_body).collect()
    }
    fn version<'a>(bundles: &[&'a Value], version: Option<&str>) -> Option<&'a Value> {
        let is_it = |b: &&&Value| {
            let kid = b["key"]["kid"].as_str().unwrap_or_default();
            version.is_none_or(|v| kid.rsplit('/').next().is_some_and(|own| own.eq_ignore_ascii_case(v)))
        };
        bundles.iter().rfind(is_it).copied()
    }

    fn key_vault(&self, state: &State, ask: &Ask<'_>) -> Reply {
        if !ask.has_token {
            let challenge = self.exchanges().iter().find(|e| e.status == 401 && e.host.eq_ignore_ascii_case(ask.host));
            return match challenge {
                Some(e) => Reply { source: Source::Challenge, ..Reply::recorded(e) },
                None => Reply::new(Source::Unanswered, 501, &Value::Null),
            };
        }
        let (name, version) = match (ask.method, ask.parts.as_slice()) {
            ("GET", ["keys", name, "versions"]) => {
                let items = self.versions(state, ask.host, name);
                let items: Vec<_> =
                    items.iter().map(|b| json!({ "kid": b["key"]["kid"], "attributes": b["attributes"] })).collect();
                return Reply::new(Source::KeyList, 200, &json!({ "value": items, "nextLink": null }));
            }
            ("GET", ["keys", name]) => (name, None),
            ("GET", ["keys", name, version]) => (name, Some(*version)),
            _ => return Reply::new(Source::Unanswered, 501, &Value::Null),
        };
        match Self::version(&self.versions(state, ask.host, name), version) {
            Some(bundle) => Reply::new(Source::KeyBundle, 200, bundle),
            None => {
                let message = format!("A key with (name/id) {name} was not found in this key vault.");
                Reply::new(Source::NotYet, 404, &json!({ "error": { "code": "KeyNotFound", "message": message } }))
            }
        }
    }

    fn arm_key(&self, state: &State, ask: &Ask<'_>, name: &str, version: Option<&str>) -> Reply {
        let host = format!("{}.vault.azure.net", ask.parts.get(7).copied().unwrap_or_default());
        let Some(bundle) = Self::version(&self.versions(state, &host, name), version) else {
            return Reply::not_found("Microsoft.KeyVault/vaults/keys", name, ask.parts.get(3).unwrap_or(&""));
        };
        let kid = bundle["key"]["kid"].as_str().unwrap_or_default();
        let versionless = kid.rsplit_once('/').map_or(kid, |(start, _)| start);
        let body = json!({
            "id": ask.path,
            "type": "Microsoft.KeyVault/vaults/keys",
            "properties": {
                "attributes": bundle["attributes"],
                "kty": bundle["key"]["kty"],
                "keyOps": bundle["key"]["key_ops"],
                "keyUri": versionless,
                "keyUriWithVersion": kid,
            },
        });
        Reply::new(Source::ArmKey, 200, &body)
    }
}

#[async_trait]
impl HttpClient for Replay {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let Body::Bytes(body) = request.body() else { panic!("a streamed body") };
        let body: Value =
            if body.is_empty() { Value::Null } else { serde_json::from_slice(body).expect("a body of JSON") };
        let (url, method) = (request.url(), request.method());
        let ask = Ask {
            method: method.as_str(),
            host: url.host_str().unwrap_or_default(),
            path: url.path(),
            parts: url.path().split('/').filter(|p| !p.is_empty()).collect(),
            body: &body,
            has_token: request.headers().get_optional_str(&HeaderName::from_static("authorization")).is_some(),
        };
        let reply = {
            let mut state = self.state();
            let reply = self.answer(&mut state, &ask);
            state.asked.push(Asked {
                method: ask.method.to_owned(),
                path: ask.path.to_owned(),
                body: body.clone(),
                source: reply.source,
                n: reply.n,
            });
            reply
        };
        let mut headers = Headers::new();
        for (name, value) in reply.headers {
            headers.insert(HeaderName::from(name), HeaderValue::from(value));
        }
        Ok(AsyncRawResponse::from_bytes(reply.status.into(), headers, reply.body))
    }
}
