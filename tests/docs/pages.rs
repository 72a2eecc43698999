//! The pages: what they link to and name exists, and what they quote is so.

use cmk::{Order, diagnose::causes};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where a page that is shown outside the repository, as on docs.rs, finds its files.
const REPOSITORY: &str = "https://github.com/acr-cmk/acr-cmk/blob/main/";

/// The pages that are written by hand or generated, by their paths.
fn pages() -> Vec<String> {
    let fixed =
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "tests/README.md", "examples/README.md", "mocks/README.md"];
    let mut all: Vec<_> = fixed.map(String::from).to_vec();
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(cmk_tests::repository(".").join(&folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let path = folder.join(entry.file_name());
            match entry.path().is_dir() {
                true => folders.push(path),
                false => all.extend(path.to_str().filter(|p| p.ends_with(".md")).map(|p| p.replace('\\', "/"))),
            }
        }
    }
    all.sort();
    all
}

fn text(page: &str) -> String {
    fs::read_to_string(cmk_tests::repository(page)).unwrap_or_else(|e| panic!("{page}: {e}"))
}

/// Without its blocks of code.
fn prose(text: &str) -> String {
    let mut inside = false;
    let outside = |line: &&str| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    };
    text.lines().filter(outside).flat_map(|line| [line, "\n"]).collect()
}

/// What stands between backquotes.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// The targets of links, outside of what stands between backquotes.
fn links(text: &str) -> Vec<String> {
    let plain: String = text.lines().flat_map(|line| line.split('`').step_by(2).chain(["\n"])).collect();
    plain.split("](").skip(1).filter_map(|rest| rest.split([')', '\n']).next()).map(String::from).collect()
}

fn exists(path: &Path) -> bool {
    cmk_tests::repository(".").join(path).exists()
}

#[test]
fn the_readme_is_a_first_page() {
    let readme = text("README.md");
    assert!(readme.len() <= 9_216, "README.md has {} bytes", readme.len());
    for line in ["cargo run --example tutorial", "cargo test --workspace --all-features"] {
        assert!(readme.lines().any(|l| l == line), "'{line}' is not in README.md");
    }
    let known = format!("[{} causes](docs/causes.md)", causes().count());
    assert!(readme.contains(&known), "README.md has not '{known}'");
    for workflow in Order::WORKFLOWS {
        // The name that its runs have had from the beginning.
        let verb = if *workflow == "network" { "registry-network" } else { workflow };
        assert!(readme.contains(&format!("`{verb}`")), "{verb} is not in the table of commands");
    }
}

#[test]
fn the_readme_shows_a_plan_as_it_is_printed() {
    let (readme, plan) = (text("README.md"), text("tests/properties/snapshots/properties__plan__rotate_followed.snap"));
    let plan = plan.splitn(3, "---\n").nth(2).expect("a snapshot with a head").trim_end();
    assert!(readme.contains(&format!("```text\n{plan}\n```")), "README.md has not the plan of the snapshot:\n{plan}");
}

#[test]
fn every_link_to_a_file_leads_to_one() {
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for page in pages() {
        for link in links(&prose(&text(&page))) {
            let path = match link.split('#').next().unwrap_or_default() {
                "" => continue,
                own if own.starts_with(REPOSITORY) => PathBuf::from(own.trim_start_matches(REPOSITORY)),
                other if other.contains(':') => continue,
                path => Path::new(&page).parent().expect("a folder").join(path),
            };
            checked += 1;
            if !exists(&path) {
                wrong.push(format!("{page}: {link}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 40, "{checked} links were checked");
}

/// What docs.rs shows of the library has no folder around it.
#[test]
fn what_docs_rs_shows_links_to_the_repository_by_its_address() {
    let mut own = 0;
    for (file, source) in cmk_tests::modules::sources("src") {
        let docs = source.lines().filter_map(|l| l.trim_start().strip_prefix("//")?.strip_prefix(['/', '!']));
        for link in links(&prose(&docs.collect::<Vec<_>>().join("\n"))) {
            assert!(!link.contains(".md") || link.contains("://"), "src/{file}: {link}");
            if let Some(path) = link.strip_prefix(REPOSITORY) {
                own += 1;
                assert!(exists(Path::new(path)), "src/{file}: {link}");
            }
        }
    }
    assert!(own > 3, "{own} links to the repository");
}

#[test]
fn every_file_that_a_page_names_exists() {
    const FOLDERS: [&str; 8] = ["src/", "cli/", "mocks/", "tests/", "docs/", "examples/", "benches/", ".ci/"];
    let (mut wrong, mut in_guarantees) = (Vec::new(), 0);
    // The rules name files of other repositories, and the changes files of former days.
    for page in pages().into_iter().filter(|p| !["docs/azure-rules.md", "CHANGELOG.md"].contains(&p.as_str())) {
        for name in code(&prose(&text(&page))).filter(|c| FOLDERS.iter().any(|f| c.starts_with(f))) {
            in_guarantees += usize::from(page == "docs/guarantees.md");
            if !name.contains(' ') && !exists(Path::new(name)) {
                wrong.push(format!("{page}: {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(in_guarantees > 30, "{in_guarantees} files are named in docs/guarantees.md");
}

#[test]
fn every_rule_that_a_page_cites_is_listed() {
    let rules = text("docs/azure-rules.md");
    for page in pages() {
        let page_text = text(&page);
        let words = page_text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        for rule in words.filter(|w| w.starts_with("R-") && w.ends_with(|c: char| c.is_ascii_digit())) {
            assert!(rules.contains(&format!("| {rule} |")), "{page}: {rule}");
        }
    }
}
