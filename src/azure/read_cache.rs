//! What a handle for looking keeps of its reads: answers, so that the same question goes out once, and a trail of what was
//! read, when and under which request id.

use super::{
    client::{Azure, Reader},
    retry::{Answer, CallError, Called, Cause, Patience},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use time::OffsetDateTime;
use tokio::sync::OnceCell;

/// One request that was answered, or was not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// A verb and a path, without query.
    pub request: String,
    /// The answer's status; `None` if none came.
    pub status: Option<u16>,
    /// The service's id of the request, for its support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// When the answer was there.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// The reads of one look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trail(Arc<Mutex<Vec<Read>>>);

impl Trail {
    pub(crate) fn note(&self, read: Read) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(read);
    }
    pub(crate) fn reads(&self) -> Vec<Read> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Answers by question. Whoever asks what is being asked already waits for the same answer.
#[derive(Default)]
pub(crate) struct Answers(Mutex<HashMap<String, Arc<OnceCell<Kept>>>>);

/// An answer, and when it came.
#[derive(Clone)]
pub(crate) struct Kept {
    answer: Result<Answer, Arc<CallError>>,
    at: OffsetDateTime,
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers")
    }
}

impl Answers {
    fn slot(&self, question: &str) -> Arc<OnceCell<Kept>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(question.to_owned()).or_default().clone()
    }
}

impl Azure {
    /// A handle for a look around: the same question is asked once, and no request takes longer than `limit` with all its
    /// repetitions.
    pub(crate) fn surveyor(&self, limit: Duration) -> Reader {
        let mut look = self.reader();
        let patience = Patience { deadline: limit.min(self.request_deadline()), budget: limit, ..Patience::default() };
        (look.patience, look.answers) = (Some(Arc::new(patience)), Some(Arc::default()));
        look
    }
}

impl Reader {
    /// The same handle with a trail of its own.
    pub(crate) fn trailed(&self) -> (Self, Trail) {
        let trail = Trail::default();
        (Self { trail: Some(trail.clone()), ..self.clone() }, trail)
    }

    /// Asks, or takes the answer that was had before.
    pub(crate) async fn once<F>(&self, question: String, request: &str, ask: impl FnOnce() -> F) -> Called<Answer>
    where
        F: Future<Output = Called<Answer>>,
    {
        let kept = match &self.answers {
            None => {
                let answer = ask().await;
                self.trace(request, &answer, self.now());
                return answer;
            }
            Some(answers) => {
                let slot = answers.slot(&question);
                let asked = || async { Kept { answer: ask().await.map_err(Arc::new), at: self.now() } };
                slot.get_or_init(asked).await.clone()
            }
        };
        let answer = kept.answer.map_err(CallError::again);
        self.trace(request, &answer, kept.at);
        answer
    }

    pub(crate) fn trace(&self, request: &str, answer: &Called<Answer>, at: OffsetDateTime) {
        let Some(trail) = &self.trail else { return };
        let (status, request_id) = match answer {
            Ok(answer) => (Some(answer.status), answer.header("x-ms-request-id")),
            Err(e) => (e.status(), e.service().and_then(|e| e.request_id.clone())),
        };
        trail.note(Read { request: request.to_owned(), status, request_id, at });
    }
}

impl CallError {
    /// The same failure for one more who asked the same.
    fn again(of: Arc<Self>) -> Self {
        Self { sent: of.sent, request: of.request.clone(), cause: Box::new(Cause::Before(of)) }
    }
}
