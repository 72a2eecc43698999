//! A registry rotated: to a new version, another key or another identity.

use super::*;
use cmk::{Reference, Rotate, checks::IdentityWanted};
use cmk_mocks::FailureStyle;

pub(super) static SCENARIOS: Scenarios = Scenarios {
    public: &[&PINNED, &FOLLOWED, &HOURLY, &WITH_A_GRANT, &OTHER_IDENTITY, &OTHER_VAULT, &WITH_A_GRANT_FOR_THE_RUN],
    other_clouds: &[&IN_CHINA, &IN_US_GOV],
    mends: &[
        ("rotate", || Rotate::new(registry()).grant_me_for_run().into()),
        ("rotate to another identity", || {
            Rotate::new(registry()).keeping_version().identity(IdentityWanted::System).into()
        }),
    ],
};

/// Rotate to a new version.
pub struct RotateNew {
    name: &'static str,
    key_ref: KeyRef,
    model: VaultModel,
    pickup: bool,
    grant_me: bool,
    style: FailureStyle,
    cloud: SimCloud,
}

const ROTATE: RotateNew = RotateNew {
    name: "",
    key_ref: KeyRef::Versionless,
    model: VaultModel::Policy,
    pickup: true,
    grant_me: false,
    style: FailureStyle::Lro,
    cloud: SimCloud::Public,
};

static PINNED: RotateNew = RotateNew { name: "rotate pinned", key_ref: KeyRef::Versioned, ..ROTATE };
static FOLLOWED: RotateNew = RotateNew { name: "rotate followed", ..ROTATE };
static HOURLY: RotateNew = RotateNew { name: "rotate followed, hourly", pickup: false, ..ROTATE };
static WITH_A_GRANT: RotateNew = RotateNew {
    name: "rotate with a grant",
    key_ref: KeyRef::Versioned,
    model: VaultModel::Rbac,
    grant_me: true,
    style: FailureStyle::Sync,
    ..ROTATE
};
static IN_CHINA: RotateNew = RotateNew { name: "rotate in China", cloud: SimCloud::China, ..ROTATE };
static IN_US_GOV: RotateNew = RotateNew { name: "rotate in US Gov", cloud: SimCloud::UsGov, ..ROTATE };

impl Scenario for RotateNew {
    fn name(&self) -> &'static str {
        self.name
    }
    fn set(&self, seed: u64) -> (World, Order) {
        let mut params =
            Params { patch_triggers_pickup: self.pickup, acr_failure_style: self.style, ..Params::default() };
        if !self.pickup {
            // Sooner than the hour it may take (R-CMK-11), for the sake of the number of polls.
            params.acr_auto_rotate_poll = Duration::from_secs(8 * 60);
        }
        let world = encrypted_with(World::with_params(setup(seed, self.cloud), params), self.key_ref, self.model);
        let order = Rotate::new(registry()).to_new_version();
        (world, if self.grant_me { order.grant_me().into() } else { order.into() })
    }
    fn end(&self) -> End {
        let pinned = self.key_ref == KeyRef::Versioned;
        End { versions: 2, uses: 1, pinned, again: &["mint-version", "point-registry"], ..END }
    }
    fn cloud(&self) -> Cloud {
        real(self.cloud)
    }
}

static WITH_A_GRANT_FOR_THE_RUN: SimpleScenario = SimpleScenario {
    name: "rotate with a grant for the run",
    set: |seed| {
        let world = encrypted(seed, KeyRef::Versioned, VaultModel::Rbac);
        (world, Rotate::new(registry()).to_new_version().grant_me_for_run().into())
    },
    end: End { versions: 2, uses: 1, pinned: true, again: &["mint-version", "point-registry"], ..END },
    also: |world, what| {
        let operator = world.operator().object_id;
        assert!(!holds(world, operator, VAULT), "{what}: the caller keeps what it was given for the run");
    },
};

static OTHER_IDENTITY: SimpleScenario = SimpleScenario {
    name: "rotate to another identity",
    set: other_identity,
    end: End { identity: "id-new", ..END },
    also: |world, what| {
        assert!(!holds(world, principal(world, IDENTITY), VAULT), "{what}: the old grant is left");
    },
};

pub fn other_identity(seed: u64) -> (World, Order) {
    let mut world = encrypted(seed, KeyRef::Versionless, VaultModel::Rbac);
    world.seed_identity(GROUP, "id-new");
    let wanted = IdentityWanted::Id(identity("id-new"));
    (world, Rotate::new(registry()).keeping_version().identity(wanted).remove_old_grant().into())
}

static OTHER_VAULT: SimpleScenario = SimpleScenario {
    name: "rotate to another vault",
    set: |seed| {
        let mut world = encrypted(seed, KeyRef::Versioned, VaultModel::Policy);
        let now = world.now();
        world.seed_vault(GROUP, "kv-other", VaultModel::Rbac);
        world.seed_key("kv-other", "other-key", now);
        let order = Rotate::new(registry())
            .to_version(key("kv-other", "other-key"))
            .identity(IdentityWanted::System)
            .referring(Reference::Versionless)
            .remove_old_grant();
        (world, order.into())
    },
    end: End { vault: "kv-other", key: "other-key", identity: "system", ..END },
    also: |world, what| {
        assert!(!holds(world, principal(world, IDENTITY), VAULT), "{what}: the old policy is left");
    },
};
