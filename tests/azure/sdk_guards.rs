//! What the SDK would do on its own, and what is done about it: blind repeats, lost bodies, codes it cannot read, and
//! tokens for whoever asks.

use crate::transport::{self, Fake, Reply, Seen, StaticToken, azure, builder};
use azure_core::http::{ClientOptions, Transport};
use azure_security_keyvault_keys::{
    KeyClient, KeyClientOptions,
    models::{CreateKeyParameters, KeyType},
};
use cmk::azure::{
    CallError, Cause, Progress, Sent,
    id::{KeyId, KeyName, RegistryId, SubscriptionId, VaultHost},
    keys::{KeySpec, Kty},
    registries::{Encryption, KeyIdentity},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

const VERSION: &str = "0123456789abcdef0123456789abcdef";
const REGISTRY: &str = "/subscriptions/01234567-89ab-cdef-0123-456789abcdef/resourceGroups/rg/providers/\
                        Microsoft.ContainerRegistry/registries/contoso";

fn host() -> VaultHost {
    "contoso.vault.azure.net".parse().unwrap()
}
fn name() -> KeyName {
    "cmk".parse().unwrap()
}
fn key() -> KeyId {
    KeyId::new(host(), name())
}
fn registry() -> RegistryId {
    REGISTRY.parse().unwrap()
}
fn spec() -> KeySpec {
    let tags = BTreeMap::from([("cmk-run".to_owned(), "r1".to_owned())]);
    KeySpec { kty: Kty::Rsa, size: 2048, ops: vec!["wrapKey".into(), "unwrapKey".into()], exp: None, tags }
}
fn bundle(kid: &str) -> String {
    // 2048 bits: the first of 256 bytes is 0xff.
    let n = format!("_{}", "_".repeat(340) + "w");
    format!(
        r#"{{"key":{{"kid":"{kid}","kty":"RSA","n":"{n}","e":"AQAB","key_ops":["wrapKey"]}},
            "attributes":{{"enabled":true,"created":1700000000,"news":1}},"tags":null}}"#
    )
}
fn made() -> Reply {
    Reply::ok(&bundle(&format!("https://contoso.vault.azure.net/keys/cmk/{VERSION}")))
}
/// A vault's answer to a request without a token.
fn challenge() -> Reply {
    Reply::new(
        401,
        r#"{"error":{"code":"Unauthorized","message":"AKV10000: Request is missing a Bearer or PoP token."}}"#,
    )
    .header(
        "www-authenticate",
        r#"Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net""#,
    )
}
fn not_found() -> Reply {
    Reply::new(404, r#"{"error":{"code":"KeyNotFound","message":"A key with (name/id) cmk was not found"}}"#)
}
/// A vault: the challenge, a read that finds nothing, and `create` for the rest.
fn vault(create: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Arc<Fake> {
    let posts = AtomicUsize::new(0);
    Fake::new(move |seen, _| match (&seen.token, seen.verb.as_str()) {
        (None, _) => challenge(),
        (Some(_), "POST") => create(seen, posts.fetch_add(1, Ordering::SeqCst)),
        _ => not_found(),
    })
}
fn posts(fake: &Fake) -> Vec<Seen> {
    fake.seen().into_iter().filter(|s| s.verb == "POST").collect()
}

/// The first request of all is answered 503, the second challenged, the rest served.
fn moody() -> Arc<Fake> {
    Fake::new(|seen, at| match (&seen.token, seen.verb.as_str()) {
        (None, _) if at == 0 => Reply::new(503, ""),
        (None, _) => challenge(),
        (Some(_), "POST") => made(),
        _ => not_found(),
    })
}

#[tokio::test(start_paused = true)]
async fn the_sdk_loses_a_body_when_its_challenge_is_repeated() {
    let fake = moody();
    let client_options = ClientOptions { transport: Some(Transport::new(fake.clone())), ..Default::default() };
    let options = KeyClientOptions { client_options, ..Default::default() };
    let client = KeyClient::new("https://contoso.vault.azure.net", Arc::new(StaticToken), Some(options)).unwrap();
    let body = CreateKeyParameters { kty: Some(KeyType::Rsa), ..Default::default() };
    client.create_key("cmk", body.try_into().unwrap(), None).await.unwrap();
    let last = posts(&fake).pop().unwrap();
    assert!(last.token.is_some() && last.body.is_empty(), "fixed in the SDK: the warm-up may go");
}

#[tokio::test(start_paused = true)]
async fn body_of_a_first_write_survives_a_503_before_the_challenge() {
    let fake = moody();
    let made = azure(&fake).writer().create_key_version(&host(), &name(), &spec()).await.unwrap();
    assert_eq!((made.size(), made.kty()), (Some(2048), Some(Kty::Rsa)));
    let posts = posts(&fake);
    assert_eq!(posts.len(), 1, "the challenge is met by a read");
    let body: serde_json::Value = serde_json::from_str(&posts[0].body).unwrap();
    let wanted = serde_json::json!({"kty": "RSA", "key_size": 2048, "key_ops": ["wrapKey", "unwrapKey"], "tags": {"cmk-run": "r1"}});
    assert_eq!(body, wanted);
    assert_eq!(posts[0].url.query(), Some("api-version=2025-07-01"));
}

#[cfg(debug_assertions)]
#[tokio::test(start_paused = true)]
async fn without_the_warm_up_a_write_that_never_had_a_body_is_in_doubt() {
    let fake = moody();
    let azure = builder(&fake).without(cmk::Guard::WarmUp).build();
    let error = azure.writer().create_key_version(&host(), &name(), &spec()).await.unwrap_err();
    assert_eq!(error.sent, Sent::Maybe);
    let posts = posts(&fake);
    assert!(posts.len() == 1 && posts[0].token.is_none() && posts[0].body.is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_warm_up_a_vault_and_none_after_a_read() {
    let fake = vault(|_, _| made());
    let writer = azure(&fake).writer();
    writer.key(&key()).await.unwrap();
    writer.create_key_version(&host(), &name(), &spec()).await.unwrap();
    writer.create_key_version(&host(), &name(), &spec()).await.unwrap();
    let verbs: Vec<_> = fake.seen().iter().map(|s| (s.verb.clone(), s.token.is_some())).collect();
    let wanted = [("GET", false), ("GET", true), ("POST", true), ("POST", true)];
    assert_eq!(verbs, wanted.map(|(v, t)| (v.to_owned(), t)));
}

#[tokio::test(start_paused = true)]
async fn r_err_28c_code_of_a_403_with_line_breaks_is_read() {
    let body = "{\"error\":{\"code\":\"Forbidden\",\"message\":\"Caller is not authorized to perform action on \
                resource.\\r\\nIf role assignments were changed recently\",\"innererror\":{\"code\":\"ForbiddenByRbac\"}}}";
    let fake = vault(move |_, _| Reply::new(403, body));
    let error = azure(&fake).writer().create_key_version(&host(), &name(), &spec()).await.unwrap_err();
    let service = error.service().unwrap();
    assert_eq!((service.code.as_str(), service.inner_code.as_deref()), ("Forbidden", Some("ForbiddenByRbac")));
    assert!(service.forbidden_by_rbac());
    assert_eq!(error.sent, Sent::No);
}

#[tokio::test(start_paused = true)]
async fn r_kv_11_create_in_doubt_is_sent_once() {
    for reply in [408, 500, 502, 503, 504].map(|s| Reply::new(s, "")).into_iter().chain([Reply::Io]) {
        let shown = format!("{reply:?}");
        let fake = vault(move |_, _| reply.clone());
        let error = azure(&fake).writer().create_key_version(&host(), &name(), &spec()).await.unwrap_err();
        assert_eq!((posts(&fake).len(), error.sent), (1, Sent::Maybe), "{shown}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn r_kv_11_create_that_was_not_carried_out_is_repeated() {
    for reply in [Reply::new(429, ""), Reply::Connection, Reply::new(401, "{}")] {
        let shown = format!("{reply:?}");
        let fake = vault(move |_, at| if at == 0 { reply.clone() } else { made() });
        azure(&fake).writer().create_key_version(&host(), &name(), &spec()).await.unwrap();
        assert_eq!(posts(&fake).len(), 2, "{shown}");
        assert!(posts(&fake).iter().all(|p| p.body.contains("RSA")), "{shown}");
    }
}

#[cfg(debug_assertions)]
#[tokio::test(start_paused = true)]
async fn without_the_guard_a_create_is_repeated_blindly() {
    let fake = vault(|_, at| if at == 0 { Reply::new(504, "") } else { made() });
    let azure = builder(&fake).without(cmk::Guard::NoBlindPost).build();
    azure.writer().create_key_version(&host(), &name(), &spec()).await.unwrap();
    assert_eq!(posts(&fake).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn create_out_of_time_is_in_doubt() {
    let fake = vault(|_, _| Reply::Never);
    let azure = builder(&fake).request_deadline(Duration::from_secs(5)).build();
    let error = azure.writer().create_key_version(&host(), &name(), &spec()).await.unwrap_err();
    assert!(matches!(*error.cause, Cause::Deadline(d) if d.as_secs() == 5));
    assert_eq!((posts(&fake).len(), error.sent), (1, Sent::Maybe));
}

#[tokio::test(start_paused = true)]
async fn version_that_is_not_as_asked_is_told() {
    let fake = vault(|_, _| made());
    let want = KeySpec { size: 4096, ..spec() };
    let error = azure(&fake).writer().create_key_version(&host(), &name(), &want).await.unwrap_err();
    assert_eq!(error.sent, Sent::Yes);
    assert!(error.to_string().contains("RSA of 2048 bits rather than RSA of 4096"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn create_without_a_token_was_not_sent() {
    let fake = vault(|_, _| made());
    let azure = cmk::Azure::builder(cmk::Cloud::public(), Arc::new(transport::NoToken)).transport(fake.clone()).build();
    let error = azure.writer().create_key_version(&host(), &name(), &spec()).await.unwrap_err();
    assert!(matches!(*error.cause, Cause::Credential { .. }), "{error:?}");
    assert_eq!((posts(&fake).len(), error.sent), (0, Sent::No));
}

#[tokio::test(start_paused = true)]
async fn set_key_enabled_patches_one_version() {
    let fake = Fake::new(|seen, _| match (&seen.token, seen.verb.as_str()) {
        (None, _) => challenge(),
        (Some(_), "PATCH") => made(),
        _ => not_found(),
    });
    let writer = azure(&fake).writer();
    let version = key().with_version(VERSION.parse().unwrap());
    writer.set_key_enabled(&version, false).await.unwrap();
    let patch = fake.seen().pop().unwrap();
    assert_eq!(
        (patch.url.path(), patch.body.as_str()),
        (&*format!("/keys/cmk/{VERSION}"), r#"{"attributes":{"enabled":false}}"#)
    );
    let error = writer.set_key_enabled(&key(), false).await.unwrap_err();
    assert!(matches!(*error.cause, Cause::Invalid(_)));
}

#[tokio::test(start_paused = true)]
async fn r_arm_35_reads_are_repeated() {
    let again =
        [408, 429, 500, 502, 503, 504].map(|s| Reply::new(s, "")).into_iter().chain([Reply::Io, Reply::Connection]);
    for reply in again {
        let shown = format!("{reply:?}");
        let fake = Fake::new(move |_, at| if at < 2 { reply.clone() } else { Reply::ok(r#"{"id":"x","more":1}"#) });
        let found = azure(&fake).reader().registry(&registry()).await.unwrap().unwrap();
        assert_eq!((found.whole()["more"].as_i64(), fake.seen().len()), (Some(1), 3), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn r_arm_35_what_is_refused_is_not_repeated() {
    for status in [400, 403, 405, 409, 412, 423, 501] {
        let fake = Fake::new(move |_, _| Reply::new(status, r#"{"error":{"code":"X","details":null}}"#));
        let error = azure(&fake).reader().registry(&registry()).await.unwrap_err();
        assert_eq!((error.status(), fake.seen().len()), (Some(status), 1));
        assert_eq!(error.service().unwrap().code, "X");
    }
    let fake = Fake::new(|_, _| Reply::new(404, ""));
    assert!(azure(&fake).reader().registry(&registry()).await.unwrap().is_none());
}

async fn elapsed_with(retry_after: &str) -> (Duration, Result<bool, CallError>) {
    let retry_after = retry_after.to_owned();
    let fake =
        Fake::new(
            move |_, at| {
                if at == 0 { Reply::new(429, "").header("retry-after", &retry_after) } else { Reply::ok("{}") }
            },
        );
    let started = Instant::now();
    let found = azure(&fake).reader().registry(&registry()).await;
    (started.elapsed(), found.map(|f| f.is_some()))
}

#[tokio::test(start_paused = true)]
async fn r_arm_02_retry_after_is_honoured_in_full() {
    let (elapsed, found) = elapsed_with("47").await;
    assert!(found.unwrap() && (47.0..49.0).contains(&elapsed.as_secs_f64()), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn retry_after_zero_is_not_at_once() {
    let (elapsed, found) = elapsed_with("0").await;
    assert!(found.unwrap() && (1.0..3.0).contains(&elapsed.as_secs_f64()), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn retry_after_beyond_the_budget_is_told_rather_than_cut() {
    let fake = Fake::new(|_, _| Reply::new(429, r#"{"error":{"code":"TooMany"}}"#).header("retry-after", "3600"));
    let azure = azure(&fake);
    let (started, now) = (Instant::now(), azure.now());
    let error = azure.reader().registry(&registry()).await.unwrap_err();
    let Cause::Throttled { until, error: said } = &*error.cause else { panic!("{error}") };
    assert!((3600..3602).contains(&(*until - now).whole_seconds()) && said.code == "TooMany");
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!((error.sent, fake.seen().len()), (Sent::No, 1));
}

#[tokio::test(start_paused = true)]
async fn budget_ends_a_call_that_never_works() {
    let fake = Fake::new(|_, _| Reply::new(500, ""));
    let started = Instant::now();
    let error = azure(&fake).reader().registry(&registry()).await.unwrap_err();
    assert!(error.status() == Some(500) && started.elapsed() <= Duration::from_secs(181));
    assert!(fake.seen().len() > 5);
}

/// No token went to any host but these.
fn assert_tokens_only_to(fake: &Fake, hosts: &[&str]) {
    for seen in fake.seen() {
        let host = seen.url.host_str().unwrap();
        assert!(hosts.contains(&host), "{host} was asked");
    }
}

#[tokio::test(start_paused = true)]
async fn r_cmk_36_hostile_next_link_of_arm_is_not_followed() {
    for link in [
        "https://evil.example/next",
        "https://management.azure.com.evil.example/next",
        "https://management.azure.com@evil.example/next",
        "http://management.azure.com/next",
        "https://contoso.vault.azure.net/next",
        "//evil.example/next",
        "https://management.azure.com:8443/next",
    ] {
        let fake = Fake::new(move |_, _| Reply::ok(&format!(r#"{{"value":[],"nextLink":"{link}"}}"#)));
        let subscription: SubscriptionId = "01234567-89ab-cdef-0123-456789abcdef".parse().unwrap();
        let error = azure(&fake).reader().registries_in(&subscription).await.unwrap_err();
        assert!(matches!(*error.cause, Cause::Foreign(_) | Cause::Unreadable(_)), "{link}: {error:?}");
        assert_eq!(fake.seen().len(), 1, "{link}");
        assert_tokens_only_to(&fake, &["management.azure.com"]);
    }
}

#[tokio::test(start_paused = true)]
async fn hostile_operation_url_is_not_polled() {
    let fake = Fake::new(|_, _| {
        Reply::new(201, r#"{"properties":{"provisioningState":"Updating"}}"#)
            .header("azure-asyncoperation", "https://evil.example/operations/1?t=signed")
    });
    let writer = azure(&fake).writer();
    let to = Encryption { key: key(), identity: KeyIdentity::System };
    let operation = writer.patch_encryption(&registry(), &to).await.unwrap().operation.unwrap();
    let error = writer.poll(&operation).await.unwrap_err();
    assert!(matches!(*error.cause, Cause::Foreign(_)), "{error:?}");
    assert!(!format!("{operation:?}{error}").contains("signed"));
    assert_tokens_only_to(&fake, &["management.azure.com"]);
    let sent: serde_json::Value = serde_json::from_str(&fake.seen()[0].body).unwrap();
    let wanted = serde_json::json!({"properties": {"encryption": {"status": "enabled", "keyVaultProperties":
        {"keyIdentifier": "https://contoso.vault.azure.net/keys/cmk", "identity": "system"}}}});
    assert_eq!(sent, wanted);
}

#[tokio::test(start_paused = true)]
async fn operation_of_arm_is_polled() {
    let fake = Fake::new(|seen, _| {
        if seen.verb == "PATCH" {
            return Reply::new(201, "{}")
                .header("azure-asyncoperation", "https://management.azure.com/operations/1?t=%2Fa%2B&api-version=1");
        }
        Reply::ok(r#"{"status":"Succeeded"}"#)
    });
    let writer = azure(&fake).writer();
    let to = Encryption { key: key(), identity: KeyIdentity::System };
    let operation = writer.patch_encryption(&registry(), &to).await.unwrap().operation.unwrap();
    assert!(matches!(writer.poll(&operation).await.unwrap(), Progress::Succeeded));
    assert_eq!(fake.seen()[1].url.query(), Some("t=%2Fa%2B&api-version=1"), "a signed query stays as it is");
}

#[tokio::test(start_paused = true)]
async fn hostile_challenge_gets_no_token() {
    for resource in ["https://evil.example", "https://management.azure.com", "not a url"] {
        let fake = Fake::new(move |_, _| {
            let value = format!(r#"Bearer authorization="https://login.microsoftonline.com/t", resource="{resource}""#);
            Reply::new(401, "{}").header("www-authenticate", &value)
        });
        let error = azure(&fake).reader().key(&key()).await.unwrap_err();
        assert!(matches!(*error.cause, Cause::Foreign(_)), "{resource}: {error:?}");
        assert_eq!(error.sent, Sent::No);
        assert!(fake.seen().len() == 1 && fake.seen().iter().all(|s| s.token.is_none()), "{resource}");
    }
}

fn pages(link: &'static str) -> Arc<Fake> {
    Fake::new(move |seen, _| {
        if seen.token.is_none() {
            return challenge();
        }
        let last = seen.url.query().unwrap_or_default().contains("skiptoken");
        let (v, link) = if last { ("b", "null".to_owned()) } else { ("a", format!("\"{link}\"")) };
        let kid = format!("https://contoso.vault.azure.net/keys/cmk/{}", v.repeat(32));
        let body =
            format!(r#"{{"value":[{{"kid":"{kid}","attributes":{{"created":1700000000}}}}],"nextLink":{link}}}"#);
        Reply::ok(&body)
    })
}

#[tokio::test(start_paused = true)]
async fn all_pages_of_versions_are_read() {
    let fake = pages("https://contoso.vault.azure.net:443/keys/cmk/versions?api-version=2025-07-01&$skiptoken=x");
    let versions = azure(&fake).reader().key_versions(&host(), &name()).await.unwrap();
    let ids: Vec<_> = versions.iter().map(|v| v.version().unwrap().to_string()).collect();
    assert_eq!(ids, ["a".repeat(32), "b".repeat(32)]);
    assert_eq!(versions[0].created().unwrap().unix_timestamp(), 1_700_000_000);
}

#[tokio::test(start_paused = true)]
async fn page_that_fails_is_read_again() {
    let fails = AtomicUsize::new(0);
    let inner = pages("https://contoso.vault.azure.net:443/keys/cmk/versions?$skiptoken=x");
    let fake = Fake::new(move |seen, at| {
        let second = seen.url.query().unwrap_or_default().contains("skiptoken");
        if second && fails.fetch_add(1, Ordering::SeqCst) < 2 { Reply::new(503, "") } else { inner.reply(seen, at) }
    });
    assert_eq!(azure(&fake).reader().key_versions(&host(), &name()).await.unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn hostile_next_link_of_a_vault_is_not_followed() {
    for link in [
        "https://evil.example/keys/cmk/versions?$skiptoken=x",
        "https://contoso.vault.azure.net.evil.example/?$skiptoken=x",
        "https://other.vault.azure.net/keys/cmk/versions?$skiptoken=x",
        "https://contoso.vault.azure.net:8443/keys/cmk/versions?$skiptoken=x",
        "http://contoso.vault.azure.net/keys/cmk/versions?$skiptoken=x",
        "https://management.azure.com/?$skiptoken=x",
    ] {
        let fake = pages(link);
        let error = azure(&fake).reader().key_versions(&host(), &name()).await.unwrap_err();
        assert!(matches!(*error.cause, Cause::Foreign(_) | Cause::Unreadable(_)), "{link}: {error:?}");
        assert_tokens_only_to(&fake, &["contoso.vault.azure.net"]);
        assert_eq!(fake.seen().len(), 2, "{link}");
    }
}

#[tokio::test(start_paused = true)]
async fn vault_of_another_cloud_is_not_asked() {
    let fake = vault(|_, _| made());
    let abroad: KeyId = "https://contoso.vault.azure.cn/keys/cmk".parse().unwrap();
    let writer = azure(&fake).writer();
    let read = writer.key(&abroad).await.unwrap_err();
    let write = writer.create_key_version(abroad.host(), &name(), &spec()).await.unwrap_err();
    assert!(matches!((&*read.cause, &*write.cause), (Cause::Foreign(_), Cause::Foreign(_))));
    assert!(fake.seen().is_empty() && write.sent == Sent::No);
}

#[tokio::test(start_paused = true)]
async fn answer_with_a_key_of_another_vault_is_refused() {
    let kid = format!("https://other.vault.azure.net/keys/cmk/{VERSION}");
    let fake = vault(move |_, _| Reply::ok(&bundle(&kid)));
    let error = azure(&fake).writer().create_key_version(&host(), &name(), &spec()).await.unwrap_err();
    assert!(matches!(*error.cause, Cause::Unreadable(_)) && error.sent == Sent::Yes, "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn filters_are_spaced_as_all_services_read_them() {
    let fake = Fake::new(|_, _| Reply::ok(r#"{"value":[]}"#));
    let subscription: SubscriptionId = "01234567-89ab-cdef-0123-456789abcdef".parse().unwrap();
    assert!(azure(&fake).reader().find_vault(&subscription, "o'v+1").await.unwrap().is_none());
    let query = fake.seen()[0].url.query().unwrap().to_owned();
    assert!(query.contains("name%20eq%20%27o%27%27v%2B1%27") && !query.contains('+'), "{query}");
}
