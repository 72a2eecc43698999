//! Causes that no world can stage.

use serde::Serialize;

/// A cause that lies outside every world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Outside {
    /// The code of the cause.
    pub name: &'static str,
    /// Where it lies instead.
    pub why: &'static str,
}

const ASKED: &str = "it is in the question, not in what is asked";
const DOCKER: &str = "it is in the container client of the machine that asks";
const AZURE_CLI: &str = "it is in the Azure CLI of the machine that asks";
const RESOLVER: &str = "it is what the machine's resolver says, which need not be what the world says";
const ON_THE_WAY: &str = "it is on the way between the machine and the registry";

const fn outside_as(name: &'static str, why: &'static str) -> Outside {
    Outside { name, why }
}

const ALL: &[Outside] = &[
    outside_as("repository-name-invalid", ASKED),
    outside_as("aks-not-readable", ASKED),
    outside_as("principal-is-app-id", ASKED),
    outside_as("registry-name-case", DOCKER),
    outside_as("login-user-is-object-id", DOCKER),
    outside_as("login-app-unknown", DOCKER),
    outside_as("anonymous-pull-shadowed", DOCKER),
    outside_as("docker-login-expired", DOCKER),
    outside_as("docker-absent", DOCKER),
    outside_as("docker-old", DOCKER),
    outside_as("docker-daemon-stopped", DOCKER),
    outside_as("docker-config-unreadable", DOCKER),
    outside_as("docker-credential-store-missing", DOCKER),
    outside_as("docker-restart-pending", DOCKER),
    outside_as("docker-proxy-differs", DOCKER),
    outside_as("az-old", AZURE_CLI),
    outside_as("az-other-cloud", AZURE_CLI),
    outside_as("az-other-tenant", AZURE_CLI),
    outside_as("dns-unresolved", RESOLVER),
    outside_as("data-endpoint-unresolved", RESOLVER),
    outside_as("dns-public-despite-endpoint", RESOLVER),
    outside_as("dns-private-elsewhere", RESOLVER),
    outside_as("proxy-suspect", ON_THE_WAY),
    outside_as("tls-failed", ON_THE_WAY),
    outside_as("no-challenge", ON_THE_WAY),
    outside_as("registry-unreachable", ON_THE_WAY),
];

/// All causes that no world can stage, with the reason.
pub fn outside() -> &'static [Outside] {
    ALL
}
