//! What Key Vault takes of a rotation policy.

use crate::{
    azure::keys::{RotationRules, Trigger},
    engine::error::Refusal,
};

/// The shortest life of a version (R-KV-15).
const SHORTEST_LIFE: u32 = 28;
/// The least between a version's making and the next one, and between a rotation and the end of the version (R-KV-15).
const WEEK: u32 = 7;

/// Which members of a policy an order says: what is in force and stays is not the order's to be refused for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    pub(super) rotate: bool,
    pub(super) notify: bool,
    pub(super) lives: bool,
}

/// The days of an ISO 8601 duration of years, months, weeks and days, each at its shortest; `None` if it is none.
fn days(text: &str) -> Option<u32> {
    let mut rest = text.strip_prefix('P').filter(|rest| !rest.is_empty())?;
    let (mut all, mut units) = (0_u32, [('Y', 365), ('M', 28), ('W', 7), ('D', 1)].iter());
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let unit = tail.chars().next()?;
        // Each unit once, and in this order.
        let (_, length) = units.find(|(name, _)| *name == unit)?;
        all = all.checked_add(number.parse::<u32>().ok()?.checked_mul(*length)?)?;
        rest = tail.get(1..)?;
    }
    Some(all)
}

/// What Key Vault would not take of a policy, or what would leave a registry with a key that has expired, as far as it comes of
/// what the order says: pure.
pub(super) fn policy_refusals(rules: &RotationRules, said: Said) -> Vec<Refusal> {
    let mut why = Vec::new();
    let way = "give years, months, weeks and days, such as P90D or P1Y2M";
    let mut read = |what: &str, text: &str, said: bool| {
        let read = days(text);
        if read.is_none() && said {
            why.push(Refusal::new(
                format!("'{}' is no duration for {what}", text.escape_debug()),
                "R-KV-15",
                way.to_owned(),
            ));
        }
        read
    };
    let lives = rules.expiry_time.as_deref().and_then(|t| read("the life of versions", t, said.lives).map(|d| (d, t)));
    let rotate = rules.rotate.as_ref().and_then(|trigger| match trigger {
        Trigger::AfterCreate(t) => read("the time between versions", t, said.rotate).map(|d| (d, true)),
        Trigger::BeforeExpiry(t) => read("the time before expiry", t, said.rotate).map(|d| (d, false)),
    });
    if let Some(Trigger::BeforeExpiry(t) | Trigger::AfterCreate(t)) = &rules.notify {
        read("the notice", t, said.notify);
    }
    if let Some((d, text)) = lives.filter(|(d, _)| said.lives && *d < SHORTEST_LIFE) {
        why.push(Refusal::new(
            format!("versions that live {text} ({d} days) are too short-lived"),
            "R-KV-15",
            format!("give at least P{SHORTEST_LIFE}D"),
        ));
    }
    match (rotate, lives) {
        (Some((after, true)), _) if said.rotate && after < WEEK => why.push(Refusal::new(
            format!("a version every {after} days is too often"),
            "R-KV-15",
            format!("give at least P{WEEK}D"),
        )),
        _ if !said.rotate && !said.lives => {}
        (Some((after, true)), Some((life, _))) if life < after.saturating_add(WEEK) => why.push(Refusal::new(
            format!("versions that live {life} days would expire before the next one, made after {after}, is taken up"),
            "R-KV-16",
            "let them live at least a week longer than the time between two",
        )),
        (Some((_, false)), None) if rules.expiry_time.is_none() => why.push(Refusal::new(
            "a rotation before expiry needs versions that expire",
            "R-KV-15",
            "say how long versions live (`.versions_live(..)`, `--versions-live`), or rotate every so often",
        )),
        (Some((before, false)), Some((life, _)))
            if (said.rotate && before < WEEK) || life < before.saturating_add(WEEK) =>
        {
            why.push(Refusal::new(
                format!("a rotation {before} days before the end of versions that live {life} days is not possible"),
                "R-KV-15",
                "leave at least a week on either side",
            ));
        }
        _ => {}
    }
    why
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_at_their_shortest() {
        assert_eq!(days("P90D"), Some(90));
        assert_eq!(days("P1Y2M"), Some(365 + 56));
        assert_eq!(days("P4W"), Some(28));
        for bad in ["", "P", "90D", "P90", "P-1D", "PT1H", "P1D1Y", "P99999999999D", "P1D2D", "p90d", "P1ÄD"] {
            assert_eq!(days(bad), None, "{bad}");
        }
    }

    const ALL: Said = Said { rotate: true, notify: true, lives: true };

    fn refused(rotate: Option<Trigger>, lives: Option<&str>) -> usize {
        refused_of(rotate, lives, ALL)
    }
    fn refused_of(rotate: Option<Trigger>, lives: Option<&str>, said: Said) -> usize {
        policy_refusals(&RotationRules { rotate, notify: None, expiry_time: lives.map(Into::into) }, said).len()
    }

    #[test]
    fn r_kv_15_what_the_vault_would_not_take_is_refused_beforehand() {
        let every = |t: &str| Some(Trigger::AfterCreate(t.into()));
        let before = |t: &str| Some(Trigger::BeforeExpiry(t.into()));
        assert_eq!(refused(every("P90D"), None), 0);
        assert_eq!(refused(every("P90D"), Some("P2Y")), 0);
        assert_eq!(refused(before("P30D"), Some("P1Y")), 0);
        assert_eq!(refused(every("P7D"), None), 0);
        assert_eq!(refused(every("P6D"), None), 1);
        // Recorded as accepted.
        assert_eq!(refused(every("P15D"), Some("P30D")), 0);
        assert_eq!(refused(None, Some("P27D")), 1);
        assert_eq!(refused(before("P30D"), None), 1);
        assert_eq!(refused(before("P30D"), Some("P31D")), 1);
        assert_eq!(refused(before("P1D"), Some("P1Y")), 1);
        assert_eq!(refused(every("soon"), Some("later")), 2);
        assert_eq!(refused(every("P90D"), Some("P90D")), 1, "R-KV-16");
    }

    #[test]
    fn what_is_in_force_and_stays_refuses_nothing() {
        let every = |t: &str| Some(Trigger::AfterCreate(t.into()));
        let notice = Said { notify: true, ..Said::default() };
        let life = Said { lives: true, ..Said::default() };
        let time = Said { rotate: true, ..Said::default() };
        for odd in ["P3D", "PT36H"] {
            assert_eq!(refused_of(every(odd), Some("P5D"), notice), 0, "{odd}");
            assert_eq!(refused_of(every(odd), Some("P60D"), life), 0, "{odd}");
        }
        assert_eq!(refused_of(every("P90D"), Some("P5D"), time), 1, "the two together");
        assert_eq!(refused_of(every("P90D"), Some("P60D"), life), 1, "the two together");
        assert_eq!(refused_of(every("P90D"), Some("P60D"), notice), 0);
    }
}
