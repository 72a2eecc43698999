//! Properties that hold for every scenario of the generators, whatever disturbs it.

mod answers;
mod cancel;
mod crash;
mod drift;
mod frozen;
mod late;
mod locks;
mod plan;
mod random;
mod refusals;
mod repeat;
mod requests;
#[cfg(debug_assertions)]
mod sabotage;
mod saved_plan;
mod troubled;
mod undisturbed;
mod watched;

#[test]
fn every_file_is_a_module() {
    cmk_tests::modules::check("properties");
    cmk_tests::modules::check("support");
}
