//! The examples and the tutorial, run as their readers run them, the floors of the library, and the pages.

mod example_binary;
mod examples;
mod layers;
mod pages;
mod tutorial;

#[test]
fn every_file_is_a_module() {
    cmk_tests::modules::check("docs");
}
