//! Plans: what they say, that they only look, and that a run does what its plan said. Hints: what a run that failed in
//! the middle says of the way back.

use cmk::{
    Error, Plan,
    journal::{Entry, How, Journal as _, Record},
    step::Rollback,
};
use cmk_mocks::{Fault, Match, What, When};
use cmk_tests::{Scenario, ScenarioFixture, generators, run_paused, scenarios};
use std::fmt::Write as _;

fn slug(name: &str) -> String {
    let words: Vec<_> = name.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    words.join("_")
}

fn each(test: impl AsyncFn(&'static dyn Scenario) + Sync) {
    generators::each(|scenario| run_paused(test(scenario)));
}

async fn plan_of(fixture: &ScenarioFixture) -> Plan {
    let before = (fixture.sim.writes(), fixture.sim.world());
    let plan = fixture.order.clone().on(&fixture.azure()).shared_journal(fixture.journal.clone()).plan().await;
    let plan = plan.unwrap_or_else(|e| panic!("{}: {e:#?}", fixture.scenario.name()));
    assert_eq!(fixture.sim.writes(), before.0, "{}: a plan only looks", fixture.scenario.name());
    assert!(fixture.journal.runs().await.unwrap().is_empty(), "{}: a plan is no run", fixture.scenario.name());
    let resources = |world: &cmk_mocks::World| (world.registry_ids(), world.vault_names(), world.role_assignments());
    assert_eq!(resources(&fixture.sim.world()), resources(&before.1), "{}", fixture.scenario.name());
    plan
}

#[test]
fn each_play_has_its_plan() {
    each(async |scenario| {
        let plan = plan_of(&ScenarioFixture::new(scenario, 1)).await;
        insta::assert_snapshot!(slug(scenario.name()), plan);
        insta::assert_json_snapshot!(format!("{}.json", slug(scenario.name())), plan);
    });
}

#[test]
fn a_plan_is_read_back_as_it_was_written() {
    each(async |scenario| {
        let plan = plan_of(&ScenarioFixture::new(scenario, 1)).await;
        let stored = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&stored).unwrap(), plan, "{}", scenario.name());
    });
}

#[test]
fn the_same_world_has_the_same_plan() {
    each(async |scenario| {
        let fixture = ScenarioFixture::new(scenario, 1);
        let (mut first, mut second) = (plan_of(&fixture).await, plan_of(&fixture).await);
        // A service's answer that is quoted carries the id of its request.
        for note in first.notes.iter_mut().chain(&mut second.notes) {
            if let Some((before, _)) = note.split_once(" [request ") {
                *note = before.to_owned();
            }
        }
        assert_eq!(first, second, "{}", scenario.name());
    });
}

#[test]
fn a_refused_plan_shows_the_steps_and_every_reason() {
    run_paused(async {
        let fixture = ScenarioFixture::new(scenarios::named("create on policies"), 1);
        fixture.sim.with_world(|world, _| {
            world.mutate_vault_firewall(scenarios::VAULT, true, false, &[]);
            world.mutate_vault_retention(scenarios::VAULT, 90, false);
            world.seed_registry("elsewhere", scenarios::REGISTRY, "Premium");
        });
        let plan = plan_of(&fixture).await;
        assert_eq!(plan.refusals.len(), 3, "{plan}");
        insta::assert_snapshot!("refused", plan);
        insta::assert_json_snapshot!("refused.json", plan);
    });
}

// ---- a run does what its plan said ----------------------------------------------------------------------------------

#[test]
fn a_run_takes_the_steps_of_its_plan_in_their_order() {
    each(async |scenario| {
        let fixture = ScenarioFixture::new(scenario, 1);
        let plan = plan_of(&fixture).await;
        fixture.run().await.unwrap_or_else(|e| panic!("{}: {e:#?}", scenario.name()));
        let records = fixture.memory.read(&"play".parse().unwrap()).await.unwrap();

        let planned: Vec<_> = plan.steps.iter().map(|s| (s.step.as_str(), s.subject.as_str())).collect();
        // What the plan said may come.
        let unplanned = scenario.end().unplanned;
        let is_planned = |at: &(&str, &str)| planned.contains(at) || !unplanned.contains(&at.0);
        let mut done: Vec<_> = records.iter().filter_map(done).filter(|(at, _)| is_planned(at)).collect();
        done.sort_by_key(|(at, _)| planned.iter().position(|p| p == at));
        let taken: Vec<_> = done.iter().map(|(at, _)| *at).collect();
        assert_eq!(taken, planned, "{}: the same steps", scenario.name());
        // Side by side, the one that is quicker is done first; all else comes as planned.
        let mut began: Vec<_> = records.iter().filter_map(|r| intent(r).or_else(|| done_at_once(r))).collect();
        // While a grant is young, the registry is asked for again and again.
        began.dedup();
        began.retain(is_planned);
        assert_eq!(began, planned, "{}: in the same order", scenario.name());
        for (step, (_, how)) in plan.steps.iter().zip(&done) {
            assert_eq!(step.change.is_some(), *how == How::Acted, "{}: {} {how:?}", scenario.name(), step.step);
        }
        // What was promised of the way back is what was journaled.
        for step in plan.steps.iter().filter(|s| s.change.is_some()) {
            let of_step = |r: &&Record| intent(r) == Some((&step.step, &step.subject));
            let Some(Entry::Intent { change, rollback, .. }) = records.iter().find(of_step).map(|r| &r.entry) else {
                panic!("{}: no intent of {step:#?}", scenario.name());
            };
            let known = step.after.is_none();
            assert!(!known || step.change.as_ref() == Some(change), "{}: {step:#?} {change}", scenario.name());
            let kind = |r: &Rollback| std::mem::discriminant(r);
            // What is only read or made before its turn comes has its way back by what is there then.
            let read_then = !known && matches!(step.rollback, Some(Rollback::Nothing { .. }));
            let planned = step.rollback.as_ref().map(kind);
            assert!(read_then || planned == Some(kind(rollback)), "{}: {step:#?}", scenario.name());
        }
    });
}

fn done(record: &Record) -> Option<((&str, &str), How)> {
    match &record.entry {
        Entry::Done { step, subject, how, .. } => Some(((step, subject), *how)),
        _ => None,
    }
}

fn done_at_once(record: &Record) -> Option<(&str, &str)> {
    done(record).filter(|(_, how)| *how == How::Already).map(|(at, _)| at)
}

fn intent(record: &Record) -> Option<(&str, &str)> {
    match &record.entry {
        Entry::Intent { step, subject, .. } => Some((step, subject)),
        _ => None,
    }
}

#[test]
fn a_finished_order_has_nothing_to_plan() {
    each(async |scenario| {
        let fixture = ScenarioFixture::new(scenario, 1);
        fixture.run().await.unwrap();
        let plan = fixture.order.clone().on(&fixture.azure()).plan().await.unwrap();
        let changes: Vec<_> = plan.steps.iter().filter(|s| s.change.is_some()).map(|s| s.step.as_str()).collect();
        assert!(plan.refusals.is_empty(), "{}: {plan}", scenario.name());
        assert_eq!(changes, scenario.end().again, "{}: {plan}", scenario.name());
    });
}

// ---- the way back ---------------------------------------------------------------------------------------------------

fn hints(error: &Error) -> String {
    let mut text = format!("{error}\n\n");
    for hint in error.hints() {
        let _ = writeln!(text, "{hint}");
    }
    text + "\n" + &serde_json::to_string_pretty(error.hints()).unwrap()
}

/// Fails at the first request that matches, and has the hints of what was done before.
fn fails_at(name: &str, scenario: &'static dyn Scenario, method: &str, path: &str) {
    run_paused(async {
        let fixture = ScenarioFixture::new(scenario, 1);
        let fault = What::Status { code: 403, retry_after_s: None };
        fixture.sim.schedule([Fault::new(When::matching(Match::new(method, path)).always(), fault)]);
        let error = fixture.run().await.unwrap_err();
        assert_eq!(error.run().map(ToString::to_string).as_deref(), Some("play"), "{error:#?}");
        insta::assert_snapshot!(format!("hints_{name}"), hints(&error));
        // They are those of giving the run up, too.
        let given_up = cmk::abandon(&fixture.azure(), &*fixture.journal, &"play".parse().unwrap()).await.unwrap();
        assert_eq!(given_up.hints, error.hints(), "newest first, and the same");
    });
}

#[test]
fn hints_of_a_create_that_failed_at_its_registry() {
    fails_at("create", scenarios::named("create"), "PUT", "/registries/");
}

#[test]
fn hints_of_a_create_on_policies_that_failed_at_its_registry() {
    fails_at("create_on_policies", scenarios::named("create on policies"), "PUT", "/registries/");
}

#[test]
fn hints_of_a_rotation_that_failed_at_its_registry() {
    fails_at("rotate_with_a_grant", scenarios::named("rotate with a grant"), "PATCH", "/registries/");
}

#[test]
fn hints_of_a_rotation_that_was_accepted() {
    fails_at("rotate_followed", scenarios::named("rotate followed"), "GET", "/operationStatuses/");
    fails_at("rotate_pinned", scenarios::named("rotate pinned"), "GET", "/operationStatuses/");
}
