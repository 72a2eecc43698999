//! The command as an operator meets it: the real binary against the simulator on a loopback port.

mod access;
mod apply;
mod diagnosed;
mod forms;
mod login;
mod mended;
mod network;
mod pages;
mod refused;
mod revoked;
mod rotated;
mod runs;
#[path = "../setting/mod.rs"]
mod setting;
#[cfg(unix)]
mod signals;
#[cfg(target_os = "linux")]
mod sizes;
mod story;
#[cfg(unix)]
mod templates;
mod terminal;
mod unknown_hosts;
mod wrong;
