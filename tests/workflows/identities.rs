//! The identity that unwraps, assigned again.

use super::*;
use cmk::{Reassign, checks::IdentityWanted};
use cmk_mocks::{KeyRef, NullIdentity, Params, VaultModel};
use cmk_tests::fixture::*;
use uuid::Uuid;

fn reassign() -> Reassign {
    Reassign::new(registry())
}
fn world() -> World {
    encrypted(KeyRef::Versionless, VaultModel::Rbac)
}
/// With the system-assigned identity unwrapping.
fn on_system() -> World {
    let mut world = world();
    let (id, now) = (registry().to_string(), world.now());
    let principal = world.mutate_enable_system_identity(&id);
    world.seed_grant(principal, VAULT, KEY, now);
    world.mutate_registry_identity(&id, "system");
    world
}

#[test]
fn r_cmk_20_the_identity_in_use_is_not_taken_off() {
    refused(world(), reassign().remove_old(), &[("R-CMK-20", &["cannot be taken off", "--to"])]);
}

#[test]
fn a_text_that_is_about_something_else() {
    let of = |text: &str, wanted: &[Wanted<'_>]| refused(world(), reassign().error_text(text), wanted);
    of("it is broken", &[("R-ERR-03", &["it is broken", "leave it out"])]);
    of("Access to Key Encryption Key is forbidden.", &[("R-DP-26", &["not about an identity", "cmk recover"])]);
    let elsewhere = "Registry contoso9 does not have access to identity '5b5b5b5b-5b5b-5b5b-5b5b-5b5b5b5b5b5b'. Try \
        forcibly adding the identity to the registry";
    run_paused(async {
        let fixture = Fixture::of(world());
        let run = fixture.run(reassign().error_text(elsewhere)).plan().await.unwrap();
        // Whether the text names a registry depends on how much of it was copied.
        for refusal in &run.refusals {
            assert!(refusal.what.contains("contoso9"), "{refusal}");
        }
    });
}

#[test]
fn a_guid_of_the_other_kind_in_the_text_is_told() {
    run_paused(async {
        let mut world = world();
        let id = identity(IDENTITY).to_string();
        let known = world.identity(&id).unwrap();
        let other = world.seed_identity(GROUP, "id-other").client_id;
        let fixture = Fixture::of(world);
        for (guid, words) in [(known.principal_id, "the principal id of the identity"), (other, "another identity")] {
            let text =
                format!("does not have access to identity '{guid}'. Try forcibly adding the identity to the registry");
            let told = plan(&fixture, reassign().error_text(text)).await;
            let said = told.notes.iter().any(|n| n.contains(words) && n.contains(&known.client_id.to_string()));
            assert!(said, "{guid}: {told}");
        }
    });
}

#[test]
fn r_cmk_26_an_identity_that_is_gone_is_not_made_again() {
    let mut world = world();
    let client = world.identity(identity(IDENTITY).as_str()).unwrap().client_id.to_string();
    world.mutate_delete_identity(identity(IDENTITY).as_str());
    refused(world.clone(), reassign(), &[("R-CMK-26", &[&client, "cannot be made again", "cmk rotate --identity"])]);
    // One of the same name is another.
    world.seed_identity(GROUP, IDENTITY);
    refused(world, reassign(), &[("R-CMK-26", &[&client])]);
}

#[test]
fn r_cmk_23_a_lost_system_identity_is_for_a_support_ticket() {
    let text = "The identity associated with the registry is inactive. This could be due to attempted removal of the \
        identity. Reassign the identity manually";
    let mut world = on_system();
    let principal = world.registry(registry().as_str()).unwrap().system_principal.unwrap().to_string();
    let key = world.registry(registry().as_str()).unwrap().versioned_key_identifier.unwrap();
    let facts = [
        "support ticket",
        registry().as_str().to_owned().leak(),
        "westeurope",
        "contoso1.azurecr.io",
        &key,
        &principal,
    ];
    refused(world.clone(), reassign().error_text(text), &[("R-CMK-23", &facts)]);
    // Without a text nothing is wrong that can be seen.
    let now = world.now();
    run_paused(async {
        let fixture = Fixture::of(std::mem::replace(&mut world, World::new(Default::default())));
        done(&fixture, reassign()).await;
        fixture.sim.with_world(|w, _| w.can_unwrap(now, registry().as_str()).unwrap());
        assert_eq!(fixture.seen().system_principal.map(|p| p.to_string()), Some(principal), "the same principal");
    });
}

#[test]
fn r_cmk_07_r_cmk_26_another_identity_that_cannot_be_had() {
    let mut world = world();
    let other = world.seed_identity(GROUP, "id-other");
    let principal = other.principal_id.to_string();
    let to = |wanted| reassign().then_rotate_to(wanted);
    refused(world.clone(), to(IdentityWanted::Guid(other.principal_id)), &[("R-CMK-07", &[&principal, "id-other"])]);
    refused(world, to(IdentityWanted::Guid(Uuid::from_u128(3))), &[("R-CMK-26", &[])]);
}

/// What an attempted removal has put at risk is renewed by assigning it again (R-CMK-21, R-CMK-22).
#[test]
fn r_cmk_22_what_was_at_risk_is_renewed() {
    run_paused(async {
        let fixture = Fixture::of(world());
        let azure = fixture.azure();
        // Somebody tries to take the identity off.
        let registry_id = registry().to_string();
        fixture.sim.with_world(|w, now| {
            let token = w.token(w.operator().object_id, "https://management.azure.com", now);
            let request =
                http::Request::patch(format!("https://management.azure.com{registry_id}?api-version=2025-11-01"))
                    .header("authorization", format!("Bearer {token}"))
                    .header("content-type", "application/json")
                    .body(bytes::Bytes::from(r#"{"identity":{"type":"None"}}"#));
            let answer = w.handle(now, request.unwrap());
            assert_eq!(answer.status(), 400);
        });
        assert!(fixture.seen().detach_attempt.is_some());
        let reassigned = fixture.run_on(&azure, reassign()).named("play").await.unwrap();
        assert_eq!(fixture.seen().detach_attempt, None, "still at risk");
        assert_eq!(reassigned.removable, None);
        assert!(fixture.told().iter().any(|t| t.contains("rotate to another first")), "{:?}", fixture.told());
    });
}

#[test]
fn the_old_identity_is_only_named_unless_asked() {
    run_paused(async {
        let fixture = Fixture::of(world());
        let reassigned = done(&fixture, reassign().then_rotate_to(IdentityWanted::System)).await;
        let removable = reassigned.removable.unwrap();
        assert!(
            removable.contains("az acr identity remove --name contoso1") && removable.contains(IDENTITY),
            "{removable}"
        );
        assert_eq!(fixture.seen().user_identities.len(), 1);
        assert_eq!(fixture.seen().identity.as_deref(), Some("system"));
    });
}

/// Already there: nothing to rotate, and nothing refused (given again, the order changes nothing).
#[test]
fn to_the_identity_that_unwraps_already() {
    run_paused(async {
        let fixture = Fixture::of(world());
        let order = reassign().then_rotate_to(IdentityWanted::Id(identity(IDENTITY)));
        let told = plan(&fixture, order.clone()).await;
        assert!(told.notes.iter().any(|n| n.contains("unwraps the key already")), "{told}");
        let reassigned = done(&fixture, order).await;
        assert_eq!(reassigned.removable, None);
    });
}

/// Where the PATCH with `null` is ignored or refused, the by-hand line is given (assumption G-13).
#[test]
fn an_identity_that_a_patch_does_not_take_off_is_told_with_the_line_that_does() {
    for null in [NullIdentity::Ignored, NullIdentity::Refused] {
        run_paused(async {
            let params = Params { acr_null_identity: null, ..Params::default() };
            let mut world = encrypted_with(params, KeyRef::Versionless, VaultModel::Rbac);
            // With the registry's own identity left alone, the type says it all, and no `null` is needed.
            let new = world.seed_identity(GROUP, "id-new").client_id;
            let fixture = Fixture::of(world);
            let order = reassign().then_rotate_to(IdentityWanted::Guid(new)).remove_old();
            let error = fixture.run(order).named("play").await.unwrap_err();
            let text = error.to_string();
            assert!(text.contains("az acr identity remove --name contoso1"), "{null:?}: {text}");
            assert_eq!(fixture.seen().identity, Some(new.to_string()));
            fixture.sim.with_world(|w, now| w.can_unwrap(now, registry().as_str()).unwrap());
            assert_eq!(fixture.seen().detach_attempt, None);
        });
    }
}

/// What else stands in the way is told by the plan: the registry refuses it all in one text, which would be waited out.
#[test]
fn r_err_01_what_stands_between_the_identity_and_the_key_is_told_beforehand() {
    let mut without_right = world();
    let principal = without_right.identity(identity(IDENTITY).as_str()).unwrap().principal_id;
    without_right.mutate_remove_grants(principal, "");
    refused(without_right, reassign(), &[("R-CMK-08", &[&principal.to_string(), KEY, "cmk recover", "cmk restore"])]);
    let mut incomplete = encrypted(KeyRef::Versionless, VaultModel::Policy);
    let principal = incomplete.identity(identity(IDENTITY).as_str()).unwrap().principal_id;
    incomplete.mutate_policy_keys(VAULT, principal, &["get", "unwrapKey"]);
    refused(incomplete, reassign(), &[("R-CMK-08", &["access policy with", "wrapKey", "cmk recover"])]);
    let mut deleted = world();
    deleted.mutate_delete_vault(VAULT);
    refused(deleted, reassign(), &[("R-KV-04", &[VAULT, "cmk recover"])]);
    let mut closed = world();
    closed.mutate_vault_firewall(VAULT, true, false, &[]);
    let told = &[("R-CMK-40", ["closed", "cmk bypass"].as_slice())];
    refused(closed, reassign(), told);
    let mut disabled = world();
    let version = disabled.key_versions(VAULT, KEY)[0].version.clone();
    disabled.mutate_version_enabled(VAULT, KEY, &version, false);
    refused(disabled, reassign(), &[("R-KV-14", &[&version, "disabled"])]);
    let mut no_key = encrypted(KeyRef::Versionless, VaultModel::Policy);
    no_key.mutate_delete_key(VAULT, KEY);
    refused(no_key, reassign(), &[("R-ERR-27", &[KEY, "cmk recover"])]);
}
