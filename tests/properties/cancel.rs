//! Dropped at any await, and stopped at any moment: both can be taken up.

use cmk::{ErrorKind, Stop};
use cmk_tests::{ScenarioFixture, fixture, generators, run_paused, scenarios};
use std::{
    future::{Future, IntoFuture, poll_fn},
    pin::pin,
    task::Poll,
};

/// Polls a future at most `polls` times, then drops it.
async fn polled<F: Future>(f: F, polls: u64) -> Option<F::Output> {
    let mut f = pin!(f);
    let mut left = polls;
    poll_fn(move |cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match f.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[test]
fn cancel_at_each_await() {
    generators::each_anywhere(|scenario| {
        let mut through_at = None;
        for polls in generators::moments(scenario, 1..) {
            let through = run_paused(async {
                let fixture = ScenarioFixture::new(scenario, 9);
                let through = polled(fixture.run(), polls).await.is_some();
                let what = format!("dropped after {polls} polls");
                fixture.run_to_the_end(&what).await;
                fixture.check(&what);
                through
            });
            if through {
                through_at = Some(polls);
                break;
            }
        }
        assert!(through_at > Some(5), "{}: {through_at:?} polls", scenario.name());
    });
}

/// A stop is heeded between requests, and the run says how to go on.
#[test]
fn stop_at_each_second() {
    use cmk::{Rotate, rotate};
    run_paused(async {
        let mut stopped = 0;
        for seconds in 0..40 {
            let fixture = ScenarioFixture::new(scenarios::named("rotate followed, hourly"), 10);
            let stop = Stop::new();
            let order = Rotate::new(scenarios::registry());
            let run =
                rotate(&fixture.azure(), order).named("play").shared_journal(fixture.journal.clone()).stop_on(&stop);
            let asking = async {
                tokio::time::sleep(std::time::Duration::from_secs(seconds)).await;
                stop.ask();
                std::future::pending::<()>().await;
            };
            match fixture::cut_short(run.into_future(), asking).await {
                Some(Err(e)) => {
                    stopped += 1;
                    assert!(matches!(e.kind(), ErrorKind::Stopped), "{e:#?}");
                    assert!(e.to_string().contains("cmk resume play") || e.run().is_none(), "{e}");
                }
                Some(Ok(_)) => {}
                None => unreachable!("the asking never ends"),
            }
            fixture.run_to_the_end("stopped").await;
            fixture.check("stopped");
        }
        assert!(stopped > 20, "stopped {stopped} times");
    });
}
