//! Container registries: the control plane, with customer-managed keys (section 1 of the rules).

use crate::world::services::{Provider, Service};

mod check;
mod connections;
mod credentials;
mod due;
mod errors;
mod health;
mod import;
mod logins;
mod operations;
mod render;
mod replicas;
mod roster;
mod routes;
mod state;
mod tasks;
mod tokens;
mod versions;

pub(crate) use check::{default_props, valid_name};
pub(crate) use errors::no_access_to_identity;
pub(crate) use health::Judged;
pub use health::Renewal;
pub(crate) use logins::{Logins, Password, ScopeMap, Token};
pub use state::ImportedImage;
pub(crate) use state::{Attached, Cmk, Pending, Registries, Registry, Spec, State, Step};

pub(crate) const SERVICE: Service = Service {
    provider: Some(Provider {
        namespace: "Microsoft.ContainerRegistry",
        built_in: false,
        types: &["registries", "locations", "checkNameAvailability"],
        versions: versions::KNOWN,
        other_versions: &[(2, "tasks", versions::OF_TASKS)],
        checks_locks: false,
        handle: routes::handle,
    }),
    find_id: |world, path| world.registries.get(&path.id()).map(|r| r.id.clone()),
    list: |world| world.listed_registries(),
    delete_group: |world, group| world.delete_registries_of(group),
    next_due: |world| world.next_of_registries(),
    catch_up: |world, before, now| world.catch_up_registries(before, now),
    next_event: |world, now| world.next_registry_event(now),
    run_events: |world, at| world.run_registry_events(at),
    settle: |world, now| {
        world.settle_imports(now);
        world.settle_replicas(now);
    },
    observe: |world, at| world.note_registry_health(at),
    ..Service::NOTHING
};
