//! From credentials to a login.

use super::{access_tokens::Claims, errors, scope::Scope};
use crate::{
    http::message::Fail,
    services::{directory::SecretProblem, registries::Registry},
    world::World,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Login {
    Anonymous,
    /// By object id.
    Entra(Uuid),
    Admin,
    /// A repository token, by name.
    Token(String),
    /// Nothing but what an access token says.
    Narrow(Vec<Scope>),
}

impl Login {
    /// The `sub` of tokens that are made for it.
    pub(super) fn subject(&self, registry: &Registry) -> String {
        match self {
            Self::Anonymous | Self::Narrow(_) => String::new(),
            Self::Entra(who) => who.to_string(),
            Self::Admin => registry.name.clone(),
            Self::Token(name) => name.clone(),
        }
    }
}

/// User name and password of an `Authorization: Basic` header.
pub(super) fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, rest) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

pub(super) fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl World {
    /// Whose password that is. A user name tells the kind: R-DP-05 the null GUID, another GUID for an application's,
    /// the registry's for the admin user (R-DP-07), and any other for a repository token.
    pub(super) fn log_in(
        &self,
        registry: &Registry,
        user: &str,
        password: &str,
        now: OffsetDateTime,
    ) -> Result<Login, Fail> {
        if let Ok(client) = Uuid::parse_str(user) {
            if client.is_nil() {
                return match self.read_token(registry, password, now) {
                    Ok(Claims::Refresh(who)) => Ok(Login::Entra(who)),
                    Ok(Claims::Access(access)) => Ok(Login::Narrow(access)),
                    Err(_) => Err(errors::unauthorized()),
                };
            }
            let who = self.check_secret(client, password, now).map_err(|problem| match problem {
                SecretProblem::UnknownApplication => errors::unknown_application(),
                SecretProblem::Wrong | SecretProblem::Expired => errors::unauthorized(),
            })?;
            let known = self.has_a_role(registry, who.object_id, now);
            return if known { Ok(Login::Entra(who.object_id)) } else { Err(errors::unauthorized()) };
        }
        let good = if user.eq_ignore_ascii_case(&registry.name) {
            self.admin_passes(registry, password, now).then_some(Login::Admin)
        } else {
            registry.logins.token_passes(user, password, now).then(|| Login::Token(user.to_owned()))
        };
        good.ok_or_else(errors::unauthorized)
    }
}
