//! Numbers and times of services and journals: however large, a run ends, waits as it was asked to, and can be taken up.

use async_trait::async_trait;
use azure_core::{
    error::ErrorKind as SdkErrorKind,
    http::{AsyncRawResponse, HttpClient, Method, Request},
};
use cmk::{
    Azure, Error, ErrorKind, Event, Recover, Rotate, Stop,
    journal::{Entry, Journal, MemoryJournal, Record},
    steps::Reference,
};
use cmk_mocks::{Fault, KeyRef, Match, Params, VaultModel, What, When, World};
use cmk_tests::{
    Fixture,
    fixture::{KEY, VAULT, encrypted_with, registry, rotate},
    run_paused,
    transport::{Answer, Tap},
};
use serde_json::json;
use std::{
    future::IntoFuture as _,
    sync::{Arc, OnceLock},
    time::Duration,
};
use time::{OffsetDateTime, macros::datetime};
use tokio::time::Instant;

const HOUR: Duration = Duration::from_secs(3600);

fn world() -> World {
    encrypted_with(Params::default(), KeyRef::Versioned, VaultModel::Policy)
}

/// The fixture's own, with every answer changed on its way.
fn tapped(fixture: &Fixture, change: impl Fn(&Request, &mut Answer) + Send + Sync + 'static) -> Azure {
    fixture.builder().transport(Arc::new(Tap { inner: fixture.sim.transport(), change })).build()
}

fn with_header(answer: &mut Answer, name: &str, value: &str) {
    answer.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    answer.headers.push((name.to_owned(), value.to_owned()));
}

fn operation(answer: &Answer) -> bool {
    answer.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("azure-asyncoperation"))
}

fn until(error: &Error) -> OffsetDateTime {
    match error.kind() {
        ErrorKind::Throttled { until } => *until,
        other => panic!("{other:?}"),
    }
}

/// A wait that is asked for after a write was accepted, or in a look at its operation, and is longer than the step's patience.
#[test]
fn a_wait_beyond_patience_ends_the_run_at_once() {
    for on_polls in [false, true] {
        for asked in
            ["100000", "1000000000", "18446744073709551615", "99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"]
        {
            run_paused(async {
                let fixture = Fixture::of(world());
                let azure = tapped(&fixture, move |request, answer| {
                    let polled = request.url().path().contains("operationStatuses");
                    if (on_polls && polled) || (!on_polls && request.method() == Method::Patch && operation(answer)) {
                        with_header(answer, "retry-after", asked);
                    }
                });
                let (began, now) = (Instant::now(), fixture.now());
                let error = fixture.run_on(&azure, rotate()).named("play").await.unwrap_err();
                assert!(began.elapsed() < Duration::from_secs(600), "{asked}: {:?}", began.elapsed());
                let wait = until(&error) - now;
                assert!((100_000..=366 * 86_400).contains(&wait.whole_seconds()), "{asked}: {wait}");
                assert!(error.to_string().contains("take the run up again then"), "{error}");
                assert_eq!(error.step(), Some("point-registry"), "{error}");
            });
        }
    }
}

/// The wait that an accepted write asked for is not begun anew, nor cut short, by whoever takes the run up.
#[test]
fn a_run_that_was_told_to_wait_goes_on_when_it_is_time() {
    run_paused(async {
        let fixture = Fixture::of(world());
        let azure = tapped(&fixture, |request, answer| {
            if request.method() == Method::Patch && operation(answer) {
                with_header(answer, "retry-after", "36000");
            }
        });
        let error = fixture.run_on(&azure, rotate()).named("play").await.unwrap_err();
        let then = until(&error);
        // Too early: it says the same again.
        let error = fixture.run_on(&azure, rotate()).named("play").await.unwrap_err();
        assert!((until(&error) - then).abs() < time::Duration::seconds(5), "{error}");
        tokio::time::sleep(10 * HOUR).await;
        let writes = fixture.sim.writes();
        let began = Instant::now();
        fixture.run_on(&azure, rotate()).named("play").await.unwrap();
        assert!(began.elapsed() < HOUR, "{:?}", began.elapsed());
        assert_eq!(fixture.sim.writes(), writes, "what was accepted is not asked for again");
        let newest = fixture.versions(KEY).pop().unwrap();
        assert!(fixture.seen().key_identifier.unwrap().ends_with(&newest));
    });
}

/// A wait within the step's patience is kept in full.
#[test]
fn a_wait_within_patience_is_kept() {
    run_paused(async {
        let fixture = Fixture::of(world());
        let azure = tapped(&fixture, |request, answer| {
            if request.method() == Method::Patch && operation(answer) {
                with_header(answer, "retry-after", "1000");
            }
        });
        let began = Instant::now();
        fixture.run_on(&azure, rotate()).named("play").await.unwrap();
        assert!((1000..2000).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    });
}

/// The operation of an accepted write is at a host that is none of the cloud's, or nowhere: nothing is sent there, and the
/// registry itself tells how it went.
#[test]
fn an_operation_elsewhere_is_told_by_the_resource() {
    for place in [
        "https://management.azure.com.evil.example/operations/1?t=signed",
        "https://kv-contoso1.vault.azure.net/operations/1",
        "http://management.azure.com/operations/1",
        "::",
    ] {
        run_paused(async {
            let fixture = Fixture::of(world());
            let azure = tapped(&fixture, move |request, answer| {
                assert_ne!(request.url().host_str(), Some("management.azure.com.evil.example"));
                if request.method() == Method::Patch && operation(answer) {
                    with_header(answer, "azure-asyncoperation", place);
                    answer.headers.retain(|(n, _)| !n.eq_ignore_ascii_case("location"));
                }
            });
            fixture.run_on(&azure, rotate()).named("play").await.unwrap();
            let newest = fixture.versions(KEY).pop().unwrap();
            assert!(fixture.seen().key_identifier.unwrap().ends_with(&newest), "{place}");
            assert!(!fixture.sim.exchanges().iter().any(|e| e.path.starts_with("/operations")), "{place}");
        });
    }
}

/// The journal of a run that was cut short right after its first request of this kind, or right after it was accepted.
async fn cut_short(fixture: &Fixture, path: &str, what: What) -> Vec<Record> {
    fixture.sim.schedule([Fault::new(When::matching(Match::new("PATCH", path)), what)]);
    let run = fixture.run(keeping()).named("play").into_future();
    let cut = tokio::time::timeout(Duration::from_secs(20), run).await;
    assert!(cut.is_err(), "it went through");
    fixture.sim.schedule([]);
    fixture.records("play").await
}

fn keeping() -> Rotate {
    rotate().keeping_version().referring(Reference::Versionless)
}

async fn rewritten(records: &[Record], edit: impl Fn(&mut serde_json::Value)) -> MemoryJournal {
    let journal = MemoryJournal::default();
    for record in records {
        let mut value = serde_json::to_value(record).unwrap();
        edit(&mut value);
        journal.append(&"play".parse().unwrap(), &serde_json::from_value(value).unwrap()).await.unwrap();
    }
    journal
}

#[test]
fn edited_journals_end_nothing_and_keep_nobody_waiting() {
    for (member, value) in [
        ("deadline_s", json!(u64::MAX)),
        ("deadline_s", json!(1_u64 << 63)),
        ("deadline_s", json!(1_000_000_000_000_u64)),
        ("at", json!("9999-12-31T23:59:59Z")),
        ("at", json!("0000-01-01T00:00:00Z")),
    ] {
        run_paused(async {
            let fixture = Fixture::of(world());
            let records = cut_short(&fixture, "/registries/", What::HoldBefore).await;
            assert!(records.iter().any(|r| matches!(r.entry, Entry::Intent { .. })));
            let journal = rewritten(&records, |record| {
                if record.get(member).is_some() {
                    record[member] = value.clone();
                }
            })
            .await;
            let began = Instant::now();
            cmk::Run::new(&fixture.azure(), keeping()).journal(journal).named("play").await.unwrap();
            assert!(began.elapsed() < 3 * HOUR, "{member} {value}: {:?}", began.elapsed());
        });
    }
}

/// Sends nothing to a vault until this long after it was first asked for: its name is not known yet.
#[derive(Debug)]
struct NotKnownYet {
    inner: Arc<dyn HttpClient>,
    lasts: Duration,
    since: OnceLock<Instant>,
}

#[async_trait]
impl HttpClient for NotKnownYet {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let vault = request.url().host_str().is_some_and(|host| host.ends_with(".vault.azure.net"));
        if vault && self.since.get_or_init(Instant::now).elapsed() < self.lasts {
            let said = "error trying to connect: dns error: failed to lookup address information";
            return Err(azure_core::Error::with_message(SdkErrorKind::Connection, said));
        }
        self.inner.execute_request(request).await
    }
}

fn not_known_for(fixture: &Fixture, lasts: Duration) -> Azure {
    let transport = NotKnownYet { inner: fixture.sim.transport(), lasts, since: OnceLock::new() };
    fixture.builder().transport(Arc::new(transport)).build()
}

/// The name of a vault that a run has brought back is waited for; also by whoever takes the run up.
#[test]
fn a_name_that_a_run_brings_back_is_waited_for() {
    for taken_up in [false, true] {
        run_paused(async {
            let mut world = world();
            world.mutate_delete_vault(VAULT);
            let fixture = Fixture::of(world);
            let order = || Recover::new(registry()).grant_me();
            if taken_up {
                // Stopped once the vault is back, before its keys are looked at.
                let stop = Stop::new();
                let asked = stop.clone();
                let run = fixture.run(order()).named("play").stop_on(&stop).watch(move |event| {
                    if matches!(event, Event::Done { step: "recover-vault", .. }) {
                        asked.ask();
                    }
                });
                assert!(matches!(run.await.unwrap_err().kind(), ErrorKind::Stopped));
            }
            let azure = not_known_for(&fixture, Duration::from_secs(100));
            fixture.run_on(&azure, order()).named("play").await.unwrap();
        });
    }
}

/// One that no run has made is not waited for.
#[test]
fn a_name_that_is_not_known_ends_a_plan_and_a_run() {
    run_paused(async {
        let fixture = Fixture::of(world());
        let azure = not_known_for(&fixture, Duration::from_secs(100));
        let began = Instant::now();
        let error = fixture.run_on(&azure, rotate()).plan().await.unwrap_err();
        assert!(error.to_string().contains("dns error"), "{error}");
        let error = fixture.run_on(&azure, rotate()).named("play").await.unwrap_err();
        assert!(error.to_string().contains("dns error"), "{error}");
        // The vault is there, so there is no cause to be found but the name's own.
        assert_eq!(error.cause(), None);
        assert!(error.to_string().contains("look at its spelling"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    });
}

#[test]
fn a_deleted_vault_is_the_cause_of_a_name_that_is_not_known() {
    run_paused(async {
        let mut world = world();
        world.mutate_delete_vault(VAULT);
        let fixture = Fixture::of(world);
        let began = Instant::now();
        for error in
            [fixture.run(rotate()).plan().await.unwrap_err(), fixture.run(rotate()).named("play").await.unwrap_err()]
        {
            let cause = error.cause().unwrap_or_else(|| panic!("{error}"));
            assert!(cause.contains("(vault-deleted)") && cause.contains("cmk recover"), "{error}");
        }
        assert_eq!(fixture.sim.writes(), 0);

        let fixture = Fixture::of(self::world());
        let other = fixture.run(rotate().to_version("https://kv-other.vault.azure.net/keys/k".parse().unwrap()));
        let plan = other.plan().await.unwrap();
        assert!(plan.refusals.iter().any(|r| r.what.contains("no vault kv-other")), "{plan}");
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
        assert_eq!(fixture.sim.writes(), 0);
    });
}

/// The longest lives there are: as long again is no date, so the new version ends with the old one, and the plan says so.
#[test]
fn a_key_that_ends_with_the_last_of_days_is_rotated() {
    const LAST: i64 = 253_402_300_799;
    for (exp, wanted) in [
        (LAST, Some(datetime!(9999-12-31 23:59:59 UTC))),
        (LAST - 86_400 * 3000, Some(datetime!(9999-12-31 23:59:59 UTC) - time::Duration::days(3000))),
    ] {
        run_paused(async {
            let mut world = world();
            let version = world.key_versions(VAULT, KEY).pop().unwrap().version;
            world.mutate_version_dates(VAULT, KEY, &version, None, Some(exp));
            let later = world.now() + Duration::from_secs(86_400 * 4000);
            world.advance(later);
            let fixture = Fixture::of(world);
            let plan = fixture.run(rotate()).plan().await.unwrap().to_string();
            assert!(
                plan.contains("there is no date as far from now") && plan.contains("9999-12-31T") || exp != LAST,
                "{plan}"
            );
            fixture.run(rotate()).named("play").await.unwrap();
            let newest = fixture.versions(KEY).pop().unwrap();
            assert_ne!(newest, version);
            let key = fixture.azure().reader().key(&fixture.version(KEY, &newest)).await.unwrap().unwrap();
            assert_eq!(key.exp(), wanted);
        });
    }
}

/// A usual life is as long as it was.
#[test]
fn a_new_version_lives_as_long_as_the_one_before() {
    run_paused(async {
        let mut world = world();
        let made = world.now();
        let version = world.key_versions(VAULT, KEY).pop().unwrap().version;
        let year = 365 * 86_400;
        world.mutate_version_dates(VAULT, KEY, &version, None, Some(made.unix_timestamp() + year));
        world.advance(made + Duration::from_secs(86_400 * 30));
        let fixture = Fixture::of(world);
        let plan = fixture.run(rotate()).plan().await.unwrap().to_string();
        assert!(!plan.contains("there is no date"), "{plan}");
        fixture.run(rotate()).named("play").await.unwrap();
        let newest = fixture.versions(KEY).pop().unwrap();
        let key = fixture.azure().reader().key(&fixture.version(KEY, &newest)).await.unwrap().unwrap();
        let life = key.exp().unwrap() - key.created().unwrap();
        assert!((life.whole_seconds() - year).abs() < 60, "{life}");
        assert_eq!(registry().name(), "contoso1");
    });
}
