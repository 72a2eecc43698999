//! The kinds of texts that are known: name, area, meaning, and what a diagnosis looks for first.

use super::Area;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One line a kind; the meaning is its documentation and its text.
macro_rules! kinds {
    ($($area:ident { $($kind:ident $name:literal $codes:tt $meaning:literal $($more:literal)*;)* })*) => {
        /// The texts that are known.
        ///
        /// Its name ([`name`](Self::name), also as serde writes it) is stable; its text is what it means, in a line.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        #[non_exhaustive]
        pub enum SymptomKind {
            $($(#[doc = concat!($meaning, $($more,)* ".")] $kind,)*)*
        }

        impl SymptomKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$($(Self::$kind,)*)*];

            /// Its stable name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $($(Self::$kind => $name,)*)*
                }
            }
            /// What it is about.
            #[must_use]
            pub fn area(self) -> Area {
                match self {
                    $($(Self::$kind => Area::$area,)*)*
                }
            }
            /// The findings to look for, the likeliest first; [`FINDINGS`](super::FINDINGS) says what each means.
            #[must_use]
            pub fn codes(self) -> &'static [&'static str] {
                match self {
                    $($(Self::$kind => &$codes,)*)*
                }
            }
        }

        impl fmt::Display for SymptomKind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self {
                    $($(Self::$kind => $meaning,)*)*
                })
            }
        }
    };
}

// The rule stands behind the meaning, for the documentation only.
kinds! {
    KeyAccess {
        IdentityLost "identity-lost"
            ["identity-not-attached", "identity-deleted", "identity-recreated", "identity-guid-is-principal", "system-identity-off", "identity-inactive"]
            "the registry does not have access to its identity" " (R-ERR-03)";
        IdentityInactive "identity-inactive"
            ["identity-inactive", "identity-not-attached", "identity-deleted", "identity-recreated", "identity-guid-is-principal", "system-identity-off"]
            "the registry's identity is inactive" " (R-ERR-04)";
        KeyForbidden "key-forbidden"
            ["key-disabled", "key-deleted", "vault-deleted", "grant-missing", "grant-in-other-model", "grant-incomplete", "vault-firewall", "vault-absent", "vault-perimeter", "vault-public-access-off", "vault-other-tenant", "key-absent", "key-version-absent", "key-expired", "key-not-yet-valid", "key-type", "key-operations", "identity-not-attached", "identity-deleted", "identity-recreated", "identity-guid-is-principal", "system-identity-off"]
            "access to the registry's key is forbidden" " (R-ERR-02)";
        KeyAccessRefused "key-access-refused"
            ["identity-not-attached", "identity-deleted", "identity-recreated", "identity-guid-is-principal", "system-identity-off", "grant-missing", "grant-in-other-model", "grant-incomplete", "grant-young", "vault-firewall", "vault-deleted", "vault-absent", "vault-perimeter", "vault-public-access-off", "vault-other-tenant", "key-disabled", "key-deleted", "key-absent", "key-version-absent", "key-expired", "key-not-yet-valid", "key-type", "key-operations"]
            "the registry was refused its key" " (R-ERR-01)";
        IdentityMissing "identity-missing"
            ["identity-deleted", "identity-recreated", "identity-guid-is-principal", "system-identity-off", "identity-not-attached"]
            "the identity used for encryption does not exist" " (R-ERR-05)";
        EncryptionIncomplete "encryption-incomplete" ["policy-modifies"]
            "the encryption was written without its key" " (R-ERR-06)";
        VaultFirewall "vault-firewall" ["vault-firewall", "vault-public-access-off"]
            "the vault's firewall does not let the caller's address in" " (R-ERR-28a)";
        VaultClosed "vault-closed" ["vault-public-access-off", "vault-firewall"]
            "the vault lets in private endpoints and trusted services only" " (R-ERR-28b)";
        VaultRoleMissing "vault-role-missing" ["grant-missing", "grant-young", "identity-recreated"]
            "the caller has no role for this on the vault" " (R-ERR-28c)";
        VaultPolicyMissing "vault-policy-missing" ["grant-missing", "identity-recreated", "grant-in-other-model"]
            "the caller's access policy on the vault does not allow this" " (R-ERR-28d, R-ERR-28e)";
        KeyDisabled "key-disabled" ["key-disabled"]
            "the key version is disabled" " (R-ERR-28f)";
        KeyOutsideDates "key-outside-dates" ["key-expired", "key-not-yet-valid"]
            "the key version is used outside of its dates" " (R-ERR-28g; the texts are assumed)";
        KeyDeleted "key-deleted" ["key-deleted"]
            "the key is deleted, and its name is kept for it" " (R-ERR-25)";
        KeyMoving "key-moving" ["key-moving"]
            "the key is just being deleted or recovered" " (R-ERR-26)";
        KeyNotFound "key-not-found" ["key-deleted", "key-absent", "key-moving"]
            "the key is not in the vault" " (R-ERR-27)";
        VaultTokenRefused "vault-token-refused" ["wrong-tenant", "docker-login-expired"]
            "the vault does not take the caller's token" " (R-ERR-28j)";
    }
    Governance {
        LinkedAuthorizationFailed "linked-authorization-failed" ["linked-role-missing", "identity-deleted"]
            "the caller may write the resource, but not use one that it refers to" " (R-ERR-31)";
        ScopeLocked "scope-locked" ["lock"]
            "a lock stands in the way" " (R-ERR-35)";
        PolicyDenied "policy-denied" ["policy-denied"]
            "a policy denies it" " (R-ERR-39)";
        PrincipalUnknown "principal-unknown" ["principal-young", "identity-deleted", "wrong-tenant"]
            "the directory does not know the principal that is to be granted a role" " (R-ERR-33)";
        AssignmentFixed "assignment-fixed" ["assignment-stale"]
            "a role assignment of this name is somebody else's" " (R-ERR-34)";
        ProviderUnregistered "provider-unregistered" ["provider-not-registered-there"]
            "the subscription has not registered the resource provider" " (R-ERR-38)";
        AuthorizationFailed "authorization-failed" ["caller-role-missing"]
            "the caller lacks a right at a scope" " (R-ERR-30)";
        VaultNameTaken "vault-name-taken" ["vault-name-taken", "vault-deleted"]
            "the vault's name is in use, perhaps by a deleted vault" " (R-ERR-21)";
        VaultDeleted "vault-deleted" ["vault-deleted"]
            "a deleted vault holds the name" " (R-ERR-20)";
        VaultNotDeleted "vault-not-deleted" ["vault-absent"]
            "there is no deleted vault of this name" " (R-ERR-22)";
        PurgeProtectionKept "purge-protection-kept" []
            "purge protection cannot be taken back" " (R-ERR-24)";
        PurgeForbidden "purge-forbidden" []
            "purging is not allowed where purge protection is on" " (R-ERR-24b, R-ERR-28h)";
        RegistryNameTaken "registry-name-taken" ["registry-name-taken"]
            "the registry's name is in use" " (R-ERR-37)";
        EncryptionBlocksFeature "encryption-blocks-feature" ["content-trust-wanted"]
            "the feature cannot be had on a registry with a customer-managed key" " (R-ERR-07)";
        SoftDeletePolicyKept "soft-delete-policy-kept" ["soft-delete-policy-set"]
            "the api-version used does not know the registry's soft delete policy" " (R-ERR-09)";
        PremiumNeeded "premium-needed" ["sku-not-premium"]
            "a customer-managed key needs the Premium SKU" " (R-ERR-08)";
        NotEncrypted "not-encrypted" ["no-cmk"]
            "the registry has no customer-managed key to rotate" " (R-ERR-08)";
        KeyWithoutIdentity "key-without-identity" []
            "identity and key must be given together" " (R-ERR-08)";
        OperationDisallowed "operation-disallowed" ["repository-locked", "image-quarantined"]
            "the operation is disallowed on this registry, repository or image" " (R-DP-26)";
        NetworkSettingsUnsaved "network-settings-unsaved"
            ["caller-role-missing", "provider-not-registered-there", "policy-denied", "lock"]
            "the registry's network settings could not be saved" " (R-DP-25)";
        TerraformForbidden "terraform-forbidden" ["caller-role-missing", "policy-denied", "vault-firewall", "grant-missing"]
            "Azure answered Terraform with 403 and gave no reason" " (R-ERR-30)";
    }
    Network {
        RegistryFirewall "registry-firewall" ["registry-firewall"]
            "the registry's firewall does not let the client's address in" " (R-DP-20)";
        RegistryForbidden "registry-forbidden" ["registry-firewall", "registry-public-access-off"]
            "the registry answers 403 before any login, as its network rules do" " (R-DP-11)";
        DnsUnresolved "dns-unresolved" ["dns-unresolved", "private-dns-record-missing", "registry-absent", "wrong-cloud"]
            "the login server's name does not resolve" " (R-DP-25)";
        ProxyBroken "proxy-broken" ["proxy-suspect"]
            "the HTTPS proxy closed the connection" " (R-DP-25)";
        TlsUntrusted "tls-untrusted" ["tls-failed", "private-dns-record-missing"]
            "no trusted TLS connection to the registry" " (R-DP-11)";
        ConnectionTimeout "connection-timeout"
            ["registry-unreachable", "proxy-suspect", "private-dns-record-missing", "registry-public-access-off"]
            "the registry does not answer in time" " (R-DP-25)";
        HostUnreachable "host-unreachable" ["private-dns-not-linked", "private-dns-record-missing", "registry-unreachable"]
            "the registry's host cannot be reached" " (R-DP-25)";
        ChallengeMissing "challenge-missing" ["proxy-suspect", "registry-unreachable"]
            "the registry's answer asked for no login that can be used" " (R-DP-11)";
        LoginServerUnknown "login-server-unknown" ["registry-absent", "wrong-cloud", "caller-role-missing"]
            "the registry's login server was not found" " (R-DP-11)";
        LoginServerUnreachable "login-server-unreachable" ["dns-unresolved", "registry-absent", "wrong-cloud", "registry-unreachable"]
            "az cannot connect to the registry's login server" " (R-DP-25)";
        LoginForbidden "login-forbidden" ["registry-firewall", "registry-public-access-off", "proxy-suspect"]
            "the login was answered with 403" " (R-DP-25)";
        TooManyRequests "too-many-requests" ["throttled"]
            "the registry has been asked too often" " (R-DP-09)";
    }
    Login {
        SignInSecretWrong "sign-in-secret-wrong" ["secret-wrong"]
            "the service principal's secret is wrong" " (AADSTS7000215)";
        SignInSecretExpired "sign-in-secret-expired" ["secret-expired"]
            "the service principal's secret has expired" " (AADSTS7000222)";
        SignInAppUnknown "sign-in-app-unknown" ["login-app-unknown", "wrong-tenant"]
            "the tenant does not know the application" " (AADSTS700016)";
        SignInUserUnknown "sign-in-user-unknown" ["wrong-tenant"]
            "the tenant does not know the user" " (AADSTS50034)";
        SignInTenantUnknown "sign-in-tenant-unknown" ["wrong-tenant", "wrong-cloud"]
            "the tenant is not found in this cloud" " (AADSTS90002)";
        SignInExpired "sign-in-expired" ["docker-login-expired"]
            "the sign-in has expired" " (AADSTS50173, AADSTS70043, AADSTS700082)";
        SignInBlocked "sign-in-blocked" ["conditional-access"]
            "the directory wants more of the sign-in, or blocks it" " (AADSTS50076, AADSTS50079, AADSTS53003)";
        FederationMismatch "federation-mismatch" ["federation-mismatch"]
            "no federated credential matches the token" " (AADSTS70021, AADSTS700211 to AADSTS700213)";
        ApplicationUnknown "application-unknown" ["login-app-unknown", "wrong-tenant"]
            "the registry's tenant does not know the application" " (R-DP-25)";
        AadLoginUnsupported "aad-login-unsupported" ["aad-login-off"]
            "the registry does not take logins by Microsoft Entra" " (R-DP-11)";
        RefreshTokenRefused "refresh-token-refused" ["registry-firewall", "registry-role-missing", "docker-login-expired", "wrong-tenant"]
            "the registry did not exchange the Entra token for one of its own" " (R-DP-11)";
        AccessTokenRefused "access-token-refused" ["registry-role-missing", "condition-excludes-repository"]
            "the registry gave no access token for what was asked" " (R-DP-11)";
        InsufficientScope "insufficient-scope" ["registry-role-missing", "condition-excludes-repository"]
            "the token does not cover the repository or the action" " (R-DP-26)";
        AnonymousToken "anonymous-token" ["registry-role-missing", "login-refused", "registry-firewall"]
            "the image was asked for without a login, and the registry wants one" " (R-DP-03)";
        NoCredentials "no-credentials" ["login-refused", "docker-login-expired"]
            "docker has no credentials for the registry" " (R-DP-25)";
        Unauthorized "unauthorized" ["registry-role-missing", "condition-excludes-repository", "docker-login-expired", "registry-name-case"]
            "the registry wants a login, or another one" " (R-DP-25)";
        AdminUserOff "admin-user-off" ["registry-role-missing", "registry-firewall", "admin-user-off"]
            "neither Entra nor the admin user got a login" " (R-DP-07)";
        PullRefused "pull-refused" ["registry-role-missing", "registry-firewall", "key-disabled", "grant-missing", "login-refused"]
            "the pull was answered with 401 or 403 and no reason" " (R-DP-26)";
    }
    Local {
        DockerDaemonStopped "docker-daemon-stopped" ["docker-daemon-stopped"]
            "the docker daemon does not run here" " (R-DP-11)";
        DockerSocketDenied "docker-socket-denied" ["docker-socket-denied"]
            "the docker daemon's socket may not be used by this user" " (R-DP-11)";
        DockerMissing "docker-missing" ["docker-absent", "docker-daemon-stopped"]
            "docker is not found here" " (R-DP-11)";
        DockerVersionUnknown "docker-version-unknown" ["docker-absent"]
            "docker's version could not be read" " (R-DP-11)";
        DockerPullFailed "docker-pull-failed" ["registry-unreachable", "docker-daemon-stopped"]
            "a public sample image could not be pulled" " (R-DP-11)";
        HelmMissing "helm-missing" ["helm-missing"]
            "helm is not found here" " (R-DP-11)";
        HelmVersionOld "helm-version-old" ["helm-version-old"]
            "helm's version is too old or could not be read" " (R-DP-11)";
    }
}
