//! Writes through ARM, and what they come to.

use super::{CallError, Called, Nature, Operation, Sent, Writer, name_of, read};
use azure_core::http::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

impl Writer {
    /// A write that overwrites: sent late, a lost one could undo what came after it, so it is repeated only by its step,
    /// which looks first and waits until a lost one can no longer land.
    pub(crate) async fn write_once<T: DeserializeOwned>(
        &self,
        verb: Method,
        path: &str,
        version: &str,
        body: Option<&Value>,
    ) -> Called<Written<T>> {
        let nature =
            if self.core.guards.hold(crate::sabotage::Guard::NoBlindPost) { Nature::Once } else { Nature::Same };
        self.written(nature, verb, path, version, body).await
    }

    /// A write that may be sent again at any time: it adds, or makes what does not change. Returns the answer's body, if it has one, and the
    /// operation to follow, if the service has not finished.
    pub(crate) async fn write<T: DeserializeOwned>(
        &self,
        verb: Method,
        path: &str,
        version: &str,
        body: Option<&Value>,
    ) -> Called<Written<T>> {
        self.written(Nature::Same, verb, path, version, body).await
    }

    async fn written<T: DeserializeOwned>(
        &self,
        nature: Nature,
        verb: Method,
        path: &str,
        version: &str,
        body: Option<&Value>,
    ) -> Called<Written<T>> {
        let url = self.arm_url(path, &[("api-version", version)])?;
        let name = name_of(verb, &url);
        let answer = self.arm(nature, verb, &url, body).await?;
        if answer.status == 404 {
            if verb == Method::Delete {
                return Ok(Written { body: None, operation: None });
            }
            return Err(self.core.refused(name, &answer));
        }
        let operation = Operation::of(&answer, verb, &url, self.now());
        let body = if answer.body.iter().all(u8::is_ascii_whitespace) {
            None
        } else {
            match read(name, &answer) {
                Ok(body) => Some(body),
                // An accepted operation is followed, and its resource read, even if this first body is cut.
                Err(_) if operation.is_some() => None,
                Err(e) => return Err(CallError { sent: Sent::Yes, ..e }),
            }
        };
        Ok(Written { body, operation })
    }
}

/// What a write came to.
#[derive(Debug)]
pub struct Written<T> {
    /// The answer's body; of an operation that still runs, it is not final (R-ARM-10).
    pub body: Option<T>,
    /// The operation to follow, if the service has not finished.
    pub operation: Option<Operation>,
}

impl<T> Written<T> {
    /// The body. A service that answers without one has accepted the write all the same.
    ///
    /// # Errors
    /// [`Sent::Yes`] when there is none: the next look tells what came of it.
    pub(crate) fn required(self, request: &str) -> Called<T> {
        let unreadable = || CallError::new(Sent::Yes, request, super::Cause::Unreadable("it has no body".into()));
        self.body.ok_or_else(unreadable)
    }
}
