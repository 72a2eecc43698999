//! Identifiers as types: parsed once and strictly, compared as Azure compares them, printed as they came.
//!
//! Every type here is made by `FromStr` (or `TryFrom<String>`, which serde uses), refuses what Azure would refuse
//! with an [`InvalidId`] that names the rule, and prints what it was parsed from. Names compare without regard to
//! ASCII case (R-ARM-22). The GUID kinds (subscription, tenant, client, principal, role) are types of their own
//! without conversions between them, because mixing up client and principal ids is the commonest fault (R-CMK-07/08):
//!
//! ```compile_fail
//! use cmk::azure::id::{ClientId, PrincipalId};
//! fn grant_to(_: PrincipalId) {}
//! let client: ClientId = "c0ffee00-0000-0000-0000-000000000001".parse().unwrap();
//! grant_to(client); // a client id is no principal id
//! ```

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

mod key;
mod resource;

pub use key::{KeyId, KeyName, KeyVersion, VaultHost};
pub use resource::{IdentityId, RegistryId, ResourceId, VaultId};

pub(crate) use resource::vault_label_fault;

/// A value that is not the identifier it was given as. The message names the value, the rule and the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{value}' is not a valid {kind} ({rule}): {way_out}")]
pub struct InvalidId {
    /// The value met, control characters escaped, cut at 200 characters.
    pub value: String,
    /// What was wanted, e.g. `key id`.
    pub kind: &'static str,
    /// The rule that it breaks, see docs/azure-rules.md.
    pub rule: &'static str,
    /// What to give instead.
    pub way_out: String,
}

impl InvalidId {
    /// An error about `value`, which is escaped and cut here.
    pub fn new(value: &str, kind: &'static str, rule: &'static str, way_out: impl Into<String>) -> InvalidId {
        InvalidId { value: InvalidId::shown(value), kind, rule, way_out: way_out.into() }
    }

    /// A foreign value made fit for a message: control and direction characters escaped, cut at 200 characters.
    pub(crate) fn shown(value: &str) -> String {
        let mut shown = String::new();
        for (n, c) in value.chars().enumerate() {
            if n == 200 {
                shown.push_str("...");
                break;
            }
            if c.is_control() || is_invisible(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
        }
        shown
    }
}

/// Characters that turn or break a line without being control characters.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Gives a type with `as_str`-like printing the traits that all identifiers share: serde as a string, `TryFrom<String>`.
macro_rules! text_traits {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = $crate::azure::id::InvalidId;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

/// Gives a type equality, order and hash by a `key()` that folds case.
macro_rules! compared_by_key {
    ($name:ident) => {
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.key() == other.key()
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.key().cmp(&other.key())
            }
        }

        impl std::hash::Hash for $name {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.key().hash(state);
            }
        }
    };
}

/// A name kept as it was spelled and compared without regard to ASCII case. `$fault` says what is wrong with a text.
macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $fault:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The name with ASCII letters in lower case: what is compared.
            pub fn key(&self) -> String {
                self.0.to_ascii_lowercase()
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::azure::id::InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match $fault(text) {
                    None => Ok($name(text.to_owned())),
                    Some(way_out) => Err($crate::azure::id::InvalidId::new(text, $kind, $rule, way_out)),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        compared_by_key!($name);
        text_traits!($name);
    };
}

pub(crate) use {compared_by_key, name_type, text_traits};

/// A GUID with a meaning. Accepts the hyphenated form in any case and prints it in lower case.
macro_rules! guid_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// Takes a GUID that is known to be of this kind.
            pub const fn new(guid: Uuid) -> Self {
                $name(guid)
            }

            /// The bare GUID.
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse_guid(text).map($name).ok_or_else(|| {
                    InvalidId::new(text, $kind, $rule, "give a GUID such as 01234567-89ab-cdef-0123-456789abcdef")
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        text_traits!($name);
    };
}

guid_type! {
    /// Id of a subscription.
    SubscriptionId, "subscription id", "R-ARM-22"
}

guid_type! {
    /// Id of an Entra tenant (directory).
    TenantId, "tenant id", "R-CMK-41"
}

guid_type! {
    /// Client (application) id of an identity: what `keyVaultProperties.identity` wants (R-CMK-07).
    ClientId, "client id", "R-CMK-07"
}

guid_type! {
    /// Principal (object) id of an identity: what a grant wants (R-CMK-08).
    PrincipalId, "principal id", "R-CMK-08"
}

guid_type! {
    /// GUID of a role definition (R-KV-32).
    RoleId, "role id", "R-KV-32"
}

impl RoleId {
    /// Key Vault Crypto Service Encryption User: the role that CMK needs (R-CMK-08, R-KV-32).
    pub const KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER: RoleId =
        RoleId(Uuid::from_u128(0xe147488a_f6f5_4113_8e2d_b22465e65bf6));
    /// Key Vault Crypto Officer: makes and rotates keys in a vault (R-KV-32).
    pub const KEY_VAULT_CRYPTO_OFFICER: RoleId = RoleId(Uuid::from_u128(0x14b46e9e_c2b7_41b4_b07b_48a6ebf60603));
    /// Key Vault Crypto User (R-KV-32).
    pub const KEY_VAULT_CRYPTO_USER: RoleId = RoleId(Uuid::from_u128(0x12338af0_0e69_4776_bea7_57ae8d297424));
    /// Key Vault Administrator (R-KV-32).
    pub const KEY_VAULT_ADMINISTRATOR: RoleId = RoleId(Uuid::from_u128(0x00482a5a_887f_4fb3_b363_3b7fe8e74483));
    /// Key Vault Reader (R-KV-32).
    pub const KEY_VAULT_READER: RoleId = RoleId(Uuid::from_u128(0x21090545_7ca7_4776_b22c_e363652d74d2));
    /// Managed Identity Operator: attaches an identity to a registry (R-CMK-25, R-KV-32).
    pub const MANAGED_IDENTITY_OPERATOR: RoleId = RoleId(Uuid::from_u128(0xf1a07417_d97a_45cb_824c_7a7467783830));
    /// AcrPull (R-DP-08, R-KV-32).
    pub const ACR_PULL: RoleId = RoleId(Uuid::from_u128(0x7f951dda_4ed3_4680_a7ca_43fe172d538d));
    /// AcrPush (R-DP-08, R-KV-32).
    pub const ACR_PUSH: RoleId = RoleId(Uuid::from_u128(0x8311e382_0749_4cb8_b61a_304f252e45ec));
    /// AcrDelete (R-DP-08, R-KV-32).
    pub const ACR_DELETE: RoleId = RoleId(Uuid::from_u128(0xc2f4ef07_c644_48eb_af81_4b1b4947fb11));
    /// Container Registry Repository Reader (R-DP-08, R-KV-32).
    pub const REPOSITORY_READER: RoleId = RoleId(Uuid::from_u128(0xb93aa761_3e63_49ed_ac28_beffa264f7ac));
    /// Container Registry Repository Writer (R-DP-08, R-KV-32).
    pub const REPOSITORY_WRITER: RoleId = RoleId(Uuid::from_u128(0x2a1e307c_b015_4ebd_883e_5b7698a07328));
    /// Container Registry Repository Contributor (R-DP-08, R-KV-32).
    pub const REPOSITORY_CONTRIBUTOR: RoleId = RoleId(Uuid::from_u128(0x2efddaa5_3f1f_4df3_97df_af3f13818f4c));
    /// Container Registry Repository Catalog Lister (R-DP-08, R-KV-32).
    pub const REPOSITORY_CATALOG_LISTER: RoleId = RoleId(Uuid::from_u128(0xbfdb9389_c9a5_478a_bb2f_ba9ca092c3c7));
    /// Managed HSM Crypto Service Encryption User, local to the HSM (R-CMK-10, R-KV-32).
    pub const HSM_CRYPTO_SERVICE_ENCRYPTION_USER: RoleId =
        RoleId(Uuid::from_u128(0x33413926_3206_4cdd_b39a_83574fe37a17));
    /// Managed HSM Crypto User, local to the HSM: the role that makes keys there (R-KV-33).
    pub const HSM_CRYPTO_USER: RoleId = RoleId(Uuid::from_u128(0x21dbd100_6940_42c2_9190_5d6cb909625b));

    /// The full id of the definition as an assignment in this subscription names it.
    pub fn definition_in(&self, subscription: &SubscriptionId) -> String {
        format!("/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{self}")
    }

    /// Reads the GUID out of a role definition id, which is
    /// `[/subscriptions/{s}[/..]]/providers/Microsoft.Authorization/roleDefinitions/{guid}` in any case (R-ARM-22).
    pub fn of_definition(definition: &str) -> Result<RoleId, InvalidId> {
        let wanted = "/providers/microsoft.authorization/roledefinitions";
        definition
            .rsplit_once('/')
            .filter(|(scope, _)| scope.to_ascii_lowercase().ends_with(wanted))
            .and_then(|(_, guid)| parse_guid(guid))
            .map(RoleId)
            .ok_or_else(|| {
                let way_out = "give an id that ends in /providers/Microsoft.Authorization/roleDefinitions/{guid}";
                InvalidId::new(definition, "role definition id", "R-KV-32", way_out)
            })
    }
}

name_type! {
    /// Name of a resource group: 1 to 90 letters, digits, `_`, `-`, `.`, `(` or `)`, not ending in a dot (R-ARM-22).
    ResourceGroupName, "resource group name", "R-ARM-22", group_fault
}

/// A region, given as `westeurope` or as `West Europe`; both are the same one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Location(String);

impl Location {
    /// The region as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The region's name as ARM paths want it, in lower case without spaces: what is compared.
    pub fn key(&self) -> String {
        self.0.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_lowercase()).collect()
    }
}

impl FromStr for Location {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Location, InvalidId> {
        let inner = !text.starts_with(' ') && !text.ends_with(' ');
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ');
        if inner && plain && text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Ok(Location(text.to_owned()));
        }
        Err(InvalidId::new(text, "location", "R-ARM-22", "give a region such as westeurope or West Europe"))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

compared_by_key!(Location);
text_traits!(Location);

fn group_fault(text: &str) -> Option<&'static str> {
    let chars = text.chars().count();
    if chars == 0 || chars > 90 {
        return Some("give 1 to 90 characters");
    }
    if !text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '(' | ')')) {
        return Some("use letters, digits, underscores, hyphens, dots and parentheses only");
    }
    if text.ends_with('.') {
        return Some("take the dot off its end");
    }
    None
}

/// The hyphenated form only: bare, braced and urn forms are more often a mistake than an id.
fn parse_guid(text: &str) -> Option<Uuid> {
    if text.len() == 36 { Uuid::try_parse(text).ok() } else { None }
}
