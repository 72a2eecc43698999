//! Secrets that are known by value, and texts of others that may repeat them.

use crate::azure::error::scrub;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use std::{collections::HashSet, fmt, fmt::Write as _};

/// Secrets that are known by value: what a program or a service says is shown without them, however it writes them.
///
/// ```
/// use cmk::azure::Secrets;
///
/// let secrets = Secrets::new(["Pa55-of-contoso"]);
/// assert_eq!(secrets.scrub("no such secret: Pa55-of-contoso"), "no such secret: ***");
/// assert_eq!(secrets.scrub("no such secret: UGE1NS1vZi1jb250b3Nv"), "no such secret: ***");
/// assert!(!secrets.scrub("P a 5 5 - o f - c o n t o s o").contains("c o n"));
/// ```
#[derive(Clone, Default)]
pub struct Secrets(Vec<String>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}

/// What a secret is replaced by.
const HIDDEN: &str = "***";
/// What is said in place of a text that has a secret in it in some other way.
const WITHHELD: &str = "(what it says repeats a secret, and is not shown)";
/// How much of a text is looked at; the rest is dropped.
const LONGEST: usize = 4096;
/// What is shorter is a word rather than a secret, and replaced by nothing.
const SHORTEST: usize = 4;
/// So many letters and digits in a row of a secret, or all of a shorter one, are not found in a text by chance.
const TELLING: usize = 12;

impl Secrets {
    /// These. What is empty or hardly longer is none.
    pub fn new(secrets: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut all: Vec<String> = secrets.into_iter().map(Into::into).collect();
        all.retain(|secret| secret.trim().len() >= SHORTEST);
        // The longest first: another may be a part of it.
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self(all)
    }

    /// A text of somebody else, without these secrets and without what [`scrub`] knows for one.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        let text: String = text.chars().take(LONGEST).collect();
        let mut text =
            self.0.iter().flat_map(|secret| written(secret)).fold(text, |text, form| text.replace(&form, HIDDEN));
        text = scrub(&text);
        if self.is_in(&text) { WITHHELD.into() } else { text }
    }

    /// Whether a text has a part of a secret in it, whatever stands between its letters and whichever way it runs.
    fn is_in(&self, text: &str) -> bool {
        let plain = letters(text);
        let turned: String = plain.chars().rev().collect();
        let decoded = url::form_urlencoded::parse(text.as_bytes()).flat_map(|(k, v)| [k, v]).collect::<String>();
        let decoded = letters(&decoded);
        self.0.iter().flat_map(|secret| forms(secret)).map(|form| letters(&form)).any(|form| {
            let telling = form.len().min(TELLING);
            let parts: HashSet<&[u8]> = form.as_bytes().windows(telling.max(1)).collect();
            telling > SHORTEST
                && [&plain, &turned, &decoded]
                    .iter()
                    .any(|text| text.as_bytes().windows(telling).any(|part| parts.contains(part)))
        })
    }
}

/// A secret as programs and services write it.
fn written(secret: &str) -> Vec<String> {
    let json = serde_json::Value::from(secret).to_string();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut all = vec![secret.to_owned(), json.trim_matches('"').to_owned(), form.replace('+', "%20"), form];
    all.extend(forms(secret));
    // What an encoding makes of a short one could stand for anything.
    all.retain(|form| form.len() >= SHORTEST);
    all.sort_by_key(|form| std::cmp::Reverse(form.len()));
    all.dedup();
    all
}

/// A secret in the encodings that leave nothing of its letters: by itself, and within something longer.
fn forms(secret: &str) -> Vec<String> {
    let hex = |digit: fn(u8) -> String| secret.bytes().map(digit).collect::<String>();
    let mut all = vec![secret.to_owned(), hex(|b| format!("{b:02x}")), hex(|b| format!("{b:02X}")), utf16(secret)];
    for before in 0..3_usize {
        let bytes: Vec<u8> = std::iter::repeat_n(0, before).chain(secret.bytes()).collect();
        // Without the digits in which there is something of what stands before or after.
        let (skip, whole) = ([0, 2, 3].get(before).copied().unwrap_or_default(), bytes.len() / 3 * 4);
        for encoded in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            all.extend(encoded.get(skip..whole).map(str::to_owned));
            all.extend((before == 0).then_some(encoded));
        }
    }
    all
}

/// As JSON may write any text: `\u0041`.
fn utf16(secret: &str) -> String {
    secret.encode_utf16().fold(String::new(), |mut text, unit| {
        let _ = write!(text, "\\u{unit:04x}");
        text
    })
}

/// The letters and digits of a text, in small letters.
fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    const SECRET: &str = "c4n4ry~S3cret/of+contoso=4711";

    fn shown(text: &str) -> String {
        Secrets::new([SECRET]).scrub(text)
    }

    #[test]
    fn a_secret_is_hidden_and_what_stands_beside_it_is_not() {
        let form: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        for written in [SECRET, &STANDARD.encode(SECRET), &form] {
            let said = shown(&format!("before {written} after"));
            assert!(said.starts_with("before ***") && said.ends_with(" after"), "{said}");
        }
        assert_eq!(shown(&form.to_lowercase()), WITHHELD);
        assert_eq!(shown("Invalid client secret provided."), "Invalid client secret provided.");
        assert_eq!(Secrets::new(["", "abc"]).scrub("abc"), "abc", "a word is no secret");
        assert_eq!(Secrets::new(["s3cr3t"]).scrub("the s3cr3t"), "the ***");
    }

    #[test]
    fn no_encoding_shows_it() {
        let within = format!(r#"{{"ServerURL":"x","Secret":"{SECRET}"}}"#);
        let hex = |sep: &str| SECRET.bytes().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(sep);
        let wrapped =
            |text: &str| text.as_bytes().chunks(20).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n");
        let texts = [
            STANDARD.encode(&within),
            STANDARD.encode(format!("u:{SECRET}")),
            STANDARD.encode(format!("us:{SECRET}")),
            URL_SAFE_NO_PAD.encode(format!("usr:{SECRET}:x")),
            wrapped(&STANDARD.encode(&within)),
            hex(""),
            hex(" "),
            hex("").to_uppercase(),
            format!("%{}", hex("%")),
            utf16(SECRET),
            SECRET.to_uppercase(),
            SECRET.chars().rev().collect(),
            SECRET.chars().flat_map(|c| [c, ' ']).collect(),
            SECRET.get(..20).unwrap_or_default().to_owned(),
            SECRET.get(8..).unwrap_or_default().to_owned(),
        ];
        let telling =
            [SECRET, &STANDARD.encode(SECRET), &hex("")].map(|form| letters(form).get(4..12).map(str::to_owned));
        for text in texts {
            let said = shown(&format!("error: {text}"));
            assert!(said.contains(HIDDEN) || said == WITHHELD, "{text}: {said}");
            for part in telling.iter().flatten() {
                assert!(!letters(&said).contains(part), "{text}: {said}");
            }
        }
    }

    #[test]
    fn nothing_of_it_is_in_its_own_debug() {
        assert_eq!(format!("{:?}", Secrets::new([SECRET])), "1 secrets");
    }
}
