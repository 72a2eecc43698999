//! How the simulator is built: a folder imports from those before it in [`FLOORS`], and services leave each other alone.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The folders and files of `src`, from the lowest floor up. `lib.rs` is the map of them all, and programs stand outside.
const FLOORS: [&str; 11] =
    ["http", "faults", "world", "services", "admin", "sim", "troubles", "worlds", "control", "doors", "harness"];

/// The one file of the world that knows the services.
const TABLE: &str = "world/services.rs";

/// What any service may import.
const SHARED: [&str; 8] =
    ["arm", "directory", "key_access", "key_audit", "private_link", "registry_audit", "roles", "system_data"];

/// The judge of who may use a key, which is shared, looks at whatever that hangs on.
const JUDGE: &str = "key_access";

/// Two folders of one thing: the planes of a vault and of a registry, and the namespace of groups and deployments.
const OF_ONE_THING: [(&str, &str); 5] = [
    ("keys", "vaults"),
    ("vaults", "keys"),
    ("registries", "registry_data"),
    ("registry_data", "registries"),
    ("resources", "deployments"),
];

#[test]
fn no_floor_imports_from_one_above_it() {
    let (mut wrong, mut there) = (Vec::new(), BTreeSet::new());
    for file in files() {
        let own = file.home(0);
        let Some(floor) = FLOORS.iter().position(|f| *f == own) else {
            wrong.push(format!("{}: {own} is no floor", file.path));
            continue;
        };
        there.insert(own.to_owned());
        for used in file.imports() {
            let Some(home) = used.first() else { continue };
            match FLOORS.iter().position(|f| f == home) {
                Some(other) if other <= floor || (file.path == TABLE && home == "services") => {}
                Some(_) => wrong.push(format!("{}: imports from {home}, which is above {own}", file.path)),
                None => wrong.push(format!("{}: `crate::{home}` is the home of nothing", file.path)),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(there.len(), FLOORS.len(), "floors that are not there: {there:?}");
}

#[test]
fn a_service_imports_no_other_but_what_is_shared() {
    let files: Vec<File> = files().into_iter().filter(|f| f.home(0) == "services" && f.home(1) != "mod").collect();
    let all: BTreeSet<String> = files.iter().map(|f| f.home(1).to_owned()).collect();
    assert!(SHARED.iter().all(|s| all.contains(*s)), "{all:?}");
    let (mut wrong, mut used) = (Vec::new(), BTreeSet::new());
    for file in &files {
        let own = file.home(1);
        for import in file.imports() {
            let [home, other, ..] = import.as_slice() else { continue };
            let other = other.as_str();
            if home != "services" || !all.contains(other) || other == own {
                continue;
            }
            used.insert((own.to_owned(), other.to_owned()));
            if !(own == JUDGE || SHARED.contains(&other) || OF_ONE_THING.contains(&(own, other))) {
                wrong.push(format!("{}: imports from {other}", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (own, other) in OF_ONE_THING {
        assert!(used.contains(&(own.to_owned(), other.to_owned())), "{own} has no need of {other} any more");
    }
}

struct File {
    /// From `src`.
    path: String,
    text: String,
}

impl File {
    /// The name of the module that it is in, so deep.
    fn home(&self, depth: usize) -> &str {
        self.path.trim_end_matches(".rs").split('/').nth(depth).unwrap_or_default()
    }

    /// The module that it is.
    fn module(&self) -> Vec<String> {
        let path = self.path.trim_end_matches(".rs");
        path.strip_suffix("/mod").unwrap_or(path).split('/').map(str::to_owned).collect()
    }

    /// Every path into the crate, from its root, comments and names that stand alone aside.
    fn imports(&self) -> Vec<Vec<String>> {
        let code: String = self
            .text
            .lines()
            .map(|line| line.split("//").next().unwrap_or_default())
            .flat_map(|line| line.chars().chain([' ']))
            .collect();
        let (mut found, mut begins) = (Vec::new(), 0);
        while let Some(at) = ["crate::", "super::"].iter().filter_map(|w| code[begins..].find(w)).min() {
            let mut rest = &code[begins + at..];
            let mut from = match rest.strip_prefix("crate::") {
                Some(_) => Vec::new(),
                None => self.module(),
            };
            rest = rest.strip_prefix("crate::").unwrap_or(rest);
            while let Some(after) = rest.strip_prefix("super::") {
                from.pop();
                rest = after;
            }
            tree(&from, rest, &mut found);
            begins = code.len() - rest.len();
        }
        found
    }
}

/// The paths of a tree of them, and what is left of the text.
fn tree<'a>(from: &[String], text: &'a str, found: &mut Vec<Vec<String>>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            let left = tree(from, rest, found).trim_start_matches([' ', ',']);
            match left.strip_prefix('}') {
                Some(after) => return after,
                None if left.len() == rest.len() => panic!("no tree of paths: {left}"),
                None => rest = left,
            }
        }
    }
    let word: String = text.chars().take_while(|c| c.is_alphanumeric() || "_*".contains(*c)).collect();
    let path = [from, std::slice::from_ref(&word)].concat();
    let rest = text.strip_prefix(word.as_str()).unwrap_or_default();
    match rest.strip_prefix("::") {
        Some(below) => tree(&path, below, found),
        None => {
            found.push(path);
            let alias = rest.trim_start().strip_prefix("as ");
            // Past what is no part of a path, so that a list comes to its end.
            alias.map_or(rest, |name| name.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'))
        }
    }
}

#[test]
fn imports_are_found_however_they_are_written() {
    let text = "use super::{errors, state::{Vault, Key as K}};\nuse crate::{\n    http::message::Call,\n    world::{World, \
        clock::Moment as _},\n};\n// crate::comment::Here\nfn f() -> crate::services::keys::Key { super::super::roles::x() }";
    let file = File { path: "services/vaults/routes.rs".to_owned(), text: text.to_owned() };
    let found: Vec<String> = file.imports().iter().map(|p| p.join("::")).collect();
    let expected = [
        "services::vaults::errors",
        "services::vaults::state::Vault",
        "services::vaults::state::Key",
        "http::message::Call",
        "world::World",
        "world::clock::Moment",
        "services::keys::Key",
        "services::roles::x",
    ];
    assert_eq!(found, expected);
}

fn files() -> Vec<File> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    walk(&src, &mut all);
    let mut files: Vec<File> = all
        .into_iter()
        .map(|file| File {
            path: file.strip_prefix(&src).expect("below src").to_string_lossy().replace('\\', "/"),
            text: fs::read_to_string(&file).expect("a source file"),
        })
        .filter(|file| file.path != "lib.rs" && !file.path.starts_with("bin/"))
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn walk(dir: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => walk(&path, all),
            false if path.extension().is_some_and(|e| e == "rs") => all.push(path),
            false => {}
        }
    }
}
