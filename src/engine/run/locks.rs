//! The locks of a run: one spelling for one subject, what is held, and what the last holder of each has left.

use super::{Stop, Watcher, context::lock, history, lifecycle::ending};
use crate::{
    azure::Azure,
    engine::{
        error::{Error, ErrorKind, Result},
        event::Event,
        journal::{Ending, Holder, Journal, Lock, RunName},
    },
    sabotage::Guard,
};
use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// One spelling for all that are the same subject: ARM compares names without regard to case (R-ARM-22), whatever the
/// letters. Each letter by itself, so that a sigma is the same one at the end of a word.
pub(crate) fn fold(subject: &str) -> String {
    subject.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// The subject of the lock on a run.
pub(super) fn of_run(run: &RunName) -> String {
    format!("run:{run}")
}

/// What a run holds, from before its plan is made to its end.
pub(super) struct Locks {
    azure: Azure,
    journal: Arc<dyn Journal>,
    holder: Holder,
    watch: Option<Watcher>,
    stop: Option<Stop>,
    held: Mutex<Vec<(String, Lock)>>,
    /// One at a time: a branch that goes on has what the other one has waited for.
    taking: tokio::sync::Mutex<()>,
    /// A lock was taken that another run has held: what was read before it may be of before that run.
    stale: AtomicBool,
}

impl fmt::Debug for Locks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locks").field("holder", &self.holder).finish_non_exhaustive()
    }
}

impl Locks {
    pub(super) fn new(
        azure: &Azure,
        journal: Arc<dyn Journal>,
        holder: Holder,
        watch: Option<Watcher>,
        stop: Option<Stop>,
    ) -> Self {
        Self {
            azure: azure.clone(),
            journal,
            holder,
            watch,
            stop,
            held: Mutex::default(),
            taking: tokio::sync::Mutex::default(),
            stale: AtomicBool::new(false),
        }
    }

    /// Takes a lock unless it is held. Whether it was not, so that what was read before has to be read again.
    ///
    /// An unfinished run that held it last and has acted refuses it; one that was given up with a request on its way is
    /// waited out.
    pub(super) async fn take(&self, subject: &str) -> Result<bool> {
        self.taken(fold(subject)).await
    }

    /// Takes the lock on a run's name: letter by letter, as names are told apart.
    pub(super) async fn take_run(&self, run: &RunName) -> Result<()> {
        self.taken(of_run(run)).await.map(|_| ())
    }

    async fn taken(&self, subject: String) -> Result<bool> {
        let _alone = self.taking.lock().await;
        if !self.azure.guards().hold(Guard::Lock) || lock(&self.held).iter().any(|(held, _)| *held == subject) {
            return Ok(false);
        }
        let taken = self.journal.lock(&subject, &self.holder).await?;
        let earlier = self.journal.last_holder(&subject).await?.map(|holder| holder.run);
        if let Some(earlier) = earlier.filter(|run| *run != self.holder.run) {
            self.quiet_after(&earlier, subject.clone()).await?;
            self.stale.store(true, Ordering::Relaxed);
        }
        lock(&self.held).push((subject, taken));
        Ok(true)
    }

    /// Whether a lock was taken, since this was asked last, that another run has held.
    pub(super) fn were_anothers(&self) -> bool {
        self.stale.swap(false, Ordering::Relaxed)
    }

    /// What an earlier run on the subject means for this one.
    async fn quiet_after(&self, earlier: &RunName, subject: String) -> Result<()> {
        let records = self.journal.read(earlier).await?;
        match ending(&records) {
            Some((Ending::Succeeded, _)) => Ok(()),
            Some((Ending::Abandoned, _)) => match history::in_doubt(&records) {
                Some(deadline_s) => self.wait(earlier, history::doubt(deadline_s, self.azure.request_deadline())).await,
                None => Ok(()),
            },
            _ if history::has_acted(&records) => {
                Err(Error::new(ErrorKind::Unfinished { run: earlier.clone(), subject }))
            }
            _ => Ok(()),
        }
    }

    /// Waits until what a run had on its way when it was given up can no longer land: counted from now, as nobody knows
    /// when it left, and clocks are set.
    async fn wait(&self, earlier: &RunName, pause: Duration) -> Result<()> {
        let lasts = pause.as_secs();
        let why = format!("what a run that was given up may still have on its way: {lasts} s for run {earlier}");
        tracing::info!(pause_s = lasts, run = %earlier, "waiting for what a run that was given up has on its way");
        if let Some(watch) = &self.watch {
            watch(&Event::Waiting { step: "(begin)", why, pause, elapsed: Duration::ZERO });
        }
        match &self.stop {
            None => tokio::time::sleep(pause).await,
            Some(stop) => tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.wait() => return Err(Error::new(ErrorKind::Stopped)),
            },
        }
        Ok(())
    }

    /// Gives them all up, in reverse, so that whoever waits for the first of them finds the others free.
    pub(super) fn release(&self) {
        let mut held = std::mem::take(&mut *lock(&self.held));
        while held.pop().is_some() {}
    }
}

impl Drop for Locks {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn one_subject_has_one_spelling() {
        for alike in [["Shop", "sHOP"], ["ΑΣ", "ας"], ["ΑΣ", "ασ"], ["ΑΣΑ", "ασα"], ["ÄÖ", "äö"]] {
            assert_eq!(fold(alike[0]), fold(alike[1]), "{alike:?}");
        }
        assert_eq!(fold("https://KV.vault.azure.net/keys/A-1"), "https://kv.vault.azure.net/keys/a-1");
        assert_ne!(fold("shop"), fold("shops"));
    }
}
