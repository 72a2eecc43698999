//! Moments and lengths of time, as people write them.

use crate::http::time_format::BEGINNING;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// `90s`, `15m`, `2h`, `30d`; more than one of them add up: `1d12h`.
pub(super) fn length(text: &str) -> Option<time::Duration> {
    let mut whole = time::Duration::ZERO;
    let mut digits = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let seconds = match c {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 24 * 3600,
            _ => return None,
        };
        let count: i64 = digits.parse().ok()?;
        digits.clear();
        whole = whole.checked_add(time::Duration::seconds(count.checked_mul(seconds)?))?;
    }
    (digits.is_empty() && !text.is_empty()).then_some(whole)
}

/// RFC 3339, or so long before or after `now`: `-40d`, `+2h`.
pub(super) fn moment(text: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let found = match text.split_at_checked(1)? {
        ("-", rest) => now.checked_sub(length(rest)?),
        ("+", rest) => now.checked_add(length(rest)?),
        _ => OffsetDateTime::parse(text, &Rfc3339).ok(),
    };
    found?.checked_to_offset(UtcOffset::UTC).filter(|at| *at >= BEGINNING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn lengths_add_up_and_moments_are_absolute_or_counted_from_now() {
        let now = datetime!(2026-03-01 12:00 UTC);
        assert_eq!(length("1d12h"), Some(time::Duration::hours(36)));
        assert_eq!(moment("-40d", now), Some(datetime!(2026-01-20 12:00 UTC)));
        assert_eq!(moment("+90s", now), Some(datetime!(2026-03-01 12:01:30 UTC)));
        assert_eq!(moment("2026-01-01T00:00:00Z", now), Some(datetime!(2026-01-01 0:00 UTC)));
        for wrong in
            ["", "5", "d", "1w", "-", "12h3", "99999999999999999999d", "-999999999999d", "9223372036854775807d"]
        {
            assert_eq!((length(wrong), moment(wrong, now)), (None, None), "{wrong}");
        }
        assert_eq!(moment("2026-01-01T01:00:00+01:00", now).map(OffsetDateTime::offset), Some(UtcOffset::UTC));
        for outside in ["9999-12-31T23:59:59-23:00", "0000-12-31T00:00:00Z", "-800000d", "+3000000d"] {
            assert_eq!(moment(outside, now), None, "{outside}");
        }
        assert_eq!(moment("9999-12-31T23:59:59Z", now), Some(datetime!(9999-12-31 23:59:59 UTC)));
        assert_eq!(moment("tomorrow", now), None);
        assert_eq!(moment("é", now), None);
    }
}
