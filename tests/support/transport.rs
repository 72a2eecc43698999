//! A transport to the simulator on which answers are changed.

use async_trait::async_trait;
use azure_core::http::{
    AsyncRawResponse, HttpClient, Request,
    headers::{HeaderName, HeaderValue, Headers},
};
use std::sync::Arc;

/// Changes each answer on its way.
pub struct Tap<F> {
    pub inner: Arc<dyn HttpClient>,
    pub change: F,
}

/// An answer as it came: status, headers, body.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl<F> std::fmt::Debug for Tap<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tap")
    }
}

#[async_trait]
impl<F: Fn(&Request, &mut Answer) + Send + Sync> HttpClient for Tap<F> {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let raw = self.inner.execute_request(request).await?.try_into_raw_response().await?;
        let (status, headers, body) = raw.deconstruct();
        let headers = headers.iter().map(|(n, v)| (n.as_str().to_owned(), v.as_str().to_owned())).collect();
        let mut answer = Answer { status: status.into(), headers, body: body.to_vec() };
        (self.change)(request, &mut answer);
        let mut headers = Headers::new();
        for (name, value) in answer.headers {
            headers.insert(HeaderName::from(name), HeaderValue::from(value));
        }
        Ok(AsyncRawResponse::from_bytes(answer.status.into(), headers, answer.body))
    }
}
