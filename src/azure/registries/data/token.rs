//! Tokens of a registry's own.

use super::{Asked, Challenge, LoginServer, Repository, secret::Hidden};
use crate::azure::{
    Reader,
    client::read,
    credential::Caller,
    retry::{Answer, CallError, Called, Cause, Nature, Sent, Try},
};
use azure_core::http::Method;
use base64::Engine as _;
use serde::{Deserialize, de::DeserializeOwned};
use std::fmt;
use time::{Duration, OffsetDateTime};
use url::{Url, form_urlencoded};

/// The user name that goes with a [`RefreshToken`] where a name and a password are wanted (R-DP-05).
pub const REFRESH_USER: &str = "00000000-0000-0000-0000-000000000000";

/// For tokens that do not say how long they last (R-DP-04).
const LOGIN_LASTS: Duration = Duration::hours(3);
const ACCESS_LASTS: Duration = Duration::minutes(75);

/// Which Entra token is exchanged (R-DP-06).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Audience {
    /// One for registries: every registry takes it.
    #[default]
    Registry,
    /// One for Azure Resource Manager: registries take it unless their policy `azureADAuthenticationAsArm` is off.
    Arm,
}

/// What a registry gives for an Entra token: a login for about three hours (R-DP-04). Never shown nor written by itself.
#[derive(Clone)]
pub struct RefreshToken {
    token: Hidden,
    expires: OffsetDateTime,
}

impl RefreshToken {
    /// The token itself, to be handed on: whoever has it is logged in.
    #[must_use]
    pub fn secret(&self) -> &str {
        self.token.shown()
    }
    /// Until when it is good.
    #[must_use]
    pub fn expires(&self) -> OffsetDateTime {
        self.expires
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshToken").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// Whom an access token is asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LoginAs {
    /// Who has logged in by Entra.
    Refresh(RefreshToken),
    /// A name and a password: of a repository token, of the admin user (R-DP-07), or of a service principal.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: azure_core::credentials::Secret,
    },
    /// Nobody: enough to pull where the registry lets anybody.
    Anonymous,
}

/// What can be done with a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Pull.
    Pull,
    /// Push.
    Push,
    /// Delete.
    Delete,
    /// Read what a repository and its images are marked with.
    MetadataRead,
    /// Mark a repository and its images.
    MetadataWrite,
}

impl Action {
    /// As tokens have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
            Self::MetadataRead => "metadata_read",
            Self::MetadataWrite => "metadata_write",
        }
    }
}

/// What an access token is asked for: as little as will do (R-DP-03).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenScope {
    kind: &'static str,
    name: String,
    actions: Vec<&'static str>,
}

impl TokenScope {
    /// To do this with a repository.
    #[must_use]
    pub fn repository(name: &Repository, actions: &[Action]) -> Self {
        let actions = actions.iter().map(|a| a.as_str()).collect();
        Self { kind: "repository", name: name.to_string(), actions }
    }
    /// To list the repositories.
    #[must_use]
    pub fn catalog() -> Self {
        Self { kind: "registry", name: "catalog".into(), actions: vec!["*"] }
    }
}

impl fmt::Display for TokenScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.kind, self.name, self.actions.join(","))
    }
}

/// Something a token allows, as its `access` claim says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Granted {
    /// `repository` or `registry`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The repository's name, or `catalog`.
    #[serde(default)]
    pub name: String,
    /// What may be done.
    #[serde(default)]
    pub actions: Vec<String>,
}

/// What content is asked for with: a token of one registry, for some of what it has.
#[derive(Clone)]
pub struct AccessToken {
    pub(super) server: LoginServer,
    token: Hidden,
    expires: OffsetDateTime,
    /// None if it does not say.
    granted: Option<Vec<Granted>>,
}

impl AccessToken {
    /// The registry it is good for.
    #[must_use]
    pub fn server(&self) -> &LoginServer {
        &self.server
    }
    /// Until when it is good.
    #[must_use]
    pub fn expires(&self) -> OffsetDateTime {
        self.expires
    }
    /// What it allows. A right one does not have is left out of what was asked for without a word (R-DP-03).
    #[must_use]
    pub fn granted(&self) -> &[Granted] {
        self.granted.as_deref().unwrap_or_default()
    }
    /// What of a scope it does not allow, as far as it says.
    #[must_use]
    pub fn lacks(&self, wanted: &TokenScope) -> Vec<&'static str> {
        let Some(granted) = &self.granted else { return Vec::new() };
        let same = |g: &&Granted| g.kind == wanted.kind && g.name == wanted.name;
        let has = |action: &str| granted.iter().filter(same).any(|g| g.actions.iter().any(|a| a == action || a == "*"));
        wanted.actions.iter().copied().filter(|action| !has(action)).collect()
    }
    pub(super) fn authorization(&self) -> String {
        format!("Bearer {}", self.token.shown())
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("server", &self.server)
            .field("expires", &self.expires)
            .field("granted", &self.granted)
            .finish_non_exhaustive()
    }
}

/// What a token says of itself; not verified, as that is its giver's business.
#[derive(Default, Deserialize)]
struct Claims {
    #[serde(default)]
    exp: Option<i64>,
    #[serde(default)]
    iat: Option<i64>,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    access: Option<Vec<Granted>>,
}

impl Claims {
    fn of(token: &str) -> Self {
        let part = token.split('.').nth(1).unwrap_or_default().trim_end_matches('=');
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
        serde_json::from_slice(&claims).unwrap_or_default()
    }
    /// By our clock: the token's lifetime is carried over, not its dates.
    fn expires(&self, now: OffsetDateTime, unless_said: Duration) -> OffsetDateTime {
        let from = self.nbf.or(self.iat);
        let said =
            self.exp.zip(from).and_then(|(until, from)| until.checked_sub(from)).filter(|s| (1..86_400).contains(s));
        now.saturating_add(said.map_or(unless_said, Duration::seconds))
    }
}

impl Reader {
    /// Exchanges the caller's Entra token for a login to a registry (R-DP-02).
    ///
    /// <https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md>
    ///
    /// # Errors
    /// When the call fails; 401 for a token of another tenant or audience (R-DP-06), 403 without any role.
    pub async fn exchange(&self, at: &Challenge, audience: Audience) -> Called<RefreshToken> {
        #[derive(Deserialize)]
        struct Given {
            refresh_token: String,
        }
        let scope = match audience {
            Audience::Registry => self.core.cloud.registry_scope(),
            Audience::Arm => self.core.cloud.arm_scope(),
        };
        let url = at.realm.join("/oauth2/exchange").map_err(|e| invalid("POST /oauth2/exchange", &e.to_string()))?;
        let name = "POST /oauth2/exchange".to_owned();
        let attempt = || async {
            let token = Hidden::new(self.core.tokens.token(scope).await?);
            let tenant = Caller::of(token.shown()).map(|caller| caller.tenant.to_string());
            let tenant = ("tenant", tenant.as_deref().unwrap_or_default());
            let (service, token) = (("service", at.service.as_str()), ("access_token", token.shown()));
            self.post_form(&url, &form(&[("grant_type", "access_token"), service, tenant, token])).await
        };
        let answer = self.told(Nature::Read, Some(scope), &name, attempt).await?;
        let given: Given = self.token_in(name, &answer)?;
        let expires = Claims::of(&given.refresh_token).expires(self.now(), LOGIN_LASTS);
        Ok(RefreshToken { token: Hidden::new(given.refresh_token), expires })
    }

    /// Asks a registry for an access token (R-DP-03). What the caller may not do is not in it: see
    /// [`lacks`](AccessToken::lacks).
    ///
    /// <https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md>
    ///
    /// # Errors
    /// When the call fails; 401 for a wrong name or password, or a login that has run out.
    pub async fn registry_token(&self, at: &Challenge, login: &LoginAs, scopes: &[TokenScope]) -> Called<AccessToken> {
        #[derive(Deserialize)]
        struct Given {
            #[serde(alias = "token")]
            access_token: String,
        }
        let scope = scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let asked_for = [("service", at.service.as_str()), ("scope", &scope)];
        let (name, answer) = match login {
            LoginAs::Anonymous => {
                let mut url = at.realm.clone();
                url.set_query(Some(form(&asked_for).shown()));
                let asked = Asked::new(Nature::Read, Method::Get, &url).header("accept", "application/json");
                (asked.name(), self.ask_registry(asked).await?)
            }
            LoginAs::Refresh(refresh) => {
                let [service, scope] = asked_for;
                let refresh = ("refresh_token", refresh.secret());
                self.ask_token(&at.realm, form(&[("grant_type", "refresh_token"), service, scope, refresh])).await?
            }
            LoginAs::Basic { user, password } => {
                let [service, scope] = asked_for;
                let (user, password) = (("username", user.as_str()), ("password", password.secret()));
                self.ask_token(&at.realm, form(&[("grant_type", "password"), service, scope, user, password])).await?
            }
        };
        let given: Given = self.token_in(name, &answer)?;
        let claims = Claims::of(&given.access_token);
        let now = self.now();
        let token = AccessToken {
            server: at.server.clone(),
            expires: claims.expires(now, ACCESS_LASTS),
            token: Hidden::new(given.access_token),
            granted: claims.access,
        };
        self.core.given.note(at.server.as_str(), &token.authorization(), now, token.expires);
        Ok(token)
    }

    async fn ask_token(&self, realm: &Url, form: Hidden) -> Called<(String, Answer)> {
        let name = format!("POST {}", realm.path());
        let answer = self.told(Nature::Read, None, &name, || self.post_form(realm, &form)).await?;
        Ok((name, answer))
    }

    /// A form with secrets in it. It asks for something and changes nothing.
    async fn post_form(&self, url: &Url, form: &Hidden) -> Result<Try, CallError> {
        let asked = Asked::new(Nature::Read, Method::Post, url)
            .header("accept", "application/json")
            .body("application/x-www-form-urlencoded", form.shown().as_bytes());
        self.ask_registry_once(&asked).await
    }

    fn token_in<T: DeserializeOwned>(&self, name: String, answer: &Answer) -> Called<T> {
        if answer.status == 404 { Err(self.core.refused(name, answer)) } else { read(name, answer) }
    }
}

/// A form. What is empty is left out.
fn form(pairs: &[(&str, &str)]) -> Hidden {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
    Hidden::new(form.finish())
}

fn invalid(request: &str, why: &str) -> CallError {
    CallError::new(Sent::No, request, Cause::Invalid(why.to_owned()))
}
