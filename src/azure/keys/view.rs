//! Keys as workflows look at them: with ids that were checked, and times that are times.

use super::{
    Kty,
    model::{DeletedKeyBundle, KeyAttributes, KeyBundle, KeyItem, moment},
};
use crate::azure::{
    Kept,
    id::{KeyId, KeyVersion},
    resources::Tags,
};
use base64::Engine as _;
use serde::Serialize;
use time::OffsetDateTime;

/// One version of a key, as its vault shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeyView {
    pub(super) id: KeyId,
    pub(super) bundle: Kept<KeyBundle>,
}

/// A version in a list of a key's versions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeyItemView {
    pub(super) id: KeyId,
    pub(super) item: Kept<KeyItem>,
}

/// A deleted key that can be recovered with all its versions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeletedKeyView {
    pub(super) id: KeyId,
    pub(super) bundle: Kept<DeletedKeyBundle>,
}

macro_rules! state_of_a_key {
    ($view:ident, $whole:ident, $body:ident) => {
        impl $view {
            /// Its id, with version: one of the vault that was asked.
            #[must_use]
            pub fn id(&self) -> &KeyId {
                &self.id
            }
            /// Its version.
            #[must_use]
            pub fn version(&self) -> Option<&KeyVersion> {
                self.id.version()
            }
            /// The body as it came.
            #[must_use]
            pub fn body(&self) -> &Kept<$body> {
                &self.$whole
            }
            /// Its state as it came.
            #[must_use]
            pub fn attributes(&self) -> &KeyAttributes {
                &self.$whole.attributes
            }
            /// Its tags.
            #[must_use]
            pub fn tags(&self) -> &Tags {
                &self.$whole.tags
            }
            /// Whether it may be used; keys are until told otherwise (R-KV-14).
            #[must_use]
            pub fn enabled(&self) -> bool {
                self.attributes().enabled.unwrap_or(true)
            }
            /// From when it may be used.
            #[must_use]
            pub fn nbf(&self) -> Option<OffsetDateTime> {
                moment(self.attributes().nbf)
            }
            /// Until when it may be used.
            #[must_use]
            pub fn exp(&self) -> Option<OffsetDateTime> {
                moment(self.attributes().exp)
            }
            /// When it was made, to the second.
            #[must_use]
            pub fn created(&self) -> Option<OffsetDateTime> {
                moment(self.attributes().created)
            }
            /// When it was changed.
            #[must_use]
            pub fn updated(&self) -> Option<OffsetDateTime> {
                moment(self.attributes().updated)
            }
            /// Whether it can be purged before its time once it is deleted.
            #[must_use]
            pub fn purgeable(&self) -> bool {
                let level = self.attributes().recovery_level.as_deref();
                level.is_some_and(|l| l.to_ascii_lowercase().contains("purgeable"))
            }
        }
    };
}

state_of_a_key!(KeyView, bundle, KeyBundle);
state_of_a_key!(KeyItemView, item, KeyItem);
state_of_a_key!(DeletedKeyView, bundle, DeletedKeyBundle);

impl KeyView {
    /// Its kind, if a registry can use it (R-CMK-02).
    #[must_use]
    pub fn kty(&self) -> Option<Kty> {
        Kty::read(self.bundle.key.kty.as_deref()?)
    }
    /// Its size in bits, by its modulus; RSA only.
    #[must_use]
    pub fn size(&self) -> Option<u32> {
        bits(self.bundle.key.n.as_deref()?)
    }
    /// What may be done with it, e.g. `wrapKey`.
    #[must_use]
    pub fn key_ops(&self) -> &[String] {
        &self.bundle.key.key_ops
    }
    /// Whether something may be done with it, e.g. `wrapKey`.
    #[must_use]
    pub fn allows(&self, op: &str) -> bool {
        self.key_ops().iter().any(|o| o.eq_ignore_ascii_case(op))
    }
}

impl DeletedKeyView {
    /// When it will be gone.
    #[must_use]
    pub fn purged_at(&self) -> Option<OffsetDateTime> {
        moment(self.bundle.scheduled_purge_date)
    }
    /// When it was deleted.
    #[must_use]
    pub fn deleted_at(&self) -> Option<OffsetDateTime> {
        moment(self.bundle.deleted_date)
    }
}

/// The bits of a big-endian number in base64url.
fn bits(number: &str) -> Option<u32> {
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(number.trim_end_matches('=')).ok()?;
    let mut bytes = bytes.iter().skip_while(|b| **b == 0);
    let first = bytes.next()?;
    let rest = u32::try_from(bytes.count()).ok()?;
    rest.checked_mul(8)?.checked_add(8 - first.leading_zeros())
}

#[cfg(test)]
mod tests {
    use super::bits;
    use base64::Engine as _;

    #[test]
    fn size_is_the_modulus_without_leading_zeros() {
        let of = |bytes: &[u8]| bits(&base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes));
        assert_eq!(of(&[0xff; 256]), Some(2048));
        let mut padded = vec![0u8];
        padded.extend([0x80; 384]);
        assert_eq!(of(&padded), Some(3072));
        assert_eq!(of(&[1]), Some(1));
        assert_eq!(of(&[0, 0]), None);
        assert_eq!(of(&[]), None);
        assert_eq!(bits("!"), None);
    }
}
