//! How a diagnosis looks: what it sends, how long it takes, and what becomes of answers nobody expects.

use super::Setup;
use async_trait::async_trait;
use azure_core::http::{AsyncRawResponse, HttpClient, Request, StatusCode, headers::Headers};
use cmk::diagnose::{UnseenKind, Verdict};
use cmk_mocks::PrincipalKind;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

#[test]
fn a_healthy_registry_is_looked_at_within_six_answers() {
    cmk_tests::run_paused(async {
        let fixture = Setup::healthy().fixture();
        fixture.sim.latency(Duration::from_secs(1));
        let began = tokio::time::Instant::now();
        let diagnosis = fixture.order_on(&fixture.azure()).await.unwrap();
        let took = began.elapsed();
        assert_eq!(diagnosis.verdict, Verdict::Healthy, "{diagnosis}");
        assert!(took <= Duration::from_secs(6), "{took:?}");
    });
}

#[test]
fn a_diagnosis_asks_for_each_thing_once() {
    cmk_tests::run_paused(async {
        let fixture = Setup::healthy().fixture();
        fixture.order_on(&fixture.azure()).await.unwrap();
        let mut sent: Vec<_> =
            fixture.sim.exchanges().iter().map(|e| format!("{} {}{}", e.method, e.host, e.path)).collect();
        sent.sort();
        insta::assert_snapshot!(sent.join("\n"));
        // The first answer of a host that gives challenges is one, and asks for the same again.
        sent.retain(|line| line.contains(" management.azure.com/"));
        let mut once = sent.clone();
        once.dedup();
        assert_eq!(sent, once);
    });
}

#[test]
fn nothing_is_written() {
    cmk_tests::run_paused(async {
        let fixture = Setup::healthy().fixture();
        let before = serde_json::to_value(fixture.sim.world().registry(&fixture.setup.registry_id())).unwrap();
        fixture.diagnosis().await;
        assert_eq!(fixture.sim.writes(), 0);
        assert_eq!(serde_json::to_value(fixture.sim.world().registry(&fixture.setup.registry_id())).unwrap(), before);
    });
}

#[test]
fn who_has_no_rights_at_all_is_told_what_is_missing() {
    cmk_tests::run_paused(async {
        let mut setup = Setup::healthy();
        setup.caller = Some(setup.world.add_principal(PrincipalKind::User, "nobody").object_id);
        let fixture = setup.fixture();
        let diagnosis = fixture.order_on(&fixture.azure()).await.unwrap();
        assert_eq!(diagnosis.verdict, Verdict::CouldNotLook, "{diagnosis}");
        let finding = diagnosis.findings.first().unwrap();
        assert_eq!(finding.code, "caller-may-not-read");
        assert!(finding.remedies.iter().any(|r| r.to_string().contains("Reader")), "{diagnosis}");
        assert!(finding.hides.len() > 20, "{diagnosis}");
    });
}

/// One answer of a service, spoiled.
#[derive(Debug)]
struct Spoiled {
    inner: Arc<dyn HttpClient>,
    /// Of requests to this host and path.
    at: String,
    how: How,
}

#[derive(Clone, Copy, Debug)]
enum How {
    Never,
    Huge,
    Cut,
    Page,
    Empty,
    Error,
    Forbidden,
    OtherTypes,
    Nulls,
}

const ALL: [How; 9] =
    [How::Never, How::Huge, How::Cut, How::Page, How::Empty, How::Error, How::Forbidden, How::OtherTypes, How::Nulls];

fn other(value: Value) -> Value {
    match value {
        Value::Object(o) => Value::Object(o.into_iter().map(|(k, v)| (k, other(v))).collect()),
        Value::Array(a) => json!({ "0": a.into_iter().map(other).collect::<Vec<_>>() }),
        Value::String(s) => json!([s]),
        Value::Bool(b) => json!(b.to_string()),
        Value::Number(n) => json!({ "n": n }),
        Value::Null => json!("null"),
    }
}

fn nulls(value: Value) -> Value {
    match value {
        Value::Object(o) => Value::Object(o.into_iter().map(|(k, v)| (k, nulls(v))).collect()),
        Value::Array(a) => Value::Array(a.into_iter().map(nulls).collect()),
        _ => Value::Null,
    }
}

#[async_trait]
impl HttpClient for Spoiled {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let at = format!("{}{}", request.url().host_str().unwrap_or_default(), request.url().path());
        if at != self.at {
            return self.inner.execute_request(request).await;
        }
        let real = self.inner.execute_request(request).await?.try_into_raw_response().await?;
        let body: Value = serde_json::from_slice(real.body().as_ref()).unwrap_or_default();
        let whole = body.to_string();
        let (status, body) = match self.how {
            How::Never => std::future::pending().await,
            How::Huge => (real.status(), format!("{{\"value\":[],\"pad\":\"{}\"}}", "x".repeat(8 << 20))),
            How::Cut => (real.status(), whole.get(..whole.len() / 2).unwrap_or_default().to_owned()),
            How::Page => (StatusCode::Ok, "<html><body>Sign in to the proxy</body></html>".to_owned()),
            How::Empty => (StatusCode::Ok, String::new()),
            How::Error => (StatusCode::InternalServerError, "{\"error\":{\"code\":\"InternalError\"}}".to_owned()),
            How::Forbidden => (StatusCode::Forbidden, "{\"error\":{\"code\":\"AuthorizationFailed\"}}".to_owned()),
            How::OtherTypes => (real.status(), other(body).to_string()),
            How::Nulls => (real.status(), nulls(body).to_string()),
        };
        Ok(AsyncRawResponse::from_bytes(status, Headers::new(), body))
    }
}

#[test]
fn answers_that_nobody_expects_are_told_and_never_fail_the_whole() {
    let asked: Vec<String> = cmk_tests::run_paused(async {
        let fixture = Setup::healthy().fixture();
        fixture.diagnosis().await;
        let mut asked: Vec<_> = fixture.sim.exchanges().iter().map(|e| format!("{}{}", e.host, e.path)).collect();
        asked.sort();
        asked.dedup();
        asked
    });
    for at in asked {
        for how in ALL {
            cmk_tests::run_paused(async {
                let fixture = Setup::healthy().fixture();
                let transport = Arc::new(Spoiled { inner: fixture.sim.transport(), at: at.clone(), how });
                let azure = cmk_tests::fixture::azure_by(&fixture.sim, fixture.sim.credential(), transport);
                let began = tokio::time::Instant::now();
                let diagnosis = fixture.whole_order_on(&azure).await.unwrap();
                assert!(began.elapsed() < Duration::from_secs(180), "{how:?} at {at}: {:?}", began.elapsed());
                // What did not come says nothing about the registry.
                let no_answer = matches!(how, How::Never | How::Cut | How::Page | How::Empty | How::Error);
                let wrong: Vec<_> = diagnosis.findings.iter().map(|f| f.code.as_str()).collect();
                // But for the registry's own door: what comes of that is a finding itself.
                if no_answer && !at.ends_with("/v2/") {
                    assert!(wrong.is_empty(), "{how:?} at {at}: {diagnosis}");
                    let told = diagnosis.unseen.iter().any(|u| u.kind != UnseenKind::Beyond);
                    assert!(told, "{how:?} at {at}: {diagnosis}");
                }
            });
        }
    }
}
