//! Trying out what a run's changes led to.

use super::{
    Context,
    context::{Mode, Running},
    history,
    locks::fold,
};
use crate::{
    azure::Reader,
    engine::{
        error::{Error, Result},
        event::Event,
        journal::{Entry, Journaled},
    },
};
use std::{future::Future, time::Duration};
use tokio::time::Instant;

const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What one try came to.
pub(crate) enum Tried<T> {
    /// It works.
    Works(T),
    /// Not yet, or never: only time tells.
    NotYet {
        /// What is waited for.
        why: String,
        /// The run's error if patience runs out.
        error: Error,
    },
}

impl Context {
    /// Tries something out until it works, for as long as `patience` has it. Only in a run: what was withheld cannot be
    /// tried. That it worked is journaled as a decision is, so that a resumed run does not try again; that it did not is not,
    /// so that it does.
    ///
    /// A try is never cut short: it may leave something behind.
    pub(crate) async fn try_out<T, F>(
        &self,
        name: &'static str,
        subject: &str,
        patience: Duration,
        attempt: impl Fn(Reader) -> F + Send,
    ) -> Result<Option<T>>
    where
        T: Journaled,
        F: Future<Output = Result<Tried<T>>> + Send,
    {
        let Mode::Run(running) = &self.shared.mode else { return Ok(None) };
        let subject = fold(subject);
        self.once(name, &subject)?;
        let known = history::decision(&running.records.lock().await, name, &subject).cloned();
        if let Some(value) = known {
            return serde_json::from_value(value).map(Some).map_err(|e| Error::bug(format!("decision '{name}': {e}")));
        }
        self.try_until_it_works(running, name, subject, patience, attempt).await.map(Some).map_err(|e| e.at(name))
    }

    async fn try_until_it_works<T, F>(
        &self,
        running: &Running,
        name: &'static str,
        subject: String,
        patience: Duration,
        attempt: impl Fn(Reader) -> F + Send,
    ) -> Result<T>
    where
        T: Journaled,
        F: Future<Output = Result<Tried<T>>> + Send,
    {
        let (started, mut pause) = (Instant::now(), FIRST_PAUSE);
        loop {
            self.stop_point()?;
            let (why, error) = match attempt(self.shared.look.clone()).await? {
                Tried::NotYet { why, error } => (why, error),
                Tried::Works(value) => {
                    let kept = serde_json::to_value(&value).map_err(|e| Error::bug(format!("'{name}': {e}")))?;
                    let entry = Entry::Decided { name: name.into(), subject, value: kept };
                    running.note(&self.shared.azure, &self.shared.run, entry).await?;
                    return Ok(value);
                }
            };
            let elapsed = started.elapsed();
            if elapsed >= patience {
                return Err(error);
            }
            self.tell(&Event::Waiting { step: name, why, pause, elapsed });
            self.pause(pause).await?;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }
}
