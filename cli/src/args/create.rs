//! What makes a registry.

use super::{ProbeArgs, RegistryArgs, RunArgs, irreversible};
use clap::Args;
use cmk::{Irreversible, azure::id::Location};

/// What is made, and how.
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub(crate) struct NewArgs {
    /// The region. [default: the resource group's]
    #[arg(short, long, value_name = "REGION")]
    pub(crate) location: Option<Location>,
    /// A new vault for the registry is ruled by access policies instead of roles.
    #[arg(long)]
    pub(crate) access_policies: bool,
    /// The type of a new key: RSA, or RSA-HSM, which needs and makes a premium vault. [default: RSA]
    #[arg(long, value_name = "TYPE")]
    pub(crate) key_type: Option<String>,
    /// The size of a new key in bits: 2048, 3072 or 4096. [default: 3072]
    #[arg(long, value_name = "BITS")]
    pub(crate) key_size: Option<u32>,
    /// For how many days a new vault keeps what is deleted, 7 to 90, for ever. [default: 90]
    #[arg(long, value_name = "DAYS")]
    pub(crate) retention_days: Option<u8>,
    /// Tags for everything that is made.
    #[arg(long, value_name = "NAME=VALUE", num_args = 1.., value_parser = tag)]
    pub(crate) tags: Vec<(String, String)>,
    /// The registry's SKU. Only Premium has customer-managed keys. [default: Premium]
    #[arg(long, value_name = "SKU")]
    pub(crate) sku: Option<String>,
}

/// What a registry is to be made with.
#[derive(Clone, Debug, Args)]
pub(crate) struct AskedArgs {
    /// A user-assigned identity that is there: its resource id, or its name in the registry's group. [default: one named
    /// after the registry is made]
    #[arg(long, value_name = "ID")]
    pub(crate) identity: Option<String>,
    /// The vault: its resource id, or its name in the registry's group. Made if it is not there. [default: the key's, or
    /// one named after the registry]
    #[arg(long, value_name = "ID")]
    pub(crate) vault: Option<String>,
    /// A key that is there. With a version, the registry is pinned to it. [default: one named after the registry is made]
    #[arg(short, long, visible_alias = "key-encryption-key", value_name = "URI")]
    pub(crate) key: Option<String>,
    #[command(flatten)]
    pub(crate) new: NewArgs,
    /// Pin the registry to the key's version instead of letting it follow the key.
    #[arg(long)]
    pub(crate) versioned: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    #[command(flatten)]
    pub(crate) asked: AskedArgs,
    /// Take a vault that is there even without purge protection.
    #[arg(long)]
    pub(crate) unprotected_vault_is_fine: bool,
    /// A registry without its own key: refused, as cmk is not the tool for it.
    #[arg(long)]
    pub(crate) no_encryption: bool,
    /// Accept something that cannot be taken back; the plan names it. May be given several times.
    #[arg(long, value_name = "NAME", value_parser = irreversible())]
    pub(crate) accept: Vec<Irreversible>,
    #[command(flatten)]
    pub(crate) probe: ProbeArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// az's form: `name=value`, or a name alone for an empty value.
fn tag(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    if name.is_empty() { Err("a tag needs a name: NAME=VALUE".into()) } else { Ok((name.into(), value.into())) }
}
