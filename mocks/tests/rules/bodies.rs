//! Bodies have the members of their api-version, in the order of the service, where no recording shows it.

use crate::support::netting::stage;
use cmk_mocks::{ConnectionState, PrincipalKind, VaultModel, roles};
use serde_json::{Value, json};

fn names(body: &Value) -> String {
    body.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_registry_shows_what_its_version_knows() {
    let mut s = stage();
    let registry = s.registry.clone();
    let first = "loginServer creationDate provisioningState adminUserEnabled networkRuleSet policies encryption \
                 dataEndpointEnabled dataEndpointHostNames privateEndpointConnections publicNetworkAccess \
                 networkRuleBypassOptions";
    let policies = "quarantinePolicy trustPolicy retentionPolicy exportPolicy";
    for (api, later, more) in [
        ("2022-12-01", "zoneRedundancy", ""),
        ("2023-07-01", "zoneRedundancy", ""),
        (
            "2023-11-01-preview",
            "zoneRedundancy anonymousPullEnabled",
            "azureADAuthenticationAsArmPolicy softDeletePolicy",
        ),
        (
            "2025-11-01",
            "networkRuleBypassAllowedForTasks zoneRedundancy anonymousPullEnabled roleAssignmentMode",
            "azureADAuthenticationAsArmPolicy",
        ),
        (
            "2026-09-01-preview",
            "networkRuleBypassAllowedForTasks zoneRedundancy anonymousPullEnabled roleAssignmentMode",
            "azureADAuthenticationAsArmPolicy softDeletePolicy",
        ),
    ] {
        let body = s.get(&registry, api);
        assert_eq!(names(&body), "sku type id name location tags systemData properties", "{api}");
        assert_eq!(names(&body["properties"]), format!("{first} {later}"), "{api}");
        assert_eq!(names(&body["properties"]["policies"]), format!("{policies} {more}").trim_end(), "{api}");
        assert_eq!(names(&body["properties"]["networkRuleSet"]), "defaultAction ipRules", "{api}");
    }
    let old = s.get(&registry, "2017-10-01");
    assert_eq!(names(&old), "sku type id name location tags properties");
    assert_eq!(names(&old["properties"]["networkRuleSet"]), "defaultAction virtualNetworkRules ipRules");
}

#[test]
fn connections_stand_where_they_were_recorded() {
    let mut s = stage();
    let (registry, subnet) = (s.registry.clone(), s.subnet.clone());
    let vault = s.c.world.seed_vault("rg", "kv1", VaultModel::Rbac);
    s.c.world.seed_private_endpoint("rg", "pe2", &vault, &subnet, ConnectionState::Approved);
    let body = s.get(&vault, "2023-07-01");
    let shown = names(&body["properties"]);
    assert!(shown.starts_with("sku tenantId privateEndpointConnections accessPolicies"), "{shown}");
    let list = s.get(&format!("{vault}/privateEndpointConnections"), "2023-07-01");
    assert_eq!(names(&list["value"][0]), "id name type location properties");
    let of = "provisioningState privateEndpoint privateLinkServiceConnectionState";
    assert_eq!(names(&list["value"][0]["properties"]), of);
    let list = s.get(&format!("{registry}/privateEndpointConnections"), "2019-12-01-preview");
    assert_eq!(names(&list["value"][0]), "type id name properties");
    let state = &list["value"][0]["properties"]["privateLinkServiceConnectionState"];
    assert_eq!(names(state), "status description");
}

#[test]
fn who_made_it_is_who_asked() {
    let mut s = stage();
    let person = s.c.world.add_principal(PrincipalKind::User, "kim@example.com");
    let scope = format!("/subscriptions/{}", s.c.world.subscription());
    let now = s.c.world.now();
    s.c.world.set_role(person.object_id, roles::OWNER, &scope, now);
    let before = s.get(&s.registry.clone(), "2025-11-01")["systemData"].clone();
    assert_eq!(
        (&before["createdByType"], &before["lastModifiedByType"]),
        (&json!("Application"), &json!("Application"))
    );
    let token = s.c.world.token(person.object_id, "https://management.azure.com", now);
    let url = format!("https://management.azure.com{}?api-version=2025-11-01", s.registry);
    let changed = s.c.send("PATCH", &url, Some(token), Some(json!({ "tags": { "a": "b" } })));
    assert_eq!(changed.status, 200, "{}", changed.body);
    let after = &changed.body["systemData"];
    assert_eq!((&after["lastModifiedBy"], &after["lastModifiedByType"]), (&json!("kim@example.com"), &json!("User")));
}
