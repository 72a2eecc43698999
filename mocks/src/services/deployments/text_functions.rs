//! Functions on texts.

use super::functions::count;
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

/// The namespace in which the service's `guid` makes its names.
const GUIDS: Uuid = uuid!("11fb06fb-712d-4ddd-98c7-e71bbd588830");

/// None where the arguments do not fit.
pub(super) fn call(name: &str, args: &[Value]) -> Option<Value> {
    Some(match (name, args) {
        ("concat", [_, ..]) if args.iter().all(plain) => json!(args.iter().map(shown).collect::<String>()),
        ("format", [Value::String(pattern), rest @ ..]) => json!(format(pattern, rest)?),
        ("guid", [_, ..]) => json!(Uuid::new_v5(&GUIDS, joined(args)?.as_bytes())),
        ("uniquestring", [_, ..]) => json!(unique(&joined(args)?)),
        ("tolower", [Value::String(s)]) => json!(s.to_lowercase()),
        ("toupper", [Value::String(s)]) => json!(s.to_uppercase()),
        ("trim", [Value::String(s)]) => json!(s.trim()),
        ("startswith", [Value::String(s), Value::String(part)]) => {
            json!(s.to_lowercase().starts_with(&part.to_lowercase()))
        }
        ("endswith", [Value::String(s), Value::String(part)]) => {
            json!(s.to_lowercase().ends_with(&part.to_lowercase()))
        }
        ("replace", [Value::String(s), Value::String(old), Value::String(new)]) if !old.is_empty() => {
            json!(s.replace(old, new))
        }
        ("first", [Value::String(s)]) => json!(s.chars().next().map(String::from).unwrap_or_default()),
        ("last", [Value::String(s)]) => json!(s.chars().next_back().map(String::from).unwrap_or_default()),
        ("take", [Value::String(s), n]) => json!(s.chars().take(count(n)?).collect::<String>()),
        ("skip", [Value::String(s), n]) => json!(s.chars().skip(count(n)?).collect::<String>()),
        ("substring", [Value::String(s), from]) => json!(part(s, from, None)?),
        ("substring", [Value::String(s), from, len]) => json!(part(s, from, Some(len))?),
        ("split", [Value::String(s), Value::String(at)]) => json!(split(s, &[at])),
        ("split", [Value::String(s), Value::Array(all)]) => {
            let all: Option<Vec<&str>> = all.iter().map(Value::as_str).collect();
            json!(split(s, &all?))
        }
        _ => return None,
    })
}

fn plain(v: &Value) -> bool {
    !v.is_array() && !v.is_object()
}

/// A value as text: texts as they are, the rest as JSON.
pub(super) fn shown(v: &Value) -> String {
    match v {
        Value::String(s) => s.clone(),
        Value::Null => String::new(),
        // As .NET writes them.
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        other => other.to_string(),
    }
}

fn joined(args: &[Value]) -> Option<String> {
    let all: Option<Vec<&str>> = args.iter().map(Value::as_str).collect();
    Some(all?.join("-"))
}

/// Thirteen letters and digits, the same for the same text. The service's own digest is not published.
fn unique(text: &str) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    // The last bits of this digest move most with its input.
    hash ^= hash >> 29;
    (0..13).filter_map(|i| LETTERS.get((hash.rotate_left(i * 5) & 31) as usize)).map(|b| char::from(*b)).collect()
}

fn part(s: &str, from: &Value, len: Option<&Value>) -> Option<String> {
    let all: Vec<char> = s.chars().collect();
    let from = usize::try_from(from.as_i64()?).ok()?;
    let end = match len {
        Some(len) => from.checked_add(usize::try_from(len.as_i64()?).ok()?)?,
        None => all.len(),
    };
    Some(all.get(from..end)?.iter().collect())
}

fn split(s: &str, at: &[&str]) -> Vec<String> {
    let mut parts = vec![s.to_owned()];
    for at in at.iter().filter(|a| !a.is_empty()) {
        parts = parts.iter().flat_map(|p| p.split(at).map(str::to_owned).collect::<Vec<_>>()).collect();
    }
    parts
}

/// `{0}`, `{1}` and so on; `{{` and `}}` stand for braces.
fn format(pattern: &str, args: &[Value]) -> Option<String> {
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' | '}' if chars.peek() == Some(&c) => {
                chars.next();
                out.push(c);
            }
            '{' => {
                let index: String = chars.by_ref().take_while(|c| *c != '}').collect();
                out.push_str(&shown(args.get(index.trim().parse::<usize>().ok()?)?));
            }
            '}' => return None,
            _ => out.push(c),
        }
    }
    Some(out)
}
