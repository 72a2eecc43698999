//! Results, in the forms they are printed in. What only one command prints is in that command's file.

mod diagnosis;
mod document;
mod plan;
mod summary;

pub(crate) use diagnosis::{causes, diagnosis, remedy, symptom};
pub(crate) use document::{Document, Shown, print, shell_word, shown, text_of};
pub(crate) use plan::plan;
pub(crate) use summary::{Summarize, Summary, outcome};
