//! Hosts, suffixes and audiences of the clouds.

use serde::{Deserialize, Serialize};

/// Which cloud the world stands in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SimCloud {
    /// azure.com
    #[default]
    Public,
    /// Operated by 21Vianet
    China,
    /// US Government
    UsGov,
}

impl SimCloud {
    /// Its name, as the Azure CLI and the clouds' own metadata have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "AzureCloud",
            Self::China => "AzureChinaCloud",
            Self::UsGov => "AzureUSGovernment",
        }
    }

    /// Host of Azure Resource Manager.
    pub fn arm_host(self) -> &'static str {
        match self {
            Self::Public => "management.azure.com",
            Self::China => "management.chinacloudapi.cn",
            Self::UsGov => "management.usgovcloudapi.net",
        }
    }

    /// Host of the token service.
    pub fn login_host(self) -> &'static str {
        match self {
            Self::Public => "login.microsoftonline.com",
            Self::China => "login.chinacloudapi.cn",
            Self::UsGov => "login.microsoftonline.us",
        }
    }

    /// What follows a vault's name in its host.
    pub fn vault_suffix(self) -> &'static str {
        match self {
            Self::Public => "vault.azure.net",
            Self::China => "vault.azure.cn",
            Self::UsGov => "vault.usgovcloudapi.net",
        }
    }

    /// What follows a registry's name in its login server.
    pub fn registry_suffix(self) -> &'static str {
        match self {
            Self::Public => "azurecr.io",
            Self::China => "azurecr.cn",
            Self::UsGov => "azurecr.us",
        }
    }

    /// Host of Microsoft Graph.
    pub fn graph_host(self) -> &'static str {
        match self {
            Self::Public => "graph.microsoft.com",
            Self::China => "microsoftgraph.chinacloudapi.cn",
            Self::UsGov => "graph.microsoft.us",
        }
    }

    /// Host of the query API of Log Analytics; also what its tokens are for.
    pub fn log_host(self) -> &'static str {
        match self {
            Self::Public => "api.loganalytics.io",
            Self::China => "api.loganalytics.azure.cn",
            Self::UsGov => "api.loganalytics.us",
        }
    }

    /// In the public cloud there is a newer name besides.
    pub(crate) fn is_log_host(self, host: &str) -> bool {
        host == self.log_host() || (self == Self::Public && host == "api.loganalytics.azure.com")
    }

    pub(crate) fn is_log_audience(self, aud: &str) -> bool {
        aud.trim_end_matches('/').strip_prefix("https://") == Some(self.log_host())
    }

    pub(crate) fn is_graph_audience(self, aud: &str) -> bool {
        aud.trim_end_matches('/').strip_prefix("https://") == Some(self.graph_host())
            || aud == "00000003-0000-0000-c000-000000000000"
    }

    /// What follows a storage account's name in the host of its blobs: where layers are fetched from.
    pub fn blob_suffix(self) -> &'static str {
        match self {
            Self::Public => "blob.core.windows.net",
            Self::China => "blob.core.chinacloudapi.cn",
            Self::UsGov => "blob.core.usgovcloudapi.net",
        }
    }

    /// The audience of registries themselves (R-DP-06). ASSUMED to be one in all clouds.
    pub fn registry_audience(self) -> &'static str {
        "https://containerregistry.azure.net"
    }

    pub(crate) fn is_registry_audience(self, aud: &str) -> bool {
        aud.trim_end_matches('/') == self.registry_audience()
    }

    pub(crate) fn is_login_host(self, host: &str) -> bool {
        self.login_hosts().contains(&host)
    }

    /// All names of the token service.
    pub(crate) fn login_hosts(self) -> &'static [&'static str] {
        match self {
            Self::Public => &["login.microsoftonline.com", "login.windows.net"],
            Self::China => &["login.chinacloudapi.cn", "login.partner.microsoftonline.cn"],
            Self::UsGov => &["login.microsoftonline.us"],
        }
    }

    pub(crate) fn is_arm_audience(self, aud: &str) -> bool {
        let host = aud.trim_end_matches('/').strip_prefix("https://");
        host == Some(self.classic_arm_host()) || host == Some(self.arm_host())
    }

    /// The host that tokens for Resource Manager were for at first, and still may be.
    pub(crate) fn classic_arm_host(self) -> &'static str {
        match self {
            Self::Public => "management.core.windows.net",
            Self::China => "management.core.chinacloudapi.cn",
            Self::UsGov => "management.core.usgovcloudapi.net",
        }
    }

    pub(crate) fn vault_audience(self) -> String {
        format!("https://{}", self.vault_suffix())
    }

    pub(crate) fn is_vault_audience(self, aud: &str) -> bool {
        aud.trim_end_matches('/') == self.vault_audience() || aud == "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"
    }

    /// Whether a host is one of the cloud's that the simulator stands for.
    pub(crate) fn serves(self, host: &str) -> bool {
        let below = |suffix: &str| host.strip_suffix(suffix).is_some_and(|name| name.len() > 1 && name.ends_with('.'));
        [self.arm_host(), self.graph_host()].contains(&host)
            || self.is_login_host(host)
            || self.is_log_host(host)
            || [self.vault_suffix(), self.registry_suffix(), self.blob_suffix()].into_iter().any(below)
    }
}
