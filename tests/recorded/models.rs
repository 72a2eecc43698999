//! The typed views against the contract bundles and the recordings: no member is left out, and what Azure has really
//! said can be read. Both lie in `CMK_DATA` (`../shared` unless told).

use crate::data;
use cmk::azure::{
    Kept, groups::ResourceGroup, identities::Identity, keys::*, providers::Provider, registries::NameAvailability,
    registries::Registry, role_assignments::RoleAssignment, vaults::*,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Where the data lies; these tests are reported as ignored where it is not.
fn data() -> PathBuf {
    data::root()
}

/// A value with every member that a schema names.
fn example(definitions: &Value, schema: &Value, depth: usize) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        return example(definitions, &definitions[name.rsplit('/').next().unwrap()], depth);
    }
    let mut object = Map::new();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        if let Value::Object(members) = example(definitions, part, depth) {
            object.extend(members);
        } else {
            return json!("x");
        }
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        if depth < 12 {
            object.insert(name.clone(), example(definitions, member, depth + 1));
        }
    }
    match schema["type"].as_str() {
        Some("array") => json!([example(definitions, &schema["items"], depth + 1)]),
        Some("integer") => json!(7),
        Some("boolean") => json!(true),
        Some("object") if schema["additionalProperties"].is_object() => {
            json!({ "k": example(definitions, &schema["additionalProperties"], depth + 1) })
        }
        _ if !object.is_empty() => Value::Object(object),
        Some("object") => json!({}),
        _ => json!("x"),
    }
}

/// The paths of `wanted` that `found` lacks.
fn missing(wanted: &Value, found: &Value, at: &str, out: &mut Vec<String>) {
    match (wanted, found) {
        (Value::Object(w), Value::Object(f)) => {
            for (name, value) in w {
                match f.get(name) {
                    Some(v) => missing(value, v, &format!("{at}.{name}"), out),
                    None => out.push(format!("{at}.{name}")),
                }
            }
        }
        (Value::Array(w), Value::Array(f)) => w.iter().zip(f).for_each(|(w, f)| missing(w, f, at, out)),
        _ if wanted == found => {}
        _ => out.push(format!("{at}: {wanted} became {found}")),
    }
}

fn assert_whole<T: Serialize + DeserializeOwned + Default>(bundle: &str, definition: &str, left_out: &[&str]) {
    let data = data();
    let text = std::fs::read_to_string(data.join("contract/bundles").join(bundle)).unwrap();
    let bundle: Value = serde_json::from_str(&text).unwrap();
    let definitions = &bundle["definitions"];
    let wanted = example(definitions, &definitions[definition], 0);
    let typed: T = serde_json::from_value(wanted.clone()).unwrap();
    let mut out = Vec::new();
    missing(&wanted, &serde_json::to_value(&typed).unwrap(), definition, &mut out);
    out.retain(|path| !left_out.iter().any(|l| path == l));
    assert!(out.is_empty(), "{out:#?}");
    // Every member null, and none at all, is read as well.
    let nulls: Map<_, _> = wanted.as_object().unwrap().keys().map(|k| (k.clone(), Value::Null)).collect();
    serde_json::from_value::<T>(Value::Object(nulls)).unwrap();
    serde_json::from_value::<T>(json!({})).unwrap();
}

fn views_name_every_member_of_the_bundles() {
    assert_whole::<Registry>("acr-2025-11-01.json", "Registry", &[]);
    assert_whole::<NameAvailability>("acr-2025-11-01.json", "RegistryNameStatus", &[]);
    assert_whole::<Vault>("keyvault-2026-02-01.json", "Vault", &[]);
    assert_whole::<DeletedVault>("keyvault-2026-02-01.json", "DeletedVault", &[]);
    assert_whole::<PolicyUpdate>("keyvault-2026-02-01.json", "VaultAccessPolicyParameters", &[]);
    assert_whole::<ArmKey>("keyvault-2026-02-01.json", "Key", &[]);
    assert_whole::<Identity>("msi-2023-01-31.json", "Identity", &[]);
    assert_whole::<RoleAssignment>("authorization-2022-04-01.json", "RoleAssignment", &[]);
    assert_whole::<ResourceGroup>("resources-2024-03-01.json", "ResourceGroup", &[]);
    // What a key keeps to itself is never in an answer.
    let private = ["d", "dp", "dq", "qi", "p", "q", "k", "key_hsm"];
    for (definition, key) in [("KeyBundle", "KeyBundle.key"), ("DeletedKeyBundle", "DeletedKeyBundle.key")] {
        let left_out: Vec<_> = private.iter().map(|p| format!("{key}.{p}")).collect();
        let left_out: Vec<_> = left_out.iter().map(String::as_str).collect();
        if definition == "KeyBundle" {
            assert_whole::<KeyBundle>("keyvault-keys-2025-07-01.json", definition, &left_out);
        } else {
            assert_whole::<DeletedKeyBundle>("keyvault-keys-2025-07-01.json", definition, &left_out);
        }
    }
    assert_whole::<KeyItem>("keyvault-keys-2025-07-01.json", "KeyItem", &[]);
}

fn files(under: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(under).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|e| e == "jsonl") {
            out.push(path);
        }
    }
}

fn reads<T: DeserializeOwned + 'static>(body: &Value) -> Result<(), String> {
    let one = |v: &Value| serde_json::from_value::<Kept<T>>(v.clone()).map(|_| ()).map_err(|e| e.to_string());
    match body["value"].as_array() {
        Some(items) => items.iter().try_for_each(one),
        None => one(body),
    }
}

fn recorded_answers_can_be_read() {
    let data = data();
    let mut all = Vec::new();
    files(&data.join("recordings"), &mut all);
    let mut read = BTreeMap::<&str, usize>::new();
    for line in
        all.iter().flat_map(|f| std::fs::read_to_string(f).unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
    {
        let exchange: Value = serde_json::from_str(&line).unwrap();
        let (status, body) = (exchange["status"].as_u64().unwrap_or(0), &exchange["resp_body"]);
        if !(200..300).contains(&status) || !body.is_object() {
            continue;
        }
        let host = exchange["host"].as_str().unwrap_or_default().to_ascii_lowercase();
        let path = exchange["path"].as_str().unwrap_or_default().to_ascii_lowercase();
        let path: Vec<_> = path.trim_matches('/').split('/').collect();
        let arm = host.starts_with("management.");
        type Read = fn(&Value) -> Result<(), String>;
        let (what, reader): (&str, Read) = match path.as_slice() {
            [.., "microsoft.containerregistry", "registries"]
            | [.., "microsoft.containerregistry", "registries", _] => ("registry", reads::<Registry>),
            [.., "microsoft.keyvault", "vaults"] | [.., "microsoft.keyvault", "vaults", _] if arm => {
                ("vault", reads::<Vault>)
            }
            [.., "microsoft.keyvault", "deletedvaults"] | [.., "deletedvaults", _] if arm => {
                ("deleted vault", reads::<DeletedVault>)
            }
            [.., "vaults", _, "accesspolicies", _] if arm => ("policies", reads::<PolicyUpdate>),
            [.., "vaults", _, "keys", _] if arm => ("ARM key", reads::<ArmKey>),
            [.., "userassignedidentities", _] if arm => ("identity", reads::<Identity>),
            [.., "microsoft.authorization", "roleassignments"] | [.., "roleassignments", _] if arm => {
                ("role assignment", reads::<RoleAssignment>)
            }
            [.., "resourcegroups", _] if arm => ("group", reads::<ResourceGroup>),
            [_, _, "providers", _] if arm => ("provider", reads::<Provider>),
            [.., "checknameavailability"] if arm => ("name", reads::<NameAvailability>),
            ["keys", _] | ["keys", _, "create" | "rotate"] | ["deletedkeys", _, "recover"] if !arm => {
                ("key", reads::<KeyBundle>)
            }
            ["keys", _, "versions"] | ["keys"] if !arm => ("versions", reads::<KeyItem>),
            ["deletedkeys", _] if !arm => ("deleted key", reads::<DeletedKeyBundle>),
            _ => continue,
        };
        reader(body).unwrap_or_else(|e| panic!("{what}, {path:?}: {e}\n{body}"));
        *read.entry(what).or_default() += 1;
    }
    assert!(read.get("registry").is_some_and(|n| *n > 100), "{read:?}");
    println!("{read:?}");
}

pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
    let tests: [(&'static str, fn()); 2] = [
        ("models::views_name_every_member_of_the_bundles", views_name_every_member_of_the_bundles),
        ("models::recorded_answers_can_be_read", recorded_answers_can_be_read),
    ];
    let missing = !data().join("contract/bundles").is_dir() || !data().join("recordings").is_dir();
    let missing = missing.then(|| format!("no bundles and recordings at {}: set CMK_DATA", data().display()));
    data::trials(missing, &tests.map(|(name, _)| name), || {
        let trial = |(name, test): (&'static str, fn())| {
            libtest_mimic::Trial::test(name, move || {
                test();
                Ok(())
            })
        };
        tests.into_iter().map(trial).collect()
    })
}
