//! Lists of repositories and of names of tags, and what may be changed of a repository.

use super::{
    content::{Changeable, Repository},
    errors,
};
use crate::{
    http::{
        message::{Call, Fail, Object, Peek, Reply},
        time_format,
    },
    services::registries::Registry,
    world::World,
};
use serde_json::{Value, json};

/// How many a list shows where nobody says.
const PAGE: usize = 100;

/// A page after `last`, and the link to what follows.
pub(super) fn paged(call: &Call, all: &[String]) -> (Vec<String>, Option<String>) {
    let size = call.query("n").and_then(|n| n.parse().ok()).unwrap_or(PAGE).max(1);
    let from = call.query("last").unwrap_or_default();
    let order = call.query("orderby").unwrap_or_default();
    // By name the last one need not be there anymore.
    let begin = match all.iter().position(|n| n == from) {
        Some(place) => place + 1,
        None => all.iter().take_while(|n| n.as_str() <= from).count(),
    };
    let rest = all.get(begin..).unwrap_or_default();
    let shown: Vec<String> = rest.iter().take(size).cloned().collect();
    let link = shown.last().filter(|_| rest.len() > size).map(|last| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("last", last)
            .append_pair("n", &size.to_string())
            .append_pair("orderby", order)
            .finish();
        format!("<{}?{query}>; rel=\"next\"", call.path)
    });
    (shown, link)
}

pub(super) fn linked(reply: Reply, link: Option<String>) -> Reply {
    match link {
        Some(link) => reply.header("link", link),
        None => reply,
    }
}

pub(super) fn find<'a>(registry: &'a Registry, name: &str) -> Result<&'a Repository, Fail> {
    let found = registry.content.repositories.get(name).filter(|r| !r.manifests.is_empty());
    found.ok_or_else(|| errors::name_unknown(name))
}

pub(super) fn catalog(call: &Call, registry: &Registry) -> Reply {
    let (names, link) = paged(call, &registry.content.listed());
    linked(Reply::json(200, json!({"repositories": names})), link)
}

pub(super) fn tags(call: &Call, registry: &Registry, name: &str) -> Result<Reply, Fail> {
    let all: Vec<String> = find(registry, name)?.tags.keys().cloned().collect();
    let (tags, link) = paged(call, &all);
    Ok(linked(Reply::json(200, json!({"name": name, "tags": tags})), link))
}

pub(super) fn attributes(lock: Changeable) -> Value {
    json!({
        "deleteEnabled": lock.delete,
        "writeEnabled": lock.write,
        "readEnabled": lock.read,
        "listEnabled": lock.list,
    })
}

pub(super) fn show(world: &World, registry: &Registry, name: &str) -> Result<Reply, Fail> {
    let repository = find(registry, name)?;
    let body = json!({
        "registry": world.login_server(&registry.name),
        "imageName": name,
        "createdTime": time_format::zulu(repository.created),
        "lastUpdateTime": time_format::zulu(repository.updated),
        "manifestCount": repository.manifests.len(),
        "tagCount": repository.tags.len(),
        "changeableAttributes": attributes(repository.changeable),
    });
    Ok(Reply::json(200, body))
}

pub(super) fn changed(old: Changeable, body: &Object) -> Changeable {
    Changeable {
        read: body.flag("readEnabled").unwrap_or(old.read),
        write: body.flag("writeEnabled").unwrap_or(old.write),
        delete: body.flag("deleteEnabled").unwrap_or(old.delete),
        list: body.flag("listEnabled").unwrap_or(old.list),
    }
}

pub(super) fn change(world: &mut World, call: &Call, registry: &Registry, name: &str) -> Result<Reply, Fail> {
    find(registry, name)?;
    let body = call.json().map_err(|_| errors::unsupported("no JSON object"))?;
    let id = registry.id.clone();
    if let Some(r) = world.registries.get_mut(&id) {
        let repository = r.content.repository_mut(name, call.now);
        repository.changeable = changed(repository.changeable, &body);
    }
    let registry = world.registries.get(&id).ok_or_else(|| errors::name_unknown(name))?;
    show(world, registry, name)
}

pub(super) fn delete(world: &mut World, registry: &Registry, name: &str) -> Result<Reply, Fail> {
    let gone = find(registry, name)?;
    let (manifests, tags): (Vec<_>, Vec<_>) = (gone.manifests.keys().collect(), gone.tags.keys().collect());
    if let Some(r) = world.registries.get_mut(&registry.id) {
        r.content.repositories.remove(name);
    }
    Ok(Reply::json(202, json!({"manifestsDeleted": manifests, "tagsDeleted": tags})))
}
