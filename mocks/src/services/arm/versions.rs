//! R-ARM-34: which api-versions each provider knows.

use super::{ArmPath, MANAGEMENT, errors};
use crate::{http::message::Fail, world::services};

pub(super) fn check(path: &ArmPath, asked: &str) -> Result<(), Fail> {
    if asked.is_empty() {
        return Err(errors::missing_version());
    }
    let namespace = match &path.provider {
        Some(p) if !path.is_provider_itself() => p.as_str(),
        _ => MANAGEMENT,
    };
    let provider = services::provider(namespace).ok_or_else(|| errors::unknown_namespace(namespace))?;
    let other = provider.other_versions.iter().find(|(at, kind, _)| path.name(*at).eq_ignore_ascii_case(kind));
    let known = other.map_or(provider.versions, |(.., versions)| versions);
    if known.iter().any(|v| v.eq_ignore_ascii_case(asked)) {
        return Ok(());
    }
    let types = path.types();
    Err(errors::unsupported_version(asked, if types.is_empty() { "resourceGroups" } else { &types }, known))
}
