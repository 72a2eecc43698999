//! Long-running operations: a handle that can be journaled, and one poll (R-ARM-10, R-ARM-11).

use super::{
    Reader,
    error::ServiceError,
    retry::{Answer, CallError, Called, Cause, Nature, Sent},
    time_format,
};
use azure_core::http::Method;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{fmt, time::Duration};
use time::OffsetDateTime;
use url::Url;

/// An operation the service has accepted and not yet finished.
///
/// It can be journaled and polled by another process. Its URL may carry a signature: `Debug` and logs leave it out, and
/// it is checked against the cloud's hosts before each use.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    style: Style,
    url: String,
    /// What the service asked to wait before the first look, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after_s: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Style {
    /// `Azure-AsyncOperation`: a body with a status.
    Status,
    /// `Location`: 202 until done.
    Location,
    /// The resource itself, by its `provisioningState`.
    Resource,
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = self.url.split('?').next().unwrap_or_default();
        f.debug_struct("Operation").field("style", &self.style).field("url", &bare).finish_non_exhaustive()
    }
}

/// What one poll of an operation showed.
#[derive(Debug)]
pub enum Progress {
    /// Not finished; look again after this long, if the service named a time.
    Running(Option<Duration>),
    /// Finished. Read the resource for its final state.
    Succeeded,
    /// Finished without success; nothing more will come of it.
    Failed(ServiceError),
}

impl Operation {
    /// The operation behind an answer to a write, if the service has not finished with it.
    pub(crate) fn of(answer: &Answer, verb: Method, url: &Url, now: OffsetDateTime) -> Option<Self> {
        let after_s = answer.retry_after(now).map(|wait| wait.as_millis().div_ceil(1000) as u64);
        let state = provisioning_state(&answer.body);
        let done = state.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("Succeeded"));
        let (style, url) = match (answer.header("azure-asyncoperation"), answer.header("location")) {
            (Some(url), _) if answer.status != 204 => (Style::Status, url),
            (_, Some(url)) if answer.status == 202 => (Style::Location, url),
            _ if verb != Method::Delete && state.is_some() && !done => (Style::Resource, url.to_string()),
            _ => return None,
        };
        Some(Self { style, url, after_s })
    }

    /// What the service asked to wait before the first look.
    #[must_use]
    pub fn after(&self) -> Option<Duration> {
        self.after_s.map(time_format::seconds)
    }
    /// The same for whoever takes it up so long after it was accepted. A clock that was set back in between shortens nothing.
    pub(crate) fn since(mut self, accepted: time::Duration) -> Self {
        let passed = u64::try_from(accepted.whole_seconds()).unwrap_or_default();
        self.after_s = self.after_s.map(|after| after.saturating_sub(passed));
        self
    }
}

impl Reader {
    /// Whether an operation's URL is one of the cloud's, so that it may be asked.
    pub(crate) fn can_poll(&self, operation: &Operation) -> bool {
        self.polled_url(&operation.url, "poll of an operation").is_ok()
    }

    /// Looks once how an operation stands.
    ///
    /// # Errors
    /// When the look itself fails, which says nothing about the operation; also when the handle's URL is not one of
    /// the cloud's (a journal may have been tampered with).
    pub async fn poll(&self, operation: &Operation) -> Called<Progress> {
        let url = self.polled_url(&operation.url, "poll of an operation")?;
        let name = super::client::name_of(Method::Get, &url);
        let answer = self.arm(Nature::Read, Method::Get, &url, None).await?;
        if answer.status == 404 {
            // A deleted resource is what its deletion wants; of anything else the state is unknown.
            return Err(self.core.refused(name, &answer));
        }
        let after = answer.retry_after(self.now());
        let running = Progress::Running(after.map(|d| d.max(Duration::from_secs(1))));
        let body: Value = if answer.body.is_empty() { Value::Null } else { super::client::read(name, &answer)? };
        let state = match operation.style {
            Style::Location if answer.status == 202 => return Ok(running),
            Style::Location => match provisioning_state(&answer.body) {
                None => return Ok(Progress::Succeeded),
                Some(state) => state,
            },
            Style::Status => match body.get("status").and_then(Value::as_str) {
                // An operation resource without a status is not success: keep looking.
                None => return Ok(running),
                Some(status) => status.to_owned(),
            },
            Style::Resource => provisioning_state(&answer.body).unwrap_or_else(|| "Succeeded".into()),
        };
        Ok(match state.to_ascii_lowercase().as_str() {
            "succeeded" => Progress::Succeeded,
            "failed" | "canceled" | "cancelled" => {
                let mut error = ServiceError::parse(answer.status, |_| None, &answer.body, self.now());
                if error.code.is_empty() {
                    error.code = state;
                }
                Progress::Failed(error)
            }
            _ => running,
        })
    }
}

impl Reader {
    /// `POST` of a question whose answer the service may take its time for: it is looked for where the service says,
    /// until it is there or the budget of a call is used up.
    pub(crate) async fn ask_at_length<T: DeserializeOwned>(
        &self,
        path: &str,
        version: &str,
        body: &Value,
    ) -> Called<T> {
        /// Between two looks, if the service names no time.
        const PAUSE: Duration = Duration::from_secs(5);
        let url = self.arm_url(path, &[("api-version", version)])?;
        let name = super::client::name_of(Method::Post, &url);
        let (started, budget) = (tokio::time::Instant::now(), self.core.patience.budget);
        let mut answer = self.arm(Nature::Read, Method::Post, &url, Some(body)).await?;
        let mut place = None;
        loop {
            if answer.status == 404 {
                return Err(self.core.refused(name, &answer));
            }
            let (state, has_error) = told(&answer.body);
            if has_error || matches!(state.as_str(), "failed" | "canceled" | "cancelled") {
                let mut error = ServiceError::parse(answer.status, |_| None, &answer.body, self.now());
                if error.code.is_empty() {
                    error.code = state;
                }
                return Err(CallError::new(Sent::No, name, Cause::Service(error)));
            }
            if answer.status != 202 && matches!(state.as_str(), "" | "succeeded") {
                return super::client::read(name, &answer);
            }
            // The operation's own resource, where it is named as well, has no more than a status at times.
            if let Some(at) = answer.header("location").or_else(|| answer.header("azure-asyncoperation")) {
                place = Some(self.polled_url(&at, &name)?);
            }
            let Some(at) = &place else {
                let why = "it is not finished, and does not say where to look".to_owned();
                return Err(CallError::new(Sent::No, name, Cause::Unreadable(why)));
            };
            let asked = answer.retry_after(self.now());
            let wait = asked.map_or(PAUSE, |d| d.max(Duration::from_secs(1)));
            if started.elapsed().saturating_add(wait) > budget {
                let cause = match asked {
                    None => Cause::Deadline(budget),
                    Some(_) => Cause::Throttled {
                        until: time_format::later(self.now(), wait),
                        error: ServiceError {
                            status: answer.status,
                            code: "Accepted".into(),
                            message: "it is not finished".into(),
                            retry_after: asked,
                            ..ServiceError::default()
                        },
                    },
                };
                return Err(CallError::new(Sent::No, name, cause));
            }
            tokio::time::sleep(wait).await;
            answer = self.arm(Nature::Read, Method::Get, at, None).await?;
        }
    }
}

/// The state that an answer tells, in small letters, and whether there is an error in it. Nothing else of it is kept: whether
/// there is room for the rest is found when it is read.
fn told(body: &[u8]) -> (String, bool) {
    #[derive(Deserialize)]
    struct State {
        status: String,
    }
    #[derive(Deserialize)]
    struct Failed {
        error: Error,
    }
    /// An object of any members.
    #[derive(Deserialize)]
    struct Error {}
    let state = serde_json::from_slice(body).map(|State { status }| status.to_ascii_lowercase());
    (state.unwrap_or_default(), matches!(serde_json::from_slice(body), Ok(Failed { error: Error {} })))
}

fn provisioning_state(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Resource {
        properties: Option<Properties>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Properties {
        provisioning_state: Option<String>,
    }
    serde_json::from_slice::<Resource>(body).ok()?.properties?.provisioning_state
}
