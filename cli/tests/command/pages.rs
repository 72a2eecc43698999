//! Help, completions, manual pages and schemas.

use crate::setting::{bare, ended};

fn shown(args: &[&str]) -> String {
    let ended = ended(bare(args)).with(0, &[]);
    assert_eq!(ended.err, "");
    ended.out
}

#[test]
fn help_is_as_it_was_agreed() {
    for command in ["", "create", "rotate", "status", "runs", "resume", "abandon", "completions", "man", "schema"] {
        let args: Vec<&str> = [command, "--help"].into_iter().filter(|a| !a.is_empty()).collect();
        insta::assert_snapshot!(format!("help-{command}").trim_end_matches('-'), shown(&args));
    }
}

#[test]
fn every_exit_code_is_documented() {
    let help = shown(&["--help"]);
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/command.md")).expect("the page");
    for code in ["0", "1", "2", "3", "4", "5", "6", "7", "8", "130"] {
        assert!(help.lines().any(|l| l.trim_start().starts_with(&format!("{code}  "))), "{code} in --help");
        assert!(page.contains(&format!("| {code} |")), "{code} in docs/command.md");
    }
}

#[test]
fn completions_and_manual_pages_are_made() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = shown(&["completions", shell]);
        assert!(script.contains("rotate") && script.contains("unprotected-vault-is-fine"), "{shell}");
    }
    assert!(shown(&["man"]).contains(".TH cmk 1"));
    for command in ["create", "rotate", "status", "runs", "resume", "abandon", "completions", "man", "schema"] {
        let page = shown(&["man", command]);
        assert!(page.contains(&format!(".TH cmk-{command} 1")) && page.contains("simulator"), "{command}");
    }
    ended(bare(&["man", "fly"])).with(2, &["no command 'fly'"]);
    ended(bare(&["completions", "csh"])).with(2, &["csh"]);
}

#[test]
fn schemas_are_listed_and_printed() {
    for name in shown(&["schema"]).lines() {
        let schema: serde_json::Value = serde_json::from_str(&shown(&["schema", name])).expect("json");
        assert_eq!(schema["properties"]["kind"]["const"], name);
        let file = format!("{name}.v{}.json", schema["properties"]["v"]["const"]);
        assert!(schema["$id"].as_str().is_some_and(|id| id.ends_with(&file)), "{file}");
        jsonschema::validator_for(&schema).expect("a schema");
    }
    ended(bare(&["schema", "x"])).with(2, &["no schema 'x'", "rotated"]);
}

#[test]
fn no_command_is_no_mistake_to_guess_at() {
    ended(bare(&[])).with(2, &["Usage: cmk"]);
    assert!(shown(&["--version"]).starts_with("cmk "));
}
