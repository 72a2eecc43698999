//! The scenarios: an order, and the world it meets, by workflow. A workflow joins every generator by its file in `scenarios/`
//! and one line in [`WORKFLOWS`].

mod auto_rotate;
mod bypass;
mod create;
mod deploy;
mod grant_access;
mod import_key;
mod logs;
mod reassign;
mod recover;
mod registry_network;
mod repair;
mod restore;
mod retire;
mod revoke;
mod rollback;
mod rotate;
mod vault_network;

pub use crate::fixture::{GROUP, IDENTITY, KEY, REGISTRY, VAULT, identity, registry, subscription};
use crate::{ScenarioFixture, fixture::real, invariants, run_paused};
use cmk::{
    Cloud, Order,
    azure::id::{KeyId, VaultId},
    journal::MemoryJournal,
};
use cmk_mocks::{Delay, KeyRef, Params, Setup, SimCloud, VaultModel, World};
use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

/// What the file of a workflow holds.
pub struct Scenarios {
    /// What every generator takes.
    pub public: &'static [&'static dyn Scenario],
    /// What is run in other clouds, undisturbed.
    pub other_clouds: &'static [&'static dyn Scenario],
    /// What may mend something, by name, as it is ordered by whoever does not know what is wrong: run in each trouble that it
    /// does mend.
    pub mends: &'static [(&'static str, MakeOrder)],
}

/// Makes an order.
pub type MakeOrder = fn() -> Order;

const NONE: Scenarios = Scenarios { public: &[], other_clouds: &[], mends: &[] };

/// Every workflow's, a line each.
pub static WORKFLOWS: &[&Scenarios] = &[
    &rotate::SCENARIOS,
    &create::SCENARIOS,
    &auto_rotate::SCENARIOS,
    &reassign::SCENARIOS,
    &recover::SCENARIOS,
    &bypass::SCENARIOS,
    &vault_network::SCENARIOS,
    &grant_access::SCENARIOS,
    &logs::SCENARIOS,
    &registry_network::SCENARIOS,
    &revoke::SCENARIOS,
    &restore::SCENARIOS,
    &retire::SCENARIOS,
    &import_key::SCENARIOS,
    &deploy::SCENARIOS,
    &repair::SCENARIOS,
    &rollback::SCENARIOS,
];

/// All scenarios in the public cloud.
pub fn all() -> &'static [&'static dyn Scenario] {
    static ALL: OnceLock<Vec<&dyn Scenario>> = OnceLock::new();
    ALL.get_or_init(|| WORKFLOWS.iter().flat_map(|of| of.public).copied().collect())
}

/// One whole create and rotate in the other clouds.
pub fn other_clouds() -> &'static [&'static dyn Scenario] {
    static ALL: OnceLock<Vec<&dyn Scenario>> = OnceLock::new();
    ALL.get_or_init(|| WORKFLOWS.iter().flat_map(|of| of.other_clouds).copied().collect())
}

/// The scenario of this name.
pub fn named(name: &str) -> &'static dyn Scenario {
    *all().iter().find(|s| s.name() == name).unwrap_or_else(|| panic!("no scenario '{name}'"))
}

/// The orders that may mend something, by name.
pub fn mends() -> impl Iterator<Item = &'static (&'static str, MakeOrder)> {
    WORKFLOWS.iter().flat_map(|of| of.mends)
}

/// One scenario.
pub trait Scenario: Sync {
    fn name(&self) -> &'static str;
    /// The world before, and what is ordered in it.
    fn set(&self, seed: u64) -> (World, Order);
    /// What holds when all is done.
    fn end(&self) -> End;
    /// What else holds then.
    fn also(&self, _: &World, _: &str) {}
    /// All that holds then, looked at.
    fn holds(&self, fixture: &ScenarioFixture, what: &str) {
        invariants::check(fixture, what);
    }
    /// What of it holds even where what was before is not known any more.
    fn holds_core(&self, fixture: &ScenarioFixture, what: &str) {
        invariants::check_core(fixture, what);
    }
    /// The steps that change something when the order is given again under another name, if they are known.
    fn again(&self) -> Option<&'static [&'static str]> {
        Some(self.end().again)
    }
    /// The cause that is staged in its world, and the name of the order, of a scenario in trouble.
    fn trouble(&self) -> Option<(&'static str, &'static str)> {
        None
    }
    fn cloud(&self) -> Cloud {
        Cloud::public()
    }
}

/// What holds when a scenario is through.
#[derive(Clone, Copy)]
pub struct End {
    /// Where the registry's key is.
    pub vault: &'static str,
    pub key: &'static str,
    /// How many versions it has.
    pub versions: usize,
    /// The version in use, counted from the oldest.
    pub uses: usize,
    /// Whether the registry refers to it with its version.
    pub pinned: bool,
    /// Which versions are disabled.
    pub disabled: &'static [usize],
    /// Who unwraps: the name of an identity, or `system`.
    pub identity: &'static str,
    /// Whether images can be read; where they cannot, it may take effect within [`GRANTS`].
    pub readable: bool,
    /// The steps that change something when the order is given again under another name.
    pub again: &'static [&'static str],
    /// What a plan says may come besides what it shows, as it depends on what is not there yet.
    pub unplanned: &'static [&'static str],
}

/// A registry on the only version of its key, and an order that changes nothing when given again.
pub const END: End = End {
    vault: VAULT,
    key: KEY,
    versions: 1,
    uses: 0,
    pinned: false,
    disabled: &[],
    identity: IDENTITY,
    readable: true,
    again: &[],
    unplanned: &[],
};

/// A scenario in the public cloud, as data.
pub struct SimpleScenario {
    pub name: &'static str,
    pub set: fn(u64) -> (World, Order),
    pub end: End,
    pub also: fn(&World, &str),
}

impl Scenario for SimpleScenario {
    fn name(&self) -> &'static str {
        self.name
    }
    fn set(&self, seed: u64) -> (World, Order) {
        (self.set)(seed)
    }
    fn end(&self) -> End {
        self.end
    }
    fn also(&self, world: &World, what: &str) {
        (self.also)(world, what);
    }
}

/// Long enough for every grant to take effect.
pub const GRANTS: Duration = Duration::from_secs(900);

pub fn vault(name: &str) -> VaultId {
    VaultId::new(&subscription(), GROUP, name).unwrap()
}
pub fn key(vault: &str, key: &str) -> KeyId {
    format!("https://{vault}.vault.azure.net/keys/{key}").parse().unwrap()
}

fn setup(seed: u64, cloud: SimCloud) -> Setup {
    Setup { seed, cloud, ..Setup::default() }
}

/// A registry on a customer-managed key that works.
pub fn encrypted(seed: u64, key_ref: KeyRef, model: VaultModel) -> World {
    encrypted_with(World::with_params(setup(seed, SimCloud::Public), soon()), key_ref, model)
}

/// Grants take effect soon: that they may take long is tried by create and rotate, and by the slow grants.
fn soon() -> Params {
    Params { role_assignment_delay: Delay::uniform(0, 40), ..Params::default() }
}

fn encrypted_with(mut world: World, key_ref: KeyRef, model: VaultModel) -> World {
    let now = world.now();
    world.seed_group(GROUP);
    let identity = world.seed_identity(GROUP, IDENTITY);
    world.seed_vault(GROUP, VAULT, model);
    world.seed_key(VAULT, KEY, now);
    world.seed_registry_cmk(GROUP, REGISTRY, VAULT, KEY, key_ref, &identity.id);
    world
}

/// Who unwraps the registry's key, by principal: whoever the identity was when the world was made.
pub fn principal(world: &World, identity: &str) -> uuid::Uuid {
    let id = self::identity(identity).to_string();
    world.identity(&id).unwrap_or_else(|| panic!("no identity {identity}")).principal_id
}

/// Whether a principal holds anything on the keys of a vault, as ARM shows it.
pub fn holds(world: &World, principal: uuid::Uuid, vault: &str) -> bool {
    let by_role = world.role_assignments().iter().any(|(who, _, scope, _)| {
        *who == principal && scope.to_lowercase().contains(&format!("/vaults/{vault}").to_lowercase())
    });
    by_role || world.access_policies(vault).iter().any(|(who, keys)| *who == principal && !keys.is_empty())
}

/// The world as an order leaves it, and the journal of its run, `before`.
pub fn after(name: &'static str, seed: u64, set: impl FnOnce() -> (World, Order)) -> (World, MemoryJournal) {
    type Kept = BTreeMap<(&'static str, u64), (World, Vec<cmk::journal::Record>)>;
    static KEPT: Mutex<Kept> = Mutex::new(BTreeMap::new());
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner).get(&(name, seed)).cloned();
    let (world, records) = kept.unwrap_or_else(|| {
        let (world, order) = set();
        // On a runtime of its own: whoever asks is on one already.
        let left = std::thread::spawn(move || {
            run_paused(async move {
                let fixture = ScenarioFixture::of(named("rotate pinned"), world, order, seed);
                fixture.run_with(&fixture.azure(), fixture.journal.clone(), "before").await.unwrap();
                // So that what was taken and given is in effect.
                tokio::time::sleep(GRANTS).await;
                let records = cmk::journal::Journal::read(&fixture.memory, &"before".parse().unwrap()).await.unwrap();
                (fixture.sim.world(), records)
            })
        });
        let left = left.join().unwrap_or_else(|_| panic!("{name}: what comes before it failed"));
        KEPT.lock().unwrap_or_else(PoisonError::into_inner).insert((name, seed), left.clone());
        left
    });
    let journal = MemoryJournal::default();
    futures::executor::block_on(async {
        for record in &records {
            cmk::journal::Journal::append(&journal, &"before".parse().unwrap(), record).await.unwrap();
        }
    });
    (world, journal)
}

fn nothing_else(_: &World, _: &str) {}

/// Closed but for trusted services and these addresses.
fn trusted_alone(world: &World, vault: &str, addresses: &[&str], what: &str) {
    let rules = world.vault_network(vault).unwrap();
    assert!(rules.deny && rules.bypass && rules.public, "{what}: {rules:?}");
    let bare: Vec<_> = rules.ip_rules.iter().map(|r| r.trim_end_matches("/32")).collect();
    assert_eq!(bare, addresses, "{what}");
}
