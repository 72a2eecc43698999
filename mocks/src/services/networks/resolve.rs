//! Which addresses a name comes to, from where the client stands (R-DP-23, R-DP-25).

use crate::world::{World, client_place::ClientPlace};
use std::net::{IpAddr, Ipv4Addr};

impl World {
    /// The addresses of a host as the client sees them; none if the name does not resolve. Known are the hosts of the
    /// simulator's services; addresses out on the internet are made up, and stay the same.
    pub fn resolve(&self, host: &str) -> Vec<IpAddr> {
        let host = host.trim_end_matches('.').to_lowercase();
        if let Ok(address) = host.parse::<IpAddr>() {
            return vec![address];
        }
        if let Some(said) = self.networks.names.get(&host) {
            return said.clone();
        }
        if *self.client_place() == ClientPlace::PrivateEndpoint
            && let Some(address) = self.endpoint_address(&host)
        {
            return vec![IpAddr::V4(address)];
        }
        if let ClientPlace::Subnet(subnet) = self.client_place() {
            // What has a private endpoint has an alias in the zone of private links.
            let alias = self.private_alias(&host);
            let found = [Some(host.clone()), alias].into_iter().flatten();
            if let Some(known) = found.filter_map(|n| self.networks.private_answer(subnet, &n)).next() {
                return known.into_iter().map(IpAddr::V4).collect();
            }
        }
        if self.is_public_host(&host) { vec![IpAddr::V4(made_up(&host))] } else { Vec::new() }
    }

    /// The address that some approved endpoint has for a host.
    fn endpoint_address(&self, host: &str) -> Option<Ipv4Addr> {
        let members = self.networks.endpoints().filter(|(_, e)| e.works()).flat_map(|(_, e)| &e.members);
        members.filter(|m| m.fqdn == host).find_map(|m| m.address)
    }

    /// Whether the client stands in a subnet from which a host's name leads to an approved endpoint.
    pub(crate) fn comes_privately(&self, host: &str) -> bool {
        let ClientPlace::Subnet(_) = self.client_place() else { return false };
        let found = self.resolve(host);
        let members = self.networks.endpoints().filter(|(_, e)| e.works()).flat_map(|(_, e)| &e.members);
        let mut mine = members.filter(|m| m.fqdn == host).filter_map(|m| m.address);
        mine.any(|a| found.contains(&IpAddr::V4(a)))
    }

    /// Whether somebody has made a name come to nothing.
    pub(crate) fn is_unresolvable(&self, host: &str) -> bool {
        self.networks.names.get(&host.to_lowercase()).is_some_and(Vec::is_empty)
    }

    /// The zone of private links to registries or vaults.
    pub(crate) fn private_zone(&self, vaults: bool) -> String {
        let cloud = self.setup.cloud;
        if !vaults {
            return format!("privatelink.{}", cloud.registry_suffix());
        }
        // Vaults have names of their own there: `vaultcore` for `vault`.
        let (_, rest) = cloud.vault_suffix().split_once('.').unwrap_or_default();
        format!("privatelink.vaultcore.{rest}")
    }

    /// ASSUMED: the alias is there as long as an approved connection is.
    fn private_alias(&self, host: &str) -> Option<String> {
        let mut all = self.networks.endpoints().map(|(_, e)| e).filter(|e| e.works());
        let endpoint = all.find(|e| e.members.iter().any(|m| m.fqdn == host))?;
        self.alias_of(host, endpoint.group() == "vault")
    }

    /// `contoso1.westeurope.data.azurecr.io` as `contoso1.westeurope.data.privatelink.azurecr.io`.
    fn alias_of(&self, host: &str, vault: bool) -> Option<String> {
        Some(format!("{}.{}", self.record_of(host, vault)?, self.private_zone(vault)))
    }

    /// The name of a host's record in the zone of private links.
    pub(super) fn record_of(&self, host: &str, vault: bool) -> Option<String> {
        let cloud = self.setup.cloud;
        let suffix = if vault { cloud.vault_suffix() } else { cloud.registry_suffix() };
        super::zones::within(host, suffix)
    }

    fn is_public_host(&self, host: &str) -> bool {
        let cloud = self.setup.cloud;
        let vault = |suffix: &str| {
            let name = super::zones::within(host, suffix)?;
            self.vaults.live.get(&name).filter(|v| v.dns_ready_at <= self.now)
        };
        [cloud.arm_host(), cloud.graph_host()].contains(&host)
            || cloud.is_login_host(host)
            || cloud.is_log_host(host)
            || vault(cloud.vault_suffix()).is_some()
            || super::zones::within(host, cloud.blob_suffix())
                .is_some_and(|name| self.registries.all.values().any(|r| r.has_account(&name)))
            || host.split('.').next().is_some_and(|name| {
                self.registries.all.named(name).any(|r| {
                    self.login_server(&r.name) == host || self.data_hosts(r, &r.spec).contains(&host.to_owned())
                })
            })
    }
}

/// An address of the range that is kept for examples, by the name.
fn made_up(host: &str) -> Ipv4Addr {
    let hash = host.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
    let [.., last] = hash.to_be_bytes();
    Ipv4Addr::new(198, 51, 100, last.clamp(1, 254))
}
