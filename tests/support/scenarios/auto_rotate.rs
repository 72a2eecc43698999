//! A key that is rotated by its vault.

use super::*;
use cmk::AutoRotate;

pub(super) static SCENARIOS: Scenarios = Scenarios {
    public: &[&AUTO_ROTATE],
    mends: &[
        ("auto-rotate", || AutoRotate::new(registry()).every("P90D").grant_me().into()),
        ("extend", || {
            let until = time::macros::datetime!(2040-01-01 0:00 UTC);
            AutoRotate::new(registry()).extend_current(until).grant_me().into()
        }),
    ],
    ..NONE
};

static AUTO_ROTATE: SimpleScenario = SimpleScenario {
    name: "auto-rotate",
    set: ordered,
    end: END,
    also: |world, what| {
        let policy = world.rotation_policy(VAULT, KEY).unwrap();
        assert!(policy.to_string().contains("P90D"), "{what}: {policy}");
        let versions = world.key_versions(VAULT, KEY);
        assert!(versions[0].exp.is_some(), "{what}: {versions:?}");
    },
};

/// When the version there is was to end.
pub(super) const SOON: time::Duration = time::Duration::days(20);

pub(super) fn ordered(seed: u64) -> (World, Order) {
    let mut world = encrypted(seed, KeyRef::Versioned, VaultModel::Rbac);
    let until = world.now() + time::Duration::days(200);
    let version = world.key_versions(VAULT, KEY)[0].version.clone();
    world.mutate_version_dates(VAULT, KEY, &version, None, Some((world.now() + SOON).unix_timestamp()));
    (world, AutoRotate::new(registry()).every("P90D").versions_live("P1Y").extend_current(until).grant_me().into())
}
