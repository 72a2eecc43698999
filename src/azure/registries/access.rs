//! Who may do what with a registry's images: roles by the registry's mode, and conditions on repositories (R-DP-08).

use super::Registry;
use crate::azure::{
    id::{InvalidId, RoleId},
    resources::is,
    role_assignments::roles,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Which roles a registry heeds (R-DP-08).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleMode {
    /// `AcrPull`, `AcrPush`, `AcrDelete`, for the registry as a whole.
    Legacy,
    /// The repository roles, which may be limited to repositories by a condition.
    Repositories,
}

/// What somebody is to be allowed to do with a registry's images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegistryAccess {
    /// Pull images.
    Pull,
    /// Pull and push them.
    Push,
    /// Delete them.
    Delete,
    /// List the repositories there are.
    List,
}

impl RegistryAccess {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Pull, Self::Push, Self::Delete, Self::List];

    /// The name, as orders and the command line have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
            Self::List => "list",
        }
    }
    /// The built-in role that gives it and as little besides as there is (R-DP-08, R-KV-32).
    #[must_use]
    pub fn role(self, mode: RoleMode) -> RoleId {
        match (mode, self) {
            // There is no role that lists and does not pull.
            (RoleMode::Legacy, Self::Pull | Self::List) => roles::ACR_PULL,
            (RoleMode::Legacy, Self::Push) => roles::ACR_PUSH,
            (RoleMode::Legacy, Self::Delete) => roles::ACR_DELETE,
            (RoleMode::Repositories, Self::Pull) => roles::REPOSITORY_READER,
            (RoleMode::Repositories, Self::Push) => roles::REPOSITORY_WRITER,
            (RoleMode::Repositories, Self::Delete) => roles::REPOSITORY_CONTRIBUTOR,
            (RoleMode::Repositories, Self::List) => roles::REPOSITORY_CATALOG_LISTER,
        }
    }
    /// What the repository role allows, each of which a condition has to name: what it does not name is not limited.
    fn actions(self) -> &'static [&'static str] {
        const ALL: [&str; 6] =
            ["content/read", "metadata/read", "content/write", "metadata/write", "content/delete", "metadata/delete"];
        let [reads @ .., _, _, _, _] = &ALL;
        let [writes @ .., _, _] = &ALL;
        match self {
            Self::Pull => reads,
            Self::Push => writes,
            Self::Delete => &ALL,
            Self::List => &[],
        }
    }
    /// The condition that limits its role to some repositories, as Microsoft's page writes it; `None` without any, and
    /// for listing, whose role takes no condition.
    ///
    /// <https://learn.microsoft.com/azure/container-registry/container-registry-rbac-abac-repository-permissions>
    #[must_use]
    pub fn condition(self, repositories: &[RepositoryPattern]) -> Option<String> {
        const REPOSITORIES: &str = "Microsoft.ContainerRegistry/registries/repositories";
        let actions = self.actions();
        if repositories.is_empty() || actions.is_empty() {
            return None;
        }
        let other: Vec<_> = actions.iter().map(|a| format!("!(ActionMatches{{'{REPOSITORIES}/{a}'}})")).collect();
        let named: Vec<_> =
            repositories.iter().map(|one| format!("@Request[{REPOSITORIES}:name] {}", one.expression())).collect();
        Some(format!("(({}) OR ({}))", other.join(" AND "), named.join(" OR ")))
    }
}

impl FromStr for RegistryAccess {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let known = Self::ALL.into_iter().find(|access| access.name().eq_ignore_ascii_case(text.trim()));
        known.ok_or_else(|| InvalidId::new(text, "access", "R-DP-08", "give pull, push, delete or list"))
    }
}

impl fmt::Display for RegistryAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A repository by its name, `team/app`, or all below a prefix, `team/*`.
///
/// Nothing in it can end the text that it stands in within a condition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepositoryPattern(String);

impl RepositoryPattern {
    /// As it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
    fn expression(&self) -> String {
        match self.0.strip_suffix('*') {
            // With its slash: `team` would let `team-of-others` in.
            Some(prefix) => format!("StringStartsWithIgnoreCase '{prefix}'"),
            None => format!("StringEqualsIgnoreCase '{}'", self.0),
        }
    }
}

impl FromStr for RepositoryPattern {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let text = text.trim();
        let name = text.strip_suffix("/*").unwrap_or(text);
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let part = |part: &str| {
            part.starts_with(plain) && part.ends_with(plain) && part.chars().all(|c| plain(c) || "._-".contains(c))
        };
        if name.len() > 255 || !name.split('/').all(part) {
            let way_out = "give a repository's name such as team/app, or a prefix such as team/*; lower-case letters, digits, \
                           '.', '_' and '-' between slashes. Without any, all repositories are meant";
            return Err(InvalidId::new(text, "repository name", "R-DP-08", way_out));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for RepositoryPattern {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<RepositoryPattern> for String {
    fn from(pattern: RepositoryPattern) -> String {
        pattern.0
    }
}

impl fmt::Display for RepositoryPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Registry {
    /// Which roles it heeds; `None` if it is in a mode that this version does not know. Older api-versions show no mode:
    /// there was one only.
    #[must_use]
    pub fn role_mode(&self) -> Option<RoleMode> {
        match self.properties.role_assignment_mode.as_deref() {
            None => Some(RoleMode::Legacy),
            mode if is(mode, "LegacyRegistryPermissions") => Some(RoleMode::Legacy),
            mode if is(mode, "AbacRepositoryPermissions") => Some(RoleMode::Repositories),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> RepositoryPattern {
        text.parse().unwrap()
    }

    #[test]
    fn r_dp_08_roles_follow_the_mode() {
        let of = |mode| RegistryAccess::ALL.map(|access| access.role(mode).to_string());
        assert_eq!(
            of(RoleMode::Legacy),
            [
                "7f951dda-4ed3-4680-a7ca-43fe172d538d",
                "8311e382-0749-4cb8-b61a-304f252e45ec",
                "c2f4ef07-c644-48eb-af81-4b1b4947fb11",
                "7f951dda-4ed3-4680-a7ca-43fe172d538d",
            ]
        );
        assert_eq!(
            of(RoleMode::Repositories),
            [
                "b93aa761-3e63-49ed-ac28-beffa264f7ac",
                "2a1e307c-b015-4ebd-883e-5b7698a07328",
                "2efddaa5-3f1f-4df3-97df-af3f13818f4c",
                "bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7",
            ]
        );
        let mut registry = Registry::default();
        assert_eq!(registry.role_mode(), Some(RoleMode::Legacy));
        registry.properties.role_assignment_mode = Some("abacRepositoryPermissions".into());
        assert_eq!(registry.role_mode(), Some(RoleMode::Repositories));
        registry.properties.role_assignment_mode = Some("Another".into());
        assert_eq!(registry.role_mode(), None);
    }

    /// The form of Microsoft's page, its line breaks aside.
    #[test]
    fn a_condition_is_of_microsofts_form() {
        let r = "Microsoft.ContainerRegistry/registries/repositories";
        assert_eq!(
            RegistryAccess::Pull.condition(&[pattern("nginx")]).unwrap(),
            format!(
                "((!(ActionMatches{{'{r}/content/read'}}) AND !(ActionMatches{{'{r}/metadata/read'}})) OR \
                 (@Request[{r}:name] StringEqualsIgnoreCase 'nginx'))"
            )
        );
        let two = RegistryAccess::Push.condition(&[pattern("backend/*"), pattern("web/app")]).unwrap();
        assert!(two.contains(&format!(
            "(@Request[{r}:name] StringStartsWithIgnoreCase 'backend/' OR @Request[{r}:name] StringEqualsIgnoreCase 'web/app')"
        )));
        // Every action of the role is named; one that is not would be allowed everywhere.
        let named = |access: RegistryAccess| {
            access.condition(&[pattern("a")]).map(|c| c.matches("ActionMatches").count()).unwrap_or_default()
        };
        assert_eq!(RegistryAccess::ALL.map(named), [2, 4, 6, 0]);
        assert_eq!(RegistryAccess::Pull.condition(&[]), None);
    }

    #[test]
    fn what_is_no_repository_is_refused() {
        for good in ["a", "team/app", "team/sub/*", "a.b_c-d/e__f"] {
            assert_eq!(pattern(good).as_str(), good);
        }
        let long = "a".repeat(256);
        for bad in ["", "*", "/*", "team/", "team*", "/team", "a//b", "Team", "a' OR '1", "-a", "a b", "a/*/b", &long] {
            assert!(bad.parse::<RepositoryPattern>().is_err(), "{bad}");
        }
    }
}
