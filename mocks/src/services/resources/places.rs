//! What clients read before they do anything: tenants, and where resources may be.

use crate::world::World;
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) fn tenants(world: &World) -> Value {
    let id = world.setup.tenant;
    json!({"value": [{
        "id": format!("/tenants/{id}"),
        "tenantId": id,
        "countryCode": "NL",
        "displayName": "Simulated tenant",
        "domains": ["simulated.onmicrosoft.com"],
        "tenantCategory": "Home",
        "defaultDomain": "simulated.onmicrosoft.com",
        "tenantType": "AAD",
    }]})
}

/// Some of each cloud's regions: name, name for people, geography, its group, and the region it is paired with.
/// <https://learn.microsoft.com/azure/reliability/regions-list>
type Region = (&'static str, &'static str, &'static str, &'static str, Option<&'static str>);

const PUBLIC: &[Region] = &[
    ("eastus", "East US", "United States", "US", Some("westus")),
    ("eastus2", "East US 2", "United States", "US", Some("centralus")),
    ("westus", "West US", "United States", "US", Some("eastus")),
    ("westus2", "West US 2", "United States", "US", Some("westcentralus")),
    ("westus3", "West US 3", "United States", "US", Some("eastus")),
    ("centralus", "Central US", "United States", "US", Some("eastus2")),
    ("westcentralus", "West Central US", "United States", "US", Some("westus2")),
    ("northeurope", "North Europe", "Europe", "Europe", Some("westeurope")),
    ("westeurope", "West Europe", "Europe", "Europe", Some("northeurope")),
    ("uksouth", "UK South", "United Kingdom", "Europe", Some("ukwest")),
    ("ukwest", "UK West", "United Kingdom", "Europe", Some("uksouth")),
    ("swedencentral", "Sweden Central", "Sweden", "Europe", None),
    ("southeastasia", "Southeast Asia", "Asia Pacific", "Asia Pacific", Some("eastasia")),
    ("eastasia", "East Asia", "Asia Pacific", "Asia Pacific", Some("southeastasia")),
    ("japaneast", "Japan East", "Japan", "Asia Pacific", Some("japanwest")),
    ("japanwest", "Japan West", "Japan", "Asia Pacific", Some("japaneast")),
    ("australiaeast", "Australia East", "Australia", "Asia Pacific", None),
];
const CHINA: &[Region] = &[
    ("chinaeast2", "China East 2", "China", "China", Some("chinanorth2")),
    ("chinanorth2", "China North 2", "China", "China", Some("chinaeast2")),
    ("chinaeast3", "China East 3", "China", "China", Some("chinanorth3")),
    ("chinanorth3", "China North 3", "China", "China", Some("chinaeast3")),
];
const US_GOV: &[Region] = &[
    ("usgovvirginia", "US Gov Virginia", "US Government", "US Government", Some("usgovtexas")),
    ("usgovtexas", "US Gov Texas", "US Government", "US Government", Some("usgovvirginia")),
    ("usgovarizona", "US Gov Arizona", "US Government", "US Government", Some("usgovtexas")),
];

/// The world's own region is among them, whatever it is called.
pub(super) fn locations(world: &World, subscription: Uuid) -> Value {
    let known = match world.setup.cloud {
        crate::world::cloud::SimCloud::Public => PUBLIC,
        crate::world::cloud::SimCloud::China => CHINA,
        crate::world::cloud::SimCloud::UsGov => US_GOV,
    };
    let id = |name: &str| format!("/subscriptions/{subscription}/locations/{name}");
    let mut value: Vec<Value> = known
        .iter()
        .map(|(name, shown, geography, group, pair)| {
            let paired: Vec<Value> = pair.iter().map(|name| json!({"name": name, "id": id(name)})).collect();
            json!({
                "id": id(name),
                "name": name,
                "type": "Region",
                "displayName": shown,
                "regionalDisplayName": format!("({group}) {shown}"),
                "metadata": {
                    "regionType": "Physical",
                    "regionCategory": "Recommended",
                    "geography": geography,
                    "geographyGroup": group,
                    "pairedRegion": paired,
                },
            })
        })
        .collect();
    let own = world.setup.location.as_str();
    if !known.iter().any(|(name, ..)| *name == own) {
        value.push(json!({
            "id": id(own),
            "name": own,
            "type": "Region",
            "displayName": own,
            "regionalDisplayName": own,
            "metadata": {"regionType": "Physical", "regionCategory": "Other"},
        }));
    }
    json!({"value": value})
}
