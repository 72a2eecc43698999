//! What is looked at: each fact once in a diagnosis, whoever needs it.

mod access;
mod caller;
mod cluster;
mod directory;
mod docker;
mod door;
mod endpoints;
mod grant;
mod identity;
mod key;
mod login;
mod names;
mod probe;
mod registry;
mod replicas;
mod roles;
mod siblings;
mod subnets;
mod tokens;
mod vault;
mod zones;

pub use access::{Access, AccessFact};
pub use caller::CallerFact;
pub use cluster::ClusterFact;
pub use directory::{DirectoryFact, LoginUserFact, WhoIsIt};
pub use docker::{DockerAuth, DockerConfigFact};
pub use door::{Door, DoorFact};
pub use endpoints::{EndpointSeen, EndpointThere, EndpointsFact, StrayEndpointsFact};
pub use grant::{GrantFact, GrantHeld};
pub use identity::{IdentityFact, IdentityLife};
pub use key::{KeyFact, VersionsFact};
pub use login::{LoginFact, LoginRefused, RepositoryFact, SubjectFact, TokenFact};
pub use names::{NameFound, NamesFact};
pub use probe::ProbeFact;
pub use registry::{EncryptedFact, RegistryFact, ServerFact};
pub use replicas::{ReplicasFact, TasksFact};
pub use roles::{Rights, RoleHeld, RolesFact};
pub use siblings::SiblingsFact;
pub use subnets::{
    FirewallsFact, NetworksFact, Role, SubnetRulesFact, SubnetSeen, SubnetThere, SubnetsFact, UnregisteredFact,
};
pub use tokens::{ScopeMapsFact, TokensFact};
pub use vault::VaultFact;
pub use zones::{ZoneSeen, ZonesFact};

pub(in crate::diagnose) use door::proxy;
pub(in crate::diagnose) use endpoints::is_private;
pub(in crate::diagnose) use roles::SURE;
