//! The machine a diagnosis runs on.

use super::{StagedCause, staged};
use cmk::diagnose::Ran;

pub const CONFIG: &str = "/home/operator/.docker/config.json";
pub const PROFILE: &str = "/home/operator/.azure/azureProfile.json";

fn profile(cloud: &str, tenant: &str) -> String {
    let of = |name: &str, default: bool, cloud: &str, tenant: &str| serde_json::json!({"name": name, "isDefault": default, "environmentName": cloud, "tenantId": tenant});
    let all = [of("other", false, "AzureGermanCloud", "x"), of("shop", true, cloud, tenant)];
    format!("\u{feff}{}", serde_json::json!({"installationId": "x", "subscriptions": all}))
}

pub const STAGED: &[StagedCause] = &[
    staged("docker-absent", |s| s.machine.programs.clear()),
    staged("docker-old", |s| s.machine.docker("17.12.1-ce", "28.5.1", "")),
    staged("docker-daemon-stopped", |s| {
        let client = serde_json::json!({"Client": {"Version": "28.5.1"}, "Server": null}).to_string();
        let stderr =
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n";
        let ran = Ran { success: false, stdout: client, stderr: stderr.into() };
        s.machine.programs.insert("docker version --format {{json .}}".into(), Ok(ran));
        let ran = Ran { success: false, stdout: "{\"ServerErrors\":[\"no\"]}".into(), stderr: stderr.into() };
        s.machine.programs.insert("docker info --format {{json .}}".into(), Ok(ran));
    }),
    staged("docker-config-unreadable", |s| s.machine.writes(CONFIG, "{\"auths\": {")),
    staged("docker-credential-store-missing", |s| {
        s.machine.writes(CONFIG, "{\"credsStore\": \"desktop.exe\", \"credHelpers\": {\"gcr.io\": \"gcloud\"}}");
    }),
    staged("docker-restart-pending", |s| {
        s.machine.writes("/etc/docker/daemon.json", "{\"proxies\": {\"https-proxy\": \"http://proxy.example:3128\"}}");
    }),
    staged("docker-proxy-differs", |s| {
        s.machine.docker("28.5.1", "28.5.1", "http://proxy.example:3128");
        s.machine
            .writes(CONFIG, "{\"proxies\": {\"default\": {\"httpsProxy\": \"http://kim:secret@other.example:3128\"}}}");
    }),
    staged("az-old", |s| {
        let tenant = s.world.tenant().to_string();
        s.machine.writes(PROFILE, &profile("AzureCloud", &tenant));
        s.machine.says("az version --output json", "{\"azure-cli\": \"2.0.81\"}");
    }),
    staged("az-other-cloud", |s| {
        let tenant = s.world.tenant().to_string();
        s.machine.writes(PROFILE, &profile("AzureChinaCloud", &tenant));
    }),
    staged("az-other-tenant", |s| {
        s.machine.writes(PROFILE, &profile("AzureCloud", "00000000-0000-0000-0000-00000000000a"));
    }),
];
