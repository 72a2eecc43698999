//! Carrying orders out: plan, question, run.

use crate::{
    cli::{Format, Globals, RegistryArgs, RunArgs},
    commands, connect,
    exit_code::{Exit, again},
    plan_file,
    progress::Progress,
    prompt::{answered, ask, askable},
    render, resolve, say,
    signals::SignalHandler,
};
use cmk::{
    AnyRun, Azure, Cloud, Error, ErrorKind, Event, Order, Outcome, Plan, SavedPlan, Stop,
    azure::id::RegistryId,
    journal::{Ending, Entry, Journal, Record, RunName},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// What a command that carries out an order works with.
pub(crate) struct OrderContext<'a> {
    pub(crate) azure: Azure,
    run: &'a RunArgs,
    globals: &'a Globals,
}

impl<'a> OrderContext<'a> {
    /// Checks that the plan can be shown, asked about and saved, and prepares the connection to the chosen cloud. Sends
    /// nothing.
    pub(crate) fn open(verb: &str, run: &'a RunArgs, globals: &'a Globals) -> anyhow::Result<Self> {
        Self::open_in(&globals.cloud(), verb, run, globals)
    }

    /// The same in a certain cloud.
    pub(crate) fn open_in(cloud: &Cloud, verb: &str, run: &'a RunArgs, globals: &'a Globals) -> anyhow::Result<Self> {
        askable(run, verb)?;
        if let Some(file) = &run.out {
            plan_file::vacant(file)?;
        }
        Ok(Self { azure: connect::azure(globals, cloud)?, run, globals })
    }

    /// The registry that the order is for.
    pub(crate) async fn registry(&self, args: &RegistryArgs) -> anyhow::Result<RegistryId> {
        resolve::registry(args, self.globals)?.find(&self.azure).await
    }

    /// Plans the order; unless only the plan is wanted, shows it, asks, and runs the plan that was shown.
    pub(crate) async fn execute(self, order: impl Into<Order>) -> anyhow::Result<Exit> {
        let (order, args, globals) = (order.into(), self.run, self.globals);
        let name = args.name.clone().unwrap_or_else(|| RunName::unique(order.workflow(), self.azure.now()));
        let run = order.clone().on(&self.azure).named(name.as_str());
        if args.plan {
            return self.plan_only(order, run).await;
        }
        let journal: Arc<dyn Journal> = Arc::new(connect::journal(globals)?);
        let mut run = run.shared_journal(journal.clone());
        if !args.yes
            && let Some(agreed) = agree(&*journal, &name, run.plan()).await?
        {
            run = run.expecting(agreed);
        }
        carry_out(run, &name, journal, globals).await
    }

    async fn plan_only(self, order: Order, mut run: AnyRun) -> anyhow::Result<Exit> {
        let (args, globals) = (self.run, self.globals);
        // A run that has begun under that name is planned as it would go on, and what later runs have changed of a run that
        // is rolled back is in their journals.
        let of_journals = args.name.is_some() || matches!(order, Order::Rollback(_));
        if let Some(journal) = connect::existing_journal(globals)?.filter(|_| of_journals) {
            run = run.journal(journal);
        }
        let plan = run.plan().await?;
        let exit = show(&plan, globals)?;
        if let Some(file) = args.out.as_deref().filter(|_| exit != Exit::Refused) {
            plan_file::write(file, &SavedPlan::new(&self.azure, order, plan)?)?;
            say(format_args!(
                "kept in {0}; carry it out: {1}",
                file.display(),
                again("apply", &file.display(), globals)
            ));
        }
        Ok(exit)
    }
}

/// Prints a plan on stdout, and returns the exit code that stands for it.
pub(crate) fn show(plan: &Plan, globals: &Globals) -> anyhow::Result<Exit> {
    render::plan(plan)?.print(globals.output)?;
    Ok(match (plan.refusals.is_empty(), plan.has_changes()) {
        (false, _) => Exit::Refused,
        (true, true) => Exit::Changes,
        (true, false) => Exit::Done,
    })
}

/// Shows what is to be done and asks, unless the run is finished. The plan that was agreed to, if there was one to show.
pub(crate) async fn agree(
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

/// Whether the run ended with an outcome.
pub(crate) fn is_finished(records: &[Record]) -> bool {
    records.iter().any(|r| matches!(r.entry, Entry::Closed { ending: Ending::Succeeded, .. }))
}

/// Plans an order that is a remedy, shows the plan, and carries it out if nothing is refused and the operator agrees. Its
/// outcome is printed on stderr. Returns the plan, and whether it was carried out.
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
    let outcome =
        run_to_its_end(run.expecting(plan.clone()), &name, Arc::new(connect::journal(globals)?), globals).await?;
    say(format_args!("{}", commands::outcome(&name, &outcome)?.text(Format::Table)?.trim_end()));
    Ok((plan, true))
}

/// Carries out a run under its name, new or known, and prints its outcome.
pub(crate) async fn carry_out(
    run: AnyRun,
    name: &RunName,
    journal: Arc<dyn Journal>,
    globals: &Globals,
) -> anyhow::Result<Exit> {
    let outcome = run_to_its_end(run, name, journal, globals).await?;
    commands::outcome(name, &outcome)?.print(globals.output)?;
    if let Outcome::Revoked(_) = outcome {
        say(format_args!("give it back: {}", again("restore", name, globals)));
    }
    Ok(Exit::Done)
}

async fn run_to_its_end(
    run: AnyRun,
    name: &RunName,
    journal: Arc<dyn Journal>,
    globals: &Globals,
) -> anyhow::Result<Outcome> {
    let progress = Arc::new(Progress::new(globals));
    let (stop, begun) = (Stop::new(), Arc::new(AtomicBool::new(false)));
    let run = run.shared_journal(journal.clone()).stop_on(&stop).watch({
        let (progress, begun) = (progress.clone(), begun.clone());
        move |event| {
            if matches!(event, Event::Opened { .. } | Event::Resumed { .. }) {
                begun.store(true, Ordering::Relaxed);
            }
            progress.report(event);
        }
    });
    let handler = SignalHandler { stop, begun, name, journal: &*journal, resume: again("resume", name, globals) };
    let ended = handler.until_the_end(run, &progress).await;
    progress.end();
    ended
}
