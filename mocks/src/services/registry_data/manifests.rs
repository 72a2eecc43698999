//! Manifests, and what refers to them.

use super::{
    content::{Content, DOCKER_MANIFEST, Manifest, OCI_INDEX, digest_of, valid_tag},
    errors,
};
use crate::{
    http::message::{Call, Fail, Object, Peek, Reply},
    services::registries::Registry,
    world::World,
};
use serde_json::{Value, json};

/// As the distribution specification has it.
const LARGEST: usize = 4 << 20;

pub(super) fn get(registry: &Registry, name: &str, reference: &str) -> Result<Reply, Fail> {
    let found = registry.content.repositories.get(name).and_then(|r| r.manifest(reference));
    let (digest, manifest) = found.ok_or_else(|| errors::manifest_unknown(name, reference))?;
    Ok(Reply::raw(200, &manifest.media_type, manifest.bytes.clone())
        .header("docker-content-digest", digest)
        .header("etag", format!("\"{digest}\"")))
}

pub(super) fn put(
    world: &mut World,
    call: &Call,
    registry: &Registry,
    name: &str,
    reference: &str,
) -> Result<Reply, Fail> {
    let digest = digest_of(&call.body);
    if reference.contains(':') && reference != digest {
        return Err(errors::digest_invalid());
    }
    if !reference.contains(':') && !valid_tag(reference) {
        return Err(errors::manifest_invalid("the tag is not valid"));
    }
    let body = match serde_json::from_slice(&call.body) {
        Ok(Value::Object(body)) if call.body.len() <= LARGEST => body,
        _ => return Err(errors::manifest_invalid("no JSON object, or too large")),
    };
    check_parts(&registry.content, name, &body)?;
    let said = call.header("content-type").filter(|k| k.contains('+'));
    let media_type = said.or(body.text("mediaType")).unwrap_or(DOCKER_MANIFEST).to_owned();
    if let Some(r) = world.registries.get_mut(&registry.id) {
        let repository = r.content.repository_mut(name, call.now);
        repository.manifests.insert(digest.clone(), Manifest { media_type, bytes: call.body.clone() });
        repository.note(&digest, call.now);
        if reference != digest {
            repository.tags.insert(reference.to_owned(), digest.clone());
            repository.note(reference, call.now);
        }
    }
    Ok(Reply::empty(201)
        .header("location", format!("/v2/{name}/manifests/{digest}"))
        .header("docker-content-digest", digest))
}

/// Layers come before what is made of them.
fn check_parts(content: &Content, name: &str, body: &Object) -> Result<(), Fail> {
    let digests = |list: &str| -> Vec<String> {
        let items = body.at(list).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(|i| i.get("digest")?.as_str().map(str::to_owned)).collect()
    };
    let config = body.text("config.digest").map(str::to_owned);
    for digest in config.into_iter().chain(digests("layers")) {
        if content.blob(name, &digest).is_none() {
            return Err(errors::manifest_blob_unknown(&digest));
        }
    }
    for digest in digests("manifests") {
        if content.repositories.get(name).and_then(|r| r.manifest(&digest)).is_none() {
            return Err(errors::manifest_blob_unknown(&digest));
        }
    }
    Ok(())
}

/// By digest with all its tags, by tag the tag alone.
pub(super) fn delete(world: &mut World, registry: &Registry, name: &str, reference: &str) -> Result<Reply, Fail> {
    let found = world.registries.get_mut(&registry.id).and_then(|r| r.content.repositories.get_mut(name));
    let unknown = || errors::manifest_unknown(name, reference);
    let repository = found.ok_or_else(unknown)?;
    if repository.tags.remove(reference).is_none() {
        repository.manifests.remove(reference).ok_or_else(unknown)?;
        repository.tags.retain(|_, digest| digest != reference);
    }
    let (manifests, tags) = (&repository.manifests, &repository.tags);
    repository.records.retain(|name, _| manifests.contains_key(name) || tags.contains_key(name));
    Ok(Reply::empty(202))
}

/// R-CMK-32: no registry with a customer-managed key has the list; clients fall back to tags.
pub(super) fn referrers(registry: &Registry, name: &str, digest: &str) -> Result<Reply, Fail> {
    if registry.spec.cmk.is_some() {
        return Err(errors::no_such_endpoint());
    }
    let manifests = registry.content.repositories.get(name).map(|r| &r.manifests);
    let about = |(own, manifest): (&String, &Manifest)| {
        let body: Object = serde_json::from_slice(&manifest.bytes).ok()?;
        let kind = body.text("artifactType").or(body.text("config.mediaType")).unwrap_or_default().to_owned();
        (body.text("subject.digest") == Some(digest)).then(|| {
            json!({
                "mediaType": manifest.media_type,
                "digest": own,
                "size": manifest.bytes.len(),
                "artifactType": kind,
            })
        })
    };
    let list: Vec<Value> = manifests.into_iter().flatten().filter_map(about).collect();
    let body = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list});
    Ok(Reply::json(200, body).header("content-type", OCI_INDEX))
}
