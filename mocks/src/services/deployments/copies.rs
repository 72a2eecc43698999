//! Resource loops: one resource of a template stands for many (R-DEP-10).

use super::{errors, evaluate::Scope, plan::Planned};
use crate::http::message::Fail;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// As many as a loop may have.
const MOST: i64 = 800;

/// A loop, as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Copies {
    /// By which `dependsOn` means all of them.
    pub(super) name: String,
    pub(super) count: i64,
    /// How many are made at a time; `None` for all at once.
    pub(super) batch: Option<i64>,
}

/// The place of a resource in its loop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) of: Copies,
    pub(super) index: i64,
}

impl Copies {
    pub(super) fn read(value: &Value, label: &str, scope: &Scope<'_>) -> Result<Self, Fail> {
        let no = |why: &str| errors::invalid(&format!("The copy of template resource '{label}' is not valid: {why}."));
        let value = scope.expand(value).map_err(|t| no(&format!("{t:?}")))?;
        let name = value.get("name").and_then(Value::as_str).filter(|n| !n.is_empty());
        let name = name.ok_or_else(|| no("it has no name"))?.to_owned();
        let count = value.get("count").and_then(Value::as_i64).filter(|n| (0..=MOST).contains(n));
        let count = count.ok_or_else(|| no(&format!("its count has to be between 0 and {MOST}")))?;
        let serial = value.get("mode").and_then(Value::as_str).is_some_and(|m| m.eq_ignore_ascii_case("Serial"));
        let batch = match value.get("batchSize") {
            None => 1,
            Some(size) => size.as_i64().filter(|n| *n >= 1).ok_or_else(|| no("its batchSize has to be 1 or more"))?,
        };
        Ok(Self { name, count, batch: serial.then_some(batch) })
    }

    pub(super) fn places(&self) -> impl Iterator<Item = Place> + '_ {
        (0..self.count).map(|index| Place { of: self.clone(), index })
    }
}

/// Which resources of a serial loop this one waits for: the batch before its own.
pub(super) fn before(resources: &[Planned], resource: &Planned) -> Vec<usize> {
    let Some(Place { of, index }) = &resource.copy else { return Vec::new() };
    let Some(batch) = of.batch else { return Vec::new() };
    let own = index / batch;
    let earlier = |r: &Planned| {
        r.copy
            .as_ref()
            .is_some_and(|place| place.of == *of && r.kind == resource.kind && place.index / batch + 1 == own)
    };
    resources.iter().enumerate().filter(|(_, r)| earlier(r)).map(|(i, _)| i).collect()
}
