use crate::{
    azure::Reader,
    diagnosis::{Blind, Fact, Looked, NotRun, Ran, Scene},
};
use futures::future::{join, join_all};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A file of JSON; null where there is none.
async fn json(scene: &Scene, path: &Path) -> Result<Value, String> {
    match scene.machine().file(path).await {
        Ok(None) => Ok(Value::Null),
        // Docker takes an empty file for none.
        Ok(Some(content)) if content.iter().all(u8::is_ascii_whitespace) => Ok(Value::Null),
        Ok(Some(content)) => match serde_json::from_slice::<Value>(&content) {
            Ok(whole) if whole.is_object() => Ok(whole),
            Ok(_) => Err("it is no JSON object".into()),
            Err(e) => Err(e.to_string()),
        },
        Err(e) => Err(e.to_string()),
    }
}

/// How Docker's daemon is configured on this machine, as far as its files say.
#[derive(Clone, Debug)]
pub struct DaemonConfigFact {
    /// The proxy for `https`, and the file that names it.
    pub https: Option<(String, PathBuf)>,
    /// The proxy for `http`, and the file that names it.
    pub http: Option<(String, PathBuf)>,
}

const DAEMON: &str = "/etc/docker/daemon.json";
/// What Docker's pages tell people to write.
const DROP_INS: [&str; 3] = [
    "/etc/systemd/system/docker.service.d/http-proxy.conf",
    "/etc/systemd/system/docker.service.d/https-proxy.conf",
    "/etc/systemd/system/docker.service.d/override.conf",
];

impl Fact for DaemonConfigFact {
    async fn look(scene: &Scene, _: &Reader) -> Looked<Self> {
        let daemon = PathBuf::from(DAEMON);
        let drop_ins = join_all(DROP_INS.map(|path| scene.machine().file(Path::new(path))));
        let (whole, drop_ins) = join(json(scene, &daemon), drop_ins).await;
        let whole = whole.map_err(|why| Blind::beyond(format!("{DAEMON}: {why}")))?;
        let mut files = Vec::new();
        for (path, content) in DROP_INS.into_iter().zip(drop_ins) {
            let content = content.map_err(|e| Blind::beyond(format!("{path}: {e}")))?;
            let text = content.map(|c| String::from_utf8_lossy(&c).into_owned());
            files.extend(text.map(|text| (PathBuf::from(path), text)));
        }
        // The daemon's own file goes before its environment.
        let of = |member: &str, variable: &str| {
            let own = whole["proxies"][member].as_str().filter(|p| !p.is_empty());
            let own = own.map(|proxy| (proxy.to_owned(), daemon.clone()));
            own.or_else(|| files.iter().find_map(|(path, text)| Some((variable_of(text, variable)?, path.clone()))))
        };
        Ok(Self { https: of("https-proxy", "HTTPS_PROXY"), http: of("http-proxy", "HTTP_PROXY") })
    }
}

/// A variable of a unit's `Environment=`: `"HTTPS_PROXY=http://proxy:3128" "NO_PROXY=.."`, quoted or not. The last counts.
fn variable_of(unit: &str, variable: &str) -> Option<String> {
    let lines = unit.lines().filter_map(|line| line.trim().strip_prefix("Environment="));
    let words = lines.flat_map(|line| line.split(['"', '\'', ' ', '\t']));
    let mut named =
        words.filter_map(|word| word.split_once('=')).filter(|(name, _)| name.eq_ignore_ascii_case(variable));
    named.next_back().map(|(_, value)| value.to_owned()).filter(|value| !value.is_empty())
}

/// The container client of this machine and its daemon: what `az` runs, Docker or Podman.
#[derive(Clone, Debug)]
pub struct DockerFact {
    /// What it is called by.
    pub command: String,
    /// The client's version.
    pub client: Option<String>,
    /// The daemon.
    pub daemon: Daemon,
}

/// A container client's daemon.
#[derive(Clone, Debug, PartialEq)]
pub enum Daemon {
    /// It answers.
    Runs {
        /// Its version.
        version: Option<String>,
        /// The proxies it goes by now: for `https`, and for `http`.
        https: Option<String>,
        /// For `http`.
        http: Option<String>,
    },
    /// It does not.
    Silent {
        /// What the client said.
        why: String,
    },
    /// There is none: Podman needs none.
    None,
}

const FORMAT: &str = "{{json .}}";

fn parsed(ran: &Ran) -> Value {
    serde_json::from_str(ran.stdout.trim()).unwrap_or_default()
}

fn said(value: &Value) -> Option<String> {
    value.as_str().filter(|v| !v.is_empty()).map(str::to_owned)
}

impl Fact for DockerFact {
    async fn look(scene: &Scene, _: &Reader) -> Looked<Self> {
        let given = scene.machine().env("DOCKER_COMMAND");
        let known: Vec<String> = match given {
            Some(given) => vec![given],
            None => vec!["docker".into(), "podman".into()],
        };
        for command in known {
            let (version, info) = join(
                scene.machine().run(&command, &["version", "--format", FORMAT]),
                scene.machine().run(&command, &["info", "--format", FORMAT]),
            )
            .await;
            let version = match version {
                Err(NotRun::Absent) => continue,
                Err(NotRun::Failed(why)) => return Err(Blind::beyond(format!("{command} version: {why}"))),
                Ok(version) => version,
            };
            let client = said(&parsed(&version)["Client"]["Version"]);
            let daemon = if command.contains("podman") { Daemon::None } else { daemon(&version, info) };
            return Ok(Self { command, client, daemon });
        }
        Err(Blind::masked("docker-absent"))
    }
}

/// A client prints its own part even when the daemon does not answer.
fn daemon(version: &Ran, info: Result<Ran, NotRun>) -> Daemon {
    let server = said(&parsed(version)["Server"]["Version"]);
    let info = match info {
        Ok(info) => info,
        Err(NotRun::Failed(why)) => return Daemon::Silent { why },
        Err(NotRun::Absent) => Ran::default(),
    };
    let shown = parsed(&info);
    let running = server.or_else(|| said(&shown["ServerVersion"]));
    if running.is_none() {
        let words = [&version.stderr, &info.stderr].into_iter().find(|w| !w.trim().is_empty());
        let why = words.map_or("it says nothing of its daemon", |w| w.trim());
        return Daemon::Silent { why: why.lines().next().unwrap_or_default().chars().take(300).collect() };
    }
    Daemon::Runs { version: running, https: said(&shown["HttpsProxy"]), http: said(&shown["HttpProxy"]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_names_its_proxies_quoted_or_not() {
        let unit =
            "[Service]\nEnvironment=\"HTTP_PROXY=http://a:1\" \"https_proxy=http://b:2\"\n Environment=NO_PROXY=x,y\n";
        assert_eq!(variable_of(unit, "HTTPS_PROXY").as_deref(), Some("http://b:2"));
        assert_eq!(variable_of(unit, "NO_PROXY").as_deref(), Some("x,y"));
        assert_eq!(variable_of("Environment=\nEnvironment=\"HTTPS_PROXY=\"", "HTTPS_PROXY"), None);
        assert_eq!(
            variable_of("Environment='HTTPS_PROXY=a'\nEnvironment=HTTPS_PROXY=b", "HTTPS_PROXY").as_deref(),
            Some("b")
        );
    }
}
