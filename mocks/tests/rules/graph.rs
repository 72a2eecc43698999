//! Who is who in the directory, by behaviour.

use crate::support::client::*;
use cmk_mocks::{Params, PrincipalKind, Setup, SimCloud, World};
use serde_json::{Value, json};
use time::Duration;

fn graph(c: &mut Client, method: &str, path: &str, body: Option<Value>) -> Answer {
    let host = c.world.cloud().graph_host();
    let token = c.world.token(c.who, &format!("https://{host}"), c.now);
    c.send(method, &format!("https://{host}/v1.0{path}"), Some(token), body)
}

#[test]
fn an_application_shows_when_its_secret_ends_and_never_the_secret() {
    let mut c = Client::instant();
    let ends = c.now + Duration::days(20);
    let app = c.world.seed_application("pipeline", Some(ends));
    let other = c.world.seed_application("other", None);
    let found = graph(&mut c, "GET", &format!("/applications?$filter=appId eq '{}'", app.app_id), None);
    assert_eq!(found.status, 200, "{:?}", found.body);
    assert_eq!(found.text("/@odata.context"), "https://graph.microsoft.com/v1.0/$metadata#applications");
    assert_eq!(found.body["value"].as_array().unwrap().len(), 1);
    let shown = &found.body["value"][0];
    assert_eq!((&shown["id"], &shown["appId"]), (&json!(app.object_id), &json!(app.app_id)));
    let secret = &shown["passwordCredentials"][0];
    assert_eq!(secret["endDateTime"], "2026-12-12T00:00:00Z");
    assert_eq!((&secret["secretText"], &secret["hint"]), (&Value::Null, &json!("sim")));
    assert!(secret["keyId"].is_string() && secret["displayName"].is_string() && secret["startDateTime"].is_string());
    let none = graph(&mut c, "GET", &format!("/applications/{}", other.object_id), None);
    assert_eq!(none.body["passwordCredentials"], json!([]));
    let by_key = graph(&mut c, "GET", &format!("/applications(appId='{}')?$select=id", app.app_id), None);
    assert_eq!(by_key.text("/id"), app.object_id.to_string());
    assert_eq!(by_key.body.get("displayName"), None);
    let gone = graph(&mut c, "GET", &format!("/applications/{}", app.app_id), None);
    assert_eq!((gone.status, gone.code()), (404, "Request_ResourceNotFound"));
    assert!(!gone.text("/error/innerError/request-id").is_empty());
    assert_eq!(gone.text("/error/innerError/request-id"), gone.header("request-id"));
}

#[test]
fn a_service_principal_is_found_by_client_id_and_says_what_it_belongs_to() {
    let mut c = Client::instant();
    let uai = c.world.seed_identity("rg", "uai");
    for filter in [
        format!("appId eq '{}'", uai.client_id),
        format!("servicePrincipalNames/any(c:c eq '{}')", uai.client_id),
        format!("displayName eq 'uai' and id eq '{}'", uai.principal_id),
    ] {
        let found = graph(&mut c, "GET", &format!("/servicePrincipals?$filter={filter}"), None);
        assert_eq!(found.status, 200, "{filter}: {:?}", found.body);
        let one = &found.body["value"][0];
        assert_eq!(one["id"], json!(uai.principal_id), "{filter}");
        assert_eq!(one["servicePrincipalType"], "ManagedIdentity");
        assert_eq!(one["alternativeNames"], json!(["isExplicit=True", uai.id]));
    }
    let one = graph(&mut c, "GET", &format!("/servicePrincipals/{}", uai.principal_id), None);
    assert_eq!((one.text("/appId"), one.text("/displayName")), (uai.client_id.to_string().as_str(), "uai"));
    // A client id is no object id.
    assert_eq!(graph(&mut c, "GET", &format!("/servicePrincipals/{}", uai.client_id), None).status, 404);
    c.arm("DELETE", &uai.id, MSI, None);
    assert_eq!(graph(&mut c, "GET", &format!("/servicePrincipals/{}", uai.principal_id), None).status, 404);
    for wrong in ["appId ne 'x'", "tags eq 'x'", "appId eq 'x"] {
        let a = graph(&mut c, "GET", &format!("/servicePrincipals?$filter={wrong}"), None);
        assert_eq!((a.status, a.code()), (400, "Request_UnsupportedQuery"), "{wrong}");
    }
}

#[test]
fn ids_that_are_known_are_told_with_their_kind_and_others_left_out() {
    let mut c = Client::instant();
    let alice = c.world.add_principal(PrincipalKind::User, "alice@contoso.com");
    let app = c.world.seed_application("pipeline", None);
    let unknown = "11111111-0000-4000-8000-000000000000";
    let ids = json!([alice.object_id, app.principal_id, app.object_id, unknown]);
    let found = graph(&mut c, "POST", "/directoryObjects/getByIds", Some(json!({"ids": ids})));
    let kinds: Vec<&str> =
        found.body["value"].as_array().unwrap().iter().map(|v| v["@odata.type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["#microsoft.graph.user", "#microsoft.graph.servicePrincipal", "#microsoft.graph.application"]);
    assert_eq!(found.text("/value/0/userPrincipalName"), "alice@contoso.com");
    // az wants both.
    assert_eq!(found.text("/value/1/displayName"), "pipeline");
    assert_eq!(found.body["value"][1]["servicePrincipalNames"], json!([app.app_id]));
    let asked = json!({"ids": ids, "types": ["user", "group"]});
    let users = graph(&mut c, "POST", "/directoryObjects/getByIds", Some(asked));
    assert_eq!(users.body["value"].as_array().unwrap().len(), 1);
    for wrong in [json!({}), json!({"ids": []}), json!({"ids": ["x"]})] {
        assert_eq!(graph(&mut c, "POST", "/directoryObjects/getByIds", Some(wrong)).code(), "Request_BadRequest");
    }
}

#[test]
fn only_people_have_a_me() {
    let mut c = Client::instant();
    assert_eq!(
        (graph(&mut c, "GET", "/me", None).status, graph(&mut c, "GET", "/me", None).code()),
        (400, "BadRequest")
    );
    let alice = c.world.add_principal(PrincipalKind::User, "alice@contoso.com");
    c.who = alice.object_id;
    assert_eq!(graph(&mut c, "GET", "/me", None).text("/id"), alice.object_id.to_string());
    let by_name = graph(&mut c, "GET", "/users?$filter=userPrincipalName eq 'Alice@contoso.com'", None);
    assert_eq!(by_name.body["value"][0]["id"], json!(alice.object_id));
    assert_eq!(graph(&mut c, "GET", "/users/alice@contoso.com", None).text("/id"), alice.object_id.to_string());
    assert_eq!(graph(&mut c, "GET", "/users/bob@contoso.com", None).status, 404);
}

#[test]
fn a_directory_may_be_closed_to_callers() {
    let mut c = Client::new(Params { graph_readable: false, ..Params::instant() });
    let app = c.world.seed_application("pipeline", None);
    let paths = [format!("/servicePrincipals/{}", app.principal_id), "/applications".into(), "/nothing".into()];
    for path in paths {
        let a = graph(&mut c, "GET", &path, None);
        assert_eq!((a.status, a.code()), (403, "Authorization_RequestDenied"));
    }
}

#[test]
fn graph_takes_only_tokens_that_are_for_it() {
    let mut c = Client::instant();
    let url = "https://graph.microsoft.com/v1.0/applications";
    let a = c.send("GET", url, None, None);
    assert_eq!((a.status, a.code()), (401, "InvalidAuthenticationToken"));
    let arm = c.world.token(c.who, "https://management.azure.com/", c.now);
    assert_eq!(c.send("GET", url, Some(arm.clone()), None).status, 401);
    let ours = c.world.token(c.who, "https://graph.microsoft.com", c.now);
    assert_eq!(c.send("GET", url, Some(ours.clone()), None).status, 200);
    let subscription = format!("https://management.azure.com{}?api-version={RG}", c.sub());
    assert_eq!(c.send("GET", &subscription, Some(ours), None).status, 401);
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default",
        c.world.operator().client_id,
        cmk_mocks::OPERATOR_SECRET
    );
    let login = format!("https://login.microsoftonline.com/{}/oauth2/v2.0/token", c.world.tenant());
    let request = http::Request::post(login).body(bytes::Bytes::from(form)).unwrap();
    let answer: Value = serde_json::from_slice(c.world.handle(c.now, request).body()).unwrap();
    let token = answer["access_token"].as_str().unwrap().to_owned();
    assert_eq!(c.send("GET", url, Some(token), None).status, 200);
}

#[test]
fn each_cloud_has_a_graph_of_its_own() {
    for (cloud, host) in [
        (SimCloud::Public, "graph.microsoft.com"),
        (SimCloud::China, "microsoftgraph.chinacloudapi.cn"),
        (SimCloud::UsGov, "graph.microsoft.us"),
    ] {
        let mut c = Client::instant();
        c.world = World::with_params(Setup { cloud, ..Setup::default() }, Params::instant());
        c.who = c.world.operator().object_id;
        assert_eq!(c.world.cloud().graph_host(), host);
        let me = c.who;
        assert_eq!(graph(&mut c, "GET", &format!("/servicePrincipals/{me}"), None).status, 200);
    }
}
