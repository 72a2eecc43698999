//! Every recorded body of a registry goes over to the models of `azure_mgmt_containerregistry` 0.21 and back without
//! losing what these know.

use crate::data;
use cmk::azure::{
    Kept,
    registries::{Registry, interop::models},
};
use cmk_tests::known::{known, respelled};
use libtest_mimic::{Failed, Trial};
use serde_json::Value;

const TEST: &str = "interop_recorded::recorded_registries_go_there_and_back";

pub(crate) fn trials() -> Vec<Trial> {
    data::trials(data::no_recordings(), &[TEST], || vec![Trial::test(TEST, there_and_back)])
}

fn there_and_back() -> Result<(), Failed> {
    let (mut all, mut unread) = (0, 0);
    for recording in data::recordings("") {
        for exchange in recording.exchanges.iter().filter(|e| e.is_ok() && e.is_arm()) {
            let path = exchange.key();
            let parts: Vec<_> = path.split('/').collect();
            let bodies = match parts.as_slice() {
                [.., "microsoft.containerregistry", "registries"] => exchange.resp_body["value"].as_array().cloned(),
                [.., "microsoft.containerregistry", "registries", _] => Some(vec![exchange.resp_body.clone()]),
                _ => None,
            };
            for body in bodies.into_iter().flatten().filter(Value::is_object) {
                let wrong = |e: &dyn std::fmt::Display| format!("{} {}: {e}\n{body}", recording.name, exchange.n);
                let kept: Kept<Registry> = serde_json::from_value(body.clone()).map_err(|e| wrong(&e))?;
                let theirs = models::Registry::try_from(&kept).map_err(|e| wrong(&e))?;
                let respelled = respelled(body.clone());
                let same_kind = body.pointer("/identity/type") == respelled.pointer("/identity/type");
                let as_they_read: models::Registry = serde_json::from_value(respelled).map_err(|e| wrong(&e))?;
                if theirs != as_they_read {
                    return Err(wrong(&format_args!("{theirs:#?} rather than {as_they_read:#?}")).into());
                }
                let back = Registry::try_from(&theirs).map_err(|e| wrong(&e))?;
                let expected = known(serde_json::to_value(&*kept).map_err(|e| wrong(&e))?);
                let expected: Registry = serde_json::from_value(expected).map_err(|e| wrong(&e))?;
                if back != expected {
                    return Err(wrong(&format_args!("{back:#?} rather than {expected:#?}")).into());
                }
                // They read what is spelled their way, and only that.
                let readable = serde_json::from_value::<models::Registry>(body.clone()).is_ok();
                if readable != same_kind {
                    return Err(wrong(&"the kind of identity is not what they stumble on").into());
                }
                all += 1;
                unread += usize::from(!readable);
            }
        }
    }
    println!("{all} registries, of which {unread} cannot be read by 0.21 itself");
    if all < 100 || unread == 0 { Err(format!("{all} registries, {unread} of them unreadable").into()) } else { Ok(()) }
}
