//! Tests of assumptions on which estimates are based.

use super::*;
use crate::render::level;
use heatsplat_points::{Points, TileId};
use heatsplat_render::Layer;
use heatsplat_render::limits::{DENSEST, SPREAD};

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

/// The style, window and level of a tile. The style is the layer's own with the parameters of
/// `query`. `tile` is the tile's address as `z/x/y`, and `side` the side of its window in pixels.
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

/// The estimated time to draw a tile and to measure its scale.
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
    let alone = points.as_slice().to_vec();
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
            let held = tiles.iter().map(|(tile, _)| points.tile_range(*tile).len());
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
