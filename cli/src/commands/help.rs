//! The overview of all commands by groups, for `cmk --help` and the manual page.

use super::{Command, Entry, Group, TABLE};
use clap::{Subcommand as _, builder::Styles};
use clap_mangen::Man;
use std::{
    fmt::Write as _,
    io::{self, Write},
};

/// The commands of each group with their names and first lines.
fn groups() -> Vec<(Group, Vec<(String, String)>)> {
    let all = Command::augment_subcommands(clap::Command::new("cmk"));
    let line = |entry: &Entry| {
        let verb = entry.verb();
        let about = all.find_subcommand(&verb).and_then(clap::Command::get_about);
        let about = about.map(ToString::to_string).unwrap_or_default();
        (verb, about)
    };
    let of = |group| TABLE.iter().filter(|entry| entry.group == group).map(line).collect();
    Group::ALL.into_iter().map(|group| (group, of(group))).collect()
}

/// The template of `cmk --help`: clap itself lists all commands under one heading.
pub(crate) fn overview() -> String {
    let styles = Styles::styled();
    let (heading, verb) = (styles.get_header(), styles.get_literal());
    let groups = groups();
    let wide = groups.iter().flat_map(|(_, lines)| lines).map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut text = "{before-help}{about-with-newline}\n{usage-heading} {usage}\n".to_owned();
    // Writing to a string cannot fail.
    for (group, lines) in &groups {
        let _ = writeln!(text, "\n{heading}{}:{heading:#}", group.name());
        for (name, about) in lines {
            let _ = writeln!(text, "  {verb}{name}{verb:#}{:1$}  {about}", "", wide.saturating_sub(name.len()));
        }
    }
    let _ = write!(
        text,
        "\n`cmk COMMAND --help` describes a command, its options, and examples.\n\
         \n{heading}Global options:{heading:#}\n{{options}}{{after-help}}"
    );
    text
}

/// The manual page of cmk, or of one of its commands. What its help ends with becomes sections.
pub(crate) fn man_page(command: clap::Command, is_whole: bool, page: &mut dyn Write) -> io::Result<()> {
    let man = Man::new(command.clone());
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    if is_whole {
        writeln!(page, ".SH COMMANDS")?;
        for (group, lines) in groups() {
            writeln!(page, ".SS {}", group.name())?;
            for (name, about) in lines {
                writeln!(page, ".TP\n{}(1)\n{}", roff(&format!("cmk-{name}")), roff(&about))?;
            }
        }
    }
    man.render_options_section(page)?;
    if let Some(end) = command.get_after_long_help().or_else(|| command.get_after_help()) {
        for line in end.to_string().lines() {
            match line.strip_suffix(':').filter(|heading| !heading.starts_with(' ')) {
                Some(heading) => writeln!(page, ".SH {}", roff(&heading.to_uppercase()))?,
                // Between two sections.
                None if line.is_empty() => {}
                None if line.starts_with(' ') => writeln!(page, "{}", roff(line))?,
                None => writeln!(page, ".PP\n{}", roff(line))?,
            }
        }
    }
    if command.get_version().is_some() {
        man.render_version_section(page)?;
    }
    Ok(())
}

/// A line that is text and nothing else.
fn roff(line: &str) -> String {
    let text = line.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}
