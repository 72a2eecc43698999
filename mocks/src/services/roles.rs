//! Built-in roles (R-KV-32) and how their action patterns match.

use uuid::{Uuid, uuid};

/// Owner
pub const OWNER: Uuid = uuid!("8e3af657-a8ff-443c-a75c-2fe8c4bcb635");
/// Contributor
pub const CONTRIBUTOR: Uuid = uuid!("b24988ac-6180-42a0-ab88-20f7382dd24c");
/// Reader
pub const READER: Uuid = uuid!("acdd72a7-3385-48ef-bd42-f606fba81ae7");
/// User Access Administrator
pub const USER_ACCESS_ADMINISTRATOR: Uuid = uuid!("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9");
/// Role Based Access Control Administrator
pub const RBAC_ADMINISTRATOR: Uuid = uuid!("f58310d9-a9f6-439a-9e8d-f62e7b41a168");
/// Key Vault Administrator
pub const KEY_VAULT_ADMINISTRATOR: Uuid = uuid!("00482a5a-887f-4fb3-b363-3b7fe8e74483");
/// Key Vault Reader
pub const KEY_VAULT_READER: Uuid = uuid!("21090545-7ca7-4776-b22c-e363652d74d2");
/// Key Vault Contributor
pub const KEY_VAULT_CONTRIBUTOR: Uuid = uuid!("f25e0fa2-a7c8-4377-a976-54943a77a395");
/// Key Vault Crypto Officer
pub const KEY_VAULT_CRYPTO_OFFICER: Uuid = uuid!("14b46e9e-c2b7-41b4-b07b-48a6ebf60603");
/// Key Vault Crypto Service Encryption User
pub const KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER: Uuid = uuid!("e147488a-f6f5-4113-8e2d-b22465e65bf6");
/// Key Vault Crypto User
pub const KEY_VAULT_CRYPTO_USER: Uuid = uuid!("12338af0-0e69-4776-bea7-57ae8d297424");
/// Key Vault Data Access Administrator
pub const KEY_VAULT_DATA_ACCESS_ADMINISTRATOR: Uuid = uuid!("8b54135c-b56d-4d72-a534-26097cfdc8d8");
/// Key Vault Purge Operator
pub const KEY_VAULT_PURGE_OPERATOR: Uuid = uuid!("a68e7c17-0ab2-4c09-9a58-125dae29748c");
/// Managed Identity Operator
pub const MANAGED_IDENTITY_OPERATOR: Uuid = uuid!("f1a07417-d97a-45cb-824c-7a7467783830");
/// Managed Identity Contributor
pub const MANAGED_IDENTITY_CONTRIBUTOR: Uuid = uuid!("e40ec5ca-96e0-45a2-b4ff-59039f2c2b59");
/// AcrPull
pub const ACR_PULL: Uuid = uuid!("7f951dda-4ed3-4680-a7ca-43fe172d538d");
/// AcrPush
pub const ACR_PUSH: Uuid = uuid!("8311e382-0749-4cb8-b61a-304f252e45ec");
/// AcrDelete
pub const ACR_DELETE: Uuid = uuid!("c2f4ef07-c644-48eb-af81-4b1b4947fb11");
/// AcrImageSigner
pub const ACR_IMAGE_SIGNER: Uuid = uuid!("6cef56e8-d556-48e5-a04f-b8e64114680f");
/// Container Registry Contributor and Data Access Configuration Administrator
pub const ACR_CONTRIBUTOR: Uuid = uuid!("3bc748fc-213d-45c1-8d91-9da5725539b9");
/// Container Registry Configuration Reader and Data Access Configuration Reader
pub const ACR_CONFIGURATION_READER: Uuid = uuid!("69b07be0-09bf-439a-b9a6-e73de851bd59");
/// Container Registry Data Importer and Data Reader
pub const ACR_DATA_IMPORTER: Uuid = uuid!("577a9874-89fd-4f24-9dbd-b5034d0ad23a");
/// Container Registry Tasks Contributor
pub const ACR_TASKS_CONTRIBUTOR: Uuid = uuid!("fb382eab-e894-4461-af04-94435c366c3f");
/// Monitoring Reader
pub const MONITORING_READER: Uuid = uuid!("43d0d8ad-25c7-4714-9337-8ba259a9fe05");
/// Log Analytics Reader
pub const LOG_ANALYTICS_READER: Uuid = uuid!("73c42c96-874c-492b-b04d-ab87d138a893");
/// Container Registry Repository Reader
pub const ACR_REPOSITORY_READER: Uuid = uuid!("b93aa761-3e63-49ed-ac28-beffa264f7ac");
/// Container Registry Repository Writer
pub const ACR_REPOSITORY_WRITER: Uuid = uuid!("2a1e307c-b015-4ebd-883e-5b7698a07328");
/// Container Registry Repository Contributor
pub const ACR_REPOSITORY_CONTRIBUTOR: Uuid = uuid!("2efddaa5-3f1f-4df3-97df-af3f13818f4c");
/// Container Registry Repository Catalog Lister
pub const ACR_CATALOG_LISTER: Uuid = uuid!("bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7");
/// Container Registry Transfer Pipeline Contributor
pub const ACR_TRANSFER_CONTRIBUTOR: Uuid = uuid!("bf94e731-3a51-4a7c-8c54-a1ab9971dfc1");
/// Locks Contributor
pub const LOCKS_CONTRIBUTOR: Uuid = uuid!("28bf596f-4eb7-45ce-b5bc-6cf482fec137");

#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) id: Uuid,
    pub(crate) name: &'static str,
    pub(crate) actions: &'static [&'static str],
    pub(crate) not_actions: &'static [&'static str],
    pub(crate) data_actions: &'static [&'static str],
}

impl Role {
    pub(crate) fn allows(&self, action: &str) -> bool {
        self.actions.iter().any(|p| matches(p, action)) && !self.not_actions.iter().any(|p| matches(p, action))
    }

    pub(crate) fn allows_data(&self, action: &str) -> bool {
        self.data_actions.iter().any(|p| matches(p, action))
    }
}

const fn role(
    id: Uuid,
    name: &'static str,
    actions: &'static [&'static str],
    data_actions: &'static [&'static str],
) -> Role {
    Role { id, name, actions, not_actions: &[], data_actions }
}

const KV_READ: &[&str] = &[
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
    "Microsoft.KeyVault/checkNameAvailability/read",
    "Microsoft.KeyVault/deletedVaults/read",
    "Microsoft.KeyVault/locations/*/read",
    "Microsoft.KeyVault/vaults/*/read",
    "Microsoft.KeyVault/operations/read",
];
const REPOSITORY_READ: &[&str] = &[
    "Microsoft.ContainerRegistry/registries/repositories/metadata/read",
    "Microsoft.ContainerRegistry/registries/repositories/content/read",
];
const NONE: &[&str] = &[];

pub(crate) static ROLES: &[Role] = &[
    role(OWNER, "Owner", &["*"], NONE),
    Role {
        id: CONTRIBUTOR,
        name: "Contributor",
        actions: &["*"],
        not_actions: &[
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
            "Microsoft.Blueprint/blueprintAssignments/write",
            "Microsoft.Blueprint/blueprintAssignments/delete",
            "Microsoft.Compute/galleries/share/action",
            "Microsoft.Purview/consents/write",
            "Microsoft.Purview/consents/delete",
        ],
        data_actions: NONE,
    },
    role(READER, "Reader", &["*/read"], NONE),
    role(
        USER_ACCESS_ADMINISTRATOR,
        "User Access Administrator",
        &["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"],
        NONE,
    ),
    role(
        RBAC_ADMINISTRATOR,
        "Role Based Access Control Administrator",
        &[
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
            "*/read",
            "Microsoft.Support/*",
        ],
        NONE,
    ),
    role(KEY_VAULT_ADMINISTRATOR, "Key Vault Administrator", KV_READ, &["Microsoft.KeyVault/vaults/*"]),
    role(
        KEY_VAULT_READER,
        "Key Vault Reader",
        KV_READ,
        &["Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/secrets/readMetadata/action"],
    ),
    Role {
        id: KEY_VAULT_CONTRIBUTOR,
        name: "Key Vault Contributor",
        actions: &[
            "Microsoft.Authorization/*/read",
            "Microsoft.Insights/alertRules/*",
            "Microsoft.KeyVault/*",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            "Microsoft.Support/*",
        ],
        not_actions: &[
            "Microsoft.KeyVault/locations/deletedVaults/purge/action",
            "Microsoft.KeyVault/hsmPools/*",
            "Microsoft.KeyVault/managedHsms/*",
        ],
        data_actions: NONE,
    },
    role(
        KEY_VAULT_CRYPTO_OFFICER,
        "Key Vault Crypto Officer",
        KV_READ,
        &["Microsoft.KeyVault/vaults/keys/*", "Microsoft.KeyVault/vaults/keyrotationpolicies/*"],
    ),
    role(
        KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER,
        "Key Vault Crypto Service Encryption User",
        &[
            "Microsoft.EventGrid/eventSubscriptions/write",
            "Microsoft.EventGrid/eventSubscriptions/read",
            "Microsoft.EventGrid/eventSubscriptions/delete",
        ],
        &[
            "Microsoft.KeyVault/vaults/keys/read",
            "Microsoft.KeyVault/vaults/keys/wrap/action",
            "Microsoft.KeyVault/vaults/keys/unwrap/action",
        ],
    ),
    role(
        KEY_VAULT_CRYPTO_USER,
        "Key Vault Crypto User",
        NONE,
        &[
            "Microsoft.KeyVault/vaults/keys/read",
            "Microsoft.KeyVault/vaults/keys/update/action",
            "Microsoft.KeyVault/vaults/keys/backup/action",
            "Microsoft.KeyVault/vaults/keys/encrypt/action",
            "Microsoft.KeyVault/vaults/keys/decrypt/action",
            "Microsoft.KeyVault/vaults/keys/wrap/action",
            "Microsoft.KeyVault/vaults/keys/unwrap/action",
            "Microsoft.KeyVault/vaults/keys/sign/action",
            "Microsoft.KeyVault/vaults/keys/verify/action",
        ],
    ),
    role(
        KEY_VAULT_DATA_ACCESS_ADMINISTRATOR,
        "Key Vault Data Access Administrator",
        &[
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
            "Microsoft.Authorization/*/read",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            "Microsoft.Resources/subscriptions/read",
            "Microsoft.Management/managementGroups/read",
            "Microsoft.Support/*",
            "Microsoft.KeyVault/vaults/*/read",
        ],
        NONE,
    ),
    role(
        KEY_VAULT_PURGE_OPERATOR,
        "Key Vault Purge Operator",
        &[
            "Microsoft.KeyVault/locations/deletedVaults/read",
            "Microsoft.KeyVault/locations/deletedVaults/purge/action",
            "Microsoft.KeyVault/locations/operationResults/read",
            "Microsoft.KeyVault/deletedVaults/read",
        ],
        NONE,
    ),
    role(
        MANAGED_IDENTITY_OPERATOR,
        "Managed Identity Operator",
        &[
            "Microsoft.ManagedIdentity/userAssignedIdentities/*/read",
            "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
            "Microsoft.Authorization/*/read",
            "Microsoft.Insights/alertRules/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Support/*",
        ],
        NONE,
    ),
    role(
        MANAGED_IDENTITY_CONTRIBUTOR,
        "Managed Identity Contributor",
        &[
            "Microsoft.ManagedIdentity/userAssignedIdentities/read",
            "Microsoft.ManagedIdentity/userAssignedIdentities/write",
            "Microsoft.ManagedIdentity/userAssignedIdentities/delete",
            "Microsoft.Authorization/*/read",
            "Microsoft.Insights/alertRules/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Support/*",
        ],
        NONE,
    ),
    role(ACR_PULL, "AcrPull", &["Microsoft.ContainerRegistry/registries/pull/read"], NONE),
    role(
        ACR_PUSH,
        "AcrPush",
        &["Microsoft.ContainerRegistry/registries/pull/read", "Microsoft.ContainerRegistry/registries/push/write"],
        NONE,
    ),
    role(ACR_DELETE, "AcrDelete", &["Microsoft.ContainerRegistry/registries/artifacts/delete"], NONE),
    role(
        ACR_IMAGE_SIGNER,
        "AcrImageSigner",
        &["Microsoft.ContainerRegistry/registries/sign/write"],
        &["Microsoft.ContainerRegistry/registries/trustedCollections/write"],
    ),
    role(
        ACR_CONTRIBUTOR,
        "Container Registry Contributor and Data Access Configuration Administrator",
        &[
            "Microsoft.ContainerRegistry/registries/read",
            "Microsoft.ContainerRegistry/registries/write",
            "Microsoft.ContainerRegistry/registries/delete",
            "Microsoft.ContainerRegistry/registries/tokens/*",
            "Microsoft.ContainerRegistry/registries/scopeMaps/*",
            "Microsoft.ContainerRegistry/registries/generateCredentials/action",
            "Microsoft.ContainerRegistry/registries/listCredentials/action",
            "Microsoft.ContainerRegistry/registries/regenerateCredential/action",
            "Microsoft.ContainerRegistry/registries/listUsages/read",
            "Microsoft.ContainerRegistry/registries/operationStatuses/read",
            "Microsoft.ContainerRegistry/locations/operationResults/read",
            "Microsoft.ContainerRegistry/checkNameAvailability/read",
            "Microsoft.Authorization/*/read",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ],
        NONE,
    ),
    role(
        ACR_CONFIGURATION_READER,
        "Container Registry Configuration Reader and Data Access Configuration Reader",
        &[
            "Microsoft.ContainerRegistry/registries/read",
            "Microsoft.ContainerRegistry/registries/tokens/read",
            "Microsoft.ContainerRegistry/registries/scopeMaps/read",
            "Microsoft.ContainerRegistry/registries/listUsages/read",
            "Microsoft.ContainerRegistry/registries/operationStatuses/read",
            "Microsoft.ContainerRegistry/locations/operationResults/read",
            "Microsoft.Authorization/*/read",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ],
        NONE,
    ),
    role(
        ACR_DATA_IMPORTER,
        "Container Registry Data Importer and Data Reader",
        &[
            "Microsoft.ContainerRegistry/registries/importImage/action",
            "Microsoft.ContainerRegistry/registries/read",
            "Microsoft.ContainerRegistry/registries/pull/read",
            "Microsoft.ContainerRegistry/locations/operationResults/read",
            "Microsoft.Authorization/*/read",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ],
        NONE,
    ),
    role(
        ACR_TASKS_CONTRIBUTOR,
        "Container Registry Tasks Contributor",
        &[
            "Microsoft.ContainerRegistry/registries/agentpools/*",
            "Microsoft.ContainerRegistry/registries/taskRuns/*",
            "Microsoft.ContainerRegistry/registries/tasks/*",
            "Microsoft.ContainerRegistry/registries/read",
            "Microsoft.Authorization/*/read",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ],
        NONE,
    ),
    role(
        MONITORING_READER,
        "Monitoring Reader",
        &["*/read", "Microsoft.OperationalInsights/workspaces/search/action", "Microsoft.Support/*"],
        NONE,
    ),
    Role {
        id: LOG_ANALYTICS_READER,
        name: "Log Analytics Reader",
        actions: &[
            "*/read",
            "Microsoft.OperationalInsights/workspaces/analytics/query/action",
            "Microsoft.OperationalInsights/workspaces/search/action",
            "Microsoft.Support/*",
        ],
        not_actions: &["Microsoft.OperationalInsights/workspaces/sharedKeys/read"],
        data_actions: NONE,
    },
    role(ACR_REPOSITORY_READER, "Container Registry Repository Reader", NONE, REPOSITORY_READ),
    role(
        ACR_REPOSITORY_WRITER,
        "Container Registry Repository Writer",
        NONE,
        &[
            "Microsoft.ContainerRegistry/registries/repositories/metadata/read",
            "Microsoft.ContainerRegistry/registries/repositories/metadata/write",
            "Microsoft.ContainerRegistry/registries/repositories/content/read",
            "Microsoft.ContainerRegistry/registries/repositories/content/write",
        ],
    ),
    role(
        ACR_REPOSITORY_CONTRIBUTOR,
        "Container Registry Repository Contributor",
        NONE,
        &[
            "Microsoft.ContainerRegistry/registries/repositories/metadata/*",
            "Microsoft.ContainerRegistry/registries/repositories/content/*",
        ],
    ),
    role(
        ACR_CATALOG_LISTER,
        "Container Registry Repository Catalog Lister",
        NONE,
        &["Microsoft.ContainerRegistry/registries/catalog/read"],
    ),
    role(
        ACR_TRANSFER_CONTRIBUTOR,
        "Container Registry Transfer Pipeline Contributor",
        &[
            "Microsoft.ContainerRegistry/registries/exportPipelines/*",
            "Microsoft.ContainerRegistry/registries/importPipelines/*",
            "Microsoft.ContainerRegistry/registries/pipelineRuns/*",
            "Microsoft.ContainerRegistry/registries/read",
            "Microsoft.Authorization/*/read",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ],
        NONE,
    ),
    role(LOCKS_CONTRIBUTOR, "Locks Contributor", &["Microsoft.Authorization/locks/*"], NONE),
];

/// The id of a built-in role by its name, in any case.
pub fn named(name: &str) -> Option<Uuid> {
    ROLES.iter().find(|r| r.name.eq_ignore_ascii_case(name)).map(|r| r.id)
}

/// Whether there is a built-in role of this id.
pub(crate) fn known(id: Uuid) -> bool {
    find(id).is_some()
}

pub(crate) fn find(id: Uuid) -> Option<&'static Role> {
    ROLES.iter().find(|r| r.id == id)
}

/// `*` stands for any text, `/*/` also for a single slash: that is how Managed Identity Operator may
/// `userAssignedIdentities/assign/action`.
pub(crate) fn matches(pattern: &str, action: &str) -> bool {
    fn glob(p: &[u8], a: &[u8]) -> bool {
        match p {
            [] => a.is_empty(),
            [b'*', rest @ ..] => (0..=a.len()).any(|i| a.get(i..).is_some_and(|a| glob(rest, a))),
            [c, rest @ ..] => {
                a.split_first().is_some_and(|(d, tail)| c.eq_ignore_ascii_case(d) && glob(rest, tail))
                    || (p.starts_with(b"/*/") && p.get(2..).is_some_and(|p| glob(p, a)))
            }
        }
    }
    // Actions may hold a namespace from a request: no deep recursion for a long one.
    action.len() <= 512 && glob(pattern.as_bytes(), action.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_azure_has_them() {
        assert!(matches("*", "Microsoft.KeyVault/vaults/write"));
        assert!(matches("*/read", "Microsoft.KeyVault/vaults/read"));
        assert!(!matches("*/read", "Microsoft.KeyVault/vaults/write"));
        let assign = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";
        assert!(matches("Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action", assign));
        assert!(find(CONTRIBUTOR).is_some_and(|r| !r.allows("Microsoft.Authorization/roleAssignments/write")));
        assert!(find(OWNER).is_some_and(|r| !r.allows_data("Microsoft.KeyVault/vaults/keys/read")));
    }
}
