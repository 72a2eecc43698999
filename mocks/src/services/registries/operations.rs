//! What a registry does by itself: finishing operations, and the look for newer versions (R-CMK-11).

use super::{
    errors,
    state::{Cmk, Operation, Pending, Registry, Spec, State, Step},
};
use crate::{
    http::message::Fail,
    services::key_access::{Denial, KeyId, KeyOp},
    world::{World, clock::Moment as _, params::FailureStyle},
};
use serde_json::json;
use time::OffsetDateTime;

/// How often a registry looks for a newer version in one leap in time, at most: for more than a year at the usual pace.
const LOOKS: u32 = 10_000;

impl World {
    /// Starts an operation; under `FailureStyle::Sync` a key that cannot be used is refused here.
    pub(super) fn start(&mut self, id: &str, step: Step, target: Spec) -> Result<String, Fail> {
        let now = self.now;
        if self.params.acr_failure_style == FailureStyle::Sync && self.registries.get(id).is_some() {
            let mut probe = target.clone();
            self.adopt_key(id, &mut probe, step, now)?;
        }
        let delay = match step {
            Step::Create => self.params.acr_create_duration,
            Step::Update { .. } => self.params.acr_update_duration,
            Step::Delete => self.params.acr_delete_duration,
        };
        let due = now.after(delay.draw(&mut self.rng));
        let operation = format!("registries-{}", self.rng.guid());
        let running = if step == Step::Create { "Creating" } else { "Updating" };
        let by_location = step == Step::Delete;
        let record = Operation { running: running.to_owned(), outcome: None, by_location };
        self.registries.operations.insert(operation.clone(), record);
        if let Some(r) = self.registries.get_mut(id) {
            r.modified = now;
            r.state = match step {
                Step::Create => State::Creating,
                Step::Update { .. } => State::Updating,
                Step::Delete => State::Deleting,
            };
            r.pending = Some(Pending { operation: operation.clone(), step, target, due });
        }
        Ok(operation)
    }

    /// Of a leap in time, registries look for newer versions in its last stretch only: so the longest leap ends too.
    pub(super) fn skip_old_looks(&mut self, now: OffsetDateTime) {
        let stretch = self.look_interval().saturating_mul(LOOKS);
        let Some(from) = now.checked_sub(stretch.try_into().unwrap_or(time::Duration::MAX)) else { return };
        for id in self.registries.all.due_until(from) {
            if let Some(r) = self.registries.all.get_mut(&id) {
                r.next_poll = r.next_poll.max(from);
            }
        }
    }

    fn look_interval(&self) -> std::time::Duration {
        self.params.acr_auto_rotate_poll.max(std::time::Duration::from_secs(1))
    }

    pub(super) fn run_registry_events(&mut self, at: OffsetDateTime) {
        self.judged.ahead = self.judged.ahead.split_off(&at);
        self.judged.ahead.remove(&at);
        for id in self.registries.all.due_until(at) {
            let Some(r) = self.registries.all.get(&id) else { continue };
            match &r.pending {
                Some(p) if p.due <= at => {
                    let pending = p.clone();
                    self.finish(&id, pending, at);
                }
                None if follows(r) && r.next_poll <= at => self.poll(&id, at),
                _ => {}
            }
        }
    }

    /// Ends what has been started, without waiting for it.
    pub(super) fn end_at_once(&mut self, id: &str) {
        if let Some(pending) = self.registries.get(id).and_then(|r| r.pending.clone()) {
            self.finish(&id.to_lowercase(), pending, self.now);
        }
    }

    fn finish(&mut self, id: &str, pending: Pending, at: OffsetDateTime) {
        let mut target = pending.target;
        let before = self.registries.all.get(id).map(|r| r.spec.clone());
        let outcome = match pending.step {
            Step::Delete => {
                self.registries.all.remove(id);
                Ok(())
            }
            step => self.adopt_key(id, &mut target, step, at),
        };
        self.drop_system_identity(before.as_ref(), outcome.is_ok().then_some(&target), pending.step == Step::Delete);
        let phase = self.params.acr_auto_rotate_poll.mul_f64(self.rng.unit());
        if let Some(r) = self.registries.all.get_mut(id) {
            r.pending = None;
            match &outcome {
                Ok(()) => {
                    let look = r.spec.cmk.as_ref().map(|c| &c.key_identifier)
                        != target.cmk.as_ref().map(|c| &c.key_identifier);
                    let identity = |s: &Spec| s.cmk.as_ref().map(|c| c.identity.clone());
                    if identity(&r.spec) != identity(&target) {
                        r.detach_attempt = None;
                    }
                    r.spec = target;
                    r.state = State::Succeeded;
                    if pending.step == (Step::Update { encryption: true }) {
                        r.proven(at);
                    }
                    if look || !r.born {
                        r.next_poll = at.after(phase);
                    }
                    r.born = true;
                }
                // A failed change changes nothing; a failed creation leaves what was asked for, without a version.
                Err(_) => {
                    if !r.born {
                        r.spec = target;
                    }
                    r.state = State::Failed;
                }
            }
        }
        let outcome = outcome.map_err(|f| (f.code, f.message));
        self.end_operation(&pending.operation, at, outcome);
    }

    /// For whoever follows it, and for the Activity Log.
    pub(super) fn end_operation(&mut self, id: &str, at: OffsetDateTime, outcome: Result<(), (String, String)>) {
        let error = outcome.clone().map_err(|(code, message)| json!({"code": code, "message": message}));
        self.registries.end(id, outcome, self.params.kept_operations);
        self.note_end(id, at, error);
    }

    /// A system identity that is switched off, or goes with its registry, is no principal any more.
    fn drop_system_identity(&mut self, before: Option<&Spec>, after: Option<&Spec>, deleted: bool) {
        let kept = if deleted { None } else { after.or(before).and_then(|s| s.system) };
        if let Some(gone) = before.and_then(|s| s.system).filter(|p| Some(*p) != kept) {
            self.directory.principals.remove(&gone);
        }
    }

    /// Makes the target's key the one in use: get, wrap and unwrap with it, and unwrap what the old one wrapped
    /// (R-CMK-15, R-CMK-16). Only the old version and the identity stay where neither is touched.
    fn adopt_key(&mut self, id: &str, target: &mut Spec, step: Step, at: OffsetDateTime) -> Result<(), Fail> {
        let Some(cmk) = target.cmk.clone() else { return Ok(()) };
        if step == (Step::Update { encryption: false }) {
            return Ok(());
        }
        let cloud = self.setup.cloud;
        let Some(mut key) = KeyId::parse(cloud, &cmk.key_identifier) else { return Err(errors::key_uri()) };
        let registry = self.registries.get(id).cloned();
        let old = registry.as_ref().map(|r| r.spec.clone());
        let old_used = old.as_ref().and_then(|s| s.cmk.as_ref()).and_then(|c| c.used.clone());
        let old_used = old_used.as_deref().and_then(|u| KeyId::parse(cloud, u));
        // ASSUMED (`patch_triggers_pickup`): the same versionless key again may mean the version in use.
        let same = old.as_ref().and_then(|s| s.cmk.as_ref()).is_some_and(|c| c.key_identifier == cmk.key_identifier);
        if key.version.is_none() && same && !self.params.patch_triggers_pickup {
            key.version = old_used.as_ref().and_then(|k| k.version.clone());
        }
        // The risk is the old identity's: another one has none (R-CMK-22).
        let at_risk = registry.as_ref().and_then(|r| r.detach_attempt);
        let same_identity = old.as_ref().and_then(|s| s.cmk.as_ref()).is_none_or(|c| c.identity == cmk.identity);
        let detach = at_risk.filter(|_| same_identity);
        let (registry_id, name) = registry.as_ref().map_or((id, ""), |r| (r.id.as_str(), r.name.as_str()));
        if at_risk.is_some() && self.params.detach_attempt_blocks_rotation {
            let shown = old.as_ref().map_or_else(String::new, shown_identity);
            return Err(errors::no_access_to_identity(registry_id, name, &shown));
        }
        // R-ERR-03: what is wrong with the identity has its own text.
        let refused = |denial: Denial| {
            if denial.is_of_identity() {
                errors::no_access_to_identity(registry_id, name, &shown_identity(target))
            } else {
                errors::key_access(&cmk.key_identifier, &cmk.identity)
            }
        };
        let version = self.use_key(target, detach, &key, KeyOp::Get, at).map_err(refused)?;
        if !version.kty.starts_with("RSA") {
            return Err(errors::key_type());
        }
        key.version = Some(version.version.clone());
        self.use_key(target, detach, &key, KeyOp::Wrap, at).map_err(refused)?;
        self.use_key(target, detach, &key, KeyOp::Unwrap, at).map_err(refused)?;
        let used = key.uri(cloud, &version.version);
        if let (Some(old), Some(old_key)) = (&old, &old_used)
            && !old_key.uri(cloud, old_key.version.as_deref().unwrap_or_default()).eq_ignore_ascii_case(&used)
        {
            // The old identity first; where it is lost, the new one may do (R-CMK-22).
            let opened = self.use_key(old, at_risk, old_key, KeyOp::Unwrap, at).is_ok()
                || self.use_key(target, detach, old_key, KeyOp::Unwrap, at).is_ok();
            if !opened {
                let old_cmk = old.cmk.as_ref().unwrap_or(&cmk);
                let uri = old_cmk.used.as_deref().unwrap_or(&old_cmk.key_identifier);
                return Err(errors::key_access(uri, &old_cmk.identity));
            }
        }
        if let Some(c) = &mut target.cmk {
            moved_to(c, used, at);
        }
        Ok(())
    }

    /// Moves to the newest version if it and the old one can be used; otherwise stays.
    fn poll(&mut self, id: &str, at: OffsetDateTime) {
        let interval = self.look_interval();
        let Some(r) = self.registries.all.get_mut(id) else { return };
        r.next_poll = at.after(interval);
        let (spec, detach) = (r.spec.clone(), r.detach_attempt);
        let Some(cmk) = &spec.cmk else { return };
        let cloud = self.setup.cloud;
        let used = cmk.used.as_deref().and_then(|u| KeyId::parse(cloud, u));
        let (Some(mut key), Some(used)) = (KeyId::parse(cloud, &cmk.key_identifier), used) else { return };
        let Ok(newest) = self.use_key(&spec, detach, &key, KeyOp::Get, at) else { return };
        if used.version.as_deref() == Some(newest.version.as_str()) || !newest.enabled {
            return;
        }
        key.version = Some(newest.version.clone());
        let moved = !self.needs_repair(at, id)
            && self.use_key(&spec, detach, &used, KeyOp::Unwrap, at).is_ok()
            && self.use_key(&spec, detach, &key, KeyOp::Wrap, at).is_ok()
            && self.use_key(&spec, detach, &key, KeyOp::Unwrap, at).is_ok();
        if moved
            && newest.kty.starts_with("RSA")
            && let Some(c) = self.registries.all.get_mut(id).and_then(|r| r.spec.cmk.as_mut())
        {
            moved_to(c, key.uri(cloud, &newest.version), at);
        }
    }
}

/// The GUID of the identity a spec uses for its key, as refusals show it.
pub(super) fn shown_identity(spec: &Spec) -> String {
    match (spec.cmk.as_ref().map(|c| c.identity.as_str()), spec.system) {
        (Some("system"), Some(principal)) => principal.to_string(),
        (Some(identity), _) => identity.to_owned(),
        (None, _) => String::new(),
    }
}

/// A time of rotation is there only after the first one (recorded).
fn moved_to(cmk: &mut Cmk, used: String, at: OffsetDateTime) {
    if cmk.used.as_ref().is_some_and(|u| !u.eq_ignore_ascii_case(&used)) {
        cmk.last_rotation = Some(at);
    }
    cmk.used = Some(used);
}

/// Whether the registry looks for newer versions: its key has none, and it has one in use.
pub(super) fn follows(r: &Registry) -> bool {
    r.born && r.spec.cmk.as_ref().is_some_and(|c| c.used.is_some() && versionless(&c.key_identifier))
}

pub(super) fn versionless(key_identifier: &str) -> bool {
    key_identifier.trim_end_matches('/').split('/').count() < 6
}
