//! What is looked at: each fact once in a diagnosis, whoever needs it.

mod access;
mod activity;
mod caller;
mod cluster;
mod containers;
mod directory;
mod docker;
mod door;
mod endpoints;
mod grant;
mod identity;
mod key;
mod local;
mod login;
pub(in crate::diagnose) mod logs;
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
pub use activity::ActivityFact;
pub use caller::CallerFact;
pub use cluster::ClusterFact;
pub use containers::{Daemon, DaemonConfigFact, DockerFact};
pub use directory::{DirectoryFact, LoginUserFact, WhoIsIt};
pub use docker::{DockerAuth, DockerConfigFact};
pub use door::{Door, DoorFact};
pub use endpoints::{EndpointSeen, EndpointThere, EndpointsFact, StrayEndpointsFact};
pub use grant::{GrantFact, GrantHeld};
pub use identity::{IdentityFact, IdentityLife};
pub use key::{KeyFact, VersionsFact};
pub use local::{AzFact, AzSubscription};
pub use login::{LoginFact, LoginRefused, RepositoryFact, SubjectFact, TokenFact};
pub use logs::{
    LoginEventsFact, RefusedEvent, RegistryLogsFact, RepositoryEventsFact, TaskLogsFact, VaultAuditFact, VaultLogsFact,
};
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
