//! The simulator is put the recorded requests, names mapped, at the recorded times; its answers are compared with the
//! recorded ones: status, headers, members, types, casing and forms.

#[path = "recordings/data.rs"]
mod data;
#[path = "recordings/differences.rs"]
mod differences;
#[path = "recordings/drive.rs"]
mod drive;

use data::Recording;
use differences::{CLASSES, Class, Met, READ, classify};
use drive::Drive;
use libtest_mimic::{Failed, Trial};
use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
};

fn main() -> ExitCode {
    const TEST: &str = "the_simulator_answers_as_recorded";
    data::main(&[TEST], || {
        let all = data::recordings("");
        assert!(all.len() >= 150, "{} recordings", all.len());
        vec![Trial::test(TEST, move || as_recorded(&all))]
    })
}

fn as_recorded(all: &[Recording]) -> Result<(), Failed> {
    let mut met: Vec<Met> = Vec::new();
    for recording in all {
        if let Some(drive) = Drive::new(recording) {
            met.extend(drive.run());
        }
    }
    let operations: BTreeSet<_> = met.iter().map(|m| m.operation.as_str()).collect();
    let same = met.iter().filter(|m| m.points.is_empty()).count();
    println!("{} exchanges of {} operations compared, {same} without any difference", met.len(), operations.len());

    let mut counts = BTreeMap::<Class, (usize, BTreeSet<String>)>::new();
    let mut faults = BTreeMap::<String, (usize, String)>::new();
    for (one, point) in met.iter().flat_map(|m| m.points.iter().map(move |p| (m, p))) {
        let shown = format!("{} | {point}", one.operation);
        let reads = READ.iter().any(|(operation, member)| one.operation.contains(operation) && point.is_of(member));
        match classify(&met, one, point) {
            Some((class, reason)) if !reads || class == Class::Redacted => {
                let (times, list) = counts.entry(class).or_default();
                *times += 1;
                list.insert(format!("{shown}: {reason}"));
            }
            allowed => {
                let why = allowed.map_or(String::new(), |(class, _)| format!("({class:?}, but a workflow reads it) "));
                let fault = faults.entry(shown).or_insert_with(|| (0, format!("{why}first in {}", one.place)));
                fault.0 += 1;
            }
        }
    }
    for class in CLASSES {
        let (times, list) = counts.remove(&class).unwrap_or_default();
        println!("{class:?}: {times} differences of {} kinds", list.len());
        for one in list {
            println!("    {one}");
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    let list: Vec<_> = faults.iter().map(|(what, (times, place))| format!("{times:>4} {what}: {place}")).collect();
    Err(format!("{} unexplained differences:\n{}", list.len(), list.join("\n")).into())
}
