//! The forms of output, and the schemas that describe one of them.

use crate::setting::{GROUP, REGISTRY, Setting, bare, ended, pointing};
use serde_json::{Value, json};

/// A schema as it is published, with all that it does not name forbidden: a document must hold nothing undescribed.
fn strict(name: &str) -> jsonschema::Validator {
    fn close(schema: &mut Value) {
        match schema {
            Value::Object(members) => {
                if members.get("properties").is_some_and(Value::is_object) {
                    members.insert("additionalProperties".into(), json!(false));
                }
                members.values_mut().for_each(close);
            }
            Value::Array(items) => items.iter_mut().for_each(close),
            _ => {}
        }
    }
    let text = ended(bare(&["schema", name])).with(0, &[]).out;
    let mut schema = serde_json::from_str(&text).expect("a schema");
    close(&mut schema);
    jsonschema::validator_for(&schema).expect("a schema")
}

#[track_caller]
pub(crate) fn fits(document: &Value) {
    let kind = document["kind"].as_str().expect("a kind");
    let wrong: Vec<_> = strict(kind).iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(wrong.is_empty(), "{kind}: {wrong:#?}\n{document:#}");
}

const CREATE: [&str; 6] = ["create", "-g", GROUP, "-n", "contoso2", "-lwesteurope"];
const ACCEPT: [&str; 4] = ["--accept", "encryption", "--accept", "purge-protection"];

#[test]
fn documents_fit_their_schemas() {
    let s = Setting::with_registry();
    let refused = s.cmk(&[&CREATE[..], &["--plan", "-o", "json", "--sku", "Basic"]].concat()).with(3, &[]);
    fits(&serde_json::from_str(&refused.out).expect("a plan"));
    let unaccepted = s.cmk(&[&CREATE[..], &["--plan", "-o", "json"]].concat()).with(3, &[]);
    let unaccepted = serde_json::from_str(&unaccepted.out).expect("a plan");
    fits(&unaccepted);
    assert_eq!(unaccepted["irreversible"], json!(["encryption", "purge-protection"]));
    fits(&s.json(&["rotate", "-n", REGISTRY, "--plan"]));
    fits(&s.json(&[&CREATE[..], &ACCEPT, &["--yes"]].concat()));
    fits(&s.json(&[&CREATE[..], &["--yes"]].concat()));
    fits(&s.json(&["rotate", "-n", REGISTRY, "--yes"]));
    let version = s.json(&["status", "-n", REGISTRY])["encryption"]["in_use"].clone();
    fits(&s.json(&["rotate", "-n", REGISTRY, "--yes", "--versioned", "-k", version.as_str().expect("a version")]));
    fits(&s.json(&["status", "-n", REGISTRY]));
    s.sim.with_world(|world, _| {
        world.seed_registry(GROUP, "plain1", "Basic");
    });
    let plain = s.json(&["status", "-n", "plain1"]);
    assert_eq!(plain["encryption"], Value::Null);
    fits(&plain);
    s.kill_at(&["rotate", "-n", REGISTRY, "--yes", "--versionless", "--run", "cut"], pointing(), false);
    fits(&s.json(&["runs"]));
    let given_up = s.json(&["abandon", "cut", "--yes"]);
    assert!(!given_up["hints"].as_array().expect("hints").is_empty());
    fits(&given_up);
    fits(&s.json(&["runs"]));
}

#[test]
fn a_status_whose_vault_does_not_answer_fits_too() {
    let s = Setting::with_registry();
    let (operator, scope) = (s.sim.world().operator().object_id, format!("/subscriptions/{}", s.subscription));
    // A reader of the registry who may not look into the vault, neither way.
    s.sim.with_world(|world, now| {
        world.remove_roles(operator, &scope);
        world.set_role(operator, cmk_mocks::roles::READER, &s.registry_id(REGISTRY), now);
    });
    let status = s.json(&["status", &s.registry_id(REGISTRY)]);
    assert_eq!(status["encryption"]["versions"], Value::Null);
    fits(&status);
}

#[test]
fn every_form_says_the_same() {
    let s = Setting::with_registry();
    let rotated = s.json(&["rotate", "-n", REGISTRY, "--yes", "--run", "r1"]);
    let in_use = rotated["in_use"].as_str().expect("a version");
    let form = |form: &str| {
        let ended = s.cmk(&["resume", "r1", "-o", form]).with(0, &["run r1 is finished"]);
        ended.out
    };
    let tsv = form("tsv");
    let cells: Vec<_> = tsv.trim_end_matches('\n').split('\t').collect();
    assert_eq!((tsv.lines().count(), cells.len()), (1, 6), "{tsv}");
    assert_eq!((cells.get(1).copied(), cells.last().copied()), (Some(in_use), Some("r1")));
    assert!(form("env").contains(&format!("CMK_IN_USE='{in_use}'\n")));
    assert!(form("table").contains(in_use));
    assert_eq!(serde_json::from_str::<Value>(&form("json")).expect("a document"), rotated);
}

#[cfg(unix)]
#[test]
fn env_is_read_by_a_shell_as_it_was_meant() {
    let s = Setting::with_registry();
    let place = s.dir.path().join("it's $HOME `x`");
    let mut command = bare(&["runs", "-o", "env", "--state"]);
    command.arg(&place);
    let text = ended(command).with(0, &[]).out;
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", &format!("{text}\nprintf %s \"$CMK_PLACE\"")]);
    assert_eq!(ended(shell).with(0, &[]).out, place.display().to_string());
    for args in [&["status", "-n", REGISTRY][..], &["rotate", "-n", REGISTRY, "--plan"]] {
        let env = s.cmk(&[args, &["-o", "env"]].concat()).out;
        assert!(env.lines().all(|l| l.starts_with("CMK_") && l.ends_with('\'')), "{env}");
    }
}
