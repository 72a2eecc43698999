//! What a route of the control API is: one entry of the table that answers, describes and documents it.

use crate::sim::Sim;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::HashMap, future::Future, pin::Pin};

/// One method on one path.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) method: &'static str,
    /// Below `/_sim/`; a segment in braces stands for any one.
    pub(super) path: &'static str,
    /// Its name in the description.
    pub(super) id: &'static str,
    /// What it does, in a line.
    pub(super) summary: &'static str,
    /// What else there is to know; may be empty.
    pub(super) about: &'static str,
    pub(super) parameters: &'static [Parameter],
    pub(super) body: Option<Body>,
    pub(super) answers: &'static [Answer],
    pub(super) refusals: &'static [(u16, &'static str)],
    /// Whether a browser may read it: what reveals no more than the status page, which needs it.
    pub(super) for_browsers: bool,
    pub(super) act: Act,
}

/// A parameter of the path or the query.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) example: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    OneOf(&'static [&'static str]),
}

/// A JSON body, by the name of its schema.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) schema: &'static str,
    pub(super) required: bool,
}

/// What a good answer has, by content type: one of JSON has a schema.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) content: &'static str,
    pub(super) schema: Option<&'static str>,
}

impl Answer {
    pub(super) const fn json(schema: &'static str) -> Self {
        Self { content: JSON, schema: Some(schema) }
    }
}

pub(super) const JSON: &str = "application/json";
pub(super) const LINES: &str = "application/x-ndjson";
pub(super) const HTML: &str = "text/html; charset=utf-8";

type Doing<'a> = Pin<Box<dyn Future<Output = Result<Reply, Wrong>> + Send + 'a>>;

/// What answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Now(fn(&Sim, &Ask<'_>) -> Result<Reply, Wrong>),
    Later(for<'a> fn(&'a Sim, &'a Ask<'a>) -> Doing<'a>),
}

/// A request that has found its route.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub(super) body: &'a Bytes,
    /// Parameters of path and query, decoded.
    pub(super) given: HashMap<String, String>,
    /// What clients of the door are to be told, by name.
    pub(super) environment: &'a [(String, String)],
}

/// A good answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) body: Bytes,
    pub(super) headers: HeaderMap,
}

/// What is wrong with a request.
#[derive(Debug)]
pub(super) struct Wrong(pub(super) StatusCode, pub(super) String);

impl Wrong {
    pub(super) fn bad(why: impl ToString) -> Self {
        Self(StatusCode::BAD_REQUEST, why.to_string())
    }
}

impl Reply {
    pub(super) fn new(content: &'static str, body: impl Into<Bytes>) -> Self {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content))]);
        Self { body: body.into(), headers }
    }

    pub(super) fn json(what: &(impl Serialize + ?Sized)) -> Result<Self, Wrong> {
        let text = serde_json::to_vec(what).map_err(|e| Wrong(StatusCode::INTERNAL_SERVER_ERROR, e.to_string()))?;
        Ok(Self::new(JSON, text))
    }

    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

impl Route {
    /// Whether it is on this path, and what stands in its braces.
    pub(super) fn on(&self, path: &str) -> Option<HashMap<String, String>> {
        let (mut mine, mut theirs) = (self.path.split('/'), path.split('/'));
        let mut given = HashMap::new();
        loop {
            match (mine.next(), theirs.next()) {
                (None, None) => return Some(given),
                (Some(mine), Some(theirs)) => match mine.strip_prefix('{').and_then(|m| m.strip_suffix('}')) {
                    Some(name) => {
                        given.insert(name.to_owned(), decoded(theirs)?);
                    }
                    None if mine == theirs => {}
                    None => return None,
                },
                _ => return None,
            }
        }
    }

    /// Whether a parameter stands in the path.
    pub(super) fn in_path(&self, parameter: &Parameter) -> bool {
        self.path
            .split('/')
            .any(|part| part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) == Some(parameter.name))
    }

    /// The parameters of path and query, if they are what they should be and there is a body where one is needed.
    pub(super) fn read(
        &self,
        request: &Request<Bytes>,
        mut given: HashMap<String, String>,
    ) -> Result<HashMap<String, String>, Wrong> {
        let query = request.uri().query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()).into_owned() {
            if !self.parameters.iter().any(|p| p.name == name && !self.in_path(p)) {
                return Err(Wrong::bad(format!("there is no parameter {name:?} here")));
            }
            given.insert(name, value);
        }
        for parameter in self.parameters {
            let value = given.get(parameter.name).map(String::as_str).filter(|value| !value.is_empty());
            match (value, parameter.kind) {
                (None, _) if parameter.required => return Err(Wrong::bad(format!("which {}?", parameter.name))),
                (Some(value), Kind::OneOf(words)) if !words.contains(&value) => {
                    return Err(Wrong::bad(format!("{} is one of {}", parameter.name, words.join(", "))));
                }
                (Some(value), Kind::Number) if value.parse::<u64>().is_err() => {
                    return Err(Wrong::bad(format!("{} is a whole number from 0 on", parameter.name)));
                }
                _ => {}
            }
        }
        let missing = self.body.as_ref().is_some_and(|b| b.required) && request.body().is_empty();
        if missing {
            return Err(Wrong::bad("this wants a body of JSON"));
        }
        Ok(given)
    }
}

fn decoded(segment: &str) -> Option<String> {
    // A plus is a plus in a path.
    let form = format!("s={}", segment.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(form.as_bytes()).next().map(|(_, value)| value.into_owned())
}

impl Ask<'_> {
    pub(super) fn text(&self, name: &str) -> &str {
        self.given.get(name).map(String::as_str).unwrap_or_default()
    }

    /// A parameter of [`Kind::Number`], if it was given.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.given.get(name)?.parse().ok()
    }

    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T, Wrong> {
        serde_json::from_slice(self.body).map_err(Wrong::bad)
    }
}
