use super::{ClusterFact, DoorFact};
use crate::{
    azure::{
        Reader,
        error::scrub,
        id::PrincipalId,
        registries::{
            RegistryAccess,
            data::{
                Action, Audience, DataPlaneError, LoginAs, LoginServer, RefreshToken, Repository, Stage, TokenScope,
            },
        },
        role_assignments::PrincipalType,
    },
    diagnosis::{Blind, Fact, Looked, Scene},
};

/// Whose access is asked about.
#[derive(Clone, Debug)]
pub struct SubjectFact {
    /// Its object id.
    pub principal: PrincipalId,
    /// What it is, where that is known.
    pub kind: Option<PrincipalType>,
    /// As it is spoken of.
    pub who: String,
}

impl Fact for SubjectFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        if let Some(id) = &scene.asked().aks {
            let cluster = scene.see::<ClusterFact>().await?;
            let kubelet = cluster.body.as_ref().and_then(|c| c.kubelet()?.principal_id());
            let principal = kubelet.ok_or_else(|| Blind::masked("aks-kubelet-missing"))?;
            let who = format!("the kubelet identity of {} (principal {principal})", id.name());
            return Ok(Self { principal, kind: Some(PrincipalType::ServicePrincipal), who });
        }
        if let Some(principal) = scene.asked().principal {
            return Ok(Self { principal, kind: None, who: format!("principal {principal}") });
        }
        let caller = look.caller().await?;
        let kind = if caller.is_application { PrincipalType::ServicePrincipal } else { PrincipalType::User };
        let who = format!("the caller ({})", caller.object_id);
        Ok(Self { principal: caller.object_id, kind: Some(kind), who })
    }
}

/// The repository that is asked about.
#[derive(Clone, Debug)]
pub struct RepositoryFact {
    /// Its name; `None` if none is asked about.
    pub name: Option<Repository>,
}

impl Fact for RepositoryFact {
    async fn look(scene: &Scene, _: &Reader) -> Looked<Self> {
        let asked = scene.asked();
        // To list is to list all of them, whatever name comes with it.
        let Some(name) = asked.repository.as_ref().filter(|_| asked.wants != RegistryAccess::List) else {
            return Ok(Self { name: None });
        };
        let name = name.parse().map_err(|_| Blind::masked("repository-name-invalid"))?;
        Ok(Self { name: Some(name) })
    }
}

/// Whether the registry exchanges the caller's Entra token for one of its own (R-DP-02).
#[derive(Clone, Debug)]
pub struct LoginFact {
    /// The registry's host.
    pub server: LoginServer,
    /// What it said.
    pub said: Result<RefreshToken, LoginRefused>,
}

/// A login that a registry refused.
#[derive(Clone, Debug)]
pub struct LoginRefused {
    /// The answer's status: 401 of a token that it does not take, 403 of somebody without any role.
    pub status: u16,
    /// What `az acr check-health` calls it (R-DP-11).
    pub code: &'static str,
    /// The registry's words.
    pub why: String,
}

impl Fact for LoginFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let door = scene.see::<DoorFact>().await?;
        let failed = match look.exchange(door.challenge()?, Audience::Registry).await {
            Ok(token) => return Ok(Self { server: door.server.clone(), said: Ok(token) }),
            Err(e) => DataPlaneError::new(&door.server, Stage::Exchange, e),
        };
        let status = failed.source.service().map(|said| said.status);
        let Some((status @ (401 | 403), code)) = status.zip(failed.code) else { return Err(failed.source.into()) };
        let why = scrub(&failed.source.to_string());
        Ok(Self { server: door.server.clone(), said: Err(LoginRefused { status, code, why }) })
    }
}

/// What an access token for what is asked about allows the caller (R-DP-03).
#[derive(Clone, Debug)]
pub struct TokenFact {
    /// What it was asked for.
    pub scope: String,
    /// What of that it does not allow.
    pub lacks: Vec<&'static str>,
}

impl Fact for TokenFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let repository = scene.see::<RepositoryFact>().await?;
        let (door, login) = (scene.see::<DoorFact>().await?, scene.see::<LoginFact>().await?);
        let refresh = match &login.said {
            Ok(token) => token.clone(),
            Err(_) => return Err(Blind::masked("login-refused")),
        };
        let scope = match (&repository.name, scene.asked().wants) {
            (Some(name), RegistryAccess::Pull) => TokenScope::repository(name, &[Action::Pull]),
            (Some(name), RegistryAccess::Push) => TokenScope::repository(name, &[Action::Pull, Action::Push]),
            (Some(name), RegistryAccess::Delete) => TokenScope::repository(name, &[Action::Delete]),
            (_, RegistryAccess::List) => TokenScope::catalog(),
            (None, _) => return Err(Blind::beyond("no repository is asked about")),
        };
        let token =
            look.registry_token(door.challenge()?, &LoginAs::Refresh(refresh), std::slice::from_ref(&scope)).await?;
        Ok(Self { lacks: token.lacks(&scope), scope: scope.to_string() })
    }
}
