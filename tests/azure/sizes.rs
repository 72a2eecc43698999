//! Answers far above what is read of one: over a socket, plain and compressed, with and without an end.

use crate::transport::StaticToken;
use azure_core::http::HttpClient;
use cmk::azure::{
    Azure, CallError, Cloud,
    id::{KeyId, RegistryId, SubscriptionId},
    loopback,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const REGISTRY: &str = "/subscriptions/01234567-89ab-cdef-0123-456789abcdef/resourceGroups/rg/providers/\
                        Microsoft.ContainerRegistry/registries/contoso";
const MIB: usize = 1024 * 1024;

/// What is sent: a status, a header, and pieces without end.
#[derive(Clone)]
struct Flood {
    status: &'static str,
    header: &'static str,
    first: Vec<u8>,
    piece: Vec<u8>,
}

impl Flood {
    fn plain(status: &'static str) -> Self {
        Self { status, header: "content-type: application/json", first: Vec::new(), piece: vec![b' '; 64 * 1024] }
    }
    /// Blanks without end, as gzip: one block of fixed codes, a blank and then copies of it, 258 to 13 bits.
    fn gzip() -> Self {
        let mut bits = Bits::default();
        bits.push(0, 1);
        bits.push(1, 2);
        bits.code(0x30 + u32::from(b' '), 8);
        let mut first = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
        // To whole bytes: so do eight copies at a time from there on.
        while bits.used != 0 {
            bits.copy();
        }
        first.extend(std::mem::take(&mut bits.bytes));
        for _ in 0..8 * 64 {
            bits.copy();
        }
        Self { status: "200 OK", header: "content-encoding: gzip", first, piece: bits.bytes }
    }
}

/// Bits as deflate has them: numbers from their lowest bit on, codes from their highest.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    byte: u8,
    used: u32,
}

impl Bits {
    fn push(&mut self, number: u32, bits: u32) {
        for at in 0..bits {
            self.byte |= (((number >> at) & 1) as u8) << self.used;
            self.used += 1;
            if self.used == 8 {
                self.bytes.push(std::mem::take(&mut self.byte));
                self.used = 0;
            }
        }
    }
    fn code(&mut self, code: u32, bits: u32) {
        for at in (0..bits).rev() {
            self.push((code >> at) & 1, 1);
        }
    }
    /// 258 bytes more of the last one: length 285, distance 1.
    fn copy(&mut self) {
        self.code(0b1100_0101, 8);
        self.code(0, 5);
    }
}

/// A server that floods whoever asks, and how much of it was taken.
async fn flooding(flood: Flood) -> (Azure, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let taken = Arc::new(AtomicUsize::new(0));
    let count = taken.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(flooded(stream, flood.clone(), count.clone()));
        }
    });
    let direct: Arc<dyn HttpClient> = Arc::new(reqwest::Client::builder().no_proxy().build().unwrap());
    let transport = loopback(&base, direct).unwrap();
    let azure = Azure::builder(Cloud::public(), Arc::new(StaticToken))
        .transport(transport)
        .request_deadline(Duration::from_secs(60))
        .build();
    (azure, taken)
}

/// One connection: the head of a request is read, a vault's first one is challenged, any other is flooded.
async fn flooded(mut stream: TcpStream, flood: Flood, taken: Arc<AtomicUsize>) -> std::io::Result<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = stream.read_u8().await?;
            head.push(byte);
        }
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        if head.contains("vault.azure.net") && !head.contains("authorization: bearer") {
            let challenge = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nwww-authenticate: Bearer \
                             authorization=\"https://login.microsoftonline.com/t\", resource=\"https://vault.azure.net\"\r\n\r\n";
            stream.write_all(challenge.as_bytes()).await?;
            continue;
        }
        let head = format!("HTTP/1.1 {}\r\n{}\r\ntransfer-encoding: chunked\r\n\r\n", flood.status, flood.header);
        stream.write_all(head.as_bytes()).await?;
        for piece in std::iter::once(&flood.first).chain(std::iter::repeat(&flood.piece)) {
            if !piece.is_empty() {
                stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
                stream.write_all(piece).await?;
                stream.write_all(b"\r\n").await?;
                taken.fetch_add(piece.len(), Ordering::SeqCst);
            }
        }
    }
}

fn registry() -> RegistryId {
    REGISTRY.parse().unwrap()
}

/// The limit is named, and what was taken of it is little more than that: what fits into the sockets' buffers.
#[track_caller]
fn cut_at(error: &CallError, limit: &str, taken: &AtomicUsize, at_most: usize) {
    assert!(error.to_string().contains(&format!("over {limit}")), "{error}");
    let taken = taken.load(Ordering::SeqCst);
    assert!(taken <= at_most, "{taken} bytes were taken");
}

#[tokio::test]
async fn a_body_without_end_is_read_to_its_limit() {
    for status in ["200 OK", "400 Bad Request", "503 Service Unavailable"] {
        let (azure, taken) = flooding(Flood::plain(status)).await;
        let error = azure.reader().registry(&registry()).await.unwrap_err();
        cut_at(&error, "16 MiB", &taken, 32 * MIB);
        assert!(taken.load(Ordering::SeqCst) >= 16 * MIB);
    }
}

#[tokio::test]
async fn a_vaults_body_is_read_to_its_limit() {
    let (azure, taken) = flooding(Flood::plain("200 OK")).await;
    let key: KeyId = "https://contoso.vault.azure.net/keys/cmk".parse().unwrap();
    let error = azure.reader().key(&key).await.unwrap_err();
    cut_at(&error, "16 MiB", &taken, 32 * MIB);
}

#[tokio::test]
async fn a_compressed_body_is_counted_as_it_is_after_decompression() {
    let (azure, taken) = flooding(Flood::gzip()).await;
    let error = azure.reader().registry(&registry()).await.unwrap_err();
    // 16 MiB are 103 KiB on the way.
    cut_at(&error, "16 MiB", &taken, 8 * MIB);
}

#[tokio::test]
async fn a_token_is_short() {
    let (azure, taken) = flooding(Flood::plain("200 OK")).await;
    let challenge = azure.reader().challenge(&"contoso1.azurecr.io".parse().unwrap()).await.unwrap_err();
    cut_at(&challenge, "64 KiB", &taken, 16 * MIB);
}

/// Pages that each name a further one.
#[tokio::test]
async fn a_list_without_end_is_read_to_its_limit() {
    let item = format!(r#"{{"id":"{REGISTRY}","properties":{{"encryption":{{"status":"disabled"}}}}}}"#);
    let page = format!(
        r#"{{"value":[{}],"nextLink":"https://management.azure.com/next?page=1"}}"#,
        vec![item; 1000].join(",")
    );
    let length = page.len();
    let pages = Arc::new(AtomicUsize::new(0));
    let count = pages.clone();
    let fake = crate::transport::Fake::new(move |_, _| {
        count.fetch_add(1, Ordering::SeqCst);
        crate::transport::Reply::ok(&page)
    });
    let subscription: SubscriptionId = "01234567-89ab-cdef-0123-456789abcdef".parse().unwrap();
    let error = crate::transport::azure(&fake).reader().registries_in(&subscription).await.unwrap_err();
    assert!(error.to_string().contains("more than 32 MiB"), "{error}");
    assert!(pages.load(Ordering::SeqCst) * length < 32 * MIB, "{pages:?}");
}

/// The most that this process has held at any time.
#[cfg(target_os = "linux")]
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    kib.unwrap_or(usize::MAX / 1024) * 1024
}

/// Read as it is, it would take some hundred times its length.
#[cfg(target_os = "linux")]
#[test]
fn an_answer_to_a_long_question_takes_no_room_that_it_does_not_have() {
    const ALONE: &str = "CMK_TESTS_ALONE";
    if std::env::var_os(ALONE).is_none() {
        // What is tested beside it takes memory too.
        let mut itself = std::process::Command::new(std::env::current_exe().unwrap());
        itself.args(["--exact", "sizes::an_answer_to_a_long_question_takes_no_room_that_it_does_not_have"]);
        let ended = itself.env(ALONE, "1").output().unwrap();
        let said = String::from_utf8_lossy(&ended.stdout) + String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let small = format!(r#"{{"properties":{{"changes":[{}{{}}]}}}}"#, r#"{"a":1},"#.repeat(500_000));
    let fake = crate::transport::Fake::new(move |_, _| crate::transport::Reply::ok(&small));
    let group: cmk::azure::id::ResourceId =
        "/subscriptions/01234567-89ab-cdef-0123-456789abcdef/resourceGroups/rg".parse().unwrap();
    let body = cmk::azure::deployments::DeploymentBody {
        template: serde_json::json!({}),
        parameters: serde_json::json!({}),
        tags: std::collections::BTreeMap::new(),
    };
    let asked = async { crate::transport::azure(&fake).reader().what_if(&group, "d", &body).await };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(asked).unwrap_err();
    assert!(error.to_string().contains("more than 32 MiB"), "{error}");
    assert!(peak() < 128 * MIB, "{} MiB", peak() / MIB);
}
