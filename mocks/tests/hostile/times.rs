//! Times and periods without measure: the calendar's end, and delays that outlast it.

use crate::support::hostility::{Write, endure, lasting, request, world, writes};
use cmk_mocks::worlds::{self, Base};
use cmk_mocks::{Clock, Params, Saved, Setup, Sim, World};
use serde_json::{Value, json};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

/// When clocks stop, the calendar's last moment, and one that has no time in UTC.
const ENDS: [OffsetDateTime; 3] = [
    datetime!(9000-01-01 00:00 UTC),
    datetime!(9999-12-31 23:59:59.999_999_999 UTC),
    datetime!(9999-12-31 23:59:59 -23:00),
];

/// Settings whose delays and periods are all as long as can be.
fn endless() -> Params {
    let mut all = serde_json::to_value(Params { poll_after: None, ..Params::default() }).unwrap();
    let usual = all.clone();
    let mut found = 0;
    for (name, value) in all.as_object_mut().unwrap() {
        let shorter = usual[name].clone();
        if value.get("min").is_some() {
            *value = json!({ "min": 0.0, "max": 1.8e19 });
        } else if shorter.is_f64() {
            *value = json!(1.8e19);
        }
        found += usize::from(*value != shorter);
    }
    assert!(found > 20, "{found}");
    serde_json::from_value(all).unwrap()
}

/// Lets what is due happen, for a while.
fn go_on(sim: &Sim, what: &str) {
    let begun = std::time::Instant::now();
    for _ in 0..20 {
        let Some(next) = sim.next_due() else { break };
        sim.clock().advance_to(next);
    }
    sim.clock().advance(std::time::Duration::MAX);
    assert_eq!(sim.next_due().filter(|next| *next <= sim.clock().now()), None, "{what}");
    serde_json::to_string(&sim.save()).unwrap();
    assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{:?} for {what}", begun.elapsed());
}

fn each_write(world: &World, what: &str) {
    let before = lasting(world);
    let mut done = 0;
    for Write { method, url, body } in writes(world) {
        let what = format!("{method} {url} {what}");
        let mut world = world.clone();
        let sent = request(&world, method, &url, body.to_string().into_bytes()).unwrap();
        done += usize::from(endure(&mut world, &before, sent, &what).status().is_success());
        let now = world.now();
        go_on(&Sim::new(world, Clock::manual(now)), &what);
    }
    assert!(done > 20, "{done} {what}");
}

#[test]
fn every_write_is_answered_at_the_end_of_time() {
    for end in ENDS {
        let mut world = world();
        world.advance(end);
        each_write(&world, &format!("at {end}"));
    }
}

#[test]
fn every_write_is_answered_where_delays_do_not_end() {
    let mut world = world();
    world.params = endless();
    each_write(&world, "without end");
}

/// Each time that stands in a saved world, put to the calendar's ends.
#[test]
fn a_saved_world_of_any_times_is_gone_on_with() {
    let world = world();
    let stored = serde_json::to_value(Saved { now: world.now(), world }).unwrap();
    let end = serde_json::to_value(ENDS[1]).unwrap();
    let mut changed = stored.clone();
    let times = put_times(&mut changed, &stored["world"]["now"], &end);
    assert!(times > 10, "{times}");
    changed["now"] = json!("9999-12-31T23:59:59Z");
    let saved: Saved = serde_json::from_value(changed).unwrap();
    let sim = Sim::new(saved.world.clone(), Clock::manual(saved.now));
    assert_eq!(sim.clock().now().year(), 9000);
    go_on(&sim, "a saved world");
    each_write(&saved.world, "of a saved world");
    let other = Sim::new(self::world(), Clock::manual(datetime!(2026-11-22 0:00 UTC)));
    other.load(saved);
    go_on(&other, "a loaded world");
}

/// Puts `to` in the place of every value of the form that `like` has, and counts them.
fn put_times(value: &mut Value, like: &Value, to: &Value) -> usize {
    let alike = match (&*value, like) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.first() == b.first() && a.len() > 4,
        (Value::String(a), Value::String(b)) => a.len() >= 20 && a.get(..8) == b.get(..8),
        _ => false,
    };
    if alike {
        *value = to.clone();
        return 1;
    }
    match value {
        Value::Object(all) => all.values_mut().map(|v| put_times(v, like, to)).sum(),
        Value::Array(all) => all.iter_mut().map(|v| put_times(v, like, to)).sum(),
        _ => 0,
    }
}

#[test]
fn described_worlds_of_extreme_times_are_built_or_refused() {
    let healthy = worlds::READY_MADE.iter().find(|w| w.name == "healthy").unwrap().text;
    let base = Base::default();
    let setup = |said: &str| healthy.replace("  seed: 7\n", &format!("  seed: 7\n  {said}\n"));
    for (said, told) in [
        ("now: '9999-12-31T23:59:59Z'", Some("is after 9000-01-01, where time ends")),
        ("now: '+3000000d'", Some("is no time")),
        ("now: '-0001-01-01T00:00:00Z'", Some("is no time")),
        ("delays: 1e300", Some("a factor is 0 to 1000000")),
        ("delays: .nan", Some("a factor is 0 to 1000000")),
        ("delays: .inf", Some("a factor is 0 to 1000000")),
        ("age: 3000000d", Some("a world is at most 36525d old, not 3000000d")),
        ("now: '9000-01-01T00:00:00Z'", None),
        ("now: '8999-12-31T23:59:59Z'\n  age: 36525d", None),
        ("now: '0001-01-01T00:00:00Z'", None),
        ("delays: 1000000", None),
        ("age: 36525d", None),
    ] {
        match (worlds::read(&setup(said), &base), told) {
            (Err(wrong), Some(told)) => assert!(wrong.to_string().contains(told), "{said}: {wrong}"),
            (Ok(given), None) => go_on(&Sim::new(given.world, Clock::manual(given.now)), said),
            (Ok(_), Some(_)) => panic!("{said} is taken"),
            (Err(wrong), None) => panic!("{said}: {wrong}"),
        }
    }
}

#[test]
fn troubles_are_staged_at_the_end_of_time() {
    let setup = Setup { now: datetime!(8999-12-31 23:00 UTC), ..Setup::default() };
    let base = Base { setup, params: Params::default() };
    let healthy = worlds::ready_made("healthy", &base).unwrap();
    for trouble in cmk_mocks::troubles::all() {
        let sim = Sim::new(healthy.world.clone(), Clock::manual(healthy.now));
        // Some take more time than is left; none falls over that.
        let _ = sim.trouble(trouble.name(), &Default::default());
        assert!(sim.clock().now() - healthy.now <= Duration::HOUR, "{}", trouble.name());
        go_on(&sim, trouble.name());
    }
}
