//! How long things took when they were recorded.

use super::Drive;
use crate::recording::{Exchange, path_key};
use cmk_mocks::Delay;
use serde_json::Value;
use std::time::Duration;
use url::Url;

impl Drive<'_> {
    /// Sets how long what this request begins took.
    pub(super) fn let_it_take(&mut self, at: usize) {
        let all = &self.recording.exchanges;
        let Some(e) = all.get(at) else { return };
        let key = e.key();
        let later = |wanted: &dyn Fn(&Exchange) -> bool| self.recording.find(at + 1, wanted);
        let took = |end: Option<usize>| match end {
            Some(end) => Delay::fixed(Duration::try_from(self.times[end] - self.times[at]).unwrap_or_default()),
            None => Delay::ZERO,
        };
        let succeeded = |e: &Exchange| e.resp_body["status"] == "Succeeded";
        let params = &mut self.world.params;
        let header = |name: &str| Some(path_key(Url::parse(e.resp_headers.get(name)?).ok()?.path()));
        if let Some(operation) = header("azure-asyncoperation") {
            let d = took(later(&|e| e.key() == operation && succeeded(e)));
            params.acr_create_duration = d;
            params.acr_update_duration = d;
            params.acr_replication_duration = d;
        }
        if e.method == "PUT" && key.contains("/deployments/") {
            let left = |e: &Exchange| e.key().contains("/operationstatuses/") && e.resp_body["status"] != "Accepted";
            params.deployment_start_delay = took(later(&left));
        }
        if e.method == "DELETE" {
            let end = header("location").and_then(|results| later(&|e| e.key() == results && e.status != 202));
            params.acr_delete_duration = took(end);
            params.acr_replication_duration = took(end);
            params.group_delete_duration = took(end);
        }
        if e.method == "PUT" && key.contains("/replications/") {
            let shows = |e: &Exchange, status: &str| {
                let list = e.resp_body["value"].as_array().map_or(&[][..], Vec::as_slice);
                let mut all = list.iter().chain([&e.resp_body]);
                let mine = |b: &&Value| b["id"].as_str().is_some_and(|id| path_key(id) == key);
                all.find(mine).is_some_and(|b| b["properties"]["status"]["displayStatus"] == status)
            };
            let since = |i: usize| Duration::try_from(self.times[i] - self.times[at]).unwrap_or_default();
            let made = params.acr_replication_duration.max;
            params.acr_replication_sync = match (later(&|e| shows(e, "Syncing")), later(&|e| shows(e, "Ready"))) {
                (None, _) => Delay::ZERO,
                (Some(_), Some(end)) => Delay::fixed(since(end).saturating_sub(made)),
                (Some(_), None) => Delay::fixed(Duration::from_secs(24 * 3600)),
            };
        }
        if e.method == "PUT" && key.contains("/vaults/") {
            let ready = |e: &Exchange| e.key() == key && e.resp_body["properties"]["provisioningState"] == "Succeeded";
            let registering = e.resp_body["properties"]["provisioningState"] == "RegisteringDns";
            params.vault_dns_delay = if registering { took(later(&ready)) } else { Delay::ZERO };
        }
        let deleted = |end: &str| key.replace("/keys/", "/deletedkeys/") + end;
        if e.is_vault() && e.method == "DELETE" && key.starts_with("/keys/") {
            params.key_delete_settle = took(later(&|e| e.key() == deleted("") && e.is_ok() && e.method == "GET"));
        }
        if e.is_vault() && e.method == "POST" && key.ends_with("/recover") {
            let live = key.replace("/deletedkeys/", "/keys/").trim_end_matches("/recover").to_owned();
            params.key_recover_settle = took(later(&|e| e.key().starts_with(&live) && e.is_ok() && e.method == "GET"));
        }
        if e.method == "POST" && key.ends_with("/purge") {
            params.vault_purge_duration = took(later(&|e| e.key().contains("/operationresults/") && succeeded(e)));
        }
        if e.method == "PUT" && key.contains("/userassignedidentities/") {
            let known = later(&|e| e.method == "PUT" && e.key().contains("/roleassignments/") && e.is_ok());
            let early = later(&|e| e.resp_body["error"]["code"] == "PrincipalNotFound");
            params.principal_replication_delay = if early.is_some() { took(known) } else { Delay::ZERO };
        }
    }
}
