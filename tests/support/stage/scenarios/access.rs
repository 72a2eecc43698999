//! Who may do what with images, and who did.

use super::*;
use cmk::{GrantAccess, Logs, azure::registries::RegistryAccess};
use cmk_mocks::{PrincipalKind, roles};

pub static GRANT_ACCESS: Play = Play {
    name: "grant access",
    set: |seed| {
        let mut world = encrypted(seed, KeyRef::Versionless, VaultModel::Policy);
        let mode = serde_json::json!("AbacRepositoryPermissions");
        world.mutate_registry_property(registry().as_str(), "roleAssignmentMode", mode);
        let builder = world.add_principal(PrincipalKind::ServicePrincipal, "builder").object_id;
        let builder = builder.to_string().parse().unwrap();
        let order = GrantAccess::new(registry(), builder, RegistryAccess::Push).repository("team/*".parse().unwrap());
        (world, order.into())
    },
    end: END,
    also: |world, what| {
        let given = world.role_assignments();
        let given: Vec<_> =
            given.iter().filter(|(_, _, scope, _)| scope.eq_ignore_ascii_case(registry().as_str())).collect();
        assert!(matches!(given[..], [(_, roles::ACR_REPOSITORY_WRITER, ..)]), "{what}: {given:?}");
    },
};

/// One category is sent by a setting that was there.
pub static LOGS: Play = Play {
    name: "logs",
    set: |seed| {
        let mut world = encrypted(seed, KeyRef::Versionless, VaultModel::Rbac);
        let workspace = world.seed_workspace(GROUP, "logs");
        world.mutate_provider("Microsoft.Insights", true);
        let logins = ["ContainerRegistryLoginEvents"];
        world.seed_diagnostic_setting(registry().as_str(), "logins", &workspace, &logins);
        (world, Logs::new(registry(), workspace.parse().unwrap()).into())
    },
    end: END,
    also: |world, what| {
        let of = |resource: &str| {
            let all = world.diagnostic_settings(resource).into_iter();
            all.map(|(name, _, categories)| (name, categories.join(","))).collect::<Vec<_>>()
        };
        let named = |name: &str, categories: &str| (name.to_owned(), categories.to_owned());
        let registry = of(registry().as_str());
        let wanted =
            [named("logins", "ContainerRegistryLoginEvents"), named("cmk", "ContainerRegistryRepositoryEvents")];
        assert_eq!(registry, wanted, "{what}");
        assert_eq!(of(vault(VAULT).as_str()), [named("cmk", "AuditEvent")], "{what}");
    },
};
