use crate::{
    azure::id::ResourceId,
    diagnosis::{
        Area, Case, Cause, Judged, Scene, Severity, When,
        cause::pages,
        facts::{EndpointsFact, RegistryFact, StrayEndpointsFact},
    },
};

pub(super) const CAUSES: &[Cause] = &[
    Cause::new(
        "private-endpoint-pending",
        Area::Network,
        Severity::Broken,
        "a private endpoint of the registry waits for approval",
        |s| Box::pin(pending(s)),
    )
    .rules(&["R-DP-23"])
    .page(pages::PRIVATE_LINK)
    .when(When::Both),
    Cause::new(
        "private-endpoint-rejected",
        Area::Network,
        Severity::Broken,
        "a private endpoint of the registry was rejected",
        |s| Box::pin(rejected(s)),
    )
    .rules(&["R-DP-23"])
    .page(pages::PRIVATE_LINK)
    .when(When::Both),
    Cause::new(
        "private-endpoint-disconnected",
        Area::Network,
        Severity::Broken,
        "a private endpoint leads to the registry no more",
        |s| Box::pin(disconnected(s)),
    )
    .rules(&["R-DP-23"])
    .page(pages::PRIVATE_LINK),
];

/// Where another endpoint, or the public address, leads to the registry, the one is not all there is.
async fn weighed(scene: &Scene, case: Case) -> Judged {
    let (registry, endpoints) = (scene.see::<RegistryFact>().await?, scene.see::<EndpointsFact>().await?);
    let other = !registry.body.is_closed() || endpoints.approved().next().is_some();
    Ok(Some(if other { case.severity(Severity::Risk) } else { case }))
}

fn told(id: &ResourceId, said: &str) -> String {
    let said = if said.is_empty() { String::new() } else { format!(" ({said})") };
    format!("{}{said}", id.name())
}

async fn in_state(scene: &Scene, status: &str) -> Result<Option<(Vec<String>, Vec<String>)>, crate::diagnosis::Blind> {
    let endpoints = scene.see::<EndpointsFact>().await?;
    let of: Vec<_> = endpoints.all.iter().filter(|e| e.status.eq_ignore_ascii_case(status)).collect();
    let names = of.iter().map(|e| told(&e.id, &e.said)).collect();
    let connections = of.iter().map(|e| e.connection.clone()).collect();
    Ok((!of.is_empty()).then_some((names, connections)))
}

async fn pending(scene: &Scene) -> Judged {
    let Some((names, connections)) = in_state(scene, "Pending").await? else { return Ok(None) };
    let (id, registry) = (scene.registry(), scene.see::<RegistryFact>().await?);
    let mut case =
        Case::new(format!("{}: nobody has approved the connection, and it carries nothing", names.join(", ")))
            .seen(&registry, "privateLinkServiceConnectionState Pending");
    for connection in connections {
        case = case.line(format!(
            "az acr private-endpoint-connection approve --registry-name {} -g {} --name {connection}",
            id.name(),
            id.group()
        ));
    }
    weighed(scene, case).await
}

async fn rejected(scene: &Scene) -> Judged {
    let Some((names, connections)) = in_state(scene, "Rejected").await? else { return Ok(None) };
    let (id, registry) = (scene.registry(), scene.see::<RegistryFact>().await?);
    let mut case = Case::new(format!("{}: somebody has rejected the connection", names.join(", ")))
        .seen(&registry, "privateLinkServiceConnectionState Rejected");
    for connection in connections {
        case = case.line(format!(
            "az acr private-endpoint-connection approve --registry-name {} -g {} --name {connection}",
            id.name(),
            id.group()
        ));
    }
    weighed(scene, case).await
}

async fn disconnected(scene: &Scene) -> Judged {
    let endpoints = scene.see::<EndpointsFact>().await?;
    let stray = scene.see::<StrayEndpointsFact>().await?;
    let listed = endpoints.all.iter().filter(|e| e.status.eq_ignore_ascii_case("Disconnected")).map(|e| &e.id);
    let ids: Vec<&ResourceId> = listed.chain(&stray.all).collect();
    let Some(first) = ids.first() else { return Ok(None) };
    let names: Vec<_> = ids.iter().map(|id| id.name()).collect();
    let case = Case::new(format!(
        "{}: the registry knows this endpoint no more; its connection was removed, or was another registry's of this name",
        names.join(", ")
    ))
    .seen(&stray, "private endpoints that lead to the registry and are not among its connections")
    .line(format!("az network private-endpoint delete --ids {first}"))
    .words(format!(
        "then make the endpoint again (az network private-endpoint create --private-connection-resource-id {} --group-id \
         registry) and write its new addresses into the private zone",
        scene.registry()
    ));
    weighed(scene, case).await
}
