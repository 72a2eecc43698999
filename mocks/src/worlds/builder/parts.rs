//! What a world is built of.

use super::text;
use crate::worlds::described;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A Standard vault with purge protection, open to all networks unless told otherwise.
#[derive(Debug)]
pub struct Vault(pub(super) described::Vault);

impl Vault {
    /// That decides by role assignments.
    pub fn rbac(name: &str) -> Self {
        Self::new(name, described::Model::Rbac)
    }

    /// That decides by access policies. The operator has one with everything.
    pub fn policies(name: &str) -> Self {
        Self::new(name, described::Model::Policies)
    }

    fn new(name: &str, model: described::Model) -> Self {
        Self(described::Vault {
            name: text(name),
            group: None,
            model,
            premium: false,
            purge_protection: true,
            retention_days: None,
            tenant: None,
            tags: Default::default(),
            public_access: true,
            network: None,
            perimeter: false,
            read_only: false,
            access_policies: Vec::new(),
            keys: Vec::new(),
            logs: Vec::new(),
            deleted: false,
        })
    }

    /// A Premium one, which may hold HSM keys.
    pub fn premium(mut self) -> Self {
        self.0.premium = true;
        self
    }

    /// One whose deleted content may be purged.
    pub fn without_purge_protection(mut self) -> Self {
        self.0.purge_protection = false;
        self
    }

    /// One that was deleted, and can be recovered.
    pub fn deleted(mut self) -> Self {
        self.0.deleted = true;
        self
    }

    /// Closes it but to these addresses (`203.0.113.0/24`) and, if they may, Azure's trusted services.
    pub fn firewall(mut self, addresses: &[&str], trusted_services: bool) -> Self {
        let addresses = addresses.iter().map(|a| (*a).to_owned()).collect();
        let network = described::VaultNetwork { deny: true, trusted_services, addresses, subnets: Vec::new() };
        self.0.network = Some(network);
        self
    }

    /// An access policy for keys (`get`, `wrapKey`, ..); `to` as for [`super::WorldBuilder::grant`], of those that are
    /// there before registries are.
    pub fn access_policy(mut self, to: &str, keys: &[&str]) -> Self {
        let keys = keys.iter().map(|k| (*k).to_owned()).collect();
        self.0.access_policies.push(described::AccessPolicy { to: text(to), keys });
        self
    }

    /// A tag.
    pub fn tag(mut self, name: &str, value: &str) -> Self {
        self.0.tags.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A key: a name for an RSA key of 2048 bits with one version, or a [`Key`].
    pub fn key(mut self, key: impl Into<Key>) -> Self {
        self.0.keys.push(key.into().0);
        self
    }
}

/// A key with one version, unless told otherwise.
#[derive(Debug)]
pub struct Key(described::Key);

impl From<&str> for Key {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl Key {
    /// RSA, 2048 bits.
    pub fn new(name: &str) -> Self {
        Self(described::Key {
            name: text(name),
            kind: None,
            size: None,
            curve: None,
            operations: None,
            versions: Vec::new(),
            rotation: None,
            deleted: false,
        })
    }

    /// `RSA`, `RSA-HSM`, `EC`, ..
    pub fn of_type(mut self, kty: &str) -> Self {
        self.0.kind = Some(kty.to_owned());
        self
    }

    /// Of an RSA key, in bits: 2048, 3072 or 4096.
    pub fn size(mut self, bits: u32) -> Self {
        self.0.size = Some(bits.into());
        self
    }

    /// A version made then, after those named before and not after the world's time.
    pub fn version(mut self, made: OffsetDateTime) -> Self {
        self.0.versions.push(described::Version { made: moment(made), ..Default::default() });
        self
    }

    /// The version named last, or the only one, expires then.
    pub fn expires(mut self, at: OffsetDateTime) -> Self {
        self.last().expires = moment(at);
        self
    }

    /// The version named last, or the only one, is disabled.
    pub fn disabled(mut self) -> Self {
        self.last().enabled = false;
        self
    }

    /// It was deleted, and can be recovered.
    pub fn deleted(mut self) -> Self {
        self.0.deleted = true;
        self
    }

    fn last(&mut self) -> &mut described::Version {
        let versions = &mut self.0.versions;
        let at = versions.len().saturating_sub(1);
        if versions.is_empty() {
            versions.push(described::Version::default());
        }
        &mut versions[at]
    }
}

/// A time that no calendar has is refused in words, as any text would be.
fn moment(at: OffsetDateTime) -> Option<described::Text> {
    Some(text(&at.format(&Rfc3339).unwrap_or_else(|_| at.to_string())))
}

/// A Premium registry, unless told otherwise.
#[derive(Debug)]
pub struct Registry(pub(super) described::Registry);

impl Registry {
    /// Without a key of its customer's.
    pub fn new(name: &str) -> Self {
        Self(described::Registry {
            name: text(name),
            group: None,
            sku: None,
            cmk: None,
            identities: Vec::new(),
            system_identity: false,
            tags: Default::default(),
            properties: Default::default(),
            public_access: true,
            network: None,
            replications: Vec::new(),
            images: Vec::new(),
            scope_maps: Vec::new(),
            tokens: Vec::new(),
            tasks: Vec::new(),
            logs: Vec::new(),
        })
    }

    /// `Basic`, `Standard` or `Premium`; only the last one has keys.
    pub fn sku(mut self, sku: &str) -> Self {
        self.0.sku = Some(text(sku));
        self
    }

    /// On this key, whose new versions it follows (R-CMK-11), with this identity, or `system` for its own.
    pub fn cmk(mut self, vault: &str, key: &str, identity: &str) -> Self {
        let (vault, key, identity) = (text(vault), text(key), text(identity));
        self.0.cmk = Some(described::Cmk { vault, key, identity, versioned: false });
        self
    }

    /// As `cmk`, and stays on the version that is there (R-CMK-12).
    pub fn cmk_version(mut self, vault: &str, key: &str, identity: &str) -> Self {
        self = self.cmk(vault, key, identity);
        if let Some(cmk) = &mut self.0.cmk {
            cmk.versioned = true;
        }
        self
    }

    /// Attaches a further identity.
    pub fn identity(mut self, name: &str) -> Self {
        self.0.identities.push(text(name));
        self
    }

    /// Gives it an identity of its own.
    pub fn system_identity(mut self) -> Self {
        self.0.system_identity = true;
        self
    }

    /// A small image: `repository:tag`, or a repository for its tag `latest`.
    pub fn image(mut self, target: &str) -> Self {
        self.0.images.push(target.to_owned());
        self
    }

    /// A replica in another region.
    pub fn replica(mut self, region: &str) -> Self {
        self.0.replications.push(text(region));
        self
    }

    /// A tag.
    pub fn tag(mut self, name: &str, value: &str) -> Self {
        self.0.tags.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Closes it to public networks.
    pub fn private(mut self) -> Self {
        self.0.public_access = false;
        self
    }
}

/// Where a role or a lock holds.
#[derive(Debug)]
pub struct Scope(pub(super) described::Scope);

impl Scope {
    /// In the subscription.
    pub fn subscription() -> Self {
        Self(described::Scope::Subscription)
    }

    /// In a group.
    pub fn group(name: &str) -> Self {
        Self(described::Scope::Group(text(name)))
    }

    /// At a registry.
    pub fn registry(name: &str) -> Self {
        Self(described::Scope::Registry(text(name)))
    }

    /// At a vault.
    pub fn vault(name: &str) -> Self {
        Self(described::Scope::Vault(text(name)))
    }

    /// At a key.
    pub fn key(vault: &str, name: &str) -> Self {
        Self(described::Scope::Key(text(&format!("{vault}/{name}"))))
    }

    /// At an identity.
    pub fn identity(name: &str) -> Self {
        Self(described::Scope::Identity(text(name)))
    }
}
