//! Registries as the models of `azure_mgmt_containerregistry` 0.21, and back: for programs that still hold these.
//!
//! The crate is no longer maintained, and unsafe for reading, changing and writing back
//! ([why](https://github.com/acr-cmk/acr-cmk/blob/main/docs/decisions/azure-crates.md)). Nothing of
//! ours reads or writes through it. Its models are those of the api-version 2023-07-01, and so is what goes over:
//!
//! - **There**, members that its models do not know are left out: `roleAssignmentMode`, `anonymousPullEnabled`,
//!   `networkRuleBypassAllowedForTasks`, `azureADAuthenticationAsArmPolicy`, and all that ours do not know either. So
//!   what comes out of here is to be looked at, and never to be put. From a [`Kept`] body, tags and identities go over
//!   as they came; from a bare [`Registry`], as it knows them.
//! - **Back**, these members are absent: ask Azure for the registry rather than believe that it has none.
//! - A moment goes over as one, and may be spelled otherwise when it comes back; so may the kind of identity, which
//!   services write in any case. An empty map, and empty properties, are the same as none.
//!
//! ```
//! use cmk::azure::{Kept, registries::{Registry, interop::models}};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let body = r#"{ "location": "westeurope", "sku": { "name": "Premium" }, "identity": { "type": "userAssigned" } }"#;
//! let ours: Kept<Registry> = serde_json::from_str(body)?;
//! let theirs = models::Registry::try_from(&ours)?;
//! assert_eq!(theirs.sku.name, models::sku::Name::Premium);
//! assert!(Registry::try_from(&theirs)?.is_premium());
//! // Their own reading knows no `userAssigned`, which is how Azure spells it.
//! assert!(serde_json::from_str::<models::Registry>(body).is_err());
//! # Ok(())
//! # }
//! ```

mod properties;

#[doc(no_inline)]
pub use azure_mgmt_containerregistry::package_2023_07::models;

use super::{
    AttachedIdentity, EncryptionProperty, IpRule, KeyVaultProperties, NetworkRuleSet, Policies, Policy, Registry,
    RegistryIdentity, RegistryProperties, RegistryStatus, Sku,
};
use crate::azure::{
    Kept,
    resources::{
        PrivateEndpoint, PrivateEndpointConnection, PrivateEndpointConnectionProperties, PrivateLinkState, SystemData,
        lenient_tags, null_as_default,
    },
};
use async_trait::async_trait;
use azure_core::credentials::TokenCredential;
use azure_core_0_21::{auth, error};
use models::identity_properties::Type;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt::Display, sync::Arc};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A member that the other model has no place for, or cannot do without.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member} does not fit: {why}")]
pub struct DoesNotFit {
    member: String,
    why: String,
}

impl DoesNotFit {
    /// The member by its path, such as `properties.networkRuleSet.ipRules[0].value`.
    #[must_use]
    pub fn member(&self) -> &str {
        &self.member
    }
    fn new(why: impl Display) -> Self {
        Self { member: String::new(), why: why.to_string() }
    }
    fn within(self, outer: &str) -> Self {
        let member = if self.member.is_empty() { outer.to_owned() } else { format!("{outer}.{}", self.member) };
        Self { member, ..self }
    }
}

/// # Errors
/// When it has no location, no service tier, a firewall without a default action or with a rule without a value, an
/// unknown kind of identity, a moment that is none, or more days of retention than 32 bits hold: their model wants it.
impl TryFrom<&Registry> for models::Registry {
    type Error = DoesNotFit;
    fn try_from(registry: &Registry) -> Fits<Self> {
        registry.fit()
    }
}

/// # Errors
/// As from a bare [`Registry`].
impl TryFrom<&Kept<Registry>> for models::Registry {
    type Error = DoesNotFit;
    fn try_from(registry: &Kept<Registry>) -> Fits<Self> {
        let mut theirs: Self = Registry::fit(registry)?;
        // What is plain JSON to them.
        let came = |member: &str| registry.whole().pointer(member).filter(|v| !v.is_null()).cloned();
        theirs.resource.tags = came("/tags");
        if let Some(identity) = &mut theirs.identity {
            identity.user_assigned_identities = came("/identity/userAssignedIdentities");
        }
        Ok(theirs)
    }
}

/// # Errors
/// When its tags or identities, which are any JSON to their model, are none, or a moment is beyond what RFC 3339 can
/// say.
impl TryFrom<&models::Registry> for Registry {
    type Error = DoesNotFit;
    fn try_from(registry: &models::Registry) -> Fits<Self> {
        registry.fit()
    }
}

/// A login of this library's for a client of `azure_mgmt_containerregistry`. What that client does with the token is
/// its own affair: the hosts it sends it to are not checked.
pub fn credential(login: Arc<dyn TokenCredential>) -> Arc<dyn auth::TokenCredential> {
    Arc::new(Login(login))
}

#[derive(Debug)]
struct Login(Arc<dyn TokenCredential>);

#[async_trait]
impl auth::TokenCredential for Login {
    async fn get_token(&self, scopes: &[&str]) -> azure_core_0_21::Result<auth::AccessToken> {
        let token = self.0.get_token(scopes, None).await;
        let token = token.map_err(|e| error::Error::new(error::ErrorKind::Credential, e))?;
        Ok(auth::AccessToken::new(token.token.secret().to_owned(), token.expires_on))
    }
    /// Tokens are cached by the login itself, until they expire.
    async fn clear_cache(&self) -> azure_core_0_21::Result<()> {
        Ok(())
    }
}

type Fits<T> = Result<T, DoesNotFit>;

/// Part of one model as part of the other. Each is taken apart by all its members, so that a new one is not forgotten.
trait Fit<T> {
    fn fit(&self) -> Fits<T>;
}

fn part<A: Fit<B>, B>(name: &str, from: Option<&A>) -> Fits<Option<B>> {
    from.map(|part| part.fit().map_err(|e| e.within(name))).transpose()
}

fn list<A: Fit<B>, B>(name: &str, from: &[A]) -> Fits<Vec<B>> {
    let item = |(i, item): (usize, &A)| item.fit().map_err(|e| e.within(&format!("{name}[{i}]")));
    from.iter().enumerate().map(item).collect()
}

fn required<T>(name: &str, member: Option<T>) -> Fits<T> {
    member.ok_or_else(|| DoesNotFit::new("it is missing").within(name))
}

/// A word of ours as one of their enumerations, which serde alone can read. Words unknown to them are kept.
fn word<T: DeserializeOwned>(name: &str, text: Option<&String>) -> Fits<Option<T>> {
    let read = |t: &String| serde_json::from_value(json!(t)).map_err(|e| DoesNotFit::new(e).within(name));
    text.map(read).transpose()
}

/// A word of theirs, as it is spelled.
fn spelled<T: Serialize>(name: &str, word: Option<&T>) -> Fits<Option<String>> {
    match word.map(serde_json::to_value).transpose() {
        Ok(None) => Ok(None),
        Ok(Some(Value::String(text))) => Ok(Some(text)),
        Ok(Some(other)) => Err(DoesNotFit::new(format_args!("{other} is no word")).within(name)),
        Err(e) => Err(DoesNotFit::new(e).within(name)),
    }
}

fn unless_empty<T: Default + PartialEq>(part: &T) -> Option<&T> {
    Some(part).filter(|p| **p != T::default())
}

// ---- moments, and what is there only in one of the models -----------------------------------------------------------

impl Fit<OffsetDateTime> for String {
    fn fit(&self) -> Fits<OffsetDateTime> {
        OffsetDateTime::parse(self, &Rfc3339).map_err(|e| DoesNotFit::new(format_args!("'{self}': {e}")))
    }
}

impl Fit<String> for OffsetDateTime {
    fn fit(&self) -> Fits<String> {
        self.format(&Rfc3339).map_err(|e| DoesNotFit::new(format_args!("{self}: {e}")))
    }
}

/// In any case, and with or without a space: they know one spelling, which is not the one that services answer with.
impl Fit<Type> for String {
    fn fit(&self) -> Fits<Type> {
        let words: String = self.split_whitespace().collect();
        match words.to_ascii_lowercase().as_str() {
            "systemassigned" => Ok(Type::SystemAssigned),
            "userassigned" => Ok(Type::UserAssigned),
            "systemassigned,userassigned" | "userassigned,systemassigned" => Ok(Type::SystemAssignedUserAssigned),
            "none" => Ok(Type::None),
            _ => Err(DoesNotFit::new(format_args!("'{self}' is no kind that their model knows"))),
        }
    }
}

// ---- the registry ---------------------------------------------------------------------------------------------------

impl Fit<models::Registry> for Registry {
    fn fit(&self) -> Fits<models::Registry> {
        let Self { id, name, kind, system_data, location, tags, sku, identity, properties } = self;
        Ok(models::Registry {
            resource: models::Resource {
                id: id.clone(),
                name: name.clone(),
                type_: kind.clone(),
                location: required("location", location.clone())?,
                tags: unless_empty(tags).map(|tags| json!(tags)),
                system_data: part("systemData", system_data.as_ref())?,
            },
            sku: required("sku", part("sku", sku.as_ref())?)?,
            identity: part("identity", identity.as_ref())?,
            properties: part("properties", unless_empty(properties))?,
        })
    }
}

impl Fit<Registry> for models::Registry {
    fn fit(&self) -> Fits<Registry> {
        let Self { resource, sku, identity, properties } = self;
        let models::Resource { id, name, type_, location, tags, system_data } = resource;
        let tags = tags.as_ref().map(|t| lenient_tags(t).map_err(|e| DoesNotFit::new(e).within("tags"))).transpose()?;
        Ok(Registry {
            id: id.clone(),
            name: name.clone(),
            kind: type_.clone(),
            system_data: part("systemData", system_data.as_ref())?,
            location: Some(location.clone()),
            tags: tags.unwrap_or_default(),
            sku: part("sku", Some(sku))?,
            identity: part("identity", identity.as_ref())?,
            properties: part("properties", properties.as_ref())?.unwrap_or_default(),
        })
    }
}

impl Fit<models::SystemData> for SystemData {
    fn fit(&self) -> Fits<models::SystemData> {
        let Self { created_by, created_by_type, created_at, last_modified_by, last_modified_by_type, last_modified_at } =
            self;
        Ok(models::SystemData {
            created_by: created_by.clone(),
            created_by_type: word("createdByType", created_by_type.as_ref())?,
            created_at: part("createdAt", created_at.as_ref())?,
            last_modified_by: last_modified_by.clone(),
            last_modified_by_type: word("lastModifiedByType", last_modified_by_type.as_ref())?,
            last_modified_at: part("lastModifiedAt", last_modified_at.as_ref())?,
        })
    }
}

impl Fit<SystemData> for models::SystemData {
    fn fit(&self) -> Fits<SystemData> {
        let Self { created_by, created_by_type, created_at, last_modified_by, last_modified_by_type, last_modified_at } =
            self;
        Ok(SystemData {
            created_by: created_by.clone(),
            created_by_type: spelled("createdByType", created_by_type.as_ref())?,
            created_at: part("createdAt", created_at.as_ref())?,
            last_modified_by: last_modified_by.clone(),
            last_modified_by_type: spelled("lastModifiedByType", last_modified_by_type.as_ref())?,
            last_modified_at: part("lastModifiedAt", last_modified_at.as_ref())?,
        })
    }
}

impl Fit<models::Sku> for Sku {
    fn fit(&self) -> Fits<models::Sku> {
        let Self { name, tier } = self;
        let name = required("name", word("name", name.as_ref())?)?;
        Ok(models::Sku { name, tier: word("tier", tier.as_ref())? })
    }
}

impl Fit<Sku> for models::Sku {
    fn fit(&self) -> Fits<Sku> {
        let Self { name, tier } = self;
        Ok(Sku { name: spelled("name", Some(name))?, tier: spelled("tier", tier.as_ref())? })
    }
}

impl Fit<models::IdentityProperties> for RegistryIdentity {
    fn fit(&self) -> Fits<models::IdentityProperties> {
        let Self { principal_id, tenant_id, kind, user_assigned_identities } = self;
        let attached = |identity: &AttachedIdentity| {
            let AttachedIdentity { principal_id, client_id } = identity.clone();
            models::UserIdentityProperties { principal_id, client_id }
        };
        let all = unless_empty(user_assigned_identities).map(|all| {
            let all: BTreeMap<_, _> = all.iter().map(|(id, identity)| (id, identity.as_ref().map(attached))).collect();
            json!(all)
        });
        Ok(models::IdentityProperties {
            principal_id: principal_id.clone(),
            tenant_id: tenant_id.clone(),
            type_: part("type", kind.as_ref())?,
            user_assigned_identities: all,
        })
    }
}

impl Fit<RegistryIdentity> for models::IdentityProperties {
    fn fit(&self) -> Fits<RegistryIdentity> {
        let Self { principal_id, tenant_id, type_, user_assigned_identities } = self;
        let all = user_assigned_identities.as_ref().map(null_as_default).transpose();
        Ok(RegistryIdentity {
            principal_id: principal_id.clone(),
            tenant_id: tenant_id.clone(),
            kind: spelled("type", type_.as_ref())?,
            user_assigned_identities: all
                .map_err(|e| DoesNotFit::new(e).within("userAssignedIdentities"))?
                .unwrap_or_default(),
        })
    }
}
