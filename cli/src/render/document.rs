//! A result as a document, and its forms.

use crate::cli::Format;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write as _},
};

/// A result, ready to be printed in any form.
#[derive(Debug)]
pub(crate) struct Document {
    /// What it is; the name of its schema.
    kind: String,
    /// The version of its JSON form.
    v: u32,
    json: Value,
    table: String,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    pairs: Vec<(String, String)>,
}

impl Document {
    pub(crate) fn new(kind: impl Into<String>, v: u32, json: &impl Serialize) -> anyhow::Result<Self> {
        let json = serde_json::to_value(json)?;
        Ok(Self {
            kind: kind.into(),
            v,
            json,
            table: String::new(),
            head: Vec::new(),
            rows: Vec::new(),
            pairs: Vec::new(),
        })
    }
    /// For people. Without a line feed at the end, one is added.
    pub(crate) fn table(mut self, text: impl Into<String>) -> Self {
        self.table = text.into();
        self
    }
    /// For csv: what the values of each row are.
    pub(crate) fn head(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.head = names.into_iter().map(str::to_lowercase).collect();
        self
    }
    /// For tsv and csv.
    pub(crate) fn row(mut self, row: impl IntoIterator<Item = String>) -> Self {
        self.rows.push(row.into_iter().collect());
        self
    }
    /// For env; the name without `CMK_`.
    pub(crate) fn pair(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.pairs.push((name.into(), value.into()));
        self
    }
    /// Both.
    pub(crate) fn fields(mut self, fields: &[(&str, String)]) -> Self {
        self.head = fields.iter().map(|(name, _)| name.to_lowercase()).collect();
        self.rows.push(fields.iter().map(|(_, value)| value.clone()).collect());
        self.pairs.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        self
    }

    /// The text in a form, which ends in a line feed unless it is empty.
    pub(crate) fn text(&self, format: Format) -> anyhow::Result<String> {
        let mut text = String::new();
        match format {
            Format::Table => text.push_str(&self.table),
            Format::Json => {
                let mut whole =
                    Map::from_iter([("v".to_owned(), json!(self.v)), ("kind".to_owned(), json!(self.kind))]);
                if let Value::Object(members) = &self.json {
                    whole.extend(members.iter().map(|(k, v)| (k.clone(), v.clone())));
                }
                text = serde_json::to_string_pretty(&whole)?;
            }
            Format::Tsv => {
                for row in &self.rows {
                    let cells: Vec<_> = row.iter().map(|cell| one_line(cell)).collect();
                    writeln!(text, "{}", cells.join("\t"))?;
                }
            }
            Format::Csv => {
                let mut csv = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
                if !self.head.is_empty() {
                    csv.write_record(&self.head)?;
                }
                for row in &self.rows {
                    csv.write_record(row)?;
                }
                text = String::from_utf8(csv.into_inner().map_err(|e| anyhow::anyhow!("csv: {e}"))?)?;
            }
            Format::Env => {
                for (name, value) in &self.pairs {
                    writeln!(text, "CMK_{name}={}", quoted(value))?;
                }
            }
        }
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        Ok(text)
    }

    /// Prints it: all that ever goes to stdout.
    pub(crate) fn print(&self, format: Format) -> anyhow::Result<()> {
        print(&self.text(format)?)
    }
}

/// Text on stdout. A reader that has gone away needs no more.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(shown(text).as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => Ok(done?),
    }
}

/// A text as it may reach a terminal: what would steer it, turn the direction of what is written, or not be seen at all
/// becomes `\u001b` and the like. Everything that is printed goes through here, as any of it may quote a service. JSON says
/// the same by it as before.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    let steers = |c: char| (c.is_control() && c != '\n' && c != '\t') || is_invisible(c);
    if !text.contains(steers) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            // Writing to a string does not fail. All of them are of four digits.
            let _ = write!(shown, "\\u{:04x}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown.into()
}

/// Characters that are no control characters, and turn or break a line, or are not seen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A writer whose texts are [`shown`].
#[derive(Debug)]
pub(crate) struct Shown<W>(pub(crate) W);

impl<W: io::Write> io::Write for Shown<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(shown(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A cell of tsv: what would end it becomes a space.
fn one_line(cell: &str) -> String {
    cell.replace(['\t', '\n', '\r'], " ")
}

/// A value between single quotes, in which a shell takes everything for what it is.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// A word of a command line, quoted if it has to be.
pub(crate) fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,~".contains(c);
    if !word.is_empty() && !word.starts_with('~') && word.chars().all(plain) { word.to_owned() } else { quoted(word) }
}

/// The text of an optional value; empty if there is none.
pub(crate) fn text_of(value: Option<impl ToString>) -> String {
    value.map(|v| v.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_a_terminal_is_seen_instead() {
        assert_eq!(shown("a\tb\né 鍵 🔑 ٣"), "a\tb\né 鍵 🔑 ٣");
        assert_eq!(shown("\u{1b}[31m\r\u{7f}\u{9b}0m\u{202e}\u{2066}"), r"\u001b[31m\u000d\u007f\u009b0m\u202e\u2066");
        // Of JSON nothing is lost.
        let json = serde_json::to_string_pretty(&json!({ "a": "\u{9b}\u{202e}\u{1b}\u{7f}é" })).expect("JSON");
        let printed = shown(&json);
        assert!(!printed.contains(['\u{9b}', '\u{202e}', '\u{7f}']), "{printed:?}");
        let (was, is): (Value, Value) =
            (serde_json::from_str(&json).expect("JSON"), serde_json::from_str(&printed).expect("JSON"));
        assert_eq!(was, is);
    }

    #[test]
    fn values_cannot_break_out_of_their_quotes_or_cells() {
        assert_eq!(quoted("a'; rm -rf /; '"), r"'a'\''; rm -rf /; '\'''");
        assert_eq!(one_line("a\tb\nc"), "a b c");
        assert_eq!(shell_word("state/dir"), "state/dir");
        assert_eq!(shell_word("my state"), "'my state'");
        assert_eq!(shell_word("~root"), "'~root'");
        assert_eq!(shell_word(""), "''");
    }
}
