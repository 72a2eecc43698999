//! An identity that is assigned again, or left for another.

use super::*;
use cmk::{Reassign, checks::IdentityWanted};

pub(super) static SCENARIOS: Scenarios = Scenarios {
    public: &[&REASSIGN, &TO_SYSTEM],
    mends: &[
        ("reassign", || Reassign::new(registry()).into()),
        ("reassign to another", || {
            Reassign::new(registry()).then_rotate_to(IdentityWanted::System).remove_old().into()
        }),
    ],
    ..NONE
};

static REASSIGN: SimpleScenario = SimpleScenario {
    name: "reassign",
    set: |seed| (encrypted(seed, KeyRef::Versioned, VaultModel::Policy), Reassign::new(registry()).into()),
    end: End { pinned: true, again: &["attach-identity", "revalidate"], ..END },
    also: nothing_else,
};

static TO_SYSTEM: SimpleScenario = SimpleScenario {
    name: "reassign to the system identity",
    set: |seed| {
        let order = Reassign::new(registry()).then_rotate_to(IdentityWanted::System).remove_old();
        (encrypted(seed, KeyRef::Versionless, VaultModel::Rbac), order.into())
    },
    end: End { identity: "system", again: &["attach-identity", "revalidate"], ..END },
    also: |world, what| {
        let seen = world.registry(registry().as_str()).unwrap();
        assert!(seen.user_identities.is_empty(), "{what}: {:?}", seen.user_identities);
    },
};
