//! R-ARM-01: a token bucket for each principal and kind of request.

use crate::world::{
    clock::Moment as _,
    params::{Bucket, Params},
};
use http::Method;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Reads,
    Writes,
    Deletes,
}

impl Kind {
    pub(super) fn of(method: &Method) -> Self {
        match *method {
            Method::GET | Method::HEAD => Self::Reads,
            Method::DELETE => Self::Deletes,
            _ => Self::Writes,
        }
    }

    pub(super) fn bucket(self, params: &Params) -> Bucket {
        match self {
            Self::Reads => params.arm_reads,
            Self::Writes => params.arm_writes,
            Self::Deletes => params.arm_deletes,
        }
    }

    pub(super) fn local_header(self) -> &'static str {
        match self {
            Self::Reads => "x-ms-ratelimit-remaining-subscription-reads",
            Self::Writes => "x-ms-ratelimit-remaining-subscription-writes",
            Self::Deletes => "x-ms-ratelimit-remaining-subscription-deletes",
        }
    }

    pub(super) fn global_header(self) -> &'static str {
        match self {
            Self::Reads => "x-ms-ratelimit-remaining-subscription-global-reads",
            Self::Writes => "x-ms-ratelimit-remaining-subscription-global-writes",
            Self::Deletes => "x-ms-ratelimit-remaining-subscription-global-deletes",
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Level {
    tokens: f64,
    at: OffsetDateTime,
    blocked_until: Option<OffsetDateTime>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Throttle {
    levels: BTreeMap<String, Level>,
}

impl Throttle {
    /// How many requests are left, or the seconds to wait. Coming back early starts the wait again (R-ARM-02).
    pub(super) fn take(&mut self, who: Uuid, kind: Kind, bucket: Bucket, now: OffsetDateTime) -> Result<u64, u64> {
        let level = self.levels.entry(format!("{who}/{kind:?}")).or_insert(Level {
            tokens: bucket.size,
            at: now,
            blocked_until: None,
        });
        let passed = (now - level.at).as_seconds_f64().max(0.0);
        level.tokens = (level.tokens + passed * bucket.refill).min(bucket.size);
        level.at = level.at.max(now);
        let early = level.blocked_until.is_some_and(|t| now < t);
        if early || level.tokens < 1.0 {
            let missing = (1.0 - level.tokens).max(0.0);
            let wait = (missing / bucket.refill.max(0.001)).ceil().clamp(1.0, 3600.0) as u64;
            level.blocked_until = Some(now.after(std::time::Duration::from_secs(wait)));
            return Err(wait);
        }
        level.blocked_until = None;
        level.tokens -= 1.0;
        Ok(level.tokens as u64)
    }
}
