//! Tests of answers: ETags, methods, documents, values and pictures.

use crate::app::{TILE, app, app_with, cities, get, send};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use heatsplat_server::{Registry, Server, ServerConfig, router};
use std::sync::Arc;

#[tokio::test]
async fn a_known_tag_is_answered_without_drawing() {
    let app = app();
    for uri in [
        TILE,
        "/cities",
        "/catalog",
        "/cities/legend.json",
        "/cities/map.png",
        "/cities/value?lon=1&lat=2",
    ] {
        let first = get(&app, uri).await;
        let etag = first.header("etag").to_owned();
        assert!(etag.starts_with('"') && etag.len() == 18, "{uri}: {etag}");
        for known in [
            etag.clone(),
            format!("W/{etag}"),
            format!("\"a\", {etag}"),
            "*".to_owned(),
        ] {
            let request = Request::get(uri).header("if-none-match", known);
            let again = send(&app, request.body(Body::empty()).unwrap()).await;
            assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{uri}");
            assert!(again.body.is_empty());
            for name in ["cache-control", "vary"] {
                assert_eq!(again.header(name), first.header(name), "{uri}: {name}");
            }
            // A 304 repeats the ETag of the client's copy. It may be the weak one of a compressed
            // copy.
            let tag = again.header("etag").trim_start_matches("W/");
            assert_eq!(tag, etag, "{uri}");
        }
        let request = Request::get(uri).header("if-none-match", "\"0\"");
        assert_eq!(
            send(&app, request.body(Body::empty()).unwrap())
                .await
                .status,
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn the_tag_follows_what_is_drawn_and_nothing_else() {
    let app = app();
    let mut seen = std::collections::HashMap::new();
    for uri in [
        TILE,
        "/cities/4/8/5.npy",
        "/cities/4/8/5@2x.png",
        "/cities/4/8/5.png?size=512",
        "/cities/4/8/5.png?format=rgba",
        "/cities/4/8/5.png?ramp=viridis",
        "/cities/4/8/5.png?radius=20",
        "/cities/4/8/4.png",
        "/cities/5/8/5.png",
        "/nothing/4/8/5.png",
        "/cities/map.png",
        "/cities/map.png?width=801&height=600",
    ] {
        let etag = get(&app, uri).await.header("etag").to_owned();
        assert_eq!(seen.insert(etag, uri), None, "{uri}");
    }
    let one = get(&app, "/cities/4/8/5.png?ramp=magma&radius=9px").await;
    let other = get(&app, "/cities/4/8/5.png?radius=9&ramp=magma").await;
    assert_eq!(one.header("etag"), other.header("etag"));
    assert_eq!(one.body, other.body);
    // Another server with the same data answers with the same ETags.
    assert_eq!(
        get(&self::app(), TILE).await.header("etag"),
        get(&app, TILE).await.header("etag")
    );
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let app = app();
    for uri in [TILE, "/catalog", "/cities", "/nope", "/health"] {
        let whole = get(&app, uri).await;
        let head = send(&app, Request::head(uri).body(Body::empty()).unwrap()).await;
        assert_eq!(head.status, whole.status, "{uri}");
        assert!(head.body.is_empty());
        assert_eq!(
            head.header("content-length"),
            whole.body.len().to_string(),
            "{uri}"
        );
        assert_eq!(head.header("etag"), whole.header("etag"), "{uri}");
    }
}

#[tokio::test]
async fn other_methods_are_refused_and_preflights_answered() {
    let app = app();
    for uri in [TILE, "/nope", "/catalog"] {
        for method in [
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::PATCH,
            Method::TRACE,
        ] {
            let request = Request::builder()
                .method(method)
                .uri(uri)
                .body(Body::empty())
                .unwrap();
            let answer = send(&app, request).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
            assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            assert!(answer.error().contains("GET"));
        }
        let request = Request::options(uri).header("origin", "https://example.org");
        let answer = send(&app, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        assert_eq!(
            answer.header("access-control-allow-methods"),
            "GET, HEAD, OPTIONS"
        );
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
}

#[tokio::test]
async fn a_tilejson_leads_to_its_tiles() {
    let app = app();
    let about = |host: &'static str, uri: &'static str| {
        let app = app.clone();
        async move {
            let request = Request::get(uri)
                .header("host", host)
                .body(Body::empty())
                .unwrap();
            send(&app, request).await.json()
        }
    };
    let json = about("map.example:8080", "/cities?ramp=viridis&domain=0,40").await;
    let template = json["tiles"][0].as_str().unwrap();
    assert_eq!(
        template,
        "http://map.example:8080/cities/{z}/{x}/{y}.png?domain=0%2C40&ramp=viridis"
    );
    assert_eq!(
        (json["minzoom"].as_u64(), json["maxzoom"].as_u64()),
        (Some(0), Some(24))
    );
    assert_eq!(json["style"]["ramp"], "viridis");
    let address = template
        .replace("{z}", "4")
        .replace("{x}", "8")
        .replace("{y}", "5");
    let tile = get(
        &app,
        address.strip_prefix("http://map.example:8080").unwrap(),
    )
    .await;
    assert_eq!(tile.status, StatusCode::OK);
    let legend = json["legend"]
        .as_str()
        .unwrap()
        .strip_prefix("http://map.example:8080")
        .unwrap();
    assert_eq!(get(&app, legend).await.status, StatusCode::OK);

    // A `Host` header that can't be a host is not repeated in links. A public URL in the
    // configuration takes precedence over the header.
    for host in ["evil.example/x?", "a b", "<script>", "user@evil.example"] {
        let json = about(host, "/cities").await;
        assert!(
            json["tiles"][0]
                .as_str()
                .unwrap()
                .starts_with("http://127.0.0.1:3000/"),
            "{host}"
        );
    }
    let public_url = Some("https://maps.example/heat/".to_owned());
    let attribution = Some("© me".to_owned());
    let behind = app_with(ServerConfig {
        public_url,
        attribution,
        ..ServerConfig::default()
    });
    let json = get(&behind, "/cities").await.json();
    assert_eq!(
        json["tiles"][0],
        "https://maps.example/heat/cities/{z}/{x}/{y}.png"
    );
    assert_eq!(json["attribution"], "© me");
}

#[tokio::test]
async fn the_catalog_has_layers_and_words() {
    let json = get(&app(), "/catalog").await.json();
    let cities = &json["layers"][0];
    assert_eq!(
        (cities["points"].as_u64(), cities["weight_sum"].as_f64()),
        (Some(4), Some(10.0))
    );
    assert_eq!(cities["name"], "Cities <&\">");
    assert_eq!(cities["bounds"].as_array().unwrap().len(), 4);
    assert_eq!(cities["style"]["kernel"], "gaussian");
    assert_eq!(json["layers"].as_array().unwrap().len(), 2);
    assert_eq!(json["loading"][0], "late");
    let ramp = &json["ramps"][0];
    assert_eq!(ramp["colors"].as_array().unwrap().len(), 32);
    assert_eq!(ramp["colors"][31].as_str().unwrap().len(), 9);
    for list in ["kernels", "scales", "normalize"] {
        assert!(json[list].as_array().unwrap().len() >= 2, "{list}");
    }
}

#[tokio::test]
async fn ready_when_all_layers_are() {
    let layers = Registry::default();
    let id = layers.announce("a");
    let app = router(Arc::new(Server::new(
        layers.clone(),
        ServerConfig::default(),
    )));
    let waiting = get(&app, "/ready").await;
    assert_eq!(waiting.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(waiting.json()["loading"][0], "a");
    layers.put(&id, cities());
    assert_eq!(get(&app, "/ready").await.status, StatusCode::OK);
    assert_eq!(get(&app, "/a/0/0/0.png").await.status, StatusCode::OK);
}

#[tokio::test]
async fn values_are_exact() {
    let app = app();
    // At zoom 20 the two points of Berlin are far apart, so the kernel of only one of them reaches
    // the coordinate.
    let near = get(&app, "/cities/value?lon=13.4&lat=52.5&z=20")
        .await
        .json();
    assert!(
        (near["value"].as_f64().unwrap() - 3.0).abs() < 1e-6,
        "{near}"
    );
    assert_eq!(
        (near["count"].as_u64(), near["unit"].as_str()),
        (Some(1), Some("weight"))
    );
    // At zoom 0 the kernels of all points reach Berlin.
    let far = get(&app, "/cities/value?lon=13.4&lat=52.5&z=0&radius=64")
        .await
        .json();
    assert_eq!(far["count"], 4);
    let round = get(&app, "/cities/value?lon=373.4&lat=52.5&z=20")
        .await
        .json();
    assert_eq!(round["value"], near["value"]);
}

#[tokio::test]
async fn a_map_is_as_large_as_it_is_asked_for() {
    let app = app();
    let size = |png: &[u8]| {
        let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        (number(16), number(20))
    };
    for (query, expected) in [
        ("map.png", (800, 600)),
        ("map@2x.png", (1600, 1200)),
        ("map.png?width=300&height=40", (300, 40)),
        ("map.png?bbox=-180,-85.06,180,85.06&width=512", (512, 512)),
        (
            "map@2x.png?bbox=-180,-85.06,180,85.06&height=100",
            (200, 200),
        ),
        ("map.png?bbox=0,0,90,0.001&width=1000", (1000, 1)),
        ("map.png?bbox=170,-10,190,10&height=200", (199, 200)),
    ] {
        let answer = get(&app, &format!("/cities/{query}")).await;
        assert_eq!(size(&answer.body), expected, "{query}");
    }
}

#[tokio::test]
async fn a_picture_cannot_run_scripts() {
    let svg = get(&app(), "/cities/legend.svg").await;
    assert!(
        svg.header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    let text = String::from_utf8(svg.body).unwrap();
    assert!(
        text.contains("Cities &lt;&amp;") && !text.contains("Cities <"),
        "{text}"
    );
}
