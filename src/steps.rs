//! Floor 4: the steps workflows are made of, one a file.

mod create_registry;
mod ensure_group;
mod ensure_identity;
mod ensure_key;
mod ensure_vault;
mod grant;
mod mint_version;
mod point_registry;
mod register_provider;
mod withdraw;

pub(crate) use create_registry::plain;
pub use create_registry::{CreateRegistry, RegistryMade};
pub use ensure_group::EnsureGroup;
pub use ensure_identity::{EnsureIdentity, IdentityMade};
pub use ensure_key::{EnsureKey, KeyShape};
pub use ensure_vault::{EnsureVault, VaultMade, VaultWay};
pub use grant::Grant;
pub use mint_version::{MintVersion, Minted};
pub(crate) use point_registry::not_attached;
pub use point_registry::{PointRegistry, Pointed, Reference};
pub use register_provider::RegisterProvider;
pub use withdraw::Withdraw;
