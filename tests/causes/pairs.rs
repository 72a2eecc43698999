//! Two causes at once: both told, or the one said to stand before the other.

use super::{Set, Stage, all};
use cmk::Diagnosis;
use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Causes of which a world can hold one at a time, so that the stage of the later undoes the earlier.
const ONE_OF: &[&[&str]] = &[
    &["registry-absent", "no-cmk"],
    &["registry-failed", "registry-busy"],
    &[
        "identity-guid-is-principal",
        "identity-deleted",
        "identity-recreated",
        "system-identity-off",
        "identity-not-attached",
    ],
    &["vault-deleted", "vault-absent"],
    &["vault-perimeter", "vault-public-access-off", "vault-firewall"],
    &["grant-in-other-model", "grant-missing", "grant-incomplete", "grant-young", "grant-too-wide"],
    &["key-deleted", "key-absent", "key-version-absent"],
    &["key-expired", "key-not-yet-valid", "key-expires-soon"],
    &["key-behind", "key-pinned", "key-pinned-behind"],
];

fn exclude(a: &str, b: &str) -> bool {
    ONE_OF.iter().any(|group| group.contains(&a) && group.contains(&b))
}

/// A cause that is found, or named as one that could not be looked for.
fn told(diagnosis: &Diagnosis, code: &str) -> bool {
    let found = diagnosis.all();
    found.iter().any(|f| f.code == code || f.hides.iter().any(|h| h == code))
        || diagnosis.unseen.iter().any(|u| u.codes.iter().any(|c| c == code))
}

fn fails(a: &Stage, b: &Stage) -> Option<String> {
    let diagnosis = crate::stage::play(async {
        let mut set = Set::healthy();
        (a.spoil)(&mut set);
        (b.spoil)(&mut set);
        set.on().diagnosis().await
    });
    let (first, second) = (told(&diagnosis, a.code), told(&diagnosis, b.code));
    let enough = if exclude(a.code, b.code) { first || second } else { first && second };
    let mine: BTreeSet<&str> = [a.code, b.code].into_iter().chain(a.with.iter().chain(b.with).copied()).collect();
    let foreign: Vec<_> =
        diagnosis.findings.iter().filter(|f| !mine.contains(f.code.as_str())).map(|f| &f.code).collect();
    if enough && foreign.is_empty() {
        return None;
    }
    Some(format!("{} + {}: {first} {second}, besides {foreign:?}", a.code, b.code))
}

#[test]
fn two_causes_at_once_are_both_told() {
    let stages: Vec<&Stage> = all().collect();
    let pairs: Vec<(&Stage, &Stage)> =
        stages.iter().enumerate().flat_map(|(n, a)| stages.iter().skip(n + 1).map(move |b| (*a, *b))).collect();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let worker = || {
        while let Some((a, b)) = pairs.get(next.fetch_add(1, Ordering::SeqCst)) {
            failed.lock().unwrap().extend(fails(a, b));
        }
    };
    std::thread::scope(|s| {
        s.spawn(worker);
        s.spawn(worker);
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} pairs:\n{}", failed.len(), pairs.len(), failed.join("\n"));
}
