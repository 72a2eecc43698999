//! The simulator's time: one clock for the world, the late landings and the control API.

use crate::http::time_format::{BEGINNING, END};
use serde::Serialize;
use std::{
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use time::{OffsetDateTime, macros::datetime};
use tokio::sync::watch;

/// A clock that the doors and the world share. Clones show the same time. It never runs backwards.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Source>);

/// How a clock runs between one `advance` and the next.
///
/// Its text is `real`, `fast=60` or `manual`, as the command line takes it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum ClockMode {
    /// As fast as real time.
    Real,
    /// This many times as fast as real time, or as slow.
    Fast {
        /// More than 0.
        factor: f64,
    },
    /// It stands until it is advanced.
    Manual,
    /// It runs with tokio's clock ([`Clock::tokio`]), and takes no other mode.
    Tokio,
}

/// Why a clock does not take a mode.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ClockError {
    /// The factor is no number above 0.
    #[error("a clock's factor has to be more than 0, not {0}")]
    Factor(f64),
    /// The clock is bound to tokio's, or the other way round: only [`Clock::tokio`] makes one that is.
    #[error("a clock that runs with tokio's stays so, and no other becomes one")]
    Tokio,
    /// No mode has this name.
    #[error("{0:?} is no way for a clock to run: say real, fast=FACTOR or manual")]
    Name(String),
}

impl ClockMode {
    fn checked(self) -> Result<Self, ClockError> {
        match self {
            Self::Fast { factor } if !(factor.is_finite() && factor > 0.0) => Err(ClockError::Factor(factor)),
            Self::Tokio => Err(ClockError::Tokio),
            mode => Ok(mode),
        }
    }

    /// Simulated seconds in a real one; none of a clock that does not run by real time.
    fn speed(self) -> Option<f64> {
        match self {
            Self::Real => Some(1.0),
            Self::Fast { factor } => Some(factor),
            Self::Manual | Self::Tokio => None,
        }
    }
}

impl fmt::Display for ClockMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real => f.write_str("real"),
            Self::Fast { factor } => write!(f, "fast={factor}"),
            Self::Manual => f.write_str("manual"),
            Self::Tokio => f.write_str("tokio"),
        }
    }
}

impl FromStr for ClockMode {
    type Err = ClockError;

    fn from_str(text: &str) -> Result<Self, ClockError> {
        let unknown = || ClockError::Name(text.to_owned());
        match text.split_once('=') {
            None if text == "real" => Ok(Self::Real),
            None if text == "manual" => Ok(Self::Manual),
            Some(("fast", factor)) => Self::Fast { factor: factor.parse().map_err(|_| unknown())? }.checked(),
            _ => Err(unknown()),
        }
    }
}

#[derive(Debug)]
enum Source {
    Tokio { start: OffsetDateTime, origin: tokio::time::Instant, ahead: Mutex<Duration> },
    Paced { pace: Mutex<Pace>, changed: watch::Sender<()> },
}

/// The time is `at` plus what the mode made of the real time since then.
#[derive(Debug)]
struct Pace {
    at: OffsetDateTime,
    since: std::time::Instant,
    mode: ClockMode,
}

impl Pace {
    fn now(&self) -> OffsetDateTime {
        let run = self.mode.speed().map_or(0.0, |speed| self.since.elapsed().as_secs_f64() * speed);
        later(self.at, Duration::try_from_secs_f64(run).unwrap_or(Duration::MAX))
    }

    fn set(&mut self, at: OffsetDateTime, mode: ClockMode) {
        *self = Self { at, since: std::time::Instant::now(), mode };
    }
}

impl Clock {
    /// A virtual clock: `start` plus what tokio's clock has run since, so that it obeys `tokio::time::pause`.
    pub fn tokio(start: OffsetDateTime) -> Self {
        let (start, origin) = (start.clamp(BEGINNING, END), tokio::time::Instant::now());
        Self(Arc::new(Source::Tokio { start, origin, ahead: Mutex::new(Duration::ZERO) }))
    }

    /// A clock that runs like this from `start` on, until [`Clock::run`] says otherwise.
    pub fn new(start: OffsetDateTime, mode: ClockMode) -> Result<Self, ClockError> {
        Ok(Self::paced(start, mode.checked()?))
    }

    /// A clock that runs `factor` times as fast as the real one; a factor that is not a positive number counts as 1.
    pub fn scaled(start: OffsetDateTime, factor: f64) -> Self {
        let mode = if factor == 1.0 { ClockMode::Real } else { ClockMode::Fast { factor } };
        Self::paced(start, mode.checked().unwrap_or(ClockMode::Real))
    }

    /// A clock that stands at `start` until it is advanced.
    pub fn manual(start: OffsetDateTime) -> Self {
        Self::paced(start, ClockMode::Manual)
    }

    fn paced(at: OffsetDateTime, mode: ClockMode) -> Self {
        let at = at.clamp(BEGINNING, END);
        let pace = Mutex::new(Pace { at, since: std::time::Instant::now(), mode });
        Self(Arc::new(Source::Paced { pace, changed: watch::Sender::new(()) }))
    }

    /// The simulated time.
    pub fn now(&self) -> OffsetDateTime {
        match &*self.0 {
            Source::Tokio { start, origin, ahead } => later(*start, origin.elapsed().saturating_add(*locked(ahead))),
            Source::Paced { pace, .. } => locked(pace).now(),
        }
    }

    /// How it runs.
    pub fn mode(&self) -> ClockMode {
        match &*self.0 {
            Source::Tokio { .. } => ClockMode::Tokio,
            Source::Paced { pace, .. } => locked(pace).mode,
        }
    }

    /// Lets it run like this from its present time on. Who sleeps by it sleeps on at the new speed.
    pub fn run(&self, mode: ClockMode) -> Result<(), ClockError> {
        let mode = mode.checked()?;
        let Source::Paced { pace, changed } = &*self.0 else { return Err(ClockError::Tokio) };
        let mut pace = locked(pace);
        let now = pace.now();
        pace.set(now, mode);
        changed.send_replace(());
        Ok(())
    }

    /// Moves the clock forward, at once. Of those who sleep by a clock of tokio's none is woken, since they wait for the
    /// runtime; by any other, those whose time has come are.
    pub fn advance(&self, by: Duration) {
        match &*self.0 {
            Source::Tokio { ahead, .. } => {
                let mut ahead = locked(ahead);
                *ahead = ahead.saturating_add(by);
            }
            Source::Paced { pace, changed } => {
                let mut pace = locked(pace);
                let (to, mode) = (later(pace.now(), by), pace.mode);
                pace.set(to, mode);
                changed.send_replace(());
            }
        }
    }

    /// Moves the clock forward to `to`; a time that has passed already changes nothing.
    pub fn advance_to(&self, to: OffsetDateTime) {
        match &*self.0 {
            Source::Tokio { .. } => {
                if let Ok(by) = Duration::try_from(to - self.now()) {
                    self.advance(by);
                }
            }
            Source::Paced { pace, changed } => {
                let mut pace = locked(pace);
                if to > pace.now() {
                    let mode = pace.mode;
                    pace.set(to.min(END), mode);
                    changed.send_replace(());
                }
            }
        }
    }

    /// Sleeps for `simulated` time, which a fast clock makes shorter. By a clock that stands it ends when somebody has
    /// moved it that far.
    pub async fn sleep(&self, simulated: Duration) {
        let Source::Paced { changed, .. } = &*self.0 else { return tokio::time::sleep(simulated).await };
        let mut changed = changed.subscribe();
        let until = later(self.now(), simulated);
        while let Ok(left) = Duration::try_from(until - self.now()) {
            let real = self
                .mode()
                .speed()
                .map(|speed| Duration::try_from_secs_f64(left.as_secs_f64() / speed).unwrap_or(Duration::MAX));
            let run_out = async {
                match real {
                    Some(real) => tokio::time::sleep(real).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = run_out => return,
                _ = changed.changed() => {}
            }
        }
    }
}

fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

const LAST: OffsetDateTime = datetime!(9999-12-31 23:59:59 UTC);

/// `at` plus `by`, held at the end of time.
pub(crate) fn later(at: OffsetDateTime, by: Duration) -> OffsetDateTime {
    at.after(by).min(END)
}

/// Sums that end with the calendar: no period, whoever names it, may make the simulator overflow.
pub(crate) trait Moment {
    /// So much later.
    fn after(self, by: impl TryInto<time::Duration>) -> Self;
    /// So much earlier.
    fn before(self, by: impl TryInto<time::Duration>) -> Self;
}

impl Moment for OffsetDateTime {
    fn after(self, by: impl TryInto<time::Duration>) -> Self {
        self.saturating_add(by.try_into().unwrap_or(time::Duration::MAX)).clamp(BEGINNING, LAST)
    }

    fn before(self, by: impl TryInto<time::Duration>) -> Self {
        self.saturating_sub(by.try_into().unwrap_or(time::Duration::MAX)).clamp(BEGINNING, LAST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sum_leaves_the_calendar() {
        let now = datetime!(2026-11-22 00:00 UTC);
        assert_eq!(now.after(Duration::from_secs(60)), datetime!(2026-11-22 00:01 UTC));
        assert_eq!(now.before(time::Duration::DAY), datetime!(2026-11-21 00:00 UTC));
        for ever in [Duration::MAX, Duration::from_secs(1 << 50)] {
            assert_eq!((now.after(ever), now.before(ever)), (LAST, BEGINNING));
        }
        assert_eq!((LAST.after(time::Duration::MAX), BEGINNING.before(time::Duration::MAX)), (LAST, BEGINNING));
        assert_eq!((BEGINNING.after(time::Duration::MIN), LAST.before(time::Duration::MIN)), (BEGINNING, LAST));
        let elsewhere = datetime!(9999-12-31 23:59:59 -23:00);
        assert_eq!((elsewhere.after(Duration::MAX), later(elsewhere, Duration::ZERO)), (LAST, END));
    }

    #[test]
    fn a_clock_keeps_within_time() {
        for (start, held) in [(LAST, END), (datetime!(-5000-01-01 0:00 UTC), BEGINNING)] {
            assert_eq!(Clock::manual(start).now(), held);
        }
        let clock = Clock::manual(END);
        clock.advance(Duration::MAX);
        clock.advance_to(LAST);
        assert_eq!(clock.now(), END);
    }
}
