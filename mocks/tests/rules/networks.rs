//! Private endpoints, the names that belong to them, and replications, by rule.

use crate::support::client::*;
use crate::support::netting::*;
use cmk_mocks::{ClientPlace, ConnectionState, Params, VaultModel};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};

#[test]
fn r_dp_23_an_endpoint_has_one_address_a_name_and_both_sides_know_it() {
    let mut s = stage();
    let (registry, endpoint, subnet) = (s.registry.clone(), s.endpoint.clone(), s.subnet.clone());
    let body = s.get(&registry, ACR);
    assert_eq!(body["properties"]["dataEndpointHostNames"], json!(["contoso1.westeurope.data.azurecr.io"]));
    let shown = &body["properties"]["privateEndpointConnections"][0];
    assert_eq!(at(shown, "/properties/privateEndpoint/id"), endpoint);
    let id = at(shown, "/id").to_owned();
    let listed = s.get(&format!("{registry}/privateEndpointConnections"), ACR);
    assert_eq!(listed["value"], json!([shown]));
    assert_eq!(s.get(&id, ACR), *shown);
    let pe = s.get(&endpoint, NET);
    assert_eq!(pe["properties"]["privateLinkServiceConnections"][0]["properties"]["groupIds"], json!(["registry"]));
    assert_eq!(
        pe["properties"]["customDnsConfigs"],
        json!([
            {"fqdn": "contoso1.azurecr.io", "ipAddresses": ["10.1.0.4"]},
            {"fqdn": "contoso1.westeurope.data.azurecr.io", "ipAddresses": ["10.1.0.5"]},
        ])
    );
    let nic = s.get(at(&pe, "/properties/networkInterfaces/0/id"), NET);
    let members: Vec<_> = nic["properties"]["ipConfigurations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| at(i, "/properties/privateLinkConnectionProperties/requiredMemberName"))
        .collect();
    assert_eq!(members, ["registry", "registry_data_westeurope"]);
    let subnet = s.get(&subnet, NET);
    assert_eq!(subnet["properties"]["privateEndpoints"], json!([{"id": endpoint}]));
    let links = s.get(&format!("{registry}/privateLinkResources"), ACR);
    assert_eq!(links["value"][0]["properties"]["requiredZoneNames"], json!(["privatelink.azurecr.io"]));
    against_contract(
        &s.c.log.iter().filter(|e| at(e, "/path").contains("ContainerRegistry")).cloned().collect::<Vec<_>>(),
    );
}

#[test]
fn r_dp_23_the_private_zone_answers_for_who_is_linked() {
    let mut s = stage();
    let (zone, vnet) = (s.zone.clone(), s.vnet.clone());
    let data = "contoso1.westeurope.data.azurecr.io";
    assert_eq!(s.c.world.resolve("Contoso1.azurecr.io"), ip(4));
    assert_eq!(s.c.world.resolve(data), ip(5));
    let records = s.get(&format!("{zone}/A"), DNS);
    assert_eq!(names(&records), ["contoso1", "contoso1.westeurope.data"]);
    assert_eq!(records["value"][0]["properties"]["aRecords"], json!([{"ipv4Address": "10.1.0.4"}]));
    assert_eq!(names(&s.get(&format!("{zone}/ALL"), DNS)).len(), 3);
    let links = s.get(&format!("{zone}/virtualNetworkLinks"), DNS);
    assert_eq!(at(&links, "/value/0/properties/virtualNetwork/id"), vnet);
    // The others see what is public.
    s.c.world.mutate_client_place(ClientPlace::Internet);
    let public = s.c.world.resolve("contoso1.azurecr.io");
    assert!(public.len() == 1 && !is_private(&public));
    assert!(s.c.world.resolve("contoso2.azurecr.io").is_empty());
    assert_eq!(s.c.arm("GET", &format!("{zone}/A/other"), DNS, None).code(), "ResourceNotFound");
}

#[test]
fn r_dp_23_each_break_of_the_names_shows() {
    let data = "contoso1.westeurope.data.azurecr.io";
    // A record that is missing: the name comes to nothing, not to the public address.
    let mut s = stage();
    let zone = s.zone.clone();
    s.c.world.mutate_dns_record(&zone, "contoso1.westeurope.data", None);
    assert_eq!((s.c.world.resolve(data), s.c.world.resolve("contoso1.azurecr.io")), (vec![], ip(4)));
    s.c.world.mutate_dns_record(&zone, "contoso1.westeurope.data", Some(&[Ipv4Addr::new(10, 1, 0, 99)]));
    assert_eq!(s.c.world.resolve(data), ip(99));
    let record = s.get(&format!("{zone}/A/contoso1.westeurope.data"), DNS);
    assert_eq!(record["properties"]["aRecords"], json!([{"ipv4Address": "10.1.0.99"}]));
    // Without a link, with other name servers, and without an approved connection, only the public address is left.
    let breaks: [fn(&mut Stage); 3] = [
        |s| s.c.world.mutate_zone_link(&s.zone, &s.vnet, false),
        |s| s.c.world.mutate_vnet_dns_servers(&s.vnet, &["10.9.0.4"]),
        |s| s.c.world.mutate_connection_state(&s.endpoint, ConnectionState::Rejected),
    ];
    for brk in breaks {
        let mut s = stage();
        assert!(is_private(&s.c.world.resolve("contoso1.azurecr.io")));
        brk(&mut s);
        let found = s.c.world.resolve("contoso1.azurecr.io");
        assert!(found.len() == 1 && !is_private(&found), "{found:?}");
    }
    // The zone has no say in registries without an endpoint of their own.
    let mut s = stage();
    s.c.world.seed_registry("rg", "contoso2", "Premium");
    assert!(!s.c.world.resolve("contoso2.azurecr.io").is_empty());
}

#[test]
fn r_dp_25_a_name_that_comes_to_nothing_is_no_host() {
    let mut s = stage();
    let registry = s.registry.clone();
    s.c.world.mutate_dns("contoso1.azurecr.io", None);
    assert!(s.c.world.resolve("contoso1.azurecr.io").is_empty());
    s.c.world.mutate_dns("contoso1.azurecr.io", Some(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]));
    assert_eq!(s.c.world.resolve("contoso1.azurecr.io"), [IpAddr::V4(Ipv4Addr::LOCALHOST)]);
    s.c.world.mutate_dns_restore("contoso1.azurecr.io");
    assert_eq!(s.c.world.resolve("contoso1.azurecr.io"), ip(4));
    s.c.world.mutate_dns("management.azure.com", None);
    let a = s.c.arm("GET", &registry, ACR, None);
    assert_eq!((a.code(), a.header("x-sim-no-such-host")), ("SimNoSuchHost", "management.azure.com"));
}

#[test]
fn r_dp_23_a_pending_connection_shows_no_names_until_it_is_approved() {
    let mut c = Client::instant();
    let registry = c.world.seed_registry("rg", "contoso1", "Premium");
    let vnet = c.world.seed_vnet("rg", "vnet1", "10.1.0.0/16");
    let subnet = c.world.seed_subnet(&vnet, "s", &[]);
    let pe = c.world.seed_private_endpoint("rg", "pe1", &registry, &subnet, ConnectionState::Pending);
    let a = c.arm("GET", &pe, NET, None);
    let state = "/properties/manualPrivateLinkServiceConnections/0/properties/privateLinkServiceConnectionState/status";
    assert_eq!((a.text(state), &a.body["properties"]["customDnsConfigs"]), ("Pending", &json!([])));
    let at = c.arm("GET", &registry, ACR, None).text("/properties/privateEndpointConnections/0/id").to_owned();
    let say = |status: &str| json!({"properties": {"privateLinkServiceConnectionState": {"status": status}}});
    assert_eq!(c.arm("PUT", &at, ACR, Some(say("Perhaps"))).status, 400);
    assert_eq!(c.arm("PUT", &at, ACR, Some(say("Approved"))).status, 200);
    let a = c.arm("GET", &pe, NET, None);
    assert_eq!(a.text(state), "Approved");
    assert_eq!(a.body["properties"]["customDnsConfigs"].as_array().unwrap().len(), 2);
    // Dropped by the registry, it leads nowhere.
    assert_eq!(c.arm("DELETE", &at, ACR, None).status, 200);
    assert_eq!(c.arm("DELETE", &at, ACR, None).status, 204);
    assert_eq!(c.arm("GET", &pe, NET, None).text(state), "Disconnected");
    let a = c.arm("GET", &registry, ACR, None);
    assert_eq!(a.body["properties"]["privateEndpointConnections"], json!([]));
    assert_eq!(a.body["properties"]["dataEndpointHostNames"], json!([]));
}

#[test]
fn r_dp_23_an_endpoint_outlives_its_registry_but_leads_nowhere() {
    let mut s = stage();
    let (registry, endpoint) = (s.registry.clone(), s.endpoint.clone());
    s.c.world.mutate_delete_registry(&registry);
    s.c.wait(1);
    assert_eq!(s.c.world.private_endpoint(&endpoint).unwrap().state, ConnectionState::Disconnected);
    s.c.world.seed_registry("rg", "contoso1", "Premium");
    assert_eq!(s.get(&registry, ACR)["properties"]["privateEndpointConnections"], json!([]));
    assert_eq!(s.c.arm("DELETE", "~/resourceGroups/rg", RG, None).status, 202);
    s.c.wait(1);
    assert!(s.c.world.private_endpoints().is_empty());
}

#[test]
fn r_dp_23_a_replication_needs_an_address_more_and_a_record() {
    let mut s = stage();
    let (registry, zone, endpoint) = (s.registry.clone(), s.zone.clone(), s.endpoint.clone());
    assert_eq!(s.add_replica("northeurope"), "Succeeded");
    let there = "contoso1.northeurope.data.azurecr.io";
    let hosts = json!(["contoso1.westeurope.data.azurecr.io", there]);
    assert_eq!(s.get(&registry, ACR)["properties"]["dataEndpointHostNames"], hosts);
    assert_eq!(s.c.world.private_endpoint(&endpoint).unwrap().members.len(), 3);
    // Nobody has written the new record yet.
    assert!(s.c.world.resolve(there).is_empty());
    s.c.world.seed_dns_records(&zone, &endpoint);
    assert_eq!(s.c.world.resolve(there), ip(6));
    assert_eq!(names(&s.get(&format!("{registry}/replications"), ACR)), ["westeurope", "northeurope"]);
    let a = s.c.arm("DELETE", &format!("{registry}/replications/northeurope"), ACR, None);
    let url = a.header("location").to_owned();
    assert_eq!((a.status, s.c.get_url(&url).status), (202, 200));
    s.c.wait(1);
    assert_eq!(s.c.world.private_endpoint(&endpoint).unwrap().members.len(), 2);
    assert_eq!(names(&s.get(&format!("{registry}/replications"), ACR)), ["westeurope"]);
    let log: Vec<Value> = s.c.log.iter().filter(|e| at(e, "/path").contains("replications")).cloned().collect();
    against_contract(&log);
}

#[test]
fn r_dp_23_a_replication_is_taken_back_where_a_subnet_is_full() {
    let mut c = Client::instant();
    let registry = c.world.seed_registry("rg", "contoso1", "Premium");
    let vnet = c.world.seed_vnet("rg", "vnet1", "10.1.0.0/16");
    let roomy = c.world.seed_subnet(&vnet, "roomy", &[]);
    // Three addresses to give, two of them taken.
    let small = c.world.seed_subnet_of(&vnet, "small", "10.1.9.0/29", &[]);
    let one = c.world.seed_private_endpoint("rg", "pe1", &registry, &roomy, ConnectionState::Approved);
    let two = c.world.seed_private_endpoint("rg", "pe2", &registry, &small, ConnectionState::Approved);
    assert!(c.world.seed_replication(&registry, "northeurope"));
    let id = format!("{registry}/replications/eastus");
    let a = c.arm("PUT", &id, ACR, Some(json!({"location": "eastus"})));
    let done = c.finish(&a);
    assert_eq!((done.text("/status"), done.code()), ("Failed", "SimUnverified.SubnetFull"));
    assert_eq!(c.arm("GET", &id, ACR, None).code(), "ResourceNotFound");
    for endpoint in [one, two] {
        assert_eq!(c.world.private_endpoint(&endpoint).unwrap().members.len(), 3);
    }
}

#[test]
fn r_cmk_33_a_registry_with_a_key_is_replicated_and_takes_time() {
    let mut c = Client::new(Params { acr_replication_sync: cmk_mocks::Delay::secs(100), ..Params::instant() });
    let now = c.now;
    c.world.seed_vault("rg", "kv1", VaultModel::Rbac);
    c.world.seed_key("kv1", "k", now);
    let id = c.world.seed_identity("rg", "uai1");
    let reg = c.world.seed_registry_cmk("rg", "contoso1", "kv1", "k", cmk_mocks::KeyRef::Versionless, &id.id);
    let replica = format!("{reg}/replications/northeurope");
    let body = json!({"location": "North Europe", "properties": {"regionEndpointEnabled": true}});
    let a = c.arm("PUT", &replica, ACR, Some(body));
    assert_eq!(c.finish(&a).text("/status"), "Succeeded");
    let status = "/properties/status/displayStatus";
    assert_eq!(c.arm("GET", &replica, ACR, None).text(status), "Syncing");
    c.wait(100);
    let a = c.arm("GET", &replica, ACR, None);
    assert_eq!((a.text(status), a.text("/location")), ("Ready", "northeurope"));
    let off = json!({"properties": {"regionEndpointEnabled": false}});
    let a = c.arm("PATCH", &replica, ACR, Some(off));
    assert_eq!((a.status, c.finish(&a).text("/status")), (201, "Succeeded"));
    assert_eq!(c.arm("GET", &replica, ACR, None).body["properties"]["regionEndpointEnabled"], json!(false));
    c.world.can_unwrap(c.now, &reg).unwrap();
    // Neither where it is already nor without Premium.
    let again = c.arm("PUT", &format!("{reg}/replications/again"), ACR, Some(json!({"location": "northeurope"})));
    assert_eq!(again.code(), "SimUnverified.RegionTaken");
    assert_eq!(
        c.arm("DELETE", &format!("{reg}/replications/westeurope"), ACR, None).code(),
        "SimUnverified.HomeRegion"
    );
    let basic = c.world.seed_registry("rg", "contoso2", "Basic");
    let a = c.arm("PUT", &format!("{basic}/replications/eastus"), ACR, Some(json!({"location": "eastus"})));
    assert_eq!(a.code(), "SimUnverified.ReplicationNeedsPremium");
    assert_eq!(c.arm("GET", &format!("{basic}/replications"), ACR, None).body["value"], json!([]));
}

#[test]
fn r_dp_21_who_comes_by_a_private_endpoint_meets_no_rules() {
    let mut s = stage();
    let registry = s.registry.clone();
    s.c.world.mutate_registry_property(&registry, "publicNetworkAccess", json!("Disabled"));
    let status = |s: &mut Stage| s.c.send("GET", "https://contoso1.azurecr.io/v2/", None, None).status;
    // Let near, and asked to log in.
    assert_eq!(status(&mut s), 401);
    s.c.world.mutate_zone_link(&s.zone.clone(), &s.vnet.clone(), false);
    assert_eq!(status(&mut s), 403);
    s.c.world.mutate_client_place(ClientPlace::PrivateEndpoint);
    assert_eq!((status(&mut s), s.c.world.resolve("contoso1.azurecr.io")), (401, ip(4)));
    s.c.world.mutate_client_place(ClientPlace::Internet);
    assert_eq!(status(&mut s), 403);
}
