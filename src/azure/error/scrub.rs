//! Taking secrets out of foreign text.

/// What a secret is replaced by.
const HIDDEN: &str = "***";

/// Names whose values are secret wherever they stand, in queries, forms, headers and JSON.
const SECRET_NAMES: [&str; 16] = [
    "sig",
    "signature",
    "client_secret",
    "clientsecret",
    "client_assertion",
    "assertion",
    "access_token",
    "accesstoken",
    "refresh_token",
    "refreshtoken",
    "id_token",
    "password",
    "passwd",
    "pwd",
    "accountkey",
    "secret",
];

/// Query parameters that sign ARM's polling URLs; too short to be secret anywhere but in a query.
const QUERY_SIGNATURES: [&str; 4] = ["t", "c", "s", "h"];

/// Words that follow "Bearer" in texts about tokens rather than in tokens.
const BEARER_WORDS: [&str; 12] = [
    "or",
    "and",
    "token",
    "tokens",
    "token.",
    "authorization",
    "realm",
    "scheme",
    "challenge",
    "error",
    "auth",
    "resource",
];

/// Replaces signatures, bearer tokens, JWTs and client secrets by `***`. Scrubbing twice changes nothing more.
///
/// ```
/// use cmk::azure::error::scrub;
///
/// assert_eq!(scrub("GET https://x/op?api-version=1&t=63&c=MII&s=abc&h=def"), "GET https://x/op?api-version=1&t=***&c=***&s=***&h=***");
/// assert_eq!(scrub("Authorization: Bearer abc.def"), "Authorization: Bearer ***");
/// ```
pub fn scrub(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while !rest.is_empty() {
        // Words only begin where no word goes on, so `design=` is no `sig=`.
        let word_begins = !before.is_some_and(is_word) || before_is_escape(&out);
        if word_begins && let Some((kept, after)) = secret_at(rest, before, &out) {
            out.push_str(kept);
            out.push_str(HIDDEN);
            rest = after;
            before = Some('*');
            continue;
        }
        let mut chars = rest.chars();
        if let Some(c) = chars.next() {
            out.push(c);
            before = Some(c);
        }
        rest = chars.as_str();
    }
    out
}

/// At the start of a word: what to keep of it, and what goes on after the secret.
fn secret_at<'t>(rest: &'t str, before: Option<char>, out: &str) -> Option<(&'t str, &'t str)> {
    if rest.starts_with("eyJ") {
        let end = rest.find(|c: char| !is_base64url(c) && c != '.').unwrap_or(rest.len());
        let (jwt, after) = rest.split_at_checked(end)?;
        // A JWT, or the cut beginning of one.
        return (jwt.contains('.') || jwt.len() >= 20).then_some(("", after));
    }
    let word_end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
    let (word, tail) = rest.split_at_checked(word_end)?;
    if word.is_empty() {
        return None;
    }
    if word.eq_ignore_ascii_case("bearer") {
        let gap = tail.len() - tail.trim_start_matches([' ', '\t', '+', '"', ':']).len();
        let gap = if gap == 0 && tail.starts_with("%20") { 3 } else { gap };
        let (kept, after) = tail.split_at_checked(gap)?;
        let end = after.find(|c: char| !is_base64url(c) && !".~+/=%".contains(c)).unwrap_or(after.len());
        let (token, after) = after.split_at_checked(end)?;
        let plain = token.trim_end_matches(['=', '.']).to_ascii_lowercase();
        if kept.is_empty() || plain.is_empty() || BEARER_WORDS.contains(&plain.as_str()) {
            return None;
        }
        return Some((rest.get(..word.len() + kept.len())?, after));
    }
    let lower = word.to_ascii_lowercase();
    let in_query =
        matches!(before, Some('?' | '&')) || (before == Some(';') && out.ends_with("&amp;")) || before_is_escape(out);
    let secret = SECRET_NAMES.contains(&lower.as_str()) || (in_query && QUERY_SIGNATURES.contains(&lower.as_str()));
    if !secret {
        return None;
    }
    let (mark, quoted) = assignment(tail)?;
    let value = tail.get(mark..)?;
    let end = match quoted {
        Some(quote) => value.find(quote).unwrap_or(value.len()),
        None => value.find(|c: char| c.is_whitespace() || "&\"'<>;,)]}\\|`".contains(c)).unwrap_or(value.len()),
    };
    let end = value.get(..end).and_then(|v| v.to_ascii_lowercase().find("%26")).unwrap_or(end);
    if end == 0 {
        return None;
    }
    Some((rest.get(..word.len() + mark)?, value.get(end..)?))
}

/// The length of `=`, `:`, `": "` and the like after a name, and the quote that the value stands in.
fn assignment(tail: &str) -> Option<(usize, Option<&'static str>)> {
    let after_name = tail.trim_start_matches(['\\', '"', '\'', ' ']);
    let after_sign = after_name
        .strip_prefix(['=', ':'])
        .or_else(|| after_name.strip_prefix("%3D"))
        .or_else(|| after_name.strip_prefix("%3d"))?;
    let value = after_sign.trim_start_matches(' ');
    for (open, close) in [("\\\"", "\\\""), ("\"", "\""), ("'", "'")] {
        if let Some(inside) = value.strip_prefix(open) {
            return Some((tail.len() - inside.len(), Some(close)));
        }
    }
    Some((tail.len() - value.len(), None))
}

/// Whether the text so far ends in an escaped `?` or `&`, after which a parameter begins.
fn before_is_escape(out: &str) -> bool {
    out.len().checked_sub(3).and_then(|at| out.get(at..)).is_some_and(|end| ["%26", "%3F", "%3f"].contains(&end))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_base64url(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}
