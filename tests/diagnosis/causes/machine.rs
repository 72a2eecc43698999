//! The machine a diagnosis runs on.

use super::{Stage, stage};
use cmk::diagnose::Ran;

const CONFIG: &str = "/home/operator/.docker/config.json";
const PROFILE: &str = "/home/operator/.azure/azureProfile.json";

fn profile(cloud: &str, tenant: &str) -> String {
    let of = |name: &str, default: bool, cloud: &str, tenant: &str| serde_json::json!({"name": name, "isDefault": default, "environmentName": cloud, "tenantId": tenant});
    let all = [of("other", false, "AzureGermanCloud", "x"), of("shop", true, cloud, tenant)];
    format!("\u{feff}{}", serde_json::json!({"installationId": "x", "subscriptions": all}))
}

pub(crate) const STAGES: &[Stage] = &[
    stage("docker-absent", |s| s.machine.programs.clear()),
    stage("docker-old", |s| s.machine.docker("17.12.1-ce", "28.5.1", "")),
    stage("docker-daemon-stopped", |s| {
        let client = serde_json::json!({"Client": {"Version": "28.5.1"}, "Server": null}).to_string();
        let stderr =
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n";
        let ran = Ran { success: false, stdout: client, stderr: stderr.into() };
        s.machine.programs.insert("docker version --format {{json .}}".into(), Ok(ran));
        let ran = Ran { success: false, stdout: "{\"ServerErrors\":[\"no\"]}".into(), stderr: stderr.into() };
        s.machine.programs.insert("docker info --format {{json .}}".into(), Ok(ran));
    }),
    stage("docker-config-unreadable", |s| s.machine.writes(CONFIG, "{\"auths\": {")),
    stage("docker-credential-store-missing", |s| {
        s.machine.writes(CONFIG, "{\"credsStore\": \"desktop.exe\", \"credHelpers\": {\"gcr.io\": \"gcloud\"}}");
    }),
    stage("docker-restart-pending", |s| {
        s.machine.writes("/etc/docker/daemon.json", "{\"proxies\": {\"https-proxy\": \"http://proxy.example:3128\"}}");
    }),
    stage("docker-proxy-differs", |s| {
        s.machine.docker("28.5.1", "28.5.1", "http://proxy.example:3128");
        s.machine
            .writes(CONFIG, "{\"proxies\": {\"default\": {\"httpsProxy\": \"http://kim:secret@other.example:3128\"}}}");
    }),
    stage("az-old", |s| {
        let tenant = s.world.tenant().to_string();
        s.machine.writes(PROFILE, &profile("AzureCloud", &tenant));
        s.machine.says("az version --output json", "{\"azure-cli\": \"2.0.81\"}");
    }),
    stage("az-other-cloud", |s| {
        let tenant = s.world.tenant().to_string();
        s.machine.writes(PROFILE, &profile("AzureChinaCloud", &tenant));
    }),
    stage("az-other-tenant", |s| {
        s.machine.writes(PROFILE, &profile("AzureCloud", "00000000-0000-0000-0000-00000000000a"));
    }),
];

fn diagnosed(spoil: fn(&mut super::Set)) -> cmk::Diagnosis {
    cmk_tests::stage::play(async {
        let mut set = super::Set::healthy();
        spoil(&mut set);
        set.on().order().only(["machine"]).await.unwrap()
    })
}

fn codes(diagnosis: &cmk::Diagnosis) -> Vec<&str> {
    diagnosis.findings.iter().map(|f| f.code.as_str()).collect()
}

#[test]
fn a_machine_is_looked_at_without_a_request() {
    cmk_tests::stage::play(async {
        let on = super::Set::healthy().on();
        let diagnosis = on.order().only(["machine"]).await.unwrap();
        assert_eq!(codes(&diagnosis), [""; 0], "{diagnosis}");
        assert_eq!(on.sim.exchanges().len(), 0);
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
        cmk_tests::stage::play(async {
            let mut set = super::Set::healthy();
            for path in [PROFILE, "/etc/docker/daemon.json", "/etc/systemd/system/docker.service.d/http-proxy.conf"] {
                set.machine.writes(path, content);
            }
            for line in ["docker version --format {{json .}}", "docker info --format {{json .}}"] {
                set.machine.says(line, content);
            }
            set.machine.says("az version --output json", content);
            let diagnosis = set.on().order().only(["machine"]).await.unwrap();
            let rest: Vec<_> = codes(&diagnosis).into_iter().filter(|c| *c != "docker-daemon-stopped").collect();
            assert_eq!(rest, [""; 0], "{content:?}: {diagnosis}");
        });
    }
}
