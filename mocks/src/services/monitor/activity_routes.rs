use super::{
    activity::{KEPT, Phase, Record},
    activity_body, refused,
};
use crate::{
    http::{
        message::{Call, Caller, Fail, Reply, page},
        odata::{self, Term},
    },
    services::arm::{ArmPath, authorize},
    world::World,
};
use http::Method;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The events of a subscription, newest first.
pub(super) fn list(world: &World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    if call.method != Method::GET || path.group.is_some() {
        return Err(path.no_such_type(world));
    }
    authorize(world, call, caller, "Microsoft.Insights/eventtypes/values/read", &path.scope)?;
    let wanted = match read(call) {
        Ok(wanted) => wanted,
        Err(reply) => return Ok(*reply),
    };
    let mut found: Vec<(&Record, &Phase)> = world
        .monitor
        .activity
        .records()
        .filter(|r| path.holds(&format!("{}/", r.resource)) && wanted.request(r))
        .flat_map(|r| r.phases.iter().map(move |p| (r, p)))
        .filter(|(_, p)| p.visible_at <= call.now && call.now - p.at <= KEPT && wanted.event(p))
        .collect();
    found.reverse();
    found.sort_by_key(|(_, p)| std::cmp::Reverse(p.at));
    let (shown, next) = page(&found, call.query("$skiptoken"), world.params.arm_page_size);
    let value: Vec<Value> = shown.into_iter().map(|(r, p)| wanted.select(activity_body::event(world, r, p))).collect();
    let mut body = json!({"value": value});
    if let (Some(next), Some(o)) = (next, body.as_object_mut()) {
        o.insert("nextLink".into(), json!(world.next_link(call, next)));
    }
    Ok(Reply::json(200, body))
}

struct Wanted {
    from: Option<OffsetDateTime>,
    to: Option<OffsetDateTime>,
    same: Vec<Term>,
    select: Vec<String>,
}

fn read(call: &Call) -> Result<Wanted, Box<Reply>> {
    let filter = call.query("$filter").unwrap_or_default();
    let bad = || Box::new(refused(400, "BadRequest", format!("The filter '{filter}' is not valid.")));
    let mut wanted = Wanted { from: None, to: None, same: Vec::new(), select: Vec::new() };
    for term in odata::terms(filter).ok_or_else(bad)? {
        match (term.field.to_lowercase().as_str(), term.operator.as_str()) {
            ("eventtimestamp", operator @ ("ge" | "le")) => {
                let at = OffsetDateTime::parse(&term.value, &Rfc3339).map_err(|_| bad())?;
                let end = if operator == "ge" { &mut wanted.from } else { &mut wanted.to };
                *end = Some(at);
            }
            (
                "resourcegroupname" | "resourceuri" | "resourceprovider" | "correlationid" | "status" | "caller",
                "eq",
            ) => wanted.same.push(term),
            ("eventchannels", "eq") => {}
            _ => return Err(bad()),
        }
    }
    // The text is not known.
    if wanted.from.is_some_and(|from| call.now - from > KEPT) {
        let reply = refused(400, "BadRequest", "The start time cannot be more than 90 days in the past.");
        return Err(Box::new(reply));
    }
    let select = call.query("$select").unwrap_or_default();
    wanted.select = select.split(',').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect();
    Ok(wanted)
}

impl Wanted {
    fn request(&self, r: &Record) -> bool {
        let (group, provider, _) = activity_body::named(&r.resource);
        self.same.iter().all(|term| {
            let is = |text: &str| text.trim_end_matches('/').eq_ignore_ascii_case(term.value.trim_end_matches('/'));
            match term.field.to_lowercase().as_str() {
                "resourcegroupname" => is(group),
                "resourceuri" => is(&r.resource),
                "resourceprovider" => is(provider),
                "correlationid" => is(&r.correlation),
                "caller" => is(&r.shown_caller),
                _ => true,
            }
        })
    }

    fn event(&self, p: &Phase) -> bool {
        let status = self.same.iter().filter(|t| t.field.eq_ignore_ascii_case("status"));
        self.from.is_none_or(|from| from <= p.at)
            && self.to.is_none_or(|to| p.at <= to)
            && status.into_iter().all(|t| activity_body::status_name(p.status).eq_ignore_ascii_case(&t.value))
    }

    fn select(&self, mut event: Value) -> Value {
        if let (false, Some(o)) = (self.select.is_empty(), event.as_object_mut()) {
            o.retain(|name, _| self.select.iter().any(|s| s.eq_ignore_ascii_case(name)));
        }
        event
    }
}
