//! One whole create and rotate in every cloud, by that cloud's own hosts.

use azure_core::http::Request;
use cmk::{
    Azure, Create, ErrorKind, Irreversible, Rotate, Workflow,
    azure::id::{KeyId, VaultId},
    status,
};
use cmk_mocks::{Setup, SimCloud, World};
use cmk_tests::{
    Fixture, ScenarioFixture,
    fixture::{GROUP, REGISTRY, VAULT, real, registry},
    run_paused, scenarios,
    transport::{Answer, Tap},
};
use std::{collections::BTreeSet, sync::Arc};

const CLOUDS: [(SimCloud, &str, &str); 3] = [
    (SimCloud::Public, "management.azure.com", "vault.azure.net"),
    (SimCloud::China, "management.chinacloudapi.cn", "vault.azure.cn"),
    (SimCloud::UsGov, "management.usgovcloudapi.net", "vault.usgovcloudapi.net"),
];

#[test]
fn each_cloud_has_its_own_directory_and_logs() {
    use cmk::azure::cloud::HostKind;
    let known = [
        ("graph.microsoft.com", "api.loganalytics.io", "weumanaged201.blob.core.windows.net"),
        ("microsoftgraph.chinacloudapi.cn", "api.loganalytics.azure.cn", "cnmanaged201.blob.core.chinacloudapi.cn"),
        ("graph.microsoft.us", "api.loganalytics.us", "usmanaged201.blob.core.usgovcloudapi.net"),
    ];
    for (cloud, (graph, logs, blob)) in cmk::Cloud::all_known().iter().zip(known) {
        assert_eq!(cloud.graph_endpoint(), Some(&*format!("https://{graph}")));
        assert_eq!(cloud.logs_endpoint(), Some(&*format!("https://{logs}")));
        assert_eq!(cloud.scope(HostKind::Graph), Some(&*format!("https://{graph}/.default")));
        assert_eq!(cloud.scope(HostKind::Logs), Some(&*format!("https://{logs}/.default")));
        for (host, kind) in [(graph, HostKind::Graph), (logs, HostKind::Logs), (blob, HostKind::Blob)] {
            for other in cmk::Cloud::all_known() {
                let allowed = other.allows(&format!("https://{host}/").parse().unwrap()).ok();
                assert_eq!(allowed, (other == *cloud).then_some(kind), "{host} in {}", other.name());
            }
        }
    }
}

/// A subscription of a cloud with nothing in it.
fn world(cloud: SimCloud) -> World {
    World::new(Setup { cloud, location: location(cloud).into(), ..Setup::default() })
}

fn location(cloud: SimCloud) -> &'static str {
    match cloud {
        SimCloud::Public => "westeurope",
        SimCloud::China => "chinanorth3",
        SimCloud::UsGov => "usgovvirginia",
    }
}

fn create(cloud: SimCloud) -> Create {
    Create::new(registry(), location(cloud).parse().unwrap())
        .accept(Irreversible::Encryption)
        .accept(Irreversible::PurgeProtection)
}

#[test]
fn r_cmk_36_created_and_rotated_in_each_cloud_by_its_own_hosts() {
    for (cloud, arm, suffix) in CLOUDS {
        run_paused(async {
            let fixture = Fixture::of(world(cloud));
            let made = fixture.run(create(cloud)).await.unwrap_or_else(|e| panic!("{cloud:?}: {e}"));
            assert_eq!(made.login_server.as_deref(), Some(&*format!("{REGISTRY}.{}", cloud.registry_suffix())));
            let vault = format!("{}.{suffix}", made.vault.as_ref().unwrap().name());
            assert_eq!(made.key.host().as_str(), vault);

            let moved =
                fixture.run(Rotate::new(registry()).grant_me()).await.unwrap_or_else(|e| panic!("{cloud:?}: {e}"));
            assert_eq!(moved.previous.as_ref(), Some(&made.in_use));
            assert!(moved.in_use.host().as_str() == vault && moved.in_use != made.in_use);
            let seen = status(&fixture.azure(), &registry()).await.unwrap().encryption.unwrap();
            assert_eq!((seen.in_use, seen.behind, seen.follows), (Some(moved.in_use.clone()), Some(0), true));

            let name = made.vault.unwrap().name().to_owned();
            fixture.sim.with_world(|w, now| {
                assert_eq!(w.key_versions(&name, moved.in_use.name().as_str()).len(), 2, "{cloud:?}");
                assert!(w.can_unwrap(now, registry().as_str()).is_ok(), "{cloud:?}");
            });
            let hosts: BTreeSet<_> = fixture.sim.exchanges().into_iter().map(|e| e.host).collect();
            assert_eq!(hosts, BTreeSet::from([arm.to_owned(), vault]), "no other host is spoken to");
            let journal = fixture.written().await;
            for (other, host, foreign) in CLOUDS {
                let foreign = other != cloud && (journal.contains(host) || journal.contains(foreign));
                assert!(!foreign, "{cloud:?}: {other:?} is in the journal");
            }
        });
    }
}

async fn refused<W: Workflow>(fixture: &Fixture, azure: &Azure, order: W, key: &KeyId) {
    let name = azure.cloud().name().to_owned();
    let plan = fixture.run_on(azure, order.clone()).plan().await.unwrap();
    // Of a managed HSM, that it is one may be told besides.
    let Some((refusal, besides)) = plan.refusals.split_first() else { panic!("{plan}") };
    assert_eq!(refusal.rule, "R-CMK-36", "{refusal}");
    assert!(besides.iter().all(|r| r.rule == "R-CMK-10" && key.is_hsm()), "{plan}");
    let whole = refusal.to_string();
    assert!(whole.contains(&key.to_string()) && whole.contains(&name) && whole.contains("own cloud"), "{whole}");
    let Err(error) = fixture.run_on(azure, order).await else { panic!("{plan}") };
    assert!(matches!(error.kind(), ErrorKind::Refused(r) if *r == plan.refusals), "{error}");
    assert_eq!((fixture.sim.requests(), fixture.sim.writes()), (0, 0), "not even asked about");
}

#[test]
fn r_cmk_36_orders_with_a_key_of_another_cloud_are_refused_everywhere() {
    for (cloud, ..) in CLOUDS {
        for (other, ..) in CLOUDS.into_iter().filter(|(other, ..)| *other != cloud) {
            for host in [format!("{VAULT}.{}", other.vault_suffix()), format!("contoso.{}", real(other).hsm_suffix())] {
                run_paused(async {
                    let key = KeyId::parse(&real(other), &format!("https://{host}/keys/k")).unwrap();
                    let fixture = Fixture::of(world(cloud));
                    let azure = fixture.azure();
                    let vault = VaultId::new(registry().subscription(), GROUP, VAULT).unwrap();
                    refused(&fixture, &azure, create(cloud).vault(vault).key(key.clone()), &key).await;
                    refused(&fixture, &azure, Rotate::new(registry()).to_version(key.clone()), &key).await;
                });
            }
        }
    }
}

/// Whoever wrote it into a registry: no request goes to a vault of another cloud, and it is said which key it is.
#[test]
fn r_cmk_36_a_registry_that_refers_to_another_clouds_key_sends_nobody_there() {
    for ((cloud, arm, suffix), (.., foreign)) in CLOUDS.into_iter().zip(CLOUDS.into_iter().cycle().skip(1)) {
        run_paused(async {
            let fixture = Fixture::of(world(cloud));
            fixture.run(create(cloud)).await.unwrap();
            fixture.sim.clear_log();
            let change = move |_: &Request, answer: &mut Answer| {
                let body = String::from_utf8(std::mem::take(&mut answer.body)).unwrap();
                answer.body = body.replace(suffix, foreign).into_bytes();
            };
            let azure = fixture.builder().transport(Arc::new(Tap { inner: fixture.sim.transport(), change })).build();
            let Err(error) = fixture.run_on(&azure, Rotate::new(registry())).await else { panic!("{cloud:?}") };
            assert!(error.to_string().contains(foreign) && error.to_string().contains("R-CMK-36"), "{error}");
            let exchanges = fixture.sim.exchanges();
            assert!(exchanges.iter().all(|e| e.host == arm && e.method == "GET"), "{exchanges:#?}");
        });
    }
}

#[test]
fn a_run_on_a_custom_cloud_is_refused_before_anything_is_sent() {
    use cmk::azure::cloud::Endpoints;
    let public = cmk::Cloud::public().endpoints().clone();
    let custom = Endpoints {
        name: "stack".into(),
        arm: "https://management.stack.example".into(),
        authority: "https://login.stack.example".into(),
        vault_suffix: "vault.stack.example".into(),
        hsm_suffix: "managedhsm.stack.example".into(),
        registry_suffix: "registry.stack.example".into(),
        ..public
    };
    run_paused(async {
        let fixture = ScenarioFixture::new(scenarios::named("rotate pinned"), 1);
        let cloud = cmk::Cloud::custom(custom).unwrap();
        let azure = cmk::Azure::builder(cloud, fixture.sim.credential()).transport(fixture.sim.transport()).build();
        let error = fixture.run_with(&azure, fixture.journal.clone(), "play").await.unwrap_err();
        assert!(matches!(error.kind(), cmk::ErrorKind::Invalid(why) if why.contains("stack")), "{error:#?}");
        assert_eq!(fixture.sim.requests(), 0);
    });
}
