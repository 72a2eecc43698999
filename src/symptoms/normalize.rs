//! A text as it was before terminals, JSON and chat windows had it.

use std::borrow::Cow;

/// What terminals draw around a text.
const FRAMES: [char; 5] = ['│', '╷', '╵', '|', '┃'];

/// A text without escapes and frames.
#[derive(Debug)]
pub(super) struct Plain {
    /// With its blanks, in lower case.
    pub(super) spaced: String,
    /// Without blanks: where it was wrapped no longer shows.
    pub(super) packed: String,
    /// The same in lower case, byte for byte.
    pub(super) lower: String,
}

impl Plain {
    pub(super) fn of(text: &str) -> Self {
        let spaced = unframed(&unescaped(text));
        let packed: String = spaced.chars().filter(|c| !c.is_whitespace()).collect();
        Self { lower: packed.to_ascii_lowercase(), spaced: spaced.to_ascii_lowercase(), packed }
    }
}

/// A literal as it stands in [`Plain::lower`].
pub(super) fn squeezed(literal: &str) -> String {
    let quote = |c: char| if c == '"' { '\'' } else { c };
    literal.chars().filter(|c| !c.is_whitespace()).map(quote).collect::<String>().to_ascii_lowercase()
}

/// However often it was escaped.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        // A line may have been broken within the escape.
        let broken = rest.peek() == Some(&'\n');
        while rest.next_if(|c| *c == '\\' || (broken && (c.is_whitespace() || FRAMES.contains(c)))).is_some() {}
        match rest.next() {
            Some('u') => {
                let hex: String = rest.clone().take(4).collect();
                match u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32).filter(|_| hex.len() == 4) {
                    Some(c) => {
                        out.push(c);
                        rest.nth(3);
                    }
                    None => out.push('u'),
                }
            }
            Some('n' | 'r' | 't') => out.push('\n'),
            Some(other) => out.push(other),
            None => {}
        }
    }
    Cow::Owned(out)
}

/// Without frames, colours, quotation marks before lines and characters that do not show; all quotes alike.
fn unframed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut starts = true;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => {
                // A colour: everything up to its letter.
                if rest.next_if_eq(&'[').is_some() {
                    while rest.next().is_some_and(|c| !c.is_ascii_alphabetic()) {}
                }
                continue;
            }
            c if FRAMES.contains(&c) => continue,
            '\u{200b}' | '\u{ad}' | '\u{feff}' => continue,
            '>' if starts => continue,
            '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' | '`' | '"' => out.push('\''),
            '\u{a0}' => out.push(' '),
            other => out.push(other),
        }
        starts = c == '\n' || (starts && c.is_whitespace());
    }
    out
}
