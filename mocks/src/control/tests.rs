use super::{allowed, from_a_page, openapi, table};
use bytes::Bytes;
use http::Request;
use std::collections::BTreeSet;

fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Bytes> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Bytes::new()).unwrap()
}

#[test]
fn the_description_has_the_routes_of_the_table_and_no_others() {
    let described = openapi::description().unwrap();
    let mut in_it = BTreeSet::new();
    for (path, methods) in described["paths"].as_object().unwrap() {
        in_it.extend(methods.as_object().unwrap().keys().map(|m| (m.to_uppercase(), path.clone())));
    }
    let routes: BTreeSet<_> = table().map(|r| (r.method.to_owned(), format!("/_sim/{}", r.path))).collect();
    assert_eq!((&in_it, routes.len()), (&routes, table().count()));
    let names: BTreeSet<_> = table().map(|r| r.id).collect();
    assert_eq!(names.len(), routes.len(), "each has a name of its own");
}

#[test]
fn every_schema_is_there_and_every_parameter_of_a_path_is_told() {
    let described = openapi::description().unwrap();
    let schemas = described["components"]["schemas"].as_object().unwrap();
    for route in table() {
        let named = route.answers.iter().filter_map(|a| a.schema).chain(route.body.as_ref().map(|b| b.schema));
        for name in named {
            assert!(schemas.contains_key(name), "{}: {name}", route.id);
        }
        let braces = route.path.matches('{').count();
        assert_eq!(route.parameters.iter().filter(|p| route.in_path(p)).count(), braces, "{}", route.id);
        assert!(!route.answers.is_empty() && route.summary.ends_with('.'), "{}", route.id);
    }
}

#[test]
fn a_segment_in_braces_is_any_one_and_decoded() {
    let restore = table().find(|r| r.id == "restoreSnapshot").unwrap();
    assert_eq!(restore.on("snapshots/a%20b+c&d/restore").unwrap()["name"], "a b+c&d");
    for other in ["snapshots/restore", "snapshots/a/restore/", "snapshots/a/b/restore", "snapshots/a"] {
        assert!(restore.on(other).is_none(), "{other}");
    }
    assert_eq!(allowed(&request("GET", "/_sim/snapshots/a", &[])), "PUT, DELETE");
}

#[test]
fn pages_of_the_web_are_told_from_ones_own() {
    for (name, value) in [
        ("origin", "https://example.com"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "anything else"),
    ] {
        assert!(from_a_page(&request("GET", "/_sim/status", &[(name, value)])), "{name}: {value}");
    }
    assert!(from_a_page(&request("OPTIONS", "/_sim/status", &[])));
    for own in [&[][..], &[("sec-fetch-site", "same-origin")], &[("sec-fetch-site", "none")]] {
        assert!(!from_a_page(&request("GET", "/_sim/status", own)));
    }
}
