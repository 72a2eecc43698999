//! What rotates a key.

use super::{GrantMeArgs, ProbeArgs, RegistryArgs, RunArgs};
use clap::Args;
use time::{Date, OffsetDateTime, format_description::well_known::Iso8601, format_description::well_known::Rfc3339};

#[derive(Debug, Args)]
pub(crate) struct RotateArgs {
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    /// Make a new version of the registry's key and rotate to it; the default.
    #[arg(long, conflicts_with_all = ["to_version", "keep_version"])]
    pub(crate) new_version: bool,
    /// Rotate to this key, of this vault or another: to a certain version of it, or without one to its current version.
    #[arg(short = 'k', long, visible_alias = "key-encryption-key", value_name = "URI",
        conflicts_with_all = ["grant_me", "grant_me_for_run"])]
    pub(crate) to_version: Option<String>,
    /// Keep the version: only the identity or the kind of reference changes.
    #[arg(long, conflicts_with_all = ["to_version", "grant_me", "grant_me_for_run"])]
    pub(crate) keep_version: bool,
    /// Unwrap the key with this identity from now on: its resource id, its name in the registry's group, its client id, or
    /// `system` for the registry's own. It is attached and given the key first.
    #[arg(long, value_name = "ID")]
    pub(crate) identity: Option<String>,
    /// The vault of the key, where it is not in the registry's subscription: its resource id, or its name in the
    /// registry's group.
    #[arg(long, value_name = "ID", requires = "to_version")]
    pub(crate) vault: Option<String>,
    /// Pin the registry to the version. [default: as it is now]
    #[arg(long)]
    pub(crate) versioned: bool,
    /// Let the registry follow the key. [default: as it is now]
    #[arg(long, conflicts_with = "versioned")]
    pub(crate) versionless: bool,
    /// Take the right on the old key from the identity that used it, if no other registry found needs it. [default: it is
    /// named only]
    #[arg(long)]
    pub(crate) remove_old_grant: bool,
    /// Take a vault without purge protection all the same.
    #[arg(long)]
    pub(crate) unprotected_vault_is_fine: bool,
    #[command(flatten)]
    pub(crate) grant_me: GrantMeArgs,
    #[command(flatten)]
    pub(crate) probe: ProbeArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AutoRotateArgs {
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    /// Make a version so long after the last one was made: P90D, P1Y2M. At least P7D.
    #[arg(long, value_name = "TIME", conflicts_with = "before_expiry")]
    pub(crate) every: Option<String>,
    /// Make a version so long before the last one expires: P30D. Needs versions that expire.
    #[arg(long, value_name = "TIME")]
    pub(crate) before_expiry: Option<String>,
    /// Let the versions that are made from now on expire after so long: P2Y. [default: as it is now]
    #[arg(long, value_name = "TIME")]
    pub(crate) versions_live: Option<String>,
    /// Have an event tell so long before a version expires: P30D. [default: as it is now]
    #[arg(long, value_name = "TIME")]
    pub(crate) notify: Option<String>,
    /// Make no version by itself any more. The registry goes on following its key.
    #[arg(long, conflicts_with_all = ["every", "before_expiry"])]
    pub(crate) off: bool,
    /// Let the current version live until this day or time (2027-06-30, 2027-06-30T12:00:00Z): for one that is about to
    /// expire, or has.
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub(crate) extend_current: Option<OffsetDateTime>,
    #[command(flatten)]
    pub(crate) grant_me: GrantMeArgs,
    /// Show how the key is rotated now, and change nothing.
    #[arg(long, conflicts_with_all = ["every", "before_expiry", "versions_live", "notify", "off", "extend_current",
        "grant_me", "grant_me_for_run", "plan", "yes", "run"])]
    pub(crate) show: bool,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// A time of RFC 3339, or a day, which is its first moment in UTC.
fn date(text: &str) -> Result<OffsetDateTime, String> {
    let text = text.trim();
    if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
        return Ok(at);
    }
    match Date::parse(text, &Iso8601::DATE) {
        // Days counted by weeks are as long.
        Ok(day) if text.len() == 10 && !text.contains('W') => Ok(day.midnight().assume_utc()),
        _ => Err("give a day such as 2027-06-30, or a time such as 2027-06-30T12:00:00Z".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn days_and_times_are_read() {
        assert_eq!(date("2027-06-30").map(|t| t.unix_timestamp()), Ok(1_814_313_600));
        assert_eq!(date("2027-06-30T02:00:00+02:00").map(|t| t.unix_timestamp()), Ok(1_814_313_600));
        for bad in ["", "tomorrow", "2027-02-30", "30.06.2027", "20270630", "2027-W01-1", "2027-06-30T12:00:00"] {
            assert!(date(bad).is_err(), "{bad}");
        }
    }
}
