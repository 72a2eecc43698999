//! The recordings: JSON lines, one exchange a line.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};
use time::{Date, Duration, OffsetDateTime, format_description::well_known::Rfc2822, macros::datetime};

/// One request and its answer, as they were recorded.
#[derive(Clone, Debug, Deserialize)]
pub struct Exchange {
    /// Its number in the recording.
    pub n: usize,
    /// In capitals.
    pub method: String,
    /// Without a port.
    pub host: String,
    /// Without the query.
    pub path: String,
    /// Decoded.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// As recorded.
    #[serde(default)]
    pub req_headers: BTreeMap<String, String>,
    /// JSON, a text of another kind, or null.
    #[serde(default)]
    pub req_body: Value,
    /// 100 to 599.
    pub status: u16,
    /// By their names in lower case.
    #[serde(default, deserialize_with = "joined")]
    pub resp_headers: BTreeMap<String, String>,
    /// As `req_body`.
    #[serde(default)]
    pub resp_body: Value,
}

/// Some recorders keep a header's values as a list.
fn joined<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<String, String>, D::Error> {
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
    /// Whether it came to be as asked.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }
    /// Whether its method may change something.
    pub fn is_write(&self) -> bool {
        matches!(self.method.as_str(), "PUT" | "PATCH" | "POST" | "DELETE")
    }
    /// Whether Resource Manager was asked.
    pub fn is_arm(&self) -> bool {
        self.host.eq_ignore_ascii_case("management.azure.com")
    }
    /// Whether a vault's own host was asked.
    pub fn is_vault(&self) -> bool {
        self.host.to_ascii_lowercase().ends_with(".vault.azure.net")
    }
    /// The path to compare by: in lower case, without doubled or trailing slashes.
    pub fn key(&self) -> String {
        path_key(&self.path)
    }
    /// Whether it is that request.
    pub fn is_for(&self, method: &str, host: &str, path: &str) -> bool {
        self.method == method && self.host.eq_ignore_ascii_case(host) && self.key() == path_key(path)
    }
    /// Empty if there was none.
    pub fn api_version(&self) -> &str {
        self.query.get("api-version").map(String::as_str).unwrap_or_default()
    }
    /// The moment of the answer, where the recorder left it.
    pub fn date(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::parse(&self.resp_headers.get("date")?.replace("GMT", "+0000"), &Rfc2822).ok()
    }
    /// The answer's body as it went over the wire.
    pub fn answer(&self) -> Vec<u8> {
        bytes_of(&self.resp_body)
    }
}

/// A recorded body as it went over the wire.
pub fn bytes_of(body: &Value) -> Vec<u8> {
    match body {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        json => json.to_string().into_bytes(),
    }
}

/// See [`Exchange::key`].
pub fn path_key(path: &str) -> String {
    let parts: Vec<_> = path.split('/').filter(|p| !p.is_empty()).collect();
    format!("/{}", parts.join("/")).to_ascii_lowercase()
}

/// The exchanges of one file.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Its path below the folder of recordings, without its ending.
    pub name: String,
    /// In the order of their recording.
    pub exchanges: Vec<Exchange>,
}

impl Recording {
    /// When its first dated answer came; 1970 if none is dated.
    pub fn began(&self) -> OffsetDateTime {
        let mut dates = self.exchanges.iter().filter_map(Exchange::date);
        dates.next().unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// The place of the first exchange from `from` on that is wanted.
    pub fn find(&self, from: usize, wanted: impl Fn(&Exchange) -> bool) -> Option<usize> {
        self.exchanges.iter().enumerate().skip(from).find(|(_, e)| wanted(e)).map(|(at, _)| at)
    }

    /// When each exchange was; where the recorder took the dates away, a second each from the recording's day on.
    pub fn times(&self) -> Vec<OffsetDateTime> {
        let day = self.name.rsplit('@').next().and_then(|stem| {
            let mut parts = stem.split(['-', '_']);
            let year = parts.next()?.parse().ok()?;
            let month = parts.next()?.parse::<u8>().ok()?.try_into().ok()?;
            let date = Date::from_calendar_date(year, month, parts.next()?.parse().ok()?).ok()?;
            Some(date.midnight().assume_utc())
        });
        let dated = self.exchanges.iter().find_map(Exchange::date);
        let mut last = dated.or(day).unwrap_or(datetime!(2021-01-01 00:00 UTC));
        let next = |e: &Exchange| {
            last = e.date().map_or_else(|| last + Duration::seconds(1), |date| date.max(last));
            last
        };
        self.exchanges.iter().map(next).collect()
    }
}

/// Why the recordings could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or folder cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is no exchange.
    #[error("{path}, line {line}: {source}")]
    Line {
        /// Of which file.
        path: PathBuf,
        /// From 1 on.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
}

/// Where the data is, or would be: `CMK_DATA`, else `../shared` beside the repository.
pub fn root() -> PathBuf {
    match std::env::var_os("CMK_DATA") {
        Some(dir) => dir.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
    }
}

/// All recordings in a folder and those below it, in the order of their names.
pub fn load(dir: &Path) -> Result<Vec<Recording>, LoadError> {
    let mut files = Vec::new();
    collect(dir, &mut files)?;
    let mut all = files.iter().map(|file| read(dir, file)).collect::<Result<Vec<_>, _>>()?;
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> LoadError {
    move |source| LoadError::Read { path: path.to_owned(), source }
}

fn collect(dir: &Path, into: &mut Vec<PathBuf>) -> Result<(), LoadError> {
    for entry in fs::read_dir(dir).map_err(unreadable(dir))? {
        let path = entry.map_err(unreadable(dir))?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|e| e == "jsonl") {
            into.push(path);
        }
    }
    Ok(())
}

fn read(root: &Path, file: &Path) -> Result<Recording, LoadError> {
    let text = fs::read_to_string(file).map_err(unreadable(file))?;
    let exchange = |(at, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|source| LoadError::Line { path: file.to_owned(), line: at + 1, source })
    };
    let lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    let name = file.strip_prefix(root).unwrap_or(file).with_extension("");
    Ok(Recording {
        name: name.to_string_lossy().replace('\\', "/"),
        exchanges: lines.map(exchange).collect::<Result<_, _>>()?,
    })
}
