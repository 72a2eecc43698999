//! Audit the registries of subscriptions: what is wrong, going to be, or could be better with their keys.

use crate::{
    azure::{
        Azure, Reader,
        id::{RegistryId, SubscriptionId},
    },
    checks::Unknown,
    diagnosis::{Diagnosis, Severity, Verdict, diagnose},
    engine::error::Result,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use std::{fmt, time::Duration};
use time::OffsetDateTime;

/// How many registries are looked at side by side: far below what a vault or ARM takes (R-KV-18, R-ARM-01).
const ABREAST: usize = 8;
/// How long one look may take with its repetitions.
const LIMIT: Duration = Duration::from_secs(20);

/// What an audit came to.
#[derive(Clone, Debug, Serialize)]
pub struct Audit {
    /// The version of this form.
    pub v: u32,
    /// When it was begun.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// In a word: findings of any registry, else whether all could be looked at.
    pub verdict: Verdict,
    /// Each registry with its findings, by id; those without a customer-managed key too.
    pub registries: Vec<Diagnosis>,
    /// What could not even be listed: "not listed" is not "not there".
    pub unknown: Vec<Unknown>,
}

impl Audit {
    /// The version of the serialised form.
    pub const VERSION: u32 = 1;
}

/// Audits all registries of some subscriptions: how they stand to their keys, by the [causes](crate::diagnosis::causes) of a
/// diagnosis that are of use for many at once, and those that are for an audit only. Changes nothing.
///
/// ```no_run
/// # async fn f(azure: cmk::Azure, subscription: cmk::azure::id::SubscriptionId) -> cmk::Result<()> {
/// let audit = cmk::audit(&azure, &[subscription]).await?;
/// for registry in &audit.registries {
///     for finding in registry.all() {
///         println!("{} {} {}: {}", registry.registry.name(), finding.severity, finding.code, finding.says);
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Expected flow
/// 1. Each subscription's registries are listed through ARM.
/// 2. Eight registries at a time are looked at. What several of them need, a vault or a key, is read once.
///
/// # Guarantees
/// - What could not be looked at is told, registry by registry; a subscription that may not be listed, too.
/// - A registry without a customer-managed key is told as `no-cmk`, which is advice.
///
/// # Caveats
/// - It is a look at one moment; see [`diagnose()`].
/// - Whether an identity is shared is seen within a subscription.
///
/// # Errors
/// When no token can be had. A subscription that refuses the caller is part of the result.
pub async fn audit(azure: &Azure, subscriptions: &[SubscriptionId]) -> Result<Audit> {
    let (look, at) = (azure.surveyor(LIMIT), azure.now());
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for subscription in subscriptions {
        found.extend(registries_of(&look, subscription, &mut unknown).await?);
    }
    found.sort_by_key(RegistryId::key);
    found.dedup();
    let each = stream::iter(found).map(|id| diagnose(azure, &id).in_audit(look.clone()).into_future());
    let registries: Vec<Diagnosis> = each.buffered(ABREAST).try_collect().await?;
    let is = |verdict| registries.iter().any(|r| r.verdict == verdict);
    let verdict = if is(Verdict::Findings) {
        Verdict::Findings
    } else if is(Verdict::CouldNotLook) || !unknown.is_empty() {
        Verdict::CouldNotLook
    } else {
        Verdict::Healthy
    };
    Ok(Audit { v: Audit::VERSION, at, verdict, registries, unknown })
}

async fn registries_of(
    look: &Reader,
    subscription: &SubscriptionId,
    unknown: &mut Vec<Unknown>,
) -> Result<Vec<RegistryId>> {
    let all = match look.registries_in(subscription).await {
        Ok(all) => all,
        Err(e) if e.status().is_some() => {
            unknown.push(Unknown { what: format!("/subscriptions/{subscription}"), why: e.to_string() });
            return Ok(Vec::new());
        }
        Err(e) => return Err(e.into()),
    };
    let mut found = Vec::new();
    for body in &all {
        let id = body.id.clone().unwrap_or_default();
        match id.parse() {
            Ok(registry) => found.push(registry),
            Err(e) => unknown.push(Unknown { what: id, why: crate::engine::error::Error::from(e).to_string() }),
        }
    }
    Ok(found)
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for one in &self.registries {
            let id = &one.registry;
            let verdict = match one.verdict {
                Verdict::Healthy => "healthy".to_owned(),
                Verdict::Findings => format!("{} to look at", one.findings.len()),
                Verdict::CouldNotLook => "could not be looked at".to_owned(),
            };
            writeln!(f, "{} ({}, {}): {verdict}", id.name(), id.group(), id.subscription())?;
            for finding in one.all() {
                writeln!(f, "  {:8} {}: {}", finding.severity.name(), finding.code, finding.says)?;
                if let Some(remedy) = finding.remedies.first() {
                    writeln!(f, "           do: {remedy}")?;
                }
            }
            for unseen in &one.unseen {
                writeln!(f, "  unseen   {}: {}", unseen.codes.join(", "), unseen.why)?;
            }
        }
        let worst =
            |severity| self.registries.iter().filter(|r| r.findings.iter().any(|f| f.severity == severity)).count();
        writeln!(
            f,
            "{}: {} broken, {} at risk, {} with advice",
            match self.registries.len() {
                1 => "1 registry".to_owned(),
                n => format!("{n} registries"),
            },
            worst(Severity::Broken),
            worst(Severity::Risk),
            worst(Severity::Advice)
        )?;
        for Unknown { what, why } in &self.unknown {
            writeln!(f, "unknown: {what}: {why}")?;
        }
        Ok(())
    }
}
