use crate::{
    azure::{
        Reader, Writer,
        deployments::{Deployment, DeploymentBody},
        id::ResourceId,
    },
    engine::{
        error::{Error, Refusal, Result},
        journal::journaled,
        step::{Applied, Foreseen, Me, Needs, Requirement, Rollback, Seen, Step},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// The tag that carries the idempotency key on a deployment.
const TAG: &str = super::create_key_version::TAG;
/// The tag that carries what was deployed, as a sha-256: a deployment does not show its template.
const CONTENT: &str = "cmk-content";

/// Deploys a template to a resource group, incrementally: what it does not name is left alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeployTemplate {
    /// The resource group.
    pub group: ResourceId,
    /// The deployment's name.
    pub name: String,
    /// The template.
    pub template: Value,
    /// Its parameters, as a parameters file has them.
    pub parameters: Value,
}

/// A deployment that succeeded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deployed {
    /// What the template gives out; null for nothing.
    pub outputs: Value,
    /// The ids of what it has made or changed.
    pub resources: Vec<String>,
}

journaled!(DeployTemplate, Deployed);

impl DeployTemplate {
    fn content(&self) -> String {
        crate::engine::run::sha256_hex(&[&self.template.to_string(), &self.parameters.to_string()])
    }
    fn of(deployment: &Deployment) -> Deployed {
        let resources = deployment.properties.output_resources.iter().filter_map(|r| r.id.clone()).collect();
        Deployed { outputs: deployment.properties.outputs.clone().unwrap_or_default(), resources }
    }
    /// Whether a deployment of this very content has succeeded.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub async fn has_succeeded(&self, look: &Reader) -> Result<bool> {
        let there = look.deployment(&self.group, &self.name).await?;
        Ok(there.is_some_and(|d| Self::state(&d, &["Succeeded"]) && self.is_content_of(&d)))
    }
    fn is_content_of(&self, deployment: &Deployment) -> bool {
        deployment.tags.get(CONTENT).is_some_and(|t| *t == self.content())
    }
    fn state(deployment: &Deployment, is: &[&str]) -> bool {
        deployment.provisioning_state().is_some_and(|s| is.iter().any(|i| i.eq_ignore_ascii_case(s)))
    }
}

impl Step for DeployTemplate {
    const NAME: &'static str = "deploy-template";
    type Made = Deployed;

    fn subject(&self) -> String {
        format!("{}/providers/Microsoft.Resources/deployments/{}", self.group, self.name)
    }
    fn foresee(&self) -> Foreseen {
        Foreseen::new(
            format!("template deployed to {} as {}", self.group.name(), self.name),
            Rollback::nothing(
                "what a template has made is taken back resource by resource; deleting the deployment deletes none",
            ),
        )
    }
    async fn observe(&self, look: &Reader, me: &Me<'_>) -> Result<Seen<Deployed>> {
        let needs = || Ok(Seen::Needs(Needs::new(self.foresee())));
        let Some(there) = look.deployment(&self.group, &self.name).await? else { return needs() };
        let mine = there.tags.get(TAG).is_some_and(|t| t == me.key);
        let same = mine || self.is_content_of(&there);
        if Self::state(&there, &["Succeeded"]) && same {
            let made = Self::of(&there);
            return Ok(if mine { Seen::Mine(made) } else { Seen::Done(made) });
        }
        if !Self::state(&there, &["Succeeded", "Failed", "Canceled"]) {
            return Ok(Seen::Busy("the deployment of that name to end".into()));
        }
        // One of this content that failed is deployed over.
        if same {
            return needs();
        }
        Ok(Seen::Refused(vec![Refusal::new(
            format!("there is another deployment {} in {}", self.name, self.group.name()),
            "own",
            "give this one another name (`.named(..)`, `--deployment`)",
        )]))
    }
    async fn apply(&self, azure: &Writer, me: &Me<'_>) -> Result<Applied<Deployed>> {
        let tags = BTreeMap::from([(TAG.to_owned(), me.key.to_owned()), (CONTENT.to_owned(), self.content())]);
        let body = DeploymentBody { template: self.template.clone(), parameters: self.parameters.clone(), tags };
        let written = azure.put_deployment(&self.group, &self.name, &body).await?;
        let made =
            written.body.as_ref().map_or(Deployed { outputs: Value::Null, resources: Vec::new() }, |d| Self::of(d));
        Ok(Applied::following(made, written.operation))
    }
    fn requires(&self) -> Vec<Requirement> {
        vec![Requirement::new(&self.group, "Microsoft.Resources/deployments/write")]
    }
    fn brings_host(&self) -> bool {
        true
    }
    fn patience(&self) -> Duration {
        Duration::from_secs(60 * 60)
    }
    fn class(&self, error: &Error, _: &Me<'_>) -> crate::engine::step::Class {
        match error.service() {
            Some(e) if e.status == 409 && e.code.eq_ignore_ascii_case("DeploymentActive") => {
                crate::engine::step::Class::Again { why: "the deployment of that name to end".into() }
            }
            _ => crate::engine::step::Class::of(error),
        }
    }
}
