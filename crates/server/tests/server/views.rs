//! Tests of the places that layers state: the bounds of their points, the bounds of everything that
//! is drawn, their centres, and the box of the first picture.

use crate::app::{Answer, get, serving};
use axum::Router;
use axum::http::StatusCode;
use heatsplat_points::{LonLatBox, Point, Points, Window, level, mercator};
use heatsplat_render::{CpuBackend, Layer, Style, View};
use heatsplat_server::{
    FetchedPoints, LiveLayer, Registry, RowRequest, RowSource, Server, ServerConfig, SourceFuture,
    router,
};
use serde_json::Value;
use std::sync::Arc;

const FIJI: [(f64, f64, f32); 6] = [
    (179.9, -16.7, 1.0),
    (179.95, -16.75, 1.0),
    (-179.98, -16.8, 1.0),
    (-179.7, -17.05, 1.0),
    (179.7, -16.95, 1.0),
    (180.0, -16.6, 1.0),
];

fn layer(points: &[(f64, f64, f32)]) -> Layer {
    let points = Points::from_lon_lat(points.iter().copied()).unwrap();
    Layer::on_cpu("a", points, Style::default())
}

/// Makes a server with one layer, `a`.
fn app(points: &[(f64, f64, f32)]) -> Router {
    serving("a", layer(points))
}

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap()
}

fn assert_near(found: &Value, expected: &[f64], by: f64) {
    let numbers = numbers(found);
    let near = numbers
        .iter()
        .zip(expected)
        .all(|(a, b)| (a - b).abs() < by);
    assert!(
        numbers.len() == expected.len() && near,
        "{found}, not {expected:?}"
    );
}

/// The first and the last column of a PNG with visible pixels, and the number of visible pixels.
fn shown(answer: &Answer) -> (usize, usize, usize) {
    assert_eq!(answer.status, StatusCode::OK);
    let mut reader = png::Decoder::new(std::io::Cursor::new(&answer.body))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let (width, (pixels, _)) = (info.width as usize, pixels.as_chunks::<4>());
    let at = pixels
        .iter()
        .enumerate()
        .filter(|(_, [.., alpha])| *alpha > 0);
    let columns = at.map(|(at, _)| at % width);
    columns.fold((usize::MAX, 0, 0), |(l, r, n), x| {
        (l.min(x), r.max(x), n + 1)
    })
}

#[tokio::test]
async fn points_around_180_are_one_place() {
    let app = app(&FIJI);
    let about = &get(&app, "/catalog").await.json()["layers"][0];
    assert_near(&about["bounds"], &[179.7, -17.05, 180.3, -16.6], 1e-6);
    let json = get(&app, "/a").await.json();
    assert_near(&json["data_bounds"], &[179.7, -17.05, 180.3, -16.6], 1e-6);
    // The bounds have all longitudes: clients would cut bounds off at 180° and hide half of the
    // tiles.
    let bounds = numbers(&json["bounds"]);
    assert_eq!((bounds[0], bounds[2]), (-180.0, 180.0));
    for center in [&about["center"], &json["center"]] {
        let [lon, lat, zoom] = numbers(center)[..] else {
            panic!("{center}");
        };
        assert!(
            lon.abs() > 179.6 && lon.abs() <= 180.0 && (-17.1..-16.5).contains(&lat),
            "{center}"
        );
        assert!((8.0..=11.0).contains(&zoom), "{center}");
    }
    let (left, right, _) = shown(&get(&app, "/a/map.png?width=900&format=rgba").await);
    assert!(left < 90 && right > 810, "{left} to {right}");
}

/// The bounds of TileJSON contain everything that is drawn, since MapLibre, OpenLayers and GDAL
/// show nothing beyond them.
#[tokio::test]
async fn bounds_hold_the_heat_and_the_points_have_their_own() {
    let points = [(10.0, 50.0, 1.0), (12.0, 48.0, 1.0)];
    let (app, layer) = (app(&points), layer(&points));
    for (query, words) in [
        ("", &[][..]),
        (
            "?kernel=uniform&radius=100",
            &[("kernel", "uniform"), ("radius", "100")],
        ),
        ("?radius=500km", &[("radius", "500km")]),
        ("?size=512", &[]),
    ] {
        let mut style = layer.style().clone();
        words
            .iter()
            .for_each(|(name, value)| style.set(name, value).unwrap());
        let json = get(&app, &format!("/a{query}")).await.json();
        assert_near(&json["data_bounds"], &[10.0, 48.0, 12.0, 50.0], 1e-6);
        let css = json["tileSize"].as_u64().unwrap() as u32;
        let [west, south, east, north] = numbers(&json["bounds"])[..] else {
            panic!("{json}");
        };
        for z in 0..3u8 {
            let side = css << z;
            let world = Window::at_level(level::of_tile(z, css), 0, 0, side, side);
            let heat = layer.map(world).style(&style).picture();
            let some = heat
                .indices
                .iter()
                .enumerate()
                .filter(|(_, index)| **index > 0);
            for (at, _) in some {
                let x = (f64::from(at as u32 % side) + 0.5) * world.pixel();
                let y = (f64::from(at as u32 / side) + 0.5) * world.pixel();
                let (lon, lat) = (mercator::longitude(x), mercator::latitude(y));
                let inside = (west..=east).contains(&lon) && (south..=north).contains(&lat);
                assert!(
                    inside,
                    "{query}: {lon}, {lat} at zoom {z} is not within {json}"
                );
            }
        }
        let wide = if query.contains("radius=100") {
            191.0
        } else {
            45.0
        };
        assert!(10.0 - west < wide && east - 12.0 < wide, "{json}");
    }
    // A layer without points has the whole world as its bounds, and no bounds of points.
    let json = get(&self::app(&[]), "/a").await.json();
    assert_eq!(numbers(&json["bounds"])[0], -180.0);
    assert_eq!(json["data_bounds"], Value::Null);
}

#[tokio::test]
async fn documents_say_how_large_their_tiles_are() {
    let app = app(&FIJI);
    for (query, css, tiles) in [
        ("", 256, "/a/{z}/{x}/{y}.png"),
        ("?size=256", 256, "/a/{z}/{x}/{y}.png"),
        ("?size=512", 512, "/a/{z}/{x}/{y}.png?size=512"),
        (
            "?size=512&radius=9",
            512,
            "/a/{z}/{x}/{y}.png?radius=9&size=512",
        ),
    ] {
        let json = get(&app, &format!("/a{query}")).await.json();
        assert_eq!(json["tileSize"], css, "{query}");
        let template = json["tiles"][0].as_str().unwrap();
        assert!(template.ends_with(tiles), "{query}: {template}");
        let at = template.find("/a/").unwrap();
        let tile = template[at..]
            .replace("{z}", "3")
            .replace("{x}", "7")
            .replace("{y}", "4");
        let png = get(&app, &tile).await.body;
        assert_eq!(
            u32::from_be_bytes(png[16..20].try_into().unwrap()),
            css,
            "{tile}"
        );
    }
    let refused = get(&app, "/a?size=300").await;
    assert!(refused.status == StatusCode::BAD_REQUEST && refused.error().contains("512"));
    let dem = get(&app, "/a/dem.json").await;
    let (text, json) = (dem.text(), dem.json());
    assert_eq!(
        (&json["tileSize"], &json["source"]["tileSize"]),
        (&512.into(), &512.into())
    );
    assert_eq!(
        text.matches("tileSize").count(),
        2,
        "no key is there twice: {text}"
    );
    assert_eq!(json["source"]["bounds"], json["bounds"]);
}

#[tokio::test]
async fn the_centre_is_where_the_weight_is() {
    let off = |i: usize, prime: usize| (i * prime % 1009) as f64 / 1009.0 - 0.5;
    let mut points: Vec<_> = (0..1000)
        .map(|i| (13.4 + off(i, 331) * 0.4, 52.5 + off(i, 577) * 0.4, 1.0))
        .collect();
    points.extend([(151.2, -33.9, 1.0), (-70.6, -33.4, 1.0), (0.0, 0.0, 1.0)]);
    let json = get(&app(&points), "/a").await.json();
    assert_near(&json["center"], &[13.4, 52.5, 9.5], 1.6);
    let numbers = numbers(&json["center"]);
    assert!(
        (numbers[0] - 13.4).abs() < 0.2 && (numbers[1] - 52.5).abs() < 0.2,
        "{numbers:?}"
    );
}

#[tokio::test]
async fn a_map_shows_the_world_once() {
    let app = app(&[(-170.0, 0.0, 1.0), (0.0, 10.0, 1.0), (150.0, -40.0, 1.0)]);
    let map = |query: &str| format!("/a/map.png?{query}&width=1200&height=200&format=rgba");
    let world = "bbox=-180,-85.06,180,85.06";
    let (left, right, once) = shown(&get(&app, &map(world)).await);
    assert!(left >= 500 && right < 700, "{left} to {right}");
    let (left, right, twice) = shown(&get(&app, &map("bbox=-360,-85.06,360,85.06")).await);
    assert!(
        left < 420 && right > 780 && twice > once * 19 / 10,
        "{left} to {right}"
    );
    let npy = map(world)
        .replace(".png", ".npy")
        .replace("&format=rgba", "");
    let numbers = get(&app, &npy).await.body;
    let (pixels, _) = numbers[numbers.len() - 4 * 1200 * 200..].as_chunks::<4>();
    let some = pixels
        .iter()
        .enumerate()
        .filter(|(_, v)| f32::from_le_bytes(**v) != 0.0);
    assert!(
        some.map(|(at, _)| at % 1200)
            .all(|x| (500..700).contains(&x))
    );
}

#[tokio::test]
async fn a_maps_legend_has_the_maps_scale() {
    let points: Vec<_> = (0..500)
        .map(|i| (f64::from(i % 37), f64::from(i % 23), 1.0))
        .collect();
    let (app, layer) = (app(&points), layer(&points));
    let domain = |query: String| {
        let app = app.clone();
        async move { get(&app, &format!("/a/legend.json?{query}")).await.json()["domain"].clone() }
    };
    for (bbox, width, height) in [
        ([0.0, 0.0, 40.0, 30.0], 300, 200),
        ([1.0, 1.0, 9.0, 8.0], 777, 500),
    ] {
        let view = View::around(bbox.try_into().unwrap(), width, height, 1).unwrap();
        let level = view.level();
        assert!(level.above().is_some());
        let [w, s, e, n] = bbox;
        let map = format!("bbox={w},{s},{e},{n}&width={width}&height={height}");
        let expected = layer.normalizer_at(level, layer.style()).domain();
        assert_near(&domain(map).await, &[expected.0, expected.1], 1e-9);
        assert_near(
            &domain(format!("z={}", level.zoom())).await,
            &[expected.0, expected.1],
            1e-6,
        );
    }
    let whole = layer.normalizer(12, layer.style()).domain();
    for z in ["4", "4.0"] {
        assert_near(&domain(format!("z={z}")).await, &[whole.0, whole.1], 1e-12);
    }
    for (query, says) in [
        ("z=4&width=100", "z and width are both given"),
        ("z=24.5", "expected a zoom from 0 to 24"),
        ("z=1e1", "expected a zoom"),
        ("z=-1", "expected a zoom"),
        ("z=.", "expected a zoom"),
        ("bbox=1,2", "west,south,east,north"),
    ] {
        let refused = get(&app, &format!("/a/legend.json?{query}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(
            refused.error().contains(says),
            "{query}: {}",
            refused.error()
        );
    }
}

/// A source of rows that states, for points on both sides of ±180°, bounds of all longitudes.
#[derive(Debug)]
struct Table(Vec<Point>);

impl RowSource for Table {
    fn fetch(&self, _: RowRequest) -> SourceFuture<'_, FetchedPoints> {
        let points = self.0.clone();
        Box::pin(async {
            Ok(FetchedPoints {
                points,
                counts: Vec::new(),
            })
        })
    }

    fn bounds(&self) -> Option<LonLatBox> {
        LonLatBox::new(-180.0, -17.05, 180.0, -16.6).ok()
    }
}

#[tokio::test]
async fn a_live_table_around_180_is_one_place_once_it_was_looked_at() {
    let layers = Registry::default();
    let id = layers.announce("a");
    let points = FIJI.map(|(lon, lat, weight)| Point::from_lon_lat(lon, lat, weight).unwrap());
    let rows = Arc::new(Table(points.to_vec()));
    layers.put_live(
        &id,
        LiveLayer::new("a", Style::default(), rows, Arc::new(CpuBackend::new())),
    );
    let app = router(Arc::new(Server::new(layers, ServerConfig::default())));
    assert_eq!(get(&app, "/a/0/0/0.png").await.status, StatusCode::OK);
    let about = &get(&app, "/catalog").await.json()["layers"][0];
    assert_near(&about["bounds"], &[179.7, -17.05, 180.3, -16.6], 0.71);
    assert!(numbers(&about["bounds"])[2] > 180.0);
    let json = get(&app, "/a").await.json();
    // Rows may be added anywhere, so the bounds are the whole world.
    assert_near(&json["bounds"], &[-180.0, -85.05, 180.0, 85.05], 0.01);
    assert_near(&json["data_bounds"], &[179.7, -17.05, 180.3, -16.6], 0.71);
    assert!(numbers(&json["center"])[0].abs() > 179.0, "{json}");
}
