//! What is refused is refused before anything is written, with its rule, the value and a way out; and the little that
//! create and rotate say about registries they leave alone, or that leave them waiting.

use cmk::{
    Azure, Cloud, Create, ErrorKind, Event, Irreversible, Plan, Refusal, Rotate, Workflow,
    azure::id::{IdentityId, InvalidId, KeyId, KeyName, Location, RegistryId, VaultId},
    create::IdentityChoice,
    journal::{Entry, Journal},
    rotate::Rotated,
    step::Rollback,
    steps::Reference,
};
use cmk_mocks::{KeyRef, Params, PrincipalKind, VaultModel, World, roles};
use cmk_tests::{
    Fixture,
    fixture::{
        GROUP, IDENTITY, KEY, REGISTRY, VAULT, create, empty, encrypted, encrypted_with, identity, registry, rotate,
        subscription, vault, with_vault,
    },
    run_paused,
};
use std::{fmt::Debug, time::Duration};
use uuid::Uuid;

// ---- how a refusal is checked ---------------------------------------------------------------------------------------

/// The rule, and the words by which the refusal names what is wrong.
type Wanted<'w> = (&'w str, &'w [&'w str]);

/// Plan and run refuse with just these reasons, and neither writes anything anywhere.
fn refused<W: Workflow>(world: World, order: W, wanted: &[Wanted<'_>])
where
    W::Outcome: Debug,
{
    run_paused(async {
        let fixture = Fixture::of(world);
        let azure = fixture.azure();
        check(&fixture, &azure, order, wanted).await;
    });
}

async fn check<W: Workflow>(fixture: &Fixture, azure: &Azure, order: W, wanted: &[Wanted<'_>]) -> Plan
where
    W::Outcome: Debug,
{
    let plan = fixture.run_on(azure, order.clone()).plan().await.unwrap();
    let error = fixture.run_on(azure, order).named("refused").await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused(_)), "{error:#?}");
    let bare = |refusals: &[Refusal]| refusals.iter().map(without_request_id).collect::<Vec<_>>();
    assert_eq!(bare(&plan.refusals), bare(error.refusals()), "plan and run refuse for the same reasons");

    let rules: Vec<_> = error.refusals().iter().map(|r| r.rule.as_str()).collect();
    let expected: Vec<_> = wanted.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(rules, expected, "{error}");
    let (printed, text) = (plan.to_string(), error.to_string());
    let planned: Vec<_> = plan.refusals.iter().map(ToString::to_string).collect();
    for (refusal, (rule, words)) in error.refusals().iter().zip(wanted) {
        let whole = refusal.to_string();
        for word in *words {
            assert!(whole.contains(word), "'{word}' is not named: {whole}");
        }
        assert!(refusal.way_out.len() > 5, "no way out: {whole}");
        assert!(whole.contains(&format!("({rule}): ")), "{whole}");
        assert!(text.contains(&whole), "{text}");
    }
    assert!(planned.iter().all(|whole| printed.contains(&format!("REFUSED: {whole}"))), "{printed}");
    assert!(text.starts_with("refused, and nothing was written"), "{text}");
    assert!(printed.ends_with("It would be refused; nothing would be written.\n"), "{printed}");
    assert_eq!(fixture.sim.writes(), 0, "written: {:#?}", fixture.sim.exchanges());
    assert_eq!(fixture.journal.runs().await.unwrap(), [], "a run is left in the journal");
    assert!(error.run().is_none() && error.hints().is_empty(), "there is nothing to take up or back: {error:#?}");
    plan
}

/// A refusal that quotes a service, without the one thing that differs from request to request.
fn without_request_id(refusal: &Refusal) -> String {
    let text = refusal.to_string();
    match text.split_once("[request ") {
        Some((before, after)) => format!("{before}{}", after.split_once(']').map_or("", |(_, rest)| rest)),
        None => text,
    }
}

// ---- create: the order itself ---------------------------------------------------------------------------------------

fn invalid<T: std::str::FromStr<Err = InvalidId> + Debug>(text: &str, rule: &str) {
    let error = text.parse::<T>().unwrap_err();
    assert_eq!(error.rule, rule, "{error}");
    let shown: String = text.chars().take(200).collect();
    assert!(error.to_string().contains(&shown) && error.way_out.len() > 5, "{error}");
    let error = cmk::Error::from(error);
    assert!(matches!(error.kind(), ErrorKind::Invalid(_)) && error.to_string().contains(&shown), "{error}");
}

#[test]
fn r_arm_20_r_kv_01_r_arm_21_bad_names_make_no_order() {
    let id = |kind: &str, name: &str| {
        format!("/subscriptions/{}/resourceGroups/{GROUP}/providers/{kind}/{name}", subscription())
    };
    for name in ["abcd", "has-hyphen", "has.dot", "über1", &"a".repeat(51)] {
        invalid::<RegistryId>(&id("Microsoft.ContainerRegistry/registries", name), "R-ARM-20");
    }
    for name in ["ab", "1abc", "double--hyphen", "ends-", "under_score", &"a".repeat(25)] {
        invalid::<VaultId>(&id("Microsoft.KeyVault/vaults", name), "R-KV-01");
    }
    for name in ["ab", "-abc", "has.dot", &"a".repeat(129)] {
        invalid::<IdentityId>(&id("Microsoft.ManagedIdentity/userAssignedIdentities", name), "R-ARM-21");
    }
    for name in ["", "has_underscore", "has.dot", &"a".repeat(128)] {
        let error = name.parse::<KeyName>().unwrap_err();
        assert_eq!(error.rule, "R-KV-10", "{error}");
    }
    assert!("".parse::<Location>().is_err());
    // Nor does a stored order with one of them.
    let mut stored = serde_json::to_value(create()).unwrap();
    stored["registry"] = id("Microsoft.ContainerRegistry/registries", "abcd").into();
    let error = serde_json::from_value::<Create>(stored).unwrap_err().to_string();
    assert!(error.contains("abcd") && error.contains("R-ARM-20"), "{error}");
}

#[test]
fn r_cmk_01_another_sku_than_premium() {
    for sku in ["Standard", "Basic", ""] {
        refused(empty(), create().sku(sku), &[("R-CMK-01", &[sku, "Premium"])]);
    }
}

#[test]
fn r_cmk_05_elliptic_curves_and_sizes_that_are_not_offered() {
    refused(empty(), create().key_shape("EC", 3072), &[("R-CMK-05", &["'EC'", "RSA-HSM"])]);
    refused(empty(), create().key_shape("EC-HSM", 2048), &[("R-CMK-05", &["'EC-HSM'"])]);
    for size in [0, 1024, 2047, 8192] {
        refused(empty(), create().key_shape("RSA", size), &[("R-CMK-05", &[&size.to_string(), "2048, 3072 or 4096"])]);
    }
}

#[test]
fn r_cmk_04_the_system_identity_at_create() {
    for said in ["system", "[system]"] {
        let choice: IdentityChoice = said.parse().unwrap();
        refused(empty(), create().identity_choice(choice), &[("R-CMK-04", &["system", "user-assigned"])]);
    }
}

#[test]
fn r_cmk_03_asking_to_disable() {
    refused(
        empty(),
        create().encryption(false),
        &[("R-CMK-03", &["without its customer-managed key", "az acr create"])],
    );
}

#[test]
fn r_kv_02_a_retention_that_is_not_possible() {
    for days in [0, 6, 91] {
        refused(empty(), create().retention_days(days), &[("R-KV-02", &[&days.to_string(), "7 to 90"])]);
    }
}

#[test]
fn r_cmk_10_a_key_in_a_managed_hsm_and_a_key_of_another_vault() {
    let hsm: KeyId = "https://contoso.managedhsm.azure.net/keys/k".parse().unwrap();
    refused(empty(), create().key(hsm.clone()), &[("R-CMK-10", &[&hsm.to_string(), "use a key in a vault"])]);
    let elsewhere: KeyId = "https://elsewhere.vault.azure.net/keys/k".parse().unwrap();
    let order = create().vault(vault()).key(elsewhere.clone());
    refused(with_vault(VaultModel::Rbac), order, &[("own", &[&elsewhere.to_string(), VAULT, "--vault"])]);
}

#[test]
fn what_is_wrong_with_an_order_is_told_all_at_once_and_without_a_request() {
    let order = create().sku("Basic").encryption(false).identity_choice(IdentityChoice::System).key_shape("EC", 521);
    let wanted: &[Wanted<'_>] = &[
        ("R-CMK-01", &["Basic"]),
        ("R-CMK-03", &[]),
        ("R-CMK-04", &[]),
        ("R-CMK-05", &["EC"]),
        ("R-CMK-05", &["521"]),
        ("R-KV-02", &["91"]),
    ];
    run_paused(async {
        let fixture = Fixture::of(empty());
        check(&fixture, &fixture.azure(), order.retention_days(91), wanted).await;
        assert_eq!(fixture.sim.requests(), 0, "nothing is asked about an order that cannot be right");
    });
}

// ---- create: what is there ------------------------------------------------------------------------------------------

#[test]
fn r_err_37_the_registry_name_is_taken() {
    let mut world = empty();
    world.seed_registry("elsewhere", &REGISTRY.to_uppercase(), "Premium");
    refused(world, create(), &[("R-ERR-37", &[REGISTRY, "already in use", "another name"])]);
}

#[test]
fn r_cmk_02_a_plain_registry_of_that_name() {
    for sku in ["Premium", "Basic"] {
        let mut world = empty();
        world.seed_registry(GROUP, REGISTRY, sku);
        refused(world, create(), &[("R-CMK-02", &[REGISTRY, "az acr import"])]);
    }
}

#[test]
fn r_cmk_38_a_closed_vault_without_trusted_bypass() {
    let closed: [fn(&mut World); 3] = [
        |world| world.mutate_vault_firewall(VAULT, true, false, &[]),
        |world| world.mutate_vault_firewall(VAULT, true, false, &["203.0.113.1/32"]),
        |world| {
            world.mutate_vault_firewall(VAULT, false, false, &[]);
            world.mutate_vault_public_access(VAULT, false);
        },
    ];
    for close in closed {
        let mut world = with_vault(VaultModel::Rbac);
        close(&mut world);
        refused(world, create().vault(vault()), &[("R-CMK-38", &[VAULT, "--bypass AzureServices"])]);
    }
}

#[test]
fn a_closed_vault_with_trusted_bypass_will_do() {
    let mut world = with_vault(VaultModel::Policy);
    world.mutate_vault_firewall(VAULT, true, true, &[]);
    run_paused(async {
        let fixture = Fixture::of(world);
        let made = fixture.run(create().vault(vault())).await.unwrap();
        assert_eq!(made.vault, Some(vault()));
    });
}

#[test]
fn r_cmk_41_a_vault_of_another_tenant() {
    let mut world = with_vault(VaultModel::Rbac);
    world.mutate_vault_tenant(VAULT, Uuid::from_u128(77));
    refused(world, create().vault(vault()), &[("R-CMK-41", &[VAULT, "another tenant", "own tenant"])]);
}

#[test]
fn r_cmk_06_an_adopted_vault_without_purge_protection_unless_said_otherwise() {
    let unprotected = || {
        let mut world = with_vault(VaultModel::Policy);
        world.mutate_vault_retention(VAULT, 90, false);
        world
    };
    let wanted: &[Wanted<'_>] = &[("R-CMK-06", &[VAULT, "--enable-purge-protection", "unprotected_vault_is_fine"])];
    refused(unprotected(), create().vault(vault()), wanted);
    run_paused(async {
        let fixture = Fixture::of(unprotected());
        let order = create().vault(vault()).unprotected_vault_is_fine();
        fixture.run(order).await.unwrap();
        let put = fixture.sim.exchanges().into_iter().find(|e| e.method == "PUT" && e.path.ends_with(VAULT));
        assert_eq!(put, None, "an adopted vault is never written");
    });
}

#[test]
fn what_is_irreversible_has_to_be_accepted_by_name() {
    let encryption: Wanted<'_> = ("own", &["'encryption'", "R-CMK-03", "--accept encryption"]);
    let protection: Wanted<'_> = ("own", &["'purge-protection'", "R-KV-03", "--accept purge-protection"]);
    let order = || Create::new(registry(), "westeurope".parse().unwrap());
    refused(empty(), order(), &[protection, encryption]);
    refused(empty(), order().accept(Irreversible::Encryption), &[protection]);
    refused(empty(), order().accept(Irreversible::PurgeProtection), &[encryption]);
    // Whoever adopts a vault does not switch its protection on, and has nothing to accept of it.
    refused(with_vault(VaultModel::Rbac), order().vault(vault()), &[encryption]);
}

#[test]
fn r_kv_06_the_vault_name_is_taken_by_someone_else() {
    let mut world = empty();
    world.seed_vault("elsewhere", VAULT, VaultModel::Rbac);
    refused(world, create().vault(vault()), &[("R-KV-06", &[VAULT, "already in use", "--vault"])]);
}

#[test]
fn r_kv_04_a_deleted_vault_of_another_group_holds_the_name() {
    let mut world = empty();
    world.seed_vault("elsewhere", VAULT, VaultModel::Rbac);
    world.mutate_delete_vault(VAULT);
    refused(world, create().vault(vault()), &[("R-KV-04", &[VAULT, "resourceGroups/elsewhere", "recover"])]);
}

/// Its group is the order's, its region is not: where it was it can come back, and a registry takes a key of any region.
#[test]
fn r_kv_04_a_deleted_vault_of_another_region_is_recovered_where_it_was() {
    let mut world = with_vault(VaultModel::Policy);
    world.mutate_delete_vault(VAULT);
    run_paused(async {
        let fixture = Fixture::of(world);
        let order = Create::new(registry(), "northeurope".parse().unwrap())
            .accept(Irreversible::Encryption)
            .accept(Irreversible::PurgeProtection)
            .vault(vault());
        let plan = fixture.run(order.clone()).plan().await.unwrap().to_string();
        assert!(plan.contains("vault kv-contoso1 in westeurope recovered from deletion"), "{plan}");
        fixture.run(order).await.unwrap();
        let put = fixture.sim.exchanges().into_iter().find(|e| e.method == "PUT" && e.path.ends_with(VAULT)).unwrap();
        assert_eq!((put.status, &put.request_body["location"]), (200, &"westeurope".into()));
    });
}

#[test]
fn r_kv_18_a_standard_vault_for_an_hsm_key() {
    let order = create().vault(vault()).key_shape("RSA-HSM", 3072);
    refused(with_vault(VaultModel::Rbac), order, &[("R-KV-18", &[VAULT, "premium"])]);
}

/// An existing key that will not do, named in the order or found under the derived name.
#[test]
fn r_cmk_05_r_kv_14_an_existing_key_that_cannot_be_used() {
    type Spoil = fn(&mut World, &str, &str);
    let cases: [(Spoil, &[Wanted<'_>]); 5] = [
        (|w, k, v| w.mutate_version_enabled(VAULT, k, v, false), &[("R-KV-14", &["is disabled", "enable it"])]),
        (
            |w, k, v| {
                let past = w.now().unix_timestamp() - 1;
                w.mutate_version_dates(VAULT, k, v, None, Some(past));
            },
            &[("R-KV-14", &["has expired"])],
        ),
        (
            |w, k, v| {
                let soon = w.now().unix_timestamp() + 3600;
                w.mutate_version_dates(VAULT, k, v, Some(soon), None);
            },
            &[("R-KV-14", &["is not yet valid"])],
        ),
        (
            |w, k, v| w.mutate_version_ops(VAULT, k, v, &["sign", "unwrapKey"]),
            &[("R-CMK-05", &["may not be used to wrapKey", "allow wrapKey"])],
        ),
        (
            |w, k, v| {
                w.mutate_version_enabled(VAULT, k, v, false);
                w.mutate_version_ops(VAULT, k, v, &["sign"]);
            },
            &[("R-KV-14", &["disabled"]), ("R-CMK-05", &["wrapKey"]), ("R-CMK-05", &["unwrapKey"])],
        ),
    ];
    for (spoil, wanted) in cases {
        for name in ["mine", "contoso1-cmk"] {
            let mut world = with_vault(VaultModel::Rbac);
            let now = world.now();
            let version = world.seed_key(VAULT, name, now);
            spoil(&mut world, name, &version);
            let fixture = Fixture::of(world.clone());
            let id = fixture.version(name, &version).to_string();
            let mut named: Vec<Vec<&str>> = wanted.iter().map(|(_, words)| words.to_vec()).collect();
            named.iter_mut().for_each(|words| words.push(&id));
            let wanted: Vec<Wanted<'_>> =
                wanted.iter().zip(&named).map(|((rule, _), words)| (*rule, &**words)).collect();
            let order = create().vault(vault());
            if name == "mine" {
                refused(world.clone(), order.clone().key(fixture.key(name)), &wanted);
                refused(world, order.key(fixture.version(name, &version)), &wanted);
            } else {
                refused(world, order, &wanted);
            }
        }
    }
}

#[test]
fn r_cmk_05_an_existing_elliptic_curve_key() {
    let mut world = with_vault(VaultModel::Rbac);
    let now = world.now();
    world.seed_key_of(VAULT, "curve", "EC", now);
    let id = Fixture::of(world.clone()).key("curve");
    let wanted: &[Wanted<'_>] =
        &[("R-CMK-05", &["is of type EC", "RSA"]), ("R-CMK-05", &["wrapKey"]), ("R-CMK-05", &["unwrapKey"])];
    refused(world, create().vault(vault()).key(id), wanted);
}

#[test]
fn r_err_27_a_key_or_version_that_is_not_there() {
    let mut world = with_vault(VaultModel::Rbac);
    let now = world.now();
    world.seed_key(VAULT, KEY, now);
    let fixture = Fixture::of(world.clone());
    let gone = fixture.version(KEY, &"0".repeat(32));
    refused(world.clone(), create().vault(vault()).key(gone.clone()), &[("R-ERR-27", &[&gone.to_string(), VAULT])]);
    refused(world, create().vault(vault()).key(fixture.key("other")), &[("R-ERR-27", &["other", VAULT, "recover it"])]);
}

#[test]
fn r_err_40_an_identity_that_is_not_there() {
    let order = create().identity(identity("id-gone"));
    refused(empty(), order, &[("R-ERR-40", &[identity("id-gone").as_str(), "leave it out"])]);
}

#[test]
fn what_is_wrong_with_the_world_is_told_all_at_once() {
    let mut world = with_vault(VaultModel::Rbac);
    world.mutate_vault_retention(VAULT, 90, false);
    world.mutate_vault_firewall(VAULT, true, false, &[]);
    world.mutate_vault_tenant(VAULT, Uuid::from_u128(77));
    world.seed_registry("elsewhere", REGISTRY, "Premium");
    let order = Create::new(registry(), "westeurope".parse().unwrap()).vault(vault()).identity(identity("id-gone"));
    let wanted: &[Wanted<'_>] = &[
        ("R-ERR-37", &[REGISTRY]),
        ("R-ERR-40", &["id-gone"]),
        ("R-CMK-41", &[VAULT]),
        ("R-CMK-06", &[VAULT]),
        ("R-CMK-38", &[VAULT]),
        ("own", &["encryption"]),
    ];
    refused(world, order, wanted);
}

// ---- rotate ---------------------------------------------------------------------------------------------------------

#[test]
fn r_cmk_02_rotating_a_registry_without_a_key() {
    let mut world = empty();
    world.seed_registry(GROUP, REGISTRY, "Premium");
    refused(world.clone(), rotate(), &[("R-CMK-02", &[REGISTRY, "no customer-managed key", "create"])]);
    let key: KeyId = format!("https://{VAULT}.vault.azure.net/keys/{KEY}").parse().unwrap();
    refused(world, rotate().to_version(key), &[("R-CMK-02", &[REGISTRY])]);
}

#[test]
fn r_err_40_rotating_a_registry_that_is_not_there() {
    refused(empty(), rotate(), &[("R-ERR-40", &[registry().as_str(), "check"])]);
    let mut elsewhere = empty();
    elsewhere.seed_registry("elsewhere", REGISTRY, "Premium");
    refused(elsewhere, rotate(), &[("R-ERR-40", &[registry().as_str()])]);
}

/// A world with a second key `next`, and the id of its version.
fn with_next(spoil: impl FnOnce(&mut World, &str)) -> (World, KeyId) {
    let mut world = encrypted(KeyRef::Versioned, VaultModel::Policy);
    let now = world.now();
    let version = world.seed_key(VAULT, "next", now);
    spoil(&mut world, &version);
    let id = Fixture::of(world.clone()).version("next", &version);
    (world, id)
}

#[test]
fn r_kv_14_a_target_that_is_disabled_expired_or_not_yet_valid() {
    type Spoil = fn(&mut World, &str);
    let cases: [(&str, Spoil); 3] = [
        ("is disabled", |w, v| w.mutate_version_enabled(VAULT, "next", v, false)),
        ("has expired", |w, v| {
            let past = w.now().unix_timestamp();
            w.mutate_version_dates(VAULT, "next", v, None, Some(past));
        }),
        ("is not yet valid", |w, v| {
            let soon = w.now().unix_timestamp() + 60;
            w.mutate_version_dates(VAULT, "next", v, Some(soon), None);
        }),
    ];
    for (words, spoil) in cases {
        let (world, id) = with_next(spoil);
        refused(world.clone(), rotate().to_version(id.clone()), &[("R-KV-14", &[&id.to_string(), words])]);
        refused(world, rotate().to_version(id.versionless()), &[("R-KV-14", &[&id.to_string(), words])]);
    }
}

#[test]
fn r_cmk_05_a_target_that_cannot_wrap() {
    let (world, id) = with_next(|w, v| w.mutate_version_ops(VAULT, "next", v, &["unwrapKey", "encrypt"]));
    refused(world, rotate().to_version(id.clone()), &[("R-CMK-05", &[&id.to_string(), "wrapKey"])]);

    let (mut world, _) = with_next(|_, _| ());
    let now = world.now();
    let version = world.seed_key_of(VAULT, "curve", "EC", now);
    let id = Fixture::of(world.clone()).version("curve", &version);
    let wanted: &[Wanted<'_>] =
        &[("R-CMK-05", &["is of type EC"]), ("R-CMK-05", &["wrapKey"]), ("R-CMK-05", &["unwrapKey"])];
    refused(world, rotate().to_version(id), wanted);
}

#[test]
fn r_err_27_a_target_that_is_not_there() {
    let (world, id) = with_next(|_, _| ());
    let gone = id.with_version("0".repeat(32).parse().unwrap());
    refused(world.clone(), rotate().to_version(gone.clone()), &[("R-ERR-27", &[&gone.to_string()])]);
    let none = Fixture::of(world.clone()).key("none");
    refused(world, rotate().to_version(none.clone()), &[("R-ERR-27", &[&none.to_string(), "recover"])]);
}

#[test]
fn r_cmk_09_the_identity_is_not_attached() {
    let mut world = encrypted(KeyRef::Versionless, VaultModel::Policy);
    world.mutate_detach_identity(registry().as_str(), identity(IDENTITY).as_str());
    let client = world.registry(registry().as_str()).unwrap().identity.unwrap();
    refused(world.clone(), rotate(), &[("R-CMK-09", &[&client, REGISTRY, "cmk reassign"])]);
    let key = Fixture::of(world.clone()).key(KEY);
    refused(world, rotate().to_version(key), &[("R-CMK-09", &[&client])]);
}

#[test]
fn r_cmk_36_r_cmk_10_a_key_of_another_cloud_and_of_a_managed_hsm() {
    for (cloud, host) in [(Cloud::china(), "next.vault.azure.cn"), (Cloud::us_gov(), "next.vault.usgovcloudapi.net")] {
        let key = KeyId::parse(&cloud, &format!("https://{host}/keys/k")).unwrap();
        let world = encrypted(KeyRef::Versioned, VaultModel::Policy);
        refused(world, rotate().to_version(key.clone()), &[("R-CMK-36", &[&key.to_string(), "public"])]);
    }
    let hsm: KeyId = "https://next.managedhsm.azure.net/keys/k".parse().unwrap();
    let world = encrypted(KeyRef::Versioned, VaultModel::Policy);
    refused(world, rotate().to_version(hsm.clone()), &[("R-CMK-10", &[&hsm.to_string()])]);
}

fn with_version_in_use_disabled() -> World {
    let mut world = encrypted(KeyRef::Versioned, VaultModel::Policy);
    let version = world.key_versions(VAULT, KEY).remove(0).version;
    world.mutate_version_enabled(VAULT, KEY, &version, false);
    world
}

#[test]
fn r_cmk_15_the_version_in_use_is_disabled() {
    let world = with_version_in_use_disabled();
    let used = world.registry(registry().as_str()).unwrap().versioned_key_identifier.unwrap();
    refused(world, rotate(), &[("R-CMK-15", &[&used, "disabled", "enable it"])]);
}

/// Whatever it is rotated to, the data key is unwrapped with the version in use first.
#[test]
fn r_cmk_15_the_version_in_use_is_disabled_and_another_key_is_named() {
    let mut world = with_version_in_use_disabled();
    let now = world.now();
    world.seed_key(VAULT, "next", now);
    let used = world.registry(registry().as_str()).unwrap().versioned_key_identifier.unwrap();
    let next = Fixture::of(world.clone()).key("next");
    refused(world, rotate().to_version(next), &[("R-CMK-15", &[&used, "disabled", "enable it"])]);
}

#[test]
fn r_cmk_11_a_registry_that_follows_its_key_cannot_go_to_a_version_that_is_not_current() {
    let mut world = encrypted(KeyRef::Versionless, VaultModel::Policy);
    let old = world.key_versions(VAULT, KEY).remove(0).version;
    world.mutate_new_version(VAULT, KEY);
    let id = Fixture::of(world.clone()).version(KEY, &old);
    refused(world.clone(), rotate().to_version(id.clone()), &[("R-CMK-11", &[&id.to_string(), "--versioned"])]);
    // Pinned, it can: that is the way back (R-FL-07).
    run_paused(async {
        let fixture = Fixture::of(world);
        let done = fixture.run(rotate().to_version(id.clone()).referring(Reference::Versioned)).await.unwrap();
        assert_eq!((&done.in_use, done.reference), (&id, Reference::Versioned));
        assert_eq!(fixture.seen().key_identifier, Some(id.to_string()));
    });
}

#[test]
fn r_kv_34_a_caller_without_rights_on_the_key() {
    let scope = format!("{}/keys/{KEY}", vault());
    let world = encrypted(KeyRef::Versionless, VaultModel::Rbac);
    refused(world, rotate(), &[("R-KV-34", &["Key Vault Crypto Officer", &scope, "grant_me", "--grant-me"])]);

    let mut world = encrypted(KeyRef::Versionless, VaultModel::Policy);
    let operator = world.operator().object_id;
    world.mutate_remove_policies(VAULT, operator);
    refused(world, rotate(), &[("R-KV-34", &["access policy", "get, list, create", vault().as_str(), "grant_me"])]);
}

#[test]
fn r_kv_40_the_vaults_firewall_shuts_the_caller_out() {
    let mut world = encrypted(KeyRef::Versioned, VaultModel::Policy);
    world.mutate_vault_firewall(VAULT, true, true, &["198.51.100.0/24"]);
    let wanted: &[Wanted<'_>] = &[("R-KV-40", &["address 203.0.113.1 through", "does not let this caller in", VAULT])];
    refused(world, rotate(), wanted);
}

#[test]
fn r_kv_10_no_room_for_one_more_tag() {
    let tagged = |count: usize| {
        let mut world = encrypted(KeyRef::Versioned, VaultModel::Policy);
        let version = world.key_versions(VAULT, KEY).remove(0).version;
        for n in 0..count {
            world.mutate_version_tag(VAULT, KEY, &version, &format!("tag-{n}"), "x");
        }
        world
    };
    let key = Fixture::of(tagged(0)).key(KEY).to_string();
    refused(tagged(15), rotate(), &[("R-KV-10", &[&key, "15 tags", "take a tag off"])]);
    run_paused(async {
        let fixture = Fixture::of(tagged(14));
        fixture.run(rotate()).await.unwrap();
        let newest = fixture.sim.with_world(|w, _| w.key_versions(VAULT, KEY)).remove(1);
        assert_eq!(newest.tags.len(), 15, "the user's tags and ours");
    });
}

#[test]
fn several_reasons_not_to_rotate_are_told_at_once() {
    let mut world = encrypted(KeyRef::Versioned, VaultModel::Rbac);
    let version = world.key_versions(VAULT, KEY).remove(0).version;
    world.mutate_version_enabled(VAULT, KEY, &version, false);
    world.mutate_detach_identity(registry().as_str(), identity(IDENTITY).as_str());
    run_paused(async {
        let fixture = Fixture::of(world);
        let plan = fixture.run(rotate()).plan().await.unwrap();
        let rules: Vec<_> = plan.refusals.iter().map(|r| r.rule.as_str()).collect();
        for rule in ["R-CMK-09", "R-CMK-15", "R-KV-34"] {
            assert!(rules.contains(&rule), "{rule} is missing: {plan}");
        }
    });
}

// ---- what is left alone, kept, changed ------------------------------------------------------------------------------

#[test]
fn create_again_after_a_rotation_changes_nothing_and_takes_nothing_back() {
    for pinned in [false, true] {
        run_paused(async {
            let fixture = Fixture::of(with_vault(VaultModel::Policy));
            let order = if pinned { create().vault(vault()).versioned() } else { create().vault(vault()) };
            let first = fixture.run(order.clone()).await.unwrap();
            let moved = fixture.run(rotate()).await.unwrap();
            assert_ne!(first.in_use, moved.in_use);
            let (before, writes) = (fixture.seen(), fixture.sim.writes());

            let plan = fixture.run(order.clone()).plan().await.unwrap();
            assert!(!plan.has_changes() && plan.refusals.is_empty(), "{plan}");
            assert!(plan.to_string().ends_with("Nothing to do.\n"), "{plan}");
            let again = fixture.run(order).named("again").await.unwrap();
            assert_eq!((again.in_use, again.identity, again.vault), (moved.in_use, None, None));
            assert_eq!((fixture.seen(), fixture.sim.writes()), (before, writes), "nothing is written");
            assert!(fixture.told().iter().any(|t| t.contains("nothing is changed")), "{:#?}", fixture.told());
        });
    }
}

async fn rotated(fixture: &Fixture, order: Rotate) -> Rotated {
    fixture.run(order).await.unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn r_cmk_13_rotate_keeps_the_reference_it_finds() {
    for (key_ref, reference) in
        [(KeyRef::Versionless, Reference::Versionless), (KeyRef::Versioned, Reference::Versioned)]
    {
        run_paused(async {
            let fixture = Fixture::of(encrypted(key_ref, VaultModel::Policy));
            let plan = fixture.run(rotate()).plan().await.unwrap().to_string();
            assert!(!plan.contains("follow its key") && !plan.contains("stops following"), "{plan}");
            let done = rotated(&fixture, rotate()).await;
            assert_eq!(done.reference, reference);
            let expected = if key_ref == KeyRef::Versioned { done.in_use.clone() } else { done.in_use.versionless() };
            assert_eq!(fixture.seen().key_identifier, Some(expected.to_string()));
        });
    }
}

#[test]
fn r_cmk_13_referring_changes_the_reference_and_the_plan_says_so() {
    let cases = [
        (KeyRef::Versionless, Reference::Versioned, "the registry stops following its key (R-CMK-13)"),
        (KeyRef::Versioned, Reference::Versionless, "the registry begins to follow its key (R-CMK-13)"),
    ];
    for (key_ref, reference, words) in cases {
        run_paused(async {
            let fixture = Fixture::of(encrypted(key_ref, VaultModel::Policy));
            let order = rotate().referring(reference);
            let plan = fixture.run(order.clone()).plan().await.unwrap().to_string();
            assert!(plan.contains(words), "{plan}");
            let done = rotated(&fixture, order).await;
            assert_eq!(done.reference, reference);
            let pinned = fixture.seen().key_identifier == Some(done.in_use.to_string());
            assert_eq!(pinned, reference == Reference::Versioned);
        });
    }
}

/// Without minting anything: the registry stays on its version and only refers to it in another way.
#[test]
fn r_cmk_13_referring_to_the_version_in_use_makes_none() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versionless, VaultModel::Policy));
        let order = rotate().to_version(fixture.key(KEY)).referring(Reference::Versioned);
        let done = rotated(&fixture, order).await;
        assert_eq!(fixture.versions(KEY).len(), 1);
        assert_eq!(done.previous, Some(done.in_use.clone()));
        assert_eq!(fixture.seen().key_identifier, Some(done.in_use.to_string()));
    });
}

#[test]
fn to_version_of_a_versionless_id_means_the_keys_current_version() {
    for (key_ref, pinned) in [(KeyRef::Versioned, true), (KeyRef::Versionless, false)] {
        run_paused(async {
            let mut world = encrypted(key_ref, VaultModel::Policy);
            let now = world.now();
            let identity = world.registry(registry().as_str()).unwrap().identity.unwrap();
            assert!(!identity.is_empty());
            world.seed_key(VAULT, "next", now);
            world.mutate_new_version(VAULT, "next");
            let fixture = Fixture::of(world);
            let current = fixture.version("next", fixture.versions("next").last().unwrap());
            let done = rotated(&fixture, rotate().to_version(fixture.key("next"))).await;
            assert_eq!(done.in_use, current);
            let expected = if pinned { current } else { current.versionless() };
            assert_eq!(fixture.seen().key_identifier, Some(expected.to_string()));
            assert_eq!(fixture.versions("next").len(), 2, "none is made");
        });
    }
}

// ---- the hourly look ------------------------------------------------------------------------------------------------

fn hourly(poll: Duration) -> World {
    let params = Params { patch_triggers_pickup: false, acr_auto_rotate_poll: poll, ..Params::default() };
    encrypted_with(params, KeyRef::Versionless, VaultModel::Policy)
}

#[test]
fn r_cmk_11_a_registry_that_looks_hourly_is_waited_for() {
    run_paused(async {
        let mut world = hourly(Duration::from_secs(3600));
        let start = world.now();
        world.mutate_next_poll(registry().as_str(), start + Duration::from_secs(50 * 60));
        let fixture = Fixture::of(world);
        let done = rotated(&fixture, rotate()).await;
        let waited = fixture.elapsed(start);
        assert!(waited >= Duration::from_secs(50 * 60) && waited < Duration::from_secs(53 * 60), "{waited:?}");
        assert_eq!(fixture.seen().versioned_key_identifier, Some(done.in_use.to_string()));
        let told = fixture.told().iter().filter(|t| t.contains("within the hour (R-CMK-11)")).count();
        assert!(told > 30, "it tells that it waits: {told} times");
        assert_eq!(fixture.versions(KEY).len(), 2);
    });
}

#[test]
fn r_cmk_11_a_registry_that_stays_on_the_old_version_is_given_up_on_after_90_minutes() {
    run_paused(async {
        let world = hourly(Duration::from_secs(24 * 3600));
        let mut world = world;
        let start = world.now();
        world.mutate_next_poll(registry().as_str(), start + Duration::from_secs(20 * 3600));
        let fixture = Fixture::of(world);
        let old = fixture.seen().versioned_key_identifier.unwrap();
        let error = fixture.run(rotate()).named("stuck").await.unwrap_err();
        let waited = fixture.elapsed(start);
        assert!(waited >= Duration::from_secs(90 * 60) && waited < Duration::from_secs(93 * 60), "{waited:?}");
        assert!(matches!(error.kind(), ErrorKind::Unsettled { .. }), "{error:#?}");
        let (text, new) = (error.to_string(), fixture.versions(KEY).remove(1));
        let client = fixture.seen().identity.unwrap();
        let back = format!(
            "az acr encryption rotate-key --name {REGISTRY} --resource-group {GROUP} --key-encryption-key {old} --identity {client}"
        );
        for words in
            [new.as_str(), &format!("still on {old}"), "90 min", "must stay enabled", &back, "cmk resume stuck"]
        {
            assert!(text.contains(words), "'{words}' is missing: {text}");
        }
        let [hint] = error.hints() else { panic!("{:#?}", error.hints()) };
        assert_eq!(hint.step, "point-registry");
        let Rollback::WithLoss { undo, loss } = &hint.rollback else { panic!("{hint:#?}") };
        assert!(undo.az == back && loss.contains("R-FL-07"), "{hint:#?}");

        // Taken up again when the registry has looked, it is through, and no further version is made.
        fixture.sim.clock().sleep(Duration::from_secs(20 * 3600)).await;
        fixture.run(rotate()).named("stuck").await.unwrap();
        assert_eq!(fixture.versions(KEY).len(), 2);
        assert!(!fixture.records("stuck").await.iter().any(|r| matches!(r.entry, Entry::Rejected { .. })));
    });
}

#[test]
fn waiting_is_told_with_its_step_and_reason() {
    run_paused(async {
        let fixture = Fixture::of(hourly(Duration::from_secs(3600)));
        rotated(&fixture, rotate()).await;
        let events = fixture.events.lock().unwrap();
        assert!(events.iter().any(|e| matches!(e, Event::Waiting { step: "point-registry", .. })), "{events:#?}");
    });
}

// ---- a key that is shared -------------------------------------------------------------------------------------------

/// Somebody who may do everything in the group and with the key, and sees nothing of the rest of the subscription.
fn with_group_admin(world: &mut World) -> Uuid {
    let now = world.now();
    let somebody = world.add_principal(PrincipalKind::ServicePrincipal, "group-admin").object_id;
    let group = format!("/subscriptions/{}/resourceGroups/{GROUP}", subscription());
    world.set_role(somebody, roles::CONTRIBUTOR, &group, now);
    world.set_role(somebody, roles::KEY_VAULT_CRYPTO_OFFICER, &group, now);
    somebody
}

fn shared_key() -> World {
    let mut world = encrypted(KeyRef::Versionless, VaultModel::Rbac);
    let id = identity(IDENTITY).to_string();
    for (group, name, key_ref) in
        [(GROUP, "contoso2", KeyRef::Versionless), ("elsewhere", "contoso3", KeyRef::Versioned)]
    {
        world.seed_registry_cmk(group, name, VAULT, KEY, key_ref, &id);
    }
    let now = world.now();
    world.seed_key(VAULT, "other", now);
    world.seed_registry_cmk(GROUP, "contoso4", VAULT, "other", KeyRef::Versionless, &id);
    world.seed_registry(GROUP, "plain1", "Basic");
    world
}

#[test]
fn r_fl_06_the_plan_names_the_other_registries_on_the_key() {
    run_paused(async {
        let fixture = Fixture::of(shared_key());
        let plan = fixture.run(rotate().grant_me()).plan().await.unwrap();
        let notes: Vec<_> = plan.notes.iter().filter(|note| note.contains("R-FL-06")).collect();
        let [note] = notes.as_slice() else { panic!("{plan}") };
        assert!(note.contains("registries/contoso2") && note.contains("registries/contoso3"), "{note}");
        for other in ["contoso1", "contoso4", "plain1"] {
            assert!(!note.contains(&format!("registries/{other}")), "{note}");
        }
        assert!(note.contains("R-FL-06") && note.contains("as far as found in this subscription"), "{note}");
    });
}

#[test]
fn r_fl_06_when_the_list_is_forbidden_the_others_are_unknown() {
    run_paused(async {
        let mut world = shared_key();
        let somebody = with_group_admin(&mut world);
        let fixture = Fixture::of(world);
        let azure = fixture.azure_as(somebody);
        let plan = fixture.run_on(&azure, rotate()).plan().await.unwrap();
        assert!(plan.refusals.is_empty(), "{plan}");
        let note = plan.notes.iter().find(|n| n.contains("other registries")).unwrap_or_else(|| panic!("{plan}"));
        assert!(
            note.contains("is unknown: ") && note.contains("AuthorizationFailed") && note.contains("R-FL-06"),
            "{note}"
        );
        assert!(!plan.to_string().contains("contoso2"), "{plan}");
        fixture.run_on(&azure, rotate()).await.unwrap();
    });
}
