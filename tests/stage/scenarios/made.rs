//! What is made otherwise: by a template, or from key material of one's own.

use super::*;
use cmk::{Deploy, ImportKey, Irreversible};

pub static IMPORT: Play = Play {
    name: "import a key",
    set: |seed| {
        let world = encrypted(seed, KeyRef::Versionless, VaultModel::Rbac);
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/pkcs8.pem");
        let order = ImportKey::pem(vault(VAULT), "own".parse().unwrap(), file).unwrap();
        (world, order.grant_me().into())
    },
    end: END,
    also: |world, what| {
        let versions = world.key_versions(VAULT, "own");
        assert_eq!(versions.len(), 1, "{what}: {versions:#?}");
    },
};

pub static DEPLOY: Play = Play {
    name: "deploy a template",
    set: |seed| {
        let mut world = World::with_params(setup(seed, SimCloud::Public), soon());
        world.seed_group(GROUP);
        let template = cmk::template(&create::order().access_policies(), &Cloud::public()).unwrap();
        let order = Deploy::new(subscription(), GROUP.parse().unwrap(), template)
            .accept(Irreversible::Encryption)
            .accept(Irreversible::PurgeProtection);
        (world, order.into())
    },
    end: END,
    also: nothing_else,
};
