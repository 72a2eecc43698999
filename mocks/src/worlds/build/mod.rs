//! From a description to a world.

mod keys;
mod names;
mod networks;
mod registries;
mod rules;
mod spoil;

use super::{
    Base, Given, WorldError,
    described::{Cloud, Described, Group, Identity, Setup as SetupPart, Text, Workspace},
    moment::{length, moment},
};
use crate::{
    http::time_format::END,
    services::directory::PrincipalKind,
    world::{Setup, World, clock::Moment as _, cloud::SimCloud, params::Params},
};
use names::{Kind, Known};
use serde_json::Value;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// How old a world is that does not say: long enough for every right in it to be one that can be relied on.
const AGE: Duration = Duration::days(1);

/// A century: what happened before that is of no use to anybody, and takes its time to be worked out.
const OLDEST: Duration = Duration::days(36_525);

struct Build {
    world: World,
    /// When the world is handed over. It is made `age` before that.
    now: OffsetDateTime,
    known: Known,
}

type Built<T = ()> = Result<T, WorldError>;

pub(super) fn build(d: Described, base: &Base) -> Built<Given> {
    let (setup, now) = setup(&d.setup, &base.setup)?;
    let params = params(&d, &base.params)?;
    let mut b = Build { world: World::with_params(setup, params), now, known: Known::default() };
    b.providers(&d.providers)?;
    d.groups.iter().try_for_each(|g| b.group(g))?;
    d.identities.iter().try_for_each(|i| b.identity(i))?;
    b.known.somebody("operator", b.world.operator().object_id);
    for person in &d.people {
        b.known.fresh_person(&person.name)?;
        let made = b.world.add_principal(PrincipalKind::User, &person.name.value);
        b.known.somebody(&person.name.value, made.object_id);
    }
    for app in &d.applications {
        b.known.fresh_person(&app.name)?;
        let expires = app.secret_expires.as_ref().map(|t| b.moment(t)).transpose()?;
        let secret = app.secret.as_deref().unwrap_or(crate::services::directory::OPERATOR_SECRET);
        let made = b.world.seed_app(&app.name.value, secret, expires);
        b.known.somebody(&app.name.value, made.object_id);
    }
    d.security_groups.iter().try_for_each(|g| b.security_group(g))?;
    d.route_tables.iter().try_for_each(|t| b.route_table(t))?;
    d.networks.iter().try_for_each(|n| b.network(n))?;
    d.firewalls.iter().try_for_each(|f| b.firewall(f))?;
    d.vaults.iter().try_for_each(|v| b.vault(v))?;
    // Rights to keys stand before the registries that need them; what is about registries comes after.
    let (early, late): (Vec<_>, Vec<_>) = d.grants.iter().partition(|g| b.can_grant(g));
    early.into_iter().try_for_each(|g| b.grant(g))?;
    d.registries.iter().try_for_each(|r| b.registry(r))?;
    d.workspaces.iter().try_for_each(|w| b.workspace(w))?;
    late.into_iter().try_for_each(|g| b.grant(g))?;
    d.vaults.iter().try_for_each(|v| b.logs(Kind::Vault, &v.name, &v.logs))?;
    d.registries.iter().try_for_each(|r| b.logs(Kind::Registry, &r.name, &r.logs))?;
    d.private_endpoints.iter().try_for_each(|l| b.private_endpoint(l))?;
    d.private_zones.iter().try_for_each(|z| b.private_zone(z))?;
    d.clusters.iter().try_for_each(|c| b.cluster(c))?;
    d.locks.iter().try_for_each(|l| b.lock(l))?;
    d.policies.iter().try_for_each(|p| b.policy(p))?;
    b.client(&d.client)?;
    d.vaults.iter().for_each(|v| b.delete(v));
    b.world.advance(now);
    b.troubles(&d.troubles)?;
    let faults = spoil::faults(&d)?;
    let now = b.world.now();
    Ok(Given { world: b.world, now, faults, about: d.about, saved: false })
}

fn setup(said: &SetupPart, base: &Setup) -> Built<(Setup, OffsetDateTime)> {
    let now = match &said.now {
        Some(text) => {
            let now = moment(&text.value, base.now).ok_or_else(|| no_moment(text))?;
            if now > END {
                return Err(WorldError::of(text, format!("'{}' is after {}, where time ends", text.value, END.date())));
            }
            now
        }
        None => base.now,
    };
    let age = match &said.age {
        Some(text) => length(&text.value).ok_or_else(|| no_length(text)).and_then(|age| {
            let older = || format!("a world is at most {}d old, not {}", OLDEST.whole_days(), text.value);
            if age > OLDEST { Err(WorldError::of(text, older())) } else { Ok(age) }
        })?,
        None => AGE,
    };
    let begins = now.before(age);
    let cloud = said.cloud.map(|c| match c {
        Cloud::Public => SimCloud::Public,
        Cloud::China => SimCloud::China,
        Cloud::Usgov => SimCloud::UsGov,
    });
    let mut further = base.further_subscriptions.clone();
    further.extend(&said.further_subscriptions);
    let setup = Setup {
        seed: said.seed.unwrap_or(base.seed),
        cloud: cloud.unwrap_or(base.cloud),
        tenant: said.tenant.unwrap_or(base.tenant),
        subscription: said.subscription.unwrap_or(base.subscription),
        further_subscriptions: further,
        location: said.location.clone().unwrap_or_else(|| base.location.clone()),
        now: begins,
    };
    Ok((setup, now))
}

/// The base's, scaled, with those that are said in their place.
fn params(d: &Described, base: &Params) -> Built<Params> {
    let mut params = base.clone();
    if let Some(factor) = &d.setup.delays {
        if !(0.0..=Params::MOST_TIMES).contains(&factor.value) {
            return Err(WorldError::of(factor, format!("a factor is 0 to {}", Params::MOST_TIMES)));
        }
        params = if factor.value > 0.0 { params.times(factor.value) } else { params.without_delays() };
    }
    for (name, value) in &d.params {
        let mut all = serde_json::to_value(&params).map_err(|e| WorldError::of(value, e.to_string()))?;
        let member = all.get_mut(name).ok_or_else(|| WorldError::of(value, format!("there is no setting '{name}'")))?;
        *member = value.value.clone();
        params = serde_json::from_value(all).map_err(|e| WorldError::of(value, format!("{name}: {e}")))?;
    }
    Ok(params)
}

fn no_moment(text: &Text) -> WorldError {
    WorldError::of(text, format!("'{}' is no time: RFC 3339, or -40d, +2h", text.value))
}

fn no_length(text: &Text) -> WorldError {
    WorldError::of(text, format!("'{}' is no length of time: 90s, 15m, 2h, 30d", text.value))
}

impl Build {
    fn moment(&self, text: &Text) -> Built<OffsetDateTime> {
        moment(&text.value, self.now).ok_or_else(|| no_moment(text))
    }

    fn moment_of(&self, text: Option<&Text>) -> Built<Option<OffsetDateTime>> {
        text.map(|t| self.moment(t)).transpose()
    }

    fn providers(&mut self, all: &BTreeMap<String, Spanned<bool>>) -> Built {
        for (namespace, registered) in all {
            let subscription = self.world.subscription();
            if self.world.resources.provider_mut(subscription, namespace).is_none() {
                return Err(WorldError::of(registered, format!("there is no provider '{namespace}'")));
            }
            self.world.mutate_provider(namespace, registered.value);
        }
        Ok(())
    }

    fn group(&mut self, g: &Group) -> Built {
        self.known.fresh(Kind::Group, &g.name)?;
        let subscription = match &g.subscription {
            Some(s) if !self.world.subscriptions().contains(&s.value) => {
                return Err(WorldError::of(s, format!("there is no subscription '{}'", s.value)));
            }
            Some(s) => s.value,
            None => self.world.subscription(),
        };
        let name = self.world.group_in(subscription, &g.name.value);
        let location = g.location.clone().unwrap_or_else(|| self.world.setup.location.clone());
        let tags = g.tags.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect();
        self.world.put_group(&name, &location, Some(tags));
        self.known.add(Kind::Group, &g.name, name);
        Ok(())
    }

    fn identity(&mut self, i: &Identity) -> Built {
        self.known.fresh_person(&i.name)?;
        let group = self.known.group(i.group.as_ref(), &i.name)?;
        let made = self.world.seed_identity(&group, &i.name.value);
        self.known.somebody(&i.name.value, made.principal_id);
        self.known.add(Kind::Identity, &i.name, made.id);
        Ok(())
    }

    fn workspace(&mut self, w: &Workspace) -> Built {
        self.known.fresh(Kind::Workspace, &w.name)?;
        let group = self.known.group(w.group.as_ref(), &w.name)?;
        let id = self.world.seed_workspace(&group, &w.name.value);
        self.known.add(Kind::Workspace, &w.name, id);
        Ok(())
    }

    /// Who gets a right.
    fn who(&self, name: &Text) -> Built<Uuid> {
        self.known.who(name)
    }
}
