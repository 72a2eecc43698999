//! The library against recorded data: Azure's answers, Microsoft's contract and the article.

mod article;
mod contract;
mod data;
mod door;
#[cfg(feature = "azure_mgmt")]
mod interop_recorded;
mod models;
mod recorded_bodies;
mod recordings;

use libtest_mimic::Trial;

fn main() -> std::process::ExitCode {
    let mut trials = vec![Trial::test("every_file_is_a_module", || {
        cmk_tests::modules::check("recorded");
        Ok(())
    })];
    #[cfg(feature = "azure_mgmt")]
    trials.extend(interop_recorded::trials());
    for module in [article::trials, contract::trials, models::trials, recorded_bodies::trials, recordings::trials] {
        trials.extend(module());
    }
    cmk_fidelity::trials::run(trials)
}
