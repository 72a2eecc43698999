//! Help, completions, manual pages and schemas.

use crate::setting::{bare, ended};

fn shown(args: &[&str]) -> String {
    let ended = ended(bare(args)).with(0, &[]);
    assert_eq!(ended.err, "");
    ended.out
}

/// As the help lists them.
fn commands() -> Vec<String> {
    let help = shown(&["--help"]);
    let listed = help.lines().skip_while(|l| !l.starts_with("Usage:")).take_while(|l| *l != "Global options:");
    let named = listed.filter(|l| l.starts_with("  ") && !l.starts_with("   "));
    let all: Vec<_> = named.filter_map(|l| l.split_whitespace().next()).map(String::from).collect();
    assert!(all.len() > 20, "{all:?}");
    all
}

#[test]
fn help_is_as_it_was_agreed() {
    insta::assert_snapshot!("help", shown(&["--help"]));
    for command in commands() {
        insta::assert_snapshot!(format!("help-{command}"), shown(&[&command, "--help"]));
    }
}

/// Every workflow of the library has its command, and the command's page.
#[test]
fn no_workflow_is_without_a_command() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/command.md")).expect("the page");
    let commands = commands();
    for workflow in cmk::Order::WORKFLOWS {
        // By its own name, or by one that a command has besides.
        let help = shown(&[workflow, "--help"]);
        assert!(commands.iter().any(|c| help.contains(&format!("Usage: cmk {c} "))), "{workflow}");
    }
    for command in &commands {
        let named = page.contains(&format!("cmk {command}")) || page.contains(&format!("| {command} "));
        assert!(named, "{command} in docs/command.md");
    }
}

/// What the library's texts tell people to say has to be there.
#[test]
fn every_command_and_option_that_the_library_names_is_there() {
    fn texts(dir: &std::path::Path, all: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).expect("sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                texts(&path, all);
            } else {
                let text = std::fs::read_to_string(&path).expect("a source");
                let text = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join(" ");
                // Between backquotes, as texts for people have commands; odd pieces are inside.
                all.extend(text.split('`').skip(1).step_by(2).map(String::from));
            }
        }
    }
    let mut all = Vec::new();
    texts(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../src")), &mut all);
    let (commands, mut seen) = (commands(), 0);
    let helps: Vec<_> = commands.iter().map(|c| shown(&[c, "--help"])).collect();
    let has = |help: &str, option: &str| help.lines().any(|l| l.split([' ', ',']).any(|w| w == option));
    for text in &all {
        let mut words = text.split_whitespace();
        let first = words.next().unwrap_or_default();
        let of_command = match first {
            "cmk" => Some(words.next().unwrap_or_default()),
            option if option.starts_with("--") => None,
            _ => continue,
        };
        seen += 1;
        let options: Vec<_> = text.split_whitespace().filter(|w| w.starts_with("--")).collect();
        match of_command {
            Some(name) => {
                let at = commands.iter().position(|c| c == name);
                let help = match at.and_then(|at| helps.get(at)) {
                    Some(help) => help.clone(),
                    // By a name that a command has besides: it has to be one.
                    None => ended(bare(&[name, "--help"])).with(0, &[]).out,
                };
                assert!(options.iter().all(|o| has(&help, o)), "`{text}`");
            }
            None => assert!(options.iter().all(|o| helps.iter().any(|help| has(help, o))), "`{text}`"),
        }
    }
    assert!(seen > 40, "{seen} were looked at");
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
    for command in commands() {
        let page = shown(&["man", &command]);
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
