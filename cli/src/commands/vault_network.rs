//! `cmk vault-network`.

use super::Schema;
use crate::{
    cli::{Globals, RunArgs, Switch, VaultArgs, VaultRulesArgs, examples},
    execute::OrderContext,
    exit_code::Exit,
    render::{Summarize, Summary},
    resolve,
};
use cmk::{
    NetworkChanged, VaultNetwork,
    azure::vaults::{NetworkAction, NetworkBypass, NetworkRules},
    steps::NetworkChange,
};

pub(super) const EXAMPLES: &[&str] = &[
    "cmk vault-network kv-shop --allow-ip 203.0.113.7",
    "cmk vault-network kv-shop --default-action deny --trusted-services on",
];

pub(super) const SCHEMAS: &[Schema] = &[("network-changed", include_str!("../../schemas/network-changed.v1.json"))];

/// Change a vault's network rules.
///
/// Rules you do not mention are kept.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    vault: VaultArgs,
    /// Whether trusted services, such as a registry, are allowed through the firewall.
    #[arg(help_heading = "Network rules of the vault", long, value_enum, value_name = "SWITCH")]
    trusted_services: Option<Switch>,
    #[command(flatten)]
    rules: VaultRulesArgs,
    #[command(flatten)]
    run: RunArgs,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let cx = OrderContext::open("vault-network", &args.run, globals)?;
    let vault = resolve::existing_vault(&args.vault, globals, &cx.azure).await?;
    let change = NetworkChange { trusted_services: args.trusted_services.map(Into::into), ..args.rules.change() };
    cx.execute(VaultNetwork::new(vault).change(change)).await
}

impl Summarize for NetworkChanged {
    fn summary(&self) -> Summary {
        let same = if self.before == self.after { "are as they were" } else { "are changed" };
        Summary::new(format!("the network rules of {} {same}", self.vault.name()))
            .value("VAULT", &self.vault)
            .value("BEFORE", rules(&self.before))
            .value("AFTER", rules(&self.after))
    }
}

fn rules(rules: &NetworkRules) -> String {
    let mut words = vec![
        match rules.default_action {
            NetworkAction::Allow => "allow by default",
            NetworkAction::Deny => "deny by default",
        },
        match rules.bypass {
            NetworkBypass::AzureServices => "trusted services pass",
            NetworkBypass::None => "trusted services do not pass",
        },
        if rules.public_access { "public access on" } else { "public access off" },
    ];
    words.extend(rules.ip.iter().chain(&rules.subnets).map(String::as_str));
    words.join(", ")
}
