//! The data plane of registries, by rule: images, and what is refused. Logins have a file of their own.

use crate::support::client::against_contract;
use crate::support::docker::{AUDIENCE, Docker, LOGIN, digest, plain, with_key};
use cmk_mocks::{Changeable, ClientPlace, Params, roles};
use http::Method;
use serde_json::{Value, json};

const KEY_TEXT: &str =
    "Access to Key Encryption Key is forbidden. View troubleshooting steps at https://aka.ms/acr/cmk";

#[test]
fn r_dp_01_the_challenge_names_realm_service_and_scope() {
    let mut d = plain();
    let a = d.send("GET", LOGIN, "/v2/", None, &[]);
    assert_eq!(a.status, 401);
    assert_eq!(
        a.header("www-authenticate"),
        format!("Bearer realm=\"https://{LOGIN}/oauth2/token\",service=\"{LOGIN}\"")
    );
    assert_eq!(a.code(), "UNAUTHORIZED");
    assert!(a.message().starts_with("authentication required"));
    let a = d.send("GET", LOGIN, "/v2/_catalog", None, &[]);
    assert!(a.header("www-authenticate").ends_with(",scope=\"registry:catalog:*\""));
    assert_eq!(a.json()["errors"][0]["detail"], json!([{"Type": "registry", "Name": "catalog", "Action": "*"}]));
    let a = d.send("POST", LOGIN, "/v2/a/b/blobs/uploads/", None, &[]);
    assert!(a.header("www-authenticate").ends_with(",scope=\"repository:a/b:pull,push\""));
    d.grant(roles::ACR_PULL);
    let token = d.access("repository:web:pull");
    let a = d.send("GET", LOGIN, "/v2/", Some(&format!("Bearer {token}")), &[]);
    assert_eq!((a.status, a.json()), (200, json!({})));
    let a = d.send("GET", "nobody1.azurecr.io", "/v2/", None, &[]);
    assert_eq!(a.header("x-sim-no-such-host"), "nobody1.azurecr.io");
}

#[test]
fn an_image_is_pushed_listed_pulled_and_deleted() {
    let mut d = plain();
    d.grant(roles::OWNER);
    let push = d.access("repository:team/web:pull,push");
    let bearer = format!("Bearer {push}");
    // In pieces, then at once.
    let layer = b"a layer, in two pieces";
    let a = d.send("POST", LOGIN, "/v2/team/web/blobs/uploads/", Some(&bearer), &[]);
    assert_eq!((a.status, a.header("range")), (202, "0-0"));
    let place = a.header("location").to_owned();
    let a = d.send("PATCH", LOGIN, &place, Some(&bearer), &layer[..7]);
    assert_eq!((a.status, a.header("range")), (202, "0-6"));
    let wrong = format!("{}&digest={}", a.header("location"), digest(b"other"));
    assert_eq!(d.send("PUT", LOGIN, &wrong, Some(&bearer), &layer[7..]).code(), "DIGEST_INVALID");
    let end = format!("{}&digest={}", a.header("location"), digest(layer));
    let a = d.send("PUT", LOGIN, &end, Some(&bearer), &layer[7..]);
    assert_eq!((a.status, a.header("docker-content-digest")), (201, digest(layer).as_str()));
    let config = b"{}";
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2, "digest": digest(config)},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "size": layer.len(), "digest": digest(layer)}],
    })
    .to_string();
    let a = d.send("PUT", LOGIN, "/v2/team/web/manifests/v1", Some(&bearer), manifest.as_bytes());
    assert_eq!(a.code(), "MANIFEST_BLOB_UNKNOWN");
    let once = format!("/v2/team/web/blobs/uploads/?digest={}", digest(config));
    assert_eq!(d.send("POST", LOGIN, &once, Some(&bearer), config).status, 201);
    let a = d.send("PUT", LOGIN, "/v2/team/web/manifests/v1", Some(&bearer), manifest.as_bytes());
    let whole = digest(manifest.as_bytes());
    assert_eq!((a.status, a.header("docker-content-digest")), (201, whole.as_str()));
    let a = d.send("HEAD", LOGIN, "/v2/team/web/manifests/v1", Some(&bearer), &[]);
    assert_eq!((a.status, a.body.len(), a.header("content-length")), (200, 0, manifest.len().to_string().as_str()));
    let a = d.send("GET", LOGIN, &format!("/v2/team/web/manifests/{whole}"), Some(&bearer), &[]);
    assert_eq!(
        (&a.body[..], a.header("content-type")),
        (manifest.as_bytes(), "application/vnd.oci.image.manifest.v1+json")
    );
    let a = d.send("HEAD", LOGIN, &format!("/v2/team/web/blobs/{}", digest(layer)), Some(&bearer), &[]);
    assert_eq!((a.status, a.header("content-length")), (200, "22"));
    // Taken over by another repository of which both are open.
    let both = format!("Bearer {}", d.access("repository:new:pull,push repository:team/web:pull"));
    let mount = format!("/v2/new/blobs/uploads/?mount={}&from=team/web", digest(layer));
    assert_eq!(d.send("POST", LOGIN, &mount, Some(&both), &[]).status, 201);
    let one = format!("Bearer {}", d.access("repository:new:pull,push"));
    assert_eq!(d.send("POST", LOGIN, &mount, Some(&one), &[]).status, 202);
    let (id, all) = (d.registry.clone(), d.access("registry:catalog:*"));
    d.world.seed_image(&id, "app:1");
    for path in ["/v2/_catalog", "/acr/v1/_catalog"] {
        let a = d.send("GET", LOGIN, path, Some(&format!("Bearer {all}")), &[]);
        assert_eq!(a.json(), json!({"repositories": ["app", "team/web"]}));
    }
    let a = d.send("GET", LOGIN, "/v2/_catalog?n=1", Some(&format!("Bearer {all}")), &[]);
    assert_eq!(a.header("link"), "</v2/_catalog?last=app&n=1&orderby=>; rel=\"next\"");
    let a = d.send("GET", LOGIN, "/v2/team/web/tags/list", Some(&bearer), &[]);
    assert_eq!(a.json(), json!({"name": "team/web", "tags": ["v1"]}));
    let delete = format!("Bearer {}", d.access("repository:team/web:pull,delete"));
    let path = format!("/v2/team/web/manifests/{whole}");
    assert_eq!(d.send("DELETE", LOGIN, &path, Some(&bearer), &[]).status, 401);
    assert_eq!(d.send("DELETE", LOGIN, &path, Some(&delete), &[]).status, 202);
    assert_eq!(d.send("GET", LOGIN, "/v2/team/web/manifests/v1", Some(&delete), &[]).code(), "MANIFEST_UNKNOWN");
    assert_eq!(d.send("GET", LOGIN, "/v2/team/web/tags/list", Some(&delete), &[]).code(), "NAME_UNKNOWN");
}

#[test]
fn r_dp_23_layers_come_from_another_host() {
    let mut d = plain();
    d.grant(roles::ACR_PULL);
    let id = d.registry.clone();
    d.world.seed_image(&id, "web:1");
    let bearer = format!("Bearer {}", d.access("repository:web:pull"));
    let manifest = d.send("GET", LOGIN, "/v2/web/manifests/1", Some(&bearer), &[]).json();
    let layer = manifest["layers"][0]["digest"].as_str().unwrap().to_owned();
    let path = format!("/v2/web/blobs/{layer}");
    let fetch = |d: &mut Docker| {
        let a = d.send("GET", LOGIN, &path, Some(&bearer), &[]);
        assert_eq!(a.status, 307);
        let place = a.header("location").strip_prefix("https://").unwrap().to_owned();
        let (host, path) = place.split_once('/').unwrap();
        (host.to_owned(), format!("/{path}"))
    };
    let (host, path) = fetch(&mut d);
    assert!(host.ends_with(".blob.core.windows.net"), "{host}");
    let a = d.send("GET", &host, &path, None, &[]);
    assert_eq!((a.status, digest(&a.body)), (200, layer.clone()));
    assert_eq!(d.send("GET", &host, &path.replace("sig=", "sig=x"), None, &[]).status, 403);
    let own = "contoso1.westeurope.data.azurecr.io";
    assert!(!d.send("GET", own, "/", None, &[]).header("x-sim-no-such-host").is_empty());
    d.property("dataEndpointEnabled", json!(true));
    let (host, path) = fetch(&mut d);
    assert_eq!(host, own);
    assert_eq!(digest(&d.send("GET", &host, &path, None, &[]).body), layer);
    d.wait(3600);
    assert_eq!(d.send("GET", &host, &path, None, &[]).status, 403);
    d.property("dataEndpointEnabled", json!(false));
    d.world.mutate_client_place(ClientPlace::PrivateEndpoint);
    assert_eq!(fetch(&mut d).0, own);
}

#[test]
fn r_cmk_32_referrers_are_missing_with_a_key_of_ones_own() {
    let path = format!("/v2/web/referrers/{}", digest(b"x"));
    let status = |mut d: Docker| {
        d.grant(roles::ACR_PULL);
        let bearer = format!("Bearer {}", d.access("repository:web:pull"));
        d.send("GET", LOGIN, &path, Some(&bearer), &[]).status
    };
    assert_eq!((status(plain()), status(with_key())), (200, 404));
}

#[test]
fn r_dp_20_the_firewall_comes_before_the_login() {
    let mut d = plain();
    d.property(
        "networkRuleSet",
        json!({"defaultAction": "Deny", "ipRules": [{"action": "Allow", "value": "198.51.100.0/24"}]}),
    );
    let refused =
        "client with IP '203.0.113.10' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.";
    for (method, path) in [("GET", "/v2/"), ("POST", "/oauth2/exchange"), ("GET", "/oauth2/token")] {
        let a = d.send(method, LOGIN, path, None, &[]);
        assert_eq!((a.status, a.code().as_str(), a.message().as_str()), (403, "DENIED", refused));
    }
    d.world.mutate_client_address("198.51.100.7");
    assert_eq!(d.send("GET", LOGIN, "/v2/", None, &[]).status, 401);
}

#[test]
fn r_dp_21_a_private_endpoint_stays_open_when_the_rest_is_closed() {
    let mut d = plain();
    let subnet = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/a";
    let rules = json!({"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.10"}],
        "virtualNetworkRules": [{"action": "Allow", "id": subnet}]});
    d.property("networkRuleSet", rules);
    let lets_in = |d: &mut Docker, place: ClientPlace| {
        d.world.mutate_client_place(place);
        d.send("GET", LOGIN, "/v2/", None, &[]).status == 401
    };
    let inside = || ClientPlace::Subnet(subnet.to_owned());
    assert!(lets_in(&mut d, ClientPlace::Internet) && lets_in(&mut d, inside()));
    assert!(!lets_in(&mut d, ClientPlace::Subnet("/other".into())));
    d.property("publicNetworkAccess", json!("Disabled"));
    assert!(!lets_in(&mut d, ClientPlace::Internet) && !lets_in(&mut d, inside()));
    assert!(lets_in(&mut d, ClientPlace::PrivateEndpoint));
}

#[test]
fn r_dp_22_trusted_services_pass_while_the_bypass_is_on() {
    let mut d = plain();
    d.property("publicNetworkAccess", json!("Disabled"));
    let lets_in = |d: &mut Docker, place: ClientPlace| {
        d.world.mutate_client_place(place);
        d.send("GET", LOGIN, "/v2/", None, &[]).status == 401
    };
    assert!(lets_in(&mut d, ClientPlace::TrustedService) && !lets_in(&mut d, ClientPlace::Task));
    d.property("networkRuleBypassAllowedForTasks", json!(true));
    assert!(lets_in(&mut d, ClientPlace::Task));
    d.property("networkRuleBypassOptions", json!("None"));
    assert!(!lets_in(&mut d, ClientPlace::TrustedService) && !lets_in(&mut d, ClientPlace::Task));
}

#[test]
fn r_err_02_a_lost_key_refuses_pull_and_push_but_not_the_login() {
    let mut d = with_key();
    d.grant(roles::ACR_PUSH);
    let id = d.registry.clone();
    d.world.seed_image(&id, "web:1");
    let bearer = format!("Bearer {}", d.access("repository:web:pull,push"));
    assert_eq!(d.send("GET", LOGIN, "/v2/web/manifests/1", Some(&bearer), &[]).status, 200);
    d.world.mutate_delete_key("kv1", "k");
    for (method, path) in [("GET", "/v2/web/manifests/1"), ("POST", "/v2/web/blobs/uploads/")] {
        let a = d.send(method, LOGIN, path, Some(&bearer), &[]);
        assert_eq!((a.status, a.message().as_str()), (403, KEY_TEXT));
    }
    assert_eq!(d.exchange(AUDIENCE, &[]).status, 200);
    assert_eq!(d.send("GET", LOGIN, "/v2/", Some(&bearer), &[]).status, 200);
    // Who has no right learns nothing of the key.
    assert_eq!(d.send("GET", LOGIN, "/v2/web/manifests/1", None, &[]).status, 401);
}

#[test]
fn r_err_04_an_expired_identity_has_words_of_its_own() {
    let mut d = with_key();
    d.grant(roles::ACR_PULL);
    let id = d.registry.clone();
    d.world.seed_image(&id, "web:1");
    let bearer = format!("Bearer {}", d.access("repository:web:pull"));
    d.world.mutate_identity_expired(&id);
    let a = d.send("GET", LOGIN, "/v2/web/manifests/1", Some(&bearer), &[]);
    assert_eq!(a.status, 403);
    assert!(a.message().starts_with("The identity associated with the registry is inactive."));
}

#[test]
fn r_dp_26_a_locked_repository_says_so() {
    let mut d = plain();
    d.grant(roles::OWNER);
    let id = d.registry.clone();
    d.world.seed_image(&id, "web:1");
    let bearer = format!("Bearer {}", d.access("repository:web:*"));
    d.world.mutate_repository(&id, "web", Changeable { write: false, ..Changeable::default() });
    for (method, path) in [("POST", "/v2/web/blobs/uploads/"), ("DELETE", "/v2/web/manifests/1")] {
        let a = d.send(method, LOGIN, path, Some(&bearer), &[]);
        assert_eq!(a.status, 405);
        let text = "The operation is disallowed on this Azure Container Registry, repository or image";
        assert!(a.message().starts_with(text), "{}", a.message());
    }
    assert_eq!(d.send("GET", LOGIN, "/v2/web/manifests/1", Some(&bearer), &[]).status, 200);
    let unlock = json!({"writeEnabled": true, "readEnabled": false}).to_string();
    let a = d.send("PATCH", LOGIN, "/acr/v1/web", Some(&bearer), unlock.as_bytes());
    assert_eq!(a.json()["changeableAttributes"]["readEnabled"], json!(false));
    assert_eq!(d.send("GET", LOGIN, "/v2/web/manifests/1", Some(&bearer), &[]).status, 405);
    assert_eq!(d.send("POST", LOGIN, "/v2/web/blobs/uploads/", Some(&bearer), &[]).status, 202);
}

#[test]
fn r_dp_09_too_many_requests_wait_for_the_minute_to_end() {
    let params = Params { acr_throttle_share: 0.0002, ..Params::instant() };
    let mut d = Docker::new(params, |world| world.seed_registry("rg", "contoso1", "Premium"));
    // 20000 * 0.0002 reads a minute, half of them for one identity.
    for _ in 0..4 {
        assert_eq!(d.send("GET", LOGIN, "/v2/", None, &[]).status, 401);
    }
    d.wait(20);
    let a = d.send("GET", LOGIN, "/v2/", None, &[]);
    assert_eq!((a.status, a.header("retry-after")), (429, "40"));
    d.wait(40);
    let id = d.registry.clone();
    d.world.seed_token(&id, "puller", "_repositories_pull", "pw", None);
    let statuses: Vec<u16> = (0..3).map(|_| d.basic("GET", "/v2/", "puller", "pw").status).collect();
    assert_eq!(statuses, [200, 200, 429]);
    assert_eq!(d.send("GET", LOGIN, "/v2/", None, &[]).status, 401);
}

#[test]
fn logins_are_reads_and_pushes_are_writes() {
    let writes = |method: Method, path: &str| cmk_mocks::is_write(&method, LOGIN, path);
    assert!(!writes(Method::POST, "/oauth2/exchange") && !writes(Method::POST, "/oauth2/token"));
    assert!(!writes(Method::POST, "/x/listCredentials"));
    assert!(writes(Method::POST, "/v2/web/blobs/uploads/") && writes(Method::PUT, "/v2/token/manifests/token"));
    assert!(writes(Method::POST, "/x/generateCredentials") && writes(Method::POST, "/x/regenerateCredential"));
}

#[test]
fn r_dp_27_what_was_imported_can_be_pulled() {
    let mut d = plain();
    let id = d.registry.clone();
    let source = json!({"source": {"registryUri": "mcr.example", "sourceImage": "hello:1"}, "targetTags": ["hello:1"]});
    assert_eq!(d.arm("POST", &format!("{id}/importImage"), Some(source)).status, 202);
    d.wait(60);
    d.grant(roles::ACR_PULL);
    let bearer = format!("Bearer {}", d.access("repository:hello:pull"));
    assert_eq!(d.send("GET", LOGIN, "/v2/hello/manifests/1", Some(&bearer), &[]).status, 200);
}

#[test]
fn a_deleted_registry_takes_its_images_and_logins_along() {
    let mut d = plain();
    let id = d.registry.clone();
    d.world.seed_image(&id, "web:1");
    d.world.seed_token(&id, "puller", "_repositories_pull", "pw", None);
    let stored = serde_json::to_string(&d.world).unwrap();
    assert_eq!(d.docker_login("puller", "pw", "").status, 200);
    d.world.mutate_delete_registry(&id);
    assert!(!d.send("GET", LOGIN, "/v2/", None, &[]).header("x-sim-no-such-host").is_empty());
    d.world.seed_registry("rg", "contoso1", "Premium");
    assert_eq!(d.docker_login("puller", "pw", "").status, 401);
    d.world = serde_json::from_str(&stored).unwrap();
    assert_eq!(d.basic("GET", "/v2/web/manifests/1", "puller", "pw").status, 200);
}

#[test]
fn exchanges_are_as_the_descriptions_have_them() {
    let mut d = plain();
    d.grant(roles::OWNER);
    let id = d.registry.clone();
    d.world.seed_image(&id, "web:1");
    d.send("GET", LOGIN, "/v2/", None, &[]);
    let refresh = d.refresh();
    let form = [("grant_type", "refresh_token"), ("service", LOGIN), ("refresh_token", refresh.as_str())];
    d.form(LOGIN, "/oauth2/token", &[&form[..], &[("scope", "repository:web:*")]].concat());
    d.docker_login(&uuid::Uuid::nil().to_string(), &refresh, "repository:web:pull");
    let bearer = format!("Bearer {}", d.access("repository:web:* registry:catalog:*"));
    let manifest = d.send("GET", LOGIN, "/v2/web/manifests/1", Some(&bearer), &[]).json();
    let layer = manifest["layers"][0]["digest"].as_str().unwrap().to_owned();
    for (method, path, status) in [
        ("GET", "/v2/", 200),
        ("GET", "/acr/v1/_catalog", 200),
        ("GET", "/acr/v1/web", 200),
        ("GET", "/acr/v1/web/_tags", 200),
        ("GET", "/v2/web/manifests/2", 404),
        ("GET", &format!("/v2/web/blobs/{layer}"), 307),
        ("HEAD", &format!("/v2/web/blobs/{layer}"), 200),
        ("POST", &format!("/v2/web/blobs/uploads/?mount={layer}&from=web"), 201),
        ("DELETE", "/v2/web/manifests/1", 202),
    ] {
        assert_eq!(d.send(method, LOGIN, path, Some(&bearer), &[]).status, status, "{method} {path}");
    }
    d.world.seed_image(&id, "web:2");
    assert_eq!(d.send("DELETE", LOGIN, "/acr/v1/web", Some(&bearer), &[]).status, 202);
    d.world.seed_token(&id, "puller", "_repositories_pull", "pw", None);
    let ask = json!({"tokenId": format!("{id}/tokens/puller"), "expiry": "2027-01-01T00:00:00Z"});
    assert_eq!(d.arm("POST", &format!("{id}/generateCredentials"), Some(ask)).status, 200);
    d.property("adminUserEnabled", json!(true));
    assert_eq!(d.arm("POST", &format!("{id}/listCredentials"), None).status, 200);
    let which = json!({"name": "password2"});
    assert_eq!(d.arm("POST", &format!("{id}/regenerateCredential"), Some(which)).status, 200);
    let shown: Vec<String> = d.world.admin_passwords(&id);
    let log: Vec<Value> = std::mem::take(&mut d.log);
    let told = serde_json::to_string(&log).unwrap();
    assert!(!told.contains(&refresh) && shown.iter().all(|password| !told.contains(password.as_str())));
    // The description has two operations on each of these paths, and the check holds on to the one with a fixed query.
    let twofold = |e: &&Value| e["status"] == json!(307) || e["query"].get("mount").is_some();
    let log: Vec<Value> = log.iter().filter(|e| !twofold(e)).cloned().collect();
    assert_eq!(log.len(), 18);
    against_contract(&log);
}

/// Bodies as recorded with the SDKs for Python and JavaScript.
#[test]
fn manifests_and_tags_are_told_of_one_by_one() {
    let mut d = plain();
    d.grant(roles::OWNER);
    let id = d.registry.clone();
    d.world.seed_image(&id, "team/web:v1");
    d.wait(60);
    d.world.seed_image(&id, "team/web:v2");
    let bearer = format!("Bearer {}", d.access("repository:team/web:pull,push,delete,metadata_read,metadata_write"));
    let tag = d.send("GET", LOGIN, "/acr/v1/team/web/_tags/v1", Some(&bearer), &[]).json();
    assert_eq!((&tag["registry"], &tag["imageName"]), (&json!(LOGIN), &json!("team/web")));
    let all = json!({"deleteEnabled": true, "writeEnabled": true, "readEnabled": true, "listEnabled": true});
    assert_eq!(tag["tag"]["changeableAttributes"], all);
    let digest = tag["tag"]["digest"].as_str().unwrap();
    let a = d.send("GET", LOGIN, &format!("/acr/v1/team/web/_manifests/{digest}"), Some(&bearer), &[]).json();
    let manifest = &a["manifest"];
    assert_eq!((&manifest["digest"], &manifest["tags"]), (&tag["tag"]["digest"], &json!(["v1"])));
    assert_eq!((&manifest["architecture"], &manifest["os"]), (&json!("amd64"), &json!("linux")));
    assert_eq!(manifest["changeableAttributes"]["quarantineState"], "Passed");
    for (order, first) in [("timedesc", "v2"), ("timeasc", "v1"), ("", "v1")] {
        let path = format!("/acr/v1/team/web/_tags?orderby={order}&n=1");
        let a = d.send("GET", LOGIN, &path, Some(&bearer), &[]);
        assert_eq!(a.json()["tags"][0]["name"], first, "{order}");
        let link = a.header("link");
        assert_eq!(link, format!("</acr/v1/team/web/_tags?last={first}&n=1&orderby={order}>; rel=\"next\""));
        let rest = d.send("GET", LOGIN, link.trim_start_matches('<').split('>').next().unwrap(), Some(&bearer), &[]);
        assert_eq!(rest.json()["tags"].as_array().map(Vec::len), Some(1));
        assert_ne!(rest.json()["tags"][0]["name"], first);
        assert_eq!(rest.header("link"), "");
    }
    let a = d.send("GET", LOGIN, "/acr/v1/team/web/_manifests", Some(&bearer), &[]).json();
    assert_eq!(a["manifests"].as_array().map(Vec::len), Some(2));

    // R-DP-26: a lock of the tag or of what it points to.
    let (pull, tags) = ("/v2/team/web/manifests/v1", "/acr/v1/team/web/_tags/v1");
    let whole = format!("/acr/v1/team/web/_manifests/{digest}");
    for locked in [tags, whole.as_str()] {
        let off = json!({"readEnabled": false, "deleteEnabled": false}).to_string();
        let a = d.send("PATCH", LOGIN, locked, Some(&bearer), off.as_bytes());
        let told = a.json();
        let told = told.get("tag").or(told.get("manifest")).unwrap();
        assert_eq!((a.status, &told["changeableAttributes"]["readEnabled"]), (200, &json!(false)));
        assert_eq!(told["changeableAttributes"]["writeEnabled"], true);
        assert_eq!(d.send("GET", LOGIN, pull, Some(&bearer), &[]).code(), "REGISTRY_DISALLOWED_OPERATION");
        assert_eq!(d.send("DELETE", LOGIN, tags, Some(&bearer), &[]).code(), "REGISTRY_DISALLOWED_OPERATION");
        let on = json!({"readEnabled": true, "deleteEnabled": true}).to_string();
        assert_eq!(d.send("PATCH", LOGIN, locked, Some(&bearer), on.as_bytes()).status, 200);
    }
    assert_eq!(d.send("GET", LOGIN, pull, Some(&bearer), &[]).status, 200);
    assert_eq!(d.send("DELETE", LOGIN, tags, Some(&bearer), &[]).status, 202);
    for method in ["GET", "PATCH", "DELETE"] {
        let a = d.send(method, LOGIN, tags, Some(&bearer), &[]);
        assert_eq!((a.status, a.code().as_str()), (404, "TAG_UNKNOWN"), "{method}");
    }
    assert_eq!(d.send("GET", LOGIN, &whole, Some(&bearer), &[]).json()["manifest"].get("tags"), None);
    let reader = format!("Bearer {}", d.access("repository:team/web:pull"));
    assert_eq!(d.send("GET", LOGIN, &whole, Some(&reader), &[]).status, 401);
}

#[test]
fn a_layer_is_pulled_in_parts() {
    let mut d = plain();
    d.grant(roles::OWNER);
    let bearer = format!("Bearer {}", d.access("repository:web:pull,push"));
    let layer = b"0123456789";
    let once = format!("/v2/web/blobs/uploads/?digest={}", digest(layer));
    assert_eq!(d.send("POST", LOGIN, &once, Some(&bearer), layer).status, 201);
    let a = d.send("GET", LOGIN, &format!("/v2/web/blobs/{}", digest(layer)), Some(&bearer), &[]);
    let place = a.header("location").strip_prefix("https://").unwrap().to_owned();
    let (host, path) = place.split_once('/').unwrap();
    for (range, status, told, part) in [
        ("bytes=0-3", 206, "bytes 0-3/10", "0123"),
        ("bytes=4-4194303", 206, "bytes 4-9/10", "456789"),
        ("bytes=8-", 206, "bytes 8-9/10", "89"),
        // Not understood is not asked for.
        ("bytes=9-3", 200, "", "0123456789"),
        ("lines=1-2", 200, "", "0123456789"),
        ("bytes=0-18446744073709551615", 206, "bytes 0-9/10", "0123456789"),
    ] {
        let request = http::Request::get(format!("https://{host}/{path}")).header("range", range);
        let a = d.world.handle(d.now, request.body(bytes::Bytes::new()).unwrap());
        let header = a.headers().get("content-range").map_or("", |v| v.to_str().unwrap());
        assert_eq!((a.status().as_u16(), header, &a.body()[..]), (status, told, part.as_bytes()), "{range}");
    }
}

#[test]
fn an_image_of_another_registry_is_imported_as_it_is() {
    let mut d = plain();
    d.grant(roles::OWNER);
    let source = d.world.seed_registry("rg", "fabrikam1", "Basic");
    let original = d.world.seed_image(&source, "base:1").digest;
    let place = format!("{}/importImage", d.registry);
    let body = json!({"source": {"resourceId": source, "sourceImage": "base:1"}, "targetTags": ["copy:1", "base:2"]});
    assert_eq!(d.arm("POST", &place, Some(body)).status, 202);
    d.wait(1);
    let bearer = format!("Bearer {}", d.access("repository:copy:pull repository:base:pull"));
    let copies = ["/v2/copy/manifests/1", "/v2/base/manifests/2"].map(|p| d.send("GET", LOGIN, p, Some(&bearer), &[]));
    for copy in &copies {
        assert_eq!((copy.status, copy.header("docker-content-digest")), (200, original.as_str()));
    }
    let layer = copies[0].json()["layers"][0]["digest"].as_str().unwrap().to_owned();
    assert_eq!(d.send("HEAD", LOGIN, &format!("/v2/copy/blobs/{layer}"), Some(&bearer), &[]).status, 200);
}
