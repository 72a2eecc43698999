//! Deployments: made in order, failed as a whole, followed, foreseen.

use crate::support::client::*;
use crate::support::deploying::*;
use cmk_mocks::{Delay, Params, PrincipalKind, World, roles};
use serde_json::{Value, json};

fn client(params: Params) -> Client {
    let mut c = Client::new(params);
    c.world.seed_group("rg");
    c
}

/// Grants work at once, the rest takes its time.
fn quick_grants() -> Params {
    Params { role_assignment_delay: Delay::ZERO, access_policy_delay: Delay::ZERO, ..Params::default() }
}

fn identity_resource(name: &str) -> Value {
    json!({"type": MSI_KIND, "apiVersion": "2023-01-31", "name": name, "location": "westeurope"})
}

fn nothing_made(c: &mut Client) {
    assert!(c.world.registry_ids().is_empty() && c.world.vault_names().is_empty());
    assert_eq!(c.world.role_assignments().len(), 1, "the operator's own");
    for name in ["cmk01-msi", "one", "two"] {
        assert_eq!(c.arm("GET", &identity(name), MSI, None).status, 404);
    }
}

#[test]
fn each_resource_comes_after_those_it_waits_for() {
    let params = Params { vault_dns_delay: Delay::secs(30), acr_create_duration: Delay::secs(10), ..quick_grants() };
    let mut c = client(params);
    let begun = c.now;
    let end = c.deploy("all", &body(&everything(), &[("name", "cmk01")]));
    assert_eq!(end.text("/status"), "Succeeded", "{:?}", end.body);
    assert!(c.now - begun >= time::Duration::seconds(40), "vault and registry one after the other");
    let read = c.arm("GET", &deployment("all"), RG, None);
    let key = read.text("/properties/outputs/key/value");
    assert!(key.starts_with("https://cmk01-kv.vault.azure.net/keys/cmk/"), "{:?}", read.body);
    assert_eq!(read.body["properties"]["outputs"]["secret"], json!({"type": "SecureString"}));
    assert_eq!(read.body["properties"]["outputResources"].as_array().map(Vec::len), Some(5));
    let id = c.world.registry_ids().pop().unwrap();
    c.world.can_unwrap(c.now, &id).unwrap();
    // The same again is the same.
    let end = c.deploy("all", &body(&everything(), &[("name", "cmk01")]));
    assert_eq!(end.text("/status"), "Succeeded", "{:?}", end.body);
    c.world.can_unwrap(c.now, &id).unwrap();
    assert_eq!(c.world.key_versions("cmk01-kv", "cmk").len(), 1);
    assert_eq!(c.world.role_assignments().len(), 2);
}

#[test]
fn a_young_grant_fails_it_and_what_waits_for_the_failed_is_not_made() {
    let mut c = client(Params::instant());
    c.world.slow_next_grant(std::time::Duration::from_secs(300));
    let mut template = everything();
    let mut late = identity_resource("two");
    late["dependsOn"] = json!(["cmk01"]);
    let all = template["resources"].as_array_mut().unwrap();
    all.extend([late, identity_resource("one")]);
    let end = c.deploy("all", &body(&template, &[("name", "cmk01")]));
    assert_eq!((end.text("/status"), end.code()), ("Failed", "DeploymentFailed"));
    let detail = &end.body["error"]["details"][0];
    assert_eq!(detail["code"], "ResourceDeploymentFailure");
    assert_eq!(detail["details"][0]["code"], "SimUnverified.KeyAccess");
    assert_eq!(c.arm("GET", &identity("one"), MSI, None).status, 200);
    assert_eq!(c.arm("GET", &identity("two"), MSI, None).status, 404);
    c.wait(300);
    assert_eq!(c.deploy("all", &body(&template, &[("name", "cmk01")])).text("/status"), "Succeeded");
    assert_eq!(c.arm("GET", &identity("two"), MSI, None).status, 200);
}

#[test]
fn what_only_the_way_shows_fails_on_the_way() {
    let msi = "resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', 'none')";
    for (reference, code, part) in [
        (format!("[reference({msi}, '2023-01-31').clientId]"), "ResourceNotFound", "/none'"),
        ("[reference('one').color]".to_owned(), "InvalidTemplate", "property 'color' doesn't exist"),
    ] {
        let mut c = client(Params::instant());
        let mut two = identity_resource("two");
        two["tags"] = json!({"of": reference});
        let end = c.deploy("d", &body(&template(json!({}), json!([two, identity_resource("one")])), &[]));
        assert_eq!(end.code(), "DeploymentFailed", "{:?}", end.body);
        assert_eq!(end.text("/error/details/0/code"), code);
        assert!(end.text("/error/details/0/message").contains(part), "{:?}", end.body);
    }
    let mut c = client(Params::instant());
    let mut with = template(json!({}), json!([identity_resource("one")]));
    with["outputs"] = json!({"o": {"type": "string", "value": "[reference('one').color]"}});
    let end = c.deploy("d", &body(&with, &[]));
    assert_eq!(end.code(), "DeploymentOutputEvaluationFailed");
    assert_eq!(c.arm("GET", &identity("one"), MSI, None).status, 200);
}

#[test]
fn conditions_decide() {
    let mut c = client(Params::instant());
    let (mut one, mut two) = (identity_resource("one"), identity_resource("two"));
    one["condition"] = json!("[equals(parameters('which'), 'one')]");
    two["condition"] = json!("[not(equals(parameters('which'), 'one'))]");
    two["dependsOn"] = json!(["one"]);
    let template = template(json!({"which": {"type": "string"}}), json!([one, two]));
    assert_eq!(c.deploy("d", &body(&template, &[("which", "two")])).text("/status"), "Succeeded");
    assert_eq!(c.arm("GET", &identity("one"), MSI, None).status, 404);
    assert_eq!(c.arm("GET", &identity("two"), MSI, None).status, 200);
}

#[test]
fn a_nested_deployment_is_a_deployment() {
    for wrong in [false, true] {
        let mut c = client(quick_grants());
        let inner = json!({
            "type": "Microsoft.Resources/deployments", "apiVersion": "2024-03-01", "name": "inner",
            "properties": {
                "mode": "Incremental",
                "expressionEvaluationOptions": {"scope": "inner"},
                "parameters": {"name": {"value": "[concat('cmk', parameters('n'))]"}, "sku": {"value": "Premium"}},
                "template": everything(),
            },
        });
        let mut outer = template(json!({"n": {"type": "string", "defaultValue": "01"}}), json!([inner]));
        if wrong {
            c.world.slow_next_grant(std::time::Duration::from_secs(3600));
        } else {
            let value = "[reference('inner').outputs.key.value]";
            outer["outputs"] = json!({"key": {"type": "string", "value": value}});
        }
        let end = c.deploy("outer", &body(&outer, &[]));
        if wrong {
            assert_eq!(end.text("/error/details/0/code"), "ResourceDeploymentFailure", "{:?}", end.body);
            assert_eq!(end.text("/error/details/0/details/0/code"), "DeploymentFailed");
            let innermost = end.text("/error/details/0/details/0/details/0/details/0/code");
            assert_eq!(innermost, "SimUnverified.KeyAccess", "{:?}", end.body);
        } else {
            assert_eq!(end.text("/status"), "Succeeded", "{:?}", end.body);
            let read = c.arm("GET", &deployment("outer"), RG, None);
            assert!(read.text("/properties/outputs/key/value").contains("/keys/cmk/"), "{:?}", read.body);
        }
    }
}

#[test]
fn it_can_be_saved_on_its_way() {
    let run = |saved: bool| {
        let mut c = client(quick_grants());
        let accepted = c.arm("PUT", &deployment("all"), RG, Some(body(&everything(), &[("name", "cmk01")])));
        c.wait(20);
        if saved {
            let text = serde_json::to_string(&c.world).unwrap();
            c.world = serde_json::from_str::<World>(&text).unwrap();
        }
        let end = c.follow(&accepted);
        assert_eq!(end.text("/status"), "Succeeded", "{:?}", end.body);
        c.arm("GET", &deployment("all"), RG, None).body
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn one_name_one_deployment_at_a_time() {
    let mut c = client(Params::default());
    let asked = body(&everything(), &[("name", "cmk01")]);
    let first = c.arm("PUT", &deployment("all"), RG, Some(asked.clone()));
    assert_eq!(first.status, 201);
    let second = c.arm("PUT", &deployment("ALL"), RG, Some(asked.clone()));
    assert_eq!((second.status, second.code()), (409, "DeploymentActive"));
    assert_eq!(c.arm("POST", &format!("{}/cancel", deployment("all")), RG, None).status, 204);
    assert_eq!(c.arm("POST", &format!("{}/cancel", deployment("all")), RG, None).status, 409);
    assert_eq!(c.follow(&first).text("/status"), "Canceled");
    c.wait(600);
    nothing_made(&mut c);
    let asked = body(&template(json!({}), json!([])), &[]);
    assert_eq!(c.deploy("empty", &asked).text("/status"), "Succeeded");
    assert_eq!(c.arm("PUT", &deployment("all"), RG, Some(asked)).status, 200);
    let list = |c: &mut Client, filter: &str| {
        let found = c.arm("GET", &deployment(filter), RG, None);
        found.body["value"].as_array().unwrap().iter().map(|d| d["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(list(&mut c, "").len(), 2);
    assert_eq!(list(&mut c, "?$filter=provisioningState eq 'Succeeded'"), ["empty"]);
    assert_eq!(c.arm("GET", &deployment("none"), RG, None).code(), "DeploymentNotFound");
}

#[test]
fn it_has_the_rights_of_who_deploys() {
    let mut c = client(Params::instant());
    let (now, who) = (c.now, c.world.add_principal(PrincipalKind::User, "contributor").object_id);
    let scope = c.sub();
    c.world.set_role(who, roles::CONTRIBUTOR, &scope, now);
    c.who = who;
    let asked = body(&everything(), &[("name", "cmk01")]);
    for (method, path) in [("POST", "/validate"), ("PUT", "")] {
        let refused = c.arm(method, &format!("{}{path}", deployment("all")), RG, Some(asked.clone()));
        assert_eq!((refused.status, refused.code()), (403, "InvalidTemplateDeployment"));
        let text = refused.text("/error/message");
        assert!(text.contains("of type 'Microsoft.Authorization/roleAssignments'"), "{text}");
        assert!(text.contains("perform action 'Microsoft.Authorization/roleAssignments/write'"), "{text}");
    }
    assert_eq!(c.ask("whatIf", &asked).text("/status"), "Failed");
    c.world.set_role(who, roles::USER_ACCESS_ADMINISTRATOR, &scope, now);
    assert_eq!(c.deploy("all", &asked).text("/status"), "Succeeded");
    // A reader may not even ask.
    c.who = c.world.add_principal(PrincipalKind::User, "reader").object_id;
    let reader = c.who;
    c.world.set_role(reader, roles::READER, &scope, now);
    for verb in ["validate", "whatIf"] {
        assert_eq!(c.ask(verb, &asked).code(), "AuthorizationFailed");
    }
    assert_eq!(c.arm("GET", &deployment("all"), RG, None).status, 200);
}

#[test]
fn validation_makes_nothing_and_finds_what_providers_would_refuse() {
    for at_once in [true, false] {
        let mut c = client(Params { validate_at_once: at_once, ..quick_grants() });
        let valid = c.ask("validate", &body(&everything(), &[("name", "cmk01")]));
        assert_eq!(valid.status, 200, "{:?}", valid.body);
        assert_eq!(valid.body["properties"]["validatedResources"].as_array().map(Vec::len), Some(5));
        assert_eq!(valid.body["properties"]["parameters"]["name"], json!({"type": "String", "value": "cmk01"}));
        // A name of three is too short for a registry, and a Basic one has no own key.
        let parameters = [("name", "cmk"), ("sku", "Basic")];
        for (given, part) in [(&parameters[..1], "Name"), (&[("name", "cmkcmk"), parameters[1]][..], "Premium")] {
            let wrong = c.ask("validate", &body(&everything(), given));
            assert_eq!((wrong.status, wrong.code()), (400, "InvalidTemplateDeployment"));
            assert!(wrong.text("/error/details/0/code").contains(part), "{:?}", wrong.body);
        }
        let group = format!("{}/resourceGroups/rg", c.sub());
        c.world.mutate_provider("Microsoft.KeyVault", false);
        let wrong = c.ask("validate", &body(&everything(), &[("name", "cmkcmk")]));
        assert_eq!(wrong.text("/error/details/0/code"), "MissingSubscriptionRegistration");
        c.world.mutate_lock(&group, true);
        assert_eq!(c.ask("validate", &body(&everything(), &[("name", "cmkcmk")])).code(), "ScopeLocked");
        c.world.mutate_unlock(&group);
        nothing_made(&mut c);
        assert_eq!(c.arm("GET", &deployment("asked"), RG, None).status, 404);
    }
}

#[test]
fn a_locked_resource_is_found_beforehand() {
    let mut c = client(Params::instant());
    let id = c.world.seed_identity("rg", "one").id;
    c.world.mutate_lock(&id, true);
    let refused = c.ask("validate", &body(&template(json!({}), json!([identity_resource("one")])), &[]));
    assert_eq!(refused.text("/error/details/0/code"), "ScopeLocked", "{:?}", refused.body);
}

#[test]
fn the_azure_cli_pastes_the_file() {
    let mut c = client(Params::instant());
    let path = format!("https://management.azure.com{}?api-version=2022-09-01", deployment("file"));
    let url = path.replace('~', &c.sub());
    let text = format!(
        "{{\"properties\": {{\"parameters\": {{}}, \"mode\": \"Incremental\", template:{{\n  \"$schema\": \"{SCHEMA}\", // one\n  \"contentVersion\": \"1.0.0.0\",\n  \"resources\": [] /* two */\n}}}}}}"
    );
    let request = http::Request::put(url)
        .header("authorization", format!("Bearer {}", c.world.token(c.who, "https://management.azure.com/", c.now)))
        .body(bytes::Bytes::from(text))
        .unwrap();
    assert_eq!(c.world.handle(c.now, request).status(), 201);
}

#[test]
fn what_it_did_is_listed_and_it_is_forgotten_without_what_it_made() {
    let mut c = client(Params::instant());
    let end = c.deploy("all", &body(&everything(), &[("name", "cmk01")]));
    assert_eq!(end.text("/status"), "Succeeded", "{:?}", end.body);
    let operations = "~/resourcegroups/rg/deployments/all/operations";
    let a = c.arm("GET", operations, RG, None);
    let of = |what: &str| {
        let all = a.body["value"].as_array().unwrap();
        all.iter().filter(|o| o["properties"]["provisioningOperation"] == what).cloned().collect::<Vec<_>>()
    };
    let made = of("Create");
    assert_eq!((made.len(), of("EvaluateDeploymentOutput").len()), (5, 1));
    for one in &made {
        let p = &one["properties"];
        assert_eq!((&p["provisioningState"], &p["statusCode"]), (&json!("Succeeded"), &json!("OK")));
        assert!(p["targetResource"]["id"].as_str().unwrap().starts_with("/subscriptions/"));
        let path = format!("{operations}/{}", one["operationId"].as_str().unwrap());
        assert_eq!(c.arm("GET", &path, RG, None).body, *one);
    }
    assert_eq!(c.arm("GET", &format!("{operations}/0"), RG, None).status, 404);
    assert_eq!(c.arm("HEAD", &deployment("all"), RG, None).status, 204);
    assert_eq!(c.arm("DELETE", &deployment("all"), RG, None).status, 204);
    assert_eq!(c.arm("HEAD", &deployment("all"), RG, None).status, 404);
    assert_eq!(c.arm("DELETE", &deployment("all"), RG, None).code(), "DeploymentNotFound");
    assert_eq!(c.arm("GET", operations, RG, None).code(), "DeploymentNotFound");
    assert_eq!(c.world.registry_ids().len(), 1);
}
