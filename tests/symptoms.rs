//! Error texts are recognised however they were copied, and say which workflow mends them.

use cmk::{
    Symptom,
    symptom::SymptomKind::{
        self, EncryptionIncomplete, IdentityInactive, IdentityLost, IdentityMissing, KeyAccessRefused, KeyForbidden,
    },
};
use proptest::prelude::*;

const GUID: &str = "01234567-89ab-4cde-8f01-23456789abcd";

fn lost(subscription: &str, group: &str, registry: &str, guid: &str) -> String {
    format!(
        "Azure resource '/subscriptions/{subscription}/resourcegroups/{group}/providers/Microsoft.ContainerRegistry/registries/\
         {registry}' does not have access to identity '{guid}' Try forcibly adding the identity to the registry {registry}. For \
         more information on bring your own key, please visit 'https://aka.ms/acr/cmk'."
    )
}

/// Every text, with ids of its own.
fn texts() -> Vec<(SymptomKind, String)> {
    let key = "https://kv-contoso1.vault.azure.net/keys/acr-cmk/0123456789abcdef0123456789abcdef";
    let more = "For more information on bring your own key, please visit 'https://aka.ms/acr/cmk'.";
    vec![
        (IdentityLost, lost("00000000-0000-0000-0000-000000000001", "shop", "contoso1", GUID)),
        (
            IdentityInactive,
            "The identity associated with the registry is inactive. This could be due to attempted removal of the identity. \
             Reassign the identity manually"
                .into(),
        ),
        (
            KeyForbidden,
            "Access to Key Encryption Key is forbidden. View troubleshooting steps at https://aka.ms/acr/cmk".into(),
        ),
        (
            KeyAccessRefused,
            format!(
                "Failed to access KeyId '{key}'. Verify that identity '{GUID}' has 'Get, Wrap Key, Unwrap Key' permission on key \
                 '{key}'. {more}"
            ),
        ),
        (IdentityMissing, "The identity used for registry 'contoso1' encryption doesn't exist.".into()),
        (
            EncryptionIncomplete,
            format!(
                "Invalid encryption key vault property specified for registry contoso1. Property Identity and KeyIdentifier must be \
                 set when encryption is enabled. {more}"
            ),
        ),
    ]
}

fn kind(text: &str) -> Option<SymptomKind> {
    Symptom::read(text).map(|s| s.kind)
}

/// Broken at a width, as terminals and chat windows do, with a frame or an indent before each line.
fn wrapped(text: &str, width: usize, before: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    chars
        .chunks(width)
        .map(|line| format!("{before}{}", line.iter().collect::<String>()))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn each_text_is_recognised_as_it_is() {
    for (is, text) in texts() {
        assert_eq!(kind(&text), Some(is), "{text}");
    }
}

#[test]
fn and_wrapped_at_any_width() {
    for (is, text) in texts() {
        for width in 8..160 {
            for before in ["", "    ", "│ ", "> "] {
                // A quotation mark stands in the middle of words then, as a mail program puts it: too far gone.
                if before == "> " && width < 60 {
                    continue;
                }
                assert_eq!(kind(&wrapped(&text, width, before)), Some(is), "at {width} behind {before:?}: {text}");
            }
        }
    }
}

#[test]
fn and_escaped_prefixed_or_quoted() {
    for (is, text) in texts() {
        let json = serde_json::json!({ "error": { "code": "Denied", "message": text } }).to_string();
        let twice = serde_json::json!({ "message": json }).to_string();
        let thrice = serde_json::to_string(&twice).expect("json");
        let unicode = text.replace('\'', "\\u0027");
        let docker = format!("Error response from daemon: denied: {text}");
        let az = format!("(BadRequest) {text}\nCode: BadRequest\nMessage: {text}");
        let kubelet = format!(
            "Failed to pull image \"contoso1/a:1\": rpc error: code = Unknown desc = failed to pull and unpack image: failed to \
             authorize: 403 Forbidden: {json}"
        );
        let terraform =
            format!("╷\n│ Error: creating Container Registry: unexpected status 400:\n{}\n╵", wrapped(&text, 70, "│ "));
        let upper = text.to_uppercase();
        let curly = text.replace('\'', "\u{2019}");
        for way in [json, twice, thrice, unicode, docker, az, kubelet, terraform, upper, curly] {
            assert_eq!(kind(&way), Some(is), "{way}");
        }
    }
}

#[test]
fn and_cut_at_either_end() {
    for (is, text) in texts() {
        let chars: Vec<char> = text.chars().collect();
        // The half in front or behind holds a stretch of each; what tells nothing any more is not guessed at.
        let front: String = chars.iter().take(chars.len() * 3 / 4).collect();
        assert_eq!(kind(&front), Some(is), "{front}");
        let cut = format!("{}...", chars.iter().take(chars.len() * 3 / 4).collect::<String>());
        assert_eq!(kind(&cut), Some(is), "{cut}");
        let behind: String = chars.iter().skip(chars.len() / 8).collect();
        assert_eq!(kind(&behind), Some(is), "{behind}");
    }
    assert_eq!(kind("...Try forcibly adding the identity"), Some(IdentityLost));
    assert_eq!(kind("403: This could be due to attempted remo"), Some(IdentityInactive));
}

#[test]
fn what_a_text_names_is_read() {
    let of = |text: &str| Symptom::read(text).expect("a symptom");
    let seen = of(&lost("00000000-0000-0000-0000-000000000001", "shop", "contoso1", GUID));
    assert_eq!(seen.guid, Some(GUID.parse().expect("a guid")));
    let id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourcegroups/shop/providers/microsoft.containerregistry/\
        registries/contoso1";
    assert_eq!(seen.registry.as_deref(), Some(id));
    // As the article prints it: no GUID, and a name of its own.
    let seen = of(&lost("xxxx", "myGroup", "myRegistry", "xxxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxx"));
    assert_eq!((seen.kind, seen.guid), (IdentityLost, None));
    let (_, refused) = texts().remove(3);
    let seen = of(&refused);
    assert_eq!(seen.key.expect("a key").name().as_str(), "acr-cmk");
    assert_eq!(seen.guid, Some(GUID.parse().expect("a guid")));
    let (_, missing) = texts().remove(4);
    assert_eq!(of(&missing).registry.as_deref(), Some("contoso1"));
}

#[test]
fn each_says_which_workflow_mends_it() {
    for (is, _) in texts() {
        let command = is.mended_by();
        assert!(is.advice().contains(command), "{is:?}: {}", is.advice());
    }
}

#[test]
fn other_texts_are_none_of_them() {
    for other in [
        "",
        "   ",
        "unauthorized: authentication required",
        "denied: client with IP '203.0.113.7' is not allowed access.",
        "The identity",
        "registry",
        "does not have access",
        "For more information on bring your own key, please visit 'https://aka.ms/acr/cmk'.",
        "Failed to access the storage account",
        "dial tcp: lookup contoso1: no such host",
    ] {
        assert_eq!(Symptom::read(other), None, "{other:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_harm(text in ".{0,300}") {
        let _ = Symptom::read(&text);
    }
    #[test]
    fn other_ids_do_not_matter(sub in "[0-9a-f]{8}", group in "[a-zA-Z0-9._-]{1,40}", name in "[a-zA-Z0-9]{5,50}", guid: u128) {
        let guid = uuid::Uuid::from_u128(guid);
        let seen = Symptom::read(&lost(&sub, &group, &name, &guid.to_string())).expect("a symptom");
        prop_assert_eq!(seen.kind, IdentityLost);
        prop_assert_eq!(seen.guid, Some(guid));
        let named = seen.registry.expect("a registry");
        prop_assert!(named.ends_with(&name.to_lowercase()), "{}", named);
    }
}
