//! Looking at registries and runs, and what becomes of runs.

use crate::{
    args::{Globals, ListArgs, RegistryArgs},
    carry, connect,
    exit::{Exit, again, usage},
    naming,
    output::{self, Going, RunLine},
    say,
};
use cmk::{
    Cloud, Error, Order,
    journal::{Ending, Entry, FileJournal, Journal, JournalError, Record, RunName},
};
use std::sync::Arc;

/// `cmk status`.
pub(crate) async fn status(args: &RegistryArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let cloud = globals.cloud.clone().unwrap_or_else(Cloud::public);
    let wanted = naming::wanted(args, globals)?;
    let azure = connect::azure(globals, &cloud)?;
    let registry = wanted.find(&azure).await?;
    output::status(&cmk::status(&azure, &registry).await?)?.print(globals.output)?;
    Ok(Exit::Done)
}

/// `cmk firewall-rules`.
pub(crate) async fn firewall_rules(args: &RegistryArgs, azure: bool, globals: &Globals) -> anyhow::Result<Exit> {
    let cloud = globals.cloud.clone().unwrap_or_else(Cloud::public);
    let wanted = naming::wanted(args, globals)?;
    let handle = connect::azure(globals, &cloud)?;
    let registry = wanted.find(&handle).await?;
    let rules = cmk::firewall_rules(&handle, &registry).await?;
    if azure {
        output::print(&format!("{}\n", serde_json::to_string_pretty(&rules.azure_firewall())?))?;
    } else {
        output::firewall(&rules)?.print(globals.output)?;
    }
    Ok(Exit::Done)
}

/// `cmk list`.
pub(crate) async fn registries(args: &ListArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let cloud = globals.cloud.clone().unwrap_or_else(Cloud::public);
    let subscriptions = match args.subscriptions.as_slice() {
        [] => vec![naming::subscription(globals)?],
        given => given.to_vec(),
    };
    let azure = connect::azure(globals, &cloud)?;
    output::list(&cmk::list(&azure, &subscriptions).await?)?.print(globals.output)?;
    Ok(Exit::Done)
}

/// `cmk runs`.
pub(crate) async fn list(globals: &Globals) -> anyhow::Result<Exit> {
    let place = connect::state_dir(globals)?.display().to_string();
    let mut found = Vec::new();
    if let Some(journal) = connect::existing_journal(globals)? {
        for name in journal.runs().await.map_err(Error::from)? {
            let read = journal.read(&name).await;
            found.push(line(name, read, globals));
        }
    }
    found.sort_by_key(|run| run.started);
    output::runs(&place, &found)?.print(globals.output)?;
    Ok(Exit::Done)
}

fn line(name: RunName, read: Result<Vec<Record>, JournalError>, globals: &Globals) -> RunLine {
    let mut line = RunLine {
        name,
        workflow: None,
        subject: None,
        state: Going::Unreadable,
        started: None,
        last: None,
        error: None,
        resume: None,
    };
    let records = match read {
        Ok(records) => records,
        Err(e) => {
            line.error = Some(e.to_string());
            return line;
        }
    };
    if let Some(Record { at, entry: Entry::Opened { workflow, subjects, .. }, .. }) = records.first() {
        line.started = Some(*at);
        line.workflow = Some(workflow.clone());
        line.subject = subjects.first().cloned();
    }
    line.last = records.last().map(|r| r.at);
    let ended = records.iter().rev().find(|r| matches!(r.entry, Entry::Closed { .. } | Entry::Resumed { .. }));
    line.state = match ended.map(|r| &r.entry) {
        Some(Entry::Closed { ending, error, .. }) => {
            line.error = error.clone();
            match ending {
                Ending::Succeeded => Going::Finished,
                Ending::Failed => Going::Failed,
                Ending::Stopped => Going::Stopped,
                Ending::Abandoned => Going::Abandoned,
            }
        }
        _ => Going::Unfinished,
    };
    if !matches!(line.state, Going::Finished | Going::Abandoned) {
        line.resume = Some(again("resume", &line.name, globals));
    }
    line
}

/// The journal and the records of a run that has to be there.
pub(crate) async fn found(name: &RunName, globals: &Globals) -> anyhow::Result<(FileJournal, Vec<Record>)> {
    if let Some(journal) = connect::existing_journal(globals)? {
        let records = journal.read(name).await.map_err(Error::from)?;
        if !records.is_empty() {
            return Ok((journal, records));
        }
    }
    Err(missing(name, globals)?)
}

fn missing(name: &RunName, globals: &Globals) -> anyhow::Result<anyhow::Error> {
    Ok(usage(format!(
        "there is no run '{name}' in {}: `cmk runs` lists those that are; another directory is named by --state DIR",
        connect::state_dir(globals)?.display()
    )))
}

/// The cloud as it was chosen, else the run's own.
pub(crate) fn cloud_of(records: &[Record], globals: &Globals) -> Cloud {
    let recorded = match records.first().map(|r| &r.entry) {
        Some(Entry::Opened { cloud, .. }) => Cloud::by_name(cloud).ok(),
        _ => None,
    };
    globals.cloud.clone().or(recorded).unwrap_or_else(Cloud::public)
}

/// `cmk resume`.
pub(crate) async fn resume(name: &RunName, plan: bool, globals: &Globals) -> anyhow::Result<Exit> {
    let (journal, records) = found(name, globals).await?;
    let order = Order::of_run(&journal, name).await?;
    let azure = connect::azure(globals, &cloud_of(&records, globals))?;
    let journal: Arc<dyn Journal> = Arc::new(journal);
    let run = order.on(&azure).named(name.as_str()).shared_journal(journal.clone());
    if carry::is_finished(&records) {
        say(format_args!("run {name} is finished; nothing is done again, and this is its outcome"));
    } else if plan {
        return carry::show(&run.plan().await?, globals);
    }
    carry::carry_out(run, name, journal, globals).await
}

/// `cmk abandon`.
pub(crate) async fn abandon(name: &RunName, yes: bool, globals: &Globals) -> anyhow::Result<Exit> {
    let (journal, damage) = match connect::existing_journal(globals)? {
        Some(journal) => match journal.read(name).await {
            Ok(records) if records.is_empty() => return Err(missing(name, globals)?),
            Ok(_) => (journal, String::new()),
            Err(e @ JournalError::Damaged { .. }) => (journal, format!("{e}\n")),
            Err(e) => return Err(Error::from(e).into()),
        },
        None => return Err(missing(name, globals)?),
    };
    if !yes {
        if !carry::can_ask() {
            return Err(usage(format!("there is no terminal to ask at: say `cmk abandon {name} --yes`")));
        }
        carry::ask(&format!("{damage}Give run {name} up? It can then not be resumed; what it did is left as it is."))?;
    }
    let azure = connect::azure(globals, &globals.cloud.clone().unwrap_or_else(Cloud::public))?;
    let left = cmk::abandon(&azure, &journal, name).await?;
    output::abandoned(name, &left)?.print(globals.output)?;
    Ok(Exit::Done)
}
