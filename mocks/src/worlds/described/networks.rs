//! Networks, and where clients stand in them.

use super::Text;
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::net::Ipv4Addr;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct Network {
    pub(in crate::worlds) name: Text,
    #[serde(default)]
    pub(in crate::worlds) group: Option<Text>,
    pub(in crate::worlds) range: String,
    #[serde(default)]
    pub(in crate::worlds) dns_servers: Vec<String>,
    #[serde(default)]
    pub(in crate::worlds) subnets: Vec<Subnet>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct Subnet {
    pub(in crate::worlds) name: Text,
    #[serde(default)]
    pub(in crate::worlds) range: Option<String>,
    #[serde(default)]
    pub(in crate::worlds) service_endpoints: Vec<String>,
    #[serde(default)]
    pub(in crate::worlds) security_group: Option<Text>,
    #[serde(default)]
    pub(in crate::worlds) route_table: Option<Text>,
    #[serde(default)]
    pub(in crate::worlds) delegations: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct SecurityGroup {
    pub(in crate::worlds) name: Text,
    #[serde(default)]
    pub(in crate::worlds) group: Option<Text>,
    #[serde(default)]
    pub(in crate::worlds) rules: Vec<Rule>,
}

fn anything() -> Vec<String> {
    vec!["*".into()]
}

fn any() -> String {
    "*".into()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct Rule {
    pub(in crate::worlds) name: String,
    pub(in crate::worlds) priority: u32,
    pub(in crate::worlds) allow: bool,
    #[serde(default)]
    pub(in crate::worlds) inbound: bool,
    #[serde(default = "any")]
    pub(in crate::worlds) protocol: String,
    #[serde(default = "anything")]
    pub(in crate::worlds) sources: Vec<String>,
    #[serde(default = "anything")]
    pub(in crate::worlds) destinations: Vec<String>,
    #[serde(default = "anything")]
    pub(in crate::worlds) ports: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct RouteTable {
    pub(in crate::worlds) name: Text,
    #[serde(default)]
    pub(in crate::worlds) group: Option<Text>,
    #[serde(default)]
    pub(in crate::worlds) routes: Vec<RouteEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct RouteEntry {
    pub(in crate::worlds) name: String,
    pub(in crate::worlds) range: String,
    pub(in crate::worlds) next_hop: String,
    #[serde(default)]
    pub(in crate::worlds) address: Option<Ipv4Addr>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct Firewall {
    pub(in crate::worlds) name: Text,
    #[serde(default)]
    pub(in crate::worlds) group: Option<Text>,
    pub(in crate::worlds) subnet: Text,
    #[serde(default)]
    pub(in crate::worlds) hosts: Vec<String>,
    #[serde(default)]
    pub(in crate::worlds) destinations: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct Link {
    pub(in crate::worlds) name: Text,
    #[serde(default)]
    pub(in crate::worlds) group: Option<Text>,
    pub(in crate::worlds) to: LinkTarget,
    pub(in crate::worlds) subnet: Text,
    #[serde(default)]
    pub(in crate::worlds) state: LinkState,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::worlds) enum LinkTarget {
    Registry(Text),
    Vault(Text),
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::worlds) enum LinkState {
    #[default]
    Approved,
    Pending,
    Rejected,
    Disconnected,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct Zone {
    #[serde(rename = "of")]
    pub(in crate::worlds) kind: Spanned<ZoneKind>,
    #[serde(default)]
    pub(in crate::worlds) group: Option<Text>,
    #[serde(default)]
    pub(in crate::worlds) networks: Vec<Text>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::worlds) enum ZoneKind {
    Registries,
    Vaults,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::worlds) struct Client {
    pub(in crate::worlds) address: Option<String>,
    pub(in crate::worlds) stands: Option<Standing>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::worlds) enum Standing {
    Internet,
    PrivateEndpoint,
    TrustedService,
    Task,
    Subnet(Text),
}
