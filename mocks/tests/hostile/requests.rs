//! Requests that nobody sends, to the world and to the ports: no panic, no hang, and what is refused changes nothing.

use crate::support::hostility::{cases, endure, lasting, request, world};
use cmk_mocks::{Authority, Clock, Limits, Server, Sim};
use http::Request;
use proptest::prelude::*;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const HOSTS: &[&str] = &[
    "management.azure.com",
    "login.microsoftonline.com",
    "graph.microsoft.com",
    "api.loganalytics.azure.com",
    "kv-rbac.vault.azure.net",
    "kv-policy.vault.azure.net",
    "kv-none.vault.azure.net",
    "contoso1.azurecr.io",
    "contoso2.azurecr.io",
    "contoso1.westeurope.data.azurecr.io",
    "simwesteuropemanaged.blob.core.windows.net",
    "169.254.169.254",
    ".vault.azure.net",
    ".azurecr.io",
    "x..azurecr.io",
    ".data.azurecr.io",
    "xn--.azurecr.io",
    "[::1]",
];

/// What paths are made of: so many of the real words that random ones often lead somewhere.
const WORDS: &[&str] = &[
    "subscriptions",
    "5b000000-0000-4000-8000-000000000001",
    "resourceGroups",
    "rg",
    "providers",
    "Microsoft.ContainerRegistry",
    "registries",
    "contoso1",
    "contoso2",
    "Microsoft.KeyVault",
    "vaults",
    "kv-rbac",
    "kv-policy",
    "keys",
    "acr",
    "other",
    "create",
    "rotate",
    "rotationpolicy",
    "versions",
    "wrapkey",
    "backup",
    "import",
    "deletedkeys",
    "recover",
    "Microsoft.ManagedIdentity",
    "userAssignedIdentities",
    "id",
    "Microsoft.Authorization",
    "roleAssignments",
    "roleDefinitions",
    "locks",
    "permissions",
    "Microsoft.Resources",
    "deployments",
    "whatIf",
    "validate",
    "Microsoft.Network",
    "privateEndpoints",
    "virtualNetworks",
    "Microsoft.Insights",
    "eventtypes",
    "management",
    "values",
    "diagnosticSettings",
    "replications",
    "tokens",
    "scopeMaps",
    "operationStatuses",
    "operationResults",
    "listUsages",
    "listCredentials",
    "checkNameAvailability",
    "locations",
    "westeurope",
    "deletedVaults",
    "purge",
    "accessPolicies",
    "add",
    "resources",
    "tenants",
    "oauth2",
    "v2.0",
    "token",
    "exchange",
    "authorize",
    ".well-known",
    "openid-configuration",
    "common",
    "discovery",
    "instance",
    "metadata",
    "identity",
    "v2",
    "_catalog",
    "app",
    "web",
    "manifests",
    "v1",
    "blobs",
    "uploads",
    "tags",
    "list",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "v1.0",
    "me",
    "servicePrincipals",
    "directoryObjects",
    "getByIds",
    "workspaces",
    "query",
    "",
    ".",
    "..",
    "%2e%2e",
    "%2F",
    "%00",
    "%",
    "%zz",
    "%C3%28",
    "%F0%9F%94%91",
    "'",
    "~",
    "*",
    "$batch",
];

const QUERIES: &[&str] = &[
    "api-version=2025-11-01",
    "api-version=2023-07-01",
    "api-version=2024-03-01",
    "api-version=2022-04-01",
    "api-version=7.4",
    "api-version=",
    "api-version=9999-99-99",
    "$skiptoken=18446744073709551615",
    "$skiptoken=-1",
    "$top=0",
    "$top=99999999999999999999",
    "$filter=resourceType%20eq%20'x",
    "$filter=eventTimestamp%20ge%20'-262144-01-01T00:00:00Z'%20and%20eventTimestamp%20le%20'9999-12-31T23:59:59Z'",
    "$filter=atScope()%20and",
    "maxresults=0",
    "maxresults=-5",
    "n=0",
    "n=99999999999999999999&last=%00",
    "timespan=P99999999999Y",
    "timespan=9999-12-31T23:59:59Z/P1000000D",
    "se=99999999999999999999&sig=x",
    "digest=sha256:xyz",
    "resource=https://vault.azure.net&api-version=2018-02-01",
    "scope=repository:*:*&service=contoso1.azurecr.io",
    "%00=%00",
    "&&==&",
];

const HEADERS: &[(&str, &str)] = &[
    ("authorization", "Bearer"),
    ("authorization", "Bearer a.b.c"),
    ("authorization", "Basic ////"),
    ("authorization", "Basic Og=="),
    ("content-range", "99999999999999999999-0"),
    ("content-range", "5-1"),
    ("range", "bytes=18446744073709551615-"),
    ("accept", "application/vnd.oci.image.manifest.v1+json, */*;q=9"),
    ("x-ms-client-request-id", "\u{7f}x"),
    ("metadata", "true"),
    ("if-match", "*"),
    ("content-type", "multipart/form-data; boundary="),
    ("x-ms-correlation-request-id", "0"),
];

const BODIES: &[&str] = &[
    "",
    "{}",
    "[]",
    "null",
    "\u{feff}{}",
    "{\"properties\":",
    "grant_type=client_credentials&client_id=%00&client_secret=%ff&scope=/.default",
    "grant_type=access_token&service=contoso1.azurecr.io&access_token=a.b.c&tenant=%",
    "grant_type=refresh_token&service=x&scope=repository:app/web:pull,,&refresh_token=.",
    "{\"query\":\"ContainerRegistryLoginEvents | where TimeGenerated > ago(99999999999d)\",\"timespan\":\"P9999999999999D\"}",
    "{\"query\":\"AzureDiagnostics | take 99999999999999999999\"}",
    "{\"ids\":[null,{}],\"types\":7}",
    "{\"alg\":\"RSA-OAEP-256\",\"value\":\"!\"}",
    "{\"kty\":\"RSA\",\"key_size\":-9223372036854775808,\"attributes\":{\"exp\":9223372036854775807,\"nbf\":-9223372036854775808}}",
    "{\"schemaVersion\":2,\"layers\":[{\"digest\":\"sha256:\",\"size\":-1}]}",
    "{properties: {template: [[[",
];

fn any_request() -> impl Strategy<Value = (String, String, Vec<(String, String)>, Vec<u8>)> {
    let method = prop_oneof![
        8 => prop::sample::select(vec!["GET", "PUT", "PATCH", "POST", "DELETE", "HEAD"]).prop_map(str::to_owned),
        1 => "[A-Z!#$%&'*+.^_`|~-]{1,20}",
    ];
    let word = prop_oneof![
        12 => prop::sample::select(WORDS).prop_map(str::to_owned),
        1 => "[a-zA-Z0-9%._~:@!$&'()*+,;=-]{0,40}",
        1 => (0_usize..3000).prop_map(|n| "a".repeat(n)),
    ];
    let arm = "/subscriptions/5b000000-0000-4000-8000-000000000001/resourceGroups/rg/providers/";
    let prefix = prop::sample::select(vec!["/", "/", "//", arm, "/v2/app/web/", "/keys/", "/keys/acr/"]);
    let path =
        (prefix, prop::collection::vec(word, 0..12)).prop_map(|(prefix, words)| format!("{prefix}{}", words.join("/")));
    let query = prop::collection::vec(
        prop_oneof![9 => prop::sample::select(QUERIES).prop_map(str::to_owned), 1 => "[a-zA-Z0-9%$=&'() -]{0,30}"],
        0..4,
    );
    let host = prop_oneof![
        9 => prop::sample::select(HOSTS).prop_map(str::to_owned),
        1 => "[a-z0-9.-]{1,60}",
    ];
    let header = prop::sample::select(HEADERS).prop_map(|(n, v)| (n.to_owned(), v.to_owned()));
    let body = prop_oneof![
        4 => prop::sample::select(BODIES).prop_map(|b| b.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..300),
        1 => (0_usize..100_000).prop_map(|n| "{\"a\":".repeat(n).into_bytes()),
    ];
    (method, host, path, query, prop::collection::vec(header, 0..4), body).prop_map(
        |(method, host, path, query, headers, body)| {
            let query = query.join("&").replace(' ', "%20");
            (method, format!("https://{host}{path}?{query}"), headers, body)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(200), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_world_bears_any_request(requests in prop::collection::vec(any_request(), 20)) {
        let mut world = world();
        for (method, url, headers, body) in requests {
            let what = format!("{method} {url} {headers:?} {}", String::from_utf8_lossy(&body[..body.len().min(300)]));
            let Some(mut request) = request(&world, &method, &url, body) else { continue };
            for (name, value) in headers {
                if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(name), value.parse()) {
                    request.headers_mut().insert(name, value);
                }
            }
            world.advance(world.now());
            let before = lasting(&world);
            endure(&mut world, &before, request, &what);
        }
    }
}

#[test]
fn paths_of_any_length_and_depth() {
    let mut world = world();
    let before = lasting(&world);
    for host in HOSTS {
        for path in [
            "/".repeat(50_000),
            "/a".repeat(30_000),
            format!("/{}", "%41".repeat(20_000)),
            format!("/{}", "..%2f".repeat(10_000)),
        ] {
            let sent = Request::get(format!("https://{host}{path}")).body(Default::default());
            let Ok(sent) = sent else { continue };
            endure(&mut world, &before, sent, &format!("{host}, a long path"));
        }
    }
}

/// A door with short limits, and whether it still serves.
struct Door {
    server: Server,
    sim: Sim,
}

const LIMITS: Limits = Limits {
    body: 4 << 20,
    head_time: Duration::from_secs(2),
    body_time: Duration::from_secs(2),
    connections: 64,
    grace: Duration::from_millis(200),
};

impl Door {
    async fn open() -> Self {
        let world = world();
        let sim = Sim::new(world.clone(), Clock::tokio(world.now()));
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let authority = Arc::new(Authority::new().unwrap());
        let server = Server::start_proxy(sim.clone(), any, LIMITS, authority).await.unwrap();
        Self { server, sim }
    }

    /// Sends bytes and reads what comes until the other side closes; if they are `all`, closes its own side first.
    async fn send(&self, bytes: &[u8], all: bool) -> Vec<u8> {
        let exchange = async {
            let mut stream = TcpStream::connect(self.server.addr()).await.unwrap();
            // The server may hang up before it has read everything.
            let _ = stream.write_all(bytes).await;
            if all {
                let _ = stream.shutdown().await;
            }
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            answer
        };
        tokio::time::timeout(Duration::from_secs(20), exchange).await.expect("an end")
    }

    async fn serves(&self) {
        let ask = b"GET /metadata/endpoints?api-version=2023-01-01 HTTP/1.1\r\nhost: management.azure.com\r\nconnection: close\r\n\r\n";
        let answer = self.send(ask, false).await;
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }
}

#[test]
fn the_ports_bear_any_bytes() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let door = runtime.block_on(Door::open());
    let before = lasting(&door.sim.world());
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::sample::select(vec![
            "GET / HTTP/1.1\r\n",
            "CONNECT management.azure.com:443 HTTP/1.1\r\n",
            "CONNECT kv-rbac.vault.azure.net:443 HTTP/1.1\r\n\r\n",
            "CONNECT :443 HTTP/1.1\r\n\r\n",
            "CONNECT example.com:443 HTTP/1.1\r\n\r\n",
            "host: management.azure.com\r\n",
            "host: \0\r\n",
            "\r\n\r\n",
            "POST /_sim/faults HTTP/1.1\r\nhost: localhost\r\n",
            "content-length: 18446744073709551615\r\n",
            "content-length: -1\r\n",
            "content-length: 3\r\ncontent-length: 5\r\n",
            "transfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
            "x-sim-original-url: https://[\r\n",
            "x-sim-original-url: https://management.azure.com/subscriptions/%\r\n",
            "expect: 100-continue\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "\x16\x03\x01\x02\x00\x01\x00\x01\u{7f}\x03\x03",
            "GET http://management.azure.com/ HTTP/1.0\r\n\r\n",
            "upgrade: websocket\r\nconnection: upgrade\r\n",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    let all = prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat());
    let config = ProptestConfig { cases: cases(300), failure_persistence: None, ..ProptestConfig::default() };
    proptest::test_runner::TestRunner::new(config)
        .run(&all, |bytes| {
            runtime.block_on(door.send(&bytes, true));
            Ok(())
        })
        .unwrap();
    runtime.block_on(door.serves());
    assert_eq!(lasting(&door.sim.world()), before);
}

#[tokio::test]
async fn a_tunnel_bears_what_is_no_tls() {
    let door = Door::open().await;
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 4096], &[0x16, 3, 1, 0xff, 0xff], b"", &[0xff; 70_000]] {
        let mut stream = TcpStream::connect(door.server.addr()).await.unwrap();
        stream.write_all(b"CONNECT kv-rbac.vault.azure.net:443 HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
        // It may hang up while this is still being sent.
        let _ = stream.write_all(garbage).await;
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(LIMITS.head_time * 5, stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "{} bytes are held for ever", garbage.len());
    }
    door.serves().await;
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_and_changes_nothing() {
    let door = Door::open().await;
    let before = lasting(&door.sim.world());
    let path =
        format!("/subscriptions/{}/resourcegroups/fresh?api-version=2024-03-01", door.sim.world().subscription());
    let length = LIMITS.body + 1;
    let mut request =
        format!("PUT {path} HTTP/1.1\r\nhost: management.azure.com\r\ncontent-length: {length}\r\n\r\n").into_bytes();
    request.resize(request.len() + length, b' ');
    let answer = door.send(&request, false).await;
    // A client that goes on sending may find the connection reset before it reads the answer.
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(lasting(&door.sim.world()), before);
    let head = format!("GET /{} HTTP/1.1\r\nhost: management.azure.com\r\n\r\n", "a".repeat(200_000));
    let answer = door.send(head.as_bytes(), false).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
    door.serves().await;
}

#[tokio::test]
async fn half_requests_that_stall_end_and_others_are_served() {
    let door = Door::open().await;
    let halves: [&[u8]; 5] = [
        b"",
        b"GET /tenants HT",
        b"PUT /x HTTP/1.1\r\nhost: management.azure.com\r\ncontent-length: 10\r\n\r\n{",
        b"PUT /x HTTP/1.1\r\nhost: management.azure.com\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
        b"CONNECT management.azure.com:443 HTTP/1.1\r\nhost: x\r\n\r\n",
    ];
    let mut stalled = Vec::new();
    // More than there may be at once: those beyond it wait for others to be given up.
    for n in 0..LIMITS.connections * 2 {
        let mut stream = TcpStream::connect(door.server.addr()).await.unwrap();
        stream.write_all(halves[n % halves.len()]).await.unwrap();
        stalled.push(stream);
    }
    let begun = std::time::Instant::now();
    door.serves().await;
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    for mut stream in stalled {
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "a stalled connection is kept for ever");
    }
}
