//! The functions that need nothing but their arguments. Names compare without case.

use super::{
    evaluate::{Evaluated, Trouble, wrong},
    text_functions as text,
};
use crate::http::message::{Object, named};
use serde_json::{Value, json};
use std::cmp::Ordering;

pub(super) fn bad_args(name: &str) -> Trouble {
    Trouble::Wrong(format!(
        "Unable to evaluate template language function '{name}': the function takes other arguments. Please see https://aka.ms/arm-function-{name} for usage details.",
    ))
}

pub(super) fn unknown(name: &str) -> String {
    format!(
        "The template function '{name}' is not valid. Please see https://aka.ms/arm-template-expressions for usage details."
    )
}

/// What `call` knows.
pub(super) const PLAIN: &[&str] = &[
    "add",
    "bool",
    "concat",
    "contains",
    "createarray",
    "createobject",
    "div",
    "empty",
    "endswith",
    "equals",
    "false",
    "first",
    "format",
    "greater",
    "greaterorequals",
    "guid",
    "int",
    "json",
    "last",
    "length",
    "less",
    "lessorequals",
    "mod",
    "mul",
    "not",
    "null",
    "replace",
    "skip",
    "split",
    "startswith",
    "string",
    "sub",
    "substring",
    "take",
    "tolower",
    "toupper",
    "trim",
    "true",
    "union",
    "uniquestring",
];

pub(super) fn call(name: &str, args: &[Value]) -> Evaluated<Value> {
    let bad = || bad_args(name);
    let lower = name.to_ascii_lowercase();
    Ok(match (lower.as_str(), args) {
        ("true", []) => Value::Bool(true),
        ("false", []) => Value::Bool(false),
        ("null", []) => Value::Null,
        ("not", [Value::Bool(b)]) => Value::Bool(!b),
        ("equals", [a, b]) => Value::Bool(a == b),
        ("less", [a, b]) => Value::Bool(order(a, b).ok_or_else(bad)?.is_lt()),
        ("lessorequals", [a, b]) => Value::Bool(order(a, b).ok_or_else(bad)?.is_le()),
        ("greater", [a, b]) => Value::Bool(order(a, b).ok_or_else(bad)?.is_gt()),
        ("greaterorequals", [a, b]) => Value::Bool(order(a, b).ok_or_else(bad)?.is_ge()),
        ("add" | "sub" | "mul" | "div" | "mod", [a, b]) => {
            let (a, b) = (a.as_i64().ok_or_else(bad)?, b.as_i64().ok_or_else(bad)?);
            let result = match lower.as_str() {
                "add" => a.checked_add(b),
                "sub" => a.checked_sub(b),
                "mul" => a.checked_mul(b),
                "div" => a.checked_div(b),
                _ => a.checked_rem(b),
            };
            Value::from(result.ok_or_else(bad)?)
        }
        ("empty", [v]) => Value::Bool(size(v).map(|n| n == 0).or(v.is_null().then_some(true)).ok_or_else(bad)?),
        ("length", [v]) => Value::from(size(v).ok_or_else(bad)?),
        ("contains", [within, item]) => Value::Bool(contains(within, item).ok_or_else(bad)?),
        ("first", [Value::Array(items)]) => items.first().cloned().unwrap_or(Value::Null),
        ("last", [Value::Array(items)]) => items.last().cloned().unwrap_or(Value::Null),
        ("take", [Value::Array(items), n]) => items.iter().take(count(n).ok_or_else(bad)?).cloned().collect(),
        ("skip", [Value::Array(items), n]) => items.iter().skip(count(n).ok_or_else(bad)?).cloned().collect(),
        ("concat", [Value::Array(_), ..]) => {
            let lists: Option<Vec<&Vec<Value>>> = args.iter().map(Value::as_array).collect();
            lists.ok_or_else(bad)?.into_iter().flatten().cloned().collect()
        }
        ("union", [first, second, rest @ ..]) => {
            let both = union(first, second).ok_or_else(bad)?;
            rest.iter().try_fold(both, |all, more| union(&all, more)).ok_or_else(bad)?
        }
        ("createarray", items) => Value::Array(items.to_vec()),
        ("createobject", members) => {
            let (pairs, []) = members.as_chunks::<2>() else { return Err(bad()) };
            let made: Option<Object> =
                pairs.iter().map(|[name, value]| Some((name.as_str()?.to_owned(), value.clone()))).collect();
            Value::Object(made.ok_or_else(bad)?)
        }
        ("json", [Value::String(s)]) => match serde_json::from_str(s) {
            Ok(value) => value,
            Err(_) => return wrong(format!("The template language function 'json' parameter is not valid: '{s}'.")),
        },
        ("int", [n @ Value::Number(_)]) => n.clone(),
        ("int", [Value::String(s)]) => Value::from(s.trim().parse::<i64>().map_err(|_| bad())?),
        ("bool", [b @ Value::Bool(_)]) => b.clone(),
        ("bool", [Value::Number(n)]) => Value::Bool(n.as_i64() != Some(0)),
        ("bool", [Value::String(s)]) => match s.to_ascii_lowercase().as_str() {
            "true" | "1" => Value::Bool(true),
            "false" | "0" => Value::Bool(false),
            _ => return Err(bad()),
        },
        ("string", [v]) => json!(text::shown(v)),
        _ if !PLAIN.contains(&lower.as_str()) => return wrong(unknown(name)),
        (lower, args) => text::call(lower, args).ok_or_else(bad)?,
    })
}

fn size(v: &Value) -> Option<usize> {
    match v {
        Value::String(s) => Some(s.chars().count()),
        Value::Array(items) => Some(items.len()),
        Value::Object(members) => Some(members.len()),
        _ => None,
    }
}

fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => Some(a.as_i64()?.cmp(&b.as_i64()?)),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// A number of items; less than none is none.
pub(super) fn count(n: &Value) -> Option<usize> {
    usize::try_from(n.as_i64()?.max(0)).ok()
}

fn contains(within: &Value, item: &Value) -> Option<bool> {
    Some(match within {
        Value::String(s) => s.contains(&text::shown(item)),
        Value::Array(items) => items.contains(item),
        Value::Object(members) => named(members, item.as_str()?).is_some(),
        _ => return None,
    })
}

/// Objects are merged all the way down, the later one winning; of lists each item stays once.
fn union(a: &Value, b: &Value) -> Option<Value> {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            let mut all: Vec<Value> = Vec::new();
            for item in a.iter().chain(b) {
                if !all.contains(item) {
                    all.push(item.clone());
                }
            }
            Some(Value::Array(all))
        }
        (Value::Object(a), Value::Object(b)) => {
            let mut all = a.clone();
            for (name, value) in b {
                let old = all.get(name).filter(|o| o.is_object() && value.is_object());
                let value = old.and_then(|old| union(old, value)).unwrap_or_else(|| value.clone());
                all.insert(name.clone(), value);
            }
            Some(Value::Object(all))
        }
        _ => None,
    }
}
