//! Runs taken back after others have gone on from where they left off.

use super::*;
use cmk::{
    AutoRotate, GrantAccess, Overtaken, Reference, RegistryNetwork, Rollback, RolledBack, Rotate, VaultNetwork,
    azure::{id::RegistryId, registries::RegistryAccess, vaults::NetworkAction},
    journal::{Entry, Journal as _, MemoryJournal},
    step::Rollback as Back,
};
use cmk_mocks::{KeyRef, VaultModel, roles};
use cmk_tests::fixture::*;
use std::time::Duration;

/// Long enough for a registry that follows its key to take a version up, and for all that is given to count.
const LATER: Duration = Duration::from_secs(3 * 3600);

async fn of(fixture: &Fixture, run: &str) -> Rollback {
    Rollback::of(&fixture.journal, &run.parse().unwrap()).await.unwrap()
}
async fn runs<W: Workflow>(fixture: &Fixture, name: &str, order: W) -> W::Outcome {
    let outcome = fixture.run(order).named(name).await.unwrap_or_else(|e| panic!("{name}: {e:#?}"));
    tokio::time::sleep(LATER).await;
    outcome
}
async fn back(fixture: &Fixture, name: &str, run: &str) -> RolledBack {
    let order = of(fixture, run).await;
    runs(fixture, name, order).await
}
fn in_use(fixture: &Fixture) -> String {
    fixture.seen().versioned_key_identifier.unwrap()
}
fn named(runs: &[&str]) -> Vec<cmk::journal::RunName> {
    runs.iter().map(|run| run.parse().unwrap()).collect()
}

/// Plan and run tell what has been changed since, and neither writes.
async fn overtaken(fixture: &Fixture, order: Rollback) -> Vec<Overtaken> {
    let (writes, journals) = (fixture.sim.writes(), fixture.journal_len().await);
    let planned = fixture.run(order.clone()).plan().await.unwrap_err();
    let error = fixture.run(order).named("refused").await.unwrap_err();
    assert_eq!(planned.to_string(), error.to_string());
    assert_eq!(fixture.sim.writes(), writes, "{:#?}", fixture.sim.exchanges());
    assert_eq!(fixture.journal_len().await, journals, "a run is left in the journal");
    match error.kind() {
        ErrorKind::Overtaken { changes, .. } => changes.clone(),
        other => panic!("{other:?}"),
    }
}
fn by(changes: &[Overtaken]) -> Vec<&str> {
    changes.iter().flat_map(|c| &c.runs).map(|run| run.as_str()).collect()
}

#[test]
fn an_older_run_is_not_taken_back_over_a_newer_one_unsaid() {
    for key_ref in [KeyRef::Versioned, KeyRef::Versionless] {
        run_paused(async {
            let fixture = Fixture::of(encrypted(key_ref, VaultModel::Policy));
            let first = in_use(&fixture);
            runs(&fixture, "r1", rotate()).await;
            let second = in_use(&fixture);
            runs(&fixture, "r2", rotate()).await;
            let third = in_use(&fixture);
            let changes = overtaken(&fixture, of(&fixture, "r1").await).await;
            assert_eq!((by(&changes), changes[0].outside), (vec!["r2"], false), "{changes:#?}");
            assert!(changes[0].found.as_ref().unwrap().contains(&third), "{changes:#?}");
            assert!(changes[0].left.as_ref().unwrap().contains(&second), "{changes:#?}");
            // Another name than the one that is meant does not do.
            overtaken(&fixture, of(&fixture, "r1").await.over(named(&["r3"]))).await;
            overtaken(&fixture, of(&fixture, "r1").await.over_outside()).await;

            let order = of(&fixture, "r1").await.over(named(&["r2"]));
            let told = fixture.run(order.clone()).plan().await.unwrap();
            let step = told.steps.iter().find(|s| s.step == "point-registry").unwrap();
            assert!(step.change.as_ref().unwrap().contains(&format!("(was {third})")), "{told}");
            let Some(Back::Step(undo) | Back::WithLoss { undo, .. }) = &step.rollback else { panic!("{step:#?}") };
            assert!(undo.az.contains(&third), "{undo:#?}");
            assert!(told.notes.iter().any(|n| n.contains("overwritten") && n.contains("r2")), "{told}");
            runs(&fixture, "rb", order).await;
            assert_eq!(in_use(&fixture), first);
            // And the way back is the one that was there.
            let forth = back(&fixture, "forth", "rb").await;
            assert_eq!((in_use(&fixture), forth.taken_back.len()), (third, 1));
        });
    }
}

#[test]
fn newest_first_nothing_has_to_be_said() {
    for key_ref in [KeyRef::Versioned, KeyRef::Versionless] {
        run_paused(async {
            let fixture = Fixture::of(encrypted(key_ref, VaultModel::Policy));
            let mut versions = vec![in_use(&fixture)];
            for run in ["r1", "r2", "r3"] {
                runs(&fixture, run, rotate()).await;
                versions.push(in_use(&fixture));
            }
            for (run, rb) in [("r3", "rb3"), ("r2", "rb2"), ("r1", "rb1")] {
                versions.pop();
                back(&fixture, rb, run).await;
                assert_eq!(in_use(&fixture), *versions.last().unwrap(), "{run}");
            }
        });
    }
}

#[test]
fn what_is_taken_back_already_is_said_to_be() {
    for key_ref in [KeyRef::Versioned, KeyRef::Versionless] {
        run_paused(async {
            let fixture = Fixture::of(encrypted(key_ref, VaultModel::Rbac));
            let order = rotate().keeping_version().identity(cmk::checks::IdentityWanted::System);
            runs(&fixture, "r1", order).await;
            let once = back(&fixture, "rb", "r1").await;
            assert_eq!((once.taken_back.len(), once.already), (3, None));
            let (writes, seen) = (fixture.sim.writes(), fixture.seen());
            let told = plan_of(&fixture, of(&fixture, "r1").await).await;
            assert!(!told.has_changes() && told.notes.iter().any(|n| n.contains("already, by rb")), "{told}");
            let again = back(&fixture, "again", "r1").await;
            assert_eq!((again.taken_back, again.already.as_deref()), (vec![], Some("rb")));
            assert_eq!((fixture.sim.writes(), fixture.seen()), (writes, seen));

            // What a later run has made of it is that run's.
            runs(&fixture, "r5", rotate().keeping_version().identity(cmk::checks::IdentityWanted::System)).await;
            let changes = overtaken(&fixture, of(&fixture, "r1").await).await;
            assert!(by(&changes).iter().all(|run| *run == "r5"), "{changes:#?}");
            assert!(changes.iter().any(|c| c.step == "point-registry"), "{changes:#?}");
        });
    }
}

async fn plan_of(fixture: &Fixture, order: Rollback) -> Plan {
    fixture.run(order).plan().await.unwrap()
}

/// Taken back, and the taking back too: as if nothing had been.
#[test]
fn a_run_that_is_put_back_is_taken_back_as_if_nothing_had_been() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versionless, VaultModel::Policy));
        let first = in_use(&fixture);
        runs(&fixture, "r1", rotate()).await;
        back(&fixture, "rb", "r1").await;
        back(&fixture, "forth", "rb").await;
        assert_ne!(in_use(&fixture), first);
        back(&fixture, "rb2", "r1").await;
        assert_eq!(in_use(&fixture), first);
    });
}

#[test]
fn what_nobody_known_has_changed_is_told_and_overwritten_only_when_that_is_said() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versioned, VaultModel::Rbac));
        let first = fixture.seen();
        runs(&fixture, "r1", rotate().grant_me()).await;
        fixture.sim.with_world(|w, now| {
            let id = registry().to_string();
            let principal = w.mutate_enable_system_identity(&id);
            w.seed_grant(principal, VAULT, KEY, now);
            w.mutate_registry_identity(&id, "system");
        });
        let changes = overtaken(&fixture, of(&fixture, "r1").await).await;
        assert!(changes[0].outside && changes[0].runs.is_empty(), "{changes:#?}");
        let text = fixture.run(of(&fixture, "r1").await).plan().await.unwrap_err().to_string();
        assert!(text.contains("outside of these journals") && text.contains("--over-outside"), "{text}");
        let order = of(&fixture, "r1").await.over_outside();
        let told = plan_of(&fixture, order.clone()).await.to_string();
        assert!(told.contains("(was system)"), "the identity that changes is not told: {told}");
        runs(&fixture, "rb", order).await;
        let seen = fixture.seen();
        assert_eq!((seen.key_identifier, seen.identity), (first.key_identifier, first.identity));
    });
}

/// A version that the vault, or another registry's run, makes moves whoever follows the key (R-FL-06).
#[test]
fn r_fl_06_a_version_that_another_run_made_is_that_runs() {
    run_paused(async {
        let mut world = encrypted(KeyRef::Versionless, VaultModel::Policy);
        let id = identity(IDENTITY).to_string();
        world.seed_registry_cmk(GROUP, "contoso2", VAULT, KEY, KeyRef::Versionless, &id);
        let fixture = Fixture::of(world);
        runs(&fixture, "r1", rotate()).await;
        let other = RegistryId::new(&subscription(), GROUP, "contoso2").unwrap();
        runs(&fixture, "theirs", Rotate::new(other)).await;
        let changes = overtaken(&fixture, of(&fixture, "r1").await).await;
        assert_eq!(by(&changes), ["theirs"], "{changes:#?}");
        fixture.sim.with_world(|w, _| w.mutate_new_version(VAULT, KEY));
        tokio::time::sleep(LATER).await;
        let changes = overtaken(&fixture, of(&fixture, "r1").await.over(named(&["theirs"]))).await;
        assert!(changes[0].outside, "{changes:#?}");
    });
}

/// Rules of a vault and of a registry, a rotation policy and an end: the first change and the second, and how it shows.
async fn two_changes(fixture: &Fixture, which: &str) {
    let every = |t: &str| AutoRotate::new(registry()).every(t).versions_live("P2Y");
    let until = |days| AutoRotate::new(registry()).extend_current(fixture.now() + time::Duration::days(days));
    match which {
        "vault" => {
            runs(fixture, "r1", VaultNetwork::new(vault()).allow_ip("203.0.113.7")).await;
            runs(fixture, "r2", VaultNetwork::new(vault()).allow_ip("203.0.113.8")).await;
        }
        "registry" => {
            let network = || RegistryNetwork::new(registry());
            runs(fixture, "r1", network().allow_ip("203.0.113.7").default_action(NetworkAction::Deny)).await;
            runs(fixture, "r2", network().allow_ip("203.0.113.8")).await;
        }
        "policy" => {
            runs(fixture, "r1", every("P90D")).await;
            runs(fixture, "r2", every("P30D")).await;
        }
        _ => {
            runs(fixture, "r0", until(300)).await;
            runs(fixture, "r1", until(400)).await;
            runs(fixture, "r2", until(500)).await;
        }
    }
}
fn shown(fixture: &Fixture) -> String {
    fixture.sim.with_world(|w, _| {
        let seen = w.registry(registry().as_str()).unwrap();
        let policy = w.rotation_policy(VAULT, KEY);
        format!("{:?} {:?} {policy:?} {:?}", w.vault_network(VAULT), seen.properties, w.key_versions(VAULT, KEY)[0].exp)
    })
}

#[test]
fn rules_policies_and_ends_that_a_later_run_has_set_stay() {
    for which in ["vault", "registry", "policy", "end"] {
        for old in [false, true] {
            run_paused(async {
                let mut fixture = Fixture::of(encrypted(KeyRef::Versionless, VaultModel::Policy));
                two_changes(&fixture, which).await;
                if old {
                    fixture.journal = as_older_ones(&fixture).await;
                }
                let before = shown(&fixture);
                let changes = overtaken(&fixture, of(&fixture, "r1").await).await;
                assert_eq!((by(&changes), changes[0].outside), (vec!["r2"], false), "{which}: {changes:#?}");
                assert_eq!(shown(&fixture), before, "{which}");
                // Newest first it goes, and so it does over it.
                back(&fixture, "rb2", "r2").await;
                back(&fixture, "rb1", "r1").await;
                assert_ne!(shown(&fixture), before, "{which}");
            });
        }
    }
}

#[test]
fn rules_policies_and_ends_that_somebody_else_has_set_stay() {
    for which in ["vault", "registry", "policy", "end"] {
        for old in [false, true] {
            run_paused(async {
                let mut fixture = Fixture::of(encrypted(KeyRef::Versionless, VaultModel::Policy));
                two_changes(&fixture, which).await;
                if old {
                    fixture.journal = as_older_ones(&fixture).await;
                }
                // The second run is another journal's.
                let all = fixture.journal.clone();
                fixture.journal = MemoryJournal::default();
                let name = "r1".parse().unwrap();
                for record in all.read(&name).await.unwrap() {
                    fixture.journal.append(&name, &record).await.unwrap();
                }
                let changes = overtaken(&fixture, of(&fixture, "r1").await).await;
                assert!(changes[0].outside && changes[0].runs.is_empty(), "{which}: {changes:#?}");
                let order = of(&fixture, "r1").await.over_outside();
                runs(&fixture, "rb", order).await;
            });
        }
    }
}

/// The journal as a version wrote it that did not keep how a step leaves things.
async fn as_older_ones(fixture: &Fixture) -> MemoryJournal {
    let older = MemoryJournal::default();
    for run in fixture.journal.runs().await.unwrap() {
        for mut record in fixture.journal.read(&run).await.unwrap() {
            if let Entry::Intent { rollback: Back::Step(undo) | Back::WithLoss { undo, .. }, .. } = &mut record.entry {
                undo.args.as_object_mut().unwrap().remove("from");
            }
            older.append(&run, &record).await.unwrap();
        }
    }
    older
}

/// Found already so is relied on: what one run gave, another has asked for since.
#[test]
fn what_a_later_run_relies_on_stays() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versionless, VaultModel::Policy));
        let principal = fixture.sim.with_world(|w, _| w.seed_identity(GROUP, "id-puller").principal_id);
        let order = || GrantAccess::new(registry(), principal.to_string().parse().unwrap(), RegistryAccess::Pull);
        runs(&fixture, "r1", order()).await;
        runs(&fixture, "r2", order()).await;
        let holds = || fixture.sim.with_world(|w, _| w.role_assignments().iter().any(|r| r.0 == principal));
        let changes = overtaken(&fixture, of(&fixture, "r1").await).await;
        assert_eq!(by(&changes), ["r2"]);
        assert!(changes[0].by[0].contains("relies on it"), "{changes:#?}");
        assert!(holds());
        let over = of(&fixture, "r1").await.over(named(&["r2"]));
        runs(&fixture, "rb", over).await;
        assert!(!holds());
    });
}

/// A version that was retired since is not gone back to.
#[test]
fn r_kv_14_a_version_that_is_disabled_is_not_gone_back_to() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versioned, VaultModel::Policy));
        runs(&fixture, "r1", rotate()).await;
        let (first, second) = (fixture.versions(KEY)[0].clone(), in_use(&fixture));
        fixture.sim.with_world(|w, _| w.mutate_version_enabled(VAULT, KEY, &first, false));
        let writes = fixture.sim.writes();
        let error = fixture.run(of(&fixture, "r1").await).await.unwrap_err();
        assert!(error.refusals().iter().any(|r| r.rule == "R-KV-14" && r.what.contains(&first)), "{error:#?}");
        assert_eq!((fixture.sim.writes(), in_use(&fixture)), (writes, second));
    });
}

/// The world moves after it was looked at: nothing is overwritten.
#[test]
fn what_moves_between_the_look_and_the_step_is_drift() {
    use cmk_mocks::{Fault, Match, Release, What, When};
    run_paused(async {
        let mut world = encrypted(KeyRef::Versioned, VaultModel::Rbac);
        let now = world.now();
        world.seed_key(VAULT, "others", now);
        let fixture = Fixture::of(world);
        let order = rotate()
            .keeping_version()
            .identity(cmk::checks::IdentityWanted::System)
            .referring(Reference::Versioned)
            .remove_old_grant();
        runs(&fixture, "r1", order).await;
        // The first step back is the old grant, given again.
        fixture.sim.schedule([Fault::new(When::matching(Match::new("PUT", "/roleAssignments/")), What::HoldBefore)]);
        let order = of(&fixture, "r1").await;
        let run = fixture.run(order).named("rb");
        let moving = async {
            while fixture.sim.holding().is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            fixture.sim.with_world(|w, _| w.mutate_registry_key(registry().as_str(), VAULT, "others", None));
            fixture.sim.release(None, Release::Go);
        };
        let (outcome, ()) = futures::join!(std::future::IntoFuture::into_future(run), moving);
        let error = outcome.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Drifted { .. }), "{error:#?}");
        assert!(fixture.seen().key_identifier.unwrap().contains("/keys/others"));
    });
}

/// A caller who may not is refused in the plan, and nobody waits for a right that nobody gave.
#[test]
fn r_kv_34_a_caller_without_the_right_is_refused_and_not_waited_for() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versionless, VaultModel::Policy));
        let order = AutoRotate::new(registry()).every("P90D").extend_current(fixture.now() + time::Duration::days(300));
        runs(&fixture, "r1", order).await;
        let me = fixture.sim.with_world(|w, _| w.operator().object_id);
        fixture.sim.with_world(|w, _| w.mutate_policy_keys(VAULT, me, &["get", "list", "getrotationpolicy"]));
        tokio::time::sleep(LATER).await;
        let (since, writes) = (fixture.now(), fixture.sim.writes());
        let error = fixture.run(of(&fixture, "r1").await).named("rb").await.unwrap_err();
        let told = error.refusals().iter().find(|r| r.rule == "R-KV-34").unwrap_or_else(|| panic!("{error:#?}"));
        assert!(!told.way_out.contains("grant"), "an option that a rollback does not have: {told:?}");
        assert_eq!(fixture.sim.writes(), writes);
        assert!(fixture.elapsed(since) < Duration::from_secs(60), "waited {:?}", fixture.elapsed(since));
        // Where the plan cannot tell, the write's refusal is final.
        let everything = ["get", "list", "update", "getrotationpolicy", "setrotationpolicy"];
        fixture.sim.with_world(|w, _| w.mutate_policy_keys(VAULT, me, &everything));
        let forbidden = cmk_mocks::What::Status { code: 403, retry_after_s: None };
        let at = cmk_mocks::When::matching(cmk_mocks::Match::new("PUT", "/rotationpolicy"));
        fixture.sim.schedule([cmk_mocks::Fault::new(at, forbidden)]);
        tokio::time::sleep(LATER).await;
        let since = fixture.now();
        let error = fixture.run(of(&fixture, "r1").await).named("rb2").await.unwrap_err();
        assert_eq!(error.service().map(|e| e.status), Some(403), "{error:#?}");
        assert!(fixture.elapsed(since) < Duration::from_secs(120), "waited {:?}", fixture.elapsed(since));
    });
}

/// What a run had left that is taken back since, and somebody has put there again, is that somebody's.
#[test]
fn what_is_as_a_run_that_was_taken_back_had_left_it_is_told() {
    for key_ref in [KeyRef::Versioned, KeyRef::Versionless] {
        run_paused(async {
            let fixture = Fixture::of(encrypted(key_ref, VaultModel::Policy));
            let first = in_use(&fixture);
            runs(&fixture, "r1", rotate()).await;
            let second = in_use(&fixture);
            runs(&fixture, "r2", rotate()).await;
            let third = in_use(&fixture);
            back(&fixture, "rb2", "r2").await;
            assert_eq!(in_use(&fixture), second);
            let version = third.rsplit('/').next().filter(|_| key_ref == KeyRef::Versioned);
            fixture.sim.with_world(|w, _| w.mutate_registry_key(registry().as_str(), VAULT, KEY, version));
            assert_eq!(in_use(&fixture), third);
            let changes = overtaken(&fixture, of(&fixture, "r1").await).await;
            assert!(changes[0].outside && changes[0].runs.is_empty(), "{changes:#?}");
            assert!(changes[0].found.as_ref().unwrap().contains(&third), "{changes:#?}");
            let order = of(&fixture, "r1").await.over_outside();
            runs(&fixture, "rb1", order).await;
            assert_eq!(in_use(&fixture), first);
        });
    }
}

/// The right that a run gave its caller for its own time: neither given again on the way back, nor what a later run changed.
#[test]
fn a_right_for_the_run_alone_is_no_part_of_what_is_taken_back() {
    run_paused(async {
        let mut world = encrypted(KeyRef::Versionless, VaultModel::Rbac);
        let id = identity(IDENTITY).to_string();
        world.seed_registry_cmk(GROUP, "contoso2", VAULT, KEY, KeyRef::Versionless, &id);
        let fixture = Fixture::of(world);
        runs(&fixture, "r1", AutoRotate::new(registry()).every("P90D").grant_me_for_run()).await;
        let other = RegistryId::new(&subscription(), GROUP, "contoso2").unwrap();
        runs(&fixture, "r2", Rotate::new(other).grant_me_for_run()).await;

        // Without a right of its own the caller is refused, and nobody waits.
        let (since, writes) = (fixture.now(), fixture.sim.writes());
        let error = fixture.run(of(&fixture, "r1").await).named("without").await.unwrap_err();
        let told = error.refusals().iter().find(|r| r.rule == "R-KV-34").unwrap_or_else(|| panic!("{error:#?}"));
        assert!(!told.way_out.contains("grant"), "an option that a rollback does not have: {told:?}");
        assert_eq!(fixture.sim.writes(), writes);
        assert!(fixture.elapsed(since) < Duration::from_secs(60), "waited {:?}", fixture.elapsed(since));

        let me = fixture.sim.with_world(|w, now| {
            let me = w.operator().object_id;
            w.set_role(me, roles::KEY_VAULT_CRYPTO_OFFICER, vault().as_str(), now);
            me
        });
        let told = plan_of(&fixture, of(&fixture, "r1").await).await;
        let steps: Vec<_> = told.steps.iter().map(|s| s.step.as_str()).collect();
        assert_eq!(steps, ["set-rotation-policy"], "{told}");
        assert_eq!(back(&fixture, "rb", "r1").await.taken_back, ["set-rotation-policy"]);
        let at_keys = |scope: &str| scope.to_lowercase().contains("/keys/");
        let held = fixture.sim.with_world(|w, _| w.role_assignments());
        assert!(!held.iter().any(|(who, _, scope, _)| *who == me && at_keys(scope)), "{held:?}");
    });
}
