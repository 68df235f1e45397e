//! Tests of OGC API – Tiles and Maps.

use crate::app::{Answer, TILE, app, app_with, cities, get, send};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use heatsplat_server::{BearerToken, Registry, Server, ServerConfig, router};
use serde_json::Value;
use std::sync::Arc;

const TILES: &str = "/collections/cities/map/tiles/WebMercatorQuad";
const CRS84: &str = "http://www.opengis.net/def/crs/OGC/1.3/CRS84";

async fn document(app: &axum::Router, uri: &str) -> Value {
    let answer = get(app, uri).await;
    assert_eq!(answer.status, StatusCode::OK, "{uri}: {}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json", "{uri}");
    answer.json()
}

/// The address of the link with this relation and media type, without the server's URL.
fn href<'a>(document: &'a Value, rel: &str, media_type: &str) -> &'a str {
    let links = document["links"].as_array().unwrap();
    let mut found = links
        .iter()
        .filter(|link| link["rel"] == rel && link["type"] == media_type);
    let href = found.next();
    assert!(href.is_some(), "no {rel}: {links:?}");
    let href = href.unwrap();
    let href = href["href"].as_str().unwrap();
    href.split_once("//a").map_or(href, |(_, path)| path)
}

fn asking(uri: &str, accept: &str) -> Request<Body> {
    let request = Request::get(uri)
        .header("host", "a")
        .header("accept", accept);
    request.body(Body::empty()).unwrap()
}

/// A client finds a tile and a map from the landing page on, by links alone.
#[tokio::test]
async fn links_lead_from_the_landing_page_to_tiles_and_maps() {
    let app = app();
    let landing = send(&app, asking("/", "application/json")).await.json();
    for (rel, kind) in [
        ("self", "application/json"),
        ("alternate", "text/html"),
        (
            "service-desc",
            "application/vnd.oai.openapi+json;version=3.0",
        ),
        ("conformance", "application/json"),
    ] {
        let found = get(&app, href(&landing, rel, kind)).await;
        assert_eq!(found.status, StatusCode::OK, "{rel}");
        assert!(found.header("content-type").starts_with(kind), "{rel}");
    }
    let all = document(&app, href(&landing, "data", "application/json")).await;
    let listed = all["collections"].as_array().unwrap();
    let ids: Vec<_> = listed.iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, ["cities", "nothing"]);
    let one = document(&app, href(&listed[0], "self", "application/json")).await;
    assert_eq!(one["title"], "Cities <&\">");
    assert_eq!(one["crs"][0], CRS84);
    assert_eq!(one["storageCrs"], CRS84);
    assert_eq!(
        one["extent"]["spatial"]["bbox"].as_array().unwrap().len(),
        1
    );

    let rel = |name: &str| format!("http://www.opengis.net/def/rel/ogc/1.0/{name}");
    let map = get(&app, href(&one, &rel("map"), "image/png")).await;
    assert_eq!(
        (map.status, map.header("content-type")),
        (StatusCode::OK, "image/png")
    );
    let sets = document(&app, href(&one, &rel("tilesets-map"), "application/json")).await;
    let set = &sets["tilesets"][0];
    for name in ["dataType", "crs", "tileMatrixSetURI", "links", "title"] {
        assert!(!set[name].is_null(), "{name}");
    }
    let set = document(&app, href(set, "self", "application/json")).await;
    let scheme = href(&set, &rel("tiling-scheme"), "application/json");
    let grid = document(&app, scheme).await;
    assert_eq!(grid["tileMatrices"].as_array().unwrap().len(), 25);
    for name in [
        "id",
        "scaleDenominator",
        "cellSize",
        "cornerOfOrigin",
        "pointOfOrigin",
        "tileWidth",
        "tileHeight",
        "matrixWidth",
        "matrixHeight",
    ] {
        assert!(!grid["tileMatrices"][4][name].is_null(), "{name}");
    }
    let limits = &set["tileMatrixSetLimits"][4];
    assert_eq!(limits["tileMatrix"], "4");
    assert!(limits["minTileRow"].as_u64() <= Some(5) && limits["maxTileRow"].as_u64() >= Some(5));
    let template = href(&set, "item", "image/png");
    let tile = ["{tileMatrix}", "{tileRow}", "{tileCol}"]
        .iter()
        .zip(["4", "5", "8"]);
    let tile = tile.fold(template.to_owned(), |url, (name, value)| {
        url.replace(name, value)
    });
    let tile = get(&app, &tile).await;
    assert!(tile.body == get(&app, TILE).await.body);
}

#[tokio::test]
async fn a_tile_is_that_of_xyz() {
    let app = app();
    for (uri, more) in [
        (format!("{TILES}/4/5/8"), ""),
        (format!("{TILES}/4/5/8?f=png&radius=30px"), "radius=30px"),
        (
            format!("{TILES}/4/5/8?radius=30px&measure=count"),
            "radius=30px&measure=count",
        ),
        (
            "/collections/cities/styles/viridis/map/tiles/WebMercatorQuad/4/5/8?steps=4".to_owned(),
            "ramp=viridis&steps=4",
        ),
        (
            "/collections/cities/styles/default/map/tiles/WebMercatorQuad/4/5/8".to_owned(),
            "",
        ),
    ] {
        let wanted = get(&app, &format!("{TILE}?{more}")).await;
        let tile = get(&app, &uri).await;
        assert_eq!(tile.status, StatusCode::OK, "{uri}");
        assert!(tile.body == wanted.body, "{uri}");
        assert_eq!(tile.header("etag"), wanted.header("etag"));
        let again = Request::get(&uri).header("if-none-match", wanted.header("etag"));
        let again = send(&app, again.body(Body::empty()).unwrap()).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{uri}");
    }
    // Parameters of the set go on into the address of its tiles.
    let set = document(&app, &format!("{TILES}?radius=9px")).await;
    assert!(href(&set, "item", "image/png").ends_with("{tileCol}?radius=9px"));
}

#[tokio::test]
async fn a_map_is_that_of_wms() {
    let app = app();
    let wms = "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=cities&FORMAT=image/png\
               &TRANSPARENT=TRUE&WIDTH=300&HEIGHT=200&STYLES=";
    let map = "/collections/cities/map?width=300&height=200";
    let epsg = |code: u32| format!("http://www.opengis.net/def/crs/EPSG/0/{code}");
    for (asked, wanted, bounds) in [
        (
            "bbox=-5,45,10,55".to_owned(),
            "&CRS=CRS:84&BBOX=-5,45,10,55",
            "-5,45,10,55",
        ),
        (
            format!("bbox=-5,45,10,55&crs={}", epsg(4326)),
            "&CRS=EPSG:4326&BBOX=45,-5,55,10",
            "45,-5,55,10",
        ),
        (
            format!("bbox=45,-5,55,10&bbox-crs={}&crs=[OGC:CRS84]", epsg(4326)),
            "&CRS=CRS:84&BBOX=-5,45,10,55",
            "-5,45,10,55",
        ),
        (
            "bbox=0,0,3000000,2000000&bbox-crs=[EPSG:3857]&crs=[EPSG:3857]".to_owned(),
            "&CRS=EPSG:3857&BBOX=0,0,3000000,2000000",
            "0,0,3000000,2000000",
        ),
    ] {
        let drawn = get(&app, &format!("{map}&{asked}")).await;
        assert_eq!(
            drawn.status,
            StatusCode::OK,
            "{}",
            String::from_utf8_lossy(&drawn.body)
        );
        let wanted = get(&app, &format!("{wms}{wanted}")).await;
        assert!(drawn.body == wanted.body, "{asked}");
        assert_eq!(drawn.header("content-bbox"), bounds, "{asked}");
        let crs = if asked.contains("&crs=http") {
            format!("<{}>", epsg(4326))
        } else if asked.contains("&crs=[EPSG") {
            format!("<{}>", epsg(3857))
        } else {
            String::new()
        };
        assert_eq!(drawn.header("content-crs"), crs, "{asked}");
    }
    let styled = get(
        &app,
        "/collections/cities/styles/ice/map?width=300&height=200",
    )
    .await;
    let plain = get(&app, &format!("{map}&ramp=ice")).await;
    assert!(styled.body == plain.body && styled.status == StatusCode::OK);
    // A colour stands for an opaque ground, unless the request says otherwise.
    let [opaque, clear] = ["", "&transparent=true"].map(|more| format!("{map}&bgcolor=navy{more}"));
    assert_ne!(get(&app, &opaque).await.body, get(&app, &clear).await.body);
    let bare = get(&app, "/collections/cities/map?width=300&height=200").await;
    assert_eq!(get(&app, &clear).await.body, bare.body);
}

#[tokio::test]
async fn documents_are_json_or_pages_and_follow_hosts_and_keys() {
    const KEY: &str = "correct-horse-battery";
    let app = app();
    for uri in [
        "/conformance",
        "/collections",
        "/collections/cities",
        "/collections/cities/styles",
        "/collections/cities/map/tiles",
        TILES,
        "/tileMatrixSets",
        "/tileMatrixSets/WebMercatorQuad",
    ] {
        let plain = get(&app, uri).await;
        assert!(plain.header("vary").contains("accept"), "{uri}");
        assert!(plain.json()["links"].is_array(), "{uri}");
        let browser = "text/html,application/xhtml+xml,*/*;q=0.8";
        let page = send(&app, asking(uri, browser)).await;
        assert_eq!(
            page.header("content-type"),
            "text/html; charset=utf-8",
            "{uri}"
        );
        let text = page.text();
        assert!(
            text.contains("<h1>") && text.contains("<a rel=\"self\""),
            "{uri}"
        );
        assert!(!text.contains("Cities <&"), "{uri}");
        let same = get(&app, &format!("{uri}?f=html")).await;
        assert_eq!(same.header("content-type"), page.header("content-type"));
    }
    // Browsers, and clients that take anything, get the viewer.
    for accept in ["text/html,*/*;q=0.8", "*/*"] {
        let page = send(&app, asking("/", accept)).await;
        assert!(page.text().contains("<script"), "{accept}");
    }
    assert_eq!(
        get(&app, "/?f=json").await.header("content-type"),
        "application/json"
    );

    let public = app_with(ServerConfig {
        public_url: Some("https://maps.example.org/heat".to_owned()),
        attribution: Some("© somewhere".to_owned()),
        ..ServerConfig::default()
    });
    let one = document(&public, "/collections/cities").await;
    let own = href(&one, "self", "application/json");
    assert_eq!(
        own,
        "https://maps.example.org/heat/collections/cities?f=json"
    );
    assert_eq!(one["attribution"], "© somewhere");

    let layers = Registry::default();
    let id = layers.announce("secret");
    layers.protect(&id, vec![BearerToken::new(KEY).unwrap()]);
    layers.put(&id, cities());
    let app = router(Arc::new(Server::new(layers, ServerConfig::default())));
    let none = document(&app, "/collections").await;
    assert_eq!(none["collections"].as_array().unwrap().len(), 0);
    for uri in [
        "/collections/secret",
        "/collections/secret/map",
        "/collections/secret/map/tiles",
    ] {
        assert_eq!(get(&app, uri).await.status, StatusCode::NOT_FOUND, "{uri}");
        let opened = get(&app, &format!("{uri}?key={KEY}")).await;
        assert_eq!(opened.status, StatusCode::OK, "{uri}");
        assert!(opened.header("cache-control").contains("private"), "{uri}");
        assert!(
            !String::from_utf8_lossy(&opened.body).contains(KEY),
            "{uri}"
        );
    }
}

#[tokio::test]
async fn errors_are_problems() {
    let app = app();
    for (uri, status, words) in [
        ("/collections/nosuch", 404, "no such layer"),
        ("/collections/late/map", 503, "loading"),
        ("/collections/cities?f=xml", 400, "json or html"),
        ("/collections/cities?radius=3", 400, "unknown parameter"),
        ("/collections/cities?nosuch=3", 400, "unknown parameter"),
        ("/collections/cities/map?bbox=1,2,3", 400, "four numbers"),
        (
            "/collections/cities/map?bbox=9,0,0,9",
            400,
            "west,south,east,north",
        ),
        (
            "/collections/cities/map?crs=EPSG:2056",
            400,
            "crs can't be `EPSG:2056`",
        ),
        (
            "/collections/cities/map?bbox=0,86,9,90&crs=[EPSG:3857]",
            400,
            "85.0511",
        ),
        ("/collections/cities/map?width=5000", 400, "1 to 4096"),
        ("/collections/cities/map?width=0", 400, "1 to 4096"),
        ("/collections/cities/map?f=jpeg", 400, "expected png"),
        ("/collections/cities/map?bgcolor=%23fff", 400, "bgcolor"),
        (
            "/collections/cities/map?transparent=yes",
            400,
            "true or false",
        ),
        ("/collections/cities/map?radius=-1", 400, "radius"),
        ("/collections/cities/map?datetime=2020", 400, "time"),
        (
            "/collections/cities/styles/nosuch/map",
            404,
            "no such style",
        ),
        (
            "/collections/cities/styles/ice/map?ramp=ice",
            400,
            "ramp is given twice",
        ),
        ("/collections/cities/map/tiles/Other", 404, "grid"),
        (
            "/collections/cities/map/tiles/WebMercatorQuad/25/0/0",
            404,
            "no such tile",
        ),
        (
            "/collections/cities/map/tiles/WebMercatorQuad/1/2/0",
            404,
            "no such tile",
        ),
        (
            "/collections/cities/map/tiles/WebMercatorQuad/1/x/0",
            400,
            "tileRow",
        ),
        (
            "/collections/cities/map/tiles/WebMercatorQuad/1/0/0?size=512",
            400,
            "size",
        ),
        ("/tileMatrixSets/nosuch", 404, "grid"),
        ("/?f=png", 400, "json or html"),
    ] {
        let Answer {
            status: seen,
            headers,
            body,
        } = get(&app, uri).await;
        let text = String::from_utf8_lossy(&body);
        assert_eq!(seen.as_u16(), status, "{uri}: {text}");
        assert_eq!(headers["content-type"], "application/problem+json", "{uri}");
        assert_eq!(headers["cache-control"], "no-store", "{uri}");
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["status"], status, "{uri}");
        assert!(
            problem["detail"].as_str().unwrap().contains(words),
            "{uri}: {text}"
        );
        assert!(problem["type"].is_string() && problem["title"].is_string());
    }
}
