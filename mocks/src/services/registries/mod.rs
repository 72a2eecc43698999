//! Container registries: the control plane, with customer-managed keys (section 1 of the rules).

mod check;
mod connections;
mod credentials;
mod errors;
mod health;
mod import;
mod logins;
mod operations;
mod render;
mod replicas;
mod roster;
mod routes;
mod state;
mod tasks;
mod tokens;
mod versions;

pub(crate) use check::{default_props, valid_name};
pub(crate) use errors::no_access_to_identity;
pub(crate) use health::Judged;
pub use health::Renewal;
pub(crate) use logins::{Logins, Password, ScopeMap, Token};
pub(crate) use routes::handle;
pub use state::ImportedImage;
pub(crate) use state::{Attached, Cmk, KeyId, Pending, Registries, Registry, Spec, State, Step};
