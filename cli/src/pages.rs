//! Completions, manual pages and schemas: printed, never fetched.

use crate::{
    args::Cli,
    exit::{Exit, usage},
    output,
};
use clap::CommandFactory as _;
use clap_complete::Shell;

/// The published schemas, by kind, newest version of each.
const SCHEMAS: [(&str, &str); 30] = [
    ("diagnosis", include_str!("../schemas/diagnosis.v1.json")),
    ("audit", include_str!("../schemas/audit.v1.json")),
    ("causes", include_str!("../schemas/causes.v1.json")),
    ("symptom", include_str!("../schemas/symptom.v1.json")),
    ("plan", include_str!("../schemas/plan.v1.json")),
    ("created", include_str!("../schemas/created.v1.json")),
    ("rotated", include_str!("../schemas/rotated.v1.json")),
    ("auto-rotated", include_str!("../schemas/auto-rotated.v1.json")),
    ("rotation", include_str!("../schemas/rotation.v1.json")),
    ("reassigned", include_str!("../schemas/reassigned.v1.json")),
    ("recovered", include_str!("../schemas/recovered.v1.json")),
    ("repaired", include_str!("../schemas/repaired.v1.json")),
    ("bypassed", include_str!("../schemas/bypassed.v1.json")),
    ("network-changed", include_str!("../schemas/network-changed.v1.json")),
    ("registry-network-changed", include_str!("../schemas/registry-network-changed.v1.json")),
    ("logs-sent", include_str!("../schemas/logs-sent.v1.json")),
    ("firewall-rules", include_str!("../schemas/firewall-rules.v1.json")),
    ("access-granted", include_str!("../schemas/access-granted.v1.json")),
    ("revoked", include_str!("../schemas/revoked.v1.json")),
    ("restored", include_str!("../schemas/restored.v1.json")),
    ("retired", include_str!("../schemas/retired.v1.json")),
    ("rolled-back", include_str!("../schemas/rolled-back.v1.json")),
    ("deployed-template", include_str!("../schemas/deployed-template.v1.json")),
    ("imported-key", include_str!("../schemas/imported-key.v1.json")),
    ("list", include_str!("../schemas/list.v1.json")),
    ("status", include_str!("../schemas/status.v1.json")),
    ("runs", include_str!("../schemas/runs.v1.json")),
    ("login", include_str!("../schemas/login.v1.json")),
    ("logout", include_str!("../schemas/logout.v1.json")),
    ("abandoned", include_str!("../schemas/abandoned.v1.json")),
];

/// `cmk completions`.
pub(crate) fn completions(shell: Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "cmk", &mut script);
    output::print(&String::from_utf8(script)?)?;
    Ok(Exit::Done)
}

/// `cmk man`.
pub(crate) fn man(command: Option<&str>) -> anyhow::Result<Exit> {
    let mut whole = Cli::command();
    // Lets the commands inherit what is global.
    whole.build();
    let page = match command {
        None => whole,
        Some(name) => {
            whole.find_subcommand(name).cloned().ok_or_else(|| usage(format!("there is no command '{name}'")))?
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text)?;
    output::print(&String::from_utf8(text)?)?;
    Ok(Exit::Done)
}

/// `cmk schema`.
pub(crate) fn schema(name: Option<&str>) -> anyhow::Result<Exit> {
    let names = || SCHEMAS.map(|(name, _)| name);
    let text = match name {
        None => names().join("\n") + "\n",
        Some(name) => SCHEMAS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, text)| (*text).to_owned())
            .ok_or_else(|| usage(format!("there is no schema '{name}': {}", names().join(", "))))?,
    };
    output::print(&text)?;
    Ok(Exit::Done)
}
