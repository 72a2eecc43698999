use super::{BARRED, command, version::version};
use crate::{
    diagnosis::{
        Area, Blind, Case, Cause, Judged, Scene, Severity, When,
        cause::pages,
        facts::{EncryptedFact, VaultFact, VersionsFact},
    },
    engine::error::when,
    workflows::{repair::Repair, rotate::Rotate},
};
use time::{Duration, OffsetDateTime};

pub(crate) const CAUSES: &[Cause] = &[
    Cause::new(
        "key-behind",
        Area::Key,
        Severity::Risk,
        "the registry follows its key, and has not moved to the newest version",
        |s| Box::pin(behind(s)),
    )
    .rules(&["R-CMK-11", "R-FL-08"])
    .page(pages::ROTATE)
    .follows(BARRED)
    .when(When::Both),
    Cause::new(
        "key-pinned-behind",
        Area::Key,
        Severity::Advice,
        "the registry is pinned to a version that is not the newest",
        |s| Box::pin(pinned_behind(s)),
    )
    .rules(&["R-CMK-12"])
    .page(pages::ROTATE)
    .when(When::Both),
    Cause::new("key-pinned", Area::Key, Severity::Advice, "the registry is pinned to a version of its key", |s| {
        Box::pin(pinned(s))
    })
    .rules(&["R-CMK-12", "R-FL-08"])
    .page(pages::ROTATE)
    .follows(&["key-pinned-behind"])
    .when(When::Audit),
    Cause::new("key-old", Area::Key, Severity::Advice, "the newest version of the key is older than allowed", |s| {
        Box::pin(old(s))
    })
    .rules(&["R-FL-08", "R-CMK-11"])
    .page(pages::ROTATE)
    .when(When::Both),
    Cause::new("key-expires-soon", Area::Key, Severity::Risk, "the key version in use expires within 30 days", |s| {
        Box::pin(expires_soon(s))
    })
    .rules(&["R-KV-14", "R-FL-08"])
    .page(pages::KEYS)
    .when(When::Both),
    Cause::new(
        "vault-no-purge-protection",
        Area::Key,
        Severity::Risk,
        "the key's vault has no purge protection",
        |s| Box::pin(purge(s)),
    )
    .rules(&["R-CMK-06", "R-KV-03", "R-FL-08"])
    .page(pages::SOFT_DELETE)
    .when(When::Both),
    Cause::new(
        "vault-short-retention",
        Area::Key,
        Severity::Advice,
        "what is deleted in the key's vault can be recovered for less than 30 days",
        |s| Box::pin(retention(s)),
    )
    .rules(&["R-KV-02", "R-FL-08"])
    .page(pages::SOFT_DELETE)
    .when(When::Both),
];

/// R-FL-08: within the hour it follows by itself (R-CMK-11); this is long after.
const LAG: Duration = Duration::hours(2);

/// Enabled versions that are newer than the one in use, the oldest of them last.
async fn newer(scene: &Scene) -> Result<Vec<(String, Option<OffsetDateTime>)>, Blind> {
    let (encrypted, versions) = (scene.see::<EncryptedFact>().await?, scene.see::<VersionsFact>().await?);
    let Some(used) = encrypted.now.as_ref().and_then(|now| now.in_use.as_ref()) else { return Ok(Vec::new()) };
    let Some(at) = versions.all.iter().position(|v| v.id.same_version(used)) else { return Ok(Vec::new()) };
    let newer = versions.all.iter().take(at).filter(|v| v.enabled);
    Ok(newer.map(|v| (v.id.to_string(), v.created)).collect())
}

async fn follows(scene: &Scene) -> Result<bool, Blind> {
    let encrypted = scene.see::<EncryptedFact>().await?;
    let now = encrypted.now.as_ref().ok_or_else(Blind::no_key)?;
    Ok(now.follows())
}

async fn behind(scene: &Scene) -> Judged {
    if !follows(scene).await? {
        return Ok(None);
    }
    let newer = newer(scene).await?;
    let Some(since) = newer.last().and_then(|(_, created)| *created) else { return Ok(None) };
    if scene.now() - since <= LAG {
        return Ok(None);
    }
    let versions = scene.see::<VersionsFact>().await?;
    let newest = newer.first().map(|(id, _)| id.clone()).unwrap_or_default();
    Ok(Some(
        Case::new(format!(
            "{} enabled version(s) are newer than the one in use, since {}; it should have moved within the hour",
            newer.len(),
            when(since)
        ))
        .seen(&versions, format!("newest {newest}"))
        .order(Repair::new(scene.registry().clone()), command(scene, "repair", "")),
    ))
}

async fn pinned(scene: &Scene) -> Judged {
    if follows(scene).await? {
        return Ok(None);
    }
    let encrypted = scene.see::<EncryptedFact>().await?;
    let now = encrypted.now.as_ref().ok_or_else(Blind::no_key)?;
    Ok(Some(
        Case::new(format!("keyIdentifier is {}: a new version is used only after a rotate", now.key))
            .seen(&encrypted, "keyIdentifier with a version")
            .line(command(scene, "rotate", "--keep-version --versionless")),
    ))
}

async fn pinned_behind(scene: &Scene) -> Judged {
    if follows(scene).await? {
        return Ok(None);
    }
    let newer = newer(scene).await?;
    let Some((newest, _)) = newer.first() else { return Ok(None) };
    let versions = scene.see::<VersionsFact>().await?;
    let case = Case::new(format!("{} enabled version(s) are newer; the newest is {newest}", newer.len()))
        .seen(&versions, format!("newest {newest}"));
    Ok(Some(match newest.parse() {
        Ok(key) => case.order(
            Rotate::new(scene.registry().clone()).to_version(key),
            command(scene, "rotate", &format!("--to-version {newest}")),
        ),
        Err(_) => case,
    }))
}

async fn old(scene: &Scene) -> Judged {
    let versions = scene.see::<VersionsFact>().await?;
    let Some(newest) = versions.newest() else { return Ok(None) };
    let Some(created) = newest.created.filter(|c| scene.now() - *c > scene.asked().key_age) else { return Ok(None) };
    let days = (scene.now() - created).whole_days();
    Ok(Some(
        Case::new(format!(
            "{} was made {days} days ago; {} are allowed",
            newest.id,
            scene.asked().key_age.as_secs() / (24 * 3600)
        ))
        .seen(&versions, format!("created {}", when(created)))
        .order(Rotate::new(scene.registry().clone()).grant_me(), command(scene, "rotate", "--grant-me")),
    ))
}

const SOON: Duration = Duration::days(30);

async fn expires_soon(scene: &Scene) -> Judged {
    let (key, version) = version(scene).await?;
    let now = scene.now();
    let Some(at) = version.expires.filter(|at| *at > now && *at - now < SOON) else { return Ok(None) };
    Ok(Some(
        Case::new(format!("{} expires on {}, in {} days", version.id, when(at), (at - now).whole_days()))
            .seen(&key, format!("attributes.exp {}", when(at)))
            .order(Rotate::new(scene.registry().clone()).grant_me(), command(scene, "rotate", "--grant-me")),
    ))
}

async fn purge(scene: &Scene) -> Judged {
    let vault = scene.see::<VaultFact>().await?;
    let (id, facts, _) = vault.there()?;
    Ok((!facts.purge_protected).then(|| {
        Case::new(format!("whoever may purge in {} can make the images unreadable for good", id.name()))
            .seen(&vault, "enablePurgeProtection is not true")
            .line(format!("az keyvault update --ids {id} --enable-purge-protection true"))
            .words("it cannot be taken back")
    }))
}

async fn retention(scene: &Scene) -> Judged {
    let vault = scene.see::<VaultFact>().await?;
    let (id, facts, _) = vault.there()?;
    let Some(days) = facts.retention_days.filter(|d| *d < 30) else { return Ok(None) };
    Ok(Some(
        Case::new(format!("{} keeps what is deleted for {days} days, which was fixed when it was made", id.name()))
            .seen(&vault, format!("softDeleteRetentionInDays {days}"))
            .words("watch for deletions (Event Grid, Activity Log), or move the key to another vault: `cmk rotate --to-version KEY`"),
    ))
}
