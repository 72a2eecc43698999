use super::state::Transition;
use crate::http::message::{Caller, Fail};

pub(super) fn challenge(login: &str, tenant: uuid::Uuid, resource: &str, code: &str, why: &str) -> Fail {
    Fail::new(401, "Unauthorized", format!("{code}: {why}")).header(
        "www-authenticate",
        format!("Bearer authorization=\"https://{login}/{tenant}\", resource=\"{resource}\""),
    )
}

pub(super) fn who(c: &Caller) -> String {
    format!("appid={};oid={};iss={}", c.client_id, c.object_id, c.issuer)
}

/// R-ERR-28a
pub(super) fn firewall(ip: &str, caller: &str, vault: &str, location: &str) -> Fail {
    Fail::new(
        403,
        "Forbidden",
        format!(
            "Client address is not authorized and caller is not a trusted service.\r\nClient address: {ip}\r\nCaller: {caller}\r\nVault: {vault};location={location}"
        ),
    )
    .inner("ForbiddenByFirewall")
}

/// R-ERR-28b
pub(super) fn connection(caller: &str, vault: &str, location: &str) -> Fail {
    Fail::new(
        403,
        "Forbidden",
        format!(
            "Public network access is disabled and request is not from a trusted service nor via an approved private link.\r\nCaller: {caller}\r\nVault: {vault};location={location}"
        ),
    )
    .inner("ForbiddenByConnection")
}

/// The text of a refusal by an enforced perimeter is not known.
pub(super) fn perimeter(vault: &str) -> Fail {
    Fail::new(403, "Forbidden", format!("Request was denied by the network security perimeter of vault {vault}."))
        .inner("SimUnverified.ForbiddenByNsp")
}

/// R-ERR-28c
pub(super) fn rbac(caller: &str, action: &str, resource: &str, vault: &str, location: &str) -> Fail {
    Fail::new(
        403,
        "Forbidden",
        format!(
            "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nCaller: {caller}\r\nAction: '{action}'\r\nResource: '{resource}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: null \r\nVault: {vault};location={location}\r\n"
        ),
    )
    .inner("ForbiddenByRbac")
}

/// R-ERR-28d
pub(super) fn policy(caller: &str, permission: &str, vault: &str, location: &str) -> Fail {
    Fail::new(
        403,
        "Forbidden",
        format!(
            "The user, group or application '{caller}' does not have keys {permission} permission on key vault '{vault};location={location}'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287"
        ),
    )
    .inner("ForbiddenByPolicy")
}

/// R-ERR-28e
pub(super) fn no_policy(caller: &str, vault: &str, location: &str) -> Fail {
    Fail::new(
        403,
        "Forbidden",
        format!(
            "Access denied. Caller was not found on any access policy.\r\nCaller: {caller}\r\nVault: {vault};location={location}"
        ),
    )
    .inner("AccessDenied")
}

/// R-ERR-28f
pub(super) fn disabled(op: &str) -> Fail {
    Fail::new(403, "Forbidden", format!("Operation {op} is not allowed on a disabled key.")).inner("KeyDisabled")
}

/// R-ERR-28g: the names are not verified.
pub(super) fn not_yet_valid(op: &str) -> Fail {
    Fail::new(403, "Forbidden", format!("Operation {op} is not allowed on a key that is not yet valid."))
        .inner("KeyNotYetValid")
}

/// R-ERR-28g
pub(super) fn expired(op: &str) -> Fail {
    Fail::new(403, "Forbidden", format!("Operation {op} is not allowed on an expired key.")).inner("KeyExpired")
}

pub(super) fn not_permitted(op: &str) -> Fail {
    Fail::new(403, "Forbidden", format!("Operation {op} is not permitted on this key.")).inner("KeyOperationForbidden")
}

/// R-ERR-28h
pub(super) fn purge_protected() -> Fail {
    Fail::new(
        403,
        "Forbidden",
        "Operation \"purge\" is not allowed because purge protection is enabled for this vault. Key Vault service will automatically purge it after the retention period has passed.",
    )
}

/// R-ERR-28i
pub(super) fn throttled() -> Fail {
    Fail::new(
        429,
        "Throttled",
        "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached",
    )
}

/// R-ERR-27
pub(super) fn not_found(id: &str) -> Fail {
    Fail::new(
        404,
        "KeyNotFound",
        format!(
            "A key with (name/id) {id} was not found in this key vault. If you recently deleted this key you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"
        ),
    )
}

pub(super) fn deleted_not_found(name: &str) -> Fail {
    Fail::new(404, "KeyNotFound", format!("Deleted Key not found: {name}"))
}

/// R-ERR-25, R-ERR-26
pub(crate) fn conflict(name: &str, state: Transition) -> Fail {
    let (inner, message) = match state {
        Transition::Deleted => (
            "ObjectIsDeletedButRecoverable",
            format!(
                "Key {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the key can only be recovered or purged."
            ),
        ),
        Transition::Deleting => ("ObjectIsBeingDeleted", format!("Key {name} is currently being deleted.")),
        Transition::Recovering => ("ObjectIsBeingRecovered", format!("Key {name} is currently being recovered.")),
    };
    Fail::new(409, "Conflict", message).inner(inner)
}

/// R-ERR-28k
pub(super) fn bad(message: impl Into<String>) -> Fail {
    Fail::new(400, "BadParameter", message)
}

pub(super) fn no_route() -> Fail {
    Fail::new(404, "NotFound", "The requested resource was not found.")
}

/// R-CMK-29: there is no delete of one version.
pub(super) fn no_method() -> Fail {
    Fail::new(405, "MethodNotAllowed", "The requested HTTP method is not supported by this resource.")
}

/// R-KV-09; how the service says it is not known.
pub(super) fn read_only(vault: &str) -> Fail {
    Fail::new(403, "Forbidden", format!("The vault {vault} is in failover and read-only at present."))
        .inner("SimUnverified.VaultReadOnly")
}
