//! `/oauth2`: from an Entra token to a refresh token, from a login to an access token (R-DP-02, R-DP-03).

use super::{
    access_tokens::Claims,
    errors,
    login::{Login, basic},
    rights::anonymous_pull,
    scope::Scope,
};
use crate::{
    http::message::{Call, Fail, Peek, Reply},
    services::registries::Registry,
    world::World,
};
use serde_json::json;

type Fields = Vec<(String, String)>;

fn field<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
}

fn check_service(world: &World, registry: &Registry, fields: &Fields) -> Result<(), Fail> {
    let login = world.login_server(&registry.name);
    let fits = field(fields, "service").is_some_and(|s| s.eq_ignore_ascii_case(&login));
    if fits { Ok(()) } else { Err(errors::unauthorized()) }
}

pub(super) fn exchange(world: &mut World, call: &Call, registry: &Registry) -> Result<Reply, Fail> {
    let form = call.form();
    check_service(world, registry, &form)?;
    match field(&form, "grant_type") {
        Some("access_token" | "access_token_refresh_token") => {}
        // Entra hands out no refresh tokens here.
        Some("refresh_token") => return Err(errors::unauthorized()),
        other => return Err(errors::unsupported(&format!("grant_type '{}'", other.unwrap_or_default()))),
    }
    // Samples leave the tenant out; then it is the token's own.
    let tenant = world.login_tenant(registry);
    if field(&form, "tenant").is_some_and(|t| !t.eq_ignore_ascii_case(&tenant.to_string())) {
        return Err(errors::unauthorized());
    }
    let by_arm = registry.spec.props.text("policies.azureADAuthenticationAsArmPolicy.status");
    let by_arm = !by_arm.is_some_and(|s| s.eq_ignore_ascii_case("disabled"));
    let cloud = world.setup.cloud;
    let accepts = |aud: &str| cloud.is_registry_audience(aud) || (by_arm && cloud.is_arm_audience(aud));
    let header = format!("Bearer {}", field(&form, "access_token").unwrap_or_default());
    let caller = world.caller(Some(&header), call.now, accepts).map_err(|_| errors::unauthorized())?;
    if caller.tenant != tenant {
        return Err(errors::unauthorized());
    }
    if !world.has_a_role(registry, caller.object_id, call.now) {
        return Err(errors::no_role());
    }
    let token = world.refresh_token(registry, caller.object_id, call.now);
    Ok(Reply::json(200, json!({"refresh_token": token})))
}

/// As clients of the OAuth kind ask.
pub(super) fn post_token(world: &mut World, call: &Call, registry: &Registry) -> Result<Reply, Fail> {
    let form = call.form();
    check_service(world, registry, &form)?;
    let login = match field(&form, "grant_type") {
        Some("refresh_token") => {
            let token = field(&form, "refresh_token").unwrap_or_default();
            match world.read_token(registry, token, call.now) {
                Ok(Claims::Refresh(who)) => Login::Entra(who),
                Ok(Claims::Access(_)) | Err(_) => return Err(errors::unauthorized()),
            }
        }
        Some("password") => {
            let (user, password) = (field(&form, "username"), field(&form, "password"));
            world.log_in(registry, user.unwrap_or_default(), password.unwrap_or_default(), call.now)?
        }
        other => return Err(errors::unsupported(&format!("grant_type '{}'", other.unwrap_or_default()))),
    };
    grant(world, call, registry, &login, &form)
}

/// As docker asks: with a user name and a password, or as nobody. A wrong password is not the same as none.
pub(super) fn get_token(world: &mut World, call: &Call, registry: &Registry) -> Result<Reply, Fail> {
    check_service(world, registry, &call.query)?;
    let login = match call.header("authorization") {
        Some(header) => {
            let (user, password) = basic(header).ok_or_else(errors::unauthorized)?;
            world.log_in(registry, &user, &password, call.now)?
        }
        None if anonymous_pull(registry) => Login::Anonymous,
        None => return Err(errors::unauthorized()),
    };
    grant(world, call, registry, &login, &call.query)
}

fn grant(world: &mut World, call: &Call, registry: &Registry, login: &Login, fields: &Fields) -> Result<Reply, Fail> {
    let mut access = Vec::new();
    for (_, text) in fields.iter().filter(|(k, _)| k == "scope") {
        for asked in Scope::parse(text)? {
            access.push(world.granted(registry, login, &asked, call.now));
        }
    }
    let token = world.access_token(registry, &login.subject(registry), &access, call.now);
    Ok(Reply::json(200, json!({"access_token": token})))
}
