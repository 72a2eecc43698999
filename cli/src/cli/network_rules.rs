//! Network rules, as options give them.

use clap::{Args, ValueEnum};
use cmk::{azure::vaults::NetworkAction, steps::NetworkChange};

/// What happens to traffic that matches no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DefaultAction {
    /// The traffic is allowed.
    Allow,
    /// The traffic is denied.
    Deny,
}

impl From<DefaultAction> for NetworkAction {
    fn from(action: DefaultAction) -> Self {
        match action {
            DefaultAction::Allow => Self::Allow,
            DefaultAction::Deny => Self::Deny,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

impl From<Switch> for bool {
    fn from(switch: Switch) -> Self {
        switch == Switch::On
    }
}

/// What is to change in a vault's network rules.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Network rules of the vault")]
pub(crate) struct VaultRulesArgs {
    /// Action for traffic that matches no rule.
    #[arg(long, value_enum, ignore_case = true, value_name = "ACTION")]
    default_action: Option<DefaultAction>,
    /// Allow this IPv4 address or range: 203.0.113.7, 203.0.113.0/24. May be given several times.
    #[arg(long, value_name = "IP")]
    allow_ip: Vec<String>,
    /// Remove the rule for this address or range. May be given several times.
    #[arg(long, value_name = "IP")]
    forget_ip: Vec<String>,
    /// Allow this subnet, by its resource id. May be given several times.
    #[arg(long, value_name = "ID")]
    allow_subnet: Vec<String>,
    /// Remove the rule for this subnet. May be given several times.
    #[arg(long, value_name = "ID")]
    forget_subnet: Vec<String>,
    /// Whether the vault's public endpoint accepts traffic. Trusted services are allowed even if it does not.
    #[arg(long, value_enum, value_name = "SWITCH")]
    public_access: Option<Switch>,
}

impl VaultRulesArgs {
    /// The change, without what is said of trusted services.
    pub(crate) fn change(&self) -> NetworkChange {
        NetworkChange {
            trusted_services: None,
            default_action: self.default_action.map(Into::into),
            public_access: self.public_access.map(Into::into),
            allow_ip: self.allow_ip.clone(),
            forget_ip: self.forget_ip.clone(),
            allow_subnet: self.allow_subnet.clone(),
            forget_subnet: self.forget_subnet.clone(),
        }
    }
}
