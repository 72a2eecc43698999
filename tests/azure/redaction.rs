//! A canary in every place where a secret can be: none of it is seen again but where it has to be kept.
//!
//! Planted are: tokens, headers and unknown members of every answer, the private and public parts of keys, the
//! signatures of operation URLs, the texts of errors of the services, of the connection and of the log-in.

use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    error::ErrorKind,
    http::{AsyncRawResponse, HttpClient, Request},
};
use cmk::{
    Azure, Error, Event,
    azure::{Auth, Operation, Surroundings},
    journal::{Entry, Journal, RECORD_VERSION, Record},
    status,
};
use cmk_mocks::{Fault, KeyRef, OPERATOR_SECRET, Sim, VaultModel, What, When};
use cmk_tests::{
    Fixture, Scenario, ScenarioFixture, fixture, run_paused, scenarios,
    transport::{Answer, Tap},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex},
};

/// Of letters that are good in a token, a header, a URL and a number in base64url.
const CANARY: &str = "CaNaRy7x";

// ---- planting -------------------------------------------------------------------------------------------------------

type Planted = Arc<Mutex<BTreeSet<&'static str>>>;

/// Tokens that end in the canary.
#[derive(Debug)]
struct Marked(Arc<dyn TokenCredential>);

#[async_trait]
impl TokenCredential for Marked {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let token = self.0.get_token(scopes, options).await?;
        Ok(AccessToken::new(format!("{}{CANARY}TOKEN", token.token.secret()), token.expires_on))
    }
}

fn secret_text() -> String {
    format!(
        "Authorization: Bearer {CANARY}BEARER was sent to https://x.blob/y?sv=1&sig={CANARY}SIG&se=2 and \
         https://arm/op?api-version=1&t=1&c={CANARY}C&s={CANARY}S&h={CANARY}H by client_secret={CANARY}SECRET, \
         token eyJhbGciOiJub25lIn0.eyJjIjoi{CANARY}JWT.x, \"access_token\":\"{CANARY}ACCESS\""
    )
}

fn plant(planted: &Planted, request: &Request, answer: &mut Answer) {
    let mut planted = planted.lock().unwrap();
    let sent = request.headers().iter().any(|(_, v)| v.as_str().contains(&format!("{CANARY}TOKEN")));
    if sent {
        planted.insert("token");
    }
    // But for the challenge, which is sent to whoever asks and traced by the SDK.
    for name in ["set-cookie", "x-ms-encryption-key", "authentication-info"] {
        answer.headers.push((name.to_owned(), format!("{CANARY}HEADER")));
    }
    planted.insert("header");
    for (name, value) in &mut answer.headers {
        if ["azure-asyncoperation", "location"].contains(&name.as_str()) {
            value.push_str(&format!("&t=638&c={CANARY}C&s={CANARY}S&h={CANARY}H"));
            planted.insert("operation URL");
        }
    }
    let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body) else { return };
    if body.get("key").is_some_and(Value::is_object) {
        let key = &mut body["key"];
        for member in ["d", "p", "q", "dp", "dq", "qi", "k", "key_hsm"] {
            key[member] = format!("{CANARY}PRIVATE").into();
        }
        if let Some(n) = key["n"].as_str().filter(|n| n.len() > 100) {
            let marked = format!("{}{CANARY}{}", &n[..40], &n[40 + CANARY.len()..]);
            key["n"] = marked.into();
            planted.insert("modulus");
        }
        planted.insert("private key");
    }
    if let Some(message) = body["error"]["message"].as_str() {
        body["error"]["message"] = format!("{message} {}", secret_text()).into();
        planted.insert("error text");
    }
    for at in ["", "/properties", "/value/0", "/value/0/properties"] {
        if let Some(members) = body.pointer_mut(at).and_then(Value::as_object_mut) {
            for member in ["adminPassword", "connectionString", "sharedKey", "access_token"] {
                members.insert(member.to_owned(), format!("{CANARY}MEMBER").into());
            }
            planted.insert("member");
        }
    }
    answer.body = body.to_string().into_bytes();
}

fn tapped(fixture: &ScenarioFixture, planted: &Planted) -> Azure {
    let planted = planted.clone();
    let change = move |request: &Request, answer: &mut Answer| plant(&planted, request, answer);
    let line = Tap { inner: fixture.sim.transport(), change };
    fixture.builder_with(Arc::new(Marked(fixture.sim.credential()))).transport(Arc::new(line)).build()
}

// ---- looking for it -------------------------------------------------------------------------------------------------

#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<(String, String)>>>);

impl Shown {
    fn add(&self, what: impl Into<String>, text: impl Into<String>) {
        self.0.lock().unwrap().push((what.into(), text.into()));
    }
    fn add_error(&self, what: &str, error: &Error) {
        self.add(format!("{what}: error"), format!("{error}"));
        self.add(format!("{what}: error, for debugging"), format!("{error:?} {error:#?}"));
        let mut source = std::error::Error::source(error);
        while let Some(s) = source {
            self.add(format!("{what}: source of the error"), s.to_string());
            source = s.source();
        }
        for hint in error.hints() {
            self.add(format!("{what}: hint"), format!("{hint} {hint:?}"));
        }
    }
    /// What is written down, but for the operation's URL, which has to be kept to go on.
    fn add_record(&self, what: &str, record: &Record) -> bool {
        self.add(format!("{what}: record, for debugging"), format!("{record:?}"));
        let mut line = serde_json::to_value(record).unwrap();
        let url = line.pointer_mut("/operation/url");
        let kept = url.as_ref().is_some_and(|u| u.as_str().is_some_and(|u| u.contains(CANARY)));
        if let Some(url) = url {
            *url = Value::Null;
        }
        self.add(format!("{what}: journal"), line.to_string());
        kept
    }
    async fn add_journal(&self, what: &str, journal: &dyn Journal) -> usize {
        let mut kept = 0;
        for run in journal.runs().await.unwrap() {
            for record in journal.read(&run).await.unwrap() {
                kept += usize::from(self.add_record(what, &record));
            }
        }
        self.add(format!("{what}: the journal itself"), format!("{journal:?} {}", journal.place()));
        kept
    }
    #[track_caller]
    fn has_none_of(&self, secrets: &[&str]) {
        let shown = self.0.lock().unwrap();
        assert!(shown.len() > 10, "something has been looked at");
        let traces = shown.iter().filter(|(what, text)| what == "trace" && text.contains("cmk.run")).count();
        assert!(traces > 0, "tracing was listened to");
        let leaks: BTreeSet<String> = shown
            .iter()
            .flat_map(|(what, text)| {
                secrets.iter().filter_map(move |secret| {
                    let at = text.find(secret)?;
                    let before: Vec<char> = text[..at].chars().rev().take(160).collect();
                    let after: String = text[at..].chars().take(60).collect();
                    Some(format!("{what}: ..{}{after}..", before.iter().rev().collect::<String>()))
                })
            })
            .collect();
        assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), Vec::from_iter(leaks).join("\n"));
    }
}

/// Everything that is traced, by everybody, at every level.
#[derive(Clone, Default)]
struct Traced(Arc<Mutex<Vec<u8>>>);

impl io::Write for Traced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn traced<T>(shown: &Shown, run: impl FnOnce() -> T) -> T {
    let buffer = Traced::default();
    let writer = buffer.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let done = tracing::subscriber::with_default(subscriber, run);
    let text = String::from_utf8_lossy(&buffer.0.lock().unwrap()).into_owned();
    // Line by line, so that a leak names its line.
    text.lines().for_each(|line| shown.add("trace", line));
    done
}

/// Plan, run, status and all that they show.
async fn run_all(fixture: &ScenarioFixture, azure: &Azure, what: &str, shown: &Shown) -> (bool, usize) {
    shown.add(format!("{what}: handle"), format!("{azure:?} {:?} {:?}", azure.reader(), azure.writer()));
    let order = fixture.order.clone();
    match order.clone().on(azure).plan().await {
        Ok(plan) => {
            shown.add(format!("{what}: plan"), format!("{plan} {plan:?} {}", serde_json::to_string(&plan).unwrap()));
        }
        Err(e) => shown.add_error(what, &e),
    }
    let told = shown.clone();
    let run = order.on(azure).named("play").shared_journal(fixture.journal.clone()).watch(move |event: &Event| {
        told.add("event", format!("{event} {event:?}"));
    });
    shown.add(format!("{what}: run"), format!("{run:?}"));
    let through = match run.await {
        Ok(done) => {
            shown.add(format!("{what}: outcome"), format!("{done:?} {}", serde_json::to_string(&done).unwrap()));
            true
        }
        Err(e) => {
            shown.add_error(what, &e);
            false
        }
    };
    match status(azure, &scenarios::registry()).await {
        Ok(seen) => {
            shown.add(format!("{what}: status"), format!("{seen} {seen:?} {}", serde_json::to_string(&seen).unwrap()));
        }
        Err(e) => shown.add_error(what, &e),
    }
    (through, shown.add_journal(what, &*fixture.journal).await)
}

// ---- the scenarios --------------------------------------------------------------------------------------------------

#[test]
fn nothing_secret_is_shown_by_a_play_that_goes_through() {
    let (shown, planted) = (Shown::default(), Planted::default());
    let mut kept = 0;
    for scenario in scenarios::all() {
        traced(&shown, || {
            run_paused(async {
                let fixture = ScenarioFixture::new(*scenario, 1);
                let (through, urls) = run_all(&fixture, &tapped(&fixture, &planted), scenario.name(), &shown).await;
                assert!(through, "{}: {:#?}", scenario.name(), shown.0.lock().unwrap().last());
                kept += urls;
            });
        });
    }
    let planted = planted.lock().unwrap();
    let all = ["error text", "header", "member", "modulus", "operation URL", "private key", "token"];
    assert_eq!(Vec::from_iter(planted.iter().copied()), all, "all of it was there to be seen");
    assert!(kept >= 4, "the URL to follow is in the journal: {kept}");
    shown.has_none_of(&[CANARY]);
}

fn at_each_request(what: impl Fn(u64) -> Vec<What>) {
    let (shown, planted) = (Shown::default(), Planted::default());
    for scenario in ["rotate followed", "rotate with a grant", "create on policies"].map(scenarios::named) {
        let (requests, _) = run_paused(ScenarioFixture::rehearse(scenario, 1));
        for n in 1..=requests.min(45) {
            for what in what(n) {
                let name = format!("{}, {what:?} at {n}", scenario.name());
                traced(&shown, || {
                    run_paused(async {
                        let fixture = ScenarioFixture::new(scenario, 1);
                        fixture.sim.schedule([Fault::new(When::request(n), what).clone()]);
                        run_all(&fixture, &tapped(&fixture, &planted), &name, &shown).await;
                    });
                });
            }
        }
    }
    assert!(planted.lock().unwrap().contains("error text"));
    shown.has_none_of(&[CANARY]);
}

#[test]
fn nothing_secret_is_shown_when_a_service_refuses() {
    at_each_request(|_| {
        vec![What::Status { code: 403, retry_after_s: None }, What::Status { code: 400, retry_after_s: None }]
    });
}

#[test]
fn nothing_secret_is_shown_when_a_service_is_in_trouble() {
    at_each_request(|n| match n % 3 {
        0 => vec![What::Status { code: 503, retry_after_s: Some(900) }],
        1 => vec![What::CutBody],
        _ => vec![What::Status { code: 500, retry_after_s: None }, What::LostAfter],
    });
}

/// A line that breaks, and says too much about it.
#[derive(Debug)]
struct Broken {
    inner: Arc<dyn HttpClient>,
    at: usize,
    seen: Mutex<usize>,
}

#[async_trait]
impl HttpClient for Broken {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let n = {
            let mut seen = self.seen.lock().unwrap();
            *seen += 1;
            *seen
        };
        if n >= self.at {
            let why = io::Error::other(format!("inside: {}", secret_text()));
            let kind = if n % 2 == 0 { ErrorKind::Io } else { ErrorKind::Connection };
            return Err(azure_core::Error::with_error(kind, why, format!("outside: {}", secret_text())));
        }
        self.inner.execute_request(request).await
    }
}

#[test]
fn nothing_secret_is_shown_when_the_line_breaks() {
    let shown = Shown::default();
    for at in 1..=16 {
        traced(&shown, || {
            run_paused(async {
                let fixture = ScenarioFixture::new(scenarios::named("rotate pinned"), 1);
                let line = Broken { inner: fixture.sim.transport(), at, seen: Mutex::new(0) };
                let credential = Arc::new(Marked(fixture.sim.credential()));
                let azure = fixture.builder_with(credential).transport(Arc::new(line)).build();
                let (through, _) = run_all(&fixture, &azure, &format!("broken at {at}"), &shown).await;
                assert!(!through, "broken at {at}");
            });
        });
    }
    shown.has_none_of(&[CANARY]);
}

/// A log-in that fails, and says too much about it.
#[derive(Debug)]
struct NoToken;

#[async_trait]
impl TokenCredential for NoToken {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        let why = io::Error::other(format!("inside: {}", secret_text()));
        Err(azure_core::Error::with_error(ErrorKind::Credential, why, format!("outside: {}", secret_text())))
    }
}

#[test]
fn nothing_secret_is_shown_when_no_token_can_be_had() {
    let shown = Shown::default();
    traced(&shown, || {
        run_paused(async {
            let fixture = ScenarioFixture::new(scenarios::named("rotate pinned"), 1);
            let azure = fixture.builder_with(Arc::new(NoToken)).transport(fixture.sim.transport()).build();
            let (through, _) = run_all(&fixture, &azure, "no token", &shown).await;
            assert!(!through && fixture.sim.requests() == 0);
        });
    });
    shown.has_none_of(&[CANARY]);
}

fn logged_in(sim: &Sim, scenario: &'static dyn Scenario) -> Arc<dyn TokenCredential> {
    let (tenant, client) = sim.with_world(|w, _| (w.tenant(), w.operator().client_id));
    let surroundings = Surroundings::default().transport(sim.transport()).variables(move |name| match name {
        "AZURE_TENANT_ID" => Some(tenant.to_string()),
        "AZURE_CLIENT_ID" => Some(client.to_string()),
        "AZURE_CLIENT_SECRET" => Some(OPERATOR_SECRET.to_owned()),
        _ => None,
    });
    Auth::Environment.credential_in(&scenario.cloud(), &surroundings).unwrap()
}

#[test]
fn nothing_secret_is_shown_of_a_client_secret() {
    let shown = Shown::default();
    traced(&shown, || {
        run_paused(async {
            let fixture = ScenarioFixture::new(scenarios::named("rotate pinned"), 1);
            let credential = logged_in(&fixture.sim, fixture.scenario);
            shown.add("credential", format!("{credential:?}"));
            let azure = fixture.builder_with(credential).transport(fixture.sim.transport()).build();
            let (through, _) = run_all(&fixture, &azure, "client secret", &shown).await;
            assert!(through, "{:#?}", shown.0.lock().unwrap().last());
            let asked = fixture.sim.exchanges().iter().filter(|e| e.host == "login.microsoftonline.com").count();
            assert!(asked > 0, "tokens were asked for");
        });
    });
    // Tokens begin with `eyJ`, whoever made them.
    shown.has_none_of(&[OPERATOR_SECRET, "eyJ"]);
}

/// Logging in to a registry and trying it out: nobody sees the tokens of either side, nor a password.
#[test]
fn nothing_secret_is_shown_of_a_login_to_a_registry() {
    use cmk::{azure::registries::data::LoginAs, checks::Check as _, checks::ProbeImages, login};
    const PASSWORD: &str = "t0ken-CaNaRy7x";
    let (shown, mut signed) = (Shown::default(), BTreeSet::new());
    traced(&shown, || {
        run_paused(async {
            for closed in [false, true] {
                let fixture = Fixture::of(fixture::encrypted(KeyRef::Versionless, VaultModel::Rbac));
                let (azure, id) = (fixture.azure(), fixture::registry());
                fixture.sim.with_world(|w, _| {
                    w.seed_token(id.as_str(), "ci", "_repositories_pull", PASSWORD, None);
                });
                let login = login::login(&azure, &id).await.unwrap();
                shown.add("login", format!("{login:?} {:?}", LoginAs::Refresh(login.refresh_token.clone())));
                let look = azure.reader();
                let at = look.challenge(&login.login_server).await.unwrap();
                for password in [PASSWORD, "wr0ng-CaNaRy7x"] {
                    let by = LoginAs::Basic { user: "ci".into(), password: password.to_owned().into() };
                    shown.add("basic login", format!("{by:?}"));
                    match look.registry_token(&at, &by, &[]).await {
                        Ok(token) => shown.add("access token", format!("{token:?}")),
                        Err(e) => shown.add_error("wrong password", &e.into()),
                    }
                }
                if closed {
                    fixture.sim.with_world(|w, _| {
                        w.mutate_registry_property(id.as_str(), "networkRuleSet", json!({ "defaultAction": "Deny" }));
                    });
                    shown.add_error("closed", &login::login(&azure, &id).await.unwrap_err());
                }
                let probe = ProbeImages { registry: id.clone(), login_server: login.login_server.clone() };
                let seen = probe.look(&look).await.unwrap();
                shown.add("probe", format!("{seen:?} {}", serde_json::to_string(&seen).unwrap()));
                match fixture.run(cmk::Repair::new(id.clone())).await {
                    Ok(done) => shown.add("run", format!("{done:?}")),
                    Err(e) => shown.add_error("run", &e),
                }
                match fixture.run(cmk::Recover::new(id).probed()).named("probed").await {
                    Ok(done) => shown.add("run", format!("{done:?} {}", serde_json::to_string(&done).unwrap())),
                    Err(e) => shown.add_error("run", &e),
                }
                shown.add_journal("probed", &fixture.journal).await;
                signed.extend(fixture.sim.exchanges().iter().filter_map(|e| e.query.get("sig").cloned()));
            }
        });
    });
    // Tokens begin with `eyJ`, whoever made them; the way to a layer is signed.
    assert!(signed.len() > 1 && signed.iter().all(|sig| sig.len() > 8), "{signed:?}");
    let signed: Vec<_> = signed.iter().map(String::as_str).chain([CANARY, "eyJ"]).collect();
    shown.has_none_of(&signed);
}

#[test]
fn an_operation_is_shown_without_its_signature() {
    let url =
        format!("https://management.azure.com/subscriptions/x/op?api-version=1&t=1&c={CANARY}&s={CANARY}&h={CANARY}");
    let operation: Operation = serde_json::from_value(json!({ "style": "status", "url": url })).unwrap();
    assert!(serde_json::to_string(&operation).unwrap().contains(CANARY), "it is kept");
    let entry = Entry::Accepted {
        step: "point-registry".into(),
        subject: "/s".into(),
        made: Value::Null,
        operation: Some(operation.clone()),
    };
    let record = Record { v: RECORD_VERSION, seq: 0, at: time::OffsetDateTime::UNIX_EPOCH, entry };
    for shown in [format!("{operation:?}"), format!("{operation:#?}"), format!("{record:?}"), format!("{record:#?}")] {
        assert!(!shown.contains(CANARY) && shown.contains("/subscriptions/x/op"), "{shown}");
    }
}
