use serde::{Deserialize, Serialize};

/// Where the clients of registries stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientPlace {
    /// Out on the internet.
    #[default]
    Internet,
    /// Behind a private endpoint of the registry.
    PrivateEndpoint,
    /// In a subnet, by its id. It asks whom its virtual network tells it to ask, and comes by a private endpoint where
    /// the name leads there, or else by a service endpoint.
    Subnet(String),
    /// A trusted service with an identity of its own, e.g. Container Instances.
    TrustedService,
    /// A task of the registry, under its system-assigned identity.
    Task,
}
