use crate::{
    azure::{Reader, time_format},
    diagnosis::{Blind, Fact, Looked, Scene},
};
use base64::{Engine as _, engine::general_purpose};
use serde_json::Value;
use std::{collections::BTreeMap, path::PathBuf};
use time::OffsetDateTime;

/// What the configuration of container clients on this machine says of logins: `$DOCKER_CONFIG/config.json`, or
/// `~/.docker/config.json`. Nothing secret of it is kept.
#[derive(Clone, Debug)]
pub struct DockerConfigFact {
    /// The file; `None` on a machine that names no home.
    pub path: Option<PathBuf>,
    /// Whether there is one.
    pub is_there: bool,
    /// Why it says nothing, if it cannot be read as what it is to be.
    pub unreadable: Option<String>,
    /// Its logins.
    pub auths: Vec<DockerAuth>,
    /// The program that keeps all other logins: `desktop` for `docker-credential-desktop`.
    pub store: Option<String>,
    /// The programs that keep the logins of single hosts.
    pub helpers: BTreeMap<String, String>,
    /// The proxies that are handed on to containers and builds, unless their daemon has its own: `httpsProxy`, ..
    pub proxies: BTreeMap<String, String>,
}

/// A login that is kept for a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerAuth {
    /// The entry's name as it is spelled.
    pub name: String,
    /// Its host, as it is spelled, without scheme and path.
    pub host: String,
    /// The user name, where it stands here.
    pub user: Option<String>,
    /// Whether there is something secret here; otherwise a helper has it.
    pub has_secret: bool,
    /// Until when it is good, if it is a token that says so.
    pub expires: Option<OffsetDateTime>,
}

impl DockerConfigFact {
    /// The logins.
    ///
    /// # Errors
    /// When the file could not be read.
    pub fn logins(&self) -> Looked<&[DockerAuth]> {
        match &self.unreadable {
            Some(_) => Err(Blind::masked("docker-config-unreadable")),
            None => Ok(&self.auths),
        }
    }
    /// The login for a host, spelled as clients look it up.
    ///
    /// # Errors
    /// When the file could not be read.
    pub fn login(&self, host: &str) -> Looked<Option<&DockerAuth>> {
        Ok(self.logins()?.iter().find(|a| a.host == host))
    }
    /// The file as people know it.
    #[must_use]
    pub fn file(&self) -> String {
        self.path.as_ref().map_or_else(|| "config.json".to_owned(), |p| p.display().to_string())
    }
    /// The program that keeps the login for a host, if one does.
    #[must_use]
    pub fn helper(&self, host: &str) -> Option<&str> {
        self.helpers.get(host).or(self.store.as_ref()).map(String::as_str)
    }
}

impl DockerAuth {
    fn read(name: &str, entry: &Value) -> Self {
        let text = |member: &str| entry.get(member).and_then(Value::as_str).filter(|t| !t.is_empty());
        let pair = text("auth").and_then(|auth| general_purpose::STANDARD.decode(auth.trim()).ok());
        let pair = pair.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let (user, password) = pair.split_once(':').unwrap_or((&pair, ""));
        let user = Some(user).filter(|u| !u.is_empty()).or(text("username"));
        // A password may be a token too (R-DP-05).
        let token = text("identitytoken").or(Some(password).filter(|p| !p.is_empty())).or(text("password"));
        let host = name.split_once("://").map_or(name, |(_, rest)| rest);
        Self {
            name: name.to_owned(),
            host: host.split('/').next().unwrap_or_default().trim_end_matches(":443").to_owned(),
            user: user.map(str::to_owned),
            has_secret: token.is_some() || text("registrytoken").is_some(),
            expires: token.and_then(expires),
        }
    }
}

/// When a token says that it ends; `None` of what is no such token. Read, not verified.
fn expires(token: &str) -> Option<OffsetDateTime> {
    let part = token.split('.').nth(1)?.trim_end_matches('=');
    let claims = general_purpose::URL_SAFE_NO_PAD.decode(part).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    time_format::epoch(claims.get("exp")?.as_i64()?)
}

impl Fact for DockerConfigFact {
    async fn look(scene: &Scene, _: &Reader) -> Looked<Self> {
        let machine = scene.machine();
        let dir = machine.env("DOCKER_CONFIG").map(PathBuf::from);
        let path = dir.or_else(|| Some(machine.home()?.join(".docker"))).map(|dir| dir.join("config.json"));
        let nothing = Self {
            path: path.clone(),
            is_there: false,
            unreadable: None,
            auths: Vec::new(),
            store: None,
            helpers: BTreeMap::new(),
            proxies: BTreeMap::new(),
        };
        let Some(path) = path else { return Ok(nothing) };
        let unreadable = |why: String| {
            Ok(Self { is_there: true, unreadable: Some(format!("{}: {why}", path.display())), ..nothing.clone() })
        };
        let content = match machine.file(&path).await {
            Ok(None) => return Ok(nothing),
            Ok(Some(content)) => content,
            Err(e) => return unreadable(e.to_string()),
        };
        // As Docker does: an empty file is as good as none. The parser's own words may quote what stands there.
        let all: Value = match serde_json::from_slice(&content) {
            Ok(all @ Value::Object(_)) => all,
            Ok(_) => return unreadable("it is no JSON object".into()),
            Err(_) if content.iter().all(u8::is_ascii_whitespace) => return Ok(Self { is_there: true, ..nothing }),
            Err(e) => return unreadable(format!("it is no JSON, at line {}", e.line())),
        };
        let of = |member: &str| all.get(member).and_then(Value::as_object).into_iter().flatten();
        let proxies = all.pointer("/proxies/default").and_then(Value::as_object).into_iter().flatten();
        Ok(Self {
            is_there: true,
            auths: of("auths").map(|(name, entry)| DockerAuth::read(name, entry)).collect(),
            store: all.get("credsStore").and_then(Value::as_str).filter(|s| !s.is_empty()).map(str::to_owned),
            helpers: of("credHelpers").filter_map(|(h, p)| Some((h.clone(), p.as_str()?.to_owned()))).collect(),
            proxies: proxies.filter_map(|(n, p)| Some((n.clone(), p.as_str()?.to_owned()))).collect(),
            ..nothing
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn logins_are_read_in_all_their_forms() {
        let encode = |text: &str| general_purpose::STANDARD.encode(text);
        let token = format!("e30.{}.x", general_purpose::URL_SAFE_NO_PAD.encode(r#"{"exp":1700000000}"#));
        let read = |name: &str, entry: Value| DockerAuth::read(name, &entry);
        let by_token = read("contoso1.azurecr.io", json!({ "auth": encode("0000:"), "identitytoken": token }));
        assert_eq!(by_token.expires.map(OffsetDateTime::unix_timestamp), Some(1_700_000_000));
        assert!(by_token.has_secret && by_token.user.as_deref() == Some("0000"));
        let in_pair = read("https://Contoso1.azurecr.io/v1/", json!({ "auth": encode(&format!("0000:{token}")) }));
        assert_eq!((in_pair.host.as_str(), in_pair.expires), ("Contoso1.azurecr.io", by_token.expires));
        let kept_elsewhere = read("contoso1.azurecr.io", json!({}));
        assert!(!kept_elsewhere.has_secret && kept_elsewhere.user.is_none());
        for odd in
            [json!(null), json!([]), json!({ "auth": 1 }), json!({ "auth": "%" }), json!({ "auth": encode("a:b") })]
        {
            assert_eq!(read("x", odd).expires, None);
        }
        assert!(!format!("{by_token:?}").contains(&token));
    }
}
