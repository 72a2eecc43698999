//! What cannot be right: the exit code, the words, and nothing written.

use crate::setting::{GROUP, KEY, REGISTRY, Setting, VAULT, bare, ended};

/// Nothing of it may have been asked for.
#[track_caller]
fn refused(s: &Setting, args: &[&str], code: i32, said: &[&str]) {
    let ended = s.cmk(args).with(code, said);
    assert_eq!(ended.out, "", "stdout carries results only");
    assert_eq!(s.sim.writes(), 0, "{args:?}");
}

const CREATE: [&str; 8] = ["create", "-g", GROUP, "-n", "contoso2", "-l", "westeurope", "--yes"];

#[test]
fn orders_against_the_rules() {
    let s = Setting::with_registry();
    let key = format!("https://{VAULT}.vault.azure.net/keys/{KEY}");
    let absent = format!("{key}/{}", "0".repeat(32));
    for (more, said) in [
        (&["--sku", "Basic"][..], &["R-CMK-01", "Premium"][..]),
        (&["--key-type", "EC"], &["R-CMK-05"]),
        (&["--key-size", "1024"], &["R-CMK-05"]),
        (&["--no-encryption"], &["R-CMK-03"]),
        (&["--identity", "[system]"], &["R-CMK-04"]),
        (&["--identity", "system"], &["R-CMK-04"]),
        (&["--retention-days", "3"], &["R-KV-02"]),
        (&["--key", "https://kv-contoso.vault.azure.cn/keys/k"], &["R-CMK-36"]),
        (&["--key", "https://pool.managedhsm.azure.net/keys/k"], &["R-CMK-10"]),
        (&["--accept", "encryption"], &["purge-protection"]),
        (&["--accept", "purge-protection"], &["encryption"]),
    ] {
        refused(&s, &[&CREATE[..], more].concat(), 3, said);
    }
    refused(&s, &["rotate", "-n", REGISTRY, "--yes", "--to-version", &absent], 3, &["R-ERR-27"]);
}

#[test]
fn an_elliptic_key_and_a_plain_registry() {
    let s = Setting::with_registry();
    s.sim.with_world(|world, now| {
        world.seed_key_of(VAULT, "curve", "EC", now);
        world.seed_registry(GROUP, "plain1", "Premium");
    });
    let curve = format!("https://{VAULT}.vault.azure.net/keys/curve");
    let create =
        ["create", "-g", GROUP, "-n", "contoso2", "--yes", "--accept", "encryption", "--identity", "id-contoso"];
    refused(&s, &[&create[..], &["--key", &curve]].concat(), 3, &["R-CMK-05"]);
    refused(&s, &["rotate", "-n", REGISTRY, "--yes", "--to-version", &curve], 3, &["R-CMK-05"]);
    refused(&s, &["create", "-g", GROUP, "-n", "plain1", "--yes", "--accept", "encryption"], 3, &["R-CMK-02"]);
    refused(&s, &["rotate", "-n", "plain1", "--yes"], 3, &["no customer-managed key"]);
}

#[test]
fn names_that_cannot_be() {
    let s = Setting::with_registry();
    for (name, said) in [
        ("a", "R-ARM-20"),
        ("with-dash", "R-ARM-20"),
        ("contoso1.azurecr.io", "-n contoso1"),
        ("https://contoso1.azurecr.io/", "-n contoso1"),
        ("/subscriptions/x/y", "R-ARM-22"),
        ("", "R-ARM-20"),
    ] {
        refused(&s, &["status", "-n", name], 2, &[said]);
        refused(&s, &["create", "-g", GROUP, "-l", "westeurope", "--yes", name], 2, &[said]);
    }
    refused(&s, &["create", "-n", "contoso2", "--yes"], 2, &["-g GROUP -n contoso2"]);
    refused(
        &s,
        &["create", "-n", "contoso2", "-g", "nowhere", "--yes"],
        2,
        &["no resource group 'nowhere'", "-l REGION"],
    );
    refused(&s, &["status", "-n", "contoso9"], 2, &["there is no registry 'contoso9'", "-g"]);
    refused(&s, &["status", "-n", "contoso9", "-g", GROUP], 3, &["contoso9"]);
    refused(&s, &["rotate", "-n", "contoso9", "-g", GROUP, "--yes"], 3, &["contoso9"]);
    refused(&s, &["status", &s.registry_id(REGISTRY), "-g", "other"], 2, &["-g says other"]);
    refused(&s, &[&CREATE[..], &["--vault", "https://kv-x.vault.azure.net"]].concat(), 2, &["az keyvault show"]);
    refused(&s, &[&CREATE[..], &["--vault", "kv--x"]].concat(), 2, &["R-KV-01"]);
    refused(&s, &["rotate", "-n", REGISTRY, "--yes", "-k", "https://v.vault.azure.net/secrets/k"], 2, &["secret"]);
    refused(&s, &["rotate", "-n", REGISTRY, "--yes", "--run", "../x"], 2, &["cannot name a run"]);
}

#[test]
fn guids_for_identities() {
    let s = Setting::with_registry();
    let identity = s.sim.with_world(|world, _| world.seed_identity(GROUP, "id-other"));
    let with = |id: &str, said: &[&str]| refused(&s, &[&CREATE[..], &["--identity", id]].concat(), 2, said);
    let id = format!("--identity {}", identity.id);
    with(&identity.client_id.to_string(), &["is the client id of identity id-other", &id]);
    with(&identity.principal_id.to_string(), &["is the principal id", "R-CMK-07", &id]);
    with("00000000-0000-0000-0000-000000000009", &["resource id", "az identity list"]);
    with("x", &["R-ARM-21"]);
}

#[test]
fn options_that_cannot_be() {
    let s = Setting::with_registry();
    refused(
        &s,
        &[&CREATE[..], &["--accept", "everything"]].concat(),
        2,
        &["'everything'", "encryption, purge-protection"],
    );
    refused(&s, &["status", "-n", REGISTRY, "-o", "yaml"], 2, &["yaml", "json"]);
    refused(&s, &["status", "-n", REGISTRY, "--cloud", "german"], 2, &["usgov"]);
    refused(&s, &["status", "-n", REGISTRY, "--auth", "device"], 2, &["workload"]);
    refused(&s, &["status", "-n", REGISTRY, "--auth", "az"], 2, &["real login to a simulator"]);
    refused(&s, &["rotate", "-n", REGISTRY, "--new-version", "--to-version", "x"], 2, &["cannot be used with"]);
    refused(&s, &["rotate", "-n", REGISTRY, "--versioned", "--versionless"], 2, &["cannot be used with"]);
    refused(&s, &["resume", "nothing"], 2, &["there is no run 'nothing'", "--state"]);
    refused(&s, &["abandon", "nothing", "--yes"], 2, &["there is no run 'nothing'"]);
    // Without a terminal nobody can be asked, and nothing is asked of Azure either.
    let requests = s.sim.requests();
    refused(&s, &["rotate", "-n", REGISTRY], 2, &["no terminal", "--plan", "--yes"]);
    refused(&s, &["create", "-n", REGISTRY, "-g", GROUP], 2, &["no terminal"]);
    assert_eq!(s.sim.requests(), requests);
}

#[test]
fn simulators_are_on_this_machine() {
    for url in [
        "http://10.0.0.1:8080",
        "https://127.0.0.1:8080",
        "http://127.0.0.1.example.com:8080",
        "http://user@127.0.0.1:8080",
        "http://management.azure.com",
        "127.0.0.1:8080",
        "",
    ] {
        let ended = ended(bare(&["status", "-n", "contoso1", "--simulator", url, "--subscription", "x"]));
        assert_eq!(ended.code, 2, "{url}: {}", ended.err);
        let ended = crate::setting::ended(bare(&["runs", "--state", "/nowhere", "--simulator", url]));
        ended.with(2, &["is not a simulator on this machine"]);
    }
    let closed = "http://127.0.0.1:1";
    let sub = "5b000000-0000-4000-8000-000000000001";
    ended(bare(&["status", "-n", "contoso1", "--simulator", closed, "--subscription", sub]))
        .with(1, &["talking to the simulator", "no simulator answers", "azure-sim --port"]);
}

#[test]
fn the_subscription_is_named_by_an_option_an_id_or_the_environment() {
    let s = Setting::with_registry();
    let status = |env: Option<&str>| {
        let mut command = bare(&["status", "-n", REGISTRY, "--simulator", &s.url]);
        command.envs(env.map(|value| ("AZURE_SUBSCRIPTION_ID", value)));
        ended(command)
    };
    status(None).with(2, &["which subscription?", "AZURE_SUBSCRIPTION_ID"]);
    status(Some("not a guid")).with(2, &["AZURE_SUBSCRIPTION_ID"]);
    status(Some(&s.subscription)).with(0, &[]);
    ended(bare(&["status", &s.registry_id(REGISTRY), "--simulator", &s.url])).with(0, &[]);
}
