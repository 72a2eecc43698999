//! What is looked at: each fact once in a diagnosis, whoever needs it.

mod caller;
mod grant;
mod identity;
mod key;
mod registry;
mod siblings;
mod vault;

pub use caller::CallerFact;
pub use grant::{GrantFact, GrantHeld};
pub use identity::{IdentityFact, IdentityLife};
pub use key::{KeyFact, VersionsFact};
pub use registry::{EncryptedFact, RegistryFact, ServerFact};
pub use siblings::SiblingsFact;
pub use vault::VaultFact;
