//! Ids that the service makes up, which a simulated answer has others for.

use serde_json::Value;
use std::collections::BTreeMap;

/// Where GUIDs and versions of keys stand in a text. The zero GUID of recorders is none.
pub(crate) fn ids(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let word = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let hex = |from: usize, n: usize| bytes.get(from..from + n).is_some_and(|b| b.iter().all(u8::is_ascii_hexdigit));
    let guid = |at: usize| {
        let dashes = [8, 13, 18, 23].iter().all(|i| bytes.get(at + i) == Some(&b'-'));
        dashes && [(0, 8), (9, 4), (14, 4), (19, 4), (24, 12)].iter().all(|&(from, n)| hex(at + from, n))
    };
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let begins = at == 0 || !word(at - 1);
        let length = match begins {
            true if guid(at) && !word(at + 36) => 36,
            true if hex(at, 32) && !word(at + 32) => 32,
            _ => 0,
        };
        if bytes[at..at + length].iter().any(|b| *b != b'0' && *b != b'-') {
            found.push((at, at + length));
        }
        at += length.max(1);
    }
    found
}

/// Recorded ids and what they are in the simulated world.
#[derive(Debug, Default)]
pub(crate) struct Ids(BTreeMap<String, String>);

impl Ids {
    pub(crate) fn insert(&mut self, was: &str, is: String) {
        self.0.insert(was.to_lowercase(), is);
    }

    /// The text with the simulated ids in place of the recorded ones.
    pub(crate) fn mapped(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for (start, end) in ids(text) {
            out.push_str(&text[from..start]);
            let id = &text[start..end];
            out.push_str(self.0.get(&id.to_lowercase()).map_or(id, String::as_str));
            from = end;
        }
        out.push_str(&text[from..]);
        out
    }

    pub(crate) fn learn_text(&mut self, was: &str, is: &str) {
        let (mine, theirs) = (ids(is), ids(was));
        if mine.len() != theirs.len() {
            return;
        }
        for ((a, b), (c, d)) in theirs.into_iter().zip(mine) {
            if was[a..b] != is[c..d] {
                self.0.entry(was[a..b].to_lowercase()).or_insert_with(|| is[c..d].to_owned());
            }
        }
    }

    /// Takes the ids of two bodies that say the same.
    pub(crate) fn learn(&mut self, was: &Value, is: &Value) {
        match (was, is) {
            (Value::String(was), Value::String(is)) => self.learn_text(was, is),
            (Value::Array(was), Value::Array(is)) if was.len() == is.len() => {
                was.iter().zip(is).for_each(|(was, is)| self.learn(was, is));
            }
            (Value::Object(was), Value::Object(is)) => {
                for (name, was) in was {
                    let same = |(other, _): &(&String, &Value)| other.eq_ignore_ascii_case(name);
                    if let Some((_, is)) = is.iter().find(same) {
                        self.learn(was, is);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_and_versions_are_ids_and_zeros_are_not() {
        let text = "/a/0f0e0d0c-0000-4000-8000-00000000000a/0123456789abcdef0123456789abcdef/x";
        assert_eq!(ids(text), [(3, 39), (40, 72)]);
        assert!(ids("00000000-0000-0000-0000-000000000000").is_empty());
        let mut known = Ids::default();
        known.learn_text(text, &text.replace("0f0e", "1111"));
        assert_eq!(known.mapped("0F0E0D0C-0000-4000-8000-00000000000A"), "11110d0c-0000-4000-8000-00000000000a");
    }
}
