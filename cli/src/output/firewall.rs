//! The hosts that a firewall lets through.

use super::{Document, text_of};
use cmk::FirewallRules;

const HEAD: [&str; 5] = ["HOST", "PORT", "PURPOSE", "REGION", "FOR_CLIENTS"];

/// The hosts, ready to be printed.
pub(crate) fn firewall(rules: &FirewallRules) -> anyhow::Result<Document> {
    let mut document = Document::new("firewall-rules", FirewallRules::VERSION, rules)?
        .table(rules.to_string())
        .head(HEAD)
        .pair("REGISTRY", rules.registry.to_string())
        .pair("REGIONS_UNKNOWN", text_of(rules.regions_unknown.as_ref()))
        .pair("HOSTS", rules.hosts.len().to_string());
    for (n, one) in rules.hosts.iter().enumerate() {
        let cells = [
            one.host.clone(),
            "443".to_owned(),
            one.purpose.to_string(),
            text_of(one.region.as_ref()),
            one.purpose.for_clients().to_string(),
        ];
        for (name, value) in HEAD.iter().zip(&cells) {
            document = document.pair(format!("HOST_{}_{name}", n + 1), value.clone());
        }
        document = document.row(cells);
    }
    Ok(document)
}
