//! Error texts are recognised however they were copied, name what they are about, and say which workflow mends them.

mod texts;

use cmk::{
    Error, ErrorKind, Symptom,
    azure::ServiceError,
    symptom::{
        Area, FINDINGS,
        SymptomKind::{self, *},
        SymptomName,
    },
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use texts::{Fill, GUID, TEXTS, texts};

fn kind(text: &str) -> Option<SymptomKind> {
    Symptom::read(text).map(|s| s.kind)
}

fn text_of(kind: SymptomKind) -> String {
    texts().into_iter().find(|(k, _)| *k == kind).expect("a text").1
}

/// Broken at a width, as terminals and chat windows do, with a frame or an indent before each line.
fn wrapped(text: &str, width: usize, before: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    chars
        .chunks(width)
        .map(|line| format!("{before}{}", line.iter().collect::<String>()))
        .collect::<Vec<_>>()
        .join("\n")
}

fn json(text: &str) -> String {
    serde_json::json!({ "error": { "code": "Denied", "message": text } }).to_string()
}

#[test]
fn each_text_is_recognised_as_it_is() {
    for (is, text) in texts() {
        assert_eq!(kind(&text), Some(is), "{text}");
    }
}

#[test]
fn every_kind_has_a_text() {
    for kind in SymptomKind::ALL {
        assert!(TEXTS.iter().any(|(k, _)| k == kind), "{kind:?}");
    }
}

#[test]
fn and_wrapped_at_any_width() {
    for (is, text) in texts() {
        for width in (8..60).chain((60..160).step_by(7)) {
            for before in ["", "    ", "│ ", "> "] {
                assert_eq!(kind(&wrapped(&text, width, before)), Some(is), "at {width} behind {before:?}: {text}");
            }
        }
    }
}

#[test]
fn and_escaped_prefixed_or_quoted() {
    for (is, text) in texts() {
        let once = json(&text);
        let twice = serde_json::json!({ "message": once }).to_string();
        let thrice = serde_json::to_string(&twice).expect("json");
        let unicode = text.replace('\'', "\\u0027");
        let docker = format!("Error response from daemon: denied: {text}");
        let az = format!("(BadRequest) {text}\nCode: BadRequest\nMessage: {text}");
        let kubelet = format!(
            "Failed to pull image \"contoso1/a:1\": rpc error: code = Unknown desc = failed to pull and unpack image: failed to \
             authorize: 403 Forbidden: {once}"
        );
        let terraform =
            format!("╷\n│ Error: creating Container Registry: unexpected status 400:\n{}\n╵", wrapped(&text, 70, "│ "));
        let coloured = format!("\u{1b}[31m{}\u{1b}[0m", text.replacen(' ', " \u{1b}[1m", 1));
        let upper = text.to_uppercase();
        let curly = text.replace('\'', "\u{2019}").replace('"', "\u{201c}");
        for way in [once, twice, thrice, unicode, docker, az, kubelet, terraform, coloured, upper, curly] {
            assert_eq!(kind(&way), Some(is), "{way}");
        }
    }
}

#[test]
fn and_cut_at_either_end() {
    // A short sentence is all of it or nothing.
    let long = |is: &SymptomKind, text: &str| is.area() == Area::KeyAccess && text.len() > 65;
    for (is, text) in texts().into_iter().filter(|(is, text)| long(is, text)) {
        let chars: Vec<char> = text.chars().collect();
        // The half in front or behind holds a stretch of each; what tells nothing any more is not guessed at.
        let front: String = chars.iter().take(chars.len() * 3 / 4).collect();
        assert_eq!(kind(&front), Some(is), "{front}");
        let cut = format!("{}...", chars.iter().take(chars.len() * 3 / 4).collect::<String>());
        assert_eq!(kind(&cut), Some(is), "{cut}");
        let behind: String = chars.iter().skip(chars.len() / 8).collect();
        assert_eq!(kind(&behind), Some(is), "{behind}");
    }
    assert_eq!(kind("...Try forcibly adding the identity"), Some(IdentityLost));
    assert_eq!(kind("403: This could be due to attempted remo"), Some(IdentityInactive));
}

/// A text with its cause cut off is its wrapper's kind, or none; never another cause.
#[test]
fn a_cut_text_is_never_taken_for_another() {
    let wrapper = |is: SymptomKind| matches!(is, PullRefused | TerraformForbidden | AdminUserOff | RefreshTokenRefused);
    for (is, text) in texts() {
        let chars: Vec<char> = text.chars().collect();
        for left in [2, 3, 4, 6, 8].map(|of| chars.len() - chars.len() / of) {
            let front: String = chars.iter().take(left).collect();
            let behind: String = chars.iter().skip(chars.len() - left).collect();
            for cut in [front, behind] {
                let seen = kind(&cut);
                assert!(seen.is_none_or(|k| k == is || wrapper(k)), "{seen:?} and not {is:?}: {cut}");
            }
        }
    }
}

#[test]
fn the_cause_wins_over_what_it_is_wrapped_in() {
    let login = "Access to registry 'contoso1.azurecr.io' was denied. Response code: 403.";
    let exchange = format!("An error occurred: CONNECTIVITY_REFRESH_TOKEN_ERROR\n{login}");
    let pull = "Failed to pull image \"contoso1.azurecr.io/app:1\": ErrImagePull: failed to authorize: failed to fetch anonymous \
                token: Get \"https://contoso1.azurecr.io/oauth2/token\": 403 Forbidden: unauthorized: authentication required: ";
    let after = |wrapper: &str, cause: SymptomKind| kind(&format!("{wrapper} {}", text_of(cause)));
    for cause in [
        KeyForbidden,
        IdentityInactive,
        RegistryFirewall,
        DnsUnresolved,
        TlsUntrusted,
        ConnectionTimeout,
        ApplicationUnknown,
    ] {
        assert_eq!(after(pull, cause), Some(cause));
    }
    for cause in [KeyForbidden, SignInSecretExpired, SignInAppUnknown, RegistryFirewall] {
        assert_eq!(after(&exchange, cause), Some(cause));
    }
    assert_eq!(kind(&exchange), Some(RefreshTokenRefused));
    // What was held back behind a generic code.
    assert_eq!(after("(AuthorizationFailed)", LinkedAuthorizationFailed), Some(LinkedAuthorizationFailed));
    let deployment =
        "{\"code\":\"DeploymentFailed\",\"message\":\"At least one resource deployment operation failed.\"}";
    assert_eq!(after(deployment, KeyAccessRefused), Some(KeyAccessRefused));
    // The whole output of `az acr check-health --ignore-errors`: what is wrong with the registry, not with the machine.
    let health = [HelmMissing, DockerMissing, RegistryForbidden].map(text_of).join("\n");
    assert_eq!(kind(&health), Some(RegistryForbidden));
    assert_eq!(after(&health, IdentityMissing), Some(IdentityMissing));
}

#[test]
fn a_longer_code_is_not_a_shorter_one() {
    assert_eq!(kind("AADSTS700211: no match"), Some(FederationMismatch));
    assert_eq!(kind("AADSTS7000159: something else"), None);
    assert_eq!(kind("AADSTS7000218: the request body must contain a secret"), None);
    assert_eq!(kind("{\"code\":\"AuthorizationFailedAgain\"}"), None);
    assert_eq!(kind("authorization failed"), None);
    assert_eq!(kind("{\"code\":\"AuthorizationFailed\"}"), Some(AuthorizationFailed));
}

#[test]
fn what_a_text_names_is_read() {
    let of = |text: &str| Symptom::read(text).expect("a symptom");
    let guid = Some(GUID.parse().expect("a guid"));
    let seen = of(&text_of(IdentityLost));
    assert_eq!(seen.guid, guid);
    let id =
        format!("/subscriptions/{GUID}/resourcegroups/shop/providers/microsoft.containerregistry/registries/contoso1");
    assert_eq!(seen.registry.as_deref(), Some(&*id));
    assert_eq!(seen.registry_name(), Some("contoso1"));
    // As the article prints it: no GUID, and a name of its own.
    let article =
        text_of(IdentityLost).replace("contoso1", "myRegistry").replace(GUID, "xxxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxx");
    let seen = of(&article);
    assert_eq!((seen.kind, seen.guid, seen.registry_name()), (IdentityLost, None, Some("myregistry")));
    let seen = of(&text_of(KeyAccessRefused));
    assert_eq!(seen.key.expect("a key").name().as_str(), "acr-cmk");
    assert_eq!((seen.guid, seen.vault.as_deref()), (guid, Some("kv-contoso1")));
    assert_eq!(of(&text_of(IdentityMissing)).registry.as_deref(), Some("contoso1"));
    for kind in [EncryptionIncomplete, SoftDeletePolicyKept, TerraformForbidden, LoginServerUnknown, RegistryNameTaken]
    {
        assert_eq!(of(&text_of(kind)).registry_name(), Some("contoso1"), "{kind:?}");
    }
    let seen = of(&text_of(VaultFirewall));
    assert_eq!(
        (seen.guid, seen.vault.as_deref(), seen.client_ip),
        (guid, Some("kv-contoso1"), Some([203, 0, 113, 7].into()))
    );
    let seen = of(&text_of(VaultRoleMissing));
    assert_eq!(seen.action.as_deref(), Some("Microsoft.KeyVault/vaults/keys/read"));
    assert!(seen.scope.expect("a scope").ends_with("/vaults/kv-contoso1/keys/acr-cmk"));
    let seen = of(&text_of(LinkedAuthorizationFailed));
    assert_eq!(seen.action.as_deref(), Some("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"));
    assert!(seen.scope.expect("a scope").ends_with("/userAssignedIdentities/id-cmk"));
    assert_eq!(seen.guid, guid);
    let seen = of(&text_of(AuthorizationFailed));
    assert_eq!(seen.action.as_deref(), Some("Microsoft.ContainerRegistry/registries/write"));
    assert!(seen.scope.expect("a scope").ends_with("/registries/contoso1"));
    assert!(of(&text_of(ScopeLocked)).scope.is_some());
    let seen = of(&text_of(SignInSecretWrong));
    assert_eq!((seen.request_id.as_deref(), seen.correlation_id.as_deref()), (Some(GUID), Some(GUID)));
    let seen = of(&text_of(AnonymousToken));
    assert_eq!(
        (seen.registry.as_deref(), seen.repository.as_deref()),
        (Some("contoso1.azurecr.io"), Some("samples/app"))
    );
    let manifest = "Get https://contoso1.azurecr.io/v2/samples/app/manifests/1: unauthorized: authentication required";
    assert_eq!(of(manifest).repository.as_deref(), Some("samples/app"));
    let data = "Get \"https://contoso1.westeurope.data.azurecr.io/sha256\": dial tcp 20.1.2.3:443: i/o timeout";
    assert_eq!(of(data).registry.as_deref(), Some("contoso1.azurecr.io"));
    let hashed = "Could not connect to the registry login server 'contoso1-a1b2c3.azurecr.io'.";
    assert_eq!(
        (of(hashed).registry.as_deref(), of(hashed).registry_name()),
        (Some("contoso1-a1b2c3.azurecr.io"), Some("contoso1"))
    );
    let six = "client with IP '2001:db8::7' is not allowed access.";
    assert_eq!(of(six).client_ip, Some("2001:db8::7".parse().expect("an address")));
}

#[test]
fn what_was_broken_is_read_or_left_out_but_never_cut() {
    for (is, text) in texts() {
        let whole = Symptom::read(&text).expect("a symptom");
        for width in 20..90 {
            let seen = Symptom::read(&wrapped(&text, width, "│ ")).expect("a symptom");
            assert!(seen.client_ip.is_none() || seen.client_ip == whole.client_ip, "{is:?} {width}");
            assert!(seen.guid.is_none() || seen.guid == whole.guid, "{is:?} {width}");
            assert!(seen.registry.is_none() || seen.registry == whole.registry, "{is:?} {width}: {:?}", seen.registry);
            assert!(
                seen.repository.is_none() || seen.repository == whole.repository,
                "{is:?} {width}: {:?}",
                seen.repository
            );
            assert!(seen.vault.is_none() || seen.vault == whole.vault, "{is:?} {width}: {:?}", seen.vault);
            assert!(seen.scope.is_none() || seen.scope == whole.scope, "{is:?} {width}: {:?}", seen.scope);
        }
    }
}

#[test]
fn each_says_which_workflow_mends_it_and_why() {
    let mut names = BTreeSet::new();
    for kind in SymptomKind::ALL {
        if let Some(command) = kind.mended_by() {
            assert!(kind.advice().contains(command), "{kind:?}: {}", kind.advice());
        }
        assert!(kind.advice().contains("(R-"), "{kind:?}: {}", kind.advice());
        assert!(names.insert(kind.name()), "{kind:?}");
        assert_eq!(serde_json::to_value(kind).expect("json"), kind.name());
    }
    let six = [IdentityLost, IdentityInactive, KeyForbidden, KeyAccessRefused, IdentityMissing, EncryptionIncomplete];
    let mended = ["cmk reassign", "cmk reassign", "cmk recover", "cmk bypass", "cmk reassign", "cmk repair"];
    assert_eq!(six.map(SymptomKind::mended_by), mended.map(Some));
    // What runs append to their errors stays short.
    for kind in
        SymptomKind::ALL.iter().filter(|k| !six.contains(k) && matches!(k.area(), Area::KeyAccess | Area::Governance))
    {
        assert!(kind.advice().len() <= 240, "{kind:?}");
    }
}

#[test]
fn every_rule_that_advice_cites_is_in_the_list() {
    let rules = include_str!("../../docs/azure-rules.md");
    let cited = SymptomKind::ALL.iter().map(|k| k.advice()).chain(SymptomName::ALL.iter().map(|s| s.description()));
    for text in cited {
        for rule in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).filter(|w| w.starts_with("R-")) {
            assert!(rules.contains(&format!("| {rule} |")), "{rule} of: {text}");
        }
    }
}

#[test]
fn findings_are_one_table_without_blanks() {
    let table: BTreeSet<&str> = FINDINGS.iter().map(|(code, _)| *code).collect();
    assert_eq!(table.len(), FINDINGS.len());
    let kinds = SymptomKind::ALL.iter().flat_map(|k| k.codes());
    let used: BTreeSet<&str> = kinds.chain(SymptomName::ALL.iter().flat_map(|s| s.codes())).copied().collect();
    assert_eq!(used, table);
    for code in table {
        assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{code}");
    }
}

#[test]
fn symptoms_without_a_text_are_found_by_name() {
    for symptom in SymptomName::ALL {
        assert_eq!(symptom.to_string().parse::<SymptomName>().expect("a name"), *symptom);
        assert_eq!(serde_json::to_value(symptom).expect("json"), symptom.name());
        assert!(!symptom.codes().is_empty() && symptom.description().contains("(R-"), "{symptom}");
        let once: BTreeSet<_> = symptom.codes().iter().collect();
        assert_eq!(once.len(), symptom.codes().len(), "{symptom}");
    }
    assert_eq!(" Import-Fails ".parse::<SymptomName>().expect("a name"), SymptomName::ImportFails);
    let refused = "coffee-is-cold".parse::<SymptomName>().expect_err("no name").to_string();
    for part in ["coffee-is-cold", "R-DP-25", "tasks-fail", "login-works-but-pull-fails"] {
        assert!(refused.contains(part), "{refused}");
    }
}

#[test]
fn other_texts_are_none_of_them() {
    let unrelated: Vec<&str> = include_str!("symptoms/unrelated.txt").lines().collect();
    assert!(unrelated.len() >= 100);
    for other in unrelated.into_iter().chain(["", "   "]) {
        assert_eq!(kind(other), None, "{other:?}");
        assert_eq!(kind(&json(other)), None, "as JSON: {other:?}");
    }
}

fn operation(text: &str) -> Error {
    let service = ServiceError { status: 200, code: "Failed".into(), message: text.into(), ..ServiceError::default() };
    Error::new(ErrorKind::Operation(Box::new(service)))
}

#[test]
fn errors_of_runs_are_given_advice_on_keys_and_rights_only_and_once() {
    for (is, text) in texts() {
        let shown = operation(&text).to_string();
        let wanted = matches!(is.area(), Area::KeyAccess | Area::Governance);
        assert_eq!(shown.contains(is.advice()), wanted, "{is:?}: {shown}");
    }
    let last = Some(Box::new(operation(&text_of(KeyAccessRefused))));
    let unsettled = Error::new(ErrorKind::Unsettled { waited_for: "the key".into(), last }).to_string();
    assert_eq!(unsettled.matches(KeyAccessRefused.advice()).count(), 1, "{unsettled}");
}

/// The same words are ours or not, by the registry that is named.
#[test]
fn another_registrys_text_is_not_ours() {
    let shared = [
        Unauthorized,
        NoCredentials,
        TlsUntrusted,
        ConnectionTimeout,
        LoginForbidden,
        AnonymousToken,
        PullRefused,
        ProxyBroken,
    ];
    for (is, text) in TEXTS.iter().filter(|(is, text)| shared.contains(is) && text.contains("https://{reg}.azurecr.io"))
    {
        if text.contains("CONNECTIVITY_") {
            continue;
        }
        for host in ["ghcr.io", "registry-1.docker.io", "harbor.example.org", "10.0.0.9:5000"] {
            let theirs = Fill::default().fill(&text.replace("{reg}.azurecr.io", host));
            assert_eq!(kind(&theirs), None, "{is:?}: {theirs}");
        }
    }
}

fn fills() -> impl Strategy<Value = Fill> {
    let names = ("[a-zA-Z0-9]{5,50}", "[a-zA-Z0-9_-]{1,40}", "[a-z][a-z0-9]{2,20}", "[a-z0-9]{1,9}/[a-z0-9]{1,9}");
    (names, any::<u128>(), any::<[u8; 4]>()).prop_map(|((reg, group, vault, repo), guid, ip)| Fill {
        reg,
        group,
        vault,
        repo,
        guid: uuid::Uuid::from_u128(guid).to_string(),
        ip: std::net::Ipv4Addr::from(ip).to_string(),
    })
}

/// What happens to a text on its way to somebody's clipboard.
#[derive(Clone, Debug)]
enum Mangled {
    Json,
    Wrapped(usize, &'static str),
    Upper,
    Curly,
    Within(&'static str, &'static str),
}

fn manglings() -> impl Strategy<Value = Vec<Mangled>> {
    let one = prop_oneof![
        Just(Mangled::Json),
        (12_usize..200, prop_oneof![Just(""), Just("  "), Just("│ "), Just("> ")])
            .prop_map(|(w, b)| Mangled::Wrapped(w, b)),
        Just(Mangled::Upper),
        Just(Mangled::Curly),
        Just(Mangled::Within("2026-10-12T08:00:00Z ##[error] ", " (exit code 1)")),
        Just(Mangled::Within("rpc error: code = Unknown desc = ", "\nSee 'docker pull --help'.")),
    ];
    proptest::collection::vec(one, 0..4)
}

fn mangle(text: String, how: &Mangled) -> String {
    match how {
        Mangled::Json => json(&text),
        Mangled::Wrapped(width, before) => wrapped(&text, *width, before),
        Mangled::Upper => text.to_uppercase(),
        Mangled::Curly => text.replace('\'', "\u{2019}"),
        Mangled::Within(before, behind) => format!("{before}{text}{behind}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn any_text_is_read_without_harm(text in ".{0,300}") {
        let _ = Symptom::read(&text);
    }
    #[test]
    fn a_piece_of_a_text_in_any_text_is_read_without_harm(before in ".{0,40}", at in 0..TEXTS.len(), cut in 0_usize..400, behind in ".{0,40}") {
        let text = Fill::default().fill(TEXTS[at].1);
        let piece: String = text.chars().skip(cut / 2).take(cut).collect();
        let _ = Symptom::read(&format!("{before}{piece}{behind}"));
    }
    #[test]
    fn other_ids_do_not_matter(fill in fills(), at in 0..TEXTS.len()) {
        let (is, text) = TEXTS[at];
        let seen = Symptom::read(&fill.fill(text)).expect("a symptom");
        prop_assert_eq!(seen.kind, is);
        if let Some(name) = seen.registry_name() {
            prop_assert_eq!(name, fill.reg.to_lowercase());
        }
        if let Some(vault) = seen.vault {
            prop_assert_eq!(vault, fill.vault);
        }
        if let Some(ip) = seen.client_ip {
            prop_assert_eq!(ip.to_string(), fill.ip);
        }
    }
    #[test]
    fn nor_does_what_happened_on_the_way(fill in fills(), at in 0..TEXTS.len(), how in manglings()) {
        // An escape in capitals says something else; nobody sees that.
        let upper = how.iter().position(|m| matches!(m, Mangled::Upper));
        let escaped = how.iter().position(|m| matches!(m, Mangled::Json));
        prop_assume!(upper.is_none_or(|u| escaped.is_none_or(|e| u < e)));
        let (is, text) = TEXTS[at];
        let mangled = how.iter().fold(fill.fill(text), mangle);
        prop_assert_eq!(kind(&mangled), Some(is), "{}", mangled);
    }
}
