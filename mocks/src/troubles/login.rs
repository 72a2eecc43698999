//! The way into the registry.

use super::{
    Scene, Trouble, key, registry,
    scene::{DAY, HOUR},
};
use crate::{
    services::roles,
    world::{clock::Moment as _, cloud::SimCloud},
};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// Lets pass what is below `team/` only, in the form of the portal.
const TEAM_ONLY: &str = "((!(ActionMatches{'Microsoft.ContainerRegistry/registries/repositories/content/read'}) AND \
                         !(ActionMatches{'Microsoft.ContainerRegistry/registries/repositories/metadata/read'})) OR \
                         (@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringStartsWithIgnoreCase 'team/'))";

/// The time in which a right is too new to be relied on has not passed.
const YOUNG: Duration = Duration::from_secs(240);

fn another_cloud(s: &mut Scene<'_>) {
    let suffix = if s.world.cloud() == SimCloud::China { SimCloud::Public } else { SimCloud::China }.registry_suffix();
    s.property("loginServer", json!(format!("{}.{suffix}", s.place.name)));
}

pub(super) const TROUBLES: &[Trouble] = &[
    registry("wrong-cloud", "The registry's login server is of another cloud.", another_cloud),
    registry("aks-kubelet-missing", "A cluster has no identity that its nodes pull with: 'cluster'.", |s| {
        let identity = s.world.seed_identity(&s.place.group, "id-kubelet").id;
        let cluster = s.world.seed_aks(&s.place.group, "aks1", &identity);
        s.world.mutate_aks_kubelet(&cluster, None);
        s.made("cluster", cluster);
    }),
    registry("principal-unknown", "A principal with a role at the registry was deleted: 'principal'.", |s| {
        let app = s.app_with(Some(roles::ACR_PULL));
        s.world.mutate_delete_principal(app);
    }),
    registry("secret-expired", "The secret of an application expired an hour ago: 'application'.", |s| {
        let ended = s.world.now().before(HOUR);
        let app = s.world.seed_application("ci", Some(ended));
        s.made("application", app.app_id);
    }),
    registry("role-ignored-in-abac", "The registry goes by repository roles, and 'principal' has AcrPull.", |s| {
        s.by_repository();
        s.app_with(Some(roles::ACR_PULL));
    }),
    registry("role-ignored-in-legacy", "The registry does not go by repository roles, and 'principal' has one.", |s| {
        s.app_with(Some(roles::ACR_REPOSITORY_WRITER));
    }),
    registry("condition-excludes-repository", "The role of 'principal' is for team/ only, by its condition.", |s| {
        s.by_repository();
        let app = s.app_with(None);
        let long_ago = s.world.now().before(DAY);
        s.world.set_role_if(app, roles::ACR_REPOSITORY_READER, &s.place.registry, TEAM_ONLY, long_ago);
    }),
    registry("catalog-lister-missing", "'principal' may read repositories, and not list them.", |s| {
        s.by_repository();
        s.app_with(Some(roles::ACR_REPOSITORY_READER));
    }),
    registry("registry-role-missing", "'principal' may pull, and not push.", |s| {
        s.app_with(Some(roles::ACR_PULL));
    }),
    registry("registry-role-young", "'principal' got AcrPull four minutes ago.", |s| {
        let app = s.app_with(None);
        let now = s.world.now();
        s.world.set_role(app, roles::ACR_PULL, &s.place.registry, now);
        s.pass(YOUNG);
    }),
    registry("portal-grant-young", "The operator got a role at the registry four minutes ago.", |s| {
        let (operator, now) = (s.world.operator().object_id, s.world.now());
        s.world.set_role(operator, roles::READER, &s.place.registry, now);
        s.pass(YOUNG);
    }),
    registry("login-refused", "The registry takes tokens of another tenant.", |s| {
        s.world.mutate_login_tenant(&s.place.registry, Uuid::from_u128(7));
    }),
    registry("token-lacks-action", "The role of 'caller' to push shows, and does not work yet.", |s| {
        let (who, now) = (s.reader(), s.world.now());
        s.world.set_role(who, roles::ACR_PUSH, &s.place.registry, now.before(DAY));
        s.world.mutate_role_late(who, roles::ACR_PUSH, now.after(DAY));
    }),
    registry("arm-audience-refused", "The registry refuses tokens for Azure Resource Manager.", |s| {
        s.property("policies", json!({ "azureADAuthenticationAsArmPolicy": { "status": "disabled" } }));
    }),
    registry("admin-user-on", "The admin user is on.", |s| s.property("adminUserEnabled", json!(true))),
    registry("anonymous-pull-on", "Anybody may pull.", |s| s.property("anonymousPullEnabled", json!(true))),
    registry("repository-token-disabled", "A repository token is disabled: 'repository_token'.", |s| {
        s.world.seed_token(&s.place.registry, "ci-token", "_repositories_pull", "secret", None);
        s.world.mutate_token_status(&s.place.registry, "ci-token", false);
        s.made("repository_token", "ci-token");
    }),
    registry("repository-token-expired", "A repository token expired an hour ago: 'repository_token'.", |s| {
        let ended = s.world.now().before(HOUR);
        s.world.seed_token(&s.place.registry, "old-token", "_repositories_pull", "secret", Some(ended));
        s.made("repository_token", "old-token");
    }),
    registry("scope-map-lacks-action", "A repository token is for team/ only: 'repository_token'.", |s| {
        s.world.seed_scope_map(&s.place.registry, "team-only", &["repositories/team/*/content/read"]);
        s.world.seed_token(&s.place.registry, "team-token", "team-only", "secret", None);
        s.made("repository_token", "team-token");
    }),
    key(
        "key-forbidden-to-data",
        "The key was disabled for a while, and data stays refused until it is named again.",
        |s, k| {
            s.world.params.restore_needs_repair = true;
            s.world.mutate_version_enabled(&k.vault, &k.key, &k.version, false);
            s.pass(3 * HOUR);
            s.world.mutate_version_enabled(&k.vault, &k.key, &k.version, true);
        },
    ),
    registry("identity-inactive", "The identity for the key expired three hours ago.", |s| {
        s.world.mutate_identity_expired(&s.place.registry);
        s.pass(3 * HOUR);
    }),
    registry("probe-failed", "'caller' may look at everything, and not push.", |s| {
        s.reader();
    }),
];
