//! The literal stretches of each text, in the order in which kinds win over each other: the cause before its wrapper.

use super::SymptomKind::{self, *};

/// What is looked for in a text. Blanks and case do not count, except in a code.
#[derive(Debug)]
pub(super) enum Sign {
    /// A sentence of its own: texts are cut anywhere, so a piece of it will do.
    Piece(&'static str),
    /// Ordinary words or a token: only all of it will do.
    Whole(&'static str),
    /// A code that is made of words, standing by itself.
    Code(&'static str),
    /// All of these together.
    All(&'static [&'static str]),
    /// The second within 100 characters behind the first.
    Near(&'static str, &'static str),
}

/// Whose text it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// Nobody else writes this.
    Open,
    /// Other registries write it too: not ours if another one is named and none of ours.
    NoOther,
    /// Everybody writes it: ours only if a registry of ours is named.
    Named,
    /// Resource Manager writes it for all providers: not ours if it is about others only.
    Arm,
    /// Vaults write it for secrets and certificates too.
    Key,
}

use Gate::{Arm, Key, Named, NoOther, Open};
use Sign::{All, Code, Near, Piece, Whole};

type Row = (SymptomKind, Gate, &'static [Sign]);

pub(super) const TEXTS: &[Row] = &[
    // What the registry says of its key.
    (IdentityLost, Open, &[Piece("have access to identity '"), Piece("Try forcibly adding the identity")]),
    (
        IdentityInactive,
        Open,
        &[
            Piece("with the registry is inactive."),
            Piece("be due to attempted removal of the identity."),
            Piece("Reassign the identity manually"),
        ],
    ),
    (KeyForbidden, Open, &[Piece("Access to Key Encryption Key is forbidden.")]),
    (
        KeyAccessRefused,
        Open,
        &[Piece("Failed to access KeyId 'https://"), Piece("has 'Get, Wrap Key, Unwrap Key' permission on key")],
    ),
    (
        IdentityMissing,
        Open,
        &[Piece("identity used for registry '"), Piece("encryption doesn't exist."), Whole("CMK_ERROR")],
    ),
    (
        EncryptionIncomplete,
        Open,
        &[Piece("encryption key vault property specified"), Piece("Property Identity and KeyIdentifier must be set")],
    ),
    // What a vault says.
    (
        VaultFirewall,
        Open,
        &[
            Whole("ForbiddenByFirewall"),
            Whole("Client address is not authorized and caller"),
            Piece("caller is not a trusted service"),
        ],
    ),
    (VaultClosed, Open, &[Whole("ForbiddenByConnection"), Piece("not from a trusted service nor via an approved")]),
    (
        VaultRoleMissing,
        Key,
        &[
            Whole("ForbiddenByRbac"),
            Whole("Caller is not authorized to perform action on resource"),
            Piece("If role assignments, deny assignments or role definitions"),
            Whole("please observe propagation time"),
        ],
    ),
    (
        VaultPolicyMissing,
        Key,
        &[
            Near("does not have keys ", " permission on key vault"),
            Near("does not have keys ", "on key vault '"),
            Piece("The user, group or application 'appid="),
            Piece("Caller was not found on any access policy."),
        ],
    ),
    (KeyDisabled, Open, &[Whole("is not allowed on a disabled key"), Code("KeyDisabled")]),
    (
        KeyOutsideDates,
        Open,
        &[
            Whole("is not allowed on an expired key"),
            Whole("is not allowed on a key that is not yet valid"),
            Code("KeyNotYetValid"),
        ],
    ),
    (
        KeyDeleted,
        Key,
        &[
            Whole("ObjectIsDeletedButRecoverable"),
            Piece("in a deleted but recoverable state"),
            Piece("the key can only be recovered or purged."),
        ],
    ),
    (
        KeyMoving,
        Key,
        &[
            Whole("ObjectIsBeingDeleted"),
            Whole("ObjectIsBeingRecovered"),
            All(&["key", "is currently being deleted", "vault"]),
            All(&["key", "is currently being recovered", "vault"]),
        ],
    ),
    (KeyNotFound, Open, &[Piece("A key with (name/id) "), Whole("recently deleted this key you may be able")]),
    (VaultTokenRefused, Open, &[Piece("missing a Bearer or PoP token"), Whole("AKV10000"), Whole("AKV10032")]),
    // What Resource Manager says.
    (
        LinkedAuthorizationFailed,
        Arm,
        &[
            Whole("LinkedAuthorizationFailed"),
            Whole("it does not have permission to perform action '"),
            Piece("on the linked scope(s) '"),
        ],
    ),
    (ScopeLocked, Arm, &[Code("ScopeLocked"), Piece("because following scope(s) are locked: '")]),
    (
        PolicyDenied,
        Arm,
        &[Whole("RequestDisallowedByPolicy"), Whole("was disallowed by policy"), Piece("Policy identifiers: '[{")],
    ),
    (
        PrincipalUnknown,
        Arm,
        &[
            Code("PrincipalNotFound"),
            Near("Principal ", "does not exist in the directory"),
            Whole("that you have the correct principal ID"),
            Piece("set the role assignment principalType property"),
        ],
    ),
    (
        AssignmentFixed,
        Arm,
        &[
            Whole("RoleAssignmentUpdateNotPermitted"),
            Piece("Tenant ID, application ID, principal ID, and scope are not allowed to be updated."),
        ],
    ),
    (
        ProviderUnregistered,
        Arm,
        &[Whole("MissingSubscriptionRegistration"), Piece("The subscription is not registered to use namespace '")],
    ),
    (
        VaultNameTaken,
        Open,
        &[
            Whole("VaultAlreadyExists"),
            Whole("Vault names are globally unique"),
            Whole("the vault will need to be purged before reusing the name"),
        ],
    ),
    (
        VaultDeleted,
        Open,
        &[
            Whole("vault with the same name already exists in deleted"),
            Piece("either recover or purge existing key vault"),
        ],
    ),
    (
        VaultNotDeleted,
        Open,
        &[
            Whole("SoftDeletedVaultDoesNotExist"),
            Piece("A soft deleted vault with the given name does not exist."),
            Piece("for the vault that is being attempted to recover"),
        ],
    ),
    (
        PurgeProtectionKept,
        Open,
        &[Whole("enablePurgeProtection' cannot be set to false"), Piece("Enabling the purge protection for a vault")],
    ),
    (
        PurgeForbidden,
        Open,
        &[
            Whole("because purge protection is enabled for this vault"),
            Whole("Key Vault service will automatically purge it"),
            Piece("Operation 'DeletedVaultPurge' is not allowed."),
        ],
    ),
    (
        RegistryNameTaken,
        Open,
        &[Piece("The registry DNS name "), Near("The registry ", ".azurecr.io is already in use")],
    ),
    (
        EncryptionBlocksFeature,
        Open,
        &[Whole("BlockedForEncryptionEnabledRegistry"), Whole("when encryption is enable for the resource")],
    ),
    (SoftDeletePolicyKept, Open, &[Whole("values of soft delete policy for registry")]),
    (PremiumNeeded, Open, &[Whole("an ACR encryption can only be applied")]),
    (NotEncrypted, Open, &[Whole("key rotation is only applicable to registries")]),
    (KeyWithoutIdentity, Open, &[Piece("--identity and --key-encryption-key")]),
    (
        AuthorizationFailed,
        Arm,
        &[
            Code("AuthorizationFailed"),
            Whole("does not have authorization to perform action '"),
            Piece("or the scope is invalid. If access was recently granted"),
        ],
    ),
    (NetworkSettingsUnsaved, Open, &[Whole("Failed to save firewall and virtual network settings")]),
    // What the registry says of a client.
    (
        RegistryFirewall,
        NoOther,
        &[Near("client with IP '", "is not allowed access"), Whole("aka.ms/acr/firewall to grant")],
    ),
    (
        OperationDisallowed,
        NoOther,
        &[
            Piece("The operation is disallowed on this "),
            Near("operation is disallowed on this", "repository or image"),
        ],
    ),
    // Why a sign-in failed, whoever passes it on.
    (
        SignInSecretWrong,
        Open,
        &[
            Whole("AADSTS7000215"),
            Piece("the client secret value, not the client secret ID, for a secret added to app"),
        ],
    ),
    (SignInSecretExpired, Open, &[Whole("AADSTS7000222"), Piece("The provided client secret keys for app ")]),
    (
        SignInAppUnknown,
        Open,
        &[Whole("AADSTS700016"), Whole("has not been installed by the administrator of the tenant")],
    ),
    (
        SignInUserUnknown,
        Open,
        &[Whole("AADSTS50034"), Whole("sign into this application, the account must be added to")],
    ),
    (
        SignInTenantUnknown,
        Open,
        &[Whole("AADSTS90002"), Whole("you have the correct tenant ID and are signing into the correct cloud")],
    ),
    (
        SignInExpired,
        Open,
        &[
            Whole("AADSTS700082"),
            Whole("AADSTS50173"),
            Whole("AADSTS70043"),
            Whole("refresh token has expired due to inactivity"),
        ],
    ),
    (
        SignInBlocked,
        Open,
        &[
            Whole("AADSTS50076"),
            Whole("AADSTS50079"),
            Whole("AADSTS53003"),
            Whole("blocked by Conditional Access policies"),
            Whole("you must use multi-factor authentication to access"),
        ],
    ),
    (
        FederationMismatch,
        Open,
        &[
            Whole("AADSTS70021"),
            Whole("AADSTS700211"),
            Whole("AADSTS700212"),
            Whole("AADSTS700213"),
            Piece("No matching federated identity record found"),
        ],
    ),
    (ApplicationUnknown, Open, &[Whole("Application not registered with AAD")]),
    // What the way to the registry says.
    (
        DnsUnresolved,
        Open,
        &[
            Near("dial tcp: lookup", ".azurecr."),
            Near("Could not resolve host: ", ".azurecr."),
            Near("Failed to resolve '", ".azurecr."),
            Near(".azurecr.", ": no such host"),
            Piece("Failed to reach DNS for registry '"),
            Whole("CONNECTIVITY_DNS_ERROR"),
        ],
    ),
    (ProxyBroken, NoOther, &[Whole("proxyconnect tcp:")]),
    (
        TlsUntrusted,
        Named,
        &[
            Whole("x509:"),
            Whole("tls: failed to verify certificate"),
            Whole("remote error: tls:"),
            Whole("tls: first record does not look like a TLS handshake"),
            Whole("CERTIFICATE_VERIFY_FAILED"),
        ],
    ),
    (TlsUntrusted, Open, &[Whole("CONNECTIVITY_SSL_ERROR"), Whole("establish a secure connection to the registry")]),
    (
        ConnectionTimeout,
        NoOther,
        &[
            Whole("Client.Timeout exceeded while awaiting headers"),
            Whole("request canceled while waiting for connection"),
        ],
    ),
    (
        ConnectionTimeout,
        Named,
        &[Whole("i/o timeout"), Whole("TLS handshake timeout"), Whole("context deadline exceeded")],
    ),
    (HostUnreachable, NoOther, &[Whole("host is not reachable")]),
    (HostUnreachable, Named, &[Whole("no route to host"), Whole("connect: connection refused")]),
    (
        RegistryForbidden,
        Open,
        &[
            Whole("CONNECTIVITY_FORBIDDEN_ERROR"),
            Whole("you don't have access to registry '"),
            Piece("configured firewall rules, run 'az acr show"),
        ],
    ),
    (
        ChallengeMissing,
        Open,
        &[
            Whole("CONNECTIVITY_CHALLENGE_ERROR"),
            Whole("CONNECTIVITY_WWW_AUTHENTICATE_ERROR"),
            Whole("did not issue a challenge."),
            Piece("did not ask properly for a basic or a bearer authentication"),
        ],
    ),
    (AadLoginUnsupported, Open, &[Whole("CONNECTIVITY_AAD_LOGIN_ERROR"), Whole("does not support AAD login")]),
    (
        TooManyRequests,
        Open,
        &[Whole("CONNECTIVITY_TOOMANYREQUESTS_ERROR"), Piece("Too many requests, access to registry '")],
    ),
    (TooManyRequests, Named, &[Whole("toomanyrequests"), Whole("429 Too Many Requests")]),
    // A refusal of the exchange with 429 is throttling too.
    (TooManyRequests, Named, &[All(&["Access to registry '", "was denied. Response code: 429"])]),
    (RefreshTokenRefused, Open, &[Whole("CONNECTIVITY_REFRESH_TOKEN_ERROR")]),
    (
        AccessTokenRefused,
        Open,
        &[
            Whole("CONNECTIVITY_ACCESS_TOKEN_ERROR"),
            Near("permissions to the repository. You are lacking", "permissions"),
        ],
    ),
    (LoginServerUnknown, Open, &[Code("LOGIN_SERVER_ERROR"), Whole("while retrieving the login server for registry")]),
    (
        RefreshTokenRefused,
        Open,
        &[
            All(&["Access to registry '", "was denied. Response code:"]),
            Whole("Access to registry was denied. Response code:"),
        ],
    ),
    (LoginServerUnreachable, Open, &[Whole("connect to the registry login server")]),
    // What a login or its lack brings.
    (AnonymousToken, Named, &[Whole("failed to fetch anonymous token")]),
    (InsufficientScope, NoOther, &[Whole("insufficient_scope")]),
    (NoCredentials, NoOther, &[Whole("no basic auth credentials")]),
    (Unauthorized, NoOther, &[Whole("unauthorized: authentication required"), Whole("aka.ms/acr/authorization")]),
    (Unauthorized, Named, &[All(&["'code':'UNAUTHORIZED'", "authentication required"])]),
    (LoginForbidden, NoOther, &[Near("login attempt", "failed with status: 403")]),
    (
        AdminUserOff,
        Open,
        &[Whole("authenticate using AAD or admin login credentials"), Whole("get admin user credentials with message")],
    ),
    // This machine.
    (
        DockerSocketDenied,
        Open,
        &[
            Whole("denied while trying to connect to the Docker"),
            Near("permission denied", "docker.sock"),
            Near("docker.sock", "permission denied"),
        ],
    ),
    (
        DockerDaemonStopped,
        Open,
        &[
            Whole("DOCKER_DAEMON_ERROR"),
            Whole("Cannot connect to the Docker daemon"),
            Whole("Is the docker daemon running"),
            Whole("verify if Docker daemon is running, or"),
            Near("docker.sock: connect:", "no such file or directory"),
            Near("docker.sock: connect:", "connection refused"),
            Near("docker_engine", "The system cannot find the file specified"),
            Near("dockerDesktopLinuxEngine", "The system cannot find the file specified"),
        ],
    ),
    (DockerPullFailed, Open, &[Whole("DOCKER_PULL_ERROR"), Whole("while pulling a sample image")]),
    (DockerVersionUnknown, Open, &[Whole("DOCKER_VERSION_ERROR"), Whole("while retrieving Docker version")]),
    (
        DockerMissing,
        Open,
        &[
            Whole("DOCKER_COMMAND_ERROR"),
            Whole("verify if Docker client is installed"),
            Whole("docker: command not found"),
            Whole("command not found: docker"),
            Whole("docker: not found"),
            Whole("exec: 'docker': executable file not found"),
            Whole("'docker' is not recognized as"),
            Whole("The term 'docker' is not recognized"),
            Whole("No such file or directory: 'docker'"),
        ],
    ),
    (HelmVersionOld, Open, &[Whole("HELM_VERSION_ERROR"), Whole("while retrieving Helm version")]),
    (HelmMissing, Open, &[Whole("HELM_COMMAND_ERROR"), Whole("verify if Helm is installed")]),
    // Wrappers without a cause.
    (
        PullRefused,
        Named,
        &[
            All(&["failed to authorize:", "401 Unauthorized"]),
            All(&["failed to authorize:", "403 Forbidden"]),
            All(&["failed to pull and unpack image", "401 Unauthorized"]),
            All(&["failed to pull and unpack image", "403 Forbidden"]),
            All(&["Failed to pull image", "401"]),
            All(&["Failed to pull image", "403"]),
            All(&["ErrImagePull", "401"]),
            All(&["ErrImagePull", "403"]),
            All(&["ImagePullBackOff", "401"]),
            All(&["ImagePullBackOff", "403"]),
        ],
    ),
    (
        TerraformForbidden,
        Arm,
        &[
            All(&["unexpected status 403", "registry name:"]),
            All(&["unexpected status 403", "Microsoft.ContainerRegistry"]),
            All(&["unexpected status 403", "azurerm_container_registry"]),
            All(&["unexpected status 403", "azurerm_key_vault_key"]),
            All(&["unexpected status 403", "vault name:"]),
        ],
    ),
];
