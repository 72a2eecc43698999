//! Diagnostic settings: which logs of a resource go to which workspace, now and before.

use crate::{
    http::message::{Object, Peek},
    world::{World, clock::Moment as _},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use time::{Duration, OffsetDateTime};

/// Streams that ended longer ago feed no table any more.
const REMEMBERED: Duration = Duration::days(730);

/// A setting, as it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Setting {
    /// The id of the resource.
    pub(super) scope: String,
    pub(super) name: String,
    pub(super) properties: Object,
}

/// Logs on their way from a resource to a workspace, as long as a setting sent them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Stream {
    pub(super) scope: String,
    name: String,
    /// The id of the workspace.
    pub(super) workspace: String,
    categories: BTreeSet<String>,
    /// Into tables of its own rather than `AzureDiagnostics`.
    pub(super) dedicated: bool,
    from: OffsetDateTime,
    until: Option<OffsetDateTime>,
}

impl Stream {
    pub(super) fn carries(&self, category: &str, at: OffsetDateTime) -> bool {
        self.categories.contains(category) && self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) all: Vec<Setting>,
    pub(super) streams: Vec<Stream>,
}

impl Setting {
    fn is(&self, scope: &str, name: &str) -> bool {
        self.scope.eq_ignore_ascii_case(scope) && self.name.eq_ignore_ascii_case(name)
    }

    /// The categories that are switched on, those of groups too.
    pub(super) fn categories(&self) -> BTreeSet<String> {
        let kind = Logged::of(&self.scope);
        let logs = self.properties.at("logs").and_then(Value::as_array);
        let on = logs.into_iter().flatten().filter_map(Value::as_object).filter(|l| l.flag("enabled") == Some(true));
        on.flat_map(|log| match (log.text("category"), log.text("categoryGroup")) {
            (Some(category), _) => vec![category.to_owned()],
            (None, Some(group)) => kind.iter().flat_map(|k| k.of_group(group)).map(|c| (*c).to_owned()).collect(),
            (None, None) => Vec::new(),
        })
        .collect()
    }

    pub(super) fn workspace(&self) -> Option<&str> {
        self.properties.text("workspaceId")
    }

    fn dedicated(&self) -> bool {
        let kind = self.properties.text("logAnalyticsDestinationType");
        // Registries have tables of their own whatever is asked for.
        kind.is_some_and(|k| k.eq_ignore_ascii_case("Dedicated")) || Logged::of(&self.scope) == Some(Logged::Registry)
    }
}

/// A type of resource that has logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logged {
    Registry,
    Vault,
}

impl Logged {
    /// By an id.
    pub(super) fn of(id: &str) -> Option<Self> {
        let id = id.to_lowercase();
        let kind = id.rsplit_once("/providers/")?.1;
        let mut parts = kind.split('/');
        match (parts.next()?, parts.next()?, parts.next()?, parts.next()) {
            ("microsoft.containerregistry", "registries", _, None) => Some(Self::Registry),
            ("microsoft.keyvault", "vaults", _, None) => Some(Self::Vault),
            _ => None,
        }
    }

    /// The categories, as the list of supported ones has them.
    pub(super) fn categories(self) -> &'static [&'static str] {
        match self {
            Self::Registry => &["ContainerRegistryLoginEvents", "ContainerRegistryRepositoryEvents"],
            Self::Vault => &["AuditEvent", "AzurePolicyEvaluationDetails"],
        }
    }

    /// None for a group that there is not. What a vault's policies say is no part of its audit.
    pub(super) fn of_group(self, group: &str) -> &'static [&'static str] {
        match (group.to_lowercase().as_str(), self) {
            ("audit", Self::Vault) => &["AuditEvent"],
            ("audit" | "alllogs", _) => self.categories(),
            _ => &[],
        }
    }
}

impl World {
    pub(super) fn setting(&self, scope: &str, name: &str) -> Option<&Setting> {
        self.monitor.settings.all.iter().find(|s| s.is(scope, name))
    }

    pub(super) fn put_setting(&mut self, setting: Setting, delay: std::time::Duration) {
        let now = self.now;
        self.monitor.settings.all.retain(|s| !s.is(&setting.scope, &setting.name));
        let from = now.after(delay);
        let stream = setting.workspace().map(|workspace| Stream {
            scope: setting.scope.clone(),
            name: setting.name.clone(),
            workspace: workspace.to_owned(),
            categories: setting.categories(),
            dedicated: setting.dedicated(),
            from,
            until: None,
        });
        self.monitor.settings.all.push(setting.clone());
        let streams = &mut self.monitor.settings.streams;
        streams.retain(|s| s.until.is_none_or(|until| now - until < REMEMBERED));
        let goes_on = |s: &Stream| stream.as_ref().is_some_and(|new| Stream { from, ..s.clone() } == *new);
        let mut on = false;
        for old in streams.iter_mut().filter(|s| s.until.is_none() && setting.is(&s.scope, &s.name)) {
            if goes_on(old) {
                on = true;
            } else {
                old.until = Some(now);
            }
        }
        if !on {
            streams.extend(stream);
        }
    }

    /// Whether it was there.
    pub(super) fn remove_setting(&mut self, scope: &str, name: &str) -> bool {
        let (now, before) = (self.now, self.monitor.settings.all.len());
        self.monitor.settings.all.retain(|s| !s.is(scope, name));
        let open = |s: &&mut Stream| {
            s.until.is_none() && s.scope.eq_ignore_ascii_case(scope) && s.name.eq_ignore_ascii_case(name)
        };
        self.monitor.settings.streams.iter_mut().filter(open).for_each(|s| s.until = Some(now));
        self.monitor.settings.all.len() < before
    }

    /// Sends logs of a registry or a vault to a workspace, from now on: categories (`AuditEvent`, ..) or groups
    /// (`audit`, `allLogs`). Those of a vault go to `AzureDiagnostics`, as they do unless told otherwise.
    pub fn seed_diagnostic_setting(&mut self, resource: &str, name: &str, workspace: &str, categories: &[&str]) {
        self.seed_setting(resource, name, workspace, categories, None);
    }

    /// As `seed_diagnostic_setting`, into tables of their own: those of a vault to `AZKVAuditLogs`.
    pub fn seed_dedicated_diagnostic_setting(
        &mut self,
        resource: &str,
        name: &str,
        workspace: &str,
        categories: &[&str],
    ) {
        self.seed_setting(resource, name, workspace, categories, Some("Dedicated"));
    }

    /// The diagnostic settings of a resource: name, workspace, and the categories that are switched on.
    pub fn diagnostic_settings(&self, resource: &str) -> Vec<(String, Option<String>, Vec<String>)> {
        let mine = self.monitor.settings.all.iter().filter(|s| s.scope.eq_ignore_ascii_case(resource));
        let view =
            |s: &Setting| (s.name.clone(), s.workspace().map(str::to_owned), s.categories().into_iter().collect());
        mine.map(view).collect()
    }

    fn seed_setting(&mut self, resource: &str, name: &str, workspace: &str, logs: &[&str], kind: Option<&str>) {
        let log = |name: &&str| {
            let group = ["audit", "allLogs"].iter().any(|g| g.eq_ignore_ascii_case(name));
            json!({if group { "categoryGroup" } else { "category" }: name, "enabled": true})
        };
        let mut properties = Object::new();
        properties.insert("workspaceId".into(), json!(workspace));
        properties.insert("logs".into(), logs.iter().map(log).collect());
        properties.insert("metrics".into(), json!([]));
        properties.insert("logAnalyticsDestinationType".into(), json!(kind));
        let scope = self.canonical_scope(resource).unwrap_or_else(|_| resource.to_owned());
        self.put_setting(Setting { scope, name: name.to_owned(), properties }, std::time::Duration::ZERO);
    }
}
