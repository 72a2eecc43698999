//! The simulator that every door leads to: a world, its clock, the faults and the log.

mod credential;
mod hold;
mod snapshots;
mod state;

pub use hold::{Held, Release};
pub use snapshots::{Snapshot, SnapshotError};
pub(crate) use state::{Taken, no_such_host};

#[cfg(doc)]
use crate::http::exchange::Log;
use crate::{
    faults::{Armed, Fault, Fired},
    http::{exchange::Exchange, exchanges::Exchanges},
    world::{World, clock::Clock},
};
use azure_core::credentials::TokenCredential;
use bytes::Bytes;
use credential::SimCredential;
use hold::{Holding, Holds};
use http::{Request, Response};
use serde::{Deserialize, Serialize};
use snapshots::Snapshots;
use state::{Pause, State};
use std::{
    fmt,
    future::Future,
    io::{self, Write as _},
    net::IpAddr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use time::OffsetDateTime;
use tokio::sync::watch;
use uuid::Uuid;

/// How a request ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// With an answer.
    Answer(Response<Bytes>),
    /// The connection was lost before an answer came.
    Lost,
    /// There was no connection; the request was not sent.
    Refused,
}

/// A world with the time it was looked at, as `azure-sim` saves and loads it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Saved {
    /// The simulated time.
    #[serde(with = "time::serde::rfc3339")]
    pub now: OffsetDateTime,
    /// The world.
    pub world: World,
}

/// The simulator. Clones are handles to the same one.
#[derive(Clone)]
pub struct Sim(Arc<Inner>);

struct Inner {
    clock: Clock,
    state: Mutex<State>,
    holds: watch::Sender<Holds>,
    snapshots: Mutex<Snapshots>,
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A world is pages long, clients print their transport, and printing must not take the lock.
        f.debug_struct("Sim").field("now", &self.0.clock.now()).finish_non_exhaustive()
    }
}

impl From<&Sim> for Exchanges {
    fn from(sim: &Sim) -> Self {
        Self::from(sim.exchanges())
    }
}

impl Sim {
    /// A simulator of this world, by this clock.
    pub fn new(world: World, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            clock,
            state: Mutex::new(State::new(world)),
            holds: watch::Sender::new(Holds::default()),
            snapshots: Mutex::default(),
        }))
    }

    /// Puts a request to the world, as the faults allow. Dropping the future is hanging up.
    pub async fn handle(&self, request: Request<Bytes>) -> Outcome {
        self.travel().await;
        let taken = self.take(request);
        let outcome = match taken {
            Taken::Done(outcome) => outcome,
            Taken::Held(pause) => {
                let Pause { held, request, answer } = *pause;
                let n = held.n;
                let release = Holding::new(&self.0.holds, held).released().await;
                match (release, answer) {
                    (Release::Drop, _) => Outcome::Lost,
                    (Release::Go, Some(answer)) => Outcome::Answer(answer),
                    (Release::Go, None) => self.state().go_on(self.0.clock.now(), n, request),
                }
            }
        };
        self.travel().await;
        outcome
    }

    /// The way to the service or back: always a point where another task may run, or the caller may give up.
    async fn travel(&self) {
        let latency = self.state().latency;
        if latency.is_zero() {
            tokio::task::yield_now().await;
        } else {
            self.0.clock.sleep(latency / 2).await;
        }
    }

    pub(crate) fn take(&self, request: Request<Bytes>) -> Taken {
        let mut state = self.state();
        let now = self.0.clock.now();
        state.take(now, request)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that panics inside `with_world` must not hide its message behind a poisoned lock.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every request takes this long there and back, on the simulator's clock.
    pub fn latency(&self, there_and_back: Duration) {
        self.state().latency = there_and_back;
    }

    /// Looks at the world, or moves it by hand, at the present time. The simulator waits meanwhile, so `look` must not
    /// call it again.
    pub fn with_world<R>(&self, look: impl FnOnce(&mut World, OffsetDateTime) -> R) -> R {
        let mut state = self.state();
        let now = self.0.clock.now();
        state.settle(now);
        state.world.advance(now);
        look(&mut state.world, now)
    }

    /// What a host's name comes to for the client, as `World::resolve` has it.
    pub fn resolve(&self, host: &str) -> Vec<IpAddr> {
        self.with_world(|world, _| world.resolve(host))
    }

    /// A copy of the world as it is now.
    pub fn world(&self) -> World {
        self.with_world(|world, _| world.clone())
    }

    /// The world and the time.
    pub fn save(&self) -> Saved {
        self.with_world(|world, now| Saved { now, world: world.clone() })
    }

    /// Writes the world and the time to a file that its owner alone may read. An earlier save is replaced by a whole one,
    /// or stays.
    ///
    /// # Errors
    /// If the file cannot be written beside its place, or not be moved there.
    pub fn save_to(&self, path: &Path) -> io::Result<()> {
        let beside = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(beside)?;
        file.write_all(&serde_json::to_vec_pretty(&self.save())?)?;
        file.persist(path)?;
        Ok(())
    }

    /// Puts another world in this one's place, and moves the clock on to its time if that is later. If it is earlier, the
    /// clock stays where it is, since it never runs backwards: all that falls due in the other world until then happens
    /// at once, e.g. grants come into force and what was deleted may be gone for good.
    /// Requests that were to land late are gone with the old world.
    pub fn load(&self, saved: Saved) {
        let mut state = self.state();
        self.0.clock.advance_to(saved.now);
        state.replace(saved.world);
    }

    /// The next moment at which something falls due in the world ([`World::next_due`]) or a lost request lands.
    pub fn next_due(&self) -> Option<OffsetDateTime> {
        let mut state = self.state();
        let now = self.0.clock.now();
        state.settle(now);
        state.world.advance(now);
        state.next_landing().into_iter().chain(state.world.next_due()).min()
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Replaces the faults. Request numbers go on; those that match something are counted from here.
    pub fn schedule(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state().armed = Armed::new(faults.into_iter().collect());
    }

    /// The faults as they were scheduled, spent ones too.
    pub fn faults(&self) -> Vec<Fault> {
        self.state().armed.faults()
    }

    /// Lets the next request be number 1 again, and the next write the first.
    pub fn restart_count(&self) {
        let mut state = self.state();
        (state.requests, state.writes) = (0, 0);
        self.0.holds.send_modify(Holds::forget);
    }

    /// How many requests there were.
    pub fn requests(&self) -> u64 {
        self.state().requests
    }

    /// How many of them were writes.
    pub fn writes(&self) -> u64 {
        self.state().writes
    }

    /// The exchanges so far, those of requests that have landed by now included.
    pub fn exchanges(&self) -> Vec<Exchange> {
        let mut state = self.state();
        let now = self.0.clock.now();
        state.settle(now);
        state.log.kept()
    }

    /// At most `limit` of the exchanges that came after the first `since`, and the `since` to go on with ([`Log::after`]).
    pub fn exchanges_after(&self, since: u64, limit: usize) -> (Vec<Exchange>, u64) {
        let mut state = self.state();
        let now = self.0.clock.now();
        state.settle(now);
        state.log.after(since, limit)
    }

    /// How many exchanges there were since the start, those included that are no longer in memory.
    pub fn exchange_count(&self) -> u64 {
        self.state().log.count()
    }

    /// Puts down that somebody wanted to go to a host that is none of the cloud's. It is no request to the world, so it
    /// has number 0.
    pub(crate) fn note_foreign<B>(&self, request: &Request<B>) {
        let request = Request::builder().method(request.method()).uri(request.uri()).body(Bytes::new());
        // What was a request is one without its body.
        if let Ok(request) = request {
            let at = self.0.clock.now();
            self.state().log.note(0, at, &request, None, Some("foreign_host"));
        }
    }

    /// The faults that struck.
    pub fn fired(&self) -> Vec<Fired> {
        self.state().fired.clone()
    }

    /// Forgets the exchanges and the faults that struck; request numbers go on.
    pub fn clear_log(&self) {
        let mut state = self.state();
        state.log.clear();
        state.fired.clear();
    }

    /// Keeps at most this many exchanges in memory.
    pub fn log_limit(&self, most: usize) {
        self.state().log.limit(most);
    }

    /// Appends the exchanges to this file as well.
    pub fn log_to(&self, path: &Path) -> std::io::Result<()> {
        self.state().log.append_to(path)
    }

    /// Why the log file was given up, if it was.
    pub fn log_failed(&self) -> Option<String> {
        self.state().log.failed().map(str::to_owned)
    }

    /// How many requests have been lost and have still to land.
    pub fn landing(&self) -> usize {
        self.state().late.len()
    }

    /// Ends when request `n` is held; at once if it was held before, even if its client is gone.
    pub fn held(&self, n: u64) -> impl Future<Output = ()> + Send + 'static {
        let mut holds = self.0.holds.subscribe();
        async move {
            // The sender lives in the simulator; without one nothing can be held any more.
            if holds.wait_for(|h| h.was(n)).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The requests that are held now.
    pub fn holding(&self) -> Vec<Held> {
        self.0.holds.borrow().now()
    }

    /// Lets the held requests go, or one of them. Says how many there were.
    pub fn release(&self, only: Option<u64>, how: Release) -> usize {
        let mut count = 0;
        self.0.holds.send_modify(|holds| count = holds.release(only, how));
        count
    }

    /// A credential of the world's operator.
    pub fn credential(&self) -> Arc<dyn TokenCredential> {
        let operator = self.state().world.operator().object_id;
        self.credential_for(operator)
    }

    /// A credential of anyone in the world.
    pub fn credential_for(&self, object_id: Uuid) -> Arc<dyn TokenCredential> {
        Arc::new(SimCredential { sim: self.clone(), object_id })
    }
}
