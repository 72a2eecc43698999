//! What an expression is worth, given parameters, variables and the place of the deployment.

use super::{
    copies::Place,
    expression::{Expr, Said, read},
    facts::Facts,
    functions,
};
use crate::http::message::{Object, named};
use serde_json::Value;
use std::cell::{Cell, RefCell};

/// Why there is no value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Trouble {
    /// The template is wrong: what the service says of it.
    Wrong(String),
    /// A resource cannot be looked at: what its provider says.
    Refused { code: String, message: String },
    /// Only the finished resource knows.
    Later,
}

pub(super) type Evaluated<T> = Result<T, Trouble>;

pub(super) fn wrong<T>(message: impl Into<String>) -> Evaluated<T> {
    Err(Trouble::Wrong(message.into()))
}

/// Where `reference` looks.
pub(super) trait Runtime {
    fn reference(&self, target: &str, version: Option<&str>, full: bool) -> Evaluated<Value>;
}

/// Before anything is made.
#[derive(Debug)]
pub(super) struct NotYet;

impl Runtime for NotYet {
    fn reference(&self, _: &str, _: Option<&str>, _: bool) -> Evaluated<Value> {
        Err(Trouble::Later)
    }
}

/// In names, conditions, variables and the like, which are fixed before anything is made.
#[derive(Debug)]
pub(super) struct Never;

impl Runtime for Never {
    fn reference(&self, _: &str, _: Option<&str>, _: bool) -> Evaluated<Value> {
        wrong(
            "The template function 'reference' is not expected at this location. Please see https://aka.ms/arm-template-expressions for usage details.",
        )
    }
}

/// How deep values, expressions and variables may lie within each other.
const DEEPEST: usize = 150;
/// How much a single value may take, in steps and in bytes: a template of two lines can ask for gigabytes.
const MOST_STEPS: usize = 100_000;
const MOST_TEXT: usize = 1 << 20;

pub(super) struct Scope<'a> {
    pub(super) parameters: &'a Object,
    pub(super) variables: &'a Object,
    pub(super) facts: &'a Facts,
    pub(super) runtime: &'a dyn Runtime,
    /// Expressions whose value comes later stay as they are written.
    pub(super) leave: bool,
    depth: Cell<usize>,
    steps: Cell<usize>,
    /// The loop of the resource at hand, and its place in it.
    copy: RefCell<Option<Place>>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(
        parameters: &'a Object,
        variables: &'a Object,
        facts: &'a Facts,
        runtime: &'a dyn Runtime,
    ) -> Self {
        Self {
            parameters,
            variables,
            facts,
            runtime,
            leave: false,
            depth: Cell::new(0),
            steps: Cell::new(0),
            copy: RefCell::default(),
        }
    }

    /// From here on for a resource of this place in a loop.
    pub(super) fn at(&self, place: Option<&Place>) {
        self.copy.replace(place.cloned());
    }

    /// The same place before anything is made.
    pub(super) fn fixed(&self) -> Scope<'a> {
        Scope {
            runtime: &Never,
            leave: false,
            depth: self.depth.clone(),
            steps: self.steps.clone(),
            copy: self.copy.clone(),
            parameters: self.parameters,
            variables: self.variables,
            facts: self.facts,
        }
    }

    /// A value with everything in it evaluated, names of members included.
    pub(super) fn expand(&self, value: &Value) -> Evaluated<Value> {
        self.deeper(|| match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                let items: Vec<_> = items.iter().map(|i| self.expand(i)).collect();
                all(items).map(Value::Array)
            }
            Value::Object(members) => {
                let members: Vec<_> = members
                    .iter()
                    .map(|(name, value)| {
                        let name = match self.text(name)? {
                            Value::String(name) => name,
                            other => return wrong(format!("A property cannot be named '{other}'.")),
                        };
                        Ok((name, self.expand(value)?))
                    })
                    .collect();
                Ok(Value::Object(all(members)?.into_iter().collect()))
            }
            plain => Ok(plain.clone()),
        })
    }

    pub(super) fn text(&self, text: &str) -> Evaluated<Value> {
        match read(text).map_err(Trouble::Wrong)? {
            Said::Plain(plain) => Ok(Value::String(plain)),
            Said::Expression(expr) => match self.eval(&expr) {
                Err(Trouble::Later) if self.leave => Ok(Value::String(text.to_owned())),
                other => other,
            },
        }
    }

    pub(super) fn eval(&self, expr: &Expr) -> Evaluated<Value> {
        self.deeper(|| match expr {
            Expr::Text(text) => Ok(Value::String(text.clone())),
            Expr::Number(n) => Ok(Value::from(*n)),
            Expr::Member { of, name } => member(&self.eval(of)?, name),
            Expr::Index { of, at } => {
                let (of, at) = (self.eval(of)?, self.eval(at)?);
                match (&of, &at) {
                    (Value::Array(items), Value::Number(n)) => {
                        let found = n.as_u64().and_then(|n| items.get(usize::try_from(n).ok()?));
                        found.cloned().ok_or_else(|| {
                            Trouble::Wrong(format!(
                                "The language expression property array index '{n}' is out of bounds."
                            ))
                        })
                    }
                    (_, Value::String(name)) => member(&of, name),
                    _ => wrong(format!("The language expression property '{at}' can't be evaluated.")),
                }
            }
            Expr::Call { name, args } => {
                let value = self.call(name, args)?;
                match value.as_str() {
                    Some(text) if text.len() > MOST_TEXT => wrong(format!("What '{name}' makes is too long.")),
                    _ => Ok(value),
                }
            }
        })
    }

    /// `copyIndex()`, `copyIndex(offset)`, `copyIndex('loop')`, `copyIndex('loop', offset)`.
    fn copy_index(&self, name: &str, args: &[Expr]) -> Evaluated<Value> {
        let values: Vec<Value> = all(args.iter().map(|a| self.eval(a)).collect())?;
        let (of, offset) = match values.as_slice() {
            [] => (None, 0),
            [Value::Number(n)] => (None, n.as_i64().ok_or_else(|| functions::bad_args(name))?),
            [Value::String(of)] => (Some(of), 0),
            [Value::String(of), Value::Number(n)] => (Some(of), n.as_i64().ok_or_else(|| functions::bad_args(name))?),
            _ => return Err(functions::bad_args(name)),
        };
        match &*self.copy.borrow() {
            Some(place) if of.is_none_or(|of| of.eq_ignore_ascii_case(&place.of.name)) => {
                Ok(Value::from(place.index.saturating_add(offset)))
            }
            _ => wrong(
                "The template function 'copyIndex' is not expected at this location. The function can only be used in a resource with copy specified. Please see https://aka.ms/arm-copy for usage details.",
            ),
        }
    }

    fn call(&self, name: &str, args: &[Expr]) -> Evaluated<Value> {
        let name_of = |i: usize| -> Evaluated<String> {
            let found = args.get(i).map(|a| self.eval(a)).transpose()?;
            found.as_ref().and_then(Value::as_str).map(str::to_owned).ok_or_else(|| functions::bad_args(name))
        };
        let nothing_in = |fact: &Value| if args.is_empty() { Ok(fact.clone()) } else { Err(functions::bad_args(name)) };
        match (name.to_ascii_lowercase().as_str(), args) {
            ("parameters", [_]) => {
                let wanted = name_of(0)?;
                named(self.parameters, &wanted).cloned().ok_or_else(|| {
                    Trouble::Wrong(format!(
                        "The template parameter '{wanted}' is not found. Please see https://aka.ms/arm-syntax-parameters for usage details."
                    ))
                })
            }
            ("variables", [_]) => {
                let wanted = name_of(0)?;
                let found = named(self.variables, &wanted).ok_or_else(|| {
                    Trouble::Wrong(format!(
                        "The template variable '{wanted}' is not found. Please see https://aka.ms/arm-syntax-variables for usage details."
                    ))
                })?;
                let fixed = self.fixed();
                let value = fixed.expand(found);
                self.steps.set(fixed.steps.get());
                value
            }
            ("if", [test, yes, no]) => match self.eval(test)? {
                Value::Bool(true) => self.eval(yes),
                Value::Bool(false) => self.eval(no),
                _ => Err(functions::bad_args(name)),
            },
            ("and", [_, _, ..]) => self.until(name, args, false),
            ("or", [_, _, ..]) => self.until(name, args, true),
            ("coalesce", [_, ..]) => {
                for arg in args {
                    let value = self.eval(arg)?;
                    if !value.is_null() {
                        return Ok(value);
                    }
                }
                Ok(Value::Null)
            }
            ("reference", [_] | [_, _] | [_, _, _]) => {
                let target = name_of(0)?;
                let version = if args.len() > 1 { Some(name_of(1)?) } else { None };
                let full = match args.len() {
                    3 if name_of(2)?.eq_ignore_ascii_case("Full") => true,
                    3 => return Err(functions::bad_args(name)),
                    _ => false,
                };
                self.runtime.reference(&target, version.as_deref(), full)
            }
            ("copyindex", [] | [_] | [_, _]) => self.copy_index(name, args),
            ("resourcegroup", _) => nothing_in(&self.facts.group),
            ("subscription", _) => nothing_in(&self.facts.subscription),
            ("tenant", _) => nothing_in(&self.facts.tenant),
            ("deployment", _) => nothing_in(&self.facts.deployment),
            ("environment", _) => nothing_in(&self.facts.environment),
            (lower, _) => {
                let mut values = Vec::new();
                let mut later = false;
                for arg in args {
                    match self.eval(arg) {
                        Ok(value) => values.push(value),
                        Err(Trouble::Later) => later = true,
                        Err(wrong) => return Err(wrong),
                    }
                }
                if later {
                    return Err(Trouble::Later);
                }
                match lower {
                    "resourceid" | "subscriptionresourceid" | "tenantresourceid" | "extensionresourceid" => {
                        self.facts.resource_id(lower, &values).ok_or_else(|| functions::bad_args(name))
                    }
                    _ if PLACED.contains(&lower) => Err(functions::bad_args(name)),
                    _ => functions::call(name, &values),
                }
            }
        }
    }

    fn until(&self, name: &str, args: &[Expr], end: bool) -> Evaluated<Value> {
        for arg in args {
            match self.eval(arg)? {
                Value::Bool(b) if b == end => return Ok(Value::Bool(end)),
                Value::Bool(_) => {}
                _ => return Err(functions::bad_args(name)),
            }
        }
        Ok(Value::Bool(!end))
    }

    fn deeper<T>(&self, go: impl FnOnce() -> Evaluated<T>) -> Evaluated<T> {
        let (depth, steps) = (self.depth.get(), self.steps.get());
        if depth >= DEEPEST || steps >= MOST_STEPS {
            return wrong(
                "The template language expression is too large or refers to itself. Please see https://aka.ms/arm-template-expressions for usage details.",
            );
        }
        self.depth.set(depth + 1);
        self.steps.set(steps + 1);
        let out = go();
        self.depth.set(depth);
        out
    }
}

/// Names that only a place can answer.
pub(super) const PLACED: &[&str] = &[
    "parameters",
    "variables",
    "if",
    "and",
    "or",
    "coalesce",
    "reference",
    "copyindex",
    "resourcegroup",
    "subscription",
    "tenant",
    "deployment",
    "environment",
    "resourceid",
    "subscriptionresourceid",
    "tenantresourceid",
    "extensionresourceid",
];

/// All of them, or what is wrong with one; what comes later only if nothing is wrong.
fn all<T>(items: Vec<Evaluated<T>>) -> Evaluated<Vec<T>> {
    match items.iter().find_map(|i| i.as_ref().err().filter(|t| **t != Trouble::Later)) {
        Some(trouble) => Err(trouble.clone()),
        None => items.into_iter().collect(),
    }
}

fn member(of: &Value, name: &str) -> Evaluated<Value> {
    let found = of.as_object().and_then(|o| named(o, name));
    found.cloned().ok_or_else(|| {
        let names = of.as_object().map(|o| o.keys().cloned().collect::<Vec<_>>().join(", ")).unwrap_or_default();
        Trouble::Wrong(format!(
            "The language expression property '{name}' doesn't exist, available properties are '{names}'."
        ))
    })
}
