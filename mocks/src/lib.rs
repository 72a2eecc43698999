#![doc = include_str!("../README.md")]
#![cfg_attr(feature = "wiremock", doc = include_str!("../docs/wiremock.md"))]
#![forbid(unsafe_code)]
// Worlds ask what nothing else does.
#![cfg_attr(not(feature = "worlds"), allow(dead_code, unused_imports))]

mod access;
mod arm;
mod audit;
mod authorization;
mod authors;
mod blot;
mod clock;
mod cloud;
mod clusters;
mod control;
mod data;
mod deployments;
mod due;
mod entra;
mod exchange;
mod exchanges;
mod faults;
mod graph;
mod identities;
mod inspect;
mod keys;
mod monitor;
mod mutate;
mod networks;
mod odata;
mod params;
mod policies;
mod registries;
mod resources;
#[cfg(feature = "wiremock")]
mod respond;
mod rng;
pub mod roles;
mod seed;
mod server;
mod sim;
#[cfg(feature = "worlds")]
mod simulator;
mod stamp;
mod surroundings;
mod tls;
mod transport;
pub mod troubles;
mod vaults;
mod watched;
mod wire;
mod world;
#[cfg(feature = "worlds")]
pub mod worlds;

pub use access::{Denial, KeyOp};
pub use audit::AuditEntry;
pub use clock::{Clock, ClockError, ClockMode};
pub use cloud::SimCloud;
pub use data::{Changeable, ClientPlace, SeededImage};
pub use entra::{OPERATOR_SECRET, Principal, PrincipalKind, SeededApplication};
pub use exchange::{Exchange, Log};
pub use exchanges::Exchanges;
pub use faults::{Among, Fault, Fired, Match, RetryHeader, Schedule, What, When, is_write};
pub use inspect::{KeyVersionView, NetworkView, RegistryView};
pub use keys::{KeyRotation, KeySpec};
pub use networks::{ConnectionState, EndpointMember, EndpointView, Route, SecurityRule};
pub use params::{Bucket, Delay, FailureStyle, FirstBody, NullIdentity, Params, VaultDefaultModel};
pub use policies::{AssignedPolicy, PolicyCondition, PolicyEffect};
pub use registries::{ImportedImage, Renewal};
#[cfg(feature = "wiremock")]
pub use respond::Responder;
pub use seed::{KeyRef, SeededIdentity, VaultModel};
pub use server::{Limits, ORIGINAL_URL, Server};
pub use sim::{Held, Outcome, Release, Saved, Sim, Snapshot, SnapshotError};
#[cfg(feature = "worlds")]
pub use simulator::{Simulator, SimulatorBuilder, SimulatorError};
pub use surroundings::Surroundings;
pub use tls::{Authority, TlsError};
pub use transport::InProcess;
pub use world::{Setup, World};
