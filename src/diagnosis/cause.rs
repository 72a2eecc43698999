//! The causes a diagnosis knows, each with its judge.

use super::{
    Scene,
    context::Looked,
    finding::{Area, Case, Finding, Severity},
};
use futures::future::BoxFuture;
use std::fmt;

/// What a judge says: the cause holds, does not, or cannot be looked at.
pub type Judged = Looked<Option<Case>>;

/// The form of a judge.
pub type Judge = for<'a> fn(&'a Scene) -> BoxFuture<'a, Judged>;

/// A cause of trouble: what it is called, how bad it is, and how to tell.
///
/// # A cause of one's own
/// ```
/// use cmk::diagnose::{Area, Case, Cause, Judged, Scene, Severity, facts::RegistryFact};
///
/// async fn untagged(scene: &Scene) -> Judged {
///     let registry = scene.see::<RegistryFact>().await?;
///     let owner = &registry.body.whole()["tags"]["owner"];
///     Ok(owner.is_null().then(|| Case::new("it has no tag 'owner'").seen(&registry, "tags").words("tag it")))
/// }
///
/// const UNTAGGED: Cause =
///     Cause::new("house-untagged", Area::Machine, Severity::Advice, "nobody owns the registry", |s| Box::pin(untagged(s)));
/// # let _ = UNTAGGED;
/// ```
#[derive(Clone, Copy)]
pub struct Cause {
    /// Its code, which stays the same from version to version.
    pub code: &'static str,
    /// What it is about.
    pub area: Area,
    /// How bad it is.
    pub severity: Severity,
    /// The cause in a line.
    pub line: &'static str,
    /// The rules it rests on.
    pub rules: &'static [&'static str],
    /// Microsoft's page about it.
    pub page: &'static str,
    /// The causes it is a mere consequence of, by code, if one of them holds.
    pub follows: &'static [&'static str],
    /// When it is looked for.
    pub when: When,
    judge: Judge,
}

/// When a cause is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// In a diagnosis only.
    Diagnosis,
    /// In an audit only: a choice that is fine for one registry, and worth knowing of many.
    Audit,
    /// In both.
    Both,
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cause").field("code", &self.code).finish_non_exhaustive()
    }
}

impl Cause {
    /// A cause with its judge.
    #[must_use]
    pub const fn new(code: &'static str, area: Area, severity: Severity, line: &'static str, judge: Judge) -> Self {
        Self { code, area, severity, line, rules: &[], page: "", follows: &[], when: When::Diagnosis, judge }
    }
    /// The rules it rests on.
    #[must_use]
    pub const fn rules(mut self, rules: &'static [&'static str]) -> Self {
        self.rules = rules;
        self
    }
    /// Microsoft's page about it.
    #[must_use]
    pub const fn page(mut self, page: &'static str) -> Self {
        self.page = page;
        self
    }
    /// The causes it is a mere consequence of, if one of them holds.
    #[must_use]
    pub const fn follows(mut self, codes: &'static [&'static str]) -> Self {
        self.follows = codes;
        self
    }
    /// Looked for in audits too, or there alone.
    #[must_use]
    pub const fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    pub(super) async fn judged(&self, scene: &Scene) -> Looked<Option<Finding>> {
        let case = (self.judge)(scene).await?;
        Ok(case.map(|case| Finding {
            code: self.code.to_owned(),
            area: self.area,
            severity: case.severity.unwrap_or(self.severity),
            cause: self.line.to_owned(),
            says: case.says,
            certainty: case.certainty,
            evidence: case.evidence,
            rules: self.rules.iter().map(|r| (*r).to_owned()).collect(),
            page: self.page.to_owned(),
            remedies: case.remedies,
            consequences: Vec::new(),
            hides: Vec::new(),
        }))
    }
}

/// All causes a diagnosis looks for, in the order in which they are told: a cause before what may follow from it.
pub fn causes() -> impl Iterator<Item = &'static Cause> {
    super::causes::all()
}

/// Microsoft's pages.
pub(super) mod pages {
    pub(crate) const CMK: &str = "https://learn.microsoft.com/azure/container-registry/tutorial-customer-managed-keys";
    pub(crate) const ENABLE: &str =
        "https://learn.microsoft.com/azure/container-registry/tutorial-enable-customer-managed-keys";
    pub(crate) const ROTATE: &str =
        "https://learn.microsoft.com/azure/container-registry/tutorial-rotate-revoke-customer-managed-keys";
    pub(crate) const TROUBLE: &str =
        "https://learn.microsoft.com/azure/container-registry/tutorial-troubleshoot-customer-managed-keys";
    pub(crate) const VAULT_NETWORK: &str = "https://learn.microsoft.com/azure/key-vault/general/network-security";
    pub(crate) const VAULT_RBAC: &str = "https://learn.microsoft.com/azure/key-vault/general/rbac-guide";
    pub(crate) const SOFT_DELETE: &str = "https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview";
    pub(crate) const RBAC_TROUBLE: &str = "https://learn.microsoft.com/azure/role-based-access-control/troubleshooting";
    pub(crate) const KEYS: &str = "https://learn.microsoft.com/azure/key-vault/keys/about-keys-details";
    pub(crate) const ABAC: &str =
        "https://learn.microsoft.com/azure/container-registry/container-registry-rbac-abac-repository-permissions";
    pub(crate) const ROLES: &str =
        "https://learn.microsoft.com/azure/container-registry/container-registry-rbac-built-in-roles-overview";
    pub(crate) const ARM_AUDIENCE: &str =
        "https://learn.microsoft.com/azure/container-registry/container-registry-disable-authentication-as-arm";
    pub(crate) const AUTHENTICATION: &str =
        "https://learn.microsoft.com/azure/container-registry/container-registry-authentication";
    pub(crate) const ANONYMOUS: &str = "https://learn.microsoft.com/azure/container-registry/anonymous-pull-access";
    pub(crate) const TOKENS: &str =
        "https://learn.microsoft.com/azure/container-registry/container-registry-token-based-repository-permissions";
    pub(crate) const AKS: &str = "https://learn.microsoft.com/azure/aks/cluster-container-registry-integration";
    pub(crate) const ACCESS: &str =
        "https://learn.microsoft.com/azure/container-registry/container-registry-troubleshoot-access";
    pub(crate) const ADDRESSES: &str =
        "https://learn.microsoft.com/azure/container-registry/container-registry-access-selected-networks";
    pub(crate) const CODES: &str =
        "https://learn.microsoft.com/azure/container-registry/container-registry-health-error-reference";
    pub(crate) const HOSTS: &str =
        "https://learn.microsoft.com/azure/container-registry/container-registry-firewall-access-rules";
    pub(crate) const PRIVATE_LINK: &str =
        "https://learn.microsoft.com/azure/container-registry/container-registry-private-link";
    pub(crate) const SERVICE_ENDPOINTS: &str =
        "https://learn.microsoft.com/azure/container-registry/container-registry-vnet";
    pub(crate) const REPLICATION: &str =
        "https://learn.microsoft.com/azure/container-registry/container-registry-geo-replication";
    pub(crate) const TRUSTED: &str =
        "https://learn.microsoft.com/azure/container-registry/allow-access-trusted-services";
    pub(crate) const TASKS: &str =
        "https://learn.microsoft.com/azure/container-registry/manage-network-bypass-policy-for-tasks";
    pub(crate) const MONITOR: &str = "https://learn.microsoft.com/azure/container-registry/monitor-container-registry";
    pub(crate) const VAULT_LOGS: &str = "https://learn.microsoft.com/azure/key-vault/general/logging";
    pub(crate) const HEALTH: &str =
        "https://learn.microsoft.com/azure/container-registry/container-registry-check-health";
    pub(crate) const DOCKER_PROXY: &str = "https://docs.docker.com/engine/daemon/proxy/";
    pub(crate) const AZ_CLOUDS: &str = "https://learn.microsoft.com/cli/azure/manage-clouds-azure-cli";
    pub(crate) const AZ_ACCOUNTS: &str = "https://learn.microsoft.com/cli/azure/manage-azure-subscriptions-azure-cli";
    pub(crate) const LOGIN: &str =
        "https://learn.microsoft.com/azure/container-registry/container-registry-troubleshoot-login";
}
