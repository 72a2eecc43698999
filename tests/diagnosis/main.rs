//! What `status`, `list` and a diagnosis say of a world in trouble, and what mends it.

mod audit;
mod causes;
mod explained;
mod list;
mod symptoms;

#[test]
fn every_file_is_a_module() {
    cmk_tests::modules::check("diagnosis");
}
