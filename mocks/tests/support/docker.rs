//! A client of a registry's data plane, as docker is one.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use cmk_mocks::{Exchange, KeyRef, Params, PrincipalKind, Setup, VaultModel, World};
use http::Request;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

pub const LOGIN: &str = "contoso1.azurecr.io";
pub const AUDIENCE: &str = "https://containerregistry.azure.net";
pub const ARM: &str = "https://management.azure.com/";

/// A registry without a key of one's own, and somebody without any role.
pub fn plain() -> Docker {
    Docker::new(Params::instant(), |world| world.seed_registry("rg", "contoso1", "Premium"))
}

pub fn with_key() -> Docker {
    Docker::new(Params::instant(), |world| {
        let now = world.now();
        world.seed_vault("rg", "kv1", VaultModel::Rbac);
        world.seed_key("kv1", "k", now);
        let id = world.seed_identity("rg", "uai1").id;
        world.seed_registry_cmk("rg", "contoso1", "kv1", "k", KeyRef::Versionless, &id)
    })
}

pub struct Docker {
    pub world: World,
    pub now: OffsetDateTime,
    /// Who logs in; without a role at first.
    pub who: Uuid,
    /// The registry's id.
    pub registry: String,
    /// What was exchanged, as the contract check reads it.
    pub log: Vec<Value>,
}

pub struct Got {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

impl Got {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn code(&self) -> String {
        self.json()["errors"][0]["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn message(&self) -> String {
        self.json()["errors"][0]["message"].as_str().unwrap_or_default().to_owned()
    }
}

impl Docker {
    pub fn new(params: Params, seed: impl FnOnce(&mut World) -> String) -> Self {
        let mut world = World::with_params(Setup::default(), params);
        let registry = seed(&mut world);
        let who = world.add_principal(PrincipalKind::ServicePrincipal, "puller").object_id;
        Self { now: world.now(), world, who, registry, log: Vec::new() }
    }

    fn host(&self) -> String {
        let name = self.registry.rsplit('/').next().unwrap_or_default();
        format!("{}.{}", name.to_lowercase(), self.world.cloud().registry_suffix())
    }

    pub fn wait(&mut self, seconds: i64) {
        self.now += Duration::seconds(seconds);
        self.world.advance(self.now);
    }

    pub fn send(&mut self, method: &str, host: &str, path: &str, authorization: Option<&str>, body: &[u8]) -> Got {
        let mut request = Request::builder().method(method).uri(format!("https://{host}{path}"));
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let request = request.body(Bytes::copy_from_slice(body)).unwrap();
        let answer = self.world.handle(self.now, request.clone());
        let n = self.log.len() as u64 + 1;
        let exchange = Exchange::new(n, self.now, &request, Some(&answer), None);
        self.log.push(serde_json::to_value(exchange).unwrap());
        let (parts, body) = answer.into_parts();
        Got { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub fn basic(&mut self, method: &str, path: &str, user: &str, password: &str) -> Got {
        let host = self.host();
        let header = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        self.send(method, &host, path, Some(&header), &[])
    }

    pub fn form(&mut self, host: &str, path: &str, fields: &[(&str, &str)]) -> Got {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", host, path, None, body.as_bytes())
    }

    /// `other`: fields in place of the usual ones.
    pub fn exchange(&mut self, audience: &str, other: &[(&str, &str)]) -> Got {
        let (host, token) = (self.host(), self.world.token(self.who, audience, self.now));
        let usual = [("grant_type", "access_token"), ("service", &host), ("access_token", &token)];
        let kept = usual.iter().filter(|(name, _)| other.iter().all(|(n, _)| n != name));
        let fields: Vec<(&str, &str)> = kept.chain(other).copied().collect();
        self.form(&host, "/oauth2/exchange", &fields)
    }

    pub fn refresh(&mut self) -> String {
        let got = self.exchange("https://containerregistry.azure.net", &[]);
        got.json()["refresh_token"].as_str().unwrap().to_owned()
    }

    /// An access token, by way of a refresh token.
    pub fn access(&mut self, scope: &str) -> String {
        let (host, refresh) = (self.host(), self.refresh());
        let fields =
            [("grant_type", "refresh_token"), ("service", &host), ("refresh_token", &refresh), ("scope", scope)];
        self.form(&host, "/oauth2/token", &fields).json()["access_token"].as_str().unwrap().to_owned()
    }

    fn token_path(&self, scope: &str) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("service", &self.host())
            .append_pair("scope", scope)
            .finish();
        format!("/oauth2/token?{query}")
    }

    pub fn docker_login(&mut self, user: &str, password: &str, scope: &str) -> Got {
        let path = self.token_path(scope);
        self.basic("GET", &path, user, password)
    }

    pub fn anonymous(&mut self, scope: &str) -> Got {
        let (host, path) = (self.host(), self.token_path(scope));
        self.send("GET", &host, &path, None, &[])
    }

    /// As the operator.
    pub fn arm(&mut self, method: &str, path: &str, body: Option<Value>) -> Got {
        let operator = self.world.operator().object_id;
        let token = self.world.token(operator, "https://management.azure.com/", self.now);
        let body = body.map(|b| b.to_string()).unwrap_or_default();
        let path = format!("{path}?api-version=2025-11-01");
        self.send(method, "management.azure.com", &path, Some(&format!("Bearer {token}")), body.as_bytes())
    }
}

impl Docker {
    pub fn grant(&mut self, role: Uuid) {
        let (who, scope, now) = (self.who, self.registry.clone(), self.now);
        self.world.set_role(who, role, &scope, now);
    }

    pub fn property(&mut self, name: &str, value: serde_json::Value) {
        let id = self.registry.clone();
        self.world.mutate_registry_property(&id, name, value);
    }
}

/// What a token says.
pub fn jwt(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

pub fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256:{hex}")
}
