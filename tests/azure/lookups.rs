//! Names that are not known: asked for twice, and no longer.

use crate::transport::{Fake, Reply, StaticToken, azure};
use azure_core::http::HttpClient;
use cmk::azure::{
    Azure, CallError, Cause, Cloud, Sent,
    id::{KeyId, RegistryId},
    loopback,
};
use std::{
    net::ToSocketAddrs as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

const REGISTRY: &str = "/subscriptions/01234567-89ab-cdef-0123-456789abcdef/resourceGroups/rg/providers/\
                        Microsoft.ContainerRegistry/registries/contoso";

fn registry() -> RegistryId {
    REGISTRY.parse().unwrap()
}

fn no_such_host() -> Reply {
    Reply::new(502, r#"{"error":{"code":"SimNoSuchHost","message":"no such host: contoso.vault.azure.net"}}"#)
}

async fn key(fake: &Arc<Fake>) -> CallError {
    azure(fake).reader().key(&"https://contoso.vault.azure.net/keys/cmk".parse().unwrap()).await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn a_simulated_host_that_is_not_there_is_asked_for_twice() {
    let fake = Fake::new(|_, _| no_such_host());
    let began = Instant::now();
    let error = key(&fake).await;
    assert!(error.is_lookup() && error.to_string().contains("no such host"), "{error}");
    assert_eq!((fake.seen().len(), error.sent), (2, Sent::No));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_known_the_second_time_is_fine() {
    let fake = Fake::new(|_, at| if at == 0 { no_such_host() } else { Reply::ok("{}") });
    assert!(azure(&fake).reader().registry(&registry()).await.unwrap().is_some());
    assert_eq!(fake.seen().len(), 2);
}

/// What says nothing of a name is repeated until the call's budget is used up.
#[tokio::test(start_paused = true)]
async fn other_troubles_on_the_way_are_repeated_as_ever() {
    let bad = r#"{"error":{"code":"BadGateway","message":"no such host is known to me"}}"#;
    for reply in [Reply::Connection, Reply::new(502, ""), Reply::new(502, bad)] {
        let shown = format!("{reply:?}");
        let fake = Fake::new(move |_, _| reply.clone());
        let began = Instant::now();
        let error = azure(&fake).reader().registry(&registry()).await.unwrap_err();
        assert!(!error.is_lookup(), "{shown}");
        assert!(began.elapsed() > Duration::from_secs(120) && fake.seen().len() > 5, "{shown}: {:?}", began.elapsed());
    }
}

/// The client that the library sends by, without the proxy of whoever runs this.
fn direct() -> Arc<dyn HttpClient> {
    Arc::new(reqwest::Client::builder().no_proxy().build().unwrap())
}

/// A name below `.invalid` never resolves (RFC 6761).
#[tokio::test]
async fn the_clients_own_failed_lookup_is_told_from_other_failures() {
    let mut table = Cloud::public().endpoints().clone();
    table.name = "elsewhere".into();
    table.arm = "https://management.cmk-test.invalid".into();
    table.vault_suffix = "vault.cmk-test.invalid".into();
    let cloud = Cloud::custom(table).unwrap();
    // Where there is no resolver to ask, nobody can say that the name is not there.
    let looked = ("contoso.vault.cmk-test.invalid", 443).to_socket_addrs().map(drop).unwrap_err();
    if ["Temporary failure", "ry again"].iter().any(|words| looked.to_string().contains(words)) {
        return;
    }
    let azure = Azure::builder(cloud.clone(), Arc::new(StaticToken)).transport(direct()).build();
    let key = KeyId::parse(&cloud, "https://contoso.vault.cmk-test.invalid/keys/cmk").unwrap();
    let began = Instant::now();
    let of_arm = azure.reader().registry(&registry()).await.unwrap_err();
    let of_a_vault = azure.reader().key(&key).await.unwrap_err();
    for error in [&of_arm, &of_a_vault] {
        assert!(error.is_lookup() && matches!(*error.cause, Cause::Transport(_)), "{error:?}");
    }
    // Twice five seconds at most, and what a resolver takes that answers nobody.
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

/// A resolver that fails with what getaddrinfo says, and how often it was asked.
struct Resolver {
    says: &'static str,
    asked: Arc<AtomicUsize>,
}

impl reqwest::dns::Resolve for Resolver {
    fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let error = std::io::Error::other(format!("failed to lookup address information: {}", self.says));
        let failed: Result<reqwest::dns::Addrs, Box<dyn std::error::Error + Send + Sync>> = Err(Box::new(error));
        Box::pin(std::future::ready(failed))
    }
}

fn resolving(says: &'static str) -> (Azure, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let resolver = Resolver { says, asked: asked.clone() };
    let transport = reqwest::Client::builder().no_proxy().dns_resolver(resolver).build().unwrap();
    (Azure::builder(Cloud::public(), Arc::new(StaticToken)).transport(Arc::new(transport)).seed(1).build(), asked)
}

/// A resolver that cannot ask anybody says nothing of the name: that is over in a moment, or lasts as any outage.
#[tokio::test(start_paused = true)]
async fn a_resolver_that_reaches_nobody_is_asked_as_long_as_any_service() {
    for says in ["Temporary failure in name resolution", "Try again"] {
        let (azure, asked) = resolving(says);
        let began = Instant::now();
        let error = azure.reader().registry(&registry()).await.unwrap_err();
        assert!(!error.is_lookup() && error.to_string().contains(says), "{error}");
        assert!(began.elapsed() > Duration::from_secs(120), "{says}: {:?}", began.elapsed());
        assert!(asked.load(Ordering::SeqCst) > 5, "{says}");
    }
    for says in ["Name or service not known", "Name does not resolve", "nodename nor servname provided, or not known"] {
        let (azure, asked) = resolving(says);
        let error = azure.reader().registry(&registry()).await.unwrap_err();
        assert!(error.is_lookup() && error.to_string().contains(says), "{error}");
        assert_eq!(asked.load(Ordering::SeqCst), 2, "{says}");
    }
}

/// Nobody listens at this port: a connection that is refused is no failed lookup.
#[tokio::test]
async fn a_refused_connection_is_no_failed_lookup() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let transport = loopback(&format!("http://127.0.0.1:{port}"), direct()).unwrap();
    let azure = Azure::builder(Cloud::public(), Arc::new(StaticToken))
        .transport(transport)
        .call_budget(Duration::from_secs(2))
        .build();
    let error = azure.reader().registry(&registry()).await.unwrap_err();
    assert!(!error.is_lookup() && matches!(*error.cause, Cause::Transport(_)), "{error:?}");
}
