use super::{EncryptedFact, RegistryFact, VaultFact};
use crate::{
    azure::{
        Kept, Reader,
        diagnostic_settings::DiagnosticSetting,
        id::{ResourceId, VaultId},
        resources::is,
        workspaces::{LogRow, LogTable},
    },
    diagnosis::{Blind, BlindKind, Fact, KeyUse, Looked, Query, Scene},
};
use time::OffsetDateTime;

/// The category of logins.
pub(in crate::diagnosis) const LOGINS: &str = "ContainerRegistryLoginEvents";
/// The category of what is done to repositories.
pub(in crate::diagnosis) const REPOSITORIES: &str = "ContainerRegistryRepositoryEvents";
/// The category of a vault's calls.
pub(in crate::diagnosis) const AUDIT: &str = "AuditEvent";

/// Where the registry's logs go.
#[derive(Clone, Debug)]
pub struct RegistryLogsFact {
    /// Its diagnostic settings.
    pub settings: Vec<Kept<DiagnosticSetting>>,
}

impl Fact for RegistryLogsFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        scene.see::<RegistryFact>().await?;
        Ok(Self { settings: look.diagnostic_settings(scene.registry().resource()).await? })
    }
}

/// Where the logs of the key's vault go. Only with a customer-managed key.
#[derive(Clone, Debug)]
pub struct VaultLogsFact {
    /// The vault.
    pub vault: VaultId,
    /// Its diagnostic settings.
    pub settings: Vec<Kept<DiagnosticSetting>>,
}

impl Fact for VaultLogsFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let vault = scene.see::<VaultFact>().await?;
        let (id, ..) = vault.there()?;
        Ok(Self { vault: id.clone(), settings: look.diagnostic_settings(id.resource()).await? })
    }
}

/// Whether a setting sends a category anywhere.
pub(in crate::diagnosis) fn sent(settings: &[Kept<DiagnosticSetting>], category: &str) -> bool {
    settings.iter().any(|s| s.sends(category) && (workspace(s).is_some() || s.sends_elsewhere()))
}

/// The workspace that gets a category.
pub(in crate::diagnosis) fn workspace_of(settings: &[Kept<DiagnosticSetting>], category: &str) -> Option<ResourceId> {
    settings.iter().filter(|s| s.sends(category)).find_map(|s| workspace(s))
}

fn workspace(setting: &DiagnosticSetting) -> Option<ResourceId> {
    setting.properties.workspace_id.as_deref().and_then(|id| id.parse().ok())
}

/// Tasks whose logs are kept for a day only. Only with a customer-managed key (R-CMK-32).
#[derive(Clone, Debug)]
pub struct TaskLogsFact {
    /// The names of the enabled ones.
    pub enabled: Vec<String>,
}

impl Fact for TaskLogsFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let encrypted = scene.see::<EncryptedFact>().await?;
        if encrypted.now.is_none() {
            return Err(Blind::no_key());
        }
        let tasks = look.registry_tasks(scene.registry()).await?;
        Ok(Self { enabled: tasks.iter().filter(|t| t.is_enabled()).filter_map(|t| t.name.clone()).collect() })
    }
}

/// A question to the logs of a category.
struct Question<'a> {
    title: &'a str,
    kql: String,
    category: &'a str,
    /// The cause that goes for logs that nobody keeps.
    off: &'static str,
}

impl Question<'_> {
    /// Asks the workspace that was given, or that the settings name; without one the question is left to be asked by hand.
    async fn asked(
        self,
        scene: &Scene,
        look: &Reader,
        settings: Looked<&[Kept<DiagnosticSetting>]>,
    ) -> Looked<LogTable> {
        let Self { title, kql, category, off } = self;
        let target = match (&scene.asked().workspace, settings) {
            (Some(given), _) => Ok(given.clone()),
            (None, Err(blind)) => Err(blind),
            (None, Ok(settings)) => workspace_of(settings, category).ok_or_else(|| match sent(settings, category) {
                true => Blind::beyond(format!("{category} goes to no Log Analytics workspace, but elsewhere")),
                false => Blind::masked(off),
            }),
        };
        let by_hand = |blind: Blind| Blind { why: format!("{}; ask it by hand: {kql}", blind.why), ..blind };
        let workspace = match target {
            Err(blind) if matches!(blind.kind, BlindKind::Masked(_)) => return Err(blind),
            target => {
                let workspace = target.as_ref().ok().cloned();
                let query = Query { title: title.to_owned(), kql: kql.clone(), workspace };
                scene.note(|notes| notes.queries.push(query));
                target.map_err(by_hand)?
            }
        };
        let there = look.log_workspace(&workspace).await.map_err(|e| by_hand(e.into()))?;
        let there = there.ok_or_else(|| Blind::failed(format!("the workspace {workspace} is not there")))?;
        let Some(customer) = there.properties.customer_id else {
            return Err(by_hand(Blind::failed(format!("the workspace {workspace} does not say its customerId"))));
        };
        if scene.cloud().logs_endpoint().is_none() {
            let why = format!("it is not known where Log Analytics is asked in the {} cloud", scene.cloud().name());
            return Err(by_hand(Blind::beyond(why)));
        }
        look.query_logs(&customer, &kql).await.map_err(|e| match e.service() {
            Some(said) if said.table_not_known() => {
                by_hand(Blind::beyond(format!("nothing of {category} has come to {} yet (R-MON-02)", workspace.name())))
            }
            _ => by_hand(e.into()),
        })
    }
}

/// Logins of the last day that were refused (R-DP-24).
#[derive(Clone, Debug)]
pub struct LoginEventsFact {
    /// Who was refused, the most often first.
    pub refused: Vec<RefusedEvent>,
}

/// Calls of repositories of the last day that were refused (R-DP-24).
#[derive(Clone, Debug)]
pub struct RepositoryEventsFact {
    /// What was refused, the most often first.
    pub refused: Vec<RefusedEvent>,
}

/// Refusals that are the same but for their time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedEvent {
    /// Who it was, as the log has it; empty of whoever did not say.
    pub identity: String,
    /// From where.
    pub address: String,
    /// What was done, of repositories: `Pull`, `Push`, ..
    pub operation: String,
    /// To which repository.
    pub repository: String,
    /// The status of the answer.
    pub status: String,
    /// How often.
    pub times: u64,
    /// The last time.
    pub last: Option<OffsetDateTime>,
}

impl RefusedEvent {
    fn of(row: LogRow<'_>) -> Self {
        Self {
            identity: row.text("Identity"),
            address: row.text("CallerIpAddress"),
            operation: row.text("OperationName"),
            repository: row.text("Repository"),
            status: row.text("ResultDescription"),
            times: row.number("Times").unwrap_or(1),
            last: row.time("Last"),
        }
    }
}

/// The question of the registry's documentation, of one registry and with its answers put together.
fn refusals(scene: &Scene, table: &str, which: &str, by: &str) -> String {
    format!(
        "{table} | where TimeGenerated > ago(1d) and _ResourceId =~ \"{}\" | where {which} \
         | summarize Times = count(), Last = max(TimeGenerated) by {by} | order by Times desc | take 50",
        scene.registry()
    )
}

async fn registry_log(scene: &Scene, look: &Reader, title: &str, kql: String, category: &str) -> Looked<LogTable> {
    let logs = scene.see::<RegistryLogsFact>().await;
    let settings = logs.as_ref().map(|logs| &*logs.settings).map_err(Blind::clone);
    Question { title, kql, category, off: "logs-off" }.asked(scene, look, settings).await
}

impl Fact for LoginEventsFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let by = "Identity, CallerIpAddress, ResultDescription";
        let kql = refusals(scene, LOGINS, "ResultDescription != \"200\"", by);
        let found = registry_log(scene, look, "logins refused in the last day", kql, LOGINS).await?;
        Ok(Self { refused: found.rows().map(RefusedEvent::of).collect() })
    }
}

impl Fact for RepositoryEventsFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let by = "OperationName, Repository, Identity, CallerIpAddress, ResultDescription";
        // What is not there is not refused: clients ask so before they push, more often than all else.
        let which = "ResultDescription contains \"40\" and ResultDescription != \"404\"";
        let kql = refusals(scene, REPOSITORIES, which, by);
        let found =
            registry_log(scene, look, "calls of repositories refused in the last day", kql, REPOSITORIES).await?;
        Ok(Self { refused: found.rows().map(RefusedEvent::of).collect() })
    }
}

/// What was done with the registry's key in the last day, as its vault's audit log says (R-KV-17, R-FL-04). Only with a
/// customer-managed key.
#[derive(Clone, Debug)]
pub struct VaultAuditFact {
    /// The uses, the latest first.
    pub uses: Vec<KeyUse>,
}

/// Settings send a vault's log to a table of its own, or to one that many services share.
fn is_dedicated(settings: &[Kept<DiagnosticSetting>]) -> bool {
    let sends = settings.iter().find(|s| s.sends(AUDIT) && workspace(s).is_some());
    sends.is_some_and(|s| is(s.whole()["properties"]["logAnalyticsDestinationType"].as_str(), "Dedicated"))
}

fn audit(vault: &VaultId, key: &str, dedicated: bool) -> String {
    let (table, uri, by) = if dedicated {
        (
            "AZKVAuditLogs",
            "RequestUri",
            "Who = tostring(Identity.claim.oid), App = tostring(Identity.claim.appid), Uri = RequestUri, OperationName, \
             Status = HttpStatusCode, Said = ResultDescription, Ip = CallerIpAddress",
        )
    } else {
        (
            "AzureDiagnostics | where ResourceProvider == \"MICROSOFT.KEYVAULT\" and Category == \"AuditEvent\"",
            "requestUri_s",
            // A claim has a column once a call has brought it.
            "Who = column_ifexists(\"identity_claim_oid_g\", \
             column_ifexists(\"identity_claim_http_schemas_microsoft_com_identity_claims_objectidentifier_g\", \"\")), \
             App = column_ifexists(\"identity_claim_appid_g\", \"\"), Uri = requestUri_s, OperationName, \
             Status = httpStatusCode_d, Said = ResultDescription, Ip = CallerIPAddress",
        )
    };
    format!(
        "{table} | where TimeGenerated > ago(1d) and _ResourceId =~ \"{vault}\" \
         | where OperationName in (\"KeyWrap\", \"KeyUnwrap\", \"KeyGet\") and {uri} contains \"/keys/{key}\" \
         | summarize Times = count(), Last = max(TimeGenerated) by {by} | order by Last desc | take 200"
    )
}

/// Name and version of the key in a request's address.
fn named(uri: &str) -> Option<(&str, &str)> {
    let path = uri.split_once("/keys/")?.1;
    let mut parts = path.split(['?', '#']).next()?.split('/');
    let name = parts.next()?;
    let version = parts.next().filter(|v| v.len() == 32 && v.chars().all(|c| c.is_ascii_hexdigit()));
    Some((name, version.unwrap_or_default()))
}

impl Fact for VaultAuditFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let encrypted = scene.see::<EncryptedFact>().await?;
        let Some(now) = &encrypted.now else { return Err(Blind::no_key()) };
        let vault = scene.see::<VaultFact>().await?;
        let (id, ..) = vault.there()?;
        let key = now.key.name().as_str();
        let logs = scene.see::<VaultLogsFact>().await;
        let settings = logs.as_ref().map(|logs| &*logs.settings).map_err(Blind::clone);
        let kql = audit(id, key, settings.as_ref().is_ok_and(|s| is_dedicated(s)));
        let title = "uses of the key in the last day";
        let found =
            Question { title, kql, category: AUDIT, off: "vault-logs-off" }.asked(scene, look, settings).await?;
        let uses: Vec<KeyUse> = found
            .rows()
            .filter_map(|row| {
                let uri = row.text("Uri");
                let (name, version) = named(&uri)?;
                let used = KeyUse {
                    principal: row.text("Who"),
                    application: row.text("App"),
                    version: version.to_owned(),
                    operation: row.text("OperationName"),
                    status: row.number("Status"),
                    said: row.text("Said"),
                    address: row.text("Ip"),
                    times: row.number("Times").unwrap_or(1),
                    last: row.time("Last")?,
                };
                name.eq_ignore_ascii_case(key).then_some(used)
            })
            .collect();
        scene.note(|notes| notes.key_uses.clone_from(&uses));
        Ok(Self { uses })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_its_key_and_version() {
        let version = "0123456789abcdef0123456789abcdef";
        let uri = format!("https://contoso.vault.azure.net/keys/cmk/{version}/unwrapkey?api-version=7.4");
        assert_eq!(named(&uri), Some(("cmk", version)));
        assert_eq!(named("https://contoso.vault.azure.net/keys/cmk?api-version=7.4"), Some(("cmk", "")));
        assert_eq!(named("https://contoso.vault.azure.net/keys/cmk/versions"), Some(("cmk", "")));
        assert_eq!(named("https://contoso.vault.azure.net/secrets/x"), None);
    }
}
