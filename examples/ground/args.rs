//! The command line of the numbered examples.

use anyhow::{Context as _, Result, bail, ensure};
use std::collections::BTreeMap;

pub(crate) const USAGE: &str = "\
Without arguments it runs on a simulator inside this program: it needs nothing, costs nothing and leaves nothing.

With --azure it runs on real Azure, shows its plan, and asks before it changes anything:

    --subscription GUID   --group NAME   --registry NAME   where; always needed
    --location REGION     where something new is made
    --vault NAME   --key NAME   --identity NAME   in the same group; by default named after the registry
    --run NAME     a run of before, where the example takes one up
    --error TEXT   the text of the error that was met
    --principal GUID      who is to get a role, by its object id
    --workspace NAME      a Log Analytics workspace in the same group
    --ip ADDRESS          an IPv4 address or range to let in
    --file PATH    a PEM file with a key of your own
    --auth HOW     az, env, workload, managed or chain, which tries them all and is the default
    --yes          do not ask";

/// The options that have a value.
const NAMED: [&str; 14] = [
    "subscription",
    "group",
    "registry",
    "location",
    "vault",
    "key",
    "identity",
    "run",
    "error",
    "file",
    "auth",
    "principal",
    "ip",
    "workspace",
];

pub(crate) enum Wanted {
    Help,
    Simulator,
    Azure(Given),
}

/// What was said of a place on Azure.
#[derive(Default)]
pub(crate) struct Given {
    named: BTreeMap<String, String>,
    pub(crate) yes: bool,
}

impl Given {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.named.get(name).map(String::as_str)
    }
    pub(crate) fn need(&self, name: &str) -> Result<&str> {
        self.get(name).with_context(|| format!("this example wants --{name}; see --help"))
    }
}

pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Wanted> {
    let (mut given, mut azure) = (Given::default(), false);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-h" | "--help" => return Ok(Wanted::Help),
            "--azure" => azure = true,
            "--yes" | "-y" => given.yes = true,
            option => {
                let name = match option {
                    "-g" | "--resource-group" => "group",
                    "-l" => "location",
                    other => other.strip_prefix("--").unwrap_or_default(),
                };
                if !NAMED.contains(&name) {
                    bail!("'{}' is no option of the examples", option.escape_debug());
                }
                let value = words.next().with_context(|| format!("{option} wants a value"))?;
                given.named.insert(name.into(), value);
            }
        }
    }
    if !azure {
        ensure!(given.named.is_empty() && !given.yes, "places are for real Azure: add --azure if that is meant");
        return Ok(Wanted::Simulator);
    }
    for name in ["subscription", "group", "registry"] {
        given.get(name).with_context(|| format!("--azure wants --{name}"))?;
    }
    Ok(Wanted::Azure(given))
}
