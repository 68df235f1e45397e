//! Tests of the limit of a request's cost, which is checked before anything is drawn.

use crate::app::{TILE, app, cities, get, metric, serving, serving_as, serving_with};
use heatsplat_loader::LoadOptions as Reading;
use heatsplat_points::Points;
use heatsplat_render::{Layer, Style};
use heatsplat_server::ServerConfig;
use std::time::Duration;

/// Makes a million points all over the map, with weights from 0 to 1. Longitude, latitude and
/// weight are the coordinates of a sequence that fills a cube evenly.
fn many() -> Points {
    let place = |i: u32| {
        let [x, y, weight] =
            [0.819_172_5, 0.671_043_6, 0.549_700_5].map(|a| f64::from(i) * a % 1.0);
        (x * 360.0 - 180.0, y * 140.0 - 70.0, weight as f32)
    };
    Points::from_lon_lat((0..1_000_000).map(place)).unwrap()
}

#[tokio::test]
async fn what_a_request_may_choose_is_bounded_before_any_work() {
    let app = serving("many", Layer::on_cpu("many", many(), Style::default()));
    let blurs = ";blur:255x255".repeat(8);
    let blurred = format!("/many/map.png?width=1&height=1&overlap=over:ellipse:1x1@1{blurs}");
    for (path, hint) in [
        ("2/1/1.png?overlap=cover&radius=128", "at most 24 px"),
        ("2/1/1.png?overlap=cover&radius=24", "domain=lo,hi"),
        (
            "0/0/0@2x.png?size=512&overlap=cover&radius=128",
            "at most 24 px",
        ),
        ("0/0/0.npy?overlap=set&radius=0:128px,9:3px", "overlap=set"),
        ("0/0/0.npy?kernel=cubic&radius=99", "kernel=cubic"),
        (
            "0/0/0.npy?kernel=plateau:0.5&radius=1000km",
            "at most 24 px",
        ),
        (
            "0/0/0@2x.png?size=512&radius=5000km&kernel=uniform",
            "radius=5000km",
        ),
        (
            "4/5/5.png?radius=350km&kernel=uniform&measure=mean",
            "kernel=uniform",
        ),
        ("0/0/0.png?overlap=over:ellipse:256x256@0.01", "marker"),
        ("0/0/0.png?overlap=plus:ellipse:33x1@0.01", "32 px"),
        (
            "0/0/0.png?overlap=over:ellipse:32x32@0.01",
            "or a smaller marker",
        ),
        (
            "0/0/0.npy?overlap=plus:ellipse:32x32@0.01*weight",
            "overlap=plus would take about",
        ),
        (
            "map.png?width=4096&height=4096&radius=128&kernel=uniform&measure=mean",
            "radius=128px",
        ),
        (
            "value?lon=0&lat=0&overlap=cover&radius=128",
            "at most 24 px",
        ),
        (
            "legend.json?z=2&radius=5000km&kernel=uniform",
            "radius=5000km",
        ),
        (
            "dem.json?radius=5000km&kernel=epanechnikov",
            "radius=5000km",
        ),
        (&blurred["/many/".len()..], "blurs"),
    ] {
        let answer = get(&app, &format!("/many/{path}")).await;
        assert_eq!(answer.status.as_u16(), 422, "{path}");
        let error = answer.error();
        assert!(error.contains(hint) && error.len() < 300, "{path}: {error}");
        let limits = ["a request may take 2 s", "own style"];
        assert!(limits.iter().any(|limit| error.contains(limit)), "{error}");
    }
    // For none of these requests was anything drawn or measured.
    assert_eq!(metric(&app, "heatsplat_renders_total").await, 0.0);
    for path in [
        "0/0/0.png?radius=128",
        "3/3/3@2x.png?radius=128&kernel=quartic",
        "0/0/0@2x.png?size=512&radius=100&kernel=uniform",
        "5/16/16.png?radius=2&measure=mean&kernel=epanechnikov",
        "4/8/8.png?radius=50km",
        "12/2048/2048.png?radius=500m&kernel=uniform",
        "9/256/256.png?overlap=cover&radius=6&domain=0,1",
        "9/256/256.png?overlap=cover&radius=24&kernel=uniform&domain=0,1",
        "9/256/256.png?overlap=over:ellipse:8x8@0.2;blur:3x3&domain=0,255",
        "map.png?width=300&isolines=64&radius=9",
        "legend.json?radius=30px&kernel=uniform",
        "dem.json?radius=30px",
        "value?lon=0&lat=0&z=3&radius=99&rows=1000",
    ] {
        let answer = get(&app, &format!("/many/{path}")).await;
        assert_eq!(answer.status.as_u16(), 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_longer_than_the_deadline_is_ended() {
    let config = ServerConfig {
        deadline: Duration::from_millis(1),
        ..ServerConfig::default()
    };
    let layer = Layer::on_cpu("many", many(), Style::default());
    let app = serving_as(config, "many", layer);
    // The picture takes longer than the deadline of one millisecond, so its drawing is ended early.
    let slow = "/many/0/0/0@2x.png?size=512&radius=100&kernel=uniform&domain=0,1";
    let answer = get(&app, slow).await;
    assert_eq!(answer.status.as_u16(), 504, "{}", answer.text());
    assert!(answer.error().contains("took longer than 0.001 s"));
    assert_eq!(answer.header("cache-control"), "no-store");
    let ended = "heatsplat_renders_ended_total{reason=\"deadline\"}";
    assert_eq!(metric(&app, ended).await, 1.0);
    assert_eq!(metric(&app, "heatsplat_renders_running").await, 0.0);
}

/// The time of measuring a scale counts only for the first tile that needs it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_map_in_another_style_is_drawn_whole_once_its_scale_is_measured() {
    let config = ServerConfig {
        renders: 2,
        ..ServerConfig::default()
    };
    let layer = Layer::on_cpu("many", many(), Style::default());
    let app = serving_as(config, "many", layer);
    assert_eq!(get(&app, "/many/5/16/16.png?radius=20").await.status, 200);
    let tiles: Vec<_> = (0..30)
        .map(|i| {
            let app = app.clone();
            let tile = format!("/many/5/{}/{}.png?radius=20", 10 + i % 6, 10 + i / 6);
            tokio::spawn(async move { get(&app, &tile).await.status })
        })
        .collect();
    for tile in tiles {
        assert_eq!(tile.await.unwrap(), 200);
    }
}

#[tokio::test]
async fn a_layers_own_style_is_never_refused() {
    let mut own = Style::default();
    own.set("overlap", "cover").unwrap();
    own.set("radius", "90px").unwrap();
    own.set("domain", "0,1").unwrap();
    let points = Points::from_slice(cities().points().as_slice().unwrap());
    let app = serving("cities", Layer::on_cpu("cities", points, own));
    for (query, status) in [
        ("", 200),
        ("?ramp=ice&domain=auto&overlap=cover", 200),
        ("?radius=90px", 200),
        ("?radius=89px", 422),
        ("?radius=20px", 200),
        ("?overlap=set", 422),
        ("?overlap=add", 200),
    ] {
        let answer = get(&app, &format!("{TILE}{query}")).await;
        assert_eq!(answer.status.as_u16(), status, "{query}");
    }
}

#[tokio::test]
async fn what_is_drawn_exactly_is_the_layers_own_to_choose() {
    let mut own = Style::default();
    own.set("precision", "exact").unwrap();
    let points = Points::from_slice(cities().points().as_slice().unwrap());
    let exact = serving("cities", Layer::on_cpu("cities", points, own.clone()));
    let mut tags = Vec::new();
    for app in [app(), exact] {
        for route in [TILE, "/cities", "/cities/legend.json", "/cities/map.png"] {
            for word in ["exact", "fast", "double"] {
                let answer = get(&app, &format!("{route}?precision={word}")).await;
                assert_eq!(answer.status.as_u16(), 400, "{route} {word}");
                let error = answer.error();
                assert!(error.contains("layer's own"), "{error}");
            }
        }
        let unknown = get(&app, &format!("{TILE}?colour=red")).await.error();
        assert!(!unknown.contains("precision"), "{unknown}");
        for query in ["", "?radius=40px", "?overlap=add&ramp=ice"] {
            let answer = get(&app, &format!("{TILE}{query}")).await;
            assert_eq!(answer.status.as_u16(), 200, "{query}");
            tags.push(answer.header("etag").to_owned());
        }
    }
    assert_ne!(tags[0], tags[3], "neither is the other's");
    // If a request chooses another radius or kernel, its cost is checked. Exact drawing takes long
    // for many points.
    let app = serving("many", Layer::on_cpu("many", many(), own));
    for (path, status) in [
        ("0/0/0.npy?radius=100px", 422),
        ("2/1/1.npy?kernel=cubic&radius=100px", 422),
        ("12/2048/2048.npy?radius=100px", 200),
        ("12/2048/2048.npy?kernel=cubic", 200),
    ] {
        let answer = get(&app, &format!("/many/{path}")).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn what_others_add_to_an_address_changes_no_picture_and_keeps_none_twice() {
    let app = app();
    let plain = get(&app, TILE).await;
    for query in [
        "?_=1",
        "?_=2",
        "?v=3&cb=4",
        "?utm_source=a&utm_campaign=b",
        "?fbclid=",
    ] {
        let answer = get(&app, &format!("{TILE}{query}")).await;
        assert_eq!(answer.status.as_u16(), 200, "{query}");
        assert_eq!(answer.header("etag"), plain.header("etag"), "{query}");
    }
    assert_eq!(metric(&app, "heatsplat_renders_total").await, 1.0);
    for (query, status) in [("?_=1&v=&utm_medium=b", 200), ("?v=1&ramp=ice", 400)] {
        let answer = get(&app, &format!("/catalog{query}")).await;
        assert_eq!(answer.status.as_u16(), status, "{query}");
    }
    let tiles = get(&app, "/cities?v=1&ramp=ice").await.json()["tiles"][0].to_string();
    assert!(
        tiles.contains("ramp=ice") && !tiles.contains("v=1"),
        "{tiles}"
    );
}

#[tokio::test]
async fn a_condition_is_as_long_as_its_points_are_few() {
    let rows: String = (0..900_000)
        .map(|i| format!("{}.5,{}.25,{i}\n", i % 170, i % 80))
        .collect();
    let options = Reading {
        keep: vec!["n".to_owned()],
        ..Reading::default()
    };
    let csv = std::io::Cursor::new(format!("lon,lat,n\n{rows}").into_bytes());
    let mut source = heatsplat_loader::read(csv, "a.csv", &options).unwrap();
    let (points, table, _) = heatsplat_loader::load_table(&mut *source, |_| ()).unwrap();
    let app = serving_with("all", Layer::on_cpu("all", points, Style::default()), table);
    let one_of = |n: usize| vec!["n=123456.0000000000000000"; n].join("+or+");
    for (terms, status) in [(1, 200), (20, 200), (40, 422)] {
        let path = format!("/all/0/0/0.png?filter={}", one_of(terms));
        let answer = get(&app, &path).await;
        assert_eq!(answer.status.as_u16(), status, "{terms}");
        if status == 422 {
            assert!(answer.error().starts_with("filter:"), "{}", answer.error());
        }
    }
}
