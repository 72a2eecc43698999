use super::Wrong;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name or a word; words such as `!contains` and `in~` too.
    Word(String),
    Text(String),
    Long(i64),
    Real(f64),
    /// `1h`
    Span(Duration),
    /// What stands between the parentheses of `datetime(..)`.
    Moment(String),
    Sign(&'static str),
}

/// A token and where it begins, counted in characters.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) at: usize,
}

const SIGNS: &[&str] = &["==", "!=", "=~", "!~", "<=", ">=", "<", ">", "=", "|", "(", ")", ",", ".", ";", "-"];
/// Longest first.
const WITH_MARKS: &[&str] = &["!contains", "!startswith", "!endswith", "!has", "!in~", "!in", "in~"];

pub(super) fn tokens(query: &str) -> Result<Vec<Placed>, Wrong> {
    let chars: Vec<char> = query.chars().collect();
    let mut found: Vec<Placed> = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let begin = at;
        let ahead = |from: usize, word: &str| word.chars().enumerate().all(|(i, w)| chars.get(from + i) == Some(&w));
        let ends = |i: usize| chars.get(i).is_none_or(|c| !is_word(*c));
        let token = if c.is_whitespace() {
            at += 1;
            continue;
        } else if ahead(at, "//") {
            at += chars.iter().skip(at).take_while(|c| **c != '\n').count();
            continue;
        } else if let Some(word) = WITH_MARKS.iter().find(|w| ahead(at, w) && ends(at + w.chars().count())) {
            at += word.chars().count();
            Token::Word((*word).to_owned())
        } else if matches!(c, '\'' | '"') || (c == '@' && matches!(chars.get(at + 1), Some('\'' | '"'))) {
            let verbatim = c == '@';
            at += usize::from(verbatim);
            Token::Text(text(&chars, &mut at, verbatim).ok_or_else(|| cut(begin, "The text has no end."))?)
        } else if c.is_ascii_digit() {
            number(&chars, &mut at).ok_or_else(|| cut(begin, "The number cannot be read."))?
        } else if is_word(c) {
            while chars.get(at).is_some_and(|c| is_word(*c)) {
                at += 1;
            }
            let word: String = chars.get(begin..at).unwrap_or_default().iter().collect();
            if word == "datetime" && chars.get(at) == Some(&'(') {
                let inside: String = chars.iter().skip(at + 1).take_while(|c| **c != ')').collect();
                at += inside.chars().count() + 2;
                Token::Moment(inside.trim().trim_matches(['\'', '"']).to_owned())
            } else {
                Token::Word(word)
            }
        } else if let Some(sign) = SIGNS.iter().find(|s| ahead(at, s)) {
            at += sign.chars().count();
            Token::Sign(sign)
        } else {
            return Err(cut(begin, &format!("'{c}' is not expected here.")));
        };
        found.push(Placed { token, at: begin });
    }
    Ok(found)
}

fn cut(at: usize, message: &str) -> Wrong {
    Wrong::Syntax { at, message: message.to_owned() }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// From its first quote on.
fn text(chars: &[char], at: &mut usize, verbatim: bool) -> Option<String> {
    let quote = *chars.get(*at)?;
    let mut out = String::new();
    *at += 1;
    loop {
        let c = *chars.get(*at)?;
        *at += 1;
        match c {
            c if c == quote => return Some(out),
            '\n' => return None,
            '\\' if !verbatim => {
                let escaped = *chars.get(*at)?;
                *at += 1;
                out.push(match escaped {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                });
            }
            c => out.push(c),
        }
    }
}

fn number(chars: &[char], at: &mut usize) -> Option<Token> {
    let begin = *at;
    let point = |i: usize| chars.get(i) == Some(&'.') && chars.get(i + 1).is_some_and(char::is_ascii_digit);
    while chars.get(*at).is_some_and(char::is_ascii_digit) || point(*at) {
        *at += 1;
    }
    let digits: String = chars.get(begin..*at)?.iter().collect();
    let unit: String = chars.iter().skip(*at).take_while(|c| is_word(**c)).collect();
    *at += unit.chars().count();
    let seconds = match unit.as_str() {
        "" if digits.contains('.') => return digits.parse().ok().map(Token::Real),
        "" => return digits.parse().ok().map(Token::Long),
        "d" => 86_400.0,
        "h" => 3600.0,
        "m" => 60.0,
        "s" => 1.0,
        "ms" => 0.001,
        _ => return None,
    };
    Duration::try_from_secs_f64(digits.parse::<f64>().ok()? * seconds).ok().map(Token::Span)
}
