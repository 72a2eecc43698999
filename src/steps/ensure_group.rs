use crate::{
    azure::{
        Reader, Writer,
        id::{Location, ResourceGroupName, ResourceId, SubscriptionId, VaultId},
    },
    engine::{
        error::Result,
        journal::journaled,
        step::{Applied, Foreseen, Me, Needs, Requirement, Rollback, Seen, Step},
    },
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Makes a resource group if there is none. One that is there is taken as it is, wherever it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnsureGroup {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The group.
    pub group: ResourceGroupName,
    /// Where to make it.
    pub location: Location,
}

impl EnsureGroup {
    /// The group that a vault is in, which is where it is or comes to be.
    pub(crate) fn of_vault(vault: &VaultId, location: &Location) -> Self {
        let (subscription, group) = (*vault.subscription(), vault.group().clone());
        Self { subscription, group, location: location.clone() }
    }
}

journaled!(EnsureGroup);

impl Step for EnsureGroup {
    const NAME: &'static str = "ensure-group";
    type Made = ();

    fn subject(&self) -> String {
        ResourceId::of_group(&self.subscription, &self.group).to_string()
    }
    fn foresee(&self) -> Foreseen {
        Foreseen::new(
            format!("resource group {} in {}", self.group, self.location),
            Rollback::nothing(format!(
                "an empty group costs nothing; delete it only when nothing is in it: az group delete --name {}",
                self.group
            )),
        )
    }
    async fn observe(&self, look: &Reader, _: &Me<'_>) -> Result<Seen<()>> {
        Ok(match look.group(&self.subscription, &self.group).await? {
            // It goes with everything that comes into it meanwhile.
            Some(group) if group.provisioning_state().is_some_and(|s| s.eq_ignore_ascii_case("Deleting")) => {
                Seen::Busy(format!("resource group {} to be gone: somebody has deleted it", self.group))
            }
            Some(_) => Seen::Done(()),
            None => Seen::Needs(Needs::new(self.foresee()).before(&"absent").foreseen(())),
        })
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
        azure.put_group(&self.subscription, &self.group, &self.location).await?;
        Ok(Applied::now(()))
    }
    fn requires(&self) -> Vec<Requirement> {
        let scope = ResourceId::of_subscription(&self.subscription);
        vec![Requirement::new(&scope, "Microsoft.Resources/subscriptions/resourceGroups/write")]
    }
    /// The deletion of a group takes as long as that of everything in it.
    fn patience(&self) -> Duration {
        Duration::from_secs(30 * 60)
    }
}
