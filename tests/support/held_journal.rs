//! A journal that can be held at one append, so that a run can be killed exactly there.

use async_trait::async_trait;
use cmk::journal::{Holder, Journal, JournalError, Lock, Record, RunName};
use std::sync::Arc;
use tokio::sync::Notify;

/// On which side of the append.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    Before,
    After,
}

/// Delegates to another journal, and never comes back from append number `at` (counted from 0).
#[derive(Debug)]
pub struct HeldJournal {
    pub inner: Arc<dyn Journal>,
    pub at: u64,
    pub when: When,
    pub reached: Arc<Notify>,
}

#[async_trait]
impl Journal for HeldJournal {
    async fn read(&self, run: &RunName) -> Result<Vec<Record>, JournalError> {
        self.inner.read(run).await
    }
    async fn append(&self, run: &RunName, record: &Record) -> Result<(), JournalError> {
        let here = record.seq == self.at;
        if here && self.when == When::Before {
            self.reached.notify_one();
            std::future::pending::<()>().await;
        }
        self.inner.append(run, record).await?;
        if here {
            self.reached.notify_one();
            std::future::pending::<()>().await;
        }
        Ok(())
    }
    async fn runs(&self) -> Result<Vec<RunName>, JournalError> {
        self.inner.runs().await
    }
    async fn lock(&self, subject: &str, holder: &Holder) -> Result<Lock, JournalError> {
        self.inner.lock(subject, holder).await
    }
    async fn last_holder(&self, subject: &str) -> Result<Option<Holder>, JournalError> {
        self.inner.last_holder(subject).await
    }
    fn place(&self) -> String {
        self.inner.place()
    }
}
