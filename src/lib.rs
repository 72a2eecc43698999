#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

// The floors, from the lowest up: sabotage, azure, symptoms, engine, checks, steps, workflows, diagnosis, reports, verbs. A floor
// imports from those before it, never from those behind it (tests/docs/layers.rs).
pub mod azure;
pub mod checks;
mod diagnosis;
mod engine;
mod reports;
mod sabotage;
pub mod steps;
mod symptoms;
mod verbs;
mod workflows;

// Azure.
pub use azure::{Auth, Azure, Cloud, Sent, program};

// Error texts.
pub mod symptom {
    //! What an error text means, whoever printed it.
    pub use crate::symptoms::*;
}
pub use symptoms::Symptom;

// Orders, runs, plans and journals.
pub use engine::{
    error::{self, Error, ErrorKind, Hint, Overtaken, Refusal, Result},
    event::{self, Event},
    journal,
    plan::{self, Plan},
    run::{self, Abandoned, Context, Damage, Run, Stop, Workflow, abandon, resumable},
    step::{self, Irreversible, Known, Step},
};
#[cfg(cmk_sabotage)]
#[doc(hidden)]
pub use sabotage::Guard;
pub use steps::Reference;

// The workflows.
#[cfg(feature = "import")]
pub use workflows::import_key::{self, ImportKey, ImportedKey};
pub use workflows::{
    auto_rotate::{self, AutoRotate, AutoRotated},
    bypass::{self, Bypass, Bypassed},
    create::{self, Create, Created},
    deploy::{self, Deploy, DeployedTemplate},
    grant_access::{self, AccessGranted, GrantAccess},
    key_path::CallersRight,
    logs::{self, Logs, LogsSent},
    order::{Order, Outcome},
    reassign::{self, Reassign, Reassigned},
    recover::{self, Recover, Recovered},
    registry_network::{self, RegistryNetwork, RegistryNetworkChanged},
    repair::{self, Repair, Repaired},
    retire::{self, Retire, Retired},
    revoke::{self, Revoke, Revoked},
    rollback::{self, Restore, Restored, Rollback, RolledBack},
    rotate::{self, Rotate, Rotated},
    saved_plan::{self as saved, SavedPlan},
    single_step::Only,
    template::{self, Template, template},
    vault_network::{self as network, NetworkChanged, VaultNetwork},
};

pub use verbs::*;

// Reports: what is only read.
pub use reports::{
    firewall_rules::{self, FirewallHost, FirewallRules, HostPurpose, firewall_rules},
    list::{self, Listing, list},
    login::{self, Login, login},
    rotation::{Rotation, rotation},
    status::{self, Status, status},
};

// Diagnosis.
pub mod diagnose {
    //! Diagnose a registry: name the cause, show the evidence, offer the remedy.
    pub use crate::diagnosis::*;
}
pub use diagnosis::{
    Diagnosis, Finding,
    audit::{self, Audit, audit},
    diagnose,
};
