//! What an error text says, whoever showed it: the service, docker, a kubelet, Terraform, az, or a person's clipboard.

use crate::azure::id::KeyId;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// A recognised text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Symptom {
    /// What it is.
    pub kind: SymptomKind,
    /// The GUID it blames: a client id, or the principal of a system-assigned identity.
    pub guid: Option<Uuid>,
    /// The registry it names: an id, or a name.
    pub registry: Option<String>,
    /// The key it names.
    pub key: Option<KeyId>,
}

/// The texts that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SymptomKind {
    /// The registry does not have access to its identity (R-ERR-03).
    IdentityLost,
    /// The identity is inactive (R-ERR-04).
    IdentityInactive,
    /// Data cannot be read: access to the key is forbidden (R-ERR-02).
    KeyForbidden,
    /// The key was refused when it was written (R-ERR-01).
    KeyAccessRefused,
    /// az's check says that the identity does not exist (R-ERR-05).
    IdentityMissing,
    /// Encryption was written without its key (R-ERR-06).
    EncryptionIncomplete,
}

/// The literal stretches of each text; what stands between them varies. Texts are cut and wrapped anywhere, so a piece of
/// any stretch will do.
const TEXTS: [(SymptomKind, &[&str]); 6] = [
    (
        SymptomKind::IdentityLost,
        &["does not have access to identity '", "Try forcibly adding the identity to the registry"],
    ),
    (
        SymptomKind::IdentityInactive,
        &[
            "The identity associated with the registry is inactive.",
            "This could be due to attempted removal of the identity.",
            "Reassign the identity manually",
        ],
    ),
    (SymptomKind::KeyForbidden, &["Access to Key Encryption Key is forbidden."]),
    (
        SymptomKind::KeyAccessRefused,
        &["Failed to access KeyId 'https://", "has 'Get, Wrap Key, Unwrap Key' permission on key"],
    ),
    (SymptomKind::IdentityMissing, &["The identity used for registry '", "encryption doesn't exist."]),
    (
        SymptomKind::EncryptionIncomplete,
        &[
            "Invalid encryption key vault property specified for registry",
            "Property Identity and KeyIdentifier must be set when encryption is enabled.",
        ],
    ),
];

/// This much of a stretch is enough: no two texts share as much.
const PIECE: usize = 18;

impl SymptomKind {
    /// The workflow that mends it, as a command; `None` where that depends on the cause.
    #[must_use]
    pub fn mended_by(self) -> &'static str {
        match self {
            Self::IdentityLost | Self::IdentityInactive | Self::IdentityMissing => "cmk reassign",
            Self::KeyForbidden => "cmk recover",
            Self::KeyAccessRefused => "cmk bypass",
            Self::EncryptionIncomplete => "cmk repair",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::IdentityLost => {
                "the registry has lost hold of the identity that unwraps its key. Never take that identity off; assign it again, and \
                 rotate to another if you want it gone: `cmk reassign REGISTRY` (R-CMK-22). A system-assigned one only a support \
                 ticket brings back (R-CMK-23)"
            }
            Self::IdentityInactive => {
                "the identity was not renewed, most likely because somebody tried to take it off: `cmk reassign REGISTRY` assigns it \
                 again (R-CMK-21)"
            }
            Self::IdentityMissing => {
                "az's check knows only whether the identity exists: `cmk reassign REGISTRY` finds it, or says that it is gone (R-CMK-26)"
            }
            Self::KeyForbidden => {
                "the registry may not use its key. If key or vault was deleted: `cmk recover REGISTRY`; if a right or a version was \
                 taken away: `cmk restore`; if the vault's firewall was closed: `cmk bypass REGISTRY`; then `cmk repair REGISTRY` \
                 (R-CMK-27, R-CMK-28, R-CMK-40)"
            }
            Self::KeyAccessRefused => {
                "the text blames permissions whatever the cause is (R-ERR-01). See, in this order: is the identity attached to the \
                 registry (`cmk reassign`); does it hold the role or policy in the vault's own permission model; is the grant older \
                 than 15 minutes; does the vault's firewall let trusted services through (`cmk bypass`); is the key there, enabled \
                 and within its dates (`cmk recover`, `cmk restore`)"
            }
            Self::EncryptionIncomplete => {
                "somebody wrote the registry back without its key settings, as Azure Policy's modify does (R-CMK-30). Change single \
                 properties by PATCH; `cmk repair REGISTRY` shows that the key is as it was"
            }
        }
    }
}

impl fmt::Display for SymptomKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IdentityLost => "the registry does not have access to its identity",
            Self::IdentityInactive => "the registry's identity is inactive",
            Self::KeyForbidden => "access to the registry's key is forbidden",
            Self::KeyAccessRefused => "the registry was refused its key",
            Self::IdentityMissing => "the identity used for encryption does not exist",
            Self::EncryptionIncomplete => "the encryption was written without its key",
        })
    }
}

impl Symptom {
    /// Reads a text: as the service gives it, with any ids, wrapped, quoted, escaped as JSON once or twice, with something
    /// before or behind it, or cut. `None` if it is none of these.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let plain = plain(text);
        let kind =
            TEXTS.iter().find(|(_, stretches)| stretches.iter().any(|s| holds(&plain, s))).map(|(kind, _)| *kind)?;
        Some(Self { kind, guid: guid(&plain), registry: registry(&plain), key: key(&plain) })
    }
}

/// The text without escapes, blanks and the frames that terminals draw, in lower case: where it was wrapped no longer shows.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        // However often it was escaped.
        while rest.peek() == Some(&'\\') {
            rest.next();
        }
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
            Some('n' | 'r' | 't') | None => {}
            Some(other) => out.push(other),
        }
    }
    let quotes = |c: char| if matches!(c, '\u{2018}' | '\u{2019}' | '`' | '"') { '\'' } else { c };
    let frames = |c: &char| !c.is_whitespace() && !matches!(c, '│' | '╷' | '╵' | '|' | '┃');
    out.chars().filter(frames).map(quotes).flat_map(char::to_lowercase).collect()
}

fn holds(text: &str, stretch: &str) -> bool {
    let stretch: Vec<char> = plain(stretch).chars().collect();
    if stretch.len() <= PIECE {
        return text.contains(&stretch.iter().collect::<String>());
    }
    stretch.windows(PIECE).any(|piece| text.contains(&piece.iter().collect::<String>()))
}

/// The GUID that is blamed: behind the word for identity, and no part of an id.
fn guid(plain: &str) -> Option<Uuid> {
    let mut rest = plain;
    while let Some(at) = rest.find("identity'") {
        rest = rest.get(at + "identity'".len()..)?;
        if let Some(guid) = rest.get(..36).and_then(|g| g.parse().ok()) {
            return Some(guid);
        }
    }
    None
}

fn registry(plain: &str) -> Option<String> {
    let name = |text: &str| {
        let name: String = text.chars().take_while(char::is_ascii_alphanumeric).collect();
        (name.len() >= 5).then_some(name)
    };
    if let Some((head, tail)) = plain.split_once("/registries/") {
        let name = name(tail)?;
        return Some(match head.rfind("/subscriptions/").and_then(|at| head.get(at..)) {
            Some(id) => format!("{id}/registries/{name}"),
            None => name,
        });
    }
    let (_, tail) = plain.split_once("registry'").or_else(|| plain.split_once("totheregistry"))?;
    name(tail.trim_start_matches('\''))
}

fn key(plain: &str) -> Option<KeyId> {
    let (_, tail) = plain.split_once("keyid'")?;
    tail.split('\'').next()?.parse().ok()
}
