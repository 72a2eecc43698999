//! The official client of a vault, as the handle gives it out.

use azure_security_keyvault_keys::{ResourceExt as _, models::KeyClientGetKeyOptions};
use cmk::{
    Cloud,
    azure::{Cause, Sent, id::VaultHost},
};
use cmk_mocks::{KeyRef, VaultModel};
use cmk_tests::{
    Fixture,
    fixture::{self, KEY, encrypted},
    run_paused,
};

#[test]
fn the_official_client_reads_a_key() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versioned, VaultModel::Policy));
        let azure = fixture.azure();
        let (id, version) = (fixture.key(KEY), fixture.versions(KEY).remove(0));
        let client = azure.key_client(id.host()).unwrap();
        assert_eq!(fixture.sim.requests(), 0);

        let current = client.get_key(KEY, None).await.unwrap().into_model().unwrap();
        let options = KeyClientGetKeyOptions { key_version: Some(version.clone()), ..Default::default() };
        let pinned = client.get_key(KEY, Some(options)).await.unwrap().into_model().unwrap();
        for key in [current, pinned] {
            assert_eq!(key.resource_id().unwrap().version.as_deref(), Some(version.as_str()));
            let kid = key.key.unwrap().kid.unwrap();
            assert_eq!(kid, azure.reader().key(&id).await.unwrap().unwrap().id().to_string());
        }
        assert_eq!(fixture.sim.writes(), 0);
    });
}

#[test]
fn there_is_no_official_client_for_a_vault_elsewhere() {
    run_paused(async {
        let fixture = Fixture::of(fixture::empty());
        let host: VaultHost = "kv-contoso1.vault.azure.cn".parse().unwrap();
        assert!(host.is_in(&Cloud::china()));
        let error = fixture.azure().key_client(&host).err().unwrap();
        assert!(matches!(*error.cause, Cause::Foreign(_)), "{error:?}");
        assert_eq!((error.sent, fixture.sim.requests()), (Sent::No, 0));
    });
}
