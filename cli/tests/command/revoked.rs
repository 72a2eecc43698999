//! Keys that are taken away and given back, and runs that are taken back.

use crate::{
    forms::fits,
    rotated::{once_and_for_all, planned_and_done},
    setting::{GROUP, KEY, REGISTRY, Setting, VAULT, pointing},
};
use cmk_mocks::{KeyRef, Match, When};

fn readable(s: &Setting) -> bool {
    s.sim.with_world(|world, now| world.can_unwrap(now, &s.registry_id(REGISTRY))).is_ok()
}

const ACCEPT: [&str; 2] = ["--accept", "revocation"];

#[test]
fn each_way_to_revoke_is_restored() {
    for how in ["disable", "access", "role", "delete"] {
        let s = Setting::with_registry();
        let revoke = ["revoke", "-n", REGISTRY, "--how", how];
        s.cmk(&[&revoke[..], &["--yes"]].concat()).with(3, &["R-CMK-27", "--accept revocation"]);
        assert_eq!(s.sim.writes(), 0);
        let revoke = [&revoke[..], &ACCEPT].concat();
        let done = if how == "delete" { planned_and_done(&s, &revoke) } else { once_and_for_all(&s, &revoke) };
        assert!(!readable(&s), "{how}");
        let run = done["run"].as_str().expect("a run");
        planned_and_done(&s, &["restore", run]);
        assert!(readable(&s), "{how}");
        let registry = s.sim.world().registry(&s.registry_id(REGISTRY));
        fits(&s.json(&["restore", run, "--yes"]));
        assert_eq!(s.sim.world().registry(&s.registry_id(REGISTRY)), registry, "{how}: again");
    }
}

#[test]
fn others_on_the_key_are_named_and_the_way_back_is_told() {
    let s = Setting::with_registry();
    s.sim.with_world(|world, _| {
        let identity = world.seed_identity(GROUP, "id-second");
        world.seed_registry_cmk(GROUP, "contoso2", VAULT, KEY, KeyRef::Versionless, &identity.id);
    });
    let revoke = [&["revoke", "-n", REGISTRY, "--yes", "--run", "r1"][..], &ACCEPT].concat();
    s.cmk(&revoke).with(3, &["contoso2", "--also contoso2"]);
    assert_eq!(s.sim.writes(), 0);
    let done = s.cmk(&[&revoke[..], &["--also", "contoso2"]].concat());
    let done = done.with(0, &["give it back: cmk restore r1 --state", "--simulator"]);
    assert!(done.out.starts_with("contoso1 is without its key"), "{}", done.out);
    s.cmk(&["restore", "r1", "--yes"]).with(0, &[]);
}

/// A revocation that was cut short is not finished on what it read then; `resume --plan` says what `resume` does.
#[test]
fn a_revocation_taken_up_again_takes_what_is_there_now() {
    let killed = |how, method| {
        let s = Setting::with_registry();
        let revoke = [&["revoke", "-n", REGISTRY, "--how", how, "--yes", "--run", "r1"][..], &ACCEPT].concat();
        s.kill_at(&revoke, When::matching(Match::new(method, "/keys/")), false);
        s
    };
    // The vault's own policy has made a version.
    let s = killed("disable", "PATCH");
    s.sim.with_world(|world, _| world.mutate_new_version(VAULT, KEY));
    s.cmk(&["rotate", "-n", REGISTRY, "--yes"]).with(5, &["run r1"]);
    let planned = s.json(&["resume", "r1", "--plan"]);
    let steps = planned["steps"].as_array().expect("steps");
    assert_eq!(steps.iter().filter(|step| !step["change"].is_null()).count(), 2, "{planned}");
    let done = s.cmk(&["resume", "r1"]).with(0, &[]);
    assert!(done.out.starts_with("contoso1 is without its key"), "{}", done.out);
    assert!(!readable(&s));
    // The registry is on another key by now.
    let s = killed("delete", "DELETE");
    s.sim.with_world(|world, now| {
        world.seed_key(VAULT, "others", now);
        world.mutate_registry_key(&s.registry_id(REGISTRY), VAULT, "others", None);
    });
    for resume in [&["resume", "r1", "--plan"][..], &["resume", "r1"]] {
        s.cmk(resume).with(8, &["/keys/others"]);
    }
    assert_eq!(s.sim.world().key_versions(VAULT, KEY).len(), 1);
}

#[test]
fn a_rotation_is_rolled_back_and_the_rollback_too() {
    let s = Setting::with_registry();
    let first = s.in_use().0;
    let key = format!("https://{VAULT}.vault.azure.net/keys/{KEY}");
    s.json(&["auto-rotate", "-n", REGISTRY, "--every", "P90D", "--versions-live", "P2Y", "--yes"]);
    let auto = s.json(&["auto-rotate", "-n", REGISTRY, "--every", "P120D", "--yes"]);
    s.json(&["rotate", "-n", REGISTRY, "--yes", "--run", "r1"]);
    let back = planned_and_done(&s, &["rollback", "r1"]);
    assert_eq!((back["of"].as_str(), s.in_use().0), (Some("r1"), first));
    let registry = s.sim.world().registry(&s.registry_id(REGISTRY)).expect("the registry");
    assert_ne!(registry.key_identifier, Some(key), "pinned (R-FL-07)");
    s.cmk(&["rollback", "r1", "--plan"]).with(0, &[]);

    once_and_for_all(&s, &["rollback", auto["run"].as_str().expect("a run")]);
    let shown = s.json(&["auto-rotate", "-n", REGISTRY, "--show"]);
    assert_eq!(shown["rules"]["rotate"]["after-create"], "P90D");
}

#[test]
fn what_later_runs_have_made_of_it_is_overwritten_only_by_their_names() {
    let s = Setting::with_registry();
    let first = s.in_use().0;
    for run in ["r1", "r2"] {
        s.json(&["rotate", "-n", REGISTRY, "--versioned", "--yes", "--run", run]);
    }
    let (third, writes) = (s.in_use().0, s.sim.writes());
    let ways = ["run r2", "cmk rollback r2", "cmk rollback r1 --over r2", &third];
    for how in ["--plan", "--yes"] {
        s.cmk(&["rollback", "r1", how]).with(8, &ways);
        s.cmk(&["rollback", "r1", how, "--over", "r3"]).with(8, &ways);
        s.cmk(&["rollback", "r1", how, "--over-outside"]).with(8, &ways);
    }
    assert_eq!((s.in_use().0, s.sim.writes()), (third.clone(), writes));
    let told = s.cmk(&["rollback", "r1", "--over", "r3,r2", "--plan"]).with(4, &[]);
    let was = told.out.split("(was ").nth(1).and_then(|rest| rest.split(')').next()).expect("where it was");
    assert!(was.ends_with(&third), "{}", told.out);
    let back = planned_and_done(&s, &["rollback", "r1", "--over", "r2"]);
    assert_eq!(s.in_use().0, first);
    let by = back["run"].as_str().expect("a run").to_owned();

    let writes = s.sim.writes();
    let already = format!("taken back already, by {by}");
    let again = s.cmk(&["rollback", "r1", "--yes", "--over", "r2"]).with(0, &[]);
    assert!(again.out.contains(&already), "{}", again.out);
    s.cmk(&["rollback", "r1", "--plan"]).with(0, &[]);
    assert_eq!(s.sim.writes(), writes);

    // By nobody whose run is here.
    s.sim.with_world(|w, _| {
        let version = w.mutate_new_version(VAULT, KEY);
        w.mutate_registry_key(&s.registry_id(REGISTRY), VAULT, KEY, Some(&version));
    });
    s.cmk(&["rollback", &by, "--yes"]).with(8, &["changed outside of these journals", "--over-outside"]);
    s.cmk(&["rollback", &by, "--yes", "--over-outside"]).with(0, &[]);
    assert_eq!(s.in_use().0, third);
}

#[test]
fn an_unfinished_run_is_given_up_before_it_is_taken_back() {
    let s = Setting::with_registry();
    s.kill_at(&["rotate", "-n", REGISTRY, "--yes", "--versioned", "--run", "r1"], pointing(), true);
    for how in ["--plan", "--yes"] {
        s.cmk(&["rollback", "r1", how]).with(5, &["r1", "is unfinished", "or give it up:    cmk abandon r1 --state"]);
    }
    s.cmk(&["abandon", "r1", "--yes"]).with(0, &[]);
    planned_and_done(&s, &["rollback", "r1"]);
    let registry = s.sim.world().registry(&s.registry_id(REGISTRY)).expect("the registry");
    let first = s.sim.world().key_versions(VAULT, KEY).first().expect("a version").version.clone();
    assert!(registry.versioned_key_identifier.is_some_and(|used| used.ends_with(&first)));
}
