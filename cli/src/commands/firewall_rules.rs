//! `cmk firewall-rules`.

use super::Schema;
use crate::{
    cli::{Globals, RegistryArgs, examples},
    connect,
    exit_code::Exit,
    render::{self, Document, text_of},
    resolve,
};
use cmk::FirewallRules;

pub(super) const EXAMPLES: &[&str] =
    &["cmk firewall-rules -n contoso1", "cmk firewall-rules -n contoso1 --azure-firewall"];

pub(super) const SCHEMAS: &[Schema] = &[("firewall-rules", include_str!("../../schemas/firewall-rules.v1.json"))];

const HEAD: [&str; 5] = ["HOST", "PORT", "PURPOSE", "REGION", "FOR_CLIENTS"];

/// List the hosts a client's firewall must allow (read-only).
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Print them as a collection of application rules of an Azure Firewall, in JSON.
    #[arg(long, conflicts_with = "output")]
    azure_firewall: bool,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let wanted = resolve::registry(&args.registry, globals)?;
    let azure = connect::azure(globals, &globals.cloud())?;
    let registry = wanted.find(&azure).await?;
    let rules = cmk::firewall_rules(&azure, &registry).await?;
    if args.azure_firewall {
        render::print(&format!("{}\n", serde_json::to_string_pretty(&rules.azure_firewall())?))?;
    } else {
        document(&rules)?.print(globals.output)?;
    }
    Ok(Exit::Done)
}

fn document(rules: &FirewallRules) -> anyhow::Result<Document> {
    let mut document = Document::new("firewall-rules", FirewallRules::VERSION, rules)?
        .table(rules.to_string())
        .head(HEAD)
        .pair("REGISTRY", rules.registry.to_string())
        .pair("REGIONS_UNKNOWN", text_of(rules.regions_unknown.as_ref()))
        .pair("HOSTS", rules.hosts.len().to_string());
    for (n, one) in rules.hosts.iter().enumerate() {
        let cells = [
            one.host.clone(),
            "443".to_owned(),
            one.purpose.to_string(),
            text_of(one.region.as_ref()),
            one.purpose.for_clients().to_string(),
        ];
        for (name, value) in HEAD.iter().zip(&cells) {
            document = document.pair(format!("HOST_{}_{name}", n + 1), value.clone());
        }
        document = document.row(cells);
    }
    Ok(document)
}
