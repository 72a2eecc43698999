//! cmk
fn main() {}
