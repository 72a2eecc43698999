//! The bench's mix, in small: it goes on working, and a request costs no more in a larger world.

#[path = "../../benches/mix/mod.rs"]
mod mix;

use cmk_mocks::{Clock, Outcome, Sim};
use mix::{Client, STEP};
use std::time::{Duration, Instant};

const REGISTRIES: usize = 2000;
const REQUESTS: usize = 5000;
/// Generous: a debug build on a busy machine.
const LONGEST: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_busy_day_is_served() {
    let world = mix::world(REGISTRIES);
    let sim = Sim::new(world.clone(), Clock::tokio(world.now()));
    sim.log_limit(mix::KEPT);
    let mut client = Client::new(&world, REGISTRIES);
    let begun = Instant::now();
    for n in 0..REQUESTS {
        if n % 1000 == 0 {
            sim.with_world(|world, now| client.renew(world, now));
        }
        let (request, next) = client.next(n);
        let Outcome::Answer(answer) = sim.handle(request).await else { panic!("no answer to request {n}") };
        let body = answer.body();
        assert!(answer.status().is_success(), "request {n}: {} {}", answer.status(), String::from_utf8_lossy(body));
        let operation = answer.headers().get("azure-asyncoperation").and_then(|url| url.to_str().ok());
        client.seen(&next, operation, body);
        sim.clock().advance(STEP);
    }
    assert!(begun.elapsed() < LONGEST, "{:?}", begun.elapsed());
    assert_eq!(sim.exchanges().len(), mix::KEPT);
    // What is over and done with is forgotten.
    let saved = serde_json::to_value(sim.world()).unwrap();
    let operations = saved["registries"]["operations"].as_object().unwrap().len();
    let audit = saved["audit"].as_array().unwrap().len();
    assert!((mix::KEPT / 4..=mix::KEPT + 50).contains(&operations), "{operations}");
    assert!((mix::KEPT / 2..=mix::KEPT + mix::KEPT / 4 + 1).contains(&audit), "{audit}");
}
