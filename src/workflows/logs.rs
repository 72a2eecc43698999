//! Have a registry's and its vault's logs kept.

use crate::{
    azure::{
        Cloud,
        id::{RegistryId, ResourceId, SubscriptionId, VaultId},
    },
    checks::{Check, Encryption, EncryptionOf, VaultFound},
    engine::{
        error::{Refusal, Result},
        journal::journaled,
        run::{Context, Workflow},
        step::Known,
    },
    steps::{RegisterProvider, SetDiagnostics},
    workflows::key_path::Access,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

const OF_REGISTRY: [&str; 2] = ["ContainerRegistryLoginEvents", "ContainerRegistryRepositoryEvents"];
const OF_VAULT: [&str; 1] = ["AuditEvent"];
const WORKSPACES: &str = "Microsoft.OperationalInsights/workspaces";

// ---- order ----------------------------------------------------------------------------------------------------------

/// The order to send logs to a Log Analytics workspace.
///
/// ```
/// use cmk::{Logs, logs::LogsOf};
/// let group = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop/providers";
/// let registry = format!("{group}/Microsoft.ContainerRegistry/registries/contoso1").parse()?;
/// let workspace = format!("{group}/Microsoft.OperationalInsights/workspaces/logs").parse()?;
/// let order = Logs::new(registry, workspace).of(LogsOf::Registry);
/// # Ok::<(), cmk::Error>(())
/// ```
///
/// # Expected flow
/// 1. The vault is found by the registry's key.
/// 2. The settings of each resource are read. Categories that no setting sends to the workspace are sent by a new one:
///    `ContainerRegistryLoginEvents` and `ContainerRegistryRepositoryEvents` of the registry, `AuditEvent` of the vault
///    (R-DP-24, R-KV-17).
///
/// # Guarantees
/// - No setting that is there is changed. Taking this back deletes those that were made, and only while they are as they
///   were made.
/// - A category that another setting sends to the workspace is not sent twice, which Azure would refuse (R-MON-01).
///
/// # Caveats
/// - What is sent costs by volume, and is kept as long as the workspace says.
/// - The vault's records go to the table `AzureDiagnostics`, the registry's to tables of their own.
/// - What the group `audit` of a registry holds is not known here, so that it does not count as sending a category; Azure
///   tells when it does.
///
/// # Errors
/// Refused before anything is written: no workspace's id, a workspace that is not there, a setting of that name that is
/// another, five settings already (R-MON-01), a vault that is not there, no such registry, a missing right (R-ARM-33), a lock (R-ARM-31).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Logs {
    registry: RegistryId,
    workspace: ResourceId,
    #[serde(default)]
    of: LogsOf,
    #[serde(default)]
    vault: Option<VaultId>,
    #[serde(default = "setting")]
    setting: String,
}

/// Whose logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogsOf {
    /// Of the registry: logins, and what is pulled, pushed and deleted.
    Registry,
    /// Of its key's vault: every call of its data plane.
    Vault,
    /// Of both; a registry without a customer-managed key has no vault.
    #[default]
    Both,
}

fn setting() -> String {
    "cmk".into()
}

impl Logs {
    /// Of this registry and its key's vault to this workspace, by settings named `cmk`.
    #[must_use]
    pub fn new(registry: RegistryId, workspace: ResourceId) -> Self {
        Self { registry, workspace, of: LogsOf::Both, vault: None, setting: setting() }
    }
    /// Whose logs.
    #[must_use]
    pub fn of(mut self, of: LogsOf) -> Self {
        self.of = of;
        self
    }
    /// The vault of the key, where it is not in the registry's subscription.
    #[must_use]
    pub fn vault(mut self, vault: VaultId) -> Self {
        self.vault = Some(vault);
        self
    }
    /// The name of the settings that are made.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>) -> Self {
        self.setting = name.into();
        self
    }
    /// The registry.
    #[must_use]
    pub fn registry(&self) -> &RegistryId {
        &self.registry
    }
}

// ---- outcome --------------------------------------------------------------------------------------------------------

/// Logs that are sent to a workspace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogsSent {
    /// The registry.
    pub registry: RegistryId,
    /// The workspace.
    pub workspace: ResourceId,
    /// What is sent.
    pub sent: Vec<SentLogs>,
}

/// Logs of one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SentLogs {
    /// The resource.
    pub resource: ResourceId,
    /// The categories, by this run's setting or by those that were there.
    pub categories: Vec<String>,
}

/// As `resource: categories`.
impl fmt::Display for SentLogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.resource.name(), self.categories.join(","))
    }
}

journaled!(Logs, LogsSent);

// ---- steps ----------------------------------------------------------------------------------------------------------

impl Workflow for Logs {
    const NAME: &'static str = "logs";
    const VERSION: u32 = 1;
    type Outcome = LogsSent;

    fn subject(&self) -> String {
        self.registry.to_string()
    }
    fn refusals(&self, _: &Cloud) -> Vec<Refusal> {
        let mut why = Vec::new();
        if !self.workspace.resource_type().is_some_and(|t| t.eq_ignore_ascii_case(WORKSPACES)) {
            why.push(Refusal::new(
                format!("{} is no Log Analytics workspace", self.workspace),
                "R-DP-24",
                format!("give the resource id of one: /subscriptions/../providers/{WORKSPACES}/NAME"),
            ));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let named = self.setting.chars().all(plain) && self.setting.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !named || self.setting.len() > 64 {
            why.push(Refusal::new(
                format!("'{}' is no name for a diagnostic setting", self.setting.escape_debug()),
                "own",
                "give up to 64 letters, digits, '.', '_' and '-'",
            ));
        }
        why
    }

    async fn steps(&self, cx: &Context) -> Result<Known<LogsSent>> {
        self.is_there(cx).await?;
        let vault = match self.of {
            LogsOf::Registry => None,
            LogsOf::Vault | LogsOf::Both => self.vault_there(cx).await?,
        };
        let mut wanted = Vec::new();
        if self.of != LogsOf::Vault {
            wanted.push((self.registry.resource().clone(), owned(&OF_REGISTRY)));
        }
        if let Some(vault) = vault {
            wanted.push((vault.resource().clone(), owned(&OF_VAULT)));
        }
        let mut done = Known::Now(());
        let mut ready: Vec<(SubscriptionId, Known<()>)> = Vec::new();
        for (resource, categories) in &wanted {
            let subscription = *resource.subscription();
            let known = ready.iter().find(|(of, _)| *of == subscription).map(|(_, known)| known.clone());
            let after = match known {
                Some(known) => known,
                None => {
                    let namespace = "Microsoft.Insights".into();
                    let known = cx.step(RegisterProvider { subscription, namespace }).await?;
                    ready.push((subscription, known.clone()));
                    known
                }
            };
            let step = SetDiagnostics {
                resource: resource.clone(),
                name: self.setting.clone(),
                workspace: self.workspace.clone(),
                categories: categories.clone(),
                present: true,
                after: Some(after),
            };
            let set = cx.step(step).await?;
            done = if done.awaits().is_some() { done } else { set };
        }
        cx.note("the first records can take up to 90 minutes to come (R-MON-02)");
        let sent = wanted.into_iter().map(|(resource, categories)| SentLogs { resource, categories }).collect();
        Ok(done.map(|()| LogsSent { registry: self.registry.clone(), workspace: self.workspace.clone(), sent }))
    }
}

fn owned(categories: &[&str]) -> Vec<String> {
    categories.iter().map(|c| (*c).to_owned()).collect()
}

impl Logs {
    /// A setting that names no workspace is refused without a way out.
    async fn is_there(&self, cx: &Context) -> Result<()> {
        let look = |look: crate::azure::Reader| async move { Ok(look.log_workspace(&self.workspace).await) };
        match cx.peek(look).await? {
            Some(Ok(None)) => cx.check([Refusal::new(
                format!("there is no workspace {}, or the caller may not see it", self.workspace),
                "R-DP-24",
                "give one that is there: `az monitor log-analytics workspace list` shows them with their ids",
            )]),
            // Who may not look may be allowed to send there all the same.
            _ => Ok(()),
        }
    }

    /// The vault of the registry's key; none, with a word or a refusal, where there is none to send logs of.
    async fn vault_there(&self, cx: &Context) -> Result<Option<VaultId>> {
        let access = Access::new(cx, &self.registry);
        let key = if self.of == LogsOf::Vault {
            Some(access.encryption().await?.key)
        } else {
            let check = EncryptionOf { registry: self.registry.clone() };
            let seen = cx
                .decide("encryption", &self.registry.to_string(), |look| async move { check.look(&look).await })
                .await?;
            match seen {
                Encryption::Enabled(now) => Some(now.key),
                Encryption::Absent => {
                    cx.check([crate::steps::no_registry(&self.registry)])?;
                    None
                }
                Encryption::Plain { .. } => {
                    cx.note(format!("{} has no customer-managed key, and so no vault", self.registry.name()));
                    None
                }
            }
        };
        let Some(key) = key else { return Ok(None) };
        let found = access.vault_of(&key, self.vault.as_ref()).await?;
        let why = match &found {
            VaultFound::There { vault, .. } => return Ok(Some(vault.clone())),
            VaultFound::Deleted { vault, .. } => {
                format!("vault {} is deleted; `cmk recover` brings it back", vault.name())
            }
            VaultFound::Elsewhere { .. } | VaultFound::Gone => {
                format!("there is no vault {} in this subscription", key.host().label())
            }
            VaultFound::Unknown { why } => format!("vault {} cannot be seen: {why}", key.host().label()),
        };
        cx.check([Refusal::new(
            why,
            "R-KV-04",
            "name the vault by its id (`--vault`), or have the registry's logs alone (`--of registry`)",
        )])?;
        Ok(None)
    }
}

impl FromStr for LogsOf {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "registry" => Ok(Self::Registry),
            "vault" => Ok(Self::Vault),
            "both" => Ok(Self::Both),
            other => Err(format!("'{}' has no logs: give registry, vault or both", other.escape_debug())),
        }
    }
}
