//! Who may do what with images.

use super::*;
use cmk::{GrantAccess, azure::registries::RegistryAccess};
use cmk_mocks::{PrincipalKind, roles};

pub(super) static SCENARIOS: Scenarios = Scenarios { public: &[&GRANT_ACCESS], ..NONE };

static GRANT_ACCESS: SimpleScenario = SimpleScenario {
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
