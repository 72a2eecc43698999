//! Templates: emitted from an order and deployed, the tutorial's own among them, and nothing that is there written anew.

use cmk::{Cloud, Deploy, ErrorKind, Irreversible, Template, azure::id::ResourceGroupName, template};
use cmk_mocks::{Delay, Fault, KeyRef, Match, Params, VaultModel, What, When};
use cmk_tests::{
    Fixture,
    fixture::{self, GROUP, REGISTRY, create, empty_with, encrypted, subscription},
    run_paused,
};
use serde_json::Value;

fn group() -> ResourceGroupName {
    GROUP.parse().unwrap()
}
fn order(template: Template) -> Deploy {
    Deploy::new(subscription(), group(), template)
        .accept(Irreversible::Encryption)
        .accept(Irreversible::PurgeProtection)
}
/// Empty deployments here take a second or two, and a role as long as Azure's slowest.
fn slow() -> Params {
    Params { role_assignment_delay: Delay::secs(100), ..Params::default() }
}

#[test]
fn an_emitted_template_makes_what_the_order_makes() {
    for by_roles in [true, false] {
        run_paused(async {
            let mut order_to_create = create().tag("team", "shop");
            if !by_roles {
                order_to_create = order_to_create.access_policies();
            }
            let emitted = template(&order_to_create, &Cloud::public()).unwrap();
            let fixture = Fixture::of(empty_with(slow()));
            let plan = fixture.run(order(emitted.clone())).plan().await.unwrap();
            assert!(plan.refusals.is_empty(), "{plan}");
            let told = plan.to_string();
            for kind in ["registries/contoso1", "vaults/kv-contoso1", "userAssignedIdentities/"] {
                assert!(plan.notes.iter().any(|n| n.contains("Create") && n.contains(kind)), "{kind}: {told}");
            }
            assert_eq!(fixture.sim.writes(), 0);
            let done = fixture.run(order(emitted)).named("deploy").await.unwrap();
            let registry = fixture.seen();
            assert!(registry.encrypted && registry.state == "Succeeded", "{registry:#?}");
            assert!(registry.key_identifier.unwrap().ends_with("/keys/contoso1-cmk"));
            assert_eq!(done.outputs["loginServer"]["value"], "contoso1.azurecr.io");
            let id = fixture::registry().to_string();
            fixture.sim.with_world(|w, now| assert!(w.can_unwrap(now, &id).is_ok()));
        });
    }
}

#[test]
fn r_rbac_01_it_waits_for_the_grant_and_without_waiting_it_fails() {
    run_paused(async {
        let mut emitted = template(&create(), &Cloud::public()).unwrap();
        emitted.set("waits", 1);
        let fixture = Fixture::of(empty_with(slow()));
        let e = fixture.run(order(emitted.clone())).named("deploy").await.unwrap_err();
        assert!(matches!(e.kind(), ErrorKind::Operation(_)), "{e:#?}");
        assert!(e.to_string().contains("Failed to access KeyId"), "{e}");
        // The registry that was not made is named by the failed part of the deployment.
        assert!(e.cause().is_some_and(|cause| cause.contains("(grant-young)")), "{e}");
        // Taken up once the grant holds, it goes on from what is there.
        tokio::time::sleep(std::time::Duration::from_secs(600)).await;
        fixture.run(order(emitted)).named("deploy").await.unwrap();
        assert!(fixture.seen().encrypted);
    });
}

#[test]
fn deployed_again_nothing_is_made_anew() {
    run_paused(async {
        let emitted = template(&create(), &Cloud::public()).unwrap();
        let fixture = Fixture::of(empty_with(slow()));
        let first = fixture.run(order(emitted.clone())).named("deploy").await.unwrap();
        let requests = fixture.sim.requests();
        assert_eq!(fixture.run(order(emitted.clone())).named("deploy").await.unwrap(), first);
        assert_eq!(fixture.sim.requests(), requests);
        let writes = fixture.sim.writes();
        let again = fixture.run(order(emitted.clone())).named("again").await.unwrap();
        assert_eq!((again, fixture.sim.writes()), (first, writes));
        // Under another deployment's name it would write the registry anew.
        let e = fixture.run(order(emitted).named("other")).await.unwrap_err();
        assert!(e.refusals().iter().any(|r| r.rule == "R-CMK-30" && r.what.contains(REGISTRY)), "{e}");
        assert_eq!(fixture.sim.writes(), writes);
    });
}

#[test]
fn an_answer_that_is_lost_deploys_nothing_twice() {
    for what in [What::LostAfter, What::LostBefore, What::CutBody, What::Status { code: 503, retry_after_s: None }] {
        run_paused(async {
            let emitted = template(&create().access_policies(), &Cloud::public()).unwrap();
            let fixture = Fixture::of(empty_with(Params::default()));
            fixture.sim.schedule([Fault::new(When::matching(Match::new("PUT", "/deployments/cmk")), what.clone())]);
            for _ in 0..4 {
                if fixture.run(order(emitted.clone())).named("deploy").await.is_ok() {
                    break;
                }
            }
            fixture.run(order(emitted)).named("deploy").await.unwrap();
            assert!(fixture.seen().encrypted, "{what:?}");
        });
    }
}

#[test]
fn what_is_irreversible_has_to_be_accepted() {
    run_paused(async {
        let emitted = template(&create(), &Cloud::public()).unwrap();
        let fixture = Fixture::of(empty_with(Params::default()));
        let e = fixture.run(Deploy::new(subscription(), group(), emitted)).await.unwrap_err();
        let why = e.to_string();
        assert!(why.contains("--accept encryption") && why.contains("--accept purge-protection"), "{why}");
        assert_eq!(fixture.sim.writes(), 0);
    });
}

#[test]
fn a_template_that_is_wrong_is_refused_before_anything_is_made() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versionless, VaultModel::Policy));
        let of = |resources: &str| {
            let text = format!(r#"{{"$schema": "x", "contentVersion": "1.0.0.0", "resources": {resources}}}"#);
            Template::from_json(&text, None).unwrap()
        };
        let e =
            fixture.run(order(of(r#"[{"type": "A/b", "apiVersion": "1", "name": "[nosuch()]"}]"#))).await.unwrap_err();
        assert!(e.refusals().iter().any(|r| r.what.contains("nosuch")), "{e}");
        let e = fixture.run(order(of("[]")).named("a/b")).await.unwrap_err();
        assert!(e.refusals().iter().any(|r| r.what.contains("cannot name a deployment")), "{e}");
        let e = Template::from_json("no json", None).unwrap_err();
        assert!(matches!(e.kind(), ErrorKind::Invalid(_)), "{e}");
        assert_eq!(fixture.sim.writes(), 0);
    });
}

#[test]
fn an_order_that_is_refused_has_no_template() {
    let e = template(&create().sku("Basic"), &Cloud::public()).unwrap_err();
    assert!(e.refusals().iter().any(|r| r.rule == "R-CMK-01"), "{e}");
}

#[test]
fn a_template_says_only_what_is_to_be_known() {
    let emitted = template(&create(), &Cloud::public()).unwrap();
    let text = emitted.template().to_string();
    assert!(text.contains("2025-11-01") && text.contains("\"enablePurgeProtection\":true"), "{text}");
    let file = emitted.parameters_file();
    assert_eq!(file.pointer("/parameters/registryName/value"), Some(&Value::from(REGISTRY)));
    assert_eq!(Template::from_json(&text, Some(&file.to_string())).unwrap(), emitted);
}
