//! What the caller may do at a scope, as ARM sees it (R-ARM-33, R-KV-34).

use super::{Reader, id::ResourceId, resources::null_as_default, retry::Called, versions};
use serde::{Deserialize, Serialize};

/// What the caller may do at a scope: one entry for each of its roles there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Permissions {
    /// The entries.
    pub entries: Vec<Permission>,
}

/// What one role allows. Actions may hold `*` for any number of characters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Permission {
    /// Allowed through ARM.
    #[serde(deserialize_with = "null_as_default")]
    pub actions: Vec<String>,
    /// Of these not.
    #[serde(deserialize_with = "null_as_default")]
    pub not_actions: Vec<String>,
    /// Allowed at a service itself, e.g. with the keys of a vault that uses roles.
    #[serde(deserialize_with = "null_as_default")]
    pub data_actions: Vec<String>,
    /// Of these not.
    #[serde(deserialize_with = "null_as_default")]
    pub not_data_actions: Vec<String>,
}

impl Permissions {
    /// Whether an action through ARM is allowed, e.g. `Microsoft.KeyVault/vaults/write`.
    ///
    /// Roles add up: what one of them excludes, another may still allow. Deny assignments, locks and policies are not
    /// in this answer, so "yes" can still end in a refusal.
    #[must_use]
    pub fn allows(&self, action: &str) -> bool {
        self.entries.iter().any(|p| any(&p.actions, action) && !any(&p.not_actions, action))
    }
    /// Whether a data action is allowed, e.g. `Microsoft.KeyVault/vaults/keys/create/action`. Owner and Contributor
    /// have none (R-KV-34); in a vault with access policies, roles say nothing about its keys (R-KV-31).
    #[must_use]
    pub fn allows_data(&self, action: &str) -> bool {
        self.entries.iter().any(|p| any(&p.data_actions, action) && !any(&p.not_data_actions, action))
    }
}

fn any(patterns: &[String], action: &str) -> bool {
    patterns.iter().any(|p| covers(p, action))
}

/// Whether a pattern with `*` covers an action, in any case. Linear: it goes back to the last star only.
pub(crate) fn covers(pattern: &str, action: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    let action = action.to_ascii_lowercase();
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = action.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

impl Reader {
    /// What the caller may do at a scope.
    ///
    /// <https://learn.microsoft.com/rest/api/authorization/permissions>
    ///
    /// # Errors
    /// When the call fails; also with 404 when the scope is not there.
    pub async fn permissions(&self, scope: &ResourceId) -> Called<Permissions> {
        let path = format!("{scope}/providers/Microsoft.Authorization/permissions");
        let entries = self.list(&path, &[("api-version", versions::PERMISSIONS)]).await?;
        Ok(Permissions { entries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_cover_as_azure_has_it() {
        for (pattern, action, yes) in [
            ("*", "Microsoft.KeyVault/vaults/write", true),
            ("*/read", "Microsoft.KeyVault/vaults/read", true),
            ("*/read", "Microsoft.KeyVault/vaults/reader", false),
            ("microsoft.keyvault/*", "Microsoft.KeyVault/vaults/write", true),
            ("Microsoft.KeyVault/vaults/*/action", "Microsoft.KeyVault/vaults/keys/create/action", true),
            ("Microsoft.KeyVault/vaults/*/action", "Microsoft.KeyVault/vaults/keys/read", false),
            ("Microsoft.KeyVault/vaults/write", "Microsoft.KeyVault/vaults/write", true),
            ("Microsoft.KeyVault/vaults/write", "Microsoft.KeyVault/vaults/write2", false),
            ("a*a", "a", false),
            ("a*b*c", "axxbyyc", true),
            ("a**c", "ac", true),
            ("", "x", false),
        ] {
            assert_eq!(covers(pattern, action), yes, "{pattern} {action}");
        }
    }

    #[test]
    fn r_kv_34_owner_may_do_nothing_with_keys() {
        let owner: Permissions =
            serde_json::from_str(r#"[{"actions":["*"],"notActions":null,"dataActions":[]}]"#).unwrap();
        assert!(owner.allows("Microsoft.KeyVault/vaults/write"));
        assert!(!owner.allows_data("Microsoft.KeyVault/vaults/keys/create/action"));
    }

    #[test]
    fn what_one_role_excludes_another_may_allow() {
        let both: Permissions = serde_json::from_str(
            r#"[{"actions":["*"],"notActions":["Microsoft.Authorization/*/Write"]},
                {"actions":["Microsoft.Authorization/roleAssignments/write"]}]"#,
        )
        .unwrap();
        assert!(both.allows("Microsoft.Authorization/roleAssignments/write"));
        assert!(!both.allows("Microsoft.Authorization/policyAssignments/write"));
    }
}
