//! Floor 8: what is read and shown, and changes nothing.

pub mod firewall_rules;
pub mod list;
pub mod login;
pub(crate) mod rotation;
pub mod status;
