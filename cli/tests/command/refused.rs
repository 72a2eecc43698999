//! Orders of the workflows beside create and rotate that cannot be right: the exit code, the words, and nothing written.

use crate::setting::{GROUP, KEY, REGISTRY, Setting, VAULT};

const NOWHERE: &str = "00000000-0000-0000-0000-000000000009";

struct Wrong(Setting);

impl Wrong {
    #[track_caller]
    fn refused(&self, args: &[&str], code: i32, said: &[&str]) {
        let ended = self.0.cmk(&[args, &["--yes"]].concat()).with(code, said);
        assert_eq!((ended.out.as_str(), self.0.sim.writes()), ("", 0), "{args:?}");
    }
    /// Of the registry.
    #[track_caller]
    fn of(&self, command: &str, more: &[&str], code: i32, said: &[&str]) {
        self.refused(&[&[command, "-n", REGISTRY], more].concat(), code, said);
    }
}

fn wrong() -> Wrong {
    Wrong(Setting::with_registry())
}

#[test]
fn identities_that_cannot_unwrap() {
    let w = wrong();
    let identity = w.0.sim.with_world(|world, _| world.seed_identity(GROUP, "id-other"));
    let principal = identity.principal_id.to_string();
    for (command, option, more) in
        [("rotate", "--identity", &["--keep-version"][..]), ("reassign", "--to", &[]), ("bypass", "--identity", &[])]
    {
        let with = |id: &str, code, said: &[&str]| w.of(command, &[&[option, id], more].concat(), code, said);
        with(&principal, 3, &["is the principal id of identity id-other", "R-CMK-07", &identity.client_id.to_string()]);
        with(NOWHERE, 3, &["there is no identity", "R-CMK-26"]);
        with("id-nowhere", 3, &["id-nowhere", "R-CMK-26"]);
        with("x", 2, &["R-ARM-21"]);
    }
    w.of("reassign", &["--remove-old"], 3, &["R-CMK-20", "--to"]);
    w.of("reassign", &["--error", "the disk is full"], 3, &[]);
}

#[test]
fn keys_and_vaults_that_cannot_be() {
    let w = wrong();
    let china = format!("https://{VAULT}.vault.azure.cn/keys/{KEY}");
    w.of("rotate", &["-k", &china], 3, &["R-CMK-36"]);
    w.of("bypass", &["-k", &china], 3, &["R-CMK-36"]);
    w.of("bypass", &["-k", "https://pool.managedhsm.azure.net/keys/k"], 3, &["R-CMK-10"]);
    w.of("bypass", &["-k", "https://kv-nowhere.vault.azure.net/keys/k"], 3, &["no vault kv-nowhere"]);
    w.of("bypass", &["-k", "not a key"], 2, &[]);
    w.of("rotate", &["--vault", VAULT], 2, &["--to-version"]);
    w.of("recover", &["--vault", "kv--x"], 2, &["R-KV-01"]);
    w.of("recover", &["--vault", "https://kv-x.vault.azure.net"], 2, &["az keyvault show"]);
    w.refused(
        &["vault-network", "kv-nowhere", "--allow-ip", "203.0.113.7"],
        2,
        &["there is no vault 'kv-nowhere'", "-g"],
    );
    w.refused(&["vault-network", "kv-nowhere", "-g", GROUP, "--allow-ip", "203.0.113.7"], 3, &["there is no vault"]);
    w.refused(&["vault-network", "kv--x", "--allow-ip", "203.0.113.7"], 2, &["R-KV-01"]);
    w.0.sim.with_world(|world, _| world.seed_registry(GROUP, "plain1", "Premium"));
    for command in ["recover", "repair", "reassign", "bypass", "retire", "auto-rotate", "revoke"] {
        w.refused(&[command, "-n", "plain1"], 3, &["no customer-managed key"]);
        w.refused(&[command, "-n", "contoso9", "-g", GROUP], 3, &["contoso9"]);
    }
}

#[test]
fn addresses_and_switches_that_cannot_be() {
    let w = wrong();
    let network = |more: &[&str], code, said: &[&str]| {
        w.refused(&[&["vault-network", VAULT], more].concat(), code, said);
    };
    network(&["--allow-ip", "203.0.113.300"], 3, &["203.0.113.300", "R-KV-40"]);
    network(&["--allow-ip", "::1"], 3, &["R-KV-40"]);
    network(&["--forget-subnet", "subnet-a"], 3, &["R-KV-40"]);
    network(&[], 3, &["nothing is to change"]);
    network(&["--default-action", "maybe"], 2, &["allow", "deny"]);
    network(&["--trusted-services", "yes"], 2, &["on", "off"]);
    w.of("bypass", &["--allow-ip", "here"], 3, &["R-KV-40"]);
    w.of("bypass", &["-l", "westeurope"], 2, &["--create"]);
    w.of("bypass", &["--create"], 2, &["--key"]);
}

#[test]
fn times_that_cannot_be() {
    let w = wrong();
    w.of("auto-rotate", &["--every", "quarterly"], 3, &["'quarterly'", "R-KV-15"]);
    w.of("auto-rotate", &["--every", "P6D"], 3, &["R-KV-15"]);
    w.of("auto-rotate", &["--every", "P90D", "--versions-live", "P90D"], 3, &["R-KV-16"]);
    w.of("auto-rotate", &["--before-expiry", "P30D"], 3, &["R-KV-15", "--versions-live"]);
    w.of("auto-rotate", &["--every", "P90D", "--off"], 2, &["cannot be used with"]);
    w.of("auto-rotate", &["--extend-current", "soon"], 2, &["2027-06-30"]);
    w.of("auto-rotate", &["--extend-current", "2020-01-01"], 3, &["is past", "R-KV-14"]);
    w.of("auto-rotate", &["--show"], 2, &["cannot be used with"]);
    w.of("retire", &["--quiet-hours", "0"], 3, &["R-CMK-15"]);
    w.of("retire", &["--look-in", "x"], 2, &["x"]);
    w.of("retire", &["--keep", "-1"], 2, &[]);
}

#[test]
fn revocations_and_ways_back_that_cannot_be() {
    let w = wrong();
    w.of("revoke", &["--how", "policy", "--accept", "revocation"], 3, &["R-KV-31", "--how access"]);
    w.of("revoke", &["--how", "burn"], 2, &["disable", "delete"]);
    w.of("revoke", &["--accept", "everything"], 2, &["revocation"]);
    for command in ["restore", "rollback"] {
        w.refused(&[command, "nothing"], 2, &["there is no run 'nothing'", "--state"]);
        w.refused(&[command, "../x"], 2, &["cannot name a run"]);
    }
    w.0.json(&["auto-rotate", "-n", REGISTRY, "--every", "P90D", "--versions-live", "P2Y", "--yes", "--run", "r1"]);
    w.0.json(&["auto-rotate", "-n", REGISTRY, "--every", "P90D", "--versions-live", "P2Y", "--yes", "--run", "r2"]);
    w.0.cmk(&["restore", "r1", "--yes"]).with(2, &["took no key away", "cmk rollback r1"]);
    w.0.cmk(&["rollback", "r2", "--yes"]).with(2, &["has done nothing"]);
}
