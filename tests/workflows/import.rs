//! Keys of one's own: imported once however a run is cut short, never written down, and told apart from what is none.

use cmk::{
    Create, ErrorKind, ImportKey, Irreversible, Rotate,
    azure::keys::{InvalidMaterial, KeyMaterial},
    steps::Reference,
};
use cmk_mocks::{Fault, KeyRef, Match, Params, VaultModel, What, When};
use cmk_tests::{
    Fixture,
    fixture::{self, KEY, encrypted, registry, vault, with_vault},
    run_paused,
};
use std::path::PathBuf;

fn file(name: &str) -> PathBuf {
    cmk_tests::repository("tests/keys").join(name)
}
fn pem(name: &str) -> ImportKey {
    ImportKey::pem(vault(), "own".parse().unwrap(), file(name)).unwrap()
}

#[test]
fn both_forms_of_pem_are_one_key() {
    let of = |name: &str| KeyMaterial::pem(&std::fs::read(file(name)).unwrap()).unwrap().fingerprint().to_owned();
    assert_eq!(of("pkcs8.pem"), of("pkcs1.pem"));
    assert_ne!(of("pkcs8.pem"), of("other.pem"));
    let text = std::fs::read_to_string(file("pkcs8.pem")).unwrap();
    let cut = text.replace("MII", "AII");
    assert_eq!(KeyMaterial::pem(cut.as_bytes()).unwrap_err(), InvalidMaterial::Broken);
    assert!(!format!("{:?}", KeyMaterial::pem(text.as_bytes()).unwrap()).contains("MII"));
}

#[test]
fn a_key_is_imported_once_and_a_registry_put_on_it() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versionless, VaultModel::Rbac));
        let order = pem("pkcs8.pem").grant_me();
        let plan = fixture.run(order.clone()).plan().await.unwrap();
        assert!(plan.refusals.is_empty() && plan.has_changes(), "{plan}");
        assert_eq!(fixture.sim.writes(), 0);
        let imported = fixture.run(order.clone()).named("import").await.unwrap();
        assert_eq!(fixture.versions("own").len(), 1);
        // The same name: its outcome. Another name: it is so already.
        assert_eq!(fixture.run(order.clone()).named("import").await.unwrap(), imported);
        assert_eq!(fixture.run(order).named("again").await.unwrap().key, imported.key);
        assert_eq!(fixture.versions("own").len(), 1);
        let rotate = Rotate::new(registry()).to_version(imported.key.versionless());
        let rotated = fixture.run(rotate).await.unwrap();
        assert_eq!(rotated.in_use, imported.key);
        assert_eq!(rotated.reference, Reference::Versionless);
        let written = fixture.written().await;
        let secret = std::fs::read_to_string(file("pkcs1.pem")).unwrap();
        let lines = secret.lines().filter(|l| l.len() > 60);
        assert!(lines.clone().count() > 10);
        for line in lines {
            assert!(!written.contains(line), "key material is in the journal");
        }
        assert!(written.contains("pkcs8.pem") && written.contains(&imported.fingerprint));
    });
}

#[test]
fn r_kv_11_an_answer_that_is_lost_makes_no_second_version() {
    for what in [What::LostAfter, What::LostBefore, What::Status { code: 503, retry_after_s: None }, What::CutBody] {
        run_paused(async {
            let fixture = Fixture::of(with_vault(VaultModel::Policy));
            // The caller made the vault, and has its policy.
            fixture.sim.schedule([Fault::new(When::matching(Match::new("PUT", "/keys/own")), what.clone())]);
            for _ in 0..3 {
                if fixture.run(pem("pkcs8.pem").grant_me()).named("import").await.is_ok() {
                    break;
                }
            }
            let done = fixture.run(pem("pkcs8.pem").grant_me()).named("import").await.unwrap();
            assert_eq!(fixture.versions("own").len(), 1, "{what:?}");
            assert!(done.key.to_string().ends_with(&fixture.versions("own")[0]), "{what:?}");
        });
    }
}

#[test]
fn another_key_of_the_name_becomes_a_further_version() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versionless, VaultModel::Policy));
        let order = ImportKey::pem(vault(), KEY.parse().unwrap(), file("other.pem")).unwrap().grant_me();
        let plan = fixture.run(order.clone()).plan().await.unwrap();
        assert!(plan.to_string().contains("R-FL-06"), "{plan}");
        fixture.run(order).await.unwrap();
        assert_eq!(fixture.versions(KEY).len(), 2);
    });
}

#[test]
fn a_registry_is_created_with_a_key_of_ones_own() {
    run_paused(async {
        let fixture = Fixture::of(with_vault(VaultModel::Rbac));
        let imported = fixture.run(pem("other.pem").grant_me()).await.unwrap();
        let create = Create::new(registry(), "westeurope".parse().unwrap())
            .vault(vault())
            .key(imported.key.versionless())
            .accept(Irreversible::Encryption);
        let created = fixture.run(create).await.unwrap();
        assert_eq!(created.in_use, imported.key);
    });
}

#[test]
fn what_is_no_key_is_refused_before_anything_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let of = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let e = ImportKey::pem(vault(), "own".parse().unwrap(), path).unwrap_err();
        assert!(matches!(e.kind(), ErrorKind::Invalid(_)), "{e:#?}");
        e.to_string()
    };
    let block = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
    assert!(of("empty", "").contains("no PEM file"));
    assert!(of("locked", &block("ENCRYPTED PRIVATE KEY")).contains("az keyvault key import"));
    assert!(of("ec", &block("EC PRIVATE KEY")).contains("R-CMK-05"));
    assert!(of("large", &"x".repeat(2 * 1024 * 1024)).contains("too large"));
    let e = ImportKey::pem(vault(), "own".parse().unwrap(), dir.path().join("none")).unwrap_err();
    assert!(e.to_string().contains("none"), "{e}");
    let e = ImportKey::byok(vault(), "own".parse().unwrap(), file("pkcs8.pem")).unwrap_err();
    assert!(e.to_string().contains("transfer blob"), "{e}");
}

#[test]
fn a_file_that_has_changed_is_not_sent() {
    run_paused(async {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.pem");
        std::fs::copy(file("pkcs8.pem"), &path).unwrap();
        let fixture = Fixture::of(with_vault(VaultModel::Policy));
        let order = ImportKey::pem(vault(), "own".parse().unwrap(), &path).unwrap().grant_me();
        std::fs::copy(file("other.pem"), &path).unwrap();
        let e = fixture.run(order).await.unwrap_err();
        assert!(e.to_string().contains("another key"), "{e}");
        assert_eq!(fixture.versions("own").len(), 0);
    });
}

#[test]
fn r_kv_34_without_the_right_it_is_refused() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versionless, VaultModel::Rbac));
        let e = fixture.run(pem("pkcs8.pem")).await.unwrap_err();
        assert!(e.refusals().iter().any(|r| r.rule == "R-KV-34" && r.way_out.contains("grant-me")), "{e}");
        assert_eq!(fixture.sim.writes(), 0);
    });
}

#[test]
fn a_transfer_blob_is_kept_in_hardware() {
    run_paused(async {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.byok");
        std::fs::write(
            &path,
            r#"{"schema_version":"1.0.0","header":{"kid":"x"},"ciphertext":"AAAA","generator":"test"}"#,
        )
        .unwrap();
        let mut world = fixture::empty_with(Params::default());
        world.seed_vault(fixture::GROUP, fixture::VAULT, VaultModel::Policy);
        world.mutate_vault_premium(fixture::VAULT, true);
        let fixture = Fixture::of(world);
        let order = ImportKey::byok(vault(), "own".parse().unwrap(), &path).unwrap().grant_me();
        let done = fixture.run(order.clone()).named("byok").await.unwrap();
        assert_eq!(fixture.versions("own").len(), 1);
        assert_eq!(fixture.run(order).named("byok").await.unwrap(), done);
    });
}
