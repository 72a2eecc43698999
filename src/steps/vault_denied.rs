//! What a vault's refusal of the caller means to a step.

use crate::{
    azure::CallError,
    engine::{
        error::{Error, Refusal, Result},
        step::{Class, Me, Seen},
    },
};
use std::time::Duration;

/// A role takes up to ten minutes to take effect (R-RBAC-01), and is given up on after fifteen.
pub(super) const YOUNG: Duration = Duration::from_secs(15 * 60);
/// For a step that may have to wait for a right first.
pub(super) const PATIENCE: Duration = Duration::from_secs(20 * 60);

/// A right that this run gave the caller may be young still; a firewall does not open by waiting.
fn may_open(error: &CallError, me: &Me<'_>, given: bool) -> bool {
    let shut = error.service().is_some_and(|e| e.firewall_refusal().is_some());
    given && !shut && me.elapsed < YOUNG
}

/// An error of a look: to wait for a right that is young or a key in transition, to say who must let the caller in, or the
/// error itself. `given` says whether this run may have given the caller a right.
pub(super) fn kept_out<M>(error: CallError, me: &Me<'_>, given: bool, permissions: &str) -> Result<Seen<M>> {
    if error.service().is_some_and(|e| e.object_in_transition()) {
        return Ok(Seen::Busy("the key to come out of a transition (R-KV-13)".into()));
    }
    if error.status() != Some(403) {
        return Err(error.into());
    }
    if may_open(&error, me, given) {
        return Ok(Seen::Busy("the caller's new role to take effect (R-RBAC-01)".into()));
    }
    Ok(Seen::Refused(vec![shut_out(&error, permissions)]))
}

/// The same of an error of a write.
pub(super) fn class(error: &Error, me: &Me<'_>, given: bool) -> Class {
    match error.service() {
        Some(e) if e.object_in_transition() => {
            Class::Again { why: "the key to come out of a transition (R-KV-13)".into() }
        }
        Some(e) if e.status == 403 && given && e.firewall_refusal().is_none() && me.elapsed < YOUNG => {
            Class::Again { why: "the caller's new role to take effect (R-RBAC-01)".into() }
        }
        _ => Class::of(error),
    }
}

/// Why a vault does not let the caller in, and the ways on (R-KV-34, R-KV-40).
pub(crate) fn shut_out(error: &CallError, permissions: &str) -> Refusal {
    let (rule, way_out) = match error.service().and_then(|e| e.firewall_refusal()) {
        Some(shut) => {
            let address = shut.client.as_ref().map_or_else(String::new, |a| format!(" {a}"));
            let rule =
                shut.client.as_ref().map_or_else(String::new, |a| format!(" (`cmk vault-network .. --allow-ip {a}`)"));
            (
                "R-KV-40",
                format!(
                    "let this machine's address{address} through the vault's firewall{rule}, or run where it is let in: in one of \
                     its subnets, or behind its private endpoint"
                ),
            )
        }
        None => (
            "R-KV-34",
            format!(
                "give the caller the role Key Vault Crypto Officer on the key (`.grant_me()`, where the order has it), or an \
                 access policy with {permissions}"
            ),
        ),
    };
    Refusal::new(format!("the vault does not let this caller in: {error}"), rule, way_out)
}
