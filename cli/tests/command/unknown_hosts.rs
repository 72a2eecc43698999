//! A key's vault that is deleted, so that its name is known no more: said soon, with the cause and what helps.

use crate::setting::{Ended, REGISTRY, Setting, VAULT, seed};
use cmk_mocks::Params;
use std::time::{Duration, Instant};

/// Deleted vaults, keys and registries of others besides.
fn without_its_vault() -> Setting {
    Setting::of(Params::instant(), |world, now| {
        seed(world, now);
        world.mutate_delete_vault(VAULT);
    })
}

/// Long enough for two looks at a name and a few at the cause, and far from the time that a call may take.
const SOON: Duration = Duration::from_secs(5);

#[track_caller]
fn soon(s: &Setting, args: &[&str]) -> Ended {
    let began = Instant::now();
    let ended = s.cmk(args);
    assert!(began.elapsed() < SOON, "{args:?} took {:?}", began.elapsed());
    ended
}

#[test]
fn what_looks_at_a_key_ends_with_the_cause() {
    let s = without_its_vault();
    for (args, code) in [
        (&["status", "-n", REGISTRY][..], 0),
        (&["list"], 0),
        (&["rotate", "-n", REGISTRY, "--plan"], 1),
        (&["rotate", "-n", REGISTRY, "--yes"], 1),
        (&["auto-rotate", "-n", REGISTRY, "--show"], 1),
        (&["retire", "-n", REGISTRY, "--plan"], 1),
    ] {
        let ended = soon(&s, args);
        let said = ended.out.clone() + &ended.err;
        assert_eq!(ended.code, code, "{args:?}: {said}");
        assert!(said.contains("(vault-deleted)") && said.contains("cmk recover /subscriptions/"), "{args:?}: {said}");
    }
    assert_eq!(s.sim.writes(), 0);
}

#[test]
fn a_key_that_is_deleted_is_told_as_well() {
    let s = Setting::of(Params::instant(), |world, now| {
        seed(world, now);
        world.mutate_delete_key(VAULT, crate::setting::KEY);
    });
    for args in [&["status", "-n", REGISTRY][..], &["list"]] {
        let ended = soon(&s, args).with(0, &[]);
        assert!(ended.out.contains("(key-deleted)") && ended.out.contains("cmk recover "), "{args:?}: {}", ended.out);
    }
}

#[test]
fn a_registry_that_is_not_there_is_told_soon() {
    let s = Setting::with_registry();
    let ended = soon(&s, &["login", "contoso9.azurecr.io", "--expose-token"]);
    assert_ne!(ended.code, 0);
    assert!(ended.err.contains("no such host") && ended.err.contains("look at its spelling"), "{}", ended.err);
}
