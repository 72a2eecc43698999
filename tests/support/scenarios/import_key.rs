//! Key material of one's own.

use super::*;
use cmk::ImportKey;

pub(super) static SCENARIOS: Scenarios = Scenarios { public: &[&IMPORT], ..NONE };

static IMPORT: SimpleScenario = SimpleScenario {
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
