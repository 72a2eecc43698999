//! Reads from ARM, and how its answers become types.

use super::Reader;
use crate::azure::{
    limited::{PAGES, Room},
    retry::{Answer, CallError, Called, Cause, Nature, Sent},
};
use azure_core::http::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

impl Reader {
    /// `GET`; 404 is `None`.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str, version: &str) -> Called<Option<T>> {
        let url = self.arm_url(path, &[("api-version", version)])?;
        self.get_url(url).await
    }
    /// `GET` of a URL ARM has given; 404 is `None`. The URL is sent as it is: its query may be signed.
    pub(crate) async fn get_url<T: DeserializeOwned>(&self, url: Url) -> Called<Option<T>> {
        let name = name_of(Method::Get, &url);
        let answer = self.arm(Nature::Read, Method::Get, &url, None).await?;
        if answer.status == 404 { Ok(None) } else { read(name, &answer).map(Some) }
    }
    /// All items of a list, page after page. A 404 (a scope that is gone) is an error here.
    pub(crate) async fn list<T: DeserializeOwned + Send>(&self, path: &str, query: &[(&str, &str)]) -> Called<Vec<T>> {
        let mut all = Vec::new();
        let mut each = |item| {
            all.push(serde_json::from_value(item)?);
            Ok(())
        };
        self.each(path, query, &mut each).await?;
        Ok(all)
    }
    async fn each(
        &self,
        path: &str,
        query: &[(&str, &str)],
        item: &mut (dyn FnMut(Value) -> serde_json::Result<()> + Send),
    ) -> Called<()> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Page {
            #[serde(default)]
            value: Vec<Value>,
            next_link: Option<String>,
        }
        let mut url = self.arm_url(path, query)?;
        let mut room = Room::default();
        for _ in 0..PAGES {
            let name = name_of(Method::Get, &url);
            let answer = self.arm(Nature::Read, Method::Get, &url, None).await?;
            if answer.status == 404 {
                return Err(self.core.refused(name, &answer));
            }
            let page: Page = read_into(&mut room, name.clone(), &answer)?;
            let read = page.value.into_iter().try_for_each(&mut *item);
            read.map_err(|e| unreadable(&name, &answer, format!("status {}, {e}", answer.status)))?;
            match page.next_link.filter(|l| !l.is_empty()) {
                None => return Ok(()),
                Some(next) => url = self.polled_url(&next, &name)?,
            }
        }
        Err(CallError::new(Sent::No, name_of(Method::Get, &url), Cause::Unreadable(format!("over {PAGES} pages"))))
    }
    /// `POST` of a question.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, path: &str, version: &str, body: &Value) -> Called<T> {
        let url = self.arm_url(path, &[("api-version", version)])?;
        let name = name_of(Method::Post, &url);
        let answer = self.arm(Nature::Read, Method::Post, &url, Some(body)).await?;
        if answer.status == 404 { Err(self.core.refused(name, &answer)) } else { read(name, &answer) }
    }

    /// A URL of this cloud's ARM. `path` is built from parsed ids only.
    pub(crate) fn arm_url(&self, path: &str, query: &[(&str, &str)]) -> Called<Url> {
        let invalid = |e: url::ParseError| CallError::new(Sent::No, path, Cause::Invalid(e.to_string()));
        let mut url = Url::parse(self.core.cloud.arm_endpoint()).and_then(|u| u.join(path)).map_err(invalid)?;
        url.query_pairs_mut().extend_pairs(query);
        // A form's spaces are pluses, which not every service takes for spaces; a plus itself is %2B by now.
        let spaced = url.query().map(|q| q.replace('+', "%20"));
        url.set_query(spaced.as_deref());
        Ok(url)
    }
    /// A URL that came from a service or a journal: used only if it is ARM's own (R-ARM-10: otherwise opaque).
    pub(crate) fn polled_url(&self, given: &str, request: &str) -> Called<Url> {
        let url = Url::parse(self.core.cloud.arm_endpoint())
            .and_then(|u| u.join(given))
            .map_err(|e| CallError::new(Sent::No, request, Cause::Unreadable(format!("a URL in it: {e}"))))?;
        if !self.core.guards.hold(crate::sabotage::Guard::HostCheck) {
            return Ok(url);
        }
        match self.core.cloud.allows(&url) {
            Ok(crate::azure::cloud::HostKind::Arm) => Ok(url),
            Ok(_) => Err(CallError::new(Sent::No, request, Cause::Unreadable("a URL in it is not ARM's".into()))),
            Err(foreign) => Err(CallError::new(Sent::No, request, Cause::Foreign(foreign))),
        }
    }

    pub(crate) async fn arm(&self, nature: Nature, verb: Method, url: &Url, body: Option<&Value>) -> Called<Answer> {
        let name = name_of(verb, url);
        let body = body
            .map(serde_json::to_vec)
            .transpose()
            .map_err(|e| CallError::new(Sent::No, name.clone(), Cause::Invalid(e.to_string())))?;
        let attempt = || self.arm_once(verb, url, body.as_deref());
        self.called(nature, self.core.cloud.arm_scope(), &name, url.as_str(), body.as_deref(), attempt).await
    }
}

pub(crate) fn name_of(verb: Method, url: &Url) -> String {
    format!("{} {}", verb.as_str(), url.path())
}

pub(crate) fn read<T: DeserializeOwned>(request: String, answer: &Answer) -> Called<T> {
    read_into(&mut Room::default(), request, answer)
}

/// Reads one of several answers that there is room for together.
pub(crate) fn read_into<T: DeserializeOwned>(room: &mut Room, request: String, answer: &Answer) -> Called<T> {
    // One way from bytes to types, by values: each type's reader is compiled for one kind of input.
    let read = || serde_json::from_slice::<Value>(&answer.body).and_then(serde_json::from_value);
    room.take(&answer.body)
        .and_then(|()| read().map_err(|e| format!("status {}, {e}", answer.status)))
        .map_err(|why| unreadable(&request, answer, why))
}

fn unreadable(request: &str, answer: &Answer, why: String) -> CallError {
    let sent = if answer.doubt { Sent::Maybe } else { Sent::No };
    CallError::new(sent, request, Cause::Unreadable(why))
}
