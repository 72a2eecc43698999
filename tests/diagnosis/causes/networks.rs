//! Networks that are as they should be, and what their causes take for others.

use super::Setup;
use cmk::{
    Diagnosis,
    diagnose::{Severity, UnseenKind, Verdict},
};
use cmk_mocks::{ClientPlace, ConnectionState, SecurityRule};
use cmk_tests::scenarios::GROUP;
use std::{net::Ipv4Addr, time::Duration};

fn diagnose(spoil: impl FnOnce(&mut Setup)) -> Diagnosis {
    cmk_tests::run_paused(async {
        let mut setup = Setup::healthy();
        spoil(&mut setup);
        let fixture = setup.fixture();
        fixture.order_on(&fixture.azure()).await.unwrap()
    })
}

fn codes(diagnosis: &Diagnosis) -> Vec<&str> {
    diagnosis.all().into_iter().map(|f| f.code.as_str()).collect()
}

#[test]
fn r_dp_23_a_registry_behind_a_private_endpoint_is_healthy() {
    let diagnosis = diagnose(|s| {
        s.scene().private();
        s.scene().no_public_access();
    });
    assert_eq!(codes(&diagnosis), ["consumers-cut"], "{diagnosis}");
    assert_eq!(diagnosis.findings.first().map(|f| f.severity), Some(Severity::Advice));
    assert!(diagnosis.unseen.iter().all(|u| u.kind == UnseenKind::Beyond), "{diagnosis}");
    let ruled_out: Vec<_> = ["registry-firewall", "private-dns-record-wrong", "dns-unresolved"].into();
    assert!(ruled_out.iter().all(|c| diagnosis.ruled_out.iter().any(|r| r == c)), "{:?}", diagnosis.ruled_out);
}

#[test]
fn a_closed_registry_is_looked_at_within_six_answers() {
    cmk_tests::run_paused(async {
        let mut setup = Setup::healthy();
        setup.scene().private();
        let machines = format!("{}/subnets/machines", setup.scene().vnet());
        setup.scene().closed(Some(&machines));
        let fixture = setup.fixture();
        fixture.sim.latency(Duration::from_secs(1));
        let began = tokio::time::Instant::now();
        let diagnosis = fixture.order_on(&fixture.azure()).await.unwrap();
        assert_eq!(codes(&diagnosis), ["consumers-cut"], "{diagnosis}");
        assert!(began.elapsed() <= Duration::from_secs(6), "{:?}", began.elapsed());
    });
}

#[test]
fn r_dp_23_an_endpoint_beside_an_open_registry_needs_no_way_to_it_from_here() {
    let diagnosis = diagnose(|s| {
        s.scene().private();
        let registry = s.registry_id();
        s.world.mutate_registry_firewall(&registry, false, &[], &[]);
        s.world.mutate_client_place(ClientPlace::Internet);
    });
    assert_eq!(diagnosis.verdict, Verdict::Healthy, "{diagnosis}");
}

#[test]
fn r_dp_23_the_only_endpoint_waits_and_so_nobody_gets_in() {
    let diagnosis = diagnose(|s| {
        s.scene().private();
        s.scene().no_public_access();
        let endpoint = s.scene().endpoint();
        s.world.mutate_connection_state(&endpoint, ConnectionState::Pending);
    });
    let first = diagnosis.findings.first().unwrap();
    assert_eq!((first.code.as_str(), first.severity), ("private-endpoint-pending", Severity::Broken), "{diagnosis}");
    assert!(first.consequences.iter().any(|f| f.code == "registry-public-access-off"), "{diagnosis}");
    assert!(first.hides.iter().any(|c| c == "private-dns-record-wrong"), "{:?}", first.hides);
    assert!(first.remedies.iter().any(|r| r.to_string().contains("private-endpoint-connection approve")));
}

#[test]
fn r_dp_23_a_zone_of_somebody_else_is_beyond_and_no_finding() {
    for spoil in [
        // Linked to a hub, whose name servers ask it.
        (|s: &mut Setup| {
            let hub = s.world.seed_vnet(GROUP, "hub", "10.8.0.0/16");
            let (zone, vnet) = (s.scene().zone(), s.scene().vnet());
            s.world.mutate_zone_link(&zone, &vnet, false);
            s.world.mutate_zone_link(&zone, &hub, true);
        }) as fn(&mut Setup),
        |s| {
            let vnet = s.scene().vnet();
            s.world.mutate_vnet_dns_servers(&vnet, &["10.9.0.4"]);
        },
    ] {
        let diagnosis = diagnose(|s| {
            s.scene().private();
            spoil(s);
            // This machine asks them, and comes out well.
            s.machine.names.insert("contoso1.azurecr.io".into(), Ok(vec![Ipv4Addr::new(10, 1, 0, 4).into()]));
            s.world.mutate_client_place(ClientPlace::PrivateEndpoint);
        });
        assert_eq!(codes(&diagnosis), ["consumers-cut"], "{diagnosis}");
        let beyond = diagnosis.unseen.iter().find(|u| u.codes.iter().any(|c| c == "private-dns-not-linked")).unwrap();
        assert_eq!(beyond.kind, UnseenKind::Beyond, "{diagnosis}");
    }
}

#[test]
fn r_dp_23_each_wrong_record_is_told_with_both_addresses_and_the_line_that_mends_it() {
    let diagnosis = diagnose(|s| {
        s.scene().private();
        let zone = s.scene().zone();
        s.world.mutate_dns_record(&zone, "contoso1.westeurope.data", Some(&[Ipv4Addr::new(10, 1, 0, 98)]));
    });
    let first = diagnosis.findings.first().unwrap();
    assert_eq!(first.code, "private-dns-record-wrong", "{diagnosis}");
    assert!(first.says.contains("10.1.0.98") && first.says.contains("10.1.0.5"), "{}", first.says);
    assert!(first.remedies.iter().any(|r| r.to_string().contains("add-record") && r.to_string().contains("10.1.0.5")));
}

#[test]
fn r_dp_20_the_address_that_is_refused_is_the_one_in_the_line() {
    let diagnosis = diagnose(|s| {
        s.scene().closed(None);
        s.world.mutate_client_address("198.51.100.77");
    });
    let first = diagnosis.findings.first().unwrap();
    assert_eq!(first.code, "registry-firewall");
    assert!(first.says.contains("CONNECTIVITY_FORBIDDEN_ERROR"), "{}", first.says);
    assert!(first.remedies.iter().any(|r| r.to_string().contains("198.51.100.77")), "{diagnosis}");
    assert!(first.evidence.iter().flat_map(|e| &e.reads).any(|r| r.request == "GET /v2/" && r.status == Some(403)));
}

#[test]
fn r_dp_25_the_nodes_of_a_cluster_are_looked_at_when_it_is_asked_about() {
    let aks = |s: &mut Setup, to: &str| {
        let vnet = s.scene().network();
        let subnet = s.world.seed_subnet(&vnet, "nodes", &[]);
        let identity = s.identity_id();
        let cluster = s.world.seed_aks(GROUP, "aks1", &identity);
        s.world.mutate_aks_subnet(&cluster, Some(&subnet), false);
        let group = s.world.seed_security_group(GROUP, "nsg-nodes");
        s.world.mutate_security_rule(&group, SecurityRule::deny_out("closed", 200, to));
        s.world.mutate_subnet_security_group(&subnet, Some(&group));
        s.ask(move |d| d.aks(cluster.parse().unwrap()).only(["network"]));
    };
    let open = diagnose(|s| aks(s, "AzureContainerRegistry.WestEurope"));
    assert_eq!(codes(&open), ["nsg-blocks"], "{open}");
    // By a private endpoint, what is out on the internet does not matter, and what is in the network does.
    let inside = diagnose(|s| {
        s.scene().private();
        aks(s, "Internet");
    });
    assert_eq!(codes(&inside), ["consumers-cut"], "{inside}");
    let inside = diagnose(|s| {
        s.scene().private();
        aks(s, "VirtualNetwork");
    });
    assert_eq!(codes(&inside), ["nsg-blocks", "consumers-cut"], "{inside}");
}

#[test]
fn r_dp_25_a_proxy_that_nothing_comes_back_through_is_the_first_suspect() {
    let diagnosis = diagnose(|s| {
        s.machine.env.insert("https_proxy".into(), "http://proxy.contoso.com:3128".into());
        s.door = Some(super::Door::Fails("proxyconnect tcp: EOF"));
    });
    assert_eq!(codes(&diagnosis), ["proxy-suspect"], "{diagnosis}");
    let spared = diagnose(|s| {
        s.machine.env.insert("https_proxy".into(), "http://proxy.contoso.com:3128".into());
        s.machine.env.insert("no_proxy".into(), "10.0.0.0/8, .azurecr.io".into());
        s.door = Some(super::Door::Fails("connection refused"));
    });
    assert_eq!(codes(&spared), ["registry-unreachable"], "{spared}");
}

#[test]
fn what_the_caller_may_not_see_of_networks_is_no_finding() {
    let diagnosis = diagnose(|s| {
        s.scene().private();
        let registry = s.registry_id();
        let reader = s.world.add_principal(cmk_mocks::PrincipalKind::User, "reader").object_id;
        let now = s.world.now();
        s.world.set_role(reader, cmk_mocks::roles::READER, &registry, now);
        s.caller = Some(reader);
        s.pass(Duration::from_secs(3600));
        s.ask(|d| d.only(["network"]));
    });
    assert_eq!(codes(&diagnosis), ["consumers-cut"], "{diagnosis}");
    assert!(diagnosis.unseen.iter().any(|u| u.kind == UnseenKind::Forbidden), "{diagnosis}");
}
