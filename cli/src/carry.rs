//! Carrying orders out: plan, question, run.

use crate::{
    args::{ApplyArgs, Format, Globals, RunArgs},
    connect,
    exit::{Exit, again, told, usage},
    output,
    progress::Progress,
    saved, say,
    signals::Signals,
};
use cmk::{
    AnyRun, Azure, Cloud, Error, ErrorKind, Event, Order, Outcome, Plan, SavedPlan, Stop,
    journal::{Ending, Entry, Journal, Record, RunName},
};
use std::{
    future::IntoFuture as _,
    io::{IsTerminal as _, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Whether there is somebody to put a question to.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Fails unless the plan is to be shown only, nothing is to be asked, or somebody can be.
pub(crate) fn askable(args: &RunArgs, verb: &str) -> anyhow::Result<()> {
    if args.plan || args.yes || can_ask() {
        return Ok(());
    }
    Err(usage(format!(
        "there is no terminal to ask at: look with `cmk {verb} .. --plan`, and carry it out with `cmk {verb} .. --yes`"
    )))
}

/// Puts a question; everything but yes is no, and ends it.
pub(crate) fn ask(question: &str) -> anyhow::Result<()> {
    if answered(question)? {
        Ok(())
    } else {
        Err(told(Exit::Refused, "not carried out, as you said; nothing was written"))
    }
}

/// Puts a question; everything but yes is no.
fn answered(question: &str) -> anyhow::Result<bool> {
    put(question, std::io::stderr().lock())?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn put(question: &str, at: impl std::io::Write) -> std::io::Result<()> {
    let mut at = output::Shown(at);
    write!(at, "{question} [y/N] ")?;
    at.flush()
}

/// A plan on stdout, and what it says of what is to be done.
pub(crate) fn show(plan: &Plan, globals: &Globals) -> anyhow::Result<Exit> {
    output::plan(plan)?.print(globals.output)?;
    Ok(match (plan.refusals.is_empty(), plan.has_changes()) {
        (false, _) => Exit::Refused,
        (true, true) => Exit::Changes,
        (true, false) => Exit::Done,
    })
}

/// Plans an order, or carries it out, as its options say.
pub(crate) async fn ordered(order: Order, azure: &Azure, args: &RunArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let name = args.name.clone().unwrap_or_else(|| RunName::unique(order.workflow(), azure.now()));
    let mut run = order.clone().on(azure).named(name.as_str());
    if args.plan {
        // A run that has begun under that name is planned as it would go on, and what later runs have made of a run that is
        // taken back is told by their journals.
        let of_journals = args.name.is_some() || matches!(order, Order::Rollback(_));
        if let Some(journal) = connect::existing_journal(globals)?.filter(|_| of_journals) {
            run = run.journal(journal);
        }
        let plan = run.plan().await?;
        let exit = show(&plan, globals)?;
        if let Some(file) = args.out.as_deref().filter(|_| exit != Exit::Refused) {
            saved::write(file, &SavedPlan::new(azure, order, plan)?)?;
            say(format_args!(
                "kept in {0}; carry it out: {1}",
                file.display(),
                again("apply", &file.display(), globals)
            ));
        }
        return Ok(exit);
    }
    let journal: Arc<dyn Journal> = Arc::new(connect::journal(globals)?);
    run = run.shared_journal(journal.clone());
    if !args.yes
        && let Some(agreed) = agree(&*journal, &name, run.plan()).await?
    {
        run = run.expecting(agreed);
    }
    carry_out(run, &name, journal, globals).await
}

/// `cmk apply`.
pub(crate) async fn apply(args: &ApplyArgs, globals: &Globals) -> anyhow::Result<Exit> {
    if !args.yes && !can_ask() {
        return Err(usage("there is no terminal to ask at: say `cmk apply FILE --yes`"));
    }
    let saved = saved::read(&args.file)?;
    let azure = connect::azure(globals, &globals.cloud.clone().unwrap_or_else(Cloud::public))?;
    let name = args.name.clone().unwrap_or_else(|| RunName::unique(saved.order().workflow(), azure.now()));
    let (made, plan) = (saved.made(), saved.plan().clone());
    let run = saved.on(&azure)?;
    let journal: Arc<dyn Journal> = Arc::new(connect::journal(globals)?);
    if !args.yes {
        say(format_args!("planned {made}:"));
        agree(&*journal, &name, async { Ok(plan) }).await?;
    }
    carry_out(run.named(name.as_str()), &name, journal, globals).await
}

/// Shows what is to be done and asks, as far as that is still open. The plan that was agreed to, if there was one to show.
async fn agree(
    journal: &dyn Journal,
    name: &RunName,
    plan: impl Future<Output = Result<Plan, Error>>,
) -> anyhow::Result<Option<Plan>> {
    let records = journal.read(name).await.map_err(Error::from)?;
    if is_finished(&records) {
        return Ok(None);
    }
    if !records.is_empty() {
        ask(&format!("Take run {name} up again?"))?;
        return Ok(None);
    }
    let plan = plan.await?;
    say(format_args!("{}", plan.to_string().trim_end()));
    if !plan.refusals.is_empty() {
        return Err(Error::new(ErrorKind::Refused(plan.refusals)).into());
    }
    if plan.has_changes() {
        ask("Carry it out?")?;
    }
    Ok(Some(plan))
}

/// Whether the run came to its end with an outcome.
pub(crate) fn is_finished(records: &[Record]) -> bool {
    records.iter().any(|r| matches!(r.entry, Entry::Closed { ending: Ending::Succeeded, .. }))
}

/// Plans an order that is to mend something, shows the plan, and carries it out if it may be and is agreed to. Its outcome is
/// told on stderr. The plan, and whether it was carried out.
pub(crate) async fn mend(order: Order, azure: &Azure, yes: bool, globals: &Globals) -> anyhow::Result<(Plan, bool)> {
    let name = RunName::unique(order.workflow(), azure.now());
    let run = order.on(azure).named(name.as_str());
    let plan = run.plan().await?;
    say(format_args!("{}", plan.to_string().trim_end()));
    if !plan.refusals.is_empty() {
        say(format_args!("refused, and skipped"));
        return Ok((plan, false));
    }
    if !plan.has_changes() || !(yes || answered("Carry it out?")?) {
        say(format_args!("skipped"));
        return Ok((plan, false));
    }
    let outcome = carried(run.expecting(plan.clone()), &name, Arc::new(connect::journal(globals)?), globals).await?;
    say(format_args!("{}", output::outcome(&name, &outcome)?.text(Format::Table)?.trim_end()));
    Ok((plan, true))
}

/// Carries a run out under its name, new or known, and prints its outcome.
pub(crate) async fn carry_out(
    run: AnyRun,
    name: &RunName,
    journal: Arc<dyn Journal>,
    globals: &Globals,
) -> anyhow::Result<Exit> {
    let outcome = carried(run, name, journal, globals).await?;
    output::outcome(name, &outcome)?.print(globals.output)?;
    if let Outcome::Revoked(_) = outcome {
        say(format_args!("give it back: {}", again("restore", name, globals)));
    }
    Ok(Exit::Done)
}

async fn carried(run: AnyRun, name: &RunName, journal: Arc<dyn Journal>, globals: &Globals) -> anyhow::Result<Outcome> {
    let progress = Arc::new(Progress::new(globals));
    let (stop, begun) = (Stop::new(), Arc::new(AtomicBool::new(false)));
    let run = run.shared_journal(journal.clone()).stop_on(&stop).watch({
        let (progress, begun) = (progress.clone(), begun.clone());
        move |event| {
            if matches!(event, Event::Opened { .. } | Event::Resumed { .. }) {
                begun.store(true, Ordering::Relaxed);
            }
            progress.tell(event);
        }
    });
    let heed = Heed { stop, begun, name, journal: &*journal, resume: again("resume", name, globals) };
    let ended = heed.until_the_end(run, &progress).await;
    progress.end();
    ended
}

/// What has to be known to heed a signal.
struct Heed<'a> {
    stop: Stop,
    /// Whether the run has told of its beginning.
    begun: Arc<AtomicBool>,
    name: &'a RunName,
    journal: &'a dyn Journal,
    /// The command that goes on.
    resume: String,
}

impl Heed<'_> {
    /// Waits for the run's end. The first signal asks it to stop at the next safe point, the second drops it.
    async fn until_the_end(&self, run: AnyRun, progress: &Progress) -> anyhow::Result<Outcome> {
        let mut signals = Signals::listen()?;
        let mut work = run.into_future();
        let mut asked = false;
        loop {
            tokio::select! {
                ended = &mut work => return Ok(ended?),
                () = signals.come() => {}
            }
            let resume = &self.resume;
            if !self.begun.load(Ordering::Relaxed) {
                let known = self.journal.read(self.name).await.is_ok_and(|records| !records.is_empty());
                let resume = if known { format!("\ntake it up again: {resume}") } else { String::new() };
                return Err(told(Exit::Stopped, format!("stopped before it changed anything{resume}")));
            }
            if asked {
                progress.end();
                say(format_args!("cmk: dropped where it was; take it up again: {resume}"));
                cmk::program::end_all();
                std::process::exit(130);
            }
            asked = true;
            self.stop.ask();
            progress.say("stopping at the next safe point; once more drops it where it is");
        }
    }
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
