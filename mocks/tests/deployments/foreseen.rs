//! Wrong templates, and what a deployment would change.

use crate::support::client::*;
use crate::support::deploying::*;
use cmk_mocks::{Params, VaultModel};
use serde_json::{Value, json};

fn client(params: Params) -> Client {
    let mut c = Client::new(params);
    c.world.seed_group("rg");
    c
}

fn one(name: &str, more: Value) -> Value {
    let mut resource = json!({"type": MSI_KIND, "apiVersion": "2023-01-31", "name": name, "location": "westeurope"});
    resource.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    resource
}

/// Template, parameters, code, and a part of the message.
type Case<'a> = (Value, &'a [(&'a str, &'a str)], &'a str, &'a str);

#[test]
fn wrong_templates_are_told_what_is_wrong() {
    let p = |declared: Value| template(json!({"p": declared}), json!([]));
    let r = |resources: Value| template(json!({}), resources);
    let with = |name: &str, value: Value| {
        let mut all = r(json!([one("one", json!({}))]));
        all[name] = value;
        all
    };
    let cases: Vec<Case<'_>> = vec![
        (json!({"resources": []}), &[], "InvalidTemplate", "Required property '$schema' not found"),
        (json!("x"), &[], "InvalidTemplate", "has to be an object"),
        (
            p(json!({"type": "string"})),
            &[],
            "InvalidTemplate",
            "The value for the template parameter 'p' is not provided",
        ),
        (p(json!({"type": "text"})), &[("p", "x")], "InvalidTemplate", "has the type 'text'"),
        (
            p(json!({"type": "int"})),
            &[("p", "x")],
            "InvalidTemplate",
            "Expected a value of type 'Int', but received a value of type 'String'",
        ),
        (
            p(json!({"type": "string", "allowedValues": ["a", "b"]})),
            &[("p", "x")],
            "InvalidTemplate",
            "not part of the allowed value(s): 'a,b'",
        ),
        (
            p(json!({"type": "string", "minLength": 2})),
            &[("p", "x")],
            "InvalidTemplate",
            "should be greater than or equal to '2'",
        ),
        (
            p(json!({"type": "string", "maxLength": 2})),
            &[("p", "xxx")],
            "InvalidTemplate",
            "should be less than or equal to '2'",
        ),
        (
            p(json!({"type": "int", "defaultValue": 3, "maxValue": 2})),
            &[],
            "InvalidTemplate",
            "The value should be less than",
        ),
        (p(json!({"type": "string", "defaultValue": "[parameters('p')]"})), &[], "InvalidTemplate", "'p' is not found"),
        (
            p(json!({"type": "string"})),
            &[("p", "x"), ("q", "y")],
            "InvalidTemplate",
            "template parameters 'q' in the parameters file are not valid",
        ),
        (
            r(json!([one("[nosuch('a')]", json!({}))])),
            &[],
            "InvalidTemplate",
            "The template function 'nosuch' is not valid",
        ),
        (
            r(json!([one("a", json!({"tags": {"t": "[if(true(), 'a', nosuch())]"}}))])),
            &[],
            "InvalidTemplate",
            "'nosuch'",
        ),
        (
            r(json!([one("[concat('a'", json!({"tags": {"t": "[concat('a']"}}))])),
            &[],
            "InvalidTemplate",
            "Unable to parse language expression",
        ),
        (
            r(json!([one("[reference('x').y]", json!({}))])),
            &[],
            "InvalidTemplate",
            "'reference' is not expected at this location",
        ),
        (r(json!([one("a/b", json!({}))])), &[], "InvalidTemplate", "incorrect segment lengths"),
        (r(json!([one("one", json!({})), one("ONE", json!({}))])), &[], "InvalidTemplate", "defined multiple times"),
        (
            r(json!([one("one", json!({"dependsOn": ["two"]}))])),
            &[],
            "InvalidTemplate",
            "The resource 'two' is not defined in the template",
        ),
        (
            r(json!([
                one("one", json!({"dependsOn": ["two"]})),
                one("two", json!({"tags": {"t": "[reference('one').a]"}}))
            ])),
            &[],
            "InvalidTemplate",
            "Circular dependency detected on resource: '/subscriptions/",
        ),
        (r(json!([one("one", json!({"dependsOn": ["one"]}))])), &[], "InvalidTemplate", "Circular dependency"),
        (
            r(json!([one("one", json!({"condition": "yes"}))])),
            &[],
            "InvalidTemplate",
            "'condition' has to be true or false",
        ),
        (
            with("outputs", json!({"o": {"type": "string", "value": "[nosuch()]"}})),
            &[],
            "InvalidTemplate",
            "template output 'o' is not valid",
        ),
        (with("variables", json!({"v": "[nosuch()]"})), &[], "InvalidTemplate", "'nosuch'"),
        (
            r(json!([one("one", json!({"copy": {"name": "c", "count": 2}}))])),
            &[],
            "InvalidTemplate",
            "defined multiple times",
        ),
        (r(json!([one("[copyIndex()]", json!({}))])), &[], "InvalidTemplate", "'copyIndex' is not expected"),
        (
            r(json!([one("one", json!({"copy": {"name": "c", "count": 801}}))])),
            &[],
            "InvalidTemplate",
            "between 0 and 800",
        ),
        (r(json!([one("one", json!({"apiVersion": "1999-01-01"}))])), &[], "NoRegisteredProviderFound", "1999-01-01"),
        (
            r(json!([one("one", json!({"type": "Microsoft.Nowhere/things"}))])),
            &[],
            "InvalidResourceNamespace",
            "Microsoft.Nowhere",
        ),
        (
            r(json!([one("one", json!({"type": "Microsoft.ManagedIdentity/things"}))])),
            &[],
            "InvalidResourceType",
            "things",
        ),
    ];
    let mut c = client(Params::instant());
    for (template, given, code, part) in cases {
        let asked = body(&template, given);
        let refused = c.ask("validate", &asked);
        assert!(refused.status == 400 || refused.status == 404, "{template}: {:?}", refused.body);
        assert_eq!(refused.code(), code, "{template}");
        let text = refused.text("/error/message");
        assert!(text.contains(part), "{template}: {text}");
        // The deployment itself says the same, and so does what would come of it.
        let put = c.arm("PUT", &deployment("asked"), RG, Some(asked.clone()));
        assert_eq!((put.status, put.code()), (refused.status, code));
        let foreseen = c.ask("whatIf", &asked);
        assert_eq!((foreseen.text("/status"), foreseen.code()), ("Failed", code));
    }
    assert_eq!(c.arm("GET", &deployment("asked"), RG, None).status, 404);
    for (verb, write) in [("/validate", false), ("/whatIf", false), ("/cancel", true)] {
        let path = format!("{}{verb}", deployment("asked"));
        assert_eq!(cmk_mocks::is_write(&http::Method::POST, "management.azure.com", &path), write);
    }
}

#[test]
fn wrong_requests_are_refused() {
    let mut c = client(Params::instant());
    let empty = template(json!({}), json!([]));
    let put =
        |c: &mut Client, name: &str, body: Value| c.arm("PUT", &deployment(name), RG, Some(body)).code().to_owned();
    assert_eq!(put(&mut c, "a!", body(&empty, &[])), "InvalidDeploymentName");
    assert_eq!(put(&mut c, &"a".repeat(65), body(&empty, &[])), "InvalidDeploymentName");
    assert_eq!(put(&mut c, "a", json!({"properties": {"mode": "Incremental"}})), "InvalidRequestContent");
    assert_eq!(put(&mut c, "a", json!({"properties": {"template": empty}})), "InvalidRequestContent");
    assert_eq!(put(&mut c, "a", json!({"properties": {"mode": "Complete", "template": empty}})), "SimUnsupported");
    let none = deployment("a").replace("/rg/", "/none/");
    assert_eq!(c.arm("PUT", &none, RG, Some(body(&empty, &[]))).code(), "ResourceGroupNotFound");
}

fn kinds(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(answer.text("/status"), "Succeeded", "{:?}", answer.body);
    let changes = answer.body["properties"]["changes"].as_array().unwrap();
    let text = |c: &Value, name: &str| c[name].as_str().unwrap_or_default().to_owned();
    let last = |id: String| id.rsplit('/').next().unwrap_or_default().to_owned();
    changes.iter().map(|c| (last(text(c, "resourceId")), text(c, "changeType"))).collect()
}

fn all(kind: &str, names: &[&str]) -> Vec<(String, String)> {
    names.iter().map(|n| ((*n).to_owned(), kind.to_owned())).collect()
}

#[test]
fn r_dep_09_what_would_come_is_foreseen() {
    for at_once in [true, false] {
        let params = Params { what_if_at_once: at_once, what_if_resolves_reference: true, ..Params::instant() };
        let mut c = client(params);
        let mut whole = everything();
        // Its name is a GUID made of the vault's.
        whole["resources"][1]["name"] = json!("00000000-0000-4000-8000-0000000000aa");
        whole["resources"][0]["dependsOn"] = json!(["00000000-0000-4000-8000-0000000000aa"]);
        let names = ["cmk1r", "00000000-0000-4000-8000-0000000000aa", "cmk", "cmk1r-msi", "cmk1r-kv"];
        let asked = body(&whole, &[("name", "cmk1r")]);
        let foreseen = c.ask("whatIf", &asked);
        assert_eq!(kinds(&foreseen), all("Create", &names));
        assert!(c.world.registry_ids().is_empty() && c.world.vault_names().is_empty());
        assert_eq!(c.arm("GET", &identity("cmk1r-msi"), MSI, None).status, 404);
        let after = &foreseen.body["properties"]["changes"][0]["after"];
        let client_id = after["properties"]["encryption"]["keyVaultProperties"]["identity"].as_str().unwrap();
        assert!(client_id.starts_with("[reference("), "not there yet: {client_id}");
        assert_eq!(c.deploy("all", &asked).text("/status"), "Succeeded");
        assert_eq!(kinds(&c.ask("whatIf", &asked)), all("NoChange", &names));
        // Something else in the group is left alone; a difference is named.
        c.world.seed_identity("rg", "other");
        whole["resources"][3]["tags"] = json!({"env": "test"});
        let foreseen = c.ask("whatIf", &body(&whole, &[("name", "cmk1r")]));
        let mut wanted = all("NoChange", &names);
        wanted[3].1 = "Modify".into();
        wanted.push(("other".into(), "Ignore".into()));
        assert_eq!(kinds(&foreseen), wanted);
        let delta = &foreseen.body["properties"]["changes"][3]["delta"];
        assert_eq!(delta, &json!([{"path": "tags.env", "propertyChangeType": "Create", "after": "test"}]));
    }
}

#[test]
fn r_dep_09_a_reference_always_seems_to_change() {
    let mut c = client(Params::instant());
    let asked = body(&everything(), &[("name", "cmk1r")]);
    assert_eq!(c.deploy("all", &asked).text("/status"), "Succeeded");
    let foreseen = c.ask("whatIf", &asked);
    let found: Vec<String> = kinds(&foreseen).into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(found, ["Modify", "Modify", "NoChange", "NoChange", "NoChange"]);
    let paths: Vec<&str> = foreseen.body["properties"]["changes"][0]["delta"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|d| d["path"].as_str())
        .collect();
    let of = "properties.encryption.keyVaultProperties";
    assert_eq!(paths, [format!("{of}.identity"), format!("{of}.keyIdentifier")]);
}

#[test]
fn a_policy_that_is_there_is_no_change() {
    let mut c = client(Params::instant());
    let now = c.now;
    c.world.seed_vault("rg", "kv1", VaultModel::Policy);
    c.world.seed_key("kv1", "k", now);
    let principal = "00000000-0000-4000-8000-0000000000bb";
    let asked = |keys: Value| {
        let policy =
            json!({"tenantId": "[subscription().tenantId]", "objectId": principal, "permissions": {"keys": keys}});
        let add = json!({"type": "Microsoft.KeyVault/vaults/accessPolicies", "apiVersion": "2018-02-14",
            "name": "kv1/add", "properties": {"accessPolicies": [policy]}});
        body(&template(json!({}), json!([add])), &[])
    };
    let first = |answer: Answer| kinds(&answer).remove(0).1;
    assert_eq!(first(c.ask("whatIf", &asked(json!(["get"])))), "Modify");
    assert_eq!(c.deploy("d", &asked(json!(["get", "wrapKey"]))).text("/status"), "Succeeded");
    assert_eq!(first(c.ask("whatIf", &asked(json!(["get"])))), "NoChange");
    assert_eq!(first(c.ask("whatIf", &asked(json!(["unwrapKey"])))), "Modify");
    let end = c.deploy(
        "d",
        &body(
            &template(
                json!({}),
                json!([{"type": "Microsoft.KeyVault/vaults/accessPolicies",
        "apiVersion": "2018-02-14", "name": "none/add", "properties": {"accessPolicies": []}}]),
            ),
            &[],
        ),
    );
    assert_eq!(end.text("/error/details/0/code"), "ResourceNotFound", "{:?}", end.body);
}

/// The places in a value, deepest last.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut inner = |name: &str, v: &Value| {
        let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        found.push(at.clone());
        places(v, &at, found);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, v)| inner(name, v)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| inner(&i.to_string(), v)),
        _ => {}
    }
}

#[test]
fn whatever_stands_in_a_template_it_is_refused_or_comes_to_an_end() {
    let odd = [
        json!(null),
        json!(-1),
        json!(1.5),
        json!(""),
        json!("x"),
        json!("[["),
        json!("[x"),
        json!("[createArray()]"),
        json!("[reference('cmk1r-kv', '2026-02-01', 'Full')]"),
        json!([]),
        json!([[{}]]),
        json!({}),
        json!({"[null()]": 1}),
    ];
    let whole = everything();
    let mut at = Vec::new();
    places(&whole, "", &mut at);
    assert!(at.len() > 70, "{}", at.len());
    let mut c = client(Params { what_if_at_once: true, ..Params::instant() });
    let (before, now) = (c.world.clone(), c.now);
    let (mut refused, mut failed, mut succeeded) = (0, 0, 0);
    for place in &at {
        for value in &odd {
            (c.world, c.now) = (before.clone(), now);
            let mut template = whole.clone();
            *template.pointer_mut(place).unwrap() = value.clone();
            let asked = body(&template, &[("name", "cmk1r")]);
            let foreseen = c.ask("whatIf", &asked);
            let put = c.arm("PUT", &deployment("d"), RG, Some(asked));
            assert_eq!(foreseen.status == 200, put.status == 201, "{place} {value}: {:?}", foreseen.body);
            if put.status != 201 {
                assert!((400..500).contains(&put.status) && !put.code().is_empty(), "{place} {value}: {:?}", put.body);
                refused += 1;
                continue;
            }
            let end = c.follow(&put);
            match end.text("/status") {
                "Succeeded" => succeeded += 1,
                _ => failed += usize::from(!end.text("/error/details/0/code").is_empty()),
            }
        }
    }
    assert_eq!(refused + failed + succeeded, at.len() * odd.len());
    assert!(refused > 300 && failed > 20 && succeeded > 100, "{refused} {failed} {succeeded}");
}
