use crate::{
    azure::registries::data::{Stage, Trouble},
    checks::ProbeSeen,
    diagnosis::{
        Area, Blind, Case, Cause, Judged, Scene, Seen, Severity, cause::pages, causes::key::BARRED, facts::ProbeFact,
    },
    workflows::{reassign::Reassign, repair::Repair},
};
use std::sync::Arc;

pub(crate) const CAUSES: &[Cause] = &[
    Cause::new(
        "key-forbidden-to-data",
        Area::Key,
        Severity::Broken,
        "images are refused because the registry may not use its key",
        |s| Box::pin(key_forbidden(s)),
    )
    .rules(&["R-ERR-02", "R-DP-26", "R-CMK-27"])
    .page(pages::TROUBLE)
    .follows(BARRED),
    Cause::new(
        "identity-inactive",
        Area::Key,
        Severity::Broken,
        "images are refused because the identity that unwraps the key was not renewed",
        |s| Box::pin(inactive(s)),
    )
    .rules(&["R-ERR-04", "R-CMK-21"])
    .page(pages::TROUBLE)
    .follows(&["identity-deleted", "identity-recreated", "system-identity-off", "identity-not-attached"]),
    Cause::new("probe-failed", Area::Login, Severity::Broken, "a tiny image could not be pushed and pulled", |s| {
        Box::pin(failed(s))
    })
    .rules(&["R-DP-26", "R-DP-11"])
    .page(pages::LOGIN)
    .follows(&[
        "login-refused",
        "role-ignored-in-abac",
        "role-ignored-in-legacy",
        "condition-excludes-repository",
        "registry-role-missing",
        "registry-role-young",
    ]),
];

/// The cause, by its code, that a probe that came to nothing shows.
fn shown(trouble: &Trouble) -> &'static str {
    match &trouble.service {
        Some(said) if said.is_key_forbidden() => "key-forbidden-to-data",
        Some(said) if said.identity_inactive() => "identity-inactive",
        _ => "probe-failed",
    }
}

/// The probe, if it shows this cause. One that ended for another reason does not say what would have come after.
async fn trouble(scene: &Scene, code: &str) -> Result<Option<(Arc<Seen<ProbeFact>>, Trouble)>, Blind> {
    let probe = scene.see::<ProbeFact>().await?;
    let Some(ProbeSeen::Failed(trouble)) = &probe.seen else { return Ok(None) };
    match shown(trouble) {
        shown if shown == code => Ok(Some((probe.clone(), (**trouble).clone()))),
        shown => Err(Blind::masked(shown)),
    }
}

fn case(probe: &Seen<ProbeFact>, trouble: &Trouble) -> Case {
    Case::new(trouble.to_string()).seen(probe, format!("it came to an end at the stage '{}'", trouble.stage))
}

async fn key_forbidden(scene: &Scene) -> Judged {
    let Some((probe, trouble)) = trouble(scene, "key-forbidden-to-data").await? else { return Ok(None) };
    let id = scene.registry();
    Ok(Some(
        case(&probe, &trouble)
            .order(Repair::new(id.clone()), format!("cmk repair {id}"))
            .wait("up to an hour, if the key was given back just now, and look again"),
    ))
}

async fn inactive(scene: &Scene) -> Judged {
    let Some((probe, trouble)) = trouble(scene, "identity-inactive").await? else { return Ok(None) };
    let id = scene.registry();
    Ok(Some(case(&probe, &trouble).order(Reassign::new(id.clone()), format!("cmk reassign {id}"))))
}

async fn failed(scene: &Scene) -> Judged {
    let Some((probe, trouble)) = trouble(scene, "probe-failed").await? else { return Ok(None) };
    let case = case(&probe, &trouble);
    Ok(Some(match trouble.stage {
        Stage::Network | Stage::Challenge => case.words("see the findings about networks"),
        Stage::Exchange | Stage::Token => case.words(
            "to try it out takes the right to push: AcrPush, or Container Registry Repository Writer in a registry that goes \
             by repositories",
        ),
        Stage::Push | Stage::Pull | Stage::Delete => {
            case.words("look whether repository cmk-probe is locked, and try again: it may have been the service's own trouble")
        }
    }))
}
