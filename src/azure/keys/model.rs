//! Keys as ARM and as vaults show them.

use super::Kty;
use crate::azure::{
    cloud::Cloud,
    id::{InvalidId, KeyId},
    resources::{SystemData, Tags, lenient_tags, null_as_default},
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A key, or a version of one, as ARM shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ArmKey {
    /// Its resource id.
    pub id: Option<String>,
    /// Its name, or its version.
    pub name: Option<String>,
    /// The resource type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Who made and changed it.
    pub system_data: Option<SystemData>,
    /// The vault's region.
    pub location: Option<String>,
    /// Its tags.
    #[serde(deserialize_with = "lenient_tags")]
    pub tags: Tags,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: ArmKeyProperties,
}

/// What a key is, as ARM shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ArmKeyProperties {
    /// Its state.
    #[serde(deserialize_with = "null_as_default")]
    pub attributes: ArmKeyAttributes,
    /// `RSA`, `RSA-HSM`, `EC` or `EC-HSM`.
    pub kty: Option<String>,
    /// What may be done with it.
    #[serde(deserialize_with = "null_as_default")]
    pub key_ops: Vec<String>,
    /// Its size in bits.
    pub key_size: Option<i64>,
    /// Its curve.
    pub curve_name: Option<String>,
    /// Its id without version.
    pub key_uri: Option<String>,
    /// Its id with version.
    pub key_uri_with_version: Option<String>,
    /// When it is rotated by itself.
    pub rotation_policy: Option<RotationPolicy>,
    /// To whom it may be released.
    #[serde(rename = "release_policy")]
    pub release_policy: Option<KeyReleasePolicy>,
}

/// The state of a key, as ARM shows it. Times are seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ArmKeyAttributes {
    /// Whether it may be used.
    pub enabled: Option<bool>,
    /// From when.
    pub nbf: Option<i64>,
    /// Until when.
    pub exp: Option<i64>,
    /// When it was made.
    pub created: Option<i64>,
    /// When it was changed.
    pub updated: Option<i64>,
    /// What becomes of it when it is deleted.
    pub recovery_level: Option<String>,
    /// Whether it can leave the vault.
    pub exportable: Option<bool>,
}

/// When a key is rotated by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RotationPolicy {
    /// The policy's own state.
    #[serde(deserialize_with = "null_as_default")]
    pub attributes: RotationPolicyAttributes,
    /// What is done when.
    #[serde(deserialize_with = "null_as_default")]
    pub lifetime_actions: Vec<LifetimeAction>,
}

/// The state of a rotation policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RotationPolicyAttributes {
    /// When it was made, in seconds since 1970.
    pub created: Option<i64>,
    /// When it was changed.
    pub updated: Option<i64>,
    /// How long new versions live, e.g. `P2Y`.
    pub expiry_time: Option<String>,
}

/// Something that is done to a key at a time of its life.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct LifetimeAction {
    /// When.
    #[serde(deserialize_with = "null_as_default")]
    pub trigger: LifetimeTrigger,
    /// What.
    #[serde(deserialize_with = "null_as_default")]
    pub action: LifetimeActionType,
}

/// When something is done to a key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct LifetimeTrigger {
    /// So long after it was made, e.g. `P90D`.
    pub time_after_create: Option<String>,
    /// So long before it expires.
    pub time_before_expiry: Option<String>,
}

/// What is done to a key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct LifetimeActionType {
    /// `rotate` or `notify`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

/// A key as its vault shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct KeyBundle {
    /// The key.
    #[serde(deserialize_with = "null_as_default")]
    pub key: JsonWebKey,
    /// Its state.
    #[serde(deserialize_with = "null_as_default")]
    pub attributes: KeyAttributes,
    /// Its tags.
    #[serde(deserialize_with = "lenient_tags")]
    pub tags: Tags,
    /// Whether a certificate of the vault owns it.
    pub managed: Option<bool>,
    /// To whom it may be released.
    pub release_policy: Option<KeyReleasePolicy>,
}

/// A deleted key as its vault shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DeletedKeyBundle {
    /// The key.
    #[serde(deserialize_with = "null_as_default")]
    pub key: JsonWebKey,
    /// Its state.
    #[serde(deserialize_with = "null_as_default")]
    pub attributes: KeyAttributes,
    /// Its tags.
    #[serde(deserialize_with = "lenient_tags")]
    pub tags: Tags,
    /// Whether a certificate of the vault owns it.
    pub managed: Option<bool>,
    /// To whom it may be released.
    pub release_policy: Option<KeyReleasePolicy>,
    /// Where it can be recovered.
    #[serde(rename = "recoveryId")]
    pub recovery_id: Option<String>,
    /// When it will be gone, in seconds since 1970.
    #[serde(rename = "scheduledPurgeDate")]
    pub scheduled_purge_date: Option<i64>,
    /// When it was deleted.
    #[serde(rename = "deletedDate")]
    pub deleted_date: Option<i64>,
}

/// A version in a list of a key's versions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct KeyItem {
    /// Its id.
    pub kid: Option<String>,
    /// Its state.
    #[serde(deserialize_with = "null_as_default")]
    pub attributes: KeyAttributes,
    /// Its tags.
    #[serde(deserialize_with = "lenient_tags")]
    pub tags: Tags,
    /// Whether a certificate of the vault owns it.
    pub managed: Option<bool>,
}

/// The public part of a key. Private members are never in an answer, and are not read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct JsonWebKey {
    /// Its id.
    pub kid: Option<String>,
    /// `RSA`, `RSA-HSM`, `EC`, `EC-HSM`, `oct` or `oct-HSM`.
    pub kty: Option<String>,
    /// What may be done with it.
    #[serde(deserialize_with = "null_as_default")]
    pub key_ops: Vec<String>,
    /// The modulus of RSA, in base64url.
    pub n: Option<String>,
    /// The exponent of RSA.
    pub e: Option<String>,
    /// The curve.
    pub crv: Option<String>,
    /// A coordinate of a curve's point.
    pub x: Option<String>,
    /// The other.
    pub y: Option<String>,
}

/// The state of a key at its vault. Times are seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct KeyAttributes {
    /// Whether it may be used (R-KV-14).
    pub enabled: Option<bool>,
    /// From when.
    pub nbf: Option<i64>,
    /// Until when.
    pub exp: Option<i64>,
    /// When it was made.
    pub created: Option<i64>,
    /// When it was changed.
    pub updated: Option<i64>,
    /// For how long it can be recovered.
    pub recoverable_days: Option<i64>,
    /// What becomes of it when it is deleted, e.g. `Recoverable+Purgeable`.
    pub recovery_level: Option<String>,
    /// Whether it can leave the vault.
    pub exportable: Option<bool>,
    /// The hardware it is in.
    pub hsm_platform: Option<String>,
    /// Proof of where it was made.
    pub attestation: Option<KeyAttestation>,
}

/// Proof of where a key was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct KeyAttestation {
    /// The certificates.
    pub certificate_pem_file: Option<String>,
    /// Of the private key.
    pub private_key_attestation: Option<String>,
    /// Of the public key.
    pub public_key_attestation: Option<String>,
    /// The proof's version.
    pub version: Option<String>,
}

/// To whom a key may be released.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct KeyReleasePolicy {
    /// Of the policy.
    pub content_type: Option<String>,
    /// Whether it can change.
    pub immutable: Option<bool>,
    /// The policy, in base64url.
    pub data: Option<String>,
}

pub(super) fn moment(seconds: Option<i64>) -> Option<OffsetDateTime> {
    crate::azure::time_format::epoch(seconds?)
}

impl ArmKey {
    /// Its id without version; it must be this cloud's.
    ///
    /// # Errors
    /// When it names none or one outside of the cloud.
    pub fn key_id(&self, cloud: &Cloud) -> Result<KeyId, InvalidId> {
        KeyId::parse(cloud, self.properties.key_uri.as_deref().unwrap_or_default()).map(|id| id.versionless())
    }
    /// Its id with version; it must be this cloud's.
    ///
    /// # Errors
    /// When it names none or one outside of the cloud.
    pub fn versioned_id(&self, cloud: &Cloud) -> Result<KeyId, InvalidId> {
        KeyId::parse(cloud, self.properties.key_uri_with_version.as_deref().unwrap_or_default())
    }
    /// Its kind, if a registry can use it.
    #[must_use]
    pub fn kty(&self) -> Option<Kty> {
        Kty::read(self.properties.kty.as_deref()?)
    }
    /// Its size in bits.
    #[must_use]
    pub fn size(&self) -> Option<u32> {
        self.properties.key_size.and_then(|s| s.try_into().ok())
    }
    /// Whether it may be used; keys are until told otherwise.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.properties.attributes.enabled.unwrap_or(true)
    }
    /// From when it may be used.
    #[must_use]
    pub fn nbf(&self) -> Option<OffsetDateTime> {
        moment(self.properties.attributes.nbf)
    }
    /// Until when it may be used.
    #[must_use]
    pub fn exp(&self) -> Option<OffsetDateTime> {
        moment(self.properties.attributes.exp)
    }
    /// When it was made.
    #[must_use]
    pub fn created(&self) -> Option<OffsetDateTime> {
        moment(self.properties.attributes.created)
    }
}
