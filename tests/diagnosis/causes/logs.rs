//! What is written down of a registry and its key.

use super::Setup;
use cmk::diagnose::{UnseenKind, Verdict};
use cmk_tests::scenarios::{GROUP, VAULT};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);
const HOUR: Duration = Duration::from_secs(3600);
const WRITE: &str = "Microsoft.ContainerRegistry/registries/write";
const IN_USE: &str = "Azure resource '/subscriptions/s/registries/contoso1' does not have access to identity \
                      '00000000-0000-0000-0000-000000000007' Try forcibly adding the identity to the registry contoso1.";

/// Sends these categories to the workspace, and no others.
fn sends(setup: &mut Setup, of: &str, categories: &[&str]) {
    setup.world.seed_diagnostic_setting(of, "kept", &setup.workspace, categories);
}

fn codes(diagnosis: &cmk::Diagnosis) -> Vec<&str> {
    diagnosis.findings.iter().map(|f| f.code.as_str()).collect()
}

fn diagnosed(spoil: fn(&mut Setup)) -> cmk::Diagnosis {
    cmk_tests::run_paused(async {
        let mut setup = Setup::healthy();
        spoil(&mut setup);
        setup.fixture().diagnosis().await
    })
}

#[test]
fn r_cmk_21_an_attempt_is_told_with_its_days_and_is_renewed_by_a_later_write() {
    let diagnosis = diagnosed(|s| s.trouble("identity-at-risk"));
    let finding = &diagnosis.findings[0];
    assert!(finding.says.contains("in 70 days") || finding.says.contains("in 69 days"), "{}", finding.says);
    assert_eq!(finding.order().unwrap().workflow(), "reassign");
    let renewed = diagnosed(|s| {
        s.trouble("identity-at-risk");
        let (at, by, registry) = (s.world.now() - 10 * DAY, s.world.operator(), s.registry_id());
        s.world.seed_activity(at, by, WRITE, &registry, Ok(()));
    });
    assert_eq!(codes(&renewed), [""; 0], "{renewed}");
    // Another refusal is no attempt; another registry's is not this one's.
    let other = diagnosed(|s| {
        let (at, by, registry) = (s.world.now() - DAY, s.world.operator(), s.registry_id());
        s.world.seed_activity(at, by, WRITE, &registry, Err(("Conflict", "another operation is in progress")));
        let elsewhere = registry.replace("registries/", "registries/not");
        s.world.seed_activity(at, by, WRITE, &elsewhere, Err(("BadRequest", IN_USE)));
    });
    assert_eq!(codes(&other), [""; 0], "{other}");
}

#[test]
fn r_err_01_the_vaults_log_proves_a_firewall_that_is_below_its_cause() {
    let diagnosis = diagnosed(|s| s.trouble("vault-refusals-logged"));
    let finding = &diagnosis.findings[0];
    assert!(finding.says.contains("not a trusted service") && finding.says.contains("firewall"), "{}", finding.says);
    assert!(diagnosis.key_uses.iter().any(|u| u.is_refused()), "{diagnosis}");
    let closed = diagnosed(|s| {
        s.world.mutate_vault_firewall(VAULT, true, false, &[]);
        s.pass(3 * HOUR);
    });
    assert_eq!(codes(&closed), ["vault-firewall"], "{closed}");
    assert!(closed.findings[0].consequences.iter().any(|f| f.code == "vault-refusals-logged"), "{closed}");
}

#[test]
fn r_fl_04_a_vault_with_a_table_of_its_own_is_asked_there() {
    cmk_tests::run_paused(async {
        let mut setup = Setup::healthy();
        setup.world.seed_dedicated_diagnostic_setting(&setup.vault_id(), "kept", &setup.workspace, &["AuditEvent"]);
        setup.trouble("vault-refusals-logged");
        let (principal, version) = (setup.principal.to_string(), setup.version.clone());
        let diagnosis = setup.fixture().diagnosis().await;
        assert_eq!(codes(&diagnosis), ["vault-refusals-logged"], "{diagnosis}");
        assert!(diagnosis.queries.iter().any(|q| q.kql.starts_with("AZKVAuditLogs")), "{:?}", diagnosis.queries);
        let used = diagnosis.key_uses.iter().find(|u| u.is_refused()).unwrap();
        assert_eq!(used.principal, principal);
        assert!(used.version.is_empty() || used.version == version, "{used:?}");
    });
}

#[test]
fn r_dp_24_a_refused_pull_is_not_hidden_by_all_that_is_not_there() {
    let diagnosis = diagnosed(|s| {
        let registry = s.registry_id();
        for n in 0..60 {
            for _ in 0..2 {
                s.world.seed_repository_event(&registry, "Pull", &format!("absent/{n}"), "latest", "ci", 404);
            }
        }
        s.world.seed_repository_event(&registry, "Pull", "shop/web", "latest", "kim", 401);
        s.pass(HOUR);
    });
    assert_eq!(codes(&diagnosis), ["pulls-refused"], "{diagnosis}");
    let says = &diagnosis.findings[0].says;
    assert!(says.contains("shop/web") && !says.contains("absent/"), "{says}");
}

#[test]
fn logs_that_are_off_are_turned_on_where_the_others_go_or_where_one_is_told() {
    let known = diagnosed(|s| {
        let registry = s.registry_id();
        sends(s, &registry, &[]);
    });
    let command = known.findings[0].remedies[0].to_string();
    assert!(command.starts_with("cmk logs ") && command.contains("/workspaces/logs --of registry"), "{command}");
    assert_eq!(known.findings[0].hides.len(), 2, "{known}");
    let unknown = diagnosed(|s| {
        let (registry, vault) = (s.registry_id(), s.vault_id());
        sends(s, &registry, &[]);
        sends(s, &vault, &[]);
    });
    assert_eq!(codes(&unknown), ["logs-off", "vault-logs-off"], "{unknown}");
    assert!(unknown.findings[0].order().is_none() && unknown.queries.is_empty(), "{unknown}");
    assert!(unknown.findings[0].says.contains(" and ContainerRegistryRepositoryEvents are not kept"), "{unknown}");
}

/// What is in the way is told in words where its own cause was not asked for.
#[test]
fn what_rests_on_logs_that_are_off_says_what_is_off() {
    cmk_tests::run_paused(async {
        let mut setup = Setup::healthy();
        let vault = setup.vault_id();
        sends(&mut setup, &vault, &[]);
        let fixture = setup.fixture();
        let diagnosis = fixture.order_on(&fixture.azure()).only(["key"]).await.unwrap();
        assert_eq!((codes(&diagnosis), diagnosis.verdict), (vec![], Verdict::Healthy), "{diagnosis}");
        let [unseen] = &diagnosis.unseen[..] else { panic!("{diagnosis}") };
        assert_eq!((&unseen.codes[..], unseen.kind), (&["vault-refusals-logged".to_owned()][..], UnseenKind::Beyond));
        assert_eq!(unseen.why, "nobody keeps who uses the key, and who is refused (vault-logs-off)");
    });
}

#[test]
fn a_workspace_that_is_told_is_asked_and_without_rights_the_query_is_left_to_be_asked_by_hand() {
    cmk_tests::run_paused(async {
        let fixture = Setup::healthy().fixture();
        let other = fixture.sim.with_world(|w, _| w.seed_workspace(GROUP, "other"));
        let diagnosis = fixture.order().workspace(other.parse().unwrap()).await.unwrap();
        assert_eq!(diagnosis.verdict, Verdict::Healthy, "{diagnosis}");
        assert_eq!(diagnosis.queries.len(), 3);
        assert!(diagnosis.queries.iter().all(|q| q.workspace.as_ref().is_some_and(|w| w.name() == "other")));
        let gone = other.replace("/other", "/gone");
        let diagnosis = fixture.order().workspace(gone.parse().unwrap()).await.unwrap();
        assert_eq!((codes(&diagnosis), diagnosis.verdict), (vec![], Verdict::CouldNotLook), "{diagnosis}");
    });
    cmk_tests::run_paused(async {
        let mut setup = Setup::healthy();
        let reader = setup.world.add_principal(cmk_mocks::PrincipalKind::User, "reader").object_id;
        let now = setup.world.now() - DAY;
        let (registry, vault) = (setup.registry_id(), setup.vault_id());
        for scope in [&registry, &vault] {
            setup.world.set_role(reader, cmk_mocks::roles::READER, scope, now);
        }
        setup.caller = Some(reader);
        let diagnosis = setup.fixture().order().only(["logins-refused", "pulls-refused"]).await.unwrap();
        assert_eq!(codes(&diagnosis), [""; 0], "{diagnosis}");
        assert!(diagnosis.unseen.iter().all(|u| u.kind == UnseenKind::Forbidden), "{diagnosis}");
        assert!(diagnosis.unseen.iter().any(|u| u.why.contains("ContainerRegistryLoginEvents | where")), "{diagnosis}");
    });
}
