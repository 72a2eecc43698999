//! Two causes at once: both told, or the one said to stand before the other.

use super::{Setup, StagedCause, all};
use cmk::{Diagnosis, diagnose::causes};
use cmk_tests::troubled;
use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// One pair in so many is staged, unless all are asked for.
const EVERY: usize = 5;

/// Causes of which a world can hold one at a time, whichever was staged last; with why.
const ONE_OF: &[(&[&str], &str)] = &[
    (&["registry-absent", "caller-may-not-read"], "who may not read does not see that it is not there"),
    (&["key-disabled", "key-old"], "the newest enabled version counts"),
    (&["registry-failed", "registry-busy"], "one state"),
    (
        &["identity-guid-is-principal", "identity-deleted", "identity-recreated", "system-identity-off"],
        "one identity unwraps",
    ),
    (&["identity-recreated", "identity-not-attached"], "one identity unwraps"),
    (&["vault-deleted", "vault-absent"], "one fate"),
    (&["vault-perimeter", "vault-public-access-off", "vault-firewall"], "one setting of the network"),
    (
        &["grant-in-other-model", "grant-missing", "grant-incomplete", "grant-young", "grant-too-wide"],
        "one right in one model",
    ),
    (&["grant-incomplete", "vault-leftover-policies"], "policies count, or are left over"),
    (&["grant-in-other-model", "vault-leftover-policies"], "policies count, or are left over"),
    (&["key-deleted", "key-absent", "key-version-absent"], "one fate"),
    (&["key-expired", "key-not-yet-valid", "key-expires-soon"], "one pair of dates"),
    (&["arm-audience-refused", "feature-lost-trust"], "one block of policies"),
    (&["dns-unresolved", "dns-private-elsewhere"], "one answer of the resolver"),
    (&["private-dns-record-missing", "private-dns-record-wrong"], "one record"),
    (&["registry-firewall", "no-challenge"], "one answer at the door"),
    (&["docker-old", "docker-daemon-stopped"], "one answer of Docker"),
    (&["az-other-cloud", "az-other-tenant"], "one profile"),
    (
        &[
            "principal-is-app-id",
            "role-ignored-in-abac",
            "role-ignored-in-legacy",
            "condition-excludes-repository",
            "catalog-lister-missing",
            "registry-role-young",
            "login-refused",
            "token-lacks-action",
        ],
        "one is asked about, for one use",
    ),
    (
        &[
            "registry-name-case",
            "login-user-is-object-id",
            "login-app-unknown",
            "secret-expired",
            "anonymous-pull-shadowed",
            "docker-login-expired",
            "scope-map-lacks-action",
            "docker-credential-store-missing",
            "docker-proxy-differs",
        ],
        "one configuration, and in it one login for the registry",
    ),
];

/// Causes that do not go together with each of these.
const NOT_WITH: &[(&str, &[&str], &str)] = &[
    (
        "registry-public-access-off",
        &[
            "private-endpoint-pending",
            "private-endpoint-rejected",
            "private-endpoint-disconnected",
            "private-dns-not-linked",
            "private-dns-record-missing",
            "data-endpoint-record-missing",
            "replica-record-missing",
            "private-dns-record-wrong",
            "dns-public-despite-endpoint",
            "dns-private-elsewhere",
            "subnet-rules-cut",
            "proxy-suspect",
        ],
        "it has an approved private endpoint, or none",
    ),
    (
        "proxy-suspect",
        &[
            "private-dns-not-linked",
            "private-dns-record-wrong",
            "dns-public-despite-endpoint",
            "dns-private-elsewhere",
            "registry-firewall",
        ],
        "the name leads to the private endpoint, or does not",
    ),
    ("key-behind", &["key-pinned", "key-pinned-behind"], "followed or pinned"),
    ("key-behind", &["key-old", "key-version-absent"], "a new version is not old"),
    ("key-pinned-behind", &["key-version-absent"], "a new version is not old"),
    ("vault-refusals-logged", &["identity-guid-is-principal", "system-identity-off"], "the log is of another identity"),
    ("identity-shared", &["no-cmk"], "no key, no identity"),
    ("identity-shared", &["identity-guid-is-principal"], "the other names the client id"),
    ("identity-shared", &["system-identity-off"], "a registry's own identity is nobody else's"),
    (
        "wrong-cloud",
        &["private-dns-record-missing", "private-dns-record-wrong", "dns-private-elsewhere"],
        "another cloud's name is in another zone",
    ),
    ("no-cmk", &["identity-inactive", "key-forbidden-to-data"], "no key, none that refuses"),
    (
        "wrong-cloud",
        &[
            "login-user-is-object-id",
            "login-app-unknown",
            "secret-expired",
            "anonymous-pull-shadowed",
            "docker-login-expired",
            "scope-map-lacks-action",
        ],
        "one login for the registry",
    ),
    (
        "principal-unknown",
        &[
            "principal-is-app-id",
            "role-ignored-in-legacy",
            "condition-excludes-repository",
            "catalog-lister-missing",
            "registry-role-young",
            "portal-grant-young",
            "login-refused",
            "token-lacks-action",
        ],
        "one is asked about",
    ),
    (
        "registry-role-missing",
        &[
            "role-ignored-in-abac",
            "role-ignored-in-legacy",
            "condition-excludes-repository",
            "catalog-lister-missing",
            "registry-role-young",
            "portal-grant-young",
            "login-refused",
            "token-lacks-action",
        ],
        "one is asked about, for one use",
    ),
    (
        "portal-grant-young",
        &[
            "principal-is-app-id",
            "role-ignored-in-abac",
            "role-ignored-in-legacy",
            "condition-excludes-repository",
            "catalog-lister-missing",
            "token-lacks-action",
            "probe-failed",
        ],
        "one is asked about",
    ),
    ("catalog-lister-missing", &["scope-map-lacks-action"], "one use is asked about"),
    ("docker-restart-pending", &["docker-proxy-differs"], "the daemon goes by what is configured"),
];

/// The first staged, then the second: what undoes the first is not yet the second.
const UNDONE: &[(&str, &str, &str)] = &[
    ("catalog-lister-missing", "role-ignored-in-legacy", "the role counts in the mode that the first needs"),
    ("condition-excludes-repository", "role-ignored-in-legacy", "the role counts in the mode that the first needs"),
    ("role-ignored-in-abac", "role-ignored-in-legacy", "the role counts in the mode that the first needs"),
    ("key-behind", "key-expired", "time passed, and it followed to another version than the one that has expired"),
    ("key-behind", "key-expires-soon", "time passed, and it followed to another version than the one that expires"),
    ("grant-in-other-model", "grant-young", "a policy, which the other model takes, works at once"),
];

/// What shows instead of a cause where one of these makes more of it, or hides how it came about.
const INSTEAD: &[(&str, &[&str], &[&str], &str)] = &[
    (
        "vault-deleted",
        &["key-old", "key-expired", "key-expires-soon"],
        &["vault-absent"],
        "time passed, and it was purged",
    ),
    ("key-deleted", &["key-old", "key-expired", "key-expires-soon"], &["key-absent"], "time passed, and it was purged"),
    (
        "key-absent",
        &[
            "grant-in-other-model",
            "vault-firewall",
            "vault-other-tenant",
            "vault-perimeter",
            "vault-public-access-off",
            "vault-refusals-logged",
        ],
        &["key-deleted"],
        "who may not look into the vault does not see what is deleted",
    ),
    (
        "identity-guid-is-principal",
        &["identity-recreated"],
        &["identity-deleted"],
        "the identity of that principal is gone",
    ),
    (
        "identity-recreated",
        &["identity-guid-is-principal", "identity-not-attached"],
        &["identity-deleted"],
        "the registry does not know its id any more",
    ),
    ("grant-incomplete", &["grant-too-wide"], &["grant-in-other-model"], "a role does not count there"),
    ("grant-missing", &["identity-shared"], &["grant-young"], "it was granted again for another registry"),
    (
        "key-pinned-behind",
        &["key-absent", "key-deleted", "key-version-absent", "vault-absent", "vault-deleted", "vault-other-tenant"],
        &["key-pinned"],
        "versions cannot be seen",
    ),
    ("key-behind", &["key-pinned"], &["key-pinned-behind"], "and is pinned"),
    ("key-expired", &["key-expires-soon"], &["key-old"], "time passed"),
    ("key-expires-soon", &["key-old", "key-expired"], &["key-expired", "key-old"], "time passed"),
    (
        "identity-inactive",
        &["identity-at-risk"],
        &["key-forbidden-to-data"],
        "and it was not renewed for another reason",
    ),
    (
        "identity-inactive",
        &["catalog-lister-missing"],
        &["probe-failed"],
        "the caller may not push, for another reason",
    ),
    (
        "key-forbidden-to-data",
        &["catalog-lister-missing"],
        &["probe-failed"],
        "the caller may not push, for another reason",
    ),
    (
        "token-lacks-action",
        &["identity-inactive", "key-forbidden-to-data"],
        &["probe-failed"],
        "a probe is asked for, which the caller may not push either",
    ),
    (
        "token-lacks-action",
        &["catalog-lister-missing", "probe-failed", "registry-role-young", "role-ignored-in-abac"],
        &["registry-role-missing"],
        "and another is asked about, who has no role",
    ),
    (
        "registry-role-young",
        &["role-ignored-in-legacy", "token-lacks-action"],
        &["registry-role-missing"],
        "it is too little for what is asked about",
    ),
    (
        "registry-role-young",
        &["catalog-lister-missing", "condition-excludes-repository"],
        &["role-ignored-in-abac"],
        "it is not of the mode",
    ),
    ("catalog-lister-missing", &["no-cmk"], &["registry-role-missing"], "a registry made anew is in the other mode"),
    (
        "condition-excludes-repository",
        &["no-cmk"],
        &["role-ignored-in-legacy"],
        "a registry made anew is in the other mode",
    ),
    ("anonymous-pull-shadowed", &["no-cmk"], &["docker-login-expired"], "a registry made anew lets nobody pull"),
    ("docker-login-expired", &["anonymous-pull-on"], &["anonymous-pull-shadowed"], "and anybody may pull"),
    (
        "aks-kubelet-missing",
        &["caller-may-not-read"],
        &["aks-not-readable"],
        "who may not see the registry may not see the cluster",
    ),
    (
        "dns-private-elsewhere",
        &["registry-public-access-off", "subnet-rules-cut"],
        &["dns-public-despite-endpoint"],
        "and public access is off, which the data endpoint shows",
    ),
    (
        "dns-public-despite-endpoint",
        &[
            "bastion-subnet",
            "firewall-lacks-hosts",
            "nsg-blocks",
            "provider-not-registered-there",
            "route-to-appliance",
            "route-to-nowhere",
            "service-endpoint-missing",
        ],
        &["subnet-rules-cut"],
        "its public access is off, and the other has subnet rules",
    ),
    ("subnet-rules-cut", &["registry-firewall"], &["dns-public-despite-endpoint"], "and it has a private endpoint"),
];

fn instead(code: &str, other: &str) -> impl Iterator<Item = &'static str> {
    let of = move |(of, with, ..): &&(&str, &[&str], &[&str], &str)| *of == code && with.contains(&other);
    INSTEAD.iter().filter(of).flat_map(|(_, _, shows, _)| shows.iter().copied())
}

/// By how many entries they do not go together.
fn apart(a: &str, b: &str) -> usize {
    let with = |a: &str, b: &str| NOT_WITH.iter().filter(|(of, with, _)| *of == a && with.contains(&b)).count();
    ONE_OF.iter().filter(|(group, _)| group.contains(&a) && group.contains(&b)).count() + with(a, b) + with(b, a)
}

/// What a diagnosis names: what it finds, and what it could not look for.
fn named(diagnosis: &Diagnosis) -> BTreeSet<&str> {
    let found = diagnosis.all();
    let hidden = found.iter().flat_map(|f| &f.hides).chain(diagnosis.unseen.iter().flat_map(|u| &u.codes));
    found.iter().map(|f| &f.code).chain(hidden).map(String::as_str).collect()
}

fn diagnosed(a: &StagedCause, b: &StagedCause) -> Diagnosis {
    cmk_tests::run_paused(async {
        let mut setup = Setup::healthy();
        a.spoil(&mut setup);
        b.spoil(&mut setup);
        setup.fixture().diagnosis().await
    })
}

/// Staged in both orders, as time that passes for one may undo the other: in one of them both are told, and in neither
/// anything that is not so. Of two that do not go together one is told, whatever the order.
fn wrong(a: &StagedCause, b: &StagedCause) -> Vec<String> {
    let pair = |what: String| format!("{} + {}: {what}", a.code, b.code);
    let orders = [(a, b, diagnosed(a, b)), (b, a, diagnosed(b, a))];
    let (for_a, for_b): (Vec<_>, Vec<_>) = (instead(a.code, b.code).collect(), instead(b.code, a.code).collect());
    let mine: BTreeSet<&str> = [a.code, b.code].into_iter().chain(a.with.iter().chain(b.with).copied()).collect();
    let (mut wrong, mut told) = (Vec::new(), Vec::new());
    let mut replaced = for_a.is_empty() && for_b.is_empty();
    for (first, second, diagnosis) in &orders {
        let named = named(diagnosis);
        let foreign: Vec<_> =
            diagnosis.findings.iter().map(|f| f.code.as_str()).filter(|code| !mine.contains(code)).collect();
        let shown = |code: &&str| for_a.contains(code) || for_b.contains(code);
        let strange: Vec<_> = foreign.iter().filter(|code| !shown(code)).collect();
        if !strange.is_empty() {
            wrong.push(pair(format!("{} first: besides {strange:?}", first.code)));
        }
        let plainly = (named.contains(a.code), named.contains(b.code));
        replaced |= foreign.iter().any(shown) || plainly != (true, true);
        let so = |plainly: bool, instead: &[&str]| plainly || instead.iter().any(|code| named.contains(code));
        told.push((plainly, (so(plainly.0, &for_a), so(plainly.1, &for_b))));
        let undone = UNDONE.iter().any(|(one, other, _)| (*one, *other) == (first.code, second.code));
        if undone == (told.last().is_some_and(|(_, (a, b))| *a || *b)) {
            wrong.push(pair(format!("{} first: {}", first.code, if undone { "not undone" } else { "none is told" })));
        }
    }
    if !replaced {
        wrong.push(pair("what shows instead is needed no longer".into()));
    }
    match apart(a.code, b.code) {
        0 if !told.iter().any(|(_, so)| *so == (true, true)) => wrong.push(pair(format!("never both: {told:?}"))),
        0 => {}
        _ if told.iter().any(|(plainly, _)| *plainly == (true, true)) => {
            wrong.push(pair("both are told, and need not be apart".into()));
        }
        _ => {}
    }
    wrong
}

#[test]
fn two_causes_at_once_are_both_told() {
    let staged: Vec<&StagedCause> = all().collect();
    let pairs: Vec<(&StagedCause, &StagedCause)> =
        staged.iter().enumerate().flat_map(|(n, a)| staged.iter().skip(n + 1).map(move |b| (*a, *b))).collect();
    let every = if troubled::long() { 1 } else { EVERY };
    let pairs: Vec<_> = pairs.into_iter().step_by(every).collect();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let worker = || {
        while let Some((a, b)) = pairs.get(next.fetch_add(1, Ordering::SeqCst)) {
            let wrong = wrong(a, b);
            failed.lock().unwrap().extend(wrong);
        }
    };
    std::thread::scope(|s| {
        s.spawn(worker);
        s.spawn(worker);
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} pairs:\n{}", failed.len(), pairs.len(), failed.join("\n"));
}

#[test]
fn what_is_said_of_pairs_is_said_of_causes_and_once() {
    let known: BTreeSet<_> = causes().map(|c| c.code).collect();
    let groups = ONE_OF.iter().flat_map(|(group, _)| group.iter());
    let with = NOT_WITH.iter().flat_map(|(of, with, _)| with.iter().chain([of]));
    let undone = UNDONE.iter().flat_map(|(one, other, _)| [one, other]);
    let instead = INSTEAD.iter().flat_map(|(of, with, shows, _)| with.iter().chain(*shows).chain([of]));
    let unknown: Vec<_> = groups.chain(with).chain(undone).chain(instead).filter(|c| !known.contains(*c)).collect();
    assert_eq!(unknown, [&""; 0]);
    for a in &known {
        for b in &known {
            assert!(a == b || apart(a, b) <= 1, "{a} and {b} are said to be apart twice");
        }
    }
}
