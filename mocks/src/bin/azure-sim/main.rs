//! `azure-sim`: the simulator behind a loopback port.

mod env;
mod list;
mod run;
mod serve;
mod stop;
mod world;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Azure Resource Manager, Key Vault, Entra and Container Registry, simulated on a loopback port.
///
/// Without a command it serves until it is told to stop (Ctrl-C). Select the service by the Host header or by
/// x-sim-original-url, or start it with --tls and take it as a proxy. /_sim/ on the port steers the simulator.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    serve: serve::Serve,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print what a shell has to set, so that az, Terraform, curl and the SDKs take a running azure-sim for Azure.
    Env(env::Env),
    /// Run one command that takes azure-sim for Azure.
    Run(run::Run),
    /// List the worlds that come with azure-sim, or print one.
    Worlds(list::Worlds),
    /// List the troubles that a world can be put into, by the causes that `cmk diagnose` then finds.
    Troubles(list::Troubles),
}

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { serve, command } = Cli::parse();
    let ended = match command {
        None => serve.go().await.map(|()| ExitCode::SUCCESS),
        Some(Command::Env(env)) => env.go().await.map(|()| ExitCode::SUCCESS),
        Some(Command::Run(run)) => run.go().await,
        Some(Command::Worlds(worlds)) => worlds.go().map(|()| ExitCode::SUCCESS),
        Some(Command::Troubles(troubles)) => troubles.go().map(|()| ExitCode::SUCCESS),
    };
    ended.unwrap_or_else(|error| {
        eprintln!("azure-sim: {error:#}");
        ExitCode::FAILURE
    })
}
