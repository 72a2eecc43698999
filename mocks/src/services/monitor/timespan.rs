//! `timespan` of a query: an ISO 8601 duration up to now, or two ends, either of which may be a duration.

use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

/// Both ends, or none if it cannot be read.
pub(super) fn read(text: &str, now: OffsetDateTime) -> Option<(OffsetDateTime, OffsetDateTime)> {
    let moment = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    let Some((from, to)) = text.split_once('/') else {
        return Some((now.checked_sub(duration(text)?)?, now));
    };
    match (moment(from), moment(to)) {
        (Some(from), Some(to)) => Some((from, to)),
        (Some(from), None) => Some((from, from.checked_add(duration(to)?)?)),
        (None, Some(to)) => Some((to.checked_sub(duration(from)?)?, to)),
        (None, None) => None,
    }
}

/// Weeks, days, hours, minutes and seconds; months and years have no fixed length and are not taken.
fn duration(text: &str) -> Option<Duration> {
    let (mut sum, mut number, mut clock, mut any) = (0.0, String::new(), false, false);
    for c in text.strip_prefix('P')?.chars() {
        let seconds = match (c, clock) {
            ('0'..='9' | '.', _) => {
                number.push(c);
                continue;
            }
            ('T', false) if number.is_empty() => {
                clock = true;
                continue;
            }
            ('W', false) => 604_800.0,
            ('D', false) => 86_400.0,
            ('H', true) => 3600.0,
            ('M', true) => 60.0,
            ('S', true) => 1.0,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * seconds;
        number.clear();
        any = true;
    }
    let sum = std::time::Duration::try_from_secs_f64(sum).ok()?;
    if any && number.is_empty() { Duration::try_from(sum).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn both_ways_of_saying_a_timespan_are_read() {
        let now = datetime!(2026-11-22 12:00 UTC);
        let from = datetime!(2026-11-21 10:30 UTC);
        assert_eq!(read("P1DT1H30M", now), Some((from, now)));
        assert_eq!(read("2026-11-21T10:30:00Z/2026-11-22T12:00:00Z", now), Some((from, now)));
        assert_eq!(read("2026-11-21T10:30:00Z/P1DT1H30M", now), Some((from, now)));
        assert_eq!(read("PT25.5H/2026-11-22T12:00:00Z", now), Some((from, now)));
        for wrong in ["", "P", "PT", "1D", "P1", "P1M", "PD", "P1D/PT1H", "P1H", "P1D/"] {
            assert_eq!(read(wrong, now), None, "{wrong}");
        }
    }
}
