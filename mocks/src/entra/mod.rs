//! Entra ID: principals, tokens, the token endpoint and the machine's metadata endpoint.

mod errors;
mod routes;
mod state;

pub(crate) use routes::{handle, handle_imds};
pub(crate) use state::{AppSecret, Directory, SecretProblem, TokenProblem};
pub use state::{OPERATOR_SECRET, Principal, PrincipalKind};
