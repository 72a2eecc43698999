//! R-DP-09: so many requests a minute, by SKU and kind, and half of them for one identity.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
    Delete,
    Referrers,
    Login,
}

impl Kind {
    fn limit(self, premium: bool) -> f64 {
        match (self, premium) {
            (Self::Read | Self::Login, true) => 20_000.0,
            (Self::Read | Self::Login, false) => 10_000.0,
            (Self::Write | Self::Delete, true) => 4_000.0,
            (Self::Write, false) | (Self::Referrers, true) => 2_000.0,
            (Self::Delete, false) => 1_000.0,
            (Self::Referrers, false) => 500.0,
        }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Throttle {
    minute: i64,
    counts: BTreeMap<String, u64>,
}

/// What is asked for, by whom.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) registry: &'a str,
    pub(super) premium: bool,
    pub(super) kind: Kind,
    pub(super) who: Option<&'a str>,
    /// Of the documented limits.
    pub(super) share: f64,
}

impl Throttle {
    /// The seconds to wait if it is too much; they run out with the minute.
    pub(super) fn take(&mut self, asked: &Asked<'_>, now: OffsetDateTime) -> Result<(), i64> {
        let (minute, second) = (now.unix_timestamp().div_euclid(60), now.unix_timestamp().rem_euclid(60));
        if minute != self.minute {
            self.minute = minute;
            self.counts.clear();
        }
        let limit = asked.kind.limit(asked.premium) * asked.share;
        let all = format!("{}/{:?}", asked.registry, asked.kind);
        // Logins have no limit by identity.
        let own = asked.who.filter(|_| asked.kind != Kind::Login).map(|who| format!("{all}/{who}"));
        let count = |key: &String| self.counts.get(key).copied().unwrap_or_default() as f64;
        let full = count(&all) + 1.0 > limit || own.as_ref().is_some_and(|own| count(own) + 1.0 > limit / 2.0);
        if full {
            return Err(60 - second);
        }
        for key in [Some(all), own].into_iter().flatten() {
            *self.counts.entry(key).or_default() += 1;
        }
        Ok(())
    }
}
