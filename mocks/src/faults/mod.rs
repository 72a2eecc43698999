//! Faults as data: what goes wrong, and at which request.

mod answer;
mod schedule;

use crate::http::exchange::is_operation_path;
use http::Method;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub(crate) use answer::{answer, spoil};
pub use schedule::Schedule;

/// One fault: [`What`] goes wrong [`When`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// At which request.
    pub when: When,
    /// What happens to it.
    pub what: What,
}

impl Fault {
    /// A fault from its two halves.
    pub fn new(when: When, what: What) -> Self {
        Self { when, what }
    }
}

/// The request that a fault waits for: the `nth` of those it counts.
///
/// A fault that cannot act on that request (say [`What::Busy`] on a read, or another fault came first) waits for the
/// next one it can act on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Which requests are counted.
    #[serde(default)]
    pub among: Among,
    /// The first one it may strike, counted from 1.
    #[serde(default = "one")]
    pub nth: u64,
    /// Strike every one from there on, instead of one.
    #[serde(default)]
    pub always: bool,
}

fn one() -> u64 {
    1
}

/// Which requests a [`When`] counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Among {
    /// All of them, by the number that [`crate::Exchange::n`] shows.
    #[default]
    Requests,
    /// Those that change something ([`is_write`](crate::is_write)).
    Writes,
    /// Those that match, counted from when the fault was scheduled.
    Matching(Match),
}

/// A request's method, host and path; what is absent matches everything, letter case is ignored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// The method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// A part of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_contains: Option<String>,
    /// A part of the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_contains: Option<String>,
}

impl Match {
    /// Matches requests of this method whose path holds this part.
    pub fn new(method: &str, path_contains: &str) -> Self {
        Self { method: Some(method.into()), host_contains: None, path_contains: Some(path_contains.into()) }
    }

    fn fits(&self, facts: &Facts) -> bool {
        let holds = |part: &Option<String>, whole: &str| {
            part.as_ref().is_none_or(|part| whole.to_ascii_lowercase().contains(&part.to_ascii_lowercase()))
        };
        self.method.as_ref().is_none_or(|m| m.eq_ignore_ascii_case(facts.method.as_str()))
            && holds(&self.host_contains, &facts.host)
            && holds(&self.path_contains, &facts.path)
    }
}

impl When {
    /// The nth request of all.
    pub fn request(nth: u64) -> Self {
        Self { among: Among::Requests, nth, always: false }
    }

    /// The nth write.
    pub fn write(nth: u64) -> Self {
        Self { among: Among::Writes, nth, always: false }
    }

    /// The first request that matches.
    pub fn matching(what: Match) -> Self {
        Self { among: Among::Matching(what), nth: 1, always: false }
    }

    /// The nth instead of the first.
    pub fn nth(self, nth: u64) -> Self {
        Self { nth, ..self }
    }

    /// Every one from there on.
    pub fn always(self) -> Self {
        Self { always: true, ..self }
    }
}

/// What goes wrong. Seconds are those of the simulator's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum What {
    /// 429, not applied.
    Throttle {
        /// How long the client is told to wait.
        retry_after_s: u32,
        /// The header that tells it.
        #[serde(default)]
        header: RetryHeader,
    },
    /// This status, not applied.
    Status {
        /// The status code.
        code: u16,
        /// How long the client is told to wait, if it is told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_s: Option<u32>,
    },
    /// The connection is lost before the request was applied.
    LostBefore,
    /// The connection is refused: the request never left the client.
    Refused,
    /// The request is applied, its answer is lost.
    LostAfter,
    /// The connection is lost, and the request (a write) is applied later, before any request that comes after that.
    LandsLate {
        /// How much later.
        after_s: u64,
    },
    /// Reads do not see a write until this long after it: it and what follows it are hidden, then all is seen.
    StaleRead {
        /// How long the write stays hidden.
        for_s: u64,
    },
    /// The next grant takes this long to become effective.
    SlowGrant {
        /// How long.
        delay_s: u64,
    },
    /// 409: another operation is in progress (writes to registries only).
    Busy,
    /// Applied, and half of the answer's body is cut off (successes with a body only).
    CutBody,
    /// Applied, and the answer's body is a page of HTML (successes with a body only).
    HtmlBody,
    /// Applied, and the answer's body is empty (successes with a body only).
    EmptyBody,
    /// Neither applied nor answered.
    HoldBefore,
    /// Applied, never answered.
    HoldAfter,
}

/// The header by which a [`What::Throttle`] names its wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryHeader {
    /// `Retry-After`, in seconds.
    #[default]
    RetryAfter,
    /// `retry-after-ms`.
    RetryAfterMs,
    /// `x-ms-retry-after-ms`.
    XMsRetryAfterMs,
}

impl What {
    /// The kind's name, as in the serialised form.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Throttle { .. } => "throttle",
            Self::Status { .. } => "status",
            Self::LostBefore => "lost_before",
            Self::Refused => "refused",
            Self::LostAfter => "lost_after",
            Self::LandsLate { .. } => "lands_late",
            Self::StaleRead { .. } => "stale_read",
            Self::SlowGrant { .. } => "slow_grant",
            Self::Busy => "busy",
            Self::CutBody => "cut_body",
            Self::HtmlBody => "html_body",
            Self::EmptyBody => "empty_body",
            Self::HoldBefore => "hold_before",
            Self::HoldAfter => "hold_after",
        }
    }

    /// All the kinds there are.
    pub const KINDS: [&'static str; 14] = [
        "throttle",
        "status",
        "lost_before",
        "refused",
        "lost_after",
        "lands_late",
        "stale_read",
        "slow_grant",
        "busy",
        "cut_body",
        "html_body",
        "empty_body",
        "hold_before",
        "hold_after",
    ];

    /// Whether it spoils the body of an answer, and so can be told to strike only once there is one.
    pub(crate) fn spoils_body(&self) -> bool {
        matches!(self, Self::CutBody | Self::HtmlBody | Self::EmptyBody)
    }
}

/// A fault that struck.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fired {
    /// The request's number.
    pub n: u64,
    /// When, on the simulator's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The fault's kind.
    pub kind: String,
    /// The fault.
    pub what: What,
    /// The request's method.
    pub method: String,
    /// The request's host.
    pub host: String,
    /// The request's path.
    pub path: String,
}

/// What of a request steers a fault.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) n: u64,
    pub(crate) writes: u64,
    pub(crate) method: Method,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) write: bool,
}

impl Facts {
    fn registry_write(&self) -> bool {
        self.write && self.path.to_ascii_lowercase().contains("/microsoft.containerregistry/registries/")
    }

    /// A read that a lagging replica may answer. Operations are polled where they run, never at a replica.
    pub(crate) fn may_be_stale(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD) && !is_operation_path(&self.path)
    }
}

/// The faults that are scheduled, with how far each one has counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Armed(Vec<Waiting>);

#[derive(Clone, Debug)]
struct Waiting {
    fault: Fault,
    matched: u64,
    spent: bool,
}

impl Armed {
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        Self(faults.into_iter().map(|fault| Waiting { fault, matched: 0, spent: false }).collect())
    }

    pub(crate) fn faults(&self) -> Vec<Fault> {
        self.0.iter().map(|w| w.fault.clone()).collect()
    }

    /// Whether a fault that needs the world before the last write may still strike.
    pub(crate) fn wants_snapshots(&self) -> bool {
        self.0.iter().any(|w| !w.spent && matches!(w.fault.what, What::StaleRead { .. }))
    }

    /// Counts the request and names the first fault that is due and can act on it, by its place.
    pub(crate) fn due(&mut self, facts: &Facts, stale_can: impl Fn(u64) -> bool) -> Option<(usize, What)> {
        let mut due = None;
        for (place, w) in self.0.iter_mut().enumerate() {
            let counted = match &w.fault.when.among {
                Among::Requests => Some(facts.n),
                Among::Writes => facts.write.then_some(facts.writes),
                Among::Matching(m) => m.fits(facts).then(|| {
                    w.matched += 1;
                    w.matched
                }),
            };
            let reached = counted.is_some_and(|count| count >= w.fault.when.nth);
            if due.is_some() || w.spent || !reached {
                continue;
            }
            let can = match &w.fault.what {
                What::Busy => facts.registry_write(),
                What::LandsLate { .. } => facts.write,
                What::StaleRead { for_s } => facts.may_be_stale() && stale_can(*for_s),
                _ => true,
            };
            if can {
                due = Some((place, w.fault.what.clone()));
            }
        }
        due
    }

    /// The fault at this place has struck.
    pub(crate) fn struck(&mut self, place: usize) {
        if let Some(w) = self.0.get_mut(place) {
            w.spent = !w.fault.when.always;
        }
    }
}
