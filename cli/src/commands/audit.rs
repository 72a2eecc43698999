//! `cmk audit`.

use super::Schema;
use crate::{
    cli::{Globals, SubscriptionsArgs, examples},
    connect,
    exit_code::{Exit, could_not_look},
    render::{Document, remedy},
};
use cmk::{Audit, diagnose::UnseenKind};

pub(super) const EXAMPLES: &[&str] = &["cmk audit", "cmk audit 00000000-0000-0000-0000-000000000001 -o csv"];

pub(super) const SCHEMAS: &[Schema] = &[("audit", include_str!("../../schemas/audit.v1.json"))];

/// How an audit ends; the table of `cmk --help` is about changes.
const ENDS: &str = "\
Exit codes:
    0  healthy: nothing was found, and everything was checked
    1  findings
    2  nothing was found, but something could not be checked; or the command line is wrong

";

/// Find problems of all registries in subscriptions (read-only).
#[derive(Debug, clap::Args)]
#[command(after_help = ENDS.to_owned() + &examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    subscriptions: SubscriptionsArgs,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let subscriptions = args.subscriptions.resolve(globals)?;
    let azure = connect::azure(globals, &globals.cloud())?;
    let audit = cmk::audit(&azure, &subscriptions).await.map_err(|e| could_not_look(e.into()))?;
    document(&audit)?.print(globals.output)?;
    Ok(audit.verdict.into())
}

fn document(audit: &Audit) -> anyhow::Result<Document> {
    let findings: usize = audit.registries.iter().map(|r| r.all().len()).sum();
    let mut document = Document::new("audit", Audit::VERSION, audit)?
        .table(audit.to_string())
        .head(["REGISTRY", "CODE", "SEVERITY", "SAYS", "REMEDY"])
        .pair("VERDICT", audit.verdict.name())
        .pair("REGISTRIES", audit.registries.len().to_string())
        .pair("FINDINGS", findings.to_string())
        .pair("UNKNOWN", audit.unknown.len().to_string());
    for one in &audit.registries {
        let registry = one.registry.to_string();
        for f in one.all() {
            let cells = [registry.clone(), f.code.clone(), f.severity.to_string(), f.says.clone(), remedy(f)];
            document = document.row(cells);
        }
        // What cannot be seen from anywhere is no gap in the audit.
        for unseen in one.unseen.iter().filter(|u| u.kind != UnseenKind::Beyond) {
            for code in &unseen.codes {
                let cells = [registry.clone(), code.clone(), "unseen".into(), unseen.why.clone(), String::new()];
                document = document.row(cells);
            }
        }
    }
    for unknown in &audit.unknown {
        let cells = [unknown.what.clone(), String::new(), "unseen".into(), unknown.why.clone(), String::new()];
        document = document.row(cells);
    }
    Ok(document)
}
