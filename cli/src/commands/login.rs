//! `cmk login`.

use super::Schema;
use crate::{
    cli::{Globals, RegistryArgs, examples},
    connect,
    docker_config::DockerConfig,
    exit_code::Exit,
    render::{Document, shell_word},
    resolve,
};
use cmk::{Login, azure::registries::data::Audience, login::login_at};
use serde_json::json;
use std::path::PathBuf;
use time::format_description::well_known::Rfc3339;

pub(super) const EXAMPLES: &[&str] =
    &["cmk login -n contoso1", "cmk login contoso1.azurecr.io", "cmk login -n contoso1 --expose-token -o json"];

pub(super) const SCHEMAS: &[Schema] = &[("login", include_str!("../../schemas/login.v1.json"))];

const VERSION: u32 = 1;

/// Log container clients in to a registry, without Docker.
///
/// Stores what `docker login` would store. Changes nothing in Azure.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Print the login's token instead of storing it, for a client on another machine. Anyone who has the token is logged
    /// in.
    #[arg(short = 't', long, conflicts_with = "docker_config")]
    expose_token: bool,
    /// The directory of Docker's config.json. [default: $DOCKER_CONFIG or ~/.docker]
    #[arg(long, value_name = "DIR")]
    docker_config: Option<PathBuf>,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let cloud = globals.cloud();
    // What is wrong with the configuration is reported before the login.
    let config =
        if args.expose_token { None } else { Some(DockerConfig::open(args.docker_config.as_deref(), globals)?) };
    let azure = connect::azure(globals, &cloud)?;
    let server = resolve::login_server(&args.registry, globals, &azure).await?;
    let login = login_at(&azure, &server, Audience::Registry).await?;
    let kept = match config {
        Some(config) => Some(config.keep(server.as_str(), login.username, login.refresh_token.secret()).await?),
        None => None,
    };
    document(&login, kept.as_deref())?.print(globals.output)?;
    Ok(Exit::Done)
}

/// A login: where it is stored, or itself.
fn document(login: &Login, kept: Option<&str>) -> anyhow::Result<Document> {
    let (server, user, expires) =
        (login.login_server.as_str(), login.username, login.expires.replace_nanosecond(0)?.format(&Rfc3339)?);
    let mut json = json!({ "loginServer": server, "username": user, "expires": expires });
    let mut fields =
        vec![("LOGIN_SERVER", server.to_owned()), ("USERNAME", user.to_owned()), ("EXPIRES", expires.clone())];
    let table = match kept {
        Some(place) => {
            json["keptIn"] = place.into();
            fields.push(("KEPT_IN", place.to_owned()));
            format!("logged in to {server} until {expires}, kept in {place}")
        }
        None => {
            let token = login.refresh_token.secret();
            json["accessToken"] = token.into();
            fields.push(("ACCESS_TOKEN", token.to_owned()));
            format!(
                "{token}\n\nIt is the password of user {user} until {expires}, and whoever has it is logged in. Where the client \
                 is:\n  docker login {} --username {user} --password-stdin\nand hand it in on stdin; or get it by itself with \
                 `--output json`, as accessToken.",
                shell_word(server)
            )
        }
    };
    Ok(Document::new("login", VERSION, &json)?.table(table).fields(&fields))
}
