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

/// Causes of which a world can hold one at a time, whichever was staged last; with why.
const ONE_OF: &[(&[&str], &str)] = &[
    (&["registry-absent", "no-cmk"], "it is there or is not"),
    (&["registry-absent", "caller-may-not-read"], "who may not read does not see that it is not there"),
    (&["key-disabled", "key-old"], "the newest enabled version counts"),
    (&["registry-failed", "registry-busy"], "one state"),
    (
        &[
            "identity-guid-is-principal",
            "identity-deleted",
            "identity-recreated",
            "system-identity-off",
            "identity-not-attached",
        ],
        "one identity unwraps",
    ),
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
    (&["key-behind", "key-pinned", "key-pinned-behind"], "followed or pinned"),
    (&["key-old", "key-behind", "key-pinned-behind", "key-version-absent"], "a new version is not old"),
    (&["arm-audience-refused", "feature-lost-trust"], "one block of policies"),
    (&["identity-guid-is-principal", "vault-refusals-logged"], "the log is of another identity"),
    (&["system-identity-off", "vault-refusals-logged"], "the log is of another identity"),
    (&["no-cmk", "identity-shared"], "no key, no identity"),
    (&["identity-guid-is-principal", "identity-shared"], "the other names the client id"),
    (&["system-identity-off", "identity-shared"], "a registry's own identity is nobody else's"),
    (&["dns-unresolved", "dns-private-elsewhere"], "one answer of the resolver"),
    (&["key-old", "key-expired", "key-expires-soon"], "what ends is not followed from long ago"),
    (&["private-dns-record-missing", "private-dns-record-wrong"], "one record"),
    (&["dns-unresolved", "dns-public-despite-endpoint", "dns-private-elsewhere"], "one name"),
    (&["registry-firewall", "tls-failed", "no-challenge", "registry-unreachable"], "one answer at the door"),
    (&["private-dns-record-missing", "wrong-cloud"], "another cloud's name is in another zone"),
    (&["private-dns-record-wrong", "wrong-cloud"], "another cloud's name is in another zone"),
    (&["dns-private-elsewhere", "wrong-cloud"], "another cloud's name is in another zone"),
    (
        &[
            "caller-may-not-read",
            "repository-name-invalid",
            "aks-not-readable",
            "aks-kubelet-missing",
            "principal-is-app-id",
            "principal-unknown",
            "role-ignored-in-abac",
            "role-ignored-in-legacy",
            "condition-excludes-repository",
            "catalog-lister-missing",
            "registry-role-missing",
            "registry-role-young",
            "portal-grant-young",
            "login-refused",
            "token-lacks-action",
            "scope-map-lacks-action",
            "probe-failed",
        ],
        "one is asked about, for one use",
    ),
    (
        &[
            "wrong-cloud",
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
    (
        &[
            "no-cmk",
            "identity-guid-is-principal",
            "identity-deleted",
            "identity-recreated",
            "system-identity-off",
            "identity-not-attached",
            "identity-inactive",
            "key-forbidden-to-data",
            "probe-failed",
        ],
        "data is refused for one reason",
    ),
    (&["docker-old", "docker-daemon-stopped", "docker-proxy-differs"], "one answer of Docker"),
    (&["docker-restart-pending", "docker-proxy-differs"], "the daemon goes by what is configured"),
    (&["docker-config-unreadable", "docker-credential-store-missing", "docker-proxy-differs"], "one configuration"),
    (&["az-old", "az-other-cloud", "az-other-tenant"], "one profile"),
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
];

/// What shows instead of a cause where another makes more of it, or hides how it came about.
const INSTEAD: &[(&str, &[&str], &str)] = &[
    ("vault-deleted", &["vault-absent"], "time passed, and it was purged"),
    ("key-deleted", &["key-absent"], "time passed, and it was purged"),
    ("key-absent", &["key-deleted"], "a closed vault does not show what is deleted"),
    ("identity-guid-is-principal", &["identity-deleted"], "the identity of that principal is gone"),
    ("identity-recreated", &["identity-deleted"], "the registry does not know its id any more"),
    ("grant-incomplete", &["grant-in-other-model"], "a role does not count there"),
    ("key-pinned", &["key-pinned-behind"], "and newer versions came"),
    ("key-pinned-behind", &["key-pinned"], "versions cannot be seen"),
    ("key-behind", &["key-pinned-behind"], "and is pinned"),
    ("grant-missing", &["grant-young"], "it was granted again for another registry"),
    (
        "registry-busy",
        &["registry-firewall"],
        "while it is changed, ARM shows what it will be, and its door what it is",
    ),
    ("dns-public-despite-endpoint", &["subnet-rules-cut"], "its public access is off, and the other has subnet rules"),
    ("dns-private-elsewhere", &["dns-public-despite-endpoint"], "and its public access is off"),
    ("subnet-rules-cut", &["dns-public-despite-endpoint"], "and it has a private endpoint"),
    ("identity-inactive", &["key-forbidden-to-data"], "and it was not renewed for another reason"),
    ("key-expired", &["key-old"], "time passed"),
    ("aks-kubelet-missing", &["aks-not-readable"], "who may not see the registry may not see the cluster"),
    (
        "registry-role-young",
        &["role-ignored-in-abac", "registry-role-missing"],
        "and is not of the mode, or too little",
    ),
    ("token-lacks-action", &["registry-role-missing", "probe-failed"], "and another is asked about, who has no role"),
    ("catalog-lister-missing", &["registry-role-missing"], "while it is changed, its mode is the old one"),
    ("condition-excludes-repository", &["role-ignored-in-abac", "role-ignored-in-legacy"], "of the other mode"),
    ("anonymous-pull-shadowed", &["docker-login-expired"], "while it is changed, nobody may pull yet"),
    ("docker-login-expired", &["anonymous-pull-shadowed"], "and anybody may pull"),
    ("key-forbidden-to-data", &["probe-failed"], "the caller may not push, for another reason"),
    ("identity-inactive", &["probe-failed"], "the caller may not push, for another reason"),
    ("key-expires-soon", &["key-expired", "key-old"], "time passed"),
    ("service-endpoint-missing", &["subnet-rules-cut"], "and public access is off"),
    ("provider-not-registered-there", &["subnet-rules-cut"], "and public access is off"),
    ("bastion-subnet", &["subnet-rules-cut"], "and public access is off"),
    ("nsg-blocks", &["subnet-rules-cut"], "and public access is off"),
    ("route-to-nowhere", &["subnet-rules-cut"], "and public access is off"),
    ("firewall-lacks-hosts", &["subnet-rules-cut"], "and public access is off"),
    ("route-to-appliance", &["subnet-rules-cut"], "and public access is off"),
    ("registry-firewall", &["dns-public-despite-endpoint"], "and public access is off"),
    (
        "dns-private-elsewhere",
        &["dns-public-despite-endpoint"],
        "and public access is off, which the data endpoint shows",
    ),
];

fn instead(code: &str) -> impl Iterator<Item = &'static str> {
    INSTEAD.iter().filter(move |(of, ..)| *of == code).flat_map(|(_, codes, _)| codes.iter().copied())
}

fn exclude(a: &str, b: &str) -> bool {
    let apart = |a: &str, b: &str| NOT_WITH.iter().any(|(of, with, _)| *of == a && with.contains(&b));
    ONE_OF.iter().any(|(group, _)| group.contains(&a) && group.contains(&b)) || apart(a, b) || apart(b, a)
}

/// A cause that is found, or named as one that could not be looked for.
fn told(diagnosis: &Diagnosis, code: &str) -> bool {
    let found = diagnosis.all();
    let said = |code: &str| {
        found.iter().any(|f| f.code == code || f.hides.iter().any(|h| h == code))
            || diagnosis.unseen.iter().any(|u| u.codes.iter().any(|c| c == code))
    };
    said(code) || instead(code).any(said)
}

fn diagnosed(a: &Stage, b: &Stage) -> Diagnosis {
    crate::stage::play(async {
        let mut set = Set::healthy();
        a.spoil(&mut set);
        b.spoil(&mut set);
        set.on().diagnosis().await
    })
}

/// Staged in both orders, as time that passes for one may undo the other: in one of them both are told, and in neither
/// anything that is not so.
fn fails(a: &Stage, b: &Stage) -> Option<String> {
    let both = [diagnosed(a, b), diagnosed(b, a)];
    let mut mine: BTreeSet<&str> = [a.code, b.code].into_iter().chain(a.with.iter().chain(b.with).copied()).collect();
    mine.extend(instead(a.code).chain(instead(b.code)));
    let foreign = |d: &Diagnosis| -> Vec<String> {
        d.findings.iter().map(|f| f.code.clone()).filter(|code| !mine.contains(code.as_str())).collect()
    };
    let foreign: Vec<String> = both.iter().flat_map(foreign).collect();
    let told_of = |d: &Diagnosis| (told(d, a.code), told(d, b.code));
    let enough = if exclude(a.code, b.code) {
        both.iter().map(told_of).any(|(first, second)| first || second)
    } else {
        both.iter().map(told_of).any(|(first, second)| first && second)
    };
    (!enough || !foreign.is_empty()).then(|| {
        let told: Vec<_> = both.iter().map(told_of).collect();
        format!("{} + {}: {told:?}, besides {foreign:?}", a.code, b.code)
    })
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
