//! Times as the services print them.

use time::{OffsetDateTime, macros::datetime};

/// Where time begins: before that, services have no way to write it.
pub(crate) const BEGINNING: OffsetDateTime = datetime!(0001-01-01 00:00:00 UTC);

/// Where time ends. The calendar goes on for a thousand years, so that what is due later than any time there is has a
/// moment too.
pub(crate) const END: OffsetDateTime = datetime!(9000-01-01 00:00:00 UTC);

fn utc(t: OffsetDateTime) -> OffsetDateTime {
    // On the last day of the calendar there may be no such time.
    t.checked_to_offset(time::UtcOffset::UTC).unwrap_or(END)
}

fn seconds(t: OffsetDateTime) -> String {
    let t = utc(t);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        t.year(),
        u8::from(t.month()),
        t.day(),
        t.hour(),
        t.minute(),
        t.second()
    )
}

/// Seven digits of fraction, trailing zeros dropped.
fn ticks(t: OffsetDateTime) -> String {
    let ticks = t.nanosecond() / 100;
    if ticks == 0 {
        return seconds(t);
    }
    format!("{}.{}", seconds(t), format!("{ticks:07}").trim_end_matches('0'))
}

/// `2023-07-25T06:37:06.4325102Z`
pub(crate) fn zulu(t: OffsetDateTime) -> String {
    ticks(t) + "Z"
}

/// `2023-07-25T06:37:25.2324198+00:00`
pub(crate) fn offset(t: OffsetDateTime) -> String {
    ticks(t) + "+00:00"
}

/// `2022-02-18T06:03:04Z`
pub(crate) fn whole(t: OffsetDateTime) -> String {
    seconds(t) + "Z"
}

/// `2021-04-19 05:32:43Z`
pub(crate) fn spaced(t: OffsetDateTime) -> String {
    seconds(t).replace('T', " ") + "Z"
}

/// `Tue, 25 Jul 2023 06:36:58 GMT`
pub(crate) fn http_date(t: OffsetDateTime) -> String {
    let t = utc(t);
    let (day, month) = (t.weekday().to_string(), t.month().to_string());
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        day.get(..3).unwrap_or_default(),
        t.day(),
        month.get(..3).unwrap_or_default(),
        t.year(),
        t.hour(),
        t.minute(),
        t.second()
    )
}
