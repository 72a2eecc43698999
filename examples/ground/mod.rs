//! Where the numbered examples play: a simulator in this process on a virtual clock, or Azure with `-- --azure`.
#![allow(dead_code, reason = "each example needs a part of it")]

mod args;
mod simulator;
pub(crate) mod tell;

use anyhow::{Context as _, Result, bail, ensure};
use args::{Given, Wanted};
use cmk::{
    Auth, Azure, Cloud, Plan, Run, Workflow,
    azure::id::{IdentityId, KeyId, KeyName, Location, RegistryId, ResourceGroupName, SubscriptionId, VaultId},
    journal::{FileJournal, Journal, RunName},
};
use cmk_mocks::{Setup, Sim};

use std::{
    future::Future,
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
    sync::Arc,
};
pub(crate) use tell::say;

pub(crate) struct Ground {
    pub(crate) azure: Azure,
    /// Where the runs are kept.
    pub(crate) journal: Arc<dyn Journal>,
    /// `None` on Azure.
    sim: Option<Sim>,
    given: Given,
}

/// Tells an example's story where the command line says.
pub(crate) fn play<F: Future<Output = Result<()>>>(story: impl FnOnce(Ground) -> F) -> ExitCode {
    let wanted = match args::read(std::env::args().skip(1)) {
        Ok(wanted) => wanted,
        Err(e) => {
            eprintln!("{e}\n\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    if let Wanted::Help = wanted {
        say!("{}", args::USAGE);
        return ExitCode::SUCCESS;
    }
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    // In the simulator time passes only when everything waits: minutes of Azure's are over at once.
    let runtime = runtime.enable_all().start_paused(matches!(wanted, Wanted::Simulator)).build();
    let told = runtime.map_err(Into::into).and_then(|runtime| {
        runtime.block_on(async {
            match wanted {
                Wanted::Azure(given) => story(Ground::azure(given)?).await,
                _ => story(Ground::simulated()).await,
            }
        })
    });
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            // The library's own errors tell their causes themselves.
            let why = if e.is::<cmk::Error>() { e.to_string() } else { format!("{e:#}") };
            eprintln!("\nThe example failed: {why}");
            ExitCode::FAILURE
        }
    }
}

impl Ground {
    fn azure(given: Given) -> Result<Self> {
        let auth: Auth = given.get("auth").unwrap_or("chain").parse()?;
        let cloud = Cloud::public();
        let login = auth.credential(&cloud, None);
        let login = login.with_context(|| format!("cannot log in by {auth}; --help lists the other ways"))?;
        let azure = Azure::new(cloud, login);
        say!("This talks to Azure, logged in by {auth}.\n");
        let journal = Arc::new(FileJournal::open(FileJournal::default_dir()?)?);
        Ok(Self { azure, journal, sim: None, given })
    }

    // ---- names ----------------------------------------------------------------------------------------------------

    fn named<'a>(&'a self, option: &str, simulated: &'a str) -> Result<&'a str> {
        if self.sim.is_some() { Ok(simulated) } else { self.given.need(option) }
    }
    pub(crate) fn subscription(&self) -> Result<SubscriptionId> {
        match self.sim {
            Some(_) => Ok(SubscriptionId::new(Setup::default().subscription)),
            None => Ok(self.given.need("subscription")?.parse()?),
        }
    }
    pub(crate) fn group(&self) -> Result<ResourceGroupName> {
        Ok(self.named("group", "shop")?.parse()?)
    }
    pub(crate) fn location(&self) -> Result<Location> {
        Ok(self.named("location", "westeurope")?.parse()?)
    }
    pub(crate) fn registry(&self) -> Result<RegistryId> {
        Ok(RegistryId::new(&self.subscription()?, self.group()?.as_str(), self.named("registry", "contoso1")?)?)
    }
    pub(crate) fn vault(&self) -> Result<VaultId> {
        match self.given.get("vault") {
            Some(name) => self.vault_named(name),
            None => Ok(VaultId::derived_from(&self.registry()?)),
        }
    }
    pub(crate) fn vault_named(&self, name: &str) -> Result<VaultId> {
        Ok(VaultId::new(&self.subscription()?, self.group()?.as_str(), name)?)
    }
    pub(crate) fn identity(&self) -> Result<IdentityId> {
        match self.given.get("identity") {
            Some(name) => Ok(IdentityId::new(&self.subscription()?, self.group()?.as_str(), name)?),
            None => Ok(IdentityId::derived_from(&self.registry()?)),
        }
    }
    /// An identity besides the registry's own: on Azure the one that `--identity` names.
    pub(crate) fn other_identity(&self, simulated: &str) -> Result<IdentityId> {
        let name = self.named("identity", simulated)?;
        Ok(IdentityId::new(&self.subscription()?, self.group()?.as_str(), name)?)
    }
    pub(crate) fn key_name(&self) -> Result<KeyName> {
        match self.given.get("key") {
            Some(name) => Ok(name.parse()?),
            None => Ok(KeyName::derived_from(&self.registry()?)),
        }
    }
    /// A key in a vault, without a version.
    pub(crate) fn key_in(&self, vault: &VaultId, key: &str) -> Result<KeyId> {
        let cloud = self.azure.cloud();
        Ok(KeyId::parse(cloud, &format!("https://{}.{}/keys/{key}", vault.name(), cloud.vault_suffix()))?)
    }
    /// What an option says on Azure; `simulated` in the simulator.
    pub(crate) fn option(&self, option: &str, simulated: &str) -> Result<String> {
        self.named(option, simulated).map(Into::into)
    }
    /// A run's name: the same each time in the simulator, where nothing is kept; one nobody else uses on Azure.
    pub(crate) fn run_name(&self, workflow: &str) -> Result<RunName> {
        match self.sim {
            Some(_) => Ok(workflow.parse()?),
            None => Ok(RunName::unique(workflow, time::OffsetDateTime::now_utc())),
        }
    }

    // ---- runs -----------------------------------------------------------------------------------------------------

    /// Shows a run's plan, asks if it is on Azure, carries it out, and shows the ways back that it fixed.
    pub(crate) async fn carry_out<W: Workflow>(&self, run: Run<W>) -> Result<W::Outcome> {
        self.carry_out_as(&self.run_name(W::NAME)?, run).await
    }
    /// The same under a name, by which the run is found again.
    pub(crate) async fn carry_out_as<W: Workflow>(&self, name: &RunName, run: Run<W>) -> Result<W::Outcome> {
        let plan = run.plan().await?;
        show(&plan);
        ensure!(plan.refusals.is_empty(), "the plan is refused; the lines above say why, and what to do instead");
        if plan.has_changes() {
            self.ask()?;
        }
        let began = self.now();
        say!("Run:");
        let run = run.named(name.as_str()).shared_journal(self.journal.clone()).watch(tell::events(&plan.notes));
        let outcome = run.await?;
        if self.sim.is_some() {
            let took = (self.now() - began).whole_seconds();
            say!("  (that took {} min {} s of simulated time)", took / 60, took % 60);
        }
        say!("The ways back, fixed before each step acted:");
        tell::ways_back(&self.journal.read(name).await?);
        Ok(outcome)
    }

    /// Takes up a run that was cut short, or has failed and can go on.
    pub(crate) async fn take_up<W: Workflow>(&self, name: &RunName, run: Run<W>) -> Result<W::Outcome> {
        let run = run.named(name.as_str()).shared_journal(self.journal.clone()).watch(tell::events(&[]));
        Ok(run.await?)
    }

    /// Before the first change on Azure.
    pub(crate) fn ask(&self) -> Result<()> {
        if self.sim.is_some() || self.given.yes {
            return Ok(());
        }
        ensure!(std::io::stdin().is_terminal(), "nobody can be asked here: say --yes if it is meant");
        print!("Carry it out? [y/N] ");
        std::io::stdout().flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            bail!("stopped, as you said; nothing was changed");
        }
        Ok(())
    }

    /// What the registry and the vault say.
    pub(crate) async fn show_status(&self) -> Result<()> {
        let status = cmk::status(&self.azure, &self.registry()?).await?;
        for line in status.to_string().lines() {
            say!("{}", tell::short(line).trim_end());
        }
        Ok(())
    }
}

/// A plan, its ids shortened; the commands in it whole.
pub(crate) fn show(plan: &Plan) {
    for (n, line) in plan.to_string().lines().enumerate() {
        let line = if line.contains("az ") { line.into() } else { tell::short(line) };
        say!("{}{line}", if n == 0 { "Plan: " } else { "" });
    }
}
