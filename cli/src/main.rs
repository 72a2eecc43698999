//! `cmk`: parsing and printing only; everything else is the library's.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod apply_if;
mod cli;
mod commands;
mod connect;
mod docker_config;
mod execute;
mod exit_code;
mod plan_file;
mod progress;
mod prompt;
mod render;
mod resolve;
mod signals;

use clap::Parser as _;
use cli::Cli;
use cmk::azure::error::scrub;
use commands::Group;
use exit_code::Exit;
use std::{fmt, io::Write as _, process::ExitCode};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // What a panic says may quote what was being worked on.
    std::panic::set_hook(Box::new(|panic| {
        if cmk::azure::is_logging_in() {
            // Secrets of any form are at hand there: where it was is enough.
            let at = panic.location().map(|at| format!(" at {at}")).unwrap_or_default();
            return say(format_args!("cmk: a mistake in logging in{at}; please report it"));
        }
        say(format_args!("cmk: a mistake in this program: {}; please report it", scrub(&panic.to_string())));
    }));
    log_to_stderr(cli.globals.verbose);
    carry_out(&cli).unwrap_or_else(|e| exit_code::report(&e, &cli.globals)).into()
}

/// Carries the command out.
fn carry_out(cli: &Cli) -> anyhow::Result<Exit> {
    let online = cli.command.group() != Group::Tools;
    if online {
        connect::announce(&cli.globals)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let done = runtime.block_on(async {
        if online {
            signals::end_by_signals()?;
            signals::outlive_limits()?;
        }
        cli.command.run(&cli.globals).await
    });
    // A request whose answer nobody waits for any more must not keep the process.
    runtime.shutdown_background();
    done
}

/// Logs what the library does on stderr. Other crates are left out: what they log of requests may hold signed URLs.
fn log_to_stderr(verbose: u8) {
    use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};
    let level = match verbose {
        0 => return,
        1 => tracing::Level::INFO,
        2 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    let layer = fmt::layer().with_writer(|| render::Shown(std::io::stderr())).with_target(false);
    // One subscriber a process: a second one is no reason to fail.
    let _ = tracing_subscriber::registry().with(layer).with(Targets::new().with_target("cmk", level)).try_init();
}

/// A line on stderr. That nobody reads it is no reason to stop half-way.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(render::Shown(std::io::stderr().lock()), "{line}");
}
