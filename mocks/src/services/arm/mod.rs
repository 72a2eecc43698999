//! The Resource Manager gateway: what every management request passes before its provider sees it.

mod errors;
mod listed;
mod lock;
mod metadata;
mod path;
mod throttle;
mod versions;

pub(crate) use errors::{
    another_operation, authorization_failed, bad_name, group_not_found, linked_authorization_failed, missing_identity,
    resource_not_found,
};
pub(crate) use listed::Listed;
pub(crate) use lock::{Lock, MAX_NOTES};
pub(crate) use path::{ArmPath, bare_name, subscription_of, within};
pub(crate) use throttle::Throttle;

use crate::{
    http::{
        message::{Call, Caller, Fail, Object, Reply, page},
        time_format,
    },
    services::directory::TokenProblem,
    world::{
        World,
        services::{self, SERVICES, Service},
    },
};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) const SERVICE: Service = Service {
    answer: |world, call| (call.host == world.setup.cloud.arm_host()).then(|| handle(world, call)),
    ..Service::NOTHING
};

/// The namespace of subscriptions, groups, deployments and the providers themselves.
const MANAGEMENT: &str = "Microsoft.Resources";

fn handle(world: &mut World, call: &Call) -> Reply {
    if let Some(reply) = metadata::handle(world, call) {
        return reply;
    }
    let mut let_in = None;
    let mut reply = match admit(world, call) {
        Ok((caller, path, remaining)) => {
            let (kind, left) = remaining;
            let reply = route(world, call, &caller, &path)
                .unwrap_or_else(Reply::from)
                .header(kind.local_header(), left.to_string())
                .header(kind.global_header(), (left * 15).to_string());
            let_in = Some((caller, path));
            reply
        }
        Err(fail) => fail.into(),
    };
    // R-ARM-05
    let ids = (world.rng.guid().to_string(), world.rng.guid().to_string());
    let correlation = call.header("x-ms-correlation-request-id").unwrap_or(&ids.1).to_owned();
    if let Some((caller, path)) = let_in {
        world.note_request(call, &caller, &path, &reply, Some(&correlation));
    }
    let region = world.setup.location.to_uppercase();
    let routing = format!("{region}:{}:{}", time_format::whole(call.now).replace(['-', ':'], ""), ids.0);
    reply = reply
        .header("cache-control", "no-cache")
        .header("strict-transport-security", "max-age=31536000; includeSubDomains")
        .header("x-ms-request-id", ids.0)
        .header("x-ms-correlation-request-id", correlation)
        .header("x-ms-routing-request-id", routing);
    if let Some(id) = call.header("x-ms-client-request-id")
        && call.header("x-ms-return-client-request-id").is_some_and(|v| v.eq_ignore_ascii_case("true"))
    {
        reply = reply.header("x-ms-client-request-id", id);
    }
    reply
}

fn admit(world: &mut World, call: &Call) -> Result<(Caller, ArmPath, (throttle::Kind, u64)), Fail> {
    let cloud = world.setup.cloud;
    let caller = world
        .caller(call.header("authorization"), call.now, |aud| cloud.is_arm_audience(aud))
        .map_err(|p| unauthenticated(world, p))?;
    let kind = throttle::Kind::of(&call.method);
    let bucket = kind.bucket(&world.params);
    let left = match world.arm_throttle.take(caller.object_id, kind, bucket, call.now) {
        Ok(left) => left,
        Err(wait) => return Err(errors::throttled(world.setup.subscription, wait)),
    };
    Ok((caller, known_path(world, &call.segments, call.api_version())?, (kind, left)))
}

/// A path under a provider and api-version that there are.
pub(crate) fn known_path(world: &World, segments: &[String], version: &str) -> Result<ArmPath, Fail> {
    let mut path = ArmPath::parse(segments).ok_or_else(errors::no_such_path)?;
    versions::check(&path, version)?;
    world.place(&mut path)?;
    Ok(path)
}

/// A request that a deployment makes for its caller, who has been let in already.
pub(crate) fn handle_for(world: &mut World, call: &Call, caller: &Caller) -> Result<Reply, Fail> {
    let path = known_path(world, &call.segments, call.api_version())?;
    let outcome = route(world, call, caller, &path);
    if call.method != Method::GET {
        let reply = outcome.clone().unwrap_or_else(Reply::from);
        world.note_request(call, caller, &path, &reply, None);
    }
    outcome
}

fn unauthenticated(world: &World, problem: TokenProblem) -> Fail {
    let login = world.setup.cloud.login_host();
    let tenant = world.setup.tenant;
    let (code, message) = match problem {
        TokenProblem::Missing => {
            ("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.".to_owned())
        }
        TokenProblem::Malformed => ("InvalidAuthenticationToken", "The access token is invalid.".to_owned()),
        TokenProblem::Expired => ("ExpiredAuthenticationToken", "The access token has expired.".to_owned()),
        TokenProblem::Audience => (
            "InvalidAuthenticationTokenAudience",
            "The access token has been obtained for wrong audience or resource.".to_owned(),
        ),
        TokenProblem::Tenant => (
            "InvalidAuthenticationTokenTenant",
            format!("The access token is from the wrong issuer. It must match the tenant '{tenant}'."),
        ),
        TokenProblem::UnknownPrincipal => (
            "InvalidAuthenticationToken",
            "The received access token is not valid: the caller was not found.".to_owned(),
        ),
    };
    let error = if problem == TokenProblem::Missing { "" } else { ", error=\"invalid_token\"" };
    Fail::new(401, code, message)
        .gateway()
        .header("www-authenticate", format!("Bearer authorization_uri=\"https://{login}/{tenant}\"{error}"))
}

fn route(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let write = !matches!(call.method, Method::GET | Method::HEAD);
    let checks_locks = path.provider.as_deref().and_then(services::provider).is_some_and(|p| p.checks_locks);
    let has_own_checks = checks_locks || path.parts.is_empty();
    if write && !has_own_checks {
        world.check_lock(&path.id(), call.method == Method::DELETE)?;
    }
    if matches!(call.method, Method::PUT | Method::PATCH) && world.policies_about(path) {
        let before = before(world, call, caller, path);
        world.check_policies(call, caller, path, before)?;
    }
    dispatch(world, call, caller, path)
}

/// The resource as it is, for whoever judges what a PATCH would come to.
fn before(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Option<Object> {
    let look = Call { method: Method::GET, body: Bytes::new(), ..call.clone() };
    match dispatch(world, &look, caller, path).ok()?.body? {
        Value::Object(body) => Some(body),
        _ => None,
    }
}

fn dispatch(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let namespace = match path.provider.as_deref() {
        Some(namespace) if !path.is_provider_itself() => namespace,
        _ => MANAGEMENT,
    };
    let provider = services::provider(namespace).ok_or_else(|| errors::unknown_namespace(namespace))?;
    (provider.handle)(world, call, caller, path)
}

/// R-ERR-30
pub(crate) fn authorize(world: &World, call: &Call, who: &Caller, action: &str, scope: &str) -> Result<(), Fail> {
    if world.permitted(call.now, who.object_id, action, scope) {
        return Ok(());
    }
    Err(errors::authorization_failed(who, action, scope))
}

impl World {
    /// Finds the subscription of a path, and says its id.
    fn place(&self, path: &mut ArmPath) -> Result<String, Fail> {
        let Some(asked) = path.subscription.as_deref() else { return Ok(self.subscription_id()) };
        let found = self.subscriptions().into_iter().find(|s| asked.eq_ignore_ascii_case(&s.to_string()));
        let found = found.ok_or_else(|| errors::no_subscription(asked))?;
        path.group = path.group.take().map(|name| self.group_in(found, &name));
        Ok(format!("/subscriptions/{found}"))
    }

    /// The subscription that a path or id is in.
    pub(crate) fn subscription_in(&self, id: &str) -> Uuid {
        let found = id.split('/').nth(2).and_then(|s| Uuid::parse_str(s).ok());
        found.unwrap_or(self.setup.subscription)
    }

    /// R-ARM-30, for the subscription that an id is in.
    pub(crate) fn require_registered(&self, id: &str, namespace: &str) -> Result<(), Fail> {
        let subscription = self.subscription_in(id);
        if self.resources.is_registered(subscription, namespace) {
            return Ok(());
        }
        Err(errors::not_registered(namespace))
    }

    /// A list, or the page of it that is asked for.
    pub(crate) fn paged(&self, call: &Call, all: Vec<Value>) -> Reply {
        let (value, next) = page(&all, call.query("$skiptoken"), self.params.arm_page_size);
        let mut out = json!({"value": value});
        if let (Some(n), Some(o)) = (next, out.as_object_mut()) {
            o.insert("nextLink".into(), json!(self.next_link(call, n)));
        }
        Reply::json(200, out)
    }

    /// R-ERR-35
    pub(crate) fn check_lock(&self, scope: &str, delete: bool) -> Result<(), Fail> {
        let locks = self.resources.locks_over(scope, delete);
        if locks.is_empty() { Ok(()) } else { Err(errors::locked(scope, &locks, delete)) }
    }

    pub(crate) fn next_link(&self, call: &Call, skip: usize) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (k, v) in &call.query {
            if !k.eq_ignore_ascii_case("$skiptoken") {
                query.append_pair(k, v);
            }
        }
        query.append_pair("$skiptoken", &skip.to_string());
        format!("https://{}{}?{}", self.setup.cloud.arm_host(), call.path, query.finish())
    }

    /// The id of an existing scope as its resource spells it.
    pub(crate) fn canonical_scope(&self, scope: &str) -> Result<String, Fail> {
        let segments: Vec<String> = scope.split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect();
        let mut path = ArmPath::parse(&segments).ok_or_else(errors::no_such_path)?;
        let subscription = self.place(&mut path)?;
        let Some(group) = &path.group else { return Ok(subscription) };
        let group = self.group_name(group)?;
        let found = match path.parts.is_empty() {
            true => Some(self.group_id(&group)),
            false => SERVICES.iter().find_map(|s| (s.find_id)(self, &path)),
        };
        found.ok_or_else(|| resource_not_found(&path))
    }
}
