//! `cargo fidelity`: prints how true the simulator is to recorded answers. Ends with 1 where a difference stands that is
//! not excused.

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use cmk_fidelity::{print, recording, report::Report};
use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, Parser)]
#[command(
    name = "fidelity",
    about = "Puts recorded requests to the simulator and compares its answers with the recorded ones"
)]
struct Arguments {
    /// Only operations with this in their method, path or api-version
    filter: Option<String>,
    /// In which form
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// The folder of recordings, instead of $CMK_DATA/recordings or ../shared/recordings
    #[arg(long, value_name = "DIR")]
    recordings: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    Table,
    Json,
    Markdown,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let dir = arguments.recordings.unwrap_or_else(|| recording::root().join("recordings"));
    let all = recording::load(&dir).context("the recordings cannot be read")?;
    let mut report = Report::of(&all)?;
    if let Some(part) = &arguments.filter {
        report = report.only(part);
    }
    match arguments.output {
        Output::Table => print!("{}", print::table(&report)),
        Output::Markdown => print!("{}", print::markdown(&report)),
        Output::Json => println!("{}", serde_json::to_string_pretty(&report)?),
    }
    Ok(if report.unexcused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
