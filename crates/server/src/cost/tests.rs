//! Tests of assumptions on which estimates are based.

use super::*;
use crate::render::level;
use heatsplat_points::cancel::CancelToken;
use heatsplat_points::mercator::{self, WORLD};
use heatsplat_points::{Points, TileId};
use heatsplat_render::Layer;
use heatsplat_render::limits::{DENSEST, SPREAD};
use std::sync::Arc;

/// Points all over the map, with weights from 0 to 1. Longitude, latitude and weight are the
/// coordinates of a sequence that fills a cube evenly.
fn scattered(count: u32) -> Points {
    let place = |i: u32| {
        let [x, y, weight] =
            [0.819_172_5, 0.671_043_6, 0.549_700_5].map(|a| f64::from(i) * a % 1.0);
        (x * 360.0 - 180.0, y * 140.0 - 70.0, weight as f32)
    };
    Points::from_lon_lat((0..count).map(place)).unwrap()
}

/// The style, window and level for the request of a tile. The style is the layer's own, changed by
/// the parameters in `query`, like `kernel=quartic&radius=9`. `tile` is the tile's address as
/// `z/x/y`, and `side` the width and height of the tile in pixels.
fn asked(layer: &Layer, tile: &str, side: u32, query: &str) -> (Style, Window, u8) {
    let mut style = layer.style().clone();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        style.set(&name, &value).unwrap();
    }
    let numbers: Vec<u32> = tile.split('/').map(|n| n.parse().unwrap()).collect();
    let &[z, x, y] = numbers.as_slice() else {
        panic!("{tile}");
    };
    let tile = TileId::new(z as u8, x, y).unwrap();
    (style, Window::tile(tile, side), level(z as u8, 256))
}

/// The estimated time to draw a tile and to measure the scale for it.
fn all(layer: &Layer, tile: &str, side: u32, query: &str) -> Duration {
    let (style, window, level) = asked(layer, tile, side, query);
    estimate(layer, &style, &window, 1, level).iter().sum()
}

#[test]
fn an_estimate_grows_with_all_that_makes_a_picture_dear() {
    let layer = |n| Layer::on_cpu("a", scattered(n), Style::default());
    let (few, many) = (layer(1_000), layer(100_000));
    for (less, more) in [
        ("radius=20px", "radius=100px&kernel=uniform"),
        ("radius=20px&kernel=uniform", "radius=100px&kernel=uniform"),
        ("radius=10km&kernel=uniform", "radius=1000km&kernel=uniform"),
        ("radius=20px", "radius=20px&measure=mean"),
        ("radius=20px", "radius=20px&precision=exact"),
        (
            "radius=20px&precision=exact",
            "radius=100px&precision=exact",
        ),
        ("overlap=cover&radius=6px", "overlap=cover&radius=20px"),
        ("overlap=over:ellipse:4x4@1", "overlap=over:ellipse:20x20@1"),
        (
            "overlap=over:ellipse:4x4@1",
            "overlap=over:ellipse:4x4@1;blur:20x20",
        ),
    ] {
        let (less_is, more_is) = (
            all(&many, "3/3/3", 256, less),
            all(&many, "3/3/3", 256, more),
        );
        assert!(
            less_is < more_is,
            "{less}: {less_is:?}, {more}: {more_is:?}"
        );
        let larger = all(&many, "3/3/3", 1024, less);
        assert!(
            less_is < larger,
            "{less}: {less_is:?}, four times as wide {larger:?}"
        );
    }
    for query in [
        "overlap=cover&radius=20px",
        "overlap=plus:ellipse:9x9@1",
        "kernel=cubic",
        "precision=exact",
        "kernel=pixel",
        "radius=1px",
        "kernel=triangular&radius=12px",
        "kernel=uniform&radius=15px",
    ] {
        let (few, many) = (
            all(&few, "0/0/0", 256, query),
            all(&many, "0/0/0", 256, query),
        );
        assert!(few < many, "{query}: {few:?} {many:?}");
    }
}

#[test]
fn points_with_radii_of_their_own_are_drawn_radius_by_radius() {
    let points = scattered(10_000);
    let alone = points.as_slice().unwrap().to_vec();
    let radii: Vec<f32> = (0..alone.len()).map(|i| 3.0 + (i % 20) as f32).collect();
    let set = heatsplat_render::PointSet::with_radii(&alone, &radii);
    let plain = Layer::on_cpu("a", points, Style::default());
    let style = Style::default();
    let own = Layer::new(
        "b",
        std::sync::Arc::new(set),
        style,
        std::sync::Arc::clone(plain.backend()),
    );
    let [of_plain, of_own] = [plain, own].map(|layer| all(&layer, "3/3/3", 256, "kernel=quartic"));
    assert!(of_own > 8 * of_plain, "{of_own:?} {of_plain:?}");
}

#[test]
fn a_sample_holds_no_more_than_the_estimate_says() {
    let population = |i: u32| {
        (
            13.0 + f64::from(i % 91) * 1e-3,
            52.0 + f64::from(i % 83) * 1e-3,
            1.0,
        )
    };
    let population = Points::from_lon_lat((0..20_000).map(population)).unwrap();
    for points in [scattered(20_000), population] {
        for z in [0, 2, 5, 9] {
            let tiles = heatsplat_render::sample(points.occupied_tiles(z), DENSEST, SPREAD);
            let held = tiles
                .iter()
                .map(|(tile, _)| points.tile_range(*tile).unwrap().len());
            let held = held.sum::<usize>() as f64;
            let dense = super::data_profile::densest(&points, z);
            let least = dense.last().map_or(0, |(count, _)| *count);
            let others = tiles.len().saturating_sub(dense.len()) * least;
            let said = dense.iter().map(|(count, _)| count).sum::<usize>() + others;
            let said = said as f64;
            // If nearly all tiles have only one or two points, the search from the world downwards
            // misses the densest. A tolerance of 48 points allows for that.
            assert!(said + 48.0 >= held, "{z}: {held} {said}");
        }
    }
}

/// A kind of requests: its name, and a function that makes the parameters of requests from a random
/// number from 0 to 1.
type Kind = (&'static str, fn(f64) -> Vec<String>);

/// The kinds of requests whose estimates are compared with the work that they cause.
const KINDS: [Kind; 5] = [
    ("overlap", |r| {
        let ways = [
            "cover",
            "set",
            "over:ellipse:6x6@0.2",
            "plus:ellipse:12x9@1",
        ];
        let radius = format!("radius={}px", 3.0 + (20.0 * r).floor());
        vec![
            format!("overlap={}", ways[(r * 1e3) as usize % ways.len()]),
            radius,
        ]
    }),
    ("metres", |r| {
        let shapes = [
            "gaussian",
            "uniform",
            "quartic",
            "triangular",
            "epanechnikov",
        ];
        let radius = format!("radius={}km", (20.0 * 100f64.powf(r)).round());
        vec![
            radius,
            format!("kernel={}", shapes[(r * 1e3) as usize % shapes.len()]),
        ]
    }),
    ("blur", |r| {
        let side = 1 + (r * 15.0) as u32;
        vec![format!(
            "overlap=over:ellipse:5x5@0.5;blur:{side}x{side};blur:{side}x{side}"
        )]
    }),
    ("isolines", |r| {
        vec![
            format!("radius={}px", 2.0 + (90.0 * r).floor()),
            "isolines=9".to_owned(),
        ]
    }),
    ("map", |r| {
        let shapes = [
            "gaussian",
            "uniform",
            "quartic",
            "triweight",
            "pixel",
            "cubic",
        ];
        let radius = format!("radius={}px", 2.0 + (30.0 * r).floor());
        vec![
            radius,
            format!("kernel={}", shapes[(r * 1e3) as usize % shapes.len()]),
        ]
    }),
];

/// Compares estimates with the counted work of random requests. There are 60 requests, or as many
/// as the variable `HEATSPLAT_REQUESTS` states. Requests with less than 5 ms of work are left out,
/// since they are never refused.
#[test]
fn estimates_are_near_the_work_that_is_done() {
    let count: usize = std::env::var("HEATSPLAT_REQUESTS").map_or(60, |n| n.parse().unwrap());
    let points = Arc::new(cities());
    let mut random = (0u32..).map(|i| f64::from(i.wrapping_mul(2_654_435_769)) / WORLD);
    let mut next = || random.next().unwrap();
    let mut factors = Vec::new();
    for (i, (kind, parameters)) in (0..count).zip(KINDS.into_iter().cycle()) {
        let z = (next() * 9.0) as u8;
        let (city, anywhere) = ((next() * 8.0).floor(), next() < 0.3);
        let (lon, lat) = if anywhere {
            (next() * 360.0 - 180.0, next() * 140.0 - 70.0)
        } else {
            (city * 20.0 - 60.0 + next(), city * 7.0 - 20.0 + next())
        };
        let at = mercator::project(lon, lat).unwrap();
        let tile = |v: u32| (f64::from(v) / WORLD * f64::from(1u32 << z)) as u32;
        let tile = format!("{z}/{}/{}", tile(at.x), tile(at.y));
        let query = parameters(next()).join("&").replace(';', "%3B");
        let pixels = if kind == "map" { 700 } else { 256 };
        let layer = Layer::on_cpu("a", Arc::clone(&points), Style::default());
        let (style, window, level) = asked(&layer, &tile, pixels, &query);
        let [draw, measure] = estimate(&layer, &style, &window, 1, level);
        let request = layer.map(window).style(&style);
        let done = [
            ("draw", draw, work(|| drop(request.density()))),
            (
                "measure",
                measure,
                work(|| drop(layer.statistics(level, &style))),
            ),
        ];
        for (what, estimate, done) in done {
            let estimate = estimate.as_secs_f64() * 1e3;
            if estimate.max(done) >= 5.0 && estimate < 1e9 {
                let request =
                    format!("{i}: {what} {tile} {query}: {estimate:.1}, not {done:.1} ms");
                factors.push((estimate / done, request));
            }
        }
    }
    factors.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (low, high) = (&factors[0], &factors[factors.len() - 1]);
    assert!(low.0 > 0.3, "{low:?}");
    assert!(high.0 < 12.0, "{high:?}");
    let near = factors.iter().filter(|(factor, _)| *factor < 3.0).count();
    let all = factors.len();
    assert!(
        near * 100 >= all * 90,
        "{near} of {all} are within a factor of 3"
    );
}

/// The work in milliseconds that `draw` does. It is counted in units of work, which are
/// nanoseconds.
fn work(draw: impl FnOnce()) -> f64 {
    let token = CancelToken::default();
    token.run(draw).unwrap();
    token.work_done() as f64 / 1e6
}

/// 30,000 points, three quarters of which lie in eight cities.
fn cities() -> Points {
    let point = |i: u32| {
        let [x, y, weight] =
            [0.819_172_5, 0.671_043_6, 0.549_700_5].map(|a| f64::from(i) * a % 1.0);
        let (city, weight) = (f64::from(i % 8), weight as f32);
        if i.is_multiple_of(4) {
            (x * 360.0 - 180.0, y * 140.0 - 70.0, weight)
        } else {
            (
                city * 20.0 - 60.0 + x * x,
                city * 7.0 - 20.0 + y * y,
                weight,
            )
        }
    };
    Points::from_lon_lat((0..30_000).map(point)).unwrap()
}
