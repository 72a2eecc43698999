//! Worlds, clients and requests that the suites share.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each suite uses its share")]

pub mod bench;
pub mod client;
pub mod controlling;
pub mod deploying;
pub mod docker;
pub mod hostility;
pub mod logging;
pub mod netting;
