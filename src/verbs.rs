//! Floor 9, the verbs: a run of each order, and of any. Here a run gets what only the floors below this one together know: which names
//! are taken, and what explains an error.

use crate::{
    azure::Azure,
    diagnosis::explain,
    engine::{
        error::Result,
        event::Event,
        journal::Journal,
        plan::Plan,
        run::{Run, Stop, Workflow},
    },
    workflows::{
        self,
        order::{Order, Outcome, each_order, is_of_another},
        saved_plan::SavedPlan,
    },
};
use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
};

impl<W: Workflow> Run<W> {
    /// An order to be carried out on a cloud: one of this library's, as its verb does, or one of your own.
    pub fn new(azure: &Azure, order: W) -> Self {
        Self::begun(azure, order, explain::of_a_run, is_of_another::<W>())
    }
}

macro_rules! verbs {
    ($( $(#[$cfg:meta])? $module:ident :: $order:ident, $verb:ident $(as $tag:literal)? => $outcome:ident: $does:literal, $gives:literal; )+) => {
        $( $(#[$cfg])?
        #[doc = $does]
        ///
        /// Await the run, or ask it for a [`plan`](Run::plan).
        #[doc = concat!("Flow, guarantees, assumptions, caveats and errors: [`", stringify!($order), "`](crate::", stringify!($order), ").")]
        pub fn $verb(azure: &Azure, order: workflows::$module::$order) -> Run<workflows::$module::$order> {
            Run::new(azure, order)
        } )+

        /// An order of any kind about to be carried out: `.await` it, or ask it for a [`plan`](Self::plan). Everything is
        /// as with the [`Run`] inside.
        #[derive(Debug)]
        #[must_use = "a run does nothing until it is awaited"]
        #[non_exhaustive]
        pub enum AnyRun {
            $( $(#[$cfg])? #[doc = $does] $order(Run<workflows::$module::$order>), )+
        }

        /// The same call on whichever run it is.
        macro_rules! each {
            ($any:expr, $run:ident => $call:expr) => {
                match $any {
                    $( $(#[$cfg])? AnyRun::$order($run) => AnyRun::$order($call), )+
                }
            };
        }

        impl Order {
            /// The order about to be carried out on a cloud.
            pub fn on(self, azure: &Azure) -> AnyRun {
                match self {
                    $( $(#[$cfg])? Self::$order(order) => AnyRun::$order(Run::new(azure, order)), )+
                }
            }
        }

        impl AnyRun {
            /// As [`Run::plan`].
            ///
            /// # Errors
            /// As [`Run::plan`].
            pub async fn plan(&self) -> Result<Plan> {
                match self {
                    $( $(#[$cfg])? Self::$order(run) => run.plan().await, )+
                }
            }
        }

        impl IntoFuture for AnyRun {
            type Output = Result<Outcome>;
            type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;
            fn into_future(self) -> Self::IntoFuture {
                match self {
                    $( $(#[$cfg])? Self::$order(run) => Box::pin(async { run.await.map(Outcome::$outcome) }), )+
                }
            }
        }
    };
}

each_order!(verbs);

impl AnyRun {
    /// As [`Run::named`].
    pub fn named(self, name: impl Into<String>) -> Self {
        let name = name.into();
        each!(self, run => run.named(name))
    }
    /// As [`Run::journal`].
    pub fn journal(self, journal: impl Journal + 'static) -> Self {
        self.shared_journal(Arc::new(journal))
    }
    /// As [`Run::shared_journal`].
    pub fn shared_journal(self, journal: Arc<dyn Journal>) -> Self {
        each!(self, run => run.shared_journal(journal))
    }
    /// As [`Run::watch`].
    pub fn watch(self, watch: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        each!(self, run => run.watch(watch))
    }
    /// As [`Run::stop_on`].
    pub fn stop_on(self, stop: &Stop) -> Self {
        each!(self, run => run.stop_on(stop))
    }
    /// As [`Run::expecting`].
    pub fn expecting(self, plan: Plan) -> Self {
        each!(self, run => run.expecting(plan))
    }
}

impl SavedPlan {
    /// The order about to be carried out, which fails before anything is written if its plan is another by now.
    ///
    /// # Errors
    /// When it was made on another cloud.
    pub fn on(self, azure: &Azure) -> Result<AnyRun> {
        let (order, plan) = self.made_on(azure.cloud())?;
        Ok(order.on(azure).expecting(plan))
    }
}
