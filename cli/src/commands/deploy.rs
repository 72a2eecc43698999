//! `cmk deploy`.

use super::Schema;
use crate::{
    apply_if::ApplyIf as _,
    cli::{Globals, RunArgs, examples, irreversible},
    execute::OrderContext,
    exit_code::{CliError, Exit, usage},
    render::{Summarize, Summary},
    resolve,
};
use cmk::{Deploy, DeployedTemplate, Irreversible, Template, azure::id::ResourceGroupName};
use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

pub(super) const EXAMPLES: &[&str] = &[
    "cmk deploy -g shop -f template.json -p parameters.json registryName=contoso2 --plan",
    "cmk deploy -g shop -f template.json -p parameters.json \\\n  \
     --accept encryption --accept purge-protection",
];

pub(super) const SCHEMAS: &[Schema] = &[("deployed-template", include_str!("../../schemas/deployed-template.v1.json"))];

/// No template is nearly as long: the service takes 4 MB.
const LONGEST: u64 = 4 << 20;

/// Deploy an ARM template to a resource group.
///
/// The plan shows what the service's own what-if reports.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    /// The template: a file, or - for stdin.
    #[arg(short = 'f', long, visible_alias = "template", value_name = "FILE")]
    template_file: PathBuf,
    /// The values of the template's parameters: a parameters file, or NAME=VALUE. May be given several times; the last
    /// value counts.
    #[arg(short, long, value_name = "FILE|NAME=VALUE", num_args = 1..)]
    parameters: Vec<String>,
    /// The existing resource group to deploy to.
    #[arg(short = 'g', long, value_name = "GROUP")]
    resource_group: ResourceGroupName,
    /// The deployment's name.
    #[arg(long, value_name = "NAME", default_value = "cmk")]
    deployment: String,
    /// Accept something that cannot be undone and that the template does. May be given several times.
    #[arg(long, value_name = "NAME", value_parser = irreversible())]
    accept: Vec<Irreversible>,
    #[command(flatten)]
    run: RunArgs,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let cx = OrderContext::open("deploy", &args.run, globals)?;
    let subscription = resolve::subscription(globals)?;
    let mut template = Template::from_json(&text(&args.template_file)?, None)?;
    for given in &args.parameters {
        match given.split_once('=') {
            // A file's name may hold a sign of equality, a parameter's does not hold a dot or a slash.
            Some((name, value)) if !name.is_empty() && !name.contains(['.', '/', '\\', '@']) => {
                template.set(name, parameter(value));
            }
            _ => template.set_all(&text(Path::new(given.trim_start_matches('@')))?)?,
        }
    }
    let order = Deploy::new(subscription, args.resource_group.clone(), template)
        .named(args.deployment.clone())
        .each(args.accept.iter().copied(), Deploy::accept);
    cx.execute(order).await
}

/// As az reads it: JSON where it is any, else a text.
fn parameter(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

fn text(file: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().take(LONGEST + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|f| f.take(LONGEST + 1).read_to_string(&mut text))
    };
    match read {
        Err(e) => Err(CliError::with(Exit::Usage, format!("{} cannot be read: {e}", file.display()))),
        Ok(_) if text.len() as u64 > LONGEST => Err(usage(format!("{} is too long for a template", file.display()))),
        Ok(_) => Ok(text),
    }
}

impl Summarize for DeployedTemplate {
    fn summary(&self) -> Summary {
        Summary::new("the template is deployed")
            .value("DEPLOYMENT", &self.deployment)
            .list("RESOURCES", &self.resources)
            .maybe("OUTPUTS", Some(&self.outputs).filter(|v| !v.is_null()))
    }
}
