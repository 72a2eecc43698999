#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod azure;
pub mod error;
pub mod event;
mod guard;
pub mod journal;
mod order;
pub mod plan;
pub mod program;
pub mod run;
pub mod step;
pub mod symptom;

pub use azure::{Auth, Azure, Cloud, Sent};
pub use error::{Error, ErrorKind, Hint, Overtaken, Refusal, Result};
pub use event::Event;
#[cfg(feature = "sabotage")]
#[doc(hidden)]
pub use guard::Guard;
pub use order::{AnyRun, Order, Outcome};
pub use plan::Plan;
pub use run::{Context, Run, Stop, Workflow};
pub use step::{Irreversible, Known, Step};
pub use symptom::Symptom;

mod access;
pub mod audit;
pub mod auto_rotate;
pub mod bypass;
pub mod checks;
pub mod create;
pub mod deploy;
pub mod diagnose;
mod explain;
pub mod firewall_rules;
pub mod grant_access;
#[cfg(feature = "import")]
pub mod import_key;
pub mod list;
pub mod login;
pub mod logs;
pub mod network;
mod only;
mod preflight;
mod probe;
pub mod reassign;
pub mod recover;
pub mod registry_network;
pub mod repair;
pub mod retire;
pub mod revoke;
pub mod rollback;
pub mod rotate;
pub mod saved;
pub mod status;
pub mod steps;
pub mod template;
mod undo;

pub use access::CallersRight;
pub use audit::{Audit, audit};
pub use auto_rotate::{AutoRotate, AutoRotated, Rotation, auto_rotate, rotation};
pub use bypass::{Bypass, Bypassed, bypass};
pub use create::{Create, Created, create};
pub use deploy::{Deploy, DeployedTemplate, deploy};
pub use diagnose::{Diagnosis, Finding, diagnose};
pub use firewall_rules::{FirewallHost, FirewallRules, HostPurpose, firewall_rules};
pub use grant_access::{AccessGranted, GrantAccess, grant_access};
#[cfg(feature = "import")]
pub use import_key::{ImportKey, ImportedKey, import_key};
pub use list::{Listing, list};
pub use login::{Login, login};
pub use logs::{Logs, LogsSent, logs};
pub use network::{NetworkChanged, VaultNetwork, vault_network};
pub use only::Only;
pub use reassign::{Reassign, Reassigned, reassign};
pub use recover::{Recover, Recovered, recover};
pub use registry_network::{RegistryNetwork, RegistryNetworkChanged, registry_network};
pub use repair::{Repair, Repaired, repair};
pub use retire::{Retire, Retired, retire};
pub use revoke::{Revoke, Revoked, revoke};
pub use rollback::{Restore, Restored, Rollback, RolledBack, restore, rollback};
pub use rotate::{Rotate, Rotated, rotate};
pub use run::{Abandoned, Damage, abandon, resumable};
pub use saved::SavedPlan;
pub use status::{Status, status};
pub use steps::Reference;
pub use template::{Template, template};
