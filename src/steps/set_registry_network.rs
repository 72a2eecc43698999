use super::{
    attach_identity::no_registry,
    set_vault_network::{address, edit, is_ipv4},
};
use crate::{
    azure::{
        Kept, Reader, Writer,
        id::RegistryId,
        registries::{Registry, RegistryRules},
        resources::is,
        vaults::NetworkAction,
        versions,
    },
    engine::{
        error::{Error, Refusal, Result},
        journal::journaled,
        step::{Applied, Foreseen, Known, Me, Needs, Requirement, Rollback, Seen, Step, Undo},
    },
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The most rules for addresses that a registry takes (R-DP-20).
const MOST: usize = 200;

/// What is to change of a registry's network rules; what is not said stays (R-DP-20, R-DP-22).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct RegistryNetworkChange {
    /// Whether the public address answers at all.
    pub public_access: Option<bool>,
    /// What becomes of whom no rule names.
    pub default_action: Option<NetworkAction>,
    /// IPv4 addresses or ranges (`203.0.113.0/24`) to let in.
    pub allow_ip: Vec<String>,
    /// Addresses or ranges whose rule is taken away.
    pub forget_ip: Vec<String>,
    /// Whether trusted services pass the rules.
    pub trusted_services: Option<bool>,
    /// Whether tasks with the registry's own identity pass them.
    pub tasks: Option<bool>,
}

impl RegistryNetworkChange {
    /// Whether nothing is to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
    /// The rules with the change: pure. All that is there and not named stays, in its order and spelling.
    #[must_use]
    pub fn on(&self, before: &RegistryRules) -> RegistryRules {
        let mut after = RegistryRules {
            public_access: self.public_access.unwrap_or(before.public_access),
            default_action: self.default_action.unwrap_or(before.default_action),
            ip: before.ip.clone(),
            trusted_services: self.trusted_services.unwrap_or(before.trusted_services),
            tasks: self.tasks.unwrap_or(before.tasks),
        };
        edit(&mut after.ip, &self.allow_ip, &self.forget_ip, address);
        after
    }
    /// What is asked for, while what is there is not known.
    fn asked(&self) -> String {
        let mut words = Vec::new();
        let on = |on: &bool| if *on { "on" } else { "off" };
        words.extend(self.public_access.iter().map(|yes| format!("public access {}", on(yes))));
        words.extend(self.default_action.map(|action| format!("default action {action:?}")));
        words.extend(self.trusted_services.iter().map(|yes| format!("trusted services {}", on(yes))));
        words.extend(self.tasks.iter().map(|yes| format!("tasks {}", on(yes))));
        words.extend(self.allow_ip.iter().map(|ip| format!("address {ip} let in")));
        words.extend(self.forget_ip.iter().map(|ip| format!("address {ip} no longer let in")));
        words.join(", ")
    }
    /// What cannot be right in the change itself.
    #[must_use]
    pub fn refusals(&self) -> Vec<Refusal> {
        let wrong = self.allow_ip.iter().chain(&self.forget_ip).filter(|ip| !is_ipv4(ip));
        wrong
            .map(|ip| {
                Refusal::new(
                    format!("'{}' is no IPv4 address or range", ip.escape_debug()),
                    "R-DP-20",
                    "give an address such as 203.0.113.7 or a range such as 203.0.113.0/24",
                )
            })
            .collect()
    }
}

/// Changes a registry's network rules: one PATCH with the members that differ, made from a fresh read, and read again
/// afterwards.
///
/// Whether somebody needs what is taken away, a client that comes by an address, cannot be seen: the plan says who is cut off.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SetRegistryNetwork {
    /// The registry.
    pub registry: RegistryId,
    /// What is to change.
    pub change: RegistryNetworkChange,
    /// The rules as they are to be, for the way back; then nothing is taken from what is there.
    pub exactly: Option<RegistryRules>,
    /// The rules as they have to be found, for the way back: others are somebody else's work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<RegistryRules>,
    /// What has to be done first.
    #[serde(default)]
    pub after: Option<Known<()>>,
}

journaled!(SetRegistryNetwork, RegistryNetworkChange, RegistryRules);

/// Whether two blocks let the same in: the service spells addresses its own way.
pub(crate) fn same(a: &RegistryRules, b: &RegistryRules) -> bool {
    let bare = |r: &RegistryRules| {
        let mut ip: Vec<_> = r.ip.iter().map(|one| address(one)).collect();
        ip.sort_unstable();
        RegistryRules { ip, ..r.clone() }
    };
    bare(a) == bare(b)
}

fn words(before: &RegistryRules, after: &RegistryRules) -> String {
    let mut words = Vec::new();
    let on = |on: bool| if on { "on" } else { "off" };
    if after.public_access != before.public_access {
        words.push(format!("public access {}", on(after.public_access)));
    }
    if after.default_action != before.default_action {
        words.push(format!("default action {:?} (was {:?})", after.default_action, before.default_action));
    }
    let through = |yes: bool| if yes { "let through" } else { "no longer let through" };
    if after.trusted_services != before.trusted_services {
        words.push(format!("trusted services {}", through(after.trusted_services)));
    }
    if after.tasks != before.tasks {
        words.push(format!("tasks {}", through(after.tasks)));
    }
    words.extend(after.ip.iter().filter(|a| !before.ip.contains(a)).map(|ip| format!("address {ip} let in")));
    words.extend(before.ip.iter().filter(|b| !after.ip.contains(b)).map(|ip| format!("address {ip} no longer let in")));
    words.join(", ")
}

fn is_closed(rules: &RegistryRules) -> bool {
    !rules.public_access || rules.default_action == NetworkAction::Deny
}

/// Who is cut off by a change, and what else it does not say of itself: pure (R-DP-20, R-DP-21, R-DP-22).
fn warnings(before: &RegistryRules, after: &RegistryRules, endpoints: usize) -> Vec<String> {
    let mut said = Vec::new();
    let closes = is_closed(after) && !is_closed(before);
    if before.public_access && !after.public_access {
        let left = match endpoints {
            0 => "it has no approved private endpoint, so that nobody else gets in, this machine neither".to_owned(),
            1 => "who comes by its private endpoint still gets in".to_owned(),
            n => format!("who comes by one of its {n} private endpoints still gets in"),
        };
        said.push(format!(
            "with public access off neither rules for addresses nor service endpoints of subnets let anybody in (R-DP-21); {left}"
        ));
    } else if after.public_access
        && is_closed(after)
        && (closes || !before.public_access || after.ip.len() < before.ip.len())
    {
        said.push(
            "whoever no rule names is shut out, this machine too unless its public address is among them; a client that is \
             refused is told its address (R-DP-20)"
                .to_owned(),
        );
    }
    if closes {
        said.push(
            "App Service is no trusted service: it gets in by an address or a private endpoint only (R-DP-22)"
                .to_owned(),
        );
    }
    const TRUSTED: &str =
        "Defender for Cloud, Machine Learning, Container Instances with a managed identity, and imports";
    if closes && after.trusted_services {
        said.push(format!("trusted services still get in: {TRUSTED} (R-DP-22)"));
    } else if is_closed(after) && !after.trusted_services && (closes || before.trusted_services) {
        said.push(format!("{TRUSTED} are shut out (R-DP-22)"));
    }
    if is_closed(after) && !after.tasks && (closes || before.tasks) {
        said.push("tasks with the registry's own identity are refused with 403 unless they are let through (`cmk registry-network --tasks on`, R-DP-22)".to_owned());
    }
    let more = after.ip.iter().any(|ip| !before.ip.contains(ip));
    if more && !after.public_access {
        said.push("rules for addresses count for nothing while public access is off (R-DP-21)".to_owned());
    } else if more && after.default_action == NetworkAction::Allow {
        said.push("rules for addresses count for nothing while the default action is Allow".to_owned());
    } else if before.writes_block(after) {
        said.push("rules take minutes to hold (R-DP-20)".to_owned());
    }
    said
}

impl SetRegistryNetwork {
    pub(crate) fn wanted(&self, before: &RegistryRules) -> RegistryRules {
        self.exactly.clone().unwrap_or_else(|| self.change.on(before))
    }

    /// Why the rules cannot become so: pure.
    fn refusals(
        &self,
        premium: bool,
        before: &RegistryRules,
        after: &RegistryRules,
        beyond: &[String],
    ) -> Vec<Refusal> {
        let name = self.registry.name();
        let mut why = Vec::new();
        if !premium {
            why.push(Refusal::new(
                format!("{name} is not Premium, and has no network rules"),
                "R-DP-20",
                format!("move it up first: `az acr update --name {name} --sku Premium`"),
            ));
        }
        if after.ip.len() > MOST && after.ip.len() > before.ip.len() {
            why.push(Refusal::new(
                format!("{name} would have {} rules for addresses, and {MOST} is the most", after.ip.len()),
                "R-DP-20",
                "let ranges in rather than addresses, or have rules taken away (`--forget-ip`)",
            ));
        }
        if before.writes_block(after) && !beyond.is_empty() {
            why.push(self.would_drop(before, after, beyond));
        }
        why
    }

    /// Stable api-versions know no rules for subnets, and the block is written whole.
    fn would_drop(&self, before: &RegistryRules, after: &RegistryRules, beyond: &[String]) -> Refusal {
        let name = self.registry.name();
        let rule = |verb: &str, ip: &String| format!("`az acr network-rule {verb} --name {name} --ip-address {ip}`");
        let mut az: Vec<_> = after.ip.iter().filter(|ip| !before.ip.contains(ip)).map(|ip| rule("add", ip)).collect();
        az.extend(before.ip.iter().filter(|ip| !after.ip.contains(ip)).map(|ip| rule("remove", ip)));
        if after.default_action != before.default_action {
            az.push(format!(
                "once the rules for subnets are taken away (`az acr network-rule remove --name {name} --subnet ID`), the \
                 default action by this command"
            ));
        }
        Refusal::new(
            format!(
                "the rules of {name} hold more than addresses, which api-version {} cannot write and is assumed to drop: {}",
                versions::REGISTRY,
                beyond.join(", ")
            ),
            "R-DP-21",
            format!("change them with az, which has a preview for it: {}", az.join(", ")),
        )
    }

    /// What the block of a registry holds that would be dropped. `None` where the service does not say.
    async fn beyond(&self, look: &Reader, seen: &Kept<Registry>) -> Result<Option<Vec<String>>> {
        let mut beyond = seen.rules_beyond();
        let Some(more) = look.registry_rules_beyond(&self.registry).await? else {
            return Ok(Some(beyond).filter(|known| !known.is_empty()));
        };
        beyond.extend(more.into_iter().filter(|one| !seen.rules_beyond().contains(one)));
        Ok(Some(beyond))
    }

    fn az(&self, rules: &RegistryRules) -> String {
        let name = self.registry.name();
        format!(
            "az acr update --name {name} --public-network-enabled {} --default-action {:?} --allow-trusted-services {}, and az \
             acr network-rule add/remove for its addresses",
            rules.public_access, rules.default_action, rules.trusted_services
        )
    }
}

/// How many private endpoints a registry lets in.
fn approved(registry: &Registry) -> usize {
    let all = registry.properties.private_endpoint_connections.iter();
    let state = all.filter_map(|c| c.properties.private_link_service_connection_state.as_ref());
    state.filter(|s| is(s.status.as_deref(), "Approved")).count()
}

impl Step for SetRegistryNetwork {
    const NAME: &'static str = "set-registry-network";
    type Made = ();

    fn subject(&self) -> String {
        self.registry.to_string()
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        self.after.as_ref().and_then(Known::awaits)
    }
    fn foresee(&self) -> Foreseen {
        let words = match &self.exactly {
            Some(_) => "as they were before".to_owned(),
            None => self.change.asked(),
        };
        let change = format!("network rules of {}: {words}", self.registry.name());
        Foreseen::new(change, Rollback::nothing("the rules before are kept when they are read"))
            .note("the rules before are kept when they are read, and can be put back (`cmk rollback`)")
    }
    async fn observe(&self, look: &Reader, _: &Me<'_>) -> Result<Seen<()>> {
        let Some(registry) = look.registry(&self.registry).await? else {
            return Ok(Seen::Refused(vec![no_registry(&self.registry)]));
        };
        if registry.is_busy() {
            let state = registry.provisioning_state().unwrap_or_default();
            return Ok(Seen::Busy(format!("the registry is {state}: somebody changes it")));
        }
        let before = registry.network_rules();
        let after = self.wanted(&before);
        if same(&before, &after) {
            return Ok(Seen::Done(()));
        }
        if let Some(from) = self.from.as_ref().filter(|from| !same(from, &before)) {
            let told = |rules: &RegistryRules| serde_json::to_string(rules).unwrap_or_default();
            return Ok(Seen::Drifted { before: told(from), found: told(&before) });
        }
        let beyond = if before.writes_block(&after) { self.beyond(look, &registry).await? } else { Some(Vec::new()) };
        let known = beyond.as_deref().unwrap_or_default();
        let why = self.refusals(registry.is_premium(), &before, &after, known);
        if !why.is_empty() {
            return Ok(Seen::Refused(why));
        }
        let undo = Self { exactly: Some(before.clone()), from: Some(after.clone()), after: None, ..self.clone() };
        let change = format!("network rules of {}: {}", self.registry.name(), words(&before, &after));
        let mut what = Foreseen::new(change, Rollback::Step(Undo::by(&undo, self.az(&before))));
        for warning in warnings(&before, &after, approved(&registry)) {
            what = what.note(warning);
        }
        if beyond.is_none() {
            what = what.note(format!(
                "whether there are rules for subnets is unknown, as the service does not answer in api-version {}; if there \
                 are, they are assumed to be dropped",
                versions::REGISTRY_SUBNETS
            ));
        }
        Ok(Seen::Needs(Needs::new(what).before(&before).foreseen(())))
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
        // Read as late as can be: what is not named stays as it is now.
        let registry =
            azure.registry(&self.registry).await?.ok_or_else(|| Error::refused(no_registry(&self.registry)))?;
        let before = registry.network_rules();
        let after = self.wanted(&before);
        if before.writes_block(&after)
            && let Some(beyond) = self.beyond(azure, &registry).await?.filter(|known| !known.is_empty())
        {
            return Err(Error::refused(self.would_drop(&before, &after, &beyond)));
        }
        let written = azure.patch_registry_network(&self.registry, &before, &after).await?;
        Ok(Applied::following((), written.operation))
    }
    fn requires(&self) -> Vec<Requirement> {
        vec![Requirement::new(self.registry.resource(), "Microsoft.ContainerRegistry/registries/write")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> RegistryRules {
        RegistryRules {
            public_access: true,
            default_action: NetworkAction::Allow,
            ip: vec!["203.0.113.7/32".into(), "198.51.100.0/24".into()],
            trusted_services: true,
            tasks: false,
        }
    }
    fn step(change: RegistryNetworkChange) -> SetRegistryNetwork {
        let registry = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/\
            Microsoft.ContainerRegistry/registries/contoso1";
        SetRegistryNetwork { registry: registry.parse().unwrap(), change, exactly: None, from: None, after: None }
    }

    #[test]
    fn what_is_not_named_stays() {
        let change = RegistryNetworkChange {
            default_action: Some(NetworkAction::Deny),
            allow_ip: vec!["203.0.113.7".into(), "192.0.2.1".into()],
            forget_ip: vec!["198.51.100.0/24".into()],
            ..RegistryNetworkChange::default()
        };
        let after = change.on(&open());
        assert_eq!(after.ip, ["203.0.113.7/32", "192.0.2.1"]);
        assert!(after.public_access && after.trusted_services && !after.tasks);
        assert!(same(&change.on(&after), &after), "asked again, it changes nothing");
        assert_eq!(RegistryNetworkChange::default().on(&open()), open());
        let spelled = RegistryRules { ip: vec!["198.51.100.0/24".into(), "203.0.113.7".into()], ..open() };
        assert!(same(&spelled, &open()) && !same(&after, &open()));
    }

    #[test]
    fn r_dp_21_r_dp_22_who_is_cut_off_is_said() {
        let said = |after: &RegistryRules, endpoints| warnings(&open(), after, endpoints).join("\n");
        let off = RegistryRules { public_access: false, ..open() };
        let alone = said(&off, 0);
        assert!(
            alone.contains("service endpoints") && alone.contains("nobody else") && alone.contains("App Service"),
            "{alone}"
        );
        assert!(alone.contains("Defender") && alone.contains("tasks"), "{alone}");
        assert!(said(&off, 2).contains("one of its 2 private endpoints"));
        let deny = RegistryRules { default_action: NetworkAction::Deny, ..open() };
        assert!(said(&deny, 0).contains("this machine too unless"));
        let none = RegistryRules { trusted_services: false, ..deny.clone() };
        assert!(warnings(&deny, &none, 0).join("").contains("imports are shut out"));
        let tasks = RegistryRules { tasks: true, ..deny.clone() };
        assert!(!said(&tasks, 0).contains("tasks with"));
        assert!(warnings(&deny, &open(), 0).iter().all(|w| w.contains("minutes")), "opening cuts nobody off");
        let more = RegistryRules { ip: vec!["192.0.2.1".into()], ..open() };
        assert!(said(&more, 0).contains("default action is Allow"));
    }

    #[test]
    fn r_dp_20_limits_and_rules_that_would_be_dropped_are_refused() {
        let step = step(RegistryNetworkChange::default());
        let rules = |n: usize| RegistryRules { ip: (0..n).map(|i| format!("192.0.2.{i}")).collect(), ..open() };
        let of = |premium, before: &RegistryRules, after: &RegistryRules, beyond: &[&str]| {
            let beyond: Vec<String> = beyond.iter().map(|b| (*b).to_owned()).collect();
            step.refusals(premium, before, after, &beyond).iter().map(|r| r.to_string()).collect::<Vec<_>>()
        };
        assert!(of(true, &rules(199), &rules(200), &[]).is_empty());
        assert_eq!(of(true, &rules(200), &rules(201), &[]).len(), 1);
        assert!(of(true, &rules(202), &rules(201), &[]).is_empty(), "fewer is always good");
        assert!(of(false, &open(), &rules(1), &[])[0].contains("Premium"));
        let subnet = ["virtualNetworkRules [..]"];
        let why = &of(true, &open(), &rules(1), &subnet)[0];
        assert!(why.contains("az acr network-rule add --name contoso1 --ip-address 192.0.2.0"), "{why}");
        assert!(why.contains("assumed"), "{why}");
        // What leaves the block alone drops nothing.
        assert!(of(true, &open(), &RegistryRules { public_access: false, ..open() }, &subnet).is_empty());
    }

    #[test]
    fn what_is_no_address_is_refused_beforehand() {
        let of = |ip: &str| RegistryNetworkChange { forget_ip: vec![ip.into()], ..Default::default() }.refusals().len();
        assert_eq!([of("203.0.113.7"), of("10.0.0.0/8")], [0, 0]);
        assert_eq!([of("10.0.0.0/33"), of("2001:db8::1"), of("")], [1, 1, 1]);
    }
}
