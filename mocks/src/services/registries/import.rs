//! `importImage` (R-DP-27): a long operation of the target registry, which needs its key at once.

use super::{
    errors,
    routes::results_url,
    state::{ImportedImage, Operation, Registry},
};
use crate::{
    http::message::{Call, Fail, Object, Peek, Reply},
    services::key_access::{Denial, KeyId, KeyOp},
    world::{World, clock::Moment as _},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

/// One that is under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Import {
    registry: String,
    operation: String,
    pub(crate) due: OffsetDateTime,
    source: String,
    targets: Vec<String>,
}

pub(super) fn start(world: &mut World, call: &Call, registry: &Registry) -> Result<Reply, Fail> {
    let (source, targets, force) = read(world, &call.json()?)?;
    world.key_for_import(registry, call.now).map_err(errors::key_forbidden)?;
    if let (false, Some(there)) = (force, taken(registry, &targets)) {
        return Err(errors::tag_exists(there));
    }
    let operation = format!("registries-{}", world.rng.guid());
    let due = call.now.after(world.params.acr_import_duration.draw(&mut world.rng));
    let record = Operation { running: "Importing".into(), outcome: None, by_location: true };
    world.registries.operations.insert(operation.clone(), record);
    let url = results_url(world, call, &registry.location, &operation);
    let import = Import { registry: registry.id.clone(), operation, due, source, targets };
    world.registries.imports.push(import);
    Ok(Reply::empty(202).header("location", url))
}

/// Where from, what to, and whether tags that are there are overwritten.
fn read(world: &World, body: &Object) -> Result<(String, Vec<String>, bool), Fail> {
    let image = body.text("source.sourceImage").filter(|i| !i.trim().is_empty());
    let image = image.ok_or_else(|| errors::bad("The property 'source.sourceImage' is required."))?;
    let from = match (body.text("source.resourceId"), body.text("source.registryUri")) {
        (Some(id), None) => {
            world.registries.get(id).map(|r| world.login_server(&r.name)).ok_or_else(errors::no_source)?
        }
        (None, Some(host)) => host.to_owned(),
        _ => return Err(errors::bad("The source has either 'resourceId' or 'registryUri'.")),
    };
    let list = |name: &str| -> Vec<String> {
        let items = body.at(name).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(|t| t.as_str().map(str::to_owned)).collect()
    };
    let (repository, tag) = match image.rsplit_once(':') {
        Some((repository, tag)) if !image.contains('@') => (repository, tag),
        _ => (image.split('@').next().unwrap_or(image), "latest"),
    };
    let with_tag = |target: String| if target.contains(':') { target } else { format!("{target}:{tag}") };
    let mut targets: Vec<String> = list("targetTags").into_iter().map(with_tag).collect();
    // What has no tag is known by its digest only.
    targets.extend(list("untaggedTargetRepositories"));
    if targets.is_empty() {
        targets.push(format!("{repository}:{tag}"));
    }
    let force = match body.text("mode") {
        None => false,
        Some(mode) if mode.eq_ignore_ascii_case("NoForce") => false,
        Some(mode) if mode.eq_ignore_ascii_case("Force") => true,
        Some(mode) => return Err(errors::bad(format!("The mode '{mode}' is not valid."))),
    };
    Ok((format!("{from}/{image}"), targets, force))
}

fn taken<'a>(registry: &Registry, targets: &'a [String]) -> Option<&'a str> {
    let there = |t: &&String| t.contains(':') && registry.images.iter().any(|i| i.target == **t);
    targets.iter().find(there).map(String::as_str)
}

impl World {
    pub(crate) fn login_server(&self, name: &str) -> String {
        format!("{}.{}", name.to_lowercase(), self.setup.cloud.registry_suffix())
    }

    /// Whether the registry gets at its key now; no delay of pulls comes into it.
    fn key_for_import(&mut self, registry: &Registry, at: OffsetDateTime) -> Result<(), Denial> {
        let Some(cmk) = &registry.spec.cmk else { return Ok(()) };
        let used = cmk.used.as_deref().and_then(|u| KeyId::parse(self.setup.cloud, u));
        let used = used.ok_or(Denial::NoVersionInUse)?;
        self.use_key(&registry.spec, registry.detach_attempt, &used, KeyOp::Unwrap, at)?;
        if self.needs_repair(at, &registry.id) { Err(Denial::RestorePending) } else { Ok(()) }
    }

    /// Ends what is due by then.
    pub(super) fn settle_imports(&mut self, now: OffsetDateTime) {
        let (due, left) = std::mem::take(&mut self.registries.imports).into_iter().partition(|i| i.due <= now);
        self.registries.imports = left;
        let mut due: Vec<Import> = due;
        due.sort_by_key(|i| i.due);
        for import in due {
            let outcome = self.end_import(&import).map_err(|f| (f.code, f.message));
            self.end_operation(&import.operation, import.due, outcome);
        }
    }

    fn end_import(&mut self, import: &Import) -> Result<(), Fail> {
        let registry = self.registries.get(&import.registry).cloned().ok_or_else(errors::gone)?;
        self.key_for_import(&registry, import.due).map_err(errors::key_forbidden)?;
        // An image of a registry that is here is taken over as it is. ASSUMED of others: that it is there.
        let source = self.registries.all.values().find_map(|r| {
            let image = import.source.strip_prefix(&self.login_server(&r.name))?.strip_prefix('/')?;
            let place = image.split_once('@').or_else(|| image.rsplit_once(':')).unwrap_or((image, "latest"));
            Some((r.content.clone(), place))
        });
        if let Some(r) = self.registries.get_mut(&import.registry) {
            for target in &import.targets {
                r.images.retain(|i| i.target != *target);
                let image = ImportedImage { target: target.clone(), source: import.source.clone(), at: import.due };
                r.images.push(image);
                let (repository, tag) = match target.split_once(':') {
                    Some((repository, tag)) => (repository, Some(tag)),
                    None => (target.as_str(), None),
                };
                let taken = source
                    .as_ref()
                    .is_some_and(|(content, place)| r.content.take_over(repository, tag, content, *place, import.due));
                if !taken {
                    r.content.put_image(repository, tag, &import.source, import.due);
                }
            }
        }
        Ok(())
    }

    /// What was imported into a registry, in the order of its end.
    pub fn imported_images(&self, registry_id: &str) -> Vec<ImportedImage> {
        self.registries.get(registry_id).map(|r| r.images.clone()).unwrap_or_default()
    }
}
