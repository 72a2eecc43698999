//! What is made otherwise: by a template, or from key material of one's own.

use super::*;
use cmk::{Deploy, ImportKey, Irreversible};

pub static IMPORT: Play = Play {
    name: "import a key",
    set: |seed| {
        let world = encrypted(seed, KeyRef::Versionless, VaultModel::Rbac);
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/keys/pkcs8.pem");
        let order = ImportKey::pem(vault(VAULT), "own".parse().unwrap(), file).unwrap();
        (world, order.grant_me().into())
    },
    end: END,
    also: |world, what| {
        let versions = world.key_versions(VAULT, "own");
        assert_eq!(versions.len(), 1, "{what}: {versions:#?}");
    },
};

/// Access policies take effect at once: that a template may come too early for one is tested in `tests/deploy.rs`.
pub static DEPLOY: Play = Play {
    name: "deploy a template",
    set: |seed| {
        let params = Params { access_policy_delay: Delay::ZERO, ..soon() };
        let mut world = World::with_params(setup(seed, SimCloud::Public), params);
        world.seed_group(GROUP);
        let template = cmk::template(&create::order().access_policies(), &Cloud::public()).unwrap();
        let order = Deploy::new(subscription(), GROUP.parse().unwrap(), template)
            .accept(Irreversible::Encryption)
            .accept(Irreversible::PurgeProtection);
        (world, order.into())
    },
    // The names that are derived from the registry's id.
    end: End { vault: "kv-contoso1-173662", key: "contoso1-cmk", identity: "id-contoso1-173662", ..END },
    also: |_, what| {
        let (vault, identity) = create::derived();
        assert_eq!((vault, identity), (DEPLOY.end.vault, DEPLOY.end.identity), "{what}");
    },
};
