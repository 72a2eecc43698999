//! Import of a key that was made elsewhere: as little idempotent as making one (R-KV-11).

use super::{
    act::{answer, check_name},
    errors,
    state::NewVersion,
};
use crate::{
    http::message::{Call, Fail, Object, Peek, Reply, tags_of},
    services::vaults::Vault,
    world::World,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

pub(super) fn import(world: &mut World, call: &Call, vault: &Vault, name: &str) -> Result<Reply, Fail> {
    check_name(call, vault, name)?;
    let body = call.json().map_err(|f| errors::bad(f.message))?;
    let jwk = body.object("key").ok_or_else(|| errors::bad("Property  key  is required."))?;
    let (kty, material) = read(jwk)?;
    let hsm = kty.ends_with("-HSM") || body.flag("Hsm").or_else(|| body.flag("hsm")).unwrap_or(false);
    let rsa = kty.starts_with("RSA");
    let size = match (rsa, material.as_deref()) {
        (true, Some([n])) => Some(bits(n)?),
        _ => None,
    };
    let ops = jwk.at("key_ops").and_then(Value::as_array);
    let new = NewVersion {
        kty: match (rsa, hsm) {
            (true, true) => "RSA-HSM",
            (true, false) => "RSA",
            (false, true) => "EC-HSM",
            (false, false) => "EC",
        }
        .to_owned(),
        size,
        curve: jwk.text("crv").map(str::to_owned),
        ops: ops.map(|l| l.iter().filter_map(|o| o.as_str().map(str::to_owned)).collect()),
        enabled: body.flag("attributes.enabled").unwrap_or(true),
        nbf: body.int("attributes.nbf"),
        exp: body.int("attributes.exp"),
        exportable: body.flag("attributes.exportable").unwrap_or(false),
        tags: tags_of(&body).unwrap_or_default(),
        material,
    };
    let made = world.make_version(&vault.name, name, new, call.now)?;
    answer(world, call, &vault.name, name, &made.version)
}

/// The type and the public members; a blob for the HSM (`key_hsm`) does not show them. Private members have to be
/// there, and are forgotten.
fn read(jwk: &Object) -> Result<(String, Option<Vec<String>>), Fail> {
    let kty = jwk.text("kty").ok_or_else(|| errors::bad("Property  kty  is required."))?.to_uppercase();
    let (public, private): (&[&str], &[&str]) = match kty.as_str() {
        "RSA" | "RSA-HSM" => (&["n"], &["e", "d", "p", "q", "dp", "dq", "qi"]),
        "EC" | "EC-HSM" => (&["x", "y"], &["crv", "d"]),
        other => return Err(errors::bad(format!("Unsupported key type '{other}'."))),
    };
    if kty.ends_with("-HSM") && jwk.text("key_hsm").is_some() {
        member(jwk, "key_hsm")?;
        return Ok((kty, None));
    }
    for name in private {
        if *name == "crv" {
            jwk.text(name).ok_or_else(|| missing(name))?;
        } else {
            member(jwk, name)?;
        }
    }
    let public: Result<Vec<String>, Fail> = public.iter().map(|name| member(jwk, name).map(str::to_owned)).collect();
    Ok((kty, Some(public?)))
}

fn missing(name: &str) -> Fail {
    errors::bad(format!("Property  {name}  is required."))
}

fn member<'a>(jwk: &'a Object, name: &str) -> Result<&'a str, Fail> {
    let text = jwk.text(name).ok_or_else(|| missing(name))?;
    let good = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).is_ok_and(|bytes| !bytes.is_empty());
    if good { Ok(text) } else { Err(errors::bad(format!("Property  {name}  has invalid value"))) }
}

/// The size that a modulus stands for; which sizes there are is not decided here.
fn bits(modulus: &str) -> Result<i64, Fail> {
    let bytes = URL_SAFE_NO_PAD.decode(modulus.trim_end_matches('=')).map_err(|_| missing("n"))?;
    let length = bytes.iter().skip_while(|b| **b == 0).count();
    i64::try_from(length * 8).map_err(|_| missing("n"))
}
