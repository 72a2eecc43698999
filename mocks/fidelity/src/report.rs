//! The report: per operation how many answers agree, each difference with its class, and what was not compared.

use crate::{
    compare::{Kind, Point},
    drive::{DriveError, Met, drive},
    excuse::{CLASSES, Class, excuse},
    read::is_read,
    recording::Recording,
    scope::Operation,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// How many answers of an operation agree, and in what.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Which.
    #[serde(flatten)]
    pub operation: Operation,
    /// How many answers were compared. Headers and bodies are so where the status agrees.
    pub answers: usize,
    /// Agree in the status, the api-version being known.
    pub status: usize,
    /// Agree in headers, too.
    pub headers: usize,
    /// In which members there are.
    pub members: usize,
    /// In their order.
    pub order: usize,
    /// In their JSON types.
    pub types: usize,
    /// In casing, in forms of texts and in words of the service's own.
    pub casing: usize,
    /// In all of that.
    pub same: usize,
}

/// A difference, wherever it was met.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// Of which operation.
    pub operation: Operation,
    /// `ok`, `recovered`, or the recorded status of a refusal.
    pub outcome: String,
    /// What is different.
    #[serde(flatten)]
    pub point: Point,
    /// How often.
    pub times: usize,
    /// Why it stands; none if it must not.
    pub class: Option<Class>,
    /// In words.
    pub reason: String,
    /// Where it was met first.
    pub first: String,
}

/// Recorded exchanges that were not compared, for one reason.
#[derive(Clone, Debug, Serialize)]
pub struct Left {
    /// The reason.
    pub reason: &'static str,
    /// How many.
    pub exchanges: usize,
    /// How many of each path.
    pub paths: BTreeMap<String, usize>,
}

/// How true the simulator is to the recordings.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// How many recordings there are.
    pub recordings: usize,
    /// How many exchanges they have.
    pub exchanges: usize,
    /// How many of them were compared.
    pub compared: usize,
    /// How many agree in all.
    pub same: usize,
    /// How many differences stand, of each class.
    pub excused: BTreeMap<Class, usize>,
    /// How many must not.
    pub unexcused: usize,
    /// Per operation.
    pub operations: Vec<Row>,
    /// What is different.
    pub differences: Vec<Difference>,
    /// What was not compared.
    pub left: Vec<Left>,
}

impl Report {
    /// Puts all recordings to the simulator.
    pub fn of(recordings: &[Recording]) -> Result<Self, DriveError> {
        let mut met = Vec::new();
        let mut left = BTreeMap::<&'static str, BTreeMap<String, usize>>::new();
        for recording in recordings {
            let driven = drive(recording)?;
            met.extend(driven.met);
            for (operation, reason) in driven.left {
                let path = format!("{} {}", operation.method, operation.path);
                *left.entry(reason).or_default().entry(path).or_default() += 1;
            }
        }
        let left = left.into_iter().map(|(reason, paths)| Left { reason, exchanges: paths.values().sum(), paths });
        let differences = differences(&met);
        let times = |class| differences.iter().filter(|d| d.class == class).map(|d| d.times).sum();
        Ok(Self {
            recordings: recordings.len(),
            exchanges: recordings.iter().map(|r| r.exchanges.len()).sum(),
            compared: met.len(),
            same: met.iter().filter(|m| m.points.is_empty()).count(),
            excused: CLASSES.into_iter().map(|c| (c, times(Some(c)))).collect(),
            unexcused: times(None),
            operations: rows(&met),
            left: left.collect(),
            differences,
        })
    }

    /// Only the operations with that in their method, path or api-version, in any case.
    pub fn only(mut self, part: &str) -> Self {
        let fits = |o: &Operation| o.to_string().to_lowercase().contains(&part.to_lowercase());
        self.operations.retain(|r| fits(&r.operation));
        self.differences.retain(|d| fits(&d.operation));
        let times = |class| self.differences.iter().filter(|d| d.class == class).map(|d| d.times).sum();
        self.excused = CLASSES.into_iter().map(|c| (c, times(Some(c)))).collect();
        self.unexcused = times(None);
        self.compared = self.operations.iter().map(|r| r.answers).sum();
        self.same = self.operations.iter().map(|r| r.same).sum();
        for left in &mut self.left {
            left.paths.retain(|path, _| path.to_lowercase().contains(&part.to_lowercase()));
            left.exchanges = left.paths.values().sum();
        }
        self.left.retain(|left| left.exchanges > 0);
        self
    }

    /// The sentence that sums it up.
    pub fn sentence(&self) -> String {
        let classes: Vec<_> = self.excused.iter().map(|(class, times)| format!("{times} {class}")).collect();
        format!(
            "{} of {} recorded exchanges are put to the simulator, of {} operations: {} answers agree in all; the others \
             have {} differences that stand ({}) and {} that do not.",
            self.compared,
            self.exchanges,
            self.operations.len(),
            self.same,
            self.excused.values().sum::<usize>(),
            classes.join(", "),
            self.unexcused,
        )
    }
}

fn rows(met: &[Met]) -> Vec<Row> {
    let mut rows = BTreeMap::<(String, String, String), Row>::new();
    for m in met {
        let o = &m.operation;
        let key = (o.path.to_lowercase(), o.method.clone(), o.api_version.clone());
        let row = rows.entry(key).or_insert_with(|| Row {
            operation: o.clone(),
            answers: 0,
            status: 0,
            headers: 0,
            members: 0,
            order: 0,
            types: 0,
            casing: 0,
            same: 0,
        });
        let agrees = |kinds: &[Kind]| usize::from(m.compared && !m.points.iter().any(|p| kinds.contains(&p.kind)));
        row.answers += 1;
        row.status += agrees(&[Kind::Status, Kind::Version]);
        row.headers += agrees(&[Kind::Header]);
        row.members += agrees(&[Kind::Member]);
        row.order += agrees(&[Kind::Order]);
        row.types += agrees(&[Kind::Type]);
        row.casing += agrees(&[Kind::Casing, Kind::Form, Kind::Value]);
        row.same += usize::from(m.points.is_empty());
    }
    rows.into_values().collect()
}

fn differences(met: &[Met]) -> Vec<Difference> {
    let mut found = BTreeMap::new();
    for (m, point) in met.iter().flat_map(|m| m.points.iter().map(move |p| (m, p))) {
        let (class, reason) = match excuse(met, m, point) {
            Some((class, reason)) => (Some(class), reason),
            None if is_read(m, point) => (None, "a workflow reads it".to_owned()),
            None => (None, String::new()),
        };
        let o = &m.operation;
        let key =
            (class, o.path.to_lowercase(), o.method.clone(), o.api_version.clone(), m.outcome.clone(), point.clone());
        let one = found.entry(key).or_insert_with(|| Difference {
            operation: o.clone(),
            outcome: m.outcome.clone(),
            point: point.clone(),
            times: 0,
            class,
            reason,
            first: m.place.clone(),
        });
        one.times += 1;
    }
    found.into_values().collect()
}
