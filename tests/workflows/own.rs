//! Mistakes of a workflow of one's own: told before anything is sent that they would spoil.

use crate::done;
use cmk::{
    Context, ErrorKind, Known, Result, Workflow,
    azure::id::RegistryId,
    checks::{Check as _, EncryptionOf},
    journal::Journaled,
    steps::EnsureGroup,
};
use cmk_mocks::{KeyRef, VaultModel};
use cmk_tests::{
    Fixture,
    fixture::{self, encrypted, registry},
    run_paused,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Twice {
    Nothing,
    Decided,
    Taken,
}

/// Decides by the registry and makes a group, and does one of them twice.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Own {
    registry: RegistryId,
    twice: Twice,
}

impl Journaled for Own {}

impl Workflow for Own {
    const NAME: &'static str = "own";
    const VERSION: u32 = 1;
    type Outcome = ();

    fn subject(&self) -> String {
        self.registry.to_string()
    }
    async fn steps(&self, cx: &Context) -> Result<Known<()>> {
        let check = EncryptionOf { registry: self.registry.clone() };
        let times = |twice| if self.twice == twice { 2 } else { 1 };
        for _ in 0..times(Twice::Decided) {
            cx.decide("encryption", &self.registry.to_string(), |look| {
                let check = check.clone();
                async move { check.look(&look).await }
            })
            .await?;
        }
        let mut made = Known::Now(());
        for _ in 0..times(Twice::Taken) {
            let group = EnsureGroup {
                subscription: *self.registry.subscription(),
                group: "shop-2".parse()?,
                location: "westeurope".parse()?,
            };
            made = cx.step(group).await?;
        }
        Ok(made)
    }
}

/// One decision has one place in the journal, one step one idempotency key.
#[test]
fn what_is_decided_or_taken_twice_is_a_mistake_of_the_workflow() {
    run_paused(async {
        let order = |twice| Own { registry: registry(), twice };
        for twice in [Twice::Decided, Twice::Taken] {
            let fixture = Fixture::of(encrypted(KeyRef::Versionless, VaultModel::Rbac));
            for error in [
                fixture.run(order(twice)).plan().await.unwrap_err(),
                fixture.run(order(twice)).named("r1").await.unwrap_err(),
            ] {
                assert!(matches!(error.kind(), ErrorKind::Bug(_)), "{twice:?}: {error:#?}");
                assert!(error.to_string().contains("twice"), "{error}");
            }
            assert_eq!(fixture.sim.writes(), 0);
        }
        let fixture = Fixture::of(encrypted(KeyRef::Versionless, VaultModel::Rbac));
        done(&fixture, order(Twice::Nothing)).await;
        let group = format!("/subscriptions/{}/resourceGroups/shop-2", fixture::subscription());
        assert!(fixture.sim.exchanges().iter().any(|e| format!("{e:?}").contains(&group)));
    });
}
