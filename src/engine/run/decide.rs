//! Reads that steer a workflow, and what becomes of them when a run is resumed.

use super::{
    Context,
    context::{Mode, lock},
    erased::{self, written},
    history,
    locks::fold,
};
use crate::{
    azure::Reader,
    engine::{
        error::{Error, ErrorKind, Result},
        journal::{Entry, Journaled, Record},
    },
    sabotage::Guard,
};
use futures::future::BoxFuture;
use serde_json::Value;
use std::future::Future;

/// When a resumed run reads again what a decision was taken by.
#[derive(Clone, Copy, PartialEq)]
enum Recheck {
    /// While it has not asked for any change: after that, the difference may be its own doing.
    UntilActed,
    /// Always: no step of the workflow changes it.
    Always,
}

/// A read with its types out of sight.
struct AnyRead<'r> {
    read: Box<dyn FnOnce(Reader) -> BoxFuture<'r, Result<Value>> + Send + 'r>,
    /// What of its value a resumed run relies on.
    relied_on: fn(&str, Value) -> Result<Value>,
}

impl<'r> AnyRead<'r> {
    fn of<T, F>(name: &'static str, read: impl FnOnce(Reader) -> F + Send + 'r) -> Self
    where
        T: Journaled,
        F: Future<Output = Result<T>> + Send + 'r,
    {
        Self {
            read: Box::new(move |look| {
                let seen = read(look);
                Box::pin(async move { written(&decision(name), &seen.await?) })
            }),
            relied_on: |what, value| Ok(sorted(erased::read::<T>(what, value)?.relied_on())),
        }
    }
}

fn decision(name: &str) -> String {
    format!("decision '{name}'")
}

impl Context {
    /// A read that steers the workflow. It is journaled, so that a resumed run takes the same way.
    ///
    /// A resumed run that has not asked for any change yet reads again. If what it [relies on](Journaled::relied_on) is
    /// not as it was, it fails before it changes anything. The plan of such a run goes by its journal in the same way.
    ///
    /// # Errors
    /// Those of the read, and [`Drifted`](ErrorKind::Drifted).
    pub async fn decide<T, F>(
        &self,
        name: &'static str,
        subject: &str,
        read: impl FnOnce(Reader) -> F + Send,
    ) -> Result<T>
    where
        T: Journaled,
        F: Future<Output = Result<T>> + Send,
    {
        let decided = self.decided(Recheck::UntilActed, name, subject, AnyRead::of(name, read)).await?;
        erased::read(&decision(name), decided)
    }

    /// As [`decide`](Self::decide), of what no step of the workflow changes: read again whenever the run is resumed.
    pub(crate) async fn decide_for_good<T, F>(
        &self,
        name: &'static str,
        subject: &str,
        read: impl FnOnce(Reader) -> F + Send,
    ) -> Result<T>
    where
        T: Journaled,
        F: Future<Output = Result<T>> + Send,
    {
        let decided = self.decided(Recheck::Always, name, subject, AnyRead::of(name, read)).await?;
        erased::read(&decision(name), decided)
    }

    fn decided<'a>(
        &'a self,
        recheck: Recheck,
        name: &'static str,
        subject: &'a str,
        seen: AnyRead<'a>,
    ) -> BoxFuture<'a, Result<Value>> {
        Box::pin(async move {
            let AnyRead { read, relied_on } = seen;
            let subject = fold(subject);
            self.once(name, &subject)?;
            let at =
                |records: &[Record]| (history::decision(records, name, &subject).cloned(), history::stands(records));
            if let (Some(then), acted) = self.journaled(at).await {
                if self.guard(Guard::DecisionCheck) && (recheck == Recheck::Always || !acted) {
                    let what = decision(name);
                    let before = relied_on(&what, then.clone())?;
                    let found = relied_on(&what, self.or_stop(read(self.shared.look.clone())).await?)?;
                    unchanged(&before, &found).map_err(|e| e.at(name))?;
                }
                return Ok(then);
            }
            let place = (name.to_owned(), subject);
            match &self.shared.mode {
                Mode::Plan(draft) => {
                    let value = read(self.shared.look.clone()).await?;
                    lock(draft).decisions.insert(place, value.clone());
                    Ok(value)
                }
                Mode::Run(running) => {
                    let value = match running.decided.get(&place) {
                        Some(value) => value.clone(),
                        None => {
                            self.stop_point()?;
                            self.or_stop(read(self.shared.look.clone())).await?
                        }
                    };
                    let entry = Entry::Decided { name: place.0, subject: place.1, value: value.clone() };
                    running.note(&self.shared.azure, &self.shared.run, entry).await?;
                    Ok(value)
                }
            }
        })
    }

    /// A look at what the run's changes have led to; `None` in the plan of a run that has not begun. Not journaled:
    /// whenever the run comes here, it looks.
    ///
    /// # Errors
    /// Those of the look.
    pub(crate) async fn look_again<T, F>(&self, read: impl FnOnce(Reader) -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<T>> + Send,
    {
        if self.is_plan() && self.journaled(<[Record]>::is_empty).await {
            return Ok(None);
        }
        self.stop_point()?;
        self.or_stop(read(self.shared.look.clone())).await.map(Some)
    }

    /// As [`look_again`](Self::look_again), for something that is still to be done. What is found is journaled as a decision
    /// is; that there is nothing is not.
    ///
    /// # Errors
    /// Those of the look.
    pub(crate) async fn find<T, F>(
        &self,
        name: &'static str,
        subject: &str,
        read: impl FnOnce(Reader) -> F,
    ) -> Result<Option<T>>
    where
        T: Journaled,
        F: Future<Output = Result<Option<T>>> + Send,
    {
        let subject = fold(subject);
        self.once(name, &subject)?;
        if let Some(value) = self.journaled(|records| history::decision(records, name, &subject).cloned()).await {
            return erased::read(&decision(name), value).map(Some);
        }
        let found = self.look_again(read).await?.flatten();
        if let (Some(found), Mode::Run(running)) = (&found, &self.shared.mode) {
            let value = written(&decision(name), found)?;
            running
                .note(&self.shared.azure, &self.shared.run, Entry::Decided { name: name.into(), subject, value })
                .await?;
        }
        Ok(found)
    }

    /// Something of the run's journal, or, in a plan, of the journal of the run that it is a plan of.
    pub(super) async fn journaled<R>(&self, of: impl FnOnce(&[Record]) -> R) -> R {
        match &self.shared.mode {
            Mode::Plan(draft) => of(&lock(draft).records),
            Mode::Run(running) => of(&running.records.lock().await),
        }
    }
}

/// Whether what a decision was taken by is still so.
fn unchanged(before: &Value, found: &Value) -> Result<()> {
    if before == found {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Drifted { before: before.to_string(), found: found.to_string() }))
}

/// With its lists in one order: services list in whatever order they like.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<_> = items.into_iter().map(sorted).collect();
            items.sort_by_cached_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, sorted(value))).collect(),
        other => other,
    }
}
