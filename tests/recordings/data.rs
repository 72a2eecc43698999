//! The recordings, and how a test is reported when they are not there.
#![allow(dead_code, unreachable_pub, missing_docs)]

use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

/// One request and its answer, as they were recorded.
#[derive(Clone, Debug, Deserialize)]
pub struct Exchange {
    pub n: usize,
    pub method: String,
    pub host: String,
    pub path: String,
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    #[serde(default)]
    pub req_headers: BTreeMap<String, String>,
    #[serde(default)]
    pub req_body: Value,
    pub status: u16,
    #[serde(default, deserialize_with = "joined")]
    pub resp_headers: BTreeMap<String, String>,
    #[serde(default)]
    pub resp_body: Value,
}

/// Some recorders keep a header's values as a list.
fn joined<'de, D: serde::Deserializer<'de>>(d: D) -> Result<BTreeMap<String, String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Values {
        One(String),
        Some(Vec<String>),
    }
    let headers = BTreeMap::<String, Values>::deserialize(d)?;
    let text = |values| match values {
        Values::One(text) => text,
        Values::Some(texts) => texts.join(", "),
    };
    Ok(headers.into_iter().map(|(name, values)| (name.to_lowercase(), text(values))).collect())
}

impl Exchange {
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }
    pub fn is_write(&self) -> bool {
        matches!(self.method.as_str(), "PUT" | "PATCH" | "POST" | "DELETE")
    }
    pub fn is_arm(&self) -> bool {
        self.host.eq_ignore_ascii_case("management.azure.com")
    }
    pub fn is_vault(&self) -> bool {
        self.host.to_ascii_lowercase().ends_with(".vault.azure.net")
    }
    /// The path to compare by: in lower case, without doubled or trailing slashes.
    pub fn key(&self) -> String {
        path_key(&self.path)
    }
    pub fn is_for(&self, method: &str, host: &str, path: &str) -> bool {
        self.method == method && self.host.eq_ignore_ascii_case(host) && self.key() == path_key(path)
    }
    pub fn api_version(&self) -> &str {
        self.query.get("api-version").map(String::as_str).unwrap_or_default()
    }
    pub fn date(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::parse(&self.resp_headers.get("date")?.replace("GMT", "+0000"), &Rfc2822).ok()
    }
    /// The answer's body as it went over the wire.
    pub fn answer(&self) -> Vec<u8> {
        bytes_of(&self.resp_body)
    }
}

pub fn bytes_of(body: &Value) -> Vec<u8> {
    match body {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        json => json.to_string().into_bytes(),
    }
}

pub fn path_key(path: &str) -> String {
    let parts: Vec<_> = path.split('/').filter(|p| !p.is_empty()).collect();
    format!("/{}", parts.join("/")).to_ascii_lowercase()
}

/// The exchanges of one file.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Its path below the folder of recordings, without its ending.
    pub name: String,
    pub exchanges: Vec<Exchange>,
}

impl Recording {
    /// When its first dated answer came.
    pub fn began(&self) -> OffsetDateTime {
        let mut dates = self.exchanges.iter().filter_map(Exchange::date);
        dates.next().unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
    pub fn find(&self, from: usize, wanted: impl Fn(&Exchange) -> bool) -> Option<usize> {
        (from..self.exchanges.len()).find(|&i| wanted(&self.exchanges[i]))
    }
}

/// Where the data is, or would be.
pub fn root() -> PathBuf {
    match std::env::var_os("CMK_DATA") {
        Some(dir) => dir.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
    }
}

/// All recordings whose name begins so, in the order of their names.
pub fn recordings(beginning: &str) -> Vec<Recording> {
    let root = root().join("recordings");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let mut all: Vec<_> = files.iter().map(|file| read(&root, file)).collect();
    all.retain(|r| r.name.starts_with(beginning));
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

fn collect(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|e| e == "jsonl") {
            into.push(path);
        }
    }
}

fn read(root: &Path, file: &Path) -> Recording {
    let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let line = |(at, line): (usize, &str)| {
        serde_json::from_str(line).unwrap_or_else(|e| panic!("{} line {}: {e}", file.display(), at + 1))
    };
    let name = file.strip_prefix(root).unwrap().with_extension("");
    Recording {
        name: name.to_str().unwrap().replace('\\', "/"),
        exchanges: text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()).map(line).collect(),
    }
}

/// Runs the tests if the data is there. Else they are reported as ignored, by the names given for that case; or as
/// failed where `CI=true` promises the data.
pub fn main(without: &[&str], tests: impl FnOnce() -> Vec<Trial>) -> ExitCode {
    let there = root().join("recordings").is_dir();
    main_with((!there).then(|| format!("no recordings at {}: set CMK_DATA", root().display())), without, tests)
}

/// As [`main`], for tests that need something else than recordings; `missing` says what is not there.
pub fn main_with(missing: Option<String>, without: &[&str], tests: impl FnOnce() -> Vec<Trial>) -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = match missing {
        None => tests(),
        Some(missing) => {
            let promised = std::env::var("CI").is_ok_and(|ci| ci == "true");
            let trial = |name: &&str| {
                let missing = missing.clone();
                Trial::test(*name, move || Err(Failed::from(missing))).with_ignored_flag(!promised)
            };
            without.iter().map(trial).collect()
        }
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Runs a future to its end on a paused clock.
pub fn paused<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(future)
}
