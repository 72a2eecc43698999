//! The way into the registry.

use super::{Setup, StagedCause, staged};
use crate::scenarios::GROUP;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cmk::azure::{id::PrincipalId, registries::RegistryAccess};
use cmk_mocks::roles;
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};
use uuid::Uuid;

const DAY: Duration = Duration::from_secs(24 * 3600);
const HOST: &str = "contoso1.azurecr.io";
const SHOP: &str = "shop/web";

impl Setup {
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
    fn about(&mut self, principal: Uuid) {
        let principal: PrincipalId = principal.to_string().parse().unwrap();
        self.ask(move |d| d.principal(principal));
    }
    /// Whom the trouble made.
    fn about_it(&mut self) {
        let principal = self.made("principal");
        self.about(principal);
    }
    fn wants(&mut self, wants: RegistryAccess) {
        self.ask(move |d| d.repository(SHOP, wants));
    }
}

pub const STAGED: &[StagedCause] = &[
    staged("repository-name-invalid", |s| s.ask(|d| d.repository("Shop/Web", RegistryAccess::Pull))),
    staged("registry-name-case", |s| s.docker_login("Contoso1.azurecr.io", "ci")),
    staged("aks-not-readable", |s| {
        let id = format!("{}/providers/Microsoft.ContainerService/managedClusters/none", s.world.seed_group(GROUP));
        s.ask(move |d| d.aks(id.parse().unwrap()));
    }),
    staged("aks-kubelet-missing", |s| {
        let cluster: String = s.made("cluster");
        s.ask(move |d| d.aks(cluster.parse().unwrap()));
    }),
    staged("principal-is-app-id", |s| {
        let app = s.world.seed_application("ci", None);
        let (now, id) = (s.world.now(), s.registry_id());
        s.world.set_role(app.principal_id, roles::ACR_PULL, &id, now - DAY);
        s.about(app.app_id);
    }),
    staged("principal-unknown", Setup::about_it),
    staged("login-user-is-object-id", |s| {
        let app = s.world.seed_application("ci", None);
        s.docker_login(HOST, &app.principal_id.to_string());
    }),
    staged("login-app-unknown", |s| s.docker_login(HOST, "c0ffee00-0000-4000-8000-00000000dead")),
    staged("secret-expired", |s| {
        let app: String = s.made("application");
        s.docker_login(HOST, &app);
    }),
    staged("role-ignored-in-abac", |s| {
        s.about_it();
        s.wants(RegistryAccess::Pull);
    }),
    staged("role-ignored-in-legacy", |s| {
        s.about_it();
        s.wants(RegistryAccess::Push);
    }),
    staged("condition-excludes-repository", |s| {
        s.about_it();
        s.wants(RegistryAccess::Pull);
    }),
    staged("catalog-lister-missing", |s| {
        s.about_it();
        s.wants(RegistryAccess::List);
    }),
    staged("registry-role-missing", |s| {
        s.about_it();
        s.wants(RegistryAccess::Push);
    }),
    staged("registry-role-young", Setup::about_it),
    staged("portal-grant-young", |s| s.ask(|d| d.first(["portal-grant-young"]))),
    staged("token-lacks-action", |s| {
        s.caller = Some(s.made("caller"));
        s.wants(RegistryAccess::Push);
    }),
    staged("anonymous-pull-shadowed", |s| {
        s.property("anonymousPullEnabled", json!(true));
        s.docker_token(s.world.now().unix_timestamp() - 60);
    })
    .with(&["anonymous-pull-on"]),
    staged("docker-login-expired", |s| s.docker_token(s.world.now().unix_timestamp() - 60)),
    staged("scope-map-lacks-action", |s| {
        s.docker_login(HOST, "team-token");
        s.wants(RegistryAccess::Pull);
    }),
    staged("key-forbidden-to-data", |s| s.ask(cmk::diagnose::Diagnose::probed)),
    staged("identity-inactive", |s| s.ask(cmk::diagnose::Diagnose::probed)),
    staged("probe-failed", |s| {
        s.caller = Some(s.made("caller"));
        s.ask(cmk::diagnose::Diagnose::probed);
    }),
];
