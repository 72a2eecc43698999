//! What is for no log: tokens, secrets and private keys are blotted out of what went over the wire.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::Value;

const BLOT: &str = "REDACTED";

const SECRETS: [&str; 11] = [
    "access_token",
    "refresh_token",
    "id_token",
    "accesstoken",
    "refreshtoken",
    "client_secret",
    "client_assertion",
    "assertion",
    "password",
    "pwd",
    "secret",
];

/// The private members of a JSON Web Key (RFC 7518, 6), and the blob that carries one to an HSM.
const OF_KEYS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "key_hsm"];

/// Whose `value` is secret, or holds a private key, whatever form it has.
const VALUABLES: [&str; 2] = ["secrets", "certificates"];

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|n| name.eq_ignore_ascii_case(n))
}

/// A body as it may be shown: JSON, or the text of what is no JSON; null if it is empty.
pub(crate) fn body(path: &str, bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    if let Ok(mut json) = serde_json::from_slice(bytes) {
        let valuable = path.split('/').any(|part| is_one_of(part, &VALUABLES));
        value(&mut json, Within { key: false, valuable });
        return json;
    }
    if is_private_der(bytes) {
        return Value::from(BLOT);
    }
    let said = String::from_utf8_lossy(bytes);
    if names(&said, &SECRETS) || is_private(&said) {
        return Value::from(BLOT);
    }
    if !said.starts_with(['<', '{', '[']) && said.contains('=') {
        return Value::from(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs(bytes)).finish());
    }
    Value::from(text(&said).unwrap_or_else(|| said.into_owned()))
}

/// A query or a form, without what is secret in it.
pub(crate) fn pairs(form: &[u8]) -> impl Iterator<Item = (String, String)> {
    url::form_urlencoded::parse(form).map(|(name, value)| {
        let value = match is_one_of(&name, &SECRETS) {
            true => BLOT.to_owned(),
            false => text(&value).unwrap_or_else(|| value.into_owned()),
        };
        (name.into_owned(), value)
    })
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Within {
    /// Somewhere below a JSON Web Key.
    key: bool,
    /// In the body of a secret or a certificate.
    valuable: bool,
}

fn value(json: &mut Value, within: Within) {
    match json {
        Value::Object(members) => {
            let key = within.key || members.keys().any(|name| name.eq_ignore_ascii_case("kty"));
            for (name, member) in members {
                let secret = member.is_string()
                    && (is_one_of(name, &SECRETS) || (within.valuable && name.eq_ignore_ascii_case("value")));
                if secret || (key && is_one_of(name, &OF_KEYS) && !member.is_null()) {
                    *member = Value::from(BLOT);
                } else if name.eq_ignore_ascii_case("passwords") {
                    // As credentials of registries and their tokens are listed.
                    for item in member.as_array_mut().into_iter().flatten() {
                        if let Some(value) = item.get_mut("value") {
                            *value = Value::from(BLOT);
                        }
                    }
                } else {
                    value(member, Within { key: key || name.eq_ignore_ascii_case("key"), ..within });
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| value(item, within)),
        Value::String(said) => {
            if let Some(shown) = text(said) {
                *said = shown;
            }
        }
        _ => {}
    }
}

/// What is shown of a text instead, if it has to be hidden in part or as a whole.
fn text(said: &str) -> Option<String> {
    if said.starts_with(['{', '[']) {
        if let Ok(mut json) = serde_json::from_str::<Value>(said) {
            let before = json.clone();
            value(&mut json, Within { key: false, valuable: false });
            return (json != before).then(|| json.to_string());
        }
        if names(said, &SECRETS) || names(said, &OF_KEYS) {
            return Some(BLOT.to_owned());
        }
    }
    is_private(said).then(|| BLOT.to_owned())
}

/// Whether a text that is no JSON has a member of such a name. Of what was cut off it is better to lose the text than to
/// show half a token.
fn names(said: &str, names: &[&str]) -> bool {
    let lower = said.to_ascii_lowercase();
    lower.contains('"') && names.iter().any(|name| lower.contains(&format!("\"{name}\"")))
}

fn is_private(said: &str) -> bool {
    let pem = || said.contains("-----") && said.to_ascii_lowercase().contains("private key");
    pem() || is_private_base64(said)
}

/// DER in base64, as PFX files and keys are handed over.
fn is_private_base64(said: &str) -> bool {
    // What the first byte of DER comes to.
    if !said.trim_start().starts_with('M') {
        return false;
    }
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let head: String = said
        .chars()
        .filter(|c| !c.is_whitespace())
        .take(16)
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            c => c,
        })
        .collect();
    GeneralPurpose::new(&alphabet::STANDARD, config).decode(head).is_ok_and(|bytes| is_private_der(&bytes))
}

/// A sequence that begins with a version, as PKCS #1, #8 and #12 files and those of elliptic curves do, and certificates
/// and public keys do not.
fn is_private_der(bytes: &[u8]) -> bool {
    let [0x30, length, rest @ ..] = bytes else { return false };
    let longer = if *length > 0x80 { usize::from(length & 0x7f) } else { 0 };
    matches!(rest.get(longer..), Some([0x02, 0x01, 0 | 1 | 3, 0x02 | 0x04 | 0x30, ..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use serde_json::json;

    fn shown(body: &Value) -> Value {
        super::body("/keys/acr", body.to_string().as_bytes())
    }

    #[test]
    fn private_members_of_keys_are_hidden_in_any_casing_and_public_ones_shown() {
        let members = ["d", "p", "q", "dp", "dq", "qi", "k", "key_hsm", "D", "Dp", "QI", "K", "Key_HSM"];
        for name in members {
            for key in ["key", "Key", "KEY"] {
                let found = shown(&json!({ key: { name: "private-part", "n": "modulus" } }));
                assert_eq!(found, json!({ key: { name: BLOT, "n": "modulus" } }), "{key} {name}");
            }
            for kty in ["kty", "KTY"] {
                let found = shown(&json!([{ kty: "RSA", name: "private-part", "e": "AQAB" }]));
                assert_eq!(found, json!([{ kty: "RSA", name: BLOT, "e": "AQAB" }]), "{name}");
            }
        }
        let found = shown(&json!({ "key": { "oth": [{ "r": "1" }], "parts": { "d": ["x"], "q": 7 }, "k": null } }));
        assert_eq!(found, json!({ "key": { "oth": BLOT, "parts": { "d": BLOT, "q": BLOT }, "k": null } }));
        // Elsewhere they are names like any other.
        let tags = json!({ "tags": { "d": "1", "k": "2" }, "keys": { "q": "3" } });
        assert_eq!(shown(&tags), tags);
    }

    #[test]
    fn a_key_within_a_text_is_a_key() {
        let inner = json!({ "key": { "kty": "oct", "k": "private-part" } }).to_string();
        for said in [json!({ "blob": inner }).to_string(), json!([[inner]]).to_string(), format!("a={inner}")] {
            let found = super::body("/", said.as_bytes()).to_string();
            assert!(found.contains(BLOT) && !found.contains("private-part"), "{said}: {found}");
        }
        // Cut off, it is hidden as a whole.
        for end in 1..inner.len() - 2 {
            let found = super::body("/", &inner.as_bytes()[..inner.len() - end]).to_string();
            assert!(!found.contains("private"), "{found}");
        }
    }

    #[test]
    fn pem_and_der_are_hidden_wherever_they_stand() {
        let der: [&[u8]; 6] = [
            // PKCS #12 of two lengths, PKCS #8, PKCS #1, and an elliptic curve's.
            &[0x30, 0x82, 0x09, 0x51, 0x02, 0x01, 0x03, 0x30, 0x82, 0x09, 0x17, 0x06],
            &[0x30, 0x80, 0x02, 0x01, 0x03, 0x30, 0x80, 0x06, 0x09, 0x2a, 0x86, 0x48],
            &[0x30, 0x82, 0x04, 0xbe, 0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a],
            &[0x30, 0x82, 0x04, 0xa4, 0x02, 0x01, 0x00, 0x02, 0x82, 0x01, 0x01, 0x00],
            &[0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20, 0xff, 0xfb, 0xff, 0xfb, 0xff],
            &[0x30, 0x83, 0x01, 0x00, 0x00, 0x02, 0x01, 0x03, 0x30, 0x82, 0x09, 0x17],
        ];
        let mut secrets: Vec<String> = der.iter().map(|bytes| STANDARD.encode(bytes)).collect();
        secrets.extend(der.iter().map(|bytes| URL_SAFE_NO_PAD.encode(bytes)));
        secrets.extend(secrets.iter().map(|text| format!(" {}\n{}", &text[..5], &text[5..])).collect::<Vec<_>>());
        for kind in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "private key"] {
            secrets.push(format!("Bag Attributes\n-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n"));
        }
        for secret in &secrets {
            assert_eq!(shown(&json!({ "x": [secret] })), json!({ "x": [BLOT] }), "{secret}");
            let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("x", secret).finish();
            assert_eq!(super::body("/", form.as_bytes()), json!(format!("x={BLOT}")), "{secret}");
            assert_eq!(super::body("/", secret.as_bytes()), json!(BLOT), "{secret}");
            assert_eq!(pairs(form.as_bytes()).next(), Some(("x".to_owned(), BLOT.to_owned())), "{secret}");
        }
        for bytes in der {
            assert_eq!(super::body("/", bytes), json!(BLOT));
        }
        // A certificate, and a public key.
        let public =
            ["MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBa", "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA", "M"];
        for text in public {
            assert_eq!(shown(&json!(text)), json!(text));
        }
    }

    #[test]
    fn the_value_of_a_secret_or_a_certificate_is_hidden_and_a_list_of_them_is_not() {
        let given = json!({ "value": "hunter2", "pwd": "p", "tags": { "a": "b" } });
        for path in ["/secrets/s", "/certificates/c/import", "/x/vaults/kv/Secrets/s"] {
            let found = super::body(path, given.to_string().as_bytes());
            assert_eq!(found, json!({ "value": BLOT, "pwd": BLOT, "tags": { "a": "b" } }), "{path}");
        }
        let list = json!({ "value": [{ "id": "s" }] });
        assert_eq!(super::body("/secrets", list.to_string().as_bytes()), list);
        assert_eq!(shown(&json!({ "value": "ciphertext" })), json!({ "value": "ciphertext" }));
    }
}
