//! The loopback door and its control API, over plain TCP.

use std::net::SocketAddr;
use std::time::Duration;

use crate::support::bench::Bench;
use cmk_mocks::{Fault, Limits, ORIGINAL_URL, Server, What, When};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Sends one request on a connection of its own; `None` if it was closed without an answer.
async fn send(
    addr: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<(u16, Value)> {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, serde_json::from_str(body).unwrap_or(Value::Null)))
}

struct Loopback {
    bench: Bench,
    server: Server,
    token: String,
}

impl Loopback {
    async fn new() -> Self {
        let bench = Bench::new();
        let server = Server::start(bench.sim.clone(), 0).await.unwrap();
        let token = format!("Bearer {}", bench.token().await);
        Self { bench, server, token }
    }

    async fn by_host(&self, method: &str, group: &str) -> Option<(u16, Value)> {
        let headers = [("host", "management.azure.com"), ("authorization", &self.token)];
        let body = if method == "PUT" { r#"{"location":"westeurope"}"# } else { "" };
        send(self.server.addr(), method, &self.bench.path(group), &headers, body).await
    }

    async fn control(&self, method: &str, what: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let host = self.server.addr().to_string();
        send(self.server.addr(), method, &format!("/_sim/{what}"), &[("host", &host)], &body).await.unwrap()
    }
}

#[tokio::test]
async fn the_service_is_selected_by_host_or_by_original_url() {
    let loopback = Loopback::new().await;
    assert_eq!(loopback.by_host("PUT", "g").await.unwrap().0, 201);
    let url = format!("https://management.azure.com{}", loopback.bench.path("g"));
    let addr = loopback.server.addr();
    let headers = [("host", "127.0.0.1"), (ORIGINAL_URL, &url), ("authorization", &loopback.token)];
    let (status, body) = send(addr, "GET", "/whatever", &headers, "").await.unwrap();
    assert_eq!((status, &body["name"]), (200, &json!("g")));

    for (name, value) in [("host", "127.0.0.1"), (ORIGINAL_URL, "file:///etc/passwd"), (ORIGINAL_URL, "https://a:b@c/")]
    {
        assert_eq!(send(addr, "GET", "/x", &[("host", "localhost"), (name, value)], "").await.unwrap().0 / 100, 4);
    }
    let (status, _) = send(addr, "GET", "/", &[("host", "elsewhere.example.com")], "").await.unwrap();
    assert_eq!(status, 502);
    // A page of the web could give that header itself, and a token for it.
    let before = loopback.bench.sim.requests();
    for by_a_page in [("origin", "https://example.com"), ("sec-fetch-site", "cross-site")] {
        let headers = [&headers[..], &[by_a_page]].concat();
        assert_eq!(send(addr, "GET", "/whatever", &headers, "").await.unwrap().0, 403, "{by_a_page:?}");
    }
    assert_eq!(loopback.bench.sim.requests(), before);
    let log = loopback.bench.sim.exchanges();
    assert_eq!((log[0].host.as_str(), log[0].status), ("management.azure.com", 201));
    loopback.server.shutdown().await;
}

#[tokio::test]
async fn a_lost_answer_closes_the_connection() {
    let loopback = Loopback::new().await;
    for (n, what) in [(1, What::LostBefore), (2, What::Refused), (3, What::LostAfter)] {
        loopback.bench.sim.schedule([Fault::new(When::request(n), what.clone())]);
        assert!(loopback.by_host("PUT", "g").await.is_none());
        assert_eq!(loopback.bench.has("g").await, what == What::LostAfter);
    }
}

#[tokio::test]
async fn limits_hold_and_other_addresses_are_refused() {
    let bench = Bench::new();
    let limits = Limits {
        body: 100,
        head_time: Duration::from_millis(200),
        body_time: Duration::from_millis(200),
        ..Limits::default()
    };
    let any = SocketAddr::from(([0, 0, 0, 0], 0));
    assert!(Server::start_at(bench.sim.clone(), any, limits).await.is_err());
    let home = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::start_at(bench.sim.clone(), home, limits).await.unwrap();
    let host = [("host", "management.azure.com")];
    assert_eq!(send(server.addr(), "PUT", "/x", &host, &"x".repeat(101)).await.unwrap().0, 413);

    let mut slow = TcpStream::connect(server.addr()).await.unwrap();
    slow.write_all(b"PUT /x HTTP/1.1\r\nhost: management.azure.com\r\n").await.unwrap();
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(10), slow.read_to_end(&mut rest))
        .await
        .expect("the head timed out")
        .unwrap();
    let mut slow = TcpStream::connect(server.addr()).await.unwrap();
    slow.write_all(b"PUT /x HTTP/1.1\r\nhost: management.azure.com\r\ncontent-length: 9\r\n\r\nab").await.unwrap();
    let mut text = String::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), slow.read_to_string(&mut text))
        .await
        .expect("the body timed out");
    assert!(text.starts_with("HTTP/1.1 408"), "{text}");
    assert_eq!(bench.sim.requests(), 0);
}

#[tokio::test]
async fn the_control_api_steers() {
    let loopback = Loopback::new().await;
    let (status, health) = loopback.control("GET", "health", Value::Null).await;
    assert_eq!((status, &health["status"], &health["requests"]), (200, &json!("ok"), &json!(0)));

    let before = loopback.bench.sim.clock().now();
    assert_eq!(loopback.control("POST", "clock/advance", json!({ "seconds": 3600 })).await.0, 200);
    assert!(loopback.bench.sim.clock().now() - before >= time::Duration::HOUR);
    assert_eq!(loopback.control("POST", "clock/advance", json!({ "seconds": -1 })).await.0, 400);

    let faults = json!([{ "when": { "among": "writes" }, "what": { "kind": "throttle", "retry_after_s": 1 } }]);
    assert_eq!(loopback.control("PUT", "faults", faults.clone()).await, (200, json!({ "scheduled": 1 })));
    assert_eq!(loopback.by_host("PUT", "g").await.unwrap().0, 429);
    let (_, told) = loopback.control("GET", "faults", Value::Null).await;
    assert_eq!((told["faults"].as_array().unwrap().len(), &told["fired"][0]["kind"]), (1, &json!("throttle")));
    assert_eq!(loopback.control("DELETE", "faults", Value::Null).await.0, 200);
    assert_eq!(loopback.control("PUT", "faults", json!([{ "when": 1 }])).await.0, 400);

    assert_eq!(loopback.by_host("PUT", "g").await.unwrap().0, 201);
    let (_, log) = loopback.control("GET", "exchanges", Value::Null).await;
    assert_eq!((&log[0]["fault"], &log[1]["status"], log[1].get("fault")), (&json!("throttle"), &json!(201), None));

    let (_, saved) = loopback.control("GET", "world", Value::Null).await;
    let other = Loopback::new().await;
    assert!(!other.bench.has("g").await);
    assert_eq!(other.control("PUT", "world", saved).await.0, 200);
    assert!(other.bench.has("g").await);
    assert!(other.bench.sim.clock().now() - before >= time::Duration::HOUR);

    let (_, resolved) = loopback.control("GET", "resolve?host=management.azure.com", Value::Null).await;
    assert_eq!(resolved["addresses"].as_array().map(Vec::len), Some(1), "{resolved}");
    let (_, nowhere) = loopback.control("GET", "resolve?host=nobody.azurecr.io", Value::Null).await;
    assert_eq!(nowhere["addresses"], json!([]));
    assert_eq!(loopback.control("GET", "resolve", Value::Null).await.0, 400);

    assert_eq!(loopback.control("GET", "nothing", Value::Null).await.0, 404);
    assert_eq!(loopback.control("PATCH", "world", Value::Null).await.0, 405);
    let addr = loopback.server.addr();
    let page = [("host", "localhost"), ("origin", "https://example.com")];
    assert_eq!(send(addr, "POST", "/_sim/clock/advance", &page, r#"{"seconds":1}"#).await.unwrap().0, 403);
}

#[tokio::test]
async fn a_client_that_is_killed_while_it_is_held() {
    let loopback = Loopback::new().await;
    let faults =
        json!({ "restart_count": true, "faults": [{ "when": { "nth": 1 }, "what": { "kind": "hold_before" } }] });
    assert_eq!(loopback.by_host("GET", "g").await.unwrap().0, 404);
    assert_eq!(loopback.control("PUT", "faults", faults).await.0, 200);
    let (_, held) = loopback.control("GET", "held?n=1", Value::Null).await;
    assert_eq!((&held["count"], &held["came"]), (&json!(0), &json!(false)));
    {
        let client = loopback.by_host("PUT", "g");
        let waiting = loopback.control("GET", "held?n=1&wait_s=20", Value::Null);
        let (_, held) = tokio::select! {
            answer = client => panic!("answered: {answer:?}"),
            held = waiting => held,
        };
        assert_eq!((&held["came"], &held["requests"][0]["method"]), (&json!(true), &json!("PUT")));
    }
    // Its socket is closed now; the server finds out by itself, and never applies the request.
    for _ in 0..200 {
        if loopback.bench.sim.holding().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(loopback.bench.sim.holding().is_empty());
    assert!(!loopback.bench.has("g").await);
}

#[tokio::test]
async fn held_requests_are_released_or_cut_off_by_a_shutdown() {
    let loopback = Loopback::new().await;
    let hold = |n| Fault::new(When::request(n), What::HoldAfter);
    loopback.bench.sim.schedule([hold(1), hold(2), hold(3)]);
    let release = async |n: u64, how: &str| {
        loopback.bench.sim.held(n).await;
        loopback.control("POST", "release", json!({ "n": n, "how": how })).await
    };
    let (answer, released) = tokio::join!(loopback.by_host("PUT", "g"), release(1, "go"));
    assert_eq!((answer.unwrap().0, released.1), (201, json!({ "released": 1 })));
    let (answer, released) = tokio::join!(loopback.by_host("GET", "g"), release(2, "drop"));
    assert_eq!((answer, released.1), (None, json!({ "released": 1 })));

    let Loopback { bench, server, token } = loopback;
    let addr = server.addr();
    let path = bench.path("g");
    let client = tokio::spawn(async move {
        send(addr, "GET", &path, &[("host", "management.azure.com"), ("authorization", &token)], "").await
    });
    bench.sim.held(3).await;
    tokio::time::timeout(Duration::from_secs(10), server.shutdown()).await.expect("a shutdown in time");
    assert_eq!(client.await.unwrap(), None);
    assert!(TcpStream::connect(addr).await.is_err());
}
