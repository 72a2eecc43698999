use super::attach_identity::no_registry;
use crate::{
    azure::{Reader, Writer, id::RegistryId, resources::PrivateEndpointConnection},
    engine::{
        error::Result,
        journal::journaled,
        step::{Applied, Foreseen, Irreversible, Me, Needs, Requirement, Rollback, Seen, Settled, Step},
    },
};
use serde::{Deserialize, Serialize};

/// Removes a private endpoint's connection from a registry.
///
/// It does not come back: the endpoint stays with its owner, connected to nothing, and has to be made anew.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DropPrivateEndpoint {
    /// The registry.
    pub registry: RegistryId,
    /// The connection's name.
    pub connection: String,
}

journaled!(DropPrivateEndpoint);

impl DropPrivateEndpoint {
    async fn seen(&self, look: &Reader) -> Result<Option<Option<PrivateEndpointConnection>>> {
        let registry = look.registry(&self.registry).await?;
        Ok(registry.map(|r| {
            let named = |c: &&PrivateEndpointConnection| {
                c.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(&self.connection))
            };
            r.properties.private_endpoint_connections.iter().find(named).cloned()
        }))
    }
}

impl Step for DropPrivateEndpoint {
    const NAME: &'static str = "drop-private-endpoint";
    type Made = ();

    fn subject(&self) -> String {
        format!("{}/privateEndpointConnections/{}", self.registry, self.connection)
    }
    fn foresee(&self) -> Foreseen {
        let back = Rollback::Never {
            why: "the endpoint has to be made anew by its owner, and approved".into(),
            accept: Some(Irreversible::PrivateEndpoint),
        };
        let change = format!("private endpoint connection {} removed from {}", self.connection, self.registry.name());
        Foreseen::new(change, back)
    }
    async fn observe(&self, look: &Reader, _: &Me<'_>) -> Result<Seen<()>> {
        let Some(seen) = self.seen(look).await? else {
            return Ok(Seen::Refused(vec![no_registry(&self.registry)]));
        };
        let Some(connection) = seen else { return Ok(Seen::Done(())) };
        let endpoint = connection.properties.private_endpoint.and_then(|e| e.id);
        let mut what = self.foresee();
        if let Some(endpoint) = &endpoint {
            what = what.note(format!("whoever pulls by {endpoint} is cut off; its DNS records stay and lead nowhere"));
        }
        Ok(Seen::Needs(Needs::new(what).before(&endpoint).foreseen(())))
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
        let written = azure.delete_private_endpoint_connection(&self.registry, &self.connection).await?;
        Ok(Applied::following((), written.operation))
    }
    async fn settled(&self, look: &Reader, _: &Me<'_>, (): &()) -> Result<Settled> {
        Ok(match self.seen(look).await? {
            Some(Some(_)) => Settled::NotYet { why: "the connection to be gone".into(), after: None },
            _ => Settled::Yes,
        })
    }
    fn requires(&self) -> Vec<Requirement> {
        vec![Requirement::new(
            self.registry.resource(),
            "Microsoft.ContainerRegistry/registries/privateEndpointConnections/delete",
        )]
    }
}
