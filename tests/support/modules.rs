//! The source files of the repository, and whether each of a suite is compiled with it.

use std::{collections::BTreeSet, fs, path::Path};

/// Fails on a file in the folder of a suite, or of the support, that no `mod` line names: what is in it would not run.
pub fn check(suite: &str) {
    let dir = crate::repository("tests").join(suite);
    let (mut there, mut named) = (BTreeSet::new(), BTreeSet::from([dir.join("main.rs"), dir.join("lib.rs")]));
    walk(&dir, &mut |file| {
        let text = fs::read_to_string(file).expect("a source file");
        let below = match file.file_name().and_then(|n| n.to_str()) {
            Some("main.rs" | "lib.rs" | "mod.rs") => file.parent().expect("a folder").to_owned(),
            _ => file.with_extension(""),
        };
        for line in text.lines() {
            let Some(name) = line.strip_prefix("mod ").or(line.strip_prefix("pub mod ")) else { continue };
            if let Some(name) = name.strip_suffix(';') {
                named.extend([below.join(name).with_extension("rs"), below.join(name).join("mod.rs")]);
            }
        }
        there.insert(file.to_owned());
    });
    assert!(there.len() > 1, "{} holds no suite", dir.display());
    let forgotten: Vec<_> = there.difference(&named).collect();
    assert!(forgotten.is_empty(), "no `mod` names {forgotten:#?}");
}

/// The source files below a folder of the repository, by their paths from there, and what is in them.
pub fn sources(folder: &str) -> Vec<(String, String)> {
    let (dir, mut all) = (crate::repository(folder), Vec::new());
    walk(&dir, &mut |file| {
        let path = file.strip_prefix(&dir).expect("a file below it").to_string_lossy().replace('\\', "/");
        all.push((path, fs::read_to_string(file).expect("a source file")));
    });
    assert!(!all.is_empty(), "{} holds no sources", dir.display());
    all
}

fn walk(dir: &Path, each: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, each);
        } else if path.extension().is_some_and(|e| e == "rs") {
            each(&path);
        }
    }
}
