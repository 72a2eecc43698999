//! Sets `cmk_sabotage`, by which a test takes one safety measure away, in the development profile of the repository only. This file
//! is not part of the published crate (`include` in Cargo.toml), and a release build does not set it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "debug") {
        println!("cargo::rustc-cfg=cmk_sabotage");
    }
}
