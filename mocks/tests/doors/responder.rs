//! The wiremock adapter: single answers beside the simulator.

use crate::support::bench::Bench;
use cmk_mocks::{Fault, ORIGINAL_URL, Responder, What, When};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use wiremock::matchers::{any, header};
use wiremock::{Mock, MockServer, ResponseTemplate};

async fn get(server: &MockServer, headers: &[(&str, &str)]) -> String {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    stream.write_all(format!("GET / HTTP/1.1\r\nconnection: close\r\n{headers}\r\n").as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn single_answers_stand_beside_the_simulator() {
    let bench = Bench::new();
    bench.put("g").await.unwrap();
    bench.sim.schedule([Fault::new(When::request(3), What::Status { code: 502, retry_after_s: None })]);
    let server = MockServer::start().await;
    let mine = ResponseTemplate::new(418);
    Mock::given(header("host", "teapot.example.com")).respond_with(mine).with_priority(1).mount(&server).await;
    Mock::given(any()).respond_with(Responder(bench.sim.clone())).mount(&server).await;

    let url = format!("https://management.azure.com{}", bench.path("g"));
    let token = format!("Bearer {}", bench.token().await);
    let ours = [("host", "x"), (ORIGINAL_URL, url.as_str()), ("authorization", token.as_str())];
    assert!(get(&server, &[("host", "teapot.example.com")]).await.starts_with("HTTP/1.1 418"));
    let answer = get(&server, &ours).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#""name":"g""#), "{answer}");
    assert!(get(&server, &ours).await.starts_with("HTTP/1.1 502"));
}
