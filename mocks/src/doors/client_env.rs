//! What an unmodified client has to be told to take the simulator for Azure: variables, and the files they point to.

use crate::{
    doors::{server::Server, tls::Authority},
    services::directory::OPERATOR_SECRET,
    sim::Sim,
    world::{World, cloud::SimCloud},
};
use serde_json::json;
use std::{fs, io, path::Path};
use tempfile::TempDir;

/// Environment variables and files for clients of a server that is a proxy ([`Server::start_proxy`]). Its directory, of
/// this user only, goes when this is dropped.
///
/// - The proxy for http and https, but not for this machine itself, and the bundle with the authority's certificate in
///   place of the system's, as curl, Python, Node.js and Go take them.
/// - The world's operator, as `EnvironmentCredential` of the SDKs and Terraform's `azurerm` take it.
/// - `AZURE_CONFIG_DIR`: an Azure CLI that is logged in as the operator, and collects no telemetry.
#[derive(Debug)]
pub struct Surroundings {
    dir: TempDir,
    variables: Vec<(String, String)>,
}

impl Surroundings {
    /// Writes the files, and lets `/_sim/environment` of the server tell the variables.
    ///
    /// # Errors
    /// If the files cannot be written.
    pub fn new(sim: &Sim, server: &Server, authority: &Authority) -> io::Result<Self> {
        let dir = private_dir()?;
        let bundle = dir.path().join("ca.pem");
        fs::write(&bundle, authority.pem())?;
        let config = dir.path().join("azure");
        sim.with_world(|world, _| log_az_in(world, &config))?;

        let mut variables = Vec::new();
        let mut set = |names: &[&str], value: &str| {
            variables.extend(names.iter().map(|name| ((*name).to_owned(), value.to_owned())));
        };
        set(&["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"], &server.url());
        set(&["NO_PROXY", "no_proxy"], "localhost,127.0.0.1,::1");
        let bundle = bundle.to_string_lossy();
        set(&["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"], &bundle);
        set(&["AZURE_CONFIG_DIR"], &config.to_string_lossy());
        sim.with_world(|world, _| {
            let operator = world.operator();
            set(&["AZURE_CLIENT_ID", "ARM_CLIENT_ID"], &operator.client_id.to_string());
            set(&["AZURE_CLIENT_SECRET", "ARM_CLIENT_SECRET"], OPERATOR_SECRET);
            set(&["AZURE_TENANT_ID", "ARM_TENANT_ID"], &world.setup.tenant.to_string());
            set(&["AZURE_SUBSCRIPTION_ID", "ARM_SUBSCRIPTION_ID"], &world.setup.subscription.to_string());
            let cloud = world.setup.cloud;
            set(&["AZURE_AUTHORITY_HOST"], &format!("https://{}", cloud.login_host()));
            set(&["ARM_ENVIRONMENT"], terraform_name(cloud));
        });
        server.tell(&variables);
        Ok(Self { dir, variables })
    }

    /// The variables, by name and value.
    pub fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// Where the files are.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

/// A new directory that only this user may look into.
fn private_dir() -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.prefix("azure-sim-").tempdir()
}

fn terraform_name(cloud: SimCloud) -> &'static str {
    match cloud {
        SimCloud::Public => "public",
        SimCloud::China => "china",
        SimCloud::UsGov => "usgovernment",
    }
}

/// The files that `az login --service-principal` leaves.
fn log_az_in(world: &World, config: &Path) -> io::Result<()> {
    fs::create_dir(config)?;
    let (cloud, operator) = (world.setup.cloud.name(), world.operator());
    let subscriptions: Vec<_> = world
        .subscriptions()
        .into_iter()
        .map(|id| {
            json!({
                "id": id,
                "name": crate::services::resources::SUBSCRIPTION_NAME,
                "state": "Enabled",
                "user": { "name": operator.client_id, "type": "servicePrincipal" },
                "isDefault": id == world.setup.subscription,
                "tenantId": world.setup.tenant,
                "environmentName": cloud,
                "homeTenantId": world.setup.tenant,
                "managedByTenants": [],
            })
        })
        .collect();
    let secret =
        json!([{ "client_id": operator.client_id, "tenant": world.setup.tenant, "client_secret": OPERATOR_SECRET }]);
    fs::write(config.join("azureProfile.json"), json!({ "subscriptions": subscriptions }).to_string())?;
    fs::write(config.join("service_principal_entries.json"), secret.to_string())?;
    let settings = "collect_telemetry = no\nencrypt_token_cache = false\nlogin_experience_v2 = off\n";
    fs::write(
        config.join("config"),
        format!("[cloud]\nname = {cloud}\n\n[core]\n{settings}\n[auto-upgrade]\nenable = no\n"),
    )
}
