//! Reassign the identity that unwraps a registry's key.

use crate::{
    azure::{
        Cloud,
        id::{KeyId, RegistryId},
        registries::KeyIdentity,
    },
    checks::{Encrypted, IdentityWanted, KeySeen, Who},
    engine::{
        error::{Refusal, Result},
        journal::journaled,
        run::{Context, Workflow},
        step::{Known, Step as _},
    },
    steps::{Attach, DetachIdentity, PointRegistry, Reference, Revalidate, Revalidated, Was},
    symptoms::{Symptom, SymptomKind},
    workflows::key_path::{Access, hsm},
};
use serde::{Deserialize, Serialize};

// ---- order ----------------------------------------------------------------------------------------------------------

/// The order to assign a registry's identity again, and to rotate to another if that is wanted.
///
/// ```
/// use cmk::Reassign;
/// let registry = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop\
///     /providers/Microsoft.ContainerRegistry/registries/contoso1".parse()?;
/// let order = Reassign::new(registry)
///     .error_text("The identity associated with the registry is inactive.")
///     .then_rotate_to("system".parse()?);
/// # Ok::<(), cmk::Error>(())
/// ```
///
/// # Expected flow
/// 1. The identity is found by the client id the registry names, wherever it is; a text that was met is read for what it
///    blames.
/// 2. It is assigned again explicitly, which renews it (R-CMK-21, R-CMK-22).
/// 3. The registry tries its key anew (R-CMK-18).
/// 4. When asked: the other identity is attached and granted, the registry rotated to it, and the old one taken off or
///    named as removable.
///
/// # Guarantees
/// - The identity that unwraps the key is never taken off (R-CMK-20): not even tried.
/// - The key and how the registry refers to it stay.
///
/// # Assumptions
/// - Taking an identity off by a PATCH with `null` is *assumed* to work; it is looked for afterwards, and where it was not
///   done the error gives the az line.
///
/// # Caveats
/// - An identity that was deleted cannot be made again (R-CMK-26); a system-assigned one that is lost only Azure support
///   brings back (R-CMK-23): both are said, not tried.
///
/// # Errors
/// Refused before anything is written: an identity that is gone (R-CMK-26), a lost system identity (R-CMK-23), a principal
/// id where a client id belongs (R-CMK-07), an identity without its right on the key (R-CMK-08), a vault that is deleted or
/// closed (R-KV-04, R-CMK-40), a version in use that is disabled, deleted or has expired (R-KV-14, R-ERR-27), a text about
/// another registry or another trouble, a missing right (R-CMK-25).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Reassign {
    registry: RegistryId,
    #[serde(default)]
    error_text: Option<String>,
    #[serde(default)]
    to: Option<IdentityWanted>,
    #[serde(default)]
    remove_old: bool,
}

impl Reassign {
    /// For the identity that unwraps this registry's key.
    #[must_use]
    pub fn new(registry: RegistryId) -> Self {
        Self { registry, error_text: None, to: None, remove_old: false }
    }
    /// With the text of the error that was met, however it was copied: the identity it blames is looked for.
    #[must_use]
    pub fn error_text(mut self, text: impl Into<String>) -> Self {
        self.error_text = Some(text.into());
        self
    }
    /// Rotates to another identity afterwards.
    #[must_use]
    pub fn then_rotate_to(mut self, identity: IdentityWanted) -> Self {
        self.to = Some(identity);
        self
    }
    /// Takes the old identity off the registry once another one unwraps its key. Without this it is only named.
    #[must_use]
    pub fn remove_old(mut self) -> Self {
        self.remove_old = true;
        self
    }
    /// The registry.
    #[must_use]
    pub fn registry(&self) -> &RegistryId {
        &self.registry
    }
}

// ---- outcome --------------------------------------------------------------------------------------------------------

/// A registry whose identity holds again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reassigned {
    /// The registry.
    pub registry: RegistryId,
    /// The identity that unwraps now.
    pub identity: KeyIdentity,
    /// The key version in use.
    pub in_use: Option<KeyId>,
    /// The identity that may go, with the command that takes it off; `None` once it is gone, or still in use.
    pub removable: Option<String>,
}

journaled!(Reassign, Reassigned);

// ---- steps ----------------------------------------------------------------------------------------------------------

impl Workflow for Reassign {
    const NAME: &'static str = "reassign";
    const VERSION: u32 = 1;
    type Outcome = Reassigned;

    fn subject(&self) -> String {
        self.registry.to_string()
    }
    fn refusals(&self, _: &Cloud) -> Vec<Refusal> {
        let mut why = Vec::new();
        if self.remove_old && self.to.is_none() {
            why.push(Refusal::new(
                "the identity that unwraps the key cannot be taken off",
                "R-CMK-20",
                "say which other identity is to unwrap it (`.then_rotate_to(..)`, `--to`)",
            ));
        }
        if let Some(text) = &self.error_text {
            why.extend(self.text_refusal(text));
        }
        why
    }

    async fn steps(&self, cx: &Context) -> Result<Known<Reassigned>> {
        let access = Access::new(cx, &self.registry);
        let now = access.encryption().await?;
        cx.check(hsm(&now.key))?;
        let old = self.old_identity(access, &now).await?;
        access.way_is_clear(&now, &old).await?;
        let assigned = access.attach(&old, true, None).await?;
        let held = assigned.map_ref(|_| ());
        let tried = cx.step(Revalidate { registry: self.registry.clone(), after: Some(held.clone()) }).await?;
        let same = |tried: &Known<Revalidated>| {
            tried.map_ref(|t| Reassigned {
                registry: self.registry.clone(),
                identity: now.identity,
                in_use: t.in_use.clone(),
                removable: None,
            })
        };
        let outcome = match &self.to {
            None => {
                self.name_removable(cx, &old);
                same(&tried)
            }
            Some(to) => match self.another(access, &now, to).await? {
                Some(new) => self.rotate_to(access, &now, &old, &new, tried.map(|_| ())).await?,
                None => same(&tried),
            },
        };
        Ok(outcome)
    }
}

impl Reassign {
    /// What a text that was given says against the order: pure.
    fn text_refusal(&self, text: &str) -> Option<Refusal> {
        let shown: String = text.trim().chars().take(60).collect();
        let Some(symptom) = Symptom::read(text) else {
            return Some(Refusal::new(
                format!("'{}' is no text that this program knows", shown.escape_debug()),
                "R-ERR-03",
                "leave it out, and the identity that the registry names is assigned again",
            ));
        };
        let other = |kind: SymptomKind| {
            !matches!(kind, SymptomKind::IdentityLost | SymptomKind::IdentityInactive | SymptomKind::IdentityMissing)
        };
        if other(symptom.kind) {
            return Some(Refusal::new(
                format!("the text says that {}: that is not about an identity", symptom.kind),
                "R-DP-26",
                symptom.kind.advice(),
            ));
        }
        let named = symptom.registry_name().map(str::to_owned);
        let other = named.filter(|n| !n.eq_ignore_ascii_case(self.registry.name()) && n != "myregistry");
        other.map(|name| {
            Refusal::new(
                format!("the text is about registry {name}, and the order about {}", self.registry.name()),
                "R-ERR-03",
                "name the registry that the text is about",
            )
        })
    }

    /// The identity to be assigned again: the one the registry's key is with, as far as it still exists.
    async fn old_identity(&self, access: Access<'_>, now: &Encrypted) -> Result<Who> {
        let cx = access.cx;
        let symptom = self.error_text.as_deref().and_then(Symptom::read);
        let client = match now.identity {
            KeyIdentity::System => {
                // Assigned again it would be another principal; only an identity that is there can be renewed.
                if now.system.is_none() || symptom.is_some() {
                    return cx.refuse(self.ticket(now, symptom.as_ref()));
                }
                return Ok(Who::System { principal: now.system });
            }
            KeyIdentity::User(client) => client,
        };
        if let Some(guid) = symptom.and_then(|s| s.guid).filter(|guid| guid != client.as_uuid()) {
            let principal = now.principal_of(&now.identity).is_some_and(|p| *p.as_uuid() == guid);
            let what = if principal { "the principal id of the identity" } else { "another identity than the one" };
            cx.note(format!("the text names {guid}: {what} that unwraps the key, whose client id is {client}"));
        }
        access.who(&IdentityWanted::Guid(*client.as_uuid())).await
    }

    /// A system-assigned identity that is lost cannot be brought back by any call (R-CMK-23).
    fn ticket(&self, now: &Encrypted, symptom: Option<&Symptom>) -> Refusal {
        let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "unknown".into());
        Refusal::new(
            format!("the system-assigned identity of {} is lost, and no call brings it back", self.registry.name()),
            "R-CMK-23",
            format!(
                "open an Azure support ticket (https://azure.microsoft.com/support/create-ticket/) that says:\n\
                 \x20     the system-assigned identity of a registry with a customer-managed key is to be restored\n\
                 \x20     registry      {}\n\
                 \x20     location      {}\n\
                 \x20     login server  {}\n\
                 \x20     key           {}, in use {}\n\
                 \x20     principal     {} now; named in the error: {}\n\
                 \x20     error         {}",
                self.registry,
                or_unknown(now.location.as_ref().map(ToString::to_string)),
                or_unknown(now.login_server.clone()),
                now.key,
                or_unknown(now.in_use.as_ref().map(ToString::to_string)),
                now.system.map_or_else(|| "none".into(), |p| p.to_string()),
                or_unknown(symptom.and_then(|s| s.guid).map(|g| g.to_string())),
                or_unknown(symptom.map(|s| s.kind.to_string())),
            ),
        )
    }

    fn name_removable(&self, cx: &Context, old: &Who) {
        if let Who::User { id, .. } = old {
            cx.note(format!(
                "identity {} stays: it unwraps the key. To be rid of it, rotate to another first (`--to`), never before (R-CMK-21)",
                id.name()
            ));
        }
    }

    /// Who is to unwrap, if it is another one.
    async fn another(&self, access: Access<'_>, now: &Encrypted, to: &IdentityWanted) -> Result<Option<Who>> {
        let new = access.who(to).await?;
        if new.key_identity() == Some(now.identity) {
            access.cx.note(format!("{} unwraps the key already", access.called(&new)));
            return Ok(None);
        }
        Ok(Some(new))
    }

    async fn rotate_to(
        &self,
        access: Access<'_>,
        now: &Encrypted,
        old: &Who,
        new: &Who,
        after: Known<()>,
    ) -> Result<Known<Reassigned>> {
        let cx = access.cx;
        access.may_leave(now).await?;
        let beside = match old {
            Who::User { id, .. } => Some(id.clone()),
            _ => None,
        };
        let attached = access.attach_beside(new, false, beside, Some(after)).await?;
        let let_in = access.let_in(&now.key, None, true, &attached, access.called(new)).await?;
        let reference = if now.follows() { Reference::Versionless } else { Reference::Versioned };
        let version = match (&now.in_use, now.follows()) {
            (Some(in_use), false) => in_use.clone(),
            _ => match access.usable("current", &now.key.versionless()).await? {
                KeySeen::There(current) => current.id,
                _ => now.in_use.clone().unwrap_or_else(|| now.key.clone()),
            },
        };
        let pointed = cx
            .step(PointRegistry {
                registry: self.registry.clone(),
                version: Known::Now(version),
                reference,
                identity: attached.map_ref(|a| a.identity),
                was: Known::Now(Was::of(now)),
                granted: let_in.granted,
            })
            .await?;
        let who = match old {
            Who::User { id, client, principal, .. } => {
                Attach::User { id: id.clone(), client: *client, principal: *principal }
            }
            _ => Attach::System,
        };
        let mut detach =
            DetachIdentity { registry: self.registry.clone(), who, after: Some(cx.carried_out(PointRegistry::NAME)) };
        let removable = if self.remove_old {
            cx.step(detach).await?;
            None
        } else {
            detach.after = None;
            cx.note(format!("{} may go now: {}", detach.who, detach.az()));
            Some(detach.az())
        };
        let identity = new.key_identity().unwrap_or(KeyIdentity::System);
        Ok(pointed.map(|p| Reassigned { registry: self.registry.clone(), identity, in_use: Some(p.in_use), removable }))
    }
}
