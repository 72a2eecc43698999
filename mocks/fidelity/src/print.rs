//! The report as text, for people: aligned or as Markdown.

use crate::{
    excuse::CLASSES,
    report::{Difference, Report, Row},
};
use std::fmt::Write;

const HEADS: [&str; 9] = ["answers", "status", "headers", "members", "order", "types", "casing", "all", "operation"];

fn cells(row: &Row) -> [String; 9] {
    let n = |n: usize| n.to_string();
    [
        n(row.answers),
        n(row.status),
        n(row.headers),
        n(row.members),
        n(row.order),
        n(row.types),
        n(row.casing),
        n(row.same),
        row.operation.to_string(),
    ]
}

fn total(report: &Report) -> [String; 9] {
    let sum = |of: fn(&Row) -> usize| report.operations.iter().map(of).sum::<usize>().to_string();
    [
        sum(|r| r.answers),
        sum(|r| r.status),
        sum(|r| r.headers),
        sum(|r| r.members),
        sum(|r| r.order),
        sum(|r| r.types),
        sum(|r| r.casing),
        sum(|r| r.same),
        "in all".to_owned(),
    ]
}

fn line(d: &Difference) -> String {
    let reason = if d.reason.is_empty() { String::new() } else { format!(": {}", d.reason) };
    let first = if d.class.is_none() { format!(" (first in {})", d.first) } else { String::new() };
    format!("{:>4} {} ({}) | {}{reason}{first}", d.times, d.operation, d.outcome, d.point)
}

/// As an aligned table with lists below.
pub fn table(report: &Report) -> String {
    let mut out = String::new();
    let mut put = |text: String| {
        let _ = writeln!(out, "{text}");
    };
    let aligned = |c: [String; 9]| {
        let [numbers @ .., operation] = c;
        format!("{}  {operation}", numbers.iter().map(|n| format!("{n:>8}")).collect::<String>())
    };
    put(aligned(HEADS.map(str::to_owned)));
    report.operations.iter().for_each(|row| put(aligned(cells(row))));
    put(aligned(total(report)));
    for (title, all) in sections(report) {
        put(format!("\n{title}"));
        all.into_iter().for_each(&mut put);
    }
    put(format!("\n{}", report.sentence()));
    out
}

/// As Markdown.
pub fn markdown(report: &Report) -> String {
    let mut out = String::new();
    let mut put = |text: String| {
        let _ = writeln!(out, "{text}");
    };
    let row = |mut c: [String; 9]| {
        c.rotate_right(1);
        format!("| {} |", c.join(" | "))
    };
    put(row(HEADS.map(str::to_owned)));
    put(format!("|---|{}", "---:|".repeat(8)));
    report.operations.iter().for_each(|r| put(row(cells(r))));
    put(row(total(report)));
    for (title, all) in sections(report) {
        put(format!("\n## {title}"));
        all.into_iter().for_each(|one| put(format!("- {}", one.trim_start())));
    }
    put(format!("\n{}", report.sentence()));
    out
}

fn sections(report: &Report) -> Vec<(String, Vec<String>)> {
    let of = |class| report.differences.iter().filter(|d| d.class == class).map(line).collect::<Vec<_>>();
    let mut all = Vec::new();
    for class in CLASSES {
        let times = report.excused.get(&class).copied().unwrap_or_default();
        all.push((format!("Differences that stand, {class}: {times}"), of(Some(class))));
    }
    all.push((format!("Differences that do not stand: {}", report.unexcused), of(None)));
    let left: usize = report.left.iter().map(|l| l.exchanges).sum();
    let list = report.left.iter().flat_map(|l| {
        let paths = l.paths.iter().map(|(path, n)| format!("         {n:>4} {path}"));
        std::iter::once(format!("{:>4} {}", l.exchanges, l.reason)).chain(paths)
    });
    all.push((format!("Recorded, but not compared: {left}"), list.collect()));
    all
}
