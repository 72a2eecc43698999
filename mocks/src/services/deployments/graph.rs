//! Who waits for whom.

use super::{
    errors,
    evaluate::{Evaluated, Scope, Trouble},
    expression::{Said, read},
    plan::Planned,
};
use crate::http::message::Fail;
use serde_json::Value;

/// Whether a text of `dependsOn` or `reference` means this resource: by its id, its type and name, its name, or
/// the name of its loop.
pub(super) fn means(resource: &Planned, text: &str) -> bool {
    let text = text.trim_end_matches('/');
    text.eq_ignore_ascii_case(&resource.id)
        || text.eq_ignore_ascii_case(&resource.name)
        || resource.copy.as_ref().is_some_and(|place| text.eq_ignore_ascii_case(&place.of.name))
        || (!text.starts_with('/')
            && resource.id.to_lowercase().ends_with(&format!("/providers/{}", text.to_lowercase())))
}

/// Which resources `dependsOn` names.
pub(super) fn named(resources: &[Planned], depends_on: &[String]) -> Result<Vec<usize>, Fail> {
    let mut found = Vec::new();
    for text in depends_on {
        let before = found.len();
        found.extend(resources.iter().enumerate().filter(|(_, r)| means(r, text)).map(|(i, _)| i));
        if found.len() == before {
            return Err(errors::invalid(&format!(
                "The resource '{text}' is not defined in the template. Please see https://aka.ms/arm-syntax for usage details."
            )));
        }
    }
    Ok(found)
}

/// Which resources a body refers to, in a way that makes it wait for them (R-DEP-08).
///
/// A resource id with an api-version may mean anything that is there already, so it makes nothing wait.
pub(super) fn referred(resources: &[Planned], body: &Value, scope: &Scope<'_>) -> Evaluated<Vec<usize>> {
    let mut targets = Vec::new();
    let mut trouble = Ok(());
    each_text(body, &mut |text| {
        let Ok(Said::Expression(expr)) = read(text) else { return };
        expr.each_call(&mut |name, args| {
            let [target, rest @ ..] = args else { return };
            if !name.eq_ignore_ascii_case("reference") {
                return;
            }
            match scope.eval(target) {
                Ok(Value::String(target)) if rest.is_empty() || !target.starts_with('/') => targets.push(target),
                Err(Trouble::Wrong(why)) => trouble = Err(Trouble::Wrong(why)),
                _ => {}
            }
        });
    });
    trouble?;
    let is_meant = |r: &Planned| targets.iter().any(|t| means(r, t));
    Ok(resources.iter().enumerate().filter(|(_, r)| is_meant(r)).map(|(i, _)| i).collect())
}

pub(super) fn each_text(value: &Value, look: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => look(text),
        Value::Array(items) => items.iter().for_each(|i| each_text(i, look)),
        Value::Object(members) => {
            for (name, value) in members {
                look(name);
                each_text(value, look);
            }
        }
        _ => {}
    }
}

/// The resources in an order in which each comes after those it waits for.
pub(super) fn ordered(resources: &[Planned]) -> Result<Vec<usize>, Fail> {
    let mut order = Vec::new();
    let mut left: Vec<usize> = (0..resources.len()).collect();
    while !left.is_empty() {
        let ready = |i: &usize| resources.get(*i).is_some_and(|r| r.after.iter().all(|d| order.contains(d)));
        let (now, later): (Vec<usize>, Vec<usize>) = left.iter().copied().partition(ready);
        if now.is_empty() {
            let stuck = left.first().and_then(|i| resources.get(*i)).map(|r| r.id.as_str()).unwrap_or_default();
            return Err(errors::invalid(&format!(
                "Circular dependency detected on resource: '{stuck}'. Please see https://aka.ms/arm-syntax-resources for usage details."
            )));
        }
        order.extend(now);
        left = later;
    }
    Ok(order)
}
