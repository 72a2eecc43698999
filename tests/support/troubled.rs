//! Scenarios in a world in trouble: each cause that can be staged, with the remedy that the diagnosis gives and with each workflow
//! that may mend it. What mends is found out by running it undisturbed.

use crate::{
    Scenario, ScenarioFixture,
    causes::{self, Setup},
    invariants, run_paused,
    scenarios::{self, END, End},
};
use cmk::Order;
use cmk_mocks::World;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    future::Future,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// How long it takes until what follows by itself has followed, and what was given is in effect.
pub const FOLLOWED: Duration = Duration::from_secs(3 * 3600);
/// How many scenarios in trouble a generator has, unless all are asked for.
const SAMPLE: usize = 3;

/// What the diagnosis says.
const REMEDY: &str = "remedy";

/// A scenario in a world in trouble.
pub struct Troubled {
    name: &'static str,
    cause: &'static causes::StagedCause,
    /// The name of the order.
    order: &'static str,
}

/// What came of an order in trouble, undisturbed.
#[derive(Clone, Debug, PartialEq)]
enum Came {
    /// The diagnosis has no order for it.
    NoRemedy,
    Refused,
    /// What is needed for a plan cannot be looked at.
    NoPlan,
    /// A plan that is not refused leads to a run that fails.
    Fails(String),
    /// It goes through, and the cause is there as before, or would have gone by itself.
    Stays,
    /// It goes through, and the cause is gone.
    Mends,
}

impl Troubled {
    fn setup_of(&self, seed: u64) -> Setup {
        let mut setup = Setup::of_seed(seed);
        self.cause.spoil(&mut setup);
        setup
    }

    /// The world and the order in it; the order is missing where the diagnosis has none, or somebody else is to give it.
    fn staged(&self, seed: u64) -> (World, Option<Order>) {
        type Kept = BTreeMap<(&'static str, u64), (World, Option<Order>)>;
        static KEPT: Mutex<Kept> = Mutex::new(BTreeMap::new());
        let at = (self.name, seed);
        if let Some(kept) = locked(&KEPT).get(&at) {
            return kept.clone();
        }
        let setup = self.setup_of(seed);
        let world = setup.world.clone();
        let order = match scenarios::mends().find(|(name, _)| *name == self.order) {
            Some((_, order)) => Some(order()),
            None => {
                let code = self.cause.code;
                apart(move || async move {
                    let diagnosis = setup.fixture().diagnosis().await;
                    diagnosis.findings.iter().find(|f| f.code == code).and_then(|f| f.order().cloned())
                })
            }
        };
        locked(&KEPT).insert(at, (world.clone(), order.clone()));
        (world, order)
    }

    /// What comes of the order, undisturbed.
    fn came(&'static self) -> Came {
        static KNOWN: Mutex<BTreeMap<&'static str, Came>> = Mutex::new(BTreeMap::new());
        if let Some(known) = locked(&KNOWN).get(self.name) {
            return known.clone();
        }
        let came = match self.tried() {
            Came::Mends if self.passes() => Came::Stays,
            came => came,
        };
        locked(&KNOWN).insert(self.name, came.clone());
        came
    }

    fn tried(&'static self) -> Came {
        let setup = self.setup_of(0);
        let (Some(order), None) = (self.staged(0).1, setup.caller) else { return Came::NoRemedy };
        let code = self.cause.code;
        apart(move || async move {
            let fixture = setup.fixture();
            let azure = fixture.azure();
            match order.clone().on(&azure).plan().await {
                Ok(plan) if !plan.refusals.is_empty() => return Came::Refused,
                Ok(_) => {}
                Err(e) if !e.refusals().is_empty() => return Came::Refused,
                Err(_) => return Came::NoPlan,
            }
            let journal = cmk::journal::MemoryJournal::default();
            if let Err(e) = order.on(&azure).named("play").journal(journal).await {
                return Came::Fails(e.to_string());
            }
            tokio::time::sleep(FOLLOWED).await;
            let after = fixture.diagnosis().await;
            if tells(&after, code) { Came::Stays } else { Came::Mends }
        })
    }

    /// Whether the cause goes by itself, as what is young grows old.
    fn passes(&self) -> bool {
        static KNOWN: Mutex<BTreeMap<&'static str, bool>> = Mutex::new(BTreeMap::new());
        let code = self.cause.code;
        if let Some(known) = locked(&KNOWN).get(code) {
            return *known;
        }
        let setup = self.setup_of(0);
        let passes = apart(move || async move {
            let fixture = setup.fixture();
            tokio::time::sleep(FOLLOWED).await;
            !tells(&fixture.diagnosis().await, code)
        });
        locked(&KNOWN).insert(code, passes);
        passes
    }

    /// What the world is like in the end, when nothing disturbs the scenario.
    fn expected(&'static self, seed: u64) -> String {
        static KNOWN: Mutex<BTreeMap<(&'static str, u64), String>> = Mutex::new(BTreeMap::new());
        let at = (self.name, seed);
        if let Some(known) = locked(&KNOWN).get(&at) {
            return known.clone();
        }
        let (world, order) = self.set(seed);
        let digest = apart(move || async move {
            let fixture = ScenarioFixture::of(self, world, order, seed);
            fixture.run().await.unwrap_or_else(|e| panic!("{}, undisturbed: {e:#?}", self.name));
            self.left(&fixture)
        });
        locked(&KNOWN).insert(at, digest.clone());
        digest
    }

    /// Whether two worlds are alike. Where rights are shown late, a caller who asks for a right may be given it once more.
    fn same(&self, fixture: &ScenarioFixture, expected: &str, left: &str, what: &str) {
        let order = serde_json::to_value(&fixture.order).unwrap_or_default();
        let own = format!("{} has (new) at ", fixture.before.operator().object_id);
        let spare = |line: &str| order["grant-me"] == true && line.starts_with(&own) && line.contains("/keys/");
        let left = left.lines().filter(|line| !spare(line) || expected.contains(line)).collect::<Vec<_>>().join("\n");
        assert!(expected.trim_end() == left.trim_end(), "{what}: not as undisturbed:\n{}", difference(expected, &left));
    }

    /// What a scenario leaves, once all that follows by itself has followed.
    fn left(&self, fixture: &ScenarioFixture) -> String {
        let mut world = fixture.sim.world();
        world.advance(fixture.sim.clock().now() + FOLLOWED);
        invariants::digest(&world, &fixture.before)
    }
}

impl Scenario for Troubled {
    fn name(&self) -> &'static str {
        self.name
    }
    fn set(&self, seed: u64) -> (World, Order) {
        let (world, order) = self.staged(seed);
        (world, order.unwrap_or_else(|| panic!("{}: no order with seed {seed}", self.name)))
    }
    fn end(&self) -> End {
        END
    }
    fn again(&self) -> Option<&'static [&'static str]> {
        let order = serde_json::to_value(self.staged(0).1).expect("an order");
        (order["to"] == "new-version").then_some(&["mint-version", "point-registry"])
    }
    fn trouble(&self) -> Option<(&'static str, &'static str)> {
        Some((self.cause.code, self.order))
    }
    fn holds(&self, fixture: &ScenarioFixture, what: &str) {
        let this = all_pairs().iter().find(|t| t.name == self.name).expect("one of them");
        self.same(fixture, &this.expected(fixture.seed), &self.left(fixture), what);
    }
    fn holds_core(&self, fixture: &ScenarioFixture, what: &str) {
        let this = all_pairs().iter().find(|t| t.name == self.name).expect("one of them");
        let (expected, left) = (this.expected(fixture.seed), self.left(fixture));
        self.same(fixture, &core(&expected), &core(&left), what);
    }
}

/// The keys, and which of them registries use and read: not what of before may be left.
fn core(digest: &str) -> String {
    let core = ["key ", "core "];
    digest
        .lines()
        .filter(|line| core.iter().any(|c| line.starts_with(c)))
        .fold(String::new(), |t, line| t + line + "\n")
}

fn tells(diagnosis: &cmk::Diagnosis, code: &str) -> bool {
    diagnosis.all().iter().any(|f| f.code == code || f.hides.iter().any(|h| h == code))
}

/// The lines that only one of two texts has.
fn difference(expected: &str, found: &str) -> String {
    let mut told = String::new();
    for (mark, a, b) in [("-", expected, found), ("+", found, expected)] {
        for line in a.lines().filter(|line| !b.lines().any(|other| other == *line)) {
            let _ = writeln!(told, "{mark} {line}");
        }
    }
    told
}

/// On a runtime of its own: whoever asks may be on one already.
fn apart<T: Send, F: Future<Output = T>>(f: impl FnOnce() -> F + Send) -> T {
    std::thread::scope(|s| s.spawn(|| run_paused(f())).join()).unwrap_or_else(|e| std::panic::resume_unwind(e))
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every cause with its remedy, and each that lies in the world with each workflow that may mend it.
fn all_pairs() -> &'static [Troubled] {
    static ALL: OnceLock<Vec<Troubled>> = OnceLock::new();
    ALL.get_or_init(|| {
        let pair = |cause: &'static causes::StagedCause, order: &'static str| Troubled {
            // For as long as the tests run.
            name: Box::leak(format!("{}, {order}", cause.code).into_boxed_str()),
            cause,
            order,
        };
        causes::all()
            .flat_map(|cause| {
                let typed = cause.is_in_world().then(|| scenarios::mends().map(move |(name, _)| pair(cause, name)));
                std::iter::once(pair(cause, REMEDY)).chain(typed.into_iter().flatten())
            })
            .collect()
    })
}

/// Whether everything is asked for that there is: all scenarios in trouble, in every generator.
pub fn long() -> bool {
    std::env::var("CMK_LONG").is_ok_and(|v| v == "1")
}

/// What the names of scenarios have to contain, where only some are wanted.
pub fn wanted() -> Option<String> {
    std::env::var("CMK_PLAY").ok()
}

/// The scenarios in trouble of a generator: a sample by its name, or all where that is asked for.
pub fn scenarios_of(generator: &str) -> Vec<&'static dyn Scenario> {
    let mends = |t: &&'static Troubled| t.came() == Came::Mends;
    if long() && wanted().is_none() {
        each_came();
        return all_pairs().iter().filter(mends).map(|t| -> &'static dyn Scenario { t }).collect();
    }
    if let Some(wanted) = wanted() {
        let named = all_pairs().iter().filter(|t| t.name.contains(&wanted));
        return named.filter(mends).map(|t| -> &'static dyn Scenario { t }).collect();
    }
    let remedies = |t: &&'static Troubled| t.order == REMEDY;
    let mut pairs: Vec<&'static Troubled> = all_pairs().iter().collect();
    pairs.sort_by_key(|t| hash(&format!("{generator} {}", t.name)));
    let (of_diagnosis, of_workflows): (Vec<_>, Vec<_>) = pairs.into_iter().partition(remedies);
    let found = of_diagnosis.into_iter().filter(mends).take(SAMPLE - 1);
    found.chain(of_workflows.into_iter().filter(mends).take(1)).map(|t| -> &'static dyn Scenario { t }).collect()
}

/// FNV-1a: the same on every machine.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// Tries every pair, two at a time, and prints trouble × workflow once.
fn each_came() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let next = AtomicUsize::new(0);
        let worker = || {
            while let Some(t) = all_pairs().get(next.fetch_add(1, Ordering::SeqCst)) {
                t.came();
            }
        };
        std::thread::scope(|s| {
            s.spawn(worker);
            s.spawn(worker);
        });
        println!("{}", matrix());
    });
}

/// Trouble × workflow: what comes of each, undisturbed.
pub fn matrix() -> String {
    let orders: Vec<&str> = std::iter::once(REMEDY).chain(scenarios::mends().map(|(name, _)| *name)).collect();
    let mut text = format!("{:<32}", "trouble × workflow");
    for order in &orders {
        let _ = write!(text, "{order:>28}");
    }
    text.push('\n');
    for cause in causes::all() {
        let _ = write!(text, "{:<32}", cause.code);
        for order in &orders {
            let pair = all_pairs().iter().find(|t| t.cause.code == cause.code && t.order == *order);
            let came = match pair.map(Troubled::came) {
                None | Some(Came::NoRemedy) => "-",
                Some(Came::Refused) => "refused",
                Some(Came::NoPlan) => "no plan",
                Some(Came::Fails(_)) => "fails",
                Some(Came::Stays) => "goes through",
                Some(Came::Mends) => "mends",
            };
            let _ = write!(text, "{came:>28}");
        }
        text.push('\n');
    }
    text
}

/// The runs that fail though no plan refuses them: cause, workflow, and why.
pub fn failing() -> Vec<(&'static str, &'static str, String)> {
    each_came();
    let failed = |t: &'static Troubled| match t.came() {
        Came::Fails(why) => Some((t.cause.code, t.order, why)),
        _ => None,
    };
    all_pairs().iter().filter_map(failed).collect()
}

/// How often each scenario in trouble was disturbed by each generator.
static DISTURBED: Mutex<BTreeMap<(&str, &str, String), usize>> = Mutex::new(BTreeMap::new());

/// Counts a scenario of a generator, which runs on threads of its name.
pub(crate) fn count(scenario: &'static dyn Scenario) {
    if let (Some((cause, order)), Some(generator)) = (scenario.trouble(), std::thread::current().name()) {
        *locked(&DISTURBED).entry((cause, order, generator.to_owned())).or_default() += 1;
    }
}

/// Trouble × workflow × generator, of one generator.
pub fn disturbed(generator: &str) -> String {
    let counted = locked(&DISTURBED);
    let of_this = counted.iter().filter(|((_, _, by), _)| by == generator);
    of_this.fold(String::new(), |mut text, ((cause, order, by), n)| {
        let _ = writeln!(text, "{cause:<32} {order:<28} {by:<64} {n:>8} runs");
        text
    })
}
