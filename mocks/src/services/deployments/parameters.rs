//! The parameters of a template: what it declares, what is given, what follows.

use super::{
    errors,
    evaluate::{Never, Scope, Trouble},
    facts::Facts,
};
use crate::http::message::{Fail, Object, Peek, named};
use serde_json::{Value, json};

/// The types as the service writes them.
const TYPES: [&str; 7] = ["String", "SecureString", "Int", "Bool", "Object", "SecureObject", "Array"];

pub(super) fn type_of(declared: &Value) -> Option<&'static str> {
    let named = declared.get("type")?.as_str()?;
    TYPES.into_iter().find(|t| t.eq_ignore_ascii_case(named))
}

pub(super) fn is_secret(kind: &str) -> bool {
    kind.starts_with("Secure")
}

/// The value of each declared parameter.
pub(super) fn resolve(declared: &Object, given: &Object, facts: &Facts) -> Result<Object, Fail> {
    let extra: Vec<&str> = given.keys().map(String::as_str).filter(|g| named(declared, g).is_none()).collect();
    if !extra.is_empty() {
        let known: Vec<&str> = declared.keys().map(String::as_str).collect();
        return Err(errors::invalid(&format!(
            "The template parameters '{}' in the parameters file are not valid; they are not present in the original template and can therefore not be provided at deployment time. The only supported parameters for this template are '{}'. Please see https://aka.ms/arm-pass-parameter-values for usage details.",
            extra.join(", "),
            known.join(", ")
        )));
    }
    let mut values = Object::new();
    let mut defaults = Vec::new();
    for (name, declaration) in declared {
        match named(given, name) {
            Some(entry) if entry.get("reference").is_some() => {
                return Err(errors::unsupported("parameters out of a vault"));
            }
            Some(entry) => {
                let value = entry.get("value").ok_or_else(|| missing(name))?;
                values.insert(name.clone(), value.clone());
            }
            None => {
                let default = declaration.get("defaultValue").ok_or_else(|| missing(name))?;
                defaults.push((name, default));
            }
        }
    }
    // A default may be made of other parameters, in any order; what never gets a value waits for itself.
    while !defaults.is_empty() {
        let (before, none) = (defaults.len(), Object::new());
        let mut trouble = None;
        let mut found = Vec::new();
        defaults.retain(|(name, default)| match Scope::new(&values, &none, facts, &Never).expand(default) {
            Ok(value) => {
                found.push(((*name).clone(), value));
                false
            }
            Err(why) => {
                trouble = Some(why);
                true
            }
        });
        values.extend(found);
        if defaults.len() == before {
            let Some(Trouble::Wrong(why)) = trouble else { break };
            return Err(errors::invalid(&why));
        }
    }
    for (name, declaration) in declared {
        check(name, declaration, values.get(name).unwrap_or(&Value::Null))?;
    }
    Ok(values)
}

fn missing(name: &str) -> Fail {
    // Recorded.
    errors::invalid(&format!(
        "The value for the template parameter '{name}' is not provided. Please see https://aka.ms/arm-create-parameter-file for usage details."
    ))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(n) if n.is_f64() => "Float",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "Array",
        Value::Object(_) => "Object",
    }
}

fn check(name: &str, declaration: &Value, value: &Value) -> Result<(), Fail> {
    let no = |why: String| {
        Err(errors::invalid(&format!(
            "The provided value for the template parameter '{name}' is not valid. {why} Please see https://aka.ms/arm-create-parameter-file for usage details."
        )))
    };
    let Some(kind) = type_of(declaration) else {
        let named = declaration.get("type").and_then(Value::as_str).unwrap_or_default();
        return Err(errors::invalid(&format!(
            "The template parameter '{name}' has the type '{named}', which is not valid. Please see https://aka.ms/arm-syntax-parameters for usage details."
        )));
    };
    let fits = match kind {
        "String" | "SecureString" => value.is_string(),
        "Int" => value.is_i64(),
        "Bool" => value.is_boolean(),
        "Array" => value.is_array(),
        _ => value.is_object(),
    };
    if !fits {
        return no(format!("Expected a value of type '{kind}', but received a value of type '{}'.", kind_of(value)));
    }
    let allowed = declaration.get("allowedValues").and_then(Value::as_array);
    if let Some(allowed) = allowed.filter(|all| !all.contains(value)) {
        let shown: Vec<String> = allowed.iter().map(super::text_functions::shown).collect();
        return no(format!("The value is not part of the allowed value(s): '{}'.", shown.join(",")));
    }
    let length = match value {
        Value::String(s) => i64::try_from(s.chars().count()).ok(),
        Value::Array(items) => i64::try_from(items.len()).ok(),
        _ => None,
    };
    for (limit, measured, least) in [
        ("minLength", length, true),
        ("maxLength", length, false),
        ("minValue", value.as_i64(), true),
        ("maxValue", value.as_i64(), false),
    ] {
        let limit_value = declaration.as_object().and_then(|d| d.int(limit));
        if let (Some(limit_value), Some(measured)) = (limit_value, measured)
            && (if least { measured < limit_value } else { measured > limit_value })
        {
            let what = if limit.ends_with("Length") { "Length of the value" } else { "The value" };
            let side = if least { "greater" } else { "less" };
            return no(format!("{what} should be {side} than or equal to '{limit_value}'."));
        }
    }
    Ok(())
}

/// The parameters as a deployment shows them: secrets without their value.
pub(super) fn shown(declared: &Object, values: &Object) -> Value {
    let one = |(name, declaration): (&String, &Value)| {
        let kind = type_of(declaration).unwrap_or("String");
        let shown =
            if is_secret(kind) { json!({"type": kind}) } else { json!({"type": kind, "value": values.get(name)}) };
        (name.clone(), shown)
    };
    Value::Object(declared.iter().map(one).collect())
}
