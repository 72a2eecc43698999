use super::{
    Wrong,
    cell::{Cell, Kind, Table},
    parse::Expr,
};
use serde_json::Value;
use std::cmp::Ordering;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    Any(Vec<Condition>),
    All(Vec<Condition>),
    Not(Box<Condition>),
    Test { left: Expr, test: Test, right: Vec<Expr> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    Equal,
    EqualAnyCase,
    Contains,
    StartsWith,
    EndsWith,
    Has,
    In { any_case: bool },
    Less,
    AtMost,
    More,
    AtLeast,
    Empty,
}

impl Test {
    /// Whether it looks at texts, whatever else it is given.
    fn is_of_text(self) -> bool {
        matches!(
            self,
            Self::EqualAnyCase
                | Self::Contains
                | Self::StartsWith
                | Self::EndsWith
                | Self::Has
                | Self::In { any_case: true }
                | Self::Empty
        )
    }

    fn holds(self, left: &Cell, right: &Cell) -> bool {
        if self.is_of_text() {
            let (left, right) = (left.text().to_lowercase(), right.text().to_lowercase());
            return match self {
                Self::Contains => left.contains(&right),
                Self::StartsWith => left.starts_with(&right),
                Self::EndsWith => left.ends_with(&right),
                Self::Has => has(&left, &right),
                Self::Empty => left.is_empty(),
                _ => left == right,
            };
        }
        let order = left.compare(right);
        match self {
            Self::Less => order == Some(Ordering::Less),
            Self::AtMost => order.is_some_and(Ordering::is_le),
            Self::More => order == Some(Ordering::Greater),
            Self::AtLeast => order.is_some_and(Ordering::is_ge),
            _ => order == Some(Ordering::Equal),
        }
    }
}

/// Whether a term stands in a text by itself, with no letter or digit beside it.
fn has(text: &str, term: &str) -> bool {
    let beside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(term).any(|(i, found)| {
        let (before, after) = (text.get(..i).unwrap_or_default(), text.get(i + found.len()..).unwrap_or_default());
        !beside(before.chars().next_back()) && !beside(after.chars().next())
    })
}

impl Condition {
    /// Names and types that cannot be meant are refused, rows or no rows.
    pub(super) fn check(&self, table: &Table) -> Result<(), Wrong> {
        match self {
            Self::Any(all) | Self::All(all) => all.iter().try_for_each(|c| c.check(table)),
            Self::Not(inner) => inner.check(table),
            Self::Test { left, test, right } => {
                let left = left.kind(table, "where")?;
                for right in right {
                    let right = right.kind(table, "where")?;
                    if !comparable(*test, left, right) {
                        let (left, right) = (left.name(), right.name());
                        let message =
                            format!("Cannot compare values of types {left} and {right}. Try adding explicit casts");
                        return Err(Wrong::Semantic { code: "SEM0064", message });
                    }
                }
                Ok(())
            }
        }
    }

    pub(super) fn holds(&self, table: &Table, row: &[Cell]) -> bool {
        match self {
            Self::Any(all) => all.iter().any(|c| c.holds(table, row)),
            Self::All(all) => all.iter().all(|c| c.holds(table, row)),
            Self::Not(inner) => !inner.holds(table, row),
            Self::Test { left, test: Test::Empty, .. } => Test::Empty.holds(&left.value(table, row), &Cell::Null),
            Self::Test { left, test, right } => {
                let left = left.value(table, row);
                right.iter().any(|right| test.holds(&left, &right.value(table, row)))
            }
        }
    }
}

fn comparable(test: Test, left: Kind, right: Kind) -> bool {
    if left == Kind::Dynamic || right == Kind::Dynamic {
        return true;
    }
    if test.is_of_text() {
        return left == Kind::Text && right == Kind::Text;
    }
    left == right || (left.is_number() && right.is_number())
}

impl Expr {
    /// The type that it has, or which of its names means nothing.
    pub(super) fn kind(&self, table: &Table, operator: &str) -> Result<Kind, Wrong> {
        match self {
            Self::Text(inner) => inner.kind(table, operator).map(|_| Kind::Text),
            Self::IfExists(name, otherwise) => match table.column(name) {
                Some((_, kind)) => Ok(kind),
                None => otherwise.kind(table, operator),
            },
            Self::Value(cell) => Ok(match cell {
                Cell::Null | Cell::Dynamic(_) => Kind::Dynamic,
                Cell::Text(_) => Kind::Text,
                Cell::Long(_) => Kind::Long,
                Cell::Real(_) => Kind::Real,
                Cell::Bool(_) => Kind::Bool,
                Cell::Time(_) => Kind::Time,
            }),
            Self::Column(path) => {
                let name = path.first().map(String::as_str).unwrap_or_default();
                let (_, kind) =
                    table.column(name).ok_or_else(|| Wrong::unknown(operator, "scalar expression", name))?;
                match path.len() {
                    1 => Ok(kind),
                    _ if kind == Kind::Dynamic => Ok(Kind::Dynamic),
                    _ => Err(Wrong::unknown(operator, "scalar expression", &path.join("."))),
                }
            }
        }
    }

    pub(super) fn value(&self, table: &Table, row: &[Cell]) -> Cell {
        match self {
            Self::Text(inner) => Cell::Text(inner.value(table, row).text()),
            Self::IfExists(name, otherwise) => match table.column(name) {
                Some((i, _)) => row.get(i).cloned().unwrap_or(Cell::Null),
                None => otherwise.value(table, row),
            },
            Self::Value(cell) => cell.clone(),
            Self::Column(path) => {
                let (name, members) = path.split_first().map_or(("", [].as_slice()), |(n, m)| (n.as_str(), m));
                let cell = table.column(name).and_then(|(i, _)| row.get(i)).unwrap_or(&Cell::Null);
                match (cell, members.is_empty()) {
                    (cell, true) => cell.clone(),
                    (Cell::Dynamic(value), false) => {
                        let found = members.iter().try_fold(value, |v: &Value, name| v.get(name));
                        found.map_or(Cell::Null, |v| Cell::Dynamic(v.clone()))
                    }
                    _ => Cell::Null,
                }
            }
        }
    }
}
