//! Floor 7: diagnose a registry: name the cause, show the evidence, offer the remedy.

pub mod audit;
mod builder;
mod cause;
mod causes;
mod context;
pub(crate) mod explain;
pub mod facts;
mod finding;
mod machine;
mod report;

pub(crate) use builder::Meant;
pub use builder::{Asked, Diagnose};
pub use cause::{Cause, Judge, Judged, When, causes};
pub use context::{Blind, BlindKind, Fact, Looked, Scene, Seen};
pub use finding::{Area, Case, Certainty, Evidence, Finding, Remedy, Severity};
pub use machine::{Machine, NotRun, Ran, ThisMachine, Unresolved};
pub use report::{Diagnosis, KeyUse, Query, Support, Unseen, UnseenKind, Verdict};

use crate::{
    azure::{Azure, id::RegistryId},
    engine::error::{Error, Result},
};
use futures::future::join_all;
use std::{
    future::{Future, IntoFuture},
    pin::Pin,
};

/// Diagnoses a registry: await it.
///
/// # Expected flow
/// 1. All [`causes`] are looked for side by side. What several of them need is read once.
/// 2. Those that hold are told, the worst first, with what was read, when and under which request id; what merely follows
///    from another cause is put below it.
///
/// # Guarantees
/// - Nothing is changed, unless [`probed`](Diagnose::probed) asks for a tiny push.
/// - A look that hangs, fails or is forbidden is told as such; it never fails the whole.
///
/// # Assumptions
/// - What is inferred, or rests on what is only assumed of Azure, says so in its finding.
///
/// # Caveats
/// - It is a look at one moment. A grant, a firewall rule or a DNS record that was just changed may not have taken effect.
/// - What only another network could see (its DNS, its routes) is told as not to be seen from here.
///
/// # Errors
/// [`Invalid`](crate::engine::error::ErrorKind::Invalid) when [`only`](Diagnose::only) names neither a code nor an area.
///
/// ```no_run
/// # async fn f(azure: cmk::Azure, registry: cmk::azure::id::RegistryId) -> cmk::Result<()> {
/// let diagnosis = cmk::diagnose(&azure, &registry).await?;
/// for finding in &diagnosis.findings {
///     println!("{}: {}", finding.code, finding.says);
/// }
/// # Ok(())
/// # }
/// ```
pub fn diagnose(azure: &Azure, registry: &RegistryId) -> Diagnose {
    Diagnose::new(azure, registry)
}

impl Diagnose {
    async fn made(self) -> Result<Diagnosis> {
        let unknown = self.unknown();
        if !unknown.is_empty() {
            return Err(Error::invalid(format!(
                "neither a code nor an area of a diagnosis: {}; `cmk diagnose --list` names them all",
                unknown.join(", ").escape_debug()
            )));
        }
        let wanted: Vec<&Cause> = self.known().filter(|c| self.wants(c)).collect();
        let look = self.look.clone().unwrap_or_else(|| self.azure.surveyor(self.limit));
        let correlation = look.correlation;
        let scene = Scene::new(look, self.registry.clone(), self.asked.clone(), self.machine.clone());
        let judged = join_all(wanted.into_iter().map(|cause| {
            let scene = &scene;
            async move {
                // A judge asks several things one after the other; each has the limit for itself.
                let limit = self.limit.saturating_mul(6);
                let judged = tokio::time::timeout(limit, cause.judged(scene)).await;
                (cause, judged.unwrap_or_else(|_| Err(Blind::failed(format!("it took longer than {limit:?}")))))
            }
        }))
        .await;
        let first = &self.asked.first;
        let symptom = self.asked.symptom.clone();
        let diagnosis = Diagnosis::of(self.registry.clone(), self.azure.now(), judged, first, symptom, correlation);
        Ok(diagnosis.noting(scene.notes()))
    }
}

impl IntoFuture for Diagnose {
    type Output = Result<Diagnosis>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.made())
    }
}
