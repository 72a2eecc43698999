//! A world with a door, and requests about resource groups: the smallest thing that can be written and read.

use std::sync::Arc;

use azure_core::error::ErrorKind;
use azure_core::http::{HttpClient, Method, Request, Url};
use bytes::Bytes;
use cmk_mocks::{Clock, Fault, Setup, Sim, What, When, World};
use serde_json::{Value, json};

pub(crate) struct Bench {
    pub(crate) sim: Sim,
    door: Arc<dyn HttpClient>,
    subscription: String,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    pub(crate) wait: Option<String>,
    pub(crate) date: Option<String>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        let setup = Setup::default();
        let (clock, subscription) = (Clock::tokio(setup.now), setup.subscription.to_string());
        let sim = Sim::new(World::new(setup), clock);
        Self { door: sim.transport(), sim, subscription }
    }

    /// With one fault.
    pub(crate) fn with(when: When, what: What) -> Self {
        let bench = Self::new();
        bench.sim.schedule([Fault::new(when, what)]);
        bench
    }

    pub(crate) fn path(&self, group: &str) -> String {
        format!("/subscriptions/{}/resourcegroups/{group}?api-version=2024-03-01", self.subscription)
    }

    pub(crate) fn registry_path(&self, name: &str) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/{name}?api-version=2025-11-01",
            self.subscription
        )
    }

    pub(crate) async fn token(&self) -> String {
        let scope = "https://management.azure.com/.default";
        self.sim.credential().get_token(&[scope], None).await.expect("a token").token.secret().to_owned()
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answer, ErrorKind> {
        self.send_to("management.azure.com", method, path, body).await
    }

    pub(crate) async fn send_to(
        &self,
        host: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Answer, ErrorKind> {
        let url = Url::parse(&format!("https://{host}{path}")).expect("a URL");
        let mut request = Request::new(url, method);
        request.insert_header("authorization", format!("Bearer {}", self.token().await));
        if let Some(body) = body {
            request.set_json(&body).expect("a body");
        }
        let answer = self.door.execute_request(&request).await.map_err(|error| match error.kind() {
            ErrorKind::Io => ErrorKind::Io,
            ErrorKind::Connection => ErrorKind::Connection,
            _ => ErrorKind::Other,
        })?;
        let (status, headers, body) = answer.deconstruct();
        let header = |name: &'static str| headers.get_optional_string(&name.into());
        let wait = header("retry-after").or_else(|| header("x-ms-retry-after-ms"));
        Ok(Answer { status: status.into(), wait, date: header("date"), body: body.collect().await.expect("a body") })
    }

    pub(crate) async fn put(&self, group: &str) -> Result<Answer, ErrorKind> {
        self.send(Method::Put, &self.path(group), Some(json!({ "location": "westeurope" }))).await
    }

    pub(crate) async fn get(&self, group: &str) -> Result<Answer, ErrorKind> {
        self.send(Method::Get, &self.path(group), None).await
    }

    /// Whether the world has the group, asked of a copy of it.
    pub(crate) async fn has(&self, group: &str) -> bool {
        let mut world = self.sim.world();
        let request = http::Request::get(format!("https://management.azure.com{}", self.path(group)))
            .header("authorization", format!("Bearer {}", self.token().await))
            .body(Bytes::new())
            .expect("a request");
        world.handle(self.sim.clock().now(), request).status().is_success()
    }

    pub(crate) fn kinds(&self) -> Vec<String> {
        self.sim.fired().into_iter().map(|fired| fired.kind).collect()
    }
}
