//! Floor 5: the steps workflows are made of, one a file.

mod attach_identity;
mod create_key_version;
mod create_registry;
mod delete_key;
mod delete_vault;
mod deploy_template;
mod detach_identity;
mod drop_private_endpoint;
mod ensure_group;
mod ensure_identity;
mod ensure_key;
mod ensure_vault;
mod grant;
#[cfg(feature = "import")]
mod import_material;
pub(crate) mod locks;
mod needed;
mod reapply_encryption;
mod recover_key;
mod recover_vault;
mod register_provider;
mod remove_grant;
mod set_diagnostics;
mod set_expiry;
mod set_registry_key;
mod set_registry_network;
mod set_role_assignment;
mod set_rotation;
mod set_vault_network;
mod set_version_enabled;
mod vault_denied;

use crate::engine::step::Step;
pub(crate) use attach_identity::no_registry;
pub use attach_identity::{Attach, AttachIdentity, AttachedAs};
pub use create_key_version::{MintVersion, Minted};
pub(crate) use create_registry::plain;
pub use create_registry::{CreateRegistry, RegistryMade};
pub use delete_key::DeleteKey;
pub use delete_vault::DeleteVault;
pub use deploy_template::{DeployTemplate, Deployed};
pub use detach_identity::DetachIdentity;
pub use drop_private_endpoint::DropPrivateEndpoint;
pub use ensure_group::EnsureGroup;
pub use ensure_identity::{EnsureIdentity, IdentityMade};
pub use ensure_key::{EnsureKey, KeyShape};
pub use ensure_vault::{EnsureVault, VaultMade, VaultWay};
pub use grant::Grant;
#[cfg(feature = "import")]
pub use import_material::{ImportMaterial, Imported, KeyFile, KeyForm};
pub use reapply_encryption::{Revalidate, Revalidated};
pub use recover_key::RecoverKey;
pub use recover_vault::{RecoverVault, VaultBack};
pub use register_provider::RegisterProvider;
pub use remove_grant::Withdraw;
pub use set_diagnostics::SetDiagnostics;
pub use set_expiry::SetExpiry;
pub(crate) use set_expiry::same as same_end;
pub(crate) use set_registry_key::not_attached;
pub use set_registry_key::{PointRegistry, Pointed, Reference, Was};
pub(crate) use set_registry_network::same as same_rules;
pub use set_registry_network::{RegistryNetworkChange, SetRegistryNetwork};
pub use set_role_assignment::SetAssignment;
pub use set_rotation::SetRotation;
pub(crate) use set_rotation::{that_counts, words as rotation_words};
pub(crate) use set_vault_network::same as same_network;
pub use set_vault_network::{NetworkChange, SetNetwork};
pub use set_version_enabled::SetVersionEnabled;
pub(crate) use vault_denied::shut_out;

/// The table of all steps, for the macros that make something of it: first those that may be a way back, of which a rollback
/// takes one as it is stored.
macro_rules! each_step {
    ($with:ident) => {
        $with! {
            undo {
                AttachIdentity,
                DetachIdentity,
                Grant,
                PointRegistry,
                RecoverKey,
                RecoverVault,
                SetAssignment,
                SetDiagnostics,
                SetExpiry,
                SetNetwork,
                SetRegistryNetwork,
                SetRotation,
                SetVersionEnabled,
                Withdraw,
            }
            other {
                CreateRegistry,
                DeleteKey,
                DeleteVault,
                DeployTemplate,
                DropPrivateEndpoint,
                EnsureGroup,
                EnsureIdentity,
                EnsureKey,
                EnsureVault,
                MintVersion,
                RegisterProvider,
                Revalidate,
                #[cfg(feature = "import")]
                ImportMaterial,
            }
        }
    };
}
pub(crate) use each_step;

macro_rules! names {
    (undo { $($undo:ident,)+ } other { $($(#[$cfg:meta])? $other:ident,)+ }) => {
        /// The names of all steps, as plans and journals have them.
        pub const NAMES: &[&str] = &[
            $(<$undo as Step>::NAME,)+
            $($(#[$cfg])? <$other as Step>::NAME,)+
        ];
    };
}
each_step!(names);
