use crate::{
    azure::Reader,
    diagnosis::{Blind, Fact, Looked, Scene},
};
use serde_json::Value;
use std::path::PathBuf;

/// The Azure CLI of this user, where it was ever logged in: the subscription it works on.
#[derive(Clone, Debug)]
pub struct AzFact {
    /// Where its profile is.
    pub path: PathBuf,
    /// Its default subscription; `None` without a login.
    pub works_on: Option<AzSubscription>,
    /// Its version, if it says it.
    pub version: Option<String>,
}

/// A subscription of the Azure CLI's profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AzSubscription {
    /// Its name.
    pub name: String,
    /// Its cloud: `AzureCloud`, `AzureChinaCloud`, `AzureUSGovernment`, or a custom one's name.
    pub cloud: String,
    /// Its tenant.
    pub tenant: String,
}

impl Fact for AzFact {
    async fn look(scene: &Scene, _: &Reader) -> Looked<Self> {
        let machine = scene.machine();
        let given = machine.env("AZURE_CONFIG_DIR").map(PathBuf::from);
        let folder = given.or_else(|| machine.home().map(|home| home.join(".azure")));
        let path = folder.ok_or_else(|| Blind::beyond("no home directory is known"))?.join("azureProfile.json");
        let unread = |why: String| Blind::beyond(format!("{}: {why}", path.display()));
        let Some(content) = machine.file(&path).await.map_err(|e| unread(e.to_string()))? else {
            return Ok(Self { path, works_on: None, version: None });
        };
        // It begins with a byte order mark.
        let content = content.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(&content);
        let profile: Value = serde_json::from_slice(content).map_err(|e| unread(e.to_string()))?;
        let all = profile["subscriptions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let works_on = all.iter().find(|s| s["isDefault"] == true).map(|s| {
            let text = |member: &str| s[member].as_str().unwrap_or_default().to_owned();
            AzSubscription { name: text("name"), cloud: text("environmentName"), tenant: text("tenantId") }
        });
        let version = match machine.run("az", &["version", "--output", "json"]).await {
            Ok(ran) => {
                serde_json::from_str::<Value>(&ran.stdout).unwrap_or_default()["azure-cli"].as_str().map(str::to_owned)
            }
            Err(_) => None,
        };
        Ok(Self { path, works_on, version })
    }
}
