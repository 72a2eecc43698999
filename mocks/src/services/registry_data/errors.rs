//! Refusals of the data plane. Their body is a list: `{"errors": [{code, message, detail}]}`.

use crate::http::message::{Fail, Reply};
use serde_json::{Value, json};

/// A refusal as the data plane words it.
pub(super) fn reply(fail: Fail) -> Reply {
    let detail = fail.more.and_then(|m| m.get("detail").cloned());
    let mut error = json!({"code": fail.code, "message": fail.message});
    if let (Some(detail), Some(o)) = (detail, error.as_object_mut()) {
        o.insert("detail".into(), detail);
    }
    Reply { headers: fail.headers, ..Reply::json(fail.status, json!({"errors": [error]})) }
}

/// R-DP-01: the newer of the two messages.
pub(super) fn unauthorized() -> Fail {
    let more = "visit https://aka.ms/acr/authorization for more information.";
    Fail::new(401, "UNAUTHORIZED", format!("authentication required, {more}"))
}

/// R-DP-25: a service principal that the tenant does not know.
pub(super) fn unknown_application() -> Fail {
    Fail::new(401, "UNAUTHORIZED", "Application not registered with AAD.")
}

/// R-DP-02; the text is not known.
pub(super) fn no_role() -> Fail {
    Fail::new(403, "DENIED", "requested access to the resource is denied")
}

/// R-DP-20
pub(super) fn address(ip: &str) -> Fail {
    let text =
        format!("client with IP '{ip}' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.");
    Fail::new(403, "DENIED", text)
}

/// R-ERR-02, R-ERR-04; the code is assumed.
pub(super) fn key(text: &str) -> Fail {
    Fail::new(403, "DENIED", text)
}

/// R-DP-26; the code is known from users' reports.
pub(super) fn disallowed() -> Fail {
    let more = "View troubleshooting steps at https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation";
    let text = format!("The operation is disallowed on this Azure Container Registry, repository or image. {more}");
    Fail::new(405, "REGISTRY_DISALLOWED_OPERATION", text).with("detail", json!({}))
}

/// R-DP-09
pub(super) fn throttled(wait: i64) -> Fail {
    Fail::new(429, "TOOMANYREQUESTS", "too many requests").header("retry-after", wait.to_string())
}

pub(super) fn unsupported(what: &str) -> Fail {
    Fail::new(400, "UNSUPPORTED", format!("The operation is unsupported: {what}"))
}

pub(super) fn no_such_endpoint() -> Fail {
    Fail::new(404, "NOT_FOUND", "page not found")
}

pub(super) fn name_unknown(name: &str) -> Fail {
    Fail::new(404, "NAME_UNKNOWN", "repository name not known to registry").with("detail", json!({"name": name}))
}

pub(super) fn name_invalid(name: &str) -> Fail {
    Fail::new(400, "NAME_INVALID", "invalid repository name").with("detail", json!({"name": name}))
}

/// Recorded.
pub(super) fn tag_unknown() -> Fail {
    Fail::new(404, "TAG_UNKNOWN", "the specified tag does not exist")
}

pub(super) fn manifest_unknown(name: &str, reference: &str) -> Fail {
    let text = format!("manifest tagged by \"{reference}\" is not found");
    Fail::new(404, "MANIFEST_UNKNOWN", text).with("detail", json!({"Name": name, "Tag": reference}))
}

pub(super) fn manifest_invalid(why: &str) -> Fail {
    Fail::new(400, "MANIFEST_INVALID", format!("manifest invalid: {why}"))
}

pub(super) fn manifest_blob_unknown(digest: &str) -> Fail {
    Fail::new(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry").with("detail", json!({"Digest": digest}))
}

pub(super) fn blob_unknown(digest: &str) -> Fail {
    Fail::new(404, "BLOB_UNKNOWN", "blob unknown to registry").with("detail", json!({"digest": digest}))
}

pub(super) fn upload_unknown() -> Fail {
    Fail::new(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
}

pub(super) fn digest_invalid() -> Fail {
    Fail::new(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
}

pub(super) fn too_large(most: usize) -> Fail {
    Fail::new(413, "SIZE_INVALID", format!("the simulator keeps no more than {most} bytes of a blob"))
}

/// What a storage account says of an address whose signature is wrong or too old.
pub(super) fn storage_refused() -> Reply {
    let xml = "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.</Message></Error>";
    Reply::raw(403, "application/xml", xml.into())
}

/// The scopes that would do, as the body of a challenge names them.
pub(super) fn detail(needs: &[super::scope::Scope]) -> Value {
    needs
        .iter()
        .flat_map(|s| s.rights.iter().map(|r| json!({"Type": s.kind, "Name": s.name, "Action": r.word()})))
        .collect()
}
