use crate::{
    azure::resources::is,
    diagnosis::{Area, Case, Cause, Judged, Scene, Severity, When, cause::pages, facts::ReplicasFact},
};

pub(super) const CAUSES: &[Cause] = &[
    Cause::new("replica-failed", Area::Network, Severity::Broken, "the registry in another region has failed", |s| {
        Box::pin(failed(s))
    })
    .rules(&["R-CMK-33", "R-DP-23"])
    .page(pages::REPLICATION)
    .when(When::Both),
    Cause::new(
        "replica-not-serving",
        Area::Network,
        Severity::Advice,
        "clients are not sent to the registry in another region",
        |s| Box::pin(not_serving(s)),
    )
    .rules(&["R-CMK-33"])
    .page(pages::REPLICATION),
];

async fn failed(scene: &Scene) -> Judged {
    let replicas = scene.see::<ReplicasFact>().await?;
    let bad: Vec<_> =
        replicas.all.iter().filter(|r| is(r.properties.provisioning_state.as_deref(), "Failed")).collect();
    let Some(first) = bad.first() else { return Ok(None) };
    let told: Vec<_> = bad
        .iter()
        .map(|r| {
            let why = r.properties.status.as_ref().and_then(|s| s.message.clone()).unwrap_or_default();
            format!("{} {why}", r.name.as_deref().unwrap_or_default()).trim().to_owned()
        })
        .collect();
    let (name, region) = (scene.registry().name(), first.name.as_deref().unwrap_or_default());
    Ok(Some(
        Case::new(told.join(", "))
            .seen(&replicas, format!("replications/{region}: provisioningState Failed"))
            .line(format!("az acr replication delete -r {name} -n {region}"))
            .line(format!("az acr replication create -r {name} -l {region}"))
            .words("with private endpoints, each of their subnets needs a free address for a region more"),
    ))
}

async fn not_serving(scene: &Scene) -> Judged {
    let replicas = scene.see::<ReplicasFact>().await?;
    let off: Vec<_> = replicas.all.iter().filter(|r| r.properties.region_endpoint_enabled == Some(false)).collect();
    let names: Vec<_> = off.iter().filter_map(|r| r.name.as_deref()).collect();
    let Some(first) = names.first() else { return Ok(None) };
    Ok(Some(
        Case::new(format!("{}: regionEndpointEnabled is false; its clients go to another region", names.join(", ")))
            .seen(&replicas, format!("replications/{first}: regionEndpointEnabled false"))
            .line(format!(
                "az acr replication update -r {} -n {first} --region-endpoint-enabled true",
                scene.registry().name()
            )),
    ))
}
