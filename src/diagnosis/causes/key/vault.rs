use super::{command, mended};
use crate::{
    azure::{id::VaultId, vaults::Firewall},
    checks::VaultFound,
    diagnosis::{
        Area, Case, Cause, Judged, Scene, Severity, When,
        cause::pages,
        facts::{EncryptedFact, VaultFact},
    },
    workflows::{bypass::Bypass, recover::Recover},
};

pub(crate) const CAUSES: &[Cause] = &[
    Cause::new("vault-deleted", Area::Key, Severity::Broken, "the key's vault is deleted, and can be recovered", |s| {
        Box::pin(deleted(s))
    })
    .rules(&["R-KV-04", "R-KV-05", "R-CMK-28"])
    .page(pages::SOFT_DELETE)
    .when(When::Both),
    Cause::new(
        "vault-absent",
        Area::Key,
        Severity::Broken,
        "the key's vault is not there, and cannot be recovered",
        |s| Box::pin(absent(s)),
    )
    .rules(&["R-CMK-28", "R-KV-06"])
    .page(pages::SOFT_DELETE)
    .when(When::Both),
    Cause::new(
        "vault-perimeter",
        Area::Key,
        Severity::Broken,
        "a network security perimeter closes the key's vault",
        |s| Box::pin(perimeter(s)),
    )
    .rules(&["R-CMK-39"])
    .page(pages::VAULT_NETWORK),
    Cause::new(
        "vault-public-access-off",
        Area::Key,
        Severity::Broken,
        "the vault's public network access is off, and trusted services are not let through",
        |s| Box::pin(public_access(s)),
    )
    .rules(&["R-CMK-38", "R-CMK-39", "R-KV-40"])
    .page(pages::VAULT_NETWORK)
    .when(When::Both),
    Cause::new(
        "vault-firewall",
        Area::Key,
        Severity::Broken,
        "the vault's firewall is closed, and trusted services are not let through",
        |s| Box::pin(firewall(s)),
    )
    .rules(&["R-CMK-38", "R-KV-40"])
    .page(pages::VAULT_NETWORK)
    .when(When::Both),
    Cause::new("vault-other-tenant", Area::Key, Severity::Broken, "the vault belongs to another tenant", |s| {
        Box::pin(tenant(s))
    })
    .rules(&["R-CMK-41"])
    .page(pages::ENABLE)
    .when(When::Both),
];

async fn deleted(scene: &Scene) -> Judged {
    let vault = scene.see::<VaultFact>().await?;
    let VaultFound::Deleted { vault: id, until, .. } = &vault.found else { return Ok(None) };
    let until = until.as_deref().unwrap_or("its retention ends");
    let case = Case::new(format!(
        "{} is soft-deleted; it can be recovered until {until}, without its role assignments",
        id.name()
    ))
    .seen(&vault, format!("{} among the deleted vaults", id.name()));
    let order = Recover::new(scene.registry().clone()).grant_me();
    let line = format!("az keyvault recover --name {}", id.name());
    Ok(Some(mended(scene, case, order, command(scene, "recover", "--grant-me"), line)))
}

async fn absent(scene: &Scene) -> Judged {
    let vault = scene.see::<VaultFact>().await?;
    if vault.found != VaultFound::Gone {
        return Ok(None);
    }
    let encrypted = scene.see::<EncryptedFact>().await?;
    let label = encrypted.now.as_ref().map(|now| now.key.host().label().to_owned()).unwrap_or_default();
    Ok(Some(
        Case::new(format!(
            "there is no vault {label}, deleted or not, and its name is free: it was purged, or never was. What its key \
             wrapped cannot be read any more"
        ))
        .seen(&vault, format!("{label}: no vault, no deleted vault, name available"))
        .support(format!("whether vault {label} can still be brought back, as it holds the key of a registry")),
    ))
}

async fn perimeter(scene: &Scene) -> Judged {
    let vault = scene.see::<VaultFact>().await?;
    let (id, facts, _) = vault.there()?;
    Ok(facts.in_perimeter.then(|| {
        Case::new(format!("{} is SecuredByPerimeter, which overrides that trusted services may pass", id.name()))
            .seen(&vault, "publicNetworkAccess SecuredByPerimeter")
            .words("have an inbound access rule for the registry's subscription made in the perimeter, or take the vault out of it")
            .line(command(scene, "repair", ""))
    }))
}

async fn public_access(scene: &Scene) -> Judged {
    let vault = scene.see::<VaultFact>().await?;
    let (id, facts, body) = vault.there()?;
    let off = body.properties.public_network_access.as_deref().is_some_and(|p| p.eq_ignore_ascii_case("Disabled"));
    Ok((off && facts.firewall == Firewall::Closed && !facts.in_perimeter).then(|| {
        let case = Case::new(format!("{}: publicNetworkAccess is Disabled and networkAcls.bypass is None", id.name()))
            .seen(&vault, "publicNetworkAccess Disabled, networkAcls.bypass None");
        let_in(scene, case, id)
    }))
}

async fn firewall(scene: &Scene) -> Judged {
    let vault = scene.see::<VaultFact>().await?;
    let (id, facts, body) = vault.there()?;
    let off = body.properties.public_network_access.as_deref().is_some_and(|p| p.eq_ignore_ascii_case("Disabled"));
    Ok((!off && facts.firewall == Firewall::Closed && !facts.in_perimeter).then(|| {
        let case = Case::new(format!("{}: networkAcls.defaultAction is Deny and bypass is None", id.name()))
            .seen(&vault, "networkAcls.defaultAction Deny, bypass None");
        let_in(scene, case, id)
    }))
}

fn let_in(scene: &Scene, case: Case, vault: &VaultId) -> Case {
    let line = format!("cmk vault-network {vault} --trusted-services on");
    mended(scene, case, Bypass::new(scene.registry().clone()), command(scene, "bypass", ""), line)
}

async fn tenant(scene: &Scene) -> Judged {
    let vault = scene.see::<VaultFact>().await?;
    let (id, facts, _) = vault.there()?;
    let caller = scene.see::<crate::diagnosis::facts::CallerFact>().await?;
    let Some(tenant) = facts.tenant.filter(|t| *t != caller.tenant) else { return Ok(None) };
    Ok(Some(
        Case::new(format!("{} is of tenant {tenant}, the registry of {}", id.name(), caller.tenant))
            .seen(&vault, format!("properties.tenantId {tenant}"))
            .inferred("the caller's tenant is taken for the registry's; that such a vault cannot be used is assumed")
            .words(
                "rotate to a key in a vault of the registry's own tenant: `cmk rotate --to-version KEY --vault VAULT`",
            ),
    ))
}
