//! Where a registry says its tokens are given.

use super::{Asked, LoginServer, trouble::NO_BEARER};
use crate::azure::{
    Reader,
    retry::{CallError, Called, Cause, Nature, Sent},
};
use azure_core::http::Method;
use url::Url;

/// What a registry asks of those who come without a token (R-DP-01): to get one for `service` at `realm`. Both are used
/// as they are said, once the realm is seen to be the registry's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    pub(super) server: LoginServer,
    pub(super) realm: Url,
    pub(super) service: String,
}

impl Challenge {
    /// The registry.
    #[must_use]
    pub fn server(&self) -> &LoginServer {
        &self.server
    }
    /// Where it gives tokens.
    #[must_use]
    pub fn realm(&self) -> &Url {
        &self.realm
    }
    /// What it calls itself there.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }
}

impl Reader {
    /// Asks a registry how to log in (R-DP-01).
    ///
    /// <https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md>
    ///
    /// # Errors
    /// When no answer comes; 403 from behind a firewall (R-DP-20); when what comes is no challenge, or sends one to
    /// another host.
    pub async fn challenge(&self, server: &LoginServer) -> Called<Challenge> {
        let invalid = |e: url::ParseError| CallError::new(Sent::No, "GET /v2/", Cause::Invalid(e.to_string()));
        let url = server.url("/v2/").map_err(invalid)?;
        let asked = Asked { meant: &[401], ..Asked::new(Nature::Read, Method::Get, &url) };
        let name = asked.name();
        let unreadable = |why: &str| CallError::new(Sent::No, name.clone(), Cause::Unreadable(why.to_owned()));
        let answer = self.ask_registry(asked).await?;
        if answer.status != 401 {
            return Err(unreadable("it asks nobody to log in, so what answers there is no registry of Azure's"));
        }
        let said = answer.header("www-authenticate").ok_or_else(|| unreadable("no challenge is in it"))?;
        let bearer = parameters(&said, "bearer").ok_or_else(|| unreadable(NO_BEARER))?;
        let one = |name: &str| bearer.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str());
        let (Some(realm), Some(service)) = (one("realm"), one("service")) else {
            return Err(unreadable("the challenge names no realm or no service"));
        };
        let realm = self.given_by(server, &url, realm, false, &name)?;
        Ok(Challenge { server: server.clone(), realm, service: service.to_owned() })
    }
}

/// The parameters of one scheme of a `WWW-Authenticate`, with or without quotes; `None` if it is not of this scheme.
fn parameters(header: &str, scheme: &str) -> Option<Vec<(String, String)>> {
    let header = header.trim();
    let (word, rest) = header.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((header, ""));
    if !word.eq_ignore_ascii_case(scheme) {
        return None;
    }
    let mut found = Vec::new();
    let mut rest = rest.trim_start();
    while let Some((name, value)) = rest.split_once('=') {
        let value = value.trim_start();
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => value.find(',').and_then(|at| value.split_at_checked(at)).unwrap_or((value, "")),
        };
        found.push((name.trim().to_owned(), value.trim().to_owned()));
        rest = after.trim_start_matches([',', ' ', '\t']);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::parameters;

    #[test]
    fn challenges_are_read_leniently() {
        let expected = Some(vec![
            ("realm".to_owned(), "https://contoso1.azurecr.io/oauth2/token".to_owned()),
            ("service".to_owned(), "contoso1.azurecr.io".to_owned()),
        ]);
        for said in [
            "Bearer realm=\"https://contoso1.azurecr.io/oauth2/token\",service=\"contoso1.azurecr.io\"",
            "bearer  realm=https://contoso1.azurecr.io/oauth2/token , service = \"contoso1.azurecr.io\" ",
        ] {
            assert_eq!(parameters(said, "Bearer"), expected, "{said}");
        }
        let scoped = parameters("Bearer scope=\"repository:a:pull,push\",error=\"insufficient_scope\"", "Bearer");
        assert_eq!(
            scoped.and_then(|all| all.into_iter().next_back()).map(|(_, v)| v).as_deref(),
            Some("insufficient_scope")
        );
        assert_eq!(parameters("Basic realm=\"x\"", "Bearer"), None);
        assert_eq!(parameters("", "Bearer"), None);
        assert_eq!(parameters("Bearer", "Bearer"), Some(vec![]));
        assert!(parameters("Bearer realm=\"half", "Bearer").is_some());
    }
}
