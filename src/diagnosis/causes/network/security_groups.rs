use super::reach::{Target, has_https, is_from};
use crate::{
    azure::{
        networks::{SecurityGroup, SecurityRule},
        resources::is,
    },
    diagnosis::{
        Area, Blind, Case, Cause, Judged, Looked, Scene, Severity,
        cause::pages,
        facts::{EndpointsFact, RegistryFact, Role, ServerFact, SubnetSeen, SubnetThere, SubnetsFact},
    },
};
use std::net::IpAddr;

pub(super) const CAUSES: &[Cause] = &[Cause::new(
    "nsg-blocks",
    Area::Network,
    Severity::Broken,
    "a network security group keeps a subnet from the registry",
    |s| Box::pin(blocks(s)),
)
.rules(&["R-DP-25"])
.page(pages::ACCESS)];

/// The rule that decides over what goes to a target, if it says no.
fn refuses<'a>(group: &'a SecurityGroup, direction: &str, from: &[&str], to: &Target<'_>) -> Option<&'a SecurityRule> {
    let decides = group.rules(direction).into_iter().find(|r| {
        let p = &r.properties;
        let protocol = p.protocol.as_deref().is_none_or(|p| p == "*" || p.eq_ignore_ascii_case("Tcp"));
        protocol
            && p.ports().any(has_https)
            && p.destinations().any(|word| to.is_in(word))
            && p.sources().any(|word| is_from(word, from))
    })?;
    is(decides.properties.access.as_deref(), "Deny").then_some(decides)
}

/// Where the registry is, for who stands outside of its private endpoints.
pub(super) async fn regions(scene: &Scene) -> Looked<Vec<String>> {
    let registry = scene.see::<RegistryFact>().await?;
    let home = registry.body.location().map(|l| l.as_str().to_owned());
    let data = registry.body.properties.data_endpoint_host_names.iter();
    let others = data.filter_map(|h| Some(h.split_once('.')?.1.split_once(".data.")?.0.to_owned()));
    Ok(home.into_iter().chain(others).collect())
}

async fn blocks(scene: &Scene) -> Judged {
    const ALL: &[Role] = &[Role::LetIn, Role::Endpoint, Role::Nodes];
    let (registry, server) = (scene.see::<RegistryFact>().await?, scene.see::<ServerFact>().await?);
    let (subnets, endpoints) =
        futures::future::try_join(scene.see::<SubnetsFact>(), scene.see::<EndpointsFact>()).await?;
    let regions = regions(scene).await?;
    let inside: Vec<IpAddr> =
        endpoints.working().flat_map(|(_, e)| e.of(&server.host).unwrap_or_default()).copied().collect();
    let mut blind = subnets.blind(ALL);
    for subnet in &subnets.all {
        let Ok(there) = &subnet.there else { continue };
        let group = match &there.guard {
            Ok(Some(group)) => group,
            Ok(None) => continue,
            Err(why) => {
                blind = Some(why.clone());
                continue;
            }
        };
        // Rules for subnets count for nothing without public access; that is another cause.
        if subnet.role == Role::LetIn && !registry.body.has_public_access() {
            blind = blind.or_else(|| Some(Blind::masked("subnet-rules-cut")));
            continue;
        }
        if let Some((direction, rule)) = decided(subnet, there, group, &inside, &regions) {
            let (name, of) = (rule.name.as_deref().unwrap_or_default(), group.name.as_deref().unwrap_or_default());
            return Ok(Some(
                Case::new(format!(
                    "rule '{name}' of {of} refuses port 443 between subnet {} and the registry ({direction})",
                    subnet.id.name()
                ))
                .seen(
                    &subnets,
                    format!(
                        "{of}: {name}, priority {}, {direction}, Deny",
                        rule.properties.priority.unwrap_or_default()
                    ),
                )
                .words(remedy(&direction, &inside, subnet.role, of)),
            ));
        }
    }
    blind.map_or(Ok(None), Err)
}

fn remedy(direction: &str, inside: &[IpAddr], role: Role, group: &str) -> String {
    let to = match inside.first() {
        Some(address) if role != Role::LetIn => format!("{address}, the private endpoint"),
        _ => "the service tag AzureContainerRegistry".to_owned(),
    };
    format!(
        "let TCP 443 through to {to} with a lower priority number: az network nsg rule create --nsg-name {group} --direction \
         {direction} --access Allow --protocol Tcp --destination-port-ranges 443"
    )
}

fn decided<'a>(
    subnet: &SubnetSeen,
    there: &SubnetThere,
    group: &'a SecurityGroup,
    inside: &[IpAddr],
    regions: &[String],
) -> Option<(String, &'a SecurityRule)> {
    let from: Vec<&str> = there.body.ranges().collect();
    let (direction, target) = match (subnet.role, inside.first()) {
        (Role::Endpoint, _) if !there.body.guards_endpoints() => return None,
        (Role::Endpoint, Some(address)) => ("Inbound", Target::Private(*address)),
        (Role::Endpoint, None) => return None,
        (Role::Nodes, Some(address)) => ("Outbound", Target::Private(*address)),
        (Role::LetIn | Role::Nodes, _) => ("Outbound", Target::Public(regions)),
    };
    // Who comes in is any of the network.
    let from: &[&str] = if subnet.role == Role::Endpoint { &[] } else { &from };
    refuses(group, direction, from, &target).map(|rule| (direction.to_owned(), rule))
}
