use crate::http::message::Fail;

/// The text is that of Graph.
pub(super) fn denied() -> Fail {
    Fail::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
}

pub(super) fn not_found(id: &str) -> Fail {
    let text =
        format!("Resource '{id}' does not exist or one of its queried reference-property objects are not present.");
    Fail::new(404, "Request_ResourceNotFound", text)
}

pub(super) fn bad_filter(filter: &str) -> Fail {
    Fail::new(400, "Request_UnsupportedQuery", format!("Unsupported or invalid query filter clause: '{filter}'."))
}

pub(super) fn bad_request(message: &str) -> Fail {
    Fail::new(400, "Request_BadRequest", message)
}

/// Applications have no `me`.
pub(super) fn only_delegated() -> Fail {
    Fail::new(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
}

pub(super) fn no_such_path(segment: &str) -> Fail {
    Fail::new(400, "BadRequest", format!("Resource not found for the segment '{segment}'."))
}

pub(super) fn bad_token(message: &str) -> Fail {
    Fail::new(401, "InvalidAuthenticationToken", message)
}
