//! R-ARM-34: which api-versions each provider knows.

use super::{ArmPath, errors};
use crate::http::message::Fail;

const REGISTRIES: &[&str] = &[
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
const TASKS: &[&str] = &["2018-09-01", "2019-04-01", "2019-06-01-preview", "2025-03-01-preview"];
const NETWORKS: &[&str] = &[
    "2019-11-01",
    "2020-11-01",
    "2021-08-01",
    "2022-07-01",
    "2023-09-01",
    "2023-11-01",
    "2024-01-01",
    "2024-03-01",
    "2024-05-01",
    "2024-07-01",
    "2024-10-01",
];
const PRIVATE_ZONES: &[&str] = &["2018-09-01", "2020-01-01", "2020-06-01", "2024-06-01"];
const CLUSTERS: &[&str] = &["2023-11-01", "2024-02-01", "2024-05-01", "2024-09-01", "2025-01-01"];
const VAULTS: &[&str] = &[
    "2016-10-01",
    "2018-02-14",
    "2018-02-14-preview",
    "2019-09-01",
    "2020-04-01-preview",
    "2021-04-01-preview",
    "2021-06-01-preview",
    "2021-10-01",
    "2021-11-01-preview",
    "2022-02-01-preview",
    "2022-07-01",
    "2022-11-01",
    "2023-02-01",
    "2023-07-01",
    "2024-04-01-preview",
    "2024-11-01",
    "2024-12-01-preview",
    "2025-05-01",
    "2026-02-01",
    "2026-04-01-preview",
    "2026-05-15",
];
const IDENTITIES: &[&str] = &[
    "2015-08-31-preview",
    "2018-11-30",
    "2021-09-30-preview",
    "2022-01-31-preview",
    "2023-01-31",
    "2023-07-31-preview",
    "2024-11-30",
    "2025-01-31-preview",
    "2025-05-31-preview",
];
const AUTHORIZATION: &[&str] = &[
    "2015-07-01",
    "2017-10-01-preview",
    "2018-01-01-preview",
    "2018-07-01",
    "2018-09-01-preview",
    "2020-04-01-preview",
    "2020-08-01-preview",
    "2020-10-01-preview",
    "2021-04-01-preview",
    "2022-01-01-preview",
    "2022-04-01",
    "2022-05-01-preview",
];
const LOCKS: &[&str] = &["2015-01-01", "2016-09-01", "2017-04-01", "2020-05-01"];
const ACTIVITY_LOG: &[&str] = &["2014-04-01", "2015-04-01", "2017-03-01-preview"];
/// There is no other.
const DIAGNOSTIC_SETTINGS: &[&str] = &["2017-05-01-preview", "2021-05-01-preview"];
const WORKSPACES: &[&str] = &[
    "2020-08-01",
    "2020-10-01",
    "2021-06-01",
    "2021-12-01-preview",
    "2022-10-01",
    "2023-09-01",
    "2025-02-01",
    "2025-07-01",
];
const POLICY_INSIGHTS: &[&str] = &["2020-07-01", "2022-03-01", "2023-03-01", "2024-10-01"];
const RESOURCES: &[&str] = &[
    "2015-11-01",
    "2016-06-01",
    "2016-09-01",
    "2017-05-10",
    "2018-02-01",
    "2018-05-01",
    "2019-05-01",
    "2019-05-10",
    "2019-07-01",
    "2019-08-01",
    "2019-10-01",
    "2019-11-01",
    "2020-01-01",
    "2020-06-01",
    "2020-08-01",
    "2020-10-01",
    "2021-01-01",
    "2021-04-01",
    "2022-09-01",
    "2022-12-01",
    "2023-07-01",
    "2024-03-01",
    "2024-07-01",
    "2024-11-01",
    "2025-03-01",
    "2025-04-01",
    // Of deployments: azure-mgmt-resource-deployments 2.0.0 asks for it.
    "2026-06-01",
];

pub(crate) fn versions_of(provider: &str) -> Option<&'static [&'static str]> {
    Some(match provider.to_lowercase().as_str() {
        "microsoft.containerregistry" => REGISTRIES,
        "microsoft.keyvault" => VAULTS,
        "microsoft.managedidentity" => IDENTITIES,
        "microsoft.authorization" => AUTHORIZATION,
        "microsoft.network" => NETWORKS,
        "microsoft.containerservice" => CLUSTERS,
        "microsoft.insights" => DIAGNOSTIC_SETTINGS,
        "microsoft.operationalinsights" => WORKSPACES,
        "microsoft.policyinsights" => POLICY_INSIGHTS,
        "" | "microsoft.resources" => RESOURCES,
        _ => return None,
    })
}

pub(super) fn check(path: &ArmPath, asked: &str) -> Result<(), Fail> {
    if asked.is_empty() {
        return Err(errors::missing_version());
    }
    let provider = match &path.provider {
        Some(p) if !path.is_provider_itself() => p.as_str(),
        _ => "",
    };
    let known = match versions_of(provider).ok_or_else(|| errors::unknown_namespace(provider))? {
        AUTHORIZATION if path.name(0).eq_ignore_ascii_case("locks") => LOCKS,
        NETWORKS if path.name(0).eq_ignore_ascii_case("privateDnsZones") => PRIVATE_ZONES,
        REGISTRIES if path.name(2).eq_ignore_ascii_case("tasks") => TASKS,
        DIAGNOSTIC_SETTINGS if path.name(0).eq_ignore_ascii_case("eventtypes") => ACTIVITY_LOG,
        known => known,
    };
    if known.iter().any(|v| v.eq_ignore_ascii_case(asked)) {
        return Ok(());
    }
    let types = path.types();
    Err(errors::unsupported_version(asked, if types.is_empty() { "resourceGroups" } else { &types }, known))
}
