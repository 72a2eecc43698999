//! Times and waits from outside: of services, journals and users. All of them are read and added here, so that no number,
//! however large, ends the program or has it wait for ever.

use std::time::Duration;
use time::{
    OffsetDateTime, UtcOffset,
    format_description::well_known::{Rfc2822, Rfc3339},
};
use tokio::time::Instant;

/// The longest wait that is believed. What asks for more is taken to ask for this.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);
/// The longest time that one request may be given.
pub(crate) const LONGEST_DEADLINE: Duration = Duration::from_secs(3600);

/// A wait of so many seconds.
pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds).min(LONGEST_WAIT)
}

/// The time that a journaled request was given. No program gives more than [`LONGEST_DEADLINE`].
pub(crate) fn deadline(seconds: u64) -> Duration {
    Duration::from_secs(seconds).min(LONGEST_DEADLINE)
}

/// The wait a service asks for: `x-ms-retry-after-ms`, `retry-after-ms`, or `Retry-After` in seconds or as a date (R-ARM-02).
/// `headers` looks a header up without regard to case.
pub(crate) fn retry_after(headers: impl Fn(&str) -> Option<String>, now: OffsetDateTime) -> Option<Duration> {
    let millis = |name| headers(name).and_then(|value| number(&value)).map(Duration::from_millis);
    let wait = millis("x-ms-retry-after-ms").or_else(|| millis("retry-after-ms")).or_else(|| {
        let value = headers("retry-after")?;
        if let Some(seconds) = number(&value) {
            return Some(Duration::from_secs(seconds));
        }
        let date = OffsetDateTime::parse(value.trim(), &Rfc2822).ok()?;
        // A date that has passed asks for no wait.
        Some(Duration::try_from(date - now).unwrap_or_default())
    });
    wait.map(|wait| wait.min(LONGEST_WAIT))
}

/// A number, or the largest there is where it is larger still.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// A date of RFC 3339, in UTC; `None` also for one that is beyond what can be told there.
pub(crate) fn date(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)
}

/// Seconds since 1970; `None` for what is in no year of four digits.
pub(crate) fn epoch(seconds: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

/// So much later, or the last moment that there is.
pub(crate) fn later(at: OffsetDateTime, by: Duration) -> OffsetDateTime {
    at.saturating_add(time::Duration::try_from(by).unwrap_or(time::Duration::MAX))
}

/// The instant after a wait from now.
pub(crate) fn after(wait: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(wait.min(LONGEST_WAIT)).unwrap_or(now)
}

/// A time as people and programs read it.
pub(crate) fn when(at: OffsetDateTime) -> String {
    let at = at.replace_nanosecond(0).unwrap_or(at);
    at.format(&Rfc3339).unwrap_or_else(|_| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-29 12:00:00 UTC);

    fn asked(name: &'static str, value: &'static str) -> Option<Duration> {
        retry_after(|header| (header == name).then(|| value.to_owned()), NOW)
    }

    #[test]
    fn r_arm_02_waits_are_read_in_all_their_forms_and_capped() {
        let seconds = |s| Some(Duration::from_secs(s));
        assert_eq!(asked("retry-after", " 17 "), seconds(17));
        assert_eq!(asked("retry-after", "Sun, 29 Nov 2026 12:01:40 GMT"), seconds(100));
        assert_eq!(asked("retry-after", "Sun, 29 Nov 2026 11:00:00 GMT"), seconds(0));
        assert_eq!(asked("retry-after-ms", "1500"), Some(Duration::from_millis(1500)));
        assert_eq!(asked("x-ms-retry-after-ms", "20"), Some(Duration::from_millis(20)));
        for endless in ["1000000000", "18446744073709551615", "99999999999999999999999999"] {
            assert_eq!(asked("retry-after", endless), Some(LONGEST_WAIT), "{endless}");
            assert_eq!(asked("x-ms-retry-after-ms", endless).map(|w| w <= LONGEST_WAIT), Some(true), "{endless}");
        }
        assert_eq!(asked("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"), Some(LONGEST_WAIT));
        for none in ["", "soon", "-1", "1.5", "+3"] {
            assert_eq!(asked("retry-after", none), None, "{none}");
        }
    }

    #[test]
    fn no_time_is_too_far_away() {
        let last = datetime!(9999-12-31 23:59:59.999_999_999 UTC);
        assert_eq!(later(NOW, Duration::MAX), last);
        assert_eq!(later(last, Duration::from_secs(1)), last);
        assert_eq!(later(NOW, Duration::from_secs(60)), datetime!(2026-11-29 12:01:00 UTC));
        assert_eq!(epoch(253_402_300_799), Some(datetime!(9999-12-31 23:59:59 UTC)));
        assert_eq!([epoch(253_402_300_800), epoch(i64::MAX), epoch(i64::MIN)], [None; 3]);
        assert_eq!(date("9999-12-31T23:59:59-10:00"), None);
        assert_eq!(date("2026-11-29T13:00:00+01:00"), Some(NOW));
        assert_eq!(deadline(u64::MAX), LONGEST_DEADLINE);
        assert_eq!(seconds(u64::MAX), LONGEST_WAIT);
        assert!(after(Duration::MAX) > Instant::now());
    }
}
