//! Deploy a template that makes a registry with a customer-managed key.

use crate::{
    azure::{
        CallError, Cloud, Reader,
        deployments::{DeploymentBody, WhatIfChange},
        id::{ResourceGroupName, ResourceId, SubscriptionId},
    },
    engine::{
        error::{Refusal, Result},
        journal::{Journaled, journaled},
        run::{Context, Workflow},
        step::{Accepted, Irreversible, Known},
    },
    steps::DeployTemplate,
    workflows::template::Template,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

// ---- order ----------------------------------------------------------------------------------------------------------

/// The order to deploy a template to a resource group: [one of ours](crate::template()), the tutorial's, or any other.
///
/// ```
/// use cmk::{Deploy, Irreversible, Template};
/// let template = Template::from_json(r#"{"$schema": "..", "contentVersion": "1.0.0.0", "resources": []}"#, None)?;
/// let order = Deploy::new("00000000-0000-0000-0000-000000000001".parse()?, "shop".parse()?, template)
///     .parameter("registry_name", "contoso1")
///     .accept(Irreversible::Encryption);
/// # Ok::<(), cmk::Error>(())
/// ```
///
/// # Expected flow
/// 1. The service validates the template, and foresees what it would change.
/// 2. It is deployed incrementally, tagged with the run's idempotency key, and followed to its end.
///
/// # Guarantees
/// - A registry or vault that is there is never written anew by a template (R-CMK-24, R-CMK-30): refused.
/// - What cannot be taken back has to be accepted by name, as in [`create`](crate::create()).
/// - A deployment that has succeeded with this very content is not made again.
///
/// # Assumptions
/// - That a deployment keeps the tags it was sent with is what the service's specification says.
///
/// # Caveats
/// - A deployment that fails midway leaves what it had made. Take the run up again once the cause is gone: deployments are
///   made over.
/// - What the service cannot foresee it names `Unsupported`.
///
/// # Errors
/// Refused before anything is written: a template the service does not take, secret parameters (they would be journaled), a
/// registry or vault that is there, what is irreversible and not accepted, a missing right (R-ARM-33), a lock (R-ARM-31).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Deploy {
    subscription: SubscriptionId,
    group: ResourceGroupName,
    name: String,
    template: Template,
    #[serde(default)]
    accept: Accepted,
}

impl Deploy {
    /// Of this template to this group, as the deployment `cmk`.
    #[must_use]
    pub fn new(subscription: SubscriptionId, group: ResourceGroupName, template: Template) -> Self {
        Self { subscription, group, name: "cmk".into(), template, accept: Accepted::default() }
    }
    /// As the deployment of this name: 1 to 64 letters, digits, hyphens, dots, underscores or parentheses.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
    /// With a parameter's value, which goes before that of a parameters file.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.template.set(name, value);
        self
    }
    /// Accepts by name what cannot be taken back and the template makes.
    #[must_use]
    pub fn accept(mut self, what: Irreversible) -> Self {
        self.accept.add(what);
        self
    }
    fn group_id(&self) -> ResourceId {
        ResourceId::of_group(&self.subscription, &self.group)
    }
    fn step(&self) -> DeployTemplate {
        DeployTemplate {
            group: self.group_id(),
            name: self.name.clone(),
            template: self.template.template().clone(),
            parameters: self.template.parameters().clone(),
        }
    }
}

// ---- outcome --------------------------------------------------------------------------------------------------------

/// A template that is deployed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeployedTemplate {
    /// The deployment's resource id.
    pub deployment: String,
    /// What the template gives out, by name; null for nothing.
    pub outputs: Value,
    /// The ids of what it has made.
    pub resources: Vec<String>,
}

journaled!(Deploy, DeployedTemplate);

// ---- steps ----------------------------------------------------------------------------------------------------------

/// What the service foresees of a deployment.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Foreseen {
    /// It has succeeded with this very content.
    already: bool,
    /// Why it would not take it.
    refused: Option<String>,
    changes: Vec<Change>,
}

/// What would become of one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Change {
    id: String,
    kind: String,
    encrypts: bool,
    protects: bool,
}

impl Journaled for Foreseen {
    fn relied_on(&self) -> Value {
        json!({"already": self.already, "refused": self.refused.is_some(), "changes": self.changes})
    }
}

impl Change {
    fn of(change: &WhatIfChange) -> Self {
        let after = |path: &str| change.after.pointer(path).cloned().unwrap_or_default();
        Self {
            id: change.resource_id.clone(),
            kind: change.change_type.clone(),
            encrypts: after("/properties/encryption/status")
                .as_str()
                .is_some_and(|s| s.eq_ignore_ascii_case("enabled")),
            protects: after("/properties/enablePurgeProtection") == Value::Bool(true),
        }
    }
    fn is(&self, kind: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind)
    }
    fn words(&self) -> String {
        let what = if self.kind.is_empty() { "?" } else { &self.kind };
        format!("{what:<11} {}", self.id)
    }
    /// The id without its number, where it ends in one, as those of a copy loop do.
    fn series(&self) -> Option<&str> {
        let stem = self.id.trim_end_matches(|c: char| c.is_ascii_digit());
        (stem.len() < self.id.len() && stem.ends_with('-')).then_some(stem)
    }
    /// A registry or a vault itself, not something in it.
    fn is_a(&self, kind: &str) -> bool {
        let id: Option<ResourceId> = self.id.parse().ok();
        id.and_then(|id| id.resource_type()).is_some_and(|t| t.eq_ignore_ascii_case(kind))
    }
    /// What is there is written whole by a deployment, and what it does not say falls back (R-CMK-24, R-CMK-30).
    fn overwrites(&self) -> Option<Refusal> {
        let there = !["Create", "Ignore", "Unsupported"].iter().any(|k| self.is(k));
        let kind = ["Microsoft.ContainerRegistry/registries", "Microsoft.KeyVault/vaults"];
        (there && kind.iter().any(|k| self.is_a(k))).then(|| {
            Refusal::new(
                format!("{} is there, and the template would write it anew as a whole", self.id),
                "R-CMK-30",
                "take it out of the template, or name another one; what is there is changed by the other commands (`cmk rotate` ..)",
            )
        })
    }
}

async fn foresee(look: Reader, order: &Deploy) -> Result<Foreseen> {
    let step = order.step();
    let (template, parameters) = (step.template.clone(), step.parameters.clone());
    let body = DeploymentBody { template, parameters, tags: BTreeMap::new() };
    let refused = |e: CallError| match e.status() {
        Some(400..=499) => Ok(Foreseen { already: false, refused: Some(e.to_string()), changes: Vec::new() }),
        _ => Err(e.into()),
    };
    if step.has_succeeded(&look).await? {
        return Ok(Foreseen { already: true, refused: None, changes: Vec::new() });
    }
    if let Err(e) = look.validate_deployment(&step.group, &step.name, &body).await {
        return refused(e);
    }
    match look.what_if(&step.group, &step.name, &body).await {
        Ok(seen) => {
            Ok(Foreseen { already: false, refused: None, changes: seen.changes.iter().map(Change::of).collect() })
        }
        Err(e) => refused(e),
    }
}

impl Workflow for Deploy {
    const NAME: &'static str = "deploy";
    const VERSION: u32 = 1;
    type Outcome = DeployedTemplate;

    fn subject(&self) -> String {
        self.step_subject()
    }
    fn accepts(&self) -> &[Irreversible] {
        &self.accept
    }
    fn refusals(&self, _: &Cloud) -> Vec<Refusal> {
        let mut why = self.template.refusals();
        let fit = |c: char| c.is_ascii_alphanumeric() || "-._()".contains(c);
        if !(1..=64).contains(&self.name.len()) || !self.name.chars().all(fit) {
            why.push(Refusal::new(
                format!("'{}' cannot name a deployment", self.name.escape_debug()),
                "own",
                "1 to 64 letters, digits, hyphens, dots, underscores or parentheses",
            ));
        }
        why
    }

    async fn steps(&self, cx: &Context) -> Result<Known<DeployedTemplate>> {
        let subject = self.step_subject();
        let seen = cx.decide("what-if", &subject, |look| foresee(look, self)).await?;
        if let Some(why) = &seen.refused {
            return cx.refuse(Refusal::new(
                format!("the service would not take this template: {why}"),
                "own",
                "mend what it names; nothing was deployed",
            ));
        }
        if seen.already {
            cx.note(format!("deployment {} has succeeded with this very template", self.name));
        }
        self.tell(cx, &seen.changes)?;
        for change in seen.changes.iter().filter(|c| !c.is("Ignore") && !c.is("NoChange")) {
            cx.lock(&change.id).await?;
        }
        let made = cx.step(self.step()).await?;
        Ok(made.map(|m| DeployedTemplate { deployment: subject, outputs: m.outputs, resources: m.resources }))
    }
}

impl Deploy {
    fn step_subject(&self) -> String {
        format!("{}/providers/Microsoft.Resources/deployments/{}", self.group_id(), self.name)
    }

    /// The service's answer as a plan, and what of it has to be accepted or must not be.
    fn tell(&self, cx: &Context, changes: &[Change]) -> Result<()> {
        for alike in changes.chunk_by(|a, b| a.kind == b.kind && a.series().is_some() && a.series() == b.series()) {
            if let [first, .., last] = alike {
                cx.note(format!("what-if: {} to {}, {} alike", first.words(), last.id, alike.len()));
            } else {
                alike.iter().for_each(|change| cx.note(format!("what-if: {}", change.words())));
            }
        }
        cx.check(changes.iter().filter_map(Change::overwrites))?;
        let made = |irreversible: Irreversible, which: fn(&Change) -> bool, why: &str| {
            let one = changes.iter().find(|c| c.is("Create") && which(c))?;
            (!cx.accepts(irreversible)).then(|| {
                Refusal::new(
                    format!("'{irreversible}' is not accepted: {} {why}", one.id),
                    "own",
                    format!("accept it by name, `.accept(Irreversible::{irreversible:?})` or `--accept {irreversible}`, if it is meant"),
                )
            })
        };
        cx.check(made(
            Irreversible::Encryption,
            |c| c.encrypts,
            "is encrypted with a customer-managed key for ever (R-CMK-03)",
        ))?;
        cx.check(made(
            Irreversible::PurgeProtection,
            |c| c.protects,
            "keeps its name and keys until its retention ends (R-KV-03)",
        ))
    }
}
