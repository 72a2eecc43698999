//! What is said of causes elsewhere: the page of them all, and the codes that texts point at.

use cmk::{
    diagnose::{When, causes},
    symptom::{SymptomKind, SymptomName},
};
use std::{collections::BTreeSet, fmt::Write as _};

fn page() -> String {
    let mut page = String::from(
        "# The causes of a diagnosis\n\n\
         What `cmk diagnose` looks for, in the order in which it is told; `cmk diagnose --list` prints the same. A code stays \
         the same from version to version. Those marked *audit* are looked for by `cmk audit` as well, or by it alone.\n\n\
         It tells the severest first, and of one severity in this order; `--list --output json` has the rules as well.\n\n\
         | code | area | severity | cause | rules |\n|---|---|---|---|---|\n",
    );
    for cause in causes() {
        let audit = match cause.when {
            When::Diagnosis => "",
            When::Audit => " *audit alone*",
            When::Both => " *audit*",
        };
        let rules = cause.rules.join(", ");
        writeln!(page, "| `{}`{audit} | {} | {} | {} | {rules} |", cause.code, cause.area, cause.severity, cause.line)
            .unwrap();
    }
    page
}

#[test]
fn the_page_of_causes_is_the_list_of_causes() {
    let path = cmk_tests::repository("docs/causes.md");
    if std::env::var_os("CMK_WRITE_PAGES").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written == page(), "docs/causes.md is not the list of causes: run this test with CMK_WRITE_PAGES=1");
}

/// Those of which only Microsoft's page says anything.
const BY_THEIR_PAGE: [&str; 1] = ["az-old"];

#[test]
fn every_cause_names_a_page_of_microsofts_and_a_rule() {
    let rules = std::fs::read_to_string(cmk_tests::repository("docs/azure-rules.md")).unwrap();
    for cause in causes() {
        assert!(cause.page.starts_with("https://"), "{}: {:?}", cause.code, cause.page);
        assert!(!cause.rules.is_empty() || BY_THEIR_PAGE.contains(&cause.code), "{} rests on no rule", cause.code);
        for rule in cause.rules {
            assert!(rules.contains(&format!("| {rule} |")), "{}: {rule} is not in docs/azure-rules.md", cause.code);
        }
    }
}

#[test]
fn what_follows_from_a_cause_names_causes_that_there_are() {
    let known: BTreeSet<_> = causes().map(|c| c.code).collect();
    for cause in causes() {
        for of in cause.follows {
            assert!(known.contains(of), "{} follows from {of}, which there is not", cause.code);
        }
    }
}

/// What texts point at, and a diagnosis does not look for.
const NO_CAUSE: &[&str] = &[
    "aad-login-off",
    "admin-user-off",
    "assignment-stale",
    "caller-role-missing",
    "conditional-access",
    "content-trust-wanted",
    "docker-socket-denied",
    "federation-mismatch",
    "helm-missing",
    "helm-version-old",
    "image-quarantined",
    "key-moving",
    "linked-role-missing",
    "lock",
    "policy-denied",
    "policy-modifies",
    "principal-young",
    "registry-name-taken",
    "repository-locked",
    "secret-wrong",
    "sku-not-premium",
    "soft-delete-policy-set",
    "source-registry-closed",
    "throttled",
    "vault-name-taken",
    "wrong-tenant",
];

#[test]
fn symptoms_point_at_causes() {
    let known: BTreeSet<_> = causes().map(|c| c.code).collect();
    let kinds = SymptomKind::ALL.iter().flat_map(|kind| kind.codes());
    let codes: BTreeSet<_> = kinds.chain(SymptomName::ALL.iter().flat_map(|name| name.codes())).copied().collect();
    assert_eq!(codes.difference(&known).collect::<Vec<_>>(), NO_CAUSE.iter().collect::<Vec<_>>());
    let pointed = |codes: &[&str]| codes.iter().any(|code| known.contains(code));
    let kinds: Vec<_> = SymptomKind::ALL.iter().filter(|k| pointed(k.codes())).collect();
    println!("{} of {} texts point at causes of a diagnosis", kinds.len(), SymptomKind::ALL.len());
    for kind in SymptomKind::ALL {
        println!("{:32} {:?}", kind.name(), kind.codes().iter().filter(|c| known.contains(**c)).collect::<Vec<_>>());
    }
    for name in SymptomName::ALL {
        assert!(pointed(name.codes()), "{name}: {:?}", name.codes());
    }
    assert!(kinds.len() * 2 > SymptomKind::ALL.len(), "{kinds:?}");
}
