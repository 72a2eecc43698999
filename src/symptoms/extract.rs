//! What a text names: ids, hosts, addresses.

use super::{Symptom, SymptomKind, normalize::Plain};
use crate::azure::id::KeyId;
use std::net::{IpAddr, Ipv4Addr};
use uuid::Uuid;

/// The hosts of registries, by cloud.
const HOSTS: [&str; 3] = [".azurecr.io", ".azurecr.cn", ".azurecr.us"];

pub(super) fn symptom(kind: SymptomKind, text: &Plain) -> Symptom {
    let key = key(text);
    let vault = vault(text).or_else(|| key.as_ref().map(|k| host_label(k.host().as_str())));
    Symptom {
        kind,
        guid: guid(&text.lower),
        registry: registry(text),
        key,
        client_ip: client_ip(text),
        repository: repository(&text.lower),
        vault,
        scope: scope(text),
        action: action(text),
        request_id: id_behind(&text.lower, &["x-ms-request-id", "requestid", "request_id", "traceid", "trace_id"]),
        correlation_id: id_behind(&text.lower, &["correlationid", "correlation_id", "correlation-request-id"]),
    }
}

fn host_label(host: &str) -> String {
    host.split('.').next().unwrap_or(host).to_owned()
}

/// What stands between a mark and the first of some closing characters.
fn behind<'a>(text: &'a str, mark: &str, close: &[char]) -> Option<&'a str> {
    let (_, tail) = text.split_once(mark)?;
    tail.split_once(close).map(|(inner, _)| inner).filter(|inner| !inner.is_empty())
}

/// The same, with the letters as they were written.
fn quoted(text: &Plain, at: usize) -> Option<String> {
    let tail = text.packed.get(at..)?;
    tail.split_once('\'').map(|(inner, _)| inner.to_owned()).filter(|inner| !inner.is_empty())
}

fn quoted_behind(text: &Plain, marks: &[&str]) -> Option<String> {
    marks.iter().find_map(|mark| quoted(text, text.lower.rfind(mark)? + mark.len()))
}

/// The GUID that is blamed: behind the word for identity or caller, and no part of an id.
fn guid(lower: &str) -> Option<Uuid> {
    ["identity'", "objectid'", "oid=", "identifier'", "principal'", "principal", "app'"].iter().find_map(|mark| {
        lower.match_indices(mark).find_map(|(at, mark)| {
            let tail = lower.get(at + mark.len()..)?;
            // Principals are also written without hyphens (R-ERR-33).
            [36, 32].into_iter().find_map(|length| tail.get(..length)?.parse().ok())
        })
    })
}

fn registry(text: &Plain) -> Option<String> {
    let plain = text.lower.as_str();
    let name = |text: &str| {
        let name: String = text.chars().take_while(char::is_ascii_alphanumeric).collect();
        (name.len() >= 5).then_some(name)
    };
    // Actions have the provider's name before them too, and no `providers`.
    const PROVIDER: &str = "/providers/microsoft.containerregistry";
    let mut ids = plain.match_indices("/registries/").filter_map(|(at, mark)| {
        let (head, tail) = (plain.get(..at)?, plain.get(at + mark.len()..)?);
        if !head.ends_with(PROVIDER) && !PROVIDER.ends_with(head) {
            return None;
        }
        let name = name(tail)?;
        Some(match head.rfind("/subscriptions/").and_then(|at| head.get(at..)) {
            Some(id) if !id.contains('\'') => format!("{id}/registries/{name}"),
            _ => name,
        })
    });
    if let Some(id) = ids.next() {
        return Some(id);
    }
    let marked =
        ["loginserver'", "registry'", "registryname:'", "totheregistry"].iter().find_map(|mark| plain.split_once(mark));
    if let Some((_, tail)) = marked {
        let tail = tail.trim_start_matches('\'');
        return login_server_at(tail).or_else(|| name(tail));
    }
    // Words run together here, so only what is closed off on both sides.
    let closed = [("specifiedforregistry", "."), ("softdeletepolicyforregistry", "usingapi-version")];
    let closed = closed.iter().find_map(|(open, close)| Some(plain.split_once(open)?.1.split_once(close)?.0));
    closed
        .filter(|n| n.len() >= 5 && n.bytes().all(|b| b.is_ascii_alphanumeric()))
        .map(str::to_owned)
        .or_else(|| login_server(text))
}

/// A login server that a text begins with.
fn login_server_at(text: &str) -> Option<String> {
    let label: String = text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let host = HOSTS.iter().find(|host| text.get(label.len()..).is_some_and(|tail| tail.starts_with(**host)))?;
    (label.len() >= 5).then(|| format!("{label}{host}"))
}

/// The first login server, or the one of a data host. A host that a line was broken within is not guessed at.
fn login_server(text: &Plain) -> Option<String> {
    let named = |hay: &str, clean: fn(&str) -> bool| {
        HOSTS.iter().find_map(|suffix| {
            hay.match_indices(suffix).find_map(|(at, _)| {
                let head = hay.get(..at)?;
                let host = head.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')).len();
                let label = head.get(host..)?.split('.').next()?;
                (label.len() >= 5 && clean(head.get(..host)?)).then(|| format!("{label}{suffix}"))
            })
        })
    };
    // Behind one of these nothing runs into the name.
    named(&text.lower, |before| before.ends_with(['/', '\'', '=', '@'])).or_else(|| {
        named(&text.spaced, |before| match before.trim_end_matches(' ').strip_suffix('\n') {
            Some(line) => !line.trim_end().ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')),
            None => true,
        })
    })
}

fn key(text: &Plain) -> Option<KeyId> {
    let ids = text.lower.match_indices("'https://").filter_map(|(at, _)| quoted(text, at + 1));
    ids.filter(|id| id.to_ascii_lowercase().contains("/keys/")).find_map(|id| id.parse().ok())
}

fn vault(text: &Plain) -> Option<String> {
    let marked = [("vault:", ';'), ("keyvault'", ';'), ("vaultname'", '\''), ("vaultname:'", '\'')];
    let vault = marked.iter().find_map(|(mark, close)| behind(&text.lower, mark, &[*close]));
    let vault = vault.or_else(|| behind(&text.lower, "microsoft.keyvault/vaults/", &['/', '\'']));
    vault
        .filter(|v| (3..=24).contains(&v.len()) && v.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        .map(str::to_owned)
}

fn client_ip(text: &Plain) -> Option<IpAddr> {
    let lower = text.lower.as_str();
    if let Some(ip) = behind(lower, "clientwithip'", &['\''])
        .or_else(|| Some(lower.split_once("clientaddress:")?.1.split_once("caller:")?.0))
        && let Ok(ip) = ip.parse()
    {
        return Some(ip);
    }
    let (_, tail) = lower.split_once("clientaddress:").or_else(|| lower.split_once("clientwithip'"))?;
    let digits: String = tail.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    // What ends with the text may be cut.
    (digits.len() < tail.len()).then(|| digits.parse::<Ipv4Addr>().ok().map(IpAddr::V4))?
}

fn repository(lower: &str) -> Option<String> {
    let decoded = lower.replace("%3a", ":").replace("%2f", "/");
    let image = HOSTS.iter().find_map(|host| {
        decoded.match_indices(host).find_map(|(at, _)| {
            let path = decoded.get(at + host.len()..)?.strip_prefix('/')?;
            let end = path.find([':', '@', '\''])?;
            let path = path.get(..end)?;
            match path.strip_prefix("v2/") {
                Some(path) => path
                    .split_once("/manifests/")
                    .or_else(|| path.split_once("/blobs/"))
                    .map(|(name, _)| name.to_owned()),
                None => Some(path.to_owned()),
            }
        })
    });
    let scope = || {
        behind(&decoded, "scope=repository:", &[':'])
            .or_else(|| behind(&decoded, "repository:", &[':']))
            .map(str::to_owned)
    };
    let fits = |name: &String| {
        let part = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-' | b'/');
        !name.is_empty() && name.len() <= 255 && !name.starts_with("oauth2/") && name.bytes().all(part)
    };
    image.filter(fits).or_else(|| scope().filter(fits))
}

/// The scope that is missing or locked.
fn scope(text: &Plain) -> Option<String> {
    let marks = ["linkedscope(s)'", "arelocked:'", "overscope'", "resource:'"];
    quoted_behind(text, &marks)
        .map(|s| s.split(',').next().unwrap_or_default().to_owned())
        .filter(|s| s.starts_with('/'))
}

/// The action that is missing: the last one named, as the first is the one that is held.
fn action(text: &Plain) -> Option<String> {
    let dashed = |s: &String| s.contains('/') && s.to_ascii_lowercase().starts_with("microsoft.");
    quoted_behind(text, &["performaction'", "action:'"]).filter(dashed)
}

fn id_behind(lower: &str, marks: &[&str]) -> Option<String> {
    marks.iter().find_map(|mark| {
        lower.match_indices(mark).find_map(|(at, _)| {
            let tail = lower.get(at + mark.len()..)?.trim_start_matches(['\'', ':', '=']);
            let id: Uuid = tail.get(..36)?.parse().ok()?;
            Some(id.to_string())
        })
    })
}
