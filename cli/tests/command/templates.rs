//! Templates, keys of one's own, and lists.

use crate::{
    forms::fits,
    rotated::{once_and_for_all, planned_and_done},
    setting::{GROUP, KEY, REGISTRY, Setting, VAULT},
};
use serde_json::Value;

const PEM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/keys/pkcs8.pem");

fn files(s: &Setting, more: &[&str]) -> (String, String) {
    let printed = |option: &[&str]| {
        let args = [&["template", "-g", GROUP, "-n", "contoso9", "-l", "westeurope"], more, option].concat();
        s.cmk(&args).with(0, &[]).out
    };
    let write = |name: &str, text: String| {
        let path = s.state().with_file_name(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a path").to_owned()
    };
    (write("template.json", printed(&[])), write("parameters.json", printed(&["--parameters"])))
}

#[test]
fn a_template_is_printed_looked_at_and_deployed() {
    let s = Setting::with_registry();
    let (template, parameters) = files(&s, &["--access-policies"]);
    let deploy = ["deploy", "-g", GROUP, "-f", &template, "-p", &parameters, "tags={\"team\":\"shop\"}"];
    let refused = s.cmk(&[&deploy[..], &["--plan"]].concat()).with(3, &[]);
    assert!(refused.out.contains("--accept encryption") && refused.out.contains("what-if: Create"), "{}", refused.out);
    let accepted = [&deploy[..], &["--accept", "encryption", "--accept", "purge-protection"]].concat();
    let done = once_and_for_all(&s, &accepted);
    assert_eq!(done["kind"], "deployed-template");
    let registry = s.sim.world().registry(&s.registry_id("contoso9")).expect("the registry");
    assert!(registry.encrypted, "{registry:#?}");
    // What is there is not written anew.
    let other = [&accepted[..], &["--deployment", "other"]].concat();
    s.cmk(&[&other[..], &["--yes"]].concat()).with(3, &["R-CMK-30", "contoso9"]);
}

#[test]
fn templates_that_cannot_be() {
    let s = Setting::with_registry();
    let (template, _) = files(&s, &[]);
    let writes = s.sim.writes();
    s.cmk(&["deploy", "-g", GROUP, "-f", "nowhere.json", "--yes"]).with(2, &["nowhere.json"]);
    s.cmk(&["deploy", "-g", GROUP, "-f", PEM, "--yes"]).with(2, &["no JSON"]);
    s.cmk(&["deploy", "-g", GROUP, "-f", &template, "--yes"]).with(3, &["registryName"]);
    s.cmk(&["deploy", "-f", &template, "--yes"]).with(2, &["--resource-group"]);
    s.cmk(&["template", "-g", GROUP, "-n", "contoso9", "-l", "westeurope", "--sku", "Basic"]).with(3, &["R-CMK-01"]);
    assert_eq!(s.sim.writes(), writes);
}

#[test]
fn a_key_of_ones_own_is_imported_and_rotated_to() {
    let s = Setting::with_registry();
    let imported = once_and_for_all(&s, &["import-key", VAULT, "-k", "own", "--pem", PEM, "--grant-me"]);
    assert_eq!(imported["kind"], "imported-key");
    let key = imported["key"].as_str().expect("a key").to_owned();
    planned_and_done(&s, &["rotate", "-n", REGISTRY, "-k", &key]);
    assert_eq!(s.in_use().0, key.rsplit('/').next().expect("a version"));
}

#[test]
fn keys_that_cannot_be_imported() {
    let s = Setting::with_registry();
    let writes = s.sim.writes();
    s.cmk(&["import-key", VAULT, "-k", "own", "--yes"]).with(2, &["--pem"]);
    s.cmk(&["import-key", VAULT, "-k", "own", "--pem", "nowhere.pem", "--yes"]).with(2, &["nowhere.pem"]);
    s.cmk(&["import-key", VAULT, "-k", "own", "--byok", PEM, "--yes"]).with(2, &["transfer blob"]);
    s.cmk(&["import-key", VAULT, "-k", "not a name", "--pem", PEM, "--yes"]).with(2, &["R-KV-10"]);
    s.cmk(&["import-key", "kv-nowhere", "-k", "own", "--pem", PEM, "--yes"]).with(2, &["kv-nowhere"]);
    assert_eq!(s.sim.writes(), writes);
}

#[test]
fn registries_are_listed_in_every_form() {
    let s = Setting::with_registry();
    s.sim.with_world(|world, _| world.seed_registry(GROUP, "plain1", "Premium"));
    let table = s.cmk(&["list"]).with(0, &[]).out;
    assert!(table.contains(REGISTRY) && table.contains("1 with a customer-managed key, 1 without"), "{table}");
    let json: Value = s.json(&["list"]);
    fits(&json);
    assert_eq!(json["registries"].as_array().map(Vec::len), Some(1), "{json}");
    let csv = s.cmk(&["list", "-o", "csv"]).with(0, &[]).out;
    let lines: Vec<_> = csv.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("registry,state,key,mode,in_use"), "{csv}");
    assert!(lines[1].contains(KEY) && lines[1].split(',').count() == 13, "{csv}");
    let other = "00000000-0000-0000-0000-0000000000ff";
    let told = s.cmk(&["list", other]).with(0, &[]).out;
    assert!(told.contains(&format!("unknown: /subscriptions/{other}")), "{told}");
    s.cmk(&["list", "here"]).with(2, &["here"]);
}
