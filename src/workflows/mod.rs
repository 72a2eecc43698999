//! Floor 6: the workflows, an order and its steps a file.

pub mod auto_rotate;
pub mod bypass;
pub mod create;
pub mod deploy;
pub mod grant_access;
pub(crate) mod image_probe;
#[cfg(feature = "import")]
pub mod import_key;
pub(crate) mod key_path;
pub mod logs;
pub(crate) mod order;
pub mod reassign;
pub mod recover;
pub mod registry_network;
pub mod repair;
pub mod retire;
pub mod revoke;
pub mod rollback;
pub mod rotate;
pub mod saved_plan;
pub(crate) mod single_step;
pub mod template;
pub mod vault_network;
