//! The template of Microsoft's page as it stands there, and what the Azure CLI was answered once.

use crate::support::client::*;
use crate::support::deploying::*;
use cmk_mocks::{Delay, Params, VaultModel};
use serde_json::Value;

/// The first JSON block of the page that is a template.
fn article() -> Option<Value> {
    let folder = data("articles")?;
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|f| f.file_name().is_some_and(|n| n.to_string_lossy().starts_with("002")));
    let text = std::fs::read_to_string(files.first().expect("the article")).unwrap();
    let block = text.split("```").find(|b| b.contains("/deploymentTemplate.json#")).expect("its template");
    Some(serde_json::from_str(block.trim_start_matches("JSON")).unwrap())
}

fn client(params: Params) -> Client {
    let mut c = Client::new(params);
    let now = c.now;
    c.world.seed_vault("rg", "kv1", VaultModel::Policy);
    c.world.seed_key("kv1", "k", now);
    c
}

const GIVEN: [(&str, &str); 4] = [
    ("vault_name", "kv1"),
    ("registry_name", "articlereg"),
    ("identity_name", "articleid"),
    ("kek_id", "https://kv1.vault.azure.net/keys/k"),
];

fn on_the_key(c: &mut Client) {
    let read = c.arm("GET", &registry("articlereg"), ACR, None);
    assert_eq!(read.text("/properties/provisioningState"), "Succeeded");
    let used = read.text("/properties/encryption/keyVaultProperties/versionedKeyIdentifier").to_owned();
    assert!(used.starts_with("https://kv1.vault.azure.net/keys/k/"), "{used}");
    let identity = c.arm("GET", &identity("articleid"), MSI, None);
    let client = read.text("/properties/encryption/keyVaultProperties/identity");
    assert_eq!(client, identity.text("/properties/clientId"));
    c.world.can_unwrap(c.now, read.text("/id")).unwrap();
}

#[test]
fn it_deploys_unchanged_and_puts_the_registry_on_its_key() {
    let Some(template) = article() else { return };
    for params in [Params::instant(), Params { access_policy_delay: Delay::ZERO, ..Params::default() }] {
        let mut c = client(params);
        let end = c.deploy("CMKtemplate", &body(&template, &GIVEN));
        assert_eq!(end.text("/status"), "Succeeded", "{:?}", end.body);
        on_the_key(&mut c);
        // Once more changes nothing.
        let before = c.world.key_versions("kv1", "k").len();
        let end = c.deploy("CMKtemplate", &body(&template, &GIVEN));
        assert_eq!(end.text("/status"), "Succeeded", "{:?}", end.body);
        on_the_key(&mut c);
        assert_eq!(c.world.key_versions("kv1", "k").len(), before);
        assert_eq!(c.world.registry_ids().len(), 1);
    }
}

#[test]
fn its_registry_does_not_wait_for_its_policy_and_may_come_too_early() {
    let Some(template) = article() else { return };
    let slow =
        Params { access_policy_delay: Delay::secs(60), acr_create_duration: Delay::secs(10), ..Params::default() };
    let mut c = client(slow);
    let end = c.deploy("CMKtemplate", &body(&template, &GIVEN));
    assert_eq!(end.text("/status"), "Failed");
    assert_eq!(end.code(), "DeploymentFailed");
    assert_eq!(end.text("/error/details/0/code"), "ResourceDeploymentFailure");
    assert!(end.text("/error/details/0/target").ends_with("/registries/articlereg"), "{:?}", end.body);
    let inner = end.text("/error/details/0/details/0/message");
    assert!(inner.starts_with("Failed to access KeyId 'https://kv1.vault.azure.net/keys/k'"), "{inner}");
    assert_eq!(end.body.pointer("/error/details/1"), None);
    let read = c.arm("GET", &deployment("CMKtemplate"), RG, None);
    assert_eq!(read.text("/properties/provisioningState"), "Failed");
    assert_eq!(read.body["properties"]["error"], end.body["error"]);
    c.wait(60);
    let end = c.deploy("CMKtemplate", &body(&template, &GIVEN));
    assert_eq!(end.text("/status"), "Succeeded", "{:?}", end.body);
    on_the_key(&mut c);
}

#[test]
fn it_fits_the_contract() {
    let Some(template) = article() else { return };
    let mut c = client(Params { access_policy_delay: Delay::ZERO, ..Params::default() });
    let asked = body(&template, &GIVEN);
    let valid = c.ask("validate", &asked);
    assert_eq!(valid.status, 200, "{:?}", valid.body);
    let foreseen = c.ask("whatIf", &asked);
    assert_eq!(foreseen.text("/status"), "Succeeded", "{:?}", foreseen.body);
    assert_eq!(c.deploy("CMKtemplate", &asked).text("/status"), "Succeeded");
    c.arm("GET", &deployment("CMKtemplate"), RG, None);
    c.arm("GET", &deployment(""), RG, None);
    let wrong = c.ask("validate", &body(&template, &GIVEN[..2]));
    assert_eq!((wrong.status, wrong.code()), (400, "InvalidTemplate"));
    // Recorded: a validation also has id, name and type, of which its description knows nothing.
    for exchange in c.log.iter_mut().filter(|e| e["path"].as_str().is_some_and(|p| p.ends_with("/validate"))) {
        if let Some(body) = exchange["response_body"].as_object_mut() {
            body.retain(|name, _| !["id", "name", "type"].contains(&name.as_str()));
        }
    }
    against_contract(&c.log);
}

/// Status, and the names of the members down to `depth`.
fn shape(status: u16, body: &Value, depth: usize) -> String {
    fn names(value: &Value, depth: usize) -> String {
        let Some(members) = value.as_object().filter(|_| depth > 0) else { return String::new() };
        let all: Vec<String> = members.iter().map(|(name, v)| format!("{name}{}", names(v, depth - 1))).collect();
        format!("{{{}}}", all.join(","))
    }
    format!("{status} {}", names(body, depth))
}

#[test]
fn r_dep_01_an_empty_template_is_answered_as_recorded() {
    let Some(file) = data("recordings/azure-cli/resource/test_group_deployment_lite@2023-11-07_0a68d38e3.jsonl") else {
        return;
    };
    let mut c = Client::new(Params { deployment_start_delay: Delay::secs(2), ..Params::instant() });
    c.world.seed_group("rg");
    let mut status = String::new();
    let mut compared = 0;
    for line in std::fs::read_to_string(file).unwrap().lines() {
        let recorded: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| recorded[name].as_str().unwrap_or_default().to_owned();
        let path = text("path");
        let url = match path.rsplit_once("/deployments/").and_then(|(_, rest)| rest.split_once('/')).map_or("", |r| r.1)
        {
            v if v.starts_with("operationStatuses") => status.clone(),
            v => {
                let path = deployment("d").replace('~', &c.sub());
                let slash = if v.is_empty() { "" } else { "/" };
                format!("https://management.azure.com{path}{slash}{v}?api-version=2022-09-01")
            }
        };
        let token = c.world.token(c.who, "https://management.azure.com/", c.now);
        // What the CLI sent is text that is no JSON.
        let request = http::Request::builder()
            .method(text("method").as_str())
            .uri(url)
            .header("authorization", format!("Bearer {token}"))
            .body(bytes::Bytes::from(text("req_body")))
            .unwrap();
        let answer = c.world.handle(c.now, request);
        if let Some(url) = answer.headers().get("azure-asyncoperation") {
            status = url.to_str().unwrap().to_owned();
        }
        let body: Value = serde_json::from_slice(answer.body()).unwrap();
        let was = shape(recorded["status"].as_u64().unwrap() as u16, &recorded["resp_body"], 2);
        assert_eq!(shape(answer.status().as_u16(), &body, 2), was, "{}: {body}", text("path"));
        for state in ["/status", "/properties/provisioningState"] {
            assert_eq!(body.pointer(state), recorded["resp_body"].pointer(state));
        }
        compared += 1;
        // Between its two looks.
        if body["status"] == "Accepted" {
            c.wait(5);
        }
    }
    assert_eq!(compared, 5);
}
