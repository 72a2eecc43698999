//! Puts a recording's requests to a simulated world, names mapped, at the recorded times.

mod pace;
mod seed;

use crate::{
    compare::{Answer, Kind, NOT_RECORDED, Point, WHOLE, compare, shown},
    ids::Ids,
    recording::{Exchange, Recording, bytes_of, path_key},
    scope::{Fate, Operation, comes_to_be, fate},
};
use bytes::Bytes;
use cmk_mocks::World;
use http::{HeaderValue, Method, Request};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use time::OffsetDateTime;
use url::Url;
use uuid::Uuid;

/// A recorded exchange that the simulator was put, and what was different.
#[derive(Clone, Debug)]
pub struct Met {
    /// Of which operation.
    pub operation: Operation,
    /// The recorded outcome: `ok` for every success, else the status.
    pub outcome: String,
    /// The recording and the exchange's number in it.
    pub place: String,
    /// The moment of the recording.
    pub date: OffsetDateTime,
    /// The recorded status.
    pub status: u16,
    /// Whether the bodies were compared, as the status was the same.
    pub compared: bool,
    /// The paths of the members that the recorded body has.
    pub shown: BTreeSet<String>,
    /// What was different.
    pub points: BTreeSet<Point>,
}

impl Met {
    /// Whether the recorded answer has the word that the simulated one has not.
    pub(crate) fn says(&self, point: &Point) -> bool {
        self.shown.contains(&format!("{}={}", point.of, point.was))
    }

    /// Whether the recorded answer has what a difference is in, so that agreeing on it means something.
    pub(crate) fn tells(&self, point: &Point) -> bool {
        let parent = || point.of.rsplit_once('.').is_none_or(|(parent, _)| self.shown.contains(parent));
        match point.kind {
            Kind::Status => point.of != self.status.to_string(),
            Kind::Header | Kind::Version => true,
            Kind::Member if point.how == NOT_RECORDED => self.shown.contains(&point.of),
            Kind::Member => parent(),
            Kind::Value => self.shown.contains(&point.of) && !self.says(point),
            _ => point.of == WHOLE || self.shown.contains(&point.of),
        }
    }
}

/// A recording whose requests cannot be put to the simulator.
#[derive(Debug, thiserror::Error)]
#[error("{recording}: {what}")]
pub struct DriveError {
    /// Its name.
    pub recording: String,
    /// What is the matter.
    pub what: String,
}

/// What came of a recording.
#[derive(Debug, Default)]
pub(crate) struct Driven {
    pub(crate) met: Vec<Met>,
    /// What was not compared: the operation and why.
    pub(crate) left: Vec<(Operation, &'static str)>,
}

pub(crate) struct Drive<'a> {
    recording: &'a Recording,
    world: World,
    /// Who asks: a person or an application, as recorded.
    caller: Uuid,
    times: Vec<OffsetDateTime>,
    ids: Ids,
    /// URLs that the service made up: the recorded path, the simulated URL.
    urls: BTreeMap<String, String>,
}

/// Puts all of a recording that is in scope to a world of its own.
pub(crate) fn drive(recording: &Recording) -> Result<Driven, DriveError> {
    let mut out = Driven::default();
    let fates: Vec<_> = recording.exchanges.iter().map(|e| fate(recording, e)).collect();
    for (e, fate) in recording.exchanges.iter().zip(&fates) {
        if let Fate::Left(why) | Fate::Put(why) = fate {
            out.left.push((Operation::of(e), why));
        }
    }
    if fates.contains(&Fate::Compared) {
        let mut drive = Drive::new(recording)?;
        for (at, e) in recording.exchanges.iter().enumerate() {
            if let Some(kid) = comes_to_be(e) {
                drive.make_key(kid, &e.resp_body, drive.times[at])?;
            } else if fates[at] != Fate::Compared {
                drive.stage_endpoint(e, drive.times[at]);
            } else {
                out.met.push(drive.put_to_it(at, e)?);
            }
        }
    }
    Ok(out)
}

impl Drive<'_> {
    fn error(&self, what: impl Into<String>) -> DriveError {
        DriveError { recording: self.recording.name.clone(), what: what.into() }
    }
    fn url(&self, text: &str) -> Result<Url, DriveError> {
        Url::parse(text).map_err(|e| self.error(format!("{text}: {e}")))
    }

    fn put_to_it(&mut self, at: usize, e: &Exchange) -> Result<Met, DriveError> {
        self.let_it_take(at);
        let now = self.times[at].max(self.world.now());
        let mut url = self.url(&format!("https://{}/", named(&e.host)))?;
        url.set_path(&self.ids.mapped(&e.path));
        if let Some(learned) = self.learned(&e.key()) {
            url = self.url(learned)?;
            url.set_query(None);
        }
        let text = String::from_utf8_lossy(&bytes_of(&e.req_body)).into_owned();
        let asked = self.ids.mapped(&named(&text));
        url.query_pairs_mut().extend_pairs(e.query.iter().map(|(n, v)| (n, self.ids.mapped(v))));
        let challenged = e.status == 401 && e.is_vault();
        let send = |drive: &mut Self| {
            let token = (!challenged).then_some(drive.caller);
            drive.send(&e.method, url.as_str(), token, asked.clone().into_bytes(), now)
        };
        let mut answer = send(self)?;
        let early = answer.status == 403 && e.is_ok() && e.key().ends_with("/rotationpolicy");
        if early {
            self.permit_rotation_policy(e)?;
            answer = send(self)?;
        }
        if e.is_ok() && answer.is_ok() {
            self.learn(e, &url, &answer);
        }
        let recorded = self.ids.mapped(&named(&e.resp_body.to_string()));
        let recorded: Value = serde_json::from_str(&recorded).map_err(|error| self.error(error.to_string()))?;
        let mut points = compare(e, &recorded, &answer);
        if early {
            let how = "the permission `rotate` is not enough for the simulator";
            points.insert(Point::new(Kind::Status, "permission", how));
        }
        if unknown_version(&answer.body) && e.is_ok() {
            points.insert(Point::new(Kind::Version, e.api_version(), "not known to the simulator"));
        }
        let message = answer.body["error"]["message"].as_str().unwrap_or_default();
        Ok(Met {
            operation: Operation::of(e),
            outcome: outcome(e),
            place: format!("{} exchange {} {message}", self.recording.name, e.n).trim_end().to_owned(),
            date: self.times[at],
            status: e.status,
            compared: answer.status == e.status,
            shown: shown(&recorded),
            points,
        })
    }

    /// The simulated URL of a recorded path. The recorder of az rewrites the names of deployments, but not their operations.
    fn learned(&self, key: &str) -> Option<&str> {
        let operation = key.contains("/operationstatuses/").then(|| key.rsplit('/').next()).flatten();
        let named =
            |last: &str| self.urls.iter().find(|(path, _)| path.ends_with(&format!("/{last}"))).map(|(_, url)| url);
        self.urls.get(key).or_else(|| named(operation?)).map(String::as_str)
    }

    fn learn(&mut self, e: &Exchange, asked: &Url, answer: &Answer) {
        self.ids.learn(&e.resp_body, &answer.body);
        for header in ["azure-asyncoperation", "location"] {
            if let (Some(was), Some(is)) = (e.resp_headers.get(header), answer.headers.get(header)) {
                self.ids.learn_text(was, is);
                let path = |text: &str| Some(path_key(asked.join(text).ok()?.path()));
                if let (Some(was), Ok(is)) = (path(was), asked.join(is)) {
                    self.urls.insert(was, is.to_string());
                }
            }
        }
    }

    /// Sends a request, for somebody or without a token.
    fn send(
        &mut self,
        method: &str,
        url: &str,
        who: Option<Uuid>,
        body: Vec<u8>,
        now: OffsetDateTime,
    ) -> Result<Answer, DriveError> {
        let arm = url.starts_with("https://management.azure.com/");
        let audience = if arm { "https://management.azure.com" } else { "https://vault.azure.net" };
        let wrong = |e: &dyn std::fmt::Display| self.error(format!("{method} {url}: {e}"));
        let mut request =
            Request::builder().method(Method::from_bytes(method.as_bytes()).map_err(|e| wrong(&e))?).uri(url);
        if let Some(who) = who {
            let token = self.world.token(who, audience, now);
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(Bytes::from(body)).map_err(|e| wrong(&e))?;
        let (parts, body) = self.world.handle(now, request).into_parts();
        let text = |v: &HeaderValue| String::from_utf8_lossy(v.as_bytes()).into_owned();
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        })
    }

    /// When rotation policies were in preview, who might rotate a key might also read and write its policy.
    fn permit_rotation_policy(&mut self, e: &Exchange) -> Result<(), DriveError> {
        let vault = e.host.split('.').next().unwrap_or_default().to_owned();
        let id = self.recording.exchanges.iter().find(|e| e.key().ends_with(&format!("/vaults/{vault}")));
        let Some(id) = id.map(|e| e.path.clone()) else { return Ok(()) };
        let policy = json!({ "properties": { "accessPolicies": [{
            "tenantId": self.world.tenant(), "objectId": self.caller,
            "permissions": { "keys": ["getrotationpolicy", "setrotationpolicy"] },
        }]}});
        self.put(&format!("{id}/accessPolicies/add"), "2023-07-01", &policy).map(drop)
    }
}

/// Answers of different outcome are different things, and so are those of recovering.
fn outcome(e: &Exchange) -> String {
    let recovers = e.req_body["properties"]["createMode"] == "recover";
    match e.is_ok() {
        true if recovers => "recovered".into(),
        true => "ok".into(),
        false => e.status.to_string(),
    }
}

/// Names that recorders made and no host can have.
fn named(text: &str) -> String {
    text.replace("keyvault_name", "keyvault-name")
}

fn unknown_version(body: &Value) -> bool {
    let code = body["error"]["code"].as_str().unwrap_or_default();
    ["NoRegisteredProviderFound", "InvalidApiVersionParameter", "BadParameter", "InvalidResourceType"].contains(&code)
        || body["error"]["message"].as_str().is_some_and(|m| m.contains("api-version"))
}
