//! Whose text it is: many registries and providers write the same words.

use super::{catalog::Gate, normalize::Plain};

/// Hosts of other registries, found even where a line was broken within them.
const OTHERS: &[&str] = &[
    "docker.io",
    "docker.com",
    "ghcr.io",
    "quay.io",
    "gcr.io",
    "pkg.dev",
    "amazonaws.com",
    "public.ecr.aws",
    "mcr.microsoft.com",
    "registry.k8s.io",
    "registry.gitlab.",
    "nvcr.io",
    "docker.elastic.co",
    "registry.redhat.io",
    "icr.io",
    "registry.hub.docker",
];

/// Hosts that are named beside any registry: documentation, sources, labels, and where layers lie.
const BESIDE: &[&str] = &[
    "aka.ms",
    "microsoft.com",
    "github.com",
    "terraform.io",
    "kubernetes.io",
    "k8s.io",
    "blob.core.windows.net",
    "json.org",
];

/// Namespaces whose resources a registry's key has to do with.
const PROVIDERS: &[&str] = &[
    "containerregistry",
    "keyvault",
    "managedidentity",
    "authorization",
    "resources",
    "network",
    "insights",
    "support",
];

impl Gate {
    /// Whether the text is one of ours, by what it names.
    pub(super) fn lets(self, text: &Plain) -> bool {
        match self {
            Self::Open => true,
            Self::NoOther => ours(text) || !theirs(text),
            Self::Named => {
                ours(text) && !(text.lower.contains("pullratelimit") || text.lower.contains("increase-rate-limit"))
            }
            Self::Arm => {
                let mut named = providers(&text.lower).peekable();
                named.peek().is_none() || named.any(|provider| PROVIDERS.contains(&provider))
            }
            Self::Key => text.lower.contains("/keys/") || !OTHER_OBJECTS.iter().any(|o| text.lower.contains(o)),
        }
    }
}

/// What vaults say of secrets and certificates.
const OTHER_OBJECTS: &[&str] = &[
    "/secrets/",
    "/certificates/",
    "nothavesecrets",
    "nothavecertificates",
    "thesecretcan",
    "thecertificatecan",
    "secretsget",
    "secretsset",
    "secretslist",
    "certificatesget",
];

/// Whether a registry of ours is named.
fn ours(text: &Plain) -> bool {
    let names = |s: &str| text.lower.contains(s);
    names(".azurecr.") || names("containerregistry/registries") || (names("aka.ms/acr/") && !other(text))
}

fn other(text: &Plain) -> bool {
    OTHERS.iter().any(|host| text.lower.contains(host))
}

/// Whether another registry, or some host that is none of Azure's pages, is named.
fn theirs(text: &Plain) -> bool {
    let end =
        |c: char| c.is_whitespace() || matches!(c, '\'' | '(' | ')' | '[' | ']' | ',' | ';' | '<' | '=' | '{' | '}');
    other(text) || text.spaced.split(end).any(foreign_host)
}

/// `https://host..`, `host/path` or `host:port/path`, and the host not one that is named beside any registry.
fn foreign_host(word: &str) -> bool {
    let (schemed, rest) = word.split_once("://").map_or((false, word), |(_, rest)| (true, rest));
    let Some(authority) = rest.split('/').next().filter(|a| schemed || a.len() < rest.len()) else { return false };
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let plain = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
    let port = port.is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    let domain = host
        .rsplit_once('.')
        .is_some_and(|(name, top)| !name.is_empty() && top.len() >= 2 && top.bytes().all(|b| b.is_ascii_alphabetic()));
    let beside = BESIDE.iter().any(|b| host == *b || host.ends_with(b)) || host.starts_with("microsoft.");
    plain && (schemed || domain || port) && !beside
}

/// The namespaces of Resource Manager that a text names.
fn providers(lower: &str) -> impl Iterator<Item = &str> {
    lower.match_indices("microsoft.").filter_map(|(at, found)| {
        // A host's `docs.microsoft.com` is none.
        let host = at.checked_sub(1).and_then(|before| lower.as_bytes().get(before)) == Some(&b'.');
        let rest = lower.get(at + found.len()..)?;
        let name = rest.split(|c: char| !c.is_ascii_alphanumeric()).next()?;
        let ends = rest.get(name.len()..).is_some_and(|tail| tail.starts_with(['/', '\'']));
        (!host && ends && name != "com").then_some(name)
    })
}
