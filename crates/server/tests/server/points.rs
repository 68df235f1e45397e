//! Tests of posted points: the forms of their rows, the rights of their owners, and their limits.

use crate::app::{Answer, cities, get, metric, send};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use futures_util::StreamExt as _;
use heatsplat_render::CpuBackend;
use heatsplat_server::{
    BearerToken, PointPosting, PublicQuota, Registry, Server, ServerConfig, router,
};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

const TOKEN: &str = "fedcba9876543210";
const JSON: &str = "application/json";

fn posting() -> PointPosting {
    PointPosting {
        token: Some(BearerToken::new(TOKEN).unwrap()),
        public: None,
        lifetime: Duration::from_secs(60),
        most: 50,
        rows: 1000,
        body: 64 << 10,
        memory: 1 << 20,
        deadline: Duration::from_secs(10),
        backend: Arc::new(CpuBackend::new()),
    }
}

fn public() -> PointPosting {
    let quota = PublicQuota {
        layers: 2,
        rows: 10,
        lifetime: Duration::from_secs(60),
    };
    PointPosting {
        public: Some(quota),
        ..posting()
    }
}

fn app(points: PointPosting) -> Router {
    let layers = Registry::default();
    layers.put(&layers.announce("cities"), cities());
    let config = ServerConfig {
        points: Some(points),
        ..ServerConfig::default()
    };
    router(Arc::new(Server::new(layers, config)))
}

async fn ask(
    app: &Router,
    (method, uri): (&str, &str),
    token: Option<&str>,
    (kind, body): (&str, impl Into<Body>),
) -> Answer {
    let mut request = Request::builder().method(method).uri(uri);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.header("content-type", kind);
    send(app, request.body(body.into()).unwrap()).await
}

async fn post(app: &Router, token: Option<&str>, kind: &str, body: &str) -> Answer {
    ask(app, ("POST", "/layers"), token, (kind, body.to_owned())).await
}

/// The value at Berlin of a layer that was just posted, and its mean weight.
async fn at_berlin(app: &Router, id: &str) -> Value {
    let uri = format!("/{id}/value?lon=13.4&lat=52.5&z=10");
    get(app, &uri).await.json()
}

#[tokio::test]
async fn the_same_points_in_any_form_are_the_same_layer() {
    let app = app(posting());
    let geojson = json!({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"weight": 3},
         "geometry": {"type": "Point", "coordinates": [13.4, 52.5]}},
        {"type": "Feature", "properties": {"weight": 1},
         "geometry": {"type": "Point", "coordinates": [2.35, 48.86]}},
    ]})
    .to_string();
    let mut tiles = Vec::new();
    for (kind, body) in [
        (JSON, "[[52.5,13.4,3],[48.86,2.35,1]]"),
        (JSON, r#"{"points":[[52.5,13.4,3],[48.86,2.35,1]]}"#),
        (
            JSON,
            r#"[{"lat":52.5,"lng":13.4,"alt":3},{"lat":48.86,"lng":2.35,"alt":1}]"#,
        ),
        (
            JSON,
            r#"{"data":[{"lat":52.5,"lng":13.4,"value":3},{"lat":48.86,"lng":2.35,"value":1}]}"#,
        ),
        (
            JSON,
            r#"{"order":"lon,lat","points":[[13.4,52.5,3],[2.35,48.86,1]]}"#,
        ),
        (JSON, geojson.as_str()),
        ("application/geo+json", geojson.as_str()),
        (
            "text/csv; charset=utf-8",
            "lon,lat,weight\n13.4,52.5,3\n2.35,48.86,1\n",
        ),
        (
            "text/tab-separated-values",
            "lon\tlat\tweight\n13.4\t52.5\t3\n2.35\t48.86\t1\n",
        ),
    ] {
        let made = post(&app, Some(TOKEN), kind, body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{body}: {}", made.text());
        let made = made.json();
        assert_eq!(made["points"], 2, "{body}");
        let id = made["id"].as_str().unwrap();
        let value = at_berlin(&app, id).await;
        assert_eq!(
            (&value["count"], &value["mean"]),
            (&json!(1), &json!(3.0)),
            "{body}"
        );
        let path = made["tiles"].as_str().unwrap().split(id).nth(1).unwrap();
        let path = path.replace("{z}/{x}/{y}", "4/8/5");
        let tile = get(&app, &format!("/{id}{path}")).await;
        assert_eq!(tile.status, StatusCode::OK);
        tiles.push(tile.body);
    }
    assert!(tiles.iter().all(|tile| *tile == tiles[0]));
}

#[tokio::test]
async fn arrow_is_read_as_a_stream_and_as_a_file() {
    let app = app(posting());
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");
    let mut tags = Vec::new();
    for (file, kind) in [
        ("arrows/whole.arrows", "application/vnd.apache.arrow.stream"),
        ("arrow/whole.arrow", "application/vnd.apache.arrow.file"),
    ] {
        let body = std::fs::read(format!("{corpus}/{file}")).unwrap();
        let made = ask(&app, ("POST", "/layers"), Some(TOKEN), (kind, body)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{file}: {}", made.text());
        let made = made.json();
        assert!(made["points"].as_u64().unwrap() > 0, "{file}");
        let tile = format!("/{}/0/0/0.png", made["id"].as_str().unwrap());
        tags.push(get(&app, &tile).await.body);
    }
    assert_eq!(tags[0], tags[1]);
}

#[tokio::test]
async fn bad_rows_are_counted_with_their_reasons() {
    let app = app(posting());
    let body = "lon,lat\n1,2\nx,2\n3,99\n4,5\n";
    let made = post(&app, Some(TOKEN), "text/csv", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let made = made.json();
    assert_eq!(made["points"], 2);
    assert_eq!(made["skipped"], json!({"bad position": 2}));
    assert!(
        made["examples"][0]
            .as_str()
            .unwrap()
            .starts_with("line 3: bad position")
    );
    let none = post(&app, Some(TOKEN), "text/csv", "lon,lat\nx,y\n").await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        none.error()
            .contains("no row gives a point: 1 bad position"),
        "{}",
        none.error()
    );
    let empty = post(&app, Some(TOKEN), JSON, "[]").await;
    assert_eq!(
        (empty.status, &empty.json()["points"]),
        (StatusCode::CREATED, &json!(0))
    );
}

#[tokio::test]
async fn a_style_is_given_in_the_query_or_in_the_body() {
    let app = app(posting());
    let body = r#"{"style":{"radius":9,"ramp":"viridis"},"points":[[52.5,13.4]]}"#;
    let uri = ("POST", "/layers?radius=12px&name=My+points");
    let made = ask(&app, uri, Some(TOKEN), (JSON, body)).await.json();
    let id = made["id"].as_str().unwrap();
    let document = get(&app, &format!("/{id}")).await.json();
    assert_eq!(document["name"], "My points");
    assert_eq!(document["style"]["radius"], "12px");
    assert_eq!(document["style"]["ramp"], "viridis");
    for (uri, body, status) in [
        ("/layers?radius=much", "[[1,2]]", 400),
        ("/layers?colour=red", "[[1,2]]", 400),
        ("/layers?order=up", "[[1,2]]", 400),
        (
            "/layers",
            r#"{"points":[[1,2]],"style":{"precision":"exact"}}"#,
            400,
        ),
        ("/layers", r#"{"points":[[1,2]],"colour":1}"#, 400),
        ("/layers", r#"{"points":[[1,2]"#, 400),
        ("/layers", "7", 400),
        ("/layers", r#"[["a","b"]]"#, 422),
    ] {
        let answer = ask(&app, ("POST", uri), Some(TOKEN), (JSON, body)).await;
        assert_eq!(answer.status, status, "{uri} {body}: {}", answer.text());
        assert!(answer.error().len() < 400, "{}", answer.error());
    }
}

#[tokio::test]
async fn rows_are_replaced_under_a_new_generation_and_etag() {
    let app = app(posting());
    let made = post(&app, Some(TOKEN), JSON, "[[52.5,13.4,3]]")
        .await
        .json();
    let (id, owner) = (
        made["id"].as_str().unwrap(),
        made["token"].as_str().unwrap(),
    );
    assert_eq!(made["generation"], 1);
    let tile = format!("/{id}/4/8/5.png");
    let before = get(&app, &tile).await;
    let path = format!("/layers/{id}");
    for (generation, weight) in [(2, 5.0), (3, 7.0)] {
        let body = format!("[[52.5,13.4,{weight}]]");
        let put = ask(&app, ("PUT", &path), Some(owner), (JSON, body)).await;
        assert_eq!(put.status, StatusCode::OK, "{}", put.text());
        let put = put.json();
        assert_eq!(put["generation"], generation);
        assert!(
            put["tiles"]
                .as_str()
                .unwrap()
                .ends_with(&format!("?v={generation}"))
        );
        assert!(put.get("token").is_none());
        assert_eq!(at_berlin(&app, id).await["mean"], weight);
        assert_ne!(get(&app, &tile).await.header("etag"), before.header("etag"));
    }
    // The style stays unless another one is given.
    let body = r#"{"points":[[52.5,13.4]],"style":{"radius":40}}"#;
    ask(&app, ("PUT", &path), Some(owner), (JSON, body)).await;
    ask(&app, ("PUT", &path), Some(owner), (JSON, "[[52.5,13.4]]")).await;
    let document = get(&app, &format!("/{id}")).await.json();
    assert_eq!(document["style"]["radius"], "40px");
}

/// Of two requests that replace rows at the same time one is refused, so that one generation is one
/// set of rows.
#[tokio::test]
async fn rows_that_were_overtaken_are_refused() {
    let app = app(posting());
    let made = post(&app, Some(TOKEN), JSON, "[[1,2]]").await.json();
    let path = format!("/layers/{}", made["id"].as_str().unwrap());
    let owner = made["token"].as_str();
    let (rest, waits) = tokio::sync::oneshot::channel::<()>();
    let begun = futures_util::stream::iter([Bytes::from(vec![b' '; 1000])]);
    let end = futures_util::stream::once(async {
        _ = waits.await;
        Bytes::from("[[1,2]]")
    });
    let parts = begun.chain(end).map(Ok::<_, Infallible>);
    let slow = {
        let (app, path) = (app.clone(), path.clone());
        let owner = owner.map(str::to_owned);
        let body = Body::from_stream(parts);
        tokio::spawn(async move { ask(&app, ("PUT", &path), owner.as_deref(), (JSON, body)).await })
    };
    // The slow request has begun once its first bytes are counted.
    while metric(&app, "heatsplat_posted_points_bytes").await < 1000.0 {
        tokio::task::yield_now().await;
    }
    let quick = ask(&app, ("PUT", &path), owner, (JSON, "[[3,4]]")).await;
    assert_eq!(
        (quick.status, &quick.json()["generation"]),
        (StatusCode::OK, &json!(2))
    );
    rest.send(()).unwrap();
    let slow = slow.await.unwrap();
    assert_eq!(slow.status, StatusCode::CONFLICT, "{}", slow.text());
    let again = ask(&app, ("PUT", &path), owner, (JSON, "[[5,6]]")).await;
    assert_eq!(again.json()["generation"], 3);
}

#[tokio::test]
async fn only_owners_change_points_and_nothing_is_posted_without_a_token() {
    let app = app(posting());
    let none = post(&app, None, JSON, "[[1,2]]").await;
    assert_eq!(none.status, StatusCode::UNAUTHORIZED);
    let wrong = post(&app, Some("0123456789abcdef"), JSON, "[[1,2]]").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let a = post(&app, Some(TOKEN), JSON, "[[1,2]]").await.json();
    let b = post(&app, Some(TOKEN), JSON, "[[1,2]]").await.json();
    let of_b = b["token"].as_str().unwrap();
    let path = format!("/layers/{}", a["id"].as_str().unwrap());
    for (token, status) in [
        (None, StatusCode::UNAUTHORIZED),
        (Some(of_b), StatusCode::FORBIDDEN),
    ] {
        for method in ["PUT", "DELETE"] {
            let answer = ask(&app, (method, &path), token, (JSON, "[[1,2]]")).await;
            assert_eq!(answer.status, status, "{method}");
        }
    }
    let gone = ask(&app, ("DELETE", &path), a["token"].as_str(), (JSON, "")).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let again = ask(&app, ("PUT", &path), a["token"].as_str(), (JSON, "[]")).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    // The operator's token removes any.
    let path = format!("/layers/{}", b["id"].as_str().unwrap());
    let gone = ask(&app, ("DELETE", &path), Some(TOKEN), (JSON, "")).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let cities = ask(&app, ("DELETE", "/layers/cities"), Some(TOKEN), (JSON, "")).await;
    assert_eq!(cities.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_public_quota_bounds_each_address_and_its_layers_are_in_no_list() {
    let app = app(public());
    let first = post(&app, None, JSON, "[[1,2]]").await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text());
    let first = first.json();
    let (id, owner) = (first["id"].as_str().unwrap(), first["token"].as_str());
    assert_eq!(id.len(), 33);
    assert_eq!(get(&app, &format!("/{id}")).await.status, StatusCode::OK);
    for list in [
        "/catalog",
        "/collections",
        "/openapi.json",
        "/wms?service=WMS&request=GetCapabilities",
    ] {
        assert!(!get(&app, list).await.text().contains(id), "{list}");
    }
    assert_eq!(
        post(&app, None, JSON, "[[1,2]]").await.status,
        StatusCode::CREATED
    );
    let third = post(&app, None, JSON, "[[1,2]]").await;
    assert_eq!(third.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(third.header("retry-after"), "1");
    let path = format!("/layers/{id}");
    let gone = ask(&app, ("DELETE", &path), owner, (JSON, "")).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let rows: Vec<_> = (0..11).map(|i| [i, i]).collect();
    let many = post(&app, None, JSON, &json!(rows).to_string()).await;
    assert_eq!(many.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(many.error(), "there are more than 10 rows");
    let arrow = post(&app, None, "application/vnd.apache.arrow.stream", "").await;
    assert_eq!(arrow.status, StatusCode::FORBIDDEN);
    // The operator's token has the operator's limits, and its layers are listed.
    let listed = post(&app, Some(TOKEN), JSON, &json!(rows).to_string())
        .await
        .json();
    let catalog = get(&app, "/catalog").await.text();
    assert!(catalog.contains(listed["id"].as_str().unwrap()));
}

#[tokio::test]
async fn what_is_too_large_or_of_another_kind_is_refused() {
    let app = app(posting());
    let long = format!("[[1,2]{}]", " ".repeat(64 << 10));
    for (kind, body, status) in [
        (JSON, long.as_str(), 413),
        ("text/plain", "[[1,2]]", 415),
        ("application/x-www-form-urlencoded", "a=b", 415),
        ("text/csv", "PK\u{3}\u{4}", 415),
    ] {
        let answer = post(&app, Some(TOKEN), kind, body).await;
        assert_eq!(answer.status, status, "{kind}: {}", answer.text());
    }
    // A body without a length is refused as soon as it is too long.
    let part = || Ok::<_, Infallible>(Bytes::from(vec![b' '; 1 << 10]));
    let parts = futures_util::stream::iter(std::iter::repeat_with(part).take(1 << 10));
    let body = (JSON, Body::from_stream(parts));
    let answer = ask(&app, ("POST", "/layers"), Some(TOKEN), body).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let rows: Vec<_> = (0..1001).map(|_| [1, 2]).collect();
    let answer = post(&app, Some(TOKEN), JSON, &json!(rows).to_string()).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_flood_of_posts_is_refused_and_evicts_nothing_of_others() {
    let bytes = "heatsplat_posted_points_bytes";
    let app = app(PointPosting {
        memory: 100_000,
        ..posting()
    });
    let kept = get(&app, "/cities/4/8/5.png").await;
    let rows: Vec<_> = (0..1000).map(|i| [f64::from(i) / 20.0, 1.0]).collect();
    let body = json!(rows).to_string();
    let first = post(&app, Some(TOKEN), JSON, &body).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text());
    let first = first.json();
    let id = first["id"].as_str().unwrap();
    let mut ids = vec![id.to_owned()];
    let mut refused = 0;
    for _ in 0..40 {
        let answer = post(&app, Some(TOKEN), JSON, &body).await;
        match answer.status {
            StatusCode::CREATED => ids.push(answer.json()["id"].as_str().unwrap().to_owned()),
            StatusCode::SERVICE_UNAVAILABLE => refused += 1,
            other => panic!("{other}: {}", answer.text()),
        }
        assert!(metric(&app, bytes).await <= 100_000.0);
    }
    assert!(refused > 20, "{refused}");
    for id in &ids {
        assert_eq!(get(&app, &format!("/{id}")).await.status, StatusCode::OK);
    }
    // The tile of the other layer comes from the cache as before.
    let drawn = "heatsplat_cache_requests_total{cache=\"tiles\",result=\"miss\"}";
    let before = metric(&app, drawn).await;
    assert_eq!(get(&app, "/cities/4/8/5.png").await.body, kept.body);
    assert_eq!(metric(&app, drawn).await, before);
    for id in &ids {
        let path = format!("/layers/{id}");
        ask(&app, ("DELETE", &path), Some(TOKEN), (JSON, "")).await;
    }
    assert_eq!(metric(&app, bytes).await, 0.0);
    let again = post(&app, Some(TOKEN), JSON, &body).await;
    assert_eq!(again.status, StatusCode::CREATED);
}

#[tokio::test]
async fn points_expire() {
    let app = app(PointPosting {
        lifetime: Duration::from_secs(1),
        ..posting()
    });
    let made = post(&app, Some(TOKEN), JSON, "[[1,2]]").await.json();
    let uri = format!("/{}", made["id"].as_str().unwrap());
    assert_eq!(get(&app, &uri).await.status, StatusCode::OK);
    // A busy machine may take its time: the test ends by the runner's limit if nothing expires.
    while get(&app, &uri).await.status == StatusCode::OK {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(get(&app, &uri).await.status, StatusCode::NOT_FOUND);
    let path = format!("/layers{uri}");
    let owner = made["token"].as_str();
    let put = ask(&app, ("PUT", &path), owner, (JSON, "[[1,2]]")).await;
    assert_eq!(put.status, StatusCode::NOT_FOUND);
    // The next post frees its memory.
    post(&app, Some(TOKEN), JSON, "[]").await;
    assert_eq!(metric(&app, "heatsplat_posted_points_bytes").await, 0.0);
}

#[tokio::test]
async fn pages_of_other_sites_may_post_points() {
    let app = app(public());
    let request = Request::builder().method("OPTIONS").uri("/layers");
    let preflight = send(&app, request.body(Body::empty()).unwrap()).await;
    assert!(
        preflight
            .header("access-control-allow-methods")
            .contains("POST")
    );
    let elsewhere = Request::builder().method("OPTIONS").uri("/cities");
    let preflight = send(&app, elsewhere.body(Body::empty()).unwrap()).await;
    assert!(
        !preflight
            .header("access-control-allow-methods")
            .contains("POST")
    );
    let made = post(&app, None, JSON, "[[1,2]]").await;
    assert_eq!(made.header("access-control-allow-origin"), "*");
    assert_eq!(made.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_client_that_leaves_frees_its_memory_and_its_place() {
    let bytes = "heatsplat_posted_points_bytes";
    let app = app(public());
    let part = |n: usize| Ok::<_, Infallible>(Bytes::from(vec![b' '; n]));
    for _ in 0..5 {
        // A body that never ends.
        let begun = futures_util::stream::iter([part(1000)]);
        let body = Body::from_stream(begun.chain(futures_util::stream::pending()));
        let post = {
            let app = app.clone();
            tokio::spawn(async move { ask(&app, ("POST", "/layers"), None, (JSON, body)).await })
        };
        while metric(&app, bytes).await < 1000.0 {
            tokio::task::yield_now().await;
        }
        post.abort();
        assert!(post.await.is_err());
        assert_eq!(metric(&app, bytes).await, 0.0);
    }
    let made = post(&app, None, JSON, "[[1,2]]").await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
}

#[tokio::test]
async fn the_description_of_the_server_has_the_posts_that_it_takes() {
    let methods = |answer: &Answer, path: &str| {
        let paths = &answer.json()["paths"];
        let known = paths[path]
            .as_object()
            .map(|all| all.keys().cloned().collect::<Vec<_>>());
        known.unwrap_or_default()
    };
    let with = get(&app(public()), "/openapi.json").await;
    assert_eq!(methods(&with, "/layers"), ["post"]);
    assert_eq!(methods(&with, "/layers/{id}"), ["delete", "put"]);
    let post = &with.json()["paths"]["/layers"]["post"];
    assert!(post["requestBody"]["content"]["text/csv"].is_object());
    let without = get(&crate::app::app(), "/openapi.json").await;
    assert!(methods(&without, "/layers").is_empty());
}

#[tokio::test]
async fn a_query_is_not_taken_with_the_token_for_points() {
    let app = app(public());
    for token in [None, Some(TOKEN)] {
        let answer = post(&app, token, JSON, r#"{"sql":"select 1"}"#).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
    }
}
