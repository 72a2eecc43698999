//! Rows of vaults, out of their audit (R-KV-17, R-FL-04).

use super::{
    kql::{Cell, Kind},
    settings::Stream,
    tables::{Entry, Named},
};
use crate::{services::key_audit::AuditEntry, world::World};
use serde_json::{Value, json};

/// `AZKVAuditLogs`
pub(super) const DEDICATED: &[(&str, Kind)] = &[
    ("OperationName", Kind::Text),
    ("OperationVersion", Kind::Text),
    ("ResultType", Kind::Text),
    ("ResultSignature", Kind::Text),
    ("ResultDescription", Kind::Text),
    ("HttpStatusCode", Kind::Int),
    ("CallerIpAddress", Kind::Text),
    ("CorrelationId", Kind::Text),
    ("DurationMs", Kind::Int),
    ("Identity", Kind::Dynamic),
    ("Id", Kind::Text),
    ("RequestUri", Kind::Text),
    ("ClientInfo", Kind::Text),
    ("IsAddressAuthorized", Kind::Bool),
    ("TrustedService", Kind::Text),
    ("Properties", Kind::Dynamic),
];

/// `AzureDiagnostics`, as far as vaults fill it.
pub(super) const SHARED: &[(&str, Kind)] = &[
    ("ResourceId", Kind::Text),
    ("Category", Kind::Text),
    ("ResourceGroup", Kind::Text),
    ("SubscriptionId", Kind::Text),
    ("ResourceProvider", Kind::Text),
    ("Resource", Kind::Text),
    ("ResourceType", Kind::Text),
    ("OperationName", Kind::Text),
    ("OperationVersion", Kind::Text),
    ("ResultType", Kind::Text),
    ("ResultSignature", Kind::Text),
    ("ResultDescription", Kind::Text),
    ("CorrelationId", Kind::Text),
    ("DurationMs", Kind::Long),
    ("CallerIPAddress", Kind::Text),
    ("httpStatusCode_d", Kind::Real),
    ("id_s", Kind::Text),
    ("requestUri_s", Kind::Text),
    ("clientInfo_s", Kind::Text),
    ("isAddressAuthorized_b", Kind::Bool),
    ("trustedService_s", Kind::Text),
    ("identity_claim_appid_g", Kind::Text),
    ("identity_claim_oid_g", Kind::Text),
    ("identity_claim_http_schemas_microsoft_com_identity_claims_objectidentifier_g", Kind::Text),
    ("identity_claim_xms_mirid_s", Kind::Text),
];

pub(super) fn dedicated(world: &World, workspace: &str) -> Vec<Entry> {
    sent(world, workspace, true)
        .map(|(stream, e)| {
            let identity = identity(world, e);
            let row = vec![
                ("OperationName", Cell::from(e.operation_name.as_str())),
                ("ResultType", Cell::from(result_type(e))),
                ("ResultSignature", Cell::from(e.result_signature.as_str())),
                ("ResultDescription", Cell::from(description(e))),
                ("HttpStatusCode", Cell::Long(e.http_status.into())),
                ("CallerIpAddress", Cell::from(e.caller_ip.as_str())),
                ("Identity", Cell::Dynamic(identity)),
                ("Id", Cell::from(e.request_uri.as_str())),
                ("RequestUri", Cell::from(e.request_uri.as_str())),
                ("IsAddressAuthorized", Cell::Bool(!kept_out(e))),
                ("TrustedService", Cell::from(trusted(e))),
                (
                    "Properties",
                    Cell::Dynamic(json!({
                        "id": e.request_uri,
                        "requestUri": e.request_uri,
                        "httpStatusCode": e.http_status,
                    })),
                ),
            ];
            entry(stream, e, row)
        })
        .collect()
}

pub(super) fn shared(world: &World, workspace: &str) -> Vec<Entry> {
    sent(world, workspace, false)
        .map(|(stream, e)| {
            let identity = identity(world, e);
            let claim = |name: &str| {
                let found = identity.pointer(&format!("/claim/{name}")).and_then(Value::as_str);
                Cell::from(found.unwrap_or_default())
            };
            let parts: Vec<&str> = stream.scope.split('/').collect();
            let part = |i: usize| parts.get(i).copied().unwrap_or_default();
            let row = vec![
                ("ResourceId", Cell::from(stream.scope.to_uppercase())),
                ("Category", Cell::from("AuditEvent")),
                ("ResourceGroup", Cell::from(part(4).to_uppercase())),
                ("SubscriptionId", Cell::from(part(2))),
                ("ResourceProvider", Cell::from("MICROSOFT.KEYVAULT")),
                ("Resource", Cell::from(part(8).to_uppercase())),
                ("ResourceType", Cell::from("VAULTS")),
                ("OperationName", Cell::from(e.operation_name.as_str())),
                ("ResultType", Cell::from(result_type(e))),
                ("ResultSignature", Cell::from(e.result_signature.as_str())),
                ("ResultDescription", Cell::from(description(e))),
                ("CallerIPAddress", Cell::from(e.caller_ip.as_str())),
                ("httpStatusCode_d", Cell::Real(e.http_status.into())),
                ("id_s", Cell::from(e.request_uri.as_str())),
                ("requestUri_s", Cell::from(e.request_uri.as_str())),
                ("isAddressAuthorized_b", Cell::Bool(!kept_out(e))),
                ("trustedService_s", Cell::from(trusted(e))),
                ("identity_claim_appid_g", claim("appid")),
                ("identity_claim_oid_g", claim("oid")),
                ("identity_claim_http_schemas_microsoft_com_identity_claims_objectidentifier_g", claim("oid")),
                ("identity_claim_xms_mirid_s", claim("xms_mirid")),
            ];
            entry(stream, e, row)
        })
        .collect()
}

fn entry(stream: &Stream, e: &AuditEntry, row: Named) -> Entry {
    Entry { at: e.time, visible_at: e.visible_at, resource: stream.scope.clone(), row }
}

/// What settings send to the workspace. A vault's name is its own everywhere, so that the audit knows it by that.
fn sent<'a>(
    world: &'a World,
    workspace: &'a str,
    dedicated: bool,
) -> impl Iterator<Item = (&'a Stream, &'a AuditEntry)> {
    let mine = move |s: &&Stream| s.dedicated == dedicated && s.workspace.eq_ignore_ascii_case(workspace);
    let streams: Vec<&Stream> = world.monitor.settings.streams.iter().filter(mine).collect();
    world.audit.iter().filter_map(move |e| {
        let of = |s: &&Stream| s.scope.rsplit('/').next().is_some_and(|name| name.eq_ignore_ascii_case(&e.vault));
        streams.iter().copied().find(|s| of(s) && s.carries("AuditEvent", e.time)).map(|s| (s, e))
    })
}

/// ASSUMED: the words; the reference says only that it is the result.
fn result_type(e: &AuditEntry) -> &'static str {
    if e.http_status < 400 { "Success" } else { "Failed" }
}

/// The claims of the token: a managed identity's names its resource.
fn identity(world: &World, e: &AuditEntry) -> Value {
    let mut claim = json!({});
    if let (Some(oid), Some(o)) = (e.caller, claim.as_object_mut()) {
        o.insert("oid".into(), json!(oid));
        o.insert("appid".into(), json!(e.caller_app));
        if let Some(resource) = world.resource_of_identity(oid) {
            o.insert("xms_mirid".into(), json!(resource));
        }
        o.insert("idtyp".into(), json!("app"));
    }
    json!({"claim": claim})
}

fn kept_out(e: &AuditEntry) -> bool {
    let by = ["Firewall", "Perimeter", "ForbiddenByFirewall", "ForbiddenByConnection", "SimUnverified.ForbiddenByNsp"];
    e.cause.as_deref().is_some_and(|c| by.contains(&c))
}

/// Registries get past firewalls as a trusted service.
fn trusted(e: &AuditEntry) -> &'static str {
    if e.caller_ip == crate::services::key_access::ACR_IP && !kept_out(e) { "ContainerRegistry" } else { "" }
}

/// What the service says of a refusal (R-ERR-01, R-ERR-28a to R-ERR-28g); that the log has the first line of it only
/// is ASSUMED, but for the firewall's.
fn description(e: &AuditEntry) -> String {
    let op = match e.operation_name.as_str() {
        "KeyWrap" => "wrapKey",
        "KeyUnwrap" => "unwrapKey",
        "KeyEncrypt" => "encrypt",
        "KeyDecrypt" => "decrypt",
        _ => "get",
    };
    match e.cause.as_deref().unwrap_or_default() {
        "" => String::new(),
        "Firewall" | "ForbiddenByFirewall" => {
            "Client address is not authorized and caller is not a trusted service".into()
        }
        "ForbiddenByConnection" => {
            "Public network access is disabled and request is not from a trusted service nor via an approved private link."
                .into()
        }
        "Perimeter" | "SimUnverified.ForbiddenByNsp" => "Request was denied by the network security perimeter.".into(),
        "NoRole" | "ForbiddenByRbac" => "Caller is not authorized to perform action on resource.".into(),
        "NoPolicy" | "ForbiddenByPolicy" => {
            format!("The user, group or application does not have keys {op} permission on key vault '{}'.", e.vault)
        }
        "AccessDenied" => "Access denied. Caller was not found on any access policy.".into(),
        "VersionDisabled" | "KeyDisabled" => format!("Operation {op} is not allowed on a disabled key."),
        "NotYetValid" | "KeyNotYetValid" => format!("Operation {op} is not allowed on a key that is not yet valid."),
        "Expired" | "KeyExpired" => format!("Operation {op} is not allowed on an expired key."),
        "OperationNotPermitted" | "KeyOperationNotPermitted" => format!("Operation {op} is not permitted on this key."),
        _ if e.http_status == 404 => "A key was not found in this key vault.".into(),
        _ => e.result_signature.clone(),
    }
}
