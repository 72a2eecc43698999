use super::Check;
use crate::{
    azure::{
        CallError, Reader,
        error::scrub,
        id::RegistryId,
        registries::data::{
            AccessToken, Action, Audience, Digest, LoginAs, LoginServer, ManifestAt, Repository, Stage, TokenScope,
            Trouble,
        },
    },
    engine::{error::Result, journal::journaled},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The repository that is pushed to.
const REPOSITORY: &str = "cmk-probe";

/// Whether images can be pushed to and pulled from a registry, tried out: that its key is reached shows nowhere else
/// (R-CMK-27).
///
/// It pushes an artifact of a few bytes to the repository `cmk-probe`, without a tag, pulls it, and deletes it. The only
/// check that leaves a trace, so it is made only when it is asked for.
#[derive(Clone, Debug)]
pub struct ProbeImages {
    /// The registry.
    pub registry: RegistryId,
    /// Its host, as it says itself (R-ARM-20).
    pub login_server: LoginServer,
}

/// What [`ProbeImages`] saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum ProbeSeen {
    /// What was pushed was pulled.
    Works(Probed),
    /// It came to an end before.
    Failed(Box<Trouble>),
}

/// A registry that serves images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// Its host.
    pub login_server: LoginServer,
    /// The repository that was pushed to.
    pub repository: Repository,
    /// The digest of what was pushed and pulled.
    pub digest: Digest,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Why it could not be deleted again, if it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_behind: Option<String>,
}

journaled!(ProbeSeen, Probed);

impl ProbeSeen {
    /// The stage at which it came to an end; none if all of it went well.
    #[must_use]
    pub fn ended_at(&self) -> Option<Stage> {
        match self {
            Self::Works(probed) => probed.left_behind.as_ref().map(|_| Stage::Delete),
            Self::Failed(trouble) => Some(trouble.stage),
        }
    }
}

impl Check for ProbeImages {
    type Seen = ProbeSeen;
    async fn look(&self, look: &Reader) -> Result<ProbeSeen> {
        Ok(match self.try_out(look).await {
            Ok(probed) => ProbeSeen::Works(probed),
            Err(trouble) => ProbeSeen::Failed(trouble),
        })
    }
}

/// What is pushed: an OCI artifact with an empty configuration and one layer, unlike any before, so that nothing of it can
/// have been kept from an earlier time.
struct Artifact {
    layer: Vec<u8>,
    manifest: Vec<u8>,
}

const EMPTY: &[u8] = b"{}";

impl Artifact {
    fn new(look: &Reader) -> Self {
        let at = look.now().format(&Rfc3339).unwrap_or_default();
        let layer = format!("cmk probe {} {at}\n", look.correlation).into_bytes();
        let empty = "application/vnd.oci.empty.v1+json";
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": "application/vnd.acr-cmk.probe",
            "config": { "mediaType": empty, "digest": Digest::of(EMPTY), "size": EMPTY.len() },
            "layers": [{ "mediaType": "text/plain", "digest": Digest::of(&layer), "size": layer.len() }],
        });
        Self { layer, manifest: manifest.to_string().into_bytes() }
    }
}

impl ProbeImages {
    async fn try_out(&self, look: &Reader) -> Result<Probed, Box<Trouble>> {
        let server = &self.login_server;
        let at = |stage| move |e: CallError| Box::new(Trouble::of_call(server, stage, e));
        let repository: Repository = REPOSITORY
            .parse()
            .map_err(|e: crate::azure::id::InvalidId| Box::new(Trouble::new(server, Stage::Push, e.to_string())))?;

        let challenge = look.challenge(server).await.map_err(at(Stage::Challenge))?;
        let login = look.exchange(&challenge, Audience::Registry).await.map_err(at(Stage::Exchange))?;
        let scope = TokenScope::repository(&repository, &[Action::Pull, Action::Push, Action::Delete]);
        let login = LoginAs::Refresh(login);
        let token =
            look.registry_token(&challenge, &login, std::slice::from_ref(&scope)).await.map_err(at(Stage::Token))?;
        let lacks = token.lacks(&scope);
        self.may_push_and_pull(&lacks)?;

        let artifact = Artifact::new(look);
        // The one look that writes: it is asked for by name, and what it writes it takes away.
        let writer = look.writer();
        let pushed = async {
            writer.push_blob(&token, &repository, EMPTY).await?;
            writer.push_blob(&token, &repository, &artifact.layer).await?;
            let at = ManifestAt::Digest(Digest::of(&artifact.manifest));
            writer.push_manifest(&token, &repository, &at, &artifact.manifest).await
        };
        let digest = pushed.await.map_err(at(Stage::Push))?;
        let pulled = self.pull(look, &token, &repository, &digest, &artifact).await;
        let deleted = match lacks.is_empty() {
            true => writer.delete_manifest(&token, &repository, &digest).await.err().map(|e| scrub(&e.to_string())),
            false => Some("the caller has no right to delete (AcrDelete)".to_owned()),
        };
        pulled?;
        let left_behind = deleted;
        Ok(Probed { login_server: server.clone(), repository, digest, at: look.now(), left_behind })
    }

    fn may_push_and_pull(&self, lacks: &[&str]) -> Result<(), Box<Trouble>> {
        let lacks: Vec<_> = lacks.iter().copied().filter(|action| *action != Action::Delete.as_str()).collect();
        if lacks.is_empty() {
            return Ok(());
        }
        let why = format!(
            "the caller may not {} in repository {REPOSITORY}: it takes AcrPush, or in a registry with permissions by repository \
             Container Registry Repository Writer (R-DP-08)",
            lacks.join(" and ")
        );
        let code = Some("CONNECTIVITY_ACCESS_TOKEN_ERROR".to_owned());
        Err(Box::new(Trouble { code, ..Trouble::new(&self.login_server, Stage::Token, why) }))
    }

    async fn pull(
        &self,
        look: &Reader,
        token: &AccessToken,
        repository: &Repository,
        digest: &Digest,
        pushed: &Artifact,
    ) -> Result<(), Box<Trouble>> {
        let at = |e: CallError| Box::new(Trouble::of_call(&self.login_server, Stage::Pull, e));
        let wrong = |why: &str| Err(Box::new(Trouble::new(&self.login_server, Stage::Pull, why)));
        let manifest = look.pull_manifest(token, repository, &ManifestAt::Digest(digest.clone())).await.map_err(at)?;
        match manifest {
            Some(manifest) if manifest.digest == *digest => {}
            Some(_) => return wrong("the manifest that was pushed came back as another"),
            None => return wrong("the manifest that was pushed is not there"),
        }
        match look.pull_blob(token, repository, &Digest::of(&pushed.layer)).await.map_err(at)? {
            Some(layer) if layer == pushed.layer => Ok(()),
            Some(_) => wrong("the layer that was pushed came back as another"),
            None => wrong("the layer that was pushed is not there"),
        }
    }
}
