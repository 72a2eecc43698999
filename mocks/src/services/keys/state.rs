use super::{errors, rotation::RotationPolicy};
use crate::{
    http::message::{Fail, Object},
    services::{key_access::Denial, key_audit::Entry, vaults::Vault},
    world::{World, clock::Moment as _},
};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeyVersion {
    pub(crate) version: String,
    pub(crate) kty: String,
    pub(crate) size: i64,
    pub(crate) curve: Option<String>,
    pub(crate) ops: Vec<String>,
    /// Modulus, or x and y.
    pub(crate) material: Vec<String>,
    pub(crate) enabled: bool,
    pub(crate) nbf: Option<i64>,
    pub(crate) exp: Option<i64>,
    pub(crate) exportable: bool,
    pub(crate) created: OffsetDateTime,
    pub(crate) updated: OffsetDateTime,
    pub(crate) tags: Object,
}

/// R-KV-12/13; {active, deleting, deleted, recovering} follow from it and the time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Life {
    ActiveFrom(OffsetDateTime),
    Deleted { at: OffsetDateTime, settled: OffsetDateTime },
}

/// A state in which the name cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transition {
    Deleting,
    Deleted,
    Recovering,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) name: String,
    /// In order of creation.
    pub(crate) versions: Vec<KeyVersion>,
    pub(crate) policy: Option<RotationPolicy>,
    pub(crate) life: Life,
}

impl Key {
    pub(crate) fn is_active(&self, now: OffsetDateTime) -> bool {
        matches!(self.life, Life::ActiveFrom(t) if t <= now)
    }

    /// None of a deleted key.
    pub(crate) fn active_from(&self) -> Option<OffsetDateTime> {
        match self.life {
            Life::ActiveFrom(t) => Some(t),
            Life::Deleted { .. } => None,
        }
    }

    pub(crate) fn transition(&self, now: OffsetDateTime) -> Option<Transition> {
        match self.life {
            Life::ActiveFrom(t) => (now < t).then_some(Transition::Recovering),
            Life::Deleted { settled, .. } if now < settled => Some(Transition::Deleting),
            Life::Deleted { .. } => Some(Transition::Deleted),
        }
    }

    /// The newest, enabled or not.
    pub(crate) fn current(&self) -> Option<&KeyVersion> {
        self.versions.last()
    }

    pub(crate) fn current_at(&self, now: OffsetDateTime) -> Option<&KeyVersion> {
        self.versions.iter().rev().find(|v| v.created <= now)
    }

    pub(crate) fn version(&self, version: Option<&str>) -> Option<&KeyVersion> {
        match version {
            Some(v) => self.versions.iter().find(|k| k.version.eq_ignore_ascii_case(v)),
            None => self.current(),
        }
    }
}

/// What a version is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Wrap,
    Unwrap,
    Encrypt,
    Decrypt,
}

impl Use {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wrap => "wrapKey",
            Self::Unwrap => "unwrapKey",
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
        }
    }
}

/// R-KV-14: version enabled, then dates, then key_ops (10.2).
pub(crate) fn usable(v: &KeyVersion, op: Use, now: OffsetDateTime, disabled_blocks_wrap: bool) -> Result<(), Denial> {
    let opens = matches!(op, Use::Unwrap | Use::Decrypt);
    if !v.enabled && (opens || disabled_blocks_wrap) {
        return Err(Denial::VersionDisabled);
    }
    let now = now.unix_timestamp();
    if !opens && v.nbf.is_some_and(|t| now < t) {
        return Err(Denial::NotYetValid);
    }
    if !opens && v.exp.is_some_and(|t| now >= t) {
        return Err(Denial::Expired);
    }
    if !v.ops.iter().any(|o| o.eq_ignore_ascii_case(op.name())) {
        return Err(Denial::OperationNotPermitted);
    }
    Ok(())
}

#[derive(Clone, Debug)]
pub(crate) struct NewVersion {
    pub(crate) kty: String,
    pub(crate) size: Option<i64>,
    pub(crate) curve: Option<String>,
    pub(crate) ops: Option<Vec<String>>,
    pub(crate) enabled: bool,
    pub(crate) nbf: Option<i64>,
    pub(crate) exp: Option<i64>,
    pub(crate) exportable: bool,
    pub(crate) tags: Object,
    /// The public part, where it is brought along.
    pub(crate) material: Option<Vec<String>>,
}

/// R-KV-10
pub(crate) fn valid_key_name(name: &str) -> bool {
    (1..=127).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

const RSA_OPS: &[&str] = &["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"];
const EC_OPS: &[&str] = &["sign", "verify"];
pub(super) const MAX_TAGS: usize = 15;

impl World {
    pub(crate) fn key_mut(&mut self, vault: &str, name: &str) -> Option<&mut Key> {
        self.vaults.get_mut(vault)?.keys.get_mut(&name.to_lowercase())
    }

    /// Leaves nothing of a key.
    pub(super) fn forget_key(&mut self, vault: &str, name: &str) {
        if let Some(vault) = self.vaults.get_mut(vault) {
            vault.keys.remove(&name.to_lowercase());
        }
    }

    pub(crate) fn key_in_transition(&self, vault: &str, name: &str, now: OffsetDateTime) -> Option<Transition> {
        self.vaults.get(vault)?.keys.get(&name.to_lowercase())?.transition(now)
    }

    /// Always makes a version, whatever is there (R-KV-11). The key must not be in transition.
    pub(crate) fn make_version(
        &mut self,
        vault: &str,
        name: &str,
        new: NewVersion,
        now: OffsetDateTime,
    ) -> Result<KeyVersion, Fail> {
        let premium = self.vaults.get(vault).is_some_and(|v| v.premium);
        if self.vaults.get(vault).is_some_and(|v| v.read_only) {
            return Err(errors::read_only(vault));
        }
        let kty = ["RSA", "RSA-HSM", "EC", "EC-HSM"].into_iter().find(|k| k.eq_ignore_ascii_case(&new.kty));
        let kty = kty.ok_or_else(|| errors::bad(format!("Unsupported key type '{}'.", new.kty)))?;
        if kty.ends_with("-HSM") && !premium {
            return Err(errors::bad("The vault's SKU does not support HSM-protected keys."));
        }
        if new.tags.len() > MAX_TAGS {
            return Err(errors::bad("A key has at most 15 tags."));
        }
        let rsa = kty.starts_with("RSA");
        let size = new.size.unwrap_or(2048);
        if rsa && ![2048, 3072, 4096].contains(&size) {
            return Err(errors::bad(format!("Key size {size} is not supported.")));
        }
        let curve = new.curve.unwrap_or_else(|| "P-256".into());
        if !rsa && !["P-256", "P-384", "P-521", "P-256K"].contains(&curve.as_str()) {
            return Err(errors::bad(format!("Curve {curve} is not supported.")));
        }
        let ops = new.ops.unwrap_or_else(|| {
            let all = if rsa { RSA_OPS } else { EC_OPS };
            all.iter().map(|o| (*o).to_owned()).collect()
        });
        let material = if let Some(brought) = new.material {
            brought
        } else if rsa {
            vec![self.rng.modulus(u32::try_from(size).unwrap_or(2048))]
        } else {
            vec![self.rng.base64url(32), self.rng.base64url(32)]
        };
        let version = KeyVersion {
            version: self.rng.hex32(),
            kty: kty.to_owned(),
            size: if rsa { size } else { 0 },
            curve: (!rsa).then_some(curve),
            ops,
            material,
            enabled: new.enabled,
            nbf: new.nbf,
            exp: new.exp,
            exportable: new.exportable,
            created: now,
            updated: now,
            tags: new.tags,
        };
        let vault = self.vaults.get_mut(vault).ok_or_else(|| errors::not_found(name))?;
        let key = vault.keys.entry(name.to_lowercase()).or_insert_with(|| Key {
            name: name.to_owned(),
            versions: Vec::new(),
            policy: None,
            life: Life::ActiveFrom(now),
        });
        key.versions.push(version.clone());
        Ok(version)
    }

    /// A new version like the current one, with the expiry of the policy (R-KV-15).
    pub(crate) fn rotate_key(&mut self, vault: &str, name: &str, now: OffsetDateTime) -> Result<KeyVersion, Fail> {
        let key = self.vaults.get(vault).and_then(|v| v.keys.get(&name.to_lowercase()));
        let key = key.ok_or_else(|| errors::not_found(name))?;
        let current = key.current().ok_or_else(|| errors::not_found(name))?;
        let new = NewVersion {
            kty: current.kty.clone(),
            size: Some(current.size).filter(|s| *s > 0),
            curve: current.curve.clone(),
            ops: Some(current.ops.clone()),
            enabled: true,
            nbf: None,
            exp: key.policy.as_ref().and_then(|p| p.expiry_of_new(now)),
            exportable: current.exportable,
            tags: current.tags.clone(),
            material: None,
        };
        self.make_version(vault, name, new, now)
    }

    fn rotate_by_policy(&mut self, vault: &str, name: &str, at: OffsetDateTime) -> Result<(), Fail> {
        let made = self.rotate_key(vault, name, at)?;
        let uri = self.vaults.get(vault).map(|v| v.uri(self.setup.cloud.vault_suffix())).unwrap_or_default();
        let uri = format!("{uri}/keys/{name}/{}", made.version);
        let ip = String::new();
        self.log(at, Entry { operation: "KeyRotateIfDue", vault, uri, status: 200, cause: None, caller: None, ip });
        Ok(())
    }

    /// Ends of retention, and versions that policies make. None is made before `before`: a policy that was set late, or
    /// a key that was away, has it made then.
    pub(crate) fn settle_keys(&mut self, before: OffsetDateTime, now: OffsetDateTime) {
        let mut due = Vec::new();
        let over = |vault: &Vault, k: &Key| {
            let retention = Duration::days(i64::from(vault.retention_days));
            matches!(k.life, Life::Deleted { at, .. } if at.after(retention) <= now)
        };
        let mut gone = Vec::new();
        for vault in self.vaults.live.values() {
            gone.extend(
                vault.keys.iter().filter(|(_, k)| over(vault, k)).map(|(n, _)| (vault.name.clone(), n.clone())),
            );
            for key in vault.keys.values().filter(|k| k.is_active(now) && k.policy.is_some()) {
                due.push((vault.name.clone(), key.name.clone()));
            }
        }
        for (vault, name) in gone {
            self.vaults.get_mut(&vault).and_then(|v| v.keys.remove(&name));
        }
        for (vault, name) in due {
            // Bounded: a long leap over a short period makes no more than these.
            for _ in 0..64 {
                let key = self.vaults.get(&vault).and_then(|v| v.keys.get(&name.to_lowercase()));
                let at = key.and_then(|k| {
                    let current = k.current()?;
                    let due = k.policy.as_ref()?.due(current.created, current.exp)?;
                    Some(due.max(before).max(k.active_from()?))
                });
                match at {
                    Some(at) if at <= now => {
                        if self.rotate_by_policy(&vault, &name, at).is_err() {
                            break;
                        }
                    }
                    _ => break,
                }
            }
        }
    }
}
