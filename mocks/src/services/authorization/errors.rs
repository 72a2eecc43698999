use crate::http::message::Fail;
use uuid::Uuid;

pub(super) fn exists(id: &str) -> Fail {
    let id = id.rsplit('/').next().unwrap_or_default().replace('-', "");
    Fail::new(
        409,
        "RoleAssignmentExists",
        format!("The role assignment already exists. The ID of the existing role assignment is {id}."),
    )
}

/// R-ERR-34
pub(super) fn update_not_permitted() -> Fail {
    Fail::new(
        400,
        "RoleAssignmentUpdateNotPermitted",
        "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
    )
}

/// R-ERR-33; recorded with the GUID without dashes.
pub(super) fn principal_not_found(principal: Uuid, tenant: Uuid) -> Fail {
    Fail::new(
        400,
        "PrincipalNotFound",
        format!(
            "Principal {} does not exist in the directory {tenant}. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
            principal.simple()
        ),
    )
}

/// R-ERR-33b; the misspelling is the service's.
pub(super) fn other_type(principal: Uuid, is: &str, told: &str) -> Fail {
    Fail::new(
        400,
        "UnmatchedPrincipalType",
        format!(
            "The PrincipalId '{}' has type '{is}' , which is different from specified PrinciaplType '{told}'.",
            principal.simple()
        ),
    )
}

pub(super) fn not_found(name: &str) -> Fail {
    Fail::new(404, "RoleAssignmentNotFound", format!("The role assignment '{name}' is not found."))
}

pub(super) fn no_definition(id: &str) -> Fail {
    Fail::new(
        404,
        "RoleDefinitionDoesNotExist",
        format!("The specified role definition with ID '{id}' does not exist."),
    )
}

pub(super) fn limit_exceeded() -> Fail {
    Fail::new(
        400,
        "RoleAssignmentLimitExceeded",
        "The role assignment limit for the subscription has been reached. No more role assignments can be created.",
    )
}

pub(super) fn invalid_name(name: &str) -> Fail {
    Fail::new(
        400,
        "InvalidRoleAssignmentId",
        format!("The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID."),
    )
}

pub(super) fn bad_request(message: &str) -> Fail {
    Fail::new(400, "BadRequestFormat", message)
}

pub(super) fn unsupported_filter(filter: &str) -> Fail {
    Fail::new(400, "UnsupportedQuery", format!("The filter '{filter}' is not supported."))
}
