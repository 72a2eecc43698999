//! Entra ID: principals, tokens, the token endpoint and the machine's metadata endpoint.

mod applications;
mod errors;
mod routes;
mod state;

pub use applications::SeededApplication;
pub(crate) use applications::{AppSecret, Application};
pub(crate) use routes::{handle, handle_imds};
pub(crate) use state::{Directory, Record, TokenProblem};
pub use state::{OPERATOR_SECRET, Principal, PrincipalKind};
