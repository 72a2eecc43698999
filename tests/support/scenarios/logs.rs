//! What is written down of a registry and its vault.

use super::*;
use cmk::Logs;

pub(super) static SCENARIOS: Scenarios = Scenarios { public: &[&LOGS], ..NONE };

/// One category is sent by a setting that was there.
static LOGS: SimpleScenario = SimpleScenario {
    name: "logs",
    set: |seed| {
        let mut world = encrypted(seed, KeyRef::Versionless, VaultModel::Rbac);
        let workspace = world.seed_workspace(GROUP, "logs");
        world.mutate_provider("Microsoft.Insights", true);
        let logins = ["ContainerRegistryLoginEvents"];
        world.seed_diagnostic_setting(registry().as_str(), "logins", &workspace, &logins);
        (world, Logs::new(registry(), workspace.parse().unwrap()).into())
    },
    end: END,
    also: |world, what| {
        let of = |resource: &str| {
            let all = world.diagnostic_settings(resource).into_iter();
            all.map(|(name, _, categories)| (name, categories.join(","))).collect::<Vec<_>>()
        };
        let named = |name: &str, categories: &str| (name.to_owned(), categories.to_owned());
        let registry = of(registry().as_str());
        let wanted =
            [named("logins", "ContainerRegistryLoginEvents"), named("cmk", "ContainerRegistryRepositoryEvents")];
        assert_eq!(registry, wanted, "{what}");
        assert_eq!(of(vault(VAULT).as_str()), [named("cmk", "AuditEvent")], "{what}");
    },
};
