use super::{Told as _, Work, create::asked};
use crate::{
    args::{DeployArgs, Globals, ImportArgs, TemplateArgs},
    connect,
    exit::{Exit, told, usage},
    naming, output,
};
use cmk::{Cloud, Deploy, ImportKey, Template};
use std::{io::Read as _, path::Path};

/// No template is nearly as long: the service takes 4 MB.
const LONGEST: u64 = 4 << 20;

/// `cmk template`.
pub(crate) async fn template(args: &TemplateArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let cloud = globals.cloud.clone().unwrap_or_else(Cloud::public);
    let registry = naming::wanted(&args.registry, globals)?.new_id()?;
    let azure = connect::azure(globals, &cloud)?;
    let order = asked(registry, &args.asked, &azure).await?;
    let template = cmk::template(&order, &cloud)?;
    let text = if args.parameters { &template.parameters_file() } else { template.template() };
    output::print(&format!("{}\n", serde_json::to_string_pretty(text)?))?;
    Ok(Exit::Done)
}

/// `cmk deploy`.
pub(crate) async fn deploy(args: &DeployArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let work = Work::begin("deploy", &args.run, globals)?;
    let subscription = naming::subscription(globals)?;
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
    work.carry(order).await
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
        Err(e) => Err(told(Exit::Usage, format!("{} cannot be read: {e}", file.display()))),
        Ok(_) if text.len() as u64 > LONGEST => Err(usage(format!("{} is too long for a template", file.display()))),
        Ok(_) => Ok(text),
    }
}

/// `cmk import-key`.
pub(crate) async fn import_key(args: &ImportArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let work = Work::begin("import-key", &args.run, globals)?;
    let vault = naming::vault_there(&args.vault, globals, &work.azure).await?;
    let order = match (&args.pem, &args.byok) {
        (Some(pem), _) => ImportKey::pem(vault, args.key.clone(), pem)?,
        (None, Some(blob)) => ImportKey::byok(vault, args.key.clone(), blob)?,
        (None, None) => return Err(usage("which key? Give --pem FILE or --byok FILE")),
    };
    work.carry(
        order
            .when(args.hsm, ImportKey::hsm)
            .when(args.grant_me.grant_me, ImportKey::grant_me)
            .when(args.grant_me.grant_me_for_run, ImportKey::grant_me_for_run),
    )
    .await
}
