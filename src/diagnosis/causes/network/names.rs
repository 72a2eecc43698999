use super::shown;
use crate::diagnosis::{
    Area, Blind, Case, Cause, Judged, Scene, Severity, Unresolved,
    cause::pages,
    facts::{Door, DoorFact, EndpointsFact, NameFound, NamesFact, RegistryFact, is_private},
};

/// What of a zone makes names come to nothing, or to something else.
const ZONES: &[&str] = &["private-dns-not-linked", "private-dns-record-missing", "private-dns-record-wrong"];

pub(super) const CAUSES: &[Cause] = &[
    Cause::new("dns-unresolved", Area::Network, Severity::Broken, "the registry's name has no address here", |s| {
        Box::pin(unresolved(s))
    })
    .rules(&["R-DP-11", "R-DP-25"])
    .page(pages::CODES)
    .follows(&["private-dns-record-missing", "wrong-cloud"]),
    Cause::new(
        "data-endpoint-unresolved",
        Area::Network,
        Severity::Broken,
        "a data endpoint's name has no address here: logins pass, and pulls do not",
        |s| Box::pin(data_unresolved(s)),
    )
    .rules(&["R-DP-23", "R-DP-25"])
    .page(pages::ACCESS)
    .follows(&["data-endpoint-record-missing", "replica-record-missing"]),
    Cause::new(
        "dns-public-despite-endpoint",
        Area::Network,
        Severity::Broken,
        "the registry is to be reached by its private endpoint alone, and its name leads to a public address here",
        |s| Box::pin(public(s)),
    )
    .rules(&["R-DP-21", "R-DP-23"])
    .page(pages::PRIVATE_LINK)
    .follows(ZONES),
    Cause::new(
        "dns-private-elsewhere",
        Area::Network,
        Severity::Broken,
        "the registry's name leads to a private address here that is none of its private endpoints'",
        |s| Box::pin(elsewhere(s)),
    )
    .rules(&["R-DP-23"])
    .page(pages::PRIVATE_LINK)
    .follows(&[
        "private-dns-record-wrong",
        "private-endpoint-disconnected",
        "private-endpoint-pending",
        "private-endpoint-rejected",
    ]),
];

fn cannot_ask(name: &NameFound) -> Result<(), Blind> {
    match &name.found {
        Err(Unresolved::CannotAsk(why)) => Err(Blind::failed(format!("{}: {why}", name.host))),
        _ => Ok(()),
    }
}

async fn unresolved(scene: &Scene) -> Judged {
    let names = scene.see::<NamesFact>().await?;
    let Some(server) = names.all.first() else { return Ok(None) };
    cannot_ask(server)?;
    Ok(server.is_nothing().then(|| {
        Case::new(format!("{}; az calls it CONNECTIVITY_DNS_ERROR", server.shown()))
            .shows(server.shown())
            .words("see that this machine's name servers know it: those of a network with a private endpoint have to know the private zone")
            .line(format!("nslookup {}", server.host))
    }))
}

async fn data_unresolved(scene: &Scene) -> Judged {
    let names = scene.see::<NamesFact>().await?;
    let data: Vec<_> = names.all.iter().skip(1).collect();
    // Where not even the registry has an address, that is the trouble.
    if names.all.first().is_some_and(NameFound::is_nothing) {
        return if data.is_empty() { Ok(None) } else { Err(Blind::masked("dns-unresolved")) };
    }
    let gone: Vec<_> = data.iter().filter(|n| n.is_nothing()).collect();
    let Some(first) = gone.first() else {
        data.iter().try_for_each(|n| cannot_ask(n))?;
        return Ok(None);
    };
    let mut case = Case::new(shown(gone.iter().map(|n| n.shown())));
    for name in &gone {
        case = case.shows(name.shown());
    }
    Ok(Some(
        case.words("have a record for each data endpoint where this machine asks, beside the registry's own")
            .line(format!("nslookup {}", first.host)),
    ))
}

async fn public(scene: &Scene) -> Judged {
    let registry = scene.see::<RegistryFact>().await?;
    if registry.body.has_public_access() {
        return Ok(None);
    }
    let (names, endpoints) = futures::future::try_join(scene.see::<NamesFact>(), scene.see::<EndpointsFact>()).await?;
    if endpoints.approved().next().is_none() {
        return Ok(None);
    }
    let out = |n: &&NameFound| !n.addresses().is_empty() && !n.addresses().iter().any(is_private);
    let mut wrong = Vec::new();
    for name in names.all.iter().filter(out) {
        // Networks of one's own may have addresses that are public elsewhere.
        let inside = endpoints.addresses(&name.host).unwrap_or_default();
        if !name.addresses().iter().any(|a| inside.contains(a)) {
            wrong.push((name, inside));
        }
    }
    let Some((first, _)) = wrong.first() else {
        names.all.iter().try_for_each(cannot_ask)?;
        return Ok(None);
    };
    let told =
        wrong.iter().map(|(n, inside)| format!("{}, the endpoint's address is {}", n.shown(), shown(inside.iter())));
    Ok(Some(
        Case::new(shown(told))
            .seen(&registry, "publicNetworkAccess Disabled")
            .seen(&endpoints, "addresses of the private endpoints")
            .shows(first.shown())
            .inferred("this machine stands outside of the endpoint's networks, or asks name servers that do not know the private zone; which of both cannot be told here")
            .words("from outside, go in: a machine in the network, a VPN, a peering whose name servers know the private zone")
            .line(format!("nslookup {}", first.host)),
    ))
}

async fn elsewhere(scene: &Scene) -> Judged {
    let (names, endpoints) = futures::future::try_join(scene.see::<NamesFact>(), scene.see::<EndpointsFact>()).await?;
    let mut wrong = Vec::new();
    for name in names.all.iter().filter(|n| n.addresses().iter().any(is_private)) {
        let inside = endpoints.addresses(&name.host)?;
        if !name.addresses().iter().any(|a| inside.contains(a)) {
            wrong.push((name, inside));
        }
    }
    let Some((first, _)) = wrong.first() else { return Ok(None) };
    // Somebody may well have put a way in of their own there.
    let server = names.all.first().is_some_and(|n| n.host == first.host);
    if server && scene.see::<DoorFact>().await.is_ok_and(|d| matches!(d.said, Door::Challenge(_))) {
        return Ok(None);
    }
    let told = wrong.iter().map(|(n, inside)| format!("{}, the endpoints have {}", n.shown(), shown(inside.iter())));
    Ok(Some(
        Case::new(shown(told))
            .seen(&endpoints, "addresses of the private endpoints")
            .shows(first.shown())
            .words("take the stale record away where this machine asks: a private zone, a name server of one's own, a hosts file")
            .line(format!("nslookup {}", first.host)),
    ))
}
