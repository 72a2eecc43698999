//! Customer-managed keys on Azure Container Registry as planned, journaled, resumable workflows.
//!
//! | to | use |
//! |---|---|
//! | change something | an order ([`Create`], [`Rotate`], ..) and its verb ([`create()`], [`rotate()`], ..), which returns a [`Run`] |
//! | change something that is chosen at run time | [`Order`], [`Order::on`] and [`AnyRun`] |
//! | read | [`status()`], [`list()`], [`rotation()`], [`firewall_rules()`] |
//! | find out what is wrong | [`diagnose()`], [`audit()`]; [`Symptom::read`] for an error text |
//! | look beforehand | [`Run::plan`]; [`SavedPlan`] to store the plan and carry it out later |
//! | continue, stop or revert | [`Order::of_run`], [`Stop`], [`abandon`], [`rollback()`] |
//! | call Azure directly | [`azure::Reader`] and [`azure::Writer`], from [`Azure`] |
//! | extend | [`Step`], [`Workflow`], [`checks::Check`], [`journal::Journal`], [`diagnose::Cause`] |
//!
//! # Orders and runs
//!
//! An order is plain data: it can be stored, compared and sent. A run carries it out under a name, with a journal. This example
//! runs on the simulator of the repository:
//!
//! ```
//! use cmk::{Azure, Cloud, Create, Irreversible, Rotate, azure::id::{RegistryId, SubscriptionId}, journal::MemoryJournal};
//! use cmk_mocks::{Clock, Params, Setup, Sim, World};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // A simulated Azure in this process, without delays.
//!     let world = World::with_params(Setup { now: time::OffsetDateTime::now_utc(), ..Setup::default() }, Params::instant());
//!     let subscription = SubscriptionId::new(world.subscription());
//!     let sim = Sim::new(world.clone(), Clock::scaled(world.now(), 1.0));
//!     let azure = Azure::builder(Cloud::public(), sim.credential()).transport(sim.transport()).build();
//!     let journal = MemoryJournal::default();
//!
//!     // A plan only reads.
//!     let registry = RegistryId::new(&subscription, "shop", "contoso1")?;
//!     let order = Create::new(registry.clone(), "westeurope".parse()?);
//!     let plan = cmk::create(&azure, order.clone()).plan().await?;
//!     print!("{plan}");
//!     assert_eq!(plan.irreversible(), [Irreversible::Encryption, Irreversible::PurgeProtection]);
//!     assert_eq!(sim.writes(), 0);
//!
//!     // What cannot be undone has to be accepted by name.
//!     let order = order.accept(Irreversible::Encryption).accept(Irreversible::PurgeProtection);
//!     let created = cmk::create(&azure, order).named("contoso1-create").journal(journal.clone()).await?;
//!
//!     // In a role-based vault not even its owner may create key versions. This order grants the right, and its plan says so.
//!     let order = Rotate::new(registry.clone()).to_new_version().grant_me();
//!     let rotated = cmk::rotate(&azure, order.clone())
//!         .named("change-4711")
//!         .journal(journal.clone())
//!         .watch(|event| println!("{event}"))
//!         .await?;
//!     assert_eq!(rotated.previous, Some(created.in_use));
//!
//!     // The same name and order resume the same run. A finished run returns its outcome and sends nothing.
//!     let requests = sim.requests();
//!     let again = cmk::rotate(&azure, order).named("change-4711").journal(journal).await?;
//!     assert_eq!((again, sim.requests()), (rotated, requests));
//!
//!     print!("{}", cmk::status(&azure, &registry).await?);
//!     Ok(())
//! }
//! ```
//!
//! On Azure, the handle is made from a login: the Azure CLI, environment variables, workload identity, managed identity, or a
//! chain of them ([`Auth`]). Journals are files by default ([`journal::FileJournal::default_dir`]).
//!
//! ```no_run
//! use cmk::{Auth, Azure, Cloud, Order, Rotate, Stop, journal::FileJournal};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let cloud = Cloud::public(); // or china(), us_gov()
//!     let azure = Azure::new(cloud.clone(), Auth::Chain.credential(&cloud, None)?);
//!     let registry = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop/providers/Microsoft.ContainerRegistry/registries/contoso1".parse()?;
//!
//!     let stop = Stop::new(); // stop.ask() ends the run at the next safe point
//!     match cmk::rotate(&azure, Rotate::new(registry)).named("change-4711").stop_on(&stop).await {
//!         Ok(done) => println!("{} is on {}", done.registry.name(), done.in_use),
//!         Err(error) => {
//!             eprintln!("{error}");
//!             error.hints().iter().for_each(|hint| eprintln!("to revert: {hint}")); // newest first
//!         }
//!     }
//!
//!     // Later, in another process, by the run's name alone:
//!     let journal = FileJournal::open(FileJournal::default_dir()?)?;
//!     let order = Order::of_run(&journal, &"change-4711".parse()?).await?;
//!     order.on(&azure).named("change-4711").journal(journal).await?;
//!     Ok(())
//! }
//! ```
//!
//! # Plans
//!
//! [`Run::plan`] calls the workflow without writes. The [`Plan`] lists the steps, what each changes, how to revert it, what cannot
//! be undone ([`Irreversible`]), and every [`Refusal`]. The rights of the caller, locks and policies are checked beforehand. A run
//! makes the same plan first, and writes nothing if there is a refusal. [`Run::expecting`] holds a run to a plan that was shown.
//!
//! # Journals and resuming
//!
//! A journal is written before each request leaves, so a run that was interrupted anywhere can be resumed: await a run of the same
//! name and order again. Finished steps return their journaled results. The interrupted step reads the resource, and acts only if
//! the resource is as the journal recorded it. [`journal`] describes the records; [`Error::hints`] and [`abandon`] return the
//! rollback hints. Your own store implements [`journal::Journal`] and has to pass [`journal::conformance`].
//!
//! # Your own step and workflow
//!
//! A step says how to read a state and how to request a change. The engine adds plan, journal, locks, waiting, preflight and
//! resuming.
//!
//! ```
//! use cmk::{Context, Known, Result, Run, Step, Workflow, azure::{Reader, Writer, id::IdentityId}};
//! use cmk::{journal::{Journaled, MemoryJournal}, step::{Applied, Foreseen, Me, Needs, Rollback, Seen}};
//! use serde::{Deserialize, Serialize};
//!
//! /// Deletes an identity: step and order in one type.
//! #[derive(Clone, Debug, Serialize, Deserialize)]
//! struct RemoveIdentity { identity: IdentityId }
//!
//! impl Journaled for RemoveIdentity {}
//!
//! impl Step for RemoveIdentity {
//!     const NAME: &'static str = "delete-identity";
//!     type Made = ();
//!     fn subject(&self) -> String { self.identity.to_string() }
//!     fn foresee(&self) -> Foreseen {
//!         let why = "a new identity of the same name has another principal".into();
//!         Foreseen::new(format!("{} is deleted", self.identity.name()), Rollback::Never { why, accept: None })
//!     }
//!     async fn observe(&self, look: &Reader, _: &Me<'_>) -> Result<Seen<()>> {
//!         Ok(match look.identity(&self.identity).await? {
//!             Some(_) => Seen::Needs(Needs::new(self.foresee()).before(&"there").foreseen(())),
//!             None => Seen::Done(()),
//!         })
//!     }
//!     async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
//!         azure.delete_identity(&self.identity).await?;
//!         Ok(Applied::now(()))
//!     }
//! }
//!
//! impl Workflow for RemoveIdentity {
//!     const NAME: &'static str = "remove-identity";
//!     const VERSION: u32 = 1;
//!     type Outcome = ();
//!     fn subject(&self) -> String { self.identity.to_string() }
//!     async fn steps(&self, cx: &Context) -> Result<Known<()>> { cx.step(self.clone()).await }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     use cmk_mocks::{Clock, Sim, World};
//!     let mut world = World::new(cmk_mocks::Setup { now: time::OffsetDateTime::now_utc(), ..Default::default() });
//!     let identity: IdentityId = world.seed_identity("shop", "id-old").id.parse()?;
//!     let sim = Sim::new(world.clone(), Clock::scaled(world.now(), 1.0));
//!     let azure = cmk::Azure::builder(cmk::Cloud::public(), sim.credential()).transport(sim.transport()).build();
//!
//!     let order = RemoveIdentity { identity: identity.clone() };
//!     assert!(Run::new(&azure, order.clone()).plan().await?.has_changes());
//!     Run::new(&azure, order).named("remove-id-old").journal(MemoryJournal::default()).await?;
//!     assert!(azure.reader().identity(&identity).await?.is_none());
//!     Ok(())
//! }
//! ```
//!
//! # Errors
//!
//! [`Error::kind`] tells whether an order was refused, another run holds a lock, the resources drifted, a service throttled, or a
//! call failed. A call that failed tells whether its request may have taken effect ([`Sent`]). An error that blames access to a key
//! ends with the cause, if it can be found.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `rustls` | yes | the SDK's HTTP client over rustls. Without it, give [`Azure::builder`] a transport of your own |
//! | `import` | no | the workflow `import_key`: your own keys from PEM files and HSM transfer blobs |
//! | `azure_mgmt` | no | conversions between registries and the models of `azure_mgmt_containerregistry` 0.21, and credentials for its client |
//!
//! # Further reading
//!
//! [Guarantees and limits](https://github.com/acr-cmk/acr-cmk/blob/main/docs/guarantees.md), the [rules of Azure](https://github.com/acr-cmk/acr-cmk/blob/main/docs/azure-rules.md) that this documentation cites by
//! number (`R-CMK-11`), the [architecture](https://github.com/acr-cmk/acr-cmk/blob/main/docs/architecture.md), the [examples](https://github.com/acr-cmk/acr-cmk/blob/main/examples/README.md), and the
//! [command `cmk`](https://github.com/acr-cmk/acr-cmk/blob/main/docs/command.md).

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

// The floors, from the lowest up: sabotage, azure, symptoms, engine, checks, steps, workflows, diagnosis, reports, verbs. A floor
// imports from those before it, never from those behind it (tests/docs/layers.rs).
pub mod azure;
pub mod checks;
mod diagnosis;
mod engine;
mod reports;
mod sabotage;
pub mod steps;
mod symptoms;
mod verbs;
mod workflows;

// Azure.
pub use azure::{Auth, Azure, Cloud, Sent, program};

// Error texts.
pub mod symptom {
    //! What an error text means, whoever printed it.
    pub use crate::symptoms::*;
}
pub use symptoms::Symptom;

// Orders, runs, plans and journals.
pub use engine::{
    error::{self, Error, ErrorKind, Hint, Overtaken, Refusal, Result},
    event::{self, Event},
    journal,
    plan::{self, Plan},
    run::{self, Abandoned, Context, Damage, Run, Stop, Workflow, abandon, resumable},
    step::{self, Irreversible, Known, Step},
};
#[cfg(cmk_sabotage)]
#[doc(hidden)]
pub use sabotage::Guard;
pub use steps::Reference;

// The workflows.
#[cfg(feature = "import")]
pub use workflows::import_key::{self, ImportKey, ImportedKey};
pub use workflows::{
    auto_rotate::{self, AutoRotate, AutoRotated},
    bypass::{self, Bypass, Bypassed},
    create::{self, Create, Created},
    deploy::{self, Deploy, DeployedTemplate},
    grant_access::{self, AccessGranted, GrantAccess},
    key_path::CallersRight,
    logs::{self, Logs, LogsSent},
    order::{Order, Outcome},
    reassign::{self, Reassign, Reassigned},
    recover::{self, Recover, Recovered},
    registry_network::{self, RegistryNetwork, RegistryNetworkChanged},
    repair::{self, Repair, Repaired},
    retire::{self, Retire, Retired},
    revoke::{self, Revoke, Revoked},
    rollback::{self, Restore, Restored, Rollback, RolledBack},
    rotate::{self, Rotate, Rotated},
    saved_plan::{self as saved, SavedPlan},
    single_step::Only,
    template::{self, Template, template},
    vault_network::{self as network, NetworkChanged, VaultNetwork},
};

pub use verbs::*;

// Reports: what is only read.
pub use reports::{
    firewall_rules::{self, FirewallHost, FirewallRules, HostPurpose, firewall_rules},
    list::{self, Listing, list},
    login::{self, Login, login},
    rotation::{Rotation, rotation},
    status::{self, Status, status},
};

// Diagnosis.
pub mod diagnose {
    //! Diagnose a registry: name the cause, show the evidence, offer the remedy.
    pub use crate::diagnosis::*;
}
pub use diagnosis::{
    Diagnosis, Finding,
    audit::{self, Audit, audit},
    diagnose,
};

/// The blocks of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
