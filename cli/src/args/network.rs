//! What has to do with the firewalls of vaults and registries.

use super::{NewArgs, ProbeArgs, RegistryArgs, RunArgs, irreversible};
use clap::{Args, ValueEnum};
use cmk::Irreversible;

/// What becomes of callers that no rule names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Action {
    /// They get in.
    Allow,
    /// They do not.
    Deny,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

/// What is to change of a vault's network rules.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Network rules of the vault")]
pub(crate) struct NetworkArgs {
    /// What becomes of callers that no rule names.
    #[arg(long, value_enum, ignore_case = true, value_name = "ACTION")]
    pub(crate) default_action: Option<Action>,
    /// Let this IPv4 address or range in: 203.0.113.7, 203.0.113.0/24. May be given several times.
    #[arg(long, value_name = "IP")]
    pub(crate) allow_ip: Vec<String>,
    /// Take the rule of this address or range away. May be given several times.
    #[arg(long, value_name = "IP")]
    pub(crate) forget_ip: Vec<String>,
    /// Let this subnet in, by its resource id. May be given several times.
    #[arg(long, value_name = "ID")]
    pub(crate) allow_subnet: Vec<String>,
    /// Take the rule of this subnet away. May be given several times.
    #[arg(long, value_name = "ID")]
    pub(crate) forget_subnet: Vec<String>,
    /// Whether the vault's public address answers at all. Trusted services pass even if it does not.
    #[arg(long, value_enum, value_name = "SWITCH")]
    pub(crate) public_access: Option<Switch>,
}

#[derive(Debug, Args)]
pub(crate) struct BypassArgs {
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    /// Rotate to this key, which is behind a firewall, without a version. [default: the one the registry is on]
    #[arg(short, long, visible_alias = "key-encryption-key", value_name = "URI")]
    pub(crate) key: Option<String>,
    /// The vault of the key, where it is not in the registry's subscription, or is to be made with --create: its resource
    /// id, or its name in the registry's group.
    #[arg(long, value_name = "ID")]
    pub(crate) vault: Option<String>,
    /// Unwrap the key with this identity: its resource id, its name in the registry's group, its client id, or `system`.
    /// [default: system with --key, else the one the registry has]
    #[arg(long, value_name = "ID")]
    pub(crate) identity: Option<String>,
    /// Delete the vault the registry was on, once no registry found uses it. [default: it is named only]
    #[arg(long)]
    pub(crate) drop_old_vault: bool,
    /// Accept something that cannot be taken back; the plan names it. May be given several times.
    #[arg(long, value_name = "NAME", value_parser = irreversible())]
    pub(crate) accept: Vec<Irreversible>,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    /// Make it all from nothing: the registry on a vault of its own, then on the key named with --key, in a vault that is
    /// made if it is not there, and closed.
    #[arg(help_heading = "From nothing", long, requires = "key")]
    pub(crate) create: bool,
    #[command(flatten, next_help_heading = "From nothing")]
    pub(crate) new: NewArgs,
    #[command(flatten)]
    pub(crate) probe: ProbeArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// Which vault.
#[derive(Clone, Debug, Args)]
pub(crate) struct VaultArgs {
    /// The vault: its resource id, or its name.
    #[arg(help_heading = "Vault", value_name = "VAULT", required_unless_present = "name", conflicts_with = "name")]
    pub(crate) vault: Option<String>,
    /// The vault's name.
    #[arg(help_heading = "Vault", short, long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Its resource group; without it the vault is looked for in the subscription.
    #[arg(help_heading = "Vault", short = 'g', long, value_name = "GROUP")]
    pub(crate) resource_group: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct VaultNetworkArgs {
    #[command(flatten)]
    pub(crate) vault: VaultArgs,
    /// Whether trusted services, of which a registry is one, pass the firewall.
    #[arg(help_heading = "Network rules of the vault", long, value_enum, value_name = "SWITCH")]
    pub(crate) trusted_services: Option<Switch>,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RegistryNetworkArgs {
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    #[command(flatten)]
    pub(crate) rules: RegistryRulesArgs,
    /// Accept something that cannot be taken back; the plan names it. May be given several times.
    #[arg(long, value_name = "NAME", value_parser = irreversible())]
    pub(crate) accept: Vec<Irreversible>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// What is to change of a registry's network rules.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Network rules of the registry")]
pub(crate) struct RegistryRulesArgs {
    /// Whether the registry's public address answers at all. Off cuts service endpoints of subnets off too.
    #[arg(long, value_enum, value_name = "SWITCH")]
    pub(crate) public_access: Option<Switch>,
    /// What becomes of callers that no rule names.
    #[arg(long, value_enum, ignore_case = true, value_name = "ACTION")]
    pub(crate) default_action: Option<Action>,
    /// Let this IPv4 address or range in: 203.0.113.7, 203.0.113.0/24. May be given several times.
    #[arg(long, value_name = "IP")]
    pub(crate) allow_ip: Vec<String>,
    /// Take the rule of this address or range away. May be given several times.
    #[arg(long, value_name = "IP")]
    pub(crate) forget_ip: Vec<String>,
    /// Whether trusted services pass the rules.
    #[arg(long, value_enum, value_name = "SWITCH")]
    pub(crate) trusted_services: Option<Switch>,
    /// Whether tasks with the registry's own identity pass the rules.
    #[arg(long, value_enum, value_name = "SWITCH")]
    pub(crate) tasks: Option<Switch>,
    /// Remove this private endpoint connection, by its name: the endpoint has to be made anew then. May be given several
    /// times.
    #[arg(long, value_name = "NAME")]
    pub(crate) drop_private_endpoint: Vec<String>,
}
