//! Each guard taken away makes a property fail that holds with it.

use async_trait::async_trait;
use azure_core::http::{AsyncRawResponse, HttpClient, Request, headers::HeaderName};
use cmk::{
    Azure, Create, ErrorKind, Guard, Irreversible,
    journal::{Entry, Journal, MemoryJournal, Record},
};
use cmk_mocks::{Fault, KeyRef, Match, Release, What, When};
use cmk_tests::{
    ScenarioFixture,
    fixture::{DEADLINE, cut_short},
    held_journal::{HeldJournal, When as AppendWhen},
    run_paused, scenarios,
};
use serde_json::Value;
use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Whether the guard's property holds, with all guards or without this one.
fn holds(guard: Guard, without: bool) -> bool {
    let azure = |fixture: &ScenarioFixture| {
        let builder = fixture.builder();
        if without { builder.without(guard).build() } else { builder.build() }
    };
    let tried = std::panic::catch_unwind(AssertUnwindSafe(|| {
        run_paused(async {
            let fixture = ScenarioFixture::new(scenarios::named("rotate pinned"), 20);
            let azure = azure(&fixture);
            match guard {
                Guard::LateLanding => late_landing(&fixture, &azure).await,
                Guard::TagLook => tag_look(&fixture, &azure).await,
                Guard::SecondLook => second_look(&fixture, &azure).await,
                Guard::Lock => lock(&fixture, &azure).await,
                Guard::DriftCheck => drift_check(&fixture, &azure).await,
                Guard::HostCheck => host_check(&fixture, without).await,
                Guard::IntentFirst => intent_first(&fixture, &azure).await,
                Guard::NoBlindPost => no_blind_post(&fixture, &azure).await,
                Guard::RefusalsFirst => refusals_first(without).await,
                Guard::WarmUp => warm_up(&fixture, &azure).await,
                Guard::KeepIdentity => keep_identity(without).await,
                Guard::KeepVersion => keep_version(without).await,
                Guard::DecisionCheck => decision_check(without).await,
                Guard::LastLook => last_look(without).await,
                Guard::KeepGrant => keep_grant(without).await,
                other => panic!("no property for {other:?}"),
            }
        });
    }));
    tried.is_ok()
}

#[test]
fn every_guard_is_needed() {
    for guard in Guard::ALL {
        assert!(holds(guard, false), "{guard:?}: its property does not hold with it");
        assert!(!holds(guard, true), "{guard:?}: taken away, and nothing turned red");
    }
}

fn at_the_create(what: What) -> Fault {
    Fault::new(When::matching(Match::new("POST", "/create")), what)
}

async fn late_landing(fixture: &ScenarioFixture, azure: &Azure) {
    fixture.sim.schedule([at_the_create(What::LandsLate { after_s: 29 })]);
    fixture.run_with(azure, fixture.journal.clone(), "play").await.unwrap();
    tokio::time::sleep(DEADLINE).await;
    fixture.check("landed late");
}

async fn tag_look(fixture: &ScenarioFixture, azure: &Azure) {
    fixture.sim.schedule([at_the_create(What::LostAfter)]);
    fixture.run_with(azure, fixture.journal.clone(), "play").await.unwrap();
    fixture.check("answer lost");
}

async fn second_look(fixture: &ScenarioFixture, azure: &Azure) {
    for after_s in 55..80 {
        let fixture = ScenarioFixture::new(fixture.scenario, 20);
        // The handle is of another world, and the guard of this one.
        let azure = if azure_has(azure, Guard::SecondLook) {
            fixture.azure()
        } else {
            fixture.builder().without(Guard::SecondLook).build()
        };
        fixture.sim.latency(Duration::from_secs(2));
        fixture.sim.schedule([at_the_create(What::LandsLate { after_s })]);
        let done = fixture.run_with(&azure, fixture.journal.clone(), "play").await.unwrap();
        let versions = fixture.sim.with_world(|w, _| w.key_versions(scenarios::VAULT, scenarios::KEY).len());
        if versions == 3 && !done["surplus"].as_array().unwrap().is_empty() {
            return;
        }
    }
    panic!("two versions were made, and none was told");
}

fn azure_has(azure: &Azure, guard: Guard) -> bool {
    azure.holds(guard)
}

async fn lock(fixture: &ScenarioFixture, azure: &Azure) {
    fixture.sim.schedule([at_the_create(What::HoldBefore)]);
    let first = fixture.run_with(azure, fixture.journal.clone(), "first");
    let second = async {
        while fixture.sim.holding().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let e = fixture.run_with(azure, fixture.journal.clone(), "second").await.unwrap_err();
        assert!(matches!(e.kind(), ErrorKind::Locked(..)), "{e:#?}");
    };
    tokio::select! {
        biased;
        () = second => {}
        _ = first => panic!("went through while held"),
    }
}

async fn drift_check(fixture: &ScenarioFixture, azure: &Azure) {
    let id = scenarios::registry().to_string();
    fixture.sim.schedule([Fault::new(When::matching(Match::new("PATCH", "/registries/")), What::HoldBefore)]);
    let run = fixture.run_with(azure, fixture.journal.clone(), "play");
    let held = async {
        while fixture.sim.holding().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(cut_short(run, held).await.is_none());
    fixture.sim.release(None, Release::Drop);
    fixture.sim.with_world(|w, now| {
        w.seed_key(scenarios::VAULT, "others", now);
        w.mutate_registry_key(&id, scenarios::VAULT, "others", None);
    });
    let _ = fixture.run_with(azure, fixture.journal.clone(), "play").await;
    let key = fixture.sim.with_world(|w, _| w.registry(&id)).unwrap().key_identifier.unwrap();
    assert!(key.contains("/keys/others"), "took the registry off somebody's key");
}

/// Sends operations to a foreign host, and counts the tokens that arrive there.
#[derive(Debug)]
struct Lure {
    inner: Arc<dyn HttpClient>,
    caught: Arc<AtomicUsize>,
}

#[async_trait]
impl HttpClient for Lure {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        if request.url().host_str() == Some("management.azure.com.evil.example") {
            let token = request.headers().get_optional_str(&HeaderName::from_static("authorization")).is_some();
            self.caught.fetch_add(usize::from(token), Ordering::SeqCst);
        }
        let answer = self.inner.execute_request(request).await?;
        let (status, mut headers, body) = answer.deconstruct();
        let operation = HeaderName::from_static("azure-asyncoperation");
        if let Some(url) = headers.get_optional_str(&operation) {
            let url = url.replace("management.azure.com", "management.azure.com.evil.example");
            headers.insert(operation, url);
        }
        Ok(AsyncRawResponse::new(status, headers, Box::pin(body)))
    }
}

async fn host_check(fixture: &ScenarioFixture, without: bool) {
    let caught = Arc::new(AtomicUsize::new(0));
    let lure = Lure { inner: fixture.sim.transport(), caught: caught.clone() };
    let builder = fixture.builder().transport(Arc::new(lure));
    let azure = if without { builder.without(Guard::HostCheck).build() } else { builder.build() };
    let ended = fixture.run_with(&azure, fixture.journal.clone(), "play").await;
    assert_eq!(caught.load(Ordering::SeqCst), 0, "a token left for a foreign host");
    // The registry itself tells how its operation went.
    ended.unwrap();
}

async fn intent_first(fixture: &ScenarioFixture, azure: &Azure) {
    fixture.sim.schedule([at_the_create(What::LandsLate { after_s: 29 })]);
    let run = fixture.run_with(azure, fixture.journal.clone(), "play");
    // Killed the moment the request is on its way.
    let on_its_way = async {
        while fixture.sim.landing() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::pin!(run);
    let killed = async {
        tokio::select! {
            biased;
            () = on_its_way => {}
            _ = &mut run => panic!("went through"),
        }
    };
    killed.await;
    let written = fixture.memory.read(&"play".parse().unwrap()).await.unwrap();
    let intended = written.iter().any(|r| r.event() == "intent");
    assert!(intended, "killed with a request on its way and nothing written of it");
}

async fn no_blind_post(fixture: &ScenarioFixture, azure: &Azure) {
    fixture.sim.schedule([at_the_create(What::Status { code: 504, retry_after_s: None })]);
    fixture.run_with(azure, fixture.journal.clone(), "play").await.unwrap();
    let posts: Vec<_> = fixture
        .sim
        .exchanges()
        .into_iter()
        .filter(|e| e.path.ends_with("/create") && e.response_body != Value::Null)
        .collect();
    // Between a POST that may have been carried out and the next there is a look.
    let looks = fixture.sim.exchanges().into_iter().filter(|e| {
        let (first, last) = (posts.first().unwrap().n, posts.last().unwrap().n);
        e.n > first && e.n < last && e.method == "GET" && e.path.contains("/versions")
    });
    assert!(posts.len() < 2 || looks.count() > 0, "a POST was repeated without a look");
}

async fn refusals_first(without: bool) {
    let scenario = scenarios::all().iter().find(|s| s.name() == "create on policies").unwrap();
    let fixture = ScenarioFixture::new(*scenario, 21);
    fixture.sim.with_world(|w, _| w.mutate_vault_firewall(scenarios::VAULT, true, false, &[]));
    let builder = fixture.builder();
    let azure = if without { builder.without(Guard::RefusalsFirst).build() } else { builder.build() };
    let order = Create::new(scenarios::registry(), "westeurope".parse().unwrap())
        .vault(cmk::azure::id::VaultId::new(&scenarios::subscription(), "shop", scenarios::VAULT).unwrap())
        .accept(Irreversible::Encryption);
    let e = cmk::create(&azure, order).shared_journal(Arc::new(MemoryJournal::default())).await.unwrap_err();
    assert!(matches!(e.kind(), ErrorKind::Refused(_)), "{e:#?}");
    assert_eq!(fixture.sim.writes(), 0, "written before the refusal was known");
}

/// A scenario that was killed right after the last record of this kind.
async fn killed_after(name: &str, is: impl Fn(&Entry) -> bool) -> ScenarioFixture {
    killed_at(name, |records| records.iter().rfind(|r| is(&r.entry)).unwrap().seq).await
}

async fn killed_after_first(name: &str, is: impl Fn(&Entry) -> bool) -> ScenarioFixture {
    killed_at(name, |records| records.iter().find(|r| is(&r.entry)).unwrap().seq).await
}

async fn killed_at(name: &str, which: impl Fn(&[Record]) -> u64) -> ScenarioFixture {
    let scenario = scenarios::named(name);
    let rehearsed = ScenarioFixture::new(scenario, 22);
    rehearsed.run().await.unwrap();
    let records: Vec<Record> = rehearsed.memory.read(&"play".parse().unwrap()).await.unwrap();
    let at = which(&records);
    let fixture = ScenarioFixture::new(scenario, 22);
    let reached = Arc::new(tokio::sync::Notify::new());
    let inner = fixture.journal.clone();
    let held = HeldJournal { inner, at, when: AppendWhen::After, reached: reached.clone() };
    let azure = fixture.azure();
    assert!(cut_short(fixture.run_with(&azure, Arc::new(held), "play"), reached.notified()).await.is_none());
    fixture
}

/// The identity that is to go comes into use again after the plan: it stays, and its removal is not even tried.
async fn keep_identity(without: bool) {
    let pointed = |e: &Entry| matches!(e, Entry::Done { step, .. } if step == "point-registry");
    let fixture = killed_after("reassign to the system identity", pointed).await;
    let id = scenarios::registry().to_string();
    fixture.sim.with_world(|w, _| {
        let client = w.identity(scenarios::identity(scenarios::IDENTITY).as_str()).unwrap().client_id;
        w.mutate_registry_identity(&id, &client.to_string());
    });
    let builder = fixture.builder();
    let azure = if without { builder.without(Guard::KeepIdentity).build() } else { builder.build() };
    let error = fixture.run_with(&azure, fixture.journal.clone(), "play").await.unwrap_err();
    let seen = fixture.sim.with_world(|w, _| w.registry(&id)).unwrap();
    assert_eq!(seen.detach_attempt, None, "the identity that unwraps was put at risk");
    assert!(error.refusals().iter().any(|r| r.rule == "R-CMK-20"), "{error:#?}");
}

/// A registry moves onto an old version after it was sorted out: it stays enabled.
async fn keep_version(without: bool) {
    let begun = |e: &Entry| matches!(e, Entry::Intent { .. });
    let fixture = killed_after_first("retire", begun).await;
    let id = scenarios::registry().to_string();
    fixture.sim.with_world(|w, _| {
        let oldest = w.key_versions(scenarios::VAULT, scenarios::KEY)[0].version.clone();
        w.mutate_registry_key(&id, scenarios::VAULT, scenarios::KEY, Some(&oldest));
    });
    let builder = fixture.builder();
    let azure = if without { builder.without(Guard::KeepVersion).build() } else { builder.build() };
    let outcome = fixture.run_with(&azure, fixture.journal.clone(), "play").await;
    fixture.sim.with_world(|w, now| w.can_unwrap(now, &id)).expect("the version in use was disabled");
    let error = outcome.unwrap_err();
    assert!(error.refusals().iter().any(|r| r.rule == "R-CMK-15"), "{error:#?}");
}

/// The registry is put on another key while its key's deletion is cut short: the key stays.
async fn decision_check(without: bool) {
    let fixture =
        killed_after_first("revoke by deletion", |e| matches!(e, Entry::Intent { step, .. } if step == "delete-key"))
            .await;
    let id = scenarios::registry().to_string();
    fixture.sim.with_world(|w, now| {
        w.seed_key(scenarios::VAULT, "others", now);
        w.mutate_registry_key(&id, scenarios::VAULT, "others", None);
    });
    let builder = fixture.builder();
    let azure = if without { builder.without(Guard::DecisionCheck).build() } else { builder.build() };
    let error = fixture.run_with(&azure, fixture.journal.clone(), "play").await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Drifted { .. }), "{error:#?}");
    let deleted = fixture.sim.exchanges().iter().any(|e| e.method == "DELETE" && e.path.contains("/keys/"));
    assert!(!deleted, "a key was deleted that the registry does not use");
}

/// A version is made while the versions are being disabled: it is disabled too before it is said that the key is taken.
async fn last_look(without: bool) {
    let fixture = ScenarioFixture::new(scenarios::named("revoke by disabling"), 20);
    let builder = fixture.builder();
    let azure = if without { builder.without(Guard::LastLook).build() } else { builder.build() };
    fixture.sim.schedule([Fault::new(When::matching(Match::new("PATCH", "/keys/")), What::HoldBefore)]);
    let run = fixture.run_with(&azure, fixture.journal.clone(), "play");
    let meanwhile = async {
        while fixture.sim.holding().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        fixture.sim.with_world(|w, _| w.mutate_new_version(scenarios::VAULT, scenarios::KEY));
        fixture.sim.release(None, Release::Go);
    };
    let (done, ()) = futures::join!(run, meanwhile);
    done.unwrap();
    let left = fixture
        .sim
        .with_world(|w, _| w.key_versions(scenarios::VAULT, scenarios::KEY).into_iter().filter(|v| v.enabled).count());
    assert_eq!(left, 0, "the key can be used still");
}

/// Another registry comes to unwrap with the right that is to go: it stays.
async fn keep_grant(without: bool) {
    let decided = |e: &Entry| matches!(e, Entry::Decided { name, .. } if name == "old-grant");
    let fixture = killed_after("rotate to another identity", decided).await;
    let other = fixture.sim.with_world(|w, _| {
        let old = scenarios::identity(scenarios::IDENTITY).to_string();
        let (group, vault, key) = (scenarios::GROUP, scenarios::VAULT, scenarios::KEY);
        w.seed_registry_cmk(group, "contoso2", vault, key, KeyRef::Versionless, &old)
    });
    // So that lists show it (R-ARM-12).
    tokio::time::sleep(Duration::from_secs(60)).await;
    let builder = fixture.builder();
    let azure = if without { builder.without(Guard::KeepGrant).build() } else { builder.build() };
    let outcome = fixture.run_with(&azure, fixture.journal.clone(), "play").await;
    tokio::time::sleep(scenarios::GRANTS).await;
    fixture.sim.with_world(|w, now| w.can_unwrap(now, &other)).expect("the right of another registry was taken");
    let error = outcome.unwrap_err();
    assert!(error.refusals().iter().any(|r| r.rule == "R-CMK-27"), "{error:#?}");
}

/// The SDK's first request of a vault carries neither token nor body, so one that changes something must not be it.
async fn warm_up(fixture: &ScenarioFixture, azure: &Azure) {
    let host =
        cmk::azure::id::VaultHost::parse(azure.cloud(), &format!("{}.vault.azure.net", scenarios::VAULT)).unwrap();
    let key = scenarios::KEY.parse().unwrap();
    let spec = cmk::azure::keys::KeySpec {
        kty: cmk::azure::keys::Kty::Rsa,
        size: 3072,
        ops: Vec::new(),
        exp: None,
        tags: Default::default(),
    };
    azure.writer().create_key_version(&host, &key, &spec).await.unwrap();
    let first = fixture.sim.exchanges().into_iter().find(|e| e.host.contains("vault")).unwrap();
    assert_eq!(first.method, "GET", "the first request to the vault was the write itself");
}
