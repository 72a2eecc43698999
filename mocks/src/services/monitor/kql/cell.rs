use crate::http::time_format;
use serde_json::{Value, json};
use std::cmp::Ordering;
use time::OffsetDateTime;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::services::monitor) enum Kind {
    Text,
    Int,
    Long,
    Real,
    Bool,
    Time,
    Dynamic,
}

impl Kind {
    pub(in crate::services::monitor) fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Int => "int",
            Self::Long => "long",
            Self::Real => "real",
            Self::Bool => "bool",
            Self::Time => "datetime",
            Self::Dynamic => "dynamic",
        }
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Long | Self::Real)
    }
}

/// A value in a row. A text is never null, only empty.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::services::monitor) enum Cell {
    Null,
    Text(String),
    Long(i64),
    Real(f64),
    Bool(bool),
    Time(OffsetDateTime),
    Dynamic(Value),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Cell {
    /// As an answer has it.
    pub(in crate::services::monitor) fn json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Text(text) => json!(text),
            Self::Long(n) => json!(n),
            Self::Real(n) => json!(n),
            Self::Bool(b) => json!(b),
            Self::Time(t) => json!(time_format::zulu(*t)),
            Self::Dynamic(Value::String(text)) => json!(text),
            Self::Dynamic(value) => json!(value.to_string()),
        }
    }

    /// As `tostring()` has it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Null | Self::Dynamic(Value::Null) => String::new(),
            Self::Text(text) | Self::Dynamic(Value::String(text)) => text.clone(),
            Self::Long(n) => n.to_string(),
            Self::Real(n) => n.to_string(),
            Self::Bool(b) => if *b { "True" } else { "False" }.to_owned(),
            Self::Time(t) => time_format::zulu(*t),
            Self::Dynamic(value) => value.to_string(),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Long(n) => Some(*n as f64),
            Self::Real(n) => Some(*n),
            Self::Dynamic(value) => value.as_f64(),
            _ => None,
        }
    }

    /// None where either is null or they are not of a kind.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Long(a), Self::Long(b)) => Some(a.cmp(b)),
            (Self::Time(a), Self::Time(b)) => Some(a.cmp(b)),
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Text(_) | Self::Dynamic(Value::String(_)), Self::Text(_) | Self::Dynamic(Value::String(_))) => {
                Some(self.text().cmp(&other.text()))
            }
            (Self::Dynamic(Value::Bool(a)), Self::Bool(b)) => Some(a.cmp(b)),
            _ => self.number()?.partial_cmp(&other.number()?),
        }
    }

    /// For sorting: null is the least.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Null, _) => Ordering::Less,
            (_, Self::Null) => Ordering::Greater,
            _ => self.compare(other).unwrap_or_else(|| self.text().cmp(&other.text())),
        }
    }
}

/// Columns and rows.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::services::monitor) struct Table {
    pub(in crate::services::monitor) columns: Vec<(String, Kind)>,
    pub(in crate::services::monitor) rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(super) fn column(&self, name: &str) -> Option<(usize, Kind)> {
        self.columns.iter().position(|(n, _)| n == name).and_then(|i| Some((i, self.columns.get(i)?.1)))
    }
}
