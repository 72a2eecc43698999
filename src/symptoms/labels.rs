//! Symptoms that come without a text.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A name that is none of a [`SymptomName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{shown}' is no symptom that is known (R-DP-25): give one of {known}")]
pub struct UnknownSymptom {
    shown: String,
    known: String,
}

macro_rules! names {
    ($($(#[$rule:meta])* $symptom:ident $name:literal $codes:tt $description:literal;)*) => {
        /// What somebody sees who has no error text: `cmk diagnose --symptom NAME`.
        ///
        /// ```
        /// use cmk::symptom::SymptomName;
        ///
        /// let seen: SymptomName = "tasks-fail".parse()?;
        /// assert_eq!(seen.codes().first(), Some(&"tasks-cut"));
        /// # Ok::<(), cmk::Error>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        #[non_exhaustive]
        pub enum SymptomName {
            $($(#[$rule])* $symptom,)*
        }

        impl SymptomName {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$symptom,)*];

            /// Its stable name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$symptom => $name,)*
                }
            }
            /// What is seen, and what is known of it.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self {
                    $(Self::$symptom => $description,)*
                }
            }
            /// The findings to look for, the likeliest first; [`FINDINGS`](super::FINDINGS) says what each means.
            #[must_use]
            pub fn codes(self) -> &'static [&'static str] {
                match self {
                    $(Self::$symptom => &$codes,)*
                }
            }
        }
    };
}

names! {
    /// Defender for Cloud does not scan the images (R-DP-22).
    DefenderDoesNotScan "defender-does-not-scan"
        ["trusted-services-cut", "registry-public-access-off", "registry-firewall"]
        "Defender for Cloud scans no images, or shows no results: it reaches a closed registry as a trusted service only (R-DP-22)";
    /// Tasks cannot push or pull (R-DP-22).
    TasksFail "tasks-fail"
        ["tasks-cut", "trusted-services-cut", "registry-firewall", "registry-public-access-off", "condition-excludes-repository"]
        "ACR tasks cannot push or pull: on a closed registry they need a bypass of their own since June 2025, and with repository \
         roles no longer have access by default (R-DP-22, R-DP-08)";
    /// The portal or az shows no settings or repositories (R-DP-25).
    PortalShowsNothing "portal-shows-nothing"
        ["portal-grant-young", "caller-may-not-read", "caller-role-missing", "condition-excludes-repository", "registry-firewall", "registry-public-access-off"]
        "the portal or az shows no settings or no repositories: a role is missing, or the browser's address is not let in \
         (R-DP-08, R-DP-25)";
    /// An identity cannot be taken off or deleted (R-CMK-20).
    IdentityCannotBeRemoved "identity-cannot-be-removed"
        ["identity-at-risk", "identity-not-attached", "identity-inactive", "lock"]
        "an identity cannot be taken off the registry: it unwraps the key; rotate to another one first (R-CMK-20, R-CMK-22)";
    /// A cluster cannot pull (R-DP-21).
    PullFailsFromAks "pull-fails-from-aks"
        ["registry-role-missing", "condition-excludes-repository", "registry-firewall", "registry-public-access-off", "private-dns-record-missing", "registry-unreachable", "key-disabled", "grant-missing"]
        "a cluster cannot pull: the kubelet's identity has no role, or the cluster's way to the registry is closed (R-DP-08, R-DP-23)";
    /// App Service cannot pull (R-DP-22).
    PullFailsFromAppService "pull-fails-from-app-service"
        ["consumers-cut", "registry-firewall", "registry-public-access-off", "registry-role-missing", "private-dns-record-missing"]
        "App Service cannot pull: it is no trusted service, so a closed registry is reached through its network only (R-DP-22)";
    /// Container Instances cannot pull (R-DP-22).
    PullFailsFromContainerInstances "pull-fails-from-container-instances"
        ["trusted-services-cut", "login-refused", "registry-role-missing", "registry-firewall", "registry-public-access-off"]
        "Container Instances cannot pull: into a closed registry they come as a trusted service, with a managed identity (R-DP-22)";
    /// New key versions are not taken over (R-CMK-11).
    AutoRotationDoesNotHappen "auto-rotation-does-not-happen"
        ["key-pinned", "key-behind", "key-old", "vault-firewall", "vault-public-access-off", "grant-missing", "key-disabled"]
        "a new key version is not taken over: the key id has a version, or the vault's firewall was closed later \
         (R-CMK-11, R-CMK-12, R-CMK-40)";
    /// Images cannot be imported (R-DP-27).
    ImportFails "import-fails"
        ["vault-firewall", "vault-public-access-off", "key-disabled", "grant-missing", "source-registry-closed", "trusted-services-cut", "caller-role-missing"]
        "images cannot be imported: it is among the first to fail when the vault's firewall was closed (R-DP-27, R-CMK-40)";
    /// The login works, and pulls fail (R-DP-23, R-DP-26).
    LoginWorksButPullFails "login-works-but-pull-fails"
        ["key-disabled", "key-deleted", "vault-deleted", "grant-missing", "vault-firewall", "identity-inactive", "data-endpoint-unresolved", "registry-role-missing", "condition-excludes-repository", "repository-locked"]
        "the login works and pulls fail: the key cannot be used, the data host is not reached, or a role is missing \
         (R-DP-23, R-DP-26)";
    /// Nothing can be read since a vault or key was deleted (R-CMK-28).
    ContentUnreadable "content-unreadable"
        ["vault-deleted", "key-deleted", "key-disabled", "grant-missing", "identity-deleted", "vault-firewall"]
        "nothing in the registry can be read: vault or key were deleted or the key's use was taken away (R-CMK-27, R-CMK-28)";
    /// Network rules can be neither added nor changed (R-DP-25).
    NetworkRulesCannotBeChanged "network-rules-cannot-be-changed"
        ["caller-role-missing", "linked-role-missing", "sku-not-premium", "provider-not-registered-there", "policy-denied", "lock"]
        "network rules can be neither added nor changed: rights, the SKU, a provider or a policy (R-DP-20, R-DP-25)";
}

impl fmt::Display for SymptomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for SymptomName {
    type Err = UnknownSymptom;

    fn from_str(text: &str) -> Result<Self, UnknownSymptom> {
        let known = || Self::ALL.iter().map(|s| s.name()).collect::<Vec<_>>().join(", ");
        Self::ALL.iter().copied().find(|s| s.name().eq_ignore_ascii_case(text.trim())).ok_or_else(|| {
            let shown: String = text.chars().take(60).collect();
            UnknownSymptom { shown: shown.escape_debug().to_string(), known: known() }
        })
    }
}
