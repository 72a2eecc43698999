//! Error answers of all services, whole and broken, and what they mean.

use std::time::Duration;

use cmk::azure::{
    ServiceError,
    error::{Detail, FirewallKind, scrub},
};
use proptest::prelude::*;
use time::{OffsetDateTime, macros::datetime};

const NOW: OffsetDateTime = datetime!(2026-11-22 12:00:00 UTC);
const GUID: &str = "01234567-89ab-cdef-0123-456789abcdef";

fn with_headers(status: u16, headers: &[(&str, &str)], body: &[u8]) -> ServiceError {
    let look_up = |name: &str| {
        let found = headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| (*value).to_owned())
    };
    let error = ServiceError::parse(status, look_up, body, NOW);
    let json = serde_json::to_string(&error).unwrap();
    assert_eq!(serde_json::from_str::<ServiceError>(&json).unwrap(), error);
    let line = error.to_string();
    assert!(!line.chars().any(char::is_control), "more than one line: {line:?}");
    error
}

fn parse(status: u16, body: impl AsRef<[u8]>) -> ServiceError {
    with_headers(status, &[], body.as_ref())
}

fn arm(status: u16, code: &str, message: &str) -> ServiceError {
    parse(status, serde_json::json!({ "error": { "code": code, "message": message } }).to_string())
}

fn vault(status: u16, code: &str, inner: &str, message: &str) -> ServiceError {
    let error = serde_json::json!({ "code": code, "message": message, "innererror": { "code": inner } });
    parse(status, serde_json::json!({ "error": error }).to_string())
}

// --- shapes ---------------------------------------------------------------------------------------------------------

#[test]
fn r_arm_14_the_envelope_is_read_with_details_and_inner_errors() {
    let body = r#"{"error":{"code":"DeploymentFailed","message":"At least one operation failed.","target":"/subscriptions/x",
        "details":[{"code":"Conflict","message":"{\"error\":{\"code\":\"AlreadyInUse\",\"message\":\"taken\"}}"},
                   {"code":"BadRequest","message":"b","details":[{"code":"Deep","message":"d","target":"t"}]}],
        "additionalInfo":[{"type":"x","info":{}}]}}"#;
    let error = with_headers(
        409,
        &[("X-MS-Request-Id", "req-1"), ("x-ms-correlation-request-id", "corr-1"), ("Retry-After", "7")],
        body.as_bytes(),
    );
    assert_eq!((error.status, error.code.as_str()), (409, "DeploymentFailed"));
    assert_eq!(error.target.as_deref(), Some("/subscriptions/x"));
    assert_eq!(error.request_id.as_deref(), Some("req-1"));
    assert_eq!(error.correlation_id.as_deref(), Some("corr-1"));
    assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(error.inner_code.as_deref(), Some("AlreadyInUse"));
    for code in ["deploymentfailed", "Conflict", "ALREADYINUSE", "BadRequest", "deep"] {
        assert!(error.has_code(code), "{code}: {error:?}");
    }
    assert!(!error.has_code("") && !error.has_code("Deploy"));
    assert!(error.registry_name_taken());
}

#[test]
fn r_arm_14_the_innermost_inner_error_is_found() {
    let body = r#"{"error":{"code":"Forbidden","message":"m","innererror":{"code":"A","innererror":{"code":"B","innererror":{"code":"C","innererror":null}}}}}"#;
    let error = parse(403, body);
    assert_eq!(error.inner_code.as_deref(), Some("C"));
    assert!(["A", "B", "C"].iter().all(|code| error.has_code(code)));
}

#[test]
fn codes_and_messages_are_found_in_every_shape() {
    for (body, code, message) in [
        (r#"{"error":{"code":"X","message":"m"}}"#, "X", "m"),
        (r#"{"code":"X","message":"m"}"#, "X", "m"),
        (r#"{"Code":"X","Message":"m"}"#, "X", "m"),
        (r#"{"Error":{"Code":"X","Message":"m"}}"#, "X", "m"),
        (r#"{"odata.error":{"code":"X","message":{"lang":"en-US","value":"m"}}}"#, "X", "m"),
        (r#"[{"error":{"code":"X","message":"m"}}]"#, "X", "m"),
        (r#"{"errors":[{"code":"X","message":"m","detail":[{"Type":"repository"}]}]}"#, "X", "m"),
        (r#"{"errors":[]}"#, "", ""),
        (r#"{"status":"Failed","error":{"code":"X","message":"m"}}"#, "X", "m"),
        (r#"{"status":"Failed","properties":{"error":{"code":"X","message":"m"}}}"#, "X", "m"),
        (r#"{"status":"Failed"}"#, "Failed", ""),
        (r#"{"status":"Canceled","error":null}"#, "Canceled", ""),
        (r#"{"error":{"code":"X","message":"m","details":null,"innererror":null,"target":null}}"#, "X", "m"),
        (r#"{"error":{"code":404,"message":12}}"#, "404", "12"),
        (r#"{"error":{"code":null,"message":["m"]}}"#, "", ""),
        (r#"{"error":{"code":{"a":1},"message":"m","details":"none","innererror":[1]}}"#, "", "m"),
        (r#"{"error":{"code":"X","message":"m","details":{"code":"Y"}}}"#, "X", "m"),
        (r#"{"error":7}"#, "", ""),
        (r#"{"error":"Something went wrong here"}"#, "", "Something went wrong here"),
        (r#""only text""#, "", "only text"),
        ("null", "", ""),
        ("17", "", ""),
        ("{}", "", ""),
        ("[]", "", ""),
        ("", "", ""),
        (" \r\n", "", ""),
        ("\u{feff}{\"code\":\"X\",\"message\":\"m\"}", "X", "m"),
        ("upstream connect error", "", "upstream connect error"),
        ("<html><head><title>\r\n502 Bad Gateway\r\n</title></head><body>nginx</body></html>", "", "502 Bad Gateway"),
        ("<HTML><TITLE lang='en'>Service unavailable</TITLE>", "", "Service unavailable"),
        (
            "<!DOCTYPE html><h1>Our services aren't available right now</h1>",
            "",
            "Our services aren't available right now",
        ),
        ("<html></html>", "", "the answer is a page, not an error"),
        ("<?xml version=\"1.0\"?><Error><Code>X</Code><Message>m</Message></Error>", "X", "m"),
    ] {
        let error = parse(500, body);
        assert_eq!((error.code.as_str(), error.message.as_str()), (code, message), "{body}");
    }
}

#[test]
fn line_breaks_and_quotes_in_messages_are_kept_and_printed_on_one_line() {
    let body = r#"{"error":{"code":"Forbidden","message":"Caller is not \"authorized\".\r\nCaller: appid=x\r\n","innererror":{"code":"ForbiddenByRbac"}}}"#;
    let error = parse(403, body);
    assert_eq!(error.message, "Caller is not \"authorized\".\r\nCaller: appid=x");
    assert_eq!(error.to_string(), "403 Forbidden/ForbiddenByRbac: Caller is not \"authorized\". Caller: appid=x");
}

#[test]
fn entra_errors_have_the_aadsts_number_as_their_code() {
    let body = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.\r\nTrace ID: t\r\nCorrelation ID: c","error_codes":[7000215],"trace_id":"trace-1","correlation_id":"corr-1","error_uri":"https://x"}"#;
    let error = parse(401, body);
    assert_eq!((error.code.as_str(), error.inner_code.as_deref()), ("AADSTS7000215", Some("invalid_client")));
    assert_eq!((error.request_id.as_deref(), error.correlation_id.as_deref()), (Some("trace-1"), Some("corr-1")));
    assert!(error.message.starts_with("AADSTS7000215: Invalid") && error.has_code("invalid_client"));

    let error = parse(400, r#"{"error":"invalid_grant","error_codes":[50173]}"#);
    assert_eq!((error.code.as_str(), error.message.as_str()), ("AADSTS50173", "invalid_grant"));
    let error = parse(400, r#"{"error":"invalid_request","error_description":"Identity not found"}"#);
    assert_eq!((error.code.as_str(), error.inner_code.as_deref()), ("invalid_request", None));
    assert_eq!(error.message, "Identity not found");
}

#[test]
fn r_dp_01_registry_errors_are_read() {
    let body = r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required, visit https://aka.ms/acr/authorization for more information.","detail":[{"Type":"repository","Name":"a","Action":"pull"}]},{"code":"DENIED","message":"d"}]}"#;
    let error = parse(401, body);
    assert_eq!(error.code, "UNAUTHORIZED");
    assert!(error.has_code("denied") && error.message.starts_with("authentication required"));
}

#[test]
fn the_error_code_header_stands_in_for_a_missing_body() {
    let error = with_headers(404, &[("x-ms-error-code", "ResourceNotFound")], b"");
    assert_eq!(error.code, "ResourceNotFound");
    assert_eq!(parse(404, "").to_string(), "404 without a code");
}

#[test]
fn cut_off_bodies_still_tell_their_code() {
    let whole = r#"{"error":{"code":"Forbidden","message":"Client \"address\" is \u00e9 not\r\nauthorized","innererror":{"code":"ForbiddenByFirewall"}}}"#;
    for length in 0..whole.len() {
        let error = parse(403, &whole.as_bytes()[..length]);
        if length > whole.find("\",\"message").unwrap() {
            assert_eq!(error.code, "Forbidden", "cut at {length}");
        }
        if length > whole.find(" not").unwrap() {
            assert!(error.message.starts_with("Client \"address\" is \u{e9}"), "cut at {length}: {error:?}");
        }
        if length + 4 > whole.len() {
            assert!(error.firewall_refusal().is_some(), "cut at {length}");
        }
    }
    let error = parse(500, "{\"error\":{\"code\":\"X\",\"message\":\"raw\nline\"}}");
    assert_eq!((error.code.as_str(), error.message.as_str()), ("X", "raw\nline"));
}

#[test]
fn bytes_that_are_no_text_are_read_all_the_same() {
    let error = parse(500, b"{\"error\":{\"code\":\"X\",\"message\":\"caf\xe9\"}}");
    assert_eq!((error.code.as_str(), error.message.as_str()), ("X", "caf\u{fffd}"));
    let gzip = parse(502, [0x1f, 0x8b, 0x08, 0x00, 0xff, 0xfe]);
    assert!(gzip.code.is_empty());
}

#[test]
fn sizes_are_limited() {
    let long = "x".repeat(3_000_000);
    let error = arm(400, &long, &long);
    assert!(error.code.len() <= 131 && error.message.len() <= 8192);
    assert!(error.to_string().len() < 2500);
    let many = serde_json::json!({ "error": { "code": "A", "message": "m",
        "details": vec![serde_json::json!({ "code": "B", "message": "n" }); 500] } });
    assert!(parse(400, many.to_string()).details.len() <= 24);
    let deep = format!("{}{}", "{\"error\":{\"code\":\"A\",\"details\":[".repeat(20_000), "]}}".repeat(20_000));
    assert_eq!(parse(400, deep).code, "A");
    let mut nested = serde_json::json!({ "code": "leaf", "message": "m" });
    for n in 0..40 {
        nested = serde_json::json!({ "code": format!("c{n}"), "message": "m", "details": [nested.clone()], "innererror": nested });
        if n > 4 {
            nested["innererror"] = serde_json::Value::Null;
        }
    }
    assert_eq!(parse(400, serde_json::json!({ "error": nested }).to_string()).code, "c39");
}

#[test]
fn r_arm_02_retry_after_is_read_in_every_form() {
    for (headers, wait) in [
        (vec![("Retry-After", "17")], Some(17_000)),
        (vec![("retry-after", " 0 ")], Some(0)),
        (vec![("Retry-After", "Sun, 22 Nov 2026 12:00:30 GMT")], Some(30_000)),
        (vec![("Retry-After", "Sun, 22 Nov 2026 11:00:00 GMT")], Some(0)),
        (vec![("Retry-After", "3600")], Some(3_600_000)),
        (vec![("retry-after-ms", "250"), ("Retry-After", "17")], Some(250)),
        (vec![("x-ms-retry-after-ms", "2500"), ("retry-after-ms", "250")], Some(2500)),
        (vec![("x-ms-retry-after-ms", "soon"), ("Retry-After", "17")], Some(17_000)),
        (vec![("Retry-After", "-5")], None),
        (vec![("Retry-After", "1.5")], None),
        (vec![("Retry-After", "tomorrow")], None),
        (vec![("Retry-After", "99999999999999999999999")], Some(365 * 86_400_000)),
        (vec![("Retry-After", "")], None),
        (vec![], None),
    ] {
        let error = with_headers(429, &headers, b"{}");
        assert_eq!(error.retry_after, wait.map(Duration::from_millis), "{headers:?}");
    }
    // However long the wait, it can be added to a time.
    let wait = with_headers(429, &[("Retry-After", "18446744073709551615")], b"").retry_after.unwrap();
    assert!(NOW.checked_add(wait.try_into().unwrap()).is_some());
}

// --- secrets --------------------------------------------------------------------------------------------------------

#[test]
fn secrets_are_taken_out_of_texts() {
    let jwt = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL3ZhdWx0In0.c2lnbmF0dXJl_-Q";
    for text in [
        "https://x.blob.core.windows.net/c?sv=1&sig=CANARY%2F1%3D&se=2".to_owned(),
        "SIG=CANARY end".into(),
        "https://management.azure.com/op?api-version=1&t=CANARY&c=CANARY&s=CANARY&h=CANARY".into(),
        "?t=CANARY".into(),
        "a=1&amp;s=CANARY&amp;h=CANARY".into(),
        "url=https%3A%2F%2Fx%2Fop%3Fsig%3DCANARY%26h%3DCANARY%26x%3D1".into(),
        "Authorization: Bearer CANARY".into(),
        "authorization: bearer  CANARY.x-_~+/==".into(),
        "Authorization=Bearer%20CANARY".into(),
        jwt.replace("c2lnbmF0dXJl", "CANARY"),
        format!("token '{}' is expired", jwt.replace("c2lnbmF0dXJl", "CANARY")),
        format!("xms{}", &" eyJCANARY0eXAiOiJKV1QiLCJhbGciO"),
        "grant_type=client_credentials&client_secret=CANARY~x&scope=y".into(),
        r#"{"client_secret":"CANARY with spaces","a":1}"#.into(),
        r#"{\"client_secret\": \"CANARY\"}"#.into(),
        "client_secret: CANARY".into(),
        "'client_secret': 'CANARY it is'".into(),
        r#"{"access_token" : "CANARY","refresh_token":"CANARY"}"#.into(),
        "client_assertion=CANARY".into(),
        "password=CANARY;".into(),
    ] {
        let clean = scrub(&text);
        assert!(!clean.contains("CANARY"), "{text}: {clean}");
        assert!(clean.contains("***"));
        assert_eq!(scrub(&clean), clean, "scrubbing twice changes {text}");
        let error = arm(400, "X", &text);
        assert!(!format!("{error} {error:?} {}", serde_json::to_string(&error).unwrap()).contains("CANARY"), "{text}");
        let built = ServiceError { message: text.clone(), target: Some(text.clone()), ..ServiceError::default() };
        assert!(!built.to_string().contains("CANARY"), "{text}: {built}");
    }
}

#[test]
fn what_is_no_secret_stays() {
    for text in [
        "Request is missing a Bearer or PoP token.",
        "AKV10000: Request is missing a Bearer or PoP token.",
        "Bearer authorization=\"https://login.microsoftonline.com/t\", resource=\"https://vault.azure.net\"",
        "design=flat&status=s&this=h",
        "Assigned to appid=x;oid=y;iss=https://sts.windows.net/t/",
        "The secret is in the vault",
        "https://contoso.vault.azure.net/keys/k/0123456789abcdef0123456789abcdef",
        "a c=1 t:2",
        "h=1",
        "grey eyJ and beyond",
        "caf\u{e9} \u{1f512}",
    ] {
        assert_eq!(scrub(text), text);
    }
}

// --- meanings -------------------------------------------------------------------------------------------------------

#[test]
fn r_err_01_key_access_refused() {
    let key = "https://contoso.vault.azure.net/keys/cmk";
    let text = format!(
        "Failed to access KeyId '{key}'. Verify that identity '{GUID}' has 'Get, Wrap Key, Unwrap Key' permission on key '{key}'. For more information on bring your own key, please visit 'https://aka.ms/acr/cmk'."
    );
    let operation = serde_json::json!({ "status": "Failed", "error": { "code": "BadRequest", "message": text } });
    for error in [arm(400, "BadRequest", &text), arm(403, "Forbidden", &text), parse(200, operation.to_string())] {
        assert!(error.is_key_access_refused() && !error.identity_not_attached());
        assert_eq!(error.key_named().unwrap().to_string(), key);
        assert_eq!(error.identity_named().unwrap().to_string(), GUID);
    }
    let inside =
        format!(r#"{{"error":{{"code":"DeploymentFailed","details":[{{"code":"BadRequest","message":"{text}"}}]}}}}"#);
    assert!(parse(200, inside).is_key_access_refused());
    assert!(!arm(400, "BadRequest", "another thing").is_key_access_refused());
}

#[test]
fn r_err_02_03_04_06_other_refusals_of_the_registry() {
    let forbidden = r#"{"errors":[{"code":"DENIED","message":"Access to Key Encryption Key is forbidden. View troubleshooting steps at https://aka.ms/acr/cmk"}]}"#;
    assert!(parse(403, forbidden).is_key_forbidden());

    let attached = format!(
        "Azure resource '/subscriptions/{GUID}/resourcegroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso' does not have access to identity '{GUID}' Try forcibly adding the identity to the registry contoso. For more information on bring your own key, please visit 'https://aka.ms/acr/cmk'."
    );
    for text in [attached.clone(), attached.replace("Azure resource", "Resource")] {
        let error = arm(400, "BadRequest", &text);
        assert!(error.identity_not_attached() && !error.is_key_access_refused());
        assert_eq!(error.identity_named().unwrap().to_string(), GUID);
    }

    let inactive = "The identity associated with the registry is inactive. This could be due to attempted removal of the identity. Reassign the identity manually";
    assert!(arm(403, "DENIED", inactive).identity_inactive());
    let incomplete = "Invalid encryption key vault property specified for registry contoso. Property Identity and KeyIdentifier must be set when encryption is enabled. For more information on customer-managed keys, please visit 'https://aka.ms/acr/cmk'.";
    assert!(arm(400, "BadRequest", incomplete).incomplete_key());
}

#[test]
fn r_err_20_21_22_vault_names() {
    let deleted = "A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete.";
    let error = arm(409, "ConflictError", deleted);
    assert!(error.soft_deleted_vault() && !error.vault_name_taken());
    assert!(!arm(409, "ConflictError", "A conflict occurred that prevented the operation.").soft_deleted_vault());
    let taken =
        arm(409, "VaultAlreadyExists", "The vault name 'x' is already in use. Vault names are globally unique ..");
    assert!(taken.vault_name_taken() && !taken.soft_deleted_vault());
    assert!(arm(400, "SoftDeletedVaultDoesNotExist", "A soft deleted vault ..").nothing_to_recover());
}

#[test]
fn r_err_25_26_27_keys_in_and_out_of_deletion() {
    assert!(vault(409, "Conflict", "ObjectIsDeletedButRecoverable", "Key k is ..").deleted_but_recoverable());
    for inner in ["ObjectIsBeingDeleted", "ObjectIsBeingRecovered"] {
        let error = vault(409, "Conflict", inner, "Key k is currently ..");
        assert!(error.object_in_transition() && !error.deleted_but_recoverable());
    }
    assert!(arm(404, "KeyNotFound", "A key with (name/id) k was not found in this key vault.").key_not_found());
}

#[test]
fn r_err_28_vault_refusals_are_told_apart() {
    let firewall = "Client address is not authorized and caller is not a trusted service.\r\nClient address: 203.0.113.7\r\nCaller: appid=a;oid=o;iss=i\r\nVault: v;location=westeurope";
    for error in [vault(403, "Forbidden", "ForbiddenByFirewall", firewall), arm(403, "Forbidden", firewall)] {
        let refusal = error.firewall_refusal().unwrap();
        assert_eq!((refusal.kind, refusal.client), (FirewallKind::Vault, Some("203.0.113.7".parse().unwrap())));
        assert!(!error.forbidden_by_rbac() && !error.forbidden_by_policy());
    }
    let v6 = firewall.replace("203.0.113.7", "2001:db8::7");
    let refusal = vault(403, "Forbidden", "ForbiddenByFirewall", &v6).firewall_refusal().unwrap();
    assert_eq!(refusal.client, Some("2001:db8::7".parse().unwrap()));
    let refusal = vault(403, "Forbidden", "ForbiddenByFirewall", "no address").firewall_refusal().unwrap();
    assert_eq!(refusal.client, None);

    let closed = "Public network access is disabled and request is not from a trusted service nor via an approved private link.\r\nCaller: appid=a";
    let refusal = vault(403, "Forbidden", "ForbiddenByConnection", closed).firewall_refusal().unwrap();
    assert_eq!((refusal.kind, refusal.client), (FirewallKind::VaultClosed, None));

    let rbac = "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.";
    let error = vault(403, "Forbidden", "ForbiddenByRbac", rbac);
    assert!(error.forbidden_by_rbac() && !error.forbidden_by_policy() && error.firewall_refusal().is_none());

    for inner in ["AccessDenied", "ForbiddenByPolicy"] {
        let text = "The user, group or application 'appid=a;oid=o;iss=i' does not have keys wrapKey permission on key vault 'v;location=l'.";
        let error = vault(403, "Forbidden", inner, text);
        assert!(error.forbidden_by_policy() && !error.forbidden_by_rbac());
    }
    assert!(
        vault(403, "Forbidden", "KeyDisabled", "Operation wrapKey is not allowed on a disabled key.").key_disabled()
    );
}

#[test]
fn r_dp_20_the_registrys_firewall_names_the_address() {
    let body = r#"{"errors":[{"code":"DENIED","message":"client with IP '203.0.113.9' is not allowed access. Refer https://aka.ms/acr/firewall to grant access."}]}"#;
    let refusal = parse(403, body).firewall_refusal().unwrap();
    assert_eq!((refusal.kind, refusal.client), (FirewallKind::Registry, Some("203.0.113.9".parse().unwrap())));
}

#[test]
fn r_err_30_to_41_arm_errors_are_told_apart() {
    assert!(arm(403, "AuthorizationFailed", "The client ..").authorization_failed());
    let linked = arm(403, "LinkedAuthorizationFailed", "The client ..");
    assert!(linked.linked_authorization_failed() && !linked.authorization_failed());
    assert!(arm(409, "RoleAssignmentExists", "The role assignment already exists.").role_assignment_exists());
    assert!(arm(400, "PrincipalNotFound", "Principal x does not exist in the directory y.").principal_not_found());
    assert!(arm(400, "RoleAssignmentUpdateNotPermitted", "Tenant ID, ..").role_assignment_update_not_permitted());

    let lock = "The scope '/subscriptions/s' cannot perform write operation because following scope(s) are locked: '/subscriptions/s/resourceGroups/rg'. Please remove the lock and try again.";
    assert_eq!(arm(409, "ScopeLocked", lock).locked_scope().as_deref(), Some("/subscriptions/s/resourceGroups/rg"));
    assert_eq!(arm(409, "ScopeLocked", "?").locked_scope().as_deref(), Some(""));
    assert_eq!(arm(409, "Conflict", lock).locked_scope(), None);

    assert!(arm(409, "AlreadyInUse", "The registry DNS name x.azurecr.io is already in use.").registry_name_taken());

    let register = "The subscription is not registered to use namespace 'Microsoft.KeyVault'. See https://aka.ms/rps-not-found for how to register subscriptions.";
    let error = arm(409, "MissingSubscriptionRegistration", register);
    assert_eq!(error.missing_registration().as_deref(), Some("Microsoft.KeyVault"));
    assert_eq!(arm(409, "MissingSubscriptionRegistration", "").missing_registration().as_deref(), Some(""));

    let assignment = "/subscriptions/s/providers/Microsoft.Authorization/policyAssignments/a";
    let definition = "/providers/Microsoft.Authorization/policyDefinitions/d";
    let policy = format!(
        r#"Resource 'x' was disallowed by policy. Policy identifiers: '[{{"policyAssignment":{{"name":"n","id":"{assignment}"}},"policyDefinition":{{"name":"m","id":"{definition}"}}}}]'."#
    );
    let error = arm(403, "RequestDisallowedByPolicy", &policy);
    assert!(error.disallowed_by_policy());
    assert_eq!(error.policy_ids(), [assignment, definition]);

    for error in [
        arm(409, "AnotherOperationInProgress", ""),
        arm(429, "RetryableErrorDueToAnotherOperation", ""),
        arm(409, "Conflict", "Cannot perform this: another operation is in progress on the resource."),
    ] {
        assert!(error.another_operation());
    }
    assert!(
        !arm(409, "ConflictError", "A vault with the same name already exists in deleted state.").another_operation()
    );
    assert!(!arm(429, "TooManyRequests", "slow down").another_operation());
}

#[test]
fn an_innocent_error_means_nothing() {
    let error = arm(500, "InternalServerError", "Encountered internal server error.");
    assert!(
        !(error.is_key_access_refused()
            || error.identity_not_attached()
            || error.another_operation()
            || error.principal_not_found()
            || error.role_assignment_exists()
            || error.forbidden_by_rbac()
            || error.forbidden_by_policy()
            || error.disallowed_by_policy()
            || error.soft_deleted_vault()
            || error.vault_name_taken()
            || error.registry_name_taken())
    );
    assert_eq!((error.missing_registration(), error.locked_scope(), error.firewall_refusal()), (None, None, None));
}

// --- properties -----------------------------------------------------------------------------------------------------

fn json() -> impl Strategy<Value = serde_json::Value> {
    let name = prop_oneof![
        Just("error"),
        Just("code"),
        Just("message"),
        Just("innererror"),
        Just("details"),
        Just("target"),
        Just("errors"),
        Just("status"),
        Just("error_description"),
        Just("error_codes"),
        Just("properties"),
        Just("value"),
        Just("x"),
    ];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        ".{0,20}".prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 64, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::vec((name.clone(), inner), 0..5).prop_map(|members| {
                members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }),
        ]
    })
}

fn meanings(error: &ServiceError) {
    let _ =
        (error.key_named(), error.identity_named(), error.firewall_refusal(), error.policy_ids(), error.locked_scope());
    let _ = (error.missing_registration(), error.another_operation(), error.soft_deleted_vault());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read(status in any::<u16>(), bytes in any::<Vec<u8>>(), header in ".{0,40}") {
        meanings(&with_headers(status, &[("Retry-After", &header), ("x-ms-request-id", &header)], &bytes));
    }

    #[test]
    fn any_json_is_read_whole_or_cut(value in json(), cut in any::<prop::sample::Index>()) {
        let text = value.to_string();
        meanings(&parse(400, &text));
        meanings(&parse(400, &text.as_bytes()[..cut.index(text.len() + 1)]));
    }

    #[test]
    fn any_almost_json_is_read(text in "[{\\[<]([\"\\\\:,{}\\[\\]<>/ ]|code|message|error|title|innererror|\\\\u[0-9a-f]{0,4}|é){0,40}") {
        meanings(&parse(400, text));
    }

    #[test]
    fn what_is_written_is_read_back(code in "[A-Za-z]{1,40}", inner in "[A-Za-z]{1,40}", message in "[ -~é\r\n]{0,200}") {
        let error = vault(403, &code, &inner, &message);
        prop_assert_eq!(&error.code, &code);
        prop_assert_eq!(error.inner_code.as_deref(), Some(inner.as_str()));
        prop_assert_eq!(error.message.clone(), scrub(message.trim()));
        prop_assert!(error.has_code(&code.to_uppercase()) && error.has_code(&inner.to_lowercase()));
    }

    #[test]
    fn scrubbing_is_steady_and_finds_the_canary(text in any::<String>(), before in "[ -~]{0,20}", after in "[ -~]{0,20}") {
        let once = scrub(&text);
        prop_assert_eq!(scrub(&once), once);
        let text = format!("{before} client_secret=C4N4RY&sig=C4N4RY {after}");
        let clean = scrub(&text);
        prop_assert!(!clean.contains("C4N4RY"), "{}", clean);
        prop_assert_eq!(scrub(&clean), clean);
    }

    #[test]
    fn details_round_trip(code in ".*", message in ".*") {
        let detail = Detail { code, message, ..Detail::default() };
        let error = ServiceError { details: vec![detail], ..ServiceError::default() };
        let json = serde_json::to_string(&error).unwrap();
        prop_assert_eq!(serde_json::from_str::<ServiceError>(&json).unwrap(), error);
    }
}
