//! A simulator behind its loopback door with a world that has something of everything, and plain HTTP to it.

use std::time::Duration;

use cmk_mocks::{Clock, KeyRef, PrincipalKind, SeededIdentity, Server, Setup, Sim, VaultModel, World, roles};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use uuid::Uuid;

pub(crate) struct Steered {
    pub(crate) sim: Sim,
    pub(crate) server: Server,
    pub(crate) seeded: Seeded,
}

/// What is in the world.
pub(crate) struct Seeded {
    pub(crate) registry: String,
    pub(crate) identity: SeededIdentity,
    pub(crate) user: Uuid,
    /// Of `key1` in `vault1`, oldest first.
    pub(crate) versions: Vec<String>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }
}

/// A vault by roles with a registry that uses its key and is behind by a version, one by policies whose key is disabled
/// and expires, a registry with markup for a name, a grant on its way, one to somebody who is gone, and a deleted key.
pub(crate) fn world() -> (World, Seeded) {
    let mut world = World::new(Setup::default());
    let now = world.now();
    let identity = world.seed_identity("shop", "id1");
    let vault = world.seed_vault("shop", "vault1", VaultModel::Rbac);
    let first = world.seed_key("vault1", "key1", now);
    let id = identity.id.clone();
    let registry = world.seed_registry_cmk("shop", "contoso1", "vault1", "key1", KeyRef::Versionless, &id);
    let second = world.seed_key("vault1", "key1", now);
    world.seed_vault("shop", "vault2", VaultModel::Policy);
    world.seed_registry("other", "<script>document.title='struck'</script>", "Basic");
    let user = world.add_principal(PrincipalKind::User, "Ada <b>Lovelace</b>").object_id;
    let scope = format!("{}/keys/key1", vault);
    world.set_role(user, roles::KEY_VAULT_CRYPTO_USER, &scope, now + time::Duration::minutes(5));
    let gone = world.seed_identity("shop", "gone");
    world.seed_grant(gone.principal_id, "vault1", "key1", now);
    world.mutate_delete_identity(&gone.id);
    let third = world.seed_key("vault2", "key2", now);
    world.mutate_version_enabled("vault2", "key2", &third, false);
    world.mutate_version_dates("vault2", "key2", &third, None, Some(now.unix_timestamp() + 86_400));
    world.seed_key("vault2", "lost", now);
    world.mutate_delete_key("vault2", "lost");
    let seeded = Seeded { registry, identity, user, versions: vec![first, second] };
    (world, seeded)
}

impl Steered {
    /// By a clock that stands, so that nothing happens but what the test does.
    pub(crate) async fn new() -> Self {
        let (world, seeded) = world();
        let clock = Clock::manual(world.now());
        Self::of(world, seeded, clock).await
    }

    pub(crate) async fn of(world: World, seeded: Seeded, clock: Clock) -> Self {
        let sim = Sim::new(world, clock);
        let server = Server::start(sim.clone(), 0).await.unwrap();
        Self { sim, server, seeded }
    }

    /// One request on a connection of its own.
    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.server.addr()).await.unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        let own = ("host", &*self.server.addr().to_string());
        let named = headers.iter().any(|(name, _)| *name == "host");
        for (name, value) in headers.iter().chain((!named).then_some(&own)) {
            head += &format!("{name}: {value}\r\n");
        }
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
        let mut text = String::new();
        tokio::time::timeout(Duration::from_secs(60), stream.read_to_string(&mut text)).await.unwrap().unwrap();
        let (head, body) =
            text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {method} {path}: {text}"));
        let mut lines = head.lines();
        let status = lines.next().and_then(|l| l.split(' ').nth(1)).unwrap().parse().unwrap();
        let headers = lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_lowercase(), v.to_owned()));
        Answer { status, headers: headers.collect(), text: body.to_owned() }
    }

    pub(crate) async fn get(&self, what: &str) -> Answer {
        self.ask("GET", &format!("/_sim/{what}"), &[], "").await
    }

    /// One that has to succeed.
    pub(crate) async fn control(&self, method: &str, what: &str, body: Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.ask(method, &format!("/_sim/{what}"), &[], &body).await;
        assert_eq!(answer.status, 200, "{method} {what}: {}", answer.text);
        answer.json()
    }

    /// A request of the operator to Resource Manager.
    pub(crate) async fn arm(&self, method: &str, path: &str, body: &str) -> Answer {
        let audience = "https://management.azure.com";
        let token = self.sim.with_world(|w, now| w.token(w.operator().object_id, audience, now));
        let token = format!("Bearer {token}");
        let headers = [("host", "management.azure.com"), ("authorization", &*token)];
        self.ask(method, path, &headers, body).await
    }

    pub(crate) fn group_path(&self, group: &str) -> String {
        let subscription = self.sim.with_world(|w, _| w.subscription());
        format!("/subscriptions/{subscription}/resourcegroups/{group}?api-version=2024-03-01")
    }

    pub(crate) async fn has_group(&self, group: &str) -> bool {
        self.arm("GET", &self.group_path(group), "").await.status == 200
    }
}
