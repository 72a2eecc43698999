//! Who gets into a registry, and how far, by rule.

use crate::support::docker::{ARM, AUDIENCE, Docker, LOGIN, jwt, plain};
use cmk_mocks::{Params, PrincipalKind, roles};
use serde_json::json;
use uuid::Uuid;

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
    assert_eq!(d.arm("PUT", &format!("{id}/scopeMaps/webonly"), Some(body)).status, 200);
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
fn anonymous_pull_helps_nobody_with_a_stale_login() {
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
