//! A record of every exchange and journal of the scenarios, each undisturbed and with one fault, that later builds are
//! compared with.
//!
//! `frozen/` holds one file a scenario. Ids, times and the names of programs are replaced by what they stand for, so that
//! only what is asked for and what is written down is compared. The faults stand in the files and are read from there.
//!
//! `CMK_FROZEN=write cargo test -p cmk-tests --test properties frozen` writes the files anew, with the faults they have: for a
//! change that is meant, whose commit says what differs and why. `CMK_LONG=1` compares all of them, otherwise a sample is
//! compared.

use cmk::journal::Journal as _;
use cmk_mocks::{Exchange, Fault, Match, What, When};
use cmk_tests::{Scenario, ScenarioFixture, fixture::DEADLINE, generators, run_paused, scenarios};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Faults for each scenario.
const FAULTS: u64 = 5;
const SEED: u64 = 11;

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("frozen")
}

fn file_of(scenario: &dyn Scenario) -> PathBuf {
    let name: String = scenario.name().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    dir().join(format!("{}.txt", name.replace("--", "-")))
}

/// Text in which every id and time is replaced by a name, in the order of appearance.
#[derive(Default)]
struct Names {
    known: BTreeMap<String, String>,
    counts: BTreeMap<&'static str, usize>,
}

impl Names {
    fn of(&mut self, kind: &'static str, text: &str) -> String {
        let key = text.to_lowercase();
        if let Some(name) = self.known.get(&key) {
            return name.clone();
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let name = format!("<{kind}-{count}>");
        self.known.insert(key, name.clone());
        name
    }

    /// GUIDs, key versions and other long hex, and times; all else stays.
    fn plain(&mut self, text: &str) -> String {
        let text = text.replace(env!("CARGO_MANIFEST_DIR"), "<tests>");
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some(c) = rest.chars().next() {
            let starts = out.chars().last().is_none_or(|last| !last.is_ascii_alphanumeric());
            if starts && let Some((kind, len)) = recognised(rest) {
                let (found, after) = rest.split_at(len);
                match kind {
                    "time" => out += "<time>",
                    kind => out += &self.of(kind, found),
                }
                rest = after;
                continue;
            }
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
        out
    }

    fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.plain(text)),
            // A number this large is a time in seconds.
            Value::Number(n) if n.as_f64().is_some_and(|n| n > 1e9) => Value::from("<time>"),
            Value::Array(all) => Value::Array(all.iter().map(|v| self.value(v)).collect()),
            Value::Object(members) => {
                // In the order of names, however the map keeps it.
                let sorted: BTreeMap<_, _> = members.iter().collect();
                let named = sorted.into_iter().map(|(name, v)| (self.plain(name), self.value(v)));
                Value::Object(named.collect())
            }
            other => other.clone(),
        }
    }
}

/// What an id or a time at the beginning of a text is, and how long.
fn recognised(text: &str) -> Option<(&'static str, usize)> {
    let ends = |len: usize| text[len..].chars().next().is_none_or(|c| !c.is_ascii_alphanumeric());
    let bytes = text.as_bytes();
    let shape = |pattern: &str| {
        bytes.len() >= pattern.len()
            && pattern.bytes().zip(bytes).all(|(p, b)| match p {
                b'x' => b.is_ascii_hexdigit(),
                b'9' => b.is_ascii_digit(),
                p => p == *b,
            })
    };
    if shape("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") && ends(36) {
        return Some(("guid", 36));
    }
    if shape("9999-99-99T99:99:99") {
        let rest = &text[19..];
        let fraction =
            rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | 'Z' | '+' | ':'))).unwrap_or(rest.len());
        return Some(("time", 19 + fraction));
    }
    if shape("9999-99-99 99:99:99") {
        return Some(("time", 19));
    }
    let hex = bytes.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    let digits = bytes.iter().take(hex).any(u8::is_ascii_digit);
    match hex {
        32 if ends(32) => Some(("version", 32)),
        64 if ends(64) => Some(("hash", 64)),
        8.. if ends(hex) && digits => Some(("hex", hex)),
        _ => None,
    }
}

fn line_of(names: &mut Names, one: &Exchange) -> String {
    let query: Vec<_> = one.query.iter().map(|(name, value)| format!("{name}={}", names.plain(value))).collect();
    let mut line = format!("{} {}{}", one.method, one.host, names.plain(&one.path));
    if !query.is_empty() {
        let _ = write!(line, "?{}", query.join("&"));
    }
    let _ = write!(line, " {}", one.status);
    if let Some(fault) = &one.fault {
        let _ = write!(line, " ({fault})");
    }
    if !one.request_body.is_null() {
        let _ = write!(line, "\n    {}", names.value(&one.request_body));
    }
    line
}

/// One scenario with these faults: what went over the wire, and what was written down.
async fn record(scenario: &'static dyn Scenario, faults: &[Fault]) -> String {
    let fixture = ScenarioFixture::new(scenario, SEED);
    fixture.sim.schedule(faults.iter().cloned());
    let mut ends = String::new();
    // As an operator would: again and again, until it is through.
    for _ in 0..12 {
        match fixture.run().await {
            Ok(_) => {
                ends += "done\n";
                break;
            }
            Err(e) => {
                let _ = writeln!(ends, "{}", e.to_string().lines().next().unwrap_or_default());
            }
        }
        tokio::time::sleep(DEADLINE / 4).await;
    }
    assert_eq!(fixture.sim.fired().is_empty(), faults.is_empty(), "{}: {faults:?} did not strike", scenario.name());
    let mut names = Names::default();
    let mut text = String::from("exchanges\n");
    let lines: Vec<_> = fixture.sim.exchanges().iter().map(|one| line_of(&mut names, one)).collect();
    // Polls of one operation are alike.
    for same in lines.chunk_by(|a, b| a == b) {
        let times = if same.len() > 1 { format!(" [{} times]", same.len()) } else { String::new() };
        let _ = writeln!(text, "{}{times}", same[0]);
    }
    text += "journal\n";
    for record in fixture.memory.read(&"play".parse().unwrap()).await.unwrap() {
        let mut value = serde_json::to_value(&record).unwrap();
        if let Some(members) = value.as_object_mut() {
            // Who and when, which program and which version.
            members.retain(|name, _| !matches!(name.as_str(), "at" | "by" | "cmk" | "v"));
        }
        let _ = writeln!(text, "{}", names.value(&value));
    }
    let _ = write!(text, "ends\n{}", names.plain(&ends));
    text
}

/// The faults of a scenario, chosen once by a seed from the requests it sends when nothing disturbs it.
async fn choose(scenario: &'static dyn Scenario) -> Vec<Fault> {
    let fixture = ScenarioFixture::new(scenario, SEED);
    fixture.run().await.unwrap();
    let all = fixture.sim.exchanges();
    let mut state = all.len() as u64;
    for byte in scenario.name().bytes() {
        state = state.wrapping_mul(31).wrapping_add(u64::from(byte));
    }
    let mut next = |below: usize| {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % below as u64) as usize
    };
    let kinds = [
        What::LostAfter,
        What::LostBefore,
        What::HoldAfter,
        What::LandsLate { after_s: 29 },
        What::Status { code: 503, retry_after_s: Some(3) },
        What::CutBody,
        What::Busy,
        What::StaleRead { for_s: 29 },
    ];
    let writes: Vec<_> = all.iter().filter(|e| e.method != "GET").collect();
    let mut chosen: Vec<Fault> = Vec::new();
    for _ in 0..1000 {
        let n = chosen.len() as u64;
        if n == FAULTS {
            break;
        }
        // Most strike a change, as reads are many and matter less.
        let one = if n < 4 && !writes.is_empty() { writes[next(writes.len())] } else { &all[next(all.len())] };
        let path = one.path.rsplit('/').next().unwrap_or_default().to_owned();
        // An id of this run is another one in another build.
        let path = if recognised(&path).is_some() { String::new() } else { path };
        let nth = all[..all.iter().position(|e| e.n == one.n).unwrap()]
            .iter()
            .filter(|e| e.method == one.method && e.path.to_lowercase().contains(&path.to_lowercase()))
            .count() as u64
            + 1;
        let what = kinds[next(kinds.len())].clone();
        let fault = Fault::new(When::matching(Match::new(&one.method, &path)).nth(nth), what);
        // Not every fault can act on every request.
        if !chosen.contains(&fault) && strikes(scenario, &fault).await {
            chosen.push(fault);
        }
    }
    assert_eq!(chosen.len() as u64, FAULTS, "{}: too few faults that strike", scenario.name());
    chosen
}

async fn strikes(scenario: &'static dyn Scenario, fault: &Fault) -> bool {
    let fixture = ScenarioFixture::new(scenario, SEED);
    fixture.sim.schedule([fault.clone()]);
    let _ = fixture.run().await;
    !fixture.sim.fired().is_empty()
}

const HEAD: &str = "== ";

/// The faults that stand in a file, the empty one first.
fn faults_in(text: &str) -> Vec<Vec<Fault>> {
    text.lines().filter_map(|l| l.strip_prefix(HEAD)).map(|json| serde_json::from_str(json).unwrap()).collect()
}

fn sections(text: &str) -> Vec<String> {
    text.split(&format!("\n{HEAD}")).map(|s| s.trim_start_matches(HEAD).trim_end().to_owned()).collect()
}

fn is_sample(number: usize, section: usize) -> bool {
    section == 0 || section == 1 + number % FAULTS as usize
}

fn first_difference(then: &str, now: &str) -> String {
    let (mut then_lines, mut now_lines) = (then.lines(), now.lines());
    for n in 1.. {
        let (a, b) = (then_lines.next(), now_lines.next());
        if a != b {
            return format!("line {n}:\n  frozen: {}\n  now:    {}", a.unwrap_or("(ends)"), b.unwrap_or("(ends)"));
        }
        if a.is_none() {
            break;
        }
    }
    String::new()
}

fn compare(scenario: &'static dyn Scenario, number: usize) {
    let path = file_of(scenario);
    let stored = fs::read_to_string(&path).unwrap_or_default();
    let write = std::env::var("CMK_FROZEN").is_ok_and(|v| v == "write");
    if write {
        let faults = match faults_in(&stored) {
            none if none.is_empty() => {
                let chosen = run_paused(choose(scenario));
                std::iter::once(Vec::new()).chain(chosen.into_iter().map(|f| vec![f])).collect()
            }
            kept => kept,
        };
        let mut text = String::new();
        for faults in faults {
            let _ = write!(
                text,
                "{HEAD}{}\n{}\n",
                serde_json::to_string(&faults).unwrap(),
                run_paused(record(scenario, &faults))
            );
        }
        fs::create_dir_all(dir()).unwrap();
        fs::write(&path, text).unwrap();
        return;
    }
    let all = std::env::var("CMK_LONG").is_ok_and(|v| v == "1");
    let stored_sections = sections(&stored);
    assert!(!stored_sections.is_empty() && !stored.is_empty(), "{}: nothing is frozen", scenario.name());
    for (n, (faults, then)) in faults_in(&stored).into_iter().zip(stored_sections).enumerate() {
        if !all && !is_sample(number, n) {
            continue;
        }
        let json = serde_json::to_string(&faults).unwrap();
        let now = format!("{json}\n{}", run_paused(record(scenario, &faults)));
        let difference = first_difference(then.trim_end(), now.trim_end());
        assert!(difference.is_empty(), "{} with {json} is not as frozen, {difference}", scenario.name());
    }
}

#[test]
fn exchanges_and_journals_are_as_frozen() {
    let all: Vec<_> = scenarios::all().iter().chain(scenarios::other_clouds()).copied().collect();
    let number = |s: &dyn Scenario| all.iter().position(|p| p.name() == s.name()).unwrap();
    generators::each(|scenario| compare(scenario, number(scenario)));
    for scenario in scenarios::other_clouds() {
        compare(*scenario, number(*scenario));
    }
    let files = fs::read_dir(dir()).unwrap().count();
    assert_eq!(files, all.len(), "a file for each scenario, and no other");
}
