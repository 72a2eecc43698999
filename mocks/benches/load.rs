//! 100,000 requests to a world of 10,000 registries on one core: by function call, then over loopback HTTP on one
//! connection that is kept. Prints requests a second and the memory in use; ends with 1 below 1,000 requests a second, or
//! if memory grew by more than 5 % after the first fifth.
//!
//! `cargo bench -p cmk-mocks --bench load`

mod mix;

use bytes::Bytes;
use cmk_mocks::{Clock, ORIGINAL_URL, Outcome, Server, Sim};
use http::Request;
use mix::{Client, STEP};
use std::process::ExitCode;
use std::time::Instant;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

const REGISTRIES: usize = 10_000;
const REQUESTS: usize = 100_000;
const LEAST_RATE: f64 = 1000.0;
const MOST_GROWTH: f64 = 1.05;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let begun = Instant::now();
    let world = mix::world(REGISTRIES);
    println!("{REGISTRIES} registries in {:.2} s", begun.elapsed().as_secs_f64());
    let mut good = true;
    for loopback in [false, true] {
        println!("{}", if loopback { "Over loopback HTTP:" } else { "In process:" });
        let sim = Sim::new(world.clone(), Clock::tokio(world.now()));
        sim.log_limit(mix::KEPT);
        good &= run(sim, loopback).await;
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn run(sim: Sim, loopback: bool) -> bool {
    let mut client = sim.with_world(|world, _| Client::new(world, REGISTRIES));
    let server = Server::start(sim.clone(), 0).await.expect("a port");
    let mut wire = Wire::open(&server).await;
    let (begun, mut lap, mut early) = (Instant::now(), Instant::now(), 0.0);
    for n in 0..REQUESTS {
        if n.is_multiple_of(REQUESTS / 10) {
            sim.with_world(|world, now| client.renew(world, now));
        }
        let (request, next) = client.next(n);
        let (status, operation, body) = if loopback { wire.send(&request).await } else { call(&sim, request).await };
        assert!((200..300).contains(&status), "request {n}: {status} {}", String::from_utf8_lossy(&body));
        client.seen(&next, operation.as_deref(), &body);
        sim.clock().advance(STEP);
        if (n + 1).is_multiple_of(REQUESTS / 10) {
            let rate = (REQUESTS / 10) as f64 / lap.elapsed().as_secs_f64();
            println!("{:>7} requests, {rate:>6.0} a second, {:>6.1} MB", n + 1, resident());
            lap = Instant::now();
        }
        if n + 1 == REQUESTS / 5 {
            early = resident();
        }
    }
    server.shutdown().await;
    let (rate, growth) = (REQUESTS as f64 / begun.elapsed().as_secs_f64(), resident() / early);
    println!("{rate:.0} requests a second; memory {:+.1} % since the first fifth", (growth - 1.0) * 100.0);
    rate >= LEAST_RATE && growth <= MOST_GROWTH
}

async fn call(sim: &Sim, request: Request<Bytes>) -> (u16, Option<String>, Bytes) {
    let Outcome::Answer(answer) = sim.handle(request).await else { panic!("no answer") };
    let operation = answer.headers().get("azure-asyncoperation").and_then(|url| url.to_str().ok()).map(str::to_owned);
    (answer.status().as_u16(), operation, answer.into_body())
}

/// One connection, kept alive.
struct Wire(BufReader<TcpStream>);

impl Wire {
    async fn open(server: &Server) -> Self {
        let stream = TcpStream::connect(server.addr()).await.expect("a connection");
        stream.set_nodelay(true).expect("an option");
        Self(BufReader::new(stream))
    }

    async fn send(&mut self, request: &Request<Bytes>) -> (u16, Option<String>, Bytes) {
        let mut head = format!("{} / HTTP/1.1\r\nhost: sim\r\n{ORIGINAL_URL}: {}\r\n", request.method(), request.uri());
        for (name, value) in request.headers() {
            head += &format!("{name}: {}\r\n", value.to_str().expect("text"));
        }
        head += &format!("content-length: {}\r\n\r\n", request.body().len());
        self.0.write_all(&[head.as_bytes(), request.body()].concat()).await.expect("a server");
        let (mut status, mut operation, mut length, mut line) = (0, None, 0, String::new());
        loop {
            line.clear();
            self.0.read_line(&mut line).await.expect("a head");
            let text = line.trim_end();
            match text.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value)) {
                Some((name, value)) if name == "content-length" => length = value.parse().expect("a length"),
                Some((name, value)) if name == "azure-asyncoperation" => operation = Some(value.to_owned()),
                Some(_) => {}
                None if text.is_empty() => break,
                None => status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status"),
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.expect("a body");
        (status, operation, body.into())
    }
}

/// Resident memory in megabytes.
fn resident() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: f64 = statm.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
    pages * 4096.0 / 1e6
}
