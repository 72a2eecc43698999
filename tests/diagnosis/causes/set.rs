//! A healthy registry, and one way to spoil it for each cause.

use async_trait::async_trait;
use azure_core::{
    error::ErrorKind,
    http::{AsyncRawResponse, HttpClient, Request, headers::Headers},
};
use cmk::{
    Azure, Diagnosis,
    azure::id::RegistryId,
    diagnose::{Diagnose, Machine, NotRun, Ran, Unresolved, causes},
};
use cmk_mocks::{
    Clock as SimClock, Sim, World,
    troubles::{self, Made, Names, Place, Scene},
    worlds,
};
use cmk_tests::stage::{self, scenarios};
use scenarios::{IDENTITY, KEY, VAULT};
use std::{
    collections::BTreeMap,
    io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use uuid::Uuid;

/// What a cause is staged in: everything healthy, until its way to spoil it has been gone.
pub(crate) struct Set {
    pub(crate) world: World,
    pub(crate) machine: Staged,
    /// Who looks; the operator, who owns the subscription, unless told.
    pub(crate) caller: Option<Uuid>,
    /// The principal of the registry's identity, and the version it uses, while all was healthy.
    pub(crate) principal: Uuid,
    pub(crate) version: String,
    /// The workspace that gets the logs of the registry and of its vault.
    pub(crate) workspace: String,
    /// What happens to requests to the registry itself, if not what the world says.
    pub(crate) door: Option<Door>,
    /// What is asked besides.
    pub(crate) asks: Vec<Ask>,
    /// Where troubles strike, as it was while all was healthy, and what they made.
    pub(crate) place: Place,
    pub(crate) made: Made,
}

/// Something that is asked besides.
pub(crate) type Ask = Box<dyn Fn(Diagnose) -> Diagnose + Send + Sync>;

/// What happens to requests to the registry itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Door {
    /// No connection comes to be, for this reason.
    Fails(&'static str),
    /// Something else answers, with this status.
    Answers(u16),
}

/// One way to stage a cause: the trouble of its name, if a world can have it, and what is besides.
pub(crate) struct Stage {
    pub(crate) code: &'static str,
    besides: fn(&mut Set),
    /// Other causes that are true of this world as well, and no consequences.
    pub(crate) with: &'static [&'static str],
}

pub(crate) const fn stage(code: &'static str, besides: fn(&mut Set)) -> Stage {
    Stage { code, besides, with: &[] }
}

/// All of it is in the world.
pub(crate) const fn in_world(code: &'static str) -> Stage {
    stage(code, |_| ())
}

impl Stage {
    pub(crate) fn spoil(&self, set: &mut Set) {
        if troubles::named(self.code).is_ok() {
            set.trouble(self.code);
        }
        (self.besides)(set);
    }
    pub(crate) const fn with(mut self, codes: &'static [&'static str]) -> Self {
        self.with = codes;
        self
    }
}

/// A machine as a test wants it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Staged {
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) files: BTreeMap<PathBuf, Vec<u8>>,
    /// What programs say, by their command line; others are absent.
    pub(crate) programs: BTreeMap<String, Result<Ran, NotRun>>,
    /// Names that resolve otherwise than the world says.
    pub(crate) names: BTreeMap<String, Result<Vec<IpAddr>, Unresolved>>,
}

impl Staged {
    /// With Docker, its daemon running.
    fn healthy() -> Self {
        let mut machine = Self::default();
        machine.docker("28.5.1", "28.5.1", "");
        machine
    }
    /// What a program says.
    pub(crate) fn says(&mut self, line: &str, stdout: &str) {
        let ran = Ran { success: true, stdout: stdout.to_owned(), stderr: String::new() };
        self.programs.insert(line.to_owned(), Ok(ran));
    }
    /// Docker's client and daemon, and the proxy that the daemon goes by.
    pub(crate) fn docker(&mut self, client: &str, daemon: &str, proxy: &str) {
        let version = serde_json::json!({"Client": {"Version": client}, "Server": {"Version": daemon}});
        self.says("docker version --format {{json .}}", &version.to_string());
        let info = serde_json::json!({"ServerVersion": daemon, "HttpProxy": proxy, "HttpsProxy": proxy, "NoProxy": ""});
        self.says("docker info --format {{json .}}", &info.to_string());
    }
    /// The content of a file.
    pub(crate) fn writes(&mut self, path: &str, content: &str) {
        self.files.insert(PathBuf::from(path), content.as_bytes().to_vec());
    }
}

impl Set {
    /// A registry on a customer-managed key, with everything as it should be for long.
    pub(crate) fn healthy() -> Self {
        let world = worlds::ready_made("healthy", &worlds::Base::default()).unwrap().world;
        let place = Place::find(&world, &Names::default()).unwrap();
        let principal = scenarios::principal(&world, IDENTITY);
        let version = world.key_versions(VAULT, KEY).last().map(|v| v.version.clone()).unwrap();
        let workspace = world.diagnostic_settings(&place.registry).remove(0).1.unwrap();
        let (machine, caller, door, asks) = (Staged::healthy(), None, None, Vec::new());
        Self { world, machine, caller, principal, version, workspace, door, asks, place, made: Made::new() }
    }
    /// Stages a trouble, at the place as it was while all was healthy.
    pub(crate) fn trouble(&mut self, name: &str) {
        self.made = troubles::named(name).unwrap().apply_at(&mut self.world, &self.place).unwrap();
    }
    /// What the last trouble made.
    pub(crate) fn made<T: std::str::FromStr<Err: std::fmt::Debug>>(&self, what: &str) -> T {
        self.made.get(what).unwrap_or_else(|| panic!("no {what} was made")).parse().unwrap()
    }
    /// What troubles are made of.
    pub(crate) fn scene(&mut self) -> Scene<'_> {
        Scene::new(&mut self.world, &self.place)
    }
    pub(crate) fn ask(&mut self, ask: impl Fn(Diagnose) -> Diagnose + Send + Sync + 'static) {
        self.asks.push(Box::new(ask));
    }
    /// Lets time pass.
    pub(crate) fn pass(&mut self, time: Duration) {
        let later = self.world.now() + time;
        self.world.advance(later);
    }

    pub(crate) fn registry(&self) -> RegistryId {
        scenarios::registry()
    }
    pub(crate) fn registry_id(&self) -> String {
        scenarios::registry().to_string()
    }
    pub(crate) fn vault_id(&self) -> String {
        scenarios::vault(VAULT).to_string()
    }
    pub(crate) fn identity_id(&self) -> String {
        scenarios::identity(IDENTITY).to_string()
    }
    pub(crate) fn on(self) -> OnStage {
        let sim = Sim::new(self.world.clone(), SimClock::tokio(self.world.now()));
        OnStage { sim, set: self }
    }
}

/// A set with a simulator running.
pub(crate) struct OnStage {
    pub(crate) sim: Sim,
    pub(crate) set: Set,
}

impl OnStage {
    pub(crate) fn azure(&self) -> Azure {
        let credential = match self.set.caller {
            Some(who) => self.sim.credential_for(who),
            None => self.sim.credential(),
        };
        let transport = Arc::new(AtDoor { inner: self.sim.transport(), door: self.set.door });
        stage::azure_by(&self.sim, credential, transport)
    }
    pub(crate) fn order(&self) -> Diagnose {
        self.whole_order_on(&self.azure())
    }
    /// Of all causes, those of audits too.
    pub(crate) fn whole_order_on(&self, azure: &Azure) -> Diagnose {
        self.order_on(azure).only(causes().map(|c| c.code))
    }
    pub(crate) fn order_on(&self, azure: &Azure) -> Diagnose {
        let order = cmk::diagnose(azure, &self.set.registry())
            .machine(Arc::new(OnMachine { staged: self.set.machine.clone(), sim: self.sim.clone() }));
        self.set.asks.iter().fold(order, |order, ask| ask(order))
    }
    pub(crate) async fn diagnosis(&self) -> Diagnosis {
        self.order().await.unwrap()
    }
}

/// The way to the simulator, with a registry's door that may be another.
#[derive(Debug)]
struct AtDoor {
    inner: Arc<dyn HttpClient>,
    door: Option<Door>,
}

#[async_trait]
impl HttpClient for AtDoor {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let registry = request.url().host_str().is_some_and(|host| host.ends_with(".azurecr.io"));
        match self.door.filter(|_| registry) {
            None => self.inner.execute_request(request).await,
            Some(Door::Fails(why)) => Err(azure_core::Error::with_message(ErrorKind::Connection, why)),
            Some(Door::Answers(status)) => Ok(AsyncRawResponse::from_bytes(status.into(), Headers::new(), "")),
        }
    }
}

/// The staged machine, whose names resolve as the simulated world says.
#[derive(Debug)]
struct OnMachine {
    staged: Staged,
    sim: Sim,
}

#[async_trait]
impl Machine for OnMachine {
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, Unresolved> {
        if let Some(said) = self.staged.names.get(host) {
            return said.clone();
        }
        match self.sim.resolve(host) {
            none if none.is_empty() => Err(Unresolved::NoSuchName("Name or service not known".into())),
            found => Ok(found),
        }
    }
    async fn run(&self, program: &str, args: &[&str]) -> Result<Ran, NotRun> {
        let line = format!("{program} {}", args.join(" "));
        self.staged.programs.get(line.trim()).cloned().unwrap_or(Err(NotRun::Absent))
    }
    async fn file(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        Ok(self.staged.files.get(path).cloned())
    }
    fn env(&self, name: &str) -> Option<String> {
        self.staged.env.get(name).cloned()
    }
    fn home(&self) -> Option<PathBuf> {
        Some(PathBuf::from("/home/operator"))
    }
}
