//! How much memory the command takes, whatever it is answered: measured on the process itself.

use crate::setting::bare;
use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

const SUBSCRIPTION: &str = "5b000000-0000-4000-8000-000000000001";
const MIB: usize = 1024 * 1024;
/// What the whole process may hold at any time.
const PEAK: usize = 64 * MIB;

/// What the server sends to whoever asks for anything but a token.
#[derive(Clone, Copy)]
enum Flood {
    /// A status, and a gigabyte.
    Gigabyte(&'static str),
    /// A gigabyte that is a megabyte on the way.
    Compressed,
    /// Chunks without end.
    Endless,
    /// Pages of a list, each of which names a further one.
    Pages,
    /// A key of a registry, and pages of its versions without end.
    Versions,
}

/// A server on a loopback port, with its own thread for each connection, until the process ends.
fn flooding(flood: Flood) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let _ = served(stream, flood);
            });
        }
    });
    url
}

fn served(mut stream: TcpStream, flood: Flood) -> std::io::Result<()> {
    loop {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            head.extend_from_slice(&byte);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let vault = head.to_ascii_lowercase().contains("host: kv-contoso.vault.azure.net");
        if path.starts_with("/metadata/") {
            // A token of nobody: no service of this test looks into it.
            json(&mut stream, "200 OK", r#"{"access_token":"t0ken","expires_in":"3600"}"#)?;
        } else if vault && !head.to_ascii_lowercase().contains("authorization: bearer") {
            let challenge = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nwww-authenticate: Bearer \
                             authorization=\"https://login.microsoftonline.com/t\", resource=\"https://vault.azure.net\"\r\n\r\n";
            stream.write_all(challenge.as_bytes())?;
        } else {
            match flood {
                Flood::Gigabyte(status) => {
                    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", 1024 * MIB);
                    stream.write_all(head.as_bytes())?;
                    let piece = vec![b' '; 64 * 1024];
                    for _ in 0..1024 * MIB / piece.len() {
                        stream.write_all(&piece)?;
                    }
                }
                Flood::Compressed => {
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n")?;
                    stream.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])?;
                    let piece = deflated(MIB);
                    for _ in 0..1024 {
                        stream.write_all(&piece)?;
                    }
                    return Ok(());
                }
                Flood::Endless => {
                    stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
                    let piece = [b"10000\r\n".as_slice(), &[b' '; 65536], b"\r\n"].concat();
                    loop {
                        stream.write_all(&piece)?;
                    }
                }
                Flood::Versions if !vault => json(&mut stream, "200 OK", &registry(0))?,
                Flood::Versions => json(&mut stream, "200 OK", &versions())?,
                Flood::Pages => json(&mut stream, "200 OK", &page())?,
            }
        }
    }
}

/// Blanks in a piece of a deflate stream that any number of the same may follow.
fn deflated(blanks: usize) -> Vec<u8> {
    let mut piece = Vec::with_capacity(blanks);
    let mut deflate = flate2::Compress::new(flate2::Compression::best(), false);
    deflate.compress_vec(&vec![b' '; blanks], &mut piece, flate2::FlushCompress::Full).expect("memory");
    piece
}

fn json(stream: &mut TcpStream, status: &str, body: &str) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

fn registry(number: usize) -> String {
    format!(
        r#"{{"id":"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.ContainerRegistry/registries/contoso{number}","name":"contoso{number}","location":"westeurope","tags":{{"team":"shop"}},"sku":{{"name":"Premium","tier":"Premium"}},"properties":{{"loginServer":"contoso{number}.azurecr.io","provisioningState":"Succeeded","policies":{{"quarantinePolicy":{{"status":"disabled"}},"exportPolicy":{{"status":"enabled"}}}},"encryption":{{"status":"enabled","keyVaultProperties":{{"keyIdentifier":"https://kv-contoso.vault.azure.net/keys/cmk","versionedKeyIdentifier":"https://kv-contoso.vault.azure.net/keys/cmk/0123456789abcdef0123456789abcdef","identity":"system"}}}}}}}}"#
    )
}

/// A megabyte or so.
fn page() -> String {
    let all: Vec<_> = (0..1300).map(registry).collect();
    format!(r#"{{"value":[{}],"nextLink":"https://management.azure.com/next?page=1"}}"#, all.join(","))
}

fn versions() -> String {
    let version = |n: usize| {
        format!(
            r#"{{"kid":"https://kv-contoso.vault.azure.net/keys/cmk/{n:032x}","attributes":{{"enabled":true,"created":1700000000,"updated":1700000000}},"tags":{{}}}}"#
        )
    };
    let all: Vec<_> = (0..5000).map(version).collect();
    format!(
        r#"{{"value":[{}],"nextLink":"https://kv-contoso.vault.azure.net/keys/cmk/versions?api-version=2025-07-01&$skiptoken=x"}}"#,
        all.join(",")
    )
}

/// The code of a finished `cmk`, what it said, and the most memory it held.
fn measured(args: &[&str], url: &str) -> (i32, String, usize) {
    let mut command = bare(args);
    command.args(["--simulator", url, "--subscription", SUBSCRIPTION]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("cmk");
    let (began, mut peak) = (Instant::now(), 0);
    while child.try_wait().expect("a state").is_none() {
        assert!(began.elapsed() < Duration::from_secs(60), "it does not end");
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        // The highest so far, as the system keeps it.
        peak = peak.max(kib.unwrap_or(0_usize) * 1024);
        thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), said, peak)
}

#[test]
fn no_answer_takes_more_memory_than_its_limit() {
    let status: &[&str] = &["status", "contoso1", "-g", "shop"];
    for (what, args, flood, code, said) in [
        ("a gigabyte", status, Flood::Gigabyte("200 OK"), 1, "over 16 MiB"),
        ("an error of a gigabyte", status, Flood::Gigabyte("400 Bad Request"), 1, "over 16 MiB"),
        ("a compressed gigabyte", status, Flood::Compressed, 1, "over 16 MiB"),
        ("a body without end", status, Flood::Endless, 1, "over 16 MiB"),
        ("a list without end", &["list"], Flood::Pages, 1, "more than 32 MiB"),
        ("versions without end", status, Flood::Versions, 0, "more than 32 MiB"),
    ] {
        let (ended, told, peak) = measured(args, &flooding(flood));
        assert!(told.contains(said), "{what}: {told}");
        assert_eq!(ended, code, "{what}: {told}");
        assert!(peak > 0 && peak < PEAK, "{what}: {} MiB", peak / MIB);
    }
}
