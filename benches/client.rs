//! Client time of whole runs on the in-process simulator, and of a durable journal append.
//!
//! Virtual time: what is measured is this library and the simulator, not waiting.

use cmk::journal::{Entry, FileJournal, Journal, MemoryJournal, Record, RunName};
use cmk_tests::{Scenario, ScenarioFixture, scenarios};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::{sync::Arc, time::Duration};

fn scenario(name: &str) -> &'static dyn Scenario {
    *scenarios::all().iter().find(|s| s.name() == name).expect("a scenario of that name")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
}

fn whole_runs(c: &mut Criterion) {
    for (name, scenario_name) in [("rotate", "rotate followed"), ("create", "create")] {
        let scenario = scenario(scenario_name);
        c.bench_function(&format!("one {name}, in-process simulator"), |b| {
            b.iter_batched(
                runtime,
                |runtime| {
                    runtime.block_on(async {
                        let fixture = ScenarioFixture::new(scenario, 1);
                        fixture.run().await.expect("through")
                    })
                },
                BatchSize::SmallInput,
            );
        });
    }
}

fn journal_append(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let dir = tempfile::tempdir().expect("a directory");
    let stores: [(&str, Arc<dyn Journal>); 2] = [
        ("memory", Arc::new(MemoryJournal::default())),
        ("file, fsynced", Arc::new(FileJournal::open(dir.path()).expect("a journal"))),
    ];
    for (name, journal) in stores {
        let run: RunName = "bench".parse().expect("a name");
        let mut seq = 0;
        c.bench_function(&format!("journal append, {name}"), |b| {
            b.iter(|| {
                let entry = Entry::Decided {
                    name: "registry".into(),
                    subject: "/subscriptions/s/resourcegroups/g/providers/p/registries/r".into(),
                    value: serde_json::Value::Null,
                };
                let record = Record { v: 1, seq, at: time::OffsetDateTime::UNIX_EPOCH, entry };
                runtime.block_on(journal.append(&run, &record)).expect("appended");
                seq += 1;
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(4)).sample_size(20);
    targets = whole_runs, journal_append
}
criterion_main!(benches);
