//! A registry's data plane: login, images, and what it refuses (R-DP).

mod access_tokens;
mod blobs;
mod condition;
mod content;
mod errors;
mod login;
mod manifests;
mod network;
mod notes;
mod oauth;
mod records;
mod repositories;
mod rights;
mod routes;
mod scope;
mod seed;
mod throttle;

pub(crate) use blobs::is_account;
pub use content::Changeable;
pub(crate) use content::{Content, sha256};
pub use network::ClientPlace;
pub(crate) use network::DataPlane;
pub(crate) use routes::handle;
pub use seed::SeededImage;
