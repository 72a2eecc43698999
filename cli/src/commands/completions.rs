//! `cmk completions`.

use super::Schema;
use crate::{
    cli::{Cli, Globals, examples},
    exit_code::Exit,
    render,
};
use clap::CommandFactory as _;
use clap_complete::Shell;

pub(super) const EXAMPLES: &[&str] = &["cmk completions bash > /etc/bash_completion.d/cmk"];

pub(super) const SCHEMAS: &[Schema] = &[];

/// Print a script that completes cmk's command lines in a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    /// The shell.
    shell: Shell,
}

pub(super) async fn run(args: &Args, _: &Globals) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "cmk", &mut script);
    render::print(&String::from_utf8(script)?)?;
    Ok(Exit::Done)
}
