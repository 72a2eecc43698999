//! What holds for every command, and the part of docs/command.md that is written from the commands.

use super::{Group, TABLE};
use crate::cli::Cli;
use clap::{Arg, CommandFactory as _, Parser as _};
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    path::{Path, PathBuf},
};

fn whole() -> clap::Command {
    let mut whole = Cli::command().disable_help_subcommand(true);
    whole.build();
    whole
}

#[test]
fn every_command_stands_in_one_group() {
    let whole = whole();
    let known: Vec<_> = whole.get_subcommands().map(clap::Command::get_name).collect();
    let listed: Vec<_> = TABLE.iter().map(super::Entry::verb).collect();
    assert_eq!(known, listed, "clap's commands and the table's");
    assert_eq!(listed.len(), listed.iter().collect::<BTreeSet<_>>().len(), "each once");
    let mut order: Vec<_> = TABLE.iter().map(|entry| entry.group).collect();
    order.dedup();
    assert_eq!(order, Group::ALL, "by groups, in the order of the help");
}

#[test]
fn a_line_of_the_overview_fits_into_80_columns() {
    let help = whole().render_help().to_string();
    for entry in TABLE {
        let start = format!("  {} ", entry.verb());
        let line = help.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("{start}in {help}"));
        assert!(line.len() <= 80 && line.len() > start.len() + 10, "{} columns: {line}", line.len());
    }
}

#[test]
fn every_command_shows_examples_that_are_right() {
    let whole = whole();
    for entry in TABLE {
        let verb = entry.verb();
        assert!((1..=3).contains(&entry.examples.len()), "{verb}");
        let mut command = whole.find_subcommand(&verb).cloned().expect("the command");
        let (short, long) = (command.render_help().to_string(), command.render_long_help().to_string());
        let mut page = Vec::new();
        super::man_page(command, false, &mut page).expect("a page");
        let page = String::from_utf8(page).expect("text").replace("\\-", "-");
        assert!(page.contains(".SH EXAMPLES"), "{page}");
        for line in entry.examples {
            for part in line.lines() {
                assert!(part.len() <= 96, "{} columns: {part}", part.len());
                for (place, shown) in [("-h", &short), ("--help", &long), ("man", &page)] {
                    assert!(shown.contains(part.trim_end_matches('\\')), "`{part}` in {place} of {verb}");
                }
            }
            let words = shlex::split(&line.replace("\\\n", "")).unwrap_or_else(|| panic!("no shell reads `{line}`"));
            // What a shell itself reads of the line.
            let words: Vec<_> = words.iter().take_while(|word| !["|", ">"].contains(&word.as_str())).collect();
            assert_eq!(words.get(1), Some(&&verb), "`{line}` is of another command");
            if let Err(e) = Cli::try_parse_from(&words) {
                panic!("`{line}`: {e}");
            }
        }
    }
}

/// The macro of the table hides the modules from `cargo fmt`.
#[test]
fn the_files_of_the_commands_are_formatted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files: Vec<PathBuf> =
        TABLE.iter().map(|entry| root.join("src/commands").join(format!("{}.rs", entry.module))).collect();
    let ended = std::process::Command::new("rustfmt")
        .args(["--check", "--edition", "2024", "--config-path"])
        .arg(root.join(".."))
        .args(&files)
        .output();
    // Where the toolchain has no rustfmt, nothing else checks formats either.
    if let Ok(ended) = ended {
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
    }
}

/// The table of all commands.
fn overview() -> String {
    let whole = whole();
    let mut text = "| | command | |\n|---|---|---|\n".to_owned();
    let mut last = None;
    for entry in TABLE {
        let verb = entry.verb();
        let about = whole.find_subcommand(&verb).and_then(clap::Command::get_about).expect("a first line");
        let group = if last.replace(entry.group) == Some(entry.group) { "" } else { entry.group.name() };
        writeln!(text, "| {group} | [`cmk {verb}`](#cmk-{verb}) | {about} |").expect("room");
    }
    text
}

/// Each command with its options and examples.
fn reference() -> String {
    let whole = whole();
    let mut text = String::from("### Global options\n\n");
    options(&mut text, whole.get_arguments().filter(|arg| arg.is_global_set()));
    for entry in TABLE {
        let verb = entry.verb();
        let mut command = whole.find_subcommand(&verb).cloned().expect("the command");
        let usage = command.render_usage().to_string();
        let about = command.get_long_about().or_else(|| command.get_about()).expect("a first line").to_string();
        let own = |arg: &&Arg| !arg.is_global_set() && arg.get_id() != "help";
        let about = if about.ends_with('.') { about } else { about + "." };
        write!(text, "\n### cmk {verb}\n{about}\n\n```text\n{}\n```\n\n", usage.trim_start_matches("Usage: "))
            .expect("room");
        if command.get_arguments().any(|arg| own(&arg)) {
            options(&mut text, command.get_arguments().filter(own));
            text.push('\n');
        }
        write!(text, "```sh\n{}\n```\n", entry.examples.join("\n")).expect("room");
    }
    text
}

fn options<'a>(text: &mut String, all: impl Iterator<Item = &'a Arg>) {
    text.push_str("| option | |\n|---|---|\n");
    for arg in all {
        let mut names: Vec<_> = arg.get_short().map(|c| format!("`-{c}`")).into_iter().collect();
        let value = match arg.get_value_names() {
            Some(names) if arg.get_action().takes_values() => names.join(" "),
            _ => String::new(),
        };
        match arg.get_long() {
            Some(long) => names.push(format!("`{}`", format!("--{long} {value}").trim_end())),
            None => names.push(format!("`{value}`")),
        }
        names.extend(arg.get_visible_aliases().into_iter().flatten().map(|alias| format!("`--{alias}`")));
        let mut help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let values: Vec<_> = arg.get_possible_values().iter().map(|v| format!("`{}`", v.get_name())).collect();
        if !values.is_empty() {
            let stop = if help.ends_with(['.', ']']) { "" } else { "." };
            write!(help, "{stop} One of {}.", values.join(", ")).expect("room");
        }
        let defaults: Vec<_> = arg.get_default_values().iter().map(|v| v.to_string_lossy()).collect();
        if arg.get_action().takes_values() && !defaults.is_empty() {
            let stop = if help.ends_with('.') { "" } else { "." };
            write!(help, "{stop} [default: {}]", defaults.join(", ")).expect("room");
        }
        writeln!(text, "| {} | {} |", cell(&names.join(", ")), cell(&help)).expect("room");
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[test]
fn the_page_of_the_command_lists_commands_and_options() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/command.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let mut made = page.clone();
    for (name, text) in [("overview", overview()), ("reference", reference())] {
        let (begin, end) = (format!("<!-- {name}: written from the commands -->\n"), format!("<!-- end of {name} -->"));
        let (before, rest) = made.split_once(&begin).unwrap_or_else(|| panic!("{begin} in the page"));
        let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{end} in the page"));
        made = format!("{before}{begin}\n{text}\n{end}{after}");
    }
    if std::env::var_os("CMK_WRITE_PAGES").is_some() {
        std::fs::write(path, made).expect("the page");
    } else {
        assert!(page == made, "docs/command.md is not of these commands: run this test with CMK_WRITE_PAGES=1");
    }
}
