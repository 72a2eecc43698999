//! Questions on the terminal.

use crate::{
    cli::RunArgs,
    exit_code::{CliError, Exit, usage},
    render,
};
use std::io::{IsTerminal as _, Write as _};

/// Whether there is a terminal to ask at.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Fails unless the plan is only to be shown, nothing is to be asked, or there is a terminal to ask at.
pub(crate) fn askable(args: &RunArgs, verb: &str) -> anyhow::Result<()> {
    if args.plan || args.yes || can_ask() {
        return Ok(());
    }
    Err(usage(format!(
        "there is no terminal to ask at: look with `cmk {verb} .. --plan`, and carry it out with `cmk {verb} .. --yes`"
    )))
}

/// Asks a question; everything but yes is no, and an error.
pub(crate) fn ask(question: &str) -> anyhow::Result<()> {
    if answered(question)? {
        Ok(())
    } else {
        Err(CliError::with(Exit::Refused, "not carried out, as you said; nothing was written"))
    }
}

/// Asks a question; everything but yes is no.
pub(crate) fn answered(question: &str) -> anyhow::Result<bool> {
    put(question, std::io::stderr().lock())?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn put(question: &str, at: impl std::io::Write) -> std::io::Result<()> {
    let mut at = render::Shown(at);
    write!(at, "{question} [y/N] ")?;
    at.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_cannot_steer_the_terminal_that_it_is_put_at() {
        let mut at = Vec::new();
        put("Give run \u{1b}[2Jr1\u{202e} up?", &mut at).expect("room");
        assert_eq!(String::from_utf8(at).expect("text"), r"Give run \u001b[2Jr1\u202e up? [y/N] ");
    }
}
