//! Our `create` and `rotate` against recorded Azure: every customer-managed-key recording of az is replayed, and the
//! runs end as it did.

use crate::data::{self, Exchange, Recording};
use crate::door::{Asked, Replay, Source};
use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use base64::Engine as _;
use cmk::{
    Azure, Create, Irreversible, Rotate,
    azure::{Clock, Cloud, id::KeyId},
    create,
    journal::MemoryJournal,
    rotate, status,
};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Arc,
    time::Duration,
};
use time::OffsetDateTime;

const RUNS: &str = "recordings::create_and_rotate_end_as_recorded";
const READS: &str = "recordings::reads_az_did_not_make";
const CMK: &str = "azure-cli/acr/test_acr_encryption_with_cmk@";

pub(crate) fn trials() -> Vec<Trial> {
    data::trials(data::no_recordings(), &[RUNS, READS], || {
        let all = data::recordings(CMK);
        assert!(all.len() >= 14, "{} recordings of the key's life cycle", all.len());
        let mut trials: Vec<_> = all
            .iter()
            .cloned()
            .map(|r| Trial::test(format!("{RUNS}::{}", stem(&r)), move || end_as_recorded(r)))
            .collect();
        trials.push(Trial::test(READS, move || reads_az_did_not_make(&all)));
        trials
    })
}

fn stem(recording: &Recording) -> &str {
    recording.name.rsplit('@').next().unwrap_or_default()
}

// ---- what a recording tells -----------------------------------------------------------------------------------------

/// The parts of a recording that the runs and the comparisons need.
struct Story {
    recording: Recording,
    /// The exchange that gave the identity its permissions, the registry's PUT, the making of the second key, the PATCH.
    grant: usize,
    put: usize,
    second: usize,
    patch: usize,
}

impl Story {
    fn of(recording: Recording) -> Self {
        let registry = |method: &'static str| {
            move |e: &Exchange| e.method == method && e.key().contains("/registries/") && e.path.split('/').count() == 9
        };
        let put = recording.find(0, registry("PUT")).expect("a registry's PUT");
        let grant = (0..put)
            .rfind(|&at| {
                let e = &recording.exchanges[at];
                e.method == "PUT" && e.key().contains("/vaults/")
            })
            .expect("a vault's PUT");
        let second = recording.find(put, |e| e.method == "POST" && e.key().ends_with("/create")).expect("a second key");
        let patch = recording.find(put, registry("PATCH")).expect("a registry's PATCH");
        Self { recording, grant, put, second, patch }
    }
    fn at(&self, at: usize) -> &Exchange {
        &self.recording.exchanges[at]
    }
    fn key_of(&self, write: usize) -> KeyId {
        let text = &self.at(write).req_body["properties"]["encryption"]["keyVaultProperties"]["keyIdentifier"];
        KeyId::parse(&Cloud::public(), text.as_str().expect("a key id")).expect("a key id")
    }
    fn vault(&self) -> &Value {
        &self.at(self.grant).resp_body
    }
    fn identity(&self) -> &Exchange {
        let made = |e: &Exchange| e.method == "PUT" && e.key().contains("/userassignedidentities/");
        let at = self.recording.find(0, made).expect("an identity's PUT");
        self.at(at)
    }
    fn principal(&self) -> &str {
        self.identity().resp_body["properties"]["principalId"].as_str().expect("a principal")
    }
    /// What az asked for, as an order.
    fn order(&self) -> Create {
        let put = self.at(self.put);
        let location = put.req_body["location"].as_str().expect("a region").parse().expect("a region");
        let order = Create::new(put.path.parse().expect("a registry's id"), location)
            .identity(self.identity().path.parse().expect("an identity's id"))
            .vault(self.at(self.grant).path.parse().expect("a vault's id"))
            .key(self.key_of(self.put))
            .access_policies()
            .accept(Irreversible::Encryption);
        let protected = self.vault()["properties"]["enablePurgeProtection"] == true;
        if protected { order } else { order.unprotected_vault_is_fine() }
    }
    fn read_before_patch(&self) -> &Value {
        let path = self.at(self.patch).key();
        let said = |e: &&Exchange| e.is_ok() && e.key() == path;
        &self.recording.exchanges[..self.patch].iter().rfind(said).expect("a registry").resp_body
    }
    fn final_registry(&self) -> &Value {
        let path = self.at(self.put).key();
        let said = |e: &&Exchange| e.is_ok() && e.key() == path;
        &self.recording.exchanges.iter().rfind(said).expect("a registry").resp_body
    }
}

// ---- the runs -------------------------------------------------------------------------------------------------------

/// A token that says who is calling, and is signed by nobody.
#[derive(Debug)]
struct Nobody {
    object: String,
    tenant: String,
}

#[async_trait]
impl TokenCredential for Nobody {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        let encode = |v: Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(v.to_string());
        let claims = encode(json!({ "oid": self.object, "tid": self.tenant }));
        let token = format!("{}.{claims}.", encode(json!({ "alg": "none" })));
        Ok(AccessToken::new(token, OffsetDateTime::now_utc() + Duration::from_secs(3600)))
    }
}

/// The recording's day, going with the runtime's clock.
#[derive(Debug)]
struct Then(OffsetDateTime, tokio::time::Instant);

impl Clock for Then {
    fn now(&self) -> OffsetDateTime {
        self.0 + self.1.elapsed()
    }
}

fn azure(story: &Story, door: &Arc<Replay>) -> Azure {
    let vault = &story.vault()["properties"];
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let who = Nobody { object: text(&vault["accessPolicies"][0]["objectId"]), tenant: text(&vault["tenantId"]) };
    Azure::builder(Cloud::public(), Arc::new(who))
        .transport(door.clone())
        .clock(Arc::new(Then(story.recording.began(), tokio::time::Instant::now())))
        .seed(1)
        .build()
}

struct Replayed {
    story: Story,
    door: Arc<Replay>,
}

/// Runs create, then rotate, and requires that they end as the recording did.
fn replay(recording: Recording) -> Result<Replayed, Failed> {
    data::paused(async {
        let story = Story::of(recording);
        let door = Replay::new(story.recording.clone(), story.grant);
        let azure = azure(&story, &door);
        let journal = MemoryJournal::default();
        let (first, second) = (story.key_of(story.put), story.key_of(story.patch));
        let registry = story.order().registry().clone();
        let told = |what: &str, e: cmk::Error| {
            let asked: Vec<_> = door.asked().iter().map(|a| format!("{:?} {}", a.source, a.shape())).collect();
            Failed::from(format!("{what}: {e}\n{}", asked.join("\n")))
        };

        let created = create(&azure, story.order()).journal(journal.clone()).await.map_err(|e| told("create", e))?;
        require(created.key == first && created.in_use == first, || format!("created on {}", created.in_use))?;
        let again =
            create(&azure, story.order()).journal(journal.clone()).await.map_err(|e| told("create again", e))?;
        require(again.in_use == first, || format!("created again on {}", again.in_use))?;

        door.let_happen(story.second + 1);
        let order = Rotate::new(registry.clone()).to_version(second.clone());
        let rotated = rotate(&azure, order).journal(journal).await.map_err(|e| told("rotate", e))?;
        require(rotated.in_use == second, || format!("rotated to {}", rotated.in_use))?;
        require(rotated.previous == Some(first), || format!("rotated from {:?}", rotated.previous))?;

        let seen = status(&azure, &registry).await.map_err(|e| told("status", e))?;
        let seen = seen.encryption.ok_or("no encryption in the end")?;
        let recorded = &story.final_registry()["properties"]["encryption"]["keyVaultProperties"];
        require(seen.in_use.as_ref() == Some(&second) && seen.behind == Some(0), || format!("in the end {seen:?}"))?;
        require(recorded["versionedKeyIdentifier"] == second.to_string(), || format!("recorded {recorded}"))?;
        require(seen.last_rotation.as_deref() == recorded["lastKeyRotationTimestamp"].as_str(), || {
            format!("{:?} is not {recorded}", seen.last_rotation)
        })?;
        drop(azure);
        Ok(Replayed { story, door })
    })
}

fn require(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}

fn end_as_recorded(recording: Recording) -> Result<(), Failed> {
    let Replayed { story, door } = replay(recording)?;
    let asked = door.asked();
    let unanswered: Vec<_> = asked.iter().filter(|a| a.source == Source::Unanswered).map(Asked::shape).collect();
    require(unanswered.is_empty(), || format!("the recording does not tell: {unanswered:#?}"))?;

    // Nothing is written but the grant and the registry, each once.
    let writes: Vec<_> = asked.iter().filter(|a| a.method != "GET" && a.source != Source::Challenge).collect();
    let questions = |a: &&Asked| {
        ["/checkNameAvailability", "/checkPolicyRestrictions"].iter().any(|question| a.path.ends_with(question))
    };
    let writes: Vec<_> = writes.into_iter().filter(|a| !questions(a)).collect();
    let [grant, put, patch] = writes.as_slice() else {
        return Err(format!("writes: {:?}", writes.iter().map(|a| a.shape()).collect::<Vec<_>>()).into());
    };
    same_grant(&story, &door, grant)?;
    // What az says besides changes nothing: a default of the service, or what az has just read.
    let mut left_out = same_write(put, story.at(story.put))?;
    for (member, value) in &left_out {
        let default = defaults().iter().any(|(m, v)| m == member && *v == *value);
        require(default, || format!("az creates with {member} = {value}, we do not, and it is no known default"))?;
    }
    let read = leaves(story.read_before_patch());
    let repeated = same_write(patch, story.at(story.patch))?;
    for (member, value) in &repeated {
        let as_read = read.get(member).is_some_and(|read| same_value(member, read, value));
        require(as_read, || format!("az patches {member} to {value}, it was {:?}", read.get(member)))?;
    }
    left_out.extend(repeated);
    let polls = |at: &usize| story.at(*at).key().contains("/operationstatuses/");
    for at in (story.put..story.recording.exchanges.len()).filter(polls) {
        let polled = asked.iter().any(|a| a.n == Some(story.at(at).n) && a.source == Source::Recorded);
        require(polled, || format!("the operation of exchange {at} was not followed"))?;
    }

    let mut counts = BTreeMap::<Source, usize>::new();
    for one in &asked {
        *counts.entry(one.source).or_default() += 1;
    }
    let counts: Vec<_> = counts.iter().map(|(source, n)| format!("{n} {source:?}")).collect();
    let told = format!("{} of az, {} of ours: {}", story.recording.exchanges.len(), asked.len(), counts.join(", "));
    println!("{}: {told}; {} members that az repeats and we leave out", stem(&story.recording), left_out.len());
    Ok(())
}

// ---- what we send, and what az sent ---------------------------------------------------------------------------------

/// What az says in its PUT of a registry and we do not: the service's defaults.
fn defaults() -> [(&'static str, Value); 4] {
    [
        ("properties.adminUserEnabled", json!(false)),
        ("properties.anonymousPullEnabled", json!(false)),
        ("properties.publicNetworkAccess", json!("Enabled")),
        ("properties.networkRuleBypassOptions", json!("AzureServices")),
    ]
}

/// What we say and az does not, and why. Nothing.
const EXTRAS: [(&str, &str); 0] = [];

/// Members whose text means the same in any case: ids and enums.
fn in_any_case(member: &str) -> bool {
    member == "identity.type" || member == "location" || member.starts_with("properties.encryption.status")
}

fn same_value(member: &str, a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) if in_any_case(member) => a.eq_ignore_ascii_case(b),
        (a, b) => a == b,
    }
}

/// Requires that all we say az has said too; returns what az said besides.
fn same_write(ours: &Asked, recorded: &Exchange) -> Result<Vec<(String, Value)>, Failed> {
    require(ours.method == recorded.method, || format!("{} for {}", ours.method, recorded.method))?;
    require(ours.path.eq_ignore_ascii_case(&recorded.path), || format!("{} for {}", ours.path, recorded.path))?;
    let (mine, theirs) = (leaves(&ours.body), leaves(&recorded.req_body));
    for (member, value) in &mine {
        if EXTRAS.iter().any(|(extra, _)| *extra == format!("{} {member}", ours.method)) {
            continue;
        }
        let Some(recorded) = theirs.get(member) else {
            return Err(format!("we say {member} = {value}, and az does not").into());
        };
        let same = same_value(member, value, recorded);
        require(same, || format!("{member}: we say {value}, az {recorded}"))?;
    }
    let besides: Vec<_> = theirs.into_iter().filter(|(member, _)| !mine.contains_key(member)).collect();
    for (member, _) in &besides {
        require(!member.starts_with("properties.encryption"), || format!("az says {member}, and we do not"))?;
    }
    Ok(besides)
}

/// The members of a body by their paths; ids as member names in lower case, as they are the same in any.
fn leaves(body: &Value) -> BTreeMap<String, Value> {
    fn walk(at: &str, value: &Value, into: &mut BTreeMap<String, Value>) {
        match value.as_object() {
            Some(members) if !members.is_empty() => {
                for (name, value) in members {
                    let name = if name.starts_with('/') { name.to_ascii_lowercase() } else { name.clone() };
                    let at = if at.is_empty() { name } else { format!("{at}.{name}") };
                    walk(&at, value, into);
                }
            }
            _ => {
                into.insert(at.to_owned(), value.clone());
            }
        }
    }
    let mut all = BTreeMap::new();
    walk("", body, &mut all);
    all
}

/// Requires that the identity may do in the end what it may in the recording, and nobody else's policy is touched.
fn same_grant(story: &Story, door: &Replay, ours: &Asked) -> Result<(), Failed> {
    require(ours.source == Source::MergedPolicy, || format!("{} is no grant", ours.shape()))?;
    let vault = door.vault().ok_or("no grant was made")?;
    let recorded = &story.at(story.grant).resp_body;
    let policies = |vault: &Value| -> BTreeMap<String, BTreeSet<String>> {
        let all = vault["properties"]["accessPolicies"].as_array().cloned().unwrap_or_default();
        let keys = |p: &Value| -> BTreeSet<String> {
            let keys = p["permissions"]["keys"].as_array().cloned().unwrap_or_default();
            keys.iter().filter_map(Value::as_str).map(str::to_lowercase).collect()
        };
        all.iter().map(|p| (p["objectId"].as_str().unwrap_or_default().to_lowercase(), keys(p))).collect()
    };
    let (mine, theirs) = (policies(&vault), policies(recorded));
    require(mine == theirs, || format!("policies {mine:?}, recorded {theirs:?}"))?;
    require(mine.contains_key(story.principal()), || format!("no policy of {}", story.principal()))
}

// ---- what az did not ask --------------------------------------------------------------------------------------------

/// The reads and questions that are answered from other parts of the recording than their own, over all recordings.
fn reads_az_did_not_make(all: &[Recording]) -> Result<(), Failed> {
    let mut shapes = BTreeMap::<(Source, String), usize>::new();
    for recording in all {
        for asked in replay(recording.clone())?.door.asked() {
            if asked.source != Source::Recorded {
                *shapes.entry((asked.source, asked.shape())).or_default() += 1;
            }
        }
    }
    let mut list = String::new();
    for ((source, shape), times) in &shapes {
        println!("{times:>4} {source:?} {shape}");
        let _ = writeln!(list, "{source:?} {shape}");
    }
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!("reads_az_did_not_make", list);
    });
    Ok(())
}
