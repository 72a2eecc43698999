//! Plans that are kept: carried out as they were shown, or not at all.

use cmk::{AnyRun, ErrorKind, Order, Outcome, SavedPlan, checks::IdentityWanted};
use cmk_mocks::{KeyRef, VaultModel};
use cmk_tests::{
    Fixture,
    fixture::{IDENTITY, KEY, VAULT, encrypted, identity, registry, rotate},
    run_paused,
};

async fn saved(fixture: &Fixture) -> SavedPlan {
    let azure = fixture.azure();
    let order = Order::from(rotate().grant_me());
    let plan = order.clone().on(&azure).plan().await.unwrap();
    SavedPlan::new(&azure, order, plan).unwrap()
}
fn on(fixture: &Fixture, saved: SavedPlan) -> AnyRun {
    saved.on(&fixture.azure()).unwrap().journal(fixture.journal.clone())
}

#[test]
fn a_kept_plan_is_carried_out_as_it_was_shown() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versioned, VaultModel::Rbac));
        let kept = saved(&fixture).await;
        let read = SavedPlan::from_json(&kept.to_json()).unwrap();
        assert_eq!(read, kept);
        let done = on(&fixture, read).named("kept").await.unwrap();
        assert!(matches!(done, Outcome::Rotated(_)), "{done:?}");
        assert_eq!(fixture.versions(KEY).len(), 2);
        // Taken up under its name it tells its outcome, though the plan is another by now.
        let again = on(&fixture, kept).named("kept").await.unwrap();
        assert_eq!(again, done);
    });
}

#[test]
fn a_world_that_has_moved_is_not_touched() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versioned, VaultModel::Rbac));
        let kept = saved(&fixture).await;
        fixture.sim.with_world(|w, now| {
            w.seed_key(VAULT, "others", now);
            // Whose identity may use it: nothing else is in the way.
            w.seed_grant(w.identity(identity(IDENTITY).as_str()).unwrap().principal_id, VAULT, "others", now);
            w.mutate_registry_key(registry().as_str(), VAULT, "others", None);
        });
        let e = on(&fixture, kept).await.unwrap_err();
        assert!(matches!(e.kind(), ErrorKind::Drifted { .. }), "{e:#?}");
        assert!(e.to_string().contains("make a new plan") && !e.to_string().contains("abandon"), "{e}");
        assert_eq!(fixture.sim.writes(), 0);
    });
}

#[test]
fn a_plan_says_whose_it_is_and_is_nobody_elses() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versioned, VaultModel::Rbac));
        let kept = saved(&fixture).await;
        let operator = fixture.sim.with_world(|w, _| w.operator());
        let by = kept.plan().caller.clone().unwrap();
        assert_eq!(by.object_id.to_string(), operator.object_id.to_string());
        assert_eq!(by.client_id.map(|id| id.to_string()), Some(operator.client_id.to_string()));
        assert_eq!(by.login, None, "nobody has said how");
        let line = format!("\n  as application {}, object id {}\n", operator.client_id, operator.object_id);
        assert!(kept.plan().to_string().contains(&line), "{}", kept.plan());

        let other = fixture.sim.with_world(|w, now| {
            let other = w.add_principal(cmk_mocks::PrincipalKind::User, "somebody").object_id;
            let scope = format!("/subscriptions/{}", w.subscription());
            w.set_role(other, cmk_mocks::roles::OWNER, &scope, now);
            w.set_role(other, cmk_mocks::roles::KEY_VAULT_CRYPTO_OFFICER, &scope, now);
            other
        });
        // Long enough for every role to take effect.
        tokio::time::sleep(std::time::Duration::from_secs(900)).await;
        let e = kept.on(&fixture.azure_as(other)).unwrap().journal(fixture.journal.clone()).await.unwrap_err();
        let ErrorKind::Drifted { before, found } = e.kind() else { panic!("{e:#?}") };
        assert!(before.contains(&operator.object_id.to_string()) && found.contains(&other.to_string()), "{e}");
        assert_eq!(fixture.sim.writes(), 0);
    });
}

#[test]
fn what_is_no_saved_plan_of_this_program_is_said() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versioned, VaultModel::Rbac));
        let text = saved(&fixture).await.to_json();
        let wrong = |text: &str| {
            let e = SavedPlan::from_json(text).unwrap_err();
            assert!(matches!(e.kind(), ErrorKind::Invalid(_)), "{e:#?}");
            e.to_string()
        };
        assert!(wrong("").contains("no saved plan"));
        assert!(wrong("{}").contains("no saved plan"));
        assert!(wrong(&text.replacen("\"v\": 1", "\"v\": 2", 1)).contains("form 2"));
        assert!(wrong(&text.replacen("\"cloud\"", "\"klaud\"", 1)).contains("no saved plan"));
        // A plan that is not of its order.
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        value["plan"]["subject"] = "/subscriptions/x".into();
        assert!(wrong(&value.to_string()).contains("make the plan again"));
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        value["cloud"] = "China".into();
        let other = SavedPlan::from_json(&value.to_string()).unwrap();
        let e = other.on(&fixture.azure()).unwrap_err();
        assert!(e.to_string().contains("choose that cloud"), "{e}");
    });
}

#[test]
fn a_plan_that_would_be_refused_is_not_kept() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versioned, VaultModel::Rbac));
        let azure = fixture.azure();
        let order = Order::from(rotate());
        let plan = order.clone().on(&azure).plan().await.unwrap();
        let e = SavedPlan::new(&azure, order, plan).unwrap_err();
        assert!(!e.refusals().is_empty(), "{e}");
    });
}

/// A registry that is merely at work by then is waited for: it is no other plan.
#[test]
fn a_registry_that_is_busy_is_no_other_world() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versioned, VaultModel::Rbac));
        let kept = saved(&fixture).await;
        // Longer than a plan waits for a registry to come to rest.
        let busy = std::time::Duration::from_secs(400);
        fixture.sim.with_world(|w, _| w.mutate_registry_busy(registry().as_str(), busy));
        let done = on(&fixture, kept).named("kept").await.unwrap();
        assert!(matches!(done, Outcome::Rotated(_)), "{done:?}");
        assert_eq!(fixture.versions(KEY).len(), 2);
    });
}

/// What was planned for a registry holds for it when it comes to rest: then it is another world all the same.
#[test]
fn a_busy_registry_is_not_changed_otherwise_than_shown() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versioned, VaultModel::Policy));
        let azure = fixture.azure();
        let [between, newest] = fixture.sim.with_world(|w, _| [(); 2].map(|()| w.mutate_new_version(VAULT, KEY)));
        let order = Order::from(rotate().to_version(fixture.version(KEY, &newest)));
        let plan = order.clone().on(&azure).plan().await.unwrap();
        let kept = SavedPlan::new(&azure, order.clone(), plan).unwrap();
        fixture.sim.with_world(|w, _| {
            w.mutate_registry_key(registry().as_str(), VAULT, KEY, Some(&between));
            w.mutate_registry_busy(registry().as_str(), std::time::Duration::from_secs(400));
        });
        let e = on(&fixture, kept).named("kept").await.unwrap_err();
        assert!(matches!(e.kind(), ErrorKind::Drifted { .. }), "{e:#?}");
        // Taken up again without the plan, it is held to it all the same.
        let e = order.on(&azure).named("kept").journal(fixture.journal.clone()).await.unwrap_err();
        assert!(matches!(e.kind(), ErrorKind::Drifted { .. }), "{e:#?}");
        assert_eq!(fixture.sim.writes(), 0);
    });
}

/// Of a plan that was made while the registry was at work, what was foreseen holds.
#[test]
fn what_was_foreseen_of_a_busy_registry_holds() {
    let busy = std::time::Duration::from_secs(400);
    let kept = async |fixture: &Fixture| {
        let azure = fixture.azure();
        let [between, newest] = fixture.sim.with_world(|w, _| [(); 2].map(|()| w.mutate_new_version(VAULT, KEY)));
        fixture.sim.with_world(|w, _| w.mutate_registry_busy(registry().as_str(), busy));
        let order = Order::from(rotate().to_version(fixture.version(KEY, &newest)));
        let plan = order.clone().on(&azure).plan().await.unwrap();
        assert!(plan.to_string().contains("a run would wait"), "{plan}");
        (SavedPlan::new(&azure, order, plan).unwrap(), between)
    };
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versioned, VaultModel::Policy));
        let (plan, _) = kept(&fixture).await;
        tokio::time::sleep(busy).await;
        on(&fixture, plan).await.unwrap();
    });
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versioned, VaultModel::Policy));
        let (plan, between) = kept(&fixture).await;
        tokio::time::sleep(busy).await;
        fixture.sim.with_world(|w, _| w.mutate_registry_key(registry().as_str(), VAULT, KEY, Some(&between)));
        let e = on(&fixture, plan).await.unwrap_err();
        assert!(matches!(e.kind(), ErrorKind::Drifted { .. }), "{e:#?}");
        assert_eq!(fixture.sim.writes(), 0);
    });
}

/// What comes after a step that waits is no other plan either.
#[test]
fn what_comes_after_a_busy_step_is_no_other_plan() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versioned, VaultModel::Rbac));
        let azure = fixture.azure();
        let order = Order::from(rotate().grant_me().identity(IdentityWanted::Id(identity(IDENTITY))));
        let plan = order.clone().on(&azure).plan().await.unwrap();
        let kept = SavedPlan::new(&azure, order, plan).unwrap();
        let busy = std::time::Duration::from_secs(400);
        fixture.sim.with_world(|w, _| w.mutate_registry_busy(registry().as_str(), busy));
        on(&fixture, kept).await.unwrap();
        assert_eq!(fixture.versions(KEY).len(), 2);
    });
}
