//! A plan that is kept, looked over, and carried out later as it is, or not at all.

use crate::{
    azure::{Azure, Cloud},
    engine::{
        error::{Error, ErrorKind, Result, when},
        plan::Plan,
        run::fold,
    },
    workflows::order::Order,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// An order with the plan that was made of it.
///
/// ```
/// use cmk::{Order, Plan, Rotate, SavedPlan};
/// # fn keep(azure: &cmk::Azure, order: Order, plan: Plan) -> cmk::Result<()> {
/// let saved = SavedPlan::new(azure, order, plan)?;
/// let file = saved.to_json();
/// let run = SavedPlan::from_json(&file)?.on(azure)?.named("change-4711");
/// # let _ = run; Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    v: u32,
    /// The cloud it was made on.
    cloud: String,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    made: OffsetDateTime,
    order: Order,
    plan: Plan,
}

impl SavedPlan {
    /// The version of the serialised form.
    pub const VERSION: u32 = 1;

    /// Keeps an order with its plan.
    ///
    /// # Errors
    /// When the plan is not of this order, or would be refused: there is nothing to carry out.
    pub fn new(azure: &Azure, order: Order, plan: Plan) -> Result<Self> {
        if !plan.refusals.is_empty() {
            return Err(Error::new(ErrorKind::Refused(plan.refusals)));
        }
        let saved = Self { v: Self::VERSION, cloud: azure.cloud().name().into(), made: azure.now(), order, plan };
        saved.fits()?;
        Ok(saved)
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// When it is no saved plan, of another version, or its plan is not of its order.
    pub fn from_json(text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            v: u32,
        }
        let unreadable =
            |e: serde_json::Error| Error::invalid(format!("this is no saved plan ({e}): make one with --out"));
        let whole: serde_json::Value = serde_json::from_str(text).map_err(unreadable)?;
        let Version { v } = Version::deserialize(&whole).map_err(unreadable)?;
        if v != Self::VERSION {
            return Err(Error::invalid(format!(
                "this saved plan has form {v}, and this program reads form {}: make the plan again",
                Self::VERSION
            )));
        }
        let saved: Self = serde_json::from_value(whole).map_err(unreadable)?;
        saved.fits()?;
        Ok(saved)
    }

    /// As a file keeps it.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists of them: nothing that could not be written.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    fn fits(&self) -> Result<()> {
        let (workflow, subject) = (self.order.workflow(), fold(&self.order.subject()));
        if self.plan.workflow == workflow && self.plan.subject == subject {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "the plan is of {} {}, and the order of {workflow} {subject}: make the plan again",
            self.plan.workflow, self.plan.subject
        )))
    }
    /// Order and plan, if they were made on this cloud.
    pub(crate) fn made_on(self, cloud: &Cloud) -> Result<(Order, Plan)> {
        if self.cloud != cloud.name() {
            return Err(Error::invalid(format!(
                "this plan was made on the cloud {}, and this is {}: choose that cloud",
                self.cloud,
                cloud.name()
            )));
        }
        Ok((self.order, self.plan))
    }

    /// The order.
    #[must_use]
    pub fn order(&self) -> &Order {
        &self.order
    }
    /// The plan, as it was.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
    /// When it was made, in words.
    #[must_use]
    pub fn made(&self) -> String {
        when(self.made)
    }
}
