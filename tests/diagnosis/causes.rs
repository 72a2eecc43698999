//! Every cause a diagnosis knows, staged: found first and alone, and nowhere else.

mod logs;
mod look;
mod machine;
mod networks;
mod pairs;
mod remedies;
mod told;

use cmk::diagnose::causes;
use cmk_mocks::troubles;
use cmk_tests::{
    causes::{CONFIG, Door, PROFILE, Setup, StagedCause, all, listed},
    run_paused,
};
use std::collections::BTreeSet;

fn roots(diagnosis: &cmk::Diagnosis) -> Vec<String> {
    diagnosis.findings.iter().map(|f| f.code.clone()).collect()
}

#[test]
fn every_cause_has_a_stage() {
    let known: BTreeSet<_> = causes().map(|c| c.code).collect();
    let staged: BTreeSet<_> = all().map(|s| s.code).collect();
    assert_eq!(known.len(), causes().count(), "two causes share a code");
    assert_eq!(known, staged);
    let rows: BTreeSet<_> = listed().map(|s| s.code).collect();
    assert_eq!(rows.len(), listed().count(), "a cause is listed twice");
    assert_eq!(rows.difference(&known).collect::<Vec<_>>(), [&""; 0], "no cause");
    let needless: Vec<_> = listed().filter(|s| s.is_trouble_alone()).map(|s| s.code).collect();
    assert_eq!(needless, [""; 0], "staged so without a row");
    let bare: Vec<_> = all().filter(|s| s.is_trouble_alone() && !s.is_in_world()).map(|s| s.code).collect();
    assert_eq!(bare, [""; 0], "no trouble bears its name: list how it is staged");
}

#[test]
fn each_cause_is_a_trouble_of_the_world_or_lies_outside() {
    let known: BTreeSet<_> = causes().map(|c| c.code).collect();
    let inside: BTreeSet<_> = troubles::all().map(|t| t.name()).collect();
    let outside: BTreeSet<_> = troubles::outside().iter().map(|o| o.name).collect();
    assert_eq!(inside.intersection(&outside).collect::<Vec<_>>(), [&""; 0]);
    assert_eq!(inside.union(&outside).copied().collect::<BTreeSet<_>>(), known);
}

#[test]
fn the_healthy_world_has_no_findings() {
    run_paused(async {
        let diagnosis = Setup::healthy().fixture().diagnosis().await;
        assert_eq!(roots(&diagnosis), [""; 0], "{diagnosis}");
        assert_eq!(diagnosis.verdict, cmk::diagnose::Verdict::Healthy, "{diagnosis}");
    });
}

#[test]
fn each_cause_is_found_first_and_alone() {
    let mut failed = Vec::new();
    println!("{:28} {:8} {:8} evidence, and what it hides", "cause", "area", "severity");
    for staged in all() {
        let StagedCause { code, with, .. } = staged;
        let diagnosis = run_paused(async {
            let mut setup = Setup::healthy();
            staged.spoil(&mut setup);
            setup.fixture().diagnosis().await
        });
        let mut expected = vec![(*code).to_owned()];
        expected.extend(with.iter().map(|c| (*c).to_owned()));
        let mut found = roots(&diagnosis);
        if found.first() == expected.first() {
            found.sort();
            expected.sort();
        }
        match diagnosis.findings.first() {
            Some(f) if found == expected => {
                let seen: Vec<_> = f.evidence.iter().map(|e| e.shows.as_str()).collect();
                println!("{:28} {:8} {:8} {}; {}", f.code, f.area, f.severity, seen.join("; "), f.hides.len());
            }
            _ => {
                println!("{code:28} WRONG: {found:?}\n{diagnosis}");
                failed.push(*code);
            }
        }
    }
    assert!(failed.is_empty(), "not found first and alone: {failed:?}");
}
