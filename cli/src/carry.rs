//! Carrying orders out: plan, question, run.

use crate::{
    args::{CreateArgs, Globals, RotateArgs, RunArgs},
    connect,
    exit::{Exit, again, told, usage},
    naming, output,
    progress::Progress,
    say,
    signals::Signals,
};
use cmk::{
    AnyRun, Azure, Cloud, Create, Error, ErrorKind, Event, Order, Outcome, Plan, Reference, Rotate, Stop,
    azure::id::KeyId,
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

/// `cmk create`.
pub(crate) async fn create(args: &CreateArgs, globals: &Globals) -> anyhow::Result<Exit> {
    askable(&args.run, "create")?;
    let cloud = globals.cloud.clone().unwrap_or_else(Cloud::public);
    let registry = naming::wanted(&args.registry, globals)?.new_id()?;
    let key: Option<KeyId> = args.key.as_deref().map(|k| k.trim().parse().map_err(Error::from)).transpose()?;
    let azure = connect::azure(globals, &cloud)?;
    let location = naming::location(args.location.as_ref(), &registry, &azure).await?;
    let mut order = Create::new(registry.clone(), location)
        .key_shape(args.key_type.clone(), args.key_size)
        .retention_days(args.retention_days)
        .sku(args.sku.clone())
        .encryption(!args.no_encryption);
    if let Some(given) = &args.identity {
        order = order.identity_choice(naming::identity(given, &registry, &azure).await?);
    }
    if let Some(vault) = naming::vault(args.vault.as_deref(), key.as_ref(), &registry, &azure).await? {
        order = order.vault(vault);
    }
    if let Some(key) = key {
        order = order.key(key);
    }
    if args.access_policies {
        order = order.access_policies();
    }
    if args.versioned {
        order = order.versioned();
    }
    if args.unprotected_vault_is_fine {
        order = order.unprotected_vault_is_fine();
    }
    for (name, value) in &args.tags {
        order = order.tag(name, value);
    }
    for what in &args.accept {
        order = order.accept(*what);
    }
    ordered(order.into(), &azure, &args.run, globals).await
}

/// `cmk rotate`.
pub(crate) async fn rotate(args: &RotateArgs, globals: &Globals) -> anyhow::Result<Exit> {
    if args.identity.is_some() {
        return Err(usage("a rotation keeps the identity that the registry uses for its key: leave --identity out"));
    }
    askable(&args.run, "rotate")?;
    let cloud = globals.cloud.clone().unwrap_or_else(Cloud::public);
    let wanted = naming::wanted(&args.registry, globals)?;
    let key: Option<KeyId> = args.to_version.as_deref().map(|k| k.trim().parse().map_err(Error::from)).transpose()?;
    let azure = connect::azure(globals, &cloud)?;
    let mut order = Rotate::new(wanted.find(&azure).await?);
    if let Some(key) = key {
        order = order.to_version(key);
    }
    if args.versioned {
        order = order.referring(Reference::Versioned);
    }
    if args.versionless {
        order = order.referring(Reference::Versionless);
    }
    if args.grant_me {
        order = order.grant_me();
    }
    ordered(order.into(), &azure, &args.run, globals).await
}

/// Whether there is somebody to put a question to.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

fn askable(args: &RunArgs, verb: &str) -> anyhow::Result<()> {
    if args.plan || args.yes || can_ask() {
        return Ok(());
    }
    Err(usage(format!(
        "there is no terminal to ask at: look with `cmk {verb} .. --plan`, and carry it out with `cmk {verb} .. --yes`"
    )))
}

/// Puts a question; everything but yes is no.
pub(crate) fn ask(question: &str) -> anyhow::Result<()> {
    let mut err = std::io::stderr().lock();
    write!(err, "{question} [y/N] ").and_then(|()| err.flush())?;
    drop(err);
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        Ok(())
    } else {
        Err(told(Exit::Refused, "not carried out, as you said; nothing was written"))
    }
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

async fn ordered(order: Order, azure: &Azure, args: &RunArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let name = args.run.clone().unwrap_or_else(|| RunName::unique(order.workflow(), azure.now()));
    if args.plan {
        return show(&order.on(azure).named(name.as_str()).plan().await?, globals);
    }
    let journal: Arc<dyn Journal> = Arc::new(connect::journal(globals)?);
    if !args.yes {
        let records = journal.read(&name).await.map_err(Error::from)?;
        if records.is_empty() {
            let plan = order.clone().on(azure).named(name.as_str()).plan().await?;
            say(format_args!("{}", plan.to_string().trim_end()));
            if !plan.refusals.is_empty() {
                return Err(Error::new(ErrorKind::Refused(plan.refusals)).into());
            }
            if plan.has_changes() {
                ask("Carry it out?")?;
            }
        } else if !is_finished(&records) {
            ask(&format!("Take run {name} up again?"))?;
        }
    }
    carry_out(order, &name, azure, journal, globals).await
}

/// Whether the run came to its end with an outcome.
pub(crate) fn is_finished(records: &[Record]) -> bool {
    records.iter().any(|r| matches!(r.entry, Entry::Closed { ending: Ending::Succeeded, .. }))
}

/// Carries an order out under a name, new or known, and prints its outcome.
pub(crate) async fn carry_out(
    order: Order,
    name: &RunName,
    azure: &Azure,
    journal: Arc<dyn Journal>,
    globals: &Globals,
) -> anyhow::Result<Exit> {
    let progress = Arc::new(Progress::new(globals));
    let (stop, begun) = (Stop::new(), Arc::new(AtomicBool::new(false)));
    let run = order.on(azure).named(name.as_str()).shared_journal(journal.clone()).stop_on(&stop).watch({
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
    output::outcome(name, &ended?)?.print(globals.output)?;
    Ok(Exit::Done)
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
                std::process::exit(130);
            }
            asked = true;
            self.stop.ask();
            progress.say("stopping at the next safe point; once more drops it where it is");
        }
    }
}
