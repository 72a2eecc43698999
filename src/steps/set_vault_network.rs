use super::needed::Looked;
use crate::{
    azure::{
        Cloud, Reader, Writer,
        id::{RegistryId, SubscriptionId, VaultId},
        vaults::{NetworkAction, NetworkBypass, NetworkRules},
    },
    checks::Needed,
    engine::{
        error::{Error, Refusal, Result},
        journal::journaled,
        step::{Applied, Foreseen, Known, Me, Needs, Requirement, Rollback, Seen, Step, Undo},
    },
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What is to change of a vault's network rules; what is not said stays (R-KV-40).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct NetworkChange {
    /// Whether trusted services, ACR among them, pass the firewall (R-CMK-38).
    pub trusted_services: Option<bool>,
    /// What becomes of whom no rule names.
    pub default_action: Option<NetworkAction>,
    /// Whether the public endpoint answers at all; trusted services pass even if it does not (R-CMK-39).
    pub public_access: Option<bool>,
    /// IPv4 addresses or ranges (`203.0.113.0/24`) to let in.
    pub allow_ip: Vec<String>,
    /// Addresses or ranges whose rule is taken away.
    pub forget_ip: Vec<String>,
    /// Subnets, by resource id, to let in.
    pub allow_subnet: Vec<String>,
    /// Subnets whose rule is taken away.
    pub forget_subnet: Vec<String>,
}

impl NetworkChange {
    /// Whether nothing is to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The rules with the change: pure. All that is there and not named stays, in its order and spelling.
    #[must_use]
    pub fn on(&self, before: &NetworkRules) -> NetworkRules {
        let mut after = before.clone();
        if let Some(trusted) = self.trusted_services {
            after.bypass = if trusted { NetworkBypass::AzureServices } else { NetworkBypass::None };
        }
        if let Some(action) = self.default_action {
            after.default_action = action;
        }
        if let Some(public) = self.public_access {
            after.public_access = public;
        }
        edit(&mut after.ip, &self.allow_ip, &self.forget_ip, address);
        edit(&mut after.subnets, &self.allow_subnet, &self.forget_subnet, subnet);
        after
    }

    /// What cannot be right in the change itself.
    #[must_use]
    pub fn refusals(&self) -> Vec<Refusal> {
        let mut why = Vec::new();
        for ip in self.allow_ip.iter().chain(&self.forget_ip) {
            if !is_ipv4(ip) {
                why.push(Refusal::new(
                    format!("'{}' is no IPv4 address or range", ip.escape_debug()),
                    "R-KV-40",
                    "give an address such as 203.0.113.7 or a range such as 203.0.113.0/24",
                ));
            }
        }
        for id in self.allow_subnet.iter().chain(&self.forget_subnet) {
            let is_subnet = id.parse::<crate::azure::id::ResourceId>().is_ok_and(|id| {
                id.resource_type().is_some_and(|t| t.eq_ignore_ascii_case("Microsoft.Network/virtualNetworks/subnets"))
            });
            if !is_subnet {
                why.push(Refusal::new(
                    format!("'{}' is no subnet's resource id", id.escape_debug()),
                    "R-KV-40",
                    "give /subscriptions/../virtualNetworks/NAME/subnets/NAME",
                ));
            }
        }
        why
    }
}

/// `203.0.113.7` and `203.0.113.7/32` are one address.
pub(super) fn address(text: &str) -> String {
    text.trim().trim_end_matches("/32").to_owned()
}

fn subnet(text: &str) -> String {
    text.trim_end_matches('/').to_lowercase()
}

/// Whether two blocks let the same in: the service spells addresses its own way.
pub(crate) fn same(a: &NetworkRules, b: &NetworkRules) -> bool {
    let sorted = |all: &[String], key: fn(&str) -> String| {
        let mut all: Vec<_> = all.iter().map(|one| key(one)).collect();
        all.sort_unstable();
        all
    };
    let let_in = |r: &NetworkRules| (sorted(&r.ip, address), sorted(&r.subnets, subnet));
    (a.default_action, a.bypass, a.public_access) == (b.default_action, b.bypass, b.public_access)
        && let_in(a) == let_in(b)
}

/// Whether a registry gets at the vault's keys: as a trusted service, or as anybody does (R-CMK-38, R-CMK-39).
fn lets_registries_through(rules: &NetworkRules) -> bool {
    rules.bypass == NetworkBypass::AzureServices || rules.default_action == NetworkAction::Allow && rules.public_access
}

pub(super) fn is_ipv4(text: &str) -> bool {
    let (address, bits) = text.trim().split_once('/').unwrap_or((text.trim(), "32"));
    address.parse::<std::net::Ipv4Addr>().is_ok() && bits.parse::<u8>().is_ok_and(|bits| bits <= 32)
}

pub(super) fn edit(all: &mut Vec<String>, add: &[String], remove: &[String], same: impl Fn(&str) -> String) {
    all.retain(|there| !remove.iter().any(|gone| same(gone) == same(there)));
    for new in add {
        if !all.iter().any(|there| same(there) == same(new)) {
            all.push(new.trim().to_owned());
        }
    }
}

/// Changes a vault's network rules: one PATCH with the whole block, made from a fresh read, and read again afterwards.
///
/// Somebody needs what is taken away: a registry with its key in the vault, once the rules let trusted services, ACR among them, no
/// longer through (R-CMK-38). Looked for right before the rules change. Who comes by an address or a subnet cannot be seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SetNetwork {
    /// The vault.
    pub vault: VaultId,
    /// What is to change.
    pub change: NetworkChange,
    /// The rules as they are to be, for the way back; then nothing is taken from what is there.
    pub exactly: Option<NetworkRules>,
    /// The rules as they have to be found, for the way back: others are somebody else's work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NetworkRules>,
    /// Where registries that need a way to their key are looked for, besides the vault's subscription.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub look_in: Vec<SubscriptionId>,
    /// Registries that may lose their way to their key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_lose: Vec<RegistryId>,
    /// What has to be done first.
    pub after: Option<Known<()>>,
}

journaled!(SetNetwork, NetworkChange, NetworkRules);

impl SetNetwork {
    pub(crate) fn wanted(&self, before: &NetworkRules) -> NetworkRules {
        self.exactly.clone().unwrap_or_else(|| self.change.on(before))
    }
    /// Who needs a way that these rules would close, now.
    pub(crate) async fn looked(&self, look: &Reader, before: &NetworkRules) -> Result<Looked> {
        if lets_registries_through(&self.wanted(before)) || !lets_registries_through(before) {
            return Ok(Looked::default());
        }
        let what = Needed::Vault(self.vault.host(look.cloud()));
        Looked::at(look, what, &self.look_in, Some(*self.vault.subscription()), &self.may_lose).await
    }
    async fn rules(&self, look: &Reader) -> Result<NetworkRules> {
        match look.vault(&self.vault).await? {
            Some(vault) => Ok(vault.network_rules()),
            None => Err(Error::refused(Refusal::new(
                format!("there is no vault {}", self.vault),
                "R-ERR-40",
                "check its id; a deleted one is recovered first (`cmk recover`)",
            ))),
        }
    }
    /// What is asked for, while what is there is not known.
    fn asked(&self) -> String {
        let NetworkChange { trusted_services, default_action, public_access, .. } = &self.change;
        let mut words = Vec::new();
        if let Some(yes) = trusted_services {
            words.push(format!("trusted services {}", if *yes { "let through" } else { "no longer let through" }));
        }
        words.extend(default_action.map(|action| format!("default action {action:?}")));
        words.extend(public_access.map(|on| format!("public access {}", if on { "on" } else { "off" })));
        for (all, what) in [(&self.change.allow_ip, "let in"), (&self.change.forget_ip, "no longer let in")] {
            words.extend(all.iter().map(|ip| format!("address {ip} {what}")));
        }
        for (all, what) in [(&self.change.allow_subnet, "let in"), (&self.change.forget_subnet, "no longer let in")] {
            words.extend(all.iter().map(|id| format!("subnet {id} {what}")));
        }
        words.join(", ")
    }
    fn words(&self, before: &NetworkRules) -> String {
        let after = self.wanted(before);
        let mut words = Vec::new();
        if after.bypass != before.bypass {
            let yes = after.bypass == NetworkBypass::AzureServices;
            words.push(format!("trusted services {}", if yes { "let through" } else { "no longer let through" }));
        }
        if after.default_action != before.default_action {
            words.push(format!("default action {:?} (was {:?})", after.default_action, before.default_action));
        }
        if after.public_access != before.public_access {
            words.push(format!("public access {}", if after.public_access { "on" } else { "off" }));
        }
        let mut differ = |what: &str, after: &[String], before: &[String]| {
            for new in after.iter().filter(|a| !before.contains(a)) {
                words.push(format!("{what} {new} let in"));
            }
            for gone in before.iter().filter(|b| !after.contains(b)) {
                words.push(format!("{what} {gone} no longer let in"));
            }
        };
        differ("address", &after.ip, &before.ip);
        differ("subnet", &after.subnets, &before.subnets);
        words.join(", ")
    }
}

impl Step for SetNetwork {
    const NAME: &'static str = "set-network";
    type Made = ();

    fn subject(&self) -> String {
        self.vault.to_string()
    }
    fn locks(&self, _: &Cloud) -> Vec<String> {
        vec![self.vault.to_string()]
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        self.after.as_ref().and_then(Known::awaits)
    }
    fn foresee(&self) -> Foreseen {
        let words = match &self.exactly {
            Some(_) => "its rules as they were before".into(),
            None => self.asked(),
        };
        let change = format!("firewall of vault {}: {words}", self.vault.name());
        Foreseen::new(change, Rollback::nothing("the rules before are kept when they are read"))
            .note("the rules before are kept when they are read, and can be put back (`cmk rollback`)")
    }
    async fn observe(&self, look: &Reader, _: &Me<'_>) -> Result<Seen<()>> {
        let before = match self.rules(look).await {
            Ok(rules) => rules,
            Err(e) if !e.refusals().is_empty() => return Ok(Seen::Refused(e.refusals().to_vec())),
            Err(e) => return Err(e),
        };
        if same(&self.wanted(&before), &before) {
            return Ok(Seen::Done(()));
        }
        let after = self.wanted(&before);
        if self.from.as_ref().is_some_and(|from| !same(from, &before)) {
            let told = |rules: &NetworkRules| serde_json::to_string(rules).unwrap_or_default();
            return Ok(Seen::Drifted {
                before: self.from.as_ref().map(told).unwrap_or_default(),
                found: told(&before),
            });
        }
        let looked = self.looked(look, &before).await?;
        if let Some(why) = looked.refusal(&format!("the way of trusted services into vault {}", self.vault.name())) {
            return Ok(Seen::Refused(vec![why]));
        }
        let undo = Self {
            exactly: Some(before.clone()),
            from: Some(after.clone()),
            look_in: Vec::new(),
            may_lose: Vec::new(),
            after: None,
            ..self.clone()
        };
        let action = format!("{:?}", before.default_action);
        let bypass = if before.bypass == NetworkBypass::None { "None" } else { "AzureServices" };
        let az = format!(
            "az keyvault update --name {} --default-action {action} --bypass {bypass}, and network-rule add/remove for its rules",
            self.vault.name()
        );
        let mut what = Foreseen::new(
            format!("firewall of vault {}: {}", self.vault.name(), self.words(&before)),
            Rollback::Step(Undo::by(&undo, az)),
        );
        if lets_registries_through(&before) && !lets_registries_through(&after) {
            for registry in &self.may_lose {
                what = what.note(format!("{} loses its way to its key, if that is in this vault", registry.name()));
            }
        }
        let open = |r: &NetworkRules| r.default_action == NetworkAction::Allow && r.public_access;
        if open(&before) && !open(&after) {
            what = what.note(
                "whoever no rule names is shut out of the vault's keys from then on, this machine too (R-KV-40); a registry whose \
                 path to its key was opened before may need a repair (R-CMK-40)",
            );
        }
        Ok(Seen::Needs(Needs::new(looked.noted(what)).before(&before).foreseen(())))
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
        let before = self.rules(azure).await?;
        azure.patch_vault_network(&self.vault, &self.wanted(&before)).await?;
        Ok(Applied::now(()))
    }
    fn requires(&self) -> Vec<Requirement> {
        vec![Requirement::new(self.vault.resource(), "Microsoft.KeyVault/vaults/write")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> NetworkRules {
        NetworkRules {
            default_action: NetworkAction::Deny,
            bypass: NetworkBypass::None,
            ip: vec!["203.0.113.7/32".into(), "198.51.100.0/24".into()],
            subnets: vec!["/subscriptions/S/x".into()],
            public_access: true,
        }
    }

    #[test]
    fn what_is_not_named_stays() {
        let change = NetworkChange {
            trusted_services: Some(true),
            allow_ip: vec!["203.0.113.7".into(), "192.0.2.1".into()],
            forget_ip: vec!["198.51.100.0/24".into()],
            forget_subnet: vec!["/subscriptions/s/X/".into()],
            ..NetworkChange::default()
        };
        let after = change.on(&rules());
        assert_eq!(after.ip, ["203.0.113.7/32", "192.0.2.1"]);
        assert!(after.subnets.is_empty());
        assert_eq!((after.default_action, after.bypass), (NetworkAction::Deny, NetworkBypass::AzureServices));
        assert_eq!(change.on(&after), after, "asked again, it changes nothing");
        assert_eq!(NetworkChange::default().on(&rules()), rules());
    }

    #[test]
    fn what_is_no_address_is_refused_beforehand() {
        let of = |ip: &str| NetworkChange { allow_ip: vec![ip.into()], ..NetworkChange::default() }.refusals().len();
        assert_eq!([of("203.0.113.7"), of("10.0.0.0/8")], [0, 0]);
        assert_eq!([of("10.0.0.0/33"), of("2001:db8::1"), of("here"), of("")], [1, 1, 1, 1]);
        let subnet = |id: &str| NetworkChange { allow_subnet: vec![id.into()], ..NetworkChange::default() };
        assert_eq!(subnet("/subscriptions/x").refusals().len(), 1);
        let vnet = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Network/\
            virtualNetworks/v";
        assert_eq!(subnet(vnet).refusals().len(), 1);
        assert_eq!(subnet(&format!("{vnet}/subnets/s")).refusals().len(), 0);
    }
}
