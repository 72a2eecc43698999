//! Every body in scope of every recording parses, prints as it came, and is typed where the contract names a member.

use crate::data::{self, Exchange, Recording};
use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    http::{
        AsyncRawResponse, HttpClient, Request,
        headers::{HeaderName, HeaderValue, Headers},
    },
};
use cmk::azure::{
    Azure, Cloud, Kept, Operation, Progress, ServiceError,
    groups::ResourceGroup,
    identities::Identity,
    keys::{ArmKey, DeletedKeyBundle, KeyBundle, KeyItem, RotationPolicy},
    providers::Provider,
    registries::{NameAvailability, Registry},
    resources::ListedResource,
    role_assignments::RoleAssignment,
    vaults::{DeletedVault, PolicyUpdate, Vault},
};
use libtest_mimic::{Failed, Trial};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use time::OffsetDateTime;

type Test = fn(&[Recording]) -> Result<(), Failed>;

pub(crate) fn trials() -> Vec<Trial> {
    const TESTS: [&str; 4] = [
        "recorded_bodies::bodies_parse_and_print",
        "recorded_bodies::contract_members_are_typed",
        "recorded_bodies::errors_are_read",
        "recorded_bodies::polls_are_read",
    ];
    data::trials(data::no_recordings(), &TESTS, || {
        let all: Arc<[Recording]> = data::recordings("").into();
        assert!(all.len() >= 150, "{} recordings", all.len());
        let runs: [Test; 4] = [bodies_parse_and_print, contract_members_are_typed, errors_are_read, polls_are_read];
        let trial = |(name, run): (&str, Test)| {
            let all = all.clone();
            Trial::test(name, move || run(&all))
        };
        TESTS.into_iter().zip(runs).map(trial).collect()
    })
}

fn verdict(faults: &BTreeSet<String>) -> Result<(), Failed> {
    if faults.is_empty() { Ok(()) } else { Err(faults.iter().cloned().collect::<Vec<_>>().join("\n").into()) }
}

// ---- which body is what ---------------------------------------------------------------------------------------------

/// A kind of body, and the definitions of the contract that name its members.
struct Kind {
    name: &'static str,
    read: fn(&Value) -> Result<Value, String>,
    contract: &'static [(&'static str, &'static str)],
    /// Whether a member that the contract names has to be typed.
    binding: bool,
}

/// Reads a body through the library, requires that it prints as it came, and gives the typed part.
fn read<T: DeserializeOwned + Serialize>(body: &Value) -> Result<Value, String> {
    let kept: Kept<T> = serde_json::from_slice(body.to_string().as_bytes()).map_err(|e| e.to_string())?;
    let printed = serde_json::to_value(&kept).map_err(|e| e.to_string())?;
    if printed != *body {
        return Err(format!("prints as {printed}"));
    }
    serde_json::to_value(&*kept).map_err(|e| e.to_string())
}

const REGISTRY: &[(&str, &str)] = &[("acr-2025-11-01", "Registry"), ("acr-2023-07-01", "Registry")];
const VAULT: &[(&str, &str)] = &[("keyvault-2026-02-01", "Vault"), ("keyvault-2023-07-01", "Vault")];
const DELETED_VAULT: &[(&str, &str)] = &[("keyvault-2026-02-01", "DeletedVault")];
const ARM_KEY: &[(&str, &str)] = &[("keyvault-2026-02-01", "Key"), ("keyvault-arm-keys-2023-07-01", "Key")];
const KEY: &[(&str, &str)] = &[("keyvault-keys-2025-07-01", "KeyBundle"), ("keyvault-keys-7.5", "KeyBundle")];
const KEY_ITEM: &[(&str, &str)] = &[("keyvault-keys-2025-07-01", "KeyItem"), ("keyvault-keys-7.5", "KeyItem")];
const DELETED_KEY: &[(&str, &str)] =
    &[("keyvault-keys-2025-07-01", "DeletedKeyBundle"), ("keyvault-keys-7.5", "DeletedKeyBundle")];
const IDENTITY: &[(&str, &str)] = &[("msi-2023-01-31", "Identity")];
const ROLE: &[(&str, &str)] = &[("authorization-2022-04-01", "RoleAssignment")];

#[rustfmt::skip]
const KINDS: [Kind; 15] = [
    Kind { name: "registry", read: read::<Registry>, contract: REGISTRY, binding: true },
    Kind { name: "vault", read: read::<Vault>, contract: VAULT, binding: true },
    Kind { name: "deleted vault", read: read::<DeletedVault>, contract: DELETED_VAULT, binding: true },
    Kind { name: "access policies", read: read::<PolicyUpdate>, contract: &[("keyvault-2026-02-01", "VaultAccessPolicyParameters")], binding: true },
    Kind { name: "key", read: read::<KeyBundle>, contract: KEY, binding: true },
    Kind { name: "key in a list", read: read::<KeyItem>, contract: KEY_ITEM, binding: true },
    // No call of this version lists deleted keys.
    Kind { name: "deleted key in a list", read: read::<KeyItem>, contract: &[("keyvault-keys-2025-07-01", "DeletedKeyItem")], binding: false },
    Kind { name: "deleted key", read: read::<DeletedKeyBundle>, contract: DELETED_KEY, binding: true },
    Kind { name: "key in ARM", read: read::<ArmKey>, contract: ARM_KEY, binding: true },
    Kind { name: "rotation policy", read: read::<RotationPolicy>, contract: &[("keyvault-keys-2025-07-01", "KeyRotationPolicy")], binding: false },
    Kind { name: "identity", read: read::<Identity>, contract: IDENTITY, binding: true },
    Kind { name: "role assignment", read: read::<RoleAssignment>, contract: ROLE, binding: true },
    Kind { name: "resource group", read: read::<ResourceGroup>, contract: &[("resources-2024-03-01", "ResourceGroup")], binding: false },
    Kind { name: "listed resource", read: read::<ListedResource>, contract: &[], binding: false },
    Kind { name: "name availability", read: read::<NameAvailability>, contract: &[], binding: false },
];

/// A provider is in scope; no recording holds one.
const _: fn(&Value) -> Result<Value, String> = read::<Provider>;

/// The kind of an exchange's body, and whether it is a list of them.
fn kind_of(e: &Exchange) -> Option<(&'static str, bool)> {
    if !e.is_ok() || !e.resp_body.is_object() {
        return None;
    }
    let path = e.key();
    let parts: Vec<_> = path.split('/').skip(1).collect();
    if e.is_vault() {
        return match (e.method.as_str(), parts.as_slice()) {
            ("GET", ["keys"] | ["keys", _, "versions"]) => Some(("key in a list", true)),
            ("GET", ["deletedkeys"]) => Some(("deleted key in a list", true)),
            (_, ["keys", _, "rotationpolicy"]) => Some(("rotation policy", false)),
            ("POST", ["keys", _, "create" | "rotate"] | ["keys", "restore"] | ["deletedkeys", _, "recover"])
            | ("GET" | "PUT" | "PATCH", ["keys", _] | ["keys", _, _]) => Some(("key", false)),
            ("DELETE", ["keys", _]) | ("GET", ["deletedkeys", _]) => Some(("deleted key", false)),
            _ => None,
        };
    }
    if !e.is_arm() {
        return None;
    }
    match parts.as_slice() {
        ["subscriptions", _, "resourcegroups", _] => Some(("resource group", false)),
        ["subscriptions", _, "resources"] => Some(("listed resource", true)),
        ["subscriptions", _, "providers", _, "checknameavailability"] => Some(("name availability", false)),
        [.., "microsoft.containerregistry", "registries"] => Some(("registry", true)),
        [.., "microsoft.containerregistry", "registries", _] => Some(("registry", false)),
        [.., "microsoft.keyvault", "vaults"] => Some(("vault", true)),
        [.., "microsoft.keyvault", "vaults", _] => Some(("vault", false)),
        [.., "microsoft.keyvault", "vaults", _, "accesspolicies", _] => Some(("access policies", false)),
        [.., "microsoft.keyvault", "vaults", _, "keys", _] => Some(("key in ARM", false)),
        [.., "microsoft.keyvault", "deletedvaults"] => Some(("deleted vault", true)),
        [.., "microsoft.keyvault", "locations", _, "deletedvaults", _] => Some(("deleted vault", false)),
        [.., "microsoft.managedidentity", "userassignedidentities"] => Some(("identity", true)),
        [.., "microsoft.managedidentity", "userassignedidentities", _] => Some(("identity", false)),
        [.., "microsoft.authorization", "roleassignments"] => Some(("role assignment", true)),
        [.., "microsoft.authorization", "roleassignments", _] => Some(("role assignment", false)),
        _ => None,
    }
}

/// All bodies of all kinds, lists taken apart.
fn bodies(all: &[Recording]) -> impl Iterator<Item = (&'static Kind, &Value, String)> {
    let of = |r: &Recording, e: &Exchange| format!("{} exchange {}", r.name, e.n);
    let exchanges = all.iter().flat_map(move |r| r.exchanges.iter().map(move |e| (e, of(r, e))));
    exchanges.filter_map(|(e, place)| Some((kind_of(e)?, e, place))).flat_map(|((name, is_list), e, place)| {
        let kind = KINDS.iter().find(|k| k.name == name).expect("a kind");
        let list = e.resp_body["value"].as_array();
        let items: Vec<_> = if is_list { list.into_iter().flatten().collect() } else { vec![&e.resp_body] };
        items.into_iter().map(move |body| (kind, body, place.clone()))
    })
}

fn bodies_parse_and_print(all: &[Recording]) -> Result<(), Failed> {
    let mut faults = BTreeSet::new();
    let mut counts = BTreeMap::<&str, usize>::new();
    for (kind, body, place) in bodies(all) {
        *counts.entry(kind.name).or_default() += 1;
        if let Err(e) = (kind.read)(body) {
            faults.insert(format!("{place}: {}: {e}", kind.name));
        }
    }
    for kind in &KINDS {
        let count = counts.get(kind.name).copied().unwrap_or_default();
        println!("{count:>5} {}", kind.name);
        if count == 0 {
            faults.insert(format!("no recording holds a {}", kind.name));
        }
    }
    let exchanges: usize = all.iter().map(|r| r.exchanges.len()).sum();
    println!("of {exchanges} exchanges in {} recordings", all.len());
    verdict(&faults)
}

// ---- what the contract names ----------------------------------------------------------------------------------------

/// The definitions of one bundle.
struct Bundle(Value);

impl Bundle {
    fn read(name: &str) -> Self {
        let file = data::root().join("contract/bundles").join(format!("{name}.json"));
        let text = std::fs::read(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        Self(serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display())))
    }
    fn definition(&self, name: &str) -> &Value {
        let definition = &self.0["definitions"][name];
        assert!(definition.is_object(), "no definition {name}");
        definition
    }
    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/definitions/")) {
            Some(name) => self.resolved(self.definition(name)),
            None => schema,
        }
    }
    /// The schema of a member, its own or of what it extends.
    fn member<'a>(&'a self, schema: &'a Value, name: &str) -> Option<&'a Value> {
        let schema = self.resolved(schema);
        let own = schema["properties"].get(name);
        let extended = || schema["allOf"].as_array()?.iter().find_map(|s| self.member(s, name));
        let other = || Some(&schema["additionalProperties"]).filter(|s| s.is_object());
        own.or_else(extended).or_else(other)
    }
    /// Whether the contract names what is at a path of a body.
    fn names(&self, definition: &str, path: &[Step]) -> bool {
        let mut schema = self.definition(definition);
        for step in path {
            let next = match step {
                Step::Member(name) => self.member(schema, name),
                Step::Item(_) => Some(&self.resolved(schema)["items"]).filter(|s| s.is_object()),
            };
            match next {
                Some(next) => schema = next,
                None => return false,
            }
        }
        true
    }
}

#[derive(Clone, Debug)]
enum Step {
    Member(String),
    Item(usize),
}

/// What stands at the ends of a body, each with its path. Empty lists and maps are ends too.
fn leaves(body: &Value) -> Vec<(Vec<Step>, &Value)> {
    fn walk<'a>(at: &mut Vec<Step>, value: &'a Value, into: &mut Vec<(Vec<Step>, &'a Value)>) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                for (name, value) in members {
                    at.push(Step::Member(name.clone()));
                    walk(at, value, into);
                    at.pop();
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for (i, value) in items.iter().enumerate() {
                    at.push(Step::Item(i));
                    walk(at, value, into);
                    at.pop();
                }
            }
            end => into.push((at.clone(), end)),
        }
    }
    let mut all = Vec::new();
    walk(&mut Vec::new(), body, &mut all);
    all
}

fn at<'a>(body: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(body, |value, step| match step {
        Step::Member(name) => value.get(name),
        Step::Item(i) => value.get(i),
    })
}

/// A path without the names that callers give.
fn shown(path: &[Step]) -> String {
    let mut text = String::new();
    let mut given = false;
    for step in path {
        match step {
            Step::Member(_) if given => text.push_str(".*"),
            Step::Member(name) => {
                text.push('.');
                text.push_str(name);
            }
            Step::Item(_) => text.push_str("[]"),
        }
        given = matches!(step, Step::Member(name) if name == "tags" || name == "userAssignedIdentities");
    }
    text.trim_start_matches('.').to_owned()
}

/// Whether the typed part holds what came: null for nothing, and a null tag or collection as an empty one.
fn holds(typed: Option<&Value>, came: &Value) -> bool {
    match typed {
        None => false,
        Some(typed) => typed == came || came.is_null(),
    }
}

fn contract_members_are_typed(all: &[Recording]) -> Result<(), Failed> {
    let names: BTreeSet<_> = KINDS.iter().flat_map(|k| k.contract).map(|(bundle, _)| *bundle).collect();
    let bundles: BTreeMap<_, _> = names.into_iter().map(|name| (name, Bundle::read(name))).collect();
    let mut faults = BTreeSet::new();
    let mut shares = BTreeMap::<&str, (usize, usize)>::new();
    let mut named = BTreeMap::<&str, usize>::new();
    let mut kept = BTreeMap::<(&str, String), usize>::new();
    for (kind, body, place) in bodies(all) {
        let Ok(typed) = (kind.read)(body) else { continue };
        for (path, came) in leaves(body) {
            let share = shares.entry(kind.name).or_default();
            share.1 += 1;
            let names = |(bundle, definition): &&(&str, &str)| bundles[bundle].names(definition, &path);
            let by = kind.contract.iter().find(names);
            *named.entry(kind.name).or_default() += usize::from(by.is_some());
            if holds(at(&typed, &path), came) {
                share.0 += 1;
                continue;
            }
            let path = shown(&path);
            if let Some((bundle, definition)) = by.filter(|_| kind.binding) {
                faults.insert(format!("{place}: {path} is in {bundle} {definition} and not typed"));
            }
            *kept.entry((kind.name, path)).or_default() += 1;
        }
    }
    for kind in &KINDS {
        let (typed, of) = shares.get(kind.name).copied().unwrap_or_default();
        let named = named.get(kind.name).copied().unwrap_or_default();
        println!("{:<21} {of:>5} members: {typed} typed, {} kept; the contract names {named}", kind.name, of - typed);
        for ((_, path), times) in kept.iter().filter(|((name, _), _)| *name == kind.name) {
            println!("{times:>23} kept {path}");
        }
    }
    verdict(&faults)
}

// ---- errors ---------------------------------------------------------------------------------------------------------

/// Code and message as the body has them, by each of the shapes that services use.
fn said(body: &Value) -> Option<(String, String)> {
    let error = match (body.get("error"), body["errors"].get(0)) {
        (Some(error), _) if error.is_object() => error,
        (_, Some(error)) => error,
        _ if body.get("code").is_some() => body,
        _ => return None,
    };
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    Some((text(&error["code"]), text(&error["message"])))
}

fn errors_are_read(all: &[Recording]) -> Result<(), Failed> {
    let mut faults = BTreeSet::new();
    let mut codes = BTreeMap::<(u16, String), usize>::new();
    let (mut bodiless, mut shapeless) = (0, 0);
    for (r, e) in all.iter().flat_map(|r| r.exchanges.iter().map(move |e| (r, e))) {
        if e.status < 400 {
            continue;
        }
        let header = |name: &str| e.resp_headers.get(name).cloned();
        let error = ServiceError::parse(e.status, header, &e.answer(), OffsetDateTime::UNIX_EPOCH);
        let place = format!("{} exchange {}", r.name, e.n);
        if error.status != e.status {
            faults.insert(format!("{place}: status {}", error.status));
        }
        // A body of JSON that was not declared as such was recorded as text.
        let text = e.resp_body.as_str().and_then(|text| serde_json::from_str(text).ok());
        let Some((code, message)) = said(&text.unwrap_or_else(|| e.resp_body.clone())) else {
            if e.resp_body.is_null() {
                bodiless += 1
            } else {
                shapeless += 1
            }
            let text = e.resp_body.as_str().unwrap_or_default().trim();
            if !text.starts_with('<') && !error.message.contains(text) {
                faults.insert(format!("{place}: {:?} of {}", error.message, e.resp_body));
            }
            continue;
        };
        if error.code != code || error.message != message.trim() {
            faults.insert(format!("{place}: {} {:?} of {}", error.code, error.message, e.resp_body));
        }
        let inner = &e.resp_body["error"]["innererror"]["code"];
        if inner.as_str() != error.inner_code.as_deref() && inner.is_string() {
            faults.insert(format!("{place}: inner code {:?} of {inner}", error.inner_code));
        }
        *codes.entry((e.status, code)).or_default() += 1;
    }
    for ((status, code), times) in &codes {
        println!("{times:>5} {status} {code}");
    }
    println!("{bodiless} errors without a body, {shapeless} of no known shape");
    verdict(&faults)
}

// ---- operations -----------------------------------------------------------------------------------------------------

/// Answers one recorded exchange, whatever is asked.
#[derive(Debug)]
struct One(Exchange);

#[async_trait]
impl HttpClient for One {
    async fn execute_request(&self, _: &Request) -> azure_core::Result<AsyncRawResponse> {
        let mut headers = Headers::new();
        for (name, value) in &self.0.resp_headers {
            headers.insert(HeaderName::from(name.clone()), HeaderValue::from(value.clone()));
        }
        Ok(AsyncRawResponse::from_bytes(self.0.status.into(), headers, self.0.answer()))
    }
}

#[derive(Debug)]
struct Token;

#[async_trait]
impl TokenCredential for Token {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        Ok(AccessToken::new("token", OffsetDateTime::now_utc() + Duration::from_secs(3600)))
    }
}

/// What an answer to a poll says: whether it is a running operation, by status and body as the contract has it.
fn polls_are_read(all: &[Recording]) -> Result<(), Failed> {
    let mut faults = BTreeSet::new();
    let mut counts = BTreeMap::<String, usize>::new();
    for (r, e) in all.iter().flat_map(|r| r.exchanges.iter().map(move |e| (r, e))) {
        let path = e.key();
        let is = |part: &str| path.contains(&format!("/{part}/"));
        let style = match () {
            () if e.method != "GET" || !e.is_arm() => continue,
            // Deployments and other providers' operations have the same shapes.
            () if is("operationstatuses") || is("azureasyncoperation") || is("diskoperations") || is("operations") => {
                if e.resp_body["status"].is_string() {
                    "status"
                } else {
                    continue;
                }
            }
            () if is("operationresults") => "location",
            () => continue,
        };
        let operation = Map::from_iter([
            ("style".to_owned(), json!(style)),
            ("url".to_owned(), json!(format!("https://management.azure.com{}", e.path))),
        ]);
        let operation: Operation = serde_json::from_value(operation.into()).map_err(|e| e.to_string())?;
        let progress = data::paused(async {
            let azure = Azure::builder(Cloud::public(), Arc::new(Token)).transport(Arc::new(One(e.clone()))).build();
            azure.reader().poll(&operation).await
        });
        let place = format!("{} exchange {}", r.name, e.n);
        let status = e.resp_body["status"].as_str().unwrap_or_default();
        let expected = match (style, status) {
            ("location", _) if e.status == 202 => "running",
            ("location", _) | (_, "Succeeded") => "succeeded",
            (_, "Failed" | "Canceled") => "failed",
            _ => "running",
        };
        let found = match &progress {
            Ok(Progress::Running(_)) => "running",
            Ok(Progress::Succeeded) => "succeeded",
            Ok(Progress::Failed(_)) => "failed",
            Err(e) => {
                faults.insert(format!("{place}: {e}"));
                continue;
            }
        };
        let after = e.resp_headers.get("retry-after").and_then(|s| s.parse().ok()).map(Duration::from_secs);
        if let Ok(Progress::Running(told)) = &progress
            && *told != after
        {
            faults.insert(format!("{place}: to wait {told:?}, was told {after:?}"));
        }
        if found != expected {
            faults.insert(format!("{place}: {found} for {} {}", e.status, e.resp_body));
        }
        *counts.entry(format!("{style} {found}")).or_default() += 1;
    }
    for (what, times) in &counts {
        println!("{times:>5} {what}");
    }
    verdict(&faults)
}
