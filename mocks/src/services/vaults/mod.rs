//! Vaults and, through Resource Manager, their keys (sections 2.1, 2.3, 2.4 of the rules).

mod arm_keys;
mod deleted;
mod errors;
mod links;
mod network;
mod routes;
mod state;

pub(crate) use network::{Gate, address_in};
pub(crate) use routes::handle;
pub(crate) use state::{NetworkAcls, Permissions, Policy, Vault, Vaults, valid_name};

/// What `x-ms-keyvault-service-version` says of the resource provider.
const SERVICE_VERSION: &str = "1.5.1507.0";
