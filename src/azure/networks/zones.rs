//! Private DNS zones: their links and their address records.

use super::Named;
use crate::azure::{
    Kept, Reader,
    id::{ResourceId, SubscriptionId},
    resources::null_as_default,
    retry::Called,
    versions,
};
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// A private zone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PrivateZone {
    /// Its id.
    pub id: Option<String>,
    /// Its name: `privatelink.azurecr.io`, ..
    pub name: Option<String>,
}

impl PrivateZone {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> Option<ResourceId> {
        self.id.as_ref()?.parse().ok()
    }
}

/// What lets a virtual network see a zone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ZoneLink {
    /// Its name.
    pub name: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: ZoneLinkProperties,
}

/// What a link of a zone is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ZoneLinkProperties {
    /// The virtual network.
    pub virtual_network: Option<Named>,
    /// `InProgress` or `Completed`.
    pub virtual_network_link_state: Option<String>,
}

/// An address record of a zone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct AddressRecord {
    /// Its name within the zone: `contoso1`, `contoso1.westeurope.data`.
    pub name: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: AddressRecordProperties,
}

/// What an address record is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct AddressRecordProperties {
    /// How long, in seconds, it is remembered.
    pub ttl: Option<i64>,
    /// Its addresses.
    #[serde(deserialize_with = "null_as_default")]
    pub a_records: Vec<Ipv4Record>,
}

/// An address of a record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Ipv4Record {
    /// The address.
    pub ipv4_address: Option<String>,
}

impl AddressRecord {
    /// Its addresses.
    #[must_use]
    pub fn addresses(&self) -> Vec<Ipv4Addr> {
        self.properties.a_records.iter().filter_map(|a| a.ipv4_address.as_ref()?.parse().ok()).collect()
    }
}

impl Reader {
    /// The private zones of a subscription that the caller may see.
    ///
    /// <https://learn.microsoft.com/rest/api/dns/privatedns/private-zones/list>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn private_zones_in(&self, subscription: &SubscriptionId) -> Called<Vec<Kept<PrivateZone>>> {
        let path = format!("/subscriptions/{subscription}/providers/Microsoft.Network/privateDnsZones");
        self.list(&path, &[("api-version", versions::PRIVATE_DNS)]).await
    }
    /// The links of a private zone.
    ///
    /// <https://learn.microsoft.com/rest/api/dns/privatedns/virtual-network-links/list>
    ///
    /// # Errors
    /// When the call fails; also with 404 when the zone is gone.
    pub async fn zone_links(&self, zone: &ResourceId) -> Called<Vec<Kept<ZoneLink>>> {
        self.list(&format!("{zone}/virtualNetworkLinks"), &[("api-version", versions::PRIVATE_DNS)]).await
    }
    /// The address records of a private zone.
    ///
    /// <https://learn.microsoft.com/rest/api/dns/privatedns/record-sets/list-by-type>
    ///
    /// # Errors
    /// When the call fails; also with 404 when the zone is gone.
    pub async fn zone_addresses(&self, zone: &ResourceId) -> Called<Vec<Kept<AddressRecord>>> {
        self.list(&format!("{zone}/A"), &[("api-version", versions::PRIVATE_DNS)]).await
    }
}
