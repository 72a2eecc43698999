//! What a registry writes down of its own accord: who logged in, and what was done to images (R-DP-24).

use super::{
    access_tokens::subject,
    login::{basic, bearer},
};
use crate::{
    http::message::{Call, Reply},
    services::{
        registries::Registry,
        registry_audit::{LoginEvent, RepositoryEvent},
    },
    world::World,
};
use http::Method;

/// Notes a request that was answered, if it is of a kind that is written down.
pub(super) fn note(world: &mut World, call: &Call, registry: &Registry, reply: &Reply) {
    let ip = world.client_address().to_owned();
    let user_agent = call.header("user-agent").unwrap_or_default().to_owned();
    let identity = who(call).unwrap_or_default();
    let words: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["oauth2", ..] => {
            let event = LoginEvent { registry: registry.id.clone(), identity, ip, user_agent, status: reply.status };
            world.note_login_event(call.now, event);
        }
        ["v2", repository @ .., "manifests", reference] => {
            let operation = match call.method {
                Method::GET => "Pull",
                Method::PUT => "Push",
                Method::DELETE => "Delete",
                _ => return,
            };
            let by_digest = reference.contains(':');
            let of = |yes: bool| if yes { (*reference).to_owned() } else { String::new() };
            let event = RepositoryEvent {
                registry: registry.id.clone(),
                operation: operation.to_owned(),
                repository: repository.join("/"),
                tag: of(!by_digest),
                digest: of(by_digest),
                media_type: call.header("content-type").unwrap_or_default().to_owned(),
                identity,
                ip,
                user_agent,
                status: reply.status,
            };
            world.note_repository_event(call.now, event);
        }
        _ => {}
    }
}

fn who(call: &Call) -> Option<String> {
    if let Some(header) = call.header("authorization") {
        return bearer(header).and_then(subject).or_else(|| basic(header).map(|(user, _)| user));
    }
    let form = call.form();
    let field = |name: &str| form.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str());
    field("username").map(str::to_owned).or_else(|| subject(field("refresh_token").or_else(|| field("access_token"))?))
}
