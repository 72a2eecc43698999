//! One error type for what ARM, Key Vault, Entra and registries answer, read leniently.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

mod body;
mod classify;
mod scrub;

pub use classify::{FirewallKind, FirewallRefusal};
pub use scrub::scrub;

/// An error answer of a service, with the parts that diagnosis needs.
///
/// All texts are cut to a limit and scrubbed of signatures, tokens and client secrets when they are read, so that an
/// error can be journaled; [`Display`](fmt::Display) gives one scrubbed line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceError {
    /// HTTP status; 200 for an operation that failed after it was accepted.
    pub status: u16,
    /// The outermost code, e.g. `Forbidden`; `AADSTS..` of Entra errors; empty if the answer named none.
    pub code: String,
    /// The innermost code of `innererror` or else of `details`, e.g. `ForbiddenByRbac` (R-ARM-14); of Entra errors the
    /// OAuth one, e.g. `invalid_client`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner_code: Option<String>,
    /// The outermost message, line breaks kept.
    #[serde(default)]
    pub message: String,
    /// What the error is about, if named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Nested errors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
    /// Names of the policies it tells of itself; [`policy_names`](ServiceError::policy_names) has its details' too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// `x-ms-request-id`, or the trace id of Entra.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// `x-ms-correlation-request-id`, or the correlation id of Entra (R-ARM-05).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// How long the service asks to be left alone, counted from the answer (R-ARM-02).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
}

/// An error within an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// Its code, empty if it has none.
    #[serde(default)]
    pub code: String,
    /// Its innermost code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner_code: Option<String>,
    /// Its message, empty if it has none.
    #[serde(default)]
    pub message: String,
    /// What it is about, if named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Errors within it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
    /// Names of the policies it tells of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
}

impl ServiceError {
    /// Reads an error answer. Never fails: what cannot be read leaves its field empty, and a body that is no error
    /// at all leaves the code empty.
    ///
    /// `headers` looks a header up without regard to case. `now` turns a `Retry-After` date into a wait.
    ///
    /// Read are the ARM envelope and operation bodies (R-ARM-14), top-level `code` and `message`, Key Vault's
    /// `innererror`, Entra's `error_description`, the registry's `errors`, and what a proxy or a cut connection
    /// leaves: HTML, plain text, half a JSON, bytes that are no UTF-8, nothing.
    pub fn parse(
        status: u16,
        headers: impl Fn(&str) -> Option<String>,
        body: &[u8],
        now: OffsetDateTime,
    ) -> ServiceError {
        let read = body::read(body);
        let header = |name: &str| headers(name).map(|value| body::tidy(&value, 128)).filter(|value| !value.is_empty());
        let mut error = read.error;
        if error.code.is_empty() {
            error.code = header("x-ms-error-code").unwrap_or_default();
        }
        // A registry says only in its challenge that the token is good and allows too little (R-DP-03).
        let challenged = headers("www-authenticate").is_some_and(|c| c.contains("error=\"insufficient_scope\""));
        if challenged && error.inner_code.is_none() {
            error.inner_code = Some("insufficient_scope".to_owned());
        }
        ServiceError {
            status,
            code: error.code,
            inner_code: error.inner_code,
            message: error.message,
            target: error.target,
            details: error.details,
            policies: error.policies,
            request_id: header("x-ms-request-id").or(read.request_id),
            correlation_id: header("x-ms-correlation-request-id").or(read.correlation_id),
            retry_after: super::time_format::retry_after(&headers, now),
        }
    }
}

impl Detail {
    /// The first of the deepest details below this one that says something.
    fn innermost(&self) -> Option<&Self> {
        self.details.iter().find_map(|d| d.innermost().or_else(|| Some(d).filter(|d| !d.message.is_empty())))
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = if self.code.is_empty() { "without a code" } else { &self.code };
        let mut line = format!("{} {code}", self.status);
        if let Some(inner) = self.inner_code.as_ref().filter(|inner| !inner.eq_ignore_ascii_case(&self.code)) {
            line.push_str(&format!("/{inner}"));
        }
        if !self.message.is_empty() {
            line.push_str(&format!(": {}", self.message));
        }
        for detail in
            self.details.iter().filter(|d| !d.message.is_empty() && !self.message.contains(&d.message)).take(2)
        {
            line.push_str(&format!("; {}: {}", detail.code, detail.message));
            // The cause is at the bottom: a deployment wraps what a provider said twice.
            if let Some(cause) = detail.innermost().filter(|cause| !line.contains(&cause.message)) {
                line.push_str(&format!("; {}: {}", cause.code, cause.message));
            }
        }
        if let Some(target) = &self.target {
            line.push_str(&format!(" (target {target})"));
        }
        let mut line = body::one_line(&scrub(&line), 2000);
        if let Some(id) = &self.request_id {
            line.push_str(&format!(" [request {}]", body::one_line(&scrub(id), 128)));
        }
        f.write_str(&line)
    }
}

impl std::error::Error for ServiceError {}
