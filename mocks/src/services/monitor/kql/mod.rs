//! A small part of the Kusto query language: a table and a pipe of `where`, `project`, `order by`, `take` and
//! `summarize`. What is beyond it is refused as a syntax error, never guessed at.

mod cell;
mod condition;
mod lex;
mod parse;
mod run;

pub(super) use cell::{Cell, Kind, Table};
pub(super) use parse::parse;
pub(super) use run::run;

/// Why a query is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It cannot be read; where, counted in characters.
    Syntax { at: usize, message: String },
    /// It can be read, but means nothing.
    Semantic { code: &'static str, message: String },
}

impl Wrong {
    fn unknown(operator: &str, what: &str, name: &str) -> Self {
        let message = format!("'{operator}' operator: Failed to resolve {what} named '{name}'");
        Self::Semantic { code: "SEM0100", message }
    }
}

#[cfg(test)]
mod tests;
