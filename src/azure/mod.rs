//! Floor 1, the only door to the network: typed calls to Azure Resource Manager and Key Vault.
//!
//! [`Azure`] is a cheap handle. [`Reader`] can look at everything and change nothing; [`Writer`] can change too. Steps
//! observe through the first and apply through the second.

pub mod activity_log;
mod client;
pub mod cloud;
pub mod clusters;
mod credential;
pub mod deployments;
pub mod diagnostic_settings;
pub mod error;
pub mod graph;
pub mod groups;
mod host_guard;
pub mod id;
pub mod identities;
pub mod keys;
mod limited;
pub mod locks;
mod lossless;
pub mod networks;
mod operation;
pub mod permissions;
pub mod policies;
pub mod program;
pub mod providers;
mod read_cache;
pub mod registries;
pub mod resources;
mod retry;
pub mod role_assignments;
pub mod role_definitions;
pub(crate) mod time_format;
pub mod vaults;
pub mod workspaces;

pub use client::{Azure, Builder, Clock, Reader, SystemClock, Writer, Written};
pub use cloud::Cloud;
pub use credential::{Auth, Caller, Secrets, Surroundings, UnknownAuth, Way, is_logging_in};
pub use error::ServiceError;
pub use host_guard::{NotLoopback, loopback};
pub use lossless::Kept;
pub use operation::{Operation, Progress};
pub use read_cache::Read;
pub use retry::{CallError, Called, Cause, Sent};

/// The api-versions of all calls, in one place. Each has a contract bundle or is named with its documentation page.
pub mod versions {
    /// Microsoft.ContainerRegistry.
    pub const REGISTRY: &str = "2025-11-01";
    /// Rules for subnets of registries, which are in previews only; the one by which az changes network rules. Read only:
    /// <https://learn.microsoft.com/azure/container-registry/container-registry-vnet>.
    pub const REGISTRY_SUBNETS: &str = "2021-08-01-preview";
    /// Tasks of registries, in previews only: <https://learn.microsoft.com/rest/api/containerregistry/tasks>.
    pub const TASKS: &str = "2019-06-01-preview";
    /// Microsoft.KeyVault, vaults and keys through ARM (R-KV-30).
    pub const VAULT: &str = "2026-02-01";
    /// Key Vault keys, data plane.
    pub const KEYS: &str = "2025-07-01";
    /// Microsoft.ManagedIdentity.
    pub const IDENTITY: &str = "2023-01-31";
    /// Role assignments.
    pub const ROLE_ASSIGNMENT: &str = "2022-04-01";
    /// A caller's permissions at a scope: <https://learn.microsoft.com/rest/api/authorization/permissions>.
    pub const PERMISSIONS: &str = "2022-04-01";
    /// Management locks: <https://learn.microsoft.com/rest/api/resources/management-locks>.
    pub const LOCKS: &str = "2020-05-01";
    /// What policies say: <https://learn.microsoft.com/rest/api/policyinsights/policy-restrictions>.
    pub const POLICY_RESTRICTIONS: &str = "2023-03-01";
    /// Deployments of templates.
    pub const DEPLOYMENTS: &str = "2024-03-01";
    /// Diagnostic settings, in previews only: <https://learn.microsoft.com/rest/api/monitor/diagnostic-settings>.
    pub const DIAGNOSTIC_SETTINGS: &str = "2021-05-01-preview";
    /// Networks and what stands in them: <https://learn.microsoft.com/rest/api/virtualnetwork>.
    pub const NETWORK: &str = "2024-05-01";
    /// Private DNS zones: <https://learn.microsoft.com/rest/api/dns/privatedns>.
    pub const PRIVATE_DNS: &str = "2020-06-01";
    /// Kubernetes clusters: <https://learn.microsoft.com/rest/api/aks/managed-clusters>.
    pub const CLUSTERS: &str = "2024-05-01";
    /// The Activity Log: <https://learn.microsoft.com/rest/api/monitor/activity-logs>.
    pub const ACTIVITY_LOG: &str = "2015-04-01";
    /// Log Analytics workspaces: <https://learn.microsoft.com/rest/api/loganalytics/workspaces>.
    pub const WORKSPACES: &str = "2023-09-01";
    /// Resource groups, providers and resource lists.
    pub const RESOURCES: &str = "2024-03-01";
}
