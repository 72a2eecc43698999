//! The clouds: where ARM, the authority, vaults and registries live, and which hosts may be sent a token.
//!
//! `azure_core` knows the authority of each cloud and nothing else; the suffixes are ours to keep (R-CMK-36).

use serde::{Deserialize, Serialize};
use url::Url;

use super::id::{InvalidId, vault_label_fault};

/// One Azure cloud: its endpoints, suffixes and token scopes.
///
/// Serialised as its name if it is a known one, else as its whole [`Endpoints`] table.
///
/// ```
/// use cmk::azure::cloud::{Cloud, HostKind};
///
/// let cloud = Cloud::public();
/// let url = "https://contoso.vault.azure.net/keys/k".parse().unwrap();
/// assert_eq!(cloud.allows(&url), Ok(HostKind::Vault));
/// let url = "https://contoso.vault.azure.net.evil.example/keys/k".parse().unwrap();
/// assert!(cloud.allows(&url).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Cloud {
    known: bool,
    table: Endpoints,
    graph_scope: Option<String>,
    logs_scope: Option<String>,
}

/// The table of a cloud, given in full for a custom one. Endpoints are `https://host`, suffixes are bare
/// (`vault.azure.net`), scopes end in `/.default`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// What to call the cloud.
    pub name: String,
    /// Endpoint of Azure Resource Manager, e.g. `https://management.azure.com`.
    pub arm: String,
    /// Token scope of Azure Resource Manager, e.g. `https://management.azure.com/.default`.
    pub arm_scope: String,
    /// Endpoint that gives tokens, e.g. `https://login.microsoftonline.com`.
    pub authority: String,
    /// Suffix of vault hosts, e.g. `vault.azure.net`.
    pub vault_suffix: String,
    /// Token scope of vaults, e.g. `https://vault.azure.net/.default`.
    pub vault_scope: String,
    /// Suffix of managed HSM hosts, e.g. `managedhsm.azure.net`.
    pub hsm_suffix: String,
    /// Token scope of managed HSMs, e.g. `https://managedhsm.azure.net/.default`.
    pub hsm_scope: String,
    /// Suffix of registry login servers, e.g. `azurecr.io`.
    pub registry_suffix: String,
    /// Token scope of the registry data plane, e.g. `https://containerregistry.azure.net/.default` (R-DP-06).
    pub registry_scope: String,
    /// Endpoint of Microsoft Graph, e.g. `https://graph.microsoft.com`. Without it nothing is asked of the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<String>,
    /// Endpoint of the query API of Log Analytics, e.g. `https://api.loganalytics.io`. Without it no logs are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<String>,
    /// Suffix of the storage hosts that registries send a layer's reader on to, e.g. `blob.core.windows.net`. Without
    /// it such a redirect is not followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob_suffix: Option<String>,
}

/// What kind of service answers at a host that [`Cloud::allows`]. [`Cloud::scope`] tells which token may go there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostKind {
    /// Azure Resource Manager.
    Arm,
    /// The Entra authority: it gives tokens and is never sent one.
    Authority,
    /// The data plane of a key vault.
    Vault,
    /// The data plane of a managed HSM.
    Hsm,
    /// The data plane of a registry, its dedicated data endpoints included.
    Registry,
    /// Microsoft Graph, the directory.
    Graph,
    /// The query API of Log Analytics.
    Logs,
    /// Storage that holds a registry's layers: its URLs are signed, and it is never sent a token.
    Blob,
}

/// A URL that no token of ours may be sent to. The message names the host only: path and query may carry signatures.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing is sent to host '{host}': {why}")]
pub struct ForeignHost {
    /// The host met, escaped and cut.
    pub host: String,
    /// What is wrong with it, with the cloud whose table was asked.
    pub why: String,
}

impl ForeignHost {
    /// A host of the cloud that must not be sent a token all the same.
    pub(crate) fn token_not_for(url: &Url, kind: HostKind) -> ForeignHost {
        let why = match kind {
            HostKind::Authority => "the authority gives tokens and is never sent one",
            HostKind::Registry => "a registry is sent only what it gave out itself (R-DP-02, R-DP-03)",
            HostKind::Blob => "the URLs of layers are signed, and their host is never sent a token",
            HostKind::Arm | HostKind::Vault | HostKind::Hsm | HostKind::Graph | HostKind::Logs => {
                "it is not sent this token"
            }
        };
        ForeignHost { host: InvalidId::shown(url.host_str().unwrap_or_default()), why: why.to_owned() }
    }
}

impl Cloud {
    /// The public cloud, `AzureCloud`.
    pub fn public() -> Cloud {
        Cloud::known(
            "public",
            "management.azure.com",
            "login.microsoftonline.com",
            ["vault.azure.net", "managedhsm.azure.net", "azurecr.io"],
            ["graph.microsoft.com", "api.loganalytics.io", "blob.core.windows.net"],
        )
    }

    /// Azure operated by 21Vianet, `AzureChinaCloud`.
    pub fn china() -> Cloud {
        Cloud::known(
            "china",
            "management.chinacloudapi.cn",
            "login.chinacloudapi.cn",
            ["vault.azure.cn", "managedhsm.azure.cn", "azurecr.cn"],
            ["microsoftgraph.chinacloudapi.cn", "api.loganalytics.azure.cn", "blob.core.chinacloudapi.cn"],
        )
    }

    /// Azure for US Government, `AzureUSGovernment`.
    pub fn us_gov() -> Cloud {
        Cloud::known(
            "usgov",
            "management.usgovcloudapi.net",
            "login.microsoftonline.us",
            ["vault.usgovcloudapi.net", "managedhsm.usgovcloudapi.net", "azurecr.us"],
            ["graph.microsoft.us", "api.loganalytics.us", "blob.core.usgovcloudapi.net"],
        )
    }

    /// A cloud of one's own table. Refused if an endpoint or scope is not a plain `https` one, or if a suffix is
    /// not a host name of at least two labels (R-CMK-36).
    ///
    /// Plans can be made on it; runs are refused, as ids in a journal are checked against the known clouds.
    pub fn custom(endpoints: Endpoints) -> Result<Cloud, InvalidId> {
        if [Cloud::public(), Cloud::china(), Cloud::us_gov()].iter().any(|k| k.table.name == endpoints.name) {
            return Err(invalid(&endpoints.name, "pick a name that no known cloud has"));
        }
        if endpoints.name.is_empty() || endpoints.name.len() > 64 || endpoints.name.chars().any(char::is_control) {
            return Err(invalid(&endpoints.name, "give the cloud a name of 1 to 64 printable characters"));
        }
        let mut table = endpoints;
        let optional = [&mut table.graph, &mut table.logs].into_iter().flatten();
        for endpoint in [&mut table.arm, &mut table.authority].into_iter().chain(optional) {
            let parsed = Url::parse(endpoint).ok().filter(|url| is_bare_https(url) && url.path() == "/");
            let host = parsed.as_ref().and_then(Url::host_str).filter(|host| is_dns_name(host));
            match host {
                Some(host) => *endpoint = format!("https://{host}"),
                None => return Err(invalid(endpoint, "give an endpoint as https://host, without path, port or user")),
            }
        }
        for scope in [&table.arm_scope, &table.vault_scope, &table.hsm_scope, &table.registry_scope] {
            let parsed = Url::parse(scope).ok().filter(is_bare_https);
            if parsed.is_none() || !scope.ends_with("/.default") || !scope.is_ascii() {
                return Err(invalid(scope, "give a scope as https://host/.default"));
            }
        }
        let mut seen = Vec::new();
        let suffixes = [&mut table.vault_suffix, &mut table.hsm_suffix, &mut table.registry_suffix];
        for suffix in suffixes.into_iter().chain(&mut table.blob_suffix) {
            suffix.make_ascii_lowercase();
            if !is_dns_name(suffix) || !suffix.contains('.') {
                return Err(invalid(suffix, "give a suffix as a bare host name such as vault.azure.net"));
            }
            if seen.contains(suffix) {
                return Err(invalid(suffix, "give vaults, managed HSMs, registries and blobs a suffix each"));
            }
            seen.push(suffix.clone());
        }
        Ok(Cloud::of(false, table))
    }

    /// A known cloud by its short name or by the name the Azure CLI gives it, in any case: `public`, `AzureCloud`,
    /// `china`, `AzureChinaCloud`, `usgov`, `AzureUSGovernment`.
    pub fn by_name(name: &str) -> Result<Cloud, InvalidId> {
        match name.to_ascii_lowercase().as_str() {
            "public" | "azurecloud" => Ok(Cloud::public()),
            "china" | "azurechinacloud" => Ok(Cloud::china()),
            "usgov" | "azureusgovernment" => Ok(Cloud::us_gov()),
            _ => Err(invalid(name, "use public, china or usgov, or give a custom cloud's whole table")),
        }
    }

    /// The known clouds, public first.
    pub fn all_known() -> [Cloud; 3] {
        [Cloud::public(), Cloud::china(), Cloud::us_gov()]
    }

    fn known(
        name: &str,
        arm: &str,
        authority: &str,
        [vault, hsm, registry]: [&str; 3],
        [graph, logs, blob]: [&str; 3],
    ) -> Cloud {
        Cloud::of(
            true,
            Endpoints {
                name: name.to_owned(),
                arm: format!("https://{arm}"),
                arm_scope: format!("https://{arm}/.default"),
                authority: format!("https://{authority}"),
                vault_suffix: vault.to_owned(),
                vault_scope: format!("https://{vault}/.default"),
                hsm_suffix: hsm.to_owned(),
                hsm_scope: format!("https://{hsm}/.default"),
                registry_suffix: registry.to_owned(),
                // The audience of the registry data plane is one for all clouds.
                registry_scope: "https://containerregistry.azure.net/.default".to_owned(),
                graph: Some(format!("https://{graph}")),
                logs: Some(format!("https://{logs}")),
                blob_suffix: Some(blob.to_owned()),
            },
        )
    }

    fn of(known: bool, table: Endpoints) -> Cloud {
        let scope = |endpoint: &Option<String>| endpoint.as_ref().map(|endpoint| format!("{endpoint}/.default"));
        Cloud { known, graph_scope: scope(&table.graph), logs_scope: scope(&table.logs), table }
    }

    /// `public`, `china`, `usgov`, or the name of a custom cloud.
    pub fn name(&self) -> &str {
        &self.table.name
    }

    /// Whether this is one of the three known clouds.
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// The whole table.
    pub fn endpoints(&self) -> &Endpoints {
        &self.table
    }

    /// Endpoint of Azure Resource Manager without a trailing slash: `https://management.azure.com`.
    pub fn arm_endpoint(&self) -> &str {
        &self.table.arm
    }

    /// Host of Azure Resource Manager: `management.azure.com`.
    pub fn arm_host(&self) -> &str {
        host_of(&self.table.arm)
    }

    /// Token scope of Azure Resource Manager: `https://management.azure.com/.default`.
    pub fn arm_scope(&self) -> &str {
        &self.table.arm_scope
    }

    /// Audience of Azure Resource Manager, which is its scope without `/.default`.
    pub fn arm_audience(&self) -> &str {
        audience_of(&self.table.arm_scope)
    }

    /// Endpoint that gives tokens, without a trailing slash: `https://login.microsoftonline.com`.
    pub fn authority_endpoint(&self) -> &str {
        &self.table.authority
    }

    /// Host that gives tokens: `login.microsoftonline.com`.
    pub fn authority_host(&self) -> &str {
        host_of(&self.table.authority)
    }

    /// Suffix of vault hosts: `vault.azure.net`.
    pub fn vault_suffix(&self) -> &str {
        &self.table.vault_suffix
    }

    /// Token scope of vaults: `https://vault.azure.net/.default`.
    pub fn vault_scope(&self) -> &str {
        &self.table.vault_scope
    }

    /// Audience of vaults, as their 401 challenge names it (R-KV-41): `https://vault.azure.net`.
    pub fn vault_audience(&self) -> &str {
        audience_of(&self.table.vault_scope)
    }

    /// Suffix of managed HSM hosts: `managedhsm.azure.net` (R-CMK-10).
    pub fn hsm_suffix(&self) -> &str {
        &self.table.hsm_suffix
    }

    /// Token scope of managed HSMs: `https://managedhsm.azure.net/.default`.
    pub fn hsm_scope(&self) -> &str {
        &self.table.hsm_scope
    }

    /// Suffix of registry login servers: `azurecr.io`. Read a registry's `loginServer`, never build it (R-ARM-20).
    pub fn registry_suffix(&self) -> &str {
        &self.table.registry_suffix
    }

    /// Suffix of the storage hosts that registries send a layer's reader on to, if it is known.
    pub fn blob_suffix(&self) -> Option<&str> {
        self.table.blob_suffix.as_deref()
    }

    /// Token scope of the registry data plane (R-DP-06).
    pub fn registry_scope(&self) -> &str {
        &self.table.registry_scope
    }

    /// Endpoint of Microsoft Graph without a trailing slash: `https://graph.microsoft.com`.
    pub fn graph_endpoint(&self) -> Option<&str> {
        self.table.graph.as_deref()
    }

    /// Endpoint of the query API of Log Analytics without a trailing slash: `https://api.loganalytics.io`.
    pub fn logs_endpoint(&self) -> Option<&str> {
        self.table.logs.as_deref()
    }

    /// The scope of the tokens for a host of this kind; none for the authority, for blobs, and for what the cloud's
    /// table does not have. A registry takes its tokens in one place only, where they are exchanged (R-DP-02).
    pub fn scope(&self, kind: HostKind) -> Option<&str> {
        match kind {
            HostKind::Arm => Some(self.arm_scope()),
            HostKind::Authority => None,
            HostKind::Vault => Some(self.vault_scope()),
            HostKind::Hsm => Some(self.hsm_scope()),
            HostKind::Registry => Some(self.registry_scope()),
            HostKind::Graph => self.graph_scope.as_deref(),
            HostKind::Logs => self.logs_scope.as_deref(),
            HostKind::Blob => None,
        }
    }

    /// Whether a request, and with it a token, may be sent to this URL, and to what kind of service it goes.
    ///
    /// Allowed are `https` URLs without user info, on the default port, whose host is the endpoint of ARM, Graph or
    /// Log Analytics, the authority, one plain label below the suffix of vaults, managed HSMs, registries or blobs, or
    /// a registry's data endpoint, `registry.region.data` below the registries' suffix (R-CMK-36, R-DP-23).
    pub fn allows(&self, url: &Url) -> Result<HostKind, ForeignHost> {
        let host = url.host_str().unwrap_or_default();
        let refuse = |why| {
            Err(ForeignHost { host: InvalidId::shown(host), why: format!("in the {} cloud, {why}", self.name()) })
        };
        if url.scheme() != "https" {
            return refuse("only https is spoken");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("the URL carries user info");
        }
        if url.port_or_known_default() != Some(443) {
            return refuse("the port is not 443");
        }
        match self.kind_of_host(host) {
            Ok(kind) => Ok(kind),
            Err(why) => refuse(why),
        }
    }

    /// The kind of a bare host name, in any case; says why if it is none of this cloud's.
    pub(crate) fn kind_of_host(&self, host: &str) -> Result<HostKind, &'static str> {
        let host = host.to_ascii_lowercase();
        if host.ends_with('.') {
            return Err("the host ends in a dot");
        }
        if host == self.arm_host() {
            return Ok(HostKind::Arm);
        }
        if host == self.authority_host() {
            return Ok(HostKind::Authority);
        }
        for (endpoint, kind) in [(self.graph_endpoint(), HostKind::Graph), (self.logs_endpoint(), HostKind::Logs)] {
            if endpoint.is_some_and(|endpoint| host == host_of(endpoint)) {
                return Ok(kind);
            }
        }
        let below = |suffix: &str| host.strip_suffix(suffix).and_then(|rest| rest.strip_suffix('.')).map(str::to_owned);
        for (suffix, kind) in [(self.vault_suffix(), HostKind::Vault), (self.hsm_suffix(), HostKind::Hsm)] {
            if let Some(label) = below(suffix) {
                return match vault_label_fault(&label) {
                    None => Ok(kind),
                    Some(_) => Err("what stands before the suffix is no vault name (R-KV-01)"),
                };
            }
        }
        if let Some(account) = self.table.blob_suffix.as_deref().and_then(below) {
            let plain = account.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
            return match (3..=24).contains(&account.len()) && plain {
                true => Ok(HostKind::Blob),
                false => Err("what stands before the suffix is no storage account"),
            };
        }
        let Some(labels) = below(self.registry_suffix()) else {
            return Err("it is below none of the cloud's suffixes");
        };
        let (registry, region) = match labels.strip_suffix(".data").and_then(|rest| rest.split_once('.')) {
            Some((registry, region)) => (registry, Some(region)),
            None => (labels.as_str(), None),
        };
        let plain_region = region.is_none_or(|r| r.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        // A label made with a name scope is `name-hash` (R-ARM-20); "--" would let punycode through.
        if is_label(registry) && registry.len() >= 5 && !registry.contains("--") && plain_region && region != Some("") {
            Ok(HostKind::Registry)
        } else {
            Err("what stands before the suffix is no registry label (R-ARM-20)")
        }
    }
}

/// How a cloud is written: a name, or a table.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Name(String),
    Table(Box<Endpoints>),
}

impl TryFrom<Written> for Cloud {
    type Error = InvalidId;

    fn try_from(written: Written) -> Result<Cloud, InvalidId> {
        match written {
            Written::Name(name) => Cloud::by_name(&name),
            Written::Table(table) => Cloud::custom(*table),
        }
    }
}

impl From<Cloud> for Written {
    fn from(cloud: Cloud) -> Written {
        if cloud.known { Written::Name(cloud.table.name) } else { Written::Table(Box::new(cloud.table)) }
    }
}

fn invalid(value: &str, way_out: &str) -> InvalidId {
    InvalidId::new(value, "cloud", "R-CMK-36", way_out)
}

fn host_of(endpoint: &str) -> &str {
    endpoint.strip_prefix("https://").unwrap_or(endpoint)
}

fn audience_of(scope: &str) -> &str {
    scope.strip_suffix("/.default").unwrap_or(scope)
}

fn is_bare_https(url: &Url) -> bool {
    url.scheme() == "https"
        && url.username().is_empty()
        && url.password().is_none()
        && url.port().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
}

/// A DNS label of lower-case letters, digits and inner hyphens.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Labels joined by dots of which the last is no number, so that no IP address passes.
fn is_dns_name(host: &str) -> bool {
    host.len() <= 253
        && host.split('.').all(is_label)
        && !host.split('.').next_back().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()))
}
