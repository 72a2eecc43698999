//! A test's hands: a world is filled, changed and looked into past HTTP.

pub(crate) mod inspect;
pub(crate) mod mutate;
pub(crate) mod seed;
