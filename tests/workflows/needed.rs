//! What is taken away is looked at right before: nobody else who needs it loses it.

use super::*;
use cmk::{
    Reassign, Rollback, Rotate, VaultNetwork,
    azure::{
        id::{RegistryId, VaultId},
        role_assignments::PrincipalType,
        vaults::NetworkAction,
    },
    checks::{Check as _, GrantModel, GrantsHeld, IdentityWanted},
    journal::Journaled,
    run::Context,
    step::Known,
    steps::{DeleteKey, SetAssignment, SetVersionEnabled, Withdraw},
};
use cmk_mocks::{Fault, KeyRef, Match, Release, VaultModel, What, When, roles};
use cmk_tests::fixture::*;
use serde::{Deserialize, Serialize};
use std::{future::IntoFuture as _, time::Duration};

const OTHER: &str = "contoso2";
/// Long enough for every right that is given or taken to count.
const LATER: Duration = Duration::from_secs(3 * 3600);

fn other() -> RegistryId {
    RegistryId::new(&subscription(), GROUP, OTHER).unwrap()
}
fn wanted(name: &str) -> IdentityWanted {
    IdentityWanted::Id(identity(name))
}
fn readable(fixture: &Fixture, registry: &RegistryId) {
    fixture
        .sim
        .with_world(|w, now| w.can_unwrap(now, registry.as_str()))
        .unwrap_or_else(|e| panic!("{registry}: {e:?}"));
}

/// Two registries, each on a key of its own in a vault of its own, and a second identity.
fn two(model: VaultModel) -> World {
    let mut world = encrypted(KeyRef::Versioned, model);
    let now = world.now();
    let second = world.seed_identity(GROUP, "id-two");
    world.seed_vault(GROUP, "kv-two", model);
    world.seed_key("kv-two", "other", now);
    world.seed_registry_cmk(GROUP, OTHER, "kv-two", "other", KeyRef::Versioned, &second.id);
    world
}

/// Puts the other registry on the first one's key, with the second identity.
async fn other_joins(fixture: &Fixture) {
    let order = Rotate::new(other()).to_version(fixture.key(KEY)).identity(wanted("id-two"));
    fixture.run(order).named("joins").await.unwrap();
}

/// An identity that has its right already and is still to be attached.
#[test]
fn r_cmk_09_an_identity_that_is_to_be_attached_is_not_missed() {
    for model in [VaultModel::Rbac, VaultModel::Policy] {
        run_paused(async {
            let fixture = Fixture::of(two(model));
            let to = "https://kv-two.vault.azure.net/keys/other".parse().unwrap();
            let order = Rotate::new(registry()).to_version(to).identity(wanted("id-two")).remove_old_grant();
            let plan = fixture.run(order.clone()).plan().await.unwrap();
            assert_eq!(plan.refusals, [], "{plan}");
            fixture.run(order).await.unwrap();
            assert!(fixture.seen().key_identifier.unwrap().contains("kv-two"));
            readable(&fixture, &registry());
        });
        run_paused(async {
            let fixture = Fixture::of(two(model));
            fixture.sim.with_world(|w, now| {
                let second = w.identity(identity("id-two").as_str()).unwrap().principal_id;
                w.seed_grant(second, VAULT, KEY, now);
            });
            let order = Reassign::new(registry()).then_rotate_to(wanted("id-two"));
            let plan = fixture.run(order.clone()).plan().await.unwrap();
            assert_eq!(plan.refusals, [], "{plan}");
            fixture.run(order).await.unwrap();
            readable(&fixture, &registry());
        });
    }
}

#[test]
fn r_cmk_27_a_rollback_leaves_the_right_that_another_registry_has_come_to_need() {
    for model in [VaultModel::Rbac, VaultModel::Policy] {
        run_paused(async {
            let fixture = Fixture::of(two(model));
            let before = fixture.seen();
            let order = rotate().keeping_version().identity(wanted("id-two"));
            fixture.run(order).named("first").await.unwrap();
            other_joins(&fixture).await;
            tokio::time::sleep(LATER).await;
            let back = Rollback::of(&fixture.journal, &"first".parse().unwrap()).await.unwrap();
            let told = fixture.run(back.clone()).plan().await.unwrap();
            assert!(told.notes.iter().any(|n| n.contains("stays") && n.contains(OTHER)), "{told}");
            assert!(!told.steps.iter().any(|s| s.step == "withdraw"), "{told}");
            let done = done(&fixture, back).await;
            assert_eq!(done.taken_back, ["point-registry", "attach-identity"], "{model:?}");
            assert!(done.stays.iter().any(|s| s.contains(OTHER)), "{done:?}");
            tokio::time::sleep(LATER).await;
            readable(&fixture, &other());
            readable(&fixture, &registry());
            assert_eq!(fixture.seen().identity, before.identity);
        });
    }
}

/// It comes to need the right between the plan and the taking.
#[test]
fn r_cmk_27_a_right_that_comes_into_use_during_a_rollback_stays() {
    run_paused(async {
        let fixture = Fixture::of(two(VaultModel::Rbac));
        let order = rotate().keeping_version().identity(wanted("id-two"));
        fixture.run(order).named("first").await.unwrap();
        tokio::time::sleep(LATER).await;
        fixture.sim.schedule([Fault::new(When::matching(Match::new("PATCH", REGISTRY)), What::HoldBefore)]);
        let back = Rollback::of(&fixture.journal, &"first".parse().unwrap()).await.unwrap();
        let error = meanwhile(&fixture, fixture.run(back).named("back"), |w| {
            w.mutate_registry_key(other().as_str(), VAULT, KEY, None);
        })
        .await;
        assert!(error.refusals().iter().any(|r| r.rule == "R-CMK-27" && r.what.contains(OTHER)), "{error:#?}");
        tokio::time::sleep(LATER).await;
        readable(&fixture, &other());
    });
}

/// The order said to take the old grant, when nobody else was on the key.
#[test]
fn r_cmk_27_an_old_grant_that_comes_into_use_meanwhile_stays() {
    for model in [VaultModel::Rbac, VaultModel::Policy] {
        run_paused(async {
            let fixture = Fixture::of(two(model));
            fixture.sim.schedule([Fault::new(When::matching(Match::new("PATCH", REGISTRY)), What::HoldBefore)]);
            let key = KeyIdOf("kv-two", "other").id(&fixture);
            let order = rotate().to_version(key).remove_old_grant();
            let error = meanwhile(&fixture, fixture.run(order).named("first"), |w| {
                let id = identity(IDENTITY).to_string();
                w.seed_registry_cmk(GROUP, "contoso3", VAULT, KEY, KeyRef::Versionless, &id);
            })
            .await;
            assert!(error.refusals().iter().any(|r| r.rule == "R-CMK-27" && r.what.contains("contoso3")), "{error:#?}");
            tokio::time::sleep(LATER).await;
            readable(&fixture, &RegistryId::new(&subscription(), GROUP, "contoso3").unwrap());
        });
    }
}

/// A right to the whole vault serves each registry on any key of it: known before anything moves.
#[test]
fn r_cmk_27_an_old_grant_that_a_registry_on_another_key_needs_is_left() {
    for model in [VaultModel::Rbac, VaultModel::Policy] {
        run_paused(async {
            let mut world = encrypted(KeyRef::Versioned, model);
            let (now, id) = (world.now(), identity(IDENTITY).to_string());
            let old = world.identity(&id).unwrap().principal_id;
            world.seed_identity(GROUP, "id-two");
            world.seed_key(VAULT, "other", now);
            world.seed_registry_cmk(GROUP, OTHER, VAULT, "other", KeyRef::Versioned, &id);
            if model == VaultModel::Rbac {
                world.remove_roles(old, &format!("{}/keys/other", vault()));
                world.set_role(old, roles::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER, vault().as_str(), now);
            }
            let fixture = Fixture::of(world);
            let order = rotate().keeping_version().identity(wanted("id-two")).remove_old_grant();
            let told = fixture.run(order.clone()).plan().await.unwrap();
            assert!(told.notes.iter().any(|n| n.contains("it is left") && n.contains(OTHER)), "{model:?}: {told}");
            done(&fixture, order).await;
            tokio::time::sleep(LATER).await;
            readable(&fixture, &registry());
            readable(&fixture, &other());
        });
    }
}

/// The registry itself goes on by it, where its new key is in the same vault.
#[test]
fn r_cmk_27_an_old_grant_by_which_the_registry_uses_its_new_key_is_left() {
    run_paused(async {
        let mut world = encrypted(KeyRef::Versioned, VaultModel::Policy);
        let now = world.now();
        world.seed_key(VAULT, "other", now);
        let fixture = Fixture::of(world);
        let order = rotate().to_version(fixture.key("other")).remove_old_grant();
        let told = fixture.run(order.clone()).plan().await.unwrap();
        assert!(told.notes.iter().any(|n| n.contains("it is left") && n.contains(REGISTRY)), "{told}");
        done(&fixture, order).await;
        tokio::time::sleep(LATER).await;
        readable(&fixture, &registry());
        assert!(fixture.seen().key_identifier.unwrap().contains("/keys/other"));
    });
}

struct KeyIdOf(&'static str, &'static str);
impl KeyIdOf {
    fn id(&self, fixture: &Fixture) -> cmk::azure::id::KeyId {
        let host = VaultId::new(&subscription(), GROUP, self.0).unwrap().host(&fixture.cloud());
        cmk::azure::id::KeyId::new(host, self.1.parse().unwrap())
    }
}

/// Changes the world while a run is held, and lets it go on to its failure.
async fn meanwhile<W: Workflow>(fixture: &Fixture, run: Run<W>, change: impl FnOnce(&mut World)) -> cmk::Error
where
    W::Outcome: Debug,
{
    let changing = async {
        while fixture.sim.holding().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        fixture.sim.with_world(|w, _| change(w));
        // So that lists show it (R-ARM-12).
        tokio::time::sleep(Duration::from_secs(60)).await;
        fixture.sim.release(None, Release::Go);
    };
    let (outcome, ()) = futures::join!(run.into_future(), changing);
    outcome.unwrap_err()
}

#[test]
fn r_cmk_38_a_way_into_a_vault_that_a_registry_needs_is_not_closed() {
    run_paused(async {
        let mut world = encrypted(KeyRef::Versionless, VaultModel::Policy);
        world.mutate_vault_firewall(VAULT, true, true, &[]);
        let fixture = Fixture::of(world);
        let close = || VaultNetwork::new(vault()).trusted_services(false);
        let error = fixture.run(close()).await.unwrap_err();
        assert!(error.refusals().iter().any(|r| r.rule == "R-CMK-27" && r.what.contains(REGISTRY)), "{error:#?}");
        assert_eq!(fixture.sim.writes(), 0);
        // Who is let in anyway loses nothing.
        let open = || VaultNetwork::new(vault()).default_action(NetworkAction::Allow);
        fixture.run(open().trusted_services(false)).named("opened").await.unwrap();
        readable(&fixture, &registry());
        let error = fixture.run(VaultNetwork::new(vault()).default_action(NetworkAction::Deny)).await.unwrap_err();
        assert!(error.refusals().iter().any(|r| r.rule == "R-CMK-27"), "{error:#?}");
    });
}

/// A way that was opened for one registry, and that another one has come to need.
#[test]
fn r_cmk_38_a_rollback_leaves_a_way_into_a_vault_that_another_registry_needs() {
    run_paused(async {
        let mut world = two(VaultModel::Rbac);
        let now = world.now();
        world.seed_vault(GROUP, "kv-closed", VaultModel::Rbac);
        world.seed_key("kv-closed", "closed-key", now);
        world.mutate_vault_firewall("kv-closed", true, false, &[]);
        let fixture = Fixture::of(world);
        let key = KeyIdOf("kv-closed", "closed-key").id(&fixture);
        done(&fixture, cmk::Bypass::new(registry()).to_key(key)).await;
        fixture.sim.with_world(|w, _| {
            let id = identity("id-two").to_string();
            w.seed_registry_cmk(GROUP, "contoso3", "kv-closed", "closed-key", KeyRef::Versionless, &id);
        });
        tokio::time::sleep(LATER).await;
        let back = Rollback::of(&fixture.journal, &"bypass".parse().unwrap()).await.unwrap();
        let done = done(&fixture, back).await;
        assert!(done.stays.iter().any(|s| s.contains("contoso3")), "{done:?}");
        assert!(fixture.sim.with_world(|w, _| w.vault_network("kv-closed")).unwrap().bypass);
        readable(&fixture, &registry());
        readable(&fixture, &RegistryId::new(&subscription(), GROUP, "contoso3").unwrap());
    });
}

/// A registry that was given its key back does not lose it unasked.
#[test]
fn r_cmk_27_a_restoration_is_not_taken_back_without_a_word() {
    use cmk::{Irreversible, Restore, Revoke, revoke::How};
    for how in [How::Disable, How::Access] {
        run_paused(async {
            let fixture = Fixture::of(encrypted(KeyRef::Versionless, VaultModel::Rbac));
            done(&fixture, Revoke::new(registry(), how).accept(Irreversible::Revocation).grant_me()).await;
            let restore = Restore::of(&fixture.journal, &"revoke".parse().unwrap()).await.unwrap();
            done(&fixture, restore).await;
            tokio::time::sleep(LATER).await;
            let back = Rollback::of(&fixture.journal, &"restore".parse().unwrap()).await.unwrap();
            let writes = fixture.sim.writes();
            let error = fixture.run(back).await.unwrap_err();
            let named = |r: &cmk::Refusal| r.rule == "R-CMK-27" && r.way_out.contains("cmk revoke");
            assert!(error.refusals().iter().any(named), "{error:#?}");
            assert_eq!(fixture.sim.writes(), writes);
            readable(&fixture, &registry());
        });
    }
}

// ---- each step that takes away --------------------------------------------------------------------------------------

/// One step that takes something away, as an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Take {
    what: String,
    may_lose: Vec<RegistryId>,
}

impl Journaled for Take {}
impl Workflow for Take {
    const NAME: &'static str = "example-take";
    const VERSION: u32 = 1;
    type Outcome = ();

    fn subject(&self) -> String {
        registry().to_string()
    }
    async fn steps(&self, cx: &Context) -> cmk::Result<Known<()>> {
        let host = vault().host(cx.cloud());
        let key = cmk::azure::id::KeyId::new(host, KEY.parse().unwrap());
        let (look_in, may_lose, after) = (vec![subscription()], self.may_lose.clone(), None);
        let at = key.clone();
        let principal_of = |look: cmk::azure::Reader| async move {
            let found = look.identity(&identity(IDENTITY)).await?.and_then(|i| i.principal_id()).unwrap();
            let held = GrantsHeld { principal: found, key: at.clone(), vault: vault() }.look(&look).await?;
            let version = look.key(&at).await?.map(|k| k.id().clone()).unwrap();
            Ok((found.to_string(), serde_json::to_string(&(held.assignments, version)).unwrap()))
        };
        let kept =
            cx.decide("seen", KEY, |look| async move { principal_of(look).await.map(|(a, b)| vec![a, b]) }).await?;
        let (assignments, version): (Vec<cmk::azure::role_assignments::KeptAssignment>, _) =
            serde_json::from_str(&kept[1]).unwrap();
        match self.what.as_str() {
            "delete-key" => cx.step(DeleteKey { key, look_in, may_lose, after }).await,
            "set-version-enabled" => {
                let step = SetVersionEnabled { version, enabled: false, unless_used_in: look_in, may_lose, after };
                cx.step(step).await
            }
            "set-assignment" => {
                let assignment = assignments[0].clone();
                cx.step(SetAssignment { assignment, present: false, look_in, may_lose, after }).await
            }
            _ => {
                let step = Withdraw {
                    principal: Known::Now(kept[0].parse().unwrap()),
                    principal_type: PrincipalType::ServicePrincipal,
                    tenant: Some(cx.caller().await?.tenant),
                    what: GrantModel::Policy { vault: vault(), keys: vec!["unwrapKey".into()] },
                    look_in,
                    may_lose,
                    of_caller: false,
                    after,
                };
                cx.step(step).await
            }
        }
    }
}

#[test]
fn what_a_registry_needs_is_taken_only_where_the_order_names_it() {
    let steps = ["delete-key", "set-version-enabled", "set-assignment", "withdraw"];
    for (what, model) in steps.map(|s| (s, if s == "withdraw" { VaultModel::Policy } else { VaultModel::Rbac })) {
        run_paused(async {
            let mut world = encrypted(KeyRef::Versionless, model);
            let operator = world.operator().object_id;
            let now = world.now();
            world.set_role(operator, roles::KEY_VAULT_CRYPTO_OFFICER, &vault().to_string(), now);
            let id = identity(IDENTITY).to_string();
            world.seed_registry_cmk(GROUP, OTHER, VAULT, KEY, KeyRef::Versionless, &id);
            let fixture = Fixture::of(world);
            for (named, refused) in [(vec![], true), (vec![registry()], true), (vec![registry(), other()], false)] {
                let order = Take { what: what.into(), may_lose: named.clone() };
                let run = fixture.run(order).named(format!("take-{}", named.len()));
                let error = run.await.err();
                assert_eq!(error.is_some(), refused, "{what} {named:?}: {error:#?}");
                let Some(error) = error else { continue };
                assert!(error.refusals().iter().any(|r| r.what.contains(OTHER)), "{what}: {error:#?}");
                assert_eq!(fixture.sim.writes(), 0, "{what}");
            }
            assert!(fixture.sim.writes() > 0, "{what}");
        });
    }
}

/// The registry needs its old right until it has moved, and the plan knows that it will have.
#[test]
fn a_registry_that_moves_to_a_key_it_has_a_right_to_leaves_its_old_right() {
    run_paused(async {
        let mut world = encrypted(KeyRef::Versioned, VaultModel::Policy);
        let now = world.now();
        let id = identity(IDENTITY).to_string();
        world.seed_vault(GROUP, "kv-other", VaultModel::Rbac);
        world.seed_key("kv-other", "other", now);
        world.seed_registry_cmk(GROUP, "contoso2", "kv-other", "other", KeyRef::Versioned, &id);
        let fixture = Fixture::of(world);
        let key = "https://kv-other.vault.azure.net/keys/other".parse().unwrap();
        fixture.run(rotate().to_version(key).remove_old_grant()).named("play").await.unwrap();
        let principal = fixture.sim.with_world(|w, _| w.identity(&id).unwrap().principal_id);
        let held = fixture.sim.with_world(|w, _| w.access_policies(VAULT));
        assert!(held.iter().all(|(who, keys)| *who != principal || keys.is_empty()), "{held:?}");
    });
}
