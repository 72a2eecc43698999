//! A template read, checked and taken apart, before anything is made.

use super::{
    copies::{self, Copies, Place},
    errors,
    evaluate::{Evaluated, Never, NotYet, PLACED, Runtime, Scope, Trouble},
    expression::{Said, read},
    facts::{Facts, interleaved},
    functions, graph, parameters,
};
use crate::http::message::{Fail, Object, named};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One resource of a template.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Planned {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) api_version: String,
    /// Its `condition`.
    pub(super) wanted: bool,
    /// What is sent to its provider, as it is written.
    pub(super) body: Value,
    /// Which ones it waits for.
    pub(super) after: Vec<usize>,
    /// Its place in the loop it comes from.
    pub(super) copy: Option<Place>,
}

/// What is to be deployed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) declared: Object,
    pub(super) parameters: Object,
    pub(super) variables: Object,
    pub(super) resources: Vec<Planned>,
    /// An order in which each comes after those it waits for.
    pub(super) order: Vec<usize>,
    pub(super) outputs: Object,
}

impl Plan {
    pub(super) fn scope<'a>(&'a self, facts: &'a Facts, runtime: &'a dyn Runtime) -> Scope<'a> {
        Scope::new(&self.parameters, &self.variables, facts, runtime)
    }

    /// What is sent to the provider of a resource.
    pub(super) fn body(&self, resource: &Planned, scope: &Scope<'_>) -> Evaluated<Value> {
        let inner = inner_template(resource);
        let body = own_body(resource);
        scope.at(resource.copy.as_ref());
        let mut body = scope.expand(&body)?;
        if let (Some(inner), Some(properties)) = (inner, body.get_mut("properties").and_then(Value::as_object_mut)) {
            properties.insert("template".into(), inner.clone());
        }
        Ok(body)
    }
}

pub(super) fn is_deployment(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("Microsoft.Resources/deployments")
}

/// The template of a nested deployment that is to be read in its own place, not in this one.
fn inner_template(resource: &Planned) -> Option<&Value> {
    let properties = resource.body.get("properties").filter(|_| is_deployment(&resource.kind))?;
    let scope = properties.get("expressionEvaluationOptions")?.get("scope")?.as_str()?;
    properties.get("template").filter(|_| scope.eq_ignore_ascii_case("inner"))
}

/// The body without what is not to be read in this place.
fn own_body(resource: &Planned) -> Value {
    let mut body = resource.body.clone();
    if inner_template(resource).is_some()
        && let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut)
    {
        properties.remove("template");
    }
    body
}

/// Members of a resource that are for the deployment itself.
const OWN: [&str; 12] = [
    "copy",
    "type",
    "apiVersion",
    "name",
    "scope",
    "condition",
    "dependsOn",
    "comments",
    "metadata",
    "resources",
    "resourceGroup",
    "subscriptionId",
];

pub(super) fn plan(template: &Value, given: &Object, facts: &Facts) -> Result<Plan, Fail> {
    let template = template.as_object().ok_or_else(|| errors::unreadable("The template has to be an object."))?;
    for required in ["$schema", "contentVersion", "resources"] {
        if named(template, required).is_none() {
            return Err(errors::unreadable(&format!(
                "Required property '{required}' not found in JSON. Path '', line 1, position 1."
            )));
        }
    }
    let section = |name: &str| -> Result<Object, Fail> {
        match named(template, name) {
            None | Some(Value::Null) => Ok(Object::new()),
            Some(Value::Object(members)) => Ok(members.clone()),
            Some(_) => Err(errors::unreadable(&format!("The section '{name}' has to be an object."))),
        }
    };
    if named(template, "languageVersion").is_some() || !matches!(named(template, "resources"), Some(Value::Array(_))) {
        return Err(errors::unsupported("templates of languageVersion 2.0"));
    }
    if named(template, "functions").and_then(Value::as_array).is_some_and(|f| !f.is_empty()) {
        return Err(errors::unsupported("a template's own functions"));
    }
    let (declared, variables) = (section("parameters")?, section("variables")?);
    if variables.contains_key("copy") {
        return Err(errors::unsupported("'copy'"));
    }
    known_functions(&Value::Object(variables.clone())).map_err(|why| errors::invalid(&why))?;
    let parameters = parameters::resolve(&declared, given, facts)?;
    let mut plan = Plan { declared, parameters, variables, outputs: section("outputs")?, ..Plan::default() };
    let found = read_resources(template, &plan, facts)?;
    for (_, resource) in &found {
        let same = |r: &&Planned| r.id.eq_ignore_ascii_case(&resource.id);
        if plan.resources.iter().any(|r| same(&r)) {
            return Err(errors::invalid(&format!(
                "The resource '{}' is defined multiple times in a template. Please see https://aka.ms/arm-syntax-resources for usage details.",
                resource.id
            )));
        }
        plan.resources.push(resource.clone());
    }
    for (i, (depends_on, resource)) in found.iter().enumerate() {
        let mut after = graph::named(&plan.resources, depends_on)?;
        let scope = plan.scope(facts, &Never);
        scope.at(resource.copy.as_ref());
        let no = |t: Trouble| trouble(&resource.id, t);
        after.extend(copies::before(&plan.resources, resource));
        after.extend(graph::referred(&plan.resources, &own_body(resource), &scope).map_err(no)?);
        after.sort_unstable();
        after.dedup();
        if let Err(Trouble::Wrong(why)) = plan.body(resource, &plan.scope(facts, &NotYet)) {
            return Err(errors::resource_expressions(&resource.id, &why));
        }
        if let Some(r) = plan.resources.get_mut(i) {
            r.after = after;
        }
    }
    plan.order = graph::ordered(&plan.resources)?;
    check_outputs(&plan, facts)?;
    Ok(plan)
}

fn check_outputs(plan: &Plan, facts: &Facts) -> Result<(), Fail> {
    for (name, output) in &plan.outputs {
        let no = |why: &str| errors::invalid(&format!("The template output '{name}' is not valid: {why}."));
        if parameters::type_of(output).is_none() {
            return Err(no("its type is missing or unknown"));
        }
        let value = output.get("value").ok_or_else(|| no("it has no value"))?;
        known_functions(value).map_err(|why| no(&why))?;
        if let Err(Trouble::Wrong(why)) = plan.scope(facts, &NotYet).expand(value) {
            return Err(no(&why));
        }
    }
    Ok(())
}

fn trouble(id: &str, trouble: Trouble) -> Fail {
    match trouble {
        Trouble::Wrong(why) => errors::resource_expressions(id, &why),
        Trouble::Later | Trouble::Refused { .. } => {
            errors::resource_expressions(id, "It has to be known before anything is made.")
        }
    }
}

/// An unknown function is wrong even where nothing would call it yet.
fn known_functions(value: &Value) -> Result<(), String> {
    let mut out = Ok(());
    graph::each_text(value, &mut |text| match read(text) {
        Err(why) => out = Err(why),
        Ok(Said::Plain(_)) => {}
        Ok(Said::Expression(expr)) => expr.each_call(&mut |name, _| {
            let lower = name.to_ascii_lowercase();
            if !PLACED.contains(&lower.as_str()) && !functions::PLAIN.contains(&lower.as_str()) {
                out = Err(functions::unknown(name));
            }
        }),
    });
    out
}

/// Each resource with what it names in `dependsOn`.
fn read_resources(template: &Object, plan: &Plan, facts: &Facts) -> Result<Vec<(Vec<String>, Planned)>, Fail> {
    let top = named(template, "resources").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut out = Vec::new();
    // Children stand within their parent, with names and types of their own only.
    let mut left: Vec<(Value, Option<(String, String)>)> = top.into_iter().rev().map(|r| (r, None)).collect();
    while let Some((value, parent)) = left.pop() {
        let label = value.get("name").and_then(Value::as_str).unwrap_or_default();
        let places: Vec<Option<Place>> = match value.get("copy").filter(|c| !c.is_null()) {
            Some(copy) => Copies::read(copy, label, &plan.scope(facts, &Never))?.places().map(Some).collect(),
            None => vec![None],
        };
        for place in places {
            let resource = read_resource(&value, parent.clone(), place, plan, facts)?;
            let children = value.get("resources").and_then(Value::as_array).cloned().unwrap_or_default();
            let own = (resource.1.kind.clone(), resource.1.name.clone());
            left.extend(children.into_iter().rev().map(|c| (c, Some(own.clone()))));
            out.push(resource);
        }
    }
    Ok(out)
}

fn read_resource(
    value: &Value,
    parent: Option<(String, String)>,
    copy: Option<Place>,
    plan: &Plan,
    facts: &Facts,
) -> Result<(Vec<String>, Planned), Fail> {
    let members = value.as_object().ok_or_else(|| errors::unreadable("A resource has to be an object."))?;
    let scope = plan.scope(facts, &Never);
    scope.at(copy.as_ref());
    let raw = |name: &str| members.get(name).filter(|v| !v.is_null());
    let label = raw("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let at = |what: &str, why: &str| {
        errors::invalid(&format!("The template resource '{label}' is not valid: its '{what}' {why}."))
    };
    let fixed = |name: &str| -> Result<Option<Value>, Fail> {
        let Some(value) = raw(name) else { return Ok(None) };
        known_functions(value).map_err(|why| trouble(&label, Trouble::Wrong(why)))?;
        scope.expand(value).map(Some).map_err(|t| trouble(&label, t))
    };
    let text = |name: &str| -> Result<String, Fail> {
        match fixed(name)? {
            Some(Value::String(s)) if !s.trim().is_empty() => Ok(s),
            _ => Err(at(name, "has to be a text")),
        }
    };
    let (mut kind, mut name) = (text("type")?, text("name")?);
    if let Some((outer_kind, outer_name)) = parent {
        kind = format!("{outer_kind}/{kind}");
        name = format!("{outer_name}/{name}");
    }
    let names: Vec<&str> = name.split('/').collect();
    let tail = interleaved(&kind, &names).ok_or_else(|| {
        errors::invalid(&format!(
            "The template resource '{name}' for type '{kind}' has incorrect segment lengths. A nested resource type must have identical number of segments as its resource name. A root resource type must have segment length one greater than its resource name. Please see https://aka.ms/arm-syntax-resources for usage details."
        ))
    })?;
    let place = match (fixed("scope")?, fixed("resourceGroup")?) {
        (Some(Value::String(s)), _) if s.starts_with('/') => s.trim_end_matches('/').to_owned(),
        (Some(Value::String(s)), _) => format!("{}/providers/{}", facts.group_id, s.trim_end_matches('/')),
        (None, Some(Value::String(group))) if is_deployment(&kind) => {
            format!("{}/resourceGroups/{group}", facts.subscription_id)
        }
        (None, None) => facts.group_id.clone(),
        _ => return Err(at("scope", "is not valid")),
    };
    let wanted = match fixed("condition")? {
        None => true,
        Some(Value::Bool(wanted)) => wanted,
        Some(_) => return Err(at("condition", "has to be true or false")),
    };
    let depends_on = match fixed("dependsOn")? {
        None => Vec::new(),
        Some(Value::Array(items)) => {
            let all: Option<Vec<String>> = items.iter().map(|i| i.as_str().map(str::to_owned)).collect();
            all.ok_or_else(|| at("dependsOn", "has to be a list of texts"))?
        }
        Some(_) => return Err(at("dependsOn", "has to be a list of texts")),
    };
    let body: Object =
        members.iter().filter(|(k, _)| !OWN.contains(&k.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect();
    let planned = Planned {
        id: format!("{place}/providers/{tail}"),
        kind,
        name,
        api_version: text("apiVersion")?,
        wanted,
        body: Value::Object(body),
        after: Vec::new(),
        copy,
    };
    known_functions(&own_body(&planned)).map_err(|why| errors::resource_expressions(&planned.id, &why))?;
    Ok((depends_on, planned))
}
