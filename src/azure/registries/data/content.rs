//! Content of a registry, piece by piece, each small enough to be held: for probes, not for images.

use super::{AccessToken, Asked, Digest, Repository};
use crate::azure::{
    Reader, Writer,
    client::read_into,
    id::InvalidId,
    limited::{PAGES, Room},
    retry::{Answer, CallError, Called, Cause, Nature, Sent},
};
use azure_core::http::Method;
use serde::Deserialize;
use std::{fmt, str::FromStr};
use url::Url;

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";
const REDIRECTS: &[u16] = &[301, 302, 303, 307, 308];

/// Where a manifest is: by its tag, or by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestAt {
    /// Under a tag.
    Tag(String),
    /// Under its digest.
    Digest(Digest),
}

impl FromStr for ManifestAt {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.contains(':') {
            return text.parse().map(Self::Digest);
        }
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let good = text.len() <= 128 && text.starts_with(word) && text.chars().all(|c| word(c) || ".-".contains(c));
        if good {
            Ok(Self::Tag(text.to_owned()))
        } else {
            Err(InvalidId::new(text, "tag", "own", "give a tag such as v1.2"))
        }
    }
}

impl fmt::Display for ManifestAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => fmt::Display::fmt(digest, f),
        }
    }
}

/// A manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Of what kind it is.
    pub media_type: String,
    /// The digest of its bytes, as they came.
    pub digest: Digest,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Reader {
    /// A manifest, if there is one.
    ///
    /// <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests>
    ///
    /// # Errors
    /// When the call fails; 401 `insufficient_scope` without the right (R-DP-03), 403 for what R-DP-26 lists.
    pub async fn pull_manifest(
        &self,
        with: &AccessToken,
        repository: &Repository,
        at: &ManifestAt,
    ) -> Called<Option<Manifest>> {
        let url = url(with, repository, &format!("manifests/{at}"))?;
        let asked = authorized(Nature::Read, Method::Get, &url, with).header("accept", MANIFESTS);
        let answer = self.ask_registry(asked).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let media_type = answer.header("content-type").unwrap_or_default();
        Ok(Some(Manifest { media_type, digest: Digest::of(&answer.body), bytes: answer.body.into() }))
    }

    /// A layer or another blob, if there is one and it is of 16 MiB at most: it is held in memory. The registry may send one
    /// on to where it is kept; that host is given no token, as the way there is signed.
    ///
    /// Layers of images are larger as a rule. Whoever is [logged in](crate::login()) takes them with a container client: by
    /// `docker pull`, or `oras blob fetch`, which write what comes to a file.
    ///
    /// <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-blobs>
    ///
    /// # Errors
    /// As [`pull_manifest`](Self::pull_manifest); [`Cause::Unreadable`] when it is longer; when one is sent on to a host that
    /// is not the cloud's, or once more.
    pub async fn pull_blob(
        &self,
        with: &AccessToken,
        repository: &Repository,
        digest: &Digest,
    ) -> Called<Option<Vec<u8>>> {
        let url = url(with, repository, &format!("blobs/{digest}"))?;
        let asked = Asked { meant: REDIRECTS, ..authorized(Nature::Read, Method::Get, &url, with) };
        let name = asked.name();
        let mut answer = self.ask_registry(asked).await?;
        if REDIRECTS.contains(&answer.status) {
            let unreadable = |why: &str| CallError::new(Sent::No, name.clone(), Cause::Unreadable(why.into()));
            let location = answer.header("location").ok_or_else(|| unreadable("a redirect without a location"))?;
            let there = self.given_by(&with.server, &url, &location, true, &name)?;
            answer = self.ask_registry(Asked::new(Nature::Read, Method::Get, &there)).await?;
        }
        Ok((answer.status != 404).then_some(answer.body.into()))
    }

    /// The repositories, page after page.
    ///
    /// <https://github.com/opencontainers/distribution-spec/blob/main/extensions/README.md>
    ///
    /// # Errors
    /// When the call fails; in ABAC mode it takes a role of its own (R-DP-08).
    pub async fn catalog(&self, with: &AccessToken) -> Called<Vec<String>> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            repositories: Option<Vec<String>>,
        }
        let mut next = with.server.url("/v2/_catalog?n=1000").map_err(|e| invalid("GET /v2/_catalog", &e))?;
        let (mut all, mut room) = (Vec::new(), Room::default());
        for _ in 0..PAGES {
            let asked = authorized(Nature::Read, Method::Get, &next, with).header("accept", "application/json");
            let name = asked.name();
            let answer = self.ask_registry(asked).await?;
            if answer.status == 404 {
                return Err(self.core.refused(name, &answer));
            }
            let page: Page = read_into(&mut room, name.clone(), &answer)?;
            all.extend(page.repositories.unwrap_or_default());
            match answer.header("link").as_deref().and_then(next_link) {
                None => return Ok(all),
                Some(link) => next = self.given_by(&with.server, &next, link, false, &name)?,
            }
        }
        Err(CallError::new(Sent::No, "GET /v2/_catalog", Cause::Unreadable(format!("over {PAGES} pages"))))
    }
}

impl Writer {
    /// Puts a blob into a repository; one that is there already stays as it is.
    ///
    /// <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#post-then-put>
    ///
    /// # Errors
    /// As [`pull_manifest`](Reader::pull_manifest).
    pub async fn push_blob(&self, with: &AccessToken, repository: &Repository, content: &[u8]) -> Called<Digest> {
        let digest = Digest::of(content);
        let begin = url(with, repository, "blobs/uploads/")?;
        // An upload that is begun and not ended leaves nothing.
        let asked = authorized(Nature::Same, Method::Post, &begin, with);
        let name = asked.name();
        let answer = self.ask_registry(asked).await?;
        let unreadable = |why: &str| CallError::new(Sent::Yes, name.clone(), Cause::Unreadable(why.into()));
        self.found(name.clone(), &answer)?;
        let location = answer.header("location").ok_or_else(|| unreadable("an upload without a location"))?;
        let mut upload = self.given_by(&with.server, &begin, &location, false, &name)?;
        upload.query_pairs_mut().append_pair("digest", digest.as_str());
        let asked = authorized(Nature::Same, Method::Put, &upload, with).body("application/octet-stream", content);
        let name = asked.name();
        let answer = self.ask_registry(asked).await?;
        self.found(name, &answer)?;
        Ok(digest)
    }

    /// Puts an OCI image manifest into a repository. What it names has to be there.
    ///
    /// <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests>
    ///
    /// # Errors
    /// As [`pull_manifest`](Reader::pull_manifest).
    pub async fn push_manifest(
        &self,
        with: &AccessToken,
        repository: &Repository,
        at: &ManifestAt,
        manifest: &[u8],
    ) -> Called<Digest> {
        let url = url(with, repository, &format!("manifests/{at}"))?;
        let asked = authorized(Nature::Same, Method::Put, &url, with).body(OCI_MANIFEST, manifest);
        let name = asked.name();
        let answer = self.ask_registry(asked).await?;
        self.found(name, &answer)?;
        Ok(Digest::of(manifest))
    }

    /// Deletes a manifest with all its tags. One that is gone is fine.
    ///
    /// <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#deleting-manifests>
    ///
    /// # Errors
    /// As [`pull_manifest`](Reader::pull_manifest).
    pub async fn delete_manifest(&self, with: &AccessToken, repository: &Repository, digest: &Digest) -> Called<()> {
        let url = url(with, repository, &format!("manifests/{digest}"))?;
        self.ask_registry(authorized(Nature::Same, Method::Delete, &url, with)).await.map(|_| ())
    }

    fn found(&self, name: String, answer: &Answer) -> Called<()> {
        if answer.status == 404 { Err(self.core.refused(name, answer)) } else { Ok(()) }
    }
}

fn authorized<'a>(nature: Nature, verb: Method, url: &'a Url, with: &AccessToken) -> Asked<'a> {
    Asked::new(nature, verb, url).header("authorization", with.authorization())
}

fn url(with: &AccessToken, repository: &Repository, rest: &str) -> Called<Url> {
    let path = format!("/v2/{repository}/{rest}");
    with.server.url(&path).map_err(|e| invalid(&path, &e))
}

fn invalid(request: &str, why: &url::ParseError) -> CallError {
    CallError::new(Sent::No, request, Cause::Invalid(why.to_string()))
}

/// The URL of `Link: </v2/_catalog?last=x>; rel="next"`.
fn next_link(header: &str) -> Option<&str> {
    let (link, how) = header.trim().strip_prefix('<')?.split_once('>')?;
    how.contains("next").then_some(link)
}
