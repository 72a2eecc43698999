//! Valid writes, spoiled member by member: whatever is refused leaves nothing behind.

use crate::support::hostility::{Write, cases, endure, lasting, request, world, writes};
use proptest::prelude::*;
use serde_json::{Value, json};

fn strange() -> Vec<Value> {
    let mut deep = json!(1);
    (0..100).for_each(|_| deep = json!([deep]));
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(0),
        json!(1e308),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(2.5),
        json!(""),
        json!("\0"),
        json!("../..//%2e%2e?#[]'\""),
        json!("P99999999999999999999Y"),
        json!("[concat(1, parameters('x'))]"),
        json!("ÄÖÜ🔑\u{202e}".repeat(2000)),
        json!([]),
        json!({}),
        json!([{}, null, 1, "x"]),
        json!({"": {"a": null}}),
        deep,
    ]
}

/// The places in a body, as JSON pointers.
fn places(at: &str, value: &Value, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                places(&format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), value, all);
            }
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(n, value)| places(&format!("{at}/{n}"), value, all)),
        _ => {}
    }
}

fn put(body: &Value, place: &str, value: Value) -> Value {
    let mut body = body.clone();
    *body.pointer_mut(place).expect("a place of the body") = value;
    body
}

fn without(body: &Value, place: &str) -> Option<Value> {
    let (parent, name) = place.rsplit_once('/')?;
    let mut body = body.clone();
    body.pointer_mut(parent)?.as_object_mut()?.remove(&name.replace("~1", "/").replace("~0", "~"))?;
    Some(body)
}

#[test]
fn each_write_is_valid_as_it_stands() {
    let world = world();
    let before = lasting(&world);
    for Write { method, url, body } in writes(&world) {
        let mut world = world.clone();
        let sent = request(&world, method, &url, body.to_string().into_bytes()).unwrap();
        let answer = world.handle(world.now(), sent);
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        assert!(answer.status().is_success(), "{method} {url}: {} {text}", answer.status());
        assert_ne!(lasting(&world), before, "{method} {url} changes nothing");
    }
}

#[test]
fn every_member_of_every_write_may_be_wrong() {
    let world = world();
    let before = lasting(&world);
    let (mut refused, mut tried) = (0, 0);
    for Write { method, url, body } in writes(&world) {
        let mut all = Vec::new();
        places("", &body, &mut all);
        for place in all {
            let spoiled = strange().into_iter().map(|value| put(&body, &place, value)).chain(without(&body, &place));
            for spoiled in spoiled {
                let text = spoiled.to_string();
                let mut fresh = world.clone();
                let sent = request(&world, method, &url, text.clone().into_bytes()).unwrap();
                let shown: String = text.chars().take(600).collect();
                let answer = endure(&mut fresh, &before, sent, &format!("{method} {url} at '{place}': {shown}"));
                assert!(answer.status() != 500, "{method} {url} at '{place}': {shown}");
                (refused, tried) = (refused + u32::from(answer.status().as_u16() >= 400), tried + 1);
            }
        }
    }
    assert!(refused > tried / 10, "{refused} of {tried}");
}

#[test]
fn bodies_that_are_no_json_change_nothing() {
    let world = world();
    let before = lasting(&world);
    let deep = |open: &str| open.repeat(100_000).into_bytes();
    for Write { method, url, body } in writes(&world).into_iter().filter(|w| w.body != json!({})) {
        let text = body.to_string();
        let cut = (1..text.len()).step_by(7).map(|at| text.as_bytes()[..at].to_vec());
        let others = [
            deep("["),
            deep("{\"a\":"),
            deep("{\"properties\":"),
            format!("{{\"properties\":{}", "[".repeat(100_000)).into_bytes(),
            format!("{{\"properties\":{{\"template\":{}", "{\"a\":".repeat(100_000)).into_bytes(),
            b"\xff\xfe\0".to_vec(),
            vec![b' '; (4 << 20) + 1],
            vec![b'"'; 1 << 20],
            text.replacen(':', ":9999999999999999999999999999999999999", 1).into_bytes(),
        ];
        for bytes in cut.chain(others) {
            let mut fresh = world.clone();
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
            let sent = request(&world, method, &url, bytes).unwrap();
            endure(&mut fresh, &before, sent, &format!("{method} {url}: {shown}"));
        }
    }
}

#[test]
fn members_that_stand_twice_are_no_trouble() {
    let world = world();
    let before = lasting(&world);
    for Write { method, url, body } in writes(&world) {
        let text = body.to_string();
        let Some(inner) = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).filter(|t| !t.is_empty()) else {
            continue;
        };
        for twice in [
            format!("{{{inner},{inner}}}"),
            format!("{{\"properties\":7,{inner}}}"),
            format!("{{{inner},\"properties\":null}}"),
        ] {
            let mut fresh = world.clone();
            let sent = request(&world, method, &url, twice.clone().into_bytes()).unwrap();
            endure(&mut fresh, &before, sent, &format!("{method} {url}: {twice}"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(300), failure_persistence: None, ..ProptestConfig::default() })]

    /// Several wrongs at once, one write after the other on the same world.
    #[test]
    fn a_run_of_spoiled_writes(
        steps in proptest::collection::vec((any::<prop::sample::Index>(), proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..3)), 1..8)
    ) {
        let mut world = world();
        let all = writes(&world);
        for (which, spoils) in steps {
            let Write { method, url, mut body } = which.get(&all).clone();
            for (place, value) in spoils {
                let mut places_of = Vec::new();
                places("", &body, &mut places_of);
                let place = &places_of[place.index(places_of.len())];
                body = put(&body, place, value.get(&strange()).clone());
            }
            world.advance(world.now());
            let before = lasting(&world);
            let sent = request(&world, method, &url, body.to_string().into_bytes()).unwrap();
            endure(&mut world, &before, sent, &format!("{method} {url}: {body}"));
        }
    }
}
