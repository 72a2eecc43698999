//! The way into the registry.

use super::{Set, Stage, stage};
use crate::stage::scenarios::GROUP;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cmk::{azure::id::PrincipalId, diagnose::Use};
use cmk_mocks::{PrincipalKind, roles};
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};
use uuid::Uuid;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const HOST: &str = "contoso1.azurecr.io";
const SHOP: &str = "shop/web";
/// Lets pass what is below `team/` only, in the form of the portal.
const TEAM_ONLY: &str = "((!(ActionMatches{'Microsoft.ContainerRegistry/registries/repositories/content/read'}) AND \
                         !(ActionMatches{'Microsoft.ContainerRegistry/registries/repositories/metadata/read'})) OR \
                         (@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringStartsWithIgnoreCase 'team/'))";

impl Set {
    fn docker(&mut self, config: &Value) {
        let file = PathBuf::from("/home/operator/.docker/config.json");
        self.machine.files.insert(file, config.to_string().into_bytes());
    }
    fn docker_login(&mut self, host: &str, user: &str) {
        self.docker(&json!({ "auths": { host: { "auth": STANDARD.encode(format!("{user}:secret")) } } }));
    }
    /// A login by Entra that ended at this time.
    fn docker_token(&mut self, ended: i64) {
        let claims = json!({ "exp": ended }).to_string();
        let token = format!("e30.{}.x", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims));
        let auth = STANDARD.encode("00000000-0000-0000-0000-000000000000:");
        self.docker(&json!({ "auths": { HOST: { "auth": auth, "identitytoken": token } } }));
    }
    fn property(&mut self, name: &str, value: Value) {
        self.world.mutate_registry_property(&self.registry_id(), name, value);
    }
    fn abac(&mut self) {
        self.property("roleAssignmentMode", json!("AbacRepositoryPermissions"));
    }
    fn about(&mut self, principal: Uuid) {
        let principal: PrincipalId = principal.to_string().parse().unwrap();
        self.ask(move |d| d.principal(principal));
    }
    /// An application with a role at the registry for long, which is asked about.
    fn app_with(&mut self, role: Option<Uuid>) -> Uuid {
        let app = self.world.seed_application("ci", None).principal_id;
        let long_ago = self.world.now() - DAY;
        if let Some(role) = role {
            self.world.set_role(app, role, &self.registry_id(), long_ago);
        }
        self.about(app);
        app
    }
    /// Somebody who may look at everything and has no other right, who looks.
    fn reader(&mut self) -> Uuid {
        let who = self.world.add_principal(PrincipalKind::User, "dev").object_id;
        let (now, subscription) = (self.world.now(), format!("/subscriptions/{}", self.world.subscription()));
        for role in [roles::READER, roles::KEY_VAULT_CRYPTO_OFFICER] {
            self.world.set_role(who, role, &subscription, now - DAY);
        }
        self.caller = Some(who);
        who
    }
    fn wants(&mut self, wants: Use) {
        self.ask(move |d| d.repository(SHOP, wants));
    }
    fn aks(&mut self, kubelet: Option<&str>) {
        self.world.seed_identity(GROUP, "id-kubelet");
        let identity = crate::stage::scenarios::identity("id-kubelet").to_string();
        let cluster = self.world.seed_aks(GROUP, "aks1", &identity);
        self.world.mutate_aks_kubelet(&cluster, kubelet.map(|_| identity.as_str()));
        self.ask(move |d| d.aks(cluster.parse().unwrap()));
    }
}

pub const STAGES: &[Stage] = &[
    stage("wrong-cloud", |s| s.property("loginServer", json!("contoso1.azurecr.cn"))),
    stage("repository-name-invalid", |s| s.ask(|d| d.repository("Shop/Web", Use::Pull))),
    stage("registry-name-case", |s| s.docker_login("Contoso1.azurecr.io", "ci")),
    stage("aks-not-readable", |s| {
        let id = format!("{}/providers/Microsoft.ContainerService/managedClusters/none", s.world.seed_group(GROUP));
        s.ask(move |d| d.aks(id.parse().unwrap()));
    }),
    stage("aks-kubelet-missing", |s| s.aks(None)),
    stage("principal-is-app-id", |s| {
        let app = s.world.seed_application("ci", None);
        let (now, id) = (s.world.now(), s.registry_id());
        s.world.set_role(app.principal_id, roles::ACR_PULL, &id, now - DAY);
        s.about(app.app_id);
    }),
    stage("principal-unknown", |s| {
        let app = s.app_with(Some(roles::ACR_PULL));
        s.world.mutate_delete_principal(app);
    }),
    stage("login-user-is-object-id", |s| {
        let app = s.world.seed_application("ci", None);
        s.docker_login(HOST, &app.principal_id.to_string());
    }),
    stage("login-app-unknown", |s| s.docker_login(HOST, "c0ffee00-0000-4000-8000-00000000dead")),
    stage("secret-expired", |s| {
        let ended = s.world.now() - HOUR;
        let app = s.world.seed_application("ci", Some(ended));
        s.docker_login(HOST, &app.app_id.to_string());
    }),
    stage("role-ignored-in-abac", |s| {
        s.abac();
        s.wants(Use::Pull);
        s.app_with(Some(roles::ACR_PULL));
    }),
    stage("role-ignored-in-legacy", |s| {
        s.wants(Use::Push);
        s.app_with(Some(roles::ACR_REPOSITORY_WRITER));
    }),
    stage("condition-excludes-repository", |s| {
        s.abac();
        s.wants(Use::Pull);
        let app = s.app_with(None);
        let (now, id) = (s.world.now(), s.registry_id());
        s.world.set_role_if(app, roles::ACR_REPOSITORY_READER, &id, TEAM_ONLY, now - DAY);
    }),
    stage("catalog-lister-missing", |s| {
        s.abac();
        s.wants(Use::List);
        s.app_with(Some(roles::ACR_REPOSITORY_READER));
    }),
    stage("registry-role-missing", |s| {
        s.wants(Use::Push);
        s.app_with(Some(roles::ACR_PULL));
    }),
    stage("registry-role-young", |s| {
        let app = s.app_with(None);
        let (now, id) = (s.world.now(), s.registry_id());
        s.world.set_role(app, roles::ACR_PULL, &id, now);
        s.pass(Duration::from_secs(240));
    }),
    stage("portal-grant-young", |s| {
        let (operator, now, id) = (s.world.operator().object_id, s.world.now(), s.registry_id());
        s.world.set_role(operator, roles::READER, &id, now);
        s.pass(Duration::from_secs(240));
        s.ask(|d| d.first(["portal-grant-young"]));
    }),
    stage("login-refused", |s| {
        let id = s.registry_id();
        s.world.mutate_login_tenant(&id, Uuid::from_u128(7));
    }),
    stage("token-lacks-action", |s| {
        let (who, now, id) = (s.reader(), s.world.now(), s.registry_id());
        s.world.set_role(who, roles::ACR_PUSH, &id, now - DAY);
        s.world.mutate_role_late(who, roles::ACR_PUSH, now + DAY);
        s.wants(Use::Push);
    }),
    stage("arm-audience-refused", |s| {
        s.property("policies", json!({ "azureADAuthenticationAsArmPolicy": { "status": "disabled" } }));
    }),
    stage("admin-user-on", |s| s.property("adminUserEnabled", json!(true))),
    stage("anonymous-pull-on", |s| s.property("anonymousPullEnabled", json!(true))),
    stage("anonymous-pull-shadowed", |s| {
        s.property("anonymousPullEnabled", json!(true));
        s.docker_token(s.world.now().unix_timestamp() - 60);
    })
    .with(&["anonymous-pull-on"]),
    stage("docker-login-expired", |s| s.docker_token(s.world.now().unix_timestamp() - 60)),
    stage("repository-token-disabled", |s| {
        let id = s.registry_id();
        s.world.seed_token(&id, "ci-token", "_repositories_pull", "secret", None);
        s.world.mutate_token_status(&id, "ci-token", false);
    }),
    stage("repository-token-expired", |s| {
        let (id, ended) = (s.registry_id(), s.world.now() - HOUR);
        s.world.seed_token(&id, "old-token", "_repositories_pull", "secret", Some(ended));
    }),
    stage("scope-map-lacks-action", |s| {
        let id = s.registry_id();
        s.world.seed_scope_map(&id, "team-only", &["repositories/team/*/content/read"]);
        s.world.seed_token(&id, "team-token", "team-only", "secret", None);
        s.docker_login(HOST, "team-token");
        s.wants(Use::Pull);
    }),
    stage("key-forbidden-to-data", |s| {
        // Given back, and the registry goes on as before until its key is named again.
        let version = s.version.clone();
        s.world.params.restore_needs_repair = true;
        s.world.mutate_version_enabled(super::set::NAMES.2, super::set::NAMES.3, &version, false);
        s.pass(3 * HOUR);
        s.world.mutate_version_enabled(super::set::NAMES.2, super::set::NAMES.3, &version, true);
        s.ask(cmk::diagnose::Diagnose::probed);
    }),
    stage("identity-inactive", |s| {
        s.world.mutate_identity_expired(&s.registry_id());
        s.pass(3 * HOUR);
        s.ask(cmk::diagnose::Diagnose::probed);
    }),
    stage("probe-failed", |s| {
        s.reader();
        s.ask(cmk::diagnose::Diagnose::probed);
    }),
];
