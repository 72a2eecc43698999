//! `cmk registry-network`.

use super::Schema;
use crate::{
    apply_if::ApplyIf as _,
    cli::{DefaultAction, Globals, RegistryArgs, RunArgs, Switch, examples, irreversible},
    execute::OrderContext,
    exit_code::Exit,
    render::{Summarize, Summary},
};
use cmk::{
    Irreversible, RegistryNetwork, RegistryNetworkChanged,
    azure::{registries::RegistryRules, vaults::NetworkAction},
    steps::RegistryNetworkChange,
};

pub(super) const EXAMPLES: &[&str] = &[
    "cmk registry-network -n contoso1 --allow-ip 203.0.113.7 --default-action deny",
    "cmk registry-network -n contoso1 --public-access off --trusted-services on",
    "cmk registry-network -n contoso1 --drop-private-endpoint pe-old --accept private-endpoint",
];

pub(super) const SCHEMAS: &[Schema] =
    &[("registry-network-changed", include_str!("../../schemas/registry-network-changed.v1.json"))];

/// Change a registry's network rules.
///
/// Rules you do not mention are kept.
#[derive(Debug, clap::Args)]
#[command(alias = "network", after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    rules: RulesArgs,
    /// Accept something that cannot be undone; the plan names it. May be given several times.
    #[arg(long, value_name = "NAME", value_parser = irreversible())]
    accept: Vec<Irreversible>,
    #[command(flatten)]
    run: RunArgs,
}

/// What is to change in the rules.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Network rules of the registry")]
struct RulesArgs {
    /// Whether the registry's public endpoint accepts traffic. `off` also blocks service endpoints of subnets.
    #[arg(long, value_enum, value_name = "SWITCH")]
    public_access: Option<Switch>,
    /// Action for traffic that matches no rule.
    #[arg(long, value_enum, ignore_case = true, value_name = "ACTION")]
    default_action: Option<DefaultAction>,
    /// Allow this IPv4 address or range: 203.0.113.7, 203.0.113.0/24. May be given several times.
    #[arg(long, value_name = "IP")]
    allow_ip: Vec<String>,
    /// Remove the rule for this address or range. May be given several times.
    #[arg(long, value_name = "IP")]
    forget_ip: Vec<String>,
    /// Whether trusted services are allowed despite the rules.
    #[arg(long, value_enum, value_name = "SWITCH")]
    trusted_services: Option<Switch>,
    /// Whether tasks with the registry's own identity are allowed despite the rules.
    #[arg(long, value_enum, value_name = "SWITCH")]
    tasks: Option<Switch>,
    /// Remove this private endpoint connection, by its name. The endpoint then has to be created again to be used. May be
    /// given several times.
    #[arg(long, value_name = "NAME")]
    drop_private_endpoint: Vec<String>,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let cx = OrderContext::open("registry-network", &args.run, globals)?;
    let registry = cx.registry(&args.registry).await?;
    let rules = &args.rules;
    let change = RegistryNetworkChange {
        public_access: rules.public_access.map(Into::into),
        default_action: rules.default_action.map(Into::into),
        allow_ip: rules.allow_ip.clone(),
        forget_ip: rules.forget_ip.clone(),
        trusted_services: rules.trusted_services.map(Into::into),
        tasks: rules.tasks.map(Into::into),
    };
    let order = RegistryNetwork::new(registry)
        .change(change)
        .each(rules.drop_private_endpoint.iter().cloned(), RegistryNetwork::drop_connection)
        .each(args.accept.iter().copied(), RegistryNetwork::accept);
    cx.execute(order).await
}

impl Summarize for RegistryNetworkChanged {
    fn summary(&self) -> Summary {
        let is_same = self.before == self.after && self.dropped.is_empty();
        let same = if is_same { "are as they were" } else { "are changed" };
        Summary::new(format!("the network rules of {} {same}", self.registry.name()))
            .value("REGISTRY", &self.registry)
            .value("BEFORE", rules(&self.before))
            .value("AFTER", rules(&self.after))
            .list("DROPPED", &self.dropped)
    }
}

fn rules(rules: &RegistryRules) -> String {
    let mut words = vec![
        if rules.public_access { "public access on" } else { "public access off" },
        match rules.default_action {
            NetworkAction::Allow => "allow by default",
            NetworkAction::Deny => "deny by default",
        },
        if rules.trusted_services { "trusted services pass" } else { "trusted services do not pass" },
        if rules.tasks { "tasks pass" } else { "tasks do not pass" },
    ];
    words.extend(rules.ip.iter().map(String::as_str));
    words.join(", ")
}
