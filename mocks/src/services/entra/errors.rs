use crate::http::message::Reply;
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
    oauth(
        401,
        "invalid_client",
        7000215,
        &format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client}'."
        ),
    )
}

pub(super) fn expired_secret(client: &str) -> Reply {
    oauth(
        401,
        "invalid_client",
        7000222,
        &format!(
            "The provided client secret keys for app '{client}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds."
        ),
    )
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
