//! What troubles are made of.

use super::{Made, Place};
use crate::{
    services::{directory::PrincipalKind, private_link::ConnectionState, roles},
    world::{World, client_place::ClientPlace, clock::Moment as _},
};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

pub(super) const HOUR: Duration = Duration::from_secs(3600);
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);
/// The service that a registry's network rules are about.
pub(super) const SERVICE: &str = "Microsoft.ContainerRegistry";
/// An address that no rule names.
const ELSEWHERE: &str = "198.51.100.77";

/// A world, and the place in it where something goes wrong.
#[derive(Debug)]
pub struct Scene<'w> {
    /// The world.
    pub world: &'w mut World,
    /// The place.
    pub place: &'w Place,
    pub(super) made: Made,
}

impl<'w> Scene<'w> {
    /// Before anything went wrong.
    pub fn new(world: &'w mut World, place: &'w Place) -> Self {
        Self { world, place, made: Made::new() }
    }

    /// Lets time pass.
    pub fn pass(&mut self, time: Duration) {
        let later = self.world.now().after(time);
        self.world.advance(later);
    }

    /// Sets a plain property of the registry.
    pub fn property(&mut self, name: &str, value: Value) {
        self.world.mutate_registry_property(&self.place.registry, name, value);
    }

    /// The id of something of a network in the registry's group.
    pub fn network_id(&self, kind: &str, name: &str) -> String {
        format!("{}/providers/Microsoft.Network/{kind}/{name}", self.world.group_id(&self.place.group))
    }

    /// The id of the private zone of registries.
    pub fn zone(&self) -> String {
        self.network_id("privateDnsZones", &self.world.private_zone(false))
    }

    /// The id of the virtual network of the registry's own, there or not.
    pub fn vnet(&self) -> String {
        self.network_id("virtualNetworks", &format!("vnet-{}", self.place.name))
    }

    /// The id of the private endpoint to the registry, there or not.
    pub fn endpoint(&self) -> String {
        self.network_id("privateEndpoints", &format!("pe-{}", self.place.name))
    }

    /// A virtual network of the registry's own, with the subnets `endpoints` and, let near by service endpoint,
    /// `machines`; it may be there. Returns its id.
    pub fn network(&mut self) -> String {
        let vnet = self.vnet();
        if self.world.service_endpoints(&format!("{vnet}/subnets/machines")).is_empty() {
            let made = self.world.seed_vnet(&self.place.group, &format!("vnet-{}", self.place.name), "10.1.0.0/16");
            self.world.seed_subnet(&made, "endpoints", &[]);
            self.world.seed_subnet(&made, "machines", &[SERVICE]);
        }
        vnet
    }

    /// The registry is closed to all but the client's address, and to a subnet besides, and those let in already.
    pub fn closed(&mut self, subnet: Option<&str>) {
        let registry = &self.place.registry;
        let mut subnets = self.world.registry_subnets(registry);
        subnets.extend(subnet.map(str::to_owned));
        let subnets: Vec<&str> = subnets.iter().map(String::as_str).collect();
        let rules = self.world.registry(registry).and_then(|r| r.properties.get("networkRuleSet").cloned());
        let closed = rules.as_ref().is_some_and(|r| r.get("defaultAction") == Some(&json!("Deny")));
        let known = rules.as_ref().and_then(|r| r.get("ipRules")?.as_array()).filter(|_| closed);
        let known: Option<Vec<String>> =
            known.map(|all| all.iter().filter_map(|r| Some(r.get("value")?.as_str()?.to_owned())).collect());
        let addresses = known.unwrap_or_else(|| vec![self.world.client_address().to_owned()]);
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        self.world.mutate_registry_firewall(registry, true, &addresses, &subnets);
    }

    /// Closed to all but a private endpoint, with all that belongs to it; the client stands in its network.
    pub fn private(&mut self) {
        self.closed(None);
        if self.world.private_endpoint(&self.endpoint()).is_some() {
            return;
        }
        let vnet = self.network();
        let subnet = format!("{vnet}/subnets/endpoints");
        let (group, name) = (&self.place.group, format!("pe-{}", self.place.name));
        self.world.seed_private_endpoint(group, &name, &self.place.registry, &subnet, ConnectionState::Approved);
        self.world.seed_private_dns_zone(group, &[&vnet]);
        self.world.mutate_client_place(ClientPlace::Subnet(format!("{vnet}/subnets/machines")));
    }

    /// Closed, and a subnet more is let in; returns its id.
    pub(super) fn let_in(&mut self, name: &str, services: &[&str]) -> String {
        let vnet = self.network();
        let subnet = self.world.seed_subnet(&vnet, name, services);
        self.closed(Some(&subnet));
        subnet
    }

    /// The registry's public endpoint does not answer.
    pub fn no_public_access(&mut self) {
        self.property("publicNetworkAccess", json!("Disabled"));
    }

    /// The client stands out on the internet, where no rule knows it.
    pub fn outside(&mut self) {
        self.world.mutate_client_place(ClientPlace::Internet);
        self.world.mutate_client_address(ELSEWHERE);
    }

    /// Remembers what was made, to be asked about or to ask.
    pub(super) fn made(&mut self, what: &str, id: impl ToString) {
        self.made.insert(what.to_owned(), id.to_string());
    }

    /// The registry goes by roles on repositories.
    pub(super) fn by_repository(&mut self) {
        self.property("roleAssignmentMode", json!("AbacRepositoryPermissions"));
    }

    /// An application, with a role at the registry for long.
    pub(super) fn app_with(&mut self, role: Option<Uuid>) -> Uuid {
        let app = self.world.seed_application("ci", None).principal_id;
        let long_ago = self.world.now().before(DAY);
        if let Some(role) = role {
            self.world.set_role(app, role, &self.place.registry, long_ago);
        }
        self.made("principal", app);
        app
    }

    /// Somebody who may look at everything, and has no other right.
    pub(super) fn reader(&mut self) -> Uuid {
        let who = self.world.add_principal(PrincipalKind::User, "dev").object_id;
        let long_ago = self.world.now().before(DAY);
        let subscription = self.place.registry.split('/').take(3).collect::<Vec<_>>().join("/");
        for role in [roles::READER, roles::KEY_VAULT_CRYPTO_OFFICER] {
            self.world.set_role(who, role, &subscription, long_ago);
        }
        self.made("caller", who);
        who
    }
}
