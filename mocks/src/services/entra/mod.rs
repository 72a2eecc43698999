//! Entra ID: principals, tokens, the token endpoint and the machine's metadata endpoint.

mod applications;
mod errors;
mod routes;
mod state;

pub use applications::SeededApplication;
pub(crate) use applications::{Application, PasswordCredential};
pub(crate) use routes::{handle, handle_imds};
pub(crate) use state::{AppSecret, Directory, Record, SecretProblem, TokenProblem};
pub use state::{OPERATOR_SECRET, Principal, PrincipalKind};
