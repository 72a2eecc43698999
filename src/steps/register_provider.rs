use crate::{
    azure::{Reader, Writer, id::SubscriptionId},
    engine::{
        error::Result,
        journal::journaled,
        step::{Applied, Foreseen, Me, Needs, Rollback, Seen, Settled, Step},
    },
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Registers a resource provider in a subscription (R-ARM-30).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RegisterProvider {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The provider, e.g. `Microsoft.KeyVault`.
    pub namespace: String,
}

journaled!(RegisterProvider);

impl RegisterProvider {
    async fn state(&self, look: &Reader) -> Result<String> {
        let provider = look.provider_state(&self.subscription, &self.namespace).await?;
        Ok(provider.and_then(|p| p.registration_state.clone()).unwrap_or_else(|| "NotRegistered".into()))
    }
}

impl Step for RegisterProvider {
    const NAME: &'static str = "register-provider";
    type Made = ();

    fn subject(&self) -> String {
        format!("/subscriptions/{}/providers/{}", self.subscription, self.namespace)
    }
    fn foresee(&self) -> Foreseen {
        Foreseen::new(
            format!("{} registered in the subscription", self.namespace),
            Rollback::nothing("a registration costs nothing and others may have come to need it"),
        )
    }
    async fn observe(&self, look: &Reader, me: &Me<'_>) -> Result<Seen<()>> {
        let state = self.state(look).await?;
        Ok(match state.to_ascii_lowercase().as_str() {
            "registered" => Seen::Done(()),
            // Somebody else's registering is as good as ours.
            "registering" if !me.attempted => Seen::Busy(format!("{} is being registered", self.namespace)),
            _ => Seen::Needs(Needs::new(self.foresee()).before(&"not registered").foreseen(())),
        })
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
        azure.register_provider(&self.subscription, &self.namespace).await?;
        Ok(Applied::now(()))
    }
    async fn settled(&self, look: &Reader, _: &Me<'_>, (): &()) -> Result<Settled> {
        let state = self.state(look).await?;
        if state.eq_ignore_ascii_case("Registered") {
            return Ok(Settled::Yes);
        }
        Ok(Settled::NotYet { why: format!("{} to be registered (it is {state})", self.namespace), after: None })
    }
    fn patience(&self) -> Duration {
        Duration::from_secs(20 * 60)
    }
}
