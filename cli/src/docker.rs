//! Docker's `config.json`, as far as logins go. What it does not know in it stays as it is.

use crate::exit::{Exit, told, usage};
use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use std::{
    env, fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// No configuration is nearly as long.
const LONGEST: u64 = 4 << 20;
/// The members of a registry's entry that are its login.
const LOGIN: [&str; 5] = ["auth", "identitytoken", "registrytoken", "username", "password"];

/// The file, as it was read.
#[derive(Debug)]
pub(crate) struct Config {
    file: PathBuf,
    members: Map<String, Value>,
}

impl Config {
    /// Reads the file in `dir`, in `$DOCKER_CONFIG` or in `~/.docker`. That there is none is fine.
    pub(crate) fn open(dir: Option<&Path>) -> anyhow::Result<Self> {
        let file = match dir {
            Some(dir) if dir.as_os_str().is_empty() => return Err(usage("--docker-config wants a directory")),
            Some(dir) => dir.to_owned(),
            None => match env::var_os("DOCKER_CONFIG").filter(|dir| !dir.is_empty()) {
                Some(dir) => dir.into(),
                None => env::home_dir()
                    .filter(|home| !home.as_os_str().is_empty())
                    .ok_or_else(|| usage("where is Docker's configuration? Say --docker-config DIR"))?
                    .join(".docker"),
            },
        }
        .join("config.json");
        // It may be a link to where it is kept: that is what is written then.
        let file = file.canonicalize().unwrap_or(file);
        let broken = |why: String| {
            told(
                Exit::Failed,
                format!("{} is left as it is: {why}; mend it, or say --docker-config DIR", file.display()),
            )
        };
        let members = match fs::metadata(&file) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Map::new(),
            Err(e) => return Err(broken(e.to_string())),
            Ok(meta) if meta.len() > LONGEST => return Err(broken("it is too long".into())),
            Ok(_) => {
                let text = fs::read_to_string(&file).map_err(|e| broken(e.to_string()))?;
                match serde_json::from_str(if text.trim().is_empty() { "{}" } else { &text }) {
                    Ok(Value::Object(members)) => members,
                    Ok(_) => return Err(broken("it is no JSON object".into())),
                    // The parser's own words may quote what stands there.
                    Err(e) => return Err(broken(format!("it is no JSON, at line {}", e.line()))),
                }
            }
        };
        Ok(Self { file, members })
    }

    /// Keeps a login, and says where: in the file, or with the helper that it names.
    pub(crate) fn keep(&mut self, host: &str, user: &str, secret: &str) -> anyhow::Result<String> {
        let helper = self.helper(host)?;
        let entry = self.entry(host)?;
        LOGIN.iter().for_each(|member| drop(entry.remove(*member)));
        let Some(helper) = helper else {
            entry.insert("auth".into(), STANDARD.encode(format!("{user}:{secret}")).into());
            self.write()?;
            return Ok(self.file.display().to_string());
        };
        helper.run("store", &json!({ "ServerURL": host, "Username": user, "Secret": secret }).to_string())?;
        // As Docker does: the entry says that there is a login, and the helper has it.
        self.write()?;
        Ok(helper.program)
    }

    /// Forgets a login wherever it is, and says where it was.
    pub(crate) fn forget(&mut self, host: &str) -> anyhow::Result<Vec<String>> {
        let mut was = Vec::new();
        if let Some(helper) = self.helper(host)?
            && helper.run("erase", host)?
        {
            was.push(helper.program);
        }
        let auths = self.members.get_mut("auths").and_then(Value::as_object_mut);
        let forgotten = auths.is_some_and(|auths| {
            let all = auths.len();
            auths.retain(|key, _| hostname(key) != host);
            auths.len() < all
        });
        if forgotten {
            self.write()?;
            was.push(self.file.display().to_string());
        }
        Ok(was)
    }

    fn entry(&mut self, host: &str) -> anyhow::Result<&mut Map<String, Value>> {
        let file = self.file.display().to_string();
        let odd = |what: &str| told(Exit::Failed, format!("{file} is left as it is: {what} is no JSON object"));
        let object = |value: &mut Value| {
            if value.is_null() {
                *value = json!({});
            }
        };
        let auths = self.members.entry("auths").or_insert_with(|| json!({}));
        object(auths);
        let auths = auths.as_object_mut().ok_or_else(|| odd("`auths`"))?;
        let entry = auths.entry(host).or_insert_with(|| json!({}));
        object(entry);
        entry.as_object_mut().ok_or_else(|| odd("the registry's entry"))
    }

    /// `credHelpers` of the host, else `credsStore`.
    fn helper(&self, host: &str) -> anyhow::Result<Option<Helper>> {
        let own = self.members.get("credHelpers").and_then(|helpers| helpers.get(host));
        let name = own.or_else(|| self.members.get("credsStore")).and_then(Value::as_str).unwrap_or_default();
        if name.is_empty() {
            return Ok(None);
        }
        // It becomes a program's name, and must not become a path.
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            return Err(told(
                Exit::Failed,
                format!(
                    "{} names a credential helper that cannot be one: '{}'",
                    self.file.display(),
                    name.escape_debug()
                ),
            ));
        }
        Ok(Some(Helper { program: format!("docker-credential-{name}") }))
    }

    /// Writes the file anew, for its owner alone: whole or not at all.
    fn write(&self) -> anyhow::Result<()> {
        let dir = self.file.parent().unwrap_or(Path::new("."));
        let cannot = || format!("{} cannot be written", self.file.display());
        fs::create_dir_all(dir).with_context(cannot)?;
        let beside = dir.join(format!(".config.json.{}.cmk", std::process::id()));
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let text = serde_json::to_string_pretty(&self.members)? + "\n";
        let mut opened = options.open(&beside).with_context(cannot)?;
        let written = opened
            .write_all(text.as_bytes())
            .and_then(|()| opened.sync_all())
            .and_then(|()| fs::rename(&beside, &self.file));
        written.inspect_err(|_| drop(fs::remove_file(&beside))).with_context(cannot)
    }
}

/// The host of an entry: Docker takes one that is written as a URL for the same login.
fn hostname(key: &str) -> &str {
    let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    bare.split('/').next().unwrap_or_default()
}

/// A program that keeps credentials: <https://docs.docker.com/reference/cli/docker/login/#credential-helpers>.
#[derive(Debug)]
struct Helper {
    program: String,
}

impl Helper {
    /// Whether it did it. Secrets go in by stdin: a command line is seen by everybody.
    fn run(&self, verb: &str, input: &str) -> anyhow::Result<bool> {
        let program = &self.program;
        let started =
            Command::new(program).arg(verb).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = started.with_context(|| {
            format!("{program}, which Docker's configuration names as its credential helper, cannot be run")
        })?;
        // A helper that reads nothing says by its exit code what it makes of that.
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(input.as_bytes());
        }
        let ended = child.wait_with_output().with_context(|| format!("{program} {verb}"))?;
        if ended.status.success() {
            return Ok(true);
        }
        // By its protocol, errors come on stdout.
        let said = [ended.stdout, ended.stderr].map(|said| String::from_utf8_lossy(&said).trim().to_owned()).join(" ");
        if verb == "erase" && said.contains("credentials not found") {
            return Ok(false);
        }
        let said: String = cmk::azure::error::scrub(&said.replace(input, "***")).chars().take(500).collect();
        Err(told(Exit::Failed, format!("{program} {verb} failed ({}): {}", ended.status, said.trim())))
    }
}
