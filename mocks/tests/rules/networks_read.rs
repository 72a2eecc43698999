//! What guards a registry's network and who stands in it, as a diagnosis reads them, by rule.

use crate::support::client::*;
use crate::support::netting::*;
use cmk_mocks::{ConnectionState, Params, PrincipalKind, Setup, VaultModel, World, roles};
use cmk_mocks::{Route, SecurityRule};
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use uuid::{Uuid, uuid};

const AKS: &str = "2024-05-01";
const TASKS: &str = "2019-06-01-preview";
const OTHER: Uuid = uuid!("5b000000-0000-4000-8000-000000000002");

#[test]
fn r_dp_21_subnets_of_a_registry_show_where_the_version_knows_them() {
    let mut s = stage();
    let (registry, vnet) = (s.registry.clone(), s.vnet.clone());
    let subnet = s.c.world.seed_subnet(&vnet, "nodes", &["Microsoft.ContainerRegistry"]);
    let shown = s.get(&subnet, NET);
    assert_eq!(at(&shown, "/properties/serviceEndpoints/0/service"), "Microsoft.ContainerRegistry");
    assert_eq!(shown["properties"]["serviceEndpoints"][0]["locations"], json!(["*"]));
    s.c.world.mutate_registry_firewall(&registry, true, &["198.51.100.0/24"], &[&subnet]);
    assert_eq!(s.c.world.registry_subnets(&registry), [subnet.as_str()]);
    let old = s.get(&registry, "2021-08-01-preview");
    let rules = json!([{"action": "Allow", "id": subnet}]);
    assert_eq!(old["properties"]["networkRuleSet"]["virtualNetworkRules"], rules);
    let new = s.get(&registry, ACR);
    assert!(new["properties"]["networkRuleSet"].get("virtualNetworkRules").is_none());
    // A version that does not know them leaves them alone, one that does may take them off.
    let set = |more: Value| json!({"properties": {"networkRuleSet": more}});
    assert_eq!(s.c.arm("PATCH", &registry, ACR, Some(set(json!({"defaultAction": "Deny"})))).status, 200);
    assert_eq!(s.c.world.registry_subnets(&registry).len(), 1);
    let none = set(json!({"defaultAction": "Deny", "virtualNetworkRules": []}));
    assert_eq!(s.c.arm("PATCH", &registry, "2021-08-01-preview", Some(none)).status, 200);
    assert!(s.c.world.registry_subnets(&registry).is_empty());
    // Who may write the registry may not let in any subnet.
    let (now, owner) = (s.c.now, s.c.who);
    s.c.who = s.c.world.add_principal(PrincipalKind::User, "contributor").object_id;
    let who = s.c.who;
    s.c.world.set_role(who, roles::CONTRIBUTOR, &registry, now);
    let one = set(json!({"defaultAction": "Deny", "virtualNetworkRules": [{"id": subnet}]}));
    let refused = s.c.arm("PATCH", &registry, "2021-08-01-preview", Some(one.clone()));
    assert_eq!(refused.code(), "LinkedAuthorizationFailed");
    assert!(refused.text("/error/message").contains("joinViaServiceEndpoint/action"));
    s.c.world.set_role(who, roles::CONTRIBUTOR, &vnet, now);
    assert_eq!(s.c.arm("PATCH", &registry, "2021-08-01-preview", Some(one)).status, 200);
    assert_eq!(s.c.world.registry_subnets(&registry), [subnet.as_str()]);
    s.c.who = owner;
    s.c.world.mutate_service_endpoint(&subnet, "microsoft.containerregistry", false);
    assert_eq!(s.get(&subnet, NET)["properties"]["serviceEndpoints"], json!([]));
    assert!(s.c.world.service_endpoints(&subnet).is_empty());
}

#[test]
fn r_arm_30_each_subscription_registers_for_itself() {
    let mut c = Client::instant();
    let setup = Setup { further_subscriptions: vec![OTHER], ..Setup::default() };
    c.world = World::with_params(setup, Params::instant());
    c.who = c.world.operator().object_id;
    let registry = c.world.seed_registry("rg", "contoso1", "Premium");
    let there = c.world.group_in(OTHER, "net");
    let vnet = c.world.seed_vnet(&there, "vnet1", "10.1.0.0/16");
    let subnet = c.world.seed_subnet(&vnet, "nodes", &["Microsoft.ContainerRegistry"]);
    c.world.mutate_provider_in(OTHER, "Microsoft.ContainerRegistry", false);
    let provider = |sub: &str, ns: &str| format!("/subscriptions/{sub}/providers/{ns}");
    let here = c.world.subscription().to_string();
    let state = |c: &mut Client, at: &str| c.arm("GET", at, RG, None).text("/registrationState").to_owned();
    let acr = "Microsoft.ContainerRegistry";
    assert_eq!(state(&mut c, &provider(&here, acr)), "Registered");
    let other = provider(&OTHER.to_string(), acr);
    assert_eq!((state(&mut c, &other), c.arm("GET", &other, RG, None).text("/id")), ("NotRegistered".into(), &*other));
    // Who has a network has registered its provider.
    assert_eq!(state(&mut c, &provider(&OTHER.to_string(), "Microsoft.Network")), "Registered");
    assert_eq!(state(&mut c, &provider(&here, "Microsoft.Network")), "NotRegistered");
    let rules = json!({"properties": {"networkRuleSet": {
        "defaultAction": "Deny",
        "virtualNetworkRules": [{"action": "Allow", "id": subnet}],
    }}});
    let api = "2021-08-01-preview";
    assert_eq!(c.arm("PATCH", &registry, api, Some(rules.clone())).code(), "MissingSubscriptionRegistration");
    assert_eq!(c.arm("POST", &format!("{other}/register"), RG, None).status, 200);
    assert_eq!(state(&mut c, &other), "Registered");
    assert_eq!(c.arm("PATCH", &registry, api, Some(rules)).status, 200);
    c.world.mutate_provider(acr, false);
    assert_eq!(
        (state(&mut c, &other), state(&mut c, &provider(&here, acr))),
        ("NotRegistered".into(), "NotRegistered".into())
    );
}

#[test]
fn r_dp_25_what_guards_a_subnet_can_be_read() {
    let mut s = stage();
    let vnet = s.vnet.clone();
    let nodes = s.c.world.seed_subnet(&vnet, "nodes", &[]);
    let hub = s.c.world.seed_subnet(&vnet, "AzureFirewallSubnet", &[]);
    let door = s.c.world.seed_subnet(&vnet, "AzureBastionSubnet", &[]);
    let group = s.c.world.seed_security_group("rg", "nsg1");
    let table = s.c.world.seed_route_table("rg", "rt1");
    let firewall = s.c.world.seed_firewall("rg", "fw1", &hub, &["*.azurecr.io"]);
    let bastion = s.c.world.seed_bastion("rg", "bastion1", &door);
    s.c.world.mutate_subnet_security_group(&nodes, Some(&group));
    s.c.world.mutate_subnet_route_table(&nodes, Some(&table));
    s.c.world.mutate_delegation(&nodes, "Microsoft.ContainerInstance/containerGroups");
    s.c.world.mutate_security_rule(&group, SecurityRule::deny_out("closed", 200, "Internet"));
    let some = SecurityRule {
        destinations: vec!["AzureContainerRegistry".into(), "Storage".into()],
        ..SecurityRule::allow_out("open", 100, "")
    };
    s.c.world.mutate_security_rule(&group, some);
    s.c.world.mutate_route(&table, Route::all_through("out", Ipv4Addr::new(10, 1, 2, 4)));
    let subnet = s.get(&nodes, NET);
    assert_eq!(at(&subnet, "/properties/networkSecurityGroup/id"), group);
    assert_eq!(at(&subnet, "/properties/routeTable/id"), table);
    assert_eq!(
        at(&subnet, "/properties/delegations/0/properties/serviceName"),
        "Microsoft.ContainerInstance/containerGroups"
    );
    let nsg = s.get(&group, NET);
    let rules = nsg["properties"]["securityRules"].as_array().unwrap();
    assert_eq!(at(&rules[0], "/properties/destinationAddressPrefix"), "Internet");
    assert_eq!((at(&rules[0], "/properties/direction"), at(&rules[0], "/properties/access")), ("Outbound", "Deny"));
    assert_eq!(rules[1]["properties"]["destinationAddressPrefixes"], json!(["AzureContainerRegistry", "Storage"]));
    assert_eq!(nsg["properties"]["defaultSecurityRules"].as_array().unwrap().len(), 6);
    assert_eq!(nsg["properties"]["subnets"], json!([{"id": nodes}]));
    let route = s.get(&table, NET)["properties"]["routes"][0]["properties"].clone();
    assert_eq!((at(&route, "/nextHopType"), at(&route, "/nextHopIpAddress")), ("VirtualAppliance", "10.1.2.4"));
    let fw = s.get(&firewall, NET);
    assert_eq!(at(&fw, "/properties/ipConfigurations/0/properties/privateIPAddress"), "10.1.2.4");
    let rule = "/properties/applicationRuleCollections/0/properties/rules/0/targetFqdns/0";
    assert_eq!(at(&fw, rule), "*.azurecr.io");
    s.c.world.mutate_firewall(&firewall, &[], &["AzureContainerRegistry"]);
    let fw = s.get(&firewall, NET);
    assert_eq!(fw["properties"]["applicationRuleCollections"], json!([]));
    let rule = "/properties/networkRuleCollections/0/properties/rules/0/destinationAddresses/0";
    assert_eq!(at(&fw, rule), "AzureContainerRegistry");
    s.c.world.mutate_firewall_policy(&firewall, Some("/subscriptions/x/policy"));
    assert_eq!(at(&s.get(&firewall, NET), "/properties/firewallPolicy/id"), "/subscriptions/x/policy");
    assert_eq!(at(&s.get(&bastion, NET), "/properties/ipConfigurations/0/properties/subnet/id"), door);
    s.c.world.mutate_remove_security_rule(&group, "closed");
    s.c.world.mutate_remove_route(&table, "out");
    assert_eq!(s.get(&group, NET)["properties"]["securityRules"].as_array().unwrap().len(), 1);
    assert_eq!(s.get(&table, NET)["properties"]["routes"], json!([]));
    // All of it is listed where it is looked for.
    for (kind, n) in [
        ("virtualNetworks", 1),
        ("networkSecurityGroups", 1),
        ("routeTables", 1),
        ("azureFirewalls", 1),
        ("bastionHosts", 1),
        ("privateEndpoints", 1),
        ("networkInterfaces", 1),
    ] {
        for scope in ["~", "~/resourceGroups/RG"] {
            let list = s.get(&format!("{scope}/providers/Microsoft.Network/{kind}"), NET);
            assert_eq!(names(&list).len(), n, "{kind} in {scope}");
        }
    }
    assert_eq!(names(&s.get(&format!("{vnet}/subnets"), NET)).len(), 4);
    let filter = "~/resources?$filter=resourceType eq 'Microsoft.Network/privateEndpoints'";
    assert_eq!(names(&s.get(filter, RG)), ["pe1"]);
}

#[test]
fn reads_of_networks_need_rights_and_known_versions() {
    let mut s = stage();
    let (now, registry, zone, endpoint) = (s.c.now, s.registry.clone(), s.zone.clone(), s.endpoint.clone());
    assert_eq!(s.c.arm("GET", &endpoint, DNS, None).code(), "NoRegisteredProviderFound");
    assert_eq!(s.c.arm("GET", &zone, NET, None).code(), "NoRegisteredProviderFound");
    assert_eq!(s.c.arm("PUT", &endpoint, NET, Some(json!({}))).status, 404);
    s.c.who = s.c.world.add_principal(PrincipalKind::User, "reader").object_id;
    let who = s.c.who;
    s.c.world.set_role(who, roles::READER, &registry, now);
    assert_eq!(s.c.arm("GET", &format!("{registry}/privateEndpointConnections"), ACR, None).status, 200);
    for (id, api) in [(&endpoint, NET), (&zone, DNS), (&format!("{zone}/A"), DNS)] {
        assert_eq!(s.c.arm("GET", id, api, None).code(), "AuthorizationFailed", "{id}");
    }
    s.c.world.set_role(who, roles::READER, &zone, now);
    assert_eq!(s.c.arm("GET", &format!("{zone}/A"), DNS, None).status, 200);
    let id = format!("{registry}/replications/eastus");
    assert_eq!(s.c.arm("PUT", &id, ACR, Some(json!({"location": "eastus"}))).code(), "AuthorizationFailed");
}

#[test]
fn r_dp_22_tasks_show_their_identity_and_status() {
    let mut s = stage();
    let registry = s.registry.clone();
    let principal = s.c.world.seed_task(&registry, "nightly", true, true).unwrap();
    assert_eq!(s.c.world.seed_task(&registry, "old", false, false), None);
    let list = s.get(&format!("{registry}/tasks"), TASKS);
    assert_eq!(names(&list), ["nightly", "old"]);
    assert_eq!(list["value"][0]["identity"]["principalId"], json!(principal));
    assert_eq!(at(&list, "/value/0/properties/status"), "Enabled");
    assert_eq!(at(&list, "/value/1/properties/status"), "Disabled");
    assert!(list["value"][1].get("identity").is_none());
    assert_eq!(at(&s.get(&format!("{registry}/tasks/nightly"), TASKS), "/name"), "nightly");
    assert_eq!(s.c.arm("GET", &format!("{registry}/tasks"), ACR, None).code(), "NoRegisteredProviderFound");
}

#[test]
fn r_dp_25_clusters_show_where_their_nodes_stand_and_what_they_pull_with() {
    let mut s = stage();
    let subnet = s.subnet.clone();
    let kubelet = s.c.world.seed_identity("rg", "kubelet1");
    let id = s.c.world.seed_aks("rg", "aks1", &kubelet.id);
    let aks = s.get(&id, AKS);
    let shown = &aks["properties"]["identityProfile"]["kubeletidentity"];
    assert_eq!(
        *shown,
        json!({"resourceId": kubelet.id, "clientId": kubelet.client_id, "objectId": kubelet.principal_id})
    );
    assert!(aks["properties"]["agentPoolProfiles"][0].get("vnetSubnetID").is_none());
    s.c.world.mutate_aks_subnet(&id, Some(&subnet), true);
    let list = s.get("~/providers/Microsoft.ContainerService/managedClusters", AKS);
    assert_eq!(at(&list, "/value/0/properties/agentPoolProfiles/0/vnetSubnetID"), subnet);
    assert_eq!(at(&list, "/value/0/properties/networkProfile/outboundType"), "userDefinedRouting");
    s.c.world.mutate_aks_kubelet(&id, None);
    assert!(s.get(&id, AKS)["properties"].get("identityProfile").is_none());
}

#[test]
fn r_cmk_39_a_vault_shows_its_enforced_perimeter() {
    let mut s = stage();
    let vault = s.c.world.seed_vault("rg", "kv1", VaultModel::Rbac);
    let at_vault = format!("{vault}/networkSecurityPerimeterConfigurations");
    let api = "2026-04-01-preview";
    assert_eq!(s.get(&at_vault, api)["value"], json!([]));
    s.c.world.mutate_vault_perimeter("kv1", true);
    let list = s.get(&at_vault, api);
    assert_eq!(at(&list, "/value/0/properties/resourceAssociation/accessMode"), "Enforced");
    let one = s.get(at(&list, "/value/0/id"), api);
    assert_eq!(one, list["value"][0]);
    assert_eq!(s.c.arm("GET", &at_vault, "2023-07-01", None).code(), "InvalidResourceType");
}

#[test]
fn r_kv_40_a_vault_shows_its_private_endpoints() {
    let mut s = stage();
    let vault = s.c.world.seed_vault("rg", "kv1", VaultModel::Rbac);
    let (vnet, subnet) = (s.vnet.clone(), s.subnet.clone());
    assert!(s.get(&vault, KV)["properties"].get("privateEndpointConnections").is_none());
    assert!(!is_private(&s.c.world.resolve("kv1.vault.azure.net")));
    let pe = s.c.world.seed_private_endpoint("rg", "pe2", &vault, &subnet, ConnectionState::Approved);
    let zone = s.c.world.seed_vault_dns_zone("rg", &[&vnet]);
    assert!(zone.ends_with("/privatelink.vaultcore.azure.net"));
    assert_eq!(s.c.world.resolve("kv1.vault.azure.net"), ip(6));
    let body = s.get(&vault, KV);
    assert_eq!(at(&body, "/properties/privateEndpointConnections/0/properties/privateEndpoint/id"), pe);
    let list = s.get(&format!("{vault}/privateEndpointConnections"), KV);
    assert_eq!(at(&list, "/value/0/id"), at(&body, "/properties/privateEndpointConnections/0/id"));
    let endpoint = s.get(&pe, NET);
    let groups = "/properties/privateLinkServiceConnections/0/properties/groupIds/0";
    assert_eq!(at(&endpoint, groups), "vault");
    // The registry's zone knows nothing of it.
    assert_eq!(names(&s.get(&format!("{}/A", s.zone.clone()), DNS)).len(), 2);
    let log: Vec<Value> = s.c.log.iter().filter(|e| at(e, "/path").contains("KeyVault")).cloned().collect();
    against_contract(&log);
}

#[test]
fn a_world_with_networks_is_kept_whole() {
    let mut s = stage();
    s.c.world.mutate_dns("gone.azurecr.io", None);
    let text = serde_json::to_string(&s.c.world).unwrap();
    let again: World = serde_json::from_str(&text).unwrap();
    assert_eq!(again.private_endpoints(), s.c.world.private_endpoints());
    assert_eq!((again.resolve("contoso1.azurecr.io"), again.client_place()), (ip(4), s.c.world.client_place()));
}
