use crate::{
    azure::registries::KeyIdentity,
    diagnosis::{
        Area, Blind, Case, Cause, Judged, KeyUse, Scene, Severity,
        cause::pages,
        causes::key::BARRED,
        facts::{EncryptedFact, LoginEventsFact, RefusedEvent, RepositoryEventsFact, VaultAuditFact},
    },
    engine::error::when,
    workflows::repair::Repair,
};

pub(crate) const CAUSES: &[Cause] = &[
    Cause::new(
        "vault-refusals-logged",
        Area::Key,
        Severity::Broken,
        "the vault's log says that the registry's identity was refused the key",
        |s| Box::pin(vault_refusals(s)),
    )
    .rules(&["R-ERR-01", "R-KV-17", "R-CMK-40"])
    .page(pages::VAULT_LOGS)
    .follows(BARRED),
    Cause::new("logins-refused", Area::Logs, Severity::Risk, "logins were refused in the last day", |s| {
        Box::pin(logins(s))
    })
    .rules(&["R-DP-24"])
    .page(pages::MONITOR),
    Cause::new(
        "pulls-refused",
        Area::Logs,
        Severity::Risk,
        "calls of repositories were refused in the last day",
        |s| Box::pin(pulls(s)),
    )
    .rules(&["R-DP-24"])
    .page(pages::MONITOR),
];

/// The registry's own last words with its key: a refusal, unless a later call went well.
fn last_refusal<'u>(uses: &[&'u KeyUse]) -> Option<&'u KeyUse> {
    let refused = uses.iter().filter(|u| u.is_refused()).max_by_key(|u| u.last)?;
    let well = uses.iter().filter(|u| u.status.is_some_and(|s| s < 400)).map(|u| u.last).max();
    well.is_none_or(|well| well < refused.last).then_some(*refused)
}

async fn vault_refusals(scene: &Scene) -> Judged {
    let (encrypted, audit) = (scene.see::<EncryptedFact>().await?, scene.see::<VaultAuditFact>().await?);
    let Some(now) = &encrypted.now else { return Err(Blind::no_key()) };
    let principal = now.principal_of(&now.identity).map(|p| p.to_string());
    let application = match &now.identity {
        KeyIdentity::User(client) => Some(client.to_string()),
        KeyIdentity::System => None,
    };
    let is = |id: &Option<String>, said: &str| id.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(said));
    let by_it = |u: &&KeyUse| is(&principal, &u.principal) || is(&application, &u.application);
    let mine: Vec<&KeyUse> = audit.uses.iter().filter(by_it).collect();
    let Some(refused) = last_refusal(&mine) else { return Ok(None) };
    let firewall = ["not a trusted service", "not from a trusted service"].iter().any(|t| refused.said.contains(t));
    let proof = if firewall { ": it was the vault's firewall, and no missing right" } else { "" };
    let id = scene.registry();
    let case = Case::new(format!(
        "{} was refused {} times, last at {}: {}{proof}",
        refused.operation,
        refused.times,
        when(refused.last),
        if refused.said.is_empty() { "no reason is logged" } else { &refused.said },
    ))
    .seen(&audit, format!("{refused}, from {}", refused.address))
    .order(Repair::new(id.clone()), format!("cmk repair {id}"));
    Ok(Some(case.words("after a change of the vault's network the registry may go on as before until it is repaired")))
}

/// The worst, who and from where.
fn told(refused: &[RefusedEvent], one: impl Fn(&RefusedEvent) -> String) -> String {
    const SHOWN: usize = 5;
    let mut all: Vec<String> = refused.iter().take(SHOWN).map(one).collect();
    if let Some(more) = refused.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        all.push(format!("and {more} more"));
    }
    all.join("; ")
}

fn who(e: &RefusedEvent) -> String {
    let who = if e.identity.is_empty() { "nobody by name" } else { &e.identity };
    let last = e.last.map(|at| format!(", last at {}", when(at))).unwrap_or_default();
    format!("{who} from {}, {} times with {}{last}", e.address, e.times, e.status)
}

fn times(refused: &[RefusedEvent]) -> u64 {
    refused.iter().map(|e| e.times).fold(0, u64::saturating_add)
}

async fn logins(scene: &Scene) -> Judged {
    let events = scene.see::<LoginEventsFact>().await?;
    if events.refused.is_empty() {
        return Ok(None);
    }
    let id = scene.registry();
    Ok(Some(
        Case::new(told(&events.refused, who))
            .seen(&events, format!("{} logins with another result than 200", times(&events.refused)))
            .words("401: a wrong or outdated secret, token or user; 403: an address that the registry's network rules refuse")
            .line(format!("cmk diagnose {id} --principal PRINCIPAL")),
    ))
}

async fn pulls(scene: &Scene) -> Judged {
    let events = scene.see::<RepositoryEventsFact>().await?;
    if events.refused.is_empty() {
        return Ok(None);
    }
    let one = |e: &RefusedEvent| format!("{} of {} by {}", e.operation, e.repository, who(e));
    let id = scene.registry();
    Ok(Some(
        Case::new(told(&events.refused, one))
            .seen(&events, format!("{} calls with 40x", times(&events.refused)))
            .words("401: the login does not reach so far; 403: the key, the network rules or a lock of the repository")
            .line(format!("cmk diagnose {id} --principal PRINCIPAL")),
    ))
}
