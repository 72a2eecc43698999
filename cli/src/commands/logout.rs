//! `cmk logout`.

use super::Schema;
use crate::{
    cli::{Globals, RegistryArgs, examples},
    connect,
    docker_config::DockerConfig,
    exit_code::Exit,
    render::Document,
    resolve,
};
use cmk::azure::registries::data::LoginServer;
use serde_json::json;
use std::path::PathBuf;

pub(super) const EXAMPLES: &[&str] = &["cmk logout -n contoso1", "cmk logout contoso1.azurecr.io"];

pub(super) const SCHEMAS: &[Schema] = &[("logout", include_str!("../../schemas/logout.v1.json"))];

const VERSION: u32 = 1;

/// Log container clients out of a registry.
///
/// Changes nothing in Azure.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    registry: RegistryArgs,
    /// The directory of Docker's config.json. [default: $DOCKER_CONFIG or ~/.docker]
    #[arg(long, value_name = "DIR")]
    docker_config: Option<PathBuf>,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let cloud = globals.cloud();
    let config = DockerConfig::open(args.docker_config.as_deref(), globals)?;
    let server = match resolve::typed_login_server(&args.registry, &cloud)? {
        // No request is sent: logging out works for a registry that was deleted.
        Some(server) => server,
        None => resolve::login_server(&args.registry, globals, &connect::azure(globals, &cloud)?).await?,
    };
    let forgotten = config.forget(server.as_str()).await?;
    document(&server, &forgotten)?.print(globals.output)?;
    Ok(Exit::Done)
}

/// Where a login was removed.
fn document(server: &LoginServer, forgotten: &[String]) -> anyhow::Result<Document> {
    let table = if forgotten.is_empty() {
        format!("there was no login to {server}")
    } else {
        format!("logged out of {server}: forgotten in {}", forgotten.join(" and "))
    };
    let json = json!({ "loginServer": server, "forgottenIn": forgotten });
    Ok(Document::new("logout", VERSION, &json)?
        .table(table)
        .fields(&[("LOGIN_SERVER", server.to_string()), ("FORGOTTEN_IN", forgotten.join(" "))]))
}
