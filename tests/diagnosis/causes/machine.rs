//! The machine a diagnosis runs on.

use super::{CONFIG, PROFILE};
fn diagnosed(spoil: fn(&mut super::Setup)) -> cmk::Diagnosis {
    cmk_tests::run_paused(async {
        let mut setup = super::Setup::healthy();
        spoil(&mut setup);
        setup.fixture().order().only(["machine"]).await.unwrap()
    })
}

fn codes(diagnosis: &cmk::Diagnosis) -> Vec<&str> {
    diagnosis.findings.iter().map(|f| f.code.as_str()).collect()
}

#[test]
fn a_machine_is_looked_at_without_a_request() {
    cmk_tests::run_paused(async {
        let fixture = super::Setup::healthy().fixture();
        let diagnosis = fixture.order().only(["machine"]).await.unwrap();
        assert_eq!(codes(&diagnosis), [""; 0], "{diagnosis}");
        assert_eq!(fixture.sim.exchanges().len(), 0);
    });
}

#[test]
fn podman_is_as_good_and_needs_no_daemon() {
    let diagnosis = diagnosed(|s| {
        s.machine.programs.clear();
        s.machine.says("podman version --format {{json .}}", "{\"Client\": {\"Version\": \"4.9.3\"}}");
    });
    assert_eq!(codes(&diagnosis), [""; 0], "{diagnosis}");
    assert_eq!(diagnosis.verdict, cmk::diagnose::Verdict::Healthy, "{diagnosis}");
}

#[test]
fn a_helper_that_is_there_or_of_another_registry_is_fine() {
    let diagnosis = diagnosed(|s| {
        s.machine.says("docker-credential-pass version", "0.8.2");
        s.machine.writes(CONFIG, "{\"credsStore\": \"pass\", \"credHelpers\": {\"gcr.io\": \"gcloud\"}}");
    });
    assert_eq!(codes(&diagnosis), [""; 0], "{diagnosis}");
    let diagnosis = diagnosed(|s| {
        s.machine.says("docker-credential-pass version", "0.8.2");
        let host = format!("{}.azurecr.io", s.registry().name());
        let config = serde_json::json!({"credsStore": "pass", "credHelpers": {host: "acr-env"}});
        s.machine.writes(CONFIG, &config.to_string());
    });
    assert_eq!(codes(&diagnosis), ["docker-credential-store-missing"], "{diagnosis}");
}

#[test]
fn a_drop_in_that_came_after_the_daemon_is_pending_and_a_password_is_not_told() {
    let diagnosis = diagnosed(|s| {
        let unit = "[Service]\nEnvironment=\"HTTPS_PROXY=http://kim:secret@new.example:3128\"\n";
        s.machine.writes("/etc/systemd/system/docker.service.d/http-proxy.conf", unit);
        s.machine.docker("28.5.1", "28.5.1", "http://kim:secret@old.example:3128");
    });
    assert_eq!(codes(&diagnosis), ["docker-restart-pending"], "{diagnosis}");
    let whole = serde_json::to_string(&diagnosis).unwrap();
    assert!(whole.contains("new.example:3128") && whole.contains("old.example:3128"), "{whole}");
    assert!(!whole.contains("secret"), "{whole}");
}

#[test]
fn files_and_programs_of_any_content_are_no_finding_and_no_panic() {
    for content in ["", "[]", "null", "{\"proxies\": []}", "\u{feff}{}", "{\"subscriptions\": {\"a\": 1}}", "\0\u{1}"] {
        cmk_tests::run_paused(async {
            let mut setup = super::Setup::healthy();
            for path in [PROFILE, "/etc/docker/daemon.json", "/etc/systemd/system/docker.service.d/http-proxy.conf"] {
                setup.machine.writes(path, content);
            }
            for line in ["docker version --format {{json .}}", "docker info --format {{json .}}"] {
                setup.machine.says(line, content);
            }
            setup.machine.says("az version --output json", content);
            let diagnosis = setup.fixture().order().only(["machine"]).await.unwrap();
            let rest: Vec<_> = codes(&diagnosis).into_iter().filter(|c| *c != "docker-daemon-stopped").collect();
            assert_eq!(rest, [""; 0], "{content:?}: {diagnosis}");
        });
    }
}
