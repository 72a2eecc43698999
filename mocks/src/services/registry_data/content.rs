//! What a registry holds, without a word about who may see it.

use super::records::Record;
use base64::Engine as _;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use time::OffsetDateTime;

/// Bytes as text, so that a world can be stored as JSON.
mod base64_bytes {
    use super::{Bytes, Deserialize};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &Bytes, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(d)?;
        STANDARD.decode(text).map(Bytes::from).map_err(serde::de::Error::custom)
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(super) repositories: BTreeMap<String, Repository>,
    /// Begun and not ended, by their id.
    pub(super) uploads: BTreeMap<String, Upload>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Repository {
    /// By digest, as manifests are.
    pub(super) blobs: BTreeMap<String, Blob>,
    pub(super) manifests: BTreeMap<String, Manifest>,
    /// To the digests of manifests.
    pub(super) tags: BTreeMap<String, String>,
    /// Of manifests and tags; no tag has the colon that every digest has.
    #[serde(default)]
    pub(super) records: BTreeMap<String, Record>,
    pub(super) changeable: Changeable,
    pub(super) created: OffsetDateTime,
    pub(super) updated: OffsetDateTime,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Blob(#[serde(with = "base64_bytes")] pub(super) Bytes);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) media_type: String,
    #[serde(with = "base64_bytes")]
    pub(super) bytes: Bytes,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Upload {
    pub(super) repository: String,
    #[serde(with = "base64_bytes")]
    pub(super) bytes: Bytes,
}

/// What may be done with a repository (`changeableAttributes`); all of it, unless somebody locked it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changeable {
    /// Pull from it.
    pub read: bool,
    /// Push to it, or change its attributes.
    pub write: bool,
    /// Delete it, or something in it.
    pub delete: bool,
    /// See it in lists.
    pub list: bool,
}

impl Default for Changeable {
    fn default() -> Self {
        Self { read: true, write: true, delete: true, list: true }
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub(super) fn digest_of(bytes: &[u8]) -> String {
    let hex: String = sha256(bytes).iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256:{hex}")
}

/// Unguessable without the secret; what signs the addresses of layers.
pub(super) fn signature(secret: &str, what: &str) -> String {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha256(format!("{secret}/{what}").as_bytes()))
}

impl Content {
    pub(super) fn repository_mut(&mut self, name: &str, now: OffsetDateTime) -> &mut Repository {
        let repository = self.repositories.entry(name.to_owned()).or_insert_with(|| Repository {
            blobs: BTreeMap::new(),
            manifests: BTreeMap::new(),
            tags: BTreeMap::new(),
            records: BTreeMap::new(),
            changeable: Changeable::default(),
            created: now,
            updated: now,
        });
        repository.updated = now;
        repository
    }

    pub(super) fn blob(&self, repository: &str, digest: &str) -> Option<&Bytes> {
        self.repositories.get(repository)?.blobs.get(digest).map(|b| &b.0)
    }

    /// Wherever it lies: a layer's address outlives the question which repository it was asked for.
    pub(super) fn any_blob(&self, digest: &str) -> Option<&Bytes> {
        self.repositories.values().find_map(|r| r.blobs.get(digest)).map(|b| &b.0)
    }

    pub(super) fn changeable(&self, repository: &str) -> Changeable {
        self.repositories.get(repository).map(|r| r.changeable).unwrap_or_default()
    }

    /// Repositories that lists show: those with something in them.
    pub(super) fn listed(&self) -> Vec<String> {
        let shown = |r: &Repository| r.changeable.list && !r.manifests.is_empty();
        self.repositories.iter().filter(|(_, r)| shown(r)).map(|(n, _)| n.clone()).collect()
    }

    /// Takes an image over from another registry, with all that it is made of. False: there is no such image.
    pub(crate) fn take_over(
        &mut self,
        name: &str,
        tag: Option<&str>,
        source: &Self,
        (from, reference): (&str, &str),
        now: OffsetDateTime,
    ) -> bool {
        let Some(from) = source.repositories.get(from) else { return false };
        let Some((digest, _)) = from.manifest(reference) else { return false };
        let repository = self.repository_mut(name, now);
        let (mut wanted, mut taken) = (vec![digest.to_owned()], BTreeSet::new());
        while let Some(part) = wanted.pop() {
            // Indexes may name the same parts, in any number.
            if !taken.insert(part.clone()) {
                continue;
            }
            if let Some(blob) = from.blobs.get(&part) {
                repository.blobs.insert(part.clone(), blob.clone());
            }
            if let Some(manifest) = from.manifests.get(&part) {
                wanted.extend(manifest.parts());
                repository.manifests.insert(part.clone(), manifest.clone());
                repository.note(&part, now);
            }
        }
        if let Some(tag) = tag {
            repository.tags.insert(tag.to_owned(), digest.to_owned());
            repository.note(tag, now);
        }
        true
    }

    /// A whole image with one layer, tagged; returns its digest.
    pub(crate) fn put_image(&mut self, name: &str, tag: Option<&str>, seed: &str, now: OffsetDateTime) -> String {
        let repository = self.repository_mut(name, now);
        let mut store = |text: String| {
            let (bytes, digest) = (Bytes::from(text.clone()), digest_of(text.as_bytes()));
            repository.blobs.insert(digest.clone(), Blob(bytes));
            (digest, text.len())
        };
        let (config, config_size) = store(format!(r#"{{"architecture":"amd64","os":"linux","seed":"{seed}"}}"#));
        let (layer, layer_size) = store(format!("layer of {seed}"));
        let text = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": config_size, "digest": config},
            "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": layer_size, "digest": layer}],
        })
        .to_string();
        let digest = digest_of(text.as_bytes());
        repository
            .manifests
            .insert(digest.clone(), Manifest { media_type: DOCKER_MANIFEST.into(), bytes: text.into() });
        repository.note(&digest, now);
        if let Some(tag) = tag {
            repository.tags.insert(tag.to_owned(), digest.clone());
            repository.note(tag, now);
        }
        digest
    }
}

impl Manifest {
    /// Digests of what it names.
    fn parts(&self) -> Vec<String> {
        let body: Value = serde_json::from_slice(&self.bytes).unwrap_or_default();
        let lists = ["layers", "manifests"].into_iter().filter_map(|list| body.get(list)?.as_array()).flatten();
        let all = body.get("config").into_iter().chain(lists);
        all.filter_map(|part| part.get("digest")?.as_str().map(str::to_owned)).collect()
    }
}

impl Repository {
    /// A manifest and its digest, by tag or digest.
    pub(super) fn manifest(&self, reference: &str) -> Option<(&str, &Manifest)> {
        let digest = self.tags.get(reference).map_or(reference, String::as_str);
        self.manifests.get_key_value(digest).map(|(d, m)| (d.as_str(), m))
    }
}

pub(super) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(super) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Names as the distribution specification has them: lower case, in parts.
pub(super) fn valid_repository(name: &str) -> bool {
    let part = |p: &str| {
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        p.chars().all(inner) && edge(p.chars().next()) && edge(p.chars().last())
    };
    name.len() <= 255 && name.split('/').all(part)
}

pub(super) fn valid_tag(tag: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=128).contains(&tag.len()) && tag.chars().all(inner) && !tag.starts_with(['.', '-'])
}
