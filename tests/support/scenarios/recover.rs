//! A deleted key, or vault, brought back.

use super::*;
use cmk::Recover;

pub(super) static SCENARIOS: Scenarios = Scenarios {
    public: &[&KEY_ALONE, &VAULT_AND_KEY],
    mends: &[("recover", || Recover::new(registry()).grant_me().enable_version().into())],
    ..NONE
};

static KEY_ALONE: SimpleScenario = SimpleScenario {
    name: "recover a key",
    set: |seed| {
        let mut world = encrypted(seed, KeyRef::Versionless, VaultModel::Policy);
        world.mutate_delete_key(VAULT, KEY);
        (world, Recover::new(registry()).into())
    },
    end: End { again: &["revalidate"], ..END },
    also: nothing_else,
};

static VAULT_AND_KEY: SimpleScenario = SimpleScenario {
    name: "recover a vault and its key",
    set: |seed| {
        let mut world = encrypted(seed, KeyRef::Versioned, VaultModel::Rbac);
        world.mutate_delete_key(VAULT, KEY);
        world.mutate_delete_vault(VAULT);
        (world, Recover::new(registry()).grant_me().into())
    },
    end: End { pinned: true, again: &["revalidate"], unplanned: &["grant"], ..END },
    also: |world, what| {
        assert!(world.vault_names().iter().any(|v| v == VAULT) && !world.vault_deleted(VAULT), "{what}");
    },
};
