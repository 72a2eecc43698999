//! `cmk`: parsing and printing only; everything else is the library's.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod args;
mod carry;
mod connect;
mod docker;
mod exit;
mod login;
mod naming;
mod orders;
mod output;
mod pages;
mod progress;
mod runs;
mod saved;
mod signals;

use args::{Cli, Command, Globals};
use clap::Parser as _;
use cmk::azure::error::scrub;
use exit::Exit;
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
    listen_in(cli.globals.verbose);
    let done = match cli.command {
        Command::Completions { shell } => pages::completions(shell),
        Command::Man { command } => pages::man(command.as_deref()),
        Command::Schema { name } => pages::schema(name.as_deref()),
        command => online(command, &cli.globals),
    };
    done.unwrap_or_else(|e| exit::tell(&e, &cli.globals)).into()
}

/// The commands that need a runtime.
fn online(command: Command, globals: &Globals) -> anyhow::Result<Exit> {
    connect::announce(globals)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let done = runtime.block_on(async {
        signals::end_by_signals()?;
        signals::outlive_limits()?;
        match command {
            Command::Create(args) => orders::create(&args, globals).await,
            Command::Rotate(args) => orders::rotate(&args, globals).await,
            Command::AutoRotate(args) => orders::auto_rotate(&args, globals).await,
            Command::Reassign(args) => orders::reassign(&args, globals).await,
            Command::Recover(args) => orders::recover(&args, globals).await,
            Command::Repair(args) => orders::repair(&args, globals).await,
            Command::Bypass(args) => orders::bypass(&args, globals).await,
            Command::VaultNetwork(args) => orders::vault_network(&args, globals).await,
            Command::Network(args) => orders::network(&args, globals).await,
            Command::GrantAccess(args) => orders::grant_access(&args, globals).await,
            Command::Logs(args) => orders::logs(&args, globals).await,
            Command::Revoke(args) => orders::revoke(&args, globals).await,
            Command::Restore(args) => orders::restore(&args, globals).await,
            Command::Retire(args) => orders::retire(&args, globals).await,
            Command::Rollback(args) => orders::rollback(&args, globals).await,
            Command::Apply(args) => carry::apply(&args, globals).await,
            Command::Template(args) => orders::template(&args, globals).await,
            Command::Deploy(args) => orders::deploy(&args, globals).await,
            Command::ImportKey(args) => orders::import_key(&args, globals).await,
            Command::Diagnose(args) => orders::diagnose(&args, globals).await,
            Command::Audit(args) => orders::audit(&args, globals).await,
            Command::List(args) => runs::registries(&args, globals).await,
            Command::Status { registry } => runs::status(&registry, globals).await,
            Command::Login(args) => login::log_in(&args, globals).await,
            Command::Logout(args) => login::log_out(&args, globals).await,
            Command::FirewallRules { registry, azure_firewall } => {
                runs::firewall_rules(&registry, azure_firewall, globals).await
            }
            Command::Runs => runs::list(globals).await,
            Command::Resume { run, plan, yes: _ } => runs::resume(&run, plan, globals).await,
            Command::Abandon { run, yes } => runs::abandon(&run, yes, globals).await,
            Command::Completions { .. } | Command::Man { .. } | Command::Schema { .. } => Ok(Exit::Done),
        }
    });
    // A request whose answer nobody waits for any more must not keep the process.
    runtime.shutdown_background();
    done
}

/// The library's own account of what it does, on stderr. Other crates are left out: what they say of requests may hold
/// signed URLs.
fn listen_in(verbose: u8) {
    use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};
    let level = match verbose {
        0 => return,
        1 => tracing::Level::INFO,
        2 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    let layer = fmt::layer().with_writer(|| output::Shown(std::io::stderr())).with_target(false);
    // One subscriber a process: a second one is no reason to fail.
    let _ = tracing_subscriber::registry().with(layer).with(Targets::new().with_target("cmk", level)).try_init();
}

/// A line on stderr. That nobody reads it is no reason to stop half-way.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(output::Shown(std::io::stderr().lock()), "{line}");
}
