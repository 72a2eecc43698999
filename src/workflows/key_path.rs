//! How the workflows of this floor bring a registry, an identity and a key together.

mod caller;
mod old_grant;
mod way;

use crate::{
    azure::{
        Cloud, Reader,
        id::{IdentityId, KeyId, PrincipalId, RegistryId, TenantId, VaultId},
        registries::KeyIdentity,
        role_assignments::{PrincipalType, roles},
        vaults::{ENCRYPTION_USER_PERMISSIONS, Firewall},
    },
    checks::{
        Check, Encrypted, Encryption, EncryptionOf, GrantModel, IdentityWanted, KeyRight, KeySeen, KeyUsable,
        VaultFacts, VaultFound, VaultOfKey, Who, WhoIs,
    },
    engine::{
        error::{Refusal, Result},
        run::Context,
        step::{Known, Step as _},
    },
    steps::{Attach, AttachIdentity, AttachedAs, Grant},
};
pub use caller::CallersRight;
pub(crate) use caller::{GrantMe, grant_me, keeps, may};
pub(crate) use old_grant::old_grant;
use way::WayToKey;
pub(crate) use way::other_tenant;

use std::time::Duration;

/// A workflow's way to its registry.
#[derive(Clone, Copy)]
pub(crate) struct Access<'a> {
    pub(crate) cx: &'a Context,
    pub(crate) registry: &'a RegistryId,
}

/// The key's vault, and whether a grant on it is to be waited for.
pub(crate) struct LetIn {
    pub(crate) granted: Option<Known<()>>,
}

impl<'a> Access<'a> {
    pub(crate) fn new(cx: &'a Context, registry: &'a RegistryId) -> Self {
        Self { cx, registry }
    }

    /// The registry with its key. Refused if there is none to work on.
    pub(crate) async fn encryption(self) -> Result<Encrypted> {
        self.encryption_of(false).await
    }

    /// As [`encryption`](Self::encryption), for a workflow that never changes it: read again whenever the run is resumed.
    pub(crate) async fn encryption_for_good(self) -> Result<Encrypted> {
        let check = EncryptionOf { registry: self.registry.clone() };
        let id = self.registry.to_string();
        let read = |look| async move { settled(&check, &look, false).await };
        self.required(self.cx.decide_for_good("encryption", &id, read).await?)
    }

    /// As [`encryption`](Self::encryption); one that this run has just made may not show yet.
    pub(crate) async fn encryption_of(self, made: bool) -> Result<Encrypted> {
        let check = EncryptionOf { registry: self.registry.clone() };
        let id = self.registry.to_string();
        let read = |look| async move { settled(&check, &look, made).await };
        self.required(self.cx.decide("encryption", &id, read).await?)
    }

    fn required(self, seen: Encryption) -> Result<Encrypted> {
        let now = self.cx.require(seen.required(self.registry))?;
        self.cx.require_none(foreign(&now.key, self.cx.cloud()))?;
        Ok(now.clone())
    }

    /// The identity that is meant. Refused if there is none such.
    pub(crate) async fn who(self, wanted: &IdentityWanted) -> Result<Who> {
        let check = WhoIs { registry: self.registry.clone(), wanted: wanted.clone() };
        let who = self.cx.decide("who-is", &wanted.to_string(), |look| async move { check.look(&look).await }).await?;
        match who.refusal(wanted) {
            Some(refusal) => self.cx.refuse(refusal),
            None => Ok(who),
        }
    }

    /// Whether the identity that unwraps the key still exists, as a registry shows one that was deleted as before: a refusal if it
    /// does not. Where it cannot be looked at, that is noted.
    pub(crate) async fn still_there(self, now: &Encrypted) -> Result<()> {
        let KeyIdentity::User(client) = now.identity else { return Ok(()) };
        let Some(id) = now.id_of(&client) else { return Ok(()) };
        let at = id.clone();
        let Some(seen) = self.cx.peek(|look| async move { Ok(look.identity(&at).await) }).await? else { return Ok(()) };
        let there = match seen {
            // One made again under the name has another client id.
            Ok(identity) => identity.and_then(|i| i.client_id()) == Some(client),
            Err(e) if matches!(e.status(), Some(401 | 403)) => {
                self.cx.note(format!("whether identity {} still exists is unknown: {e}", id.name()));
                return Ok(());
            }
            Err(e) => return Err(e.into()),
        };
        if there {
            return Ok(());
        }
        let (name, group) = (self.registry.name(), self.registry.group());
        self.cx.check([Refusal::new(
            format!("identity {}, which unwraps the key of {name}, is deleted: a right given to it lets nobody in", id.name()),
            "R-CMK-26",
            format!(
                "one made again under its name is another identity. Once key and vault are there (`az keyvault recover`, `az keyvault \
                 key recover`), put the registry on an identity that exists: `cmk rotate --name {name} --resource-group {group} \
                 --keep-version --identity ID`"
            ),
        )])
    }

    /// Whether an identity, once it is attached, lets the registry read its key: a refusal for each thing that is seen to stand in
    /// the way. The registry's own refusal is one text for all of them (R-ERR-01), and would be waited out like a young grant's.
    pub(crate) async fn way_is_clear(self, now: &Encrypted, who: &Who) -> Result<()> {
        let principal = match who {
            Who::User { principal, .. } => Some(*principal),
            Who::System { principal } => *principal,
            Who::WrongKind { .. } | Who::Gone => None,
        };
        let way = self.way(now, principal);
        let seen = self.cx.peek(|look| async move { Ok(way.look(&look).await) }).await?;
        self.check_way(seen)
    }

    /// Whether the identity that unwraps the key has its right on it, before what would be made in vain without it.
    pub(crate) async fn right_is_there(self, now: &Encrypted, principal: PrincipalId) -> Result<()> {
        let way = self.way(now, Some(principal));
        let seen = self.cx.peek(|look| async move { Ok(way.right_alone(&look).await) }).await?;
        self.check_way(seen)
    }

    fn way(self, now: &Encrypted, principal: Option<PrincipalId>) -> WayToKey {
        WayToKey { key: now.key.clone(), in_use: now.in_use.clone(), principal, registry: self.registry.clone() }
    }

    /// What cannot be looked at stands in nobody's way.
    fn check_way(self, seen: Option<Result<impl IntoIterator<Item = Refusal>>>) -> Result<()> {
        match seen {
            None => Ok(()),
            Some(Ok(refusals)) => self.cx.check(refusals),
            Some(Err(e)) => {
                self.cx.note(format!("what else stands between {} and its key is unknown: {e}", self.registry.name()));
                Ok(())
            }
        }
    }

    /// Attaches an identity beside those there are (R-CMK-09).
    pub(crate) async fn attach(self, who: &Who, again: bool, after: Option<Known<()>>) -> Result<Known<AttachedAs>> {
        self.attach_beside(who, again, None, after).await
    }

    /// The same, beside one that this run has attached and that may not be shown yet.
    pub(crate) async fn attach_beside(
        self,
        who: &Who,
        again: bool,
        beside: Option<IdentityId>,
        after: Option<Known<()>>,
    ) -> Result<Known<AttachedAs>> {
        let who = match who {
            Who::User { id, client, principal, .. } => {
                Attach::User { id: id.clone(), client: *client, principal: *principal }
            }
            _ => Attach::System,
        };
        self.cx.step(AttachIdentity { registry: self.registry.clone(), who, again, beside, after }).await
    }

    /// An identity in words that are the same in a plan and in its run.
    pub(crate) fn called(self, who: &Who) -> String {
        match who {
            Who::User { id, .. } => format!("identity {}", id.name()),
            _ => format!("the system-assigned identity of {}", self.registry.name()),
        }
    }

    /// The identity that unwraps now, in words.
    pub(crate) fn called_now(self, now: &Encrypted) -> String {
        match &now.identity {
            KeyIdentity::System => format!("the system-assigned identity of {}", self.registry.name()),
            KeyIdentity::User(client) => {
                now.id_of(client).map_or_else(|| format!("identity {client}"), |id| format!("identity {}", id.name()))
            }
        }
    }

    /// Where a key's vault is, and how.
    pub(crate) async fn vault_of(self, key: &KeyId, vault: Option<&VaultId>) -> Result<VaultFound> {
        let check =
            VaultOfKey { key: key.versionless(), vault: vault.cloned(), subscription: *self.registry.subscription() };
        let subject = key.versionless().to_string();
        self.cx.decide("vault-of-key", &subject, |look| async move { check.look(&look).await }).await
    }

    /// Whether a key, or the version of it, can be used.
    pub(crate) async fn usable(self, name: &'static str, key: &KeyId) -> Result<KeySeen> {
        let check = KeyUsable { key: key.clone(), subscription: *self.registry.subscription() };
        self.cx.decide(name, &key.to_string(), |look| async move { check.look(&look).await }).await
    }

    /// Lets an identity use a key: finds its vault, sees that it will do, and grants by the vault's own model (R-KV-31).
    pub(crate) async fn let_in(
        self,
        key: &KeyId,
        vault: Option<&VaultId>,
        unprotected_is_fine: bool,
        who: &Known<AttachedAs>,
        to_whom: String,
    ) -> Result<LetIn> {
        let nobody = Ok(LetIn { granted: None });
        let found = self.vault_of(key, vault).await?;
        let label = key.host().label();
        let refuse = |what: String, rule, way_out: String| self.cx.check([Refusal::new(what, rule, way_out)]);
        match &found {
            VaultFound::There { vault, facts } => {
                let tenant = self.cx.caller().await?.tenant;
                let user = matches!(who, Known::Now(AttachedAs { identity: KeyIdentity::User(_), .. }));
                self.cx.check(vault_refusals(vault, facts, &tenant, unprotected_is_fine))?;
                if facts.firewall == Firewall::Bypass && user {
                    self.cx.note(format!(
                        "vault {label} is closed but for trusted services. That a user-assigned identity passes is what today's \
                         documents say; where it does not (R-CMK-38), rotate with `--identity system`"
                    ));
                }
                let granted =
                    self.grant(key, vault, facts.by_roles, who.map_ref(|w| w.principal), to_whom, None).await?;
                Ok(LetIn { granted: Some(granted) })
            }
            VaultFound::Deleted { vault, until, .. } => {
                refuse(
                    format!(
                        "vault {} is deleted, to be recovered until {}",
                        vault.name(),
                        until.as_deref().unwrap_or("its retention ends")
                    ),
                    "R-KV-04",
                    "recover it first (az keyvault recover, or `cmk recover` for the registry that is on it)".into(),
                )?;
                nobody
            }
            VaultFound::Elsewhere { .. } => {
                refuse(
                    format!("vault {label} is not in subscription {}", self.registry.subscription()),
                    "R-CMK-16",
                    "name it by its resource id (`.vault(..)`, `--vault`), so that the identity's right can be seen to"
                        .into(),
                )?;
                nobody
            }
            VaultFound::Gone => {
                refuse(format!("there is no vault {label}"), "R-CMK-28", "check the key's address".into())?;
                nobody
            }
            VaultFound::Unknown { why } => {
                self.cx.note(format!(
                    "whether the identity may use {key} is unknown, as its vault cannot be looked at ({why}); the registry \
                     will say"
                ));
                nobody
            }
        }
    }

    /// Grants get, wrapKey and unwrapKey, by the vault's own model (R-CMK-08, R-KV-31).
    pub(crate) async fn grant(
        self,
        key: &KeyId,
        vault: &VaultId,
        by_roles: bool,
        principal: Known<PrincipalId>,
        to_whom: String,
        after: Option<Known<()>>,
    ) -> Result<Known<()>> {
        let what = encryption_grant(key, vault, by_roles)?;
        let tenant = Some(self.cx.caller().await?.tenant);
        let principal_type = PrincipalType::ServicePrincipal;
        let granted =
            self.cx.step(Grant { principal, principal_type, tenant, what, to_whom, after, read_by: None }).await?;
        // Where the right is there already, whoever looks at the registry waits for its identity all the same.
        Ok(then(granted, self.cx.carried_out(AttachIdentity::NAME)))
    }

    /// Whether the caller may do this with a key; the grant, if the order asks for one and it is needed (R-KV-34).
    ///
    /// `Some(After)` in a plan that is refused for it: nothing more is asked of a vault that will not answer.
    pub(crate) async fn may(
        self,
        key: &KeyId,
        vault: Option<&VaultId>,
        rights: &[KeyRight],
        grant_me: GrantMe,
    ) -> Result<Option<Known<()>>> {
        may(self.cx, key, vault, self.registry.subscription(), rights, Some(grant_me)).await
    }

    /// Whether the registry can be taken off the version it is on: the data key is unwrapped with it (R-CMK-15).
    pub(crate) async fn may_leave(self, now: &Encrypted) -> Result<()> {
        let Some(in_use) = &now.in_use else { return Ok(()) };
        match self.usable("version-in-use", in_use).await? {
            KeySeen::There(version) if !version.enabled => self.cx.check([Refusal::new(
                format!("{in_use} is in use and disabled: the registry cannot move off it"),
                "R-CMK-15",
                "enable it (`cmk restore`), rotate, and disable it when nobody uses it any more",
            )]),
            KeySeen::Absent if self.is_another(now).await? => self.cx.check([made_anew(in_use)]),
            _ => Ok(()),
        }
    }

    /// Whether there is a key of the name, of which the version in use is none.
    async fn is_another(self, now: &Encrypted) -> Result<bool> {
        let check = KeyUsable { key: now.key.versionless(), subscription: *self.registry.subscription() };
        Ok(self
            .cx
            .peek(|look| async move { check.look(&look).await })
            .await?
            .is_some_and(|k| matches!(k, KeySeen::There(_))))
    }
}

/// R-CMK-28
pub(crate) fn made_anew(in_use: &KeyId) -> Refusal {
    Refusal::new(
        format!("the key is there, and {in_use} is not: it was made anew under the name of one that was purged"),
        "R-CMK-28",
        "what the old one encrypted is lost: make a new registry (`cmk create`) and push its images again",
    )
}

/// A registry once nothing is being done to it: while an operation runs, it shows what was asked for, which may yet fail. One
/// that stays busy is taken as it shows itself; the steps wait for it.
pub(crate) async fn settled(check: &EncryptionOf, look: &Reader, made: bool) -> Result<Encryption> {
    let mut seen = check.look(look).await?;
    for pause in [1, 2, 4, 8, 15, 15, 15, 30, 30, 60].map(Duration::from_secs) {
        let settled = match &seen {
            Encryption::Enabled(now) => !now.is_busy(),
            Encryption::Absent | Encryption::Plain { .. } => !made,
        };
        if settled {
            break;
        }
        tokio::time::sleep(pause).await;
        seen = check.look(look).await?;
    }
    Ok(seen)
}

/// What a registry's identity needs on a key, by the vault's model.
pub(crate) fn encryption_grant(key: &KeyId, vault: &VaultId, by_roles: bool) -> Result<GrantModel> {
    Ok(if by_roles {
        let scope = vault.resource().child("keys", key.name().as_str())?;
        GrantModel::role(roles::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER, scope)
    } else {
        GrantModel::Policy { vault: vault.clone(), keys: ENCRYPTION_USER_PERMISSIONS.map(Into::into).to_vec() }
    })
}

/// Why a registry's key should not be moved into this vault.
fn vault_refusals(vault: &VaultId, facts: &VaultFacts, tenant: &TenantId, unprotected_is_fine: bool) -> Vec<Refusal> {
    let name = vault.name();
    let mut why = Vec::new();
    if facts.tenant.as_ref().is_some_and(|t| t != tenant) {
        why.push(Refusal::new(
            format!("vault {name} belongs to another tenant"),
            "R-CMK-41",
            "use a vault of the registry's own tenant",
        ));
    }
    if facts.firewall == Firewall::Closed {
        why.push(Refusal::new(
            format!("vault {name} is closed and does not let trusted services through"),
            "R-CMK-38",
            "let the registry through its firewall as part of the move (`cmk bypass`)",
        ));
    }
    if !facts.purge_protected && !unprotected_is_fine {
        why.push(Refusal::new(
            format!(
                "vault {name} has no purge protection: whoever may purge its key makes every image unreadable for ever"
            ),
            "R-CMK-06",
            "switch it on (az keyvault update --enable-purge-protection true), or say that the vault is fine without \
             (`.unprotected_vault_is_fine()`, `--unprotected-vault-is-fine`)",
        ));
    }
    why
}

/// Why a key cannot be used from this cloud.
pub(crate) fn foreign(key: &KeyId, cloud: &Cloud) -> Vec<Refusal> {
    if key.host().is_in(cloud) {
        return Vec::new();
    }
    vec![Refusal::new(
        format!("{key} is not a key of the cloud {}", cloud.name()),
        "R-CMK-36",
        "use a key of the registry's own cloud, or choose that cloud",
    )]
}

/// Why a key of a managed HSM is not worked with.
pub(crate) fn hsm(key: &KeyId) -> Option<Refusal> {
    key.is_hsm().then(|| {
        Refusal::new(
            format!("{key} is in a managed HSM, which this version does not work with"),
            "R-CMK-10",
            "use a key in a vault",
        )
    })
}

/// Known when both are.
pub(crate) fn then(a: Known<()>, b: Known<()>) -> Known<()> {
    match a {
        Known::Now(()) => b,
        after @ Known::After(_) => after,
    }
}
