//! Questions to what went over the wire, for tests.

use crate::http::exchange::{Exchange, is_write};
use http::Method;
use std::fmt;

/// Exchanges, or those of them that were asked for; what is asserted and does not hold panics, and lists what there was.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use azure_core::http::{Method, Request, Url};
///
/// let azure = cmk_mocks::Simulator::start().await?;
/// let url = Url::parse("https://management.azure.com/tenants?api-version=2022-12-01").unwrap();
/// azure.transport().execute_request(&Request::new(url, Method::Get)).await.unwrap();
///
/// let seen = azure.exchanges();
/// seen.to("management.azure.com").method("GET").path_ends_with("/tenants").assert_count(1);
/// seen.writes().assert_none();
/// # Ok::<(), cmk_mocks::SimulatorError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Exchanges {
    all: Vec<Exchange>,
    /// What was asked for so far, in words.
    asked: String,
    /// How many others there were.
    others: Vec<String>,
}

impl From<Vec<Exchange>> for Exchanges {
    fn from(all: Vec<Exchange>) -> Self {
        Self { all, ..Self::default() }
    }
}

/// Lines of a message, so that a long test leaves a readable one.
const SHOWN: usize = 40;

impl Exchanges {
    fn only(&self, asked: String, keep: impl Fn(&Exchange) -> bool) -> Self {
        let (all, left): (Vec<_>, Vec<_>) = self.all.iter().cloned().partition(|e| keep(e));
        let mut others = self.others.clone();
        others.extend(left.iter().map(line));
        Self { all, asked: format!("{} {asked}", self.asked).trim().to_owned(), others }
    }

    /// Those to a host; case does not count.
    pub fn to(&self, host: &str) -> Self {
        self.only(format!("to {host}"), |e| e.host.eq_ignore_ascii_case(host))
    }

    /// Those of a method.
    pub fn method(&self, method: &str) -> Self {
        self.only(method.to_owned(), |e| e.method.eq_ignore_ascii_case(method))
    }

    /// Those whose path ends so; case does not count, as in ids.
    pub fn path_ends_with(&self, end: &str) -> Self {
        self.only(format!("..{end}"), |e| ends_with(&e.path, end))
    }

    /// Those whose path has this in it; case does not count.
    pub fn path_contains(&self, part: &str) -> Self {
        let lower = part.to_lowercase();
        self.only(format!("..{part}.."), |e| e.path.to_lowercase().contains(&lower))
    }

    /// Those that change something. A POST may be a question ([`is_write`]).
    pub fn writes(&self) -> Self {
        let write = |e: &Exchange| {
            Method::from_bytes(e.method.as_bytes()).is_ok_and(|method| is_write(&method, &e.host, &e.path))
        };
        self.only("writes".to_owned(), write)
    }

    /// Those that were answered with a status; 0 is none.
    pub fn status(&self, status: u16) -> Self {
        self.only(format!("answered {status}"), |e| e.status == status)
    }

    /// Those in which a fault of this kind had a hand.
    pub fn fault(&self, kind: &str) -> Self {
        self.only(format!("with fault {kind}"), |e| e.fault.as_deref() == Some(kind))
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// Each, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Exchange> {
        self.all.iter()
    }

    /// The last one.
    pub fn last(&self) -> Option<&Exchange> {
        self.all.last()
    }

    /// There are so many.
    ///
    /// # Panics
    /// If not.
    #[track_caller]
    pub fn assert_count(&self, expected: usize) -> &Self {
        let count = self.count();
        assert!(count == expected, "{expected} exchanges {}were expected, there are {count}\n{self}", self.of());
        self
    }

    /// There are none.
    ///
    /// # Panics
    /// If there are some.
    #[track_caller]
    pub fn assert_none(&self) -> &Self {
        self.assert_count(0)
    }

    /// Among them are these in this order, each a method and the end of a path; others may stand between.
    ///
    /// # Panics
    /// If not.
    #[track_caller]
    pub fn assert_order(&self, expected: &[(&str, &str)]) -> &Self {
        let mut all = self.all.iter();
        for (n, (method, end)) in expected.iter().enumerate() {
            let found = all.any(|e| e.method.eq_ignore_ascii_case(method) && ends_with(&e.path, end));
            let after = n.checked_sub(1).and_then(|before| expected.get(before));
            let after = after.map(|(method, end)| format!(" after {method} ..{end}")).unwrap_or_default();
            assert!(found, "there is no {method} ..{end}{after}\n{self}");
        }
        self
    }

    fn of(&self) -> String {
        if self.asked.is_empty() { String::new() } else { format!("({}) ", self.asked) }
    }
}

fn ends_with(path: &str, end: &str) -> bool {
    path.trim_end_matches('/').to_lowercase().ends_with(&end.trim_end_matches('/').to_lowercase())
}

fn line(e: &Exchange) -> String {
    let status = if e.status == 0 { "no answer".to_owned() } else { e.status.to_string() };
    let fault = e.fault.as_ref().map(|kind| format!(" [{kind}]")).unwrap_or_default();
    format!("  #{} {} https://{}{} -> {status}{fault}", e.n, e.method, e.host, e.path)
}

impl fmt::Display for Exchanges {
    /// A line for each, and then for the others.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, lines: &[String]| {
            lines.iter().take(SHOWN).try_for_each(|line| writeln!(f, "{line}"))?;
            let left = lines.len().saturating_sub(SHOWN);
            if left > 0 { writeln!(f, "  and {left} more") } else { Ok(()) }
        };
        list(f, &self.all.iter().map(line).collect::<Vec<_>>())?;
        if !self.others.is_empty() {
            writeln!(f, "others:")?;
            list(f, &self.others)?;
        }
        Ok(())
    }
}
