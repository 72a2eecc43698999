//! What the simulator knows, and the one place where a request meets a fault.

use super::{Held, Outcome};
use crate::{
    faults::{Armed, Facts, Fired, What, answer, spoil},
    http::exchange::{Log, host, is_write},
    world::{World, clock::later},
};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use std::time::Duration;
use time::OffsetDateTime;

#[derive(Debug)]
pub(crate) struct State {
    pub(super) world: World,
    pub(super) armed: Armed,
    pub(super) log: Log,
    pub(super) fired: Vec<Fired>,
    pub(super) requests: u64,
    pub(super) writes: u64,
    pub(super) latency: Duration,
    pub(super) late: Vec<Late>,
    /// The world before the last write, kept only while a fault may ask for it.
    before: Option<Past>,
    /// The world that reads still see, until then.
    stale: Option<Past>,
}

/// A request that was lost and lands later.
#[derive(Debug)]
pub(super) struct Late {
    due: OffsetDateTime,
    n: u64,
    request: Request<Bytes>,
}

#[derive(Debug)]
struct Past {
    at: OffsetDateTime,
    world: World,
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is done with.
    Done(Outcome),
    /// It is held.
    Held(Box<Pause>),
}

/// A request that is held, with its answer if it was applied.
#[derive(Debug)]
pub(crate) struct Pause {
    pub(super) held: Held,
    pub(super) request: Request<Bytes>,
    pub(super) answer: Option<Response<Bytes>>,
}

impl State {
    pub(super) fn new(world: World) -> Self {
        Self {
            world,
            armed: Armed::default(),
            log: Log::default(),
            fired: Vec::new(),
            requests: 0,
            writes: 0,
            latency: Duration::ZERO,
            late: Vec::new(),
            before: None,
            stale: None,
        }
    }

    pub(super) fn replace(&mut self, world: World) {
        self.world = world;
        self.late.clear();
        (self.before, self.stale) = (None, None);
    }

    /// Lets land what is due, in the order in which it is due and each at its own time.
    pub(super) fn settle(&mut self, now: OffsetDateTime) {
        self.late.sort_by_key(|late| (late.due, late.n));
        let due = self.late.partition_point(|late| late.due <= now);
        let landing: Vec<Late> = self.late.drain(..due).collect();
        for Late { due, n, request } in landing {
            let answer = self.apply(due, &request, true);
            self.note(n, due, &request, Some(&answer), Some("lands_late"));
        }
    }

    pub(super) fn next_landing(&self) -> Option<OffsetDateTime> {
        self.late.iter().map(|late| late.due).min()
    }

    pub(super) fn take(&mut self, now: OffsetDateTime, request: Request<Bytes>) -> Taken {
        self.settle(now);
        let facts = self.count(&request);
        let written = self.before.as_ref().map(|past| past.at);
        let stale_can = |for_s| written.is_some_and(|at| later(at, Duration::from_secs(for_s)) > now);
        let Some((place, what)) = self.armed.due(&facts, stale_can) else {
            return Taken::Done(self.plain(now, &request, &facts, None));
        };
        if what.spoils_body() {
            return Taken::Done(self.plain(now, &request, &facts, Some((place, what))));
        }
        self.record(now, &facts, place, &what);
        let (n, kind) = (facts.n, what.kind());
        let held = |applied| Held {
            n,
            method: facts.method.to_string(),
            host: facts.host.clone(),
            path: facts.path.clone(),
            applied,
        };
        if let Some(mut refusal) = answer(&what, &facts.host) {
            complete(&mut refusal, now, n);
            self.note(n, now, &request, Some(&refusal), Some(kind));
            return Taken::Done(Outcome::Answer(refusal));
        }
        match what {
            What::StaleRead { for_s } => {
                self.stale =
                    self.before.take().map(|past| Past { at: later(past.at, Duration::from_secs(for_s)), ..past });
                Taken::Done(self.plain(now, &request, &facts, None))
            }
            What::SlowGrant { delay_s } => {
                self.world.slow_next_grant(Duration::from_secs(delay_s));
                let answer = self.apply(now, &request, facts.write);
                self.note(n, now, &request, Some(&answer), Some(kind));
                Taken::Done(Outcome::Answer(answer))
            }
            What::LostAfter => {
                let answer = self.apply(now, &request, facts.write);
                self.note(n, now, &request, Some(&answer), Some(kind));
                Taken::Done(Outcome::Lost)
            }
            What::HoldAfter => {
                let answer = self.apply(now, &request, facts.write);
                self.note(n, now, &request, Some(&answer), Some(kind));
                Taken::Held(Box::new(Pause { held: held(true), request, answer: Some(answer) }))
            }
            What::HoldBefore => {
                self.note(n, now, &request, None, Some(kind));
                Taken::Held(Box::new(Pause { held: held(false), request, answer: None }))
            }
            What::LandsLate { after_s } => {
                self.note(n, now, &request, None, Some(kind));
                self.late.push(Late { due: later(now, Duration::from_secs(after_s)), n, request });
                Taken::Done(Outcome::Lost)
            }
            What::Refused => {
                self.note(n, now, &request, None, Some(kind));
                Taken::Done(Outcome::Refused)
            }
            // The rest have answered above.
            _ => {
                self.note(n, now, &request, None, Some(kind));
                Taken::Done(Outcome::Lost)
            }
        }
    }

    /// A request that was held before it was applied goes on.
    pub(super) fn go_on(&mut self, now: OffsetDateTime, n: u64, request: Request<Bytes>) -> Outcome {
        self.settle(now);
        let write = is_write(request.method(), &host(&request), request.uri().path());
        let answer = self.apply(now, &request, write);
        self.note(n, now, &request, Some(&answer), Some("hold_before"));
        Outcome::Answer(answer)
    }

    fn count(&mut self, request: &Request<Bytes>) -> Facts {
        let (host, path) = (host(request), request.uri().path().to_owned());
        let write = is_write(request.method(), &host, &path);
        self.requests += 1;
        self.writes += u64::from(write);
        Facts { n: self.requests, writes: self.writes, method: request.method().clone(), host, path, write }
    }

    fn note(
        &mut self,
        n: u64,
        at: OffsetDateTime,
        request: &Request<Bytes>,
        answer: Option<&Response<Bytes>>,
        fault: Option<&str>,
    ) {
        let there = answer.filter(|answer| !no_such_host(answer));
        let fault = if answer.is_some() && there.is_none() { Some("no_such_host") } else { fault };
        self.log.note(n, at, request, there, fault);
    }

    fn record(&mut self, at: OffsetDateTime, facts: &Facts, place: usize, what: &What) {
        self.armed.struck(place);
        self.fired.push(Fired {
            n: facts.n,
            at,
            kind: what.kind().to_owned(),
            what: what.clone(),
            method: facts.method.to_string(),
            host: facts.host.clone(),
            path: facts.path.clone(),
        });
    }

    /// An answer from the world or, while a stale window is open, from the past; its body spoiled if it is to be.
    fn plain(
        &mut self,
        now: OffsetDateTime,
        request: &Request<Bytes>,
        facts: &Facts,
        spoiler: Option<(usize, What)>,
    ) -> Outcome {
        self.stale.take_if(|past| past.at <= now);
        let mut fault = None;
        let mut answer = match &mut self.stale {
            Some(past) if facts.may_be_stale() => {
                fault = Some("stale_read");
                let mut answer = past.world.handle(now, request.clone());
                complete(&mut answer, now, facts.n);
                answer
            }
            _ => self.apply(now, request, facts.write),
        };
        if let Some((place, what)) = spoiler
            && spoil(&what, &mut answer)
        {
            self.record(now, facts, place, &what);
            fault = Some(what.kind());
        }
        self.note(facts.n, now, request, Some(&answer), fault);
        Outcome::Answer(answer)
    }

    fn apply(&mut self, now: OffsetDateTime, request: &Request<Bytes>, write: bool) -> Response<Bytes> {
        let past = (write && self.armed.wants_snapshots()).then(|| Past { at: now, world: self.world.clone() });
        let mut answer = self.world.handle(now, request.clone());
        // A write that was refused changed nothing that a read could miss.
        if past.is_some() && answer.status().is_success() {
            self.before = past;
        }
        complete(&mut answer, now, self.requests);
        answer
    }
}

/// The world's mark for a host whose name does not resolve, which a client must not take for an answer of that host.
pub(crate) fn no_such_host(answer: &Response<Bytes>) -> bool {
    answer.headers().contains_key("x-sim-no-such-host")
}

/// Adds the headers that every service sends, where the answer has none of its own.
fn complete(answer: &mut Response<Bytes>, now: OffsetDateTime, n: u64) {
    let headers = answer.headers_mut();
    if let (None, Ok(date)) = (headers.get(header::DATE), azure_core::time::to_rfc7231(&now).parse()) {
        headers.insert(header::DATE, date);
    }
    if headers.get("x-ms-request-id").is_none()
        && let Ok(id) = HeaderValue::try_from(uuid::Uuid::from_u128(u128::from(n)).to_string())
    {
        headers.insert("x-ms-request-id", id);
    }
}
