//! Logging in: which credential is used, what it asks for and when, and what it gives away.

use crate::transport::{Fake, Reply, TestClock};
use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_identity::Executor;
use cmk::azure::{Auth, Azure, Clock as _, Cloud, Surroundings, id::RegistryId};
use std::{
    ffi::OsStr,
    io,
    process::{ExitStatus, Output},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use time::OffsetDateTime;
use tokio::time::Instant;

const SCOPE: &str = "https://management.azure.com/.default";
const TENANT: &str = "00000000-0000-4000-8000-00000000007e";
const CLIENT: &str = "c0ffee00-0000-4000-8000-000000000001";
const SECRET: &str = "canary-s3cret";

/// The Azure CLI, as it answers or does not.
#[derive(Debug, Default)]
struct Az {
    asked: AtomicUsize,
    fails: bool,
}

#[async_trait]
impl Executor for Az {
    async fn run(&self, _: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        let line = args.iter().map(|a| a.to_string_lossy()).collect::<Vec<_>>().join(" ");
        assert!(line.contains("az account get-access-token"), "{line}");
        let n = self.asked.fetch_add(1, Ordering::SeqCst);
        // As long as a process takes, so that others can come in the meantime.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let expires = OffsetDateTime::now_utc().unix_timestamp() + 3600;
        let stdout = format!(r#"{{"accessToken":"az-token-{n}","expires_on":{expires},"tokenType":"Bearer"}}"#);
        if self.fails {
            let stderr = b"ERROR: Please run 'az login' to setup account.".to_vec();
            return Ok(Output { status: exit(1), stdout: Vec::new(), stderr });
        }
        Ok(Output { status: exit(0), stdout: stdout.into_bytes(), stderr: Vec::new() })
    }
}

#[cfg(unix)]
fn exit(code: i32) -> ExitStatus {
    std::os::unix::process::ExitStatusExt::from_raw(code << 8)
}
#[cfg(windows)]
fn exit(code: i32) -> ExitStatus {
    std::os::windows::process::ExitStatusExt::from_raw(code as u32)
}

fn registry() -> RegistryId {
    let group = "/subscriptions/01234567-89ab-cdef-0123-456789abcdef/resourceGroups/rg";
    format!("{group}/providers/Microsoft.ContainerRegistry/registries/contoso").parse().unwrap()
}

/// Surroundings with these variables, and nothing of the process's own.
fn around(az: &Arc<Az>, fake: &Arc<Fake>, variables: &[(&str, &str)]) -> Surroundings {
    let variables: Vec<_> = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let look_up = move |name: &str| variables.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone());
    Surroundings::default().executor(az.clone()).transport(fake.clone()).variables(look_up)
}

const APPLICATION: [(&str, &str); 3] =
    [("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT), ("AZURE_CLIENT_SECRET", SECRET)];

fn authority(token: &'static str) -> Arc<Fake> {
    Fake::new(move |_, _| {
        Reply::ok(&format!(
            r#"{{"token_type":"Bearer","expires_in":3600,"ext_expires_in":3600,"access_token":"{token}"}}"#
        ))
    })
}

/// A network in which nothing answers.
fn nobody() -> Arc<Fake> {
    Fake::new(|_, _| Reply::Connection)
}

async fn token(credential: &Arc<dyn TokenCredential>) -> Result<String, String> {
    let token = credential.get_token(&[SCOPE], None).await.map_err(|e| e.to_string())?;
    Ok(token.token.secret().to_owned())
}

fn with_az(az: &Arc<Az>, clock: &Arc<TestClock>, service: &Arc<Fake>) -> Azure {
    let credential = Auth::Cli.credential_in(&Cloud::public(), &around(az, &nobody(), &[])).unwrap();
    Azure::builder(Cloud::public(), credential).transport(service.clone()).clock(clock.clone()).build()
}

#[tokio::test(start_paused = true)]
async fn az_is_asked_once_for_three_calls() {
    let (az, clock, service) = (Arc::new(Az::default()), TestClock::new(), Fake::new(|_, _| Reply::ok("{}")));
    let azure = with_az(&az, &clock, &service);
    for _ in 0..3 {
        azure.reader().registry(&registry()).await.unwrap();
    }
    assert_eq!(az.asked.load(Ordering::SeqCst), 1);
    assert!(service.seen().iter().all(|s| s.token.as_deref() == Some("Bearer az-token-0")));
}

#[tokio::test(start_paused = true)]
async fn tokens_expire_by_the_injected_clock() {
    let (az, clock, service) = (Arc::new(Az::default()), TestClock::new(), Fake::new(|_, _| Reply::ok("{}")));
    let azure = with_az(&az, &clock, &service);
    let mut asked = Vec::new();
    for minutes in [0, 54, 2, 30] {
        clock.forward(Duration::from_secs(minutes * 60));
        azure.reader().registry(&registry()).await.unwrap();
        asked.push(az.asked.load(Ordering::SeqCst));
    }
    assert_eq!(asked, [1, 1, 2, 2], "kept until five minutes before its end");
}

#[tokio::test(start_paused = true)]
async fn two_at_once_ask_once() {
    let (az, clock, service) = (Arc::new(Az::default()), TestClock::new(), Fake::new(|_, _| Reply::ok("{}")));
    let azure = with_az(&az, &clock, &service);
    let (reader, id) = (azure.reader(), registry());
    let (a, b, c) = tokio::join!(reader.registry(&id), reader.registry(&id), reader.registry(&id));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(az.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn token_refused_before_its_time_is_fetched_anew_once() {
    let (az, clock) = (Arc::new(Az::default()), TestClock::new());
    let service = Fake::new(|seen, _| match seen.token.as_deref() {
        Some("Bearer az-token-0") => Reply::new(401, "{}"),
        _ => Reply::ok("{}"),
    });
    with_az(&az, &clock, &service).reader().registry(&registry()).await.unwrap();
    assert_eq!(az.asked.load(Ordering::SeqCst), 2);
    let refused = Fake::new(|_, _| Reply::new(401, "{}"));
    let error = with_az(&az, &clock, &refused).reader().registry(&registry()).await.unwrap_err();
    assert_eq!((error.status(), refused.seen().len()), (Some(401), 2));
}

#[tokio::test(start_paused = true)]
async fn environment_asks_the_clouds_own_authority() {
    for (cloud, host) in [
        (Cloud::public(), "login.microsoftonline.com"),
        (Cloud::us_gov(), "login.microsoftonline.us"),
        (Cloud::china(), "login.chinacloudapi.cn"),
    ] {
        let (az, authority) = (Arc::new(Az::default()), authority("app-token"));
        let mut variables = APPLICATION.to_vec();
        variables.push(("AZURE_AUTHORITY_HOST", "https://evil.example"));
        let credential = Auth::Environment.credential_in(&cloud, &around(&az, &authority, &variables)).unwrap();
        assert_eq!(token(&credential).await.unwrap(), "app-token");
        let seen = authority.seen();
        assert_eq!(seen[0].url.as_str(), format!("https://{host}/{TENANT}/oauth2/v2.0/token"));
        assert!(seen[0].body.contains(SECRET) && seen[0].body.contains(CLIENT));
    }
}

#[tokio::test(start_paused = true)]
async fn environment_names_what_is_missing() {
    let (az, fake) = (Arc::new(Az::default()), nobody());
    for (missing, (name, _)) in APPLICATION.iter().enumerate() {
        let variables: Vec<_> =
            APPLICATION.iter().enumerate().filter(|(n, _)| *n != missing).map(|(_, v)| *v).collect();
        let error = Auth::Environment.credential_in(&Cloud::public(), &around(&az, &fake, &variables)).unwrap_err();
        assert_eq!(error.to_string(), format!("{name} is not set"));
    }
}

#[tokio::test(start_paused = true)]
async fn workload_identity_sends_the_pods_assertion() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "pod-assertion").unwrap();
    let (az, authority) = (Arc::new(Az::default()), authority("pod-token"));
    let path = file.path().to_string_lossy().into_owned();
    let variables =
        [("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT), ("AZURE_FEDERATED_TOKEN_FILE", path.as_str())];
    let credential =
        Auth::WorkloadIdentity.credential_in(&Cloud::public(), &around(&az, &authority, &variables)).unwrap();
    assert_eq!(token(&credential).await.unwrap(), "pod-token");
    let seen = authority.seen();
    assert_eq!(seen[0].url.host_str(), Some("login.microsoftonline.com"));
    assert!(seen[0].body.contains("client_assertion=pod-assertion"), "{}", seen[0].body);
}

#[tokio::test(start_paused = true)]
async fn managed_identity_is_asked_for_by_client_id() {
    let expires = OffsetDateTime::now_utc().unix_timestamp() + 3600;
    let imds = Fake::new(move |_, _| {
        Reply::ok(&format!(
            r#"{{"access_token":"vm-token","expires_on":"{expires}","resource":"r","token_type":"Bearer"}}"#
        ))
    });
    let auth: Auth = format!("managed:{CLIENT}").parse().unwrap();
    let credential = auth.credential_in(&Cloud::public(), &around(&Arc::default(), &imds, &[])).unwrap();
    assert_eq!(token(&credential).await.unwrap(), "vm-token");
    let url = imds.seen()[0].url.clone();
    assert_eq!(url.host_str(), Some("169.254.169.254"));
    assert!(url.query().unwrap().contains(CLIENT), "{url}");
}

#[tokio::test(start_paused = true)]
async fn machine_without_an_identity_is_not_waited_for() {
    let imds = Fake::new(|_, _| Reply::new(404, "{}"));
    let started = Instant::now();
    let managed = Auth::ManagedIdentity { client_id: None };
    let credential = managed.credential_in(&Cloud::public(), &around(&Arc::default(), &imds, &[])).unwrap();
    let error = token(&credential).await.unwrap_err();
    assert!(started.elapsed() <= Duration::from_secs(31), "{:?}", started.elapsed());
    assert!(error.contains("within 30s"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn chain_comes_to_az_soon() {
    let (az, imds) = (Arc::new(Az::default()), Fake::new(|_, _| Reply::new(404, "{}")));
    let credential = Auth::Chain.credential_in(&Cloud::public(), &around(&az, &imds, &[])).unwrap();
    let started = Instant::now();
    assert_eq!(token(&credential).await.unwrap(), "az-token-0");
    assert!(started.elapsed() < Duration::from_secs(7), "{:?}", started.elapsed());
    let requests = imds.seen().len();
    token(&credential).await.unwrap();
    assert_eq!(imds.seen().len(), requests, "the one that worked is the one for good");
}

#[tokio::test(start_paused = true)]
async fn chain_takes_the_application_first() {
    let (az, authority) = (Arc::new(Az::default()), authority("app-token"));
    let credential = Auth::Chain.credential_in(&Cloud::public(), &around(&az, &authority, &APPLICATION)).unwrap();
    assert_eq!(token(&credential).await.unwrap(), "app-token");
    assert_eq!(az.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn chain_does_not_become_somebody_else() {
    let (az, calls) = (Arc::new(Az::default()), AtomicUsize::new(0));
    let authority = Fake::new(move |_, _| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::ok(r#"{"token_type":"Bearer","expires_in":1,"ext_expires_in":1,"access_token":"app-token"}"#),
        _ => Reply::new(
            400,
            r#"{"error":"invalid_client","error_description":"AADSTS7000215: no","error_codes":[7000215]}"#,
        ),
    });
    let credential = Auth::Chain.credential_in(&Cloud::public(), &around(&az, &authority, &APPLICATION)).unwrap();
    assert_eq!(token(&credential).await.unwrap(), "app-token");
    let error = token(&credential).await.unwrap_err();
    assert!(error.contains("env: ") && az.asked.load(Ordering::SeqCst) == 0, "{error}");
}

#[tokio::test(start_paused = true)]
async fn chain_tells_all_that_is_not_configured_together() {
    let az = Arc::new(Az { fails: true, ..Az::default() });
    let credential = Auth::Chain.credential_in(&Cloud::public(), &around(&az, &nobody(), &APPLICATION[..2])).unwrap();
    let error = token(&credential).await.unwrap_err();
    for part in [
        "env: AZURE_CLIENT_SECRET is not set",
        "workload: AZURE_FEDERATED_TOKEN_FILE is not set",
        "managed: ",
        "az: ",
        "az login",
    ] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    assert!(!error.contains('\n'), "{error}");
}

const REFUSAL: &str = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret.\r\nTrace ID: x",
    "error_codes":[7000215]}"#;

#[tokio::test(start_paused = true)]
async fn chain_ends_where_a_configured_login_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "pod-assertion").unwrap();
    fn pod(path: &str) -> Vec<(&str, &str)> {
        vec![APPLICATION[0], APPLICATION[1], ("AZURE_FEDERATED_TOKEN_FILE", path)]
    }
    let bad_tenant = vec![("AZURE_TENANT_ID", "no tenant!"), APPLICATION[1], APPLICATION[2]];
    let path = file.path().to_string_lossy().into_owned();
    for (name, variables, why) in [
        ("env", APPLICATION.to_vec(), "AADSTS7000215"),
        ("env", bad_tenant, "tenant"),
        ("workload", pod(&path), "AADSTS7000215"),
        ("workload", pod("/no/such/file"), "/no/such/file"),
    ] {
        let (az, authority) = (Arc::new(Az::default()), Fake::new(|_, _| Reply::new(400, REFUSAL)));
        let credential = Auth::Chain.credential_in(&Cloud::public(), &around(&az, &authority, &variables)).unwrap();
        for _ in 0..2 {
            let error = token(&credential).await.unwrap_err();
            assert!(error.starts_with(&format!("{name}: ")) && error.contains(why), "{error}");
            assert!(error.contains("--auth") && !error.contains(SECRET) && !error.contains('\n'), "{error}");
        }
        assert_eq!(az.asked.load(Ordering::SeqCst), 0, "{name}: nobody else is asked");
        assert!(authority.seen().iter().all(|s| s.url.host_str() != Some("169.254.169.254")), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn chain_ends_where_a_login_is_configured_by_half() {
    const FILE: (&str, &str) = ("AZURE_FEDERATED_TOKEN_FILE", "/no/such/file");
    const CERTIFICATE: (&str, &str) = ("AZURE_CLIENT_CERTIFICATE_PATH", "/no/such/certificate.pem");
    let [tenant, client, secret] = APPLICATION;
    let odd = ("AZURE_CLIENT_ID", "my-application");
    for (name, variables, why) in [
        ("env", vec![secret], "AZURE_TENANT_ID is not set"),
        ("env", vec![client, secret], "AZURE_TENANT_ID is not set"),
        ("env", vec![tenant, secret], "AZURE_CLIENT_ID is not set"),
        ("env", vec![CERTIFICATE], "AZURE_CLIENT_CERTIFICATE_PATH"),
        ("env", vec![tenant, client, CERTIFICATE], "by certificate is not supported"),
        ("workload", vec![client, FILE], "AZURE_TENANT_ID is not set"),
        ("workload", vec![tenant, FILE], "AZURE_CLIENT_ID is not set"),
        ("managed", vec![odd], "'my-application'"),
        ("managed", vec![tenant, odd], "'my-application'"),
    ] {
        let (az, fake) = (Arc::new(Az::default()), authority("somebody-elses-token"));
        let credential = Auth::Chain.credential_in(&Cloud::public(), &around(&az, &fake, &variables)).unwrap();
        let error = token(&credential).await.unwrap_err();
        assert!(error.starts_with(&format!("{name}: ")) && error.contains(why), "{name}: {error}");
        assert!(error.contains("--auth") && !error.contains(SECRET), "{error}");
        assert_eq!((az.asked.load(Ordering::SeqCst), fake.seen().len()), (0, 0), "{name}: nobody else is asked");
    }
}

#[tokio::test(start_paused = true)]
async fn chain_passes_a_machine_without_an_identity_and_no_other() {
    // Other clouds have a metadata service at the same address.
    for status in [400, 401, 403, 404, 405] {
        let (az, imds) = (Arc::new(Az::default()), Fake::new(move |_, _| Reply::new(status, "{}")));
        let credential = Auth::Chain.credential_in(&Cloud::public(), &around(&az, &imds, &[])).unwrap();
        assert_eq!(token(&credential).await.as_deref(), Ok("az-token-0"), "{status}");
    }
    for (status, body) in [(429, "{}"), (500, "{}"), (503, "{}"), (200, "{}"), (200, "<html>")] {
        let (az, imds) = (Arc::new(Az::default()), Fake::new(move |_, _| Reply::new(status, body)));
        let around = around(&az, &imds, &[]);
        let credential = Auth::Chain.credential_in(&Cloud::public(), &around).unwrap();
        let error = token(&credential).await.unwrap_err();
        assert!(error.starts_with("managed: ") && error.contains("--auth"), "{status}: {error}");
        assert_eq!((az.asked.load(Ordering::SeqCst), around.way().name()), (0, None), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_way_that_was_taken_is_known() {
    let (az, fake) = (Arc::new(Az::default()), authority("app-token"));
    for (auth, variables, name) in [
        (Auth::Chain, &APPLICATION[..], "env"),
        (Auth::Environment, &APPLICATION[..], "env"),
        (Auth::Cli, &[][..], "az"),
        (Auth::ManagedIdentity { client_id: None }, &[][..], "managed"),
    ] {
        let around = around(&az, &fake, variables);
        let way = around.way();
        let credential = auth.credential_in(&Cloud::public(), &around).unwrap();
        let _ = token(&credential).await;
        assert_eq!(way.name(), Some(name));
    }
    let around = around(&az, &nobody(), &[]);
    let credential = Auth::Chain.credential_in(&Cloud::public(), &around).unwrap();
    assert_eq!(around.way().name(), None, "nobody has been asked yet");
    token(&credential).await.unwrap();
    assert_eq!(around.way().name(), Some("az"));
}

/// A credential that is wrong in a way of its own.
#[derive(Debug)]
struct Odd(Option<&'static str>);

#[async_trait]
impl TokenCredential for Odd {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        assert!(cmk::azure::is_logging_in());
        let Some(text) = self.0 else { panic!("{SECRET} was not expected") };
        Ok(AccessToken::new(text.to_owned(), OffsetDateTime::now_utc() + Duration::from_secs(3600)))
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_panics_or_gives_no_token_is_told_at_once() {
    for (odd, why) in [
        (None, "panic"),
        (Some(""), "empty"),
        (Some("a\nb"), "no token"),
        (Some("a\r\nx-evil: 1"), "no token"),
        (Some("a b"), "no token"),
        (Some("a\u{0}"), "no token"),
        (Some("tök\u{202e}en"), "no token"),
    ] {
        let service = Fake::new(|_, _| Reply::ok("{}"));
        let azure = Azure::builder(Cloud::public(), Arc::new(Odd(odd))).transport(service.clone()).build();
        let started = Instant::now();
        for error in [
            azure.reader().registry(&registry()).await.unwrap_err().to_string(),
            azure.reader().caller().await.unwrap_err().to_string(),
        ] {
            assert!(error.contains("no token for") && error.contains(why), "{odd:?}: {error}");
            assert!(!error.contains(SECRET) && !error.contains("x-evil"), "{error}");
            assert!(!cmk::azure::is_logging_in());
        }
        assert!(
            started.elapsed() < Duration::from_secs(1) && service.seen().is_empty(),
            "{odd:?}: nothing is repeated"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_beyond_all_dates_is_an_error_or_a_day() {
    for seconds in ["9223372036854775807", "300000000000"] {
        let authority = Fake::new(move |_, _| {
            Reply::ok(&format!(
                r#"{{"token_type":"Bearer","expires_in":{seconds},"ext_expires_in":1,"access_token":"app-token"}}"#
            ))
        });
        let around = around(&Arc::default(), &authority, &APPLICATION);
        for auth in [Auth::Environment, Auth::Chain] {
            let credential = auth.credential_in(&Cloud::public(), &around).unwrap();
            let error = token(&credential).await.unwrap_err();
            assert!(error.starts_with("env: ") && error.contains("panic"), "{error}");
        }
    }
    // One that only our own clock cannot add up.
    let service = Fake::new(|_, _| Reply::ok("{}"));
    let end = OffsetDateTime::new_utc(time::macros::date!(9999 - 12 - 31), time::macros::time!(23:00));
    let clock = TestClock::new();
    clock.forward((end - clock.now()).unsigned_abs());
    let azure = with_az(&Arc::default(), &clock, &service);
    azure.reader().registry(&registry()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_the_authority_quotes_of_a_secret_is_not_shown() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let turned: String = SECRET.chars().rev().collect();
    let quotes = [
        SECRET.to_owned(),
        STANDARD.encode(SECRET),
        STANDARD.encode(format!("{CLIENT}:{SECRET}")),
        SECRET.to_uppercase(),
        turned.clone(),
        SECRET.chars().flat_map(|c| [c, ' ']).collect(),
    ];
    for quote in quotes {
        let body = serde_json::json!({ "error": "invalid_client", "error_description": format!("AADSTS7: not {quote}"),
            "error_codes": [7] });
        let authority = Fake::new(move |_, _| Reply::new(400, &body.to_string()));
        for auth in [Auth::Environment, Auth::Chain] {
            let credential =
                auth.credential_in(&Cloud::public(), &around(&Arc::default(), &authority, &APPLICATION)).unwrap();
            let error = token(&credential).await.unwrap_err();
            let azure =
                Azure::builder(Cloud::public(), credential).transport(Fake::new(|_, _| Reply::ok("{}"))).build();
            let told = azure.reader().registry(&registry()).await.unwrap_err();
            for shown in [error, told.to_string(), format!("{told:?}")] {
                let plain: String = shown.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
                assert!(!shown.contains(&quote) && !plain.contains("canarys3cret"), "{quote}: {shown}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_secret_is_shown() {
    let (az, authority) = (Arc::new(Az::default()), authority("canary-t0ken"));
    let around = around(&az, &authority, &APPLICATION);
    for auth in [Auth::Environment, Auth::Chain] {
        let credential = auth.credential_in(&Cloud::public(), &around).unwrap();
        token(&credential).await.unwrap();
        let azure = Azure::new(Cloud::public(), credential.clone());
        let shown = format!("{auth:?} {around:?} {credential:?} {azure:?} {:?}", azure.reader());
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[test]
fn ways_to_log_in_are_read_and_written() {
    for (text, auth) in [
        ("az", Auth::Cli),
        ("CLI", Auth::Cli),
        ("env", Auth::Environment),
        ("environment", Auth::Environment),
        ("workload", Auth::WorkloadIdentity),
        ("managed", Auth::ManagedIdentity { client_id: None }),
        ("chain", Auth::Chain),
    ] {
        assert_eq!(text.parse(), Ok(auth.clone()));
        assert_eq!(auth.to_string().parse(), Ok(auth));
    }
    let named: Auth = format!("managed:{CLIENT}").parse().unwrap();
    assert_eq!(named.to_string().parse(), Ok(named));
    for bad in ["", "device", "managed:", "managed:x", "az env", "\u{1b}[31m"] {
        let error = bad.parse::<Auth>().unwrap_err().to_string();
        assert!(error.contains("choose az, env, workload, managed, managed:CLIENT_ID or chain"), "{error}");
        assert!(!error.contains('\u{1b}'));
    }
}
