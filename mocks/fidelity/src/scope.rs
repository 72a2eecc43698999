//! Which recorded exchanges are put to the simulator, what operation each is of, and why the others are not put to it.

use crate::recording::{Exchange, Recording, bytes_of, path_key};
use serde::Serialize;
use serde_json::json;
use std::fmt;

/// What a request asks for, names left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Operation {
    /// Below `{subscription}`, `{group}`, another `{resource}`, or at a `{vault}`'s own host.
    pub path: String,
    /// In capitals.
    pub method: String,
    /// Empty if there was none.
    pub api_version: String,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.method, self.path, self.api_version)
    }
}

impl Operation {
    pub(crate) fn of(e: &Exchange) -> Self {
        Self { path: pattern(e), method: e.method.clone(), api_version: e.api_version().to_owned() }
    }

    /// Whether the path has that end, in any case.
    pub(crate) fn ends(&self, end: &str) -> bool {
        self.path.to_lowercase().ends_with(&end.to_lowercase())
    }
}

fn pattern(e: &Exchange) -> String {
    let parts: Vec<_> = e.path.split('/').filter(|p| !p.is_empty()).collect();
    if !e.is_arm() {
        let host = match () {
            () if e.is_vault() => "{vault}",
            () if e.host.to_ascii_lowercase().ends_with(".azurecr.io") => "{registry}",
            () if e.host.to_ascii_lowercase().ends_with(".managedhsm.azure.net") => "{hsm}",
            () => e.host.as_str(),
        };
        return format!("{host}{}", own(&parts));
    }
    let provider = parts.iter().rposition(|p| p.eq_ignore_ascii_case("providers"));
    let (scope, below) = parts.split_at(provider.unwrap_or(parts.len()));
    let begins = match scope {
        [] => "",
        [_, _] => "{subscription}",
        [_, _, groups, _] if groups.eq_ignore_ascii_case("resourceGroups") => "{group}",
        [_, _, list] => return format!("{{subscription}}/{list}"),
        _ => "{resource}",
    };
    let Some((namespace, types)) = below.get(1..).and_then(<[_]>::split_first) else { return begins.to_owned() };
    let names = types.iter().enumerate().map(|(i, p)| if i % 2 == 1 { "{}" } else { *p });
    format!("{begins}/{namespace}/{}", names.collect::<Vec<_>>().join("/"))
}

/// The path at a host of a resource's own.
fn own(parts: &[&str]) -> String {
    match parts {
        ["acr", "v1", "_catalog"] => "/acr/v1/_catalog".into(),
        ["acr", "v1", .., list @ ("_tags" | "_manifests")] => format!("/acr/v1/{{}}/{list}"),
        ["acr", "v1", .., list @ ("_tags" | "_manifests"), _] => format!("/acr/v1/{{}}/{list}/{{}}"),
        ["acr", "v1", ..] => "/acr/v1/{}".into(),
        ["v2", .., kind @ ("manifests" | "tags" | "blobs"), _] => format!("/v2/{{}}/{kind}/{{}}"),
        [tenant, rest @ ..] if tenant.len() == 36 => format!("/{{tenant}}/{}", rest.join("/")),
        ["keys" | "secrets" | "certificates", _, version] if version.len() == 32 => format!("/{}/{{}}/{{}}", parts[0]),
        [kind, _, version, action] if version.len() == 32 => format!("/{kind}/{{}}/{{}}/{action}"),
        [kind @ ("users" | "v1.0"), rest @ ..] if rest.len() > 1 => format!("/{kind}/{}/{{}}", rest[0]),
        [kind, _, action] => format!("/{kind}/{{}}/{action}"),
        [kind, _] if *kind != "oauth2" && *kind != "v1.0" => format!("/{kind}/{{}}"),
        _ => format!("/{}", parts.join("/")),
    }
}

/// What is done with an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is put to the simulator and the answers are compared.
    Compared,
    /// It keeps the world as it was recorded; the answers are not compared, for this reason.
    Put(&'static str),
    /// It is not put to the simulator, for this reason.
    Left(&'static str),
}

const SERVICE: &str = "a service or kind of resource that the simulator does not have";
const NETWORKS: &str = "networks and private endpoints, which are staged in the simulator and not made over the wire";
const WORKSPACES: &str =
    "workspaces, which are staged in the simulator and not made over the wire, and what goes to them";
const BROUGHT: &str =
    "keys that were brought in: the recorder took their private parts out; the key is there afterwards";
const USE: &str = "backup, restore and use of keys, whose answers are made of what only the service has";

/// What is done with each exchange of a recording.
pub(crate) fn fate(r: &Recording, e: &Exchange) -> Fate {
    // The rest of a list holds what others have: its links are the service's own.
    if e.query.keys().any(|q| q.eq_ignore_ascii_case("$skiptoken")) {
        return Fate::Left("a further page of a list of what others have");
    }
    let symmetric = |e: &Exchange| e.resp_body["key"]["kty"].as_str().is_some_and(|kty| kty.starts_with("oct"));
    if e.is_vault() {
        if r.exchanges.iter().any(symmetric) {
            return Fate::Left("symmetric keys, which the simulator does not have");
        }
        return at_vault(e);
    }
    if e.is_arm() {
        return at_manager(r, e);
    }
    let host = e.host.to_ascii_lowercase();
    Fate::Left(match () {
        () if host.starts_with("login.") => "tokens: the recorder replaced what asks for them and what they say",
        () if host == "graph.microsoft.com" => "people in the directory: the recorder replaced them",
        () if host.ends_with(".azurecr.io") => "images that were there before, and tokens that the recorder replaced",
        () => SERVICE,
    })
}

fn at_vault(e: &Exchange) -> Fate {
    let key = e.key();
    let parts: Vec<_> = key.split('/').skip(1).collect();
    match (e.method.as_str(), parts.as_slice()) {
        _ if comes_to_be(e).is_some() => Fate::Put(BROUGHT),
        (_, ["keys" | "deletedkeys"])
        | (_, ["keys", _, "versions" | "rotationpolicy" | "create" | "rotate" | "encrypt"]) => Fate::Compared,
        ("GET" | "DELETE" | "PATCH", ["keys", _]) | (_, ["deletedkeys", _] | ["deletedkeys", _, "recover"]) => {
            Fate::Compared
        }
        ("GET" | "PATCH", ["keys", _, version]) if version.len() == 32 => Fate::Compared,
        (_, ["keys", ..]) => Fate::Left(USE),
        _ => Fate::Left(SERVICE),
    }
}

fn at_manager(r: &Recording, e: &Exchange) -> Fate {
    let key = e.key();
    let parts: Vec<_> = key.split('/').skip(1).collect();
    let providers = parts.iter().rposition(|p| *p == "providers");
    let below = providers.and_then(|at| parts.get(at + 1..)).unwrap_or_default();
    match below {
        [] => return at_group(&parts),
        ["microsoft.containerregistry", rest @ ..] => return of_registries(r, e, rest),
        _ => {}
    }
    // Only what is about the vault changes with its private endpoints.
    let linked = r.name.contains("private_endpoint_connection") && below.first() == Some(&"microsoft.keyvault");
    match below {
        _ if linked => Fate::Left(NETWORKS),
        ["microsoft.network", "privateendpoints", _] if endpoint(e).is_some() => Fate::Put(NETWORKS),
        ["microsoft.network", "virtualnetworks" | "privateendpoints", ..] => Fate::Left(NETWORKS),
        ["microsoft.insights", "diagnosticsettings", ..] | ["microsoft.operationalinsights", ..] => {
            Fate::Left(WORKSPACES)
        }
        ["microsoft.resources", "deployments", ..] => of_deployments(r),
        ["microsoft.managedidentity", "userassignedidentities"]
        | ["microsoft.managedidentity", "userassignedidentities", _]
        | ["microsoft.keyvault", "vaults" | "deletedvaults" | "checknameavailability"]
        | ["microsoft.keyvault", "vaults", _]
        | ["microsoft.keyvault", "vaults", _, "accesspolicies" | "keys", _]
        | ["microsoft.keyvault", "locations", _, "deletedvaults" | "operationresults", _]
        | ["microsoft.keyvault", "locations", _, "deletedvaults", _, "purge"]
        | ["microsoft.authorization", "roleassignments", ..]
        | ["microsoft.insights", "eventtypes", ..]
        | ["microsoft.authorization", "roledefinitions"] => Fate::Compared,
        _ => Fate::Left(SERVICE),
    }
}

fn at_group(parts: &[&str]) -> Fate {
    match parts {
        ["subscriptions", _, "resourcegroups", _] | ["subscriptions", _, "resources"] => Fate::Compared,
        ["subscriptions", _, "operationresults", _] => Fate::Compared,
        _ => Fate::Left(SERVICE),
    }
}

fn of_registries(r: &Recording, e: &Exchange, rest: &[&str]) -> Fate {
    // What became of something, if that is not simulated.
    let began = r.exchanges.iter().find(|b| {
        let url = b.resp_headers.get("location").and_then(|l| url::Url::parse(l).ok());
        b.is_write() && url.is_some_and(|url| path_key(url.path()) == e.key())
    });
    match rest {
        ["locations", ..] if began.is_some_and(|b| fate(r, b) != Fate::Compared) => Fate::Left(SERVICE),
        ["checknameavailability"]
        | ["registries"]
        | ["registries", _]
        | ["registries", _, "operationstatuses", _]
        | ["registries", _, "listcredentials" | "regeneratecredential" | "generatecredentials" | "listusages"]
        | ["registries", _, "replications" | "tokens" | "scopemaps" | "privateendpointconnections", ..]
        | ["locations", _, "operationresults", _] => Fate::Compared,
        _ => Fate::Left(SERVICE),
    }
}

/// Templates of what the simulator does not have cannot be deployed to it.
fn of_deployments(r: &Recording) -> Fate {
    let known = ["containerregistry/", "keyvault/", "managedidentity/", "authorization/"];
    // az sends templates in a form that is no JSON.
    let odd = |e: &Exchange| {
        let text = String::from_utf8_lossy(&bytes_of(&e.req_body)).to_lowercase();
        let mut kinds = text.split("\"microsoft.").skip(1);
        kinds.any(|kind| !known.iter().any(|k| kind.starts_with(k))) || text.contains("onerrordeployment")
    };
    let deploys = |e: &&Exchange| e.key().contains("/microsoft.resources/deployments/");
    match r.exchanges.iter().filter(deploys).any(odd) {
        true => Fate::Left("deployments of what the simulator does not have, or with another to fall back on"),
        false => Fate::Compared,
    }
}

/// What a private endpoint that was made leads to, and whether that had to be approved by hand.
pub(crate) fn endpoint(e: &Exchange) -> Option<(&str, bool)> {
    let asked = &e.req_body["properties"];
    let [by_hand, at_once] = ["manualPrivateLinkServiceConnections", "privateLinkServiceConnections"]
        .map(|list| asked[list][0]["properties"]["privateLinkServiceId"].as_str());
    let made = e.method == "PUT" && e.is_ok() && e.key().contains("/privateendpoints/");
    Some((by_hand.or(at_once)?, by_hand.is_some())).filter(|_| made)
}

/// Keys that come to be there in a way the simulator does not have: the new key's id.
pub(crate) fn comes_to_be(e: &Exchange) -> Option<&str> {
    let key = e.key();
    let odd = e.method == "PUT" && key.starts_with("/keys/") && key.split('/').count() == 3
        || key == "/keys/restore"
        || e.req_body["key_ops"] == json!(["import"])
        || e.req_body["kty"].as_str().is_some_and(|kty| kty.starts_with("oct"));
    e.resp_body["key"]["kid"].as_str().filter(|_| odd && e.is_vault() && e.is_ok())
}
