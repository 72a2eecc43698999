//! The matrix step × fault × how often it fired, printed when the last generator of this file is through.
#![allow(unreachable_pub, missing_debug_implementations)]

use cmk_mocks::{Fired, What};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The generators that count.
const GROUPS: usize = 7;
static DONE: AtomicUsize = AtomicUsize::new(0);
static CELLS: Mutex<BTreeMap<(&'static str, &'static str), usize>> = Mutex::new(BTreeMap::new());

const STEPS: [&str; 11] = [
    "register-provider",
    "ensure-group",
    "ensure-identity",
    "ensure-vault",
    "ensure-key",
    "grant",
    "create-registry",
    "mint-version",
    "point-registry",
    "(looking)",
    "(polling)",
];

fn step_of(method: &str, path: &str) -> &'static str {
    let path = path.to_lowercase();
    let ends = |kind: &str| path.rsplit_once(kind).is_some_and(|(_, rest)| !rest.is_empty() && !rest.contains('/'));
    match method {
        _ if path.contains("/operationstatuses/") || path.contains("/operationresults/") => "(polling)",
        "POST" if path.ends_with("/register") => "register-provider",
        "POST" if path.ends_with("/create") => "mint-version",
        "PUT" if path.contains("/roleassignments/") || path.contains("/accesspolicies/") => "grant",
        "PUT" if ends("/userassignedidentities/") => "ensure-identity",
        "PUT" if ends("/registries/") => "create-registry",
        "PUT" if ends("/vaults/") => "ensure-vault",
        "PUT" if path.contains("/vaults/") && ends("/keys/") => "ensure-key",
        "PUT" if ends("/resourcegroups/") => "ensure-group",
        "PATCH" if ends("/registries/") => "point-registry",
        _ => "(looking)",
    }
}

/// Why a cell may be empty.
fn reason(step: &str, fault: &str) -> Option<&'static str> {
    let registry = matches!(step, "create-registry" | "point-registry");
    let reads = step.starts_with('(');
    match fault {
        "busy" if !registry => Some("only a registry is busy with another operation"),
        "lands_late" if reads => Some("a read does not land"),
        "stale_read" => (!reads || step == "(polling)").then_some("struck at the reads after a write"),
        "slow_grant" if step != "grant" => Some("only a grant is slow"),
        "cut_body" | "html_body" | "empty_body" if step == "(polling)" => None,
        _ => None,
    }
}

/// Adds what fired.
pub fn count(fired: &[Fired]) {
    let mut cells = CELLS.lock().unwrap();
    for one in fired {
        let kind = What::KINDS.into_iter().find(|k| *k == one.kind).expect("a kind of fault");
        *cells.entry((step_of(&one.method, &one.path), kind)).or_default() += 1;
    }
}

/// One more generator is through; the last one prints.
pub fn group_done() {
    if DONE.fetch_add(1, Ordering::SeqCst) + 1 < GROUPS {
        return;
    }
    let cells = CELLS.lock().unwrap();
    let mut empty = Vec::new();
    println!("step × fault × how often it fired\n");
    print!("{:<18}", "");
    for fault in What::KINDS {
        print!("{fault:>12}");
    }
    println!();
    for step in STEPS {
        print!("{step:<18}");
        for fault in What::KINDS {
            match cells.get(&(step, fault)) {
                Some(n) => print!("{n:>12}"),
                None => {
                    print!("{:>12}", "-");
                    if reason(step, fault).is_none() {
                        empty.push(format!("{step} × {fault}"));
                    }
                }
            }
        }
        println!();
    }
    assert!(empty.is_empty(), "empty cells without a reason: {empty:?}");
}
