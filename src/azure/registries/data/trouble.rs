//! Where a login or a probe came to an end, and what the Azure CLI calls that.

use super::LoginServer;
use crate::azure::{
    error::{ServiceError, scrub},
    retry::{CallError, Cause},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The stages of using a registry, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Reaching it at all: name, firewall, TLS.
    Network,
    /// Being told how to log in (R-DP-01).
    Challenge,
    /// Being logged in (R-DP-02).
    Exchange,
    /// Being given an access token (R-DP-03).
    Token,
    /// Pushing.
    Push,
    /// Pulling.
    Pull,
    /// Deleting.
    Delete,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Network => "network",
            Self::Challenge => "challenge",
            Self::Exchange => "exchange",
            Self::Token => "token",
            Self::Push => "push",
            Self::Pull => "pull",
            Self::Delete => "delete",
        })
    }
}

/// A registry whose data plane could not be used.
#[derive(Debug, thiserror::Error)]
#[error("{server}, at the stage '{stage}': {}{source}", .code.map(|code| format!("{code}: ")).unwrap_or_default())]
pub struct DataPlaneError {
    /// The registry.
    pub server: LoginServer,
    /// How far it went.
    pub stage: Stage,
    /// What `az acr check-health` calls it, if it has a name for it (R-DP-11).
    pub code: Option<&'static str>,
    /// What went wrong.
    pub source: CallError,
}

/// What a challenge of another kind than Entra's is told with.
pub(super) const NO_BEARER: &str = "it asks for no login by Entra";

impl DataPlaneError {
    /// An error of a call at a stage. What happened at the first call is told apart: not being reached, or not being
    /// told how to log in.
    pub(crate) fn new(server: &LoginServer, stage: Stage, source: CallError) -> Self {
        let unreached = matches!(source.first_cause(), Cause::Transport(_) | Cause::Deadline(_))
            || source.status() == Some(403)
            || source.is_lookup();
        let stage = if stage == Stage::Challenge && unreached { Stage::Network } else { stage };
        Self { server: server.clone(), stage, code: code(server, stage, &source), source }
    }
}

/// Addresses that were asked are quoted, and names in them may hold any word.
fn without_addresses(said: &str, server: &LoginServer) -> String {
    let rest =
        |part: &str| part.find([')', ' ', '"', '\'']).and_then(|end| part.get(end..)).unwrap_or_default().to_owned();
    let mut parts = said.split("https://");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + &rest(part)).replace(server.as_str(), "")
}

/// The code of `az acr check-health` (R-DP-11).
fn code(server: &LoginServer, stage: Stage, e: &CallError) -> Option<&'static str> {
    if e.status() == Some(429) {
        return Some("CONNECTIVITY_TOOMANYREQUESTS_ERROR");
    }
    if e.is_lookup() {
        return Some("CONNECTIVITY_DNS_ERROR");
    }
    if let Cause::Transport(e) = e.first_cause() {
        let said = without_addresses(&crate::azure::retry::chain(e).to_ascii_lowercase(), server);
        let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
        return if says(&["certificate", "tls", "ssl"]) {
            Some("CONNECTIVITY_SSL_ERROR")
        } else if says(&["dns", "lookup", "resolve"]) {
            Some("CONNECTIVITY_DNS_ERROR")
        } else {
            Some("CONNECTIVITY_CHALLENGE_ERROR").filter(|_| stage <= Stage::Challenge)
        };
    }
    match stage {
        Stage::Network if e.status() == Some(403) => Some("CONNECTIVITY_FORBIDDEN_ERROR"),
        Stage::Challenge if matches!(e.first_cause(), Cause::Unreadable(why) if why == NO_BEARER) => {
            Some("CONNECTIVITY_AAD_LOGIN_ERROR")
        }
        Stage::Network | Stage::Challenge => Some("CONNECTIVITY_CHALLENGE_ERROR"),
        // Without an Entra token nothing was asked of the registry.
        Stage::Exchange if matches!(e.first_cause(), Cause::Credential { .. }) => None,
        Stage::Exchange => Some("CONNECTIVITY_REFRESH_TOKEN_ERROR"),
        Stage::Token => Some("CONNECTIVITY_ACCESS_TOKEN_ERROR"),
        Stage::Push | Stage::Pull | Stage::Delete => None,
    }
}

/// Where the use of a registry came to an end, and why, as it can be written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trouble {
    /// The registry's host.
    pub login_server: LoginServer,
    /// The stage.
    pub stage: Stage,
    /// What `az acr check-health` calls it, if it has a name for it (R-DP-11).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What went wrong, with the service's words.
    pub why: String,
    /// What the service answered, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceError>,
}

impl Trouble {
    pub(crate) fn new(login_server: &LoginServer, stage: Stage, why: impl Into<String>) -> Self {
        Self { login_server: login_server.clone(), stage, code: None, why: why.into(), service: None }
    }

    pub(crate) fn of_call(server: &LoginServer, stage: Stage, e: CallError) -> Self {
        let e = DataPlaneError::new(server, stage, e);
        Self {
            code: e.code.map(Into::into),
            service: e.source.service().cloned(),
            ..Self::new(server, e.stage, scrub(&e.source.to_string()))
        }
    }

    /// Whether it can pass by itself: a key given back takes up to an hour to count (R-CMK-27), and the name of a new
    /// registry a while to be known.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        let lags = |e: &ServiceError| e.is_key_forbidden() || e.status >= 500;
        self.service.as_ref().is_some_and(lags) || self.code.as_deref() == Some("CONNECTIVITY_DNS_ERROR")
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.as_ref().map(|code| format!("{code}: ")).unwrap_or_default();
        write!(f, "{}, at the stage '{}': {code}{}", self.login_server, self.stage, self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::retry::Sent;
    use azure_core::error::ErrorKind;

    #[test]
    fn r_dp_11_a_name_says_nothing_of_what_went_wrong() {
        let code = |name: &str, said: &str| {
            let server: LoginServer = format!("{name}.azurecr.io").parse().unwrap();
            let asked = format!("https://{name}.westeurope.data.azurecr.io/v2/team/dns-proxy/tls");
            let said = format!("{server}: error sending request for url ({asked}): {said}");
            let cause = Cause::Transport(azure_core::Error::with_message(ErrorKind::Connection, said));
            DataPlaneError::new(&server, Stage::Challenge, CallError::new(Sent::No, "GET /v2/", cause)).code
        };
        for name in ["contoso1", "crosslands1", "atlstore1", "contosodns"] {
            assert_eq!(code(name, "connection refused"), Some("CONNECTIVITY_CHALLENGE_ERROR"), "{name}");
            assert_eq!(code(name, "invalid peer certificate"), Some("CONNECTIVITY_SSL_ERROR"), "{name}");
            assert_eq!(code(name, "dns error"), Some("CONNECTIVITY_DNS_ERROR"), "{name}");
        }
    }
}
