//! Tests of every route, with correct and with wrong requests. They are called without a socket.

use crate::app::{TILE, app, cities, get, send, serving};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use heatsplat_points::Points;
use heatsplat_render::{Layer, Style};
use proptest::prelude::*;

#[tokio::test]
async fn every_route_answers() {
    let app = app();
    for (uri, media_type, begins) in [
        ("/", "text/html; charset=utf-8", "<!doctype html>"),
        (
            "/catalog",
            "application/json",
            "{\"layers\":[{\"id\":\"cities\"",
        ),
        ("/health", "application/json", "{\"status\":\"ok\"}"),
        ("/cities", "application/json", "{\"tilejson\":\"3.0.0\""),
        (
            "/cities.json",
            "application/json",
            "{\"tilejson\":\"3.0.0\"",
        ),
        (TILE, "image/png", "\u{fffd}PNG"),
        (
            "/cities/4/8/5@2x.png?size=512&format=rgba",
            "image/png",
            "\u{fffd}PNG",
        ),
        ("/cities/4/8/5.npy", "application/x-npy", "\u{fffd}NUMPY"),
        (
            "/cities/legend.json?z=4",
            "application/json",
            "{\"title\":\"Cities",
        ),
        ("/cities/legend.svg", "image/svg+xml", "<svg"),
        ("/cities/legend.png?theme=dark", "image/png", "\u{fffd}PNG"),
        ("/cities/legend@2x.png", "image/png", "\u{fffd}PNG"),
        (
            "/cities/value?lon=13.4&lat=52.5&z=4",
            "application/json",
            "{\"lon\":13.4,\"lat\":52.5",
        ),
        (
            "/cities/map.png?bbox=-5,45,20,55&width=300&height=200",
            "image/png",
            "\u{fffd}PNG",
        ),
        (
            "/cities/map.npy?height=64",
            "application/x-npy",
            "\u{fffd}NUMPY",
        ),
        ("/nothing", "application/json", "{\"tilejson\""),
        ("/nothing/0/0/0.png", "image/png", "\u{fffd}PNG"),
        ("/nothing/legend.svg", "image/svg+xml", "<svg"),
        ("/nothing/map.png", "image/png", "\u{fffd}PNG"),
        (
            "/nothing/value?lon=0&lat=0",
            "application/json",
            "{\"lon\":0.0",
        ),
    ] {
        let answer = get(&app, uri).await;
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "{uri}: {:?}",
            String::from_utf8_lossy(&answer.body)
        );
        assert_eq!(answer.header("content-type"), media_type, "{uri}");
        let body = String::from_utf8_lossy(&answer.body);
        assert!(body.starts_with(begins), "{uri}: {:.60}", body);
    }
}

#[tokio::test]
async fn every_mistake_is_named() {
    let app = app();
    for (uri, status, says) in [
        // These paths are wrong.
        ("/cities/25/0/0.png", 400, "z can't be 25"),
        ("/cities/4/16/0.png", 400, "not on zoom 4"),
        ("/cities/4/0/16.png", 400, "not on zoom 4"),
        ("/cities/0x1/0/0.png", 400, "z can't be `0x1`"),
        ("/cities/4/%EF%BC%91/0.png", 400, "x can't be `１`"),
        ("/cities/4/+1/0.png", 400, "x can't be `+1`"),
        ("/cities/4/01/0.png", 400, "x can't be `01`"),
        ("/cities/-1/0/0.png", 400, "z can't be `-1`"),
        (
            "/cities/4/99999999999999999999/0.png",
            400,
            "expected a whole number",
        ),
        ("/cities/4/0/1e20.png", 400, "y can't be `1e20`"),
        ("/cities/4/0/0@3x.png", 400, "y can't be `0@3x`"),
        ("/cities/4/0/0.jpg", 400, ".png, .npy"),
        ("/cities/4/0/0.PNG", 400, ".png, .npy"),
        ("/cities/4/0/0", 400, ".png, .npy"),
        ("/cities/4/0/%FF.png", 400, "not UTF-8"),
        ("/cities/4/0/0%2F..%2F0.png", 400, "can't be `"),
        // These parameters are wrong.
        (
            "/cities/4/8/5.png?colour=red",
            400,
            "unknown parameter `colour`",
        ),
        (
            "/cities/4/8/5.png?ramp=inferno&ramp=magma",
            400,
            "ramp is given twice",
        ),
        ("/cities/4/8/5.png?ramp=", 400, "ramp has no value"),
        ("/cities/4/8/5.png?ramp=nosuch", 400, "inferno"),
        ("/cities/4/8/5.png?radius=1e9", 400, "radius can't be"),
        ("/cities/4/8/5.png?radius=nan", 400, "radius can't be"),
        ("/cities/4/8/5.png?kernel=square", 400, "gaussian"),
        ("/cities/4/8/5.png?normalize=no", 400, "peak, mass"),
        ("/cities/4/8/5.png?overlap=no", 400, "expected add, set"),
        (
            "/cities/4/8/5.png?overlap=reach:0.001",
            400,
            "can take minutes",
        ),
        ("/cities/4/8/5.png?scale=ln", 400, "linear, log"),
        ("/cities/4/8/5.png?domain=9,1", 400, "domain can't be"),
        ("/cities/4/8/5.png?reverse=yes", 400, "true, false"),
        ("/cities/4/8/5.png?opacity=x", 400, "opacity can't be"),
        ("/cities/4/8/5.png?size=300", 400, "expected 256 or 512"),
        (
            "/cities/4/8/5.png?format=jpg",
            400,
            "expected palette or rgba",
        ),
        ("/cities/4/8/5.npy?format=rgba", 400, "others have one way"),
        (
            "/cities/4/8/5.webp",
            400,
            "four times the bytes of the .png",
        ),
        (
            "/cities/map@2x.webp",
            400,
            "four times the bytes of the .png",
        ),
        ("/cities?sizes=512", 400, "unknown parameter `sizes`"),
        ("/catalog?x=1", 400, "no parameters"),
        ("/cities/value", 400, "lon is missing"),
        ("/cities/value?lon=1", 400, "lat is missing"),
        ("/cities/value?lon=nan&lat=1", 400, "lon can't be `nan`"),
        ("/cities/value?lon=1&lat=86", 400, "85.0511"),
        ("/cities/value?lon=1&lat=91", 400, "±90"),
        ("/cities/value?lon=999&lat=1", 400, "±540"),
        ("/cities/value?lon=1&lat=1&z=25", 400, "z can't be 25"),
        ("/cities/legend.json?z=1.5.5", 400, "z can't be `1.5.5`"),
        ("/cities/value?lon=1&lat=2&z=1.5", 400, "z can't be `1.5`"),
        ("/cities/legend.gif", 400, ".json, .svg or .png"),
        ("/cities/legend@2x.svg", 400, "@2x only of .png"),
        ("/cities/map.png?bbox=10,0,-10,5", 400, "inside out"),
        ("/cities/map.png?bbox=0,0,1", 400, "west,south,east,north"),
        (
            "/cities/map.png?bbox=0,0,1,inf",
            400,
            "west,south,east,north",
        ),
        ("/cities/map.png?bbox=0,86,1,89", 400, "outside"),
        ("/cities/map.png?bbox=-999,0,1,2", 400, "must be degrees"),
        (
            "/cities/map.png?width=0",
            400,
            "expected pixels from 1 to 4096",
        ),
        (
            "/cities/map.png?width=4097",
            400,
            "expected pixels from 1 to 4096",
        ),
        (
            "/cities/map@2x.png?width=2049",
            400,
            "expected pixels from 1 to 2048",
        ),
        ("/cities/map.png?width=-5", 400, "width can't be `-5`"),
        ("/cities/map.jpeg", 400, ".png, .npy, .tif"),
        // These layers and files don't exist.
        ("/nope", 404, "no such layer"),
        ("/nope.json", 404, "no such layer"),
        ("/nope/0/0/0.png", 404, "no such layer"),
        ("/Cities/0/0/0.png", 404, "no such layer"),
        ("/cities/", 404, "see /catalog"),
        ("/cities/nothing", 404, "a layer has"),
        ("/cities/0/0", 404, "see /catalog"),
        ("/cities/0/0/0/0.png", 404, "see /catalog"),
        ("/viewer/none.js", 404, "no such file"),
        ("/favicon.ico", 404, "no such layer"),
        ("//", 404, ""),
        ("/%2e%2e/%2e%2e/etc/passwd", 404, ""),
        // This layer is still loading.
        ("/late", 503, "still loading"),
        ("/late/0/0/0.png", 503, "still loading"),
        ("/late/legend.json", 503, "still loading"),
    ] {
        let answer = get(&app, uri).await;
        assert_eq!(answer.status.as_u16(), status, "{uri}");
        assert!(answer.error().contains(says), "{uri}: {}", answer.error());
        assert_eq!(answer.header("content-type"), "application/json", "{uri}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{uri}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{uri}");
        if status == 503 {
            assert_eq!(answer.header("retry-after"), "1", "{uri}");
        }
    }
    let long = format!("{TILE}?ramp={}", "x".repeat(9000));
    assert_eq!(get(&app, &long).await.status, StatusCode::URI_TOO_LONG);
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("cities".to_owned()),
        Just("nothing".to_owned()),
        Just("legend.json".to_owned()),
        Just("map.png".to_owned()),
        Just("value".to_owned()),
        (0..26u32).prop_map(|n| n.to_string()),
        (0..40u32).prop_map(|n| format!("{n}.png")),
        (0..4u32).prop_map(|n| format!("{n}@2x.webp")),
        "%[0-9A-F]{2}",
        "[a-z0-9.@%_-]{0,8}",
    ]
}

fn parameter() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        proptest::sample::select(&Style::PARAMETERS[..]).prop_map(str::to_owned),
        proptest::sample::select(&["z", "lon", "lat", "bbox", "width", "size", "format"][..])
            .prop_map(str::to_owned),
        "[a-z]{0,3}",
    ];
    let value = prop_oneof![
        "[0-9.,eE+-]{0,9}",
        "-?[0-9]{1,2}",
        proptest::sample::select(
            &[
                "inferno", "quartic", "eq_hist", "mass", "p99", "true", "nan"
            ][..]
        )
        .prop_map(str::to_owned),
        "[ -~&&[^ #<>\"`{}|^\\\\]]{0,12}",
        "(%[0-9A-F]{2}){0,4}",
    ];
    (name, value).prop_map(|(name, value)| format!("{name}={value}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    /// Random URLs get one of the statuses 200, 400 and 404, and never one for a fault of the
    /// server.
    #[test]
    fn no_address_is_the_servers_fault(
        path in proptest::collection::vec(piece(), 0..6),
        query in proptest::collection::vec(parameter(), 0..4),
    ) {
        thread_local! {
            static APP: (Router, tokio::runtime::Runtime) = (
                app(),
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            );
        }
        let uri = format!("/{}?{}", path.join("/"), query.join("&"));
        let Ok(request) = Request::get(&uri).body(Body::empty()) else { return Ok(()) };
        let answer = APP.with(|(app, runtime)| runtime.block_on(send(app, request)));
        let status = answer.status.as_u16();
        prop_assert!([200, 400, 404].contains(&status), "{}: {}", uri, status);
        prop_assert_eq!(answer.header("access-control-allow-origin"), "*");
        if status != 200 {
            // Errors of OGC API are documents of RFC 7807, with the sentence in `detail`.
            let body = answer.json();
            let sentence = body["error"].as_str().or(body["detail"].as_str());
            prop_assert!(sentence.is_some_and(|sentence| !sentence.is_empty()), "{}: {}", uri, body);
        }
    }
}

#[tokio::test]
async fn what_may_take_minutes_is_not_a_requests_to_choose() {
    let mut style = Style::default();
    style.set("overlap", "reach:8").unwrap();
    style.set("kernel", "triangular").unwrap();
    let points = Points::from_slice(cities().points().as_slice().unwrap());
    let app = serving("cities", Layer::on_cpu("cities", points, style));
    for (query, status) in [
        ("", 200),
        (
            "?ramp=ice&scale=linear&overlap=reach:8&kernel=triangular",
            200,
        ),
        ("?overlap=add&radius=99", 200),
        ("?radius=99", 400),
        ("?kernel=quartic", 400),
        ("?overlap=reach:0.01", 400),
    ] {
        let answer = get(&app, &format!("{TILE}{query}")).await;
        assert_eq!(answer.status.as_u16(), status, "{query}");
    }
}
