//! Keys: the state both planes share, and the data plane of vaults (section 2.2 of the rules).

use crate::world::services::Service;

pub(crate) mod rsa;

mod act;
mod errors;
mod import;
mod render;
mod rotation;
mod routes;
mod seed;
mod state;
mod throttle;

pub(crate) use errors::conflict as fail_conflict;
pub(crate) use rotation::read_arm_policy;
pub use seed::{KeyRotation, KeySpec};
pub(crate) use state::{Key, KeyVersion, Life, NewVersion, Transition, Use, usable, valid_key_name};
pub(crate) use throttle::KeyThrottle;

pub(crate) const SERVICE: Service = Service { answer: routes::answer, ..Service::NOTHING };
