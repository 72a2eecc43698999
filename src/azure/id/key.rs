//! Hosts of vaults and managed HSMs, and ids of keys.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{InvalidId, RegistryId, compared_by_key, name_type, text_traits};
use crate::azure::cloud::{Cloud, HostKind};

/// The host of a vault or managed HSM, such as `contoso.vault.azure.net`, always in lower case.
///
/// [`VaultHost::parse`] checks it against one cloud. `FromStr` and serde take any known cloud's suffix, so what was
/// read back wants a [`Cloud::allows`] before a token goes there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VaultHost {
    host: String,
    hsm: bool,
}

const HOST: &str = "vault host";
const KEY_ID: &str = "key id";

impl VaultHost {
    /// Reads a host or a vault URI: `contoso.vault.azure.net`, `https://contoso.vault.azure.net/`, `..:443`.
    /// Refuses hosts outside of the cloud (R-CMK-36).
    pub fn parse(cloud: &Cloud, text: &str) -> Result<VaultHost, InvalidId> {
        VaultHost::parse_in(std::slice::from_ref(cloud), text)
    }

    fn parse_in(clouds: &[Cloud], text: &str) -> Result<VaultHost, InvalidId> {
        let refuse = |way_out: &str| InvalidId::new(text, HOST, "R-CMK-36", way_out);
        let rest = match strip_https(text) {
            Some(rest) => rest,
            None if text.contains("://") => return Err(refuse("give an https address")),
            None => text,
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        VaultHost::from_authority(clouds, authority).map_err(|why| refuse(&why))
    }

    /// Reads `host` or `host:443`.
    fn from_authority(clouds: &[Cloud], authority: &str) -> Result<VaultHost, String> {
        let host = authority.strip_suffix(":443").unwrap_or(authority).to_ascii_lowercase();
        if host.contains('@') {
            return Err("take the user info out of it".to_owned());
        }
        if host.contains(':') {
            return Err("take the port out of it; vaults answer on 443 only".to_owned());
        }
        let mut why = None;
        for cloud in clouds {
            match cloud.kind_of_host(&host) {
                Ok(kind @ (HostKind::Vault | HostKind::Hsm)) => {
                    return Ok(VaultHost { host, hsm: kind == HostKind::Hsm });
                }
                Ok(_) => why = Some("it is the host of another service"),
                Err(found) => why = why.or(Some(found)),
            }
        }
        let wanted: Vec<_> = clouds.iter().flat_map(|cloud| [cloud.vault_suffix(), cloud.hsm_suffix()]).collect();
        let why = why.unwrap_or("no cloud was asked");
        Err(format!("{why}; a host is one vault name and a suffix of {}", wanted.join(", ")))
    }

    pub(super) fn of_vault(name: &str, cloud: &Cloud) -> VaultHost {
        VaultHost { host: format!("{}.{}", name.to_ascii_lowercase(), cloud.vault_suffix()), hsm: false }
    }

    /// The host in lower case.
    pub fn as_str(&self) -> &str {
        &self.host
    }

    /// Whether it is a managed HSM (R-CMK-10), which has roles of its own.
    pub fn is_hsm(&self) -> bool {
        self.hsm
    }

    /// The first label: the name of the vault or HSM, in lower case.
    pub fn label(&self) -> &str {
        self.host.split('.').next().unwrap_or_default()
    }

    /// Base URL without a trailing slash: `https://contoso.vault.azure.net`.
    pub fn url(&self) -> String {
        format!("https://{}", self.host)
    }

    /// Whether the host is one of this cloud's vaults or HSMs.
    pub fn is_in(&self, cloud: &Cloud) -> bool {
        matches!(cloud.kind_of_host(&self.host), Ok(HostKind::Vault | HostKind::Hsm))
    }
}

impl FromStr for VaultHost {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<VaultHost, InvalidId> {
        VaultHost::parse_in(&Cloud::all_known(), text)
    }
}

impl fmt::Display for VaultHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.host)
    }
}

text_traits!(VaultHost);

name_type! {
    /// Name of a key: 1 to 127 ASCII letters, digits and hyphens (R-KV-10).
    KeyName, "key name", "R-KV-10", key_name_fault
}

name_type! {
    /// Version of a key: 32 hex digits (R-KV-10).
    KeyVersion, "key version", "R-KV-10", key_version_fault
}

impl KeyName {
    /// The key that `create` makes for a registry if none is named: `{registry name}-cmk`.
    pub fn derived_from(registry: &RegistryId) -> KeyName {
        KeyName(format!("{}-cmk", registry.name().to_ascii_lowercase()))
    }
}

fn key_name_fault(name: &str) -> Option<&'static str> {
    if !(1..=127).contains(&name.len()) {
        return Some("give 1 to 127 characters");
    }
    (!name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        .then_some("use ASCII letters, digits and hyphens only")
}

fn key_version_fault(version: &str) -> Option<&'static str> {
    let hex = version.len() == 32 && version.bytes().all(|b| b.is_ascii_hexdigit());
    (!hex).then_some("give 32 hex digits, as the key's id ends in")
}

/// The id of a key, `https://{host}/keys/{name}` with or without `/{version}` (R-CMK-36).
///
/// Without a version a registry follows the key's newest one, with a version it stays (R-CMK-11/12). Compared
/// without regard to case (R-KV-10); the host is printed in lower case, name and version as they came.
///
/// ```
/// use cmk::azure::{cloud::Cloud, id::KeyId};
///
/// let key = KeyId::parse(&Cloud::public(), "https://Contoso.vault.azure.net:443/keys/cmk/").unwrap();
/// assert_eq!(key.to_string(), "https://contoso.vault.azure.net/keys/cmk");
/// assert!(KeyId::parse(&Cloud::china(), "https://contoso.vault.azure.net/keys/cmk").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId {
    host: VaultHost,
    name: KeyName,
    version: Option<KeyVersion>,
}

impl KeyId {
    /// Puts an id without a version together.
    pub fn new(host: VaultHost, name: KeyName) -> KeyId {
        KeyId { host, name, version: None }
    }

    /// Reads a key id whose host must be a vault or managed HSM of this cloud.
    ///
    /// One trailing slash and the port 443 are dropped. Refused with a reason are `http`, other ports, user info,
    /// query strings, secrets and certificates, missing and extra segments, and hosts of other clouds (R-CMK-36).
    pub fn parse(cloud: &Cloud, text: &str) -> Result<KeyId, InvalidId> {
        KeyId::parse_in(std::slice::from_ref(cloud), text)
    }

    fn parse_in(clouds: &[Cloud], text: &str) -> Result<KeyId, InvalidId> {
        let refuse = |way_out: &str| InvalidId::new(text, KEY_ID, "R-CMK-36", way_out);
        let wanted = "give https://{vault}.vault.azure.net/keys/{name}, with /{version} to pin one";
        if text.len() > 512 {
            return Err(refuse("give an id of at most 512 bytes"));
        }
        let Some(rest) = strip_https(text) else {
            let http = text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
            return Err(refuse(if http { "use https" } else { wanted }));
        };
        if let Some(bad) = rest.chars().find(|c| !c.is_ascii_graphic() || "?#%\\@\"<>^`{|}".contains(*c)) {
            let why = match bad {
                '?' => "take the query string off".to_owned(),
                '#' => "take the fragment off".to_owned(),
                '@' => "take the user info out".to_owned(),
                other => format!("take the character {} out", other.escape_default()),
            };
            return Err(refuse(&why));
        }
        let mut segments = rest.strip_suffix('/').unwrap_or(rest).split('/');
        let host =
            VaultHost::from_authority(clouds, segments.next().unwrap_or_default()).map_err(|why| refuse(&why))?;
        match segments.next().map(str::to_ascii_lowercase).as_deref() {
            Some("keys") => {}
            Some("secrets") => {
                return Err(refuse("this is a secret; a registry wants the id of a key, with /keys/ in it"));
            }
            Some("certificates") => {
                return Err(refuse("this is a certificate; a registry wants the id of a key, with /keys/ in it"));
            }
            Some("deletedkeys") => return Err(refuse("this is a deleted key; recover it and give its /keys/ id")),
            _ => return Err(refuse(wanted)),
        }
        let part = |e: InvalidId| InvalidId::new(text, KEY_ID, e.rule, format!("its {}: {}", e.kind, e.way_out));
        let name = segments.next().ok_or_else(|| refuse(wanted))?.parse().map_err(part)?;
        let version = segments.next().map(|version| version.parse().map_err(part)).transpose()?;
        if segments.next().is_some() {
            return Err(refuse("nothing comes after a key's version"));
        }
        Ok(KeyId { host, name, version })
    }

    /// The vault or managed HSM.
    pub fn host(&self) -> &VaultHost {
        &self.host
    }

    /// The key's name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The version, if the id pins one (R-CMK-12).
    pub fn version(&self) -> Option<&KeyVersion> {
        self.version.as_ref()
    }

    /// Whether the key lies in a managed HSM (R-CMK-10).
    pub fn is_hsm(&self) -> bool {
        self.host.is_hsm()
    }

    /// The same key without a version (R-CMK-13: rotating to it turns automatic rotation on).
    pub fn versionless(&self) -> KeyId {
        KeyId { version: None, ..self.clone() }
    }

    /// The same key pinned to a version (R-CMK-13: rotating to it turns automatic rotation off).
    pub fn with_version(&self, version: KeyVersion) -> KeyId {
        KeyId { version: Some(version), ..self.clone() }
    }

    /// Whether both are of one key, whatever their versions.
    pub fn same_key(&self, other: &KeyId) -> bool {
        self.host == other.host && self.name == other.name
    }

    /// Whether both pin the same version of one key. An id without a version is the same version as nothing.
    pub fn same_version(&self, other: &KeyId) -> bool {
        self.same_key(other) && self.version.is_some() && self.version == other.version
    }

    /// The id in lower case: what is compared.
    pub fn key(&self) -> String {
        self.to_string().to_ascii_lowercase()
    }
}

impl FromStr for KeyId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<KeyId, InvalidId> {
        KeyId::parse_in(&Cloud::all_known(), text)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}/keys/{}", self.host, self.name)?;
        match &self.version {
            Some(version) => write!(f, "/{version}"),
            None => Ok(()),
        }
    }
}

text_traits!(KeyId);

fn strip_https(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_at_checked(8)?;
    scheme.eq_ignore_ascii_case("https://").then_some(rest)
}
