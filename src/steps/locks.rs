//! The names under which steps lock what they change.

use crate::{
    azure::{
        Cloud,
        id::{KeyId, ResourceId, VaultId},
    },
    checks::GrantModel,
};

/// A key, whichever version it is.
pub(crate) fn key(key: &KeyId) -> String {
    key.versionless().to_string()
}

/// A right by role holds where it is assigned. At a key that is the key, as it is called by those that change it.
pub(super) fn scope(scope: &ResourceId, cloud: &Cloud) -> String {
    let of_key = || {
        let kind = scope.resource_type()?;
        let vault = VaultId::try_from(scope.parent()?).ok()?;
        let name = scope.name().parse().ok()?;
        kind.eq_ignore_ascii_case("Microsoft.KeyVault/vaults/keys").then(|| key(&KeyId::new(vault.host(cloud), name)))
    };
    of_key().unwrap_or_else(|| scope.to_string())
}

/// What a right is given on: access policies hold for all keys of a vault.
pub(super) fn granted(what: &GrantModel, cloud: &Cloud) -> String {
    match what {
        GrantModel::Role { scope: at, .. } => scope(at, cloud),
        GrantModel::Policy { vault, .. } => vault.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_name_whoever_locks_it() {
        let vault = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/Shop/providers/\
            Microsoft.KeyVault/vaults/KV-1";
        let at = |tail: &str| scope(&format!("{vault}{tail}").parse().expect("an id"), &Cloud::public());
        let id: KeyId = format!("https://kv-1.vault.azure.net/keys/k/{:032}", 7).parse().expect("a key");
        assert_eq!(at("/keys/k"), key(&id));
        assert_eq!(at(""), vault);
        assert_eq!(at("/secrets/k"), format!("{vault}/secrets/k"));
    }
}
