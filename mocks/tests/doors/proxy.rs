//! The proxy that ends TLS, and what unmodified clients are told of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::sync::Arc;

use crate::support::bench::Bench;
use cmk_mocks::{Authority, Limits, Server, Surroundings};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio_rustls::TlsConnector;

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

struct Proxy {
    bench: Bench,
    server: Server,
    authority: Arc<Authority>,
}

impl Proxy {
    async fn new() -> Self {
        let (bench, authority) = (Bench::new(), Arc::new(Authority::new().unwrap()));
        let start = Server::start_proxy(bench.sim.clone(), ANY, Limits::default(), Arc::clone(&authority));
        Self { server: start.await.unwrap(), bench, authority }
    }

    fn trust(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.pem().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
    }

    /// Asks for a tunnel: the status, and the connection.
    async fn connect(&self, to: &str) -> (u16, TcpStream) {
        let mut stream = TcpStream::connect(self.server.addr()).await.unwrap();
        stream.write_all(format!("CONNECT {to} HTTP/1.1\r\nhost: {to}\r\n\r\n").as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), stream)
    }

    /// One request to `host` over a tunnel to `to`: its status and body.
    async fn get(&self, to: &str, host: &str, path: &str, token: &str) -> (u16, Value) {
        let (status, stream) = self.connect(&format!("{to}:443")).await;
        assert_eq!(status, 200, "{to}");
        let mut tls = self.trust().connect(ServerName::try_from(to.to_owned()).unwrap(), stream).await.unwrap();
        let head =
            format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n");
        tls.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
        let mut text = String::new();
        // A server may close without the farewell of TLS.
        let _ = tls.read_to_string(&mut text).await;
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap_or(Value::Null))
    }
}

#[tokio::test]
async fn azure_hosts_are_reached_by_tls_that_the_bundle_vouches_for() {
    let proxy = Proxy::new().await;
    let token = proxy.bench.token().await;
    let path = "/subscriptions?api-version=2022-12-01";
    let (status, body) = proxy.get("management.azure.com", "management.azure.com", path, &token).await;
    assert_eq!((status, body["value"].as_array().map(Vec::len)), (200, Some(1)), "{body}");
    // The port of https may stand there.
    let (status, _) = proxy.get("management.azure.com", "management.azure.com:443", path, &token).await;
    assert_eq!(status, 200);
    // What came for one host is not led to another.
    let (status, _) = proxy.get("management.azure.com", "login.microsoftonline.com", path, &token).await;
    assert_eq!(status, 421);
    let log = proxy.bench.sim.exchanges();
    assert!(log.iter().any(|e| e.host == "management.azure.com" && e.path == "/subscriptions"), "{log:?}");
    proxy.server.shutdown().await;
}

#[tokio::test]
async fn other_hosts_are_refused_and_logged() {
    let proxy = Proxy::new().await;
    let foreign = ["example.com:443", "management.azure.com:8443", "azurecr.io.example.com:443", "azurecr.io:443"];
    for to in foreign {
        assert_eq!(proxy.connect(to).await.0, 403, "{to}");
    }
    // A vault that is not there has no address.
    assert_eq!(proxy.connect("no-such-vault.vault.azure.net:443").await.0, 502);
    // Nor do they come by plain http, and what the request line names is what counts.
    for (line, host) in [("http://example.com/", "example.com"), ("http://example.com/_sim/health", "127.0.0.1")] {
        let mut stream = TcpStream::connect(proxy.server.addr()).await.unwrap();
        let request = format!("GET {line} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    }
    let log = proxy.bench.sim.exchanges();
    let noted: Vec<_> = log.iter().filter(|e| e.fault.as_deref() == Some("foreign_host")).collect();
    assert_eq!(noted.len(), foreign.len() + 2, "{log:?}");
    assert!(noted.iter().all(|e| e.n == 0), "{noted:?}");
    assert_eq!((noted[0].host.as_str(), noted[0].status), ("example.com", 0));
    assert_eq!(proxy.bench.sim.requests(), 0);
    proxy.server.shutdown().await;
}

#[tokio::test]
async fn without_an_authority_there_is_no_tunnel() {
    let bench = Bench::new();
    let server = Server::start(bench.sim.clone(), 0).await.unwrap();
    let proxy = Proxy { bench, server, authority: Arc::new(Authority::new().unwrap()) };
    assert_eq!(proxy.connect("management.azure.com:443").await.0, 501);
    proxy.server.shutdown().await;
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_authority_gets_nowhere() {
    let proxy = Proxy::new().await;
    let (status, stream) = proxy.connect("management.azure.com:443").await;
    assert_eq!(status, 200);
    let other = Proxy::new().await.trust();
    let name = ServerName::try_from("management.azure.com").unwrap();
    let error = other.connect(name, stream).await.unwrap_err();
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
    assert_eq!(proxy.bench.sim.requests(), 0);
}

#[tokio::test]
async fn surroundings_are_of_this_user_only_and_go_when_dropped() {
    let proxy = Proxy::new().await;
    let around = Surroundings::new(&proxy.bench.sim, &proxy.server, &proxy.authority).unwrap();
    let variable = |name: &str| around.variables().iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap();
    assert_eq!(variable("HTTPS_PROXY"), proxy.server.url());
    assert_eq!(std::fs::read_to_string(variable("REQUESTS_CA_BUNDLE")).unwrap(), proxy.authority.pem());
    let profile = std::path::Path::new(&variable("AZURE_CONFIG_DIR")).join("azureProfile.json");
    let profile: Value = serde_json::from_slice(&std::fs::read(profile).unwrap()).unwrap();
    assert_eq!(profile["subscriptions"][0]["id"], variable("AZURE_SUBSCRIPTION_ID"));
    let dir = around.dir().to_owned();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&dir).unwrap().permissions().mode() & 0o077, 0);
    }
    drop(around);
    assert!(!dir.exists());
}

fn azure_sim() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_azure-sim"));
    command.kill_on_drop(true).stdin(Stdio::null());
    command
}

#[tokio::test]
async fn env_tells_what_a_running_one_says_and_run_hands_it_to_a_command() {
    let mut serving =
        azure_sim().args(["--tls", "--seed", "7"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(serving.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    let port = line.trim().rsplit(':').next().unwrap().to_owned();

    let told = azure_sim().args(["env", "--port", &port, "--shell", "json"]).output().await.unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["HTTPS_PROXY"], format!("http://127.0.0.1:{port}"));

    #[cfg(unix)]
    {
        let script = format!(
            r#"eval "$('{}' env --port {port})" && echo "$HTTPS_PROXY" && cat "$SSL_CERT_FILE""#,
            env!("CARGO_BIN_EXE_azure-sim")
        );
        let done = Command::new("sh").args(["-c", &script]).output().await.unwrap();
        let out = String::from_utf8(done.stdout).unwrap();
        assert!(out.starts_with(&format!("http://127.0.0.1:{port}\n-----BEGIN CERTIFICATE-----")), "{out}");

        let script = r#"echo "$AZURE_TENANT_ID"; exit 7"#;
        for more in [&["--port", port.as_str()] as &[&str], &[]] {
            let done = azure_sim().arg("run").args(more).args(["--", "sh", "-c", script]).output().await.unwrap();
            assert_eq!(done.status.code(), Some(7));
            assert_eq!(String::from_utf8(done.stdout).unwrap().trim(), told["AZURE_TENANT_ID"].as_str().unwrap());
        }
    }

    let absent = azure_sim().args(["env", "--port", "1"]).output().await.unwrap();
    assert!(!absent.status.success());
    let says = String::from_utf8(absent.stderr).unwrap();
    assert!(says.contains("azure-sim --tls --port 1"), "{says}");
    let unknown = azure_sim().args(["run", "--", "no-such-program-anywhere"]).output().await.unwrap();
    let says = String::from_utf8(unknown.stderr).unwrap();
    assert!(!unknown.status.success() && says.contains("cannot run no-such-program-anywhere"), "{says}");
}

/// A terminal's Ctrl-C reaches the command by itself, SIGTERM does not.
#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_neither_the_command_unasked_nor_the_simulator_before_it() {
    let place = tempfile::tempdir().unwrap();
    for (name, script, code) in
        [("int", "kill -INT $PPID; sleep 1; echo on >&2; exit 7", 7), ("term", "kill -TERM $PPID; exec sleep 300", 1)]
    {
        let saved = place.path().join(name);
        let begun = std::time::Instant::now();
        let done =
            azure_sim().args(["run", "--save"]).arg(&saved).args(["--", "sh", "-c", script]).output().await.unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!((done.status.code(), said.contains("on")), (Some(code), name == "int"), "{name}: {said}");
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{name}");
        let saved: Value = serde_json::from_slice(&std::fs::read(saved).unwrap()).unwrap();
        assert!(saved["world"].is_object(), "{name}");
    }
}
