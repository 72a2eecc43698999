use super::{LoginFact, RegistryFact, RepositoryFact, Rights, RolesFact, TokenFact};
use crate::{
    azure::{
        Reader,
        registries::{RegistryAccess, RoleMode},
    },
    diagnosis::{Blind, Fact, Looked, Scene},
};

/// Whether whoever is asked about may do what is asked about, and if not why: what is tried out for the caller, and for
/// others what their roles come to.
#[derive(Clone, Debug)]
pub struct AccessFact {
    /// Which roles the registry heeds.
    pub mode: RoleMode,
    /// What it comes to.
    pub access: Access,
    /// Whether it is the caller, so that it was tried out.
    pub tried: bool,
}

/// What access comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// It works, as far as was tried, or should.
    Given,
    /// What the roles come to is the reason why not.
    ByRoles(Rights),
    /// The registry refuses the login, and roles are no reason for it.
    LoginRefused,
    /// The token allows less than the roles do, or than was asked for by whom whose roles cannot be read.
    TokenLacks,
}

impl Fact for AccessFact {
    async fn look(scene: &Scene, _: &Reader) -> Looked<Self> {
        let registry = scene.see::<RegistryFact>().await?;
        let asked = scene.asked();
        let mode = registry.body.role_mode();
        let tried = asked.principal.is_none() && asked.aks.is_none();
        let access = match (tried, mode) {
            (true, _) => caller(scene, mode).await?,
            (false, Some(mode)) => match rights(scene, mode).await? {
                Rights::Enough => Access::Given,
                Rights::Unreadable(condition) => return Err(Blind::beyond(unreadable(&condition))),
                other => Access::ByRoles(other),
            },
            (false, None) => return Err(Blind::beyond("its roleAssignmentMode is none that this program knows")),
        };
        Ok(Self { mode: mode.unwrap_or(RoleMode::Legacy), access, tried })
    }
}

fn unreadable(condition: &str) -> String {
    format!("a role's condition is of a form that this program does not read: {condition}")
}

async fn rights(scene: &Scene, mode: RoleMode) -> Looked<Rights> {
    let (roles, repository) =
        futures::future::try_join(scene.see::<RolesFact>(), scene.see::<RepositoryFact>()).await?;
    Ok(roles.rights(mode, scene.asked().wants, repository.name.as_ref().map(|n| n.as_str()), scene.now()))
}

/// What was tried out is true; roles only say why.
async fn caller(scene: &Scene, mode: Option<RoleMode>) -> Looked<Access> {
    let asked = scene.asked();
    scene.see::<RepositoryFact>().await?;
    let ended = match &scene.see::<LoginFact>().await?.said {
        // A token that it does not take has nothing to do with roles.
        Err(refused) if refused.status == 401 => return Ok(Access::LoginRefused),
        Err(_) => Access::LoginRefused,
        Ok(_) if asked.repository.is_none() && asked.wants != RegistryAccess::List => return Ok(Access::Given),
        Ok(_) if scene.see::<TokenFact>().await?.lacks.is_empty() => return Ok(Access::Given),
        Ok(_) => Access::TokenLacks,
    };
    let Some(mode) = mode else { return Ok(ended) };
    Ok(match rights(scene, mode).await {
        Ok(Rights::Enough | Rights::Unreadable(_)) | Err(_) => ended,
        Ok(reason) => Access::ByRoles(reason),
    })
}
