//! What is looked at: each fact once in a diagnosis, whoever needs it.

mod caller;
mod door;
mod grant;
mod identity;
mod key;
mod names;
mod registry;
mod vault;

pub use caller::CallerFact;
pub use door::{Door, DoorFact};
pub use grant::{GrantFact, GrantHeld};
pub use identity::{IdentityFact, IdentityLife};
pub use key::{KeyFact, VersionsFact};
pub use names::{NameFound, NamesFact};
pub use registry::{EncryptedFact, RegistryFact, ServerFact};
pub use vault::VaultFact;
