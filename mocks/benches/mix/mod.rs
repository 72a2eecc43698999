//! A large world, and the requests of a busy day in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cmk_mocks::{KeyRef, OPERATOR_SECRET, Params, Setup, VaultModel, World};
use http::Request;
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;

/// Simulated time between two requests: slow enough for Azure's own limits.
pub(crate) const STEP: Duration = Duration::from_millis(100);

/// What the world keeps of the past, so that it is full long before the end.
pub(crate) const KEPT: usize = 1000;

/// Registries on a page of a list. A list is each tenth request, so that this is also what most of the work hangs on.
const PAGE: usize = 100;

const GROUPS: usize = 10;
const VAULTS: usize = 50;

/// A world of so many registries, each on a key of one of 50 vaults.
pub(crate) fn world(registries: usize) -> World {
    let params = Params { kept_operations: KEPT, kept_audit: KEPT, arm_page_size: PAGE, ..Params::default() };
    let mut world = World::with_params(Setup::default(), params);
    let now = world.now();
    let mut identities = Vec::new();
    for n in 0..VAULTS {
        let vault = format!("kv-load{n}");
        world.seed_vault(&group(n), &vault, if n % 2 == 0 { VaultModel::Rbac } else { VaultModel::Policy });
        world.seed_key(&vault, "acr", now);
        identities.push(world.seed_identity(&group(n), &format!("id-load{n}")));
    }
    let operator = world.operator().object_id;
    world.set_role(
        operator,
        cmk_mocks::roles::KEY_VAULT_ADMINISTRATOR,
        &format!("/subscriptions/{}", world.subscription()),
        now,
    );
    for n in 0..registries {
        let refers = if n % 3 == 0 { KeyRef::Versioned } else { KeyRef::Versionless };
        let vault = format!("kv-load{}", n % VAULTS);
        let id = world.seed_registry_cmk(&group(n), &name(n), &vault, "acr", refers, &identities[n % VAULTS].id);
        world.seed_image(&id, "app/web:v1");
    }
    world
}

fn group(n: usize) -> String {
    format!("load{}", n % GROUPS)
}

fn name(n: usize) -> String {
    format!("load{n:05}")
}

/// The client: who it is, and where it stands in its work.
pub(crate) struct Client {
    registries: usize,
    subscription: String,
    tenant: String,
    client_id: String,
    basic: String,
    arm: String,
    vault: String,
    /// The address of the page that comes next.
    page: Option<String>,
    /// The address of the operation that was started last.
    operation: Option<String>,
    identities: Vec<(String, String)>,
}

/// A request, and whether what is answered is to be looked at.
pub(crate) enum Next {
    Plain,
    Page,
    Operation,
}

impl Client {
    pub(crate) fn new(world: &World, registries: usize) -> Self {
        let operator = world.operator();
        let subscription = world.subscription().to_string();
        let identity = |n: usize| {
            let id = format!(
                "/subscriptions/{subscription}/resourceGroups/{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-load{n}",
                group(n)
            );
            let client = world.identity(&id).map(|i| i.client_id.to_string()).unwrap_or_default();
            (id, client)
        };
        Self {
            registries,
            identities: (0..VAULTS).map(identity).collect(),
            tenant: world.tenant().to_string(),
            client_id: operator.client_id.to_string(),
            basic: STANDARD.encode(format!("{}:{OPERATOR_SECRET}", operator.client_id)),
            arm: String::new(),
            vault: String::new(),
            page: None,
            operation: None,
            subscription,
        }
    }

    /// Takes new tokens.
    pub(crate) fn renew(&mut self, world: &World, now: OffsetDateTime) {
        let operator = world.operator().object_id;
        self.arm = world.token(operator, "https://management.azure.com", now);
        self.vault = world.token(operator, "https://vault.azure.net", now);
    }

    fn arm(&self, method: &str, path: &str, body: Option<Value>) -> Request<Bytes> {
        request(method, &format!("https://management.azure.com{path}"), &format!("Bearer {}", self.arm), body)
    }

    fn registry(&self, n: usize) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.ContainerRegistry/registries/{}?api-version=2025-11-01",
            self.subscription,
            group(n),
            name(n)
        )
    }

    /// Request number `n`.
    pub(crate) fn next(&mut self, n: usize) -> (Request<Bytes>, Next) {
        // Another registry each time, and none twice while an update of it is under way.
        let which = (n * 7919) % self.registries;
        let vault = which % VAULTS;
        let plain = match n % 10 {
            0 | 1 => self.arm("GET", &self.registry(which), None),
            2 => {
                let url = format!("https://kv-load{vault}.vault.azure.net/keys/acr?api-version=7.6");
                request("GET", &url, &format!("Bearer {}", self.vault), None)
            }
            3 => {
                let first = || {
                    format!(
                        "https://management.azure.com/subscriptions/{}/providers/Microsoft.ContainerRegistry/registries?api-version=2025-11-01",
                        self.subscription
                    )
                };
                let url = self.page.take().unwrap_or_else(first);
                return (request("GET", &url, &format!("Bearer {}", self.arm), None), Next::Page);
            }
            4 => self.arm("PATCH", &self.registry(which), Some(json!({"tags": {"round": n.to_string()}}))),
            5 => {
                let form = url::form_urlencoded::Serializer::new(String::new())
                    .append_pair("grant_type", "client_credentials")
                    .append_pair("client_id", &self.client_id)
                    .append_pair("client_secret", OPERATOR_SECRET)
                    .append_pair("scope", "https://management.azure.com/.default")
                    .finish();
                let url = format!("https://login.microsoftonline.com/{}/oauth2/v2.0/token", self.tenant);
                Request::post(url)
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(Bytes::from(form))
                    .expect("a request")
            }
            6 => {
                let url = format!("https://{}.azurecr.io/v2/app/web/manifests/v1", name(which));
                request("GET", &url, &format!("Basic {}", self.basic), None)
            }
            7 => {
                let (id, client) = &self.identities[vault];
                let key = format!("https://kv-load{vault}.vault.azure.net/keys/acr");
                let body = json!({
                    "identity": {"type": "userAssigned", "userAssignedIdentities": {id: {}}},
                    "properties": {"encryption": {"status": "enabled",
                        "keyVaultProperties": {"identity": client, "keyIdentifier": key}}},
                });
                return (self.arm("PATCH", &self.registry(which), Some(body)), Next::Operation);
            }
            8 => match self.operation.take() {
                Some(url) => request("GET", &url, &format!("Bearer {}", self.arm), None),
                None => self.arm("GET", &self.registry(which), None),
            },
            _ => {
                let url = format!("https://kv-load{vault}.vault.azure.net/keys?api-version=7.6&maxresults=5");
                request("GET", &url, &format!("Bearer {}", self.vault), None)
            }
        };
        (plain, Next::Plain)
    }

    /// Takes from an answer what later requests need.
    pub(crate) fn seen(&mut self, next: &Next, operation: Option<&str>, body: &[u8]) {
        match next {
            Next::Plain => {}
            Next::Page => {
                let body: Value = serde_json::from_slice(body).unwrap_or_default();
                self.page = body["nextLink"].as_str().map(str::to_owned);
            }
            Next::Operation => self.operation = operation.map(str::to_owned),
        }
    }
}

fn request(method: &str, url: &str, authorization: &str, body: Option<Value>) -> Request<Bytes> {
    let builder = Request::builder().method(method).uri(url).header("authorization", authorization);
    let builder = if body.is_some() { builder.header("content-type", "application/json") } else { builder };
    builder.body(body.map(|b| Bytes::from(b.to_string())).unwrap_or_default()).expect("a request")
}
