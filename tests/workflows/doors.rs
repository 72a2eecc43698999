//! What every order meets before its first step, whoever wrote its workflow: its name, the caller's rights, what it accepts.

use super::*;
use cmk::{Context, Irreversible, Known, Result, Retire, Revoke, revoke::How, steps::EnsureGroup};
use cmk_mocks::{Fault, KeyRef, Match, PrincipalKind, Release, VaultModel, What, When, roles};
use cmk_tests::fixture::*;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A workflow of one's own: it makes a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Own {
    group: String,
}

impl cmk::journal::Journaled for Own {}
impl Workflow for Own {
    const NAME: &'static str = "own";
    const VERSION: u32 = 1;
    type Outcome = ();
    fn subject(&self) -> String {
        format!("/subscriptions/{}/resourceGroups/{}", subscription(), self.group)
    }
    async fn steps(&self, cx: &Context) -> Result<Known<()>> {
        let (group, location) = (self.group.parse()?, "westeurope".parse()?);
        cx.step(EnsureGroup { subscription: subscription(), group, location }).await
    }
}

/// The rights that its steps need are looked for in its plan as in any other.
#[test]
fn r_arm_33_a_workflow_of_ones_own_is_refused_for_a_missing_right() {
    run_paused(async {
        let fixture = Fixture::of(empty());
        let somebody = fixture.sim.with_world(|w, now| {
            let somebody = w.add_principal(PrincipalKind::User, "somebody").object_id;
            w.set_role(somebody, roles::READER, &format!("/subscriptions/{}", subscription()), now);
            somebody
        });
        tokio::time::sleep(Duration::from_secs(900)).await;
        let order = Own { group: "new".into() };
        refused_on(
            &fixture,
            &fixture.azure_as(somebody),
            order.clone(),
            &[("R-ARM-33", &["Microsoft.Resources/subscriptions/resourceGroups/write"])],
        )
        .await;
        fixture.run(order).await.unwrap();
    });
}

/// Its runs would be taken for those of the library's own.
#[test]
fn a_workflow_of_ones_own_has_a_name_of_its_own() {
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Rotate {}
    impl cmk::journal::Journaled for Rotate {}
    impl Workflow for Rotate {
        const NAME: &'static str = "rotate";
        const VERSION: u32 = 1;
        type Outcome = ();
        fn subject(&self) -> String {
            registry().to_string()
        }
        async fn steps(&self, _: &Context) -> Result<Known<()>> {
            Ok(Known::Now(()))
        }
    }
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versioned, VaultModel::Policy));
        for e in
            [fixture.run(Rotate {}).plan().await.unwrap_err(), fixture.run(Rotate {}).named("r").await.unwrap_err()]
        {
            assert!(matches!(e.kind(), ErrorKind::Invalid(why) if why.contains("'rotate'")), "{e:#?}");
        }
        assert_eq!(fixture.journal_len().await, 0);
    });
}

fn revoke(accepts: &[Irreversible]) -> Revoke {
    accepts.iter().fold(Revoke::new(registry(), How::Disable), |order, what| order.accept(*what))
}

/// Orders that accept the same are the same, however they came to: the one goes on with the other's run.
#[test]
fn what_is_accepted_has_one_order() {
    use Irreversible::{Encryption, Revocation};
    assert_eq!(revoke(&[Revocation, Encryption]), revoke(&[Encryption, Revocation, Encryption]));
    let json = |order: &Revoke| serde_json::to_value(order).unwrap();
    let mut unsorted = json(&revoke(&[Encryption, Revocation]));
    unsorted["accept"] = serde_json::json!(["revocation", "encryption", "revocation"]);
    let read: Revoke = serde_json::from_value(unsorted).unwrap();
    assert_eq!(json(&read), json(&revoke(&[Encryption, Revocation])));
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versionless, VaultModel::Policy));
        let first = fixture.run(revoke(&[Revocation, Encryption])).named("r").await.unwrap();
        assert_eq!(fixture.run(revoke(&[Encryption, Revocation])).named("r").await.unwrap(), first);
    });
}

/// Something that is accepted for nothing is no reason to refuse, and is told: in the plan, and by the run.
#[test]
fn what_is_accepted_and_not_needed_is_told() {
    use Irreversible::{Revocation, VaultDeletion};
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versionless, VaultModel::Policy));
        let note = "'vault-deletion' is accepted, and nothing here needs it";
        let plan = fixture.run(revoke(&[Revocation, VaultDeletion])).plan().await.unwrap();
        assert_eq!(plan.notes.iter().filter(|n| n.contains("is accepted")).collect::<Vec<_>>(), [note], "{plan}");
        fixture.run(revoke(&[Revocation, VaultDeletion])).await.unwrap();
        assert!(fixture.told().iter().any(|line| line == note), "{:#?}", fixture.told());
        let needed = plan_of(&fixture, revoke(&[Revocation])).await;
        assert!(!needed.notes.iter().any(|n| n.contains("is accepted")), "{needed}");
    });
}

async fn plan_of(fixture: &Fixture, order: Revoke) -> Plan {
    fixture.run(order).plan().await.unwrap()
}

/// That nothing was written is said only where it is so.
#[test]
fn a_run_that_is_refused_on_its_way_does_not_say_that_nothing_was_written() {
    run_paused(async {
        let mut world = World::with_params(cmk_mocks::Setup::default(), cmk_mocks::Params::default());
        world.seed_group(GROUP);
        let identity = world.seed_identity(GROUP, IDENTITY);
        world.seed_vault(GROUP, VAULT, VaultModel::Policy);
        for age in [500, 400, 300] {
            let made = world.now() - time::Duration::hours(age);
            world.seed_key(VAULT, KEY, made);
        }
        world.seed_registry_cmk(GROUP, REGISTRY, VAULT, KEY, KeyRef::Versionless, &identity.id);
        let fixture = Fixture::of(world);
        fixture.sim.schedule([Fault::new(When::matching(Match::new("PATCH", "/keys/")), What::HoldBefore)]);
        let held = async {
            while fixture.sim.holding().is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(cut_short(fixture.run(Retire::new(registry())).named("r").into_future(), held).await.is_none());
        fixture.sim.release(None, Release::Drop);
        let oldest = fixture.versions(KEY)[0].clone();
        fixture.sim.with_world(|w, _| w.mutate_registry_key(registry().as_str(), VAULT, KEY, Some(&oldest)));
        let e = fixture.run(Retire::new(registry())).named("r").await.unwrap_err();
        assert!(e.refusals().iter().any(|r| r.rule == "R-CMK-15"), "{e:#?}");
        let enabled: Vec<_> =
            fixture.sim.with_world(|w, _| w.key_versions(VAULT, KEY).iter().map(|v| v.enabled).collect());
        assert_eq!(enabled, [true, false, true], "the one before it was disabled by this run");
        let written = fixture.written().await;
        for text in [e.to_string(), written] {
            assert!(!text.contains("nothing was written") && text.contains("did before stands"), "{text}");
        }
    });
}
