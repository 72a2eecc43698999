//! The examples' programs, as a test runs them.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::SystemTime,
};

/// Builds examples that `cargo test --test NAME` has left as they were.
pub(crate) fn build(names: &[String]) {
    let sources = ["src", "mocks/src", "examples"].into_iter().map(|dir| newest(&cmk_tests::repository(dir))).max();
    let built = |name: &String| path(name).metadata().and_then(|m| m.modified()).ok();
    let old: Vec<_> = names.iter().filter(|name| built(name) < sources).collect();
    if !old.is_empty() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.current_dir(cmk_tests::repository(".")).args(["build", "--features", "import"]);
        build.args(old.into_iter().flat_map(|name| ["--example", name]));
        assert!(build.status().expect("cargo").success(), "the examples do not build");
    }
}

/// Runs an example in an environment in which no variable leads to Azure but those given.
pub(crate) fn run(name: &str, variables: &[(&str, &str)], args: &[&str]) -> Output {
    let mut command = Command::new(path(name));
    for (variable, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AZURE_")) {
        command.env_remove(variable);
    }
    command.envs(variables.iter().copied()).args(args).stdin(Stdio::null()).output().expect("the example")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn path(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("this test's path");
    let dir = own.ancestors().nth(2).expect("a build directory").join("examples");
    dir.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// When the newest source file below a directory was written.
fn newest(path: &Path) -> SystemTime {
    let source = path.extension().is_some_and(|e| e == "rs");
    let own = path.metadata().and_then(|m| m.modified()).ok().filter(|_| source).unwrap_or(SystemTime::UNIX_EPOCH);
    let below = std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| newest(&entry.path()));
    below.max().unwrap_or(own)
}
