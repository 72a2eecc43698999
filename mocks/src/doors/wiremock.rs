//! A wiremock adapter, for tests that mount single answers beside the simulator.

use crate::{
    doors::server::ORIGINAL_URL,
    sim::{Outcome, Sim, Taken},
};
use bytes::Bytes;
use wiremock::{Respond, ResponseTemplate};

/// Answers a wiremock server's requests from a [`Sim`]. The service is selected as by [`crate::Server`].
///
/// wiremock can neither hang up nor hold a request for ever: a lost or held one gets status 500, an hour late,
/// so give the client a deadline. A request that is held before it is applied is never applied.
#[derive(Clone, Debug)]
pub struct Responder(pub Sim);

const NEVER: std::time::Duration = std::time::Duration::from_secs(3600);

impl Respond for Responder {
    fn respond(&self, request: &wiremock::Request) -> ResponseTemplate {
        let Some(request) = convert(request) else {
            return ResponseTemplate::new(421)
                .set_body_string("name a service by the Host header or x-sim-original-url");
        };
        let answer = match self.0.take(request) {
            Taken::Done(Outcome::Answer(answer)) => answer,
            Taken::Done(Outcome::Lost | Outcome::Refused) | Taken::Held(_) => {
                return ResponseTemplate::new(500).set_delay(NEVER);
            }
        };
        let mut template = ResponseTemplate::new(answer.status().as_u16());
        for (name, value) in answer.headers() {
            if let Ok(value) = value.to_str() {
                template = template.append_header(name.as_str(), value);
            }
        }
        let kind = answer.headers().get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or("application/octet-stream").to_owned();
        if answer.body().is_empty() { template } else { template.set_body_raw(answer.body().to_vec(), &kind) }
    }
}

fn convert(request: &wiremock::Request) -> Option<http::Request<Bytes>> {
    let original = request.headers.get(ORIGINAL_URL).and_then(|url| url.to_str().ok()).map(str::to_owned);
    let url = original.or_else(|| {
        let host = request.headers.get("host")?.to_str().ok()?;
        let query = request.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Some(format!("https://{host}{}{query}", request.url.path()))
    })?;
    let mut builder = http::Request::builder().method(request.method.as_str()).uri(&url);
    for (name, value) in &request.headers {
        if name.as_str() != ORIGINAL_URL {
            builder = builder.header(name.as_str(), value.as_bytes());
        }
    }
    builder.body(Bytes::from(request.body.clone())).ok().filter(|request| request.uri().host().is_some())
}
