//! A registry's data plane: logging in, in every way and with each refusal, and content.

use azure_core::{credentials::Secret, http::Request};
use base64::Engine as _;
use cmk::{
    Azure, Cloud, ErrorKind,
    azure::{
        Called, Cause,
        registries::data::{
            AccessToken, Action, Audience, Challenge, Digest, LoginAs, LoginServer, ManifestAt, REFRESH_USER,
            RefreshToken, Repository, Stage, TokenScope,
        },
    },
    login,
};
use cmk_mocks::{KeyRef, VaultModel, World, roles};
use cmk_tests::{
    Fixture,
    fixture::{self, VAULT, encrypted, registry},
    run_paused,
    transport::{Answer, Tap},
};
use serde_json::json;
use std::sync::{Arc, Mutex};
use time::Duration;

const HOST: &str = "contoso1.azurecr.io";

fn server() -> LoginServer {
    LoginServer::parse(&Cloud::public(), HOST).unwrap()
}

fn world() -> World {
    encrypted(KeyRef::Versionless, VaultModel::Rbac)
}

fn fixture() -> Fixture {
    Fixture::of(world())
}

fn repository() -> Repository {
    "shop/web".parse().unwrap()
}

fn all() -> TokenScope {
    TokenScope::repository(&repository(), &[Action::Pull, Action::Push, Action::Delete])
}

async fn challenged(azure: &Azure) -> Challenge {
    azure.reader().challenge(&server()).await.unwrap()
}

async fn exchanged(azure: &Azure) -> Called<RefreshToken> {
    azure.reader().exchange(&challenged(azure).await, Audience::Registry).await
}

async fn granted(azure: &Azure, scopes: &[TokenScope]) -> AccessToken {
    let login = LoginAs::Refresh(exchanged(azure).await.unwrap());
    azure.reader().registry_token(&challenged(azure).await, &login, scopes).await.unwrap()
}

async fn by_password(azure: &Azure, user: &str, password: &str, scope: TokenScope) -> Called<AccessToken> {
    let login = LoginAs::Basic { user: user.into(), password: Secret::new(password.to_owned()) };
    azure.reader().registry_token(&challenged(azure).await, &login, &[scope]).await
}

/// A line on which a challenge is another one.
fn challenging(fixture: &Fixture, header: Option<&'static str>, status: u16) -> Azure {
    let change = move |request: &Request, answer: &mut Answer| {
        if request.url().path() == "/v2/" {
            answer.status = status;
            answer.headers.retain(|(name, _)| name != "www-authenticate");
            answer.headers.extend(header.map(|h| ("www-authenticate".to_owned(), h.to_owned())));
        }
    };
    fixture.builder().transport(Arc::new(Tap { inner: fixture.sim.transport(), change })).build()
}

// ---- logging in -----------------------------------------------------------------------------------------------------

#[test]
fn r_dp_01_to_05_a_login_is_a_challenge_an_exchange_and_a_token() {
    run_paused(async {
        let fixture = fixture();
        let azure = fixture.azure();
        let challenge = challenged(&azure).await;
        assert_eq!(
            (challenge.realm().as_str(), challenge.service()),
            ("https://contoso1.azurecr.io/oauth2/token", HOST)
        );

        let login = login::login(&azure, &registry()).await.unwrap();
        assert_eq!((login.login_server.as_str(), login.username), (HOST, REFRESH_USER));
        assert_eq!(login.expires - fixture.now(), Duration::hours(3), "R-DP-04");

        let token = granted(&azure, &[all(), TokenScope::catalog()]).await;
        assert_eq!(token.lacks(&all()), Vec::<&str>::new());
        assert_eq!(token.granted().len(), 2);
        assert_eq!(token.expires() - fixture.now(), Duration::seconds(4500), "R-DP-04");
        let shown = format!("{login:?} {token:?} {:?}", LoginAs::Refresh(login.refresh_token.clone()));
        assert!(!shown.contains("eyJ") && !shown.contains(login.refresh_token.secret()), "{shown}");

        // By name and password with the same login, as container clients do.
        by_password(&azure, REFRESH_USER, login.refresh_token.secret(), all()).await.unwrap();
    });
}

#[test]
fn r_dp_01_challenges_that_lead_astray_are_not_followed() {
    run_paused(async {
        for (header, status, code) in [
            (
                Some("Bearer realm=\"https://evil.example/oauth2/token\",service=\"contoso1.azurecr.io\""),
                401,
                "CHALLENGE",
            ),
            (
                Some("Bearer realm=\"https://contoso2.azurecr.io/oauth2/token\",service=\"contoso1.azurecr.io\""),
                401,
                "CHALLENGE",
            ),
            (
                Some("Bearer realm=\"http://contoso1.azurecr.io/oauth2/token\",service=\"contoso1.azurecr.io\""),
                401,
                "CHALLENGE",
            ),
            (Some("Bearer realm=\"https://contoso1.azurecr.io/oauth2/token\""), 401, "CHALLENGE"),
            (Some("Basic realm=\"x\""), 401, "AAD_LOGIN"),
            (None, 401, "CHALLENGE"),
            (None, 200, "CHALLENGE"),
        ] {
            let fixture = fixture();
            let azure = challenging(&fixture, header, status);
            let error = login::login_at(&azure, &server(), Audience::Registry).await.unwrap_err();
            let ErrorKind::DataPlane(e) = error.kind() else { panic!("{error}") };
            assert_eq!((e.stage, e.code), (Stage::Challenge, Some(&*format!("CONNECTIVITY_{code}_ERROR"))), "{error}");
            assert!(error.to_string().contains(code) && error.to_string().contains(HOST), "{error}");
            assert_eq!(fixture.sim.requests(), 1, "{header:?}: no token is sent anywhere");
        }
    });
}

#[test]
fn r_dp_02_who_has_no_role_is_given_no_login() {
    run_paused(async {
        let fixture = fixture();
        let stranger = fixture.sim.with_world(|w, _| w.seed_app("stranger", "s", None).object_id);
        let error = login::login_at(&fixture.azure_as(stranger), &server(), Audience::Registry).await.unwrap_err();
        let ErrorKind::DataPlane(e) = error.kind() else { panic!("{error}") };
        assert_eq!((e.stage, e.source.status()), (Stage::Exchange, Some(403)));
        assert_eq!(e.code, Some("CONNECTIVITY_REFRESH_TOKEN_ERROR"));
    });
}

#[test]
fn r_dp_06_arms_token_does_as_long_as_the_policy_lets_it() {
    run_paused(async {
        let fixture = fixture();
        let azure = fixture.azure();
        let at = challenged(&azure).await;
        for audience in [Audience::Registry, Audience::Arm] {
            azure.reader().exchange(&at, audience).await.unwrap();
        }
        let off = json!({ "azureADAuthenticationAsArmPolicy": { "status": "disabled" } });
        fixture.sim.with_world(|w, _| w.mutate_registry_property(registry().as_str(), "policies", off));
        azure.reader().exchange(&at, Audience::Registry).await.unwrap();
        assert_eq!(azure.reader().exchange(&at, Audience::Arm).await.unwrap_err().status(), Some(401));
    });
}

#[test]
fn r_dp_03_what_one_may_not_do_is_left_out_and_refused_at_use() {
    run_paused(async {
        let fixture = fixture();
        let puller = fixture.sim.with_world(|w, now| {
            let app = w.seed_app("puller", "s", None).object_id;
            w.set_role(app, roles::ACR_PULL, registry().as_str(), now);
            app
        });
        let azure = fixture.azure_as(puller);
        let token = granted(&azure, &[all()]).await;
        assert_eq!(token.lacks(&all()), ["push", "delete"]);
        let error = azure.writer().push_blob(&token, &repository(), b"x").await.unwrap_err();
        let said = error.service().unwrap();
        assert!(said.insufficient_scope() && error.status() == Some(401), "{error}");
        assert!(said.target.as_deref().is_some_and(|t| t.starts_with("repository:shop/web:")), "{said:?}");
        assert!(cmk::Error::from(error).to_string().contains("AcrPush"));
    });
}

#[test]
fn r_dp_03_05_07_names_and_passwords_of_all_kinds() {
    run_paused(async {
        let fixture = fixture();
        let azure = fixture.azure();
        let id = registry();
        let (app, late) = fixture.sim.with_world(|w, now| {
            w.seed_token(id.as_str(), "ci", "_repositories_pull", "t0ken", None);
            w.seed_token(id.as_str(), "old", "_repositories_pull", "t0ken", Some(now - Duration::HOUR));
            let app = w.seed_app("sp", "sp-secret", None);
            w.set_role(app.object_id, roles::ACR_PUSH, id.as_str(), now);
            let late = w.seed_app("late", "sp-secret", Some(now - Duration::HOUR));
            w.set_role(late.object_id, roles::ACR_PUSH, id.as_str(), now);
            (app.client_id.to_string(), late.client_id.to_string())
        });
        let token = by_password(&azure, "ci", "t0ken", all()).await.unwrap();
        assert_eq!(token.lacks(&all()), ["push", "delete"]);
        assert_eq!(by_password(&azure, &app, "sp-secret", all()).await.unwrap().lacks(&all()), ["delete"]);
        for (user, password) in [
            ("ci", "wrong"),
            ("old", "t0ken"),
            ("nobody", "t0ken"),
            (&*app, "wrong"),
            (&*late, "sp-secret"),
            ("contoso1", "the admin user is off"),
            (REFRESH_USER, "not a token"),
        ] {
            let error = by_password(&azure, user, password, all()).await.unwrap_err();
            assert_eq!(error.status(), Some(401), "{user}: {error}");
            assert!(!format!("{error} {error:?}").contains(password), "{error:?}");
        }
    });
}

#[test]
fn nobody_pulls_where_the_registry_lets_anybody() {
    run_paused(async {
        let fixture = fixture();
        let azure = fixture.azure();
        let at = challenged(&azure).await;
        let refused = azure.reader().registry_token(&at, &LoginAs::Anonymous, &[all()]).await.unwrap_err();
        assert_eq!(refused.status(), Some(401));
        fixture.sim.with_world(|w, _| {
            w.mutate_registry_property(registry().as_str(), "anonymousPullEnabled", json!(true));
        });
        let token = azure.reader().registry_token(&at, &LoginAs::Anonymous, &[all()]).await.unwrap();
        assert_eq!(token.lacks(&all()), ["push", "delete"]);
    });
}

#[test]
fn r_dp_20_the_firewall_names_the_address_and_the_way_out_names_the_rule() {
    run_paused(async {
        let fixture = fixture();
        fixture.sim.with_world(|w, _| {
            w.mutate_client_address("203.0.113.77");
            w.mutate_registry_property(registry().as_str(), "networkRuleSet", json!({ "defaultAction": "Deny" }));
        });
        let error = login::login(&fixture.azure(), &registry()).await.unwrap_err();
        let ErrorKind::DataPlane(e) = error.kind() else { panic!("{error}") };
        assert_eq!((e.stage, e.code), (Stage::Network, Some("CONNECTIVITY_FORBIDDEN_ERROR")));
        let refusal = e.source.service().unwrap().firewall_refusal().unwrap();
        assert_eq!(refusal.client, Some("203.0.113.77".parse().unwrap()));
        assert!(error.to_string().contains("--ip-address 203.0.113.77"), "{error}");
        assert!(fixture.sim.exchanges().iter().all(|e| !e.path.contains("oauth2")), "no token is sent");
    });
}

#[test]
fn a_registry_that_is_not_there_has_no_login_server() {
    run_paused(async {
        let fixture = fixture();
        let other = format!("{}x", registry()).parse().unwrap();
        let error = login::login(&fixture.azure(), &other).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Invalid(why) if why.contains("LOGIN_SERVER_ERROR")), "{error}");
    });
}

#[test]
fn r_cmk_36_a_login_server_is_one_of_the_clouds_own() {
    run_paused(async {
        let fixture = fixture();
        let foreign: LoginServer = "contoso1.azurecr.cn".parse().unwrap();
        let error = fixture.azure().reader().challenge(&foreign).await.unwrap_err();
        assert!(matches!(*error.cause, Cause::Foreign(_)), "{error}");
        assert_eq!(fixture.sim.requests(), 0);
    });
}

// ---- content --------------------------------------------------------------------------------------------------------

async fn pushed(azure: &Azure, token: &AccessToken, layer: &[u8]) -> (Digest, Digest) {
    let writer = azure.writer();
    let config = writer.push_blob(token, &repository(), b"{}").await.unwrap();
    let blob = writer.push_blob(token, &repository(), layer).await.unwrap();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2 },
        "layers": [{ "mediaType": "text/plain", "digest": blob, "size": layer.len() }],
    });
    let manifest = manifest.to_string().into_bytes();
    let at = ManifestAt::Tag("v1".into());
    (writer.push_manifest(token, &repository(), &at, &manifest).await.unwrap(), blob)
}

#[test]
fn what_is_pushed_is_pulled_listed_and_deleted() {
    run_paused(async {
        let fixture = fixture();
        let azure = fixture.azure();
        let token = granted(&azure, &[all(), TokenScope::catalog()]).await;
        let (manifest, layer) = pushed(&azure, &token, b"a layer").await;
        let look = azure.reader();
        for at in ["v1".parse().unwrap(), ManifestAt::Digest(manifest.clone())] {
            let pulled = look.pull_manifest(&token, &repository(), &at).await.unwrap().unwrap();
            assert_eq!(pulled.digest, manifest);
        }
        assert_eq!(look.pull_blob(&token, &repository(), &layer).await.unwrap().as_deref(), Some(&b"a layer"[..]));
        assert_eq!(look.catalog(&token).await.unwrap(), ["shop/web"]);
        for _ in 0..2 {
            azure.writer().delete_manifest(&token, &repository(), &manifest).await.unwrap();
        }
        let at = ManifestAt::Digest(manifest);
        assert_eq!(look.pull_manifest(&token, &repository(), &at).await.unwrap(), None);
        assert_eq!(look.pull_blob(&token, &repository(), &Digest::of(b"none")).await.unwrap(), None);
    });
}

/// What hosts were sent which `Authorization`.
type Sent = Arc<Mutex<Vec<(String, Option<String>)>>>;

fn redirecting(fixture: &Fixture, sent: &Sent, to: Option<&'static str>) -> Azure {
    let sent = sent.clone();
    let name = azure_core::http::headers::HeaderName::from_static("authorization");
    let change = move |request: &Request, answer: &mut Answer| {
        let host = request.url().host_str().unwrap_or_default().to_owned();
        sent.lock().unwrap().push((host, request.headers().get_optional_str(&name).map(str::to_owned)));
        if let Some((_, location)) = answer.headers.iter_mut().find(|(n, _)| n == "location" && answer.status == 307) {
            *location = to.map_or_else(|| location.clone(), str::to_owned);
        }
    };
    fixture.builder().transport(Arc::new(Tap { inner: fixture.sim.transport(), change })).build()
}

#[test]
fn layers_are_fetched_where_the_registry_says_and_without_a_token() {
    for (data_endpoint, suffix) in [(false, ".blob.core.windows.net"), (true, ".westeurope.data.azurecr.io")] {
        run_paused(async {
            let fixture = fixture();
            fixture.sim.with_world(|w, _| {
                w.mutate_registry_property(registry().as_str(), "dataEndpointEnabled", json!(data_endpoint));
            });
            let sent = Sent::default();
            let azure = redirecting(&fixture, &sent, None);
            let token = granted(&azure, &[all()]).await;
            let (_, layer) = pushed(&azure, &token, b"a layer").await;
            let pulled = azure.reader().pull_blob(&token, &repository(), &layer).await.unwrap();
            assert_eq!(pulled.as_deref(), Some(&b"a layer"[..]));
            let sent = sent.lock().unwrap();
            let there: Vec<_> = sent.iter().filter(|(host, _)| host.ends_with(suffix)).collect();
            assert!(there.len() == 1 && there[0].1.is_none(), "{there:?}");
            // An Entra token goes into a form and into no header: what is sent in one is the registry's own.
            let own: Vec<_> = sent.iter().filter_map(|(host, a)| (host == HOST).then_some(a.as_deref()?)).collect();
            assert!(own.len() > 3);
            for header in own {
                let claims = header.strip_prefix("Bearer ").unwrap().split('.').nth(1).unwrap();
                let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
                let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
                assert_eq!(claims["aud"], HOST, "{claims}");
            }
        });
    }
}

#[test]
fn a_layer_is_not_fetched_from_just_anywhere() {
    for foreign in [
        "https://evil.example/layer?sig=SECRET",
        "http://simwesteuropemanaged.blob.core.windows.net/layer?sig=SECRET",
        "https://contoso2.westeurope.data.azurecr.io/layer?sig=SECRET",
        "https://contoso2.azurecr.io/layer?sig=SECRET",
        "https://management.azure.com/layer?sig=SECRET",
    ] {
        run_paused(async {
            let fixture = fixture();
            let sent = Sent::default();
            let azure = redirecting(&fixture, &sent, Some(foreign));
            let token = granted(&azure, &[all()]).await;
            let (_, layer) = pushed(&azure, &token, b"a layer").await;
            let before = sent.lock().unwrap().len();
            let error = azure.reader().pull_blob(&token, &repository(), &layer).await.unwrap_err();
            assert!(!error.to_string().contains("SECRET"), "{error}");
            assert_eq!(sent.lock().unwrap().len(), before + 1, "{foreign}: {error}");
        });
    }
}

#[test]
fn r_err_02_and_r_dp_26_refusals_of_content_are_told_apart() {
    run_paused(async {
        let fixture = fixture();
        let azure = fixture.azure();
        let token = granted(&azure, &[all()]).await;
        let (manifest, _) = pushed(&azure, &token, b"a layer").await;
        fixture.sim.with_world(|w, _| {
            let locked = cmk_mocks::Changeable { write: false, ..cmk_mocks::Changeable::default() };
            w.mutate_repository(registry().as_str(), "shop/web", locked);
        });
        let error = azure.writer().push_blob(&token, &repository(), b"y").await.unwrap_err();
        assert!(error.service().unwrap().repository_locked(), "{error}");

        fixture.sim.with_world(|w, _| w.mutate_delete_key(VAULT, fixture::KEY));
        tokio::time::sleep(std::time::Duration::from_secs(3700)).await;
        let at = ManifestAt::Digest(manifest);
        let error = azure.reader().pull_manifest(&token, &repository(), &at).await.unwrap_err();
        assert!(error.service().unwrap().is_key_forbidden(), "R-ERR-02: {error}");
        assert!(cmk::Error::from(error).to_string().contains("R-CMK-27"));
    });
}
