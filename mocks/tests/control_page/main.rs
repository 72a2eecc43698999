//! The status page in a real browser without a window: what it renders, and that names are text in it.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::support::controlling::Steered;
use cmk_mocks::{Fault, What, When};
use libtest_mimic::{Arguments, Failed, Trial};

#[path = "../support/mod.rs"]
mod support;

const TEST: &str = "the_page_shows_the_world_and_runs_nothing_of_it";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let (browser, no_browser) = (browser(), std::env::var_os("CMK_NO_BROWSER").is_some_and(|v| !v.is_empty()));
    let ci = std::env::var("CI").is_ok_and(|v| v == "true");
    let trial = match (browser, no_browser) {
        (Some(browser), false) => Trial::test(TEST, move || in_the_browser(&browser)),
        (None, false) if ci => {
            Trial::test(TEST, || Err("there is no Chromium (with CMK_NO_BROWSER=1 this is left out)".into()))
        }
        _ => Trial::test(TEST, || Ok(())).with_ignored_flag(true),
    };
    libtest_mimic::run(&arguments, vec![trial]).exit_code()
}

/// `CMK_BROWSER`, or a Chromium on the path.
fn browser() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CMK_BROWSER") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    std::env::split_paths(&path).flat_map(|dir| names.map(|name| dir.join(name))).find(|file| file.is_file())
}

fn in_the_browser(browser: &Path) -> Result<(), Failed> {
    // More than one thread: the server answers while this one waits for the browser.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let steered = runtime.block_on(async {
        let steered = Steered::new().await;
        let late = Fault::new(When::request(2), What::Throttle { retry_after_s: 1, header: Default::default() });
        steered.sim.schedule([late]);
        for group in ["shop", "shop", "none-such"] {
            steered.arm("GET", &steered.group_path(group), "").await;
        }
        steered
    });
    let url = format!("http://{}/", steered.server.addr());
    let dom = run(browser, &url, &["--dump-dom"])?;
    let text = shown(&dom);

    let seeded = &steered.seeded;
    for there in [
        "azure-sim",
        "Up to date",
        "2026-11-22 00:00:00 UTC",
        "by hand",
        "contoso1",
        "customer-managed key",
        &seeded.versions[0],
        &seeded.versions[1],
        "vault2",
        "disabled",
        "2026-11-23 00:00:00 UTC",
        "no: NoRole, no role assignment in force allows it; a grant comes into force 2026-11-22 00:05:00 UTC",
        "no: NoPolicy, no access policy in force allows it",
        "no: IdentityDeleted, the identity is deleted",
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "/resourcegroups/none-such",
        "throttle",
        "429",
        // As text, which the DOM writes with entities.
        "&lt;script&gt;document.title='struck'&lt;/script&gt;",
        "Ada &lt;b&gt;Lovelace&lt;/b&gt;",
    ] {
        if !text.contains(there) {
            return Err(format!("the page does not show {there:?}:\n{text}").into());
        }
    }
    for gone in ["<title>struck", "<b>", "<script>document"] {
        if dom.contains(gone) {
            return Err(format!("a name became markup: {gone}").into());
        }
    }
    // One table a list, with heads, a name and a region that the keyboard reaches.
    let count = |what: &str| dom.matches(what).count();
    let found = [count("<table aria-label="), count("role=\"region\" tabindex=\"0\""), count("<main "), count("<nav ")];
    if found != [5, 5, 1, 1] || count("scope=\"col\"") < 30 || count("scope=\"row\"") < 10 {
        return Err(format!("tables, regions, main, nav: {found:?}\n{dom}").into());
    }

    let picture = picture_path();
    let asked = format!("--screenshot={}", picture.display());
    run(browser, &url, &[&asked, "--window-size=1280,2600", "--hide-scrollbars"])?;
    let size = std::fs::metadata(&picture)?.len();
    println!("{}: {size} bytes", picture.display());
    if size < 20_000 {
        return Err(format!("the picture is empty: {size} bytes").into());
    }
    runtime.block_on(steered.server.shutdown());
    Ok(())
}

/// Where the picture is left, for who wants to look at it.
fn picture_path() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("status-page.png")
}

/// What the browser shows: the document without its head and its script.
fn shown(dom: &str) -> String {
    let body = dom.split_once("<body>").map_or(dom, |(_, body)| body);
    body.rsplit_once("<script>").map_or(body, |(before, _)| before).to_owned()
}

/// Loads the page in a browser with a profile of its own, and gives what it printed.
fn run(browser: &Path, url: &str, more: &[&str]) -> Result<String, Failed> {
    let profile = tempfile::tempdir()?;
    let output = tempfile::NamedTempFile::new()?;
    let mut child = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--disable-dev-shm-usage", "--virtual-time-budget=5000"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(more)
        .arg(url)
        .env_remove("http_proxy")
        .env_remove("HTTP_PROXY")
        .stdin(Stdio::null())
        .stdout(output.reopen()?)
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("{}: {e}", browser.display()))?;
    let until = Instant::now() + Duration::from_secs(120);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() > until {
            child.kill()?;
            child.wait()?;
            return Err("the browser did not end in two minutes".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    if !status.success() {
        return Err(format!("the browser ended with {status}").into());
    }
    Ok(std::fs::read_to_string(output.path())?)
}
