//! What a diagnosis reads of Microsoft.Network: virtual networks and what stands in them, private endpoints, private
//! zones, and which addresses names come to (R-DP-20 to R-DP-23).

mod addresses;
mod endpoints;
mod render;
mod resolve;
mod routes;
mod seed;
mod state;
mod views;
mod zones;

pub(crate) use endpoints::Connection;
pub(crate) use routes::handle;
pub use state::{ConnectionState, Route, SecurityRule};
pub(crate) use state::{Kind, Networks, Subnet};
pub use views::{EndpointMember, EndpointView};
