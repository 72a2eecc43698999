//! A diagnosis: causes first, what follows from them below, and what could not be looked at.

use super::{
    cause::Cause,
    context::{Blind, BlindKind, Notes},
    finding::{Area, Finding, Remedy, Severity},
};
use crate::{
    azure::id::{RegistryId, ResourceId},
    engine::error::when,
    symptoms::Symptom,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use time::OffsetDateTime;
use uuid::Uuid;

/// What a diagnosis came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The version of this form.
    pub v: u32,
    /// The registry.
    pub registry: RegistryId,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// In a word.
    pub verdict: Verdict,
    /// The trouble that was met, if it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symptom: Option<Symptom>,
    /// The causes that hold, the worst first; what follows from one is below it.
    pub findings: Vec<Finding>,
    /// What could not be looked at, and why.
    pub unseen: Vec<Unseen>,
    /// The causes that were looked for and do not hold, by code.
    pub ruled_out: Vec<String>,
    /// What to give Azure's support, where only that can help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support: Option<Support>,
    /// The questions to logs, asked or to be asked by hand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queries: Vec<Query>,
    /// Who used which version of the key, where the vault's log says it (R-FL-04); none is no proof of none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_uses: Vec<KeyUse>,
}

/// A question to a Log Analytics workspace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// What it asks.
    pub title: String,
    /// The question, in the Kusto query language.
    pub kql: String,
    /// The workspace that was asked; `None` if none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<ResourceId>,
}

/// Uses of a key version by one caller that came to the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// The object id of the caller, as the log has it.
    pub principal: String,
    /// The application id of the caller, as the log has it.
    pub application: String,
    /// The version; empty where none was named.
    pub version: String,
    /// `KeyWrap`, `KeyUnwrap` or `KeyGet`.
    pub operation: String,
    /// The status of the answer.
    pub status: Option<u64>,
    /// What the vault said of it.
    pub said: String,
    /// The address it came from.
    pub address: String,
    /// How often.
    pub times: u64,
    /// The last time.
    #[serde(with = "time::serde::rfc3339")]
    pub last: OffsetDateTime,
}

impl KeyUse {
    /// Whether the vault refused it.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self.status, Some(401 | 403))
    }
}

impl fmt::Display for KeyUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = if self.version.is_empty() { "the key" } else { &self.version };
        let status = self.status.map(|s| s.to_string()).unwrap_or_else(|| "no status".into());
        let Self { operation, principal, times, last, .. } = self;
        write!(f, "{operation} of {version} by {principal}: {status}, {times} times, last {}", when(*last))
    }
}

/// A diagnosis in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing was found, and nothing that can be looked at from here was left out.
    Healthy,
    /// There are findings.
    Findings,
    /// Nothing was found but that something, or all, could not be looked at.
    CouldNotLook,
}

impl Verdict {
    /// As it is spelled.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Findings => "findings",
            Self::CouldNotLook => "could-not-look",
        }
    }
}

/// Something that could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// Why.
    pub why: String,
    /// Of what kind.
    pub kind: UnseenKind,
    /// The causes that were not looked for, by code.
    pub codes: Vec<String>,
}

/// Why something could not be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnseenKind {
    /// The caller may not.
    Forbidden,
    /// No answer, or none that can be read.
    Failed,
    /// It cannot be seen from here, whatever the rights.
    Beyond,
}

/// What to give Azure's support.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Support {
    /// What to ask for.
    pub ask: Vec<String>,
    /// The ids it is about: registry, subscription, key, identity.
    pub ids: Vec<String>,
    /// The correlation id of all requests of this diagnosis.
    pub correlation_id: Uuid,
    /// The requests that showed it: when, which, and the service's id of it.
    pub requests: Vec<String>,
    /// The service's own texts, and what was seen.
    pub texts: Vec<String>,
}

/// Causes that only say what the caller may not: whoever finds nothing else could not look.
const OF_THE_LOOK: [&str; 1] = ["caller-may-not-read"];

impl Diagnosis {
    /// The version of the serialised form.
    pub const VERSION: u32 = 1;

    pub(super) fn of(
        registry: RegistryId,
        at: OffsetDateTime,
        judged: Vec<(&Cause, Result<Option<Finding>, Blind>)>,
        first: &[String],
        symptom: Option<Symptom>,
        correlation: Uuid,
    ) -> Self {
        let mut findings: Vec<(&Cause, Finding)> = Vec::new();
        let mut blind: Vec<(&Cause, Blind)> = Vec::new();
        let mut ruled_out = Vec::new();
        for (cause, judged) in judged {
            match judged {
                Ok(Some(finding)) => findings.push((cause, finding)),
                Ok(None) => ruled_out.push(cause.code.to_owned()),
                Err(why) => blind.push((cause, why)),
            }
        }
        let mut unseen = Vec::new();
        for (cause, blind) in blind {
            let masked = match blind.kind {
                BlindKind::Masked(by) => findings.iter_mut().find(|(c, _)| c.code == by),
                _ => None,
            };
            match masked {
                Some((_, finding)) => finding.hides.push(cause.code.to_owned()),
                None => note(&mut unseen, cause.code, blind),
            }
        }
        let mut findings = folded(findings);
        findings.sort_by_key(|f| (!first.contains(&f.code), f.severity));
        let of_the_look = |f: &Finding| OF_THE_LOOK.contains(&f.code.as_str());
        let verdict = if findings.iter().any(|f| !of_the_look(f)) {
            Verdict::Findings
        } else if !findings.is_empty() || unseen.iter().any(|u| u.kind != UnseenKind::Beyond) {
            Verdict::CouldNotLook
        } else {
            Verdict::Healthy
        };
        unseen.sort_by_key(|u| u.kind);
        let support = Support::of(&registry, &findings, correlation);
        let (queries, key_uses) = (Vec::new(), Vec::new());
        Self {
            v: Self::VERSION,
            registry,
            at,
            verdict,
            symptom,
            findings,
            unseen,
            ruled_out,
            support,
            queries,
            key_uses,
        }
    }

    /// With what was asked of logs, and what they say of the key.
    pub(super) fn noting(mut self, notes: Notes) -> Self {
        (self.queries, self.key_uses) = (notes.queries, notes.key_uses);
        self.queries.sort_by(|a, b| a.title.cmp(&b.title));
        self
    }

    /// All findings, those below others too.
    #[must_use]
    pub fn all(&self) -> Vec<&Finding> {
        fn with<'a>(all: &mut Vec<&'a Finding>, of: &'a [Finding]) {
            for finding in of {
                all.push(finding);
                with(all, &finding.consequences);
            }
        }
        let mut all = Vec::new();
        with(&mut all, &self.findings);
        all
    }

    /// Whether a finding explains the trouble that was met; `None` if none was given, or nothing was found.
    #[must_use]
    pub fn explained(&self) -> Option<bool> {
        let codes = self.symptom.as_ref()?.kind.codes();
        let all = self.all();
        (!all.is_empty()).then(|| all.iter().any(|f| codes.contains(&f.code.as_str())))
    }

    /// The worst cause in one line, for the end of another message; `None` if there is none.
    #[must_use]
    pub fn in_short(&self) -> Option<String> {
        let finding = self.findings.iter().find(|f| f.severity == Severity::Broken).or(self.findings.first())?;
        let remedy = finding.remedies.first().map(|r| format!("; {r}")).unwrap_or_default();
        Some(format!("{} ({}): {}{remedy}", finding.cause, finding.code, finding.says))
    }
}

fn is_advice(code: &str) -> bool {
    super::causes().any(|cause| cause.code == code && cause.severity == Severity::Advice)
}

fn note(unseen: &mut Vec<Unseen>, code: &str, blind: Blind) {
    let kind = match blind.kind {
        BlindKind::Forbidden => UnseenKind::Forbidden,
        BlindKind::Beyond => UnseenKind::Beyond,
        // What is missing by choice leaves nothing to look at; its cause was just not asked for.
        BlindKind::Masked(by) if is_advice(by) => UnseenKind::Beyond,
        BlindKind::Failed | BlindKind::Masked(_) => UnseenKind::Failed,
    };
    // A cause that was not asked for, or could not be looked at either, tells of itself nowhere else.
    let why = match blind.kind {
        BlindKind::Masked(by) => super::causes().find(|c| c.code == by).map(|c| format!("{} ({by})", c.line)),
        _ => None,
    };
    let why = why.unwrap_or(blind.why);
    match unseen.iter_mut().find(|u| u.why == why && u.kind == kind) {
        Some(known) => known.codes.push(code.to_owned()),
        None => unseen.push(Unseen { why, kind, codes: vec![code.to_owned()] }),
    }
}

/// Puts what follows from a cause below it: the first, in the order of causes, that it may follow from.
fn folded(findings: Vec<(&Cause, Finding)>) -> Vec<Finding> {
    let held: Vec<&str> = findings.iter().map(|(c, _)| c.code).collect();
    let (mut below, mut roots): (Vec<(&str, Finding)>, Vec<Finding>) = (Vec::new(), Vec::new());
    for (cause, finding) in findings {
        match held.iter().find(|code| cause.follows.contains(code) && **code != cause.code) {
            Some(of) => below.push((of, finding)),
            None => roots.push(finding),
        }
    }
    // What follows from a consequence goes below it, however deep.
    while let Some(at) = below.iter().rposition(|(_, f)| !below.iter().any(|(of, _)| *of == f.code)) {
        let (of, finding) = below.remove(at);
        let parent = below.iter_mut().map(|(_, f)| f).chain(roots.iter_mut()).find(|f| f.code == of);
        match parent {
            Some(parent) => parent.consequences.insert(0, finding),
            None => roots.push(finding),
        }
    }
    // Two that follow from each other have no root: both are told.
    roots.extend(below.into_iter().map(|(_, f)| f));
    roots
}

impl Support {
    fn of(registry: &RegistryId, findings: &[Finding], correlation_id: Uuid) -> Option<Self> {
        let wanted: Vec<&Finding> =
            findings.iter().filter(|f| f.remedies.iter().any(|r| matches!(r, Remedy::Support { .. }))).collect();
        if wanted.is_empty() {
            return None;
        }
        let ask = wanted.iter().flat_map(|f| &f.remedies).filter_map(|r| match r {
            Remedy::Support { ask } => Some(ask.clone()),
            _ => None,
        });
        let mut requests: Vec<String> = Vec::new();
        for read in wanted.iter().flat_map(|f| &f.evidence).flat_map(|e| &e.reads) {
            let id = read.request_id.as_deref().unwrap_or("no id");
            let line = format!("{} {} {}", when(read.at), read.request, id);
            if !requests.contains(&line) {
                requests.push(line);
            }
        }
        let texts = wanted
            .iter()
            .flat_map(|f| std::iter::once(&f.says).chain(f.evidence.iter().map(|e| &e.shows)))
            .cloned()
            .collect();
        let ids = vec![registry.to_string(), format!("subscription {}", registry.subscription())];
        Some(Self { ask: ask.collect(), ids, correlation_id, requests, texts })
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.registry.name();
        match self.verdict {
            Verdict::Healthy => writeln!(f, "{name}: healthy, {} causes ruled out", self.ruled_out.len())?,
            Verdict::Findings => writeln!(f, "{name}: {} to look at", self.findings.len())?,
            Verdict::CouldNotLook => writeln!(f, "{name}: could not look at all of it")?,
        }
        if let Some(symptom) = &self.symptom {
            writeln!(f, "the text says: {}", symptom.kind)?;
            if self.explained() == Some(false) {
                writeln!(f, "none of the findings explains it")?;
            }
        }
        for finding in &self.findings {
            finding.write(f, 0)?;
        }
        for unseen in &self.unseen {
            let what = match unseen.kind {
                UnseenKind::Forbidden => "not allowed to look at",
                UnseenKind::Failed => "could not look at",
                UnseenKind::Beyond => "not to be seen from here",
            };
            writeln!(f, "\n{what}: {}", unseen.codes.join(", "))?;
            writeln!(f, "  {}", unseen.why)?;
        }
        if !self.key_uses.is_empty() {
            writeln!(f, "\nthe key in its vault's log, in the last day")?;
            self.key_uses.iter().try_for_each(|used| writeln!(f, "  {used}"))?;
        }
        if let Some(support) = &self.support {
            writeln!(f, "\nfor Azure's support")?;
            let lines = [&support.ask, &support.ids, &support.requests, &support.texts];
            for line in lines.into_iter().flatten() {
                writeln!(f, "  {line}")?;
            }
            writeln!(f, "  correlation id {}", support.correlation_id)?;
        }
        Ok(())
    }
}

impl Finding {
    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let pad = "  ".repeat(depth);
        let mark = if depth == 0 { format!("{}", self.severity) } else { "so also".into() };
        writeln!(f, "\n{pad}{mark}: {} ({})", self.cause, self.code)?;
        writeln!(f, "{pad}  {}", self.says)?;
        if let super::Certainty::Inferred { from } = &self.certainty {
            writeln!(f, "{pad}  inferred: {from}")?;
        }
        for evidence in &self.evidence {
            let read = evidence.reads.last().map(|r| {
                let id = r.request_id.as_ref().map(|id| format!(", request {id}")).unwrap_or_default();
                format!(" ({} at {}{id})", r.request, when(r.at))
            });
            writeln!(f, "{pad}  seen: {}{}", evidence.shows, read.unwrap_or_default())?;
        }
        for (n, remedy) in self.remedies.iter().enumerate() {
            let word = if n == 0 { "do" } else { "or" };
            writeln!(f, "{pad}  {word}: {remedy}")?;
        }
        if !self.page.is_empty() && depth == 0 {
            writeln!(f, "{pad}  page: {}", self.page)?;
        }
        if !self.hides.is_empty() {
            writeln!(f, "{pad}  not looked at because of it: {}", self.hides.join(", "))?;
        }
        for consequence in &self.consequences {
            consequence.write(f, depth + 1)?;
        }
        Ok(())
    }
}

/// The areas of findings, each once.
impl Diagnosis {
    /// The areas that findings are in, each once.
    #[must_use]
    pub fn areas(&self) -> Vec<Area> {
        Area::ALL.into_iter().filter(|a| self.all().iter().any(|f| f.area == *a)).collect()
    }
}
