use crate::{
    azure::{
        Reader,
        id::{PrincipalId, TenantId},
    },
    diagnosis::{Fact, Looked, Scene},
};

/// Who is looking, as its token says.
#[derive(Clone, Debug)]
pub struct CallerFact {
    /// Its object id.
    pub object_id: PrincipalId,
    /// Its tenant.
    pub tenant: TenantId,
    /// Whether it is an application rather than a person.
    pub is_application: bool,
}

impl Fact for CallerFact {
    async fn look(_: &Scene, look: &Reader) -> Looked<Self> {
        let caller = look.caller().await?;
        Ok(Self { object_id: caller.object_id, tenant: caller.tenant, is_application: caller.is_application })
    }
}
