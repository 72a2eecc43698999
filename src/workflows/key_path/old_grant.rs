//! What the identity that used a key may still do with it.

use super::Access;
use crate::{
    azure::{
        Reader,
        id::{KeyId, PrincipalId, RegistryId, VaultId},
        role_assignments::{KeptAssignment, PrincipalType},
        vaults::ENCRYPTION_USER_PERMISSIONS,
    },
    checks::{Check, Encrypted, GrantModel, GrantsHeld, Held, Needed, NeededBy},
    engine::{error::Result, journal::journaled, step::Known},
    steps::{SetAssignment, Withdraw},
};
use serde::{Deserialize, Serialize};

/// What the identity that used a key may still do with it once its registry is off it: taken away when asked and when no
/// registry found needs it, else named (R-CMK-16). `goes_on`: the key that the registry is to use with the same identity.
pub(crate) async fn old_grant(
    access: Access<'_>,
    now: &Encrypted,
    remove: bool,
    goes_on: Option<&KeyId>,
    after: Known<()>,
) -> Result<()> {
    let Some(principal) = now.principal_of(&now.identity) else { return Ok(()) };
    let cx = access.cx;
    let key = now.key.versionless();
    let seen = async |look: Reader| old_grant_seen(&look, access.registry, &key, &principal, goes_on).await;
    let Seen { vault, held, others } = if remove {
        let subject = format!("{key} {principal}");
        cx.decide("old-grant", &subject, |look| async move { seen(look).await }).await?
    } else {
        // Named only, so that it cannot be seen is no reason to fail.
        match cx.peek(|look| async move { Ok(seen(look).await) }).await? {
            Some(Ok(seen)) => seen,
            Some(Err(e)) => {
                cx.note(format!("what {principal} may still do with {key} is unknown: {e}"));
                return Ok(());
            }
            None => return Ok(()),
        }
    };
    let Some(vault) = vault else {
        cx.note(format!("what {principal} may still do with {key} is unknown: its vault is not found"));
        return Ok(());
    };
    if !held.any() {
        return Ok(());
    }
    if !others.is_empty() || !remove {
        let why = if others.is_empty() {
            "take it away with `--remove-old-grant`, or by hand".to_owned()
        } else {
            format!("it is left, as {} may use it", others.join(", "))
        };
        cx.note(format!("{principal} keeps its right to use {key}: {why}"));
        return Ok(());
    }
    for assignment in held.assignments {
        let (look_in, may_lose) = (Vec::new(), Vec::new());
        cx.step(SetAssignment { assignment, present: false, look_in, may_lose, after: Some(after.clone()) }).await?;
    }
    if !held.policy.is_empty() {
        let keys = ENCRYPTION_USER_PERMISSIONS.map(String::from).to_vec();
        let tenant = Some(cx.caller().await?.tenant);
        let what = GrantModel::Policy { vault, keys };
        let (principal, principal_type) = (Known::Now(principal), PrincipalType::ServicePrincipal);
        let (look_in, may_lose, of_caller) = (Vec::new(), Vec::new(), false);
        let after = Some(after);
        cx.step(Withdraw { principal, principal_type, tenant, what, look_in, may_lose, of_caller, after }).await?;
    }
    Ok(())
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Seen {
    vault: Option<VaultId>,
    held: Held,
    others: Vec<String>,
}

journaled!(Seen);

async fn old_grant_seen(
    look: &Reader,
    registry: &RegistryId,
    key: &KeyId,
    principal: &PrincipalId,
    goes_on: Option<&KeyId>,
) -> Result<Seen> {
    let subscription = *registry.subscription();
    let vault = look.find_vault(&subscription, key.host().label()).await?;
    let Some(vault) = vault else { return Ok(Seen { vault: None, held: Held::default(), others: Vec::new() }) };
    let check = GrantsHeld { principal: *principal, key: key.clone(), vault: vault.clone() };
    let held = check.look(look).await?;
    // As the steps that take it will ask: a right may reach further than this key.
    let by_role = |a: &KeptAssignment| Needed::by_role(&a.role, &a.scope, *principal, look.cloud());
    let mut rights: Vec<Needed> = held.assignments.iter().filter_map(by_role).collect();
    if !held.policy.is_empty() {
        let keys = ENCRYPTION_USER_PERMISSIONS.map(String::from);
        rights.extend(Needed::by_policy(&vault, &keys, *principal, look.cloud()));
    }
    let mut others = Vec::new();
    for what in rights {
        if goes_on.is_some_and(|goes_on| what.lets(principal, goes_on)) {
            others.push(registry.to_string());
        }
        let need = NeededBy { what, look_in: vec![subscription], may_lose: vec![registry.clone()] }.look(look).await?;
        others.extend(need.by);
        others.extend(need.unknown.iter().map(|why| format!("registries that cannot be listed ({why})")));
    }
    others.sort_unstable();
    others.dedup();
    Ok(Seen { vault: Some(vault), held, others })
}
