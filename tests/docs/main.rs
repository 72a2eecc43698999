//! The examples and the tutorial, run as their readers run them, and the floors of the library.

mod example_binary;
mod examples;
mod layers;
mod tutorial;

#[test]
fn every_file_is_a_module() {
    cmk_tests::modules::check("docs");
}
