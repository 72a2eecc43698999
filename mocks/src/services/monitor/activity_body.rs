use super::activity::{Phase, Record, Status};
use crate::{
    http::{message::Object, time_format},
    world::World,
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

/// An event: `EventData` of the API's description.
pub(super) fn event(world: &World, r: &Record, p: &Phase) -> Value {
    let tenant = r.caller.tenant;
    let subscription = r.resource.split('/').nth(2).unwrap_or_default();
    let (group, provider, kind) = named(&r.resource);
    let code = p.http.map(code_name).unwrap_or_default();
    let code_text = match p.http {
        Some(status) => format!("{} (HTTP Status Code: {status})", spaced(code)),
        None => String::new(),
    };
    let status = status_name(p.status);
    let level = if p.status == Status::Failed { "Error" } else { "Informational" };
    let name =
        if p.status == Status::Started { ("BeginRequest", "Begin request") } else { ("EndRequest", "End request") };
    let same = |text: &str| json!({"value": text, "localizedValue": text});
    let mut properties = Object::new();
    if !code.is_empty() {
        properties.insert("statusCode".into(), json!(code));
    }
    if let Some(message) = &p.message {
        properties.insert("statusMessage".into(), json!(message));
    }
    for (name, value) in [
        ("eventCategory", "Administrative"),
        ("entity", r.resource.as_str()),
        ("message", r.action.as_str()),
        ("hierarchy", &format!("{tenant}/{subscription}")),
    ] {
        properties.insert(name.into(), json!(value));
    }
    let mut event = json!({
        "authorization": {"action": r.action, "scope": r.resource},
        "caller": r.shown_caller,
        "channels": "Operation",
        "claims": {
            "aud": format!("https://{}/", world.setup.cloud.arm_host()),
            "iss": r.caller.issuer,
            "appid": r.caller.client_id,
            "http://schemas.microsoft.com/identity/claims/objectidentifier": r.caller.object_id,
            "http://schemas.microsoft.com/identity/claims/tenantid": tenant,
        },
        "correlationId": r.correlation,
        "description": "",
        "eventDataId": p.id,
        "eventName": {"value": name.0, "localizedValue": name.1},
        "category": same("Administrative"),
        "eventTimestamp": time_format::zulu(p.at),
        "id": format!("{}/events/{}/ticks/{}", r.resource, p.id, ticks(p.at)),
        "level": level,
        "operationId": r.operation,
        "operationName": same(&r.action),
        "resourceGroupName": group,
        "resourceProviderName": same(provider),
        "resourceType": same(&kind),
        "resourceId": r.resource,
        "status": same(status),
        "subStatus": {"value": code, "localizedValue": code_text},
        "submissionTimestamp": time_format::zulu(p.visible_at),
        "subscriptionId": subscription,
        "tenantId": tenant,
        "properties": properties,
    });
    // The end of a long operation is no answer to a request.
    if (p.http.is_some() || p.status == Status::Started)
        && let Some(o) = event.as_object_mut()
    {
        let request = json!({
            "clientRequestId": r.client_request,
            "clientIpAddress": r.client_ip,
            "method": r.method,
        });
        o.insert("httpRequest".into(), request);
    }
    event
}

/// Group, provider and type out of an id.
pub(super) fn named(id: &str) -> (&str, &str, String) {
    let parts: Vec<&str> = id.split('/').filter(|s| !s.is_empty()).collect();
    let group = parts.get(2).filter(|p| p.eq_ignore_ascii_case("resourceGroups")).and_then(|_| parts.get(3));
    let group = group.copied().unwrap_or_default();
    let Some(last) = parts.iter().rposition(|p| p.eq_ignore_ascii_case("providers")) else {
        let kind = if group.is_empty() { "subscriptions" } else { "subscriptions/resourceGroups" };
        return (group, "Microsoft.Resources", format!("Microsoft.Resources/{kind}"));
    };
    let provider = parts.get(last + 1).copied().unwrap_or_default();
    let types: Vec<&str> = parts.iter().skip(last + 2).step_by(2).copied().collect();
    (group, provider, format!("{provider}/{}", types.join("/")))
}

pub(super) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Started => "Started",
        Status::Accepted => "Accepted",
        Status::Succeeded => "Succeeded",
        Status::Failed => "Failed",
    }
}

fn code_name(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "NoContent",
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        412 => "PreconditionFailed",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalServerError",
    }
}

/// `BadRequest` as `Bad Request`.
fn spaced(code: &str) -> String {
    let mut out = String::new();
    for (i, c) in code.char_indices() {
        if i > 0 && c.is_uppercase() && code != "OK" {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// Ten millionths of a second since the year 1.
fn ticks(at: OffsetDateTime) -> i128 {
    let since: Duration = at - OffsetDateTime::UNIX_EPOCH;
    621_355_968_000_000_000 + since.whole_nanoseconds() / 100
}
