//! The table of all orders, and an order of any kind: what is stored, sent, or taken up again by the name of its run alone.

use crate::{
    engine::{
        error::{Error, ErrorKind, Result},
        journal::{Journal, RunName},
        run::Workflow,
    },
    workflows,
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};
use std::any::TypeId;

/// The table of all workflows, for the macros that make something of it. A line a workflow: its order, the verb that carries it
/// out, the workflow's name where that is not the order's, its outcome, and what each is.
macro_rules! each_order {
    ($with:ident) => {
        $with! {
            create::Create, create => Created: "Create a registry with a customer-managed key.", "A registry with its customer-managed key.";
            deploy::Deploy, deploy => DeployedTemplate: "Deploy a template to a resource group.", "A template that is deployed.";
            rotate::Rotate, rotate => Rotated: "Rotate a registry's key.", "A registry on its new key version.";
            auto_rotate::AutoRotate, auto_rotate => AutoRotated: "Have a registry's key rotated by itself.", "A registry whose key is rotated by itself.";
            reassign::Reassign, reassign => Reassigned: "Assign a registry's identity again.", "A registry whose identity holds again.";
            recover::Recover, recover => Recovered: "Recover a deleted key or vault.", "A registry that reads its key again.";
            bypass::Bypass, bypass => Bypassed: "Let a registry through its vault's firewall.", "A registry whose key is behind a firewall.";
            vault_network::VaultNetwork, vault_network => NetworkChanged: "Change a vault's network rules.", "A vault's network rules after a change.";
            registry_network::RegistryNetwork, registry_network as "network" => RegistryNetworkChanged: "Change a registry's network rules.", "A registry's network rules after a change.";
            grant_access::GrantAccess, grant_access => AccessGranted: "Give access to a registry's images.", "Somebody with access to a registry's images.";
            logs::Logs, logs => LogsSent: "Have a registry's logs kept.", "Logs that are sent to a workspace.";
            revoke::Revoke, revoke => Revoked: "Take a registry's key from it.", "A registry without its key.";
            rollback::Restore, restore => Restored: "Give back what a revocation took.", "A registry that has its key again.";
            retire::Retire, retire => Retired: "Disable old versions of a key.", "A key without its old versions.";
            repair::Repair, repair => Repaired: "Have a registry try its key anew.", "A registry that has read its key.";
            #[cfg(feature = "import")]
            import_key::ImportKey, import_key => ImportedKey: "Import a key of one's own into a vault.", "A key of one's own in a vault.";
            rollback::Rollback, rollback => RolledBack: "Take back what a run has done.", "A run that is taken back.";
        }
    };
}
pub(crate) use each_order;

macro_rules! define {
    ($( $(#[$cfg:meta])? $module:ident :: $order:ident, $verb:ident $(as $tag:literal)? => $outcome:ident: $does:literal, $gives:literal; )+) => {
        /// An order of any kind.
        ///
        /// ```
        /// use cmk::{Order, Rotate};
        /// let registry = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop\
        ///     /providers/Microsoft.ContainerRegistry/registries/contoso1".parse()?;
        /// let order = Order::from(Rotate::new(registry));
        /// let stored = serde_json::to_string(&order).unwrap();
        /// assert!(stored.starts_with(r#"{"workflow":"rotate""#));
        /// assert_eq!(serde_json::from_str::<Order>(&stored).unwrap(), order);
        /// # Ok::<(), cmk::Error>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(tag = "workflow", rename_all = "kebab-case")]
        #[non_exhaustive]
        pub enum Order {
            $( $(#[$cfg])? $(#[serde(rename = $tag)])? #[doc = $does] $order(workflows::$module::$order), )+
        }

        /// What an order resulted in.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        #[non_exhaustive]
        pub enum Outcome {
            $( $(#[$cfg])? #[doc = $gives] $outcome(workflows::$module::$outcome), )+
        }

        $( $(#[$cfg])? impl From<workflows::$module::$order> for Order {
            fn from(order: workflows::$module::$order) -> Self {
                Self::$order(order)
            }
        } )+

        impl Order {
            /// The names of all workflows.
            pub const WORKFLOWS: &[&str] = &[$( $(#[$cfg])? <workflows::$module::$order>::NAME, )+];

            /// The order that a run was opened with, for whoever takes it up by its name alone.
            ///
            /// # Errors
            /// [`Invalid`](ErrorKind::Invalid) when there is no such run, [`OtherRun`](ErrorKind::OtherRun) when its
            /// workflow or its order is none that this version knows, and when it cannot be read.
            pub async fn of_run(journal: &dyn Journal, name: &RunName) -> Result<Self> {
                let (workflow, order) = crate::engine::run::resumable(journal, name).await?;
                let unreadable = |e: serde_json::Error| {
                    Error::new(ErrorKind::OtherRun(format!(
                        "the order of run {name}, a {workflow}, cannot be read ({e})"
                    )))
                };
                match Self::read(&workflow, order) {
                    Some(order) => order.map_err(unreadable),
                    None => Err(Error::new(ErrorKind::OtherRun(format!(
                        "run {name} is a '{}', which this program does not know",
                        workflow.escape_debug()
                    )))),
                }
            }

            /// The order of a workflow; `None` if it is none of these.
            fn read(workflow: &str, order: Value) -> Option<serde_json::Result<Self>> {
                match workflow {
                    $( $(#[$cfg])? <workflows::$module::$order>::NAME => Some(serde_json::from_value(order).map(Self::$order)), )+
                    _ => None,
                }
            }

            /// The name of its workflow.
            #[must_use]
            pub fn workflow(&self) -> &'static str {
                match self {
                    $( $(#[$cfg])? Self::$order(_) => <workflows::$module::$order>::NAME, )+
                }
            }

            /// What it is about: an ARM id.
            #[must_use]
            pub fn subject(&self) -> String {
                match self {
                    $( $(#[$cfg])? Self::$order(order) => order.subject(), )+
                }
            }
        }

        impl Outcome {
            fn read(kind: &str, outcome: Value) -> Option<serde_json::Result<Self>> {
                $( $(#[$cfg])? if is_kebab_of(kind, stringify!($outcome)) {
                    return Some(serde_json::from_value(outcome).map(Self::$outcome));
                } )+
                None
            }
        }

        /// Whether a workflow bears the name of one of these, and is another: its runs would be taken for that one's.
        pub(crate) fn is_of_another<W: Workflow>() -> bool {
            $( $(#[$cfg])? if W::NAME == <workflows::$module::$order>::NAME {
                return TypeId::of::<W>() != TypeId::of::<workflows::$module::$order>();
            } )+
            false
        }
    };
}

each_order!(define);

// By hand, from values: derived ones would compile a second reader of every order and outcome, for what serde keeps of a tagged
// enum.
impl<'de> Deserialize<'de> for Order {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        tagged("workflow", from, Self::read)
    }
}
impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        tagged("kind", from, Self::read)
    }
}

fn tagged<'de, D: Deserializer<'de>, T>(
    tag: &'static str,
    from: D,
    read: fn(&str, Value) -> Option<serde_json::Result<T>>,
) -> std::result::Result<T, D::Error> {
    let mut members = Map::deserialize(from)?;
    let Some(Value::String(named)) = members.remove(tag) else { return Err(D::Error::missing_field(tag)) };
    let read = read(&named, members.into());
    let read = read.ok_or_else(|| D::Error::custom(format!("unknown {tag} `{}`", named.escape_debug())))?;
    read.map_err(D::Error::custom)
}

/// Whether this is a type's name in kebab case.
fn is_kebab_of(text: &str, name: &str) -> bool {
    let mut kebab = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.extend(c.to_lowercase());
    }
    text == kebab
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::journal::{Entry, MemoryJournal, RECORD_VERSION, Record};
    use crate::workflows::{registry_network::RegistryNetwork, repair::Repair, rotate::Rotate};

    async fn opened(workflow: &str, order: Value) -> (MemoryJournal, RunName) {
        let (journal, name) = (MemoryJournal::default(), RunName::try_from("r1".to_owned()).expect("a run's name"));
        let entry = Entry::Opened {
            workflow: workflow.into(),
            workflow_version: 1,
            order,
            subjects: vec!["/s".into()],
            cloud: "public".into(),
            tenant: None,
            caller: None,
            by: "somebody".into(),
            cmk: "0".into(),
        };
        let record = Record { v: RECORD_VERSION, seq: 0, at: time::OffsetDateTime::UNIX_EPOCH, entry };
        journal.append(&name, &record).await.expect("a record");
        (journal, name)
    }

    #[test]
    fn outcomes_are_read_as_they_are_written() {
        let outcome = Outcome::Repaired(crate::workflows::repair::Repaired {
            registry: "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/\
                Microsoft.ContainerRegistry/registries/contoso1"
                .parse()
                .expect("an id"),
            key: "https://kv-1.vault.azure.net/keys/k".parse().expect("a key"),
            in_use: None,
        });
        let written = serde_json::to_value(&outcome).expect("json");
        assert_eq!(written["kind"], "repaired");
        assert_eq!(serde_json::from_value::<Outcome>(written).expect("an outcome"), outcome);
        assert!(
            is_kebab_of("registry-network-changed", "RegistryNetworkChanged") && !is_kebab_of("rotated", "Repaired")
        );
        for (text, why) in [(r#"{"kind":"nothing"}"#, "unknown kind `nothing`"), ("{}", "missing field `kind`")] {
            let error = serde_json::from_str::<Outcome>(text).expect_err(text).to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[tokio::test]
    async fn a_run_is_taken_up_by_its_name_alone() {
        let registry = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/\
            Microsoft.ContainerRegistry/registries/contoso1"
            .parse()
            .expect("an id");
        let order = Rotate::new(registry).grant_me();
        let (journal, name) = opened("rotate", serde_json::to_value(&order).expect("json")).await;
        assert_eq!(Order::of_run(&journal, &name).await.expect("an order"), Order::Rotate(order));
    }

    #[test]
    fn an_order_is_stored_under_the_name_of_its_workflow() {
        let registry: crate::azure::id::RegistryId =
            "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/\
            providers/Microsoft.ContainerRegistry/registries/contoso1"
                .parse()
                .expect("an id");
        let orders: [Order; 3] = [
            Rotate::new(registry.clone()).into(),
            RegistryNetwork::new(registry.clone()).into(),
            Repair::new(registry).into(),
        ];
        for order in orders {
            let stored = serde_json::to_value(&order).expect("json");
            assert_eq!(stored["workflow"], order.workflow());
            assert_eq!(serde_json::from_value::<Order>(stored).expect("an order"), order);
        }
    }

    #[tokio::test]
    async fn what_is_no_order_of_ours_is_said() {
        let (journal, name) = opened("frobnicate", Value::Null).await;
        let e = Order::of_run(&journal, &name).await.expect_err("unknown");
        assert!(matches!(e.kind(), ErrorKind::OtherRun(why) if why.contains("frobnicate")), "{e}");
        let (journal, name) = opened("rotate", serde_json::json!({"registry": 1})).await;
        let e = Order::of_run(&journal, &name).await.expect_err("unreadable");
        assert!(matches!(e.kind(), ErrorKind::OtherRun(_)), "{e}");
        let none = MemoryJournal::default();
        let e = Order::of_run(&none, &name).await.expect_err("no run");
        assert!(matches!(e.kind(), ErrorKind::Invalid(_)), "{e}");
    }
}
