//! A world in a small view: names, states and who may use which key. No secrets, no tokens.

use crate::{
    services::{
        arm::Listed,
        directory::PrincipalKind,
        key_access::{Denial, KeyId, KeyOp},
        keys::{Key, Transition},
        registries::Registry,
        vaults::Vault,
    },
    world::{World, cloud::SimCloud},
};
use serde::Serialize;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// The longest list of things, and of who may use which key.
const MOST: usize = 200;
const MOST_ACCESS: usize = 500;

#[derive(Debug, Serialize)]
pub(super) struct View {
    cloud: SimCloud,
    tenant: Uuid,
    subscriptions: Vec<Uuid>,
    counts: Counts,
    groups: Vec<GroupView>,
    registries: Vec<RegistryLine>,
    vaults: Vec<VaultView>,
    access: Vec<Access>,
}

/// How much there is, whether listed or not.
#[derive(Debug, Serialize)]
struct Counts {
    groups: usize,
    resources: usize,
    registries: usize,
    vaults: usize,
    keys: usize,
    principals: usize,
    /// Pairs of somebody and a key that is there.
    access: usize,
}

#[derive(Debug, Serialize)]
struct GroupView {
    id: String,
    location: String,
    #[serde(with = "time::serde::rfc3339::option")]
    gone_at: Option<OffsetDateTime>,
    resources: Vec<ResourceView>,
}

#[derive(Debug, Serialize)]
struct ResourceView {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Debug, Serialize)]
struct RegistryLine {
    id: String,
    name: String,
    state: String,
    sku: String,
    encrypted: bool,
    key_identifier: Option<String>,
    version_in_use: Option<String>,
    identity: Option<String>,
    #[serde(flatten)]
    key: Option<KeyUse>,
    pull: May,
}

#[derive(Debug, Serialize)]
struct VaultView {
    name: String,
    id: String,
    model: &'static str,
    #[serde(with = "time::serde::rfc3339::option")]
    deleted_at: Option<OffsetDateTime>,
    keys: Vec<KeyView>,
}

#[derive(Debug, Serialize)]
struct KeyView {
    name: String,
    state: &'static str,
    versions: Vec<VersionView>,
}

#[derive(Debug, Serialize)]
struct VersionView {
    version: String,
    #[serde(with = "time::serde::rfc3339")]
    created: OffsetDateTime,
    enabled: bool,
    #[serde(with = "time::serde::rfc3339::option")]
    not_before: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    expires: Option<OffsetDateTime>,
    current: bool,
}

#[derive(Debug, Serialize)]
struct Access {
    principal: Uuid,
    name: Option<String>,
    kind: Option<PrincipalKind>,
    vault: String,
    key: String,
    #[serde(flatten)]
    uses: KeyUse,
}

#[derive(Debug, Serialize)]
struct KeyUse {
    get: May,
    wrap_key: May,
    unwrap_key: May,
}

impl KeyUse {
    fn of(mut may: impl FnMut(KeyOp) -> May) -> Self {
        Self { get: may(KeyOp::Get), wrap_key: may(KeyOp::Wrap), unwrap_key: may(KeyOp::Unwrap) }
    }
}

/// Whether something is allowed and, if not, why.
#[derive(Debug, Serialize)]
struct May {
    may: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    denial: Option<Denial>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pending: Option<OffsetDateTime>,
}

impl From<Result<(), Denial>> for May {
    fn from(judged: Result<(), Denial>) -> Self {
        let denial = judged.err();
        Self { may: denial.is_none(), denial, why: denial.map(Denial::why), pending: None }
    }
}

impl View {
    pub(super) fn of(world: &World, now: OffsetDateTime) -> Self {
        let vaults = || world.vaults.live.values().chain(world.vaults.deleted.values());
        let listed = world.listed();
        let (access, pairs) = access(world, now);
        Self {
            cloud: world.cloud(),
            tenant: world.tenant(),
            subscriptions: world.subscriptions(),
            counts: Counts {
                groups: world.resources.groups.len(),
                resources: listed.len(),
                registries: world.registries.all.len(),
                vaults: vaults().count(),
                keys: vaults().map(|v| v.keys.len()).sum(),
                principals: world.directory.principals.len(),
                access: pairs,
            },
            groups: groups(world, &listed),
            registries: world.registries.all.values().take(MOST).map(|r| registry(world, r, now)).collect(),
            vaults: vaults().take(MOST).map(|v| vault(v, now)).collect(),
            access,
        }
    }
}

fn groups(world: &World, listed: &[Listed]) -> Vec<GroupView> {
    let mut all: BTreeMap<String, GroupView> = BTreeMap::new();
    for group in world.resources.groups.values().take(MOST) {
        let id = world.group_id(&group.name);
        let (location, gone_at) = (group.location.clone(), group.gone_at);
        all.insert(id.to_lowercase(), GroupView { id, location, gone_at, resources: Vec::new() });
    }
    for one in listed {
        let id = one.id.to_lowercase();
        let Some(group) = id.split_once("/providers/").and_then(|(group, _)| all.get_mut(group)) else { continue };
        if group.resources.len() < MOST {
            group.resources.push(ResourceView { name: one.name.clone(), kind: one.kind });
        }
    }
    all.into_values().collect()
}

fn registry(world: &World, r: &Registry, now: OffsetDateTime) -> RegistryLine {
    let cmk = r.spec.cmk.as_ref();
    let used = cmk.and_then(|c| KeyId::parse(world.setup.cloud, c.used.as_deref()?)?.version);
    let identity = cmk.map(|c| {
        let attached = r.spec.user.values().find(|a| a.client_id.to_string() == c.identity);
        attached.map_or_else(|| c.identity.clone(), |a| a.id.clone())
    });
    RegistryLine {
        id: r.id.clone(),
        name: r.name.clone(),
        state: format!("{:?}", r.state),
        sku: r.spec.sku.clone(),
        encrypted: cmk.is_some(),
        key_identifier: cmk.map(|c| c.key_identifier.clone()),
        version_in_use: used,
        identity,
        key: cmk.map(|_| KeyUse::of(|op| world.access(now, &r.id, op).into())),
        pull: world.can_pull(now, &r.id).into(),
    }
}

fn vault(v: &Vault, now: OffsetDateTime) -> VaultView {
    VaultView {
        name: v.name.clone(),
        id: v.id.clone(),
        model: if v.rbac { "roles" } else { "policies" },
        deleted_at: v.deleted_at,
        keys: v.keys.values().take(MOST).map(|k| key(k, now)).collect(),
    }
}

fn key(k: &Key, now: OffsetDateTime) -> KeyView {
    let current = k.current_at(now).map(|v| v.version.as_str());
    let date = |t: Option<i64>| OffsetDateTime::from_unix_timestamp(t?).ok();
    let newest = k.versions.iter().rev().take(MOST);
    KeyView {
        name: k.name.clone(),
        state: match k.transition(now) {
            None => "active",
            Some(Transition::Deleting) => "deleting",
            Some(Transition::Deleted) => "deleted",
            Some(Transition::Recovering) => "recovering",
        },
        versions: newest
            .map(|v| VersionView {
                version: v.version.clone(),
                created: v.created,
                enabled: v.enabled,
                not_before: date(v.nbf),
                expires: date(v.exp),
                current: current == Some(v.version.as_str()),
            })
            .collect(),
    }
}

/// Identities first, then those to whom something was granted and who are gone, then everybody else.
/// With how many there are, whether listed or not.
fn access(world: &World, now: OffsetDateTime) -> (Vec<Access>, usize) {
    let known = &world.directory.principals;
    let by_policy = world.vaults.live.values().flat_map(|v| v.policies.iter().map(|p| p.object_id));
    let granted = world.assignments.all.iter().filter(|a| a.visible()).map(|a| a.principal).chain(by_policy);
    let mut who: Vec<Uuid> = known.keys().copied().chain(granted).collect();
    let place = |id: &Uuid| match known.get(id).map(|r| r.kind) {
        Some(PrincipalKind::ManagedIdentity) => 0,
        None => 1,
        Some(PrincipalKind::ServicePrincipal) => 2,
        Some(PrincipalKind::User) => 3,
    };
    who.sort_by_key(|id| (place(id), known.get(id).map(|r| &r.name), *id));
    who.dedup();
    let keys = world.vaults.live.values().flat_map(|v| v.keys.values().map(|k| (v.name.as_str(), k.name.as_str())));
    let pairs = keys.flat_map(|(vault, key)| who.iter().map(move |id| (*id, vault, key)));
    let line = |(principal, vault, key): (Uuid, &str, &str)| {
        let may = |op| {
            let judged = world.principal_access(now, principal, vault, key, op);
            let no_grant = matches!(judged, Err(Denial::NoRole | Denial::NoPolicy));
            let pending = no_grant.then(|| world.pending_grant(now, principal, vault, key, op)).flatten();
            May { pending, ..May::from(judged) }
        };
        let record = known.get(&principal);
        Access {
            principal,
            name: record.map(|r| r.name.clone()),
            kind: record.map(|r| r.kind),
            vault: vault.to_owned(),
            key: key.to_owned(),
            uses: KeyUse::of(may),
        }
    };
    let count = world.vaults.live.values().map(|v| v.keys.len()).sum::<usize>() * who.len();
    (pairs.take(MOST_ACCESS).map(line).collect(), count)
}
