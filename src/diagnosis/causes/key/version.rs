use super::{command, mended};
use crate::{
    azure::keys::Kty,
    checks::VersionSeen,
    diagnosis::{Area, Blind, Case, Cause, Judged, Looked, Scene, Seen, Severity, When, cause::pages, facts::KeyFact},
    engine::error::when,
    workflows::{recover::Recover, rotate::Rotate},
};
use std::sync::Arc;

pub(crate) const CAUSES: &[Cause] = &[
    Cause::new(
        "key-deleted",
        Area::Key,
        Severity::Broken,
        "the registry's key is deleted, and can be recovered",
        |s| Box::pin(deleted(s)),
    )
    .rules(&["R-KV-12", "R-CMK-28"])
    .page(pages::SOFT_DELETE)
    .when(When::Both),
    Cause::new("key-absent", Area::Key, Severity::Broken, "the registry's key is not there, deleted or not", |s| {
        Box::pin(absent(s))
    })
    .rules(&["R-CMK-28", "R-CMK-29"])
    .page(pages::SOFT_DELETE)
    .when(When::Both),
    Cause::new("key-version-absent", Area::Key, Severity::Broken, "the key has no version as the registry uses", |s| {
        Box::pin(version_absent(s))
    })
    .rules(&["R-CMK-14", "R-CMK-29"])
    .page(pages::TROUBLE)
    .when(When::Both),
    Cause::new("key-disabled", Area::Key, Severity::Broken, "the key version in use is disabled", |s| {
        Box::pin(disabled(s))
    })
    .rules(&["R-KV-14", "R-CMK-15"])
    .page(pages::ROTATE)
    .when(When::Both),
    Cause::new(
        "key-expired",
        Area::Key,
        Severity::Broken,
        "the key version in use has expired: it still unwraps, and wraps no more",
        |s| Box::pin(expired(s)),
    )
    .rules(&["R-KV-14"])
    .page(pages::KEYS)
    .when(When::Both),
    Cause::new("key-not-yet-valid", Area::Key, Severity::Broken, "the key version in use is not yet valid", |s| {
        Box::pin(not_yet(s))
    })
    .rules(&["R-KV-14"])
    .page(pages::KEYS)
    .when(When::Both),
    Cause::new("key-type", Area::Key, Severity::Broken, "the key is of a type that registries cannot use", |s| {
        Box::pin(kind(s))
    })
    .rules(&["R-CMK-05"])
    .page(pages::CMK)
    .when(When::Both),
    Cause::new("key-operations", Area::Key, Severity::Broken, "the key may not be used to wrap or unwrap", |s| {
        Box::pin(operations(s))
    })
    .rules(&["R-CMK-05"])
    .page(pages::KEYS)
    .when(When::Both),
];

/// Whether the version in use is not there, and this cause, by its code, is why.
async fn gone(scene: &Scene, code: &str) -> Looked<Option<Arc<Seen<KeyFact>>>> {
    let key = scene.see::<KeyFact>().await?;
    Ok((key.version.is_none() && key.gone() == code).then_some(key))
}

async fn deleted(scene: &Scene) -> Judged {
    let Some(key) = gone(scene, "key-deleted").await? else { return Ok(None) };
    let id = key.in_use.versionless();
    let case = match key.key_deleted {
        Some(_) => Case::new(format!("{id} is soft-deleted with all its versions"))
            .seen(&key, "404 for the key, 200 for the deleted key"),
        None => Case::new(format!("{id} is not there any more; whether it can be recovered, the caller may not see"))
            .seen(&key, "ARM answers 404 for the key")
            .inferred("what is deleted in a vault can be recovered until its retention ends, unless it was purged"),
    };
    let order = Recover::new(scene.registry().clone()).grant_me();
    let line = format!("az keyvault key recover --id {id}");
    Ok(Some(mended(scene, case, order, command(scene, "recover", "--grant-me"), line)))
}

async fn absent(scene: &Scene) -> Judged {
    Ok(gone(scene, "key-absent").await?.map(|key| {
        Case::new(format!(
            "{} is not there and not among the deleted keys: it was purged. One made under its name is another key",
            key.in_use.versionless()
        ))
        .seen(&key, "404 for the key and for the deleted key")
        .words("restore a backup of it, if there is one: az keyvault key restore")
        .support("whether the purged key can still be brought back, as a registry's images are encrypted with it")
    }))
}

async fn version_absent(scene: &Scene) -> Judged {
    Ok(gone(scene, "key-version-absent").await?.map(|key| {
        Case::new(format!(
            "{} is not there, though the key is: the key was made anew under its name, and the old one with its versions is \
             gone",
            key.in_use
        ))
        .seen(&key, "404 for the version, 200 for the key")
        .words("restore a backup of the old key under another name, if there is one: az keyvault key restore")
        .support("whether the purged key can still be brought back, as a registry's images are encrypted with it")
    }))
}

/// The version in use, if it is there.
pub(super) async fn version(scene: &Scene) -> Looked<(Arc<Seen<KeyFact>>, VersionSeen)> {
    let key = scene.see::<KeyFact>().await?;
    let version = key.version.clone().ok_or_else(|| Blind::masked(key.gone()))?;
    Ok((key, version))
}

async fn disabled(scene: &Scene) -> Judged {
    let (key, version) = version(scene).await?;
    Ok((!version.enabled).then(|| {
        let case =
            Case::new(format!("{} is disabled: nothing that the registry holds can be read with it", version.id))
                .seen(&key, "attributes.enabled false");
        let order = Recover::new(scene.registry().clone()).enable_version();
        let line = format!("az keyvault key set-attributes --id {} --enabled true", version.id);
        mended(scene, case, order, command(scene, "recover", "--enable-version"), line)
    }))
}

fn new_version(scene: &Scene, case: Case) -> Case {
    let (order, command) = (Rotate::new(scene.registry().clone()), command(scene, "rotate", "--new-version"));
    mended(scene, case, order, command, "give a version that is within its dates")
}

async fn expired(scene: &Scene) -> Judged {
    let (key, version) = version(scene).await?;
    let Some(at) = version.expires.filter(|at| *at <= scene.now()) else { return Ok(None) };
    let case = Case::new(format!("{} has expired on {}", version.id, when(at)))
        .seen(&key, format!("attributes.exp {}", when(at)));
    Ok(Some(new_version(scene, case)))
}

async fn not_yet(scene: &Scene) -> Judged {
    let (key, version) = version(scene).await?;
    let Some(at) = version.not_before.filter(|at| *at > scene.now()) else { return Ok(None) };
    let case = Case::new(format!("{} is valid from {} only", version.id, when(at)))
        .seen(&key, format!("attributes.nbf {}", when(at)))
        .wait(format!("until {}", when(at)));
    Ok(Some(new_version(scene, case)))
}

async fn kind(scene: &Scene) -> Judged {
    let (key, version) = version(scene).await?;
    Ok(Kty::read(&version.kty).is_none().then(|| {
        Case::new(format!("{} is of type {}", version.id, version.kty))
            .seen(&key, format!("kty {}", version.kty))
            .words("rotate to an RSA or RSA-HSM key: `cmk rotate --to-version KEY`")
    }))
}

async fn operations(scene: &Scene) -> Judged {
    let (key, version) = version(scene).await?;
    let lacks: Vec<_> = ["wrapKey", "unwrapKey"]
        .into_iter()
        .filter(|op| !version.ops.is_empty() && !version.ops.iter().any(|o| o.eq_ignore_ascii_case(op)))
        .collect();
    Ok((!lacks.is_empty()).then(|| {
        Case::new(format!("{} may not {}", version.id, lacks.join(" nor ")))
            .seen(&key, format!("key_ops: {}", version.ops.join(", ")))
            .line(format!("az keyvault key set-attributes --id {} --ops wrapKey unwrapKey", version.id))
    }))
}
