use super::{command, mended};
use crate::{
    diagnosis::{
        Area, Case, Cause, Judged, Looked, Scene, Severity, When,
        cause::pages,
        facts::{EncryptedFact, GrantFact, VaultFact},
    },
    workflows::recover::Recover,
};
use time::Duration;

/// What of a key's vault closes it, before any grant is asked for.
const CLOSED: &[&str] = &["vault-perimeter", "vault-public-access-off", "vault-firewall", "vault-other-tenant"];

pub(crate) const CAUSES: &[Cause] = &[
    Cause::new(
        "grant-in-other-model",
        Area::Key,
        Severity::Broken,
        "the identity's right is written down in the permission model that the vault does not use",
        |s| Box::pin(other_model(s)),
    )
    .rules(&["R-KV-31", "R-ERR-01"])
    .page(pages::VAULT_RBAC)
    .when(When::Both),
    Cause::new("grant-missing", Area::Key, Severity::Broken, "the identity has no right to the key", |s| {
        Box::pin(missing(s))
    })
    .rules(&["R-CMK-08", "R-ERR-01"])
    .page(pages::ENABLE)
    .when(When::Both),
    Cause::new(
        "grant-incomplete",
        Area::Key,
        Severity::Broken,
        "the identity's access policy lacks a permission that the registry needs",
        |s| Box::pin(incomplete(s)),
    )
    .rules(&["R-CMK-08"])
    .page(pages::ENABLE)
    .when(When::Both),
    Cause::new("grant-young", Area::Key, Severity::Risk, "the identity's right is too new to be relied on", |s| {
        Box::pin(young(s))
    })
    .rules(&["R-RBAC-01"])
    .page(pages::RBAC_TROUBLE)
    .follows(CLOSED),
    Cause::new(
        "grant-too-wide",
        Area::Key,
        Severity::Advice,
        "the identity may use more keys, or do more with them, than the registry needs",
        |s| Box::pin(wide(s)),
    )
    .rules(&["R-FL-08", "R-CMK-08"])
    .page(pages::VAULT_RBAC)
    .when(When::Audit),
    Cause::new(
        "vault-leftover-policies",
        Area::Key,
        Severity::Advice,
        "the vault uses roles, and still holds access policies that count for nothing",
        |s| Box::pin(leftover(s)),
    )
    .rules(&["R-FL-08", "R-KV-31"])
    .page(pages::VAULT_RBAC)
    .when(When::Audit),
];

async fn again(scene: &Scene, grant: &GrantFact, case: Case) -> Looked<Case> {
    let (vault, encrypted) = (scene.see::<VaultFact>().await?, scene.see::<EncryptedFact>().await?);
    let (id, ..) = vault.there()?;
    let Some(now) = &encrypted.now else { return Ok(case) };
    let principal = grant.principal;
    let line = if grant.by_roles {
        format!(
            "az role assignment create --assignee-object-id {principal} --assignee-principal-type ServicePrincipal --role \
             \"Key Vault Crypto Service Encryption User\" --scope {id}/keys/{}",
            now.key.name()
        )
    } else {
        let (name, keys) = (id.name(), "get wrapKey unwrapKey");
        format!("az keyvault set-policy --name {name} --object-id {principal} --key-permissions {keys}")
    };
    Ok(mended(scene, case, Recover::new(scene.registry().clone()), command(scene, "recover", ""), line))
}

fn model(grant: &GrantFact) -> &'static str {
    if grant.by_roles { "roles (Azure RBAC)" } else { "access policies" }
}

async fn other_model(scene: &Scene) -> Judged {
    let grant = scene.see::<GrantFact>().await?;
    if grant.holds() || !grant.in_other_model() || !grant.unknown_roles.is_empty() {
        return Ok(None);
    }
    let other = if grant.by_roles { "an access policy" } else { "a role" };
    let case = Case::new(format!("principal {} has {other}, and the vault uses {}", grant.principal, model(&grant)))
        .seen(&grant, format!("enableRbacAuthorization {}", grant.by_roles));
    Ok(Some(again(scene, &grant, case).await?))
}

async fn missing(scene: &Scene) -> Judged {
    let grant = scene.see::<GrantFact>().await?;
    let some = if grant.by_roles { grant.holds() } else { grant.policy.is_some() };
    if some || grant.in_other_model() {
        return Ok(None);
    }
    if grant.by_roles && !grant.unknown_roles.is_empty() {
        return Err(crate::diagnosis::Blind::beyond(format!(
            "whether a role that this program does not know lets principal {} unwrap: {}",
            grant.principal,
            grant.unknown_roles.join(", ")
        )));
    }
    let case = Case::new(format!(
        "the vault uses {}, and principal {} has none there that unwraps its keys",
        model(&grant),
        grant.principal
    ))
    .seen(&grant, if grant.by_roles { "no such role assignment at the key or above it" } else { "no access policy" });
    Ok(Some(again(scene, &grant, case).await?))
}

async fn incomplete(scene: &Scene) -> Judged {
    let grant = scene.see::<GrantFact>().await?;
    let lacks = grant.lacks();
    let Some(held) = grant.policy.as_ref().filter(|_| !grant.by_roles && !lacks.is_empty()) else { return Ok(None) };
    let case = Case::new(format!("the policy of principal {} lacks {}", grant.principal, lacks.join(", ")))
        .seen(&grant, format!("permissions.keys: {}", held.join(", ")));
    Ok(Some(again(scene, &grant, case).await?))
}

/// How long a role may take to be in effect, with a margin (R-RBAC-01).
const SURE: Duration = Duration::minutes(15);

async fn young(scene: &Scene) -> Judged {
    let grant = scene.see::<GrantFact>().await?;
    if !grant.by_roles {
        return Ok(None);
    }
    // The oldest one counts: it was there before.
    let oldest = grant.roles.iter().filter(|g| !g.conditional).filter_map(|g| g.since).min();
    let Some(age) = oldest.map(|since| scene.now() - since).filter(|age| *age < SURE) else { return Ok(None) };
    let left = SURE.saturating_sub(age).whole_minutes() + 1;
    Ok(Some(
        Case::new(format!(
            "the role of principal {} was assigned {} min ago; that can take up to {} min to take effect",
            grant.principal,
            age.whole_minutes().max(0),
            SURE.whole_minutes()
        ))
        .seen(&grant, format!("updatedOn {} min ago", age.whole_minutes().max(0)))
        .wait(format!("{left} min, then look again")),
    ))
}

async fn wide(scene: &Scene) -> Judged {
    let grant = scene.see::<GrantFact>().await?;
    let (vault, encrypted) = (scene.see::<VaultFact>().await?, scene.see::<EncryptedFact>().await?);
    let (id, ..) = vault.there()?;
    let Some(now) = &encrypted.now else { return Ok(None) };
    if !grant.by_roles {
        let held = grant.policy.as_deref().unwrap_or_default();
        let more: Vec<_> = held
            .iter()
            .filter(|p| !["get", "wrapKey", "unwrapKey"].iter().any(|n| n.eq_ignore_ascii_case(p)))
            .cloned()
            .collect();
        return Ok((!more.is_empty()).then(|| {
            Case::new(format!("its access policy also gives {}", more.join(", ")))
                .seen(&grant, format!("permissions.keys: {}", held.join(", ")))
                .words("get, wrapKey and unwrapKey are enough")
        }));
    }
    let key = id.resource().child("keys", now.key.name().as_str()).map_err(crate::engine::error::Error::from)?;
    let encryption_user = crate::azure::role_assignments::roles::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER;
    let more: Vec<_> = grant
        .roles
        .iter()
        .filter(|g| g.role != encryption_user || grant.wide(&key).any(|w| w == *g))
        .map(|g| format!("{} at {}", g.role, g.scope))
        .collect();
    Ok((!more.is_empty()).then(|| {
        Case::new(format!("principal {} has {}", grant.principal, more.join("; "))).seen(&grant, more.join("; ")).words(
            format!(
                "the role Key Vault Crypto Service Encryption User at {key} is enough; take the wider one away after"
            ),
        )
    }))
}

async fn leftover(scene: &Scene) -> Judged {
    let vault = scene.see::<VaultFact>().await?;
    let (id, facts, body) = vault.there()?;
    let policies = body.properties.access_policies.len();
    Ok((facts.by_roles && policies > 0).then(|| {
        Case::new(format!(
            "{} holds {policies} access policies, which would count again if its model were switched",
            id.name()
        ))
        .seen(&vault, format!("enableRbacAuthorization true, {policies} accessPolicies"))
        .words("take them away, if nobody means to switch the model back")
    }))
}
