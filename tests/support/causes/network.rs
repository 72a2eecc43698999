//! The networks between the registry and its clients.

use super::{Setup, StagedCause, in_world, staged};
use cmk::diagnose::Unresolved;
use serde_json::json;
use std::net::IpAddr;

const SERVER: &str = "contoso1.azurecr.io";
const DATA: &str = "contoso1.westeurope.data.azurecr.io";

fn found(s: &mut Setup, host: &str, address: [u8; 4]) {
    s.machine.names.insert(host.to_owned(), Ok(vec![IpAddr::from(address)]));
}

const CUT: &[&str] = &["consumers-cut"];

pub const STAGED: &[StagedCause] = &[
    in_world("private-endpoint-pending").with(CUT),
    in_world("private-endpoint-rejected").with(CUT),
    in_world("private-endpoint-disconnected").with(CUT),
    in_world("private-dns-not-linked").with(CUT),
    in_world("private-dns-record-missing").with(CUT),
    in_world("data-endpoint-record-missing").with(CUT),
    in_world("replica-record-missing").with(CUT),
    in_world("private-dns-record-wrong").with(CUT),
    staged("dns-unresolved", |s| {
        s.machine.names.insert(SERVER.into(), Err(Unresolved::NoSuchName("Name or service not known".into())));
    }),
    staged("data-endpoint-unresolved", |s| {
        let registry = s.registry_id();
        s.world.mutate_registry_property(&registry, "dataEndpointEnabled", json!(true));
        s.machine.names.insert(DATA.into(), Err(Unresolved::NoSuchName("Name or service not known".into())));
    }),
    staged("dns-public-despite-endpoint", |s| {
        let mut scene = s.scene();
        scene.private();
        scene.no_public_access();
        scene.outside();
        found(s, SERVER, [198, 51, 100, 9]);
    })
    .with(CUT),
    staged("dns-private-elsewhere", |s| {
        s.scene().private();
        s.scene().outside();
        found(s, SERVER, [10, 9, 0, 9]);
    })
    .with(CUT),
    in_world("subnet-rules-cut").with(CUT),
    in_world("service-endpoint-missing").with(CUT),
    in_world("provider-not-registered-there").with(CUT),
    in_world("bastion-subnet").with(CUT),
    in_world("nsg-blocks").with(CUT),
    in_world("route-to-nowhere").with(CUT),
    in_world("firewall-lacks-hosts").with(CUT),
    in_world("route-to-appliance").with(CUT),
    in_world("registry-firewall").with(CUT),
    staged("tls-failed", |s| s.door = Some(super::Door::Fails("invalid peer certificate: UnknownIssuer"))),
    staged("no-challenge", |s| s.door = Some(super::Door::Answers(404))),
    staged("proxy-suspect", |s| {
        s.scene().private();
        s.machine.env.insert("HTTPS_PROXY".into(), "http://proxy.contoso.com:3128".into());
        s.machine.env.insert("NO_PROXY".into(), "localhost,.contoso.com".into());
    })
    .with(CUT),
    staged("registry-unreachable", |s| s.door = Some(super::Door::Fails("connection timed out"))),
    in_world("tasks-cut").with(CUT),
];
