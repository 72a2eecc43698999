use crate::diagnosis::{
    Area, Blind, BlindKind, Case, Cause, Judged, Scene, Severity,
    cause::pages,
    facts::{ClusterFact, RegistryFact},
};

pub(crate) const CAUSES: &[Cause] = &[
    Cause::new(
        "aks-not-readable",
        Area::Login,
        Severity::Broken,
        "the cluster that is asked about is not there, or the caller may not see it",
        |s| Box::pin(not_readable(s)),
    )
    .rules(&["R-ERR-30", "R-ERR-40"])
    .page(pages::AKS),
    Cause::new(
        "aks-kubelet-missing",
        Area::Login,
        Severity::Broken,
        "the cluster has no identity that its nodes pull with",
        |s| Box::pin(kubelet_missing(s)),
    )
    .rules(&["R-DP-25"])
    .page(pages::AKS),
];

async fn not_readable(scene: &Scene) -> Judged {
    let Some(id) = &scene.asked().aks else { return Ok(None) };
    match scene.see::<ClusterFact>().await {
        Ok(_) => Ok(None),
        Err(Blind { kind: BlindKind::Masked("aks-not-readable"), .. }) => Ok(Some(
            Case::new(format!("{id} does not answer the caller with a cluster"))
                .shows(format!("GET {id} answered 403 or 404"))
                .words(format!("check its name, group and subscription, or have the role Reader on {id}"))
                .line(format!("az aks show --ids {id}")),
        )),
        Err(blind) => Err(blind),
    }
}

async fn kubelet_missing(scene: &Scene) -> Judged {
    let Some(id) = &scene.asked().aks else { return Ok(None) };
    let cluster = scene.see::<ClusterFact>().await?;
    let Some(body) = &cluster.body else { return Ok(None) };
    if body.kubelet().is_some_and(|kubelet| kubelet.principal_id().is_some()) {
        return Ok(None);
    }
    // A cluster of the older kind pulls with a service principal, which it names by its client id only.
    if let Some(client) = body.service_principal() {
        return Err(Blind::beyond(format!(
            "{} pulls with the service principal of client id {client}: ask again with its object id as principal",
            id.name()
        )));
    }
    let registry = scene.see::<RegistryFact>().await?;
    let group = id.resource_group().map(ToString::to_string).unwrap_or_default();
    Ok(Some(
        Case::new(format!("{} names no kubelet identity, and no service principal", id.name()))
            .seen(&cluster, "identityProfile has no kubeletidentity")
            .line(format!(
                "az aks update --resource-group {group} --name {} --enable-managed-identity --attach-acr {}",
                id.name(),
                registry.body.id.clone().unwrap_or_else(|| scene.registry().to_string())
            )),
    ))
}
