//! The registry's way to its key.

use super::{Stage, stage};
use crate::stage::scenarios::{GROUP, IDENTITY, KEY, VAULT};
use cmk_mocks::{KeyRef, PrincipalKind, VaultModel, roles};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

pub const STAGES: &[Stage] = &[
    stage("registry-absent", |s| s.world.mutate_delete_registry(&s.registry_id())),
    stage("caller-may-not-read", |s| {
        s.caller = Some(s.world.add_principal(PrincipalKind::User, "nobody").object_id);
    }),
    stage("registry-failed", |s| s.world.mutate_registry_failed(&s.registry_id())),
    stage("registry-busy", |s| s.world.mutate_registry_busy(&s.registry_id(), DAY)),
    stage("no-cmk", |s| {
        s.world.mutate_delete_registry(&s.registry_id());
        s.world.seed_registry(GROUP, crate::stage::scenarios::REGISTRY, "Premium");
    }),
    stage("identity-guid-is-principal", |s| {
        let principal = s.principal.to_string();
        s.world.mutate_registry_identity(&s.registry_id(), &principal);
    }),
    stage("identity-deleted", |s| s.world.mutate_delete_identity(&s.identity_id())),
    stage("identity-recreated", |s| {
        s.world.mutate_delete_identity(&s.identity_id());
        s.world.seed_identity(GROUP, IDENTITY);
    }),
    stage("system-identity-off", |s| s.world.mutate_registry_identity(&s.registry_id(), "system")),
    stage("identity-not-attached", |s| s.world.mutate_detach_identity(&s.registry_id(), &s.identity_id())),
    stage("identity-shared", |s| {
        let identity = s.identity_id();
        s.world.seed_registry_cmk(GROUP, "contoso2", VAULT, KEY, KeyRef::Versionless, &identity);
        s.ask(|d| d.only(["identity-shared"]));
    }),
    stage("vault-deleted", |s| s.world.mutate_delete_vault(VAULT)),
    stage("vault-absent", |s| s.world.mutate_purge_vault(VAULT)),
    stage("vault-perimeter", |s| s.world.mutate_vault_perimeter(VAULT, true)),
    stage("vault-public-access-off", |s| {
        s.world.mutate_vault_firewall(VAULT, false, false, &[]);
        s.world.mutate_vault_public_access(VAULT, false);
    }),
    stage("vault-firewall", |s| s.world.mutate_vault_firewall(VAULT, true, false, &[])),
    stage("vault-other-tenant", |s| s.world.mutate_vault_tenant(VAULT, uuid::Uuid::from_u128(7))),
    stage("grant-in-other-model", |s| s.world.mutate_vault_model(VAULT, VaultModel::Policy)),
    stage("grant-missing", |s| {
        let principal = s.principal;
        s.world.mutate_remove_grants(principal, "");
    }),
    stage("grant-incomplete", |s| {
        let operator = s.world.operator().object_id;
        s.world.mutate_vault_model(VAULT, VaultModel::Policy);
        s.world.mutate_policy_keys(VAULT, operator, &["all"]);
        s.world.mutate_policy_keys(VAULT, s.principal, &["get", "unwrapKey"]);
        s.world.mutate_remove_grants(s.principal, "");
    }),
    stage("grant-young", |s| {
        let principal = s.principal;
        s.world.mutate_remove_grants(principal, "");
        let now = s.world.now();
        s.world.seed_grant(principal, VAULT, KEY, now);
        s.pass(Duration::from_secs(240));
    }),
    stage("grant-too-wide", |s| {
        let (principal, now) = (s.principal, s.world.now());
        let scope = crate::stage::scenarios::vault(VAULT).to_string();
        s.world.set_role(principal, roles::KEY_VAULT_CRYPTO_OFFICER, &scope, now - DAY);
    }),
    stage("vault-leftover-policies", |s| {
        s.world.mutate_policy_keys(VAULT, uuid::Uuid::from_u128(9), &["get"]);
    }),
    stage("key-deleted", |s| s.world.mutate_delete_key(VAULT, KEY)),
    stage("key-absent", |s| s.world.mutate_purge_key(VAULT, KEY)),
    stage("key-version-absent", |s| {
        s.world.mutate_purge_key(VAULT, KEY);
        let now = s.world.now();
        s.world.seed_key(VAULT, KEY, now);
    }),
    stage("key-disabled", |s| {
        let version = s.version.clone();
        s.world.mutate_version_enabled(VAULT, KEY, &version, false);
    }),
    stage("key-expired", |s| {
        // Made long ago, so that a version made like it lives as long.
        s.pass(200 * DAY);
        let (version, now) = (s.version.clone(), s.world.now().unix_timestamp());
        s.world.mutate_version_dates(VAULT, KEY, &version, None, Some(now - 60));
    }),
    stage("key-not-yet-valid", |s| {
        let (version, now) = (s.version.clone(), s.world.now().unix_timestamp());
        s.world.mutate_version_dates(VAULT, KEY, &version, Some(now + 3600), None);
    }),
    stage("key-type", |s| s.world.mutate_key_type(VAULT, KEY, "EC")),
    stage("key-operations", |s| {
        let version = s.version.clone();
        s.world.mutate_version_ops(VAULT, KEY, &version, &["sign", "verify", "unwrapKey"]);
    }),
    stage("key-behind", |s| {
        // It does not look for hours, as one whose service is in trouble.
        s.world.params.acr_auto_rotate_poll = 30 * DAY;
        s.world.mutate_registry_polls_late(&s.registry_id(), 30 * DAY);
        s.world.mutate_new_version(VAULT, KEY);
        s.pass(Duration::from_secs(3 * 3600));
    }),
    stage("key-pinned", |s| {
        let version = s.version.clone();
        s.world.mutate_registry_key(&s.registry_id(), VAULT, KEY, Some(&version));
    }),
    stage("key-pinned-behind", |s| {
        let version = s.version.clone();
        s.world.mutate_registry_key(&s.registry_id(), VAULT, KEY, Some(&version));
        s.world.mutate_new_version(VAULT, KEY);
    }),
    stage("key-old", |s| s.pass(400 * DAY)),
    stage("key-expires-soon", |s| {
        s.pass(200 * DAY);
        let (version, now) = (s.version.clone(), s.world.now().unix_timestamp());
        s.world.mutate_version_dates(VAULT, KEY, &version, None, Some(now + 10 * 24 * 3600));
    }),
    stage("vault-no-purge-protection", |s| s.world.mutate_vault_purge_protection(VAULT, false)),
    stage("vault-short-retention", |s| s.world.mutate_vault_retention_days(VAULT, 7)),
];
