use crate::{
    azure::{activity_log::KEPT, registries::KeyIdentity},
    diagnosis::{
        Area, Blind, Case, Cause, Judged, Scene, Severity, When,
        cause::pages,
        facts::{ActivityFact, EncryptedFact, RegistryFact},
    },
    engine::error::when,
    workflows::reassign::Reassign,
};
use time::{Duration, OffsetDateTime};

pub(crate) const CAUSES: &[Cause] = &[
    Cause::new(
        "identity-at-risk",
        Area::Key,
        Severity::Risk,
        "somebody tried to take away the identity that unwraps the key, which stops its renewal",
        |s| Box::pin(at_risk(s)),
    )
    .rules(&["R-CMK-21", "R-CMK-20", "R-FL-08"])
    .page(pages::TROUBLE)
    .when(When::Both),
    Cause::new(
        "feature-lost-trust",
        Area::Key,
        Severity::Advice,
        "content trust is switched on, which does not go with a customer-managed key",
        |s| Box::pin(trust(s)),
    )
    .rules(&["R-CMK-32", "R-ERR-07"])
    .page(pages::CMK)
    .when(When::Both),
];

/// How long after the attempt the identity runs out; "usually three months" is all that is documented (R-CMK-21).
const RUNS_OUT: Duration = Duration::days(90);
const WRITE: &str = "Microsoft.ContainerRegistry/registries/write";

async fn at_risk(scene: &Scene) -> Judged {
    let encrypted = scene.see::<EncryptedFact>().await?;
    let Some(now) = &encrypted.now else { return Err(Blind::no_key()) };
    let activity = scene.see::<ActivityFact>().await?;
    let writes = || activity.events.iter().filter(|e| e.is_of(WRITE));
    let refused = |e: &crate::azure::activity_log::ActivityEvent| e.refusal().filter(|r| r.identity_not_attached());
    let attempts: Vec<_> = writes().filter_map(|e| Some((e.at()?, e, refused(e)?))).collect();
    let Some((at, event, refusal)) = attempts.iter().max_by_key(|(at, ..)| *at) else { return Ok(None) };
    // Whatever was written since has assigned the identity again, as far as the log can tell.
    if writes().filter(|e| e.succeeded()).filter_map(|e| e.at()).any(|after| after > *at) {
        return Ok(None);
    }
    let (ends, today): (OffsetDateTime, _) = (at.saturating_add(RUNS_OUT), scene.now());
    let left = match (ends - today).whole_days() {
        days if ends > today => format!("in {days} days"),
        _ => "which is past".to_owned(),
    };
    let who = event.caller.as_deref().unwrap_or("somebody");
    let case = Case::new(format!(
        "on {} {who} tried to take {} off the registry, and was refused; images are served until about {}, {left}",
        when(*at),
        now.identity,
        when(ends)
    ))
    .seen(
        &activity,
        format!(
            "{WRITE} failed at {} ({} such events in {} days): {}",
            when(*at),
            attempts.len(),
            KEPT.whole_days(),
            refusal.message
        ),
    )
    .inferred("the identity is assumed to run out 90 days after the attempt; no later write of the registry is logged");
    let id = scene.registry();
    Ok(Some(match now.identity {
        KeyIdentity::User(_) => case.order(Reassign::new(id.clone()), format!("cmk reassign {id}")),
        KeyIdentity::System => case.support(format!(
            "to renew the system-assigned identity of {id}, which somebody tried to switch off at {} (R-CMK-23)",
            when(*at)
        )),
    }))
}

async fn trust(scene: &Scene) -> Judged {
    let encrypted = scene.see::<EncryptedFact>().await?;
    if encrypted.now.is_none() {
        return Err(Blind::no_key());
    }
    let registry = scene.see::<RegistryFact>().await?;
    let on = registry.body.whole()["properties"]["policies"]["trustPolicy"]["status"].as_str();
    Ok(on.is_some_and(|s| s.eq_ignore_ascii_case("enabled")).then(|| {
        let id = scene.registry();
        Case::new("signed tags cannot be pushed to a registry with a customer-managed key")
            .seen(&registry, "policies.trustPolicy.status enabled")
            .line(format!("az acr config content-trust update --registry {} --status disabled", id.name()))
            .words("sign images with Notation instead, whose signatures are artifacts beside them")
    }))
}
