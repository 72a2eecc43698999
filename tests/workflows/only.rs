//! A single step as a run: planned, refused, carried out once, and taken up under its name.

use cmk::{
    ErrorKind, Irreversible, Only,
    azure::keys::Kty,
    steps::{EnsureKey, EnsureVault, KeyShape, VaultWay},
};
use cmk_mocks::VaultModel;
use cmk_tests::{
    Fixture,
    fixture::{KEY, empty, vault, with_vault},
    run_paused,
};

fn key() -> Only<EnsureKey> {
    Only::new(EnsureKey {
        vault: vault(),
        key: KEY.parse().unwrap(),
        version: None,
        shape: KeyShape { kty: Kty::Rsa, size: 3072 },
        tags: Default::default(),
        may_create: true,
        after: None,
    })
}

#[test]
fn it_is_planned_then_carried_out_once() {
    run_paused(async {
        let fixture = Fixture::of(with_vault(VaultModel::Rbac));
        let plan = fixture.run(key()).plan().await.unwrap();
        assert_eq!((plan.workflow.as_str(), plan.steps.len()), ("ensure-key", 1));
        assert_eq!(fixture.sim.writes(), 0);
        let made = fixture.run(key()).named("one").await.unwrap();
        assert_eq!(fixture.run(key()).named("one").await.unwrap(), made);
        assert_eq!(fixture.run(key()).named("two").await.unwrap(), made);
        assert_eq!(fixture.versions(KEY).len(), 1);
    });
}

#[test]
fn what_is_irreversible_has_to_be_accepted_here_too() {
    run_paused(async {
        let fixture = Fixture::of(empty());
        let tenant = fixture.sim.with_world(|w, _| w.tenant());
        let location = "westeurope".parse().unwrap();
        let way = VaultWay::Create { location, by_roles: true, retention_days: 7, tags: Default::default() };
        let order = Only::new(EnsureVault {
            vault: vault(),
            way,
            tenant: tenant.to_string().parse().unwrap(),
            unprotected_is_fine: false,
            closed_is_fine: false,
            premium: false,
            after: None,
        });
        let e = fixture.run(order.clone()).await.unwrap_err();
        assert!(matches!(e.kind(), ErrorKind::Refused(_)), "{e:#?}");
        assert_eq!(fixture.sim.writes(), 0);
        fixture.run(order.accept(Irreversible::PurgeProtection)).await.unwrap();
    });
}
