//! Every remedy that is an order, planned and carried out as it is, leaves nothing of its cause.

use super::{Setup, all};
use cmk::{diagnose::Verdict, journal::MemoryJournal};
use std::{sync::Arc, time::Duration};

/// Remedies that are the way on, and of which more is needed than the order alone can do.
const NOT_HEALED_ALONE: &[(&str, &str)] = &[
    ("key-pinned-behind", "it stays pinned, which an audit tells"),
    ("registry-firewall", "it stays closed to others, which is advice"),
    ("subnet-rules-cut", "it stays closed to others, which is advice"),
    ("tasks-cut", "it stays closed to others, which is advice"),
    ("trusted-services-cut", "it stays closed to others, which is advice"),
];

#[test]
fn an_order_that_is_a_remedy_leaves_the_world_healthy() {
    let mut failed = Vec::new();
    let mut tried = 0;
    for staged in all() {
        let code = &staged.code;
        let told = cmk_tests::run_paused(async {
            let mut setup = Setup::healthy();
            staged.spoil(&mut setup);
            let fixture = setup.fixture();
            let before = fixture.diagnosis().await;
            let finding = before.findings.iter().find(|f| f.code == *code)?;
            let order = finding.order()?.clone();
            let azure = fixture.azure();
            let planned = order.clone().on(&azure).plan().await;
            let journal: Arc<dyn cmk::journal::Journal> = Arc::new(MemoryJournal::default());
            let done = match planned {
                Ok(plan) if !plan.refusals.is_empty() => Err(format!("the plan is refused: {plan}")),
                Ok(_) => {
                    order.clone().on(&azure).named("remedy").shared_journal(journal).await.map_err(|e| e.to_string())
                }
                Err(e) => Err(format!("no plan: {e}")),
            };
            // What was given takes effect, and what follows by itself has followed.
            tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
            let after = fixture.diagnosis().await;
            Some((order.workflow(), done, after))
        });
        let Some((workflow, done, after)) = told else { continue };
        tried += 1;
        let healed = after.verdict == Verdict::Healthy;
        let left: Vec<_> = after.findings.iter().map(|f| f.code.as_str()).collect();
        println!("{code:28} {workflow:14} {}", if healed { "healthy".to_owned() } else { format!("left: {left:?}") });
        let gone = after.all().iter().all(|f| f.code != *code && !f.hides.iter().any(|h| h == code));
        let excused = NOT_HEALED_ALONE.iter().any(|(c, _)| c == code);
        if done.is_err() || !gone || healed == excused {
            failed.push(format!("{code}: {workflow}: {done:?}\n{after}"));
        }
    }
    assert!(tried > 10, "{tried} remedies are orders");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
