//! Requests that nobody sends, and more of them than anybody does.

#[path = "../support/mod.rs"]
mod support;

mod load;
mod requests;
mod times;
mod writes;
