//! Estimates beside what things take.

use super::*;
use crate::drawing::level;
use heatsplat_points::{Points, TileId, mercator};
use heatsplat_render::Layer;
use std::sync::Arc;

fn scattered(count: usize) -> Points {
    let mut state = 88_172_645_463_325_252u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let place = |_| {
        let (lon, lat) = (random() * 360.0 - 180.0, random() * 140.0 - 70.0);
        (lon, lat, random() as f32)
    };
    Points::from_lon_lat((0..count).map(place)).unwrap()
}

/// A layer, and a tile's window and style by the words of a query.
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

fn estimate(layer: &Layer, (style, window, level): &(Style, Window, u8)) -> [f64; 2] {
    let on = On::Points(layer.set());
    let draw = on.picture(style, window, 1);
    [draw, on.scale(style, *level).unwrap_or(f64::INFINITY)]
}

#[test]
fn an_estimate_grows_with_all_that_makes_a_picture_dear() {
    let layer = |n| Layer::on_cpu("a", scattered(n), Style::default());
    let (few, many) = (layer(1_000), layer(100_000));
    let all = |layer: &Layer, tile, side, query| {
        estimate(layer, &asked(layer, tile, side, query))
            .iter()
            .sum::<f64>()
    };
    for (less, more) in [
        ("radius=20px", "radius=100px&kernel=uniform"),
        ("radius=20px&kernel=uniform", "radius=100px&kernel=uniform"),
        ("radius=10km&kernel=uniform", "radius=1000km&kernel=uniform"),
        ("radius=20px", "radius=20px&measure=mean"),
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
        assert!(less_is < more_is, "{less}: {less_is}, {more}: {more_is}");
        let larger = all(&many, "3/3/3", 1024, less);
        assert!(
            less_is < larger,
            "{less}: {less_is}, four times as wide {larger}"
        );
    }
    for query in [
        "overlap=cover&radius=20px",
        "overlap=plus:ellipse:9x9@1",
        "kernel=cubic",
    ] {
        let (few, many) = (
            all(&few, "0/0/0", 256, query),
            all(&many, "0/0/0", 256, query),
        );
        assert!(few < many, "{query}: {few} {many}");
    }
}

#[test]
fn a_window_sees_no_more_than_the_estimate_says() {
    let points = scattered(20_000);
    let layer = Layer::on_cpu("a", points, Style::default());
    let on = On::Points(layer.set());
    for (z, x, y) in [
        (0, 0, 0),
        (1, 1, 0),
        (3, 0, 4),
        (6, 63, 30),
        (12, 2000, 2000),
    ] {
        for margin in [0, 3, 200] {
            let window = Window::tile(TileId::new(z, x, y).unwrap(), 256).grown(margin);
            let said = on.seen(&window);
            let is_seen = |p: &&Point, east: f64| {
                let (x, y) = (f64::from(p.x) + east, f64::from(p.y));
                (window.left()..window.right()).contains(&x)
                    && (window.top()..window.bottom()).contains(&y)
            };
            let all = || layer.points().as_slice().iter();
            let worlds = [-1.0, 0.0, 1.0].map(|world| world * mercator::WORLD);
            let seen = worlds.map(|east| all().filter(|p| is_seen(p, east)).count());
            let seen = seen.iter().sum::<usize>() as f64;
            assert!(said >= seen, "{z}/{x}/{y} {margin}: {seen} {said}");
            assert!(
                said <= 9.0 * seen + 200.0,
                "{z}/{x}/{y} {margin}: {seen} {said}"
            );
        }
    }
}

#[test]
fn a_sample_holds_no_more_than_the_estimate_says() {
    let crowd = |i: u32| {
        (
            13.0 + f64::from(i % 91) * 1e-3,
            52.0 + f64::from(i % 83) * 1e-3,
            1.0,
        )
    };
    let crowd = Points::from_lon_lat((0..20_000).map(crowd)).unwrap();
    for points in [scattered(20_000), crowd] {
        for z in [0, 2, 5, 9] {
            let tiles = heatsplat_render::sample(points.occupied_tiles(z), 12, 36);
            let held = tiles.iter().map(|(tile, _)| points.tile_range(*tile).len());
            let (held, all) = (held.sum::<usize>() as f64, points.summary().count as f64);
            let said = super::on::most_sampled(&points, z);
            // where tiles hold a point or two, the densest are not found from above
            assert!(said + 48.0 >= held && said <= all, "{z}: {held} {said}");
        }
    }
}

/// Seconds of the processor that this program has taken.
fn spent() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, rest) = text.rsplit_once(") ").unwrap();
    let ticks: f64 = rest
        .split(' ')
        .skip(11)
        .take(2)
        .map(|n| n.parse::<f64>().unwrap())
        .sum();
    ticks / 100.0
}

/// `cargo test --release -p heatsplat-server --lib -- --ignored --nocapture estimates_beside`
#[test]
#[ignore = "prints figures to set the nanoseconds by"]
fn estimates_beside_what_things_take() {
    let layer = Layer::on_cpu("a", scattered(1_000_000), Style::default());
    for (tile, side, query) in [
        ("0/0/0", 256, "radius=17"),
        ("4/8/8", 256, "radius=16&kernel=uniform"),
        ("4/8/8", 256, "radius=120&kernel=uniform"),
        ("4/8/8", 256, "radius=64&kernel=quartic"),
        ("4/8/8", 256, "radius=16&kernel=epanechnikov&measure=mean"),
        ("4/8/8", 256, "radius=5&kernel=uniform"),
        ("4/8/8", 256, "radius=1"),
        ("4/5/5", 256, "radius=350km&kernel=uniform"),
        ("4/5/5", 256, "radius=350km"),
        ("4/5/5", 256, "radius=350km&kernel=epanechnikov"),
        ("0/0/0", 1024, "radius=5000km&kernel=uniform"),
        ("0/0/0", 1024, "radius=5000km"),
        ("2/1/1", 256, "overlap=cover&radius=24"),
        ("2/1/1", 256, "overlap=cover&radius=16"),
        ("2/1/1", 256, "overlap=cover&radius=3"),
        ("2/1/1", 256, "overlap=set&radius=16"),
        ("2/1/1", 256, "kernel=cubic&radius=16"),
        ("2/1/1", 256, "overlap=over:ellipse:10x10@0.2"),
        ("6/30/30", 256, "overlap=over:ellipse:32x32@0.2*weight"),
        (
            "9/256/256",
            256,
            "overlap=plus:ellipse:8x8@0.2;blur:16x16;blur:16x16",
        ),
    ] {
        let asked = asked(&layer, tile, side, query);
        let started = std::time::Instant::now();
        let [draw, measure] = estimate(&layer, &asked).map(|ns| ns / 1e9);
        let took = started.elapsed();
        let (style, window, level) = &asked;
        let since = spent();
        let mut times = 0.0;
        while times < 1.0 || spent() - since < 0.3 {
            drop(layer.density(*window, 1, style));
            times += 1.0;
        }
        let drawn = (spent() - since) / times;
        let since = spent();
        let fresh = Layer::of(
            "b",
            Arc::clone(layer.set()),
            style.clone(),
            Arc::clone(layer.backend()),
        );
        drop(fresh.statistics(*level, style));
        let measured = spent() - since;
        heatsplat_render::say!(
            "{query} at {tile}, {side} px: drawn {drawn:.4} s, said {draw:.4}; \
             measured {measured:.3} s, said {measure:.3}; told in {took:.0?}"
        );
    }
}
