//! Layers: pushed in pieces or at once, fetched from another host (R-DP-23).

use super::{
    content::{Blob, Upload, digest_of, signature},
    errors,
    scope::{Right, Scope},
};
use crate::{
    http::message::{Call, Fail, Reply},
    services::registries::Registry,
    world::World,
};
use bytes::Bytes;
use http::Method;

/// More than any test needs.
const LARGEST: usize = 64 << 20;
/// How long the address of a layer is good.
const ADDRESS_LIFE: i64 = 1200;

/// The storage account that keeps a registry's layers; there is one a region.
pub(crate) fn account(registry: &Registry) -> String {
    format!("sim{}managed", registry.location)
}

impl Registry {
    /// As `account(registry) == name`, for many of them.
    pub(crate) fn has_account(&self, name: &str) -> bool {
        name.strip_prefix("sim").and_then(|n| n.strip_suffix("managed")) == Some(&self.location)
    }
}

pub(super) fn head(registry: &Registry, name: &str, digest: &str) -> Result<Reply, Fail> {
    let blob = registry.content.blob(name, digest).ok_or_else(|| errors::blob_unknown(digest))?;
    Ok(Reply::raw(200, "application/octet-stream", blob.clone()).header("docker-content-digest", digest))
}

pub(super) fn get(world: &World, call: &Call, registry: &Registry, name: &str, digest: &str) -> Result<Reply, Fail> {
    registry.content.blob(name, digest).ok_or_else(|| errors::blob_unknown(digest))?;
    let cloud = world.setup.cloud;
    let host = if world.has_data_host(registry) {
        format!("{}.{}.data.{}", registry.name.to_lowercase(), registry.location, cloud.registry_suffix())
    } else {
        format!("{}.{}", account(registry), cloud.blob_suffix())
    };
    let hex = digest.rsplit(':').next().unwrap_or_default();
    let until = call.now.unix_timestamp() + ADDRESS_LIFE;
    let sig = sign(world, registry, digest, until);
    let path = format!("{}/docker/registry/v2/blobs/sha256/{hex}/data", registry.name.to_lowercase());
    Ok(Reply::empty(307).header("location", format!("https://{host}/{path}?se={until}&sig={sig}")))
}

fn sign(world: &World, registry: &Registry, digest: &str, until: i64) -> String {
    signature(&world.setup.seed.to_string(), &format!("{}/{digest}/{until}", registry.id.to_lowercase()))
}

/// Where a pull is sent. Asks for no login: the address itself is the right. `of`: on a registry's own data host.
pub(super) fn serve(world: &World, call: &Call, of: Option<&Registry>) -> Reply {
    let words: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let [name, "docker", "registry", "v2", "blobs", "sha256", hex, "data"] = words.as_slice() else {
        return errors::storage_refused();
    };
    let registry = world.registries.all.named(name).next();
    let registry = registry.filter(|r| of.is_none_or(|o| o.id == r.id));
    let until = call.query("se").and_then(|t| t.parse::<i64>().ok()).unwrap_or_default();
    let digest = format!("sha256:{hex}");
    let good =
        |r: &&Registry| call.now.unix_timestamp() < until && call.query("sig") == Some(&sign(world, r, &digest, until));
    let blob = registry.filter(good).and_then(|r| r.content.any_blob(&digest));
    match (&call.method, blob) {
        (&Method::GET | &Method::HEAD, Some(blob)) => match call.header("range").and_then(|r| part(r, blob.len())) {
            Some((from, to)) => Reply::raw(206, "application/octet-stream", blob.slice(from..to))
                .header("content-range", format!("bytes {from}-{}/{}", to - 1, blob.len())),
            None => Reply::raw(200, "application/octet-stream", blob.clone()),
        }
        .header("accept-ranges", "bytes"),
        _ => errors::storage_refused(),
    }
}

/// `bytes=0-99` of so many; None is all of them, as for a range that is not understood.
fn part(range: &str, length: usize) -> Option<(usize, usize)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let from = from.parse::<usize>().ok()?;
    let to = to.parse::<usize>().map_or(length, |last| last.saturating_add(1)).min(length);
    (from < to).then_some((from, to))
}

pub(super) fn delete(world: &mut World, registry: &Registry, name: &str, digest: &str) -> Result<Reply, Fail> {
    let found = world.registries.get_mut(&registry.id).and_then(|r| r.content.repositories.get_mut(name));
    let gone = found.and_then(|r| r.blobs.remove(digest));
    gone.ok_or_else(|| errors::blob_unknown(digest))?;
    Ok(Reply::empty(202).header("docker-content-digest", digest))
}

/// Begins an upload; `?digest=` ends it at once, `?mount=&from=` takes the layer from another repository.
pub(super) fn begin(world: &mut World, call: &Call, registry: &Registry, name: &str) -> Result<Reply, Fail> {
    if let Some(digest) = call.query("digest") {
        return keep(world, call, registry, name, digest, call.body.clone());
    }
    if let (Some(digest), Some(from)) = (call.query("mount"), call.query("from")) {
        let readable = world.check_access(call, registry, &[Scope::repository(from, &[Right::Pull])]).is_ok();
        if let Some(blob) = registry.content.blob(from, digest).filter(|_| readable) {
            return keep(world, call, registry, name, digest, blob.clone());
        }
    }
    let id = world.rng.guid().to_string();
    let upload = Upload { repository: name.to_owned(), bytes: Bytes::new() };
    if let Some(r) = world.registries.get_mut(&registry.id) {
        r.content.uploads.insert(id.clone(), upload);
    }
    Ok(under_way(202, name, &id, 0))
}

fn under_way(status: u16, name: &str, id: &str, length: usize) -> Reply {
    Reply::empty(status)
        .header("location", format!("/v2/{name}/blobs/uploads/{id}?_nouploadcache=false&_state={length}"))
        .header("range", format!("0-{}", length.saturating_sub(1)))
        .header("docker-upload-uuid", id)
}

pub(super) fn go_on(world: &mut World, call: &Call, registry: &Registry, name: &str, id: &str) -> Result<Reply, Fail> {
    let upload = registry.content.uploads.get(id).filter(|u| u.repository == name);
    let upload = upload.ok_or_else(errors::upload_unknown)?;
    let length = upload.bytes.len();
    let whole = || -> Result<Bytes, Fail> {
        // A piece that does not begin where the last one ended.
        let from = call.header("content-range").and_then(|r| r.split('-').next()).and_then(|n| n.trim().parse().ok());
        if from.is_some_and(|from: usize| from != length) {
            return Err(Fail::new(416, "BLOB_UPLOAD_INVALID", "blob upload invalid"));
        }
        if length + call.body.len() > LARGEST {
            return Err(errors::too_large(LARGEST));
        }
        Ok([upload.bytes.as_ref(), call.body.as_ref()].concat().into())
    };
    match call.method {
        Method::GET => Ok(under_way(204, name, id, length)),
        Method::PATCH => {
            let bytes = whole()?;
            let length = bytes.len();
            if let Some(u) = world.registries.get_mut(&registry.id).and_then(|r| r.content.uploads.get_mut(id)) {
                u.bytes = bytes;
            }
            Ok(under_way(202, name, id, length))
        }
        Method::PUT => {
            let reply = keep(world, call, registry, name, call.query("digest").unwrap_or_default(), whole()?)?;
            end(world, registry, id);
            Ok(reply)
        }
        Method::DELETE => {
            end(world, registry, id);
            Ok(Reply::empty(204))
        }
        _ => Err(errors::unsupported(call.method.as_str())),
    }
}

fn end(world: &mut World, registry: &Registry, id: &str) {
    if let Some(r) = world.registries.get_mut(&registry.id) {
        r.content.uploads.remove(id);
    }
}

fn keep(
    world: &mut World,
    call: &Call,
    registry: &Registry,
    name: &str,
    digest: &str,
    bytes: Bytes,
) -> Result<Reply, Fail> {
    if bytes.len() > LARGEST {
        return Err(errors::too_large(LARGEST));
    }
    if digest_of(&bytes) != digest {
        return Err(errors::digest_invalid());
    }
    if let Some(r) = world.registries.get_mut(&registry.id) {
        r.content.repository_mut(name, call.now).blobs.insert(digest.to_owned(), Blob(bytes));
    }
    Ok(Reply::empty(201)
        .header("location", format!("/v2/{name}/blobs/{digest}"))
        .header("docker-content-digest", digest))
}
