//! Ids of Azure resources, and of the three kinds that customer-managed keys are made of.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{InvalidId, ResourceGroupName, SubscriptionId, VaultHost, compared_by_key, text_traits};
use crate::azure::cloud::Cloud;

/// The id of anything in a subscription: the subscription itself, a resource group, or a resource of any depth,
/// extension resources such as role assignments and locks included.
///
/// ```
/// use cmk::azure::id::ResourceId;
///
/// let id: ResourceId = "/subscriptions/01234567-89ab-cdef-0123-456789abcdef/resourceGroups/rg\
///     /providers/Microsoft.KeyVault/vaults/v/keys/k".parse().unwrap();
/// assert_eq!(id.resource_type().as_deref(), Some("Microsoft.KeyVault/vaults/keys"));
/// assert_eq!(id.name(), "k");
/// assert_eq!(id.parent().unwrap().name(), "v");
/// ```
///
/// Compared without regard to case and printed as it came (R-ARM-22). Ids outside of subscriptions (management
/// groups, tenants) are refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceId {
    text: String,
    subscription: SubscriptionId,
    group: Option<ResourceGroupName>,
    chain: Vec<Link>,
}

/// One `/providers/{namespace}/{type}/{name}/{type}/{name}..` stretch of an id.
#[derive(Clone, Debug)]
struct Link {
    provider: String,
    levels: Vec<(String, String)>,
}

const RESOURCE: &str = "resource id";

impl ResourceId {
    /// The id of a subscription.
    pub fn of_subscription(subscription: &SubscriptionId) -> ResourceId {
        let text = format!("/subscriptions/{subscription}");
        ResourceId { text, subscription: *subscription, group: None, chain: Vec::new() }
    }

    /// The id of a resource group.
    pub fn of_group(subscription: &SubscriptionId, group: &ResourceGroupName) -> ResourceId {
        let text = format!("/subscriptions/{subscription}/resourceGroups/{group}");
        ResourceId { text, subscription: *subscription, group: Some(group.clone()), chain: Vec::new() }
    }

    /// A resource right below this subscription or group, or an extension of this resource:
    /// `{self}/providers/{provider}/{kind}/{name}`.
    pub fn extension(&self, provider: &str, kind: &str, name: &str) -> Result<ResourceId, InvalidId> {
        format!("{}/providers/{provider}/{kind}/{name}", self.text).parse()
    }

    /// A resource nested in this one: `{self}/{kind}/{name}`. Only resources have such.
    pub fn child(&self, kind: &str, name: &str) -> Result<ResourceId, InvalidId> {
        format!("{}/{kind}/{name}", self.text).parse()
    }

    /// The id as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The id in lower case: what is compared, and what locks are named by (R-ARM-22).
    pub fn key(&self) -> String {
        self.text.to_ascii_lowercase()
    }

    /// The subscription.
    pub fn subscription(&self) -> &SubscriptionId {
        &self.subscription
    }

    /// The resource group, if it is in one.
    pub fn resource_group(&self) -> Option<&ResourceGroupName> {
        self.group.as_ref()
    }

    /// Namespace of the resource provider, e.g. `Microsoft.KeyVault`; none for a subscription or group.
    pub fn provider(&self) -> Option<&str> {
        self.chain.last().map(|link| link.provider.as_str())
    }

    /// The full type, e.g. `Microsoft.KeyVault/vaults/keys`; none for a subscription or group.
    pub fn resource_type(&self) -> Option<String> {
        self.chain.last().map(|link| {
            let kinds = link.levels.iter().map(|(kind, _)| kind.as_str());
            std::iter::once(link.provider.as_str()).chain(kinds).collect::<Vec<_>>().join("/")
        })
    }

    /// The last name: of the resource, else of the group, else the subscription's GUID.
    pub fn name(&self) -> &str {
        let resource = self.chain.last().and_then(|link| link.levels.last()).map(|(_, name)| name.as_str());
        let group = || self.group.as_ref().map(ResourceGroupName::as_str);
        resource.or_else(group).or_else(|| self.text.rsplit('/').next()).unwrap_or_default()
    }

    /// What this is part of: of a nested resource the outer one, of an extension the extended one, of a resource its
    /// group or subscription, of a group its subscription, of a subscription nothing.
    pub fn parent(&self) -> Option<ResourceId> {
        let mut parent = self.clone();
        let cut = match parent.chain.last_mut() {
            Some(link) if link.levels.len() > 1 => {
                link.levels.pop();
                2
            }
            Some(_) => {
                parent.chain.pop();
                4
            }
            None => {
                parent.group.take()?;
                2
            }
        };
        for _ in 0..cut {
            let end = parent.text.rfind('/')?;
            parent.text.truncate(end);
        }
        Some(parent)
    }

    /// Whether this is `other` or lies within it, so that a grant or lock on `other` reaches it (R-ARM-31).
    pub fn is_within(&self, other: &ResourceId) -> bool {
        let (inner, outer) = (self.key(), other.key());
        inner.strip_prefix(&outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl FromStr for ResourceId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<ResourceId, InvalidId> {
        let refuse = |way_out: &str| InvalidId::new(text, RESOURCE, "R-ARM-22", way_out);
        let wanted = "give a full id: /subscriptions/{guid}/resourceGroups/{group}/providers/{namespace}/{type}/{name}";
        if text.len() > 2048 {
            return Err(refuse("give an id of at most 2048 bytes"));
        }
        let mut segments = text.strip_prefix('/').ok_or_else(|| refuse(wanted))?.split('/').peekable();
        if !segments.next().is_some_and(|word| word.eq_ignore_ascii_case("subscriptions")) {
            return Err(refuse(wanted));
        }
        let subscription = segments.next().ok_or_else(|| refuse(wanted))?;
        let subscription = subscription.parse().map_err(|_| refuse("its subscription is no GUID"))?;
        let group = match segments.next_if(|word| word.eq_ignore_ascii_case("resourceGroups")) {
            None => None,
            Some(_) => {
                let name = segments.next().ok_or_else(|| refuse("name the resource group"))?;
                Some(name.parse().map_err(|e: InvalidId| refuse(&format!("its resource group: {}", e.way_out)))?)
            }
        };
        let mut chain: Vec<Link> = Vec::new();
        while let Some(word) = segments.next() {
            let second =
                segments.next().ok_or_else(|| refuse("types and names come in pairs, without a slash at the end"))?;
            // A nested type may not be called "providers": the word always opens a new stretch.
            if word.eq_ignore_ascii_case("providers") {
                if !is_namespace(second) {
                    return Err(refuse("its provider namespace is none, such as Microsoft.KeyVault"));
                }
                if chain.last().is_some_and(|link| link.levels.is_empty()) {
                    return Err(refuse(wanted));
                }
                chain.push(Link { provider: second.to_owned(), levels: Vec::new() });
                continue;
            }
            let link = chain.last_mut().ok_or_else(|| refuse(wanted))?;
            if !is_kind(word) {
                return Err(refuse("a resource type holds letters, digits, dots, hyphens and underscores only"));
            }
            if !is_name(second) {
                return Err(refuse(
                    "a resource name is 1 to 260 characters without < > % & \\ ? # or control characters",
                ));
            }
            link.levels.push((word.to_owned(), second.to_owned()));
        }
        if chain.last().is_some_and(|link| link.levels.is_empty()) {
            return Err(refuse(wanted));
        }
        Ok(ResourceId { text: text.to_owned(), subscription, group, chain })
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

compared_by_key!(ResourceId);
text_traits!(ResourceId);

fn is_namespace(text: &str) -> bool {
    text.len() <= 128
        && text.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()))
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn is_kind(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

fn is_name(text: &str) -> bool {
    let bad = |c: char| c.is_control() || super::is_invisible(c) || "<>%&\\?#".contains(c);
    !text.is_empty()
        && text.chars().count() <= 260
        && text != "."
        && text != ".."
        && text.trim() == text
        && !text.contains(bad)
}

/// A typed wrapper of [`ResourceId`] for a resource right in a resource group.
macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $provider:literal, $kind:literal, $fault:path, $hint:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(InGroup);

        impl $name {
            /// The full resource type.
            pub const RESOURCE_TYPE: &'static str = concat!($provider, "/", $kind);

            /// Puts the id together, checking both names.
            pub fn new(subscription: &SubscriptionId, group: &str, name: &str) -> Result<$name, InvalidId> {
                if let Some(way_out) = $fault(name) {
                    return Err(InvalidId::new(name, concat!($what, " name"), $rule, way_out));
                }
                Ok($name(InGroup::new(subscription, &group.parse()?, $provider, $kind, name)))
            }

            /// The resource's own name, as it was given.
            pub fn name(&self) -> &str {
                self.0.resource.name()
            }

            /// The resource group.
            pub fn group(&self) -> &ResourceGroupName {
                &self.0.group
            }

            /// The subscription.
            pub fn subscription(&self) -> &SubscriptionId {
                self.0.resource.subscription()
            }

            /// The id as any resource's.
            pub fn resource(&self) -> &ResourceId {
                &self.0.resource
            }

            /// The id as it was given.
            pub fn as_str(&self) -> &str {
                self.0.resource.as_str()
            }

            /// The id in lower case: what is compared, and what locks are named by (R-ARM-22).
            pub fn key(&self) -> String {
                self.0.resource.key()
            }
        }

        impl TryFrom<ResourceId> for $name {
            type Error = InvalidId;

            fn try_from(resource: ResourceId) -> Result<$name, InvalidId> {
                let refuse = |rule, way_out: String| InvalidId::new(resource.as_str(), concat!($what, " id"), rule, way_out);
                if !resource.resource_type().is_some_and(|t| t.eq_ignore_ascii_case($name::RESOURCE_TYPE)) || resource.chain.len() != 1 {
                    return Err(refuse("R-ARM-22", format!("give the id of a {}", $name::RESOURCE_TYPE)));
                }
                let Some(group) = resource.group.clone() else {
                    return Err(refuse("R-ARM-22", "its resource group is missing".to_owned()));
                };
                if let Some(way_out) = $fault(resource.name()) {
                    return Err(refuse($rule, format!("its name: {way_out}")));
                }
                Ok($name(InGroup { resource, group }))
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<$name, InvalidId> {
                match text.parse::<ResourceId>() {
                    Ok(resource) => resource.try_into(),
                    Err(InvalidId { way_out, .. }) => {
                        let hint = $hint(text).unwrap_or(way_out);
                        Err(InvalidId::new(text, concat!($what, " id"), "R-ARM-22", hint))
                    }
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.resource, f)
            }
        }

        text_traits!($name);
    };
}

/// A resource id that is known to have a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct InGroup {
    resource: ResourceId,
    group: ResourceGroupName,
}

impl InGroup {
    fn new(
        subscription: &SubscriptionId,
        group: &ResourceGroupName,
        provider: &str,
        kind: &str,
        name: &str,
    ) -> InGroup {
        let text = format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/{provider}/{kind}/{name}");
        let link = Link { provider: provider.to_owned(), levels: vec![(kind.to_owned(), name.to_owned())] };
        let resource = ResourceId { text, subscription: *subscription, group: Some(group.clone()), chain: vec![link] };
        InGroup { resource, group: group.clone() }
    }
}

typed_id! {
    /// Id of a container registry; its name is 5 to 50 ASCII letters and digits (R-ARM-20).
    ///
    /// A login server (`contoso.azurecr.io`) or a bare name is refused with the command that prints the id.
    RegistryId, "registry", "R-ARM-20", "Microsoft.ContainerRegistry", "registries", registry_name_fault, registry_hint
}

typed_id! {
    /// Id of a key vault; its name is 3 to 24 ASCII letters, digits and single hyphens, starts with a letter and does
    /// not end in a hyphen (R-KV-01).
    VaultId, "vault", "R-KV-01", "Microsoft.KeyVault", "vaults", vault_name_fault, vault_hint
}

typed_id! {
    /// Id of a user-assigned managed identity; its name is 3 to 128 ASCII letters, digits, hyphens and underscores
    /// and starts with a letter or digit (R-ARM-21).
    IdentityId, "identity", "R-ARM-21", "Microsoft.ManagedIdentity", "userAssignedIdentities", identity_name_fault, identity_hint
}

impl VaultId {
    /// The host of the vault's data plane in a cloud.
    pub fn host(&self, cloud: &Cloud) -> VaultHost {
        VaultHost::of_vault(self.name(), cloud)
    }

    /// The vault that `create` makes for a registry if none is named: beside it, called
    /// `kv-{name}-{6 hex of sha256(registry id)}`, which is valid under R-KV-01 and unlikely to be taken, as vault
    /// names are global.
    pub fn derived_from(registry: &RegistryId) -> VaultId {
        let (group, name) = (registry.group(), derived_name("kv-", registry));
        VaultId(InGroup::new(registry.subscription(), group, "Microsoft.KeyVault", "vaults", &name))
    }
}

impl IdentityId {
    /// The identity that `create` makes for a registry if none is named: beside it, called
    /// `id-{name}-{6 hex of sha256(registry id)}`, at most 24 characters (R-ARM-21).
    pub fn derived_from(registry: &RegistryId) -> IdentityId {
        let (group, name) = (registry.group(), derived_name("id-", registry));
        let (provider, kind) = ("Microsoft.ManagedIdentity", "userAssignedIdentities");
        IdentityId(InGroup::new(registry.subscription(), group, provider, kind, &name))
    }
}

/// Three characters, at most fourteen of the registry's name, a hyphen and six hex digits: 24 at most.
fn derived_name(prefix: &str, registry: &RegistryId) -> String {
    let stem: String = registry.name().to_ascii_lowercase().chars().take(14).collect();
    let digest = Sha256::digest(registry.key().as_bytes());
    let hash: String = digest.iter().take(3).map(|byte| format!("{byte:02x}")).collect();
    format!("{prefix}{stem}-{hash}")
}

fn registry_name_fault(name: &str) -> Option<&'static str> {
    if !(5..=50).contains(&name.len()) {
        return Some("give 5 to 50 characters");
    }
    (!name.bytes().all(|b| b.is_ascii_alphanumeric())).then_some("use ASCII letters and digits only")
}

fn vault_name_fault(name: &str) -> Option<&'static str> {
    vault_label_fault(name)
}

/// What keeps a text from being a vault's name, and so the first label of a vault's host (R-KV-01).
pub(crate) fn vault_label_fault(name: &str) -> Option<&'static str> {
    if !(3..=24).contains(&name.len()) {
        return Some("give 3 to 24 characters");
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Some("use ASCII letters, digits and hyphens only");
    }
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Some("start with a letter");
    }
    if name.ends_with('-') || name.contains("--") {
        return Some("use single hyphens, and none at the end");
    }
    None
}

fn identity_name_fault(name: &str) -> Option<&'static str> {
    if !(3..=128).contains(&name.len()) {
        return Some("give 3 to 128 characters");
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
        return Some("use ASCII letters, digits, hyphens and underscores only");
    }
    (!name.starts_with(|c: char| c.is_ascii_alphanumeric())).then_some("start with a letter or digit")
}

fn registry_hint(text: &str) -> Option<String> {
    let bare = text.strip_prefix("https://").unwrap_or(text).trim_end_matches('/');
    let label = bare.split('.').next().unwrap_or_default();
    if registry_name_fault(label).is_none() {
        let given = if label == bare { "a registry's name" } else { "a login server" };
        return Some(format!(
            "this is {given}; give the full id, printed by: az acr show -n {label} --query id -o tsv"
        ));
    }
    None
}

fn vault_hint(text: &str) -> Option<String> {
    let bare = text.strip_prefix("https://").unwrap_or(text).trim_end_matches('/');
    let label = bare.split('.').next().unwrap_or_default();
    if vault_label_fault(label).is_none() {
        let given = if label == bare { "a vault's name" } else { "a vault's address" };
        return Some(format!(
            "this is {given}; give the full id, printed by: az keyvault show -n {label} --query id -o tsv"
        ));
    }
    None
}

fn identity_hint(text: &str) -> Option<String> {
    if super::parse_guid(text).is_some() {
        let way_out =
            "this is a GUID; give the full id of the identity, printed by: az identity list --query \"[].id\"";
        return Some(way_out.to_owned());
    }
    if identity_name_fault(text).is_none() {
        let command = format!("az identity show -g GROUP -n {text} --query id -o tsv");
        return Some(format!("this is an identity's name; give the full id, printed by: {command}"));
    }
    None
}
