use super::errors;
use crate::{
    http::{
        message::{Call, Fail, Reply},
        time_format,
    },
    services::directory::{Record, SecretProblem},
    world::World,
};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) fn handle(world: &mut World, call: &Call) -> Reply {
    let parts: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let [tenant, rest @ ..] = parts.as_slice() else { return not_found() };
    if call.method == Method::GET && parts == ["common", "discovery", "instance"] {
        return instance(world);
    }
    let ours =
        Uuid::parse_str(tenant).is_ok_and(|t| t == world.setup.tenant) || matches!(*tenant, "common" | "organizations");
    match (&call.method, rest) {
        (&Method::POST, ["oauth2", "v2.0", "token"]) if ours => {
            let reply = token(world, call, tenant);
            if reply.status < 400 { reply } else { traced(world, call, reply) }
        }
        (&Method::GET, [.., ".well-known", "openid-configuration"]) if ours => openid(world, tenant),
        _ if !ours => errors::unknown_tenant(tenant),
        _ => not_found(),
    }
}

fn not_found() -> Reply {
    Fail::new(404, "NotFound", "no such endpoint").into()
}

fn token(world: &World, call: &Call, tenant: &str) -> Reply {
    let form = call.form();
    let field = |name: &str| form.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str());
    let grant = field("grant_type").unwrap_or_default();
    if grant != "client_credentials" {
        return errors::bad_grant(grant);
    }
    let client = field("client_id").unwrap_or_default();
    let record = Uuid::parse_str(client).ok().and_then(|c| world.directory.by_client(c));
    let Some(Record { principal, .. }) = record else { return errors::unknown_client(client, tenant) };
    match (field("client_secret"), field("client_assertion")) {
        (Some(secret), _) => match world.check_secret(principal.client_id, secret, call.now) {
            Ok(_) => {}
            Err(SecretProblem::Expired) => return errors::expired_secret(client),
            Err(_) => return errors::bad_secret(client),
        },
        (None, Some(a)) if !a.is_empty() => {}
        _ => return errors::no_secret(),
    }
    let scope = field("scope").unwrap_or_default();
    let Some(audience) = scope.strip_suffix("/.default").filter(|a| !a.is_empty()) else {
        return errors::bad_scope(scope);
    };
    let seconds = world.params.token_lifetime.as_secs();
    Reply::json(
        200,
        json!({
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": world.issue(*principal, audience, call.now),
        }),
    )
    .header("cache-control", "no-store, no-cache")
}

/// Every refusal says when and where it came about, in members of its own and once more in its text.
fn traced(world: &mut World, call: &Call, mut reply: Reply) -> Reply {
    let trace = world.rng.guid().to_string();
    let named = call.header("client-request-id").map(str::to_owned);
    let correlation = named.unwrap_or_else(|| world.rng.guid().to_string());
    let timestamp = time_format::spaced(call.now);
    if let Some(body) = reply.body.as_mut().and_then(Value::as_object_mut) {
        let text = body.get("error_description").and_then(Value::as_str).unwrap_or_default();
        let more = format!("Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}");
        let text = format!("{text} {more}");
        body.insert("error_description".into(), json!(text));
        body.insert("timestamp".into(), json!(timestamp));
        body.insert("trace_id".into(), json!(trace));
        body.insert("correlation_id".into(), json!(correlation));
    }
    reply
}

fn openid(world: &World, tenant: &str) -> Reply {
    let base = format!("https://{}/{tenant}", world.setup.cloud.login_host());
    Reply::json(
        200,
        json!({
            "token_endpoint": format!("{base}/oauth2/v2.0/token"),
            "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
            "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
            "issuer": format!("{base}/v2.0"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "subject_types_supported": ["pairwise"],
        }),
    )
}

/// Which names the token service goes by. Clients ask before they trust a refusal.
fn instance(world: &World) -> Reply {
    let cloud = world.setup.cloud;
    let hosts = cloud.login_hosts();
    let tenant = world.setup.tenant;
    Reply::json(
        200,
        json!({
            "tenant_discovery_endpoint":
                format!("https://{}/{tenant}/v2.0/.well-known/openid-configuration", cloud.login_host()),
            "api-version": "1.1",
            "metadata": [{
                "preferred_network": cloud.login_host(),
                "preferred_cache": cloud.login_host(),
                "aliases": hosts,
            }],
        }),
    )
}

/// The machine's identity is the operator, unless a user-assigned one is named.
pub(super) fn handle_imds(world: &mut World, call: &Call) -> Reply {
    if call.method != Method::GET || !call.path.eq_ignore_ascii_case("/metadata/identity/oauth2/token") {
        return not_found();
    }
    if !call.header("metadata").is_some_and(|v| v.eq_ignore_ascii_case("true")) {
        return errors::metadata("bad_request_102", "Required metadata header not specified");
    }
    let Some(resource) = call.query("resource").filter(|r| !r.is_empty()) else {
        return errors::metadata("invalid_resource", "Required query variable 'resource' is missing");
    };
    let guid = |name: &str| call.query(name).map(|v| Uuid::parse_str(v).ok());
    let by_id = call.query("mi_res_id").or(call.query("msi_res_id"));
    let found = if let Some(client) = guid("client_id") {
        client.and_then(|c| world.directory.by_client(c))
    } else if let Some(object) = guid("object_id") {
        object.and_then(|o| world.directory.principals.get(&o))
    } else if let Some(id) = by_id {
        world.identities.get(id).and_then(|i| world.directory.principals.get(&i.principal_id))
    } else {
        world.directory.principals.get(&world.operator)
    };
    let Some(Record { principal, .. }) = found else {
        return errors::metadata("invalid_request", "Identity not found");
    };
    let seconds = world.params.token_lifetime.as_secs();
    let from = call.now.unix_timestamp();
    Reply::json(
        200,
        json!({
            "access_token": world.issue(*principal, resource, call.now),
            "client_id": principal.client_id,
            "expires_in": seconds.to_string(),
            "expires_on": from.saturating_add_unsigned(seconds).to_string(),
            "ext_expires_in": seconds.to_string(),
            "not_before": from.to_string(),
            "resource": resource,
            "token_type": "Bearer",
        }),
    )
}
