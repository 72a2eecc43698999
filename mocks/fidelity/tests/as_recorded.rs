//! The simulator answers as Azure was recorded to, but for differences of the classes that stand; docs/fidelity.md quotes how true.

use cmk_fidelity::{print, recording, report::Report, trials};
use libtest_mimic::{Failed, Trial};
use std::{fs, path::Path, process::ExitCode};

fn main() -> ExitCode {
    const TESTS: [&str; 2] = ["the_simulator_answers_as_recorded", "the_page_quotes_the_report"];
    trials::main(&TESTS, || {
        let all = recording::load(&recording::root().join("recordings")).expect("recordings");
        assert!(all.len() >= 150, "{} recordings", all.len());
        let report = Report::of(&all).expect("a report");
        let sentence = report.sentence();
        vec![Trial::test(TESTS[0], move || as_recorded(&report)), Trial::test(TESTS[1], move || quoted(&sentence))]
    })
}

fn as_recorded(report: &Report) -> Result<(), Failed> {
    let text = print::table(report);
    println!("{text}");
    if report.compared < 2_100 || report.same * 100 < report.compared * 93 {
        return Err(format!("too little is compared, or agrees: {}", report.sentence()).into());
    }
    match report.unexcused {
        0 => Ok(()),
        n => Err(format!("{n} differences do not stand; see above").into()),
    }
}

fn quoted(sentence: &str) -> Result<(), Failed> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/fidelity.md");
    let page = fs::read_to_string(page)?;
    match page.contains(sentence) {
        true => Ok(()),
        false => Err(format!("docs/fidelity.md has not the sentence of the report:\n{sentence}").into()),
    }
}
