//! The whole story of a customer-managed key: create, rotate, and a rotation that is killed half way.
//!
//! ```text
//! cargo run --example tutorial                                on a simulator inside this program
//! cargo run --example tutorial -- --azure --subscription GUID --resource-group NAME --location REGION
//! ```

mod args;
mod child;
mod ground;
mod remove;
#[path = "../ground/tell.rs"]
mod tell;

use anyhow::{Context as _, Result, bail, ensure};
use args::{Args, Wanted};
use cmk::{
    Create, Irreversible, Order, Plan, Rotate, Status,
    azure::id::{IdentityId, VaultId},
    journal::{Entry, FileJournal, Journal, RunName},
};
use ground::Ground;
use remove::CleanUp;
use std::{io::IsTerminal as _, io::Write as _, process::ExitCode, time::Duration};
use tell::{chapter, say};

#[tokio::main]
async fn main() -> ExitCode {
    let ended = match Args::read(std::env::args().skip(1)) {
        Ok(Wanted::Help) => {
            say!("{}", args::USAGE);
            Ok(())
        }
        Ok(Wanted::Child(child)) => child::be(child).await,
        Ok(Wanted::Story(args)) => tell_it(args).await,
        Err(e) => {
            eprintln!("{e}\n\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("\nThe tutorial failed: {e:#}");
            ExitCode::FAILURE
        }
    }
}

async fn tell_it(args: Args) -> Result<()> {
    let ground = match &args.azure {
        None => Ground::simulated(args.log.as_deref()).await?,
        Some(place) => {
            let ground = Ground::azure(place)?;
            warn(&ground, args.cleanup);
            if !args.yes {
                ask("Go on?")?;
            }
            ground
        }
    };
    if ground.sim.is_some() {
        say!("Registry {} and its helpers live in this program's memory and are gone when it ends.", name(&ground));
    }

    let told = story(&ground).await;
    let cleaned = match (args.cleanup, ground.sim.is_some()) {
        (true, _) => clean_up(&ground).await,
        (false, false) => {
            what_is_left(&ground);
            Ok(())
        }
        (false, true) => Ok(()),
    };
    told.and(cleaned)?;
    say!("\nThat was it. {}", farewell(&ground));
    Ok(())
}

/// What the story costs on real Azure, and what stays of it, before anything is asked for.
fn warn(ground: &Ground, cleanup: bool) {
    let (vault, identity) = helpers(ground);
    say!("It makes, in that group:");
    say!("  - registry {}, Premium: billed by the day for as long as it is there;", name(ground));
    say!("  - vault {} with one key: billed by its operations, of which there are few;", vault.name());
    say!("  - identity {} and two role assignments, which cost nothing;", identity.name());
    say!("  - the group itself, if it is not there. It is never removed.");
    say!(
        "What stays whatever you do: the vault has purge protection, with the shortest retention there is. Deleted, it"
    );
    say!("and its key can be recovered for 7 days, its name is blocked for as long, and nobody can shorten that.");
    match cleanup {
        true => say!("At the end registry and identity are deleted, and the vault as far as that goes (--cleanup)."),
        false => say!("Nothing is removed at the end, as --cleanup was not given; what to remove is told then."),
    }
}

fn ask(question: &str) -> Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody can be asked here: say --yes if it is meant");
    }
    print!("{question} [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if !matches!(answer.trim(), "y" | "Y" | "yes") {
        bail!("stopped, as you said; nothing was made");
    }
    Ok(())
}

// ---- the story ------------------------------------------------------------------------------------------------------

async fn story(ground: &Ground) -> Result<()> {
    let azure = &ground.azure;
    let journal = FileJournal::open(&ground.state)?;
    let run = |verb: &str| format!("{}-{verb}", name(ground));

    chapter("A plan of create. A plan only looks; nothing is changed");
    let order = Create::new(ground.registry.clone(), ground.location.clone())
        .retention_days(7)
        .accept(Irreversible::Encryption)
        .accept(Irreversible::PurgeProtection);
    let plan = cmk::create(azure, order.clone()).plan().await?;
    show(&plan)?;
    let names: Vec<_> = plan.irreversible().iter().map(ToString::to_string).collect();
    say!("Two things in it are for ever: {}. The order accepts them by name;", names.join(" and "));
    say!("without that the run would refuse to begin, whatever else was confirmed.");

    chapter("Create");
    let named = cmk::create(azure, order).named(run("create")).journal(journal.clone());
    let created = named.watch(tell::events(&plan.notes)).await?;
    say!("{} is there, encrypted with {}.", name(ground), tell::short(&created.in_use.to_string()));

    chapter("Status: what the registry says, and what the vault says");
    show_status(ground).await?;

    chapter("A plan of rotate");
    // Whoever made the vault may not use its keys (R-KV-34): the run gives itself that right, and the plan says so.
    let order = Rotate::new(ground.registry.clone()).to_new_version().grant_me();
    let plan = cmk::rotate(azure, order.clone()).plan().await?;
    show(&plan)?;

    chapter("Rotate to a new version");
    a_second().await;
    let named = cmk::rotate(azure, order).named(run("rotate")).journal(journal.clone());
    let rotated = named.watch(tell::events(&plan.notes)).await?;
    let before = rotated.previous.as_ref().map_or_else(|| "none".into(), |k| tell::short(&k.to_string()));
    say!("In use now: {}; before: {before}.", tell::short(&rotated.in_use.to_string()));

    chapter("Status after it");
    let versions = show_status(ground).await?;

    chapter("Rotate once more, in a process of its own that is killed with SIGKILL");
    a_second().await;
    let again: RunName = run("again").parse()?;
    child::killed_half_way(ground, &again).await?;
    match count(&cmk::status(azure, &ground.registry).await?)? {
        more if more > versions => {
            say!(
                "The vault holds {more} versions where there were {versions}, and the process is not there to say why."
            );
        }
        same => say!("The vault holds {same} versions, as before. The request may still be on its way."),
    }
    say!("The last line of its journal is the intent, on the disk before the request left:");
    let records = journal.read(&again).await?;
    if let Some(last) = records.last() {
        tell::record(last, records.first());
        if let Entry::Intent { key, .. } = &last.entry {
            say!("The version it asked for carries the tag cmk-run = {key}. By that it is known again.");
        }
    }

    chapter("The run is taken up again, by its name alone");
    let order = Order::of_run(&journal, &again).await?;
    order.on(azure).named(again.as_str()).journal(journal.clone()).watch(tell::events(&[])).await?;
    let now = show_status(ground).await?;
    ensure!(now == versions + 1, "there are {now} versions, and there were {versions}: more than one was made");
    say!("Exactly one new version was made: {versions} before, {now} now, and the registry is on the newest.");

    chapter("The journal of that run, a record a line");
    let records = journal.read(&again).await?;
    for record in &records {
        tell::record(record, records.first());
    }
    say!("(shortened; it is one JSON object a line, readable with cat and jq)");

    chapter("The ways back, fixed before each step acted, newest first");
    for run in [again, run("rotate").parse()?, run("create").parse()?] {
        say!("of run {run}:");
        tell::ways_back(&journal.read(&run).await?);
    }
    Ok(())
}

fn show(plan: &Plan) -> Result<()> {
    say!("{}", plan.to_string().trim_end());
    ensure!(plan.refusals.is_empty(), "the plan is refused; see above");
    Ok(())
}

async fn show_status(ground: &Ground) -> Result<usize> {
    let status = cmk::status(&ground.azure, &ground.registry).await?;
    say!("{}", status.to_string().trim_end());
    count(&status)
}

fn count(status: &Status) -> Result<usize> {
    let encryption = status.encryption.as_ref().context("the registry has no customer-managed key")?;
    let versions = encryption.versions.as_ref();
    versions.map(Vec::len).with_context(|| encryption.versions_unknown.clone().unwrap_or_default())
}

/// Key Vault dates versions to the second; two in the same second could not be told apart by their age.
async fn a_second() {
    tokio::time::sleep(Duration::from_millis(1100)).await;
}

// ---- the end --------------------------------------------------------------------------------------------------------

async fn clean_up(ground: &Ground) -> Result<()> {
    chapter("Clean up: what may be removed");
    let (vault, identity) = helpers(ground);
    let order = CleanUp { registry: ground.registry.clone(), vault: vault.clone(), identity };
    let journal = FileJournal::open(&ground.state)?;
    let run = cmk::Run::new(&ground.azure, order).named(format!("{}-clean-up", name(ground))).journal(journal);
    run.watch(tell::events(&[])).await?;
    let look = ground.azure.reader();
    match look.deleted_vault(vault.subscription(), &ground.location, vault.name()).await? {
        Some(deleted) => {
            let until = deleted.properties.scheduled_purge_date.unwrap_or_else(|| "7 days have passed".into());
            say!("Vault {} is deleted, and keeps its name until {until}. Nobody can shorten that.", vault.name());
        }
        None => say!("Vault {} was not there.", vault.name()),
    }
    Ok(())
}

fn what_is_left(ground: &Ground) {
    let (vault, identity) = helpers(ground);
    chapter("What is left, and how it is removed");
    say!("  az acr delete --yes --name {} --resource-group {}", name(ground), ground.registry.group());
    say!("  az identity delete --ids {identity}");
    say!("  az keyvault delete --name {}", vault.name());
    say!("The vault's name stays blocked for 7 days after that.");
}

fn farewell(ground: &Ground) -> String {
    match ground.sim {
        Some(_) => "Nothing is left of it. The same on real Azure: cargo run --example tutorial -- --help".into(),
        None => format!("The journals are in {}.", ground.state.display()),
    }
}

fn name(ground: &Ground) -> &str {
    ground.registry.name()
}

fn helpers(ground: &Ground) -> (VaultId, IdentityId) {
    (VaultId::derived_from(&ground.registry), IdentityId::derived_from(&ground.registry))
}
