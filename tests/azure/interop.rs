//! Registries as `azure_mgmt_containerregistry` 0.21 has them, and back: any registry, and the simulator's answers as
//! that crate's own client reads them.

use async_trait::async_trait;
use azure_core::http::{HttpClient, Request, headers::HeaderName};
use azure_core_0_21::{BytesStream, Response, StatusCode, TransportOptions, error, headers::Headers};
use azure_mgmt_containerregistry::package_2023_07::Client;
use cmk::azure::{
    Kept,
    registries::{
        Registry,
        interop::{self, models},
    },
};
use cmk_mocks::{KeyRef, VaultModel};
use cmk_tests::{
    Fixture,
    fixture::{GROUP, REGISTRY, encrypted, registry, subscription},
    known::{kind_of_theirs, known, respelled},
    run_paused,
};
use futures::StreamExt as _;
use proptest::{prelude::*, strategy::Union};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

// ---- through their client -------------------------------------------------------------------------------------------

/// The simulator's transport for their client.
#[derive(Debug)]
struct Bridge {
    sim: Arc<dyn HttpClient>,
    /// Whether the kind of identity is spelled as their models want it.
    respell: bool,
}

fn failed(e: impl std::error::Error + Send + Sync + 'static) -> error::Error {
    error::Error::new(error::ErrorKind::Io, e)
}

#[async_trait]
impl azure_core_0_21::HttpClient for Bridge {
    async fn execute_request(&self, theirs: &azure_core_0_21::Request) -> azure_core_0_21::Result<Response> {
        let method = theirs.method().as_ref().parse().map_err(failed)?;
        let mut request = Request::new(theirs.url().clone(), method);
        for (name, value) in theirs.headers().iter() {
            request.insert_header(HeaderName::from(name.as_str().to_owned()), value.as_str().to_owned());
        }
        let answer = self.sim.execute_request(&request).await.map_err(failed)?;
        let (status, _, body) = answer.deconstruct();
        let mut body = body.collect().await.map_err(failed)?.to_vec();
        if self.respell {
            let mut json: Value = serde_json::from_slice(&body)?;
            respell(&mut json);
            json.get_mut("value").and_then(Value::as_array_mut).into_iter().flatten().for_each(respell);
            body = json.to_string().into_bytes();
        }
        let status = StatusCode::try_from(u16::from(status)).unwrap();
        Ok(Response::new(status, Headers::new(), Box::pin(BytesStream::new(body))))
    }
}

/// A registry's answer; any other stays as it is.
fn respell(registry: &mut Value) {
    if let Some(kind) = registry.pointer_mut("/identity/type") {
        *kind = json!(kind_of_theirs(kind.as_str().unwrap()));
    }
}

fn client(fixture: &Fixture, respell: bool) -> Client {
    let bridge = Bridge { sim: fixture.sim.transport(), respell };
    let client = Client::builder(interop::credential(fixture.sim.credential()));
    client.transport(TransportOptions::new(Arc::new(bridge))).build().unwrap()
}

/// A subscription with a registry on a key, and one without.
fn two() -> Fixture {
    let mut world = encrypted(KeyRef::Versionless, VaultModel::Rbac);
    world.seed_registry(GROUP, "plain", "Standard");
    Fixture::of(world)
}

async fn listed(client: &Client) -> azure_core_0_21::Result<Vec<models::Registry>> {
    let mut pages = client.registries_client().list(subscription().to_string()).into_stream();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        all.extend(page?.value);
    }
    Ok(all)
}

#[test]
fn their_client_and_ours_read_the_same() {
    run_paused(async {
        let fixture = two();
        let azure = fixture.azure();
        let client = client(&fixture, true);

        for name in ["plain", REGISTRY] {
            let id = format!("{}", registry()).replace(REGISTRY, name).parse().unwrap();
            let ours = azure.reader().registry(&id).await.unwrap().unwrap();
            let theirs = client.registries_client().get(subscription().to_string(), GROUP, name).await.unwrap();
            assert_eq!(models::Registry::try_from(&ours).unwrap(), theirs);
            let back = Registry::try_from(&theirs).unwrap();
            assert_eq!(back, read(&known(serde_json::to_value(&*ours).unwrap())));
            assert_eq!(back.is_encrypted(), name == REGISTRY);
            assert_eq!(back.encryption(), ours.encryption());
            assert_eq!(back.identity_map(), ours.identity_map());
        }

        let ours = azure.reader().registries_in(&subscription()).await.unwrap();
        let ours: Vec<_> = ours.iter().map(|r| models::Registry::try_from(r).unwrap()).collect();
        assert_eq!(ours.len(), 2);
        assert_eq!(listed(&client).await.unwrap(), ours);
        assert_eq!(fixture.sim.writes(), 0);
    });
}

/// Recorded of all api-versions: `userAssigned`. Their model knows `UserAssigned` alone, so their client reads no
/// registry with an identity, and no list with one in it.
#[test]
fn what_their_client_cannot_read_is_converted_all_the_same() {
    run_paused(async {
        let fixture = two();
        let client = client(&fixture, false);
        let error = client.registries_client().get(subscription().to_string(), GROUP, REGISTRY).await.unwrap_err();
        assert!(format!("{error:?}").contains("unknown variant `userAssigned`"), "{error:?}");
        listed(&client).await.unwrap_err();
        client.registries_client().get(subscription().to_string(), GROUP, "plain").await.unwrap();

        let ours = fixture.azure().reader().registry(&registry()).await.unwrap().unwrap();
        let theirs = models::Registry::try_from(&ours).unwrap();
        let identity = theirs.identity.unwrap();
        assert_eq!(identity.type_, Some(models::identity_properties::Type::UserAssigned));
        assert_eq!(
            identity.user_assigned_identities.as_ref(),
            ours.whole().pointer("/identity/userAssignedIdentities")
        );
    });
}

// ---- any registry ---------------------------------------------------------------------------------------------------

type Json = BoxedStrategy<Value>;

fn text() -> Json {
    "[a-zA-Z0-9 ._/:-]{0,24}".prop_map(Value::from).boxed()
}
fn flag() -> Json {
    any::<bool>().prop_map(Value::from).boxed()
}
/// Words that their enumeration knows, in their case and another, and one that it does not.
fn word(known: &'static [&'static str]) -> Json {
    let lower = known.iter().map(|w| Just(json!(w.to_lowercase())).boxed());
    Union::new(known.iter().map(|w| Just(json!(w)).boxed()).chain(lower).chain([Just(json!("Newer")).boxed()])).boxed()
}
fn moment() -> Json {
    let zulu = (0_i64..4_000_000_000, 0_u32..10_000_000).prop_map(|(s, n)| {
        let whole = OffsetDateTime::from_unix_timestamp(s).unwrap().format(&Rfc3339).unwrap();
        (whole.trim_end_matches('Z').to_owned(), n)
    });
    // As Azure spells them: seven digits or none, and Z or an offset.
    (zulu, any::<bool>(), prop::sample::select(&["Z", "+00:00", "+02:00"][..]))
        .prop_map(|((whole, n), digits, offset)| {
            json!(if digits { format!("{whole}.{n:07}{offset}") } else { format!("{whole}{offset}") })
        })
        .boxed()
}
/// An object in which each member is there or not, but for those whose name ends in an exclamation mark.
fn object(members: Vec<(&'static str, Json)>) -> Json {
    let members: Vec<_> = members
        .into_iter()
        .map(|(name, value)| {
            let value = value.prop_map(move |v| (name.trim_end_matches('!').to_owned(), v));
            let always = name.ends_with('!');
            if always { value.prop_map(Some).boxed() } else { prop::option::weighted(0.7, value).boxed() }
        })
        .collect();
    members.prop_map(|m| Value::Object(m.into_iter().flatten().collect())).boxed()
}
fn list(item: Json) -> Json {
    prop::collection::vec(item, 1..3).prop_map(Value::Array).boxed()
}
fn map(value: Json) -> Json {
    prop::collection::btree_map("[a-z/A-Z]{1,20}", value, 1..4)
        .prop_map(|m| Value::Object(m.into_iter().collect::<Map<_, _>>()))
        .boxed()
}
fn policy(more: Vec<(&'static str, Json)>) -> Json {
    let status = ("status", word(&["enabled", "disabled"]));
    object(more.into_iter().chain([status]).collect())
}
fn system_data() -> Json {
    let kinds = &["User", "Application", "ManagedIdentity", "Key"];
    object(vec![
        ("createdBy", text()),
        ("createdByType", word(kinds)),
        ("createdAt", moment()),
        ("lastModifiedBy", text()),
        ("lastModifiedByType", word(kinds)),
        ("lastModifiedAt", moment()),
    ])
}
fn identity() -> Json {
    let attached = object(vec![("principalId", text()), ("clientId", text())]);
    let kinds =
        ["SystemAssigned", "userAssigned", "systemAssigned, userAssigned", "UserAssigned,SystemAssigned", "none"];
    object(vec![
        ("principalId", text()),
        ("tenantId", text()),
        ("type", prop::sample::select(kinds.map(Value::from).to_vec()).boxed()),
        ("userAssignedIdentities", map(prop_oneof![4 => attached, 1 => Just(Value::Null)].boxed())),
    ])
}
fn connection() -> Json {
    let states = &["Creating", "Updating", "Deleting", "Succeeded", "Failed", "Canceled"];
    let link = object(vec![
        ("status", word(&["Approved", "Pending", "Rejected", "Disconnected"])),
        ("description", text()),
        ("actionsRequired", word(&["None", "Recreate"])),
    ]);
    let properties = object(vec![
        ("privateEndpoint!", object(vec![("id", text())])),
        ("privateLinkServiceConnectionState", link),
        ("provisioningState", word(states)),
    ]);
    object(vec![
        ("id", text()),
        ("name", text()),
        ("type", text()),
        ("systemData", system_data()),
        ("properties", properties),
    ])
}
/// A registry's body with every member that both models know, each there or not.
fn body() -> Json {
    let key = object(vec![
        ("keyIdentifier", text()),
        ("versionedKeyIdentifier", text()),
        ("identity", text()),
        ("keyRotationEnabled", flag()),
        ("lastKeyRotationTimestamp", moment()),
    ]);
    let days = any::<i32>().prop_map(Value::from).boxed();
    let policies = object(vec![
        ("quarantinePolicy", policy(vec![])),
        ("trustPolicy", policy(vec![("type", word(&["Notary"]))])),
        ("retentionPolicy", policy(vec![("days", days), ("lastUpdatedTime", moment())])),
        ("exportPolicy", policy(vec![])),
    ]);
    let rule = object(vec![("action", word(&["Allow"])), ("value!", text())]);
    let states = &["Creating", "Updating", "Deleting", "Succeeded", "Failed", "Canceled"];
    let encryption = vec![("status", word(&["enabled", "disabled"])), ("keyVaultProperties", key)];
    let status = vec![("displayStatus", text()), ("message", text()), ("timestamp", moment())];
    let properties = object(vec![
        ("loginServer!", text()),
        ("creationDate", moment()),
        ("provisioningState", word(states)),
        ("status", object(status)),
        ("adminUserEnabled", flag()),
        ("networkRuleSet", object(vec![("defaultAction!", word(&["Allow", "Deny"])), ("ipRules", list(rule))])),
        ("policies", policies),
        ("encryption", object(encryption)),
        ("dataEndpointEnabled", flag()),
        ("dataEndpointHostNames", list(text())),
        ("privateEndpointConnections", list(connection())),
        ("publicNetworkAccess", word(&["Enabled", "Disabled"])),
        ("networkRuleBypassOptions", word(&["AzureServices", "None"])),
        ("zoneRedundancy", word(&["Enabled", "Disabled"])),
    ]);
    let tiers = &["Classic", "Basic", "Standard", "Premium"];
    object(vec![
        ("id", text()),
        ("name", text()),
        ("type", text()),
        ("systemData", system_data()),
        ("location!", text()),
        ("tags", map(text())),
        ("sku!", object(vec![("name!", word(tiers)), ("tier", word(tiers))])),
        ("identity", identity()),
        ("properties", properties),
    ])
}

/// Adds what only ours know, or none.
fn grown(mut body: Value) -> Value {
    if let Some(Value::Object(properties)) = body.get_mut("properties") {
        properties.insert("roleAssignmentMode".into(), json!("AbacRepositoryPermissions"));
        properties.insert("anonymousPullEnabled".into(), json!(true));
        properties.insert("networkRuleBypassAllowedForTasks".into(), json!(true));
        if let Some(Value::Object(policies)) = properties.get_mut("policies") {
            policies.insert("azureADAuthenticationAsArmPolicy".into(), json!({ "status": "enabled" }));
        }
    }
    body["unheardOf"] = json!({ "of": ["both"] });
    body
}

fn read(body: &Value) -> Registry {
    serde_json::from_value(body.clone()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn there_and_back_nothing_is_lost_that_both_know(body in body()) {
        let ours = read(&grown(body.clone()));
        let theirs = models::Registry::try_from(&ours).unwrap();
        prop_assert_eq!(&theirs, &serde_json::from_value(respelled(body.clone())).unwrap());
        prop_assert_eq!(Registry::try_from(&theirs).unwrap(), read(&respelled(body.clone())));

        let kept: Kept<Registry> = serde_json::from_value(grown(body)).unwrap();
        prop_assert_eq!(models::Registry::try_from(&kept).unwrap(), theirs);
    }

    #[test]
    fn theirs_come_back_as_they_were(body in body()) {
        let theirs: models::Registry = serde_json::from_value(respelled(body)).unwrap();
        let ours = Registry::try_from(&theirs).unwrap();
        prop_assert_eq!(models::Registry::try_from(&ours).unwrap(), theirs);
    }
}

/// A body with a member of which the generators make no use.
fn whole() -> Value {
    json!({
        "location": "westeurope",
        "sku": { "name": "Premium" },
        "identity": { "type": "UserAssigned" },
        "systemData": { "createdAt": "2026-01-01T00:00:00Z" },
        "properties": {
            "creationDate": "2026-01-01T00:00:00Z",
            "networkRuleSet": { "defaultAction": "Deny", "ipRules": [{ "value": "1.2.3.4" }, { "value": "5.6.7.8" }] },
            "policies": { "retentionPolicy": { "days": 7, "lastUpdatedTime": "2026-01-01T00:00:00Z" } },
            "encryption": { "keyVaultProperties": { "lastKeyRotationTimestamp": "2026-01-01T00:00:00Z" } },
            "privateEndpointConnections": [{ "systemData": { "lastModifiedAt": "2026-01-01T00:00:00Z" } }],
            "status": { "timestamp": "2026-01-01T00:00:00Z" },
        },
    })
}

#[test]
fn what_does_not_fit_is_named() {
    models::Registry::try_from(&read(&whole())).unwrap();
    for (pointer, value, member) in [
        ("/location", Value::Null, "location"),
        ("/sku", Value::Null, "sku"),
        ("/sku/name", Value::Null, "sku.name"),
        ("/identity/type", json!("Delegated"), "identity.type"),
        ("/systemData/createdAt", json!("yesterday"), "systemData.createdAt"),
        ("/properties/creationDate", json!(""), "properties.creationDate"),
        ("/properties/status/timestamp", json!("-"), "properties.status.timestamp"),
        ("/properties/networkRuleSet/defaultAction", Value::Null, "properties.networkRuleSet.defaultAction"),
        ("/properties/networkRuleSet/ipRules/1/value", Value::Null, "properties.networkRuleSet.ipRules[1].value"),
        ("/properties/policies/retentionPolicy/days", json!(1_i64 << 40), "properties.policies.retentionPolicy.days"),
        (
            "/properties/policies/retentionPolicy/lastUpdatedTime",
            json!("x"),
            "properties.policies.retentionPolicy.lastUpdatedTime",
        ),
        (
            "/properties/encryption/keyVaultProperties/lastKeyRotationTimestamp",
            json!("x"),
            "properties.encryption.keyVaultProperties.lastKeyRotationTimestamp",
        ),
        (
            "/properties/privateEndpointConnections/0/systemData/lastModifiedAt",
            json!("x"),
            "properties.privateEndpointConnections[0].systemData.lastModifiedAt",
        ),
    ] {
        let mut body = whole();
        *body.pointer_mut(pointer).unwrap() = value;
        let error = models::Registry::try_from(&read(&body)).unwrap_err();
        assert_eq!(error.member(), member, "{error}");
        assert!(error.to_string().starts_with(&format!("{member} does not fit: ")), "{error}");
    }

    let theirs = models::Registry::try_from(&read(&whole())).unwrap();
    let mut tags = theirs.clone();
    tags.resource.tags = Some(json!(["a"]));
    assert_eq!(Registry::try_from(&tags).unwrap_err().member(), "tags");
    let mut ids = theirs;
    ids.identity.as_mut().unwrap().user_assigned_identities = Some(json!({ "id": { "clientId": 1 } }));
    assert_eq!(Registry::try_from(&ids).unwrap_err().member(), "identity.userAssignedIdentities");
}
