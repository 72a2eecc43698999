use crate::{
    http::{message::Object, time_format},
    services::directory::{Application, PasswordCredential, PrincipalKind, Record},
    world::World,
};
use serde_json::{Value, json};

/// What a record is to Graph.
pub(super) fn kind(record: &Record) -> &'static str {
    if record.kind == PrincipalKind::User { "user" } else { "servicePrincipal" }
}

pub(super) fn principal(world: &World, record: &Record) -> Value {
    match record.kind {
        PrincipalKind::User => user(record),
        _ => service_principal(world, record),
    }
}

pub(super) fn user(record: &Record) -> Value {
    json!({
        "id": record.principal.object_id,
        "businessPhones": [],
        "displayName": record.name,
        "givenName": null,
        "jobTitle": null,
        "mail": null,
        "mobilePhone": null,
        "officeLocation": null,
        "preferredLanguage": null,
        "surname": null,
        "userPrincipalName": user_name(record),
    })
}

/// A name may be one already.
pub(super) fn user_name(record: &Record) -> String {
    if record.name.contains('@') { record.name.clone() } else { format!("{}@contoso.onmicrosoft.com", record.name) }
}

pub(super) fn service_principal(world: &World, record: &Record) -> Value {
    let principal = record.principal;
    let managed = record.kind == PrincipalKind::ManagedIdentity;
    let resource = world.resource_of_identity(principal.object_id);
    // A managed identity's names say what it belongs to.
    let names = match (&resource, managed) {
        (Some(resource), true) => {
            let explicit = if world.identities.get(resource).is_some() { "True" } else { "False" };
            json!([format!("isExplicit={explicit}"), resource])
        }
        _ => json!([]),
    };
    let app = world.application(principal.client_id);
    json!({
        "id": principal.object_id,
        "deletedDateTime": null,
        "accountEnabled": true,
        "alternativeNames": names,
        "appDisplayName": if managed { Value::Null } else { json!(record.name) },
        "appId": principal.client_id,
        "appOwnerOrganizationId": if managed { Value::Null } else { json!(principal.tenant) },
        "createdDateTime": app.map(|a| time_format::whole(a.created)),
        "displayName": record.name,
        "servicePrincipalNames": [principal.client_id],
        "servicePrincipalType": if managed { "ManagedIdentity" } else { "Application" },
        "keyCredentials": [],
        "passwordCredentials": [],
    })
}

pub(super) fn application(app: &Application) -> Value {
    json!({
        "id": app.object_id,
        "deletedDateTime": null,
        "appId": app.app_id,
        "createdDateTime": time_format::whole(app.created),
        "displayName": app.name,
        "signInAudience": "AzureADMyOrg",
        "keyCredentials": [],
        "passwordCredentials": app.secrets.iter().map(secret).collect::<Vec<_>>(),
    })
}

fn secret(s: &PasswordCredential) -> Value {
    json!({
        "customKeyIdentifier": null,
        "displayName": s.name,
        "endDateTime": time_format::zulu(s.ends),
        "hint": s.hint,
        "keyId": s.key_id,
        "secretText": null,
        "startDateTime": time_format::zulu(s.begins),
    })
}

/// The members that are asked for; all of them if none is.
pub(super) fn selected(body: Value, select: &str) -> Value {
    let names: Vec<&str> = select.split(',').map(str::trim).filter(|s| !s.is_empty()).collect();
    match body {
        Value::Object(members) if !names.is_empty() => {
            let kept: Object = members.into_iter().filter(|(name, _)| names.contains(&name.as_str())).collect();
            Value::Object(kept)
        }
        body => body,
    }
}
