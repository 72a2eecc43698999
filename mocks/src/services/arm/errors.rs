use super::{ArmPath, bare_name};
use crate::{
    http::message::{Caller, Fail},
    world::World,
};
use uuid::Uuid;

pub(super) fn throttled(subscription: Uuid, wait: u64) -> Fail {
    Fail::new(
        429,
        "SubscriptionRequestsThrottled",
        format!(
            "The request for subscription '{subscription}' could not be processed due to an excessive volume of traffic. Please try again later."
        ),
    )
    .gateway()
    .header("retry-after", wait.to_string())
}

pub(super) fn no_such_path() -> Fail {
    Fail::new(404, "NotFound", "The requested path does not exist on the server.").gateway()
}

pub(super) fn no_subscription(id: &str) -> Fail {
    Fail::new(404, "SubscriptionNotFound", format!("The subscription '{id}' could not be found.")).gateway()
}

pub(super) fn unknown_namespace(ns: &str) -> Fail {
    Fail::new(404, "InvalidResourceNamespace", format!("The resource namespace '{ns}' is invalid.")).gateway()
}

pub(super) fn missing_version() -> Fail {
    Fail::new(
        400,
        "MissingApiVersionParameter",
        "The api-version query parameter (?api-version=) is required for all requests.",
    )
    .gateway()
}

/// R-ARM-34
pub(super) fn unsupported_version(asked: &str, kind: &str, known: &[&str]) -> Fail {
    Fail::new(
        400,
        "NoRegisteredProviderFound",
        format!(
            "No registered resource provider found for API version '{asked}' for type '{kind}'. The supported api-versions are '{}'.",
            known.join(", ")
        ),
    )
    .gateway()
}

impl ArmPath {
    pub(crate) fn no_such_type(&self, _world: &World) -> Fail {
        Fail::new(
            404,
            "InvalidResourceType",
            format!(
                "The resource type '{}' could not be found in the namespace '{}', or does not support this method.",
                self.types(),
                self.provider.as_deref().unwrap_or("Microsoft.Resources")
            ),
        )
        .gateway()
    }
}

/// R-ERR-30
pub(crate) fn authorization_failed(who: &Caller, action: &str, scope: &str) -> Fail {
    Fail::new(
        403,
        "AuthorizationFailed",
        format!(
            "The client '{}' with object id '{}' does not have authorization to perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
            who.client_id, who.object_id
        ),
    )
    .gateway()
}

/// R-ERR-31
pub(crate) fn linked_authorization_failed(
    who: &Caller,
    action: &str,
    scope: &str,
    needed: &str,
    linked: &[String],
) -> Fail {
    Fail::new(
        403,
        "LinkedAuthorizationFailed",
        format!(
            "The client '{}' with object id '{}' has permission to perform action '{action}' on scope '{scope}'; however, it does not have permission to perform action '{needed}' on the linked scope(s) '{}' or the linked scope(s) are invalid.",
            who.client_id,
            who.object_id,
            linked.join(",")
        ),
    )
    .gateway()
}

/// What the gateway says of a resource that names an identity which is not there.
pub(crate) fn missing_identity(resource: &str, identity: &str) -> Fail {
    Fail::new(
        400,
        "FailedIdentityOperation",
        format!(
            "Identity operation for resource '{resource}' failed with error 'Failed to perform resource identity operation. Status: 'BadRequest'. Response: '{{\"error\":{{\"code\":\"BadRequest\",\"message\":\"Resource '{identity}' was not found.\"}}}}'.'."
        ),
    )
    .gateway()
}

/// R-ERR-38
pub(super) fn not_registered(ns: &str) -> Fail {
    Fail::new(
        409,
        "MissingSubscriptionRegistration",
        format!(
            "The subscription is not registered to use namespace '{ns}'. See https://aka.ms/rps-not-found for how to register subscriptions."
        ),
    )
    .gateway()
}

/// R-ERR-35
pub(super) fn locked(scope: &str, locks: &[String], delete: bool) -> Fail {
    let verb = if delete { "delete" } else { "write" };
    Fail::new(
        409,
        "ScopeLocked",
        format!(
            "The scope '{scope}' cannot perform {verb} operation because following scope(s) are locked: '{}'. Please remove the lock and try again.",
            locks.join("','")
        ),
    )
    .gateway()
}

/// R-ERR-40
pub(crate) fn resource_not_found(path: &ArmPath) -> Fail {
    let resource = format!("{}/{}", path.provider.as_deref().unwrap_or_default(), path.parts.join("/"));
    let group = path.group_name();
    Fail::new(
        404,
        "ResourceNotFound",
        format!(
            "The Resource '{resource}' under resource group '{group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix"
        ),
    )
    .gateway()
}

pub(crate) fn group_not_found(group: &str) -> Fail {
    let group = bare_name(group);
    Fail::new(404, "ResourceGroupNotFound", format!("Resource group '{group}' could not be found.")).gateway()
}

/// R-ERR-41; the text is not known.
pub(crate) fn another_operation(id: &str) -> Fail {
    Fail::new(
        409,
        "AnotherOperationInProgress",
        format!("Another operation is in progress on the resource '{id}'. Please retry later."),
    )
}

pub(crate) fn bad_name(kind: &str, name: &str) -> Fail {
    Fail::new(400, "InvalidResourceName", format!("The name '{name}' is not valid for a resource of type '{kind}'."))
}
