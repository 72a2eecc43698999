use super::{Told as _, Work, key};
use crate::{
    args::{AskedArgs, CreateArgs, Globals, NewArgs},
    exit::Exit,
    naming,
};
use cmk::{Azure, Create, azure::id::RegistryId};

/// `cmk create`.
pub(crate) async fn create(args: &CreateArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let work = Work::begin("create", &args.run, globals)?;
    let registry = naming::wanted(&args.registry, globals)?.new_id()?;
    let order = asked(registry, &args.asked, &work.azure)
        .await?
        .encryption(!args.no_encryption)
        .when(args.unprotected_vault_is_fine, Create::unprotected_vault_is_fine)
        .each(args.accept.iter().copied(), Create::accept)
        .when(args.probe.probe, Create::probed);
    work.carry(order).await
}

/// The order for a registry that is to be made with this.
pub(super) async fn asked(registry: RegistryId, args: &AskedArgs, azure: &Azure) -> anyhow::Result<Create> {
    let key = key(args.key.as_ref())?;
    let location = naming::location(args.new.location.as_ref(), &registry, azure).await?;
    let identity = match &args.identity {
        Some(given) => Some(naming::new_identity(given, &registry, azure).await?),
        None => None,
    };
    let vault = naming::vault_of_key(args.vault.as_deref(), key.as_ref(), &registry, azure).await?;
    let order = with_new(Create::new(registry, location), &args.new)
        .with(identity, Create::identity_choice)
        .with(vault, Create::vault)
        .with(key, Create::key)
        .when(args.versioned, Create::versioned);
    Ok(order)
}

/// The order with what is said of what is made.
pub(super) fn with_new(order: Create, args: &NewArgs) -> Create {
    let shape = (args.key_type.is_some() || args.key_size.is_some())
        .then(|| (args.key_type.clone().unwrap_or_else(|| "RSA".into()), args.key_size.unwrap_or(3072)));
    order
        .when(args.access_policies, Create::access_policies)
        .with(shape, |order, (kty, size)| order.key_shape(kty, size))
        .with(args.retention_days, Create::retention_days)
        .with(args.sku.clone(), Create::sku)
        .each(&args.tags, |order, (name, value)| order.tag(name, value))
}
