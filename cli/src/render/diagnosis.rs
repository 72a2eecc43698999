//! A diagnosis, the causes it knows, and what an error text means.

use super::document::Document;
use cmk::{
    Diagnosis, Finding, Symptom,
    diagnose::{Cause, When},
};
use serde::Serialize;
use serde_json::json;
use std::fmt::Write as _;

/// A diagnosis, and whether a finding explains the error that was met.
#[derive(Serialize)]
struct Explained<'d> {
    #[serde(flatten)]
    diagnosis: &'d Diagnosis,
    #[serde(skip_serializing_if = "Option::is_none")]
    explained: Option<bool>,
}

/// A diagnosis, ready to be printed.
pub(crate) fn diagnosis(of: &Diagnosis) -> anyhow::Result<Document> {
    let all = of.all();
    let codes = |all: &mut dyn Iterator<Item = &str>| all.collect::<Vec<_>>().join(" ");
    let mut document =
        Document::new("diagnosis", Diagnosis::VERSION, &Explained { diagnosis: of, explained: of.explained() })?
            .table(of.to_string())
            .head(["CODE", "AREA", "SEVERITY", "CAUSE", "SAYS", "REMEDY"])
            .pair("REGISTRY", of.registry.to_string())
            .pair("VERDICT", of.verdict.name())
            .pair("FINDINGS", codes(&mut all.iter().map(|f| f.code.as_str())))
            .pair("UNSEEN", codes(&mut of.unseen.iter().flat_map(|u| &u.codes).map(String::as_str)));
    for f in all {
        document = document.row([
            f.code.clone(),
            f.area.to_string(),
            f.severity.to_string(),
            f.cause.clone(),
            f.says.clone(),
            remedy(f),
        ]);
    }
    Ok(document)
}

/// The first remedy of a finding.
pub(crate) fn remedy(of: &Finding) -> String {
    of.remedies.first().map(ToString::to_string).unwrap_or_default()
}

/// The causes that a diagnosis checks, ready to be printed.
pub(crate) fn causes(all: &[&Cause]) -> anyhow::Result<Document> {
    let when = |cause: &Cause| match cause.when {
        When::Diagnosis => "diagnosis",
        When::Audit => "audit",
        When::Both => "both",
    };
    let listed = |c: &&Cause| {
        json!({ "code": c.code, "area": c.area, "severity": c.severity, "line": c.line, "when": when(c), "rules": c.rules,
                "page": c.page })
    };
    let width = all.iter().map(|c| c.code.len()).max().unwrap_or_default();
    let mut table = String::new();
    for c in all {
        writeln!(table, "{:width$}  {:7}  {:6}  {}", c.code, c.area.name(), c.severity.name(), c.line)?;
    }
    let codes: Vec<_> = all.iter().map(|c| c.code).collect();
    let document = Document::new("causes", 1, &json!({ "causes": all.iter().map(listed).collect::<Vec<_>>() }))?;
    let document = document.table(table).head(["CODE", "AREA", "SEVERITY", "LINE"]).pair("CAUSES", codes.join(" "));
    Ok(all.iter().fold(document, |document, c| {
        document.row([c.code.to_owned(), c.area.to_string(), c.severity.to_string(), c.line.to_owned()])
    }))
}

/// What an error text means, ready to be printed.
pub(crate) fn symptom(of: &Symptom) -> anyhow::Result<Document> {
    let (means, advice) = (of.kind.to_string(), of.kind.advice());
    let codes = of.kind.codes().join(" ");
    let json = json!({ "symptom": of, "means": means, "advice": advice, "codes": of.kind.codes() });
    let table = format!("the text says: {means}\n{advice}\nlook for: {codes}\n");
    Ok(Document::new("symptom", 1, &json)?.table(table).fields(&[
        ("MEANS", means.clone()),
        ("ADVICE", advice.to_owned()),
        ("CODES", codes),
        ("REGISTRY", of.registry.clone().unwrap_or_default()),
    ]))
}
