//! A registry that is to be created, as options describe it.

use crate::{apply_if::ApplyIf as _, resolve};
use clap::Args;
use cmk::{
    Azure, Create,
    azure::id::{Location, RegistryId},
};

/// The resources that are created, and how.
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub(crate) struct NewResourcesArgs {
    /// The region. [default: the resource group's]
    #[arg(short, long, value_name = "REGION")]
    pub(crate) location: Option<Location>,
    /// Give a new vault access policies instead of Azure roles.
    #[arg(long)]
    access_policies: bool,
    /// The type of a new key: RSA, or RSA-HSM, which needs a premium vault; a new vault is then premium. [default: RSA]
    #[arg(long, value_name = "TYPE")]
    key_type: Option<String>,
    /// The size of a new key in bits: 2048, 3072 or 4096. [default: 3072]
    #[arg(long, value_name = "BITS")]
    key_size: Option<u32>,
    /// For how many days a new vault retains what is deleted: 7 to 90. This cannot be changed later. [default: 90]
    #[arg(long, value_name = "DAYS")]
    retention_days: Option<u8>,
    /// Tags for every resource that is created.
    #[arg(long, value_name = "NAME=VALUE", num_args = 1.., value_parser = tag)]
    tags: Vec<(String, String)>,
    /// The registry's SKU. Only Premium has customer-managed keys. [default: Premium]
    #[arg(long, value_name = "SKU")]
    sku: Option<String>,
}

impl NewResourcesArgs {
    /// The order with these options.
    pub(crate) fn apply_to(&self, order: Create) -> Create {
        let shape = (self.key_type.is_some() || self.key_size.is_some())
            .then(|| (self.key_type.clone().unwrap_or_else(|| "RSA".into()), self.key_size.unwrap_or(3072)));
        order
            .when(self.access_policies, Create::access_policies)
            .with(shape, |order, (kty, size)| order.key_shape(kty, size))
            .with(self.retention_days, Create::retention_days)
            .with(self.sku.clone(), Create::sku)
            .each(&self.tags, |order, (name, value)| order.tag(name, value))
    }
}

/// What a registry is created with.
#[derive(Clone, Debug, Args)]
pub(crate) struct NewRegistryArgs {
    /// An existing user-assigned identity: its resource id, or its name in the registry's group. [default: a new one, named
    /// after the registry]
    #[arg(long, value_name = "ID")]
    identity: Option<String>,
    /// The vault: its resource id, or its name in the registry's group. Created if it does not exist. [default: the key's,
    /// or one named after the registry]
    #[arg(long, value_name = "ID")]
    vault: Option<String>,
    /// An existing key. With a version, the registry is pinned to it. [default: a new one, named after the registry]
    #[arg(short, long, visible_alias = "key-encryption-key", value_name = "URI")]
    key: Option<String>,
    #[command(flatten)]
    new: NewResourcesArgs,
    /// Pin the registry to the key's version instead of letting it follow the key.
    #[arg(long)]
    versioned: bool,
}

impl NewRegistryArgs {
    /// The order that creates this registry.
    pub(crate) async fn order(&self, registry: RegistryId, azure: &Azure) -> anyhow::Result<Create> {
        let key = resolve::key(self.key.as_ref())?;
        let location = resolve::location(self.new.location.as_ref(), &registry, azure).await?;
        let identity = match &self.identity {
            Some(given) => Some(resolve::new_identity(given, &registry, azure).await?),
            None => None,
        };
        let vault = resolve::vault_of_key(self.vault.as_deref(), key.as_ref(), &registry, azure).await?;
        let order = self
            .new
            .apply_to(Create::new(registry, location))
            .with(identity, Create::identity_choice)
            .with(vault, Create::vault)
            .with(key, Create::key)
            .when(self.versioned, Create::versioned);
        Ok(order)
    }
}

/// az's form: `name=value`, or a name alone for an empty value.
fn tag(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    if name.is_empty() { Err("a tag needs a name: NAME=VALUE".into()) } else { Ok((name.into(), value.into())) }
}
