//! Codes that begin with `SimUnverified.` stand for refusals whose real code or text is not known (R-ERR-10, G-01).

use crate::{http::message::Fail, services::key_access::Denial};

const MORE: &str = "For more information on bring your own key, please visit 'https://aka.ms/acr/cmk'.";

/// R-ERR-01: one text for every cause. The text is known, the code is not.
pub(crate) fn key_access(key_id: &str, identity: &str) -> Fail {
    Fail::new(
        400,
        "SimUnverified.KeyAccess",
        format!(
            "Failed to access KeyId '{key_id}'. Verify that identity '{identity}' has 'Get, Wrap Key, Unwrap Key' permission on key '{key_id}'. {MORE}"
        ),
    )
}

/// R-ERR-03: the code is not known.
pub(crate) fn no_access_to_identity(registry_id: &str, name: &str, identity: &str) -> Fail {
    let id = registry_id.replace("/resourceGroups/", "/resourcegroups/");
    Fail::new(
        400,
        "SimUnverified.IdentityInUse",
        format!(
            "Azure resource '{id}' does not have access to identity '{identity}' Try forcibly adding the identity to the registry {name}. {MORE}"
        ),
    )
}

/// What the data plane says, by the true cause: R-ERR-04 or R-ERR-02.
pub(super) fn data_plane(denial: Denial) -> &'static str {
    if denial.is_of_identity() {
        "The identity associated with the registry is inactive. This could be due to attempted removal of the identity. Reassign the identity manually"
    } else {
        "Access to Key Encryption Key is forbidden. View troubleshooting steps at https://aka.ms/acr/cmk"
    }
}

/// What an import says where the key or the identity fails: the texts are the data plane's, the code is not known.
pub(super) fn key_forbidden(denial: Denial) -> Fail {
    Fail::new(403, "SimUnverified.KeyForbidden", data_plane(denial))
}

/// Code and text are not known.
pub(super) fn tag_exists(tag: &str) -> Fail {
    Fail::new(409, "SimUnverified.TagExists", format!("The tag {tag} exists in the registry; use mode Force."))
}

/// Code and text are not known.
pub(super) fn no_source() -> Fail {
    Fail::new(400, "SimUnverified.SourceNotFound", "The source registry was not found.")
}

pub(super) fn gone() -> Fail {
    Fail::new(404, "SimUnverified.RegistryGone", "The registry is gone.")
}

/// R-ERR-06
pub(super) fn incomplete_key(name: &str) -> Fail {
    Fail::new(
        400,
        "BadRequest",
        format!(
            "Invalid encryption key vault property specified for registry {name}. Property Identity and KeyIdentifier must be set when encryption is enabled. For more information on customer-managed keys, please visit 'https://aka.ms/acr/cmk'."
        ),
    )
}

/// R-ERR-07; the misspellings are the service's.
pub(super) fn no_content_trust(id: &str) -> Fail {
    Fail::new(
        400,
        "BlockedForEncryptionEnabledRegistry",
        format!(
            "this feature 'ContenTrust' is currently not supported when encryption is enable for the resource {id}. For more information on customer-managed keys, please visit 'https://aka.ms/acr/cmk'."
        ),
    )
}

fn unverified(reason: &str, text: &str) -> Fail {
    Fail::new(400, format!("SimUnverified.{reason}"), text)
}

pub(super) fn premium_required() -> Fail {
    unverified("PremiumRequired", "Encryption with a customer-managed key needs the Premium SKU (R-CMK-01).")
}

pub(super) fn only_at_create() -> Fail {
    unverified("EncryptionOnlyAtCreate", "Encryption can be enabled only while the registry is created (R-CMK-02).")
}

pub(super) fn cannot_disable() -> Fail {
    unverified("EncryptionCannotBeDisabled", "Encryption cannot be disabled (R-CMK-03).")
}

pub(super) fn system_at_create() -> Fail {
    unverified("SystemIdentityAtCreate", "A user-assigned identity is needed at creation (R-CMK-04).")
}

pub(super) fn key_type() -> Fail {
    unverified("KeyTypeNotSupported", "Only RSA and RSA-HSM keys are supported (R-CMK-05).")
}

pub(super) fn purge_protection() -> Fail {
    unverified("PurgeProtectionRequired", "The vault has to have purge protection (R-CMK-06).")
}

pub(super) fn key_uri() -> Fail {
    unverified("InvalidKeyUri", "The key identifier is not the URI of a key (R-CMK-36).")
}

pub(super) fn cross_tenant() -> Fail {
    unverified("CrossTenantVault", "The vault belongs to another tenant (R-CMK-41).")
}

pub(super) fn null_identity() -> Fail {
    unverified("NullIdentity", "An identity cannot be taken off this way (G-13).")
}

pub(super) fn sku_downgrade() -> Fail {
    unverified("SkuDowngrade", "A registry with a customer-managed key stays Premium (R-CMK-01).")
}

pub(super) fn replication_needs_premium() -> Fail {
    unverified("ReplicationNeedsPremium", "Replication needs the Premium SKU.")
}

pub(super) fn home_region() -> Fail {
    unverified("HomeRegion", "The replication in the region of the registry itself cannot be changed.")
}

pub(super) fn region_taken(region: &str) -> Fail {
    unverified(
        "RegionTaken",
        &format!("The registry has a replication in '{region}', or this one is in another region."),
    )
}

pub(super) fn subnet_full(region: &str) -> Fail {
    unverified(
        "SubnetFull",
        &format!(
            "The replication in '{region}' was taken back: a subnet has no address left for a private endpoint (R-DP-23)."
        ),
    )
}

/// R-ERR-37
pub(super) fn in_use(name: &str, suffix: &str) -> Fail {
    Fail::new(
        409,
        "AlreadyInUse",
        format!(
            "The registry DNS name {}.{suffix} is already in use. You can check if the name is already claimed using following API: https://docs.microsoft.com/en-us/rest/api/containerregistry/registries/checknameavailability",
            name.to_lowercase()
        ),
    )
    .failed()
}

/// Recorded, of what is below a registry.
pub(super) fn not_found(name: &str) -> Fail {
    Fail::new(404, "ResourceNotFound", format!("The resource {name} could not be found.")).failed()
}

pub(super) fn bad(message: impl Into<String>) -> Fail {
    Fail::new(400, "BadRequest", message)
}

pub(super) fn invalid_name(name: &str) -> String {
    format!("The registry name {name} is not valid: it has to have 5 to 50 alphanumeric characters.")
}

/// The text is known from users' reports.
pub(super) fn admin_disabled(id: &str) -> Fail {
    Fail::new(
        400,
        "UnAuthorizedForCredentialOperations",
        format!(
            "Cannot perform credential operations for {id} as admin user is disabled. Kindly enable the admin user as per docs: https://docs.microsoft.com/azure/container-registry/container-registry-authentication#admin-account"
        ),
    )
}

/// Code and text are not known.
pub(super) fn no_token(id: &str) -> Fail {
    Fail::new(404, "SimUnverified.TokenNotFound", format!("The token {id} was not found."))
}

/// Code and text are not known.
pub(super) fn system_scope_map(name: &str) -> Fail {
    Fail::new(400, "SimUnverified.SystemScopeMap", format!("The scope map {name} is the registry's own."))
}
