use super::{Told as _, Work, create::with_new, key};
use crate::{
    args::{Action, BypassArgs, Globals, NetworkArgs, NewArgs, RegistryNetworkArgs, Switch, VaultNetworkArgs},
    exit::{Exit, usage},
    naming,
};
use cmk::{
    Bypass, Create, RegistryNetwork, VaultNetwork,
    azure::{
        id::{KeyId, RegistryId},
        vaults::NetworkAction,
    },
    steps::{NetworkChange, RegistryNetworkChange},
};

/// `cmk bypass`.
pub(crate) async fn bypass(args: &BypassArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let work = Work::begin("bypass", &args.run, globals)?;
    if !args.create && args.new != NewArgs::default() {
        return Err(usage(
            "how a registry, vault or key is made is said for what is made: say --create, or leave it out",
        ));
    }
    let key = key(args.key.as_ref())?;
    let mut network = change(&args.network);
    let (order, registry) = match key {
        Some(key) if args.create => {
            network.default_action.get_or_insert(NetworkAction::Deny);
            from_nothing(args, key, &work, globals).await?
        }
        key => {
            let registry = work.registry(&args.registry).await?;
            let vault = naming::vault(args.vault.as_deref(), &registry)?;
            (Bypass::new(registry.clone()).with(key, Bypass::to_key).with(vault, Bypass::vault), registry)
        }
    };
    let order = order
        .with(naming::identity(args.identity.as_deref(), &registry)?, Bypass::identity)
        .network(network)
        .when(args.drop_old_vault, Bypass::drop_old_vault)
        .each(args.accept.iter().copied(), Bypass::accept)
        .when(args.probe.probe, Bypass::probed);
    work.carry(order).await
}

async fn from_nothing(
    args: &BypassArgs,
    key: KeyId,
    work: &Work<'_>,
    globals: &Globals,
) -> anyhow::Result<(Bypass, RegistryId)> {
    let registry = naming::wanted(&args.registry, globals)?.new_id()?;
    let location = naming::location(args.new.location.as_ref(), &registry, &work.azure).await?;
    let create =
        with_new(Create::new(registry.clone(), location), &args.new).each(args.accept.iter().copied(), Create::accept);
    let vault = naming::vault_of_key(args.vault.as_deref(), Some(&key), &registry, &work.azure).await?;
    // Of a key that no vault of this cloud can have the order itself says what is wrong.
    let vault = vault.unwrap_or_else(|| create.vault_id());
    Ok((Bypass::from_nothing(create, vault, key), registry))
}

/// `cmk vault-network`.
pub(crate) async fn vault_network(args: &VaultNetworkArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let work = Work::begin("vault-network", &args.run, globals)?;
    let vault = naming::vault_there(&args.vault, globals, &work.azure).await?;
    let change = NetworkChange { trusted_services: args.trusted_services.map(on), ..change(&args.network) };
    work.carry(VaultNetwork::new(vault).change(change)).await
}

/// `cmk network`.
pub(crate) async fn network(args: &RegistryNetworkArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let work = Work::begin("network", &args.run, globals)?;
    let registry = work.registry(&args.registry).await?;
    let rules = &args.rules;
    let change = RegistryNetworkChange {
        public_access: rules.public_access.map(on),
        default_action: rules.default_action.map(action),
        allow_ip: rules.allow_ip.clone(),
        forget_ip: rules.forget_ip.clone(),
        trusted_services: rules.trusted_services.map(on),
        tasks: rules.tasks.map(on),
    };
    let order = RegistryNetwork::new(registry)
        .change(change)
        .each(rules.drop_private_endpoint.iter().cloned(), RegistryNetwork::drop_connection)
        .each(args.accept.iter().copied(), RegistryNetwork::accept);
    work.carry(order).await
}

fn action(action: Action) -> NetworkAction {
    match action {
        Action::Allow => NetworkAction::Allow,
        Action::Deny => NetworkAction::Deny,
    }
}

fn on(switch: Switch) -> bool {
    switch == Switch::On
}

fn change(args: &NetworkArgs) -> NetworkChange {
    NetworkChange {
        trusted_services: None,
        default_action: args.default_action.map(action),
        public_access: args.public_access.map(on),
        allow_ip: args.allow_ip.clone(),
        forget_ip: args.forget_ip.clone(),
        allow_subnet: args.allow_subnet.clone(),
        forget_subnet: args.forget_subnet.clone(),
    }
}
