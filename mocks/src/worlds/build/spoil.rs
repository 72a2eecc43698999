//! What is wrong with the world, and what goes wrong in it.

use super::{Build, Built, no_length};
use crate::{
    faults::{Fault, Schedule, What},
    troubles::{self, Names, Place},
    worlds::{
        WorldError,
        described::{Described, TroubleUse},
        moment::length,
    },
};
use serde_json::Value;
use serde_saphyr::Spanned;

impl Build {
    /// Looked for while all is as described, then staged one after the other.
    pub(super) fn troubles(&mut self, all: &[Spanned<Value>]) -> Built {
        let mut found = Vec::new();
        for said in all {
            let wrong = |e: troubles::TroubleError| WorldError::of(said, e.to_string());
            let (name, names) = match &said.value {
                Value::String(name) => (name.clone(), Names::default()),
                more => {
                    let TroubleUse { name, registry, vault, key, identity } =
                        serde_json::from_value(more.clone()).map_err(|e| WorldError::of(said, e.to_string()))?;
                    (name, Names { registry, vault, key, identity })
                }
            };
            let place = Place::find(&self.world, &names).map_err(wrong)?;
            found.push((troubles::named(&name).map_err(wrong)?, place, said));
        }
        for (trouble, place, said) in found {
            trouble.apply_at(&mut self.world, &place).map_err(|e| WorldError::of(said, e.to_string()))?;
        }
        Ok(())
    }
}

pub(super) fn faults(d: &Described) -> Built<Vec<Fault>> {
    let mut all = Vec::new();
    for said in &d.faults {
        all.push(serde_json::from_value(said.value.clone()).map_err(|e| WorldError::of(said, e.to_string()))?);
    }
    let Some(random) = &d.random_faults else { return Ok(all) };
    if !(0.0..=1.0).contains(&random.intensity.value) {
        return Err(WorldError::of(&random.intensity, "the share of requests that go wrong is between 0 and 1"));
    }
    if let Some(wrong) = random.without.iter().find(|kind| !What::KINDS.contains(&kind.value.as_str())) {
        let what = format!("there is no fault '{}'; there are {}", wrong.value, What::KINDS.join(", "));
        return Err(WorldError::of(wrong, what));
    }
    let longest = length(&random.longest.value).and_then(|l| std::time::Duration::try_from(l).ok());
    let longest = longest.ok_or_else(|| no_length(&random.longest))?;
    let without: Vec<&str> = random.without.iter().map(|k| k.value.as_str()).collect();
    all.extend(Schedule::random(random.seed, random.intensity.value, random.requests, longest).without(&without));
    Ok(all)
}
