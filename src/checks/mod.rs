//! Floor 4: probes that only look, one thing each, shared by steps, preflight and diagnosis. One writes, a few bytes that it
//! takes away again: [`ProbeImages`], made only when it is asked for.

mod encryption;
mod grants;
mod grants_held;
mod key_rights;
mod key_usable;
mod key_versions;
mod needed;
mod probe;
mod registries_on_key;
mod unknown;
mod vault_of_key;
mod vault_standing;
mod who_is;

pub(crate) use encryption::is_busy;
pub use encryption::{Encrypted, Encryption, EncryptionOf, UserIdentity};
pub use grants::{GrantModel, GrantOf, Granted};
pub use grants_held::{GrantsHeld, Held};
pub use key_rights::{KeyRight, KeyRights, KeyRightsSeen};
pub use key_usable::{KeySeen, KeyUsable, VersionSeen};
pub use key_versions::{KeyVersions, VersionLine, Versions};
pub use needed::{Need, Needed, NeededBy};
pub use probe::{ProbeImages, ProbeSeen, Probed};
pub use registries_on_key::{OnKey, RegistriesOnKey, RegistryOnKey};
pub use unknown::Unknown;
pub use vault_of_key::{VaultFound, VaultOfKey};
pub use vault_standing::{VaultFacts, VaultStanding, VaultState};
pub use who_is::{IdentityWanted, Who, WhoIs};

use crate::{
    azure::Reader,
    engine::{error::Result, journal::Journaled},
};
use std::future::Future;

/// A read-only probe of one thing.
///
/// # A check of one's own
/// ```
/// use cmk::{Result, azure::{Reader, id::RegistryId}, checks::Check};
///
/// /// Whether anybody may pull without logging in.
/// struct AnonymousPull { registry: RegistryId }
///
/// impl Check for AnonymousPull {
///     type Seen = bool;
///     async fn look(&self, look: &Reader) -> Result<bool> {
///         let registry = look.registry(&self.registry).await?;
///         Ok(registry.is_some_and(|r| r.whole()["properties"]["anonymousPullEnabled"] == true))
///     }
/// }
/// ```
pub trait Check: Send + Sync {
    /// What it saw; journaled when a workflow decides by it.
    type Seen: Journaled;
    /// Looks.
    fn look(&self, look: &Reader) -> impl Future<Output = Result<Self::Seen>> + Send;
}
