use super::{DockerConfigFact, ServerFact, SubjectFact};
use crate::{
    azure::{
        Reader,
        graph::{Application, DirectoryObject},
        id::{ClientId, PrincipalId},
    },
    diagnosis::{Blind, Fact, Looked, Scene},
};
use time::OffsetDateTime;
use uuid::Uuid;

/// Who the principal is that is asked about, as the directory has it.
#[derive(Clone, Debug)]
pub struct DirectoryFact {
    /// The answer; `None` if it is the caller.
    pub who: Option<WhoIsIt>,
}

/// Who the user name is that container clients log in to the registry with, if that is an id of the directory's.
#[derive(Clone, Debug)]
pub struct LoginUserFact {
    /// The answer; `None` of other user names.
    pub who: Option<WhoIsIt>,
}

/// What the directory knows of an id.
#[derive(Clone, Debug)]
pub struct WhoIsIt {
    /// The id.
    pub id: Uuid,
    /// Who has it as its object id.
    pub object: Option<DirectoryObject>,
    /// The service principal that signs in with it.
    pub client: Option<DirectoryObject>,
    /// The application of either.
    pub application: Option<Application>,
}

impl WhoIsIt {
    async fn look(scene: &Scene, look: &Reader, id: Uuid) -> Looked<Self> {
        if scene.cloud().graph_endpoint().is_none() {
            return Err(Blind::beyond("the cloud's table names no Microsoft Graph"));
        }
        let odd = |e: crate::azure::id::InvalidId| Blind::failed(e.to_string());
        let principal: PrincipalId = id.to_string().parse().map_err(odd)?;
        let client: ClientId = id.to_string().parse().map_err(odd)?;
        let (object, of_client) =
            futures::future::try_join(look.directory_object(&principal), look.service_principal_of(&client)).await?;
        let (object, of_client) = (object.map(|o| o.into_typed()), of_client.map(|o| o.into_typed()));
        let found = object.as_ref().or(of_client.as_ref()).filter(|o| o.has_application());
        let application = match found.and_then(DirectoryObject::client) {
            Some(client) => look.application_of(&client).await?.map(|a| a.into_typed()),
            None => None,
        };
        Ok(Self { id, object, client: of_client, application })
    }

    /// When the last of its application's secrets ended, if it has secrets and nothing that is still good.
    #[must_use]
    pub fn secrets_ended(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let application = self.application.as_ref()?;
        let credentials = application.password_credentials.iter().chain(&application.key_credentials);
        let ends: Option<Vec<_>> = credentials.map(|c| c.ends()).collect();
        ends?.into_iter().max().filter(|end| *end <= now)
    }
}

impl Fact for DirectoryFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let asked = scene.asked();
        if asked.principal.is_none() && asked.aks.is_none() {
            return Ok(Self { who: None });
        }
        let subject = scene.see::<SubjectFact>().await?;
        let id = subject.principal.to_string().parse().map_err(|_| Blind::failed("the principal is no GUID"))?;
        Ok(Self { who: Some(WhoIsIt::look(scene, look, id).await?) })
    }
}

impl Fact for LoginUserFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let (config, server) =
            futures::future::try_join(scene.see::<DockerConfigFact>(), scene.see::<ServerFact>()).await?;
        let user = config.login(&server.host)?.and_then(|login| login.user.as_ref()?.parse::<Uuid>().ok());
        // The null GUID goes with a token (R-DP-05).
        let Some(id) = user.filter(|id| !id.is_nil()) else { return Ok(Self { who: None }) };
        Ok(Self { who: Some(WhoIsIt::look(scene, look, id).await?) })
    }
}
