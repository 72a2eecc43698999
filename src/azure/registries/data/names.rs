//! What a registry's data plane is spoken of with: its host, repositories, digests.

use crate::azure::{
    cloud::{Cloud, HostKind},
    id::InvalidId,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{fmt, str::FromStr};
use url::Url;

/// The host of a registry, such as `contoso1.azurecr.io`, as its `loginServer` says: never built from the name
/// (R-ARM-20).
///
/// [`LoginServer::parse`] checks it against one cloud. `FromStr` and serde take any known cloud's suffix; before
/// anything is sent, the host is checked again.
///
/// ```
/// use cmk::{Cloud, azure::registries::data::LoginServer};
///
/// let server = LoginServer::parse(&Cloud::public(), "Contoso1.azurecr.io")?;
/// assert_eq!(server.as_str(), "contoso1.azurecr.io");
/// assert!(LoginServer::parse(&Cloud::public(), "contoso1.azurecr.cn").is_err());
/// # Ok::<(), cmk::azure::id::InvalidId>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LoginServer(String);

impl LoginServer {
    /// Reads a registry's host. Refuses hosts outside of the cloud (R-CMK-36), and data endpoints.
    pub fn parse(cloud: &Cloud, text: &str) -> Result<Self, InvalidId> {
        Self::parse_in(std::slice::from_ref(cloud), text)
    }

    fn parse_in(clouds: &[Cloud], text: &str) -> Result<Self, InvalidId> {
        let host = text.to_ascii_lowercase();
        let mut why = "it is the host of another service";
        for cloud in clouds {
            match cloud.kind_of_host(&host) {
                Ok(HostKind::Registry) if host.ends_with(&format!(".data.{}", cloud.registry_suffix())) => {
                    why = "it is a data endpoint: give the registry's own host";
                }
                Ok(HostKind::Registry) => return Ok(Self(host)),
                Ok(_) => {}
                Err(found) => why = found,
            }
        }
        let elsewhere = Cloud::all_known().into_iter().find(|c| c.kind_of_host(&host) == Ok(HostKind::Registry));
        let way_out = match elsewhere.filter(|other| clouds.iter().all(|cloud| cloud.name() != other.name())) {
            Some(other) => format!("it is of another cloud, {0}: choose that one (`--cloud {0}`)", other.name()),
            None => why.to_owned(),
        };
        Err(InvalidId::new(text, "login server", "R-CMK-36", way_out))
    }

    /// The host, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the host.
    pub(super) fn is(&self, host: &str) -> bool {
        self.0.eq_ignore_ascii_case(host)
    }

    /// Whether this is the host of one of the registry's data endpoints, `{reg}.{region}.data.{suffix}` (R-DP-23).
    pub(super) fn has_data_host(&self, host: &str) -> bool {
        let Some((label, suffix)) = self.0.split_once('.') else { return false };
        let host = host.to_ascii_lowercase();
        let region = host.strip_prefix(label).and_then(|rest| rest.strip_prefix('.'));
        region.and_then(|rest| rest.strip_suffix(&format!(".data.{suffix}"))).is_some_and(|r| !r.contains('.'))
    }

    /// A URL of it. The path is built from parsed names only.
    pub(super) fn url(&self, path: &str) -> Result<Url, url::ParseError> {
        Url::parse(&format!("https://{}{path}", self.0))
    }
}

impl fmt::Display for LoginServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for LoginServer {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::parse_in(&Cloud::all_known(), text)
    }
}

/// A repository of a registry: `shop/web`. In lower case always, as anything else is refused without saying why
/// (R-DP-25).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Repository(String);

impl Repository {
    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Repository {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let part = |part: &str| {
            part.starts_with(word) && part.ends_with(word) && part.chars().all(|c| word(c) || "._-".contains(c))
        };
        // Two dots in a row would be a way up in a path.
        if text.len() <= 255 && text.split('/').all(part) && !text.contains("..") {
            return Ok(Self(text.to_owned()));
        }
        let way_out = "give a repository such as shop/web, in lower case";
        Err(InvalidId::new(text, "repository", "R-DP-25", way_out))
    }
}

/// What content is known by: `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    /// The digest of some content.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        let hex: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("sha256:{hex}"))
    }
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Digest {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let hex = text.strip_prefix("sha256:").filter(|hex| hex.len() == 64);
        if hex.is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidId::new(text, "digest", "own", "give sha256: and 64 hexadecimal digits"))
    }
}

macro_rules! texts {
    ($($name:ident),+) => { $(
        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    )+ };
}

texts!(LoginServer, Repository, Digest);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_strictly() {
        for good in ["cmk-probe", "shop/web", "a", "a.b_c-d/e"] {
            assert!(good.parse::<Repository>().is_ok(), "{good}");
        }
        for bad in ["", "Shop", "/a", "a/", "a//b", "../a", "a..b", "-a", "a b", "a?x", "a%2e", "a:b"] {
            assert!(bad.parse::<Repository>().is_err(), "{bad}");
        }
        assert_eq!(
            Digest::of(b"{}").as_str(),
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        assert!(Digest::of(b"").as_str().parse::<Digest>().is_ok());
        for bad in ["sha256:abc", "sha512:00", &Digest::of(b"").as_str().to_uppercase()] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }

    #[test]
    fn r_dp_23_a_login_server_knows_its_data_endpoints() {
        let server: LoginServer = "contoso1.azurecr.io".parse().expect("a host");
        assert!(server.has_data_host("contoso1.westeurope.data.azurecr.io"));
        let others =
            ["contoso2.westeurope.data.azurecr.io", "contoso1.azurecr.io", "contoso1.westeurope.data.azurecr.cn"];
        for other in others {
            assert!(!server.has_data_host(other), "{other}");
        }
        for bad in ["contoso1.westeurope.data.azurecr.io", "contoso1.vault.azure.net", "azurecr.io", "contoso1"] {
            assert!(bad.parse::<LoginServer>().is_err(), "{bad}");
        }
    }
}
