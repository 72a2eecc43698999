//! The ways in: by the SDK's transport, by a server and proxy on the loopback interface, by wiremock.

pub(crate) mod client_env;
pub(crate) mod in_process;
pub(crate) mod server;
pub(crate) mod tls;
#[cfg(feature = "wiremock")]
pub(crate) mod wiremock;
