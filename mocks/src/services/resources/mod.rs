//! Subscription, providers, resource groups and the generic list of resources.

mod places;
mod routes;
mod state;

pub(crate) use routes::{Listed, handle, handle_provider};
pub(crate) use state::{Lock, MAX_NOTES, Resources};

/// How every subscription is called.
pub(crate) const SUBSCRIPTION_NAME: &str = "Simulated subscription";
