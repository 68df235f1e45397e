//! Access: keys of layers, origins, hosts, and the ids of requests.

use crate::app::{Answer, TILE, app, app_with, cities, get, send};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use heatsplat_server::{BearerToken, Registry, Server, ServerConfig, router};
use std::sync::Arc;
use std::time::Duration;

const KEY: &str = "correct horse battery";
const OTHER: &str = "staple-0123456789";

async fn with(app: &Router, uri: &str, headers: &[(&str, &str)]) -> Answer {
    let add = |request: axum::http::request::Builder, (name, value): &(&str, &str)| {
        request.header(*name, *value)
    };
    let request = headers.iter().fold(Request::get(uri), add);
    send(app, request.body(Body::empty()).unwrap()).await
}

/// A server with five layers. `open` has no key, `secret` has two keys, `more` has another key,
/// `late` has a key and is still loading, and `both` is made of `secret` and `more`.
fn guarded() -> Router {
    guarded_layers().1
}

/// Makes the layers of [`guarded`], and a server of them.
fn guarded_layers() -> (Registry, Router) {
    let layers = Registry::default();
    let key = |text: &str| BearerToken::new(text).unwrap();
    for (name, keys) in [
        ("open", vec![]),
        ("secret", vec![key("another key, too long"), key(KEY)]),
        ("more", vec![key(OTHER)]),
    ] {
        let id = layers.announce(name);
        layers.protect(&id, keys);
        layers.put(&id, cities());
    }
    layers
        .derive(
            "both",
            "secret - more".parse().unwrap(),
            Duration::from_secs(10),
        )
        .unwrap();
    let late = layers.announce("late");
    layers.protect(&late, vec![key(KEY)]);
    let server = Server::new(layers.clone(), ServerConfig::default());
    (layers, router(Arc::new(server)))
}

/// A layer that is made of two others shows nothing once one of them, and its keys, are gone.
#[tokio::test]
async fn a_derived_layer_is_closed_without_its_sources() {
    let (layers, app) = guarded_layers();
    layers.replace_all_with_keys(&[], Vec::new());
    for path in ["/both.json", "/both/3/4/2.png"] {
        for key in ["", KEY, OTHER] {
            let key = key.replace(' ', "%20");
            let answer = get(&app, &format!("{path}?key={key}")).await;
            assert_eq!(answer.status.as_u16(), 404, "{path} with {key}");
        }
    }
}

#[tokio::test]
async fn a_layer_with_keys_is_only_there_with_one_of_them() {
    let app = guarded();
    let paths = [
        "",
        ".json",
        "/3/4/2.png",
        "/map.png",
        "/legend.svg",
        "/gdal.xml",
        "/dem.json",
        "/value?lon=1&lat=2",
    ];
    let bearer = format!("Bearer {KEY}");
    let wrong = format!("Bearer {KEY}x");
    for path in paths {
        let missing = get(&app, &format!("/missing{path}")).await;
        let uri = format!("/secret{path}");
        let and = if path.contains('?') { '&' } else { '?' };
        for (uri, headers) in [
            (uri.clone(), vec![]),
            (uri.replace("secret", "%73ecret"), vec![]),
            (format!("{uri}{and}key=wrong"), vec![]),
            (format!("{uri}{and}key="), vec![]),
            (uri.clone(), vec![("authorization", &*wrong)]),
            (uri.clone(), vec![("authorization", "Basic eDp5")]),
        ] {
            let refused = with(&app, &uri, &headers).await;
            assert_eq!(refused.status, StatusCode::NOT_FOUND, "{uri}");
            assert_eq!(refused.body, missing.body, "{uri}");
            assert_eq!(refused.header("cache-control"), "no-store");
        }
        let with_parameter = get(&app, &format!("{uri}{and}key=correct+horse%20battery")).await;
        let with_header = with(&app, &uri, &[("authorization", &*bearer)]).await;
        for answer in [with_parameter, with_header] {
            assert_eq!(answer.status, StatusCode::OK, "{uri}");
            let control = answer.header("cache-control");
            assert!(
                control.starts_with("private") && !control.contains("public"),
                "{control}"
            );
            assert!(answer.header("vary").contains("authorization"), "{uri}");
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(
                !text.contains("horse") && !text.contains("key="),
                "{uri}: {text}"
            );
        }
        // An open layer needs no key, and a request may send any key.
        let uri = format!("/open{path}");
        assert_eq!(get(&app, &uri).await.status, StatusCode::OK);
        assert_eq!(
            get(&app, &format!("{uri}{and}key=x")).await.status,
            StatusCode::OK
        );
    }
    // A layer that is made of two others needs the keys of both.
    for (query, status) in [
        ("", 404),
        ("?key=correct+horse+battery", 404),
        ("?key=staple-0123456789", 404),
        ("?key=correct+horse+battery&key=staple-0123456789", 200),
    ] {
        let answer = get(&app, &format!("/both/3/4/2.png{query}")).await;
        assert_eq!(answer.status.as_u16(), status, "{query}");
    }
    assert_eq!(get(&app, "/late").await.status, StatusCode::NOT_FOUND);
    let late = get(&app, "/late?key=correct+horse+battery").await;
    assert_eq!(late.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn layers_with_keys_are_not_listed_without() {
    let app = guarded();
    let ids = |catalog: &Answer| -> Vec<String> {
        let json = catalog.json();
        let layers = json["layers"].as_array().unwrap().iter();
        let loading = json["loading"].as_array().unwrap().iter();
        let ids = layers
            .map(|layer| layer["id"].clone())
            .chain(loading.cloned());
        ids.map(|id| id.as_str().unwrap().to_owned()).collect()
    };
    let catalog = get(&app, "/catalog").await;
    assert_eq!(ids(&catalog), ["open"]);
    assert!(catalog.header("vary").contains("authorization"));
    let bearer = format!("Bearer {KEY}");
    let catalog = with(&app, "/catalog", &[("authorization", &*bearer)]).await;
    assert_eq!(ids(&catalog), ["open", "secret", "late"]);
    assert_eq!(catalog.header("cache-control"), "private, no-cache");
    let catalog = get(&app, "/catalog?key=staple-0123456789").await;
    assert_eq!(ids(&catalog), ["open", "more"]);
    // While a layer with a key is loading, `/ready` doesn't name it.
    let ready = get(&app, "/ready").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready.text(), r#"{"status":"loading"}"#);
}

#[tokio::test]
async fn pages_of_chosen_origins_alone_may_read_answers() {
    let app = app_with(ServerConfig {
        cors_origins: vec![
            "https://A.example".to_owned(),
            "http://b.example:8080".to_owned(),
        ],
        ..ServerConfig::default()
    });
    for uri in [TILE, "/nope", "/catalog", "/cities/4/8/5.png?x=1"] {
        for (origin, allowed) in [
            ("https://a.example", true),
            ("http://b.example:8080", true),
            ("http://a.example", false),
            ("https://a.example.evil", false),
            ("null", false),
            ("", false),
        ] {
            let headers = [("origin", origin)];
            let headers = if origin.is_empty() {
                &[][..]
            } else {
                &headers[..]
            };
            let answer = with(&app, uri, headers).await;
            let expected = if allowed { origin } else { "" };
            assert_eq!(
                answer.header("access-control-allow-origin"),
                expected,
                "{uri}"
            );
            assert_eq!(
                answer.header("timing-allow-origin").is_empty(),
                !allowed || uri != TILE
            );
            // A cache must keep answers for different origins apart, and also the answer for a
            // request without an origin.
            assert!(answer.header("vary").contains("origin"), "{uri}");
        }
    }
    let request = Request::builder().method(Method::OPTIONS).uri(TILE);
    let request = request.header("origin", "https://a.example");
    let answer = send(&app, request.body(Body::empty()).unwrap()).await;
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "https://a.example"
    );
    assert!(
        answer
            .header("access-control-allow-headers")
            .contains("authorization")
    );
    assert_eq!(get(&self::app(), TILE).await.header("vary"), "");
}

#[tokio::test]
async fn other_hosts_are_refused_and_unknown_ones_kept_out_of_shared_caches() {
    let documents = [
        "/cities",
        "/cities/gdal.xml",
        "/cities/gdal.vrt",
        "/cities/dem.json",
    ];
    // The client chooses `Host` freely here, and the answer repeats it, so no shared cache may keep
    // the answer.
    for uri in documents {
        let answer = with(&app(), uri, &[("host", "evil.example")]).await;
        assert!(answer.text().contains("http://evil.example/"), "{uri}");
        let control = answer.header("cache-control");
        assert!(
            control.starts_with("private,") && !control.contains("public"),
            "{control}"
        );
        assert!(answer.header("vary").contains("host"), "{uri}");
    }
    let tile = with(&app(), TILE, &[("host", "evil.example")]).await;
    assert!(tile.header("cache-control").starts_with("public"));
    let named = app_with(ServerConfig {
        public_url: Some("https://maps.example.org/heat".to_owned()),
        ..ServerConfig::default()
    });
    let allowed = app_with(ServerConfig {
        allowed_hosts: vec![
            "maps.example.org".to_owned(),
            "*.tiles.example.org".to_owned(),
        ],
        ..ServerConfig::default()
    });
    for uri in documents {
        let answer = with(&named, uri, &[("host", "evil.example")]).await;
        assert!(!answer.text().contains("evil"), "{uri}");
        assert!(
            answer.header("cache-control").starts_with("public"),
            "{uri}"
        );
        for host in [
            "maps.example.org",
            "Maps.Example.org:8080",
            "a.tiles.example.org",
        ] {
            let answer = with(&allowed, uri, &[("host", host)]).await;
            assert!(
                answer
                    .text()
                    .contains(&format!("http://{}/", host.to_lowercase()))
            );
            assert!(
                answer.header("cache-control").starts_with("public"),
                "{uri}"
            );
        }
    }
    for uri in [TILE, "/cities", "/catalog", "/", "/nope"] {
        for host in [
            "evil.example",
            "maps.example.org.evil",
            "tiles.example.org",
            "127.0.0.1",
        ] {
            let answer = with(&allowed, uri, &[("host", host)]).await;
            assert_eq!(
                answer.status,
                StatusCode::MISDIRECTED_REQUEST,
                "{uri} {host}"
            );
            assert!(!answer.error().contains("evil"));
        }
    }
    // A probe of a load balancer sends an address as `Host`.
    assert_eq!(
        with(&allowed, "/health", &[("host", "10.1.2.3")])
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn each_error_has_the_id_of_its_request() {
    let app = app();
    let mut seen = std::collections::HashSet::new();
    for uri in ["/nope", "/nope", "/cities/99/0/0.png", "/late"] {
        // Only a trusted proxy may choose the id of a request.
        let answer = with(&app, uri, &[("x-request-id", "mine")]).await;
        let id = answer.header("x-request-id").to_owned();
        assert!(
            id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()),
            "{id}"
        );
        assert!(seen.insert(id), "{uri}");
    }
    assert_eq!(get(&app, TILE).await.header("x-request-id"), "");
}
