//! What is written down of a registry and its key.

use super::{
    Scene, Trouble, key, registry,
    scene::{DAY, HOUR},
};
use crate::{services::registries::no_access_to_identity, world::clock::Moment as _};
use serde_json::json;
use uuid::Uuid;

const WRITE: &str = "Microsoft.ContainerRegistry/registries/write";

/// Sends these categories wherever the logs of a resource go, and no others.
fn sends(s: &mut Scene<'_>, of: &str, categories: &[&str]) {
    for (name, workspace, _) in s.world.diagnostic_settings(of) {
        s.world.seed_diagnostic_setting(of, &name, &workspace.unwrap_or_default(), categories);
    }
}

pub(super) const TROUBLES: &[Trouble] = &[
    registry("identity-at-risk", "Somebody tried to take the identity for the key off, 20 days ago.", |s| {
        let (at, by) = (s.world.now().before(20 * DAY), s.world.operator());
        // R-CMK-21: as the removal of an identity that is in use is refused.
        let name = s.place.registry.rsplit('/').next().unwrap_or_default();
        let refused = no_access_to_identity(&s.place.registry, name, &Uuid::nil().to_string());
        s.world.seed_activity(at, by, WRITE, &s.place.registry, Err(("BadRequest", &refused.message)));
        s.world.mutate_identity_at_risk(&s.place.registry, at);
    }),
    registry("feature-lost-trust", "Content trust is on.", |s| {
        s.property("policies", json!({"trustPolicy": {"type": "Notary", "status": "enabled"}}));
    }),
    registry("task-logs-short", "The registry has a task, and its logs are not sent on.", |s| {
        s.world.seed_task(&s.place.registry, "nightly", false, true);
        sends(s, &s.place.registry, &[]);
    }),
    registry("logs-off", "Only logins of the registry are sent on.", |s| {
        sends(s, &s.place.registry, &["ContainerRegistryLoginEvents"]);
    }),
    key("vault-logs-off", "The logs of the vault are not sent on.", |s, k| sends(s, &k.vault_id, &[])),
    key("vault-refusals-logged", "The vault was closed for two hours, an hour ago.", |s, k| {
        s.world.mutate_vault_firewall(&k.vault, true, false, &[]);
        s.pass(2 * HOUR);
        s.world.params.acr_auto_rotate_poll = 30 * DAY;
        s.world.mutate_registry_polls_late(&s.place.registry, 30 * DAY);
        s.world.mutate_vault_firewall(&k.vault, true, true, &[]);
        s.pass(HOUR);
    }),
    registry("logins-refused", "Two logins were refused an hour ago, and one was not.", |s| {
        s.world.seed_login_event(&s.place.registry, "kim", "203.0.113.9", 401);
        s.world.seed_login_event(&s.place.registry, "kim", "203.0.113.9", 401);
        s.world.seed_login_event(&s.place.registry, "robot", "203.0.113.7", 200);
        s.pass(HOUR);
    }),
    registry("pulls-refused", "Two pulls came to nothing an hour ago.", |s| {
        s.world.seed_repository_event(&s.place.registry, "Pull", "shop/web", "v1", "kim", 403);
        s.world.seed_repository_event(&s.place.registry, "Pull", "shop/web", "v9", "kim", 404);
        s.pass(HOUR);
    }),
];
