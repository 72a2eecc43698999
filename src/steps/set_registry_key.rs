use crate::{
    azure::{
        Reader, Writer,
        id::{KeyId, RegistryId},
        registries::{self, KeyIdentity},
    },
    checks::{Check, Encrypted, Encryption, EncryptionOf},
    engine::{
        error::{Error, ErrorKind, Refusal, Result},
        journal::journaled,
        step::{Applied, Class, Foreseen, Known, Me, Needs, Requirement, Rollback, Seen, Settled, Step, Undo},
    },
    sabotage::Guard,
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, time::Duration};

/// How long ACR may take to notice a new version by itself, with a margin (R-CMK-11).
const PICK_UP: Duration = Duration::from_secs(90 * 60);

/// How a registry refers to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reference {
    /// Without a version: the registry follows the key (R-CMK-11).
    Versionless,
    /// With a version: the registry stays on it until it is told otherwise (R-CMK-12).
    Versioned,
}

/// Puts a registry on a version of a key, and waits until it is in use.
///
/// Sends one minimal PATCH: status, key identifier and identity together (R-CMK-30, R-ERR-06). For a versionless
/// reference the PATCH may change nothing; that it makes ACR look for a new version at once is *assumed*, and if it does
/// not, the hourly pick-up is waited for (R-CMK-11).
///
/// The registry is moved only from where it was when this was decided; the way back goes to where it is found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PointRegistry {
    /// The registry.
    pub registry: RegistryId,
    /// The version that is to be in use.
    pub version: Known<KeyId>,
    /// How the registry is to refer to it.
    pub reference: Reference,
    /// The identity that unwraps, attached and granted.
    pub identity: Known<KeyIdentity>,
    /// How it was before, for the way back.
    pub was: Known<Was>,
    /// What this run gave the identity and may take a while to take effect: a refusal of the key is waited out.
    pub granted: Option<Known<()>>,
}

/// How a registry referred to its key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Was {
    /// The reference.
    pub key: KeyId,
    /// The version in use.
    pub in_use: Option<KeyId>,
    /// The identity that unwrapped.
    pub identity: KeyIdentity,
}

impl Was {
    /// As a registry says it.
    #[must_use]
    pub fn of(now: &Encrypted) -> Self {
        Self { key: now.key.clone(), in_use: now.in_use.clone(), identity: now.identity }
    }
}

impl fmt::Display for Was {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_use = self.in_use.as_ref().unwrap_or(&self.key);
        let follows = if self.key.version().is_none() { ", followed without a version," } else { "" };
        write!(f, "{in_use}{follows} with identity {}", self.identity)
    }
}

/// A registry on its version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pointed {
    /// The version in use.
    pub in_use: KeyId,
}

journaled!(PointRegistry, Pointed, Reference, Was);

/// What the step relies on; the version in use of a registry that follows its key changes by itself.
#[derive(Serialize)]
struct Before<'a> {
    key: &'a KeyId,
    identity: &'a KeyIdentity,
}

impl PointRegistry {
    fn referred(&self, version: &KeyId) -> KeyId {
        match self.reference {
            Reference::Versionless => version.versionless(),
            Reference::Versioned => version.clone(),
        }
    }
    fn desired(&self) -> Result<KeyId> {
        self.version.now().map(|version| self.referred(version))
    }

    /// Whether the registry is where it should be: pure.
    fn is_there(&self, now: &Encrypted, desired: &KeyId, target: &KeyId) -> bool {
        now.key == *desired && self.is_identity(now) && now.in_use.as_ref().is_some_and(|v| v.same_version(target))
    }

    fn is_identity(&self, now: &Encrypted) -> bool {
        self.identity.now().is_ok_and(|wanted| *wanted == now.identity)
    }
    fn was_in_use(&self) -> Option<&KeyId> {
        self.was.now().ok().and_then(|was| was.in_use.as_ref())
    }

    /// Whether the registry refers to its key as this run's own request has it do, and did not before: all that tells of a
    /// request whose answer was lost while the version is not taken up yet (R-CMK-11).
    fn is_own_work(&self, now: &Encrypted, desired: &KeyId, me: &Me<'_>) -> bool {
        let before = serde_json::to_value(Before { key: &now.key, identity: &now.identity }).ok();
        now.key == *desired && self.is_identity(now) && me.before.is_some() && me.before != before.as_ref()
    }

    /// A registry that follows its key may be ahead of the run: on a newer current version that somebody made since.
    async fn is_ahead(&self, look: &Reader, now: &Encrypted, desired: &KeyId) -> Result<Option<KeyId>> {
        let Some(in_use) = now.in_use.as_ref().filter(|_| self.reference == Reference::Versionless) else {
            return Ok(None);
        };
        let moved = self.was_in_use().is_none_or(|was| !was.same_version(in_use));
        if !moved || now.key != *desired || !self.is_identity(now) {
            return Ok(None);
        }
        let current = look.key(desired).await.ok().flatten().map(|k| k.id().clone());
        Ok(current.filter(|c| c.same_version(in_use)))
    }

    fn az(&self, key: &KeyId, identity: &KeyIdentity) -> String {
        format!(
            "az acr encryption rotate-key --name {} --resource-group {} --key-encryption-key {key} --identity {}",
            self.registry.name(),
            self.registry.group(),
            match identity {
                KeyIdentity::User(client) => client.to_string(),
                KeyIdentity::System => "[system]".into(),
            }
        )
    }

    /// The version and how it is referred to, in words.
    fn to(&self) -> String {
        let follows = match self.reference {
            Reference::Versionless => ", followed without a version",
            Reference::Versioned => "",
        };
        match &self.version {
            Known::Now(version) => format!("{version}{follows}"),
            Known::After(_) => format!("the new version{follows}"),
        }
    }

    /// The change in words and the way back, from where the registry is.
    fn foreseen(&self, was: &Was) -> Foreseen {
        let (name, to) = (self.registry.name(), self.to());
        let from = was.in_use.as_ref().unwrap_or(&was.key);
        // What the way back finds is what this step makes.
        let made = |key: &KeyId| match (&self.version, &self.identity) {
            (Known::Now(version), Known::Now(identity)) => {
                Was { key: self.referred(version), in_use: Some(version.clone()), identity: *identity }
            }
            _ => Was { key: key.clone(), in_use: None, identity: was.identity },
        };
        let back = |key: &KeyId| Self {
            version: Known::Now(key.clone()),
            reference: Reference::Versioned,
            identity: Known::Now(was.identity),
            was: Known::Now(made(key)),
            granted: None,
            ..self.clone()
        };
        let az = |key: &KeyId| self.az(key, &was.identity);
        let rollback = match (&was.in_use, was.key.version().is_some()) {
            (_, true) => Rollback::Step(Undo::by(&back(&was.key), az(&was.key))),
            (Some(version), false) => Rollback::WithLoss {
                undo: Undo::by(&back(version), az(version)),
                loss: format!(
                    "the following of {}: the registry stays pinned until it is put back on the versionless id (R-FL-07, R-CMK-13)",
                    was.key
                ),
            },
            (None, false) => Rollback::nothing("the version in use before is not known"),
        };
        let with = match &self.identity {
            Known::Now(identity) if *identity == was.identity => String::new(),
            identity => format!(" with identity {identity} (was {})", was.identity),
        };
        let mut what = Foreseen::new(format!("{name} on {to} (was {from}){with}"), rollback);
        if was.key.version().is_some() != (self.reference == Reference::Versioned) {
            what = what.note(match self.reference {
                Reference::Versioned => "the registry stops following its key (R-CMK-13)",
                Reference::Versionless => "the registry begins to follow its key (R-CMK-13)",
            });
        }
        what
    }

    /// Whether the registry is neither where it was when this was decided nor where it is to be: somebody else's work.
    fn is_elsewhere(&self, now: &Encrypted, desired: &KeyId) -> Option<Was> {
        let was = self.was.now().ok()?;
        let there =
            (now.key == was.key && now.identity == was.identity) || (now.key == *desired && self.is_identity(now));
        (!there).then(|| was.clone())
    }
}

impl Step for PointRegistry {
    const NAME: &'static str = "point-registry";
    type Made = Pointed;

    fn subject(&self) -> String {
        self.registry.to_string()
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        let granted = || self.granted.as_ref().and_then(Known::awaits);
        self.version.awaits().or_else(|| self.identity.awaits()).or_else(|| self.was.awaits()).or_else(granted)
    }
    fn foresee(&self) -> Foreseen {
        let name = self.registry.name();
        match &self.was {
            Known::Now(was) => self.foreseen(was),
            Known::After(_) => {
                Foreseen::new(format!("{name} on {}", self.to()), Rollback::nothing("the registry is made by this run"))
            }
        }
    }

    async fn observe(&self, look: &Reader, me: &Me<'_>) -> Result<Seen<Pointed>> {
        let (desired, target) = (self.desired()?, self.version.now()?);
        let seen = EncryptionOf { registry: self.registry.clone() }.look(look).await?;
        let now = match seen.required(&self.registry) {
            Ok(now) => now,
            Err(refusal) => return Ok(Seen::Refused(vec![refusal])),
        };
        if now.is_busy() {
            return Ok(Seen::Busy(format!("the registry is {}: somebody changes it", now.state)));
        }
        if self.is_there(now, &desired, target) {
            return Ok(Seen::Done(Pointed { in_use: target.clone() }));
        }
        if let Some(in_use) = self.is_ahead(look, now, &desired).await? {
            return Ok(Seen::Done(Pointed { in_use }));
        }
        if self.is_own_work(now, &desired, me) {
            return Ok(Seen::Done(Pointed { in_use: target.clone() }));
        }
        let identity = self.identity.now()?;
        if !now.has(identity) {
            return Ok(Seen::Refused(vec![missing(identity, &self.registry)]));
        }
        if let Some(was) = self.is_elsewhere(now, &desired).filter(|_| look.core.guards.hold(Guard::DriftCheck)) {
            return Ok(Seen::Drifted { before: was.to_string(), found: Was::of(now).to_string() });
        }
        let before = Before { key: &now.key, identity: &now.identity };
        Ok(Seen::Needs(
            Needs::new(self.foreseen(&Was::of(now))).before(&before).foreseen(Pointed { in_use: target.clone() }),
        ))
    }

    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<Pointed>> {
        let to = registries::Encryption { key: self.desired()?, identity: *self.identity.now()? };
        let written = azure.patch_encryption(&self.registry, &to).await?;
        Ok(Applied::following(Pointed { in_use: self.version.now()?.clone() }, written.operation))
    }

    async fn settled(&self, look: &Reader, me: &Me<'_>, _: &Pointed) -> Result<Settled> {
        let (desired, target) = (self.desired()?, self.version.now()?);
        if self.reference == Reference::Versioned {
            return Ok(Settled::Yes);
        }
        let seen = EncryptionOf { registry: self.registry.clone() }.look(look).await?;
        let Encryption::Enabled(now) = seen else { return Ok(Settled::Yes) };
        if self.is_there(&now, &desired, target) || self.is_ahead(look, &now, &desired).await?.is_some() {
            return Ok(Settled::Yes);
        }
        if now.key != desired || !self.is_identity(&now) {
            // Somebody put it elsewhere meanwhile; the look after this says so.
            return Ok(Settled::Yes);
        }
        if me.elapsed < PICK_UP {
            let why = format!("{} to take up {target}: within the hour (R-CMK-11)", self.registry.name());
            let after = if me.elapsed < Duration::from_secs(60) { None } else { Some(Duration::from_secs(60)) };
            return Ok(Settled::NotYet { why, after });
        }
        let on = now.in_use.as_ref().map_or("an unknown version".into(), ToString::to_string);
        let error = Error::new(ErrorKind::Unsettled {
            waited_for: format!(
                "{} to take up {target}; after {} min it is still on {on}. Both versions must stay enabled (R-CMK-15). See that \
                 the registry's identity may use the key; to pin the old version meanwhile: {}",
                self.registry.name(),
                me.elapsed.as_secs() / 60,
                now.in_use.as_ref().map_or_else(String::new, |v| self.az(v, &now.identity))
            ),
            last: None,
        });
        Ok(Settled::Failed { error, again: false })
    }

    fn patience(&self) -> Duration {
        PICK_UP.saturating_add(Duration::from_secs(30 * 60))
    }
    fn requires(&self) -> Vec<Requirement> {
        vec![Requirement::new(self.registry.resource(), "Microsoft.ContainerRegistry/registries/write")]
    }
    fn class(&self, error: &Error, me: &Me<'_>) -> Class {
        super::reapply_encryption::young(error, me, self.granted.is_some())
    }
}

pub(crate) fn not_attached(now: &Encrypted, registry: &RegistryId) -> Refusal {
    missing(&now.identity, registry)
}

fn missing(identity: &KeyIdentity, registry: &RegistryId) -> Refusal {
    Refusal::new(
        format!("identity {identity} is not attached to {}", registry.name()),
        "R-CMK-09",
        format!("assign it to the registry again (`cmk reassign {}`), then come again", registry.name()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(reference: Reference) -> PointRegistry {
        let group = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g";
        PointRegistry {
            registry: format!("{group}/providers/Microsoft.ContainerRegistry/registries/contoso1")
                .parse()
                .expect("an id"),
            version: Known::Now(key(2)),
            reference,
            identity: Known::Now(KeyIdentity::System),
            was: Known::Now(Was { key: key(1), in_use: Some(key(1)), identity: KeyIdentity::System }),
            granted: None,
        }
    }
    fn key(version: u8) -> KeyId {
        format!("https://kv-1.vault.azure.net/keys/k/{version:032x}").parse().expect("a key id")
    }
    fn on(key: &KeyId) -> Encrypted {
        let now = serde_json::json!({
            "key": key, "in_use": self::key(1), "identity": "system", "attached": true, "state": "Succeeded",
        });
        serde_json::from_value(now).expect("a registry")
    }

    /// The registry follows its key since then, and has not taken the version up yet: within the hour it may.
    #[test]
    fn r_cmk_11_a_lost_request_that_changed_the_reference_is_known_again() {
        let step = step(Reference::Versionless);
        let desired = step.desired().expect("a key");
        let me = |before| Me {
            key: "run/point-registry/0",
            attempted: true,
            accepted: false,
            before,
            elapsed: Duration::ZERO,
        };
        let image = |key: &KeyId| serde_json::to_value(Before { key, identity: &KeyIdentity::System }).expect("json");
        let (pinned, followed) = (image(&key(1)), image(&desired));
        assert!(step.is_own_work(&on(&desired), &desired, &me(Some(&pinned))));
        assert!(!step.is_own_work(&on(&desired), &desired, &me(Some(&followed))), "it was so before");
        assert!(!step.is_own_work(&on(&desired), &desired, &me(None)), "nothing was asked for");
        assert!(!step.is_own_work(&on(&key(1)), &desired, &me(Some(&pinned))), "it is not so");
    }
}
