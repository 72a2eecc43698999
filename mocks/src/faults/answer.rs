//! Answers that a fault gives instead of the world, or makes of the world's.

use super::{RetryHeader, What};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

/// The answer of a fault that answers instead of the world.
pub(crate) fn answer(what: &What, host: &str) -> Option<Response<Bytes>> {
    let vault = host.contains(".vault.") || host.contains(".managedhsm.");
    let (status, code, message) = match what {
        What::Throttle { .. } if vault => {
            (429, "Throttled", "Request was not processed because too many requests were received.")
        }
        What::Throttle { .. } => (
            429,
            "SubscriptionRequestsThrottled",
            "The request could not be processed due to an excessive volume of traffic. Please try again later.",
        ),
        What::Status { code, .. } => {
            (*code, "SimUnverified.Injected", "The simulator was told to answer with this status.")
        }
        What::Busy => (
            409,
            "AnotherOperationInProgress",
            "Another operation on this or a dependent resource is in progress. Please try again later.",
        ),
        _ => return None,
    };
    let body = serde_json::json!({ "error": { "code": code, "message": message } }).to_string();
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    match what {
        What::Throttle { retry_after_s, header } => {
            let (name, value) = match header {
                RetryHeader::RetryAfter => ("retry-after", u64::from(*retry_after_s)),
                RetryHeader::RetryAfterMs => ("retry-after-ms", u64::from(*retry_after_s) * 1000),
                RetryHeader::XMsRetryAfterMs => ("x-ms-retry-after-ms", u64::from(*retry_after_s) * 1000),
            };
            headers.insert(name, HeaderValue::from(value));
        }
        What::Status { retry_after_s: Some(wait), .. } => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(*wait));
        }
        _ => {}
    }
    Some(answer)
}

/// Spoils a good answer's body; false, and nothing done, where there is none to spoil.
pub(crate) fn spoil(what: &What, answer: &mut Response<Bytes>) -> bool {
    if !answer.status().is_success() || answer.body().is_empty() {
        return false;
    }
    let body = match what {
        What::CutBody => answer.body().slice(..answer.body().len() / 2),
        What::HtmlBody => {
            answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
            Bytes::from_static(b"<html><head><title>Sign in to the network</title></head><body></body></html>")
        }
        What::EmptyBody => Bytes::new(),
        _ => return false,
    };
    *answer.body_mut() = body;
    // The length would tell of the cut, and a server sets its own.
    answer.headers_mut().remove(header::CONTENT_LENGTH);
    true
}
