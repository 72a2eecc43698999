//! A healthy registry, and one way to spoil it for each cause.

use crate::{fixture::azure_by, scenarios};
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
pub struct Setup {
    pub world: World,
    pub machine: StagedMachine,
    /// Who looks; the operator, who owns the subscription, unless told.
    pub caller: Option<Uuid>,
    /// The principal of the registry's identity, and the version it uses, while all was healthy.
    pub principal: Uuid,
    pub version: String,
    /// The workspace that gets the logs of the registry and of its vault.
    pub workspace: String,
    /// What happens to requests to the registry itself, if not what the world says.
    pub door: Option<Door>,
    /// What is asked besides.
    pub asks: Vec<Ask>,
    /// Where troubles strike, as it was while all was healthy, and what they made.
    pub place: Place,
    pub made: Made,
}

/// Something that is asked besides.
pub type Ask = Box<dyn Fn(Diagnose) -> Diagnose + Send + Sync>;

/// What happens to requests to the registry itself.
#[derive(Clone, Copy, Debug)]
pub enum Door {
    /// No connection comes to be, for this reason.
    Fails(&'static str),
    /// Something else answers, with this status.
    Answers(u16),
}

/// One way to stage a cause: the trouble of its name, if a world can have it, and what is besides.
#[derive(Clone, Copy)]
pub struct StagedCause {
    pub code: &'static str,
    besides: Option<fn(&mut Setup)>,
    /// Other causes that are true of this world as well, and no consequences.
    pub with: &'static [&'static str],
}

pub const fn staged(code: &'static str, besides: fn(&mut Setup)) -> StagedCause {
    StagedCause { code, besides: Some(besides), with: &[] }
}

/// All of it is in the world.
pub const fn in_world(code: &'static str) -> StagedCause {
    StagedCause { code, besides: None, with: &[] }
}

impl StagedCause {
    pub fn spoil(&self, setup: &mut Setup) {
        if self.is_in_world() {
            setup.trouble(self.code);
        }
        if let Some(besides) = self.besides {
            besides(setup);
        }
    }
    /// Whether the trouble of its name is all there is to it.
    pub fn is_trouble_alone(&self) -> bool {
        self.besides.is_none() && self.with.is_empty()
    }
    /// Whether a world can have it.
    pub fn is_in_world(&self) -> bool {
        troubles::named(self.code).is_ok()
    }
    pub const fn with(mut self, codes: &'static [&'static str]) -> Self {
        self.with = codes;
        self
    }
}

/// A machine as a test wants it.
#[derive(Clone, Debug, Default)]
pub struct StagedMachine {
    pub env: BTreeMap<String, String>,
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    /// What programs say, by their command line; others are absent.
    pub programs: BTreeMap<String, Result<Ran, NotRun>>,
    /// Names that resolve otherwise than the world says.
    pub names: BTreeMap<String, Result<Vec<IpAddr>, Unresolved>>,
}

impl StagedMachine {
    /// With Docker, its daemon running.
    fn healthy() -> Self {
        let mut machine = Self::default();
        machine.docker("28.5.1", "28.5.1", "");
        machine
    }
    /// What a program says.
    pub fn says(&mut self, line: &str, stdout: &str) {
        let ran = Ran { success: true, stdout: stdout.to_owned(), stderr: String::new() };
        self.programs.insert(line.to_owned(), Ok(ran));
    }
    /// Docker's client and daemon, and the proxy that the daemon goes by.
    pub fn docker(&mut self, client: &str, daemon: &str, proxy: &str) {
        let version = serde_json::json!({"Client": {"Version": client}, "Server": {"Version": daemon}});
        self.says("docker version --format {{json .}}", &version.to_string());
        let info = serde_json::json!({"ServerVersion": daemon, "HttpProxy": proxy, "HttpsProxy": proxy, "NoProxy": ""});
        self.says("docker info --format {{json .}}", &info.to_string());
    }
    /// The content of a file.
    pub fn writes(&mut self, path: &str, content: &str) {
        self.files.insert(PathBuf::from(path), content.as_bytes().to_vec());
    }
}

impl Setup {
    /// A registry on a customer-managed key, with everything as it should be for long.
    pub fn healthy() -> Self {
        Self::healthy_of(worlds::Base::default())
    }
    /// The same with the ids and delays of a seed.
    pub fn of_seed(seed: u64) -> Self {
        let mut base = worlds::Base::default();
        base.setup.seed = seed;
        Self::healthy_of(base)
    }
    fn healthy_of(base: worlds::Base) -> Self {
        let world = worlds::ready_made("healthy", &base).unwrap().world;
        let place = Place::find(&world, &Names::default()).unwrap();
        let principal = scenarios::principal(&world, IDENTITY);
        let version = world.key_versions(VAULT, KEY).last().map(|v| v.version.clone()).unwrap();
        let workspace = world.diagnostic_settings(&place.registry).remove(0).1.unwrap();
        let (machine, caller, door, asks) = (StagedMachine::healthy(), None, None, Vec::new());
        Self { world, machine, caller, principal, version, workspace, door, asks, place, made: Made::new() }
    }
    /// Stages a trouble, at the place as it was while all was healthy.
    pub fn trouble(&mut self, name: &str) {
        self.made = troubles::named(name).unwrap().apply_at(&mut self.world, &self.place).unwrap();
    }
    /// What the last trouble made.
    pub fn made<T: std::str::FromStr<Err: std::fmt::Debug>>(&self, what: &str) -> T {
        self.made.get(what).unwrap_or_else(|| panic!("no {what} was made")).parse().unwrap()
    }
    /// What troubles are made of.
    pub fn scene(&mut self) -> Scene<'_> {
        Scene::new(&mut self.world, &self.place)
    }
    pub fn ask(&mut self, ask: impl Fn(Diagnose) -> Diagnose + Send + Sync + 'static) {
        self.asks.push(Box::new(ask));
    }
    /// Lets time pass.
    pub fn pass(&mut self, time: Duration) {
        let later = self.world.now() + time;
        self.world.advance(later);
    }

    pub fn registry(&self) -> RegistryId {
        scenarios::registry()
    }
    pub fn registry_id(&self) -> String {
        scenarios::registry().to_string()
    }
    pub fn vault_id(&self) -> String {
        scenarios::vault(VAULT).to_string()
    }
    pub fn identity_id(&self) -> String {
        scenarios::identity(IDENTITY).to_string()
    }
    pub fn fixture(self) -> DiagnosisFixture {
        let sim = Sim::new(self.world.clone(), SimClock::tokio(self.world.now()));
        DiagnosisFixture { sim, setup: self }
    }
}

/// A setup with a simulator running.
pub struct DiagnosisFixture {
    pub sim: Sim,
    pub setup: Setup,
}

impl DiagnosisFixture {
    pub fn azure(&self) -> Azure {
        let credential = match self.setup.caller {
            Some(who) => self.sim.credential_for(who),
            None => self.sim.credential(),
        };
        let transport = Arc::new(AtDoor { inner: self.sim.transport(), door: self.setup.door });
        azure_by(&self.sim, credential, transport)
    }
    pub fn order(&self) -> Diagnose {
        self.whole_order_on(&self.azure())
    }
    /// Of all causes, those of audits too.
    pub fn whole_order_on(&self, azure: &Azure) -> Diagnose {
        self.order_on(azure).only(causes().map(|c| c.code))
    }
    pub fn order_on(&self, azure: &Azure) -> Diagnose {
        let order = cmk::diagnose(azure, &self.setup.registry())
            .machine(Arc::new(OnMachine { staged: self.setup.machine.clone(), sim: self.sim.clone() }));
        self.setup.asks.iter().fold(order, |order, ask| ask(order))
    }
    pub async fn diagnosis(&self) -> Diagnosis {
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
    staged: StagedMachine,
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
