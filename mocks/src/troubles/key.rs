//! The registry's way to its key.

use super::{
    Trouble, identity, key, registry,
    scene::{DAY, HOUR},
};
use crate::{
    admin::seed::{KeyRef, VaultModel},
    services::{directory::PrincipalKind, roles},
    world::clock::Moment as _,
};
use std::time::Duration;
use uuid::Uuid;

pub(super) const TROUBLES: &[Trouble] = &[
    registry("registry-absent", "The registry was deleted.", |s| {
        s.world.mutate_delete_registry(&s.place.registry);
    }),
    registry("caller-may-not-read", "Somebody without any role is there to ask: 'caller'.", |s| {
        let nobody = s.world.add_principal(PrincipalKind::User, "nobody").object_id;
        s.made("caller", nobody);
    }),
    registry("registry-failed", "The last change of the registry failed.", |s| {
        s.world.mutate_registry_failed(&s.place.registry);
    }),
    registry("registry-busy", "Somebody else's change holds the registry for a day.", |s| {
        s.world.mutate_registry_busy(&s.place.registry, DAY);
    }),
    registry("no-cmk", "The registry was made again, without a customer-managed key.", |s| {
        s.world.mutate_delete_registry(&s.place.registry);
        s.world.seed_registry(&s.place.group, &s.place.name, "Premium");
    }),
    key(
        "identity-guid-is-principal",
        "The encryption names the identity's principal id, not its client id.",
        |s, k| {
            s.world.mutate_registry_identity(&s.place.registry, &k.principal.to_string());
        },
    ),
    identity("identity-deleted", "The identity for the key was deleted.", |s, _, id| {
        s.world.mutate_delete_identity(id)
    }),
    identity(
        "identity-recreated",
        "The identity for the key was deleted, and another made by its name.",
        |s, _, id| {
            s.world.mutate_delete_identity(id);
            let group = s.world.group_of(id);
            s.world.seed_identity(&group, id.rsplit('/').next().unwrap_or_default());
        },
    ),
    key("system-identity-off", "The encryption names the registry's own identity, which is off.", |s, _| {
        s.world.mutate_lose_system_identity(&s.place.registry);
        s.world.mutate_registry_identity(&s.place.registry, "system");
    }),
    identity("identity-not-attached", "The identity for the key was taken off the registry.", |s, _, id| {
        s.world.mutate_detach_identity(&s.place.registry, id);
    }),
    identity("identity-shared", "Another registry uses the same identity for its key.", |s, k, id| {
        let name = format!("{}shared", s.place.name);
        s.world.seed_registry_cmk(&s.place.group, &name, &k.vault, &k.key, KeyRef::Versionless, id);
    }),
    key("vault-deleted", "The vault of the key was deleted, and can be recovered.", |s, k| {
        s.world.mutate_delete_vault(&k.vault);
    }),
    key("vault-absent", "The vault of the key was purged.", |s, k| s.world.mutate_purge_vault(&k.vault)),
    key("vault-perimeter", "The vault is in an enforced network security perimeter.", |s, k| {
        s.world.mutate_vault_perimeter(&k.vault, true);
    }),
    key("vault-public-access-off", "The vault's public access is off, and trusted services do not pass.", |s, k| {
        s.world.mutate_vault_firewall(&k.vault, false, false, &[]);
        s.world.mutate_vault_public_access(&k.vault, false);
    }),
    key("vault-firewall", "The vault's firewall is closed, and trusted services do not pass.", |s, k| {
        s.world.mutate_vault_firewall(&k.vault, true, false, &[]);
    }),
    key("vault-other-tenant", "The vault belongs to another tenant.", |s, k| {
        s.world.mutate_vault_tenant(&k.vault, Uuid::from_u128(7));
    }),
    key("grant-in-other-model", "The vault uses access policies, and the identity has a role.", |s, k| {
        s.world.mutate_vault_model(&k.vault, VaultModel::Policy);
    }),
    key("grant-missing", "All rights of the identity were taken away.", |s, k| {
        s.world.mutate_remove_grants(k.principal, "");
        s.world.mutate_remove_policies(&k.vault, k.principal);
    }),
    key("grant-incomplete", "The identity's access policy lacks the right to wrap.", |s, k| {
        let operator = s.world.operator().object_id;
        s.world.mutate_vault_model(&k.vault, VaultModel::Policy);
        s.world.mutate_policy_keys(&k.vault, operator, &["all"]);
        s.world.mutate_policy_keys(&k.vault, k.principal, &["get", "unwrapKey"]);
        s.world.mutate_remove_grants(k.principal, "");
    }),
    key("grant-young", "The identity got its right four minutes ago.", |s, k| {
        s.world.mutate_remove_grants(k.principal, "");
        let now = s.world.now();
        s.world.seed_grant(k.principal, &k.vault, &k.key, now);
        s.pass(Duration::from_secs(240));
    }),
    key("grant-too-wide", "The identity may do everything with all keys of the vault.", |s, k| {
        let long_ago = s.world.now().before(DAY);
        s.world.set_role(k.principal, roles::KEY_VAULT_CRYPTO_OFFICER, &k.vault_id, long_ago);
    }),
    key(
        "vault-leftover-policies",
        "The vault uses roles, and holds an access policy that counts for nothing.",
        |s, k| {
            s.world.mutate_policy_keys(&k.vault, Uuid::from_u128(9), &["get"]);
        },
    ),
    key("key-deleted", "The key was deleted, and can be recovered.", |s, k| {
        s.world.mutate_delete_key(&k.vault, &k.key)
    }),
    key("key-absent", "The key was purged.", |s, k| s.world.mutate_purge_key(&k.vault, &k.key)),
    key("key-version-absent", "The key was purged, and another made by its name.", |s, k| {
        s.world.mutate_purge_key(&k.vault, &k.key);
        let now = s.world.now();
        s.world.seed_key(&k.vault, &k.key, now);
    }),
    key("key-disabled", "The version in use was disabled.", |s, k| {
        s.world.mutate_version_enabled(&k.vault, &k.key, &k.version, false);
    }),
    key("key-expired", "The version in use, 200 days old, expired a minute ago.", |s, k| {
        // Made long ago, so that a version made like it lives as long.
        s.pass(200 * DAY);
        let ended = s.world.now().unix_timestamp() - 60;
        s.world.mutate_version_dates(&k.vault, &k.key, &k.version, None, Some(ended));
    }),
    key("key-not-yet-valid", "The version in use is valid in an hour.", |s, k| {
        let begins = s.world.now().unix_timestamp() + 3600;
        s.world.mutate_version_dates(&k.vault, &k.key, &k.version, Some(begins), None);
    }),
    key("key-type", "The key is of an elliptic curve.", |s, k| s.world.mutate_key_type(&k.vault, &k.key, "EC")),
    key("key-operations", "The version in use may not wrap.", |s, k| {
        s.world.mutate_version_ops(&k.vault, &k.key, &k.version, &["sign", "verify", "unwrapKey"]);
    }),
    key("key-behind", "A version is three hours old, and no registry of the world has looked for it.", |s, k| {
        // It does not look for hours, as one whose service is in trouble.
        s.world.params.acr_auto_rotate_poll = 30 * DAY;
        s.world.mutate_registry_polls_late(&s.place.registry, 30 * DAY);
        s.world.mutate_new_version(&k.vault, &k.key);
        s.pass(3 * HOUR);
    }),
    key("key-pinned", "The registry stays on a version, which is the newest.", |s, k| {
        s.world.mutate_registry_key(&s.place.registry, &k.vault, &k.key, Some(&k.version));
    }),
    key("key-pinned-behind", "The registry stays on a version, and there is a newer one.", |s, k| {
        s.world.mutate_registry_key(&s.place.registry, &k.vault, &k.key, Some(&k.version));
        s.world.mutate_new_version(&k.vault, &k.key);
    }),
    key("key-old", "400 days pass, and nobody makes a new version.", |s, _| s.pass(400 * DAY)),
    key("key-expires-soon", "The version in use, 200 days old, expires in ten days.", |s, k| {
        s.pass(200 * DAY);
        let ends = s.world.now().unix_timestamp() + 10 * 24 * 3600;
        s.world.mutate_version_dates(&k.vault, &k.key, &k.version, None, Some(ends));
    }),
    key("vault-no-purge-protection", "The vault has no purge protection.", |s, k| {
        s.world.mutate_vault_purge_protection(&k.vault, false);
    }),
    key("vault-short-retention", "What is deleted in the vault can be recovered for a week.", |s, k| {
        s.world.mutate_vault_retention_days(&k.vault, 7);
    }),
];
