use crate::{
    azure::{Cloud, Kept, Reader, Writer, diagnostic_settings::DiagnosticSetting, id::ResourceId},
    engine::{
        error::{Error, Refusal, Result},
        journal::journaled,
        step::{Applied, Foreseen, Known, Me, Needs, Requirement, Rollback, Seen, Step, Undo},
    },
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The most settings that a resource takes (R-MON-01).
const MOST: usize = 5;

/// Sends logs of a resource to a Log Analytics workspace by a diagnostic setting of its own, as far as no setting does, or
/// takes that setting away. Other settings are left alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SetDiagnostics {
    /// The resource.
    pub resource: ResourceId,
    /// The setting's name.
    pub name: String,
    /// The workspace.
    pub workspace: ResourceId,
    /// The categories.
    pub categories: Vec<String>,
    /// Whether it is to be there.
    pub present: bool,
    /// What has to be done first.
    #[serde(default)]
    pub after: Option<Known<()>>,
}

journaled!(SetDiagnostics);

/// What is to be done.
#[derive(Debug, PartialEq)]
enum Decision {
    /// Nothing.
    Done,
    /// To send these categories, which no setting sends.
    Send(Vec<String>),
    /// To take our setting away.
    Drop,
    /// It cannot be.
    Refused(Box<Refusal>),
}

impl SetDiagnostics {
    /// What is to be done, by the settings that are there: pure.
    fn decide(&self, there: &[Kept<DiagnosticSetting>]) -> Decision {
        let ours = there.iter().find(|s| s.name.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(&self.name)));
        if !self.present {
            return match ours {
                None => Decision::Done,
                Some(ours) if self.is_as_made(ours) => Decision::Drop,
                Some(ours) => Decision::refused(
                    format!(
                        "setting {} of {} is no longer as it was made: {}",
                        self.name,
                        self.resource.name(),
                        said(ours)
                    ),
                    "it is somebody else's now: take it away by hand if it is not wanted",
                ),
            };
        }
        let sent = |category: &String| there.iter().any(|s| s.sends_to(&self.workspace) && s.sends(category));
        let missing: Vec<_> = self.categories.iter().filter(|c| !sent(c)).cloned().collect();
        if missing.is_empty() {
            return Decision::Done;
        }
        if let Some(ours) = ours {
            return Decision::refused(
                format!(
                    "{} has a setting {} already, which is another: {}",
                    self.resource.name(),
                    self.name,
                    said(ours)
                ),
                "give a name that is free (`--setting`), or change that one by hand",
            );
        }
        if there.len() >= MOST {
            return Decision::refused(
                format!("{} has {} diagnostic settings, and {MOST} is the most", self.resource.name(), there.len()),
                "have one taken away that is not needed (`az monitor diagnostic-settings list`)",
            );
        }
        Decision::Send(missing)
    }

    fn is_as_made(&self, setting: &DiagnosticSetting) -> bool {
        let ours = |category: &str| self.categories.iter().any(|c| c.eq_ignore_ascii_case(category));
        setting.sends_to(&self.workspace) && !setting.sends_elsewhere() && setting.sent().all(ours)
    }

    fn of(&self, categories: Vec<String>) -> Foreseen {
        let undo = Self { present: !self.present, categories: categories.clone(), after: None, ..self.clone() };
        let (resource, name, workspace) = (&self.resource, &self.name, &self.workspace);
        if self.present {
            let az = format!("az monitor diagnostic-settings delete --resource {resource} --name {name}");
            let logs = categories.join(" and ");
            let change = format!("{logs} of {} to workspace {} (setting {name})", resource.name(), workspace.name());
            return Foreseen::new(change, Rollback::Step(Undo::by(&undo, az)));
        }
        let logs: Vec<_> = categories.iter().map(|c| format!("{{\"category\":\"{c}\",\"enabled\":true}}")).collect();
        let az = format!(
            "az monitor diagnostic-settings create --resource {resource} --name {name} --workspace {workspace} --logs '[{}]'",
            logs.join(",")
        );
        let change = format!("setting {name} of {} taken away; what it has sent stays", resource.name());
        Foreseen::new(change, Rollback::Step(Undo::by(&undo, az)))
    }

    async fn seen(&self, look: &Reader) -> Result<Vec<Kept<DiagnosticSetting>>> {
        Ok(look.diagnostic_settings(&self.resource).await?)
    }
}

impl Decision {
    fn refused(what: String, way_out: &str) -> Self {
        Self::Refused(Box::new(Refusal::new(what, "R-MON-01", way_out)))
    }
}

/// What a setting does, in words.
fn said(setting: &DiagnosticSetting) -> String {
    let sent: Vec<_> = setting.sent().collect();
    let to = setting.properties.workspace_id.as_deref().unwrap_or("elsewhere");
    format!("it sends {} to {to}", if sent.is_empty() { "nothing".into() } else { sent.join(", ") })
}

impl Step for SetDiagnostics {
    const NAME: &'static str = "set-diagnostics";
    type Made = ();

    fn subject(&self) -> String {
        format!("{}/providers/Microsoft.Insights/diagnosticSettings/{}", self.resource, self.name)
    }
    fn locks(&self, _: &Cloud) -> Vec<String> {
        vec![self.resource.to_string()]
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        self.after.as_ref().and_then(Known::awaits)
    }
    fn foresee(&self) -> Foreseen {
        self.of(self.categories.clone())
    }
    async fn observe(&self, look: &Reader, _: &Me<'_>) -> Result<Seen<()>> {
        let there = self.seen(look).await?;
        let what = match self.decide(&there) {
            Decision::Done => return Ok(Seen::Done(())),
            Decision::Refused(why) => return Ok(Seen::Refused(vec![*why])),
            Decision::Send(missing) => self.of(missing),
            Decision::Drop => self.foresee(),
        };
        Ok(Seen::Needs(Needs::new(what).before(&!self.present).foreseen(())))
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
        // Looked at as late as can be: a setting of this name would be replaced.
        match self.decide(&self.seen(azure).await?) {
            Decision::Done => {}
            Decision::Refused(why) => return Err(Error::refused(*why)),
            Decision::Send(missing) => {
                azure.put_diagnostic_setting(&self.resource, &self.name, &self.workspace, &missing).await?;
            }
            Decision::Drop => {
                azure.delete_diagnostic_setting(&self.resource, &self.name).await?;
            }
        }
        Ok(Applied::now(()))
    }
    fn requires(&self) -> Vec<Requirement> {
        let action = if self.present {
            "Microsoft.Insights/diagnosticSettings/write"
        } else {
            "Microsoft.Insights/diagnosticSettings/delete"
        };
        vec![Requirement::new(&self.resource, action)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const LOGIN: &str = "ContainerRegistryLoginEvents";
    const REPOSITORY: &str = "ContainerRegistryRepositoryEvents";
    const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers";

    fn workspace(name: &str) -> String {
        format!("{GROUP}/Microsoft.OperationalInsights/workspaces/{name}")
    }
    fn step(present: bool) -> SetDiagnostics {
        SetDiagnostics {
            resource: format!("{GROUP}/Microsoft.ContainerRegistry/registries/contoso1").parse().unwrap(),
            name: "cmk".into(),
            workspace: workspace("logs").parse().unwrap(),
            categories: vec![LOGIN.into(), REPOSITORY.into()],
            present,
            after: None,
        }
    }
    fn setting(name: &str, to: &str, categories: &[&str]) -> Kept<DiagnosticSetting> {
        let logs: Vec<_> = categories.iter().map(|c| json!({ "category": c, "enabled": true })).collect();
        serde_json::from_value(json!({ "name": name, "properties": { "workspaceId": workspace(to), "logs": logs } }))
            .unwrap()
    }

    #[test]
    fn r_mon_01_only_what_no_setting_sends_is_sent() {
        let decide = |there: &[Kept<DiagnosticSetting>]| step(true).decide(there);
        assert_eq!(decide(&[]), Decision::Send(vec![LOGIN.into(), REPOSITORY.into()]));
        assert_eq!(decide(&[setting("x", "LOGS", &[LOGIN])]), Decision::Send(vec![REPOSITORY.into()]));
        assert_eq!(decide(&[setting("x", "logs", &[LOGIN]), setting("y", "logs", &[REPOSITORY])]), Decision::Done);
        // To another workspace is no conflict, and no help.
        assert_eq!(decide(&[setting("x", "others", &[LOGIN, REPOSITORY])]), decide(&[]));
        assert_eq!(decide(&[setting("cmk", "logs", &[LOGIN, REPOSITORY])]), Decision::Done);
    }

    #[test]
    fn another_setting_is_never_replaced() {
        let why = |there: &[Kept<DiagnosticSetting>]| match step(true).decide(there) {
            Decision::Refused(why) => why.to_string(),
            other => panic!("{other:?}"),
        };
        assert!(why(&[setting("CMK", "others", &[LOGIN])]).contains("--setting"));
        assert!(why(&[setting("cmk", "logs", &[LOGIN])]).contains("is another"));
        let five: Vec<_> = ["a", "b", "c", "d", "e"].map(|n| setting(n, "others", &[])).into();
        assert!(why(&five).contains("5 is the most"));
    }

    #[test]
    fn what_is_taken_away_is_as_it_was_made() {
        let decide = |there: &[Kept<DiagnosticSetting>]| step(false).decide(there);
        assert_eq!(decide(&[setting("x", "logs", &[LOGIN])]), Decision::Done);
        assert_eq!(decide(&[setting("cmk", "logs", &[LOGIN])]), Decision::Drop);
        assert!(matches!(decide(&[setting("cmk", "others", &[LOGIN])]), Decision::Refused(_)));
        assert!(matches!(decide(&[setting("cmk", "logs", &["Other"])]), Decision::Refused(_)));
    }
}
