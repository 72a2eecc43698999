use crate::http::message::Fail;

pub(super) fn bad(message: impl Into<String>) -> Fail {
    Fail::new(400, "BadRequest", message)
}

/// R-ERR-20
pub(super) fn exists_deleted() -> Fail {
    Fail::new(
        409,
        "ConflictError",
        "A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete.",
    )
}

/// R-ERR-21
pub(super) fn exists(name: &str) -> Fail {
    Fail::new(409, "VaultAlreadyExists", name_taken(name))
}

pub(super) fn name_taken(name: &str) -> String {
    format!(
        "The vault name '{name}' is already in use. Vault names are globally unique so it is possible that the name is already taken. If you are sure that the vault name was not taken then it is possible that a vault with the same name was recently deleted but not purged after being placed in a recoverable state. If the vault is in a recoverable state then the vault will need to be purged before reusing the name. For more information about VaultAlreadyExists, soft delete and purging a vault follow this link https://go.microsoft.com/fwlink/?linkid=2147740."
    )
}

/// R-ERR-22
pub(super) fn nothing_to_recover() -> Fail {
    Fail::new(
        400,
        "SoftDeletedVaultDoesNotExist",
        "A soft deleted vault with the given name does not exist. Ensure that the name for the vault that is being attempted to recover is in a recoverable state.",
    )
}

/// R-ERR-23
pub(super) fn bad_name(name: &str) -> Fail {
    Fail::new(400, "VaultNameNotValid", invalid_name(name))
}

pub(super) fn invalid_name(name: &str) -> String {
    format!(
        "The vault name '{name}' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name must begin with a letter, end with a letter or digit, and not contain consecutive hyphens."
    )
}

/// R-ERR-24
pub(super) fn purge_protection_stays() -> Fail {
    bad(
        "The property \"enablePurgeProtection\" cannot be set to false. Enabling the purge protection for a vault is an irreversible action.",
    )
}

pub(super) fn soft_delete_stays() -> Fail {
    bad(
        "The property \"enableSoftDelete\" can be set to false only for creating new vault. Enabling the 'soft delete' functionality is an irreversible action.",
    )
}

pub(super) fn retention_stays() -> Fail {
    bad("The property \"softDeleteRetentionInDays\" has been set already and it can't be modified.")
}

pub(super) fn bad_retention() -> Fail {
    bad("The property \"softDeleteRetentionInDays\" must be between 7 and 90.")
}

pub(super) fn missing(what: &str) -> Fail {
    bad(format!("The parameter {what} is not specified."))
}

/// R-ERR-24b
pub(super) fn purge_refused() -> Fail {
    Fail::new(405, "MethodNotAllowed", "Operation 'DeletedVaultPurge' is not allowed.")
}

pub(super) fn no_deleted_vault(name: &str) -> Fail {
    Fail::new(
        404,
        "DeletedVaultNotFound",
        format!(
            "The specified deleted vault '{name}' does not exist. Ensure that the vault was indeed deleted and that it is in recoverable state. If soft delete was not enabled then the vault is permanently deleted. Follow this link for more information: https://go.microsoft.com/fwlink/?linkid=2149745"
        ),
    )
    .header("x-ms-keyvault-service-version", super::SERVICE_VERSION)
}

pub(super) fn no_deleted_hsm(name: &str) -> Fail {
    let code = "SimUnverified.DeletedManagedHsmNotFound";
    Fail::new(404, code, format!("The specified deleted managed HSM '{name}' does not exist."))
}

pub(super) fn no_key(name: &str) -> Fail {
    Fail::new(404, "KeyNotFound", format!("The key '{name}' was not found in this key vault."))
}

/// R-KV-09
pub(super) fn read_only(name: &str) -> Fail {
    Fail::new(
        409,
        "SimUnverified.VaultReadOnly",
        format!("The vault '{name}' is in failover and read-only at present."),
    )
}
