//! A client of nothing but `World::handle`, and a record of what it exchanged.

use bytes::Bytes;
use cmk_mocks::{Params, Setup, World};
use http::Request;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

pub const ACR: &str = "2025-11-01";
pub const KV: &str = "2026-02-01";
pub const KEYS: &str = "2025-07-01";
pub const MSI: &str = "2023-01-31";
pub const RBAC: &str = "2022-04-01";
pub const RG: &str = "2024-03-01";

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn code(&self) -> &str {
        self.text("/error/code")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
}

pub struct Client {
    pub world: World,
    pub now: OffsetDateTime,
    pub who: Uuid,
    pub log: Vec<Value>,
}

impl Client {
    pub fn new(params: Params) -> Self {
        let setup = Setup::default();
        let now = setup.now;
        let world = World::with_params(setup, params);
        let who = world.operator().object_id;
        Self { world, now, who, log: Vec::new() }
    }

    pub fn instant() -> Self {
        Self::new(Params::instant())
    }

    pub fn wait(&mut self, seconds: i64) {
        self.now += Duration::seconds(seconds);
        self.world.advance(self.now);
    }

    pub fn sub(&self) -> String {
        format!("/subscriptions/{}", self.world.subscription())
    }

    pub fn send(&mut self, method: &str, url: &str, token: Option<String>, body: Option<Value>) -> Answer {
        let mut req = Request::builder().method(method).uri(url.replace(' ', "%20").replace('\'', "%27"));
        if let Some(token) = token {
            req = req.header("authorization", format!("Bearer {token}"));
        }
        let bytes = body.as_ref().map(|b| Bytes::from(b.to_string())).unwrap_or_default();
        let req = req.body(bytes).unwrap();
        let (uri, now) = (req.uri().clone(), self.now);
        let res = self.world.handle(now, req);
        let (parts, bytes) = res.into_parts();
        let answer = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        let query: serde_json::Map<String, Value> =
            url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
                .map(|(k, v)| (k.into_owned(), json!(v)))
                .collect();
        let headers: serde_json::Map<String, Value> = parts
            .headers
            .iter()
            .map(|(k, v)| (k.as_str().to_owned(), json!(String::from_utf8_lossy(v.as_bytes()))))
            .collect();
        self.log.push(json!({
            "method": method,
            "host": uri.host(),
            "path": uri.path(),
            "query": query,
            "request_body": body,
            "status": parts.status.as_u16(),
            "response_headers": headers,
            "response_body": answer,
        }));
        Answer { status: parts.status.as_u16(), headers: parts.headers, body: answer }
    }

    /// `path` from `/subscriptions/..` on, or with `~` for the subscription.
    pub fn arm(&mut self, method: &str, path: &str, version: &str, body: Option<Value>) -> Answer {
        let path = path.replace('~', &self.sub());
        let sep = if path.contains('?') { '&' } else { '?' };
        let url = format!("https://{}{path}{sep}api-version={version}", self.world.cloud().arm_host());
        let token = self.world.token(self.who, "https://management.azure.com/", self.now);
        self.send(method, &url, Some(token), body)
    }

    pub fn kv(&mut self, method: &str, vault: &str, path: &str, body: Option<Value>) -> Answer {
        let sep = if path.contains('?') { '&' } else { '?' };
        let suffix = self.world.cloud().vault_suffix();
        let url = format!("https://{vault}.{suffix}{path}{sep}api-version={KEYS}");
        let token = self.world.token(self.who, &format!("https://{suffix}"), self.now);
        self.send(method, &url, Some(token), body)
    }

    pub fn get_url(&mut self, url: &str) -> Answer {
        let token = self.world.token(self.who, "https://management.azure.com/", self.now);
        self.send("GET", url, Some(token), None)
    }

    /// Polls a registry operation to its end.
    pub fn finish(&mut self, accepted: &Answer) -> Answer {
        let url = accepted.header("azure-asyncoperation").to_owned();
        for _ in 0..20 {
            let status = self.get_url(&url);
            if !["Creating", "Updating"].contains(&status.text("/status")) {
                return status;
            }
            self.wait(5);
        }
        panic!("the operation does not end");
    }

    pub fn put_registry(&mut self, name: &str, key: &str, identity: &Value) -> Answer {
        let client = identity["properties"]["clientId"].as_str().unwrap_or_default();
        let id = identity["id"].as_str().unwrap_or_default();
        let body = cmk_body(id, key, client);
        self.arm("PUT", &registry(name), ACR, Some(body))
    }
}

pub fn registry(name: &str) -> String {
    format!("~/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/{name}")
}

pub fn vault(name: &str) -> String {
    format!("~/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/{name}")
}

pub fn identity(name: &str) -> String {
    format!("~/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}")
}

pub fn cmk_body(identity_id: &str, key: &str, client: &str) -> Value {
    json!({
        "location": "westeurope",
        "sku": {"name": "Premium"},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {identity_id: {}}},
        "properties": {"encryption": {
            "status": "enabled",
            "keyVaultProperties": {"keyIdentifier": key, "identity": client},
        }},
    })
}

pub fn encryption(key: &str, client: &str) -> Value {
    json!({"properties": {"encryption": {
        "status": "enabled",
        "keyVaultProperties": {"keyIdentifier": key, "identity": client},
    }}})
}

/// A place in the data, which may not be there; under CI it has to be.
pub fn data(part: &str) -> Option<PathBuf> {
    let data = std::env::var_os("CMK_DATA").map(PathBuf::from);
    let data = data.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    let found = Some(data.join(part)).filter(|p| p.exists());
    if found.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no data: {part}");
        eprintln!("skipped: no data: {part}");
    }
    found
}

/// Holds exchanges against Microsoft's OpenAPI files.
pub fn against_contract(log: &[Value]) {
    let Some(check) = data("contract/contract_check.py") else { return };
    let python = Command::new("python3").args(["-c", "import jsonschema"]).output();
    if !python.is_ok_and(|o| o.status.success()) {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no python3 with jsonschema");
        eprintln!("skipped: no python3 with jsonschema");
        return;
    }
    let name = format!("cmk-mocks-contract-{}-{}.jsonl", std::process::id(), log.len());
    let file = std::env::temp_dir().join(name);
    let mut out = std::fs::File::create(&file).unwrap();
    for exchange in log {
        writeln!(out, "{exchange}").unwrap();
    }
    let run = Command::new("python3").arg("-B").arg(&check).arg("-q").arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    let _ = std::fs::remove_file(&file);
    println!("{said}");
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
}
