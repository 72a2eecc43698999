//! What is looked at: each fact once in a diagnosis, whoever needs it.

mod access;
mod activity;
mod az_cli;
mod caller;
mod cluster;
mod directory;
mod docker_config;
mod docker_daemon;
mod endpoints;
mod grant;
mod identity;
mod key;
mod login;
pub(in crate::diagnosis) mod logs;
mod names;
mod probe;
mod registry;
mod registry_endpoint;
mod replicas;
mod roles;
mod siblings;
mod subnets;
mod tokens;
mod vault;
mod zones;

pub use access::{Access, AccessFact};
pub use activity::ActivityFact;
pub use az_cli::{AzFact, AzSubscription};
pub use caller::CallerFact;
pub use cluster::ClusterFact;
pub use directory::{DirectoryFact, LoginUserFact, WhoIsIt};
pub use docker_config::{DockerAuth, DockerConfigFact};
pub use docker_daemon::{Daemon, DaemonConfigFact, DockerFact};
pub use endpoints::{EndpointSeen, EndpointThere, EndpointsFact, StrayEndpointsFact};
pub use grant::{GrantFact, GrantHeld};
pub use identity::{IdentityFact, IdentityLife};
pub use key::{KeyFact, VersionsFact};
pub use login::{LoginFact, LoginRefused, RepositoryFact, SubjectFact, TokenFact};
pub use logs::{
    LoginEventsFact, RefusedEvent, RegistryLogsFact, RepositoryEventsFact, TaskLogsFact, VaultAuditFact, VaultLogsFact,
};
pub use names::{NameFound, NamesFact};
pub use probe::ProbeFact;
pub use registry::{EncryptedFact, RegistryFact, ServerFact};
pub use registry_endpoint::{Door, DoorFact};
pub use replicas::{ReplicasFact, TasksFact};
pub use roles::{Rights, RoleHeld, RolesFact};
pub use siblings::SiblingsFact;
pub use subnets::{
    FirewallsFact, NetworksFact, Role, SubnetRulesFact, SubnetSeen, SubnetThere, SubnetsFact, UnregisteredFact,
};
pub use tokens::{ScopeMapsFact, TokensFact};
pub use vault::VaultFact;
pub use zones::{ZoneSeen, ZonesFact};

pub(in crate::diagnosis) use endpoints::is_private;
pub(in crate::diagnosis) use registry_endpoint::proxy;
pub(in crate::diagnosis) use roles::SURE;
