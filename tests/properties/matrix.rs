//! The matrix step × fault × how often it fired, printed when the last generator of this file is through.

use cmk_mocks::{Fired, What};
use cmk_tests::stage::{Stage, troubled};
use serde_json::Value;
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

const STEPS: [&str; 29] = [
    "register-provider",
    "ensure-group",
    "ensure-identity",
    "ensure-vault",
    "ensure-key",
    "grant",
    "create-registry",
    "mint-version",
    "point-registry",
    "attach-identity",
    "detach-identity",
    "revalidate",
    "set-network",
    "set-registry-network",
    "drop-private-endpoint",
    "set-diagnostics",
    "recover-key",
    "recover-vault",
    "delete-key",
    "delete-vault",
    "set-assignment",
    "withdraw",
    "set-version-enabled",
    "set-expiry",
    "set-rotation-policy",
    "import-material",
    "deploy-template",
    "(looking)",
    "(polling)",
];

fn step_of(workflow: &str, one: &Fired, body: &Value) -> &'static str {
    let path = one.path.to_lowercase();
    let ends = |kind: &str| path.rsplit_once(kind).is_some_and(|(_, rest)| !rest.is_empty() && !rest.contains('/'));
    let (back, restore) = (matches!(workflow, "rollback" | "restore"), workflow == "restore");
    match one.method.as_str() {
        _ if path.contains("/operationstatuses/") || path.contains("/operationresults/") => "(polling)",
        "POST" if path.ends_with("/register") => "register-provider",
        "POST" if path.ends_with("/create") => "mint-version",
        "POST" if path.ends_with("/recover") => "recover-key",
        "PUT" if path.ends_with("/rotationpolicy") => "set-rotation-policy",
        "PUT" if path.contains("/roleassignments/") && restore => "set-assignment",
        "PUT" if path.ends_with("/accesspolicies/remove") => "withdraw",
        "PUT" if path.contains("/roleassignments/") || path.contains("/accesspolicies/") => "grant",
        "PUT" if ends("/userassignedidentities/") => "ensure-identity",
        "PUT" if ends("/registries/") => "create-registry",
        "PUT" if ends("/vaults/") && (back || workflow == "recover") => "recover-vault",
        "PUT" if ends("/vaults/") => "ensure-vault",
        "PUT" if path.contains("/vaults/") && ends("/keys/") => "ensure-key",
        "PUT" if path.starts_with("/keys/") => "import-material",
        "PUT" if path.contains("/deployments/") => "deploy-template",
        "PUT" if ends("/resourcegroups/") => "ensure-group",
        "PATCH" if ends("/vaults/") => "set-network",
        "PATCH" if ends("/registries/") && body.get("identity").is_some() => {
            let off = body.pointer("/identity/userAssignedIdentities").and_then(Value::as_object);
            let off = off.is_some_and(|map| map.values().any(Value::is_null));
            let kind = body.pointer("/identity/type").and_then(Value::as_str).unwrap_or_default();
            // Only a way back switches the system-assigned identity off.
            if off || (back && !kind.contains("SystemAssigned")) { "detach-identity" } else { "attach-identity" }
        }
        "PATCH" if ends("/registries/") && body.pointer("/properties/encryption").is_none() => "set-registry-network",
        "PATCH" if ends("/registries/") && matches!(workflow, "repair" | "recover" | "restore") => "revalidate",
        "PATCH" if ends("/registries/") => "point-registry",
        "PATCH" if path.contains("/keys/") && body.pointer("/attributes/exp").is_some() => "set-expiry",
        "PATCH" if path.contains("/keys/") => "set-version-enabled",
        "DELETE" if path.contains("/roleassignments/") && back => "withdraw",
        "DELETE" if path.contains("/roleassignments/") => "set-assignment",
        "PUT" if ends("/diagnosticsettings/") => "set-diagnostics",
        "DELETE" if ends("/privateendpointconnections/") => "drop-private-endpoint",
        "DELETE" if ends("/vaults/") => "delete-vault",
        "DELETE" if ends("/keys/") => "delete-key",
        _ => "(looking)",
    }
}

/// Why a cell may be empty.
fn reason(step: &str, fault: &str) -> Option<&'static str> {
    let registry = matches!(
        step,
        "create-registry"
            | "point-registry"
            | "attach-identity"
            | "detach-identity"
            | "revalidate"
            | "set-registry-network"
    );
    let reads = step.starts_with('(');
    match fault {
        "busy" if !registry => Some("only a registry is busy with another operation"),
        "lands_late" if reads => Some("a read does not land"),
        "stale_read" => (!reads || step == "(polling)").then_some("struck at the reads after a write"),
        "slow_grant" if step != "grant" => Some("only a grant is slow"),
        "cut_body" | "html_body" | "empty_body" if matches!(step, "delete-vault" | "drop-private-endpoint") => {
            Some("its answer has no body to spoil")
        }
        _ => None,
    }
}

/// Adds what fired in a play.
pub(crate) fn count(stage: &Stage) {
    let workflow = stage.order.workflow();
    let exchanges = stage.sim.exchanges();
    let mut cells = CELLS.lock().unwrap();
    for one in stage.sim.fired() {
        let kind = What::KINDS.into_iter().find(|k| *k == one.kind).expect("a kind of fault");
        let body = exchanges.iter().find(|e| e.n == one.n).map_or(&Value::Null, |e| &e.request_body);
        *cells.entry((step_of(workflow, &one, body), kind)).or_default() += 1;
    }
}

/// One more generator is through; the last one prints.
pub(crate) fn group_done() {
    if DONE.fetch_add(1, Ordering::SeqCst) + 1 < GROUPS {
        return;
    }
    let cells = CELLS.lock().unwrap();
    let mut empty = Vec::new();
    println!("step × fault × how often it fired\n");
    print!("{:<20}", "");
    for fault in What::KINDS {
        print!("{fault:>12}");
    }
    println!();
    for step in STEPS {
        print!("{step:<20}");
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
    // A sample of the moments leaves cells empty.
    assert!(
        empty.is_empty() || !troubled::long() || troubled::wanted().is_some(),
        "empty cells without a reason: {empty:?}"
    );
}
