use super::command;
use crate::{
    azure::registries::KeyIdentity,
    checks::Who,
    diagnosis::{
        Area, Case, Cause, Judged, Scene, Severity, When,
        cause::pages,
        facts::{EncryptedFact, IdentityFact, IdentityLife, SiblingsFact},
    },
    workflows::reassign::Reassign,
};

pub(crate) const CAUSES: &[Cause] = &[
    Cause::new("no-cmk", Area::Key, Severity::Advice, "the registry has no customer-managed key", |s| {
        Box::pin(no_cmk(s))
    })
    .rules(&["R-CMK-02", "R-CMK-37"])
    .page(pages::CMK)
    .when(When::Audit),
    Cause::new(
        "identity-guid-is-principal",
        Area::Key,
        Severity::Broken,
        "the encryption names an identity's principal id instead of its client id",
        |s| Box::pin(guid_is_principal(s)),
    )
    .rules(&["R-CMK-07"])
    .page(pages::ENABLE),
    Cause::new("identity-deleted", Area::Key, Severity::Broken, "the identity that unwraps the key was deleted", |s| {
        Box::pin(deleted(s))
    })
    .rules(&["R-CMK-22", "R-CMK-26", "R-ERR-05"])
    .page(pages::TROUBLE)
    .when(When::Both),
    Cause::new(
        "identity-recreated",
        Area::Key,
        Severity::Broken,
        "the identity that unwraps the key was deleted, and another made under its name",
        |s| Box::pin(recreated(s)),
    )
    .rules(&["R-CMK-26"])
    .page(pages::TROUBLE)
    .when(When::Both),
    Cause::new(
        "system-identity-off",
        Area::Key,
        Severity::Broken,
        "the registry's own identity, which unwraps the key, is off",
        |s| Box::pin(off(s)),
    )
    .rules(&["R-CMK-23"])
    .page(pages::TROUBLE)
    .when(When::Both),
    Cause::new(
        "identity-not-attached",
        Area::Key,
        Severity::Broken,
        "the identity that unwraps the key is not attached to the registry",
        |s| Box::pin(not_attached(s)),
    )
    .rules(&["R-CMK-09", "R-ERR-03"])
    .page(pages::TROUBLE)
    .follows(&["identity-guid-is-principal", "identity-deleted", "identity-recreated", "system-identity-off"])
    .when(When::Both),
    Cause::new(
        "identity-shared",
        Area::Key,
        Severity::Advice,
        "the identity that unwraps the key does so for other registries too",
        |s| Box::pin(shared(s)),
    )
    .rules(&["R-FL-08"])
    .page(pages::ENABLE)
    .when(When::Audit),
];

async fn no_cmk(scene: &Scene) -> Judged {
    let encrypted = scene.see::<EncryptedFact>().await?;
    Ok(encrypted.now.is_none().then(|| {
        Case::new("its images are encrypted with a key of Microsoft's")
            .seen(&encrypted, "encryption.status is not enabled")
            .words(
                "a key of one's own can be given only when a registry is made (`cmk create`); then copy the images with \
                 az acr import",
            )
    }))
}

async fn guid_is_principal(scene: &Scene) -> Judged {
    let identity = scene.see::<IdentityFact>().await?;
    let IdentityLife::WrongKind(Who::WrongKind { id, client }) = &identity.life else { return Ok(None) };
    let client = client.map_or_else(|| "(not told)".to_owned(), |c| c.to_string());
    Ok(Some(
        Case::new(format!(
            "{} is the principal id of identity {}, whose client id is {client}",
            identity.named,
            id.name()
        ))
        .seen(&identity, format!("principalId {} of {id}", identity.named))
        .order(
            crate::workflows::rotate::Rotate::new(scene.registry().clone())
                .keeping_version()
                .identity(crate::checks::IdentityWanted::Id(id.clone())),
            command(scene, "rotate", &format!("--keep-version --identity {id}")),
        ),
    ))
}

/// What is left when the identity that unwraps is gone for good.
fn another(scene: &Scene, case: Case) -> Case {
    case.line(command(scene, "rotate", "--keep-version --identity IDENTITY")).support(format!(
        "the identity that unwraps the key of {} is gone and cannot be made again; have its access to the key restored",
        scene.registry().name()
    ))
}

async fn deleted(scene: &Scene) -> Judged {
    let identity = scene.see::<IdentityFact>().await?;
    let IdentityLife::Gone { id, made_again: false } = &identity.life else { return Ok(None) };
    let what = match id {
        Some(id) => format!("{id}, client id {}, answers 404", identity.named),
        None => format!("no identity that the caller may see has the client id {}", identity.named),
    };
    let mut case = Case::new(format!(
        "{what}. One of the same name would be another identity (R-CMK-26); while the registry still reads its key, \
         rotate to another"
    ))
    .seen(&identity, what.clone());
    if id.is_none() {
        case = case.inferred("it is not attached, and not among the identities of the subscription");
    }
    Ok(Some(another(scene, case)))
}

async fn recreated(scene: &Scene) -> Judged {
    let identity = scene.see::<IdentityFact>().await?;
    let IdentityLife::Gone { id: Some(id), made_again: true } = &identity.life else { return Ok(None) };
    let case = Case::new(format!(
        "{id} has another client id than {}, which the registry names: the one made again has none of the old one's rights",
        identity.named
    ))
    .seen(&identity, format!("the client id of {}", id.name()));
    Ok(Some(another(scene, case)))
}

async fn off(scene: &Scene) -> Judged {
    let identity = scene.see::<IdentityFact>().await?;
    if identity.life != IdentityLife::Off {
        return Ok(None);
    }
    let encrypted = scene.see::<EncryptedFact>().await?;
    Ok(Some(
        Case::new("encryption names `system`, and the registry's identity has no SystemAssigned part")
            .seen(&encrypted, "identity.type without SystemAssigned, keyVaultProperties.identity system")
            .support(format!(
                "restore the system-assigned identity of {}, which unwraps its key; switching it on again makes another \
                 principal",
                scene.registry().name()
            )),
    ))
}

async fn not_attached(scene: &Scene) -> Judged {
    let identity = scene.see::<IdentityFact>().await?;
    if identity.attached {
        return Ok(None);
    }
    let encrypted = scene.see::<EncryptedFact>().await?;
    let case = Case::new(format!("{} is not among the registry's identities", identity.named))
        .seen(&encrypted, "identity.userAssignedIdentities");
    Ok(Some(match (&identity.named, &identity.life) {
        (KeyIdentity::User(_), IdentityLife::Alive { .. }) => {
            case.order(Reassign::new(scene.registry().clone()), command(scene, "reassign", ""))
        }
        _ => case.words("see what became of it, above"),
    }))
}

async fn shared(scene: &Scene) -> Judged {
    let encrypted = scene.see::<EncryptedFact>().await?;
    let Some(user @ KeyIdentity::User(_)) = encrypted.now.as_ref().map(|now| now.identity) else { return Ok(None) };
    let siblings = scene.see::<SiblingsFact>().await?;
    let others = siblings.all.iter().filter(|(id, identity)| *identity == user && id != scene.registry());
    let others: Vec<_> = others.map(|(id, _)| id.name()).collect();
    Ok((!others.is_empty()).then(|| {
        Case::new(format!(
            "{user} unwraps for {} as well: what becomes of it becomes of all of them",
            others.join(", ")
        ))
        .seen(&siblings, format!("keyVaultProperties.identity {user} of {}", others.join(", ")))
        .line(command(scene, "rotate", "--keep-version --identity IDENTITY"))
        .words("give each registry an identity of its own")
    }))
}
