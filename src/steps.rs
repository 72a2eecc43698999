//! Floor 4: the steps workflows are made of, one a file.

mod attach_identity;
mod create_registry;
mod delete_key;
mod delete_vault;
mod deploy_template;
mod detach_identity;
mod door;
mod ensure_group;
mod ensure_identity;
mod ensure_key;
mod ensure_vault;
mod grant;
#[cfg(feature = "import")]
mod import_material;
mod mint_version;
mod point_registry;
mod recover_key;
mod recover_vault;
mod register_provider;
mod revalidate;
mod set_assignment;
mod set_expiry;
mod set_network;
mod set_rotation;
mod set_version_enabled;
mod withdraw;

pub use attach_identity::{Attach, AttachIdentity, AttachedAs};
pub(crate) use create_registry::plain;
pub use create_registry::{CreateRegistry, RegistryMade};
pub use delete_key::DeleteKey;
pub use delete_vault::DeleteVault;
pub use deploy_template::{DeployTemplate, Deployed};
pub use detach_identity::DetachIdentity;
pub(crate) use door::shut_out;
pub use ensure_group::EnsureGroup;
pub use ensure_identity::{EnsureIdentity, IdentityMade};
pub use ensure_key::{EnsureKey, KeyShape};
pub use ensure_vault::{EnsureVault, VaultMade, VaultWay};
pub use grant::Grant;
#[cfg(feature = "import")]
pub use import_material::{ImportMaterial, Imported, KeyFile, KeyForm};
pub use mint_version::{MintVersion, Minted};
pub(crate) use point_registry::not_attached;
pub use point_registry::{PointRegistry, Pointed, Reference, Was};
pub use recover_key::RecoverKey;
pub use recover_vault::{RecoverVault, VaultBack};
pub use register_provider::RegisterProvider;
pub use revalidate::{Revalidate, Revalidated};
pub use set_assignment::SetAssignment;
pub use set_expiry::SetExpiry;
pub use set_network::{NetworkChange, SetNetwork};
pub use set_rotation::SetRotation;
pub(crate) use set_rotation::words as rotation_words;
pub use set_version_enabled::SetVersionEnabled;
pub use withdraw::Withdraw;
