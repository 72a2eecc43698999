//! The tutorial tells its whole story on the simulator, and what it exchanges fits the contract.

use crate::example_binary::{build, run, text};
use serde_json::Value;
use std::{
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

/// Not in any bundle: <https://learn.microsoft.com/rest/api/authorization/permissions>,
/// <https://learn.microsoft.com/rest/api/resources/management-locks>, <https://learn.microsoft.com/rest/api/policyinsights>.
const UNBUNDLED: [&str; 3] = [
    "/providers/Microsoft.Authorization/permissions",
    "/providers/Microsoft.Authorization/locks",
    "/providers/Microsoft.PolicyInsights/checkPolicyRestrictions",
];

fn tutorial(args: &[&str]) -> Output {
    build(&["tutorial".to_owned()]);
    // No environment variable leads to Azure.
    let lures = ["AZURE_SUBSCRIPTION_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"];
    run("tutorial", &lures.map(|name| (name, "00000000-0000-0000-0000-000000000001")), args)
}

#[test]
fn the_whole_story_on_the_simulator() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = dir.path().join("exchanges.jsonl");
    build(&["tutorial".to_owned()]);
    let began = Instant::now();
    let ended = tutorial(&["--cleanup", "--log", log.to_str().expect("a path")]);
    let took = began.elapsed();
    let (out, err) = (text(&ended.stdout), text(&ended.stderr));
    assert!(ended.status.success(), "{out}\n{err}");
    assert!(took < Duration::from_secs(60), "it took {took:?}");
    let first = out.lines().next().unwrap_or_default();
    assert!(first.starts_with("This talks to a simulator"), "{first}");
    let mut rest = out.as_str();
    for landmark in [
        "A plan of create",
        "~ create-registry",
        "[encryption]",
        "create-registry: waiting for the grant on the key to take effect (R-RBAC-01)",
        "create-registry: contoso1 done",
        "current    yes",
        "A plan of rotate",
        "~ mint-version",
        "point-registry: contoso1 done",
        "current    yes",
        "killed with SIGKILL",
        "is dead: ",
        "The vault holds 3 versions where there were 2",
        "intent    mint-version",
        "run contoso1-again, taken up again",
        "mint-version: contoso1-cmk found done by this run",
        "current    yes",
        "Exactly one new version was made: 2 before, 3 now",
        "   0    0.0 s  opened ",
        "resumed ",
        "closed    succeeded",
        "The ways back",
        "point-registry: az acr encryption rotate-key --name contoso1",
        "cannot be taken back [encryption]",
        "Clean up",
        "keeps its name until",
        "That was it.",
    ] {
        let at = rest.find(landmark).unwrap_or_else(|| panic!("'{landmark}' is missing, or out of order, in\n{out}"));
        rest = &rest[at + landmark.len()..];
    }
    #[cfg(unix)]
    assert!(out.contains("signal: 9"), "{out}");
    println!("the story took {took:?}");
    the_exchanges_fit_the_contract(&text(&std::fs::read(&log).expect("the log")), dir.path().join("checked.jsonl"));
}

fn the_exchanges_fit_the_contract(log: &str, checked: PathBuf) {
    let ci = std::env::var_os("CI").is_some();
    let data = std::env::var_os("CMK_DATA").map_or_else(|| cmk_tests::repository("../shared"), PathBuf::from);
    let check = data.join("contract/contract_check.py");
    let python = Command::new("python3").args(["-c", "import jsonschema"]).stderr(Stdio::null()).status();
    if !check.is_file() || !python.is_ok_and(|s| s.success()) {
        assert!(!ci, "no contract at {}, or no python3 with jsonschema", data.display());
        println!("the contract is not checked: no {}, or no python3 with jsonschema", check.display());
        return;
    }
    let (mut kept, mut faulted) = (String::new(), 0);
    for line in log.lines() {
        let one: Value = serde_json::from_str(line).expect("an exchange");
        let path = one["path"].as_str().unwrap_or_default();
        if !one["fault"].is_null() {
            faulted += 1;
        } else if !UNBUNDLED.iter().any(|end| path.ends_with(end)) {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    assert_eq!(faulted, 1, "one answer is held back");
    std::fs::write(&checked, kept).expect("a file");
    let run = Command::new("python3").arg("-B").arg(&check).arg("-q").arg(&checked).output().expect("python3");
    let said = text(&run.stdout);
    assert!(run.status.success(), "{said}{}", text(&run.stderr));
    println!("{}", said.lines().last().unwrap_or_default());
}

#[test]
fn real_azure_is_only_by_its_option_and_after_a_question() {
    let place = ["--subscription", "00000000-0000-0000-0000-000000000001", "-g", "shop", "-l", "westeurope"];
    let without = tutorial(&place);
    assert_eq!(without.status.code(), Some(2), "{}", text(&without.stdout));
    assert!(text(&without.stderr).contains("add --azure"), "{}", text(&without.stderr));

    let unasked = tutorial(&[&["--azure"], &place[..]].concat());
    let (out, err) = (text(&unasked.stdout), text(&unasked.stderr));
    assert_eq!(unasked.status.code(), Some(1), "{out}");
    assert!(out.starts_with("This talks to Azure: subscription 00000000-"), "{out}");
    for said in ["billed by the day", "purge protection", "blocked"] {
        assert!(out.contains(said), "'{said}' is missing in {out}");
    }
    assert!(err.contains("say --yes"), "{err}");

    let incomplete = tutorial(&["--azure", "--yes"]);
    assert_eq!(incomplete.status.code(), Some(2), "{}", text(&incomplete.stdout));
}
