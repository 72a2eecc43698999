//! Where logs go.

use super::*;
use cmk::{Logs, logs::LogsOf};
use cmk_mocks::{KeyRef, VaultModel};
use cmk_tests::fixture::*;

/// A world with a workspace, and its id.
fn world() -> (World, String) {
    let mut world = encrypted(KeyRef::Versionless, VaultModel::Policy);
    let workspace = world.seed_workspace(GROUP, "logs");
    (world, workspace)
}
fn order(workspace: &str) -> Logs {
    Logs::new(registry(), workspace.parse().unwrap())
}
fn settings(world: &World, resource: &str) -> Vec<(String, String)> {
    let all = world.diagnostic_settings(resource).into_iter();
    all.map(|(name, _, categories)| (name, categories.join(","))).collect()
}

#[test]
fn r_mon_01_settings_that_are_there_stay_and_the_way_back_takes_ours_alone() {
    run_paused(async {
        let (mut world, workspace) = world();
        world.mutate_provider("Microsoft.Insights", false);
        world.seed_diagnostic_setting(vault().as_str(), "audit", &workspace, &["audit"]);
        let fixture = Fixture::of(world);
        let sent = done(&fixture, order(&workspace)).await.sent;
        assert_eq!(sent.len(), 2);
        let on_vault = [("audit".to_owned(), "AuditEvent".to_owned())];
        assert_eq!(settings(&fixture.sim.world(), vault().as_str()), on_vault, "it sends the audit events already");
        let both = "ContainerRegistryLoginEvents,ContainerRegistryRepositoryEvents".to_owned();
        assert_eq!(settings(&fixture.sim.world(), registry().as_str()), [("cmk".to_owned(), both)]);
        let back = cmk::Rollback::of(&fixture.journal, &"logs".parse().unwrap()).await.unwrap();
        done(&fixture, back).await;
        assert!(settings(&fixture.sim.world(), registry().as_str()).is_empty());
        assert_eq!(settings(&fixture.sim.world(), vault().as_str()), on_vault);
    });
}

#[test]
fn what_cannot_be_is_refused_with_a_way_out() {
    let (mut world, workspace) = world();
    let other = world.seed_workspace(GROUP, "others");
    world.seed_diagnostic_setting(registry().as_str(), "CMK", &other, &["allLogs"]);
    refused(world, order(&workspace), &[("R-MON-01", &["allLogs", "--setting"])]);
    let (world, _) = self::world();
    refused(world, order(registry().as_str()), &[("R-DP-24", &["no Log Analytics workspace"])]);
    let (world, workspace) = self::world();
    let absent = workspace.replace("/logs", "/nosuch");
    refused(
        world,
        order(&absent),
        &[("R-DP-24", &["no workspace", "nosuch", "az monitor log-analytics workspace list"])],
    );
    let (world, workspace) = self::world();
    refused(world, order(&workspace).setting("a/b"), &[("own", &["a/b"])]);
    let (mut world, workspace) = self::world();
    world.mutate_delete_vault(VAULT);
    refused(world, order(&workspace), &[("R-KV-04", &["is deleted", "cmk recover", "--of registry"])]);
}

#[test]
fn a_registry_without_a_key_has_its_own_logs() {
    run_paused(async {
        let (mut world, workspace) = world();
        world.seed_registry(GROUP, "plain1", "Standard");
        let plain = registry().as_str().replace(REGISTRY, "plain1");
        let fixture = Fixture::of(world);
        let order = Logs::new(plain.parse().unwrap(), workspace.parse().unwrap());
        let sent = done(&fixture, order.clone()).await.sent;
        assert_eq!(sent.len(), 1);
        let azure = fixture.azure();
        let error = fixture.run_on(&azure, order.of(LogsOf::Vault)).plan().await.unwrap();
        assert!(error.refusals.iter().any(|r| r.rule.starts_with("R-CMK-")), "{error}");
    });
}
