//! A registry's data plane: login, images, and what it refuses (R-DP).

use crate::world::services::Service;

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

pub use content::Changeable;
pub(crate) use content::{Content, sha256};
pub(crate) use network::DataPlane;
pub use seed::SeededImage;

pub(crate) const SERVICE: Service = Service { answer: routes::handle, ..Service::NOTHING };
