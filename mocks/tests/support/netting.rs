//! A network to look at, shared by the tests of what a diagnosis reads.

use super::client::{ACR, Client};
use cmk_mocks::{ClientPlace, ConnectionState};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};

pub(crate) const NET: &str = "2024-05-01";
pub(crate) const DNS: &str = "2020-06-01";

/// A registry with a private endpoint in a virtual network, and the zone that belongs to it.
pub(crate) struct Stage {
    pub(crate) c: Client,
    pub(crate) registry: String,
    pub(crate) vnet: String,
    pub(crate) subnet: String,
    pub(crate) endpoint: String,
    pub(crate) zone: String,
}

pub(crate) fn stage() -> Stage {
    let mut c = Client::instant();
    let registry = c.world.seed_registry("rg", "contoso1", "Premium");
    let vnet = c.world.seed_vnet("rg", "vnet1", "10.1.0.0/16");
    let subnet = c.world.seed_subnet(&vnet, "endpoints", &[]);
    let endpoint = c.world.seed_private_endpoint("rg", "pe1", &registry, &subnet, ConnectionState::Approved);
    let zone = c.world.seed_private_dns_zone("rg", &[&vnet]);
    c.world.mutate_client_place(ClientPlace::Subnet(subnet.clone()));
    Stage { c, registry, vnet, subnet, endpoint, zone }
}

impl Stage {
    pub(crate) fn get(&mut self, id: &str, api: &str) -> Value {
        let a = self.c.arm("GET", id, api, None);
        assert_eq!(a.status, 200, "{id}: {}", a.body);
        a.body
    }

    pub(crate) fn add_replica(&mut self, region: &str) -> String {
        let id = format!("{}/replications/{region}", self.registry);
        let a = self.c.arm("PUT", &id, ACR, Some(json!({"location": region})));
        assert_eq!((a.status, a.text("/properties/provisioningState")), (201, "Creating"));
        let done = self.c.finish(&a);
        done.text("/status").to_owned()
    }
}

pub(crate) fn ip(last: u8) -> Vec<IpAddr> {
    vec![IpAddr::V4(Ipv4Addr::new(10, 1, 0, last))]
}

pub(crate) fn is_private(found: &[IpAddr]) -> bool {
    matches!(found, [IpAddr::V4(a)] if a.is_private())
}

pub(crate) fn at<'a>(v: &'a Value, pointer: &str) -> &'a str {
    v.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn names(list: &Value) -> Vec<&str> {
    list["value"].as_array().unwrap().iter().map(|v| at(v, "/name")).collect()
}
