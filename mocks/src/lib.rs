#![doc = include_str!("../README.md")]
#![cfg_attr(feature = "wiremock", doc = include_str!("../docs/wiremock.md"))]
#![forbid(unsafe_code)]
// Worlds ask what nothing else does.
#![cfg_attr(not(feature = "worlds"), allow(dead_code, unused_imports))]

mod admin;
mod control;
mod doors;
mod faults;
#[cfg(feature = "worlds")]
mod harness;
mod http;
mod services;
mod sim;
pub mod troubles;
mod world;
#[cfg(feature = "worlds")]
pub mod worlds;

#[cfg(feature = "wiremock")]
pub use crate::doors::wiremock::Responder;
#[cfg(feature = "worlds")]
pub use crate::harness::{Simulator, SimulatorBuilder, SimulatorError};
pub use crate::services::roles;
pub use crate::{
    admin::{
        inspect::{KeyVersionView, NetworkView, RegistryView},
        seed::{KeyRef, SeededIdentity, VaultModel},
    },
    doors::{
        client_env::Surroundings,
        in_process::InProcess,
        server::{Limits, ORIGINAL_URL, Server},
        tls::{Authority, TlsError},
    },
    faults::{Among, Fault, Fired, Match, RetryHeader, Schedule, What, When},
    http::{
        exchange::{Exchange, Log, is_write},
        exchanges::Exchanges,
    },
    services::{
        directory::{OPERATOR_SECRET, Principal, PrincipalKind, SeededApplication},
        key_access::{Denial, KeyOp},
        key_audit::AuditEntry,
        keys::{KeyRotation, KeySpec},
        networks::{EndpointMember, EndpointView, Route, SecurityRule},
        policies::{AssignedPolicy, PolicyCondition, PolicyEffect},
        private_link::ConnectionState,
        registries::{ImportedImage, Renewal},
        registry_data::{Changeable, SeededImage},
    },
    sim::{Held, Outcome, Release, Saved, Sim, Snapshot, SnapshotError},
    world::{
        Setup, World,
        client_place::ClientPlace,
        clock::{Clock, ClockError, ClockMode},
        cloud::SimCloud,
        params::{Bucket, Delay, FailureStyle, FirstBody, NullIdentity, Params, VaultDefaultModel},
    },
};
