//! Reading error bodies of all shapes.

use serde_json::{Map, Value};

use super::{Detail, scrub};
use crate::azure::id::is_invisible;

/// More of a body is not looked at: real errors are a few kilobytes.
const BODY_LIMIT: usize = 256 * 1024;
const MESSAGE_LIMIT: usize = 8192;
const CODE_LIMIT: usize = 128;
const DETAILS_LIMIT: usize = 16;
const DEPTH_LIMIT: usize = 8;

/// What a body says.
#[derive(Default)]
pub(super) struct Read {
    pub(super) error: Detail,
    pub(super) request_id: Option<String>,
    pub(super) correlation_id: Option<String>,
}

/// Reads a body of any shape.
pub(super) fn read(body: &[u8]) -> Read {
    let whole = body.len() <= BODY_LIMIT;
    let text = String::from_utf8_lossy(body.get(..BODY_LIMIT).unwrap_or(body));
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Read::default();
    }
    if whole && let Ok(value) = serde_json::from_str::<Value>(text) {
        return from_json(&value);
    }
    if text.starts_with(['{', '[']) {
        return Read { error: from_cut_json(text), ..Read::default() };
    }
    let message =
        if text.starts_with('<') { from_markup(text) } else { Detail { message: message(text), ..Detail::default() } };
    Read { error: message, ..Read::default() }
}

fn from_json(value: &Value) -> Read {
    match value {
        Value::Object(object) => from_object(object),
        Value::Array(items) => items.first().and_then(Value::as_object).map(from_object).unwrap_or_default(),
        Value::String(text) => {
            Read { error: Detail { message: message(text), ..Detail::default() }, ..Read::default() }
        }
        _ => Read::default(),
    }
}

fn from_object(object: &Map<String, Value>) -> Read {
    let ids = |error| Read {
        error,
        request_id: text(object, "trace_id").map(|id| tidy(&id, CODE_LIMIT)),
        correlation_id: text(object, "correlation_id").map(|id| tidy(&id, CODE_LIMIT)),
    };
    match get(object, "error").or_else(|| get(object, "odata.error")) {
        Some(Value::Object(error)) => return ids(detail(error, 0)),
        Some(Value::String(error)) => return ids(entra(object, error)),
        _ => {}
    }
    if let Some(Value::Array(errors)) = get(object, "errors") {
        let mut all = errors.iter().filter_map(Value::as_object).take(DETAILS_LIMIT).map(|error| detail(error, 0));
        if let Some(mut first) = all.next() {
            first.details.extend(all);
            return ids(first);
        }
    }
    if let Some(Value::Object(error)) =
        get(object, "properties").and_then(Value::as_object).and_then(|p| get(p, "error"))
    {
        return ids(detail(error, 0));
    }
    let mut error = detail(object, 0);
    if error.code.is_empty() {
        // An operation that says no more than that it failed.
        error.code = text(object, "status").filter(|s| is_code(s)).map(|s| tidy(&s, CODE_LIMIT)).unwrap_or_default();
    }
    ids(error)
}

/// `{"error":"invalid_client","error_description":"AADSTS7000215: ..","error_codes":[7000215]}`
fn entra(object: &Map<String, Value>, oauth: &str) -> Detail {
    let description = text(object, "error_description").or_else(|| text(object, "message")).unwrap_or_default();
    let named = description.find("AADSTS").and_then(|at| description.get(at..)).map(|code| {
        let end = code.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(code.len());
        code.chars().take(end).collect::<String>()
    });
    let listed = || {
        let codes = get(object, "error_codes")?.as_array()?;
        codes.first().and_then(scalar).map(|number| format!("AADSTS{number}"))
    };
    let aadsts = named.filter(|code| code.len() > "AADSTS".len()).or_else(listed);
    // An OAuth error is a word; a sentence in its place is a message.
    let word = is_code(oauth);
    Detail {
        inner_code: aadsts.as_ref().filter(|_| word).map(|_| tidy(oauth, CODE_LIMIT)),
        code: tidy(&aadsts.unwrap_or_else(|| if word { oauth.to_owned() } else { String::new() }), CODE_LIMIT),
        message: message(if description.is_empty() { oauth } else { &description }),
        ..Detail::default()
    }
}

/// `{"code","message","target","innererror":{..},"details":[..]}`, any member missing, null or of another type.
fn detail(object: &Map<String, Value>, depth: usize) -> Detail {
    let raw = text(object, "message").unwrap_or_default();
    let mut inner_codes = Vec::new();
    let mut details = Vec::new();
    let mut inner = get(object, "innererror").and_then(Value::as_object);
    while let Some(object) = inner.filter(|_| inner_codes.len() < DEPTH_LIMIT) {
        let one = Detail {
            code: code(object),
            message: text(object, "message").map(|m| message(&m)).unwrap_or_default(),
            ..Detail::default()
        };
        if !one.code.is_empty() || !one.message.is_empty() {
            details.push(one.clone());
        }
        inner_codes.push(one.code);
        inner = get(object, "innererror").and_then(Value::as_object);
    }
    if depth < DEPTH_LIMIT {
        let nested: Vec<&Map<String, Value>> = match get(object, "details") {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_object).collect(),
            Some(Value::Object(one)) => vec![one],
            _ => Vec::new(),
        };
        details.extend(nested.into_iter().take(DETAILS_LIMIT).map(|one| detail(one, depth + 1)));
        // Deployments put the error of a resource into a message as JSON text.
        if let Some(error) = embedded(&raw, depth) {
            details.push(error);
        }
    }
    let innermost = inner_codes.into_iter().rev().find(|code| !code.is_empty()).or_else(|| {
        details.iter().find_map(|d| d.inner_code.clone().or_else(|| Some(d.code.clone()).filter(|c| !c.is_empty())))
    });
    // A bare inner error with no text of its own adds nothing to its code.
    details.retain(|d| {
        let more = !d.message.is_empty() || !d.details.is_empty() || !d.policies.is_empty();
        more || Some(&d.code) != innermost.as_ref()
    });
    Detail {
        code: code(object),
        inner_code: innermost,
        message: message(&raw),
        target: text(object, "target").or_else(|| wanted(object)).map(|t| tidy(&t, 512)).filter(|t| !t.is_empty()),
        details,
        policies: policies(object),
    }
}

/// What a registry says one would have to be allowed: `"detail":[{"Type":"repository","Name":"web","Action":"pull"}]` as
/// a scope, `repository:web:pull`.
fn wanted(object: &Map<String, Value>) -> Option<String> {
    let one = match get(object, "detail")? {
        Value::Array(all) => all.first()?.as_object()?,
        Value::Object(one) => one,
        _ => return None,
    };
    let [kind, name, action] = ["type", "name", "action"].map(|member| text(one, member));
    Some(format!("{}:{}:{}", kind?, name?, action?))
}

/// Names out of `"additionalInfo":[{"type":"PolicyViolation","info":{"policyDefinitionDisplayName":..}}]`.
fn policies(object: &Map<String, Value>) -> Vec<String> {
    const NAMES: [&str; 4] =
        ["policyDefinitionDisplayName", "policyAssignmentDisplayName", "policyDefinitionName", "policyAssignmentName"];
    let name = |entry: &Value| {
        let entry = entry.as_object()?;
        text(entry, "type").filter(|kind| kind.eq_ignore_ascii_case("PolicyViolation"))?;
        let info = get(entry, "info")?.as_object()?;
        let named = |member: &&str| text(info, member).map(|n| tidy(&n, 256)).filter(|n| !n.is_empty());
        NAMES.iter().find_map(named)
    };
    let entries = get(object, "additionalInfo").and_then(Value::as_array).into_iter().flatten();
    entries.take(DETAILS_LIMIT).filter_map(name).collect()
}

fn embedded(raw: &str, depth: usize) -> Option<Detail> {
    let raw = raw.trim();
    if !raw.starts_with('{') || raw.len() > BODY_LIMIT {
        return None;
    }
    let value: Value = serde_json::from_str(raw).ok()?;
    let object = value.as_object()?;
    let object = get(object, "error").and_then(Value::as_object).unwrap_or(object);
    let error = detail(object, depth + 1);
    (!error.code.is_empty()).then_some(error)
}

fn code(object: &Map<String, Value>) -> String {
    tidy(&text(object, "code").unwrap_or_default(), CODE_LIMIT)
}

/// A member by name, its first letter in either case.
fn get<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// A member as text: a string, a number, or OData's `{"lang","value"}`.
fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    match get(object, name)? {
        Value::Object(inner) => get(inner, "value").and_then(scalar),
        other => scalar(other),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn is_code(text: &str) -> bool {
    !text.is_empty() && text.len() <= CODE_LIMIT && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

/// A JSON that ends early or is broken: the first code and message are still told.
fn from_cut_json(body: &str) -> Detail {
    let code = member(body, "code").or_else(|| member(body, "error")).unwrap_or_default();
    let inner = body.find("\"innererror\"").and_then(|at| body.get(at..)).and_then(|rest| member(rest, "code"));
    let said = member(body, "message").or_else(|| member(body, "error_description"));
    let said = said.unwrap_or_else(|| "the error body is cut off or broken".to_owned());
    let details = Vec::new();
    let inner_code = inner.map(|c| tidy(&c, CODE_LIMIT)).filter(|c| !c.is_empty());
    Detail { code: tidy(&code, CODE_LIMIT), inner_code, message: message(&said), details, ..Detail::default() }
}

/// The text after the first `"name":` that a string or number follows, as far as it goes.
fn member(body: &str, name: &str) -> Option<String> {
    let mark = format!("\"{name}\"");
    let mut rest = body;
    while let Some((_, after)) = rest.split_once(mark.as_str()) {
        rest = after;
        let Some(value) = after.trim_start().strip_prefix(':').map(str::trim_start) else { continue };
        if let Some(string) = value.strip_prefix('"') {
            return Some(unescaped(string)).filter(|text| !text.is_empty());
        }
        let number: String = value.chars().take_while(char::is_ascii_digit).collect();
        if !number.is_empty() {
            return Some(number);
        }
    }
    None
}

/// A JSON string without its opening quote, up to the closing one or the end.
fn unescaped(string: &str) -> String {
    let mut escaped = false;
    let end = string.find(|c: char| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    });
    let raw = string.get(..end.unwrap_or(string.len())).unwrap_or_default();
    // Raw control characters are no JSON, yet they are a message.
    let mut inside = String::with_capacity(raw.len());
    for c in raw.chars() {
        if c.is_control() { inside.push_str(&format!("\\u{:04x}", u32::from(c))) } else { inside.push(c) }
    }
    // A cut escape at the end is at most `\ud83d\ude0`, so a few shorter tries find the longest part that is whole.
    for _ in 0..12 {
        if let Ok(text) = serde_json::from_str::<String>(&format!("\"{inside}\"")) {
            return text;
        }
        inside.pop();
    }
    raw.to_owned()
}

/// An HTML page's title, or an XML error's code and message.
fn from_markup(page: &str) -> Detail {
    let code = element(page, "Code").filter(|c| is_code(c)).unwrap_or_default();
    let said = element(page, "title").or_else(|| element(page, "h1")).or_else(|| element(page, "Message"));
    let said = said.unwrap_or_else(|| "the answer is a page, not an error".to_owned());
    Detail { code, message: message(&said), ..Detail::default() }
}

fn element(page: &str, name: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    let open = lower.match_indices(&format!("<{name}")).find_map(|(at, mark)| {
        let after = lower.get(at + mark.len()..)?;
        // Not `<codec>` when `<code>` is wanted.
        after.starts_with(|c: char| c == '>' || c.is_ascii_whitespace()).then_some(at)
    })?;
    let inside = open + lower.get(open..)?.find('>')? + 1;
    let length = lower.get(inside..)?.find("</").unwrap_or_else(|| lower.len() - inside);
    let text = page.get(inside..inside + length)?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn message(text: &str) -> String {
    let cut: String = text.chars().take(MESSAGE_LIMIT).collect();
    scrub(cut.trim())
}

/// A short text on one line, scrubbed and cut.
pub(super) fn tidy(text: &str, limit: usize) -> String {
    one_line(&scrub(&text.chars().take(limit * 4).collect::<String>()), limit)
}

/// Puts a text on one line: runs of white space and control characters become a space each.
pub(super) fn one_line(text: &str, limit: usize) -> String {
    let mut line = String::new();
    for (n, word) in text
        .split(|c: char| c.is_whitespace() || c.is_control() || is_invisible(c))
        .filter(|w| !w.is_empty())
        .enumerate()
    {
        if n > 0 {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.chars().count() > limit {
        line = line.chars().take(limit).chain("...".chars()).collect();
    }
    line
}
