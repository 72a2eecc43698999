//! `azure-sim`: the simulator behind a loopback port.

mod env;
mod run;
mod serve;
mod stop;
mod world;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Cli { serve, command } = Cli::parse();
    match command {
        None => serve.go().await.map(|()| ExitCode::SUCCESS),
        Some(Command::Env(env)) => env.go().await.map(|()| ExitCode::SUCCESS),
        Some(Command::Run(run)) => run.go().await,
    }
}
