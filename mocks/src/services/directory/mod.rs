//! The directory: who there is, with which secrets, and the tokens they are given. Entra signs in to it, Graph shows it.

mod applications;

pub use applications::SeededApplication;
pub(crate) use applications::{Application, PasswordCredential};

use crate::{
    http::message::Caller,
    world::{World, clock::Moment as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// The client secret of every application that was not given one of its own, the operator's among them.
pub const OPERATOR_SECRET: &str = "simulated-secret";

/// What a principal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrincipalKind {
    /// A person.
    User,
    /// An application.
    ServicePrincipal,
    /// A user-assigned or system-assigned identity.
    ManagedIdentity,
}

/// Somebody in the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// Object id, also called principal id.
    pub object_id: Uuid,
    /// Client id, also called application id.
    pub client_id: Uuid,
    /// The tenant.
    pub tenant: Uuid,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) principal: Principal,
    pub(crate) kind: PrincipalKind,
    pub(crate) name: String,
    /// Known to Authorization only from then on (R-RBAC-02).
    pub(crate) replicated_at: OffsetDateTime,
    /// None: `OPERATOR_SECRET`, for ever.
    #[serde(default)]
    pub(crate) secret: Option<AppSecret>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AppSecret {
    pub(crate) value: String,
    pub(crate) expires: Option<OffsetDateTime>,
}

/// Why a client secret is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretProblem {
    UnknownApplication,
    Wrong,
    Expired,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Directory {
    pub(crate) principals: BTreeMap<Uuid, Record>,
    /// By object id.
    #[serde(default)]
    pub(crate) applications: BTreeMap<Uuid, Application>,
}

impl Directory {
    pub(crate) fn by_client(&self, client_id: Uuid) -> Option<&Record> {
        self.principals.values().find(|r| r.principal.client_id == client_id)
    }
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenProblem {
    Missing,
    Malformed,
    Expired,
    Audience,
    Tenant,
    UnknownPrincipal,
}

impl World {
    pub(crate) fn enroll(&mut self, kind: PrincipalKind, name: &str, client_id: Option<Uuid>) -> Principal {
        let object_id = self.rng.guid();
        let client_id = client_id.unwrap_or_else(|| self.rng.guid());
        let principal = Principal { object_id, client_id, tenant: self.setup.tenant };
        let replicated_at = match kind {
            PrincipalKind::ManagedIdentity => {
                self.now.after(self.params.principal_replication_delay.draw(&mut self.rng))
            }
            _ => self.now,
        };
        self.directory
            .principals
            .insert(object_id, Record { principal, kind, name: name.into(), replicated_at, secret: None });
        principal
    }

    /// Whose secret that is, at `now`. A wrong secret is wrong before it is too old.
    pub(crate) fn check_secret(
        &self,
        client: Uuid,
        secret: &str,
        now: OffsetDateTime,
    ) -> Result<Principal, SecretProblem> {
        let record = self.directory.by_client(client).ok_or(SecretProblem::UnknownApplication)?;
        let (value, expires) = match &record.secret {
            Some(own) => (own.value.as_str(), own.expires),
            None => (OPERATOR_SECRET, None),
        };
        if value != secret {
            return Err(SecretProblem::Wrong);
        }
        if expires.is_some_and(|end| end <= now) { Err(SecretProblem::Expired) } else { Ok(record.principal) }
    }

    pub(crate) fn issue(&self, principal: Principal, audience: &str, now: OffsetDateTime) -> String {
        let iat = now.unix_timestamp();
        let tenant = principal.tenant;
        let claims = json!({
            "aud": audience,
            "iss": format!("https://sts.windows.net/{tenant}/"),
            "iat": iat,
            "nbf": iat,
            "exp": iat.saturating_add_unsigned(self.params.token_lifetime.as_secs()),
            "appid": principal.client_id,
            "azp": principal.client_id,
            "idtyp": "app",
            "oid": principal.object_id,
            "sub": principal.object_id,
            "tid": tenant,
            "ver": "1.0",
        });
        let head = json!({"typ": "JWT", "alg": "none"});
        let part = |v: serde_json::Value| URL_SAFE_NO_PAD.encode(v.to_string());
        format!("{}.{}.{}", part(head), part(claims), URL_SAFE_NO_PAD.encode("simulated"))
    }

    /// Who stands behind an `Authorization` header, if the token is good at `now`.
    pub(crate) fn caller(
        &self,
        authorization: Option<&str>,
        now: OffsetDateTime,
        accepts: impl Fn(&str) -> bool,
    ) -> Result<Caller, TokenProblem> {
        let value = authorization.ok_or(TokenProblem::Missing)?;
        let (scheme, token) = value.split_once(' ').ok_or(TokenProblem::Missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") || token.trim().is_empty() {
            return Err(TokenProblem::Missing);
        }
        let claims = token.trim().split('.').nth(1).ok_or(TokenProblem::Malformed)?;
        let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).map_err(|_| TokenProblem::Malformed)?;
        let claims: serde_json::Value = serde_json::from_slice(&claims).map_err(|_| TokenProblem::Malformed)?;
        let text = |name: &str| claims.get(name).and_then(|v| v.as_str()).ok_or(TokenProblem::Malformed);
        let guid = |name: &str| Uuid::parse_str(text(name)?).map_err(|_| TokenProblem::Malformed);
        let exp = claims.get("exp").and_then(|v| v.as_i64()).ok_or(TokenProblem::Malformed)?;
        if exp <= now.unix_timestamp() {
            return Err(TokenProblem::Expired);
        }
        if !accepts(text("aud")?) {
            return Err(TokenProblem::Audience);
        }
        let tenant = guid("tid")?;
        if tenant != self.setup.tenant {
            return Err(TokenProblem::Tenant);
        }
        let object_id = guid("oid")?;
        let record = self.directory.principals.get(&object_id).ok_or(TokenProblem::UnknownPrincipal)?;
        Ok(Caller { object_id, client_id: record.principal.client_id, tenant, issuer: text("iss")?.to_owned() })
    }
}
