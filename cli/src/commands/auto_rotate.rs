//! `cmk auto-rotate`.

use super::Schema;
use crate::{
    apply_if::ApplyIf as _,
    cli::{Globals, GrantMeArgs, RegistryArgs, RunArgs, examples},
    connect,
    execute::OrderContext,
    exit_code::Exit,
    render::{Document, Summarize, Summary, text_of},
    resolve,
};
use cmk::{
    AutoRotate, AutoRotated, Rotation,
    azure::keys::{RotationRules, Trigger},
};
use time::{Date, OffsetDateTime, format_description::well_known::Iso8601, format_description::well_known::Rfc3339};

pub(super) const EXAMPLES: &[&str] = &[
    "cmk auto-rotate -n contoso1 --every P90D",
    "cmk auto-rotate -n contoso1 --before-expiry P30D --versions-live P1Y",
    "cmk auto-rotate -n contoso1 --show",
];

pub(super) const SCHEMAS: &[Schema] = &[
    ("auto-rotated", include_str!("../../schemas/auto-rotated.v1.json")),
    ("rotation", include_str!("../../schemas/rotation.v1.json")),
];

/// Let the vault create key versions that the registry follows.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Create a new key version this long after the previous one (ISO 8601, at least P7D), for example P90D or P1Y2M.
    #[arg(long, value_name = "TIME", conflicts_with = "before_expiry")]
    every: Option<String>,
    /// Create a new key version this long before the current one expires, for example P30D. Needs versions that expire.
    #[arg(long, value_name = "TIME")]
    before_expiry: Option<String>,
    /// Lifetime of new key versions (at least P28D), for example P2Y. [default: unchanged]
    #[arg(long, value_name = "TIME")]
    versions_live: Option<String>,
    /// Send the near-expiry event this long before a version expires, for example P30D. [default: unchanged]
    #[arg(long, value_name = "TIME")]
    notify: Option<String>,
    /// Stop creating versions automatically. The registry continues to follow its key.
    #[arg(long, conflicts_with_all = ["every", "before_expiry"])]
    off: bool,
    /// Set the expiry of the current version to this day or time (2027-06-30, 2027-06-30T12:00:00Z), if it is about to
    /// expire or has expired.
    #[arg(long, value_name = "DATE", value_parser = date)]
    extend_current: Option<OffsetDateTime>,
    #[command(flatten)]
    grant_me: GrantMeArgs,
    /// Show how the key is rotated now, and change nothing.
    #[arg(long, conflicts_with_all = ["every", "before_expiry", "versions_live", "notify", "off", "extend_current",
        "grant_me", "grant_me_for_run", "plan", "yes", "run"])]
    show: bool,
    #[command(flatten)]
    run: RunArgs,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    if args.show {
        return show(args, globals).await;
    }
    let cx = OrderContext::open("auto-rotate", &args.run, globals)?;
    let order = AutoRotate::new(cx.registry(&args.registry).await?)
        .with(args.every.as_deref(), AutoRotate::every)
        .with(args.before_expiry.as_deref(), AutoRotate::before_expiry)
        .with(args.versions_live.as_deref(), AutoRotate::versions_live)
        .with(args.notify.as_deref(), AutoRotate::notify_before_expiry)
        .when(args.off, AutoRotate::off)
        .with(args.extend_current, AutoRotate::extend_current)
        .when(args.grant_me.grant_me, AutoRotate::grant_me)
        .when(args.grant_me.grant_me_for_run, AutoRotate::grant_me_for_run);
    cx.execute(order).await
}

async fn show(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let wanted = resolve::registry(&args.registry, globals)?;
    let azure = connect::azure(globals, &globals.cloud())?;
    let registry = wanted.find(&azure).await?;
    rotation(&cmk::rotation(&azure, &registry).await?)?.print(globals.output)?;
    Ok(Exit::Done)
}

/// How a key is rotated, ready to be printed.
fn rotation(of: &Rotation) -> anyhow::Result<Document> {
    let rules = of.rules.as_ref();
    let time = |trigger: &Trigger| match trigger {
        Trigger::AfterCreate(time) | Trigger::BeforeExpiry(time) => time.clone(),
    };
    let (every, before) = match rules.and_then(|r| r.rotate.as_ref()) {
        Some(trigger @ Trigger::AfterCreate(_)) => (Some(time(trigger)), None),
        Some(trigger @ Trigger::BeforeExpiry(_)) => (None, Some(time(trigger))),
        None => (None, None),
    };
    Ok(Document::new("rotation", Rotation::VERSION, of)?.table(of.to_string()).fields(&[
        ("REGISTRY", of.registry.to_string()),
        ("KEY", of.key.to_string()),
        ("FOLLOWS", of.follows.to_string()),
        ("EVERY", text_of(every)),
        ("BEFORE_EXPIRY", text_of(before)),
        ("VERSIONS_LIVE", text_of(rules.and_then(|r| r.expiry_time.as_ref()))),
        ("NOTIFY", text_of(rules.and_then(|r| r.notify.as_ref()).map(time))),
        ("CURRENT_EXPIRES", text_of(of.current_expires.and_then(|at| at.format(&Rfc3339).ok()))),
    ]))
}

impl Summarize for AutoRotated {
    fn summary(&self) -> Summary {
        Summary::new(format!("{} follows its key", self.registry.name()))
            .value("REGISTRY", &self.registry)
            .value("KEY", &self.key)
            .value("IN_USE", &self.in_use)
            .maybe("POLICY", self.rules.as_ref().map(policy))
            .keeps(self.caller_keeps.as_ref())
    }
}

fn policy(rules: &RotationRules) -> String {
    let mut words = match &rules.rotate {
        None => vec!["no version made by itself".to_owned()],
        Some(Trigger::AfterCreate(time)) => vec![format!("a version every {time}")],
        Some(Trigger::BeforeExpiry(time)) => vec![format!("a version {time} before expiry")],
    };
    words.extend(rules.expiry_time.as_ref().map(|time| format!("versions live {time}")));
    if let Some(Trigger::BeforeExpiry(time) | Trigger::AfterCreate(time)) = &rules.notify {
        words.push(format!("notice {time} before expiry"));
    }
    words.join(", ")
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
