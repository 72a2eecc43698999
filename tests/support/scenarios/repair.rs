//! A registry that tries its key anew.

use super::*;
use cmk::Repair;

pub(super) static SCENARIOS: Scenarios =
    Scenarios { public: &[&REPAIR], mends: &[("repair", || Repair::new(registry()).into())], ..NONE };

static REPAIR: SimpleScenario = SimpleScenario {
    name: "repair",
    set: |seed| (encrypted(seed, KeyRef::Versioned, VaultModel::Rbac), Repair::new(registry()).into()),
    end: End { pinned: true, again: &["revalidate"], ..END },
    also: nothing_else,
};
