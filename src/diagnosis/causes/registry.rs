//! The registry itself: whether it is there, may be read, and is at rest.

use crate::diagnosis::{
    Area, Blind, BlindKind, Case, Cause, Judged, Scene, Severity, When, cause::pages, facts::RegistryFact,
};

pub(super) const CAUSES: &[Cause] = &[
    Cause::new("registry-absent", Area::Login, Severity::Broken, "there is no such registry", |s| Box::pin(absent(s)))
        .rules(&["R-DP-11", "R-ERR-40"])
        .page(pages::LOGIN)
        .when(When::Both),
    Cause::new("caller-may-not-read", Area::Login, Severity::Broken, "the caller may not see the registry", |s| {
        Box::pin(may_not_read(s))
    })
    .rules(&["R-ERR-30", "R-DP-11"])
    .page(pages::LOGIN)
    .when(When::Both),
    Cause::new("registry-failed", Area::Key, Severity::Broken, "the last change of the registry failed", |s| {
        Box::pin(failed(s))
    })
    .rules(&["R-ARM-11"])
    .page(pages::TROUBLE)
    .when(When::Both),
    Cause::new("registry-busy", Area::Key, Severity::Risk, "the registry is being changed right now", |s| {
        Box::pin(busy(s))
    })
    .rules(&["R-ARM-03", "R-ARM-11"])
    .page(pages::TROUBLE),
];

/// Nothing but the two causes of this file mask the registry; each is told by its own judge.
async fn masked_by(scene: &Scene, code: &str) -> Result<bool, Blind> {
    match scene.see::<RegistryFact>().await {
        Ok(_) => Ok(false),
        Err(Blind { kind: BlindKind::Masked(by), .. }) => Ok(by == code),
        Err(blind) => Err(blind),
    }
}

async fn absent(scene: &Scene) -> Judged {
    if !masked_by(scene, "registry-absent").await? {
        return Ok(None);
    }
    let id = scene.registry();
    Ok(Some(
        Case::new(format!("{id} is not there"))
            .shows(format!("GET {id} answered 404"))
            .words(
                "check the name (without the login server's suffix), the resource group, the subscription and the cloud; \
                 `cmk list` shows the registries the caller may see",
            )
            .line(format!("az acr check-name --name {}", id.name())),
    ))
}

async fn may_not_read(scene: &Scene) -> Judged {
    if !masked_by(scene, "caller-may-not-read").await? {
        return Ok(None);
    }
    let id = scene.registry();
    Ok(Some(
        Case::new(format!("the caller lacks Microsoft.ContainerRegistry/registries/read on {}", id.name()))
            .shows(format!("GET {id} answered 403"))
            .words(format!(
                "have one of these roles on {id}: Container Registry Configuration Reader and Data Access Configuration \
                 Reader, which is the least to see it, or Container Registry Contributor and Data Access Configuration \
                 Administrator to manage it; log in again ten minutes after"
            )),
    ))
}

async fn failed(scene: &Scene) -> Judged {
    let registry = scene.see::<RegistryFact>().await?;
    if !registry.body.provisioning_state().is_some_and(|s| s.eq_ignore_ascii_case("Failed")) {
        return Ok(None);
    }
    let said = registry.body.properties.status.as_ref().and_then(|s| s.message.clone()).unwrap_or_default();
    let id = scene.registry();
    let case = Case::new(if said.is_empty() { "its provisioningState is Failed".into() } else { said })
        .seen(&registry, "provisioningState Failed");
    Ok(Some(case.order(crate::workflows::repair::Repair::new(id.clone()), format!("cmk repair {id}"))))
}

async fn busy(scene: &Scene) -> Judged {
    let registry = scene.see::<RegistryFact>().await?;
    if !registry.body.is_busy() {
        return Ok(None);
    }
    let state = registry.body.provisioning_state().unwrap_or_default().to_owned();
    Ok(Some(
        Case::new(format!("its provisioningState is {state}: another operation, of whomever, is running"))
            .seen(&registry, format!("provisioningState {state}"))
            .wait("until it has ended, minutes as a rule, and look again"),
    ))
}
