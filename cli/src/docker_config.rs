//! Docker's `config.json`, as far as logins go. What it does not know in it stays as it is.

use crate::{
    cli::Globals,
    exit_code::{CliError, Exit, usage},
    say,
};
use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cmk::{azure::Secrets, program::Program};
use serde_json::{Map, Value, json};
use std::{
    env, fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

/// No configuration is nearly as long.
const LONGEST: u64 = 4 << 20;
/// How much of what a helper says is read.
const MOST_SAID: usize = 4 << 10;
/// A helper has as long as a request, and at least this: it may have to unlock something first.
const SHORTEST_LIMIT: Duration = Duration::from_secs(10);
/// How long other logins are waited for: each writes one small file.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);
/// The members of a registry's entry that are its login.
const LOGIN: [&str; 5] = ["auth", "identitytoken", "registrytoken", "username", "password"];

/// The file. It is read anew for each change, under a lock that other logins of ours wait for.
#[derive(Debug)]
pub(crate) struct DockerConfig {
    file: PathBuf,
    /// How long a helper may take.
    limit: Duration,
}

type Members = Map<String, Value>;

impl DockerConfig {
    /// The file in `dir`, in `$DOCKER_CONFIG` or in `~/.docker`. That there is none is fine.
    pub(crate) fn open(dir: Option<&Path>, globals: &Globals) -> anyhow::Result<Self> {
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
        let config = Self {
            file: file.canonicalize().unwrap_or(file),
            limit: Duration::from_secs(globals.request_deadline).max(SHORTEST_LIMIT),
        };
        config.read().map(|_| config)
    }

    fn read(&self) -> anyhow::Result<Members> {
        let file = &self.file;
        let broken = |why: String| {
            CliError::with(
                Exit::Failed,
                format!("{} is left as it is: {why}; mend it, or say --docker-config DIR", file.display()),
            )
        };
        match fs::metadata(file) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Map::new()),
            Err(e) => Err(broken(e.to_string())),
            Ok(meta) if !meta.is_file() => Err(broken("it is no file".into())),
            Ok(meta) if meta.len() > LONGEST => Err(broken("it is too long".into())),
            Ok(_) => {
                let text = fs::read_to_string(file).map_err(|e| broken(e.to_string()))?;
                match serde_json::from_str(if text.trim().is_empty() { "{}" } else { &text }) {
                    Ok(Value::Object(members)) => Ok(members),
                    Ok(_) => Err(broken("it is no JSON object".into())),
                    // The parser's own words may quote what stands there.
                    Err(e) => Err(broken(format!("it is no JSON, at line {}", e.line()))),
                }
            }
        }
    }

    /// Keeps a login, and says where: in the file, or with the helper that it names.
    pub(crate) async fn keep(&self, host: &str, user: &str, secret: &str) -> anyhow::Result<String> {
        let mut members = self.read()?;
        let helper = self.helper(&members, host)?;
        // What cannot be an entry is told before a helper has the login.
        self.entry(&mut members, host)?;
        if let Some(helper) = &helper {
            let login = json!({ "ServerURL": host, "Username": user, "Secret": secret }).to_string();
            helper.run("store", &login, &Secrets::new([secret])).await?;
        }
        let _alone = Alone::with(&self.file).await?;
        let mut members = self.read()?;
        let entry = self.entry(&mut members, host)?;
        LOGIN.iter().for_each(|member| drop(entry.remove(*member)));
        // Without it, as Docker does: the entry says that there is a login, and the helper has it.
        if helper.is_none() {
            entry.insert("auth".into(), STANDARD.encode(format!("{user}:{secret}")).into());
        }
        self.write(&members)?;
        Ok(helper.map_or_else(|| self.file.display().to_string(), |helper| helper.program))
    }

    /// Forgets a login wherever it is, and says where it was.
    pub(crate) async fn forget(&self, host: &str) -> anyhow::Result<Vec<String>> {
        let mut was = Vec::new();
        if let Some(helper) = self.helper(&self.read()?, host)?
            && helper.run("erase", host, &Secrets::default()).await?
        {
            was.push(helper.program);
        }
        let known = |members: &Members| {
            let auths = members.get("auths").and_then(Value::as_object);
            auths.is_some_and(|auths| auths.keys().any(|key| hostname(key) == host))
        };
        if !known(&self.read()?) {
            return Ok(was);
        }
        let _alone = Alone::with(&self.file).await?;
        let mut members = self.read()?;
        if let Some(auths) = members.get_mut("auths").and_then(Value::as_object_mut) {
            auths.retain(|key, _| hostname(key) != host);
            self.write(&members)?;
            was.push(self.file.display().to_string());
        }
        Ok(was)
    }

    fn entry<'m>(&self, members: &'m mut Members, host: &str) -> anyhow::Result<&'m mut Members> {
        let file = self.file.display().to_string();
        let odd =
            |what: &str| CliError::with(Exit::Failed, format!("{file} is left as it is: {what} is no JSON object"));
        let object = |value: &mut Value| {
            if value.is_null() {
                *value = json!({});
            }
        };
        let auths = members.entry("auths").or_insert_with(|| json!({}));
        object(auths);
        let auths = auths.as_object_mut().ok_or_else(|| odd("`auths`"))?;
        let entry = auths.entry(host).or_insert_with(|| json!({}));
        object(entry);
        entry.as_object_mut().ok_or_else(|| odd("the registry's entry"))
    }

    /// `credHelpers` of the host, else `credsStore`.
    fn helper(&self, members: &Members, host: &str) -> anyhow::Result<Option<Helper>> {
        let own = members.get("credHelpers").and_then(|helpers| helpers.get(host));
        let name = own.or_else(|| members.get("credsStore")).and_then(Value::as_str).unwrap_or_default();
        if name.is_empty() {
            return Ok(None);
        }
        // It becomes a program's name, and must not become a path.
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            return Err(CliError::with(
                Exit::Failed,
                format!(
                    "{} names a credential helper that cannot be one: '{}'",
                    self.file.display(),
                    name.escape_debug()
                ),
            ));
        }
        Ok(Some(Helper { program: format!("docker-credential-{name}"), limit: self.limit }))
    }

    /// Writes the file anew, for its owner alone: whole or not at all.
    fn write(&self, members: &Members) -> anyhow::Result<()> {
        let beside = directory(&self.file).join(format!(".config.json.{}.cmk", std::process::id()));
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let text = serde_json::to_string_pretty(members)? + "\n";
        let mut opened = options.open(&beside).with_context(|| cannot_write(&self.file))?;
        let written = opened
            .write_all(text.as_bytes())
            .and_then(|()| opened.sync_all())
            .and_then(|()| fs::rename(&beside, &self.file));
        written.inspect_err(|_| drop(fs::remove_file(&beside))).with_context(|| cannot_write(&self.file))
    }
}

fn directory(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("."))
}

fn cannot_write(file: &Path) -> String {
    format!("{} cannot be written", file.display())
}

/// The lock on a configuration, held until it is dropped.
#[derive(Debug)]
struct Alone {
    path: PathBuf,
    file: fs::File,
}

impl Alone {
    /// Waits for it, and makes the directory if there is none, for its owner alone as Docker does.
    async fn with(config: &Path) -> anyhow::Result<Self> {
        let dir = directory(config);
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(dir).with_context(|| cannot_write(config))?;
        let path = dir.join(".config.json.cmk-lock");
        let began = tokio::time::Instant::now();
        loop {
            if let Some(file) = lock_file(&path).with_context(|| cannot_write(config))? {
                match file.try_lock() {
                    Ok(()) if is_at(&file, &path) => return Ok(Self { path, file }),
                    // Who had it before has removed it, or somebody has it.
                    Ok(()) | Err(fs::TryLockError::WouldBlock) => {}
                    Err(fs::TryLockError::Error(e)) if knows_no_locks(&e) => {
                        let dir = dir.display();
                        say(format_args!(
                            "{dir}: files cannot be locked there; of two logins at a time one may be lost"
                        ));
                        return Ok(Self { path, file });
                    }
                    Err(fs::TryLockError::Error(e)) => return Err(e).with_context(|| cannot_write(config)),
                }
            }
            if began.elapsed() >= LOCK_PATIENCE {
                let why = format!("another login has held {} for {LOCK_PATIENCE:?}", path.display());
                return Err(CliError::with(Exit::Failed, why));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The file of a lock, made if there is none, for its owner alone: no link to another is followed, and nothing that is no file
/// is opened. `None` where it has just been removed.
fn lock_file(path: &Path) -> io::Result<Option<fs::File>> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made.map(Some),
    }
    let there = fs::symlink_metadata(path).and_then(|meta| {
        if !meta.is_file() {
            return Err(io::Error::other(format!("{} is no file: remove it", path.display())));
        }
        fs::OpenOptions::new().write(true).open(path)
    });
    match there {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        there => there.map(Some),
    }
}

/// Whether a lock fails because its file system has none, as some that are reached over a network.
fn knows_no_locks(e: &io::Error) -> bool {
    #[cfg(unix)]
    let says_so = {
        use rustix::io::Errno;
        let none = [Errno::OPNOTSUPP, Errno::NOSYS, Errno::NOLCK].map(Errno::raw_os_error);
        e.raw_os_error().is_some_and(|code| none.contains(&code))
    };
    #[cfg(not(unix))]
    let says_so = false;
    says_so || e.kind() == io::ErrorKind::Unsupported
}

/// Whether this file is the one at the path.
#[cfg(unix)]
fn is_at(file: &fs::File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let of = |meta: fs::Metadata| (meta.dev(), meta.ino());
    fs::symlink_metadata(path).ok().map(of).is_some_and(|there| file.metadata().is_ok_and(|meta| of(meta) == there))
}
#[cfg(not(unix))]
fn is_at(_: &fs::File, _: &Path) -> bool {
    true
}

impl Drop for Alone {
    fn drop(&mut self) {
        // While it is held, so that no two can have one of their own. Where it cannot be looked at, it stays.
        if cfg!(unix) {
            let _ = fs::remove_file(&self.path);
        }
        let _ = self.file.unlock();
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
    limit: Duration,
}

impl Helper {
    /// Whether it did it. Secrets go in by stdin: a command line is seen by everybody.
    async fn run(&self, verb: &str, input: &str, secrets: &Secrets) -> anyhow::Result<bool> {
        let program = &self.program;
        let ended = Program::new(program).arg(verb).input(input).limit(self.limit).most(MOST_SAID).run().await;
        let ended = match ended {
            Err(e) if e.kind() == io::ErrorKind::TimedOut => {
                return Err(CliError::with(
                    Exit::Failed,
                    format!(
                        "{program} {verb} failed: {e}; it was ended. See why by hand, or name another in config.json"
                    ),
                ));
            }
            ended => ended.with_context(|| {
                format!("{program}, which Docker's configuration names as its credential helper, cannot be run")
            })?,
        };
        if ended.status.success() {
            return Ok(true);
        }
        // By its protocol, errors come on stdout.
        let said = [ended.stdout, ended.stderr].map(|said| String::from_utf8_lossy(&said).trim().to_owned()).join(" ");
        if verb == "erase" && said.contains("credentials not found") {
            return Ok(false);
        }
        let said: String = secrets.scrub(&said.replace(input, "***")).chars().take(500).collect();
        Err(CliError::with(Exit::Failed, format!("{program} {verb} failed ({}): {}", ended.status, said.trim())))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn a_file_system_without_locks_is_told_from_a_lock_that_fails() {
        for none in [Errno::OPNOTSUPP, Errno::NOSYS, Errno::NOLCK] {
            assert!(knows_no_locks(&io::Error::from_raw_os_error(none.raw_os_error())), "{none:?}");
        }
        for other in [Errno::IO, Errno::WOULDBLOCK, Errno::BADF] {
            assert!(!knows_no_locks(&io::Error::from_raw_os_error(other.raw_os_error())), "{other:?}");
        }
    }
}
