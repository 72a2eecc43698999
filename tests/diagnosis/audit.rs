//! The audit of a subscription: each finding of R-FL-08 on a registry of its own.

use cmk::{
    Audit, audit,
    azure::id::SubscriptionId,
    diagnose::{Diagnosis, Verdict},
};
use cmk_mocks::{Fault, KeyRef, Match, Params, VaultModel, What, When, World, roles};
use cmk_tests::{
    Fixture,
    fixture::{self, GROUP, empty_with, subscription},
    run_paused,
};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Where something is wrong: the world, and the names of registry, vault and identity.
type Spoil = fn(&mut World, &At);

struct At {
    registry: String,
    vault: String,
    identity: String,
    version: String,
}

impl At {
    fn registry_id(&self) -> String {
        let subscription = subscription();
        format!(
            "/subscriptions/{subscription}/resourceGroups/{GROUP}/providers/Microsoft.ContainerRegistry/registries/{}",
            self.registry
        )
    }
    fn identity_id(&self) -> String {
        fixture::identity(&self.identity).to_string()
    }
    fn principal(&self, world: &World) -> uuid::Uuid {
        world.identity(&self.identity_id()).unwrap().principal_id
    }
}

const KEY: &str = "acr-cmk";

/// The findings of R-FL-08, each with a way to come by it.
const FINDINGS: &[(&str, Spoil)] = &[
    ("key-pinned", |w, at| w.mutate_registry_key(&at.registry_id(), &at.vault, KEY, Some(&at.version))),
    ("key-behind", |w, at| {
        w.mutate_registry_polls_late(&at.registry_id(), 30 * DAY);
        w.mutate_new_version(&at.vault, KEY);
    }),
    ("key-expires-soon", |w, at| {
        let soon = w.now().unix_timestamp() + 10 * 24 * 3600;
        w.mutate_version_dates(&at.vault, KEY, &at.version, None, Some(soon));
    }),
    ("key-disabled", |w, at| w.mutate_version_enabled(&at.vault, KEY, &at.version, false)),
    ("vault-no-purge-protection", |w, at| w.mutate_vault_retention(&at.vault, 90, false)),
    ("vault-short-retention", |w, at| w.mutate_vault_retention(&at.vault, 7, true)),
    ("identity-not-attached", |w, at| w.mutate_detach_identity(&at.registry_id(), &at.identity_id())),
    ("identity-deleted", |w, at| w.mutate_delete_identity(&at.identity_id())),
    ("grant-missing", |w, at| {
        let principal = at.principal(w);
        w.mutate_remove_grants(principal, "");
    }),
    ("grant-too-wide", |w, at| {
        let (principal, scope, now) = (at.principal(w), fixture::vault().to_string(), w.now());
        let scope = scope.replace(fixture::VAULT, &at.vault);
        w.set_role(principal, roles::KEY_VAULT_CRYPTO_USER, &scope, now);
    }),
    ("vault-leftover-policies", |w, at| w.mutate_policy_keys(&at.vault, uuid::Uuid::from_u128(9), &["get"])),
    ("vault-firewall", |w, at| w.mutate_vault_firewall(&at.vault, true, false, &[])),
    ("identity-at-risk", |w, at| {
        let (at_time, by) = (w.now(), w.operator());
        let said = "Azure resource '/subscriptions/s/registries/r' does not have access to identity \
                    '00000000-0000-0000-0000-000000000007' Try forcibly adding the identity to the registry r.";
        let write = "Microsoft.ContainerRegistry/registries/write";
        w.seed_activity(at_time, by, write, &at.registry_id(), Err(("BadRequest", said)));
        w.mutate_identity_at_risk(&at.registry_id(), at_time);
    }),
    ("task-logs-short", |w, at| {
        w.seed_task(&at.registry_id(), "nightly", false, true);
        let workspace = w.seed_workspace(GROUP, "logs");
        w.seed_diagnostic_setting(&at.registry_id(), "kept", &workspace, &[]);
    }),
    ("vault-other-tenant", |w, at| w.mutate_vault_tenant(&at.vault, uuid::Uuid::from_u128(7))),
];

/// A healthy registry of its own vault and identity.
fn healthy(world: &mut World, n: usize) -> At {
    let now = world.now();
    let at = At {
        registry: format!("fleet{n:03}"),
        vault: format!("kv-fleet{n:03}"),
        identity: format!("id-fleet{n:03}"),
        version: String::new(),
    };
    let identity = world.seed_identity(GROUP, &at.identity);
    world.seed_vault(GROUP, &at.vault, VaultModel::Rbac);
    world.seed_key(&at.vault, KEY, now);
    world.seed_registry_cmk(GROUP, &at.registry, &at.vault, KEY, KeyRef::Versionless, &identity.id);
    kept(world, &at.registry, &at.vault);
    let version = world.key_versions(&at.vault, KEY).last().map(|v| v.version.clone()).unwrap();
    At { version, ..at }
}

/// With logs kept of both.
fn kept(world: &mut World, registry: &str, vault: &str) {
    let workspace = world.seed_workspace(GROUP, "logs");
    let registry = fixture::registry().to_string().replace(fixture::REGISTRY, registry);
    let vault = fixture::vault().to_string().replace(fixture::VAULT, vault);
    world.seed_diagnostic_setting(&registry, "kept", &workspace, &["allLogs"]);
    world.seed_diagnostic_setting(&vault, "kept", &workspace, &["audit"]);
}

fn world() -> World {
    let params = Params { acr_auto_rotate_poll: 30 * DAY, ..Params::instant() };
    let mut world = empty_with(params);
    let (operator, now) = (world.operator().object_id, world.now());
    world.set_role(operator, roles::KEY_VAULT_CRYPTO_OFFICER, &format!("/subscriptions/{}", subscription()), now);
    world
}

fn codes(of: &Diagnosis) -> Vec<&str> {
    of.findings.iter().map(|f| f.code.as_str()).collect()
}

fn of<'a>(audit: &'a Audit, name: &str) -> &'a Diagnosis {
    audit.registries.iter().find(|r| r.registry.name() == name).unwrap_or_else(|| panic!("{name}: {audit}"))
}

#[test]
fn r_fl_08_each_finding_on_a_registry_of_its_own() {
    run_paused(async {
        let mut world = world();
        let all: Vec<_> = (0..FINDINGS.len()).map(|n| healthy(&mut world, n)).collect();
        let whole = healthy(&mut world, 900);
        world.seed_registry(GROUP, "plain1", "Basic");
        let shared = world.seed_identity(GROUP, "id-shared").id;
        world.seed_vault(GROUP, "kv-shared", VaultModel::Rbac);
        let now = world.now();
        world.seed_key("kv-shared", KEY, now);
        for name in ["shared1", "shared2"] {
            world.seed_registry_cmk(GROUP, name, "kv-shared", KEY, KeyRef::Versionless, &shared);
            kept(&mut world, name, "kv-shared");
        }
        kept(&mut world, "plain1", "kv-shared");
        let later = world.now() + DAY;
        world.advance(later);
        for ((_, spoil), at) in FINDINGS.iter().zip(&all) {
            spoil(&mut world, at);
        }
        // Long enough for what should have followed its key, and for every right.
        let later = world.now() + Duration::from_secs(3 * 3600);
        world.advance(later);

        let fixture = Fixture::of(world);
        fixture.sim.latency(Duration::from_secs(1));
        let began = fixture.now();
        let audit = audit(&fixture.azure(), &[subscription()]).await.unwrap();
        assert_eq!(audit.verdict, Verdict::Findings);
        let mut wrong = Vec::new();
        for ((code, _), at) in FINDINGS.iter().zip(&all) {
            let found = codes(of(&audit, &at.registry));
            // Where task logs are not sent on, others are not either.
            let others = if *code == "task-logs-short" { &["logs-off"][..] } else { &[] };
            if found.iter().filter(|c| !others.contains(c)).ne([code]) {
                wrong.push(format!("{code}: {found:?}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}\n{audit}");
        assert_eq!(codes(of(&audit, &whole.registry)), [""; 0], "{audit}");
        assert_eq!(of(&audit, &whole.registry).verdict, Verdict::Healthy, "{audit}");
        let plain = of(&audit, "plain1");
        assert_eq!((codes(plain), plain.unseen.len()), (vec!["no-cmk"], 0), "{audit}");
        for (one, other) in [("shared1", "shared2"), ("shared2", "shared1")] {
            let [finding] = &of(&audit, one).findings[..] else { panic!("{audit}") };
            assert_eq!(finding.code, "identity-shared");
            assert!(finding.says.contains(other), "{}", finding.says);
        }
        assert!(audit.to_string().contains("identity-shared"), "{audit}");
        assert_eq!(fixture.sim.writes(), 0);
        // Side by side: one after the other they would take minutes, at a second an answer.
        let took = fixture.elapsed(began);
        assert!(took <= Duration::from_secs(25), "{took:?} for {} registries", audit.registries.len());
        // And nothing twice. A vault is asked without a token first, to learn which one it wants.
        let exchanges = fixture.sim.exchanges();
        let answered = exchanges.iter().filter(|e| e.status != 401);
        let mut asked: Vec<_> = answered.map(|e| format!("{} {}{} {:?}", e.method, e.host, e.path, e.query)).collect();
        let count = asked.len();
        asked.sort();
        asked.dedup();
        assert_eq!(count, asked.len(), "{count} requests, {} different ones", asked.len());
    });
}

#[test]
fn what_cannot_be_looked_at_is_told_registry_by_registry() {
    run_paused(async {
        let mut world = world();
        let at = healthy(&mut world, 1);
        let later = world.now() + DAY;
        world.advance(later);
        let fixture = Fixture::of(world);
        // No vault can be found.
        let failing = What::Status { code: 500, retry_after_s: None };
        fixture.sim.schedule([Fault::new(When::matching(Match::new("GET", "/resources")).always(), failing)]);
        let elsewhere = SubscriptionId::new(uuid::Uuid::from_u128(99));
        let audit = audit(&fixture.azure(), &[subscription(), elsewhere]).await.unwrap();
        assert_eq!(audit.verdict, Verdict::CouldNotLook, "{audit}");
        assert!(!of(&audit, &at.registry).unseen.is_empty(), "{audit}");
        assert!(audit.unknown.iter().any(|u| u.what.contains(&elsewhere.to_string())), "{audit}");
    });
}
