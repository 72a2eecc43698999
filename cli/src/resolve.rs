//! Names and ids as operators type them, az's spellings included: what they mean.

mod run;

pub(crate) use run::{NamedRun, no_such_run};

use crate::{
    cli::{Globals, RegistryArgs, VaultArgs},
    exit_code::usage,
};
use anyhow::Context as _;
use cmk::{
    Azure, Cloud, Error,
    azure::{
        id::{IdentityId, InvalidId, KeyId, Location, PrincipalId, RegistryId, ResourceId, SubscriptionId, VaultId},
        registries::data::LoginServer,
    },
    checks::IdentityWanted,
    create::IdentityChoice,
};
use std::io::Read as _;

/// A registry as it was typed, before any request.
#[derive(Debug)]
pub(crate) enum TypedRegistry {
    /// By its id.
    Id(RegistryId),
    /// By name in a group.
    InGroup(RegistryId),
    /// By name in a subscription.
    Named(SubscriptionId, String),
}

/// Reads the registry's arguments. Sends nothing.
pub(crate) fn registry(args: &RegistryArgs, globals: &Globals) -> anyhow::Result<TypedRegistry> {
    let text = args.registry.as_deref().or(args.name.as_deref()).unwrap_or_default().trim();
    if text.starts_with('/') {
        let id: RegistryId = text.parse().map_err(Error::from)?;
        same("--subscription", globals.subscription.as_ref().map(ToString::to_string), &id.subscription().to_string())?;
        same("-g", args.resource_group.clone(), id.group().as_str())?;
        return Ok(TypedRegistry::Id(id));
    }
    if let Some(label) = label_of_host(text) {
        return Err(usage(format!(
            "'{}' is a login server: give the registry's name, `-n {label}`, or its resource id",
            text.escape_debug()
        )));
    }
    let subscription = subscription(globals)?;
    match &args.resource_group {
        Some(group) => Ok(TypedRegistry::InGroup(RegistryId::new(&subscription, group, text).map_err(Error::from)?)),
        None => {
            // Checks the name before anything is asked; any group will do.
            RegistryId::new(&subscription, "any", text).map_err(Error::from)?;
            Ok(TypedRegistry::Named(subscription, text.to_owned()))
        }
    }
}

/// The registry's login server: as it was typed, else as the registry itself reports it.
pub(crate) async fn login_server(args: &RegistryArgs, globals: &Globals, azure: &Azure) -> anyhow::Result<LoginServer> {
    if let Some(server) = typed_login_server(args, azure.cloud())? {
        return Ok(server);
    }
    let registry = registry(args, globals)?.find(azure).await?;
    Ok(cmk::login::login_server(azure, &registry).await?)
}

/// A registry that is given by its host, for the commands that need no more of it. Sends nothing.
pub(crate) fn typed_login_server(args: &RegistryArgs, cloud: &Cloud) -> anyhow::Result<Option<LoginServer>> {
    let text = args.registry.as_deref().or(args.name.as_deref()).unwrap_or_default().trim();
    let host = text.strip_prefix("https://").unwrap_or(text).trim_end_matches('/');
    match text.starts_with('/') || !host.contains('.') {
        true => Ok(None),
        false => Ok(Some(LoginServer::parse(cloud, host).map_err(Error::from)?)),
    }
}

impl TypedRegistry {
    /// The registry's id; a bare name is searched for in the subscription, as az does.
    pub(crate) async fn find(self, azure: &Azure) -> anyhow::Result<RegistryId> {
        let (subscription, name) = match self {
            Self::Id(id) | Self::InGroup(id) => return Ok(id),
            Self::Named(subscription, name) => (subscription, name),
        };
        let look = azure.reader();
        let listed = look.resources_of_type(&subscription, RegistryId::RESOURCE_TYPE, Some(&name)).await;
        let found: Vec<_> = listed
            .map_err(Error::from)?
            .iter()
            .filter_map(|r| RegistryId::try_from(r.id()?).ok())
            .filter(|id| id.name().eq_ignore_ascii_case(&name))
            .collect();
        match <[RegistryId; 1]>::try_from(found) {
            Ok([id]) => Ok(id),
            Err(none) if none.is_empty() => Err(usage(format!(
                "there is no registry '{name}' in subscription {subscription} that you may see; a young one can be missing \
                 from its list: name its group with -g"
            ))),
            Err(several) => {
                let ids: Vec<_> = several.iter().map(RegistryId::as_str).collect();
                Err(usage(format!("'{name}' is the name of several registries: {}; give one's id", ids.join(", "))))
            }
        }
    }

    /// The id of a registry that may not exist yet.
    pub(crate) fn new_id(self) -> anyhow::Result<RegistryId> {
        match self {
            Self::Id(id) | Self::InGroup(id) => Ok(id),
            Self::Named(_, name) => Err(usage(format!(
                "a registry is created in a resource group: say `-g GROUP -n {name}`, or give its resource id"
            ))),
        }
    }
}

/// The first label of what looks like `contoso.azurecr.io`, as a name.
fn label_of_host(text: &str) -> Option<&str> {
    let bare = text.split_once("://").map_or(text, |(_, rest)| rest).trim_end_matches('/');
    let (label, rest) = bare.split_once('.')?;
    // `name-hash.azurecr.io` where a domain label scope is in use (R-ARM-20).
    let name = label.split_once('-').map_or(label, |(name, _)| name);
    (rest.starts_with("azurecr.") && !name.is_empty()).then_some(name)
}

fn same(option: &str, given: Option<String>, of_id: &str) -> anyhow::Result<()> {
    match given {
        Some(given) if !given.eq_ignore_ascii_case(of_id) => {
            Err(usage(format!("{option} says {given}, and the registry's id says {of_id}: leave one of them out")))
        }
        _ => Ok(()),
    }
}

/// The subscription where an id does not name one.
pub(crate) fn subscription(globals: &Globals) -> anyhow::Result<SubscriptionId> {
    if let Some(id) = &globals.subscription {
        return Ok(*id);
    }
    let Some(text) = std::env::var("AZURE_SUBSCRIPTION_ID").ok().filter(|t| !t.trim().is_empty()) else {
        return Err(usage(
            "which subscription? Give --subscription GUID (printed by: az account show --query id -o tsv), set \
             AZURE_SUBSCRIPTION_ID, or give the registry's resource id",
        ));
    };
    text.trim().parse().map_err(|e: InvalidId| usage(format!("AZURE_SUBSCRIPTION_ID: {e}")))
}

/// The region of a new registry: as given, else its group's.
pub(crate) async fn location(
    given: Option<&Location>,
    registry: &RegistryId,
    azure: &Azure,
) -> anyhow::Result<Location> {
    if let Some(location) = given {
        return Ok(location.clone());
    }
    let found = azure.reader().group(registry.subscription(), registry.group()).await.map_err(Error::from)?;
    let Some(group) = found else {
        return Err(usage(format!(
            "there is no resource group '{}' in subscription {}: say `-l REGION`, and it is made with the registry",
            registry.group(),
            registry.subscription()
        )));
    };
    let location = group.location.as_deref().unwrap_or_default();
    location.parse().map_err(|e| Error::from(e).into())
}

/// A key, by its URI.
pub(crate) fn key(text: Option<&String>) -> anyhow::Result<Option<KeyId>> {
    Ok(text.map(|k| k.trim().parse().map_err(Error::from)).transpose()?)
}

/// A vault as it was typed: its resource id, or its name in the registry's group.
pub(crate) fn vault(given: Option<&str>, registry: &RegistryId) -> anyhow::Result<Option<VaultId>> {
    let id = match given.map(str::trim) {
        None => return Ok(None),
        // An address is told apart from a name by the id's own parser, which says what to give instead.
        Some(text) if text.contains(['/', '.']) => text.parse(),
        Some(name) => VaultId::new(registry.subscription(), registry.group().as_str(), name),
    };
    Ok(Some(id.map_err(Error::from)?))
}

/// A Log Analytics workspace as it was given: its resource id, or its name in the registry's group.
pub(crate) fn workspace(given: &str, registry: &RegistryId) -> anyhow::Result<ResourceId> {
    let id = match given.trim() {
        id if id.starts_with('/') => id.parse(),
        name => ResourceId::of_group(registry.subscription(), registry.group()).extension(
            "Microsoft.OperationalInsights",
            "workspaces",
            name,
        ),
    };
    Ok(id.map_err(Error::from)?)
}

/// The vault: as given, else the one the key lies in.
pub(crate) async fn vault_of_key(
    given: Option<&str>,
    key: Option<&KeyId>,
    registry: &RegistryId,
    azure: &Azure,
) -> anyhow::Result<Option<VaultId>> {
    match key {
        Some(key) if given.is_none() && key.host().is_in(azure.cloud()) && !key.is_hsm() => {
            let label = key.host().label();
            let found = match azure.reader().find_vault(registry.subscription(), label).await {
                Ok(found) => found,
                Err(e) if e.status() == Some(403) => None,
                Err(e) => return Err(Error::from(e).into()),
            };
            if found.is_some() { Ok(found) } else { vault(Some(label), registry) }
        }
        _ => vault(given, registry),
    }
}

/// An existing vault: by its id, by name in a group, or by name in the subscription.
pub(crate) async fn existing_vault(args: &VaultArgs, globals: &Globals, azure: &Azure) -> anyhow::Result<VaultId> {
    let text = args.vault.as_deref().or(args.name.as_deref()).unwrap_or_default().trim();
    if text.contains(['/', '.']) {
        let id: VaultId = text.parse().map_err(Error::from)?;
        same("--subscription", globals.subscription.as_ref().map(ToString::to_string), &id.subscription().to_string())?;
        same("-g", args.resource_group.clone(), id.group().as_str())?;
        return Ok(id);
    }
    let subscription = subscription(globals)?;
    // Checks the name before anything is asked; without a group any will do.
    let group = args.resource_group.as_deref();
    let id = VaultId::new(&subscription, group.unwrap_or("any"), text).map_err(Error::from)?;
    if group.is_some() {
        return Ok(id);
    }
    azure.reader().find_vault(&subscription, text).await.map_err(Error::from)?.ok_or_else(|| {
        usage(format!(
            "there is no vault '{text}' in subscription {subscription} that you may see: name its group with -g, or give its \
             resource id"
        ))
    })
}

/// An identity as it was given: by resource id, by name in the registry's group, by client id, or the registry's own.
pub(crate) fn identity(given: Option<&str>, registry: &RegistryId) -> anyhow::Result<Option<IdentityWanted>> {
    let Some(text) = given.map(str::trim) else { return Ok(None) };
    let bare = !text.contains('/') && text.parse::<PrincipalId>().is_err();
    if !bare || is_system(text) {
        return Ok(Some(text.parse()?));
    }
    let id = IdentityId::new(registry.subscription(), registry.group().as_str(), text).map_err(Error::from)?;
    Ok(Some(IdentityWanted::Id(id)))
}

/// The text of an error: as it was typed, or all of stdin for `-`.
pub(crate) fn error_text(given: &str) -> anyhow::Result<String> {
    const LONGEST: usize = 256 << 10;
    if given != "-" {
        return Ok(given.to_owned());
    }
    let mut text = Vec::new();
    std::io::stdin().lock().take(LONGEST as u64 + 1).read_to_end(&mut text).context("stdin cannot be read")?;
    if text.len() > LONGEST {
        return Err(usage("the error on stdin is too long: give the part with the message alone"));
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The registry's own identity, also as az spells it.
fn is_system(text: &str) -> bool {
    text.eq_ignore_ascii_case("system") || text.eq_ignore_ascii_case("[system]")
}

/// The identity of a new registry: a resource id, a name in its group, or az's `[system]`.
pub(crate) async fn new_identity(given: &str, registry: &RegistryId, azure: &Azure) -> anyhow::Result<IdentityChoice> {
    let text = given.trim();
    if is_system(text) {
        return Ok(IdentityChoice::System);
    }
    if text.parse::<PrincipalId>().is_ok() {
        return Err(usage(whose(text, registry, azure).await));
    }
    let id = if text.starts_with('/') {
        text.parse()
    } else {
        IdentityId::new(registry.subscription(), registry.group().as_str(), text)
    };
    Ok(IdentityChoice::Existing(id.map_err(Error::from)?))
}

/// What a GUID that was given for an identity is, as far as the subscription tells.
async fn whose(guid: &str, registry: &RegistryId, azure: &Azure) -> String {
    let wanted = "creating a registry needs the identity's resource id, as it has to be attached (R-CMK-09)";
    let is = |id: Option<String>| id.is_some_and(|id| id.eq_ignore_ascii_case(guid));
    let identities = azure.reader().identities_in(registry.subscription()).await.unwrap_or_default();
    for identity in &identities {
        let kind = if is(identity.properties.client_id.clone()) {
            "the client id"
        } else if is(identity.properties.principal_id.clone()) {
            "the principal id, which grants take and registries do not (R-CMK-07, R-CMK-08),"
        } else {
            continue;
        };
        if let Some(id) = identity.id() {
            return format!("'{guid}' is {kind} of identity {}; {wanted}: --identity {id}", id.name());
        }
    }
    format!("'{guid}' is a GUID; {wanted}, printed by: az identity list --query \"[].id\" -o tsv")
}
