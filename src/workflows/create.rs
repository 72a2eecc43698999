//! Create a registry with a customer-managed key.

mod looks;
mod order;

pub use order::{Create, IdentityChoice, VaultModel};

use crate::{
    azure::{
        Cloud,
        id::{ClientId, IdentityId, KeyId, Location, PrincipalId, RegistryId, TenantId, VaultId},
        role_assignments::{PrincipalType, roles},
        vaults::ENCRYPTION_USER_PERMISSIONS,
    },
    checks::{Encryption, GrantModel, Probed, VaultState},
    engine::{
        error::{Refusal, Result},
        journal::{Journaled, journaled},
        run::{Context, Workflow},
        step::{Irreversible, Known},
    },
    steps::{
        CreateRegistry, EnsureGroup, EnsureIdentity, EnsureKey, EnsureVault, Grant, IdentityMade, RegisterProvider,
        VaultMade, VaultWay,
    },
    workflows::key_path::then,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const PROVIDERS: [&str; 3] = ["Microsoft.ContainerRegistry", "Microsoft.KeyVault", "Microsoft.ManagedIdentity"];

// ---- outcome --------------------------------------------------------------------------------------------------------

/// A registry with its customer-managed key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Created {
    /// The registry.
    pub registry: RegistryId,
    /// Its login server.
    pub login_server: Option<String>,
    /// The key, as the registry refers to it.
    pub key: KeyId,
    /// The key version in use.
    pub in_use: KeyId,
    /// The identity that unwraps; `None` if the registry was there already.
    pub identity: Option<IdentityId>,
    /// The vault; `None` if the registry was there already.
    pub vault: Option<VaultId>,
    /// What the probe saw, if the order wanted one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probed>,
}

journaled!(Create, Created);

// ---- steps ----------------------------------------------------------------------------------------------------------

impl Workflow for Create {
    const NAME: &'static str = "create";
    const VERSION: u32 = 1;
    type Outcome = Created;

    fn subject(&self) -> String {
        self.registry().to_string()
    }
    fn further_subjects(&self) -> Vec<String> {
        vec![self.vault_id().to_string()]
    }
    fn accepts(&self) -> &[Irreversible] {
        self.accepted()
    }
    fn refusals(&self, cloud: &Cloud) -> Vec<Refusal> {
        self.order_refusals(cloud)
    }

    async fn steps(&self, cx: &Context) -> Result<Known<Created>> {
        let made = self.make(cx).await?;
        let probe = crate::workflows::image_probe::at_the_end(cx, self.probe, self.registry()).await?;
        Ok(made.map(|made| Created { probe, ..made }))
    }
}

impl Create {
    /// All the steps, for a workflow that goes on from there.
    pub(crate) async fn make(&self, cx: &Context) -> Result<Known<Created>> {
        let registry = self.registry();
        let seen = cx.decide("registry", &registry.to_string(), |look| self.look_at_registry(look)).await?;
        if let Some(there) = self.already_there(cx, &seen)? {
            return Ok(there);
        }
        self.tell_what_it_costs(cx);
        let caller = cx.caller().await?;

        let mut ready = Known::Now(());
        for namespace in PROVIDERS {
            let subscription = *registry.subscription();
            let one = cx.step(RegisterProvider { subscription, namespace: namespace.into() }).await?;
            ready = then(ready, one);
        }
        let (subscription, group) = (*registry.subscription(), registry.group().clone());
        let group = cx.step(EnsureGroup { subscription, group, location: self.location().clone() }).await?;
        ready = then(ready, group);

        let (identity, vault) = cx
            .both(Box::pin(self.take_identity(cx, &ready)), Box::pin(self.take_vault(cx, &ready, &caller.tenant)))
            .await?;
        let key = self.take_key(cx, &vault).await?;
        let granted = self.grant(cx, &vault, &key, &identity).await?;
        let made = cx
            .step(CreateRegistry {
                registry: registry.clone(),
                location: self.location().clone(),
                tags: self.tags().clone(),
                identity: self.identity_id(),
                client: identity.map_ref(|i| i.client),
                key: key.map(|k| if self.is_versioned() { k } else { k.versionless() }),
                granted,
            })
            .await?;
        Ok(made.map(|m| Created {
            registry: registry.clone(),
            login_server: m.login_server,
            key: m.key,
            in_use: m.in_use,
            identity: Some(self.identity_id()),
            vault: Some(self.vault_id()),
            probe: None,
        }))
    }

    /// A registry that has its key already is left alone, whatever key it has been rotated to since.
    fn already_there(&self, cx: &Context, seen: &RegistrySeen) -> Result<Option<Known<Created>>> {
        match &seen.encryption {
            Encryption::Enabled(now) if now.is_settled() => {
                let Some(in_use) = &now.in_use else { return Ok(None) };
                cx.note(format!("{} is there, on {}: nothing is changed", self.registry().name(), now.key));
                Ok(Some(Known::Now(Created {
                    registry: self.registry().clone(),
                    login_server: now.login_server.clone(),
                    key: now.key.clone(),
                    in_use: in_use.clone(),
                    identity: None,
                    vault: None,
                    probe: None,
                })))
            }
            Encryption::Absent => {
                cx.check(seen.name_refusal.clone())?;
                Ok(None)
            }
            // Half made, or plain: the step that makes it says what to do about it.
            _ => {
                cx.check(seen.name_refusal.clone())?;
                Ok(None)
            }
        }
    }

    fn tell_what_it_costs(&self, cx: &Context) {
        cx.note(
            "with a customer-managed key the registry keeps task logs for 24 hours instead of 30 days, and has no content \
             trust, no referrers API (clients fall back to tags) and no artifact streaming (R-CMK-32)",
        );
        cx.note("it costs a Premium registry, the vault's key operations, and nothing for the identity");
    }

    async fn take_identity(&self, cx: &Context, ready: &Known<()>) -> Result<Known<IdentityMade>> {
        cx.step(EnsureIdentity {
            identity: self.identity_id(),
            location: self.location().clone(),
            tags: self.tags().clone(),
            may_create: !self.has_own_identity(),
            after: Some(ready.clone()),
        })
        .await
    }

    async fn take_vault(&self, cx: &Context, ready: &Known<()>, tenant: &TenantId) -> Result<Known<VaultMade>> {
        let vault = self.vault_id();
        if let Some(waits) = ready.awaits().filter(|_| cx.is_plan() && self.vault_waits(ready)) {
            // Without the provider nothing can be asked about vaults; the plan shows the default.
            self.ensure_group_of(cx, &vault, self.location()).await?;
            let step = self.ensure_vault(self.way_to_make(), tenant, Some(Known::After(waits)));
            return cx.step(step).await;
        }
        let state = cx.decide("vault", &vault.to_string(), |look| self.look_at_vault(look)).await?;
        let way = self.way_to(cx, &state)?;
        if let VaultWay::Create { location, .. } | VaultWay::Recover { location } = &way {
            self.ensure_group_of(cx, &vault, location).await?;
        }
        cx.step(self.ensure_vault(way, tenant, None)).await
    }

    /// The group of a vault that is made or brought back, where that is another one than the registry's.
    pub(crate) async fn ensure_group_of(&self, cx: &Context, vault: &VaultId, location: &Location) -> Result<()> {
        let group = EnsureGroup::of_vault(vault, location);
        let registry = self.registry();
        if group.subscription == *registry.subscription() && group.group == *registry.group() {
            return Ok(());
        }
        Box::pin(cx.step(group)).await.map(|_| ())
    }

    fn ensure_vault(&self, way: VaultWay, tenant: &TenantId, after: Option<Known<()>>) -> EnsureVault {
        EnsureVault {
            vault: self.vault_id(),
            way,
            tenant: *tenant,
            unprotected_is_fine: self.takes_unprotected_vault(),
            closed_is_fine: false,
            premium: self.needs_premium(),
            after,
        }
    }

    fn way_to_make(&self) -> VaultWay {
        VaultWay::Create {
            location: self.location().clone(),
            by_roles: self.model() == VaultModel::Roles,
            retention_days: self.retention(),
            tags: self.tags().clone(),
        }
    }

    /// Adopt, make or recover: decided by what is there.
    fn way_to(&self, cx: &Context, state: &VaultState) -> Result<VaultWay> {
        let vault = self.vault_id();
        let name = vault.name();
        let refused = |what: String, rule, way_out: String| cx.refuse(Refusal::new(what, rule, way_out));
        match state {
            VaultState::There(_) => Ok(VaultWay::Adopt),
            VaultState::Free => Ok(self.way_to_make()),
            VaultState::Deleted { id, location, purged_on } => {
                let same_place = id.as_ref().is_some_and(|id| *id == vault);
                match location.clone().filter(|_| same_place) {
                    Some(location) => {
                        cx.note(format!("vault {name} was deleted and is recovered, as it was then"));
                        Ok(VaultWay::Recover { location })
                    }
                    None => refused(
                        format!(
                            "a deleted vault {} holds the name {name} until {}",
                            id.as_ref().map_or("of this subscription", |id| id.as_str()),
                            purged_on.as_deref().unwrap_or("its retention ends")
                        ),
                        "R-KV-04",
                        "recover it where it was (az keyvault recover) and name it in the order, or use a vault of another name".into(),
                    ),
                }
            }
            VaultState::Taken { message } => refused(
                format!("the vault name {name} is taken: {message}"),
                "R-KV-06",
                "name another vault (`.vault(..)`, `--vault`)".into(),
            ),
            VaultState::Invalid { message } => {
                refused(format!("'{name}' cannot name a vault: {message}"), "R-KV-01", "name another vault".into())
            }
        }
    }

    async fn take_key(&self, cx: &Context, vault: &Known<VaultMade>) -> Result<Known<KeyId>> {
        let key = self.key_name();
        cx.step(EnsureKey {
            vault: self.vault_id(),
            key,
            version: self.own_key().filter(|k| k.version().is_some()).cloned(),
            shape: self.shape(),
            tags: self.tags().clone(),
            may_create: self.own_key().is_none(),
            after: Some(vault.map_ref(|_| ())),
        })
        .await
    }

    /// By the vault's own model: the other one's grants have no effect (R-KV-31).
    async fn grant(
        &self,
        cx: &Context,
        vault: &Known<VaultMade>,
        key: &Known<KeyId>,
        identity: &Known<IdentityMade>,
    ) -> Result<Known<()>> {
        let by_roles = match vault {
            Known::Now(made) => made.by_roles,
            Known::After(_) => self.model() == VaultModel::Roles,
        };
        let id = self.vault_id();
        let what = if by_roles {
            let scope = id.resource().child("keys", self.key_name().as_str())?;
            GrantModel::role(roles::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER, scope)
        } else {
            GrantModel::Policy { vault: id, keys: ENCRYPTION_USER_PERMISSIONS.map(Into::into).to_vec() }
        };
        let principal: Known<PrincipalId> = identity.map_ref(|i| i.principal);
        cx.step(Grant {
            principal,
            principal_type: PrincipalType::ServicePrincipal,
            tenant: match identity {
                Known::Now(made) => Some(made.tenant),
                Known::After(_) => None,
            },
            what,
            to_whom: format!("identity {}", self.identity_id().name()),
            after: Some(then(vault.map_ref(|_| ()), key.map_ref(|_| ()))),
            read_by: None,
        })
        .await
    }
}

/// What the first look at a registry saw.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RegistrySeen {
    encryption: Encryption,
    name_refusal: Option<Refusal>,
}

impl Journaled for RegistrySeen {
    fn relied_on(&self) -> Value {
        json!({"encryption": self.encryption.relied_on(), "name": self.name_refusal.as_ref().map(|r| &r.rule)})
    }
}

// Kept apart so that a client id cannot be taken for a principal id in what follows (R-CMK-07).
const _: fn(&IdentityMade) -> (&ClientId, &PrincipalId) = |i| (&i.client, &i.principal);
