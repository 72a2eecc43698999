//! What an example stages in the simulator, and what only the simulator can show. On Azure none of it happens.

use super::{Ground, say};
use anyhow::Result;
use cmk::{Azure, Cloud, azure::Clock, journal::MemoryJournal};
use cmk_mocks::{Clock as SimClock, KeyRef, Outcome, Setup, Sim, VaultModel, World};
use std::{sync::Arc, time::Duration};
use time::OffsetDateTime;

/// The client's clock is the simulator's.
#[derive(Debug)]
struct Shared(SimClock);

impl Clock for Shared {
    fn now(&self) -> OffsetDateTime {
        self.0.now()
    }
}

/// The names of a staged registry and what it leans on.
pub(crate) struct Staged {
    pub(crate) registry: String,
    pub(crate) vault: String,
    pub(crate) key: String,
    pub(crate) identity: String,
}

impl Ground {
    pub(super) fn simulated() -> Self {
        say!("This talks to a simulator inside this program, not to Azure. The same there: see --help.\n");
        let now = OffsetDateTime::now_utc();
        let world = World::new(Setup { now, ..Setup::default() });
        let sim = Sim::new(world, SimClock::tokio(now));
        let azure = Azure::builder(Cloud::public(), sim.credential())
            .transport(sim.transport())
            .clock(Arc::new(Shared(sim.clock().clone())))
            .build();
        Self { azure, journal: Arc::new(MemoryJournal::default()), sim: Some(sim), given: Default::default() }
    }

    pub(crate) fn is_simulated(&self) -> bool {
        self.sim.is_some()
    }

    /// Moves the simulated world, and says so.
    pub(crate) fn stage<R>(&self, what: &str, act: impl FnOnce(&mut World) -> R) -> Option<R> {
        let sim = self.sim.as_ref()?;
        say!("* {what}");
        Some(sim.with_world(|world, _| act(world)))
    }

    /// A registry on a customer-managed key, as somebody made it a month ago.
    pub(crate) fn stage_registry(&self, key_ref: KeyRef, model: VaultModel) -> Result<Staged> {
        let (registry, vault, identity) = (self.registry()?, self.vault()?, self.identity()?);
        let key = self.key_name()?.to_string();
        let group = self.group()?.to_string();
        let what = format!(
            "Registry {} is there, {} key {key} in vault {}.",
            registry.name(),
            if key_ref == KeyRef::Versionless { "following" } else { "pinned to a version of" },
            vault.name()
        );
        self.stage(&what, |world| {
            let made = world.now() - Duration::from_secs(30 * 86_400);
            let identity = world.seed_identity(&group, identity.name());
            world.seed_vault(&group, vault.name(), model);
            world.seed_key(vault.name(), &key, made);
            world.seed_registry_cmk(&group, registry.name(), vault.name(), &key, key_ref, &identity.id);
        });
        let vault = vault.name().to_owned();
        Ok(Staged { registry: registry.to_string(), vault, key, identity: identity.to_string() })
    }

    /// By the simulated clock, or the real one.
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.sim.as_ref().map_or_else(OffsetDateTime::now_utc, |sim| sim.clock().now())
    }

    /// Lets simulated time pass.
    pub(crate) async fn pass(&self, what: &str, time: Duration) {
        if self.sim.is_some() {
            say!("* {what}");
            tokio::time::sleep(time).await;
        }
    }

    /// What a pull from the registry meets.
    pub(crate) fn pull(&self) -> Result<Option<String>> {
        let Some(sim) = &self.sim else { return Ok(None) };
        let registry = self.registry()?;
        let refused = sim.with_world(|world, now| world.pull_refusal(now, registry.as_str()).map(str::to_owned));
        let host = format!("{}.azurecr.io", registry.name());
        match &refused {
            None => say!("$ docker pull {host}/app:1\n  pulled"),
            Some(text) => say!("$ docker pull {host}/app:1\n  {text}"),
        }
        Ok(refused)
    }

    /// A call by hand, as az would send it; the error's text, if it is refused.
    pub(crate) async fn by_hand(
        &self,
        shown: &str,
        method: &str,
        path: &str,
        body: serde_json::Value,
    ) -> Result<Option<String>> {
        let Some(sim) = &self.sim else { return Ok(None) };
        let token =
            sim.with_world(|world, now| world.token(world.operator().object_id, "https://management.azure.com/", now));
        let request = http::Request::builder()
            .method(method)
            .uri(format!("https://management.azure.com{path}?api-version=2025-11-01"))
            .header("host", "management.azure.com")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(bytes::Bytes::from(serde_json::to_vec(&body)?))?;
        let Outcome::Answer(answer) = sim.handle(request).await else { anyhow::bail!("the simulator did not answer") };
        let status = answer.status();
        let refused = if status.is_success() {
            None
        } else {
            let body: serde_json::Value = serde_json::from_slice(answer.body())?;
            Some(body["error"]["message"].as_str().unwrap_or("no message").to_owned())
        };
        match &refused {
            None => say!("$ {shown}\n  {}", if status == 202 { "accepted" } else { "done" }),
            Some(text) => say!("$ {shown}\n  {} {text}", status.as_u16()),
        }
        Ok(refused)
    }
}
