//! The status page: one document with its style and its script, which nothing else may run on.

use super::route::{HTML, Reply, Wrong};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderName, HeaderValue, header};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

static WHOLE: LazyLock<String> =
    LazyLock::new(|| PAGE.replacen("/* style */", STYLE, 1).replacen("/* script */", SCRIPT, 1));

/// Only that style and that script, by their hashes; only our own data; in nobody's frame.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src {}; script-src {}; connect-src 'self'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
});

pub(super) fn reply() -> Result<Reply, Wrong> {
    let policy = HeaderValue::from_str(&POLICY).map_err(Wrong::bad)?;
    Ok(Reply::new(HTML, WHOLE.as_str())
        .header(header::CONTENT_SECURITY_POLICY, policy)
        .header(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"))
        .header(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"))
        .header(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")))
}
