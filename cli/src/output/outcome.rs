//! What a run resulted in, and what one that was given up leaves.

use super::Document;
use cmk::{
    Abandoned, CallersRight, Damage, Outcome, Reference,
    azure::{
        keys::{RotationRules, Trigger},
        registries::{RegistryAccess, RegistryRules},
        vaults::{NetworkAction, NetworkBypass, NetworkRules},
    },
    checks::Probed,
    journal::RunName,
};
use serde::Serialize;
use std::fmt::{Display, Write as _};

const VERSION: u32 = 1;

#[derive(Serialize)]
struct Of<'a> {
    run: &'a RunName,
    #[serde(flatten)]
    what: &'a Outcome,
}

/// What is told of an outcome: a head, and values by name.
struct Told {
    head: String,
    values: Vec<(&'static str, String, &'static str)>,
}

impl Told {
    fn new(head: impl Into<String>) -> Self {
        Self { head: head.into(), values: Vec::new() }
    }
    fn value(self, name: &'static str, value: impl Display) -> Self {
        self.noted(name, value, "")
    }
    /// With a word for people.
    fn noted(mut self, name: &'static str, value: impl Display, note: &'static str) -> Self {
        self.values.push((name, value.to_string(), note));
        self
    }
    /// Empty if there is none.
    fn maybe(self, name: &'static str, value: Option<impl Display>) -> Self {
        self.value(name, value.map(|v| v.to_string()).unwrap_or_default())
    }
    /// What was pushed and pulled in the end, where that was asked for.
    fn probe(self, probed: Option<&Probed>) -> Self {
        match probed {
            Some(p) => self.noted("PROBE", format!("{}@{}", p.repository, p.digest), " (pushed and pulled)"),
            None => self,
        }
    }
    /// The right that a run gave its caller and that stays.
    fn keeps(self, right: Option<&CallersRight>) -> Self {
        match right {
            Some(r) => self.value("CALLER_KEEPS", format!("{} (take it away: {})", r.right, r.az)),
            None => self,
        }
    }
    fn list(self, name: &'static str, values: &[impl Display]) -> Self {
        let all: Vec<_> = values.iter().map(ToString::to_string).collect();
        self.value(name, all.join(" "))
    }

    /// Names and values, one below the other; those without a value are left out.
    fn table(&self) -> String {
        let shown = || self.values.iter().filter(|(_, value, _)| !value.is_empty());
        let wide = shown().map(|(name, ..)| name.len()).max().unwrap_or_default();
        shown().fold(format!("{}\n", self.head), |mut text, (name, value, note)| {
            let name = name.to_lowercase().replace('_', " ");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {name:<wide$}  {value}{note}");
            text
        })
    }
}

/// The outcome of a run, ready to be printed.
pub(crate) fn outcome(run: &RunName, outcome: &Outcome) -> anyhow::Result<Document> {
    let Some(told) = told(outcome) else { anyhow::bail!("an outcome that this program cannot print: {outcome:?}") };
    let told = told.value("RUN", run);
    let json = serde_json::to_value(Of { run, what: outcome })?;
    let kind = json.get("kind").and_then(|k| k.as_str()).unwrap_or_default().to_owned();
    let fields: Vec<_> = told.values.iter().map(|(name, value, _)| (*name, value.clone())).collect();
    Ok(Document::new(kind, VERSION, &json)?.table(told.table()).fields(&fields))
}

/// One entry an outcome; the order of its values is that of tsv.
fn told(outcome: &Outcome) -> Option<Told> {
    Some(match outcome {
        Outcome::Created(o) => Told::new(format!("{} has its customer-managed key", o.registry.name()))
            .value("REGISTRY", &o.registry)
            .maybe("LOGIN_SERVER", o.login_server.as_ref())
            .noted("KEY", &o.key, if o.key.version().is_some() { " (pinned)" } else { " (followed)" })
            .value("IN_USE", &o.in_use)
            .maybe("IDENTITY", o.identity.as_ref())
            .maybe("VAULT", o.vault.as_ref())
            .probe(o.probe.as_ref()),
        Outcome::Rotated(o) => {
            let same = o.previous.as_ref().is_some_and(|p| p.same_version(&o.in_use));
            let head = if same { "is on its version already" } else { "is on its new version" };
            let (reference, follows) = match o.reference {
                Reference::Versionless => ("versionless", ": it follows the key"),
                Reference::Versioned => ("versioned", ": it stays on this version"),
            };
            Told::new(format!("{} {head}", o.registry.name()))
                .value("REGISTRY", &o.registry)
                .value("IN_USE", &o.in_use)
                .maybe("PREVIOUS", o.previous.as_ref())
                .noted("REFERENCE", reference, follows)
                .list("SURPLUS", &o.surplus)
                .keeps(o.caller_keeps.as_ref())
                .probe(o.probe.as_ref())
        }
        Outcome::AutoRotated(o) => Told::new(format!("{} follows its key", o.registry.name()))
            .value("REGISTRY", &o.registry)
            .value("KEY", &o.key)
            .value("IN_USE", &o.in_use)
            .maybe("POLICY", o.rules.as_ref().map(policy))
            .keeps(o.caller_keeps.as_ref()),
        Outcome::Reassigned(o) => Told::new(format!("{} has its identity again", o.registry.name()))
            .value("REGISTRY", &o.registry)
            .value("IDENTITY", o.identity)
            .maybe("IN_USE", o.in_use.as_ref())
            .maybe("REMOVABLE", o.removable.as_ref()),
        Outcome::Recovered(o) => Told::new(format!("{} reads its key again", o.registry.name()))
            .value("REGISTRY", &o.registry)
            .noted("VAULT", &o.vault, if o.vault_was_deleted { " (had been deleted)" } else { "" })
            .value("KEY", &o.key)
            .maybe("IN_USE", o.in_use.as_ref())
            .keeps(o.caller_keeps.as_ref())
            .probe(o.probe.as_ref()),
        Outcome::Repaired(o) => Told::new(format!("{} has read its key", o.registry.name()))
            .value("REGISTRY", &o.registry)
            .value("KEY", &o.key)
            .maybe("IN_USE", o.in_use.as_ref()),
        Outcome::Bypassed(o) => Told::new(format!("{} passes the firewall of its key's vault", o.registry.name()))
            .value("REGISTRY", &o.registry)
            .value("IN_USE", &o.in_use)
            .value("IDENTITY", o.identity)
            .maybe("REMOVABLE", o.removable.as_ref())
            .probe(o.probe.as_ref()),
        Outcome::NetworkChanged(o) => {
            let same = if o.before == o.after { "are as they were" } else { "are changed" };
            Told::new(format!("the network rules of {} {same}", o.vault.name()))
                .value("VAULT", &o.vault)
                .value("BEFORE", rules(&o.before))
                .value("AFTER", rules(&o.after))
        }
        Outcome::RegistryNetworkChanged(o) => {
            let same = if o.before == o.after && o.dropped.is_empty() { "are as they were" } else { "are changed" };
            Told::new(format!("the network rules of {} {same}", o.registry.name()))
                .value("REGISTRY", &o.registry)
                .value("BEFORE", registry_rules(&o.before))
                .value("AFTER", registry_rules(&o.after))
                .list("DROPPED", &o.dropped)
        }
        Outcome::LogsSent(o) => {
            Told::new(format!("logs of {} go to workspace {}", o.registry.name(), o.workspace.name()))
                .value("REGISTRY", &o.registry)
                .value("WORKSPACE", &o.workspace)
                .list("SENT", &o.sent)
        }
        Outcome::AccessGranted(o) => {
            let what = if o.access == RegistryAccess::List { "the repositories" } else { "images" };
            Told::new(format!("{} may {} {what} of {}", o.principal, o.access, o.registry.name()))
                .value("REGISTRY", &o.registry)
                .value("PRINCIPAL", o.principal)
                .value("ACCESS", o.access)
                .list("REPOSITORIES", &o.repositories)
                .value("ROLE", o.role)
                .value("ROLE_NAME", &o.role_name)
        }
        Outcome::Revoked(o) => Told::new(format!("{} is without its key", o.registry.name()))
            .value("REGISTRY", &o.registry)
            .value("KEY", &o.key)
            .list("AFFECTED", &o.affected)
            .value("TAKEN", o.taken)
            .keeps(o.caller_keeps.as_ref()),
        Outcome::Restored(o) => Told::new(format!("{} has its key again", o.registry.name()))
            .value("REGISTRY", &o.registry)
            .value("KEY", &o.key)
            .maybe("IN_USE", o.in_use.as_ref())
            .value("GIVEN_BACK", o.given_back)
            .probe(o.probe.as_ref()),
        Outcome::Retired(o) => {
            let head = match o.disabled.len() {
                0 => "no version is disabled by this run".to_owned(),
                1 => "1 old version is disabled".to_owned(),
                n => format!("{n} old versions are disabled"),
            };
            let kept: Vec<_> = o.kept.iter().map(|(version, why)| format!("{version} ({why})")).collect();
            Told::new(head)
                .value("KEY", &o.key)
                .list("DISABLED", &o.disabled)
                .value("KEPT", kept.join("; "))
                .keeps(o.caller_keeps.as_ref())
        }
        Outcome::DeployedTemplate(o) => Told::new("the template is deployed")
            .value("DEPLOYMENT", &o.deployment)
            .list("RESOURCES", &o.resources)
            .maybe("OUTPUTS", Some(&o.outputs).filter(|v| !v.is_null())),
        Outcome::ImportedKey(o) => Told::new("the key is in its vault")
            .value("KEY", &o.key)
            .value("FINGERPRINT", &o.fingerprint)
            .keeps(o.caller_keeps.as_ref()),
        Outcome::RolledBack(o) => Told::new(match &o.already {
            Some(by) => format!("run {} is taken back already, by {by}", o.of),
            None => format!("run {} is taken back", o.of),
        })
        .value("OF", &o.of)
        .list("TAKEN_BACK", &o.taken_back)
        .value("LOST", o.lost.join("; "))
        .value("STAYS", o.stays.join("; "))
        .value("ALREADY", o.already.as_deref().unwrap_or_default()),
        _ => return None,
    })
}

fn policy(rules: &RotationRules) -> String {
    let mut words = match &rules.rotate {
        None => vec!["no version made by itself".to_owned()],
        Some(Trigger::AfterCreate(time)) => vec![format!("a version every {time}")],
        Some(Trigger::BeforeExpiry(time)) => vec![format!("a version {time} before expiry")],
    };
    words.extend(rules.expiry_time.as_ref().map(|time| format!("versions live {time}")));
    if let Some(Trigger::BeforeExpiry(time) | Trigger::AfterCreate(time)) = &rules.notify {
        words.push(format!("notice {time} before expiry"));
    }
    words.join(", ")
}

fn rules(rules: &NetworkRules) -> String {
    let mut words = vec![
        match rules.default_action {
            NetworkAction::Allow => "allow by default",
            NetworkAction::Deny => "deny by default",
        },
        match rules.bypass {
            NetworkBypass::AzureServices => "trusted services pass",
            NetworkBypass::None => "trusted services do not pass",
        },
        if rules.public_access { "public access on" } else { "public access off" },
    ];
    words.extend(rules.ip.iter().chain(&rules.subnets).map(String::as_str));
    words.join(", ")
}

fn registry_rules(rules: &RegistryRules) -> String {
    let mut words = vec![
        if rules.public_access { "public access on" } else { "public access off" },
        match rules.default_action {
            NetworkAction::Allow => "allow by default",
            NetworkAction::Deny => "deny by default",
        },
        if rules.trusted_services { "trusted services pass" } else { "trusted services do not pass" },
        if rules.tasks { "tasks pass" } else { "tasks do not pass" },
    ];
    words.extend(rules.ip.iter().map(String::as_str));
    words.join(", ")
}

#[derive(Serialize)]
struct GivenUp<'a> {
    run: &'a RunName,
    #[serde(flatten)]
    left: &'a Abandoned,
}

/// A run that was given up, ready to be printed.
pub(crate) fn abandoned(run: &RunName, left: &Abandoned) -> anyhow::Result<Document> {
    let mut table = format!("run {run} is given up; what it did is left as it is\n");
    let mut damage = (String::new(), String::new());
    if let Some(Damage { read, lost, kept, .. }) = &left.damage {
        writeln!(
            table,
            "its journal was damaged: {read} records could be read, {lost} could not; it is kept as {kept}"
        )?;
        damage = (lost.to_string(), kept.clone());
    }
    if !left.hints.is_empty() {
        writeln!(table, "the ways back, newest first:")?;
    }
    for hint in &left.hints {
        writeln!(table, "  {hint}")?;
    }
    let mut document = Document::new("abandoned", VERSION, &GivenUp { run, left })?
        .table(table)
        .head(["STEP", "SUBJECT", "BACK"])
        .pair("RUN", run.to_string())
        .pair("RECORDS_LOST", damage.0)
        .pair("KEPT_AS", damage.1)
        .pair("HINTS", left.hints.len().to_string());
    for (n, hint) in left.hints.iter().enumerate() {
        let back = hint.rollback.to_string();
        document = document
            .row([hint.step.clone(), hint.subject.clone(), back.clone()])
            .pair(format!("HINT_{}_STEP", n + 1), hint.step.clone())
            .pair(format!("HINT_{}_BACK", n + 1), back);
    }
    Ok(document)
}
