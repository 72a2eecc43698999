//! `cmk man`.

use super::{Schema, man_page};
use crate::{
    cli::{Cli, Globals, examples},
    exit_code::{Exit, usage},
    render,
};
use clap::CommandFactory as _;

pub(super) const EXAMPLES: &[&str] = &["cmk man | man -l -", "cmk man rotate > cmk-rotate.1"];

pub(super) const SCHEMAS: &[Schema] = &[];

/// Print the manual page of cmk, or of one of its commands.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    /// The command.
    command: Option<String>,
}

pub(super) async fn run(args: &Args, _: &Globals) -> anyhow::Result<Exit> {
    let mut whole = Cli::command();
    // Lets the commands inherit what is global.
    whole.build();
    let command = args.command.as_deref();
    let page = match command {
        None => whole,
        Some(name) => {
            whole.find_subcommand(name).cloned().ok_or_else(|| usage(format!("there is no command '{name}'")))?
        }
    };
    let mut text = Vec::new();
    man_page(page, command.is_none(), &mut text)?;
    render::print(&String::from_utf8(text)?)?;
    Ok(Exit::Done)
}
