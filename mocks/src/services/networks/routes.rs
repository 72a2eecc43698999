use super::{
    render,
    state::{Kind, Resource},
};
use crate::{
    http::message::{Call, Caller, Fail, Object, Reply},
    services::arm::{ArmPath, Listed, authorize, resource_not_found},
    world::World,
};
use http::Method;
use serde_json::Value;

const KINDS: &[&str] = &[
    "azureFirewalls",
    "bastionHosts",
    "networkInterfaces",
    "networkSecurityGroups",
    "privateDnsZones",
    "privateEndpoints",
    "routeTables",
    "virtualNetworks",
];

/// Reads only: what there is was put there without HTTP.
pub(super) fn handle(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let kind = KINDS.iter().find(|k| k.eq_ignore_ascii_case(path.name(0)));
    let (&Method::GET, Some(kind)) = (&call.method, kind) else { return Err(path.no_such_type(world)) };
    let lower = path.lower_parts();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    // Lists below a resource are of its own parts.
    let below = match (*kind, lower.get(2).copied()) {
        ("virtualNetworks", Some("subnets")) => "/subnets",
        ("privateDnsZones", Some("virtualnetworklinks")) => "/virtualNetworkLinks",
        ("privateDnsZones", Some("a")) => "/A",
        ("privateDnsZones", Some("all")) if lower.len() == 3 => "/ALL",
        (_, None) => "",
        _ => return Err(path.no_such_type(world)),
    };
    let action = format!("Microsoft.Network/{kind}{below}/read");
    if lower.len() == 1 {
        authorize(world, call, caller, &action, &path.scope)?;
        return list(world, call, path, kind);
    }
    if path.group.is_none() || lower.len() > 4 {
        return Err(path.no_such_type(world));
    }
    authorize(world, call, caller, &action, &path.id())?;
    path.existing_group(world)?;
    let found = world.networks.get(&path.resource_id()).ok_or_else(|| resource_not_found(path))?;
    match (lower.len(), &found.kind) {
        (2, _) => Ok(Reply::json(200, render::body(world, found))),
        (3, _) => Ok(world.paged(call, parts(world, found, below).into_iter().map(|(_, v)| v).collect())),
        _ => {
            let name = path.name(3);
            let part = parts(world, found, below).into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
            part.map(|(_, v)| Reply::json(200, v)).ok_or_else(|| resource_not_found(path))
        }
    }
}

fn list(world: &World, call: &Call, path: &ArmPath, kind: &str) -> Result<Reply, Fail> {
    if path.group.is_some() {
        path.existing_group(world)?;
    }
    let mine = world.networks.all.values().filter(|r| r.kind.name() == kind && path.holds(&r.id));
    Ok(world.paged(call, mine.map(|r| render::body(world, r)).collect()))
}

/// The parts of a resource, with their names.
fn parts(world: &World, r: &Resource, below: &str) -> Vec<(String, Value)> {
    match (&r.kind, below) {
        (Kind::Vnet(v), _) => v.subnets.iter().map(|s| (s.name.clone(), render::subnet(world, &r.id, s))).collect(),
        (Kind::Zone(z), "/virtualNetworkLinks") => {
            z.links.iter().map(|(name, vnet)| (name.clone(), render::zone_link(&r.id, name, vnet))).collect()
        }
        (Kind::Zone(z), _) => {
            let own = (below == "/ALL").then(|| ("@".to_owned(), render::own_record(r)));
            let records = z.records.iter().map(|(name, to)| (name.clone(), render::record(r, name, to)));
            own.into_iter().chain(records).collect()
        }
        _ => Vec::new(),
    }
}

impl World {
    pub(crate) fn listed_networks(&self) -> Vec<Listed> {
        let listed = |r: &Resource| Listed {
            id: r.id.clone(),
            name: r.name.clone(),
            kind: r.kind.full_name(),
            location: r.location.clone(),
            tags: Object::new(),
            sku: None,
            identity: None,
            system_data: None,
            listed_from: self.setup.now,
        };
        self.networks.all.values().map(listed).collect()
    }

    pub(super) fn delete_networks_of(&mut self, group: &str) {
        let prefix = format!("{}/", self.group_id(group).to_lowercase());
        self.networks.all.retain(|id, _| !id.starts_with(&prefix));
    }
}
