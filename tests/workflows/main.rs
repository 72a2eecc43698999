//! What the workflows on a registry that has its key do, refuse and say, each where no generator is the right form.

mod access;
mod bypass;
mod deploy;
mod doors;
mod identities;
mod import;
mod keys;
mod last_look;
mod logs;
mod lost_answers;
mod needed;
mod networks;
mod only;
mod overtaken;
mod own;
mod parents;
mod policies;
mod preflight;
mod probe;
mod revoke;
mod rights;
mod targets;
mod undo;
mod waits;

use cmk::{Azure, ErrorKind, Plan, Workflow, run::Run};
use cmk_mocks::World;
use cmk_tests::{Fixture, run_paused};
use std::fmt::Debug;

/// The rule, and the words by which a refusal names what is wrong and the way out.
type Wanted<'w> = (&'w str, &'w [&'w str]);

/// Plan and run refuse with just these reasons, and neither writes anything anywhere.
fn refused<W: Workflow>(world: World, order: W, wanted: &[Wanted<'_>])
where
    W::Outcome: Debug,
{
    run_paused(async {
        let fixture = Fixture::of(world);
        refused_on(&fixture, &fixture.azure(), order, wanted).await;
    });
}

async fn refused_on<W: Workflow>(fixture: &Fixture, azure: &Azure, order: W, wanted: &[Wanted<'_>])
where
    W::Outcome: Debug,
{
    let (writes, runs) = (fixture.sim.writes(), fixture.journal_len().await);
    let plan = fixture.run_on(azure, order.clone()).plan().await.unwrap();
    let error = fixture.run_on(azure, order).named("refused").await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused(_)), "{error:#?}");
    let rules: Vec<_> = error.refusals().iter().map(|r| r.rule.as_str()).collect();
    let expected: Vec<_> = wanted.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(rules, expected, "{error}");
    let planned: Vec<_> = plan.refusals.iter().map(|r| r.rule.as_str()).collect();
    assert_eq!(planned, expected, "plan and run refuse for the same reasons");
    for (refusal, (_, words)) in error.refusals().iter().zip(wanted) {
        let whole = refusal.to_string();
        for word in *words {
            assert!(whole.contains(word), "'{word}' is not named: {whole}");
        }
        assert!(refusal.way_out.len() > 5, "no way out: {whole}");
    }
    assert_eq!(fixture.sim.writes(), writes, "written: {:#?}", fixture.sim.exchanges());
    assert_eq!(fixture.journal_len().await, runs, "a run is left in the journal");
}

/// Carried out under the name of its workflow.
async fn done<W: Workflow>(fixture: &Fixture, order: W) -> W::Outcome {
    fixture.run(order).named(W::NAME).await.unwrap_or_else(|e| panic!("{}: {e:#?}", W::NAME))
}

async fn plan<W: Workflow>(fixture: &Fixture, order: W) -> Plan {
    Run::new(&fixture.azure(), order).plan().await.unwrap()
}

#[test]
fn every_file_is_a_module() {
    cmk_tests::modules::check("workflows");
}
