//! When a key is rotated by itself, as rules that can be kept and put back (R-KV-15).

use super::{
    data::{content, done, warmed},
    model::{LifetimeAction, LifetimeTrigger, RotationPolicy},
};
use crate::azure::{
    Reader, Writer,
    client::read,
    id::{KeyName, VaultHost},
    resources::is,
    retry::{Called, Nature},
};
use azure_security_keyvault_keys::models::{
    KeyClientGetKeyRotationPolicyOptions, KeyClientUpdateKeyRotationPolicyOptions,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// When a vault makes a further version of a key by itself, when it says that one ends, and how long new ones live.
/// Times are ISO 8601 durations as vaults write them, such as `P90D` or `P1Y2M`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RotationRules {
    /// When a version is made.
    pub rotate: Option<Trigger>,
    /// When an event tells of a version's end (R-KV-17). Vaults set 30 days before it by themselves.
    pub notify: Option<Trigger>,
    /// How long a version lives that is made from now on; the current one keeps its end. At least 28 days.
    pub expiry_time: Option<String>,
}

/// A time in a version's life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// So long after it was made; of rotation only.
    AfterCreate(String),
    /// So long before it expires, which it must do then.
    BeforeExpiry(String),
}

impl Trigger {
    fn read(of: &LifetimeTrigger) -> Option<Self> {
        let after = of.time_after_create.clone().map(Self::AfterCreate);
        after.or_else(|| of.time_before_expiry.clone().map(Self::BeforeExpiry))
    }
    fn body(&self) -> Value {
        match self {
            Self::AfterCreate(time) => json!({ "timeAfterCreate": time }),
            Self::BeforeExpiry(time) => json!({ "timeBeforeExpiry": time }),
        }
    }
}

impl RotationRules {
    fn read(policy: &RotationPolicy) -> Self {
        let of = |kind: &str| {
            let does = |a: &&LifetimeAction| is(a.action.kind.as_deref(), kind);
            policy.lifetime_actions.iter().find(does).and_then(|a| Trigger::read(&a.trigger))
        };
        Self { rotate: of("Rotate"), notify: of("Notify"), expiry_time: policy.attributes.expiry_time.clone() }
    }

    /// The policy as a whole: a `PUT` leaves nothing of the one before.
    fn body(&self) -> Value {
        let actions = [("Rotate", &self.rotate), ("Notify", &self.notify)];
        let actions = actions.into_iter().filter_map(|(kind, trigger)| Some((kind, trigger.as_ref()?)));
        let actions: Vec<_> =
            actions.map(|(kind, trigger)| json!({ "trigger": trigger.body(), "action": { "type": kind } })).collect();
        match &self.expiry_time {
            Some(time) => json!({ "lifetimeActions": actions, "attributes": { "expiryTime": time } }),
            None => json!({ "lifetimeActions": actions }),
        }
    }
}

impl Reader {
    /// When a key is rotated by itself; `None` if there is no such key. One without rules of its own shows those that
    /// the vault sets.
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keys/get-key-rotation-policy/get-key-rotation-policy>
    ///
    /// # Errors
    /// As [`Reader::key`]; the right to read the policy is another than the one to read the key.
    pub async fn rotation_rules(&self, host: &VaultHost, name: &KeyName) -> Called<Option<RotationRules>> {
        let request = format!("GET {host}/keys/{name}/rotationpolicy");
        let client = self.vault_client(host, &request)?;
        let attempt = || async {
            let options = KeyClientGetKeyRotationPolicyOptions { method_options: self.method_options() };
            let sent = client.keys.get_key_rotation_policy(name.as_str(), Some(options)).await;
            self.tried(Nature::Read, &request, sent)
        };
        let answer = self.called(Nature::Read, self.core.scope_at(host), &request, "", None, attempt).await?;
        warmed(&client);
        if answer.status == 404 {
            return Ok(None);
        }
        read::<RotationPolicy>(request, &answer).map(|policy| Some(RotationRules::read(&policy)))
    }
}

impl Writer {
    /// Sets when a key is rotated by itself: these rules and no others. Returns what the vault made of them, which can
    /// be more, as it has a notification of its own. Needs the right to set the policy, and to rotate.
    ///
    /// It overwrites, and so is sent once: after [`Sent::Maybe`](crate::azure::Sent::Maybe) look first.
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keys/update-key-rotation-policy/update-key-rotation-policy>
    ///
    /// # Errors
    /// When the call fails; 400 for times that the vault does not take (R-KV-15), 404 without such a key.
    pub async fn set_rotation_rules(
        &self,
        host: &VaultHost,
        name: &KeyName,
        to: &RotationRules,
    ) -> Called<RotationRules> {
        let request = format!("PUT {host}/keys/{name}/rotationpolicy");
        let client = self.warm_client(host, name, &request).await?;
        let (body, nature) = (to.body(), self.overwriting());
        let attempt = || async {
            let options = KeyClientUpdateKeyRotationPolicyOptions { method_options: self.method_options() };
            let body = content(&request, &body)?;
            let sent = client.keys.update_key_rotation_policy(name.as_str(), body, Some(options)).await;
            self.tried(nature, &request, sent)
        };
        let answer = self.called(nature, self.core.scope_at(host), &request, "", None, attempt).await?;
        if answer.status == 404 {
            return Err(self.core.refused(request, &answer));
        }
        read::<RotationPolicy>(request, &answer).map(|policy| RotationRules::read(&policy)).map_err(done)
    }
}
