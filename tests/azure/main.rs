//! The doors to Azure: ids, clouds, logins, answers and what is guarded against.

mod clouds;
mod credentials;
mod data_plane;
mod ids;
#[cfg(feature = "azure_mgmt")]
mod interop;
mod key_client;
mod lookups;
mod redaction;
mod sdk_guards;
mod service_errors;
mod sizes;
mod transport;

#[test]
fn every_file_is_a_module() {
    cmk_tests::modules::check("azure");
}
