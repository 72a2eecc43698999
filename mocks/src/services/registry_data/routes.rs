//! The way in: which registry a host names, and the gates of a request in their order. The network comes first, then
//! the login, then the key (R-ERR-02, R-ERR-04), then locks.

use super::{
    access_tokens::{Claims, subject},
    blobs,
    content::Changeable,
    errors,
    login::{basic, bearer},
    manifests, notes, oauth, records, repositories,
    scope::{Right, Scope, challenge},
    throttle::{Asked, Kind},
};
use crate::{
    http::message::{Call, Fail, Reply},
    services::registries::Registry,
    world::World,
};
use http::Method;
use serde_json::json;

/// None: there is no such host.
pub(super) fn handle(world: &mut World, call: &Call) -> Option<Reply> {
    let cloud = world.setup.cloud;
    let mut reply = if let Some(account) = below(&call.host, cloud.blob_suffix()) {
        let known = world.registries.all.values().any(|r| r.has_account(account));
        known.then(|| blobs::serve(world, call, None))?
    } else {
        let name = below(&call.host, cloud.registry_suffix())?;
        let (name, data_host) = match name.strip_suffix(".data") {
            Some(name) => name.split_once('.').map(|(name, region)| (name, Some(region)))?,
            None => (name, None),
        };
        let registry = world.registries.all.named(name).find(|r| r.born)?.clone();
        match data_host {
            None => {
                let reply = answer(world, call, &registry).unwrap_or_else(errors::reply);
                notes::note(world, call, &registry, &reply);
                reply
            }
            Some(region) if registry.regions().iter().any(|r| r == region) && world.has_data_host(&registry) => {
                match world.check_network(&registry) {
                    Ok(()) => blobs::serve(world, call, Some(&registry)),
                    Err(refused) => errors::reply(refused),
                }
            }
            Some(_) => return None,
        }
        .header("docker-distribution-api-version", "registry/2.0")
        .header("server", "openresty")
    };
    let correlation = call.header("x-ms-correlation-request-id").map(str::to_owned);
    let correlation = correlation.unwrap_or_else(|| world.rng.guid().to_string());
    reply = reply.header("x-ms-correlation-request-id", correlation);
    Some(if call.method == Method::HEAD { without_body(reply) } else { reply })
}

fn below<'a>(host: &'a str, suffix: &str) -> Option<&'a str> {
    host.strip_suffix(suffix)?.strip_suffix('.').filter(|name| !name.is_empty())
}

/// An answer to HEAD tells the length of what it leaves out.
fn without_body(reply: Reply) -> Reply {
    let length = match (&reply.raw, &reply.body) {
        (Some(raw), _) => raw.len(),
        (None, Some(body)) => body.to_string().len(),
        (None, None) => return reply,
    };
    Reply { raw: None, body: None, ..reply }.header("content-length", length.to_string())
}

/// What a path of the data plane names.
#[derive(Debug)]
enum Route<'a> {
    Base,
    Catalog,
    Tags(String),
    AcrTags(String),
    AcrTag(String, &'a str),
    AcrManifests(String),
    AcrManifest(String, &'a str),
    Repository(String),
    Manifest(String, &'a str),
    Referrers(String, &'a str),
    Blob(String, &'a str),
    Uploads(String),
    Upload(String, &'a str),
}

impl<'a> Route<'a> {
    fn parse(segments: &'a [String]) -> Option<Self> {
        let words: Vec<&str> = segments.iter().map(String::as_str).collect();
        let route = match words.as_slice() {
            ["v2"] => Self::Base,
            ["v2", "_catalog"] | ["acr", "v1", "_catalog"] => Self::Catalog,
            ["v2", name @ .., "tags", "list"] => Self::Tags(name.join("/")),
            ["v2", name @ .., "blobs", "uploads"] => Self::Uploads(name.join("/")),
            ["v2", name @ .., "blobs", "uploads", _] => Self::Upload(name.join("/"), segments.last()?),
            ["v2", name @ .., "blobs", _] => Self::Blob(name.join("/"), segments.last()?),
            ["v2", name @ .., "manifests", _] => Self::Manifest(name.join("/"), segments.last()?),
            ["v2", name @ .., "referrers", _] => Self::Referrers(name.join("/"), segments.last()?),
            ["acr", "v1", name @ .., "_tags"] => Self::AcrTags(name.join("/")),
            ["acr", "v1", name @ .., "_tags", _] => Self::AcrTag(name.join("/"), segments.last()?),
            ["acr", "v1", name @ .., "_manifests"] => Self::AcrManifests(name.join("/")),
            ["acr", "v1", name @ .., "_manifests", _] => Self::AcrManifest(name.join("/"), segments.last()?),
            ["acr", "v1", name @ ..] if !name.is_empty() => Self::Repository(name.join("/")),
            _ => return None,
        };
        Some(route)
    }

    fn repository(&self) -> Option<&str> {
        match self {
            Self::Base | Self::Catalog => None,
            Self::Tags(n) | Self::AcrTags(n) | Self::Repository(n) | Self::Uploads(n) => Some(n),
            Self::AcrTag(n, _) | Self::AcrManifests(n) | Self::AcrManifest(n, _) => Some(n),
            Self::Manifest(n, _) | Self::Referrers(n, _) | Self::Blob(n, _) | Self::Upload(n, _) => Some(n),
        }
    }

    /// Whether layers or manifests move, which only a readable key allows. Lists work without it (ASSUMED).
    fn moves_data(&self) -> bool {
        matches!(self, Self::Manifest(..) | Self::Referrers(..) | Self::Blob(..) | Self::Uploads(_) | Self::Upload(..))
    }

    fn needs(&self, method: &Method) -> Vec<Scope> {
        let rights: &[Right] = match (self, method.as_str()) {
            (Self::Base, _) => return Vec::new(),
            (Self::Catalog, _) => return vec![Scope::catalog()],
            (Self::AcrTags(_) | Self::AcrManifests(_), _) => &[Right::MetadataRead],
            (Self::Repository(_) | Self::AcrTag(..) | Self::AcrManifest(..), "GET") => &[Right::MetadataRead],
            (Self::Repository(_) | Self::AcrTag(..) | Self::AcrManifest(..), "PATCH") => &[Right::MetadataWrite],
            (Self::Uploads(_) | Self::Upload(..), _) | (Self::Manifest(..), "PUT") => &[Right::Pull, Right::Push],
            (_, "DELETE") => &[Right::Delete],
            _ => &[Right::Pull],
        };
        vec![Scope::repository(self.repository().unwrap_or_default(), rights)]
    }

    /// R-DP-26. A repository that must not be written to cannot be deleted from either.
    fn open(&self, registry: &Registry, method: &Method) -> bool {
        let mut lock = registry.content.changeable(self.repository().unwrap_or_default());
        if let Self::Manifest(name, reference) | Self::AcrTag(name, reference) = self
            && let Some(repository) = registry.content.repositories.get(name)
        {
            let own = repository.changeable_at(reference);
            lock = Changeable {
                read: lock.read && own.read,
                write: lock.write && own.write,
                delete: lock.delete && own.delete,
                ..lock
            };
        }
        match (self, method.as_str()) {
            (Self::Base | Self::Catalog | Self::AcrTags(_) | Self::AcrManifests(_), _) => true,
            (Self::Repository(_) | Self::AcrTag(..) | Self::AcrManifest(..), "GET" | "PATCH") => true,
            (Self::Tags(_), _) => lock.list,
            (Self::Uploads(_) | Self::Upload(..), _) | (_, "PUT") => lock.write,
            (_, "DELETE") => lock.delete && lock.write,
            _ => lock.read,
        }
    }

    fn kind(&self, method: &Method) -> Kind {
        match (self, method.as_str()) {
            (Self::Referrers(..), _) => Kind::Referrers,
            (_, "DELETE") => Kind::Delete,
            (_, "GET" | "HEAD") => Kind::Read,
            _ => Kind::Write,
        }
    }
}

fn answer(world: &mut World, call: &Call, registry: &Registry) -> Result<Reply, Fail> {
    world.check_network(registry)?;
    if call.segments.first().is_some_and(|s| s == "oauth2") {
        check_rate(world, call, registry, Kind::Login)?;
        return match (&call.method, call.segments.get(1).map(String::as_str), call.segments.len()) {
            (&Method::POST, Some("exchange"), 2) => oauth::exchange(world, call, registry),
            (&Method::POST, Some("token"), 2) => oauth::post_token(world, call, registry),
            (&Method::GET, Some("token"), 2) => oauth::get_token(world, call, registry),
            _ => Err(errors::no_such_endpoint()),
        };
    }
    let route = Route::parse(&call.segments).ok_or_else(errors::no_such_endpoint)?;
    check_rate(world, call, registry, route.kind(&call.method))?;
    let needs = route.needs(&call.method);
    world.check_access(call, registry, &needs)?;
    if let Some(name) = route.repository().filter(|n| !super::content::valid_repository(n)) {
        return Err(errors::name_invalid(name));
    }
    if let Some(text) = world.pull_refusal(call.now, &registry.id).filter(|_| route.moves_data()) {
        return Err(errors::key(text));
    }
    if !route.open(registry, &call.method) {
        return Err(errors::disallowed());
    }
    match (&call.method, &route) {
        (&Method::GET | &Method::HEAD, Route::Base) => Ok(Reply::json(200, json!({}))),
        (&Method::GET, Route::Catalog) => Ok(repositories::catalog(call, registry)),
        (&Method::GET, Route::Tags(name)) => repositories::tags(call, registry, name),
        (&Method::GET, Route::AcrTags(name)) => records::tags(world, call, registry, name),
        (&Method::GET, Route::AcrTag(name, tag)) => records::tag(world, registry, name, tag),
        (&Method::GET, Route::AcrManifests(name)) => records::manifests(world, call, registry, name),
        (&Method::GET, Route::AcrManifest(name, digest)) => records::manifest(world, registry, name, digest),
        (&Method::PATCH, Route::AcrTag(name, reference) | Route::AcrManifest(name, reference)) => {
            records::change(world, call, registry, name, reference)
        }
        (&Method::DELETE, Route::AcrTag(name, tag)) => records::delete_tag(world, registry, name, tag),
        (&Method::GET, Route::Repository(name)) => repositories::show(world, registry, name),
        (&Method::PATCH, Route::Repository(name)) => repositories::change(world, call, registry, name),
        (&Method::DELETE, Route::Repository(name)) => repositories::delete(world, registry, name),
        (&Method::GET | &Method::HEAD, Route::Manifest(name, reference)) => manifests::get(registry, name, reference),
        (&Method::PUT, Route::Manifest(name, reference)) => manifests::put(world, call, registry, name, reference),
        (&Method::DELETE, Route::Manifest(name, reference)) => manifests::delete(world, registry, name, reference),
        (&Method::GET, Route::Referrers(name, digest)) => manifests::referrers(registry, name, digest),
        (&Method::GET, Route::Blob(name, digest)) => blobs::get(world, call, registry, name, digest),
        (&Method::HEAD, Route::Blob(name, digest)) => blobs::head(registry, name, digest),
        (&Method::DELETE, Route::Blob(name, digest)) => blobs::delete(world, registry, name, digest),
        (&Method::POST, Route::Uploads(name)) => blobs::begin(world, call, registry, name),
        (_, Route::Upload(name, id)) => blobs::go_on(world, call, registry, name, id),
        _ => Err(Fail::new(405, "UNSUPPORTED", "The operation is unsupported.")),
    }
}

fn check_rate(world: &mut World, call: &Call, registry: &Registry, kind: Kind) -> Result<(), Fail> {
    let header = call.header("authorization");
    let who = header.and_then(|h| bearer(h).and_then(subject).or_else(|| basic(h).map(|(user, _)| user)));
    let premium = registry.spec.sku == "Premium";
    let share = world.params.acr_throttle_share;
    let asked = Asked { registry: &registry.id, premium, kind, who: who.as_deref(), share };
    world.data.throttle.take(&asked, call.now).map_err(errors::throttled)
}

impl World {
    /// R-DP-01, R-DP-03: a good access token with these rights, or a user name and password of somebody who has them.
    pub(super) fn check_access(&self, call: &Call, registry: &Registry, needs: &[Scope]) -> Result<(), Fail> {
        let login = self.login_server(&registry.name);
        let ask = |error: Option<&str>| challenge(&login, needs, error);
        let header = call.header("authorization").ok_or_else(|| ask(None))?;
        let access = if let Some(token) = bearer(header) {
            match self.read_token(registry, token, call.now) {
                Ok(Claims::Access(access)) => access,
                _ => return Err(ask(Some("invalid_token"))),
            }
        } else {
            let (user, password) = basic(header).ok_or_else(|| ask(None))?;
            let who = self.log_in(registry, &user, &password, call.now).map_err(|refused| {
                let asked = ask(None);
                Fail { message: refused.message, ..asked }
            })?;
            needs.iter().map(|n| self.granted(registry, &who, n, call.now)).collect()
        };
        if needs.iter().all(|n| n.granted_by(&access)) { Ok(()) } else { Err(ask(Some("insufficient_scope"))) }
    }
}
