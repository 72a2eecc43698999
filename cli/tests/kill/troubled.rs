//! The real `cmk`, killed with SIGKILL at requests chosen by a seed, in every workflow and in worlds in which something is
//! wrong: taken up, it ends as it does when nothing kills it.
//!
//! `CMK_KILLS` sets how many kills (12 unless told; 500 with `CMK_LONG=1`), `CMK_KILL` plays a single one.

use crate::setting::Setting;
use cmk_mocks::{
    Params, Setup, When, World,
    troubles::{self, Names},
    worlds,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use time::OffsetDateTime;

/// Two registries on one key, a third on its own, and what workflows need besides.
const WORLD: &str = "
setup: {seed: 7}
groups: [{name: shop}]
identities: [{name: id-contoso1}, {name: id-two}]
vaults:
  - name: kv-contoso1
    keys: [{name: acr-cmk, versions: [{made: -90d}, {made: -40d}]}]
    logs: [{workspace: logs, categories: [audit]}]
  - {name: kv-two, keys: [{name: other}]}
registries:
  - name: contoso1
    cmk: {vault: kv-contoso1, key: acr-cmk, identity: id-contoso1}
    logs: [{workspace: logs, categories: [allLogs]}]
  - {name: contoso2, cmk: {vault: kv-contoso1, key: acr-cmk, identity: id-contoso1}}
  - {name: contoso3, cmk: {vault: kv-two, key: other, identity: id-two}}
workspaces: [{name: logs}]
grants:
  - {to: operator, role: Key Vault Crypto Officer, at: {vault: kv-contoso1}}
  - {to: operator, role: Key Vault Crypto Officer, at: {vault: kv-two}}
";

/// The changing commands, as somebody types them. The last is whatever a diagnosis offers.
const COMMANDS: &[&str] = &[
    "rotate -n contoso1",
    "rotate -n contoso1 --keep-version --identity id-two",
    "rotate -n contoso1 --keep-version --identity system",
    "rotate -n contoso1 -k https://kv-two.vault.azure.net/keys/other --identity id-two --remove-old-grant",
    "auto-rotate -n contoso1 --every P90D --versions-live P1Y",
    "reassign -n contoso1",
    "reassign -n contoso1 --to id-two --remove-old",
    "reassign -n contoso1 --to system",
    "recover -n contoso1",
    "repair -n contoso1",
    "bypass -n contoso1",
    "vault-network kv-contoso1 --allow-ip 203.0.113.9 --trusted-services on",
    "network -n contoso1 --allow-ip 203.0.113.9",
    "grant-access -n contoso1 --principal PRINCIPAL --access pull",
    "logs -n contoso1 --workspace logs",
    "revoke -n contoso1 --also contoso2 --accept revocation",
    "revoke -n contoso1 --also contoso2 --how access --accept revocation",
    "revoke -n contoso3 --how delete --accept revocation",
    "retire -n contoso1",
    "create -g shop -n contoso9 -l westeurope --accept encryption --accept purge-protection",
    "rotate -n contoso3 | rollback first",
    "rotate -n contoso3 --keep-version --identity system | rollback first",
    "auto-rotate -n contoso3 --every P90D | rollback first",
    "revoke -n contoso3 --accept revocation | restore first",
    "diagnose contoso1 --only key --fix",
];

/// Rights and answers at once, tokens that last, and the time of this machine, as the killed program has it.
fn world(trouble: Option<&str>) -> Option<World> {
    let params = Params { token_lifetime: Duration::from_secs(30 * 86_400), ..Params::instant() };
    let setup = Setup { now: OffsetDateTime::now_utc(), ..Setup::default() };
    let mut world = worlds::read(WORLD, &worlds::Base { setup, params }).expect("a world").world;
    if let Some(name) = trouble {
        let names = Names { registry: Some("contoso1".into()), ..Names::default() };
        troubles::named(name).expect("a trouble").apply(&mut world, &names).ok()?;
    }
    Some(world)
}

/// What must be the same in the end: ids that are made differ, so versions are counted and identities are named.
fn shape(s: &Setting) -> String {
    use std::fmt::Write as _;
    s.sim.with_world(|world, now| {
        let mut text = String::new();
        let who = |id: &str| -> String {
            ["id-contoso1", "id-two"]
                .into_iter()
                .find(|name| {
                    let arm = world.group_in(world.subscription(), "shop");
                    let arm = format!("{arm}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}");
                    world
                        .identity(&arm)
                        .is_some_and(|i| [i.client_id.to_string(), i.principal_id.to_string()].contains(&id.to_owned()))
                })
                .map_or_else(|| if id == "system" { id.to_owned() } else { "another".to_owned() }, str::to_owned)
        };
        let mut ordinals: BTreeMap<String, String> = BTreeMap::new();
        for vault in world.vault_names() {
            let _ = writeln!(text, "{vault} {:?}", world.vault_network(&vault));
            for key in world.key_names(&vault) {
                let mut versions = world.key_versions(&vault, &key);
                versions.sort_by_key(|v| v.created);
                for (n, v) in versions.iter().enumerate() {
                    ordinals.insert(v.version.clone(), format!("{vault}/{key} {n}"));
                }
                let states: Vec<_> = versions.iter().map(|v| (v.enabled, v.exp.is_some())).collect();
                let policy = world.rotation_policy(&vault, &key).is_some();
                let _ = writeln!(text, "{vault}/{key} versions {states:?} policy {policy}");
            }
            let policies: BTreeSet<_> =
                world.access_policies(&vault).into_iter().map(|(w, keys)| (who(&w.to_string()), keys)).collect();
            let _ = writeln!(text, "{vault} policies {policies:?}");
        }
        for id in world.registry_ids() {
            let Some(r) = world.registry(&id) else { continue };
            let on = r
                .versioned_key_identifier
                .as_deref()
                .and_then(|v| v.rsplit('/').next())
                .map(|v| ordinals.get(v).cloned().unwrap_or_else(|| "a version that is not there".into()));
            let follows = r.key_identifier.as_deref().is_some_and(|k| k.matches('/').count() == 4);
            let identities: BTreeSet<_> = r.user_identities.iter().map(|i| i.to_lowercase()).collect();
            let _ = writeln!(
                text,
                "{} {} on {on:?} follows {follows} by {:?} with {identities:?} system {} unwraps {:?} {}",
                r.name,
                r.state,
                r.identity.as_deref().map(who),
                r.system_principal.is_some(),
                world.can_unwrap(now, &id).is_ok(),
                r.properties,
            );
            let settings: Vec<_> =
                world.diagnostic_settings(&id).into_iter().map(|(n, w, c)| (n, w.is_some(), c)).collect();
            let _ = writeln!(text, "{} logs {settings:?}", r.name);
        }
        let grants: BTreeSet<_> = world
            .role_assignments()
            .into_iter()
            .map(|(to, role, scope, _)| (who(&to.to_string()), role.to_string(), scope.to_lowercase()))
            .collect();
        for grant in grants {
            let _ = writeln!(text, "{grant:?}");
        }
        text
    })
}

/// One command after another; the one that is killed is the last.
struct Script {
    before: Vec<Vec<String>>,
    cut: Vec<String>,
}

impl Script {
    fn of(line: &str, s: &Setting) -> Self {
        let operator = s.sim.world().operator().object_id.to_string();
        let mut all: Vec<Vec<String>> = line
            .split('|')
            .map(|one| one.split_whitespace().map(|w| w.replace("PRINCIPAL", &operator)).collect())
            .collect();
        let mut cut = all.pop().expect("a command");
        for command in &mut all {
            command.extend(["--yes", "--run", "first"].map(str::to_owned));
        }
        cut.push("--yes".into());
        if cut.first().is_some_and(|verb| verb != "diagnose") {
            cut.extend(["--run", "cut"].map(str::to_owned));
        }
        Self { before: all, cut }
    }
    fn cut(&self) -> Vec<&str> {
        self.cut.iter().map(String::as_str).collect()
    }
    /// Whether what comes before went well.
    fn prepare(&self, s: &Setting) -> bool {
        self.before.iter().all(|c| s.cmk(&c.iter().map(String::as_str).collect::<Vec<_>>()).code == 0)
    }
}

/// How a script ends when nothing disturbs it: its exit code, the world, and the requests of its last command.
#[derive(Clone, Debug)]
struct Undisturbed {
    code: i32,
    shape: String,
    from: u64,
    to: u64,
    writes: u64,
}

fn rehearse(line: &str, trouble: Option<&str>) -> Option<Undisturbed> {
    let s = Setting::on(world(trouble)?);
    let script = Script::of(line, &s);
    if !script.prepare(&s) {
        return None;
    }
    let (from, wrote) = (s.sim.requests() + 1, s.sim.writes());
    let ended = s.cmk(&script.cut());
    let (to, writes) = (s.sim.requests(), s.sim.writes() - wrote);
    // What is refused or fails by itself has nothing to take up; a diagnosis ends with its findings.
    let through = ended.code == 0 || (line.starts_with("diagnose") && matches!(ended.code, 1 | 2));
    (through && writes > 0).then(|| Undisturbed { code: ended.code, shape: shape(&s), from, to, writes })
}

/// The runs that are not finished.
fn unfinished(s: &Setting) -> Vec<String> {
    let runs = s.cmk(&["runs", "-o", "json"]);
    let document: Value = serde_json::from_str(&runs.out).unwrap_or_default();
    let open = |run: &&Value| run["state"] != "finished" && run["state"] != "succeeded";
    document["runs"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(open)
        .filter_map(|r| r["run"].as_str().map(str::to_owned))
        .collect()
}

/// Takes up what was cut short, as the messages say, until the command itself ends as it should.
fn take_up(s: &Setting, script: &Script, code: i32) -> Result<(), String> {
    let mut said = Vec::new();
    for _ in 0..4 {
        for run in unfinished(s).into_iter().filter(|run| run != "first") {
            said.push(s.cmk(&["resume", &run]));
        }
        said.push(s.cmk(&script.cut()));
        if said.last().is_some_and(|e| e.code == code) && unfinished(s).iter().all(|run| run == "first") {
            return Ok(());
        }
    }
    let said: Vec<_> = said.iter().map(|e| format!("\n  exit code {}: {}{}", e.code, e.out, e.err)).collect();
    Err(format!("not taken up: {}", said.concat()))
}

/// Kill `n`: what it was, and what went wrong.
fn kill(n: u64, rehearsed: &Mutex<BTreeMap<(usize, usize), Option<Undisturbed>>>) -> Option<Result<(), String>> {
    let mut state = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x51_7cc1);
    let mut next = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below.max(1)
    };
    let names: Vec<&str> = troubles::all().map(|t| t.name()).collect();
    let (c, t) = (next(COMMANDS.len() as u64) as usize, next(names.len() as u64 + 8) as usize);
    let (line, trouble) = (COMMANDS[c], names.get(t).copied());
    let known = rehearsed.lock().unwrap().get(&(c, t)).cloned();
    let undisturbed = known.unwrap_or_else(|| {
        let found = rehearse(line, trouble);
        rehearsed.lock().unwrap().insert((c, t), found.clone());
        found
    })?;
    let (request, applied) = (undisturbed.from + next(undisturbed.to - undisturbed.from + 1), next(2) == 0);
    let what = format!(
        "CMK_KILL={n}: `cmk {line}` with {} killed at request {request} of {}, applied: {applied}",
        trouble.unwrap_or("no trouble"),
        undisturbed.to
    );
    let s = Setting::on(world(trouble)?);
    let script = Script::of(line, &s);
    if !script.prepare(&s) {
        return Some(Err(format!("{what}: what comes before it failed")));
    }
    s.kill_at(&script.cut(), When::request(request), applied);
    let ended = take_up(&s, &script, undisturbed.code).and_then(|()| {
        let now = shape(&s);
        let lines = undisturbed.shape.lines().zip(now.lines());
        let differ: Vec<_> =
            lines.filter(|(a, b)| a != b).map(|(a, b)| format!("\n  is     {b}\n  should {a}")).collect();
        if now == undisturbed.shape { Ok(()) } else { Err(format!("ends otherwise: {}", differ.concat())) }
    });
    Some(ended.map_err(|why| format!("{what}: {why}")))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|n| n.parse().unwrap_or_else(|_| panic!("{name}={n} is not a number")))
}

#[test]
fn killed_anywhere_in_troubled_worlds_every_workflow_is_taken_up() {
    let long = std::env::var("CMK_LONG").is_ok_and(|v| v == "1");
    let wanted = number("CMK_KILLS").unwrap_or(if long { 500 } else { 12 });
    let single = number("CMK_KILL");
    let rehearsed = Mutex::new(BTreeMap::new());
    let (next, done) = (AtomicU64::new(single.unwrap_or(0)), AtomicU64::new(0));
    let failed = Mutex::new(Vec::new());
    let played = Mutex::new(BTreeMap::<&str, u64>::new());
    let worker = || {
        loop {
            let n = next.fetch_add(1, Ordering::SeqCst);
            if single.is_some_and(|one| n > one) || (single.is_none() && done.load(Ordering::SeqCst) >= wanted) {
                break;
            }
            assert!(n < 40 * wanted.max(1) + single.unwrap_or(0), "too few pairs of workflow and trouble go through");
            let Some(ended) = kill(n, &rehearsed) else { continue };
            done.fetch_add(1, Ordering::SeqCst);
            if let Err(why) = ended {
                println!("{why}");
                failed.lock().unwrap().push(why);
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(worker);
        scope.spawn(worker);
    });
    let rehearsed = rehearsed.into_inner().unwrap();
    let mut played = played.into_inner().unwrap();
    for ((c, _), found) in &rehearsed {
        *played.entry(COMMANDS[*c]).or_default() += u64::from(found.is_some());
    }
    for (line, troubles) in &played {
        println!("{troubles:4} worlds  cmk {line}");
    }
    let requests: u64 = rehearsed.values().flatten().map(|u| u.writes).sum();
    println!(
        "{} kills, {} pairs of workflow and world, {requests} writes in them",
        done.into_inner(),
        rehearsed.values().flatten().count()
    );
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} kills lost something:\n{}", failed.len(), failed.join("\n"));
    if long {
        let never: Vec<_> = COMMANDS.iter().filter(|c| played.get(*c).is_none_or(|n| *n == 0)).collect();
        assert!(never.is_empty(), "never killed: {never:?}");
    }
}
