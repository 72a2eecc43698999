use super::{act, errors, throttle};
use crate::{
    http::message::{Call, Caller, Fail, Reply},
    services::{directory::TokenProblem, key_audit::Entry, vaults::Vault},
    world::World,
};
use http::Method;

/// One data-plane operation, without its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    List,
    Versions,
    Get,
    Create,
    Import,
    Update,
    Rotate,
    GetPolicy,
    SetPolicy,
    Delete,
    Wrap,
    Unwrap,
    Encrypt,
    Decrypt,
    ListDeleted,
    GetDeleted,
    Recover,
    Purge,
}

impl Op {
    /// Name in the vault's log, access-policy permission, data action.
    fn facts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::List => ("KeyList", "list", "keys/read"),
            Self::Versions => ("KeyListVersions", "list", "keys/read"),
            Self::Get => ("KeyGet", "get", "keys/read"),
            Self::Create => ("KeyCreate", "create", "keys/create/action"),
            Self::Import => ("KeyImport", "import", "keys/import/action"),
            Self::Update => ("KeyUpdate", "update", "keys/update/action"),
            Self::Rotate => ("KeyRotate", "rotate", "keys/rotate/action"),
            Self::GetPolicy => ("KeyRotationPolicyGet", "getrotationpolicy", "keyrotationpolicies/read"),
            Self::SetPolicy => ("KeyRotationPolicySet", "setrotationpolicy", "keyrotationpolicies/write"),
            Self::Delete => ("KeyDelete", "delete", "keys/delete"),
            Self::Wrap => ("KeyWrap", "wrapKey", "keys/wrap/action"),
            Self::Unwrap => ("KeyUnwrap", "unwrapKey", "keys/unwrap/action"),
            Self::Encrypt => ("KeyEncrypt", "encrypt", "keys/encrypt/action"),
            Self::Decrypt => ("KeyDecrypt", "decrypt", "keys/decrypt/action"),
            Self::ListDeleted => ("KeyListDeleted", "list", "keys/read"),
            Self::GetDeleted => ("KeyGetDeleted", "get", "keys/read"),
            Self::Recover => ("KeyRecover", "recover", "keys/recover/action"),
            Self::Purge => ("KeyPurge", "purge", "keys/purge/action"),
        }
    }
}

pub(super) struct Target {
    pub(super) op: Op,
    pub(super) key: String,
    pub(super) version: Option<String>,
}

const VERSIONS: &[&str] = &[
    "2016-10-01",
    "7.0",
    "7.1",
    "7.2",
    "7.3-preview",
    "7.3",
    "7.4-preview.1",
    "7.4",
    "7.5-preview.1",
    "7.5",
    "7.6-preview.1",
    "7.6-preview.2",
    "7.6",
    "2025-06-01-preview",
    "2025-07-01",
];

/// None: the host is no vault's.
pub(super) fn answer(world: &mut World, call: &Call) -> Option<Reply> {
    let vault_name = call.host.strip_suffix(world.setup.cloud.vault_suffix())?.strip_suffix('.')?;
    let vault = world.vaults.get(vault_name)?;
    let region = vault.location.clone();
    let reply = serve(world, call, vault_name).unwrap_or_else(Reply::from);
    let ip = world.params.client_ip.clone();
    let mut reply = reply
        .header("cache-control", "no-cache")
        .header("strict-transport-security", "max-age=31536000;includeSubDomains")
        .header("x-ms-keyvault-network-info", format!("conn_type=Ipv4;addr={ip};act_addr_fam=InterNetwork;"))
        .header("x-ms-keyvault-region", region)
        .header("x-ms-keyvault-service-version", "1.9.2406.1")
        .header("x-ms-request-id", world.rng.guid().to_string());
    if let Some(id) = call.header("x-ms-client-request-id") {
        reply = reply.header("x-ms-client-request-id", id);
    }
    Some(reply)
}

/// The challenge comes first, since its reader has no token yet; then network, token, rights, state (R-CMK-39).
fn serve(world: &mut World, call: &Call, name: &str) -> Result<Reply, Fail> {
    let cloud = world.setup.cloud;
    let vault = world.vaults.get(name).ok_or_else(errors::no_route)?.clone();
    let caller = world.caller(call.header("authorization"), call.now, |aud| cloud.is_vault_audience(aud));
    if let Err(TokenProblem::Missing) = caller {
        return Err(challenge(world, &vault, "AKV10000", "Request is missing a Bearer or PoP token."));
    }
    let target = route(call)?;
    let who = caller.as_ref().map(errors::who).unwrap_or_default();
    let outcome = gate(world, &vault, &who)
        .and_then(|()| caller.clone().map_err(|p| bad_token(world, &vault, p)))
        .and_then(|caller| {
            check_version(call)?;
            authorize(world, call, &vault, &target, &caller)?;
            take(world, call, &vault, &target)?;
            act::act(world, call, &vault, &target)
        });
    let (operation, ..) = target.op.facts();
    let (status, cause) = match &outcome {
        Ok(r) => (r.status, None),
        Err(f) => (f.status, Some(f.inner.clone().unwrap_or_else(|| f.code.clone()))),
    };
    let caller = caller.ok().map(|c| (c.object_id, c.client_id));
    let uri = match (&outcome, &target.version) {
        (Ok(Reply { body: Some(b), .. }), None) => b.pointer("/key/kid").and_then(|k| k.as_str()).map(str::to_owned),
        _ => None,
    };
    let uri = uri.unwrap_or_else(|| format!("https://{}{}", call.host, call.path));
    let ip = world.params.client_ip.clone();
    world.log(call.now, Entry { operation, vault: &vault.name, uri, status, cause, caller, ip });
    outcome
}

fn challenge(world: &World, vault: &Vault, code: &str, why: &str) -> Fail {
    let cloud = world.setup.cloud;
    errors::challenge(cloud.login_host(), vault.tenant, &cloud.vault_audience(), code, why)
}

fn bad_token(world: &World, vault: &Vault, problem: TokenProblem) -> Fail {
    let (code, why) = match problem {
        TokenProblem::Audience => ("AKV10022", "Invalid audience."),
        TokenProblem::Tenant => ("AKV10032", "Invalid issuer."),
        TokenProblem::Expired => ("AKV10001", "Error validating token: the token has expired."),
        _ => ("AKV10001", "Error validating token."),
    };
    challenge(world, vault, code, why)
}

fn gate(world: &World, vault: &Vault, who: &str) -> Result<(), Fail> {
    use crate::services::vaults::Gate;
    let (name, location) = (vault.name.as_str(), vault.location.as_str());
    match vault.gate_for(&world.params.client_ip) {
        Gate::Open => Ok(()),
        Gate::Perimeter => Err(errors::perimeter(name)),
        Gate::Connection => Err(errors::connection(who, name, location)),
        Gate::Firewall => Err(errors::firewall(&world.params.client_ip, who, name, location)),
    }
}

fn check_version(call: &Call) -> Result<(), Fail> {
    let asked = call.api_version();
    if asked.is_empty() {
        return Err(errors::bad("api-version must be specified"));
    }
    if !VERSIONS.contains(&asked) {
        return Err(errors::bad(format!("The specified version ({asked}) is not recognized.")));
    }
    Ok(())
}

/// R-KV-31: only the store of the active model counts.
fn authorize(world: &World, call: &Call, vault: &Vault, target: &Target, caller: &Caller) -> Result<(), Fail> {
    let (_, permission, action) = target.op.facts();
    let who = errors::who(caller);
    let (name, location) = (vault.name.as_str(), vault.location.as_str());
    if vault.tenant != caller.tenant {
        return Err(bad_token(world, vault, TokenProblem::Tenant));
    }
    if vault.rbac {
        let action = format!("Microsoft.KeyVault/vaults/{action}");
        let scope = match target.key.as_str() {
            "" => vault.id.clone(),
            key => format!("{}/keys/{key}", vault.id),
        };
        if world.permitted_data(call.now, caller.object_id, &action, &scope) {
            return Ok(());
        }
        return Err(errors::rbac(&who, &action, &scope.to_lowercase(), name, location));
    }
    let Some(mine) = vault.key_permissions(caller.object_id, call.now) else {
        return Err(errors::no_policy(&who, name, location));
    };
    if mine.iter().any(|p| p.eq_ignore_ascii_case(permission) || p.eq_ignore_ascii_case("all")) {
        return Ok(());
    }
    Err(errors::policy(&who, permission, name, location))
}

fn take(world: &mut World, call: &Call, vault: &Vault, target: &Target) -> Result<(), Fail> {
    if !world.params.kv_throttle {
        return Ok(());
    }
    let create = matches!(target.op, Op::Create | Op::Rotate);
    let current = vault.keys.get(&target.key.to_lowercase()).and_then(|k| k.current());
    let asked = call.json().unwrap_or_default();
    let kty = asked.get("kty").and_then(|k| k.as_str()).or(current.map(|c| c.kty.as_str())).unwrap_or("RSA");
    let size = current.map_or(2048, |c| c.size);
    let limit = throttle::limit(create, kty, size);
    if world.key_throttle.take(&vault.name, limit, call.now) { Ok(()) } else { Err(errors::throttled()) }
}

fn route(call: &Call) -> Result<Target, Fail> {
    let parts: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let first = parts.first().map(|p| p.to_lowercase()).unwrap_or_default();
    let rest = parts.get(1..).unwrap_or_default();
    let last = rest.last().map(|p| p.to_lowercase()).unwrap_or_default();
    let m = &call.method;
    let (op, key, version) = match (first.as_str(), rest) {
        ("keys", []) if m == Method::GET => (Op::List, "", None),
        ("keys", [k]) if m == Method::GET => (Op::Get, *k, None),
        ("keys", [k]) if m == Method::DELETE => (Op::Delete, *k, None),
        ("keys", [k]) if m == Method::PUT => (Op::Import, *k, None),
        ("keys", [k]) if m == Method::PATCH => (Op::Update, *k, None),
        ("keys", [k, _]) if m == Method::POST && last == "create" => (Op::Create, *k, None),
        ("keys", [k, _]) if m == Method::POST && last == "rotate" => (Op::Rotate, *k, None),
        ("keys", [k, _]) if m == Method::GET && last == "versions" => (Op::Versions, *k, None),
        ("keys", [k, _]) if m == Method::GET && last == "rotationpolicy" => (Op::GetPolicy, *k, None),
        ("keys", [k, _]) if m == Method::PUT && last == "rotationpolicy" => (Op::SetPolicy, *k, None),
        ("keys", [k, v]) if m == Method::GET => (Op::Get, *k, Some(*v)),
        ("keys", [k, v]) if m == Method::PATCH => (Op::Update, *k, Some(*v)),
        ("keys", [k, middle @ .., _]) if m == Method::POST && middle.len() < 2 => {
            let op = match last.as_str() {
                "wrapkey" => Op::Wrap,
                "unwrapkey" => Op::Unwrap,
                "encrypt" => Op::Encrypt,
                "decrypt" => Op::Decrypt,
                _ => return Err(errors::no_route()),
            };
            (op, *k, middle.first().copied())
        }
        ("keys", [_, _]) => return Err(errors::no_method()),
        ("deletedkeys", []) if m == Method::GET => (Op::ListDeleted, "", None),
        ("deletedkeys", [k]) if m == Method::GET => (Op::GetDeleted, *k, None),
        ("deletedkeys", [k]) if m == Method::DELETE => (Op::Purge, *k, None),
        ("deletedkeys", [k, _]) if m == Method::POST && last == "recover" => (Op::Recover, *k, None),
        _ => return Err(errors::no_route()),
    };
    Ok(Target { op, key: key.to_owned(), version: version.map(str::to_owned) })
}
