use crate::{
    azure::{
        Cloud, Reader, Writer,
        id::{Location, TenantId, VaultId},
        vaults::{Firewall, NewVault, VaultSku},
    },
    checks::VaultFacts,
    engine::{
        error::{Refusal, Result},
        journal::journaled,
        step::{Applied, Class, Foreseen, Irreversible, Known, Me, Needs, Requirement, Rollback, Seen, Settled, Step},
    },
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap, time::Duration};

/// Has a vault there that a registry's key can live in: adopted, made, or recovered, as was decided by looking.
///
/// A vault that exists is never written with PUT (R-KV-07), and purge protection is only ever switched on (R-KV-03).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnsureVault {
    /// The vault.
    pub vault: VaultId,
    /// How it comes to be there.
    pub way: VaultWay,
    /// The tenant it has to belong to (R-CMK-41).
    pub tenant: TenantId,
    /// Whether it may be without purge protection.
    pub unprotected_is_fine: bool,
    /// Whether it may be closed to trusted services, as another step opens it.
    #[serde(default)]
    pub closed_is_fine: bool,
    /// Whether it has to hold HSM keys.
    pub premium: bool,
    /// What has to be there first.
    pub after: Option<Known<()>>,
}

/// How a vault comes to be there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "way", rename_all = "kebab-case")]
pub enum VaultWay {
    /// It is there.
    Adopt,
    /// It is made.
    Create {
        /// Where.
        location: Location,
        /// Whether roles rule it.
        by_roles: bool,
        /// How long deleted things can be recovered: 7 to 90 days, fixed for ever (R-KV-02).
        retention_days: u8,
        /// Its tags.
        tags: BTreeMap<String, String>,
    },
    /// It was deleted and is recovered, as it was (R-KV-04).
    Recover {
        /// Where it was.
        location: Location,
    },
}

/// A vault that is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VaultMade {
    /// The vault.
    pub vault: VaultId,
    /// Whether roles rule it.
    pub by_roles: bool,
}

journaled!(EnsureVault, VaultMade);

impl EnsureVault {
    /// Whether a vault that is there will do: pure.
    fn refusals(&self, facts: &VaultFacts) -> Vec<Refusal> {
        let name = self.vault.name();
        let mut why = Vec::new();
        if facts.tenant.as_ref().is_some_and(|t| *t != self.tenant) {
            why.push(Refusal::new(
                format!("vault {name} belongs to another tenant"),
                "R-CMK-41",
                "use a vault of the registry's own tenant",
            ));
        }
        if !facts.purge_protected && !self.unprotected_is_fine {
            why.push(Refusal::new(
                format!("vault {name} has no purge protection: whoever may purge its key makes every image unreadable for ever"),
                "R-CMK-06",
                "switch it on (az keyvault update --enable-purge-protection true), or say that the vault is fine without \
                 (`.unprotected_vault_is_fine()`)",
            ));
        }
        if facts.firewall == Firewall::Closed && !self.closed_is_fine {
            why.push(Refusal::new(
                format!("vault {name} is closed and does not let trusted services through"),
                "R-CMK-38",
                "let trusted services through its firewall (az keyvault update --bypass AzureServices)",
            ));
        }
        if self.premium && !facts.premium {
            why.push(Refusal::new(
                format!("vault {name} is not premium and holds no HSM keys"),
                "R-KV-18",
                "use a premium vault, or an RSA key",
            ));
        }
        why
    }
    fn sku(&self) -> VaultSku {
        if self.premium { VaultSku::Premium } else { VaultSku::Standard }
    }
}

impl Step for EnsureVault {
    const NAME: &'static str = "ensure-vault";
    type Made = VaultMade;

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
        let name = self.vault.name();
        match &self.way {
            VaultWay::Adopt => {
                Foreseen::new(format!("vault {name} as it is"), Rollback::nothing("it was there before"))
            }
            VaultWay::Create { location, by_roles, retention_days, .. } => {
                let model = if *by_roles { "roles" } else { "access policies" };
                Foreseen::new(
                    format!(
                        "vault {name} in {location}, ruled by {model}, with purge protection and {retention_days} days of retention"
                    ),
                    Rollback::Never {
                        why: format!(
                            "purge protection cannot be switched off, and a deleted vault keeps its name for {retention_days} days (R-KV-03)"
                        ),
                        accept: Some(Irreversible::PurgeProtection),
                    },
                )
            }
            VaultWay::Recover { location } => Foreseen::new(
                format!("vault {name} in {location} recovered from deletion, as it was"),
                Rollback::nothing(format!("delete it again: az keyvault delete --name {name}")),
            )
            .note("its role assignments do not come back with it (R-KV-05)"),
        }
    }
    async fn observe(&self, look: &Reader, _: &Me<'_>) -> Result<Seen<VaultMade>> {
        let Some(vault) = look.vault(&self.vault).await? else {
            let made = match &self.way {
                VaultWay::Adopt => {
                    return Ok(Seen::Drifted {
                        before: format!("vault {}", self.vault),
                        found: "no such vault".into(),
                    });
                }
                VaultWay::Create { by_roles, .. } => Some(VaultMade { vault: self.vault.clone(), by_roles: *by_roles }),
                VaultWay::Recover { .. } => None,
            };
            let needs = Needs::new(self.foresee()).before(&"absent");
            return Ok(Seen::Needs(match made {
                Some(made) => needs.foreseen(made),
                None => needs,
            }));
        };
        let facts = VaultFacts::of(&vault);
        if !facts.ready {
            return Ok(Seen::Busy("the vault's name to be known in DNS".into()));
        }
        let refusals = self.refusals(&facts);
        if !refusals.is_empty() {
            return Ok(Seen::Refused(refusals));
        }
        Ok(Seen::Done(VaultMade { vault: self.vault.clone(), by_roles: facts.by_roles }))
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<VaultMade>> {
        let (written, by_roles) = match &self.way {
            VaultWay::Adopt => return Err(crate::engine::error::Error::bug("an adopted vault is never written")),
            VaultWay::Create { location, by_roles, retention_days, tags } => {
                let new = NewVault {
                    location: location.clone(),
                    tenant: self.tenant,
                    sku: self.sku(),
                    rbac: *by_roles,
                    retention_days: *retention_days,
                    tags: tags.clone(),
                };
                (azure.put_new_vault(&self.vault, &new).await?, *by_roles)
            }
            VaultWay::Recover { location } => {
                let written = azure.recover_vault(&self.vault, location, &self.tenant).await?;
                let by_roles = written.body.as_ref().is_some_and(|v| v.uses_rbac());
                (written, by_roles)
            }
        };
        // `RegisteringDns` is a state of the resource and no operation: the look after it waits (recorded: 29 to 33 s).
        drop(written);
        Ok(Applied::now(VaultMade { vault: self.vault.clone(), by_roles }))
    }
    async fn settled(&self, look: &Reader, _: &Me<'_>, _: &VaultMade) -> Result<Settled> {
        Ok(match look.vault(&self.vault).await? {
            Some(vault) if VaultFacts::of(&vault).ready => Settled::Yes,
            _ => Settled::NotYet { why: "the vault's name to be known in DNS".into(), after: None },
        })
    }
    fn requires(&self) -> Vec<Requirement> {
        let write = Requirement::new(self.vault.resource(), "Microsoft.KeyVault/vaults/write");
        vec![match &self.way {
            VaultWay::Create { location, by_roles, retention_days, tags } => write.writing(serde_json::json!({
                "type": "Microsoft.KeyVault/vaults", "name": self.vault.name(), "location": location, "tags": tags,
                "properties": {
                    "enableRbacAuthorization": by_roles, "enablePurgeProtection": true, "enableSoftDelete": true,
                    "softDeleteRetentionInDays": retention_days, "sku": { "name": self.sku() },
                },
            })),
            _ => write,
        }]
    }
    fn brings_host(&self) -> bool {
        !matches!(self.way, VaultWay::Adopt)
    }
    fn patience(&self) -> Duration {
        Duration::from_secs(15 * 60)
    }
    fn class(&self, error: &crate::engine::error::Error, _: &Me<'_>) -> Class {
        match error.service() {
            Some(e) if e.object_in_transition() => {
                Class::Again { why: "the deleted vault to come out of a transition".into() }
            }
            _ => Class::of(error),
        }
    }
}
