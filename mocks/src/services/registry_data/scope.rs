//! R-DP-03: `{type}:{name}:{action},{action}`, and the challenge that asks for it.

use super::errors;
use crate::http::message::Fail;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Right {
    Pull,
    Push,
    Delete,
    MetadataRead,
    MetadataWrite,
    /// All of a registry's catalog.
    #[serde(rename = "*")]
    Catalog,
}

impl Right {
    pub(super) const OF_REPOSITORIES: [Self; 5] =
        [Self::Pull, Self::Push, Self::Delete, Self::MetadataRead, Self::MetadataWrite];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
            Self::MetadataRead => "metadata_read",
            Self::MetadataWrite => "metadata_write",
            Self::Catalog => "*",
        }
    }

    /// As scope maps and data actions have it.
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::Pull => "content/read",
            Self::Push => "content/write",
            Self::Delete => "content/delete",
            Self::MetadataRead => "metadata/read",
            Self::MetadataWrite => "metadata/write",
            Self::Catalog => "catalog/read",
        }
    }
}

/// Also an entry of a token's `access`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Scope {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) name: String,
    #[serde(rename = "actions")]
    pub(super) rights: Vec<Right>,
}

impl Scope {
    pub(super) fn repository(name: &str, rights: &[Right]) -> Self {
        Self { kind: "repository".into(), name: name.to_owned(), rights: rights.to_vec() }
    }

    pub(super) fn catalog() -> Self {
        Self { kind: "registry".into(), name: "catalog".into(), rights: vec![Right::Catalog] }
    }

    /// Several of them, apart by spaces. Actions that are not known are as good as not asked for.
    pub(super) fn parse(text: &str) -> Result<Vec<Self>, Fail> {
        text.split_whitespace().map(|one| Self::one(one).ok_or_else(|| errors::unsupported("invalid scope"))).collect()
    }

    fn one(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        let mut rights = Vec::new();
        for action in actions.split(',') {
            match (kind, action) {
                ("registry", "*") if name == "catalog" => rights.push(Right::Catalog),
                ("repository", "*") => rights.extend(Right::OF_REPOSITORIES),
                ("repository", word) => {
                    rights.extend(Right::OF_REPOSITORIES.into_iter().find(|r| r.word() == word));
                }
                _ => {}
            }
        }
        rights.sort_unstable();
        rights.dedup();
        (!name.is_empty()).then(|| Self { kind: kind.to_owned(), name: name.to_owned(), rights })
    }

    fn text(&self) -> String {
        let words: Vec<&str> = self.rights.iter().map(|r| r.word()).collect();
        format!("{}:{}:{}", self.kind, self.name, words.join(","))
    }

    /// Whether what is granted takes in all of this.
    pub(super) fn granted_by(&self, access: &[Self]) -> bool {
        let same = |a: &&Self| a.kind == self.kind && a.name == self.name;
        self.rights.iter().all(|r| access.iter().filter(same).any(|a| a.rights.contains(r)))
    }
}

/// R-DP-01. `error`: why a token that came along does not do.
pub(super) fn challenge(login: &str, needs: &[Scope], error: Option<&str>) -> Fail {
    let mut text = format!("Bearer realm=\"https://{login}/oauth2/token\",service=\"{login}\"");
    if !needs.is_empty() {
        let scopes: Vec<String> = needs.iter().map(Scope::text).collect();
        text += &format!(",scope=\"{}\"", scopes.join(" "));
    }
    if let Some(error) = error {
        text += &format!(",error=\"{error}\"");
    }
    let fail = errors::unauthorized().header("www-authenticate", text);
    if needs.is_empty() { fail } else { fail.with("detail", errors::detail(needs)) }
}
