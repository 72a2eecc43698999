//! Real messages of every kind, with what varies in braces.

use cmk::symptom::SymptomKind::{self, *};

pub(crate) const GUID: &str = "01234567-89ab-4cde-8f01-23456789abcd";

/// What stands in the place of the braces.
#[derive(Clone, Debug)]
pub(crate) struct Fill {
    pub(crate) reg: String,
    pub(crate) group: String,
    pub(crate) vault: String,
    pub(crate) guid: String,
    pub(crate) ip: String,
    pub(crate) repo: String,
}

impl Default for Fill {
    fn default() -> Self {
        Self {
            reg: "contoso1".into(),
            group: "shop".into(),
            vault: "kv-contoso1".into(),
            guid: GUID.into(),
            ip: "203.0.113.7".into(),
            repo: "samples/app".into(),
        }
    }
}

impl Fill {
    pub(crate) fn fill(&self, text: &str) -> String {
        let key = format!("https://{}.vault.azure.net/keys/acr-cmk/0123456789abcdef0123456789abcdef", self.vault);
        let sub = format!("/subscriptions/{}/resourceGroups/{}/providers", self.guid, self.group);
        let id = format!("{sub}/Microsoft.ContainerRegistry/registries/{}", self.reg);
        [
            ("{key}", key.as_str()),
            ("{id}", &id),
            ("{sub}", &sub),
            ("{reg}", &self.reg),
            ("{vault}", &self.vault),
            ("{guid}", &self.guid),
            ("{ip}", &self.ip),
            ("{repo}", &self.repo),
        ]
        .iter()
        .fold(text.to_owned(), |text, (mark, value)| text.replace(mark, value))
    }
}

pub(crate) fn texts() -> Vec<(SymptomKind, String)> {
    TEXTS.iter().map(|(kind, text)| (*kind, Fill::default().fill(text))).collect()
}

pub(crate) const TEXTS: &[(SymptomKind, &str)] = &[
    (
        IdentityLost,
        "Azure resource '{id}' does not have access to identity '{guid}' Try forcibly adding the identity to the registry {reg}. For more information on bring your own key, please visit 'https://aka.ms/acr/cmk'.",
    ),
    (
        IdentityLost,
        "Resource '{id}' does not have access to identity '{guid}' Try forcibly adding the identity to the registry {reg}.",
    ),
    (
        IdentityInactive,
        "The identity associated with the registry is inactive. This could be due to attempted removal of the identity. Reassign the identity manually",
    ),
    (KeyForbidden, "Access to Key Encryption Key is forbidden. View troubleshooting steps at https://aka.ms/acr/cmk"),
    (
        KeyAccessRefused,
        "Failed to access KeyId '{key}'. Verify that identity '{guid}' has 'Get, Wrap Key, Unwrap Key' permission on key '{key}'. For more information on bring your own key, please visit 'https://aka.ms/acr/cmk'.",
    ),
    (IdentityMissing, "The identity used for registry '{reg}' encryption doesn't exist."),
    (
        IdentityMissing,
        "2026-10-12 08:00:00.123456 An error occurred: CMK_ERROR\nThe identity used for registry '{reg}' encryption doesn't exist.\n\nPlease refer to https://aka.ms/acr/errors#cmk_error for more information.",
    ),
    (
        EncryptionIncomplete,
        "Invalid encryption key vault property specified for registry {reg}. Property Identity and KeyIdentifier must be set when encryption is enabled. For more information on bring your own key, please visit 'https://aka.ms/acr/cmk'.",
    ),
    (
        VaultFirewall,
        "(Forbidden) Client address is not authorized and caller is not a trusted service.\r\nClient address: {ip}\r\nCaller: appid={guid};oid={guid};iss=https://sts.windows.net/{guid}/\r\nVault: {vault};location=westeurope\nCode: Forbidden\nMessage: Client address is not authorized and caller is not a trusted service.\r\nClient address: {ip}\r\nCaller: appid={guid};oid={guid};iss=https://sts.windows.net/{guid}/\r\nVault: {vault};location=westeurope\nInner error: {\n    \"code\": \"ForbiddenByFirewall\"\n}",
    ),
    (
        VaultClosed,
        "Public network access is disabled and request is not from a trusted service nor via an approved private link.\r\nCaller: appid={guid};oid={guid};iss=https://sts.windows.net/{guid}/\r\nVault: {vault};location=westeurope",
    ),
    (
        VaultRoleMissing,
        "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nCaller: appid={guid};oid={guid};iss=https://sts.windows.net/{guid}/\r\nAction: 'Microsoft.KeyVault/vaults/keys/read'\r\nResource: '{sub}/microsoft.keyvault/vaults/{vault}/keys/acr-cmk'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: null \r\nVault: {vault};location=westeurope\r\n",
    ),
    (
        VaultPolicyMissing,
        "The user, group or application 'appid={guid};oid={guid};iss=https://sts.windows.net/{guid}/' does not have keys wrapKey permission on key vault '{vault};location=westeurope'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287",
    ),
    (VaultPolicyMissing, "Access denied. Caller was not found on any access policy."),
    (
        KeyDisabled,
        "{\"error\":{\"code\":\"Forbidden\",\"message\":\"Operation wrapKey is not allowed on a disabled key.\",\"innererror\":{\"code\":\"KeyDisabled\"}}}",
    ),
    (KeyOutsideDates, "Operation wrapKey is not allowed on an expired key."),
    (KeyOutsideDates, "Operation wrapKey is not allowed on a key that is not yet valid."),
    (
        KeyDeleted,
        "Key acr-cmk is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the key can only be recovered or purged.",
    ),
    (
        KeyMoving,
        "(Conflict) Key acr-cmk is currently being deleted in vault {vault}.\nInner error: {\"code\": \"ObjectIsBeingDeleted\"}",
    ),
    (
        KeyMoving,
        "(Conflict) Key acr-cmk is currently being recovered in vault {vault}.\nInner error: {\"code\": \"ObjectIsBeingRecovered\"}",
    ),
    (
        KeyNotFound,
        "A key with (name/id) acr-cmk was not found in this key vault. If you recently deleted this key you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
    ),
    (VaultTokenRefused, "AKV10000: Request is missing a Bearer or PoP token."),
    (
        LinkedAuthorizationFailed,
        "(LinkedAuthorizationFailed) The client 'dev@contoso.example' with object id '{guid}' has permission to perform action 'Microsoft.ContainerRegistry/registries/write' on scope '{id}'; however, it does not have permission to perform action 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action' on the linked scope(s) '{sub}/Microsoft.ManagedIdentity/userAssignedIdentities/id-cmk' or the linked scope(s) are invalid.",
    ),
    (
        ScopeLocked,
        "(ScopeLocked) The scope '{id}' cannot perform write operation because following scope(s) are locked: '{id}'. Please remove the lock and try again.",
    ),
    (
        PolicyDenied,
        "(RequestDisallowedByPolicy) Resource '{reg}' was disallowed by policy. Policy identifiers: '[{\"policyAssignment\":{\"name\":\"Registries need a private link\",\"id\":\"/subscriptions/{guid}/providers/Microsoft.Authorization/policyAssignments/pl\"}}]'.",
    ),
    (
        PrincipalUnknown,
        "(PrincipalNotFound) Principal {guid} does not exist in the directory {guid}. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
    ),
    (
        AssignmentFixed,
        "(RoleAssignmentUpdateNotPermitted) Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
    ),
    (
        ProviderUnregistered,
        "(MissingSubscriptionRegistration) The subscription is not registered to use namespace 'Microsoft.ContainerRegistry'. See https://aka.ms/rps-not-found for how to register subscriptions.",
    ),
    (
        AuthorizationFailed,
        "(AuthorizationFailed) The client 'dev@contoso.example' with object id '{guid}' does not have authorization to perform action 'Microsoft.ContainerRegistry/registries/write' over scope '{id}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
    ),
    (
        VaultNameTaken,
        "(VaultAlreadyExists) The vault name '{vault}' is already in use. Vault names are globally unique so it is possible that the name is already taken. If you are sure that the vault name was not taken then it is possible that a vault with the same name was recently deleted but not purged after being placed in a recoverable state. If the vault is in a recoverable state then the vault will need to be purged before reusing the name. For more information about VaultAlreadyExists, soft delete and purging a vault follow this link https://go.microsoft.com/fwlink/?linkid=2147740.",
    ),
    (
        VaultDeleted,
        "(ConflictError) A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete.",
    ),
    (
        VaultNotDeleted,
        "(SoftDeletedVaultDoesNotExist) A soft deleted vault with the given name does not exist. Ensure that the name for the vault that is being attempted to recover is in a recoverable state.",
    ),
    (
        PurgeProtectionKept,
        "(BadRequest) The property \"enablePurgeProtection\" cannot be set to false. Enabling the purge protection for a vault is an irreversible action.",
    ),
    (
        PurgeForbidden,
        "Operation \"purge\" is not allowed because purge protection is enabled for this vault. Key Vault service will automatically purge it after the retention period has passed.",
    ),
    (PurgeForbidden, "(MethodNotAllowed) Operation 'DeletedVaultPurge' is not allowed."),
    (
        RegistryNameTaken,
        "(AlreadyInUse) The registry DNS name {reg}.azurecr.io is already in use. You can check if the name is already claimed using following API: https://docs.microsoft.com/en-us/rest/api/containerregistry/registries/checknameavailability",
    ),
    (
        EncryptionBlocksFeature,
        "(BlockedForEncryptionEnabledRegistry) this feature 'ContenTrust' is currently not supported when encryption is enable for the resource {id}. For more information on customer-managed keys, please visit 'https://aka.ms/acr/cmk'.",
    ),
    (
        SoftDeletePolicyKept,
        "Cannot override non-default values of soft delete policy for registry {reg} using api-version 2023-07-01.",
    ),
    (
        PremiumNeeded,
        "╷\n│ Error: an ACR encryption can only be applied when using the Premium Sku\n│ \n│   with azurerm_container_registry.this,\n│   on main.tf line 1, in resource \"azurerm_container_registry\" \"this\":\n╵",
    ),
    (NotEncrypted, "usage error: key rotation is only applicable to registries with CMK enabled"),
    (KeyWithoutIdentity, "Usage error: --identity and --key-encryption-key must be both supplied"),
    (
        OperationDisallowed,
        "denied: The operation is disallowed on this registry, repository or image. View troubleshooting steps at https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation",
    ),
    (OperationDisallowed, "The operation is disallowed on this Azure Container Registry, repository or image"),
    (
        NetworkSettingsUnsaved,
        "Failed to save firewall and virtual network settings for container registry '{reg}'. Error: Could not validate network rule",
    ),
    (
        TerraformForbidden,
        "╷\n│ Error: creating Registry (Subscription: \"{guid}\"\n│ Resource Group Name: \"shop\"\n│ Registry Name: \"{reg}\"): performing Create: unexpected status 403 (403 Forbidden)\n│ \n│   with azurerm_container_registry.this,\n╵",
    ),
    (
        RegistryFirewall,
        "denied: {\"errors\":[{\"code\":\"DENIED\",\"message\":\"client with IP '{ip}' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.\"}]}",
    ),
    (
        RegistryFirewall,
        "Error response from daemon: Get \"https://{reg}.azurecr.io/v2/\": denied: client with IP '{ip}' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.",
    ),
    (
        RegistryFirewall,
        "failed to pull and unpack image \"{reg}.azurecr.io/{repo}:1\": failed to resolve reference \"{reg}.azurecr.io/{repo}:1\": unexpected status from HEAD request to https://{reg}.azurecr.io/v2/{repo}/manifests/1: 403 Forbidden: client with IP '{ip}' is not allowed access.",
    ),
    (
        RegistryForbidden,
        "An error occurred: CONNECTIVITY_FORBIDDEN_ERROR\nLooks like you don't have access to registry '{reg}.azurecr.io'. To see configured firewall rules, run 'az acr show --query networkRuleSet --name {reg}'. Details: https://aka.ms/acr/errors#connectivity_forbidden_error",
    ),
    (
        DnsUnresolved,
        "Error response from daemon: Get \"https://{reg}.azurecr.io/v2/\": dial tcp: lookup {reg}.azurecr.io on 168.63.129.16:53: no such host",
    ),
    (DnsUnresolved, "dial tcp: lookup {reg}.azurecr.io: no such host"),
    (DnsUnresolved, "dial tcp: lookup {reg}.azurecr.io"),
    (
        DnsUnresolved,
        "An error occurred: CONNECTIVITY_DNS_ERROR\nFailed to reach DNS for registry '{reg}.azurecr.io'. Please check if the spelling is correct, if the CLI environment is on correct cloud and your network connectivity.",
    ),
    (DnsUnresolved, "curl: (6) Could not resolve host: {reg}.azurecr.io"),
    (ProxyBroken, "Error response from daemon: Get https://{reg}.azurecr.io/v2/: proxyconnect tcp: EOF\nLogin failed"),
    (ProxyBroken, "Error response from daemon: Get <registry>: proxyconnect tcp: EOF Login failed"),
    (
        TlsUntrusted,
        "Error response from daemon: Get \"https://{reg}.azurecr.io/v2/\": x509: certificate signed by unknown authority",
    ),
    (
        TlsUntrusted,
        "Error response from daemon: Get \"https://{reg}.azurecr.io/v2/\": tls: failed to verify certificate: x509: certificate is valid for proxy.example, not {reg}.azurecr.io",
    ),
    (
        TlsUntrusted,
        "An error occurred: CONNECTIVITY_SSL_ERROR\nUnable to establish a secure connection to the registry '{reg}.azurecr.io'. Are you using a proxy server?",
    ),
    (
        ConnectionTimeout,
        "Error response from daemon: Get https://{reg}.azurecr.io/v2/: net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
    ),
    (ConnectionTimeout, "Client.Timeout exceeded while awaiting headers"),
    (
        ConnectionTimeout,
        "failed to do request: Head \"https://{reg}.azurecr.io/v2/{repo}/manifests/1\": dial tcp 20.61.97.129:443: i/o timeout",
    ),
    (HostUnreachable, "host is not reachable"),
    (HostUnreachable, "Get \"https://{reg}.azurecr.io/v2/\": dial tcp 10.0.0.4:443: connect: no route to host"),
    (
        ChallengeMissing,
        "An error occurred: CONNECTIVITY_CHALLENGE_ERROR\nRegistry '{reg}.azurecr.io' did not issue a challenge.",
    ),
    (
        ChallengeMissing,
        "An error occurred: CONNECTIVITY_WWW_AUTHENTICATE_ERROR\nRegistry '{reg}.azurecr.io' did not ask properly for a basic or a bearer authentication.",
    ),
    (
        LoginServerUnknown,
        "An error occurred: LOGIN_SERVER_ERROR\nAn error occurred while retrieving the login server for registry '{reg}'. Please check if the registry exists.",
    ),
    (
        LoginServerUnreachable,
        "Could not connect to the registry login server '{reg}.azurecr.io'. Please verify that the registry exists and the URL 'https://{reg}.azurecr.io/v2/' is reachable from your environment.",
    ),
    (
        LoginForbidden,
        "Error response from daemon: login attempt to https://{reg}.azurecr.io/v2/ failed with status: 403 Forbidden",
    ),
    (LoginForbidden, "Error response from daemon: login attempt failed with status: 403 Forbidden"),
    (
        TooManyRequests,
        "error pulling image configuration from {reg}.azurecr.io: toomanyrequests: Too many requests. Please visit https://aka.ms/acr/skus#sku-feature-matrix to view limits of all service tiers.",
    ),
    (
        TooManyRequests,
        "An error occurred: CONNECTIVITY_TOOMANYREQUESTS_ERROR\nToo many requests, access to registry '{reg}.azurecr.io' was denied. Please wait a moment before trying again.",
    ),
    (
        TooManyRequests,
        "An error occurred: CONNECTIVITY_REFRESH_TOKEN_ERROR\nAccess to registry '{reg}.azurecr.io' was denied. Response code: 429. Please try running 'az login' again to refresh permissions.",
    ),
    (
        SignInSecretWrong,
        "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{guid}'. Trace ID: {guid} Correlation ID: {guid} Timestamp: 2026-10-12 08:00:00Z",
    ),
    (
        SignInSecretExpired,
        "AADSTS7000222: The provided client secret keys for app '{guid}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security. Trace ID: {guid}",
    ),
    (
        SignInAppUnknown,
        "AADSTS700016: Application with identifier '{guid}' was not found in the directory 'Contoso'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.",
    ),
    (
        SignInUserUnknown,
        "AADSTS50034: The user account {EUII Hidden} does not exist in the contoso.example directory. To sign into this application, the account must be added to the directory.",
    ),
    (
        SignInTenantUnknown,
        "AADSTS90002: Tenant '{guid}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.",
    ),
    (
        SignInExpired,
        "AADSTS700082: The refresh token has expired due to inactivity. The token was issued on 2026-01-01T00:00:00Z and was inactive for 90.00:00:00.",
    ),
    (
        SignInBlocked,
        "AADSTS50076: Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '{guid}'.",
    ),
    (
        SignInBlocked,
        "AADSTS53003: Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
    ),
    (
        FederationMismatch,
        "AADSTS700213: No matching federated identity record found for presented assertion subject 'repo:contoso/shop:ref:refs/heads/main'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion.",
    ),
    (ApplicationUnknown, "unauthorized: Application not registered with AAD"),
    (
        AadLoginUnsupported,
        "An error occurred: CONNECTIVITY_AAD_LOGIN_ERROR\nRegistry '{reg}.azurecr.io' does not support AAD login.",
    ),
    (
        RefreshTokenRefused,
        "CONNECTIVITY_REFRESH_TOKEN_ERROR. Access to registry was denied. Response code: 403. Unable to get admin user credentials with message: Admin user is disabled. Unable to authenticate using AAD or admin login credentials.",
    ),
    (
        RefreshTokenRefused,
        "An error occurred: CONNECTIVITY_REFRESH_TOKEN_ERROR\nAccess to registry '{reg}.azurecr.io' was denied. Response code: 401. Please try running 'az login' again to refresh permissions.",
    ),
    (
        AccessTokenRefused,
        "An error occurred: CONNECTIVITY_ACCESS_TOKEN_ERROR\nAccess to registry '{reg}.azurecr.io' was denied. Response code: 401. Please try running 'az login' again to refresh permissions.",
    ),
    (
        AccessTokenRefused,
        "You have [pull] permissions to the repository. You are lacking [push] repository permissions.",
    ),
    (
        InsufficientScope,
        "failed to resolve reference \"{reg}.azurecr.io/{repo}:1\": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
    ),
    (
        AnonymousToken,
        "Failed to pull image \"{reg}.azurecr.io/{repo}:v5.0.0\": failed to pull and unpack image \"{reg}.azurecr.io/{repo}:v5.0.0\": failed to resolve reference \"{reg}.azurecr.io/{repo}:v5.0.0\": failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://{reg}.azurecr.io/oauth2/token?scope=repository%3Aapp%3Apull&service={reg}.azurecr.io: 401 Unauthorized",
    ),
    (
        NoCredentials,
        "Error response from daemon: Get https://{reg}.azurecr.io/v2/{repo}/manifests/1: no basic auth credentials",
    ),
    (NoCredentials, "no basic auth credentials"),
    (Unauthorized, "unauthorized: authentication required"),
    (
        Unauthorized,
        "unauthorized: authentication required, visit https://aka.ms/acr/authorization for more information.",
    ),
    (
        Unauthorized,
        "Failed to pull image \"{reg}.azurecr.io/{repo}:1\": rpc error: code = Unknown desc = Error response from daemon: Get https://{reg}.azurecr.io/v2/{repo}/manifests/1: unauthorized: authentication required",
    ),
    (
        Unauthorized,
        "https://{reg}.azurecr.io/v2/: {\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"authentication required\",\"detail\":null}]}",
    ),
    (
        AdminUserOff,
        "Unable to get admin user credentials with message: Admin user is disabled. Unable to authenticate using AAD or admin login credentials.",
    ),
    (
        PullRefused,
        "Warning  Failed  2m (x4 over 4m)  kubelet  Failed to pull image \"{reg}.azurecr.io/{repo}:1\": failed to pull and unpack image \"{reg}.azurecr.io/{repo}:1\": failed to resolve reference \"{reg}.azurecr.io/{repo}:1\": failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://{reg}.azurecr.io/oauth2/token?scope=repository%3Aapp%3Apull&service={reg}.azurecr.io: 401 Unauthorized",
    ),
    (
        PullRefused,
        "Error: ErrImagePull: unexpected status from HEAD request to https://{reg}.azurecr.io/v2/{repo}/manifests/1: 403 Forbidden",
    ),
    (PullRefused, "Back-off pulling image \"{reg}.azurecr.io/{repo}:1\": ImagePullBackOff: 401 Unauthorized"),
    (
        DockerDaemonStopped,
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    ),
    (
        DockerDaemonStopped,
        "error during connect: this error may indicate that the docker daemon is not running: Get \"http://%2F%2F.%2Fpipe%2Fdocker_engine/v1.24/version\": open //./pipe/docker_engine: The system cannot find the file specified.",
    ),
    (
        DockerDaemonStopped,
        "An error occurred: DOCKER_DAEMON_ERROR\nPlease verify if Docker daemon is running, or try restarting it.",
    ),
    (
        DockerSocketDenied,
        "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get \"http://%2Fvar%2Frun%2Fdocker.sock/v1.24/version\": dial unix /var/run/docker.sock: connect: permission denied",
    ),
    (
        DockerMissing,
        "An error occurred: DOCKER_COMMAND_ERROR\nPlease verify if Docker client is installed and running.",
    ),
    (DockerMissing, "bash: docker: command not found"),
    (DockerMissing, "zsh: command not found: docker"),
    (DockerMissing, "exec: \"docker\": executable file not found in $PATH"),
    (DockerMissing, "'docker' is not recognized as an internal or external command, operable program or batch file."),
    (
        DockerVersionUnknown,
        "An error occurred: DOCKER_VERSION_ERROR\nAn error occurred while retrieving Docker version. Please try verifying it manually.",
    ),
    (
        DockerPullFailed,
        "An error occurred: DOCKER_PULL_ERROR\nAn error occurred while pulling a sample image. Please validate your network connection and verify if Docker daemon is running properly.",
    ),
    (HelmMissing, "An error occurred: HELM_COMMAND_ERROR\nPlease verify if Helm is installed."),
    (
        HelmVersionOld,
        "An error occurred: HELM_VERSION_ERROR\nAn error occurred while retrieving Helm version. Please make sure that you have the latest Azure CLI version, and that you are using the recommended Helm version.",
    ),
];
