//! The floors of the library: what is above in [`FLOORS`] is imported by what is below it, never the other way round.

use std::{collections::BTreeSet, fs};

/// The folders and files of `src`, from the lowest floor up. `lib.rs` is the map of them all.
const FLOORS: [&str; 10] =
    ["sabotage", "azure", "symptoms", "engine", "checks", "steps", "workflows", "diagnosis", "reports", "verbs"];

#[test]
fn no_floor_imports_from_one_above_it() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for (path, text) in cmk_tests::modules::sources("src") {
        if path == "lib.rs" {
            continue;
        }
        let own = path.split(['/', '.']).next().unwrap();
        let Some(floor) = FLOORS.iter().position(|f| *f == own) else {
            wrong.push(format!("{path}: {own} is no floor"));
            continue;
        };
        seen.insert(own.to_owned());
        for used in imports(&text) {
            match FLOORS.iter().position(|f| *f == used) {
                Some(other) if other <= floor => {}
                Some(_) => wrong.push(format!("{path}: imports from {used}, which is above {own}")),
                None => wrong.push(format!("{path}: imports `crate::{used}`, which is the home of nothing")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(seen.len(), FLOORS.len(), "floors that are not there: {seen:?}");
}

/// The first segment of every path from the crate's root, comments aside.
fn imports(text: &str) -> BTreeSet<String> {
    let code: String =
        text.lines().flat_map(|line| [line.split("//").next().unwrap_or_default().trim(), " "]).collect();
    let mut found = BTreeSet::new();
    let mut rest = code.as_str();
    while let Some((_, after)) = rest.split_once("crate::") {
        rest = after;
        match after.trim_start().strip_prefix('{') {
            None => found.extend(word(after)),
            Some(group) => {
                let (mut depth, mut begins) = (0_u32, true);
                for (at, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => begins = true,
                        _ if begins && !c.is_whitespace() => {
                            found.extend(group.get(at..).and_then(word));
                            begins = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found
}

fn word(text: &str) -> Option<String> {
    let word: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}

#[test]
fn imports_are_found_however_they_are_written() {
    let text = "use crate::{\n    azure::{Azure, id::KeyId},\n    engine::error::Result,\n};\n// crate::comment\n\
        fn f() -> crate::steps::Grant { crate::macros!() }\nuse crate::checks as c;\nmacro_rules! m { () => { $crate::verbs::x } }";
    let found: Vec<_> = imports(text).into_iter().collect();
    assert_eq!(found, ["azure", "checks", "engine", "macros", "steps", "verbs"]);
}

/// What a folder or file of `src` is for stands in its first line.
#[test]
fn every_floor_says_what_it_is() {
    let src = cmk_tests::repository("src");
    for floor in FLOORS {
        let (folder, file) = (src.join(floor).join("mod.rs"), src.join(format!("{floor}.rs")));
        let text = fs::read_to_string(if file.exists() { file } else { folder }).unwrap();
        assert!(text.starts_with("//! "), "{floor}");
    }
}
