//! Keys of any kind, and their rotation policies, without HTTP.

use super::{
    rotation::{LifetimeAction, RotationPolicy},
    state::{NewVersion, valid_key_name},
};
use crate::{http::message::Object, world::World};
use serde_json::json;
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// What a version of a key is made like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// `RSA`, `RSA-HSM`, `EC` or `EC-HSM`; the last of each needs a Premium vault.
    pub kty: String,
    /// Bits of an RSA key; 2048 unless said.
    pub size: Option<i64>,
    /// Curve of an EC key; `P-256` unless said.
    pub curve: Option<String>,
    /// What it may be used for; all that its type can unless said.
    pub ops: Option<Vec<String>>,
    /// Whether it is enabled.
    pub enabled: bool,
    /// Not before, in epoch seconds.
    pub nbf: Option<i64>,
    /// Expiry, in epoch seconds.
    pub exp: Option<i64>,
    /// Its tags, at most 15.
    pub tags: BTreeMap<String, String>,
}

impl Default for KeySpec {
    fn default() -> Self {
        let (size, curve, ops, nbf, exp) = (None, None, None, None, None);
        Self { kty: "RSA".into(), size, curve, ops, enabled: true, nbf, exp, tags: BTreeMap::new() }
    }
}

/// A rotation policy (R-KV-15). Times are ISO 8601 in days, months or years: `P90D`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRotation {
    /// A new version is made this long after the last.
    pub rotate_after: Option<String>,
    /// A new version is made this long before the last expires.
    pub rotate_before_expiry: Option<String>,
    /// Somebody is told this long before a version expires.
    pub notify_before_expiry: Option<String>,
    /// New versions expire after this long.
    pub expires_after: Option<String>,
}

impl World {
    /// A version of a key, the key with it if need be; returns the version, or what Key Vault says against it.
    pub fn seed_key_with(
        &mut self,
        vault: &str,
        name: &str,
        spec: &KeySpec,
        made: OffsetDateTime,
    ) -> Result<String, String> {
        if !valid_key_name(name) {
            return Err(format!("'{name}' is no name of a key"));
        }
        let new = NewVersion {
            kty: spec.kty.clone(),
            size: spec.size,
            curve: spec.curve.clone(),
            ops: spec.ops.clone(),
            enabled: spec.enabled,
            nbf: spec.nbf,
            exp: spec.exp,
            exportable: false,
            tags: spec.tags.iter().map(|(k, v)| (k.clone(), json!(v))).collect::<Object>(),
            material: None,
        };
        self.make_version(vault, name, new, made).map(|v| v.version).map_err(|fail| fail.message)
    }

    /// Gives a key a rotation policy, or says what Key Vault has against it.
    pub fn seed_rotation_policy(&mut self, vault: &str, key: &str, rotation: &KeyRotation) -> Result<(), String> {
        let action = |rotate, after_create: &Option<String>, before_expiry: &Option<String>| {
            let some = after_create.is_some() || before_expiry.is_some();
            let (after_create, before_expiry) = (after_create.clone(), before_expiry.clone());
            some.then_some(LifetimeAction { rotate, after_create, before_expiry })
        };
        let rotate = action(true, &rotation.rotate_after, &rotation.rotate_before_expiry);
        let notify = action(false, &None, &rotation.notify_before_expiry);
        let actions = rotate.into_iter().chain(notify).collect();
        let policy = RotationPolicy { actions, expiry: rotation.expires_after.clone(), ..RotationPolicy::default() };
        policy.check(self.params.rotation_policy_min_expiry_days).map_err(|fail| fail.message)?;
        let now = self.now;
        if let Some(key) = self.key_mut(vault, key) {
            key.policy = Some(policy.stamped(now));
        }
        Ok(())
    }
}
