//! What a registry shows, and how it is made, under which api-version: as recorded until 2023-07, then by the OpenAPI files
//! of 2023-07-01 and 2025-11-01 and the change log of Microsoft's template reference. ASSUMED: 2025-04-01 is as 2023-07-01.

pub(super) const KNOWN: &[&str] = &[
    "2017-10-01",
    "2018-02-01-preview",
    "2019-05-01",
    "2019-12-01-preview",
    "2020-11-01-preview",
    "2021-06-01-preview",
    "2021-08-01-preview",
    "2021-09-01",
    "2021-12-01-preview",
    "2022-02-01-preview",
    "2022-12-01",
    "2023-01-01-preview",
    "2023-06-01-preview",
    "2023-07-01",
    "2023-08-01-preview",
    "2023-11-01-preview",
    "2024-11-01-preview",
    "2025-03-01-preview",
    "2025-04-01",
    "2025-05-01-preview",
    "2025-06-01-preview",
    "2025-11-01",
    "2026-09-01-preview",
];

/// Tasks are described apart from the registries they belong to.
pub(super) const OF_TASKS: &[&str] = &["2018-09-01", "2019-04-01", "2019-06-01-preview", "2025-03-01-preview"];

fn is_preview(api: &str) -> bool {
    api.ends_with("-preview")
}

/// In previews since that one, and in stable versions since 2025-11-01.
fn came_by_preview(api: &str, first: &str) -> bool {
    if is_preview(api) { api >= first } else { api >= "2025-11-01" }
}

/// Whether a registry or replication has a member of `properties`, of `properties.policies`, or `systemData`.
pub(super) fn shows(api: &str, member: &str) -> bool {
    match member {
        "policies" => api >= "2019-05-01",
        "encryption"
        | "dataEndpointEnabled"
        | "dataEndpointHostNames"
        | "privateEndpointConnections"
        | "publicNetworkAccess"
        | "systemData" => api >= "2019-12-01-preview",
        "networkRuleBypassOptions" | "zoneRedundancy" | "regionEndpointEnabled" => api >= "2020-11-01-preview",
        "anonymousPullEnabled" => came_by_preview(api, "2020-11-01-preview"),
        "exportPolicy" => api >= "2021-06-01-preview",
        "azureADAuthenticationAsArmPolicy" => came_by_preview(api, "2022-02-01-preview"),
        "softDeletePolicy" => is_preview(api) && api >= "2022-02-01-preview",
        "roleAssignmentMode" => came_by_preview(api, "2025-03-01-preview"),
        "networkRuleBypassAllowedForTasks" => came_by_preview(api, "2025-05-01-preview"),
        "virtualNetworkRules" => api <= "2019-05-01" || is_preview(api) && api < "2022-02",
        _ => true,
    }
}

/// Whether a registry without a key of one's own is there with the answer to its PUT (recorded until 2024-10).
pub(super) fn makes_at_once(api: &str) -> bool {
    !is_preview(api) && api <= "2021-09-01"
}

/// Whether its usage tells of more than storage and webhooks (ASSUMED: since when).
pub(super) fn counts_all(api: &str) -> bool {
    api >= "2019-12-01-preview"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_with_their_versions() {
        for (member, has, has_not) in [
            ("encryption", "2019-12-01-preview", "2019-05-01"),
            ("anonymousPullEnabled", "2020-11-01-preview", "2023-07-01"),
            ("anonymousPullEnabled", "2025-11-01", "2021-09-01"),
            ("softDeletePolicy", "2023-01-01-preview", "2025-11-01"),
            ("roleAssignmentMode", "2026-09-01-preview", "2024-11-01-preview"),
            ("virtualNetworkRules", "2021-12-01-preview", "2021-09-01"),
            ("virtualNetworkRules", "2017-10-01", "2023-07-01"),
        ] {
            assert!(shows(has, member), "{member} in {has}");
            assert!(!shows(has_not, member), "{member} in {has_not}");
        }
    }
}
