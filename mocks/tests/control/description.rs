//! The description of the control API is true: real answers fit it, and the page of it is made of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use crate::support::controlling::{Answer, Steered};
use cmk_mocks::worlds::{Base, ready_made};
use cmk_mocks::{Fault, Saved, What, When};
use jsonschema::Validator;
use serde_json::{Value, json};

/// A schema of the description, which may name others.
fn validator(description: &Value, schema: &Value) -> Validator {
    let mut whole = schema.clone();
    whole["components"] = description["components"].clone();
    jsonschema::options().should_validate_formats(true).build(&whole).expect("a schema")
}

fn check(description: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let wrong: Vec<_> =
        validator(description, schema).iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// The schema of an answer, if its status and content type are described at all.
fn described<'a>(description: &'a Value, method: &str, path: &str, answer: &Answer) -> Result<&'a Value, String> {
    let operation = &description["paths"][path][method.to_lowercase()];
    let response = &operation["responses"][answer.status.to_string()];
    let schema = &response["content"][answer.header("content-type")]["schema"];
    if schema.is_object() {
        Ok(schema)
    } else {
        Err(format!("{method} {path} {} {}: {}", answer.status, answer.header("content-type"), answer.text))
    }
}

/// Asks, and holds the answer against the description; what was asked and answered is noted.
struct Checked {
    steered: Steered,
    description: Value,
    met: BTreeSet<(String, String, u16)>,
}

impl Checked {
    async fn ask(&mut self, method: &str, template: &str, what: &str, body: Value) -> Answer {
        let name = if template.contains("troubles") { "vault-deleted" } else { "before" };
        let path = template.replace("{name}", name) + what;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.steered.ask(method, &path, &[], &body).await;
        let schema = described(&self.description, method, template, &answer).unwrap();
        if answer.header("content-type") == "application/json" {
            check(&self.description, schema, &answer.json()).unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        }
        self.met.insert((method.to_owned(), template.to_owned(), answer.status));
        answer
    }
}

fn operations(description: &Value) -> impl Iterator<Item = (String, &String, &Value)> {
    let paths = description["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, all)| all.as_object().unwrap().iter().map(move |(m, o)| (m.to_uppercase(), path, o)))
}

#[tokio::test]
async fn real_answers_of_every_route_fit_its_schema() {
    let steered = Steered::new().await;
    let description = steered.get("openapi.json").await.json();
    let mut checked = Checked { steered, description, met: BTreeSet::new() };
    let sim = checked.steered.sim.clone();

    // Something of everything: each kind of fault, one that struck, one that holds, an exchange without an answer.
    let kinds: Vec<Value> = What::KINDS
        .iter()
        .map(|kind| {
            let mut what = json!({ "kind": kind });
            let more = match *kind {
                "throttle" => json!({ "retry_after_s": 1, "header": "retry-after-ms" }),
                "status" => json!({ "code": 503 }),
                "lands_late" => json!({ "after_s": 30 }),
                "stale_read" => json!({ "for_s": 30 }),
                "slow_grant" => json!({ "delay_s": 30 }),
                _ => json!({}),
            };
            what.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({ "when": { "among": { "matching": { "path_contains": "never" } }, "nth": 9 }, "what": what })
        })
        .collect();
    let schedule = json!({ "faults": kinds, "restart_count": true });
    let schema = json!({ "$ref": "#/components/schemas/FaultSchedule" });
    check(&checked.description, &schema, &schedule).expect("what is sent fits too");
    checked.ask("PUT", "/_sim/faults", "", schedule).await;
    checked.ask("GET", "/_sim/faults", "", Value::Null).await;
    sim.schedule([
        Fault::new(When::request(1), What::Status { code: 503, retry_after_s: Some(2) }),
        Fault::new(When::request(2), What::HoldBefore),
    ]);
    let path = checked.steered.group_path("shop");
    assert_eq!(checked.steered.arm("GET", &path, "").await.status, 503);
    let addr = checked.steered.server.addr();
    let mut held = tokio::net::TcpStream::connect(addr).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: management.azure.com\r\n\r\n");
    tokio::io::AsyncWriteExt::write_all(&mut held, head.as_bytes()).await.unwrap();
    let shown = checked.ask("GET", "/_sim/held", "?n=2&wait_s=20", Value::Null).await.json();
    assert_eq!((&shown["came"], &shown["count"]), (&json!(true), &json!(1)));
    checked.ask("GET", "/_sim/held", "", Value::Null).await;
    checked.ask("GET", "/_sim/faults", "", Value::Null).await;

    checked.ask("GET", "/_sim/", "", Value::Null).await;
    checked.ask("GET", "/_sim/health", "", Value::Null).await;
    checked.ask("GET", "/_sim/status", "", Value::Null).await;
    checked.ask("GET", "/_sim/openapi.json", "", Value::Null).await;
    checked.ask("GET", "/_sim/clock", "", Value::Null).await;
    for mode in [json!({ "mode": "fast", "factor": 2 }), json!({ "mode": "real" }), json!({ "mode": "manual" })] {
        checked.ask("PUT", "/_sim/clock", "", mode).await;
        checked.ask("GET", "/_sim/status", "", Value::Null).await;
    }
    checked.ask("POST", "/_sim/clock/advance", "", json!({ "seconds": 1.5 })).await;
    checked.ask("POST", "/_sim/clock/next", "", Value::Null).await;
    let saved = checked.ask("GET", "/_sim/world", "", Value::Null).await.json();
    checked.ask("PUT", "/_sim/world", "", saved).await;
    checked.ask("GET", "/_sim/resolve", "?host=management.azure.com", Value::Null).await;
    checked.ask("GET", "/_sim/environment", "", Value::Null).await;
    checked.ask("PUT", "/_sim/snapshots/{name}", "", Value::Null).await;
    checked.ask("GET", "/_sim/snapshots", "", Value::Null).await;
    checked.ask("POST", "/_sim/snapshots/{name}/restore", "", Value::Null).await;
    checked.ask("DELETE", "/_sim/snapshots/{name}", "", Value::Null).await;
    checked.ask("GET", "/_sim/troubles", "", Value::Null).await;
    checked.ask("GET", "/_sim/exchanges", "", Value::Null).await;
    checked.ask("GET", "/_sim/exchanges", "?format=jsonl&since=0&limit=5", Value::Null).await;
    checked.ask("POST", "/_sim/release", "", json!({ "n": 2, "how": "drop" })).await;
    checked.ask("DELETE", "/_sim/exchanges", "", Value::Null).await;
    checked.ask("DELETE", "/_sim/faults", "", Value::Null).await;

    // The refusals, each as it is described.
    checked.ask("PUT", "/_sim/clock", "", json!({ "mode": "fast" })).await;
    checked.ask("POST", "/_sim/clock/advance", "", json!({ "seconds": -1 })).await;
    checked.ask("PUT", "/_sim/faults", "", json!([{ "when": 1 }])).await;
    checked.ask("PUT", "/_sim/world", "", json!({})).await;
    checked.ask("PUT", "/_sim/world", "", json!("x".repeat(5 << 20))).await;
    checked.ask("GET", "/_sim/resolve", "", Value::Null).await;
    checked.ask("GET", "/_sim/held", "?n=x", Value::Null).await;
    checked.ask("POST", "/_sim/release", "", json!({ "how": "stay" })).await;
    checked.ask("GET", "/_sim/exchanges", "?limit=x", Value::Null).await;
    checked.ask("POST", "/_sim/snapshots/{name}/restore", "", Value::Null).await;
    checked.ask("DELETE", "/_sim/snapshots/{name}", "", Value::Null).await;
    checked.ask("PUT", "/_sim/snapshots/{name}", "%20", Value::Null).await;
    for i in 0..cmk_mocks::Sim::SNAPSHOTS {
        sim.snapshot(&format!("n{i}")).unwrap();
    }
    checked.ask("PUT", "/_sim/snapshots/{name}", "", Value::Null).await;
    checked.ask("POST", "/_sim/troubles/{name}", "", json!({ "registry": "nowhere1" })).await;
    checked.ask("POST", "/_sim/troubles/{name}", "-not", Value::Null).await;
    let healthy = ready_made("healthy", &Base::default()).unwrap();
    sim.load(Saved { now: healthy.now, world: healthy.world });
    checked.ask("POST", "/_sim/troubles/{name}", "", json!({ "registry": "contoso1" })).await;

    let mut missed = Vec::new();
    for (method, path, operation) in operations(&checked.description) {
        for status in operation["responses"].as_object().unwrap().keys() {
            let status: u16 = status.parse().unwrap();
            // Pages are refused by one rule for all, and tokio's clock is of Rust tests only: tests/control.rs has both.
            let elsewhere = status == 403 || (status, path.as_str()) == (409, "/_sim/clock");
            if !elsewhere && !checked.met.contains(&(method.clone(), path.clone(), status)) {
                missed.push(format!("{method} {path} {status}"));
            }
        }
    }
    assert_eq!(missed, Vec::<String>::new(), "described, and never answered here");
}

#[tokio::test]
async fn what_is_described_is_there_and_nothing_else_is() {
    let steered = Steered::new().await;
    let description = steered.get("openapi.json").await.json();
    let described: BTreeSet<_> = operations(&description).map(|(m, p, _)| (m, p.clone())).collect();
    for path in description["paths"].as_object().unwrap().keys() {
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD"] {
            let answer = steered.ask(method, &path.replace("{name}", "a"), &[], "").await;
            let there = answer.status != 405;
            assert_eq!(there, described.contains(&(method.to_owned(), path.clone())), "{method} {path}");
            if !there {
                for allowed in answer.header("allow").split(", ") {
                    assert!(described.contains(&(allowed.to_owned(), path.clone())), "{path}: {allowed}");
                }
            }
        }
    }
    for path in ["/_sim/nothing", "/_sim/clock/", "/_sim//clock", "/_sim/snapshots/a/b", "/_sim/Health"] {
        let answer = steered.ask("GET", path, &[], "").await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.json()["error"].as_str().unwrap().contains("openapi.json"));
    }
}

#[tokio::test]
async fn every_schema_has_examples_that_fit_and_refuses_what_does_not() {
    let steered = Steered::new().await;
    let description = steered.get("openapi.json").await.json();
    for (name, schema) in description["components"]["schemas"].as_object().unwrap() {
        let examples = schema["examples"].as_array().unwrap_or_else(|| panic!("{name} has no examples"));
        assert!(!examples.is_empty(), "{name}");
        for example in examples {
            check(&description, schema, example).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
        assert!(check(&description, schema, &json!("no such thing")).is_err(), "{name}");
        // Members are all named, but for the world and this description.
        if let (Some(members), false) = (examples[0].as_object(), name == "Description") {
            let mut more = members.clone();
            more.insert("surprise".into(), json!(1));
            assert!(check(&description, schema, &Value::Object(more)).is_err(), "{name}");
        }
    }
}

#[tokio::test]
async fn the_page_of_the_control_api_is_its_description() {
    let steered = Steered::new().await;
    let description = steered.get("openapi.json").await.json();
    let page = page(&description);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/control.md");
    if std::env::var_os("CMK_WRITE_PAGES").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written == page, "docs/control.md is not the control API: run this test with CMK_WRITE_PAGES=1");
}

fn page(description: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut page = format!(
        "# The control API of azure-sim\n\n{} `GET /_sim/openapi.json` gives the same as OpenAPI 3.1, with all schemas.\n\n\
         | request | what it does |\n|---|---|\n",
        text(&description["info"]["description"])
    );
    for (method, path, operation) in operations(description) {
        writeln!(
            page,
            "| [`{method} {path}`](#{}) | {} |",
            text(&operation["operationId"]),
            text(&operation["summary"])
        )
        .unwrap();
    }
    for (method, path, operation) in operations(description) {
        let name = text(&operation["operationId"]);
        write!(page, "\n<a id=\"{name}\"></a>\n## `{method} {path}`\n\n{}", text(&operation["summary"])).unwrap();
        if operation["description"].is_string() {
            write!(page, " {}", text(&operation["description"])).unwrap();
        }
        page.push('\n');
        if let Some(parameters) = operation["parameters"].as_array() {
            page.push_str("\n| parameter | in | needed | what it is | for example |\n|---|---|---|---|---|\n");
            for p in parameters {
                let needed = if p["required"] == true { "yes" } else { "no" };
                let example = p["example"].as_str().map_or_else(|| p["example"].to_string(), str::to_owned);
                let (name, place, about) = (text(&p["name"]), text(&p["in"]), text(&p["description"]));
                writeln!(page, "| `{name}` | {place} | {needed} | {about} | `{example}` |").unwrap();
            }
        }
        let example = |schema: &Value| {
            let name = schema["$ref"].as_str()?.rsplit('/').next()?.to_owned();
            let example = &description["components"]["schemas"][&name]["examples"][0];
            serde_json::to_string_pretty(example).ok().map(|text| (name, text))
        };
        let body = &operation["requestBody"];
        if let Some((name, json)) = example(&body["content"]["application/json"]["schema"]) {
            let needed = if body["required"] == true { "" } else { ", which may be left out" };
            write!(page, "\nBody{needed} (`{name}`):\n\n```json\n{json}\n```\n").unwrap();
        }
        for (content, answer) in operation["responses"]["200"]["content"].as_object().unwrap() {
            match example(&answer["schema"]) {
                Some((name, json)) => write!(page, "\nAnswer (`{name}`):\n\n```json\n{json}\n```\n").unwrap(),
                None => write!(page, "\nAnswer: `{content}`\n").unwrap(),
            }
        }
        let refusals = operation["responses"].as_object().unwrap().iter();
        let refusals: Vec<_> = refusals.filter(|(status, _)| !["200", "403"].contains(&status.as_str())).collect();
        if !refusals.is_empty() {
            page.push('\n');
            for (status, why) in refusals {
                writeln!(page, "- {status}: {}", text(&why["description"])).unwrap();
            }
        }
    }
    page
}
