//! `azure-sim run`: one command that takes the simulator for Azure.

use crate::{
    env, serve,
    stop::{Asked, Stop},
    world::WorldArgs,
};
use anyhow::Context as _;
use clap::Args;
use std::{ffi::OsString, process::ExitCode};
use tokio::process::Command;

/// The arguments of running.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Use the azure-sim that runs on this port with --tls, rather than one of its own that ends with the command.
    #[arg(long, conflicts_with_all = ["log", "world", "save", "seed", "cloud", "scale", "clock", "subscription", "tenant", "trouble", "poll_after"])]
    port: Option<u16>,
    #[command(flatten)]
    world: WorldArgs,
    /// The command and its arguments.
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Run {
    /// Ends as the command ends.
    pub(crate) async fn go(self) -> anyhow::Result<ExitCode> {
        let Some(port) = self.port else {
            let sim = self.world.open()?;
            let (server, surroundings) = serve::proxy(&sim, 0).await?;
            let ended = self.command(surroundings.variables()).await;
            server.shutdown().await;
            self.world.close(&sim)?;
            return ended;
        };
        self.command(&env::ask(port).await?).await
    }

    async fn command(&self, variables: &[(String, String)]) -> anyhow::Result<ExitCode> {
        let (program, arguments) = self.command.split_first().context("which command?")?;
        let variables = variables.iter().map(|(name, value)| (name, value));
        // A terminal interrupts both. The command decides what becomes of that, and needs the simulator to wind down.
        let mut stop = Stop::listen()?;
        let mut running = Command::new(program)
            .args(arguments)
            .envs(variables)
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        let status = loop {
            tokio::select! {
                status = running.wait() => break status?,
                asked = stop.come() => match asked? {
                    Asked::Interrupt => {}
                    // Nobody has told the command.
                    Asked::Terminate => running.start_kill()?,
                },
            }
        };
        // Killed by a signal: there is no code to pass on.
        let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
        Ok(ExitCode::from(code))
    }
}
