//! A registry made with its key.

use super::*;
use cmk::{Create, Irreversible};
use cmk_mocks::FailureStyle;

pub(super) static SCENARIOS: Scenarios = Scenarios {
    public: &[&FROM_NOTHING, &ON_POLICIES, &ON_A_DELETED_VAULT],
    other_clouds: &[&IN_CHINA, &IN_US_GOV],
    ..NONE
};

/// Create from nothing, or with a vault that is there or was deleted.
pub struct CreateNew {
    name: &'static str,
    vault: VaultBefore,
    style: FailureStyle,
    pinned: bool,
    cloud: SimCloud,
}

/// What of the vault is there before.
#[derive(Clone, Copy, PartialEq)]
enum VaultBefore {
    Nothing,
    Adopted(VaultModel),
    Deleted,
}

const CREATE: CreateNew = CreateNew {
    name: "",
    vault: VaultBefore::Nothing,
    style: FailureStyle::Lro,
    pinned: false,
    cloud: SimCloud::Public,
};
static FROM_NOTHING: CreateNew = CreateNew { name: "create", ..CREATE };
static ON_POLICIES: CreateNew =
    CreateNew { name: "create on policies", vault: VaultBefore::Adopted(VaultModel::Policy), pinned: true, ..CREATE };
static ON_A_DELETED_VAULT: CreateNew =
    CreateNew { name: "create on a deleted vault", vault: VaultBefore::Deleted, style: FailureStyle::Sync, ..CREATE };
static IN_CHINA: CreateNew = CreateNew { name: "create in China", cloud: SimCloud::China, ..CREATE };
static IN_US_GOV: CreateNew = CreateNew { name: "create in US Gov", cloud: SimCloud::UsGov, ..CREATE };

/// The names of vault and identity that are derived from the registry's id.
pub(super) fn derived() -> (&'static str, &'static str) {
    static NAMES: std::sync::OnceLock<(String, String)> = std::sync::OnceLock::new();
    let (vault, identity) = NAMES.get_or_init(|| {
        (VaultId::derived_from(&registry()).name().to_owned(), order().identity_id().name().to_owned())
    });
    (vault, identity)
}

pub(super) fn order() -> Create {
    Create::new(registry(), "westeurope".parse().unwrap())
        .accept(Irreversible::Encryption)
        .accept(Irreversible::PurgeProtection)
}

impl Scenario for CreateNew {
    fn name(&self) -> &'static str {
        self.name
    }
    fn set(&self, seed: u64) -> (World, Order) {
        let params = Params { acr_failure_style: self.style, ..Params::default() };
        let mut world = World::with_params(setup(seed, self.cloud), params);
        if self.vault == VaultBefore::Nothing {
            world.mutate_provider("Microsoft.KeyVault", false);
        } else {
            world.seed_group(GROUP);
            let model = if let VaultBefore::Adopted(model) = self.vault { model } else { VaultModel::Rbac };
            world.seed_vault(GROUP, VAULT, model);
        }
        if self.vault == VaultBefore::Deleted {
            world.mutate_delete_vault(VAULT);
        }
        let order = order().vault(vault(self.end().vault));
        (world, if self.pinned { order.versioned().into() } else { order.into() })
    }
    fn end(&self) -> End {
        let (made, identity) = derived();
        let vault = if self.vault == VaultBefore::Nothing { made } else { VAULT };
        End { vault, key: "contoso1-cmk", identity, pinned: self.pinned, ..END }
    }
    fn cloud(&self) -> Cloud {
        real(self.cloud)
    }
}
