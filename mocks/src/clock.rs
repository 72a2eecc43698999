//! The simulator's time: one clock for the world, the late landings and the control API.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;

/// A clock that the doors and the world share. Clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    start: OffsetDateTime,
    source: Source,
    /// What [`Clock::advance`] added so far.
    ahead: Mutex<Duration>,
}

#[derive(Debug)]
enum Source {
    Tokio { origin: tokio::time::Instant },
    Scaled { origin: std::time::Instant, factor: f64 },
}

impl Clock {
    /// A virtual clock: `start` plus what tokio's clock has run since, so that it obeys `tokio::time::pause`.
    pub fn tokio(start: OffsetDateTime) -> Self {
        Self::with(start, Source::Tokio { origin: tokio::time::Instant::now() })
    }

    /// A clock that runs `factor` times as fast as the real one; a factor that is not a positive number counts as 1.
    pub fn scaled(start: OffsetDateTime, factor: f64) -> Self {
        let factor = if factor.is_finite() && factor > 0.0 { factor } else { 1.0 };
        Self::with(start, Source::Scaled { origin: std::time::Instant::now(), factor })
    }

    fn with(start: OffsetDateTime, source: Source) -> Self {
        Self(Arc::new(Inner { start, source, ahead: Mutex::new(Duration::ZERO) }))
    }

    /// The simulated time.
    pub fn now(&self) -> OffsetDateTime {
        let run = match &self.0.source {
            Source::Tokio { origin } => origin.elapsed(),
            Source::Scaled { origin, factor } => {
                Duration::try_from_secs_f64(origin.elapsed().as_secs_f64() * factor).unwrap_or(Duration::MAX)
            }
        };
        let ahead = *self.0.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        later(self.0.start, run.saturating_add(ahead))
    }

    /// Moves the clock forward, at once. Sleepers are not woken: they wait for the runtime's clock.
    pub fn advance(&self, by: Duration) {
        let mut ahead = self.0.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        *ahead = ahead.saturating_add(by);
    }

    /// Moves the clock forward to `to`; a time that has passed already changes nothing.
    pub fn advance_to(&self, to: OffsetDateTime) {
        if let Ok(by) = Duration::try_from(to - self.now()) {
            self.advance(by);
        }
    }

    /// Sleeps for `simulated` time, which a fast clock makes shorter.
    pub async fn sleep(&self, simulated: Duration) {
        let real = match &self.0.source {
            Source::Tokio { .. } => simulated,
            Source::Scaled { factor, .. } => {
                Duration::try_from_secs_f64(simulated.as_secs_f64() / factor).unwrap_or(Duration::MAX)
            }
        };
        tokio::time::sleep(real).await;
    }
}

/// `at` plus `by`, held at the end of the calendar: no request may make the simulator overflow.
pub(crate) fn later(at: OffsetDateTime, by: Duration) -> OffsetDateTime {
    let by = time::Duration::try_from(by).unwrap_or(time::Duration::MAX);
    at.checked_add(by).unwrap_or_else(|| time::PrimitiveDateTime::MAX.assume_utc())
}
