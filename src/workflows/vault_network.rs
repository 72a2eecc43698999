//! Change the network rules of a vault.

use crate::{
    azure::{
        Cloud,
        id::VaultId,
        vaults::{NetworkAction, NetworkRules},
    },
    engine::{
        error::{Error, Refusal, Result},
        journal::journaled,
        run::{Context, Workflow},
        step::Known,
    },
    steps::{NetworkChange, SetNetwork},
};
use serde::{Deserialize, Serialize};

// ---- order ----------------------------------------------------------------------------------------------------------

/// The order to change a vault's network rules; what is not said stays.
///
/// ```
/// use cmk::VaultNetwork;
/// let vault = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop\
///     /providers/Microsoft.KeyVault/vaults/kv-contoso1".parse()?;
/// let order = VaultNetwork::new(vault).allow_ip("203.0.113.7").trusted_services(true);
/// # Ok::<(), cmk::Error>(())
/// ```
///
/// # Expected flow
/// The rules are read, changed where the order says, and written back as one block by PATCH; then read again.
///
/// # Guarantees
/// - Rules that the order does not name stay, in their order and spelling. The rules before are kept for the way back.
///
/// # Caveats
/// - The firewall guards keys, not ARM: a caller who is shut out can still change the rules (R-KV-40).
/// - A registry on a key of a vault that was closed after it was made may need a repair (R-CMK-40).
/// - Changes to subnets can take up to a quarter of an hour.
///
/// # Errors
/// Refused before anything is written: what is no IPv4 address or subnet id, no such vault, a missing right (R-ARM-33), a
/// lock (R-ARM-31).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VaultNetwork {
    vault: VaultId,
    change: NetworkChange,
}

impl VaultNetwork {
    /// Of this vault; nothing changes yet.
    #[must_use]
    pub fn new(vault: VaultId) -> Self {
        Self { vault, change: NetworkChange::default() }
    }
    /// All of the change at once.
    #[must_use]
    pub fn change(mut self, change: NetworkChange) -> Self {
        self.change = change;
        self
    }
    /// Lets an IPv4 address or range in.
    #[must_use]
    pub fn allow_ip(mut self, ip: impl Into<String>) -> Self {
        self.change.allow_ip.push(ip.into());
        self
    }
    /// Takes the rule of an address or range away.
    #[must_use]
    pub fn forget_ip(mut self, ip: impl Into<String>) -> Self {
        self.change.forget_ip.push(ip.into());
        self
    }
    /// Lets trusted services through, or no longer (R-CMK-38).
    #[must_use]
    pub fn trusted_services(mut self, through: bool) -> Self {
        self.change.trusted_services = Some(through);
        self
    }
    /// What becomes of whom no rule names.
    #[must_use]
    pub fn default_action(mut self, action: NetworkAction) -> Self {
        self.change.default_action = Some(action);
        self
    }
    /// The vault.
    #[must_use]
    pub fn vault(&self) -> &VaultId {
        &self.vault
    }
}

// ---- outcome --------------------------------------------------------------------------------------------------------

/// A vault's network rules after a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkChanged {
    /// The vault.
    pub vault: VaultId,
    /// The rules as they were.
    pub before: NetworkRules,
    /// The rules as they are.
    pub after: NetworkRules,
}

journaled!(VaultNetwork, NetworkChanged);

// ---- steps ----------------------------------------------------------------------------------------------------------

impl Workflow for VaultNetwork {
    const NAME: &'static str = "vault-network";
    const VERSION: u32 = 1;
    type Outcome = NetworkChanged;

    fn subject(&self) -> String {
        self.vault.to_string()
    }
    fn refusals(&self, _: &Cloud) -> Vec<Refusal> {
        let mut why = self.change.refusals();
        if self.change.is_empty() {
            why.push(Refusal::new(
                "nothing is to change",
                "own",
                "say what, as `--allow-ip` or `--trusted-services on`",
            ));
        }
        why
    }

    async fn steps(&self, cx: &Context) -> Result<Known<NetworkChanged>> {
        let vault = self.vault.clone();
        let read = |look: crate::azure::Reader| async move {
            let seen = look.vault(&vault).await?;
            seen.map(|v| v.network_rules()).ok_or_else(|| {
                let gone = Refusal::new(
                    format!("there is no vault {vault}"),
                    "R-ERR-40",
                    "check its id; a deleted one is recovered first (`cmk recover`)",
                );
                Error::refused(gone)
            })
        };
        let before = cx.decide("rules", &self.vault.to_string(), read).await?;
        let step = SetNetwork {
            vault: self.vault.clone(),
            change: self.change.clone(),
            exactly: None,
            from: None,
            look_in: Vec::new(),
            may_lose: Vec::new(),
            after: None,
        };
        let done = cx.step(step).await?;
        let after = self.change.on(&before);
        Ok(done.map(|()| NetworkChanged { vault: self.vault.clone(), before, after }))
    }
}
