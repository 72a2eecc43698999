//! What a registry tells of single manifests and tags, and what may be changed of them. Bodies are recorded
//! (azure-sdk-for-python and azure-sdk-for-js, containerregistry).

use super::{
    content::{Changeable, Manifest, Repository},
    errors,
    repositories::{attributes, changed, find, linked, paged},
};
use crate::{
    http::{
        message::{Call, Fail, Object, Peek, Reply},
        time_format,
    },
    services::registries::Registry,
    world::World,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// Of a manifest, by its digest, or of a tag.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) created: OffsetDateTime,
    pub(super) updated: OffsetDateTime,
    pub(super) changeable: Changeable,
}

impl Repository {
    /// Of what was there before records were kept, the repository's own times.
    fn record(&self, reference: &str) -> Record {
        let own = Record { created: self.created, updated: self.updated, changeable: Changeable::default() };
        self.records.get(reference).copied().unwrap_or(own)
    }

    /// ASSUMED: a tag that moves keeps the time of its creation.
    pub(super) fn note(&mut self, reference: &str, now: OffsetDateTime) {
        let fresh = Record { created: now, updated: now, changeable: Changeable::default() };
        self.records.entry(reference.to_owned()).or_insert(fresh).updated = now;
    }

    /// Of a tag and of what it points to (R-DP-26).
    pub(super) fn changeable_at(&self, reference: &str) -> Changeable {
        let own = self.record(reference).changeable;
        let Some(digest) = self.tags.get(reference) else { return own };
        let manifest = self.record(digest).changeable;
        Changeable {
            read: own.read && manifest.read,
            write: own.write && manifest.write,
            delete: own.delete && manifest.delete,
            list: own.list && manifest.list,
        }
    }

    fn tag(&self, tag: &str, digest: &str) -> Value {
        let record = self.record(tag);
        json!({
            "name": tag,
            "digest": digest,
            "createdTime": time_format::zulu(record.created),
            "lastUpdateTime": time_format::zulu(record.updated),
            "signed": false,
            "changeableAttributes": attributes(record.changeable),
        })
    }

    fn manifest_body(&self, digest: &str, manifest: &Manifest, references: bool) -> Value {
        let record = self.record(digest);
        let content: Object = serde_json::from_slice(&manifest.bytes).unwrap_or_default();
        let mut out = Object::new();
        out.insert("digest".into(), json!(digest));
        out.insert("imageSize".into(), json!(manifest.bytes.len()));
        out.insert("createdTime".into(), json!(time_format::zulu(record.created)));
        out.insert("lastUpdateTime".into(), json!(time_format::zulu(record.updated)));
        let config = content.text("config.digest").and_then(|d| self.blobs.get(d));
        let config: Object = config.and_then(|c| serde_json::from_slice(&c.0).ok()).unwrap_or_default();
        for name in ["architecture", "os"] {
            if let Some(value) = config.text(name) {
                out.insert(name.into(), json!(value));
            }
        }
        out.insert("mediaType".into(), json!(manifest.media_type));
        let tags: Vec<&String> = self.tags.iter().filter(|(_, d)| *d == digest).map(|(t, _)| t).collect();
        if !tags.is_empty() {
            out.insert("tags".into(), json!(tags));
        }
        let parts = content.at("manifests").and_then(Value::as_array);
        let mut changeable = attributes(record.changeable);
        if let (None, Some(o)) = (parts, changeable.as_object_mut()) {
            o.insert("quarantineState".into(), json!("Passed"));
        }
        out.insert("changeableAttributes".into(), changeable);
        if let (true, Some(parts)) = (references, parts) {
            let part = |p: &Value| {
                let platform = |name: &str| p.get("platform").and_then(|p| p.get(name)).cloned();
                let (architecture, os) = (platform("architecture"), platform("os"));
                json!({"digest": p.get("digest"), "architecture": architecture, "os": os})
            };
            out.insert("references".into(), parts.iter().map(part).collect());
        }
        Value::Object(out)
    }

    /// Names as `orderby` wants them.
    fn sorted<'a>(&self, call: &Call, names: impl Iterator<Item = &'a String>) -> Vec<String> {
        let mut names: Vec<String> = names.filter(|n| self.record(n).changeable.list).cloned().collect();
        let order = call.query("orderby").unwrap_or_default().to_lowercase();
        match order.as_str() {
            "timeasc" => names.sort_by_key(|n| self.record(n).updated),
            "timedesc" => names.sort_by_key(|n| std::cmp::Reverse(self.record(n).updated)),
            _ => {}
        }
        names
    }
}

pub(super) fn tags(world: &World, call: &Call, registry: &Registry, name: &str) -> Result<Reply, Fail> {
    let repository = find(registry, name)?;
    let (shown, link) = paged(call, &repository.sorted(call, repository.tags.keys()));
    let tags = shown.iter().filter_map(|t| Some(repository.tag(t, repository.tags.get(t)?))).collect();
    Ok(linked(answer(world, registry, name, "tags", tags), link))
}

pub(super) fn manifests(world: &World, call: &Call, registry: &Registry, name: &str) -> Result<Reply, Fail> {
    let repository = find(registry, name)?;
    let (shown, link) = paged(call, &repository.sorted(call, repository.manifests.keys()));
    let body = |d: &String| Some(repository.manifest_body(d, repository.manifests.get(d)?, false));
    let manifests = shown.iter().filter_map(body).collect();
    Ok(linked(answer(world, registry, name, "manifests", manifests), link))
}

fn answer(world: &World, registry: &Registry, name: &str, member: &str, what: Value) -> Reply {
    let login = world.login_server(&registry.name);
    Reply::json(200, json!({"registry": login, "imageName": name, member: what}))
}

pub(super) fn tag(world: &World, registry: &Registry, name: &str, tag: &str) -> Result<Reply, Fail> {
    let repository = find(registry, name)?;
    let digest = repository.tags.get(tag).ok_or_else(errors::tag_unknown)?;
    Ok(answer(world, registry, name, "tag", repository.tag(tag, digest)))
}

pub(super) fn manifest(world: &World, registry: &Registry, name: &str, digest: &str) -> Result<Reply, Fail> {
    let repository = find(registry, name)?;
    let manifest = repository.manifests.get(digest).ok_or_else(|| errors::manifest_unknown(name, digest))?;
    Ok(answer(world, registry, name, "manifest", repository.manifest_body(digest, manifest, true)))
}

/// A tag's attributes, or those of a manifest by its digest.
pub(super) fn change(
    world: &mut World,
    call: &Call,
    registry: &Registry,
    name: &str,
    reference: &str,
) -> Result<Reply, Fail> {
    let show = if reference.contains(':') { manifest } else { tag };
    show(world, registry, name, reference)?;
    let body = call.json().map_err(|_| errors::unsupported("no JSON object"))?;
    let id = registry.id.clone();
    if let Some(repository) = world.registries.get_mut(&id).and_then(|r| r.content.repositories.get_mut(name)) {
        let old = repository.record(reference);
        // Recorded: the times stay.
        let new = Record { changeable: changed(old.changeable, &body), ..old };
        repository.records.insert(reference.to_owned(), new);
    }
    let registry = world.registries.get(&id).ok_or_else(|| errors::name_unknown(name))?;
    show(world, registry, name, reference)
}

pub(super) fn delete_tag(world: &mut World, registry: &Registry, name: &str, tag: &str) -> Result<Reply, Fail> {
    let found = world.registries.get_mut(&registry.id).and_then(|r| r.content.repositories.get_mut(name));
    let repository = found.ok_or_else(errors::tag_unknown)?;
    repository.tags.remove(tag).ok_or_else(errors::tag_unknown)?;
    repository.records.remove(tag);
    Ok(Reply::empty(202))
}
