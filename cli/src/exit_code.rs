//! Exit codes, and how a failure is reported.

use crate::{cli::Globals, say};
use cmk::{
    Error, ErrorKind,
    azure::{CallError, Cause},
    journal::JournalError,
};
use std::{fmt, process::ExitCode};

/// How `cmk` ends. The numbers are part of its interface: `docs/command.md` and `cmk --help` list them. `diagnose` and `audit`
/// use the first three differently: healthy, findings, could not check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// The command line is wrong, or names something that does not exist.
    Usage = 2,
    /// Refused by a rule, or by the operator at the question.
    Refused = 3,
    /// A plan with changes.
    Changes = 4,
    /// Locked by another run, or blocked by an unfinished one.
    Busy = 5,
    /// Stopped on request.
    Stopped = 6,
    /// The service demands a long pause.
    Throttled = 7,
    /// The run, its journal and the resources in Azure do not agree.
    Astray = 8,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// A failure of `cmk` itself rather than of the library, with its exit code.
#[derive(Debug)]
pub(crate) struct CliError {
    exit: Exit,
    text: String,
}

impl CliError {
    /// A failure with this exit code.
    pub(crate) fn with(exit: Exit, text: impl Into<String>) -> anyhow::Error {
        Self { exit, text: text.into() }.into()
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for CliError {}

/// The command line is wrong.
pub(crate) fn usage(text: impl Into<String>) -> anyhow::Error {
    CliError::with(Exit::Usage, text)
}

/// A failure that kept a diagnosis or an audit from reading anything.
pub(crate) fn could_not_look(e: anyhow::Error) -> anyhow::Error {
    match code_of(&e) {
        Exit::Usage => e,
        _ => e.context(CliError { exit: Exit::Usage, text: "could not look".into() }),
    }
}

/// The exit code of a failure.
pub(crate) fn code_of(e: &anyhow::Error) -> Exit {
    if let Some(own) = e.downcast_ref::<CliError>() {
        return own.exit;
    }
    if let Some(e) = e.downcast_ref::<CallError>() {
        return of_call(e);
    }
    match e.downcast_ref::<Error>().map(Error::kind) {
        Some(ErrorKind::Invalid(_)) => Exit::Usage,
        Some(ErrorKind::Refused(_)) => Exit::Refused,
        Some(ErrorKind::Locked(..) | ErrorKind::Unfinished { .. }) => Exit::Busy,
        Some(ErrorKind::Stopped) => Exit::Stopped,
        Some(ErrorKind::Throttled { .. }) => Exit::Throttled,
        Some(ErrorKind::Call(e)) => of_call(e),
        Some(ErrorKind::DataPlane(e)) => of_call(&e.source),
        Some(
            ErrorKind::Drifted { .. }
            | ErrorKind::Overtaken { .. }
            | ErrorKind::OtherRun(_)
            | ErrorKind::Abandoned
            | ErrorKind::JournalLost { .. }
            | ErrorKind::Journal(
                JournalError::Newer { .. }
                | JournalError::Damaged { .. }
                | JournalError::Moved { .. }
                | JournalError::LockLost { .. },
            ),
        ) => Exit::Astray,
        _ => Exit::Failed,
    }
}

fn of_call(e: &CallError) -> Exit {
    if matches!(*e.cause, Cause::Throttled { .. }) { Exit::Throttled } else { Exit::Failed }
}

/// Prints a failure on stderr: what happened, the rollback hints newest first, and last how to go on.
pub(crate) fn report(e: &anyhow::Error, globals: &Globals) -> Exit {
    let run = e.downcast_ref::<Error>().filter(|e| e.can_resume()).and_then(Error::run);
    // The library's own line knows nothing of the options this command was given.
    let text = whole(e);
    let text = match run {
        Some(run) => text.strip_suffix(&format!("\ntake it up again: cmk resume {run}")).unwrap_or(&text),
        None => &text,
    };
    say(format_args!("cmk: {text}"));
    if let Some(e) = e.downcast_ref::<Error>() {
        hints(e.hints());
        match (e.kind(), run) {
            (ErrorKind::Unfinished { run, .. }, _) => {
                say(format_args!("take it up again: {}", again("resume", run, globals)));
                say(format_args!("or give it up:    {}", again("abandon", run, globals)));
            }
            (ErrorKind::Journal(JournalError::Damaged { run, .. }), _) => {
                say(format_args!("give it up: {}", again("abandon", run, globals)));
            }
            (_, Some(run)) => say(format_args!("take it up again: {}", again("resume", run, globals))),
            _ => {}
        }
    }
    code_of(e)
}

/// The message with its causes, as far as it does not name them itself.
fn whole(e: &anyhow::Error) -> String {
    let mut text = e.to_string();
    for cause in e.chain().skip(1) {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
    }
    text
}

/// Prints the rollback hints, newest first.
fn hints(hints: &[cmk::Hint]) {
    if !hints.is_empty() {
        say(format_args!("the ways back, newest first:"));
    }
    for hint in hints {
        say(format_args!("  {hint}"));
    }
}

/// The command line that goes on with a run or a file, with the options that matter to it.
pub(crate) fn again(verb: &str, what: &dyn fmt::Display, globals: &Globals) -> String {
    let mut line = format!("cmk {verb} {}", crate::render::shell_word(&what.to_string()));
    let mut option = |name: &str, value: String| {
        line.push_str(&format!(" {name} {}", crate::render::shell_word(&value)));
    };
    if let Some(dir) = &globals.state {
        option("--state", dir.display().to_string());
    }
    if let Some(url) = &globals.simulator {
        option("--simulator", url.clone());
    }
    if let Some(auth) = &globals.auth {
        option("--auth", auth.to_string());
    }
    line
}
