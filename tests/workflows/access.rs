//! Who may do what with images.

use super::*;
use cmk::{GrantAccess, azure::registries::RegistryAccess, azure::role_assignments::PrincipalType};
use cmk_mocks::{KeyRef, PrincipalKind, VaultModel, roles};
use cmk_tests::fixture::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn world(mode: &str) -> (World, Uuid) {
    let mut world = encrypted(KeyRef::Versionless, VaultModel::Policy);
    world.mutate_registry_property(registry().as_str(), "roleAssignmentMode", json!(mode));
    let who = world.add_principal(PrincipalKind::ServicePrincipal, "builder").object_id;
    (world, who)
}
const LEGACY: &str = "LegacyRegistryPermissions";
const ABAC: &str = "AbacRepositoryPermissions";

fn give(who: Uuid, access: RegistryAccess) -> GrantAccess {
    GrantAccess::new(registry(), who.to_string().parse().unwrap(), access)
}

/// The bodies of the assignments that were asked for.
fn asked(fixture: &Fixture) -> Vec<Value> {
    let puts = fixture.sim.exchanges().into_iter().filter(|e| e.method == "PUT" && e.path.contains("roleAssignments"));
    puts.map(|e| e.request_body["properties"].clone()).collect()
}

#[test]
fn r_dp_08_each_mode_has_its_roles() {
    for (mode, wanted) in [
        (LEGACY, [roles::ACR_PULL, roles::ACR_PUSH, roles::ACR_DELETE, roles::ACR_PULL]),
        (
            ABAC,
            [
                roles::ACR_REPOSITORY_READER,
                roles::ACR_REPOSITORY_WRITER,
                roles::ACR_REPOSITORY_CONTRIBUTOR,
                roles::ACR_CATALOG_LISTER,
            ],
        ),
    ] {
        for (access, role) in RegistryAccess::ALL.into_iter().zip(wanted) {
            run_paused(async {
                let (mut world, _) = world(mode);
                let who = world.add_principal(PrincipalKind::User, "kim").object_id;
                let fixture = Fixture::of(world);
                let outcome = done(&fixture, give(who, access).principal_type(PrincipalType::User)).await;
                assert_eq!(outcome.role.to_string(), role.to_string(), "{mode} {access}");
                let [body] = asked(&fixture).try_into().unwrap();
                assert!(body["roleDefinitionId"].as_str().unwrap().ends_with(&role.to_string()), "{body}");
                assert_eq!((&body["principalType"], &body["condition"]), (&json!("User"), &Value::Null));
            });
        }
    }
}

#[test]
fn a_condition_goes_with_its_version_and_a_role_that_reaches_further_is_enough() {
    run_paused(async {
        let (world, who) = world(ABAC);
        let fixture = Fixture::of(world);
        let order = give(who, RegistryAccess::Pull).repository("team/*".parse().unwrap());
        done(&fixture, order.clone()).await;
        let [body] = asked(&fixture).try_into().unwrap();
        assert_eq!(body["conditionVersion"], "2.0");
        assert!(body["condition"].as_str().unwrap().contains("StringStartsWithIgnoreCase 'team/'"), "{body}");
        // Spelled with other line breaks it is the same.
        assert!(!plan(&fixture, order).await.has_changes());

        let (mut world, who) = self::world(ABAC);
        let now = world.now();
        world.set_role(who, roles::ACR_REPOSITORY_READER, registry().as_str(), now);
        let fixture = Fixture::of(world);
        assert!(!plan(&fixture, give(who, RegistryAccess::Pull).repository("a".parse().unwrap())).await.has_changes());
    });
}

#[test]
fn r_rbac_03_another_condition_is_not_overwritten() {
    run_paused(async {
        let (world, who) = world(ABAC);
        let fixture = Fixture::of(world);
        done(&fixture, give(who, RegistryAccess::Pull).repository("team/*".parse().unwrap())).await;
        let wanted: &[Wanted<'_>] =
            &[("R-RBAC-03", &["another condition", "'team/'", "az role assignment delete --ids"])];
        let azure = fixture.azure();
        let other = give(who, RegistryAccess::Pull).repository("others/*".parse().unwrap());
        refused_on(&fixture, &azure, other, wanted).await;
        // Without a condition it would be all of them.
        refused_on(&fixture, &azure, give(who, RegistryAccess::Pull), wanted).await;
    });
}

#[test]
fn r_dp_08_what_does_not_fit_the_mode_is_refused_with_the_ways_out() {
    let one = || "team/app".parse().unwrap();
    let (world, who) = self::world(LEGACY);
    let words: &[&str] = &["team/app", "az acr token create", "rbac-abac"];
    refused(world, give(who, RegistryAccess::Pull).repository(one()), &[("R-DP-08", words)]);
    let (world, who) = self::world(ABAC);
    refused(world, give(who, RegistryAccess::List).repository(one()), &[("R-DP-08", &["list all repositories"])]);
}

#[test]
fn r_cmk_08_a_client_id_is_told_from_a_principal() {
    let (mut world, _) = world(LEGACY);
    let identity = world.seed_identity(GROUP, "id-puller");
    let principal = identity.principal_id.to_string();
    refused(world, give(identity.client_id, RegistryAccess::Pull), &[("R-CMK-08", &["id-puller", &principal])]);
}

#[test]
fn the_way_back_takes_away_what_was_given_and_nothing_else() {
    run_paused(async {
        let (mut world, who) = world(LEGACY);
        let now = world.now();
        world.set_role(who, roles::ACR_PUSH, registry().as_str(), now);
        let before = world.role_assignments().len();
        let fixture = Fixture::of(world);
        done(&fixture, give(who, RegistryAccess::Delete)).await;
        let order = cmk::Rollback::of(&fixture.journal, &"grant-access".parse().unwrap()).await.unwrap();
        done(&fixture, order).await;
        let left = fixture.sim.world().role_assignments();
        assert_eq!(left.len(), before);
        assert!(left.iter().any(|(principal, role, ..)| (*principal, *role) == (who, roles::ACR_PUSH)));
    });
}
