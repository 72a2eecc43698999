//! Container clients logged in and out, by Docker's configuration, by helpers, and by a token on stdout.

use crate::{
    forms::fits,
    setting::{Ended, REGISTRY, Setting, ended, seed},
};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

const HOST: &str = "contoso1.azurecr.io";
const USER: &str = "00000000-0000-0000-0000-000000000000";

fn setting() -> Setting {
    Setting::of(cmk_mocks::Params::instant(), seed)
}

fn docker(s: &Setting) -> PathBuf {
    s.dir.path().join("docker")
}

/// With Docker's configuration in the test's directory, and programs of its own on the path.
fn cmk(s: &Setting, args: &[&str]) -> Ended {
    let mut command = s.command(args);
    command.env("DOCKER_CONFIG", docker(s)).env("PATH", s.dir.path().join("bin"));
    ended(command)
}

fn config(s: &Setting) -> Value {
    serde_json::from_str(&fs::read_to_string(docker(s).join("config.json")).expect("a file")).expect("JSON")
}

fn configured(s: &Setting, config: &Value) {
    fs::create_dir_all(docker(s)).expect("a directory");
    fs::write(docker(s).join("config.json"), config.to_string()).expect("a file");
}

/// User and password out of an `auth`.
fn opened(auth: &Value) -> (String, String) {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(auth.as_str().expect("an auth")).expect("base64");
    let text = String::from_utf8(bytes).expect("text");
    let (user, password) = text.split_once(':').expect("a colon");
    (user.to_owned(), password.to_owned())
}

#[cfg(unix)]
fn mode(file: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&fs::metadata(file).expect("a file").permissions()) & 0o777
}
#[cfg(not(unix))]
fn mode(_: &Path) -> u32 {
    0o600
}

#[test]
fn a_login_is_kept_in_dockers_configuration_and_forgotten() {
    let s = setting();
    let other = json!({ "auth": "eA==", "email": "a@b.example" });
    configured(
        &s,
        &json!({
            "auths": { "other.azurecr.io": other, HOST: { "identitytoken": "old", "email": "kept@b.example" } },
            "currentContext": "x", "HttpHeaders": { "A": [1, null] }, "later": { "unknown": true },
        }),
    );
    let said = cmk(&s, &["login", "-n", REGISTRY]).with(0, &[]);
    assert!(said.out.contains("logged in to contoso1.azurecr.io"), "{}", said.out);
    assert!(!said.out.contains("eyJ") && !said.err.contains("eyJ"));
    let file = docker(&s).join("config.json");
    assert_eq!(mode(&file), 0o600);
    let kept = config(&s);
    let (user, password) = opened(&kept["auths"][HOST]["auth"]);
    assert!(user == USER && password.starts_with("eyJ"), "R-DP-05");
    assert_eq!(kept["auths"][HOST]["email"], "kept@b.example");
    assert!(kept["auths"][HOST].get("identitytoken").is_none(), "the old login is gone");
    assert_eq!((&kept["auths"]["other.azurecr.io"], &kept["later"]["unknown"]), (&other, &json!(true)));
    assert_eq!((&kept["currentContext"], &kept["HttpHeaders"]["A"]), (&json!("x"), &json!([1, null])));
    assert_eq!(fs::read_dir(docker(&s)).expect("a directory").count(), 1, "nothing is left beside it");

    let out: Value = serde_json::from_str(&cmk(&s, &["logout", HOST, "-o", "json"]).with(0, &[]).out).expect("JSON");
    fits(&out);
    assert_eq!(out["forgottenIn"], json!([file.canonicalize().expect("a file").display().to_string()]));
    assert!(config(&s)["auths"].get(HOST).is_none());
    assert_eq!(config(&s)["auths"]["other.azurecr.io"], other);
    let again = cmk(&s, &["logout", HOST]).with(0, &[]);
    assert!(again.out.contains("there was no login"), "{}", again.out);
    // Docker takes it for the same.
    configured(&s, &json!({ "auths": { "https://contoso1.azurecr.io/v2/": {}, "other.azurecr.io": other } }));
    assert!(cmk(&s, &["logout", HOST]).with(0, &[]).out.contains("logged out"));
    assert_eq!(config(&s), json!({ "auths": { "other.azurecr.io": other } }));
    assert_eq!(s.sim.writes(), 0, "nothing is changed in Azure");
}

#[test]
fn a_directory_can_be_named_and_is_made() {
    let s = setting();
    let dir = s.dir.path().join("made/here");
    let dir = dir.to_str().expect("text");
    let args = ["login", &s.registry_id(REGISTRY), "--docker-config", dir, "-o", "json"];
    let out: Value = serde_json::from_str(&cmk(&s, &args).with(0, &[]).out).expect("JSON");
    fits(&out);
    assert!(out.get("accessToken").is_none() && out["keptIn"].as_str().is_some_and(|f| f.starts_with(dir)), "{out}");
    assert!(!docker(&s).exists());
}

#[test]
fn a_token_is_printed_when_it_is_asked_for_and_kept_nowhere() {
    let s = setting();
    let out: Value = serde_json::from_str(&cmk(&s, &["login", HOST, "--expose-token", "-o", "json"]).with(0, &[]).out)
        .expect("JSON");
    fits(&out);
    assert_eq!((&out["loginServer"], &out["username"]), (&json!(HOST), &json!(USER)));
    assert!(out["accessToken"].as_str().is_some_and(|t| t.starts_with("eyJ")), "{out}");
    assert!(out["expires"].as_str().is_some_and(|at| at.len() == "2026-01-02T03:04:05Z".len()), "whole seconds: {out}");
    let table = cmk(&s, &["login", HOST, "-t"]).with(0, &[]).out;
    assert!(table.contains("--password-stdin") && table.contains(USER), "{table}");
    assert!(!docker(&s).exists());
}

#[cfg(unix)]
fn helper(s: &Setting, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let bin = s.dir.path().join("bin");
    fs::create_dir_all(&bin).expect("a directory");
    let file = bin.join(format!("docker-credential-{name}"));
    fs::write(&file, format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")).expect("a script");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a mode");
}

#[cfg(unix)]
#[test]
fn helpers_are_given_the_login_by_stdin_alone() {
    let s = setting();
    let log = s.dir.path().join("log");
    let script = format!("echo \"own $*\" >> {0}; cat >> {0}; echo >> {0}", log.display());
    helper(&s, "own", &script);
    helper(&s, "store", &script.replace("own", "store"));
    configured(&s, &json!({ "credsStore": "store", "credHelpers": { HOST: "own" } }));
    let said = cmk(&s, &["login", HOST]).with(0, &[]);
    assert!(said.out.contains("docker-credential-own"), "{}", said.out);
    let told = fs::read_to_string(&log).expect("a log");
    let mut lines = told.lines();
    assert_eq!(lines.next(), Some("own store"), "and nothing secret among the arguments");
    let given: Value = serde_json::from_str(lines.next().expect("a line")).expect("JSON");
    assert_eq!((&given["ServerURL"], &given["Username"]), (&json!(HOST), &json!(USER)));
    assert!(given["Secret"].as_str().is_some_and(|t| t.starts_with("eyJ")));
    assert_eq!(config(&s)["auths"], json!({ HOST: {} }), "as Docker has it");

    fs::write(&log, "").expect("a log");
    cmk(&s, &["logout", HOST]).with(0, &[]);
    assert_eq!(fs::read_to_string(&log).expect("a log"), format!("own erase\n{HOST}\n"));
    assert_eq!(config(&s)["auths"], json!({}));

    configured(&s, &json!({ "credsStore": "store" }));
    cmk(&s, &["login", HOST]).with(0, &[]);
    assert!(fs::read_to_string(&log).expect("a log").contains("store store"), "the store for all others");
}

/// `cmk` as a command of a shell, after some of its own.
#[cfg(unix)]
fn after(s: &Setting, script: &str, args: &[&str]) -> std::process::Command {
    let inner = s.command(args);
    let mut command = std::process::Command::new("/bin/sh");
    command
        .env_clear()
        .args(["-c", &format!("{script}; exec \"$0\" \"$@\"")])
        .arg(inner.get_program())
        .args(inner.get_args());
    command
}

#[test]
fn ten_logins_at_a_time_are_all_kept() {
    let names: Vec<_> = (0..10).map(|n| format!("contoso{n}")).collect();
    let s = Setting::of(cmk_mocks::Params::instant(), |world, now| {
        seed(world, now);
        let identity = world.seed_identity(crate::setting::GROUP, "id-many");
        for name in names.iter().filter(|name| *name != REGISTRY) {
            world.seed_registry_cmk(
                crate::setting::GROUP,
                name,
                crate::setting::VAULT,
                crate::setting::KEY,
                cmk_mocks::KeyRef::Versionless,
                &identity.id,
            );
        }
    });
    let hosts: Vec<_> = names.iter().map(|name| format!("{name}.azurecr.io")).collect();
    for round in 0..2 {
        let (verb, kept) = if round == 0 { ("login", 10) } else { ("logout", 0) };
        let at_once: Vec<_> = hosts
            .iter()
            .map(|host| {
                let mut command = s.command(&[verb, host]);
                command.env("DOCKER_CONFIG", docker(&s)).stdout(std::process::Stdio::null());
                command.spawn().expect("cmk")
            })
            .collect();
        for mut child in at_once {
            assert!(child.wait().expect("an end").success());
        }
        let config = config(&s);
        let auths = config["auths"].as_object().expect("entries");
        assert_eq!(auths.len(), kept, "{auths:?}");
        assert!(round == 1 || hosts.iter().all(|host| auths[host]["auth"].is_string()), "{auths:?}");
        assert_eq!(fs::read_dir(docker(&s)).expect("a directory").count(), 1, "nothing is left beside it");
    }
}

#[cfg(unix)]
#[test]
fn a_lock_that_is_a_link_is_neither_followed_nor_waited_for() {
    let s = setting();
    let (lock, elsewhere) = (docker(&s).join(".config.json.cmk-lock"), s.dir.path().join("elsewhere"));
    configured(&s, &json!({ "auths": {} }));
    std::os::unix::fs::symlink(&elsewhere, &lock).expect("a link");
    for text in [None, Some("text")] {
        if let Some(text) = text {
            fs::write(&elsewhere, text).expect("a file");
        }
        cmk(&s, &["login", HOST])
            .with(1, &["config.json cannot be written", ".config.json.cmk-lock is no file: remove it"]);
        assert_eq!(fs::read_to_string(&elsewhere).ok().as_deref(), text);
        assert_eq!(config(&s), json!({ "auths": {} }));
    }
    fs::remove_file(&lock).expect("a link");
    cmk(&s, &["login", HOST]).with(0, &[]);
}

#[cfg(unix)]
#[test]
fn a_directory_that_is_made_is_its_owners() {
    let s = setting();
    let dir = s.dir.path().join("new/docker");
    let mut command = after(&s, "umask 0", &["login", HOST]);
    command.env("DOCKER_CONFIG", &dir);
    ended(command).with(0, &[]);
    assert_eq!((mode(&dir), mode(&s.dir.path().join("new")), mode(&dir.join("config.json"))), (0o700, 0o700, 0o600));
}

#[cfg(unix)]
#[test]
fn helpers_cannot_have_the_secret_shown_in_any_writing() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let s = setting();
    let given = s.dir.path().join("given");
    let letters =
        |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    for echo in [
        "cat",
        "base64",
        "base64 -w0",
        "base64 -w0 | tr '+/' '-_'",
        "od -An -v -tx1",
        "od -An -v -tx1 | tr -d ' \\n'",
        "tr a-z A-Z",
        "rev",
        "sed 's/./& /g'",
        "tail -c 300",
        "tail -c 300 | base64",
        "sed 's/.*Secret\":\"//' | head -c 200",
    ] {
        helper(&s, "loud", &format!("tee {} | {echo}; exit 3", given.display()));
        configured(&s, &json!({ "credsStore": "loud" }));
        let failed = cmk(&s, &["login", HOST]).with(1, &["docker-credential-loud store failed (exit status: 3)"]);
        let login: Value = serde_json::from_str(&fs::read_to_string(&given).expect("a login")).expect("JSON");
        let secret = login["Secret"].as_str().expect("a secret");
        let hex: String = secret.bytes().map(|b| format!("{b:02x}")).collect();
        let mut forms = vec![secret.to_owned(), hex, secret.chars().rev().collect()];
        forms.extend((0..3).map(|before| STANDARD.encode(format!("{}{secret}", &"abc"[..before]))[4..].to_owned()));
        let said = letters(&failed.err);
        for form in forms {
            let form = letters(&form);
            let shown =
                form.as_bytes().windows(12).find(|part| said.contains(&String::from_utf8_lossy(part).into_owned()));
            assert!(shown.is_none(), "{echo}: {}", failed.err);
        }
    }
    // What has nothing of it is told, as far as anybody reads.
    helper(&s, "loud", "echo 'pass is not initialized'; head -c 20000000 /dev/zero | tr '\\0' x; exit 3");
    let failed = cmk(&s, &["login", HOST]).with(1, &["pass is not initialized"]);
    assert!(failed.err.len() < 2000, "{}", failed.err.len());
}

#[cfg(target_os = "linux")]
#[test]
fn a_helper_that_hangs_is_ended_with_all_it_started() {
    let s = setting();
    let child = s.dir.path().join("child");
    helper(&s, "slow", &format!("sleep 300 & echo $! > {}; wait", child.display()));
    configured(&s, &json!({ "credsStore": "slow" }));
    let before = config(&s);
    cmk(&s, &["login", HOST]).with(1, &["docker-credential-slow store failed", "did not end within 10s"]);
    s.until("its child is gone", || crate::signals::is_gone(&child));
    assert_eq!(config(&s), before);

    fs::remove_file(&child).expect("a file");
    let mut command = s.command(&["login", HOST]);
    command.env("DOCKER_CONFIG", docker(&s)).env("PATH", s.dir.path().join("bin"));
    let mut cmk = command.spawn().expect("cmk");
    s.until("the helper is at work", || fs::read_to_string(&child).is_ok_and(|pid| pid.ends_with('\n')));
    crate::signals::signal(&cmk, "INT");
    assert_eq!(cmk.wait().expect("an end").code(), Some(130));
    s.until("its child is gone", || crate::signals::is_gone(&child));
}

#[cfg(unix)]
#[test]
fn helpers_that_fail_are_told_without_the_secret() {
    let s = setting();
    helper(&s, "loud", "cat; echo broken; exit 3");
    helper(&s, "empty", "cat > /dev/null; echo 'credentials not found in native keychain'; exit 1");
    configured(&s, &json!({ "credsStore": "loud" }));
    let before = config(&s);
    let failed = cmk(&s, &["login", HOST]).with(1, &["docker-credential-loud store failed", "broken"]);
    assert!(!failed.err.contains("eyJ"), "{}", failed.err);
    assert_eq!(config(&s), before);
    configured(&s, &json!({ "credsStore": "gone" }));
    cmk(&s, &["login", HOST]).with(1, &["docker-credential-gone"]);
    configured(&s, &json!({ "credsStore": "../../bin/sh" }));
    cmk(&s, &["login", HOST]).with(1, &["cannot be one"]);
    configured(&s, &json!({ "credsStore": "empty" }));
    assert!(cmk(&s, &["logout", HOST]).with(0, &[]).out.contains("there was no login"));
}

#[test]
fn a_broken_configuration_is_left_as_it_is() {
    let s = setting();
    fs::create_dir_all(docker(&s).join("config.json")).expect("a directory");
    cmk(&s, &["login", HOST]).with(1, &["left as it is: it is no file"]);
    fs::remove_dir(docker(&s).join("config.json")).expect("a directory");
    for broken in ["{ \"auths\": ", "[]", "{ \"auths\": 7 }"] {
        fs::create_dir_all(docker(&s)).expect("a directory");
        fs::write(docker(&s).join("config.json"), broken).expect("a file");
        cmk(&s, &["login", HOST]).with(1, &["left as it is"]);
        assert_eq!(fs::read_to_string(docker(&s).join("config.json")).expect("a file"), broken);
    }
}

#[test]
fn refusals_carry_azs_codes() {
    let s = setting();
    s.sim.with_world(|w, _| {
        let rules = json!({ "defaultAction": "Deny" });
        w.mutate_registry_property(&s.registry_id(REGISTRY), "networkRuleSet", rules);
    });
    cmk(&s, &["login", HOST]).with(1, &["CONNECTIVITY_FORBIDDEN_ERROR", "203.0.113.10", "R-DP-20"]);
    let s = setting();
    s.sim.with_world(|w, _| {
        let (operator, scope) = (w.operator().object_id, format!("/subscriptions/{}", w.subscription()));
        w.remove_roles(operator, &scope);
    });
    cmk(&s, &["login", HOST]).with(1, &["CONNECTIVITY_REFRESH_TOKEN_ERROR"]);
    assert!(!docker(&s).exists());
    let none = format!("{}x", s.registry_id(REGISTRY));
    let s = setting();
    cmk(&s, &["login", &none]).with(2, &["LOGIN_SERVER_ERROR"]);
    cmk(&s, &["login", "contoso1.azurecr.cn"]).with(2, &["R-CMK-36", "--cloud china"]);
}

#[test]
fn a_rotation_is_probed_when_it_is_told_to() {
    let s = setting();
    let plan = s.cmk(&["rotate", "-n", REGISTRY, "--probe", "--plan"]).with(4, &[]);
    assert!(plan.out.contains("cmk-probe"), "{}", plan.out);
    let done = s.json(&["rotate", "-n", REGISTRY, "--probe", "--yes"]);
    fits(&done);
    assert_eq!((&done["probe"]["login_server"], &done["probe"]["repository"]), (&json!(HOST), &json!("cmk-probe")));
    s.sim.with_world(|w, _| {
        let rules = json!({ "defaultAction": "Deny" });
        w.mutate_registry_property(&s.registry_id(REGISTRY), "networkRuleSet", rules);
    });
    let failed = s.cmk(&["rotate", "-n", REGISTRY, "--probe", "--yes", "--run", "p"]);
    failed.with(1, &["stand", "CONNECTIVITY_FORBIDDEN_ERROR", "cmk resume p"]);
}
