//! The ways in: in process, by loopback, as a proxy, behind wiremock, and as a value in a test.

#[path = "../support/mod.rs"]
mod support;

mod in_process;
mod loopback;
mod proxy;
#[cfg(feature = "wiremock")]
mod responder;
mod simulator;
