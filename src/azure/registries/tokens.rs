//! Repository tokens of a registry and the scope maps they go by: logins that Entra knows nothing of.

use super::RegistryId;
use crate::azure::{
    Kept, Reader,
    resources::{is, null_as_default},
    retry::Called,
    time_format, versions,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A repository token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Token {
    /// Its id.
    pub id: Option<String>,
    /// Its name, with which one logs in.
    pub name: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: TokenProperties,
}

/// What a repository token is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct TokenProperties {
    /// The scope map it goes by.
    pub scope_map_id: Option<String>,
    /// `enabled` or `disabled`.
    pub status: Option<String>,
    /// What it logs in with.
    #[serde(deserialize_with = "null_as_default")]
    pub credentials: TokenCredentials,
}

/// What a repository token logs in with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct TokenCredentials {
    /// Its passwords, without their values.
    #[serde(deserialize_with = "null_as_default")]
    pub passwords: Vec<TokenPassword>,
}

/// A password of a repository token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct TokenPassword {
    /// `password1` or `password2`.
    pub name: Option<String>,
    /// When it ends; never if it does not say.
    pub expiry: Option<String>,
}

/// What tokens may do in which repositories.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ScopeMap {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: ScopeMapProperties,
}

/// What a scope map is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ScopeMapProperties {
    /// What it allows: `repositories/shop/web/content/read`.
    #[serde(deserialize_with = "null_as_default")]
    pub actions: Vec<String>,
}

impl Token {
    /// Whether one can log in with it.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        !is(self.properties.status.as_deref(), "disabled")
    }
    /// When the last of its passwords ended, if none of them is good any more.
    #[must_use]
    pub fn ended(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let ends = |p: &TokenPassword| time_format::date(p.expiry.as_ref()?);
        let all: Option<Vec<_>> = self.properties.credentials.passwords.iter().map(ends).collect();
        all?.into_iter().max().filter(|end| *end <= now)
    }
}

impl ScopeMap {
    /// Whether it allows an action, such as `content/read`, in a repository. Names may be `*`, or end in `/*`.
    ///
    /// <https://learn.microsoft.com/azure/container-registry/container-registry-token-based-repository-permissions>
    #[must_use]
    pub fn allows(&self, repository: &str, action: &str) -> bool {
        self.properties.actions.iter().any(|held| {
            let name = held.strip_prefix("repositories/").and_then(|h| h.strip_suffix(action)?.strip_suffix('/'));
            name.is_some_and(|name| match name.strip_suffix('*') {
                Some("") => true,
                Some(prefix) => prefix.ends_with('/') && repository.starts_with(prefix),
                None => name == repository,
            })
        })
    }
}

impl Reader {
    /// The repository tokens of a registry.
    ///
    /// <https://learn.microsoft.com/rest/api/containerregistry/tokens/list>
    ///
    /// # Errors
    /// When the call fails; also with 404 when the registry is gone.
    pub async fn registry_tokens(&self, id: &RegistryId) -> Called<Vec<Kept<Token>>> {
        self.list(&format!("{id}/tokens"), &[("api-version", versions::REGISTRY)]).await
    }
    /// The scope maps of a registry, those that every registry has among them.
    ///
    /// <https://learn.microsoft.com/rest/api/containerregistry/scope-maps/list>
    ///
    /// # Errors
    /// When the call fails; also with 404 when the registry is gone.
    pub async fn scope_maps(&self, id: &RegistryId) -> Called<Vec<Kept<ScopeMap>>> {
        self.list(&format!("{id}/scopeMaps"), &[("api-version", versions::REGISTRY)]).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_map_names_repositories_or_what_lies_below() {
        let map = |action: &str| {
            let actions = vec![action.to_owned()];
            ScopeMap { properties: ScopeMapProperties { actions }, ..ScopeMap::default() }
        };
        for (held, repository, yes) in [
            ("repositories/*/content/read", "a/b", true),
            ("repositories/a/*/content/read", "a/b", true),
            ("repositories/a/*/content/read", "a", false),
            ("repositories/a*/content/read", "ab", false),
            ("repositories/a/b/content/read", "a/b", true),
            ("repositories/a/content/write", "a", false),
            ("content/read", "a", false),
            ("repositories/content/read", "", false),
        ] {
            assert_eq!(map(held).allows(repository, "content/read"), yes, "{held} {repository}");
        }
    }

    #[test]
    fn a_token_has_ended_with_its_last_password() {
        let token = |expiries: &[Option<&str>]| {
            let mut token = Token::default();
            let password =
                |e: &Option<&str>| TokenPassword { expiry: e.map(str::to_owned), ..TokenPassword::default() };
            token.properties.credentials.passwords = expiries.iter().map(password).collect();
            token
        };
        let now = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
        let (past, future) = (Some("2020-01-01T00:00:00Z"), Some("2030-01-01T00:00:00Z"));
        assert!(token(&[past, past]).ended(now).is_some());
        for good in [&[past, future][..], &[past, None], &[], &[Some("odd")]] {
            assert_eq!(token(good).ended(now), None, "{good:?}");
        }
    }
}
