//! `docs/worlds.md` lists the members that there are, and no others.

use super::described::{self, Described, TroubleUse};
use serde::{
    de::{Deserialize, Deserializer, Error as _, Visitor, value::Error},
    forward_to_deserialize_any,
};
use std::collections::{BTreeMap, BTreeSet};

/// Takes down what a type says of its members, and gives it nothing.
struct Ask<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Ask<'_> {
    type Error = Error;
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("has no members"))
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(Error::custom("asked"))
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = variants;
        Err(Error::custom("asked"))
    }
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq
        tuple tuple_struct map identifier ignored_any
    }
}

fn members<T: for<'de> Deserialize<'de>>() -> BTreeSet<&'static str> {
    let mut found: &'static [&'static str] = &[];
    assert!(T::deserialize(Ask(&mut found)).is_err());
    assert!(!found.is_empty());
    found.iter().copied().collect()
}

/// The tables of the page: under each heading in backticks, what their rows begin with.
fn tables() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut tables = BTreeMap::<_, BTreeSet<_>>::new();
    let mut under = None;
    for line in include_str!("../../../docs/worlds.md").lines() {
        if let Some(heading) = line.strip_prefix('#') {
            under = heading.split('`').nth(1);
        } else if let (Some(under), Some(row)) = (under, line.strip_prefix("| `")) {
            tables.entry(under).or_default().extend(row.split('`').next());
        }
    }
    tables
}

#[test]
fn the_page_lists_the_members_that_there_are() {
    use described::{keys, networks, registries, rules};
    let known: BTreeMap<&str, BTreeSet<&str>> = [
        ("description", members::<Described>()),
        ("setup", members::<described::Setup>()),
        ("cloud", members::<described::Cloud>()),
        ("groups", members::<described::Group>()),
        ("identities", members::<described::Identity>()),
        ("people", members::<described::Person>()),
        ("applications", members::<described::Application>()),
        ("workspaces", members::<described::Workspace>()),
        ("troubles", members::<TroubleUse>()),
        ("random_faults", members::<described::RandomFaults>()),
        ("vaults", members::<keys::Vault>()),
        ("model", members::<keys::Model>()),
        ("vaults.network", members::<keys::VaultNetwork>()),
        ("access_policies", members::<keys::AccessPolicy>()),
        ("keys", members::<keys::Key>()),
        ("versions", members::<keys::Version>()),
        ("rotation", members::<keys::Rotation>()),
        ("registries", members::<registries::Registry>()),
        ("cmk", members::<registries::Cmk>()),
        ("registries.network", members::<registries::RegistryNetwork>()),
        ("scope_maps", members::<registries::ScopeMap>()),
        ("tokens", members::<registries::Token>()),
        ("tasks", members::<registries::Task>()),
        ("clusters", members::<registries::Cluster>()),
        ("networks", members::<networks::Network>()),
        ("subnets", members::<networks::Subnet>()),
        ("security_groups", members::<networks::SecurityGroup>()),
        ("rules", members::<networks::Rule>()),
        ("route_tables", members::<networks::RouteTable>()),
        ("routes", members::<networks::RouteEntry>()),
        ("firewalls", members::<networks::Firewall>()),
        ("private_endpoints", members::<networks::Link>()),
        ("to", members::<networks::LinkTarget>()),
        ("state", members::<networks::LinkState>()),
        ("private_zones", members::<networks::Zone>()),
        ("of", members::<networks::ZoneKind>()),
        ("client", members::<networks::Client>()),
        ("stands", members::<networks::Standing>()),
        ("grants", members::<rules::Grant>()),
        ("at", members::<rules::Scope>()),
        ("locks", members::<rules::Lock>()),
        ("policies", members::<rules::Policy>()),
        ("effect", members::<rules::Effect>()),
        ("logs", members::<rules::Logs>()),
    ]
    .into();
    let told = tables();
    for (name, members) in &known {
        assert_eq!(told.get(name), Some(members), "{name}");
    }
    assert_eq!(told.keys().collect::<Vec<_>>(), known.keys().collect::<Vec<_>>());
}
