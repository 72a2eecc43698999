use crate::{
    Reassign, Repair,
    azure::registries::data::{Stage, Trouble},
    checks::ProbeSeen,
    diagnose::{Area, Case, Cause, Judged, Scene, Seen, Severity, cause::pages, facts::ProbeFact},
};
use std::sync::Arc;

/// What of the key, its vault and its identity keeps a registry from reading its images.
const KEY: &[&str] = &[
    "identity-guid-is-principal",
    "identity-deleted",
    "identity-recreated",
    "system-identity-off",
    "identity-not-attached",
    "vault-deleted",
    "vault-absent",
    "vault-perimeter",
    "vault-public-access-off",
    "vault-firewall",
    "vault-other-tenant",
    "grant-in-other-model",
    "grant-missing",
    "grant-incomplete",
    "grant-young",
    "key-deleted",
    "key-absent",
    "key-version-absent",
    "key-disabled",
    "key-expired",
    "key-not-yet-valid",
    "key-type",
    "key-operations",
];

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
    .follows(KEY),
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

async fn trouble(scene: &Scene) -> Result<Option<(Arc<Seen<ProbeFact>>, Trouble)>, crate::diagnose::Blind> {
    let probe = scene.see::<ProbeFact>().await?;
    Ok(match &probe.seen {
        Some(ProbeSeen::Failed(trouble)) => Some((probe.clone(), (**trouble).clone())),
        _ => None,
    })
}

fn by_key(trouble: &Trouble) -> bool {
    trouble.service.as_ref().is_some_and(|said| said.is_key_forbidden())
}

fn by_identity(trouble: &Trouble) -> bool {
    trouble.service.as_ref().is_some_and(|said| said.identity_inactive())
}

fn case(probe: &Seen<ProbeFact>, trouble: &Trouble) -> Case {
    Case::new(trouble.to_string()).seen(probe, format!("it came to an end at the stage '{}'", trouble.stage))
}

async fn key_forbidden(scene: &Scene) -> Judged {
    let Some((probe, trouble)) = trouble(scene).await?.filter(|(_, t)| by_key(t)) else { return Ok(None) };
    let id = scene.registry();
    Ok(Some(
        case(&probe, &trouble)
            .order(Repair::new(id.clone()), format!("cmk repair {id}"))
            .wait("up to an hour, if the key was given back just now, and look again"),
    ))
}

async fn inactive(scene: &Scene) -> Judged {
    let Some((probe, trouble)) = trouble(scene).await?.filter(|(_, t)| by_identity(t)) else { return Ok(None) };
    let id = scene.registry();
    Ok(Some(case(&probe, &trouble).order(Reassign::new(id.clone()), format!("cmk reassign {id}"))))
}

async fn failed(scene: &Scene) -> Judged {
    let other = |t: &Trouble| !by_key(t) && !by_identity(t);
    let Some((probe, trouble)) = trouble(scene).await?.filter(|(_, t)| other(t)) else { return Ok(None) };
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
