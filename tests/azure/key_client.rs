//! The official client of a vault, as the handle gives it out.

use azure_security_keyvault_keys::{ResourceExt as _, models::KeyClientGetKeyOptions};
use cmk::{
    Cloud,
    azure::{Cause, Sent, id::VaultHost},
};
use cmk_mocks::{KeyRef, VaultModel};
use cmk_tests::ground::{self, Ground, KEY, encrypted, play};

#[test]
fn the_official_client_reads_a_key() {
    play(async {
        let ground = Ground::of(encrypted(KeyRef::Versioned, VaultModel::Policy));
        let azure = ground.azure();
        let (id, version) = (ground.key(KEY), ground.versions(KEY).remove(0));
        let client = azure.key_client(id.host()).unwrap();
        assert_eq!(ground.sim.requests(), 0);

        let current = client.get_key(KEY, None).await.unwrap().into_model().unwrap();
        let options = KeyClientGetKeyOptions { key_version: Some(version.clone()), ..Default::default() };
        let pinned = client.get_key(KEY, Some(options)).await.unwrap().into_model().unwrap();
        for key in [current, pinned] {
            assert_eq!(key.resource_id().unwrap().version.as_deref(), Some(version.as_str()));
            let kid = key.key.unwrap().kid.unwrap();
            assert_eq!(kid, azure.reader().key(&id).await.unwrap().unwrap().id().to_string());
        }
        assert_eq!(ground.sim.writes(), 0);
    });
}

#[test]
fn there_is_no_official_client_for_a_vault_elsewhere() {
    play(async {
        let ground = Ground::of(ground::empty());
        let host: VaultHost = "kv-contoso1.vault.azure.cn".parse().unwrap();
        assert!(host.is_in(&Cloud::china()));
        let error = ground.azure().key_client(&host).err().unwrap();
        assert!(matches!(*error.cause, Cause::Foreign(_)), "{error:?}");
        assert_eq!((error.sent, ground.sim.requests()), (Sent::No, 0));
    });
}
