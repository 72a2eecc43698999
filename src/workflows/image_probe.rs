//! The probe at the end of a workflow, where its order wants one.

use crate::{
    azure::{Reader, id::RegistryId, registries::data::LoginServer},
    checks::{Check, ProbeImages, ProbeSeen, Probed},
    engine::{
        error::{Error, ErrorKind, Result},
        run::{Context, Tried},
    },
};
use std::time::Duration;

/// What was given back can take up to an hour to count (R-CMK-27); a run waits for it no longer than for a role.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Tries the registry out, as the last thing its workflow does: in a plan it is only said.
pub(crate) async fn at_the_end(cx: &Context, wanted: bool, registry: &RegistryId) -> Result<Option<Probed>> {
    if !wanted {
        return Ok(None);
    }
    if cx.is_plan() {
        cx.note(format!(
            "in the end {} is tried out: a few bytes are pushed to its repository cmk-probe, pulled, and deleted (R-CMK-27)",
            registry.name()
        ));
        return Ok(None);
    }
    let probed = cx.try_out("probe", registry.as_str(), PATIENCE, |look| probe(look, registry.clone())).await?;
    if let Some(Probed { left_behind: Some(why), repository, digest, .. }) = &probed {
        cx.note(format!("what the probe pushed stays in the registry, as {repository}@{digest}: {why}"));
    }
    Ok(probed)
}

async fn probe(look: Reader, registry: RegistryId) -> Result<Tried<Probed>> {
    let seen = look.registry(&registry).await?;
    let host = seen.and_then(|r| r.properties.login_server.clone()).unwrap_or_default();
    let login_server = LoginServer::parse(look.cloud(), &host)?;
    match (ProbeImages { registry, login_server }).look(&look).await? {
        ProbeSeen::Works(probed) => Ok(Tried::Works(probed)),
        ProbeSeen::Failed(trouble) => {
            let (may_pass, why) = (trouble.may_pass(), format!("images to be served: {trouble}"));
            let error = Error::new(ErrorKind::Probe(trouble));
            if may_pass { Ok(Tried::NotYet { why, error }) } else { Err(error) }
        }
    }
}
