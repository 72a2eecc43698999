//! Logging container clients in and out.

use crate::{
    args::{Globals, LoginArgs, LogoutArgs, RegistryArgs},
    connect,
    docker::Config,
    exit::Exit,
    naming, output,
};
use cmk::{
    Azure, Cloud,
    azure::registries::data::{Audience, LoginServer},
    login,
};

/// `cmk login`.
pub(crate) async fn log_in(args: &LoginArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let cloud = globals.cloud.clone().unwrap_or_else(Cloud::public);
    // What is wrong with it is said before anybody logs in.
    let config = if args.expose_token { None } else { Some(Config::open(args.docker_config.as_deref(), globals)?) };
    let azure = connect::azure(globals, &cloud)?;
    let server = login_server(&args.registry, globals, &azure).await?;
    let login = login::login_at(&azure, &server, Audience::Registry).await?;
    let kept = match config {
        Some(config) => Some(config.keep(server.as_str(), login.username, login.refresh_token.secret()).await?),
        None => None,
    };
    output::login(&login, kept.as_deref())?.print(globals.output)?;
    Ok(Exit::Done)
}

/// `cmk logout`.
pub(crate) async fn log_out(args: &LogoutArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let cloud = globals.cloud.clone().unwrap_or_else(Cloud::public);
    let config = Config::open(args.docker_config.as_deref(), globals)?;
    let server = match naming::login_server(&args.registry, &cloud)? {
        // Nothing is asked: one can log out of a registry that is gone.
        Some(server) => server,
        None => login_server(&args.registry, globals, &connect::azure(globals, &cloud)?).await?,
    };
    let forgotten = config.forget(server.as_str()).await?;
    output::logout(&server, &forgotten)?.print(globals.output)?;
    Ok(Exit::Done)
}

/// The registry's host: given as such, or as the registry itself says it.
async fn login_server(args: &RegistryArgs, globals: &Globals, azure: &Azure) -> anyhow::Result<LoginServer> {
    if let Some(server) = naming::login_server(args, azure.cloud())? {
        return Ok(server);
    }
    let registry = naming::wanted(args, globals)?.find(azure).await?;
    Ok(login::login_server(azure, &registry).await?)
}
