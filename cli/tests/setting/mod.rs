//! A simulator behind a loopback port, a state directory, and the real `cmk` between them.
#![allow(dead_code, unreachable_pub)]

use cmk_mocks::{
    Clock, Fault, KeyRef, Match, Params, Release, Server, Setup, Sim, SimCloud, VaultModel, What, When, World, roles,
};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::runtime::Runtime;

pub const GROUP: &str = "shop";
pub const REGISTRY: &str = "contoso1";
pub const VAULT: &str = "kv-contoso";
pub const KEY: &str = "cmk";

/// How long anything may take before a test gives up on it.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub struct Setting {
    pub sim: Sim,
    pub url: String,
    pub dir: TempDir,
    pub subscription: String,
    runtime: Runtime,
    _server: Server,
}

/// What a finished `cmk` left.
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Setting {
    /// An empty world in which nothing takes time.
    pub fn empty() -> Self {
        Self::of(Params::instant(), |_, _| {})
    }

    /// A world in which nothing takes time, with `contoso1` on a key that its operator may rotate.
    pub fn with_registry() -> Self {
        Self::of(Params::instant(), seed)
    }

    /// An empty world in another cloud.
    pub fn in_cloud(cloud: SimCloud) -> Self {
        Self::made(Setup { cloud, ..Setup::default() }, Params::instant(), |_, _| {})
    }

    pub fn of(params: Params, seed: impl FnOnce(&mut World, OffsetDateTime)) -> Self {
        Self::made(Setup::default(), params, seed)
    }

    /// A world of so long ago, whose clock is behind that of `cmk` until it is advanced.
    pub fn since(ago: Duration, seed: impl FnOnce(&mut World, OffsetDateTime)) -> Self {
        Self::made_at(OffsetDateTime::now_utc() - ago, Setup::default(), Params::instant(), seed)
    }

    fn made(setup: Setup, params: Params, seed: impl FnOnce(&mut World, OffsetDateTime)) -> Self {
        Self::made_at(OffsetDateTime::now_utc(), setup, params, seed)
    }

    fn made_at(
        now: OffsetDateTime,
        setup: Setup,
        mut params: Params,
        seed: impl FnOnce(&mut World, OffsetDateTime),
    ) -> Self {
        params.token_lifetime = Duration::from_secs(30 * 86_400);
        let mut world = World::with_params(Setup { now, ..setup }, params);
        seed(&mut world, now);
        Self::on(world)
    }

    /// A world as it is, whose clock goes on from its own time.
    pub fn on(world: World) -> Self {
        let now = world.now();
        let sim = Sim::new(world, Clock::scaled(now, 1.0));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let server = runtime.block_on(Server::start(sim.clone(), 0)).expect("a port");
        let subscription = sim.world().subscription().to_string();
        let dir = TempDir::new().expect("a directory");
        Self { url: server.url(), sim, dir, subscription, runtime, _server: server }
    }

    pub fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// The id of a registry in the group.
    pub fn registry_id(&self, name: &str) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{GROUP}/providers/Microsoft.ContainerRegistry/registries/{name}",
            self.subscription
        )
    }

    /// `cmk` with the options that lead it here, and nothing of the tester's environment.
    pub fn command(&self, args: &[&str]) -> Command {
        self.command_in(&self.state(), args)
    }

    /// The same with another state directory, as an operator on another machine has it.
    pub fn command_in(&self, state: &Path, args: &[&str]) -> Command {
        let mut command = bare(args);
        command.args(["--simulator", &self.url, "--subscription", &self.subscription, "--request-deadline", "2"]);
        command.arg("--state").arg(state);
        command
    }

    /// Runs `cmk` to its end.
    pub fn cmk(&self, args: &[&str]) -> Ended {
        ended(self.command(args))
    }

    /// Runs `cmk` to its end, with this on stdin.
    pub fn piped(&self, args: &[&str], text: impl Into<Vec<u8>>) -> Ended {
        ended_with(self.command(args), text)
    }

    /// Runs `cmk`, which has to end well, and reads its JSON document.
    pub fn json(&self, args: &[&str]) -> Value {
        let ended = self.cmk(&[args, &["-o", "json"]].concat());
        assert!(ended.code == 0 || ended.code == 4, "{args:?}: {}\n{}", ended.code, ended.err);
        serde_json::from_str(&ended.out).expect("a document")
    }

    /// Starts `cmk` and lets it run.
    pub fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("cmk")
    }

    /// Starts `cmk` and kills it with SIGKILL when the simulator holds its first request of this kind. What is held then
    /// is lost: applied if `applied`, else never.
    pub fn kill_at(&self, args: &[&str], at: When, applied: bool) {
        let mut child = self.start_held(args, at, applied);
        child.kill().expect("a kill");
        child.wait().expect("an end");
        self.let_go();
    }

    /// Starts `cmk` and returns when the simulator holds its first request of this kind.
    pub fn start_held(&self, args: &[&str], at: When, applied: bool) -> Child {
        self.sim.schedule([Fault::new(at, if applied { What::HoldAfter } else { What::HoldBefore })]);
        let child = self.start(args);
        self.until("a request is held", || !self.sim.holding().is_empty());
        child
    }

    /// Drops what is held, and holds nothing any more.
    pub fn let_go(&self) {
        self.sim.schedule([]);
        self.sim.release(None, Release::Drop);
        self.until("nothing is held", || self.sim.holding().is_empty());
    }

    pub fn until(&self, what: &str, so: impl Fn() -> bool) {
        let began = Instant::now();
        while !so() {
            assert!(began.elapsed() < PATIENCE, "in vain: {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The version of the key that the registry uses, and how many there are.
    pub fn in_use(&self) -> (String, usize) {
        let world = self.sim.world();
        let registry = world.registry(&self.registry_id(REGISTRY)).expect("the registry");
        let used = registry.versioned_key_identifier.expect("a key version");
        (used.rsplit('/').next().unwrap_or_default().to_owned(), world.key_versions(VAULT, KEY).len())
    }

    /// The newest version of the key.
    pub fn newest(&self) -> String {
        self.sim.world().key_versions(VAULT, KEY).last().expect("a version").version.clone()
    }

    /// All files below the state directory.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut all = Vec::new();
        collect(&self.state(), &mut all);
        all.sort();
        all
    }
}

/// The registry, its vault, key and identity, and an operator who may make versions.
pub fn seed(world: &mut World, now: OffsetDateTime) {
    let operator = world.operator().object_id;
    let scope = format!("/subscriptions/{}", world.subscription());
    world.set_role(operator, roles::KEY_VAULT_CRYPTO_OFFICER, &scope, now);
    let identity = world.seed_identity(GROUP, "id-contoso");
    world.seed_vault(GROUP, VAULT, VaultModel::Rbac);
    world.seed_key(VAULT, KEY, now);
    world.seed_registry_cmk(GROUP, REGISTRY, VAULT, KEY, KeyRef::Versionless, &identity.id);
}

/// The write that makes a version, and the one that moves the registry.
pub fn minting() -> When {
    When::matching(Match::new("POST", "/create"))
}
pub fn pointing() -> When {
    When::matching(Match::new("PATCH", "/registries/"))
}

/// `cmk` with nothing but these arguments.
pub fn bare(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cmk"));
    command.env_clear().args(args);
    command
}

/// Runs a command to its end, without anything to read.
pub fn ended(command: Command) -> Ended {
    ended_with(command, "")
}

fn ended_with(command: Command, text: impl Into<Vec<u8>>) -> Ended {
    let output = assert_cmd::Command::from_std(command).write_stdin(text).timeout(PATIENCE).output().expect("cmk");
    Ended {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

impl Ended {
    /// Has to have ended with this code, and said all of this on stderr.
    #[track_caller]
    pub fn with(self, code: i32, said: &[&str]) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        for part in said {
            assert!(self.err.contains(part), "'{part}' is not in: {}", self.err);
        }
        self
    }
}

fn collect(dir: &Path, all: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, all);
        } else {
            all.push((path.clone(), std::fs::read(&path).unwrap_or_default()));
        }
    }
}
