//! The registry's own tokens: of refresh after a login, of access to the data. They are to be read, and not signed.

use super::scope::Scope;
use crate::{services::registries::Registry, world::World};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

const ISSUER: &str = "Azure Container Registry";

/// What a good token says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Claims {
    /// A login by Entra, by object id.
    Refresh(Uuid),
    /// What may be done with it.
    Access(Vec<Scope>),
}

/// Why a token is no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stale;

impl World {
    pub(super) fn refresh_token(&mut self, registry: &Registry, who: Uuid, now: OffsetDateTime) -> String {
        let life = self.params.acr_refresh_token_lifetime;
        let more = json!({
            "oid": who,
            "grant_type": "refresh_token",
            "appid": self.directory.principals.get(&who).map(|r| r.principal.client_id),
            "tenant": self.setup.tenant,
            "permissions": {"actions": self.shown_actions(registry, who, now), "notActions": []},
            "roles": [],
        });
        self.registry_token(registry, &who.to_string(), more, life, now)
    }

    pub(super) fn access_token(
        &mut self,
        registry: &Registry,
        who: &str,
        access: &[Scope],
        now: OffsetDateTime,
    ) -> String {
        let life = self.params.acr_access_token_lifetime;
        let more = json!({"grant_type": "access_token", "access": access, "roles": []});
        self.registry_token(registry, who, more, life, now)
    }

    fn registry_token(
        &mut self,
        registry: &Registry,
        who: &str,
        more: Value,
        life: Duration,
        now: OffsetDateTime,
    ) -> String {
        let from = now.unix_timestamp();
        let mut claims = json!({
            "jti": self.rng.guid(),
            "sub": who,
            "nbf": from,
            "exp": from.saturating_add_unsigned(life.as_secs()),
            "iat": from,
            "iss": ISSUER,
            "aud": self.login_server(&registry.name),
            "version": "1.0",
        });
        if let (Some(claims), Value::Object(more)) = (claims.as_object_mut(), more) {
            claims.extend(more);
        }
        let head = json!({"typ": "JWT", "alg": "none"});
        let part = |v: Value| URL_SAFE_NO_PAD.encode(v.to_string());
        format!("{}.{}.{}", part(head), part(claims), URL_SAFE_NO_PAD.encode("simulated"))
    }

    /// What a token of this registry says, if it is good at `now`.
    pub(super) fn read_token(&self, registry: &Registry, token: &str, now: OffsetDateTime) -> Result<Claims, Stale> {
        let claims = claims(token).ok_or(Stale)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let alive = claims.get("exp").and_then(Value::as_i64).is_some_and(|exp| now.unix_timestamp() < exp);
        let ours = text("iss") == Some(ISSUER) && text("aud") == Some(self.login_server(&registry.name).as_str());
        if !alive || !ours {
            return Err(Stale);
        }
        match text("grant_type") {
            Some("access_token") => {
                let access = claims.get("access").cloned().unwrap_or_default();
                serde_json::from_value(access).map(Claims::Access).map_err(|_| Stale)
            }
            Some("refresh_token") => {
                let who = text("oid").and_then(|o| Uuid::parse_str(o).ok()).ok_or(Stale)?;
                // Whoever was deleted since has no login any more.
                self.directory.principals.get(&who).map(|_| Claims::Refresh(who)).ok_or(Stale)
            }
            _ => Err(Stale),
        }
    }
}

fn claims(token: &str) -> Option<Value> {
    let middle = token.trim().split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(middle.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Whom a token claims to speak for; for counting, not for judging.
pub(super) fn subject(token: &str) -> Option<String> {
    claims(token)?.get("sub")?.as_str().map(str::to_owned)
}
