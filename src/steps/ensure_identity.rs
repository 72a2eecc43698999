use crate::{
    azure::{
        Reader, Writer, Written,
        id::{ClientId, IdentityId, Location, PrincipalId, TenantId},
        identities::Identity,
    },
    engine::{
        error::{Refusal, Result},
        journal::journaled,
        step::{Applied, Foreseen, Known, Me, Needs, Requirement, Rollback, Seen, Step},
    },
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap};

/// Makes a user-assigned identity if there is none, or takes the one that is there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnsureIdentity {
    /// The identity.
    pub identity: IdentityId,
    /// Where to make it.
    pub location: Location,
    /// Its tags, if it is made.
    pub tags: BTreeMap<String, String>,
    /// Whether it may be made; otherwise it has to be there.
    pub may_create: bool,
    /// What has to be there first.
    pub after: Option<Known<()>>,
}

/// An identity, with the two GUIDs that must not be mixed up (R-CMK-07, R-CMK-08).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdentityMade {
    /// Its ARM id, for the registry's identity map.
    pub identity: IdentityId,
    /// Its client id, for the registry's encryption.
    pub client: ClientId,
    /// Its principal id, for grants.
    pub principal: PrincipalId,
    /// Its tenant.
    pub tenant: TenantId,
}

journaled!(EnsureIdentity, IdentityMade);

impl EnsureIdentity {
    /// The identity, once it has its ids.
    fn made(&self, identity: &Identity) -> Option<IdentityMade> {
        Some(IdentityMade {
            identity: self.identity.clone(),
            client: identity.client_id()?,
            principal: identity.principal_id()?,
            tenant: identity.tenant_id()?,
        })
    }
}

impl Step for EnsureIdentity {
    const NAME: &'static str = "ensure-identity";
    type Made = IdentityMade;

    fn subject(&self) -> String {
        self.identity.to_string()
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        self.after.as_ref().and_then(Known::awaits)
    }
    fn foresee(&self) -> Foreseen {
        Foreseen::new(
            format!("identity {} in {}", self.identity.name(), self.location),
            Rollback::nothing(format!(
                "an unused identity costs nothing; never delete it while a registry uses it (R-CMK-26): az identity delete \
                 --ids {}",
                self.identity
            )),
        )
    }
    async fn observe(&self, look: &Reader, _: &Me<'_>) -> Result<Seen<IdentityMade>> {
        Ok(match look.identity(&self.identity).await? {
            Some(identity) => match self.made(&identity) {
                Some(made) => Seen::Done(made),
                None => Seen::Busy(format!("identity {} to have its client id and principal", self.identity.name())),
            },
            None if self.may_create => Seen::Needs(Needs::new(self.foresee()).before(&"absent")),
            None => Seen::Refused(vec![Refusal::new(
                format!("there is no identity {}", self.identity),
                "R-ERR-40",
                "check its subscription, group and name, or leave it out and one is made",
            )]),
        })
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<IdentityMade>> {
        let written = azure.put_identity(&self.identity, &self.location, &self.tags).await?;
        // Without its ids the answer tells as little as none does.
        let made = Written { body: written.body.and_then(|i| self.made(&i)), operation: None };
        Ok(Applied::now(made.required(&format!("PUT {}", self.identity))?))
    }
    fn requires(&self) -> Vec<Requirement> {
        let content = serde_json::json!({
            "type": "Microsoft.ManagedIdentity/userAssignedIdentities", "name": self.identity.name(),
            "location": self.location, "tags": self.tags,
        });
        let action = "Microsoft.ManagedIdentity/userAssignedIdentities/write";
        vec![Requirement::new(self.identity.resource(), action).writing(content)]
    }
}
