//! Templates, keys of one's own, and lists.

use super::{AskedArgs, GrantMeArgs, RegistryArgs, RunArgs, VaultArgs, irreversible, subscription};
use clap::Args;
use cmk::{
    Irreversible,
    azure::id::{KeyName, ResourceGroupName, SubscriptionId},
};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct TemplateArgs {
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    #[command(flatten)]
    pub(crate) asked: AskedArgs,
    /// Print the parameters file instead of the template.
    #[arg(long)]
    pub(crate) parameters: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DeployArgs {
    /// The template: a file, or - for stdin.
    #[arg(short = 'f', long, visible_alias = "template", value_name = "FILE")]
    pub(crate) template_file: PathBuf,
    /// The values of its parameters: a parameters file, or NAME=VALUE. May be given several times; the last one counts.
    #[arg(short, long, value_name = "FILE|NAME=VALUE", num_args = 1..)]
    pub(crate) parameters: Vec<String>,
    /// The resource group it is deployed to, which has to be there.
    #[arg(short = 'g', long, value_name = "GROUP")]
    pub(crate) resource_group: ResourceGroupName,
    /// The deployment's name.
    #[arg(long, value_name = "NAME", default_value = "cmk")]
    pub(crate) deployment: String,
    /// Accept something that cannot be taken back and that the template makes. May be given several times.
    #[arg(long, value_name = "NAME", value_parser = irreversible())]
    pub(crate) accept: Vec<Irreversible>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub(crate) vault: VaultArgs,
    /// The name the key gets in the vault. One that is there gets a further version.
    #[arg(short, long, value_name = "NAME")]
    pub(crate) key: KeyName,
    /// An RSA private key in PEM (PKCS#1 or PKCS#8), without a password.
    #[arg(long, value_name = "FILE", required_unless_present = "byok", conflicts_with = "byok")]
    pub(crate) pem: Option<PathBuf>,
    /// A key transfer blob, as an HSM's maker writes it for a vault's HSM.
    #[arg(long, value_name = "FILE")]
    pub(crate) byok: Option<PathBuf>,
    /// Keep the key in hardware, which needs a premium vault.
    #[arg(long)]
    pub(crate) hsm: bool,
    #[command(flatten)]
    pub(crate) grant_me: GrantMeArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// The subscriptions. [default: that of --subscription, or $AZURE_SUBSCRIPTION_ID]
    #[arg(value_name = "SUBSCRIPTION", value_parser = subscription)]
    pub(crate) subscriptions: Vec<SubscriptionId>,
}
