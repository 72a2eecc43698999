//! The real `cmk` on the names of the real cloud, as in a company: everything by way of a proxy that looks inside, with
//! certificates of the company's own. Nothing leaves this machine: behind the proxy is the simulator.
//!
//! Linux only, as elsewhere a certificate is trusted by the system's store and not by a file.
#![cfg(all(target_os = "linux", feature = "rustls"))]

mod setting;

use cmk_mocks::OPERATOR_SECRET;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use setting::{Ended, REGISTRY, Setting, VAULT, bare, ended};
use std::{
    fs, io,
    net::SocketAddr,
    path::PathBuf,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufStream, copy_bidirectional},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
};

/// The services of the public cloud that a status needs: the last is the vault of the seeded world.
const HOSTS: [&str; 3] = ["kv-contoso.vault.azure.net", "login.microsoftonline.com", "management.azure.com"];

/// A company's own certificate authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("an authority"))
    }

    /// What a server needs that says it is this host.
    fn server(&self, host: &str) -> TlsAcceptor {
        let mut params = CertificateParams::new([host.to_owned()]).expect("a host");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().expect("a key");
        let certificate: CertificateDer<'static> = params.signed_by(&key, &self.0).expect("a certificate").into();
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a certificate for the key");
        TlsAcceptor::from(Arc::new(config))
    }
}

/// What a proxy was asked for, and what came of it.
#[derive(Debug, Default)]
struct Seen {
    /// The first line of every request.
    asked: Vec<String>,
    /// The hosts whose certificate was accepted.
    trusted: Vec<String>,
}

/// A proxy that stands in for every host.
struct Proxy {
    addr: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    _runtime: Runtime,
}

impl Proxy {
    fn start(authority: Authority, simulator: SocketAddr) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let addr = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (authority, shared) = (Arc::new(authority), Arc::clone(&seen));
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (authority, seen) = (Arc::clone(&authority), Arc::clone(&shared));
                // A client that hangs up, or does not trust the certificate, is seen by what it says itself.
                tokio::spawn(async move { relay(client, &authority, simulator, &seen).await });
            }
        });
        Self { addr, seen, _runtime: runtime }
    }

    /// The hosts that were asked for, each once, and those whose certificate was accepted.
    fn hosts(&self) -> (Vec<String>, Vec<String>) {
        let seen = self.seen.lock().expect("no panic");
        let mut asked: Vec<_> = seen
            .asked
            .iter()
            .map(|line| {
                let target = line.strip_prefix("CONNECT ").and_then(|l| l.strip_suffix(" HTTP/1.1"));
                target.and_then(|t| t.strip_suffix(":443")).unwrap_or(line).to_owned()
            })
            .collect();
        let mut trusted = seen.trusted.clone();
        for list in [&mut asked, &mut trusted] {
            list.sort();
            list.dedup();
        }
        (asked, trusted)
    }
}

async fn relay(client: TcpStream, authority: &Authority, simulator: SocketAddr, seen: &Mutex<Seen>) -> io::Result<()> {
    let mut client = BufStream::new(client);
    let mut first = String::new();
    client.read_line(&mut first).await?;
    let first = first.trim_end();
    seen.lock().expect("no panic").asked.push(first.to_owned());
    let mut line = String::new();
    while client.read_line(&mut line).await? > 2 {
        line.clear();
    }
    let Some((host, "443 HTTP/1.1")) = first.strip_prefix("CONNECT ").and_then(|l| l.split_once(':')) else {
        client.write_all(b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n").await?;
        return client.flush().await;
    };
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    client.flush().await?;
    // Ends well only if the client accepts the certificate.
    let mut client = authority.server(host).accept(client).await?;
    seen.lock().expect("no panic").trusted.push(host.to_owned());
    copy_bidirectional(&mut client, &mut TcpStream::connect(simulator).await?).await.map(drop)
}

/// A simulator, the proxy before it, and who may work there.
struct Company {
    setting: Setting,
    proxy: Proxy,
    /// The company's authority, in a file.
    trusted: PathBuf,
}

impl Company {
    fn new() -> Self {
        let setting = Setting::with_registry();
        let authority = Authority::new("The company");
        let trusted = setting.dir.path().join("company.pem");
        fs::write(&trusted, authority.0.pem()).expect("a file");
        let simulator = setting.url.strip_prefix("http://").and_then(|a| a.parse().ok()).expect("an address");
        Self { proxy: Proxy::start(authority, simulator), setting, trusted }
    }

    /// `cmk` as at work, by way of this proxy. Which certificates to trust is still to be said.
    fn command(&self, proxy: SocketAddr, args: &[&str]) -> Command {
        let mut command = bare(args);
        command.args(["--auth", "env", "--request-deadline", "10"]).arg("--state").arg(self.setting.state());
        let (tenant, operator) = self.setting.sim.with_world(|world, _| (world.tenant(), world.operator()));
        command
            .env("HOME", self.setting.dir.path())
            .env("HTTPS_PROXY", format!("http://{proxy}"))
            .env("AZURE_TENANT_ID", tenant.to_string())
            .env("AZURE_CLIENT_ID", operator.client_id.to_string())
            .env("AZURE_CLIENT_SECRET", OPERATOR_SECRET);
        command
    }

    /// Runs `cmk` as somebody who trusts the company.
    fn cmk(&self, args: &[&str]) -> Ended {
        let mut command = self.command(self.proxy.addr, args);
        command.env("SSL_CERT_FILE", &self.trusted);
        ended(command)
    }

    fn registry(&self) -> String {
        self.setting.registry_id(REGISTRY)
    }

    /// Everything went to the cloud's own hosts, by way of the proxy.
    #[track_caller]
    fn all_by_proxy(&self) {
        let hosts = HOSTS.map(str::to_owned).to_vec();
        assert_eq!(self.proxy.hosts(), (hosts.clone(), hosts.clone()));
        let exchanges = self.setting.sim.exchanges();
        let mut reached: Vec<_> = exchanges.iter().map(|e| e.host.clone()).collect();
        reached.sort();
        reached.dedup();
        assert_eq!(reached, hosts);
    }
}

#[test]
fn what_is_looked_at_is_looked_at_by_the_proxy() {
    assert!(HOSTS[0].starts_with(VAULT));
    let company = Company::new();
    let status = company.cmk(&["status", &company.registry()]).with(0, &[]);
    assert!(status.out.contains(REGISTRY) && status.out.contains(HOSTS[0]), "{}", status.out);
    assert!(!status.err.contains("simulator"), "{}", status.err);
    company.all_by_proxy();
    assert_eq!(company.setting.sim.writes(), 0);
}

#[test]
fn a_rotation_goes_by_the_proxy() {
    let company = Company::new();
    company.cmk(&["rotate", &company.registry(), "--plan"]).with(4, &[]);
    company.all_by_proxy();
    assert_eq!((company.setting.sim.writes(), company.setting.in_use().1), (0, 1));
    company.cmk(&["rotate", &company.registry(), "--yes"]).with(0, &[]);
    company.all_by_proxy();
    assert_eq!(company.setting.in_use(), (company.setting.newest(), 2));
}

#[test]
fn a_proxy_that_nobody_vouches_for_learns_nothing() {
    let company = Company::new();
    let stranger = company.setting.dir.path().join("stranger.pem");
    fs::write(&stranger, Authority::new("A stranger").0.pem()).expect("a file");
    // With what the system trusts, and with another company's authority.
    for trusted in [None, Some(&stranger)] {
        for args in [&["status"][..], &["rotate", "--plan"]] {
            let mut command = company.command(company.proxy.addr, &[args, &[&company.registry()]].concat());
            command.envs(trusted.map(|file| ("SSL_CERT_FILE", file)));
            let said = ended(command).with(1, &["no token for", "invalid peer certificate: UnknownIssuer"]);
            assert!(!said.err.contains(OPERATOR_SECRET) && said.out.is_empty(), "{}\n{}", said.out, said.err);
        }
    }
    assert_eq!(company.proxy.hosts(), (vec![HOSTS[1].to_owned()], vec![]));
    assert_eq!(company.setting.sim.requests(), 0);
}

#[test]
fn a_proxy_that_is_not_there_is_told_of_soon() {
    let company = Company::new();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
    let mut command = company.command(nobody, &["status", &company.registry()]);
    command.env("SSL_CERT_FILE", &company.trusted);
    let began = Instant::now();
    let said = ended(command).with(1, &["no token for", "Connection refused"]);
    // Logging in has 30 seconds, and is not begun anew.
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}: {}", began.elapsed(), said.err);
    assert_eq!((company.proxy.hosts(), company.setting.sim.requests()), ((vec![], vec![]), 0));
}

#[test]
fn a_machine_without_any_certificates_is_told_so() {
    let company = Company::new();
    let mut command = company.command(company.proxy.addr, &["status", &company.registry()]);
    command.env("SSL_CERT_FILE", company.setting.dir.path().join("missing.pem"));
    command.env("SSL_CERT_DIR", company.setting.dir.path().join("missing"));
    ended(command).with(1, &["CA certificates", "SSL_CERT_FILE"]);
    assert_eq!(company.setting.sim.requests(), 0);
}

/// Answers like the metadata service of an app's own machine, and tells what it was asked.
fn metadata_service() -> (String, std::sync::mpsc::Receiver<String>) {
    use std::io::{BufRead as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/msi/token", listener.local_addr().expect("an address"));
    let (tell, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = io::BufReader::new(&stream).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            let _ = lines.take_while(|line| !line.is_empty()).count();
            let body =
                r#"{"access_token":"machine-token","expires_on":"4102444800","resource":"r","token_type":"Bearer"}"#;
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = (&stream).write_all(answer.as_bytes());
            if tell.send(first).is_err() {
                return;
            }
        }
    });
    (url, asked)
}

#[test]
fn the_machines_own_metadata_service_is_asked_by_no_proxy() {
    for auth in ["managed", "chain"] {
        let company = Company::new();
        let (url, asked) = metadata_service();
        let proxy = format!("http://{}", company.proxy.addr);
        let mut command = bare(&["status", &company.registry(), "--auth", auth, "--request-deadline", "10"]);
        command.env("HOME", company.setting.dir.path()).env("SSL_CERT_FILE", &company.trusted);
        command.env("IDENTITY_ENDPOINT", &url).env("IDENTITY_HEADER", "machine-header");
        for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env(name, &proxy);
        }
        // The simulator does not know the token, which was on its way to it by the proxy.
        ended(command).with(1, &[]);
        let first = asked.recv_timeout(Duration::from_secs(60)).expect("a request");
        assert!(first.starts_with("GET /msi/token?"), "{auth}: {first}");
        assert_eq!(company.proxy.hosts().0, ["management.azure.com"], "{auth}: and nothing else goes by the proxy");
    }
}

#[test]
fn what_a_login_says_as_it_panics_is_not_repeated() {
    let company = Company::new();
    // A date that cannot be: the SDK adds it up and panics.
    company.setting.sim.with_world(|world, _| world.params.token_lifetime = Duration::from_secs(300_000_000_000));
    let said = company.cmk(&["status", &company.registry()]).with(1, &["a mistake in logging in at ", "(a panic)"]);
    assert!(!said.err.contains("out of range") && said.out.is_empty(), "{}\n{}", said.out, said.err);
}
