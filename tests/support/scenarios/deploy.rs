//! A registry made by a template.

use super::*;
use cmk::{Deploy, Irreversible};

pub(super) static SCENARIOS: Scenarios = Scenarios { public: &[&DEPLOY], ..NONE };

/// Access policies take effect at once: that a template may come too early for one is tested in `tests/workflows/deploy.rs`.
static DEPLOY: SimpleScenario = SimpleScenario {
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
