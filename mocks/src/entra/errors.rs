use crate::wire::Reply;
use serde_json::json;

fn oauth(status: u16, error: &str, number: u32, text: &str) -> Reply {
    Reply::json(
        status,
        json!({
            "error": error,
            "error_description": format!("AADSTS{number}: {text}"),
            "error_codes": [number],
        }),
    )
}

pub(super) fn unknown_tenant(tenant: &str) -> Reply {
    oauth(400, "invalid_request", 90002, &format!("Tenant '{tenant}' not found."))
}

pub(super) fn unknown_client(client: &str, tenant: &str) -> Reply {
    oauth(
        400,
        "unauthorized_client",
        700016,
        &format!("Application with identifier '{client}' was not found in the directory '{tenant}'."),
    )
}

pub(super) fn bad_secret(client: &str) -> Reply {
    oauth(401, "invalid_client", 7000215, &format!("Invalid client secret provided for app '{client}'."))
}

pub(super) fn no_secret() -> Reply {
    oauth(
        401,
        "invalid_client",
        7000218,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    )
}

pub(super) fn bad_scope(scope: &str) -> Reply {
    oauth(400, "invalid_scope", 1002012, &format!("The provided value for scope {scope} is not valid."))
}

pub(super) fn bad_grant(grant: &str) -> Reply {
    oauth(400, "unsupported_grant_type", 70003, &format!("The app requested an unsupported grant type '{grant}'."))
}

pub(super) fn metadata(error: &str, text: &str) -> Reply {
    Reply::json(400, json!({"error": error, "error_description": text}))
}
