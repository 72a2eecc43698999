//! Peak memory of 1,000 concurrent rotates in one process (memory journal), as the operating system counts it. The
//! simulator is in the same process, and its throttles are off.

use cmk::{
    Azure, Rotate,
    journal::{Journal, MemoryJournal},
};
use cmk_mocks::{Bucket, Clock, KeyRef, Params, Setup, Sim, VaultModel, World};
use std::{future::IntoFuture, sync::Arc};

/// As many as `CMK_RUNS` says, 1,000 unless told.
fn runs() -> usize {
    std::env::var("CMK_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(1000)
}

#[derive(Debug)]
struct Shared(Clock);
impl cmk::azure::Clock for Shared {
    fn now(&self) -> time::OffsetDateTime {
        self.0.now()
    }
}

/// Peak resident set in KiB; `None` where the system does not tell.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

fn main() {
    let runs_wanted = runs();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let setup = Setup::default();
        let mut params = Params::instant();
        // What is measured is the client's memory, not how long a thousand runs wait for one subscription's limits.
        let unlimited = Bucket { size: 1e9, refill: 1e9 };
        (params.arm_reads, params.arm_writes, params.kv_throttle) = (unlimited, unlimited, false);
        params.acr_auto_rotate_poll = std::time::Duration::from_secs(3600);
        let mut world = World::with_params(setup, params);
        let now = world.now();
        world.seed_group("fleet");
        let identity = world.seed_identity("fleet", "id-fleet");
        let registries: Vec<_> = (0..runs_wanted)
            .map(|n| {
                // Each with its own vault, as a vault lets only so many keys be made at a time (R-KV-18).
                let vault = format!("kv-fleet-{n}");
                world.seed_vault("fleet", &vault, VaultModel::Policy);
                world.seed_key(&vault, "cmk", now);
                world.seed_registry_cmk("fleet", &format!("fleet{n:04}"), &vault, "cmk", KeyRef::Versioned, &identity.id)
            })
            .collect();
        let sim = Sim::new(world, Clock::tokio(now));
        sim.log_limit(0);
        let azure = Azure::builder(cmk::Cloud::public(), sim.credential())
            .transport(sim.transport())
            .clock(Arc::new(Shared(sim.clock().clone())))
            .call_budget(std::time::Duration::from_secs(3600))
            .seed(1)
            .build();
        let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::default());
        let before = peak();
        let began = std::time::Instant::now();
        let runs = registries.iter().map(|id| {
            let order = Rotate::new(id.parse().expect("an id"));
            cmk::rotate(&azure, order).shared_journal(journal.clone()).into_future()
        });
        let done = futures::future::join_all(runs).await;
        let failed: Vec<_> = done.iter().filter_map(|d| d.as_ref().err()).collect();
        assert!(failed.is_empty(), "{} failed: {}", failed.len(), failed[0]);
        let took = began.elapsed();
        match (before, peak()) {
            (Some(before), Some(after)) => println!(
                "{runs_wanted} concurrent rotates: peak memory {} MiB, of which {} MiB before the runs; {:.1} s of client and simulator",
                after / 1024,
                before / 1024,
                took.as_secs_f64()
            ),
            _ => println!("{runs_wanted} concurrent rotates: {:.1} s; this system does not tell peak memory", took.as_secs_f64()),
        }
    });
}
