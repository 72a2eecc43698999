//! What of a registry's body both models know, as both spell it.

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Members that are younger than the models of 0.21, or of no meaning where they stand.
const YOUNGER: [&str; 4] = [
    "/properties/networkRuleBypassAllowedForTasks",
    "/properties/anonymousPullEnabled",
    "/properties/roleAssignmentMode",
    "/properties/policies/azureADAuthenticationAsArmPolicy",
];
const POLICIES: [(&str, &[&str]); 4] = [
    ("quarantinePolicy", &["status"]),
    ("trustPolicy", &["status", "type"]),
    ("retentionPolicy", &["status", "days", "lastUpdatedTime"]),
    ("exportPolicy", &["status"]),
];

/// A typed registry's members without those that 0.21 does not know; moments and the kind of identity respelled.
pub fn known(mut typed: Value) -> Value {
    for pointer in YOUNGER {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        if let Some(Value::Object(members)) = typed.pointer_mut(parent) {
            members.remove(name);
        }
    }
    for (policy, members) in POLICIES {
        if let Some(Value::Object(policy)) = typed.pointer_mut(&format!("/properties/policies/{policy}")) {
            policy.retain(|name, _| members.contains(&name.as_str()));
        }
    }
    for connection in typed["properties"]["privateEndpointConnections"].as_array_mut().into_iter().flatten() {
        connection.as_object_mut().unwrap().remove("etag");
    }
    respelled(typed)
}

/// A body with moments in one spelling, and the kind of identity in the one that 0.21 reads.
pub fn respelled(mut body: Value) -> Value {
    if let Some(kind) = body.pointer_mut("/identity/type").filter(|k| k.is_string()) {
        *kind = json!(kind_of_theirs(kind.as_str().unwrap()));
    }
    moments(&mut body);
    body
}

pub fn kind_of_theirs(kind: &str) -> String {
    let kind = kind.to_lowercase();
    let words = [("systemassigned", "SystemAssigned"), ("userassigned", "UserAssigned"), ("none", "None")];
    let words: Vec<_> = words.into_iter().filter(|(w, _)| kind.contains(w)).map(|(_, theirs)| theirs).collect();
    words.join(", ")
}

fn moments(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(moments),
        Value::Array(items) => items.iter_mut().for_each(moments),
        Value::String(text) => {
            if let Ok(moment) = OffsetDateTime::parse(text, &Rfc3339) {
                *text = moment.format(&Rfc3339).unwrap();
            }
        }
        _ => {}
    }
}
