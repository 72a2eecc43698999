//! The data plane of registries, by rule: login, rights, images and refusals.

mod docker;

use cmk_mocks::{Changeable, ClientPlace, KeyRef, Params, PrincipalKind, VaultModel, roles};
use docker::{Docker, digest, jwt};
use http::Method;
use serde_json::json;
use uuid::Uuid;

const LOGIN: &str = "contoso1.azurecr.io";
const AUDIENCE: &str = "https://containerregistry.azure.net";
const ARM: &str = "https://management.azure.com/";
const KEY_TEXT: &str =
    "Access to Key Encryption Key is forbidden. View troubleshooting steps at https://aka.ms/acr/cmk";

/// A registry without a key of one's own, and somebody without any role.
fn plain() -> Docker {
    Docker::new(Params::instant(), |world| world.seed_registry("rg", "contoso1", "Premium"))
}

fn with_key() -> Docker {
    Docker::new(Params::instant(), |world| {
        let now = world.now();
        world.seed_vault("rg", "kv1", VaultModel::Rbac);
        world.seed_key("kv1", "k", now);
        let id = world.seed_identity("rg", "uai1").id;
        world.seed_registry_cmk("rg", "contoso1", "kv1", "k", KeyRef::Versionless, &id)
    })
}

impl Docker {
    fn grant(&mut self, role: Uuid) {
        let (who, scope, now) = (self.who, self.registry.clone(), self.now);
        self.world.set_role(who, role, &scope, now);
    }

    fn property(&mut self, name: &str, value: serde_json::Value) {
        let id = self.registry.clone();
        self.world.mutate_registry_property(&id, name, value);
    }
}

#[test]
fn r_dp_01_the_challenge_names_realm_service_and_scope() {
    let mut d = plain();
    let a = d.send("GET", LOGIN, "/v2/", None, &[]);
    assert_eq!(a.status, 401);
    assert_eq!(
        a.header("www-authenticate"),
        format!("Bearer realm=\"https://{LOGIN}/oauth2/token\",service=\"{LOGIN}\"")
    );
    assert_eq!(a.code(), "UNAUTHORIZED");
    assert!(a.message().starts_with("authentication required"));
    let a = d.send("GET", LOGIN, "/v2/_catalog", None, &[]);
    assert!(a.header("www-authenticate").ends_with(",scope=\"registry:catalog:*\""));
    assert_eq!(a.json()["errors"][0]["detail"], json!([{"Type": "registry", "Name": "catalog", "Action": "*"}]));
    let a = d.send("POST", LOGIN, "/v2/a/b/blobs/uploads/", None, &[]);
    assert!(a.header("www-authenticate").ends_with(",scope=\"repository:a/b:pull,push\""));
    d.grant(roles::ACR_PULL);
    let token = d.access("repository:web:pull");
    let a = d.send("GET", LOGIN, "/v2/", Some(&format!("Bearer {token}")), &[]);
    assert_eq!((a.status, a.json()), (200, json!({})));
    let a = d.send("GET", "nobody1.azurecr.io", "/v2/", None, &[]);
    assert_eq!(a.header("x-sim-no-such-host"), "nobody1.azurecr.io");
}

#[test]
fn r_dp_02_a_login_needs_the_right_tenant_and_audience_and_any_role() {
    let mut d = plain();
    assert_eq!(d.exchange(AUDIENCE, &[]).status, 403);
    d.grant(roles::ACR_PULL);
    let a = d.exchange(AUDIENCE, &[("tenant", &d.world.tenant().to_string())]);
    assert_eq!(a.status, 200);
    let claims = jwt(a.json()["refresh_token"].as_str().unwrap());
    assert_eq!((claims["iss"].as_str(), claims["aud"].as_str()), (Some("Azure Container Registry"), Some(LOGIN)));
    assert_eq!(claims["permissions"]["actions"], json!(["read"]));
    assert_eq!(d.exchange("https://vault.azure.net", &[]).status, 401);
    assert_eq!(d.exchange(AUDIENCE, &[("tenant", "7e000000-0000-4000-8000-00000000ffff")]).status, 401);
    assert_eq!(d.exchange(AUDIENCE, &[("grant_type", "access_token_refresh_token")]).status, 200);
    assert_eq!(d.exchange(AUDIENCE, &[("grant_type", "magic")]).code(), "UNSUPPORTED");
    assert_eq!(d.exchange(AUDIENCE, &[("service", "other1.azurecr.io")]).status, 401);
}

#[test]
fn r_dp_03_a_right_that_is_missing_is_left_out_and_refused_at_use() {
    let mut d = plain();
    d.grant(roles::ACR_PULL);
    let token = d.access("repository:web:pull,push,delete registry:catalog:*");
    let access = jwt(&token)["access"].clone();
    assert_eq!(
        access,
        json!([
            {"type": "repository", "name": "web", "actions": ["pull"]},
            {"type": "registry", "name": "catalog", "actions": ["*"]},
        ])
    );
    let a = d.send("POST", LOGIN, "/v2/web/blobs/uploads/", Some(&format!("Bearer {token}")), &[]);
    assert_eq!(a.status, 401);
    assert!(a.header("www-authenticate").ends_with(",error=\"insufficient_scope\""));
    // Another repository was not asked for.
    let a = d.send("GET", LOGIN, "/v2/other/tags/list", Some(&format!("Bearer {token}")), &[]);
    assert!(a.header("www-authenticate").ends_with("scope=\"repository:other:pull\",error=\"insufficient_scope\""));
    let all = d.access("repository:web:*");
    assert_eq!(jwt(&all)["access"][0]["actions"], json!(["pull", "metadata_read"]));
    // Several scopes as several fields.
    let refresh = d.refresh();
    let form = [("grant_type", "refresh_token"), ("service", LOGIN), ("refresh_token", &refresh)];
    let two = [&form[..], &[("scope", "repository:a:pull"), ("scope", "repository:b:pull")]].concat();
    let a = d.form(LOGIN, "/oauth2/token", &two);
    assert_eq!(jwt(a.json()["access_token"].as_str().unwrap())["access"].as_array().unwrap().len(), 2);
}

#[test]
fn r_dp_04_logins_last_three_hours_and_access_75_minutes() {
    let mut d = plain();
    d.grant(roles::ACR_PULL);
    let refresh = d.refresh();
    let life = |token: &str| jwt(token)["exp"].as_i64().unwrap() - jwt(token)["nbf"].as_i64().unwrap();
    let access = d.access("repository:web:pull");
    assert_eq!((life(&refresh), life(&access)), (3 * 3600, 4500));
    d.wait(4499);
    assert_eq!(d.send("GET", LOGIN, "/v2/", Some(&format!("Bearer {access}")), &[]).status, 200);
    d.wait(1);
    let a = d.send("GET", LOGIN, "/v2/", Some(&format!("Bearer {access}")), &[]);
    assert!(a.status == 401 && a.header("www-authenticate").contains("invalid_token"));
    let form = [("grant_type", "refresh_token"), ("service", LOGIN), ("refresh_token", refresh.as_str())];
    assert_eq!(d.form(LOGIN, "/oauth2/token", &form).status, 200);
    d.wait(3 * 3600 - 4500);
    assert_eq!(d.form(LOGIN, "/oauth2/token", &form).status, 401);
}

#[test]
fn r_dp_05_the_null_guid_logs_in_by_a_refresh_token() {
    let mut d = plain();
    d.grant(roles::ACR_PULL);
    let (null, refresh) = (Uuid::nil().to_string(), d.refresh());
    let a = d.docker_login(&null, &refresh, "repository:web:pull");
    assert_eq!(a.status, 200);
    assert_eq!(jwt(a.json()["access_token"].as_str().unwrap())["access"][0]["actions"], json!(["pull"]));
    assert_eq!(d.docker_login(&null, "stale", "repository:web:pull").status, 401);
    // An access token is a login too, for what it says and no more.
    let narrow = d.access("repository:web:pull");
    let a = d.docker_login(&null, &narrow, "repository:other:pull");
    assert_eq!(jwt(a.json()["access_token"].as_str().unwrap())["access"][0]["actions"], json!([]));
    let form = [("grant_type", "password"), ("service", LOGIN), ("username", &null), ("password", &refresh)];
    assert_eq!(d.form(LOGIN, "/oauth2/token", &form).status, 200);
}

#[test]
fn r_dp_06_arm_audience_is_refused_when_the_policy_is_off() {
    let mut d = plain();
    d.grant(roles::ACR_PULL);
    assert_eq!(d.exchange(ARM, &[]).status, 200);
    d.property("policies", json!({"azureADAuthenticationAsArmPolicy": {"status": "disabled"}}));
    let a = d.exchange(ARM, &[]);
    assert_eq!((a.status, a.code().as_str()), (401, "UNAUTHORIZED"));
    assert_eq!(d.exchange(AUDIENCE, &[]).status, 200);
}

#[test]
fn r_dp_07_the_admin_user_is_off_at_first_and_new_passwords_spread() {
    let params = Params { acr_admin_password_spread: cmk_mocks::Delay::secs(60), ..Params::instant() };
    let mut d = Docker::new(params, |world| world.seed_registry("rg", "contoso1", "Premium"));
    let old = d.world.admin_passwords(&d.registry);
    assert_eq!(d.docker_login("contoso1", &old[0], "").status, 401);
    let id = d.registry.clone();
    let a = d.arm("POST", &format!("{id}/listCredentials"), None);
    assert_eq!((a.status, a.json()["error"]["code"].as_str()), (400, Some("UnAuthorizedForCredentialOperations")));
    d.arm("PATCH", &id, Some(json!({"properties": {"adminUserEnabled": true}})));
    let shown = d.arm("POST", &format!("{id}/listCredentials"), None).json();
    assert_eq!(
        (shown["username"].as_str(), shown["passwords"][1]["name"].as_str()),
        (Some("contoso1"), Some("password2"))
    );
    assert_eq!(shown["passwords"][0]["value"].as_str(), Some(old[0].as_str()));
    let a = d.docker_login("contoso1", &old[1], "repository:web:* registry:catalog:*");
    let access = jwt(a.json()["access_token"].as_str().unwrap())["access"].clone();
    assert_eq!((access[0]["actions"].as_array().unwrap().len(), access[1]["actions"].clone()), (5, json!(["*"])));
    assert_eq!(d.basic("GET", "/v2/_catalog", "contoso1", &old[0]).status, 200);
    let a = d.arm("POST", &format!("{id}/regenerateCredential"), Some(json!({"name": "password"})));
    let new = a.json()["passwords"][0]["value"].as_str().unwrap().to_owned();
    assert_ne!(new, old[0]);
    let works = |d: &mut Docker, password: &str| d.docker_login("contoso1", password, "").status == 200;
    assert!(works(&mut d, &old[0]) && !works(&mut d, &new) && works(&mut d, &old[1]));
    d.wait(60);
    assert!(!works(&mut d, &old[0]) && works(&mut d, &new));
    d.arm("PATCH", &id, Some(json!({"properties": {"adminUserEnabled": false}})));
    assert!(!works(&mut d, &new));
    assert_eq!(d.basic("GET", "/v2/", "contoso1", &new).status, 401);
}

#[test]
fn r_dp_08_each_mode_knows_roles_of_its_own() {
    let actions = |d: &mut Docker, name: &str| {
        let token = d.access(&format!("repository:{name}:*"));
        jwt(&token)["access"][0]["actions"].clone()
    };
    let mut d = plain();
    for (role, granted) in [
        (roles::ACR_REPOSITORY_CONTRIBUTOR, json!([])),
        (roles::ACR_PULL, json!(["pull", "metadata_read"])),
        (roles::ACR_DELETE, json!(["delete"])),
        (roles::ACR_PUSH, json!(["pull", "push", "metadata_read", "metadata_write"])),
        (roles::READER, json!(["pull", "metadata_read"])),
        (roles::CONTRIBUTOR, json!(["pull", "push", "delete", "metadata_read", "metadata_write"])),
        (roles::ACR_CONTRIBUTOR, json!([])),
    ] {
        d.world.remove_roles(d.who, &d.registry);
        d.grant(role);
        assert_eq!(actions(&mut d, "web"), granted, "{role}");
    }
    d.property("roleAssignmentMode", json!("AbacRepositoryPermissions"));
    for (role, granted) in [
        (roles::ACR_PUSH, json!([])),
        (roles::OWNER, json!([])),
        (roles::ACR_REPOSITORY_READER, json!(["pull", "metadata_read"])),
        (roles::ACR_REPOSITORY_WRITER, json!(["pull", "push", "metadata_read", "metadata_write"])),
        (roles::ACR_REPOSITORY_CONTRIBUTOR, json!(["pull", "push", "delete", "metadata_read", "metadata_write"])),
    ] {
        d.world.remove_roles(d.who, &d.registry);
        d.grant(role);
        assert_eq!(actions(&mut d, "web"), granted, "{role}");
        let token = d.access("registry:catalog:*");
        assert_eq!(jwt(&token)["access"][0]["actions"], json!([]));
    }
    d.grant(roles::ACR_CATALOG_LISTER);
    let token = d.access("registry:catalog:*");
    assert_eq!(jwt(&token)["access"][0]["actions"], json!(["*"]));
}

#[test]
fn r_dp_08_a_condition_narrows_a_role_to_repositories() {
    let mut d = plain();
    d.property("roleAssignmentMode", json!("AbacRepositoryPermissions"));
    let name = "@Request[Microsoft.ContainerRegistry/registries/repositories:name]";
    let read = "Microsoft.ContainerRegistry/registries/repositories/content/read";
    let (who, scope, now) = (d.who, d.registry.clone(), d.now);
    let condition = format!("((!(ActionMatches{{'{read}'}})) OR ({name} StringStartsWithIgnoreCase 'team-a/'))");
    d.world.set_role_if(who, roles::ACR_REPOSITORY_READER, &scope, &condition, now);
    let mut may_pull = |name: &str| {
        let token = d.access(&format!("repository:{name}:pull"));
        jwt(&token)["access"][0]["actions"] == json!(["pull"])
    };
    assert!(may_pull("team-a/web") && !may_pull("team-b/web"));
    d.world.remove_roles(who, &scope);
    d.world.set_role_if(who, roles::ACR_REPOSITORY_READER, &scope, "@Odd[x] StringLike '*'", now);
    let token = d.access("repository:team-a/web:pull");
    assert_eq!(jwt(&token)["access"][0]["actions"], json!([]));
}

#[test]
fn r_dp_03_repository_tokens_go_by_their_scope_map() {
    let mut d = plain();
    let id = d.registry.clone();
    let a = d.arm("GET", &format!("{id}/scopeMaps"), None).json();
    let names: Vec<&str> = a["value"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["_repositories_admin", "_repositories_pull", "_repositories_push"]);
    let actions = ["repositories/web/content/read", "repositories/web/metadata/read"];
    let body = json!({"properties": {"actions": actions, "description": "web only"}});
    assert_eq!(d.arm("PUT", &format!("{id}/scopeMaps/webonly"), Some(body)).status, 201);
    let body = json!({"properties": {"scopeMapId": format!("{id}/scopeMaps/webonly"), "status": "enabled"}});
    let a = d.arm("PUT", &format!("{id}/tokens/puller"), Some(body.clone()));
    assert_eq!((a.status, a.json()["properties"]["status"].as_str()), (201, Some("enabled")));
    let ask = json!({"tokenId": format!("{id}/tokens/puller"), "name": "password1", "expiry": "2026-11-23T00:00:00Z"});
    let made = d.arm("POST", &format!("{id}/generateCredentials"), Some(ask.clone())).json();
    assert_eq!((made["username"].as_str(), made["passwords"].as_array().unwrap().len()), (Some("puller"), 1));
    let password = made["passwords"][0]["value"].as_str().unwrap().to_owned();
    let shown = d.arm("GET", &format!("{id}/tokens/puller"), None).json();
    assert_eq!(shown["properties"]["credentials"]["passwords"][0]["value"], json!(null));
    let a = d.docker_login("puller", &password, "repository:web:* repository:other:pull");
    let access = jwt(a.json()["access_token"].as_str().unwrap())["access"].clone();
    assert_eq!(access[0]["actions"], json!(["pull", "metadata_read"]));
    assert_eq!(access[1]["actions"], json!([]));
    let form = [("grant_type", "password"), ("service", LOGIN), ("username", "puller"), ("password", &password)];
    assert_eq!(d.form(LOGIN, "/oauth2/token", &form).status, 200);
    assert_eq!(d.docker_login("puller", "wrong", "").status, 401);
    // Disabled and enabled, then made anew, then too old.
    d.arm("PATCH", &format!("{id}/tokens/puller"), Some(json!({"properties": {"status": "disabled"}})));
    assert_eq!(d.docker_login("puller", &password, "").status, 401);
    d.world.mutate_token_status(&id, "puller", true);
    assert_eq!(d.docker_login("puller", &password, "").status, 200);
    let again = d.arm("POST", &format!("{id}/generateCredentials"), Some(ask)).json();
    assert_eq!(d.docker_login("puller", &password, "").status, 401);
    let password = again["passwords"][0]["value"].as_str().unwrap().to_owned();
    assert_eq!(d.docker_login("puller", &password, "").status, 200);
    d.wait(24 * 3600);
    assert_eq!(d.docker_login("puller", &password, "").status, 401);
    // A PUT leaves a token without passwords; its end is an end.
    d.world.seed_token(&id, "other1", "_repositories_push", "secret", None);
    assert_eq!(d.docker_login("other1", "secret", "").status, 200);
    d.arm("PUT", &format!("{id}/tokens/other1"), Some(body));
    assert_eq!(d.docker_login("other1", "secret", "").status, 401);
    assert_eq!(d.arm("DELETE", &format!("{id}/tokens/other1"), None).status, 200);
    assert_eq!(d.arm("DELETE", &format!("{id}/tokens/other1"), None).status, 204);
    assert_eq!(d.arm("GET", &format!("{id}/tokens/other1"), None).status, 404);
    assert_eq!(d.arm("DELETE", &format!("{id}/scopeMaps/_repositories_pull"), None).status, 400);
}

#[test]
fn r_dp_03_seeded_tokens_reach_what_their_map_names() {
    let mut d = plain();
    let (id, now) = (d.registry.clone(), d.now);
    d.world.seed_scope_map(&id, "below", &["repositories/team/*/content/read"]);
    d.world.seed_token(&id, "team1", "below", "pw", Some(now + time::Duration::hours(1)));
    let a = d.docker_login("team1", "pw", "repository:team/web:pull repository:web:pull");
    let access = jwt(a.json()["access_token"].as_str().unwrap())["access"].clone();
    assert_eq!((&access[0]["actions"], &access[1]["actions"]), (&json!(["pull"]), &json!([])));
    d.world.mutate_token_expiry(&id, "team1", Some(now));
    assert_eq!(d.docker_login("team1", "pw", "").status, 401);
}

#[test]
fn r_dp_07_anonymous_pull_helps_nobody_with_a_stale_login() {
    let mut d = plain();
    let id = d.registry.clone();
    d.world.seed_image(&id, "web:1");
    assert_eq!(d.anonymous("repository:web:pull").status, 401);
    d.property("anonymousPullEnabled", json!(true));
    let token = d.anonymous("repository:web:pull,push").json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(jwt(&token)["access"][0]["actions"], json!(["pull"]));
    assert_eq!(d.send("GET", LOGIN, "/v2/web/manifests/1", Some(&format!("Bearer {token}")), &[]).status, 200);
    assert_eq!(d.send("GET", LOGIN, "/v2/web/manifests/1", None, &[]).status, 401);
    assert_eq!(d.docker_login(&Uuid::nil().to_string(), "stale", "repository:web:pull").status, 401);
    assert_eq!(d.docker_login("contoso1", "wrong", "repository:web:pull").status, 401);
}

#[test]
fn an_image_is_pushed_listed_pulled_and_deleted() {
    let mut d = plain();
    d.grant(roles::OWNER);
    let push = d.access("repository:team/web:pull,push");
    let bearer = format!("Bearer {push}");
    // In pieces, then at once.
    let layer = b"a layer, in two pieces";
    let a = d.send("POST", LOGIN, "/v2/team/web/blobs/uploads/", Some(&bearer), &[]);
    assert_eq!((a.status, a.header("range")), (202, "0-0"));
    let place = a.header("location").to_owned();
    let a = d.send("PATCH", LOGIN, &place, Some(&bearer), &layer[..7]);
    assert_eq!((a.status, a.header("range")), (202, "0-6"));
    let wrong = format!("{}&digest={}", a.header("location"), digest(b"other"));
    assert_eq!(d.send("PUT", LOGIN, &wrong, Some(&bearer), &layer[7..]).code(), "DIGEST_INVALID");
    let end = format!("{}&digest={}", a.header("location"), digest(layer));
    let a = d.send("PUT", LOGIN, &end, Some(&bearer), &layer[7..]);
    assert_eq!((a.status, a.header("docker-content-digest")), (201, digest(layer).as_str()));
    let config = b"{}";
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2, "digest": digest(config)},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "size": layer.len(), "digest": digest(layer)}],
    })
    .to_string();
    let a = d.send("PUT", LOGIN, "/v2/team/web/manifests/v1", Some(&bearer), manifest.as_bytes());
    assert_eq!(a.code(), "MANIFEST_BLOB_UNKNOWN");
    let once = format!("/v2/team/web/blobs/uploads/?digest={}", digest(config));
    assert_eq!(d.send("POST", LOGIN, &once, Some(&bearer), config).status, 201);
    let a = d.send("PUT", LOGIN, "/v2/team/web/manifests/v1", Some(&bearer), manifest.as_bytes());
    let whole = digest(manifest.as_bytes());
    assert_eq!((a.status, a.header("docker-content-digest")), (201, whole.as_str()));
    let a = d.send("HEAD", LOGIN, "/v2/team/web/manifests/v1", Some(&bearer), &[]);
    assert_eq!((a.status, a.body.len(), a.header("content-length")), (200, 0, manifest.len().to_string().as_str()));
    let a = d.send("GET", LOGIN, &format!("/v2/team/web/manifests/{whole}"), Some(&bearer), &[]);
    assert_eq!(
        (&a.body[..], a.header("content-type")),
        (manifest.as_bytes(), "application/vnd.oci.image.manifest.v1+json")
    );
    let a = d.send("HEAD", LOGIN, &format!("/v2/team/web/blobs/{}", digest(layer)), Some(&bearer), &[]);
    assert_eq!((a.status, a.header("content-length")), (200, "22"));
    // Taken over by another repository of which both are open.
    let both = format!("Bearer {}", d.access("repository:new:pull,push repository:team/web:pull"));
    let mount = format!("/v2/new/blobs/uploads/?mount={}&from=team/web", digest(layer));
    assert_eq!(d.send("POST", LOGIN, &mount, Some(&both), &[]).status, 201);
    let one = format!("Bearer {}", d.access("repository:new:pull,push"));
    assert_eq!(d.send("POST", LOGIN, &mount, Some(&one), &[]).status, 202);
    let (id, all) = (d.registry.clone(), d.access("registry:catalog:*"));
    d.world.seed_image(&id, "app:1");
    for path in ["/v2/_catalog", "/acr/v1/_catalog"] {
        let a = d.send("GET", LOGIN, path, Some(&format!("Bearer {all}")), &[]);
        assert_eq!(a.json(), json!({"repositories": ["app", "team/web"]}));
    }
    let a = d.send("GET", LOGIN, "/v2/_catalog?n=1", Some(&format!("Bearer {all}")), &[]);
    assert_eq!(a.header("link"), "</v2/_catalog?last=app&n=1&orderby=>; rel=\"next\"");
    let a = d.send("GET", LOGIN, "/v2/team/web/tags/list", Some(&bearer), &[]);
    assert_eq!(a.json(), json!({"name": "team/web", "tags": ["v1"]}));
    let delete = format!("Bearer {}", d.access("repository:team/web:pull,delete"));
    let path = format!("/v2/team/web/manifests/{whole}");
    assert_eq!(d.send("DELETE", LOGIN, &path, Some(&bearer), &[]).status, 401);
    assert_eq!(d.send("DELETE", LOGIN, &path, Some(&delete), &[]).status, 202);
    assert_eq!(d.send("GET", LOGIN, "/v2/team/web/manifests/v1", Some(&delete), &[]).code(), "MANIFEST_UNKNOWN");
    assert_eq!(d.send("GET", LOGIN, "/v2/team/web/tags/list", Some(&delete), &[]).code(), "NAME_UNKNOWN");
}

#[test]
fn r_dp_23_layers_come_from_another_host() {
    let mut d = plain();
    d.grant(roles::ACR_PULL);
    let id = d.registry.clone();
    d.world.seed_image(&id, "web:1");
    let bearer = format!("Bearer {}", d.access("repository:web:pull"));
    let manifest = d.send("GET", LOGIN, "/v2/web/manifests/1", Some(&bearer), &[]).json();
    let layer = manifest["layers"][0]["digest"].as_str().unwrap().to_owned();
    let path = format!("/v2/web/blobs/{layer}");
    let fetch = |d: &mut Docker| {
        let a = d.send("GET", LOGIN, &path, Some(&bearer), &[]);
        assert_eq!(a.status, 307);
        let place = a.header("location").strip_prefix("https://").unwrap().to_owned();
        let (host, path) = place.split_once('/').unwrap();
        (host.to_owned(), format!("/{path}"))
    };
    let (host, path) = fetch(&mut d);
    assert!(host.ends_with(".blob.core.windows.net"), "{host}");
    let a = d.send("GET", &host, &path, None, &[]);
    assert_eq!((a.status, digest(&a.body)), (200, layer.clone()));
    assert_eq!(d.send("GET", &host, &path.replace("sig=", "sig=x"), None, &[]).status, 403);
    let own = "contoso1.westeurope.data.azurecr.io";
    assert!(!d.send("GET", own, "/", None, &[]).header("x-sim-no-such-host").is_empty());
    d.property("dataEndpointEnabled", json!(true));
    let (host, path) = fetch(&mut d);
    assert_eq!(host, own);
    assert_eq!(digest(&d.send("GET", &host, &path, None, &[]).body), layer);
    d.wait(3600);
    assert_eq!(d.send("GET", &host, &path, None, &[]).status, 403);
    d.property("dataEndpointEnabled", json!(false));
    d.world.mutate_client_place(ClientPlace::PrivateEndpoint);
    assert_eq!(fetch(&mut d).0, own);
}

#[test]
fn r_cmk_32_referrers_are_missing_with_a_key_of_ones_own() {
    let path = format!("/v2/web/referrers/{}", digest(b"x"));
    let status = |mut d: Docker| {
        d.grant(roles::ACR_PULL);
        let bearer = format!("Bearer {}", d.access("repository:web:pull"));
        d.send("GET", LOGIN, &path, Some(&bearer), &[]).status
    };
    assert_eq!((status(plain()), status(with_key())), (200, 404));
}

#[test]
fn r_dp_20_the_firewall_comes_before_the_login() {
    let mut d = plain();
    d.property(
        "networkRuleSet",
        json!({"defaultAction": "Deny", "ipRules": [{"action": "Allow", "value": "198.51.100.0/24"}]}),
    );
    let refused =
        "client with IP '203.0.113.10' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.";
    for (method, path) in [("GET", "/v2/"), ("POST", "/oauth2/exchange"), ("GET", "/oauth2/token")] {
        let a = d.send(method, LOGIN, path, None, &[]);
        assert_eq!((a.status, a.code().as_str(), a.message().as_str()), (403, "DENIED", refused));
    }
    d.world.mutate_client_address("198.51.100.7");
    assert_eq!(d.send("GET", LOGIN, "/v2/", None, &[]).status, 401);
}

#[test]
fn r_dp_21_a_private_endpoint_stays_open_when_the_rest_is_closed() {
    let mut d = plain();
    let subnet = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/a";
    let rules = json!({"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.10"}],
        "virtualNetworkRules": [{"action": "Allow", "id": subnet}]});
    d.property("networkRuleSet", rules);
    let lets_in = |d: &mut Docker, place: ClientPlace| {
        d.world.mutate_client_place(place);
        d.send("GET", LOGIN, "/v2/", None, &[]).status == 401
    };
    let inside = || ClientPlace::Subnet(subnet.to_owned());
    assert!(lets_in(&mut d, ClientPlace::Internet) && lets_in(&mut d, inside()));
    assert!(!lets_in(&mut d, ClientPlace::Subnet("/other".into())));
    d.property("publicNetworkAccess", json!("Disabled"));
    assert!(!lets_in(&mut d, ClientPlace::Internet) && !lets_in(&mut d, inside()));
    assert!(lets_in(&mut d, ClientPlace::PrivateEndpoint));
}

#[test]
fn r_dp_22_trusted_services_pass_while_the_bypass_is_on() {
    let mut d = plain();
    d.property("publicNetworkAccess", json!("Disabled"));
    let lets_in = |d: &mut Docker, place: ClientPlace| {
        d.world.mutate_client_place(place);
        d.send("GET", LOGIN, "/v2/", None, &[]).status == 401
    };
    assert!(lets_in(&mut d, ClientPlace::TrustedService) && !lets_in(&mut d, ClientPlace::Task));
    d.property("networkRuleBypassAllowedForTasks", json!(true));
    assert!(lets_in(&mut d, ClientPlace::Task));
    d.property("networkRuleBypassOptions", json!("None"));
    assert!(!lets_in(&mut d, ClientPlace::TrustedService) && !lets_in(&mut d, ClientPlace::Task));
}

#[test]
fn r_err_02_a_lost_key_refuses_pull_and_push_but_not_the_login() {
    let mut d = with_key();
    d.grant(roles::ACR_PUSH);
    let id = d.registry.clone();
    d.world.seed_image(&id, "web:1");
    let bearer = format!("Bearer {}", d.access("repository:web:pull,push"));
    assert_eq!(d.send("GET", LOGIN, "/v2/web/manifests/1", Some(&bearer), &[]).status, 200);
    d.world.mutate_delete_key("kv1", "k");
    for (method, path) in [("GET", "/v2/web/manifests/1"), ("POST", "/v2/web/blobs/uploads/")] {
        let a = d.send(method, LOGIN, path, Some(&bearer), &[]);
        assert_eq!((a.status, a.message().as_str()), (403, KEY_TEXT));
    }
    assert_eq!(d.exchange(AUDIENCE, &[]).status, 200);
    assert_eq!(d.send("GET", LOGIN, "/v2/", Some(&bearer), &[]).status, 200);
    // Who has no right learns nothing of the key.
    assert_eq!(d.send("GET", LOGIN, "/v2/web/manifests/1", None, &[]).status, 401);
}

#[test]
fn r_err_04_an_expired_identity_has_words_of_its_own() {
    let mut d = with_key();
    d.grant(roles::ACR_PULL);
    let id = d.registry.clone();
    d.world.seed_image(&id, "web:1");
    let bearer = format!("Bearer {}", d.access("repository:web:pull"));
    d.world.mutate_identity_expired(&id);
    let a = d.send("GET", LOGIN, "/v2/web/manifests/1", Some(&bearer), &[]);
    assert_eq!(a.status, 403);
    assert!(a.message().starts_with("The identity associated with the registry is inactive."));
}

#[test]
fn r_dp_26_a_locked_repository_says_so() {
    let mut d = plain();
    d.grant(roles::OWNER);
    let id = d.registry.clone();
    d.world.seed_image(&id, "web:1");
    let bearer = format!("Bearer {}", d.access("repository:web:*"));
    d.world.mutate_repository(&id, "web", Changeable { write: false, ..Changeable::default() });
    for (method, path) in [("POST", "/v2/web/blobs/uploads/"), ("DELETE", "/v2/web/manifests/1")] {
        let a = d.send(method, LOGIN, path, Some(&bearer), &[]);
        assert_eq!(a.status, 405);
        let text = "The operation is disallowed on this Azure Container Registry, repository or image";
        assert!(a.message().starts_with(text), "{}", a.message());
    }
    assert_eq!(d.send("GET", LOGIN, "/v2/web/manifests/1", Some(&bearer), &[]).status, 200);
    let unlock = json!({"writeEnabled": true, "readEnabled": false}).to_string();
    let a = d.send("PATCH", LOGIN, "/acr/v1/web", Some(&bearer), unlock.as_bytes());
    assert_eq!(a.json()["changeableAttributes"]["readEnabled"], json!(false));
    assert_eq!(d.send("GET", LOGIN, "/v2/web/manifests/1", Some(&bearer), &[]).status, 405);
    assert_eq!(d.send("POST", LOGIN, "/v2/web/blobs/uploads/", Some(&bearer), &[]).status, 202);
}

#[test]
fn r_dp_09_too_many_requests_wait_for_the_minute_to_end() {
    let params = Params { acr_throttle_share: 0.0002, ..Params::instant() };
    let mut d = Docker::new(params, |world| world.seed_registry("rg", "contoso1", "Premium"));
    // 20000 * 0.0002 reads a minute, half of them for one identity.
    for _ in 0..4 {
        assert_eq!(d.send("GET", LOGIN, "/v2/", None, &[]).status, 401);
    }
    d.wait(20);
    let a = d.send("GET", LOGIN, "/v2/", None, &[]);
    assert_eq!((a.status, a.header("retry-after")), (429, "40"));
    d.wait(40);
    let id = d.registry.clone();
    d.world.seed_token(&id, "puller", "_repositories_pull", "pw", None);
    let statuses: Vec<u16> = (0..3).map(|_| d.basic("GET", "/v2/", "puller", "pw").status).collect();
    assert_eq!(statuses, [200, 200, 429]);
    assert_eq!(d.send("GET", LOGIN, "/v2/", None, &[]).status, 401);
}

#[test]
fn r_dp_25_a_service_principal_logs_in_by_its_secret() {
    let mut d = plain();
    let now = d.now;
    let app = d.world.seed_app("ci", "s3cret", Some(now + time::Duration::hours(1)));
    let client = app.client_id.to_string();
    assert_eq!(d.docker_login(&client, "s3cret", "").status, 401, "no role yet");
    let scope = d.registry.clone();
    d.world.set_role(app.object_id, roles::ACR_PULL, &scope, now);
    let a = d.docker_login(&client, "s3cret", "repository:web:pull,push");
    assert_eq!(jwt(a.json()["access_token"].as_str().unwrap())["access"][0]["actions"], json!(["pull"]));
    assert_eq!(d.docker_login(&client, "wrong", "").status, 401);
    let a = d.docker_login("0a000000-0000-4000-8000-000000000001", "s3cret", "");
    assert!(a.message().starts_with("Application not registered with AAD"));
    d.wait(3600);
    assert_eq!(d.docker_login(&client, "s3cret", "").status, 401);
}

#[test]
fn entra_names_what_is_wrong_with_an_application() {
    let mut d = plain();
    let now = d.now;
    let app = d.world.seed_app("ci", "s3cret", Some(now + time::Duration::hours(1)));
    let client = app.client_id.to_string();
    let path = format!("/{}/oauth2/v2.0/token", d.world.tenant());
    let scope = format!("{AUDIENCE}/.default");
    let ask = |d: &mut Docker, client: &str, secret: &str| {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", secret),
            ("scope", scope.as_str()),
        ];
        d.form("login.microsoftonline.com", &path, &form)
    };
    let a = ask(&mut d, &client, "s3cret");
    assert_eq!(jwt(a.json()["access_token"].as_str().unwrap())["aud"], json!(AUDIENCE));
    let unknown = "0a000000-0000-4000-8000-000000000001";
    let mut refusals = vec![(ask(&mut d, unknown, "s3cret"), 400, "unauthorized_client", 700_016)];
    refusals.push((ask(&mut d, &client, cmk_mocks::OPERATOR_SECRET), 401, "invalid_client", 7_000_215));
    d.wait(3600);
    refusals.push((ask(&mut d, &client, "s3cret"), 401, "invalid_client", 7_000_222));
    for (a, status, error, number) in refusals {
        let body = a.json();
        assert_eq!((a.status, body["error"].as_str(), &body["error_codes"]), (status, Some(error), &json!([number])));
        let text = body["error_description"].as_str().unwrap();
        assert!(text.starts_with(&format!("AADSTS{number}: ")), "{text}");
        for member in ["timestamp", "trace_id", "correlation_id"] {
            assert!(text.contains(body[member].as_str().unwrap()), "{member}");
        }
    }
    d.world.mutate_app_secret(app.client_id, "new", None);
    assert_eq!(ask(&mut d, &client, "new").status, 200);
}

#[test]
fn logins_are_reads_and_pushes_are_writes() {
    let writes = |method: Method, path: &str| cmk_mocks::is_write(&method, LOGIN, path);
    assert!(!writes(Method::POST, "/oauth2/exchange") && !writes(Method::POST, "/oauth2/token"));
    assert!(!writes(Method::POST, "/x/listCredentials"));
    assert!(writes(Method::POST, "/v2/web/blobs/uploads/") && writes(Method::PUT, "/v2/token/manifests/token"));
    assert!(writes(Method::POST, "/x/generateCredentials") && writes(Method::POST, "/x/regenerateCredential"));
}

#[test]
fn r_dp_27_what_was_imported_can_be_pulled() {
    let mut d = plain();
    let id = d.registry.clone();
    let source = json!({"source": {"registryUri": "mcr.example", "sourceImage": "hello:1"}, "targetTags": ["hello:1"]});
    assert_eq!(d.arm("POST", &format!("{id}/importImage"), Some(source)).status, 202);
    d.wait(60);
    d.grant(roles::ACR_PULL);
    let bearer = format!("Bearer {}", d.access("repository:hello:pull"));
    assert_eq!(d.send("GET", LOGIN, "/v2/hello/manifests/1", Some(&bearer), &[]).status, 200);
}

#[test]
fn a_deleted_registry_takes_its_images_and_logins_along() {
    let mut d = plain();
    let id = d.registry.clone();
    d.world.seed_image(&id, "web:1");
    d.world.seed_token(&id, "puller", "_repositories_pull", "pw", None);
    let stored = serde_json::to_string(&d.world).unwrap();
    assert_eq!(d.docker_login("puller", "pw", "").status, 200);
    d.world.mutate_delete_registry(&id);
    assert!(!d.send("GET", LOGIN, "/v2/", None, &[]).header("x-sim-no-such-host").is_empty());
    d.world.seed_registry("rg", "contoso1", "Premium");
    assert_eq!(d.docker_login("puller", "pw", "").status, 401);
    d.world = serde_json::from_str(&stored).unwrap();
    assert_eq!(d.basic("GET", "/v2/web/manifests/1", "puller", "pw").status, 200);
}

#[test]
fn somebody_deleted_has_no_login_any_more() {
    let mut d = plain();
    let user = d.world.add_principal(PrincipalKind::User, "ann").object_id;
    d.who = user;
    d.grant(roles::ACR_PULL);
    let refresh = d.refresh();
    d.world.mutate_delete_principal(user);
    let form = [("grant_type", "refresh_token"), ("service", LOGIN), ("refresh_token", refresh.as_str())];
    assert_eq!(d.form(LOGIN, "/oauth2/token", &form).status, 401);
    assert_eq!(d.exchange(AUDIENCE, &[]).status, 401);
}
