//! The plays: an order, and the world it meets. A new workflow joins every generator by one line in [`all`].

use async_trait::async_trait;
use cmk::{
    Azure, Cloud, Create, Error, Irreversible, Order, Rotate,
    azure::id::{RegistryId, SubscriptionId, VaultId},
    journal::Journal,
};
use cmk_mocks::{FailureStyle, KeyRef, Params, Setup, SimCloud, VaultModel, World};
use std::{sync::Arc, time::Duration};

/// One play.
#[async_trait]
pub trait Scenario: Sync {
    fn name(&self) -> &'static str;
    fn world(&self, seed: u64) -> World;
    fn order(&self) -> Order;
    async fn run(&self, azure: &Azure, journal: Arc<dyn Journal>, name: &str) -> Result<serde_json::Value, Error> {
        let done = self.order().on(azure).named(name).shared_journal(journal).await?;
        Ok(serde_json::to_value(done).unwrap())
    }
    /// How many versions the key has when all is done.
    fn versions(&self) -> usize;
    fn vault(&self) -> String;
    fn key(&self) -> &'static str;
    fn cloud(&self) -> Cloud {
        Cloud::public()
    }
    /// Whether the registry refers to its key with a version in the end.
    fn pinned(&self) -> bool;
}

pub const REGISTRY: &str = "contoso1";
const GROUP: &str = "shop";

pub fn subscription() -> SubscriptionId {
    SubscriptionId::new(Setup::default().subscription)
}
pub fn registry() -> RegistryId {
    RegistryId::new(&subscription(), GROUP, REGISTRY).unwrap()
}

/// Rotate to a new version.
pub struct RotateNew {
    pub name: &'static str,
    pub key_ref: KeyRef,
    pub model: VaultModel,
    pub pickup: bool,
    pub grant_me: bool,
    pub style: FailureStyle,
    pub cloud: SimCloud,
}

impl RotateNew {
    const fn new(name: &'static str, key_ref: KeyRef) -> Self {
        Self {
            name,
            key_ref,
            model: VaultModel::Policy,
            pickup: true,
            grant_me: false,
            style: FailureStyle::Lro,
            cloud: SimCloud::Public,
        }
    }
}

pub const VAULT: &str = "kv-contoso1";
pub const KEY: &str = "acr-cmk";

fn real(cloud: SimCloud) -> Cloud {
    match cloud {
        SimCloud::Public => Cloud::public(),
        SimCloud::China => Cloud::china(),
        SimCloud::UsGov => Cloud::us_gov(),
    }
}

fn setup(seed: u64, cloud: SimCloud) -> Setup {
    Setup { seed, cloud, ..Setup::default() }
}

#[async_trait]
impl Scenario for RotateNew {
    fn name(&self) -> &'static str {
        self.name
    }
    fn world(&self, seed: u64) -> World {
        let mut params =
            Params { patch_triggers_pickup: self.pickup, acr_failure_style: self.style, ..Params::default() };
        if !self.pickup {
            // Sooner than the hour it may take (R-CMK-11), for the sake of the number of polls.
            params.acr_auto_rotate_poll = Duration::from_secs(8 * 60);
        }
        let mut world = World::with_params(setup(seed, self.cloud), params);
        let now = world.now();
        world.seed_group(GROUP);
        let identity = world.seed_identity(GROUP, "id-contoso1");
        world.seed_vault(GROUP, VAULT, self.model);
        world.seed_key(VAULT, KEY, now);
        world.seed_registry_cmk(GROUP, REGISTRY, VAULT, KEY, self.key_ref, &identity.id);
        world
    }
    fn order(&self) -> Order {
        let order = Rotate::new(registry()).to_new_version();
        if self.grant_me { order.grant_me().into() } else { order.into() }
    }
    fn versions(&self) -> usize {
        2
    }
    fn vault(&self) -> String {
        VAULT.into()
    }
    fn key(&self) -> &'static str {
        KEY
    }
    fn cloud(&self) -> Cloud {
        real(self.cloud)
    }
    fn pinned(&self) -> bool {
        self.key_ref == KeyRef::Versioned
    }
}

/// Create from nothing, or with a vault that is there or was deleted.
pub struct CreateNew {
    pub name: &'static str,
    pub vault: Ground,
    pub style: FailureStyle,
    pub pinned: bool,
    pub cloud: SimCloud,
}

/// What of the vault is there before.
#[derive(Clone, Copy, PartialEq)]
pub enum Ground {
    Nothing,
    Adopted(VaultModel),
    Deleted,
}

fn vault_of(ground: Ground) -> VaultId {
    match ground {
        Ground::Nothing => VaultId::derived_from(&registry()),
        _ => VaultId::new(&subscription(), GROUP, VAULT).unwrap(),
    }
}

#[async_trait]
impl Scenario for CreateNew {
    fn name(&self) -> &'static str {
        self.name
    }
    fn world(&self, seed: u64) -> World {
        let params = Params { acr_failure_style: self.style, ..Params::default() };
        let mut world = World::with_params(setup(seed, self.cloud), params);
        if self.vault == Ground::Nothing {
            world.mutate_provider("Microsoft.KeyVault", false);
        } else {
            world.seed_group(GROUP);
            let model = if let Ground::Adopted(model) = self.vault { model } else { VaultModel::Rbac };
            world.seed_vault(GROUP, VAULT, model);
        }
        if self.vault == Ground::Deleted {
            world.mutate_delete_vault(VAULT);
        }
        world
    }
    fn order(&self) -> Order {
        let order = Create::new(registry(), "westeurope".parse().unwrap())
            .accept(Irreversible::Encryption)
            .accept(Irreversible::PurgeProtection)
            .vault(vault_of(self.vault));
        if self.pinned { order.versioned().into() } else { order.into() }
    }
    fn versions(&self) -> usize {
        1
    }
    fn vault(&self) -> String {
        vault_of(self.vault).name().into()
    }
    fn key(&self) -> &'static str {
        "contoso1-cmk"
    }
    fn cloud(&self) -> Cloud {
        real(self.cloud)
    }
    fn pinned(&self) -> bool {
        self.pinned
    }
}

/// All plays.
pub fn all() -> &'static [&'static dyn Scenario] {
    const ROTATE: RotateNew = RotateNew::new("", KeyRef::Versioned);
    const CREATE: CreateNew = CreateNew {
        name: "",
        vault: Ground::Nothing,
        style: FailureStyle::Lro,
        pinned: false,
        cloud: SimCloud::Public,
    };
    static ALL: &[&dyn Scenario] = &[
        &RotateNew { name: "rotate pinned", ..ROTATE },
        &RotateNew { name: "rotate followed", key_ref: KeyRef::Versionless, ..ROTATE },
        &RotateNew { name: "rotate followed, hourly", key_ref: KeyRef::Versionless, pickup: false, ..ROTATE },
        &RotateNew {
            name: "rotate with a grant",
            model: VaultModel::Rbac,
            grant_me: true,
            style: FailureStyle::Sync,
            ..ROTATE
        },
        &CreateNew { name: "create", ..CREATE },
        &CreateNew { name: "create on policies", vault: Ground::Adopted(VaultModel::Policy), pinned: true, ..CREATE },
        &CreateNew { name: "create on a deleted vault", vault: Ground::Deleted, style: FailureStyle::Sync, ..CREATE },
    ];
    ALL
}

/// One whole create and rotate in the other clouds.
pub fn other_clouds() -> &'static [&'static dyn Scenario] {
    const ROTATE: RotateNew = RotateNew::new("", KeyRef::Versionless);
    const CREATE: CreateNew = CreateNew {
        name: "",
        vault: Ground::Nothing,
        style: FailureStyle::Lro,
        pinned: false,
        cloud: SimCloud::Public,
    };
    static ALL: &[&dyn Scenario] = &[
        &RotateNew { name: "rotate in China", cloud: SimCloud::China, ..ROTATE },
        &RotateNew { name: "rotate in US Gov", cloud: SimCloud::UsGov, ..ROTATE },
        &CreateNew { name: "create in China", cloud: SimCloud::China, ..CREATE },
        &CreateNew { name: "create in US Gov", cloud: SimCloud::UsGov, ..CREATE },
    ];
    ALL
}

/// Long enough for every grant to take effect.
pub const GRANTS: Duration = Duration::from_secs(900);
