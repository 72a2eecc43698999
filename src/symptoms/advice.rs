//! What to do about each kind.

use super::SymptomKind;

impl SymptomKind {
    /// The workflow that mends it, as a command; `None` where that depends on the cause, or no workflow can.
    #[must_use]
    pub fn mended_by(self) -> Option<&'static str> {
        Some(match self {
            Self::IdentityLost | Self::IdentityInactive | Self::IdentityMissing => "cmk reassign",
            Self::KeyForbidden | Self::KeyDeleted | Self::VaultDeleted => "cmk recover",
            Self::KeyAccessRefused | Self::VaultFirewall | Self::VaultClosed => "cmk bypass",
            Self::EncryptionIncomplete => "cmk repair",
            Self::KeyDisabled => "cmk restore",
            _ => return None,
        })
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::IdentityLost => {
                "the registry has lost hold of the identity that unwraps its key. Never take that identity off; assign it again, and \
                 rotate to another if you want it gone: `cmk reassign REGISTRY` (R-CMK-22). A system-assigned one only a support \
                 ticket brings back (R-CMK-23)"
            }
            Self::IdentityInactive => {
                "the identity was not renewed, most likely because somebody tried to take it off: `cmk reassign REGISTRY` assigns it \
                 again (R-CMK-21)"
            }
            Self::IdentityMissing => {
                "az's check knows only whether the identity exists: `cmk reassign REGISTRY` finds it, or says that it is gone (R-CMK-26)"
            }
            Self::KeyForbidden => {
                "the registry may not use its key. If key or vault was deleted: `cmk recover REGISTRY`; if a right or a version was \
                 taken away: `cmk restore`; if the vault's firewall was closed: `cmk bypass REGISTRY`; then `cmk repair REGISTRY` \
                 (R-CMK-27, R-CMK-28, R-CMK-40)"
            }
            Self::KeyAccessRefused => {
                "the text blames permissions whatever the cause is (R-ERR-01). See, in this order: is the identity attached to the \
                 registry (`cmk reassign`); does it hold the role or policy in the vault's own permission model; is the grant older \
                 than 15 minutes; does the vault's firewall let trusted services through (`cmk bypass`); is the key there, enabled \
                 and within its dates (`cmk recover`, `cmk restore`)"
            }
            Self::EncryptionIncomplete => {
                "somebody wrote the registry back without its key settings, as Azure Policy's modify does (R-CMK-30). Change single \
                 properties by PATCH; `cmk repair REGISTRY` shows that the key is as it was"
            }
            Self::VaultFirewall => {
                "allow the caller's address in the vault's firewall, or go by a private endpoint; a registry comes in as a trusted \
                 service: `cmk bypass REGISTRY` (R-ERR-28a, R-CMK-38)"
            }
            Self::VaultClosed => {
                "go by a private endpoint; a registry comes in as a trusted service: `cmk bypass REGISTRY` (R-ERR-28b, R-CMK-38)"
            }
            Self::VaultRoleMissing => {
                "give the caller a role for the action named above, on the vault or the key: owning the vault is not enough; a grant \
                 takes up to ten minutes to work (R-KV-34, R-RBAC-01)"
            }
            Self::VaultPolicyMissing => {
                "add the permission to the vault's access policy for the principal named above, by its object id (R-ERR-28d, R-CMK-08)"
            }
            Self::KeyDisabled => "enable the version again: `cmk restore` (R-ERR-28f)",
            Self::KeyOutsideDates => "give the version dates that hold today, or rotate to another version (R-ERR-28g)",
            Self::KeyDeleted => "recover the key, `cmk recover REGISTRY`, or take another name (R-ERR-25, R-KV-12)",
            Self::KeyMoving => "wait: deletion and recovery take up to some minutes (R-ERR-26, R-KV-13)",
            Self::KeyNotFound => {
                "see whether the key is among the vault's deleted keys, and recover it then (R-ERR-27, R-KV-12)"
            }
            Self::VaultTokenRefused => {
                "sign in to the vault's tenant again: `az login --tenant TENANT` (R-ERR-28j, R-KV-41)"
            }
            Self::LinkedAuthorizationFailed => {
                "the caller needs the role Managed Identity Operator on the identity, besides its rights on the registry (R-CMK-25)"
            }
            Self::ScopeLocked => "a lock stands in the way; it is not taken off for you (R-ARM-31)",
            Self::PolicyDenied => "a policy denies it; its ids are named above (R-ARM-32)",
            Self::PrincipalUnknown => {
                "wait a few minutes if the identity was just made, and name its principal type (R-ERR-33, R-RBAC-02)"
            }
            Self::AssignmentFixed => {
                "the assignment of this name is another identity's: take another name, or remove it if that identity is gone \
                 (R-ERR-34, R-RBAC-03)"
            }
            Self::ProviderUnregistered => {
                "register the provider: `az provider register --namespace NAMESPACE` (R-ERR-38, R-ARM-30)"
            }
            Self::AuthorizationFailed => "the caller lacks the right named above at that scope (R-ERR-30)",
            Self::VaultNameTaken => {
                "take another name, or recover the vault if it was yours and is deleted (R-ERR-21, R-KV-06)"
            }
            Self::VaultDeleted => "recover the vault, `cmk recover REGISTRY`, or take another name (R-ERR-20, R-KV-06)",
            Self::VaultNotDeleted => {
                "there is nothing to recover: make the vault, or see whether it is there (R-ERR-22, R-KV-06)"
            }
            Self::PurgeProtectionKept => {
                "leave the property out, or send true: purge protection is for ever (R-ERR-24)"
            }
            Self::PurgeForbidden => {
                "wait until the retention period is over, or take another name (R-ERR-24b, R-ERR-28h)"
            }
            Self::RegistryNameTaken => "take another name: registries' names are unique in the whole cloud (R-ERR-37)",
            Self::EncryptionBlocksFeature => "leave content trust off and sign with Notation instead (R-ERR-07)",
            Self::SoftDeletePolicyKept => "use a newer api-version, or change single properties by PATCH (R-ERR-09)",
            Self::PremiumNeeded => "make the registry Premium first (R-ERR-08)",
            Self::NotEncrypted => {
                "a customer-managed key is given at creation only: `cmk create` makes a registry with one (R-ERR-08)"
            }
            Self::KeyWithoutIdentity => "give both, the identity and the key, or neither (R-ERR-08)",
            Self::OperationDisallowed => {
                "see whether the repository or image is locked (`az acr repository show`) or in quarantine; it is not the key (R-DP-26)"
            }
            Self::NetworkSettingsUnsaved => {
                "see the caller's rights on registry and subnet, whether Microsoft.ContainerRegistry is registered in the subnet's \
                 subscription too, and policies (R-DP-25, R-ARM-30)"
            }
            Self::TerraformForbidden => "run with TF_LOG=DEBUG and read the code in the answer's body (R-ERR-30)",
            Self::RegistryFirewall => {
                "allow the address named: `az acr network-rule add -n REGISTRY --ip-address IP`; it takes some minutes (R-DP-20)"
            }
            Self::RegistryForbidden => {
                "see the registry's network rules and whether its public access is on: `az acr show -n REGISTRY` (R-DP-11, R-DP-21)"
            }
            Self::DnsUnresolved => {
                "see the name's spelling, the cloud (`az cloud show`), and with a private endpoint the records in \
                 privatelink.azurecr.io (R-DP-23, R-DP-25)"
            }
            Self::ProxyBroken => {
                "set the proxy for docker's client and its daemon, and start the daemon again (R-DP-25)"
            }
            Self::TlsUntrusted => {
                "let the proxy pass the registry's hosts unopened, or trust its certificate (R-DP-11)"
            }
            Self::ConnectionTimeout => {
                "let login server and data host pass the client's firewall and proxy; with public access off go by a private endpoint \
                 (R-DP-25, R-DP-23)"
            }
            Self::HostUnreachable => "see the private endpoint, its records and the routes to it (R-DP-25, R-DP-23)",
            Self::ChallengeMissing => {
                "see whether a proxy answers in the registry's place, and try again (R-DP-11, R-DP-01)"
            }
            Self::LoginServerUnknown => {
                "see the name's spelling, the cloud, and whether the caller may read the registry (R-DP-11)"
            }
            Self::LoginServerUnreachable => "see name, DNS and cloud, then the firewalls on the way (R-DP-25)",
            Self::LoginForbidden => {
                "see the registry's network rules, then the proxy: 403 at login is the network's, not the password's (R-DP-20, R-DP-25)"
            }
            Self::TooManyRequests => "wait as long as Retry-After says; fewer calls at once, or a higher SKU (R-DP-09)",
            Self::SignInSecretWrong => "give the secret's value, not its id; make a new one if it is lost (R-DP-25)",
            Self::SignInSecretExpired => "make a new secret: `az ad sp credential reset --id APP` (R-DP-25)",
            Self::SignInAppUnknown | Self::ApplicationUnknown => {
                "see the application's id, and sign in to the tenant that the registry's subscription is of (R-DP-25)"
            }
            Self::SignInUserUnknown => "sign in to the tenant that the registry's subscription is of (R-DP-25)",
            Self::SignInTenantUnknown => "see the tenant's id and the cloud: `az cloud show` (R-DP-25)",
            Self::SignInExpired => "sign in again: `az login` (R-DP-04, R-DP-25)",
            Self::SignInBlocked => {
                "sign in where a person can answer, or as a service principal or managed identity (R-DP-25)"
            }
            Self::FederationMismatch => {
                "make issuer, subject and audience of the federated credential those of the token (R-DP-25)"
            }
            Self::AadLoginUnsupported => "see the registry's policy on the tokens' audience (R-DP-11, R-DP-06)",
            Self::RefreshTokenRefused => {
                "with 403 see the registry's network rules first, then the caller's role; with 401 sign in again to the right tenant \
                 (R-DP-11, R-DP-02)"
            }
            Self::AccessTokenRefused | Self::InsufficientScope => {
                "give the caller AcrPull or AcrPush; where the registry goes by repository roles, Container Registry Repository Reader \
                 or Writer (R-DP-08)"
            }
            Self::AnonymousToken => {
                "give the kubelet's identity its role on the registry (`az aks update --attach-acr REGISTRY`), or name a pull secret \
                 (R-DP-03, R-DP-08)"
            }
            Self::NoCredentials => "log in first: `az acr login -n REGISTRY` (R-DP-25)",
            Self::Unauthorized => {
                "log in again (a login lasts three hours), write the login server in lower case, and see the caller's role \
                 (R-DP-04, R-DP-08, R-DP-25)"
            }
            Self::AdminUserOff => {
                "leave the admin user off; see why the login by Entra failed: network rules or role (R-DP-07, R-DP-25)"
            }
            Self::PullRefused => {
                "the reason is in the registry's answer: try the pull with docker from the same network to see it (R-DP-26)"
            }
            Self::DockerDaemonStopped => "start docker, or log in without it: `az acr login --expose-token` (R-DP-11)",
            Self::DockerSocketDenied => "let this user use the socket (group docker), or run as one who may (R-DP-11)",
            Self::DockerMissing => "install docker, or log in without it: `az acr login --expose-token` (R-DP-11)",
            Self::DockerVersionUnknown => "see that `docker version` answers (R-DP-11)",
            Self::DockerPullFailed => "see the way to mcr.microsoft.com, and that the docker daemon runs (R-DP-11)",
            Self::HelmMissing => "install helm if you need it: nothing here does (R-DP-11)",
            Self::HelmVersionOld => "install a newer helm if you need it: nothing here does (R-DP-11)",
        }
    }
}
