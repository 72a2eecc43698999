//! The services of Azure, a folder each, and what several of them share.

pub(crate) mod arm;
pub(crate) mod authorization;
pub(crate) mod clusters;
pub(crate) mod deployments;
pub(crate) mod directory;
pub(crate) mod entra;
pub(crate) mod graph;
pub(crate) mod identities;
pub(crate) mod key_access;
pub(crate) mod key_audit;
pub(crate) mod keys;
pub(crate) mod monitor;
pub(crate) mod networks;
pub(crate) mod policies;
pub(crate) mod private_link;
pub(crate) mod registries;
pub(crate) mod registry_audit;
pub(crate) mod registry_data;
pub(crate) mod resources;
pub mod roles;
pub(crate) mod system_data;
pub(crate) mod vaults;
