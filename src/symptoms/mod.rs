//! Floor 2: what an error text says, whoever showed it: the service, docker, a kubelet, Terraform, az, or a person's clipboard.
//!
//! ```
//! use cmk::symptom::{Area, Symptom, SymptomKind};
//!
//! let seen = Symptom::read(
//!     "Error response from daemon: Get \"https://contoso1.azurecr.io/v2/\": denied: {\"errors\":[{\"code\":\"DENIED\",\
//!      \"message\":\"client with IP '203.0.113.7' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.\"}]}",
//! )
//! .ok_or("no text that is known")?;
//! assert_eq!(seen.kind, SymptomKind::RegistryFirewall);
//! assert_eq!(seen.kind.area(), Area::Network);
//! assert_eq!(seen.kind.codes(), ["registry-firewall"]);
//! assert_eq!(seen.registry_name(), Some("contoso1"));
//! assert_eq!(seen.client_ip, Some([203, 0, 113, 7].into()));
//! # Ok::<(), &str>(())
//! ```

use crate::azure::id::KeyId;
use normalize::Plain;
use serde::{Deserialize, Serialize};
use std::{fmt, net::IpAddr};
use uuid::Uuid;

mod advice;
mod catalog;
mod extract;
mod kind;
mod labels;
mod match_result;
mod normalize;
mod origin;
mod search;

pub use kind::SymptomKind;
pub use labels::{SymptomName, UnknownSymptom};
pub use match_result::FINDINGS;

/// A recognised text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Symptom {
    /// What it is.
    pub kind: SymptomKind,
    /// The GUID it blames: a client id, or the principal of an identity or caller.
    pub guid: Option<Uuid>,
    /// The registry it names: an id, a login server, or a name, in lower case.
    pub registry: Option<String>,
    /// The key it names.
    pub key: Option<KeyId>,
    /// The client's address that was not let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<IpAddr>,
    /// The repository it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The vault it names, or the one its key is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<String>,
    /// The scope at which a right is missing, or that is locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The action that is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The request's id, for a support ticket; of sign-ins the trace id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The correlation id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
}

/// What a text is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// The registry's way to its key: identity, grant, vault, key.
    KeyAccess,
    /// Who logs in to the registry, and with what.
    Login,
    /// The way from a client to the registry.
    Network,
    /// The machine it is tried on.
    Local,
    /// Rights on resources, locks, policies, names, settings.
    Governance,
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::KeyAccess => "key access",
            Self::Login => "login",
            Self::Network => "network",
            Self::Local => "this machine",
            Self::Governance => "governance",
        })
    }
}

impl Symptom {
    /// Reads a text: as the service gives it, with any ids, wrapped, quoted, escaped as JSON up to three times, with
    /// something before or behind it, or cut. `None` if it is none that is known, or another registry's or service's.
    ///
    /// Where several are in one text, the cause wins over its wrapper, and the key over network and login (R-DP-26).
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let plain = Plain::of(text);
        search::kind(&plain).map(|kind| extract::symptom(kind, &plain))
    }

    /// The name of the registry it names, in lower case, whether by id, login server or name.
    #[must_use]
    pub fn registry_name(&self) -> Option<&str> {
        // Names have no hyphens; a login server may have a hash behind one (R-ARM-20).
        self.registry.as_deref()?.rsplit('/').next()?.split(['.', '-']).next()
    }
}
