//! Layers in other projections: the same densities as points that were projected one by one, tiles
//! that meet, and the colours of Web Mercator.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use heatsplat_points::mercator::{self, WORLD};
use heatsplat_points::projected::Projection;
use heatsplat_points::{Point, Points, Window};
use heatsplat_render::{Density, Layer, ProjectedError, ProjectedLayer, Style, View};
use std::sync::Arc;

/// Lambert's azimuthal equal-area projection of a sphere around a place, in a square of 10,000 km.
#[derive(Debug)]
struct EqualArea {
    lon: f64,
    lat: f64,
}

const RADIUS: f64 = 6_371_000.0;
const SIDE: f64 = 1e7;

impl Projection for EqualArea {
    fn place(&self, lon: f64, lat: f64) -> Option<[f64; 2]> {
        let (sin0, cos0) = self.lat.to_radians().sin_cos();
        let (sin, cos) = lat.to_radians().sin_cos();
        let (sin_lon, cos_lon) = (lon - self.lon).to_radians().sin_cos();
        let near = sin0 * sin + cos0 * cos * cos_lon;
        let scale = RADIUS * (2.0 / (1.0 + near)).sqrt();
        let (x, y) = (cos * sin_lon, cos0 * sin - sin0 * cos * cos_lon);
        let unit = SIDE / WORLD;
        (near > -0.9).then(|| {
            [
                WORLD / 2.0 + scale * x / unit,
                WORLD / 2.0 - scale * y / unit,
            ]
        })
    }

    fn name(&self) -> &str {
        "equal area"
    }
}

/// Points in crowds of several sizes around a place, with weights from 1 to 8, or from −4 to 3.
fn crowd(lon: f64, lat: f64, n: u32, signed: bool) -> Vec<Point> {
    let mut state = 7u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1u32 << 24)
    };
    (0..n)
        .map(|i| {
            let spread = [12.0, 3.0, 0.5][i as usize % 3];
            let (east, north) = (random() + random() - 1.0, random() + random() - 1.0);
            let lat = (lat + spread * north).clamp(-85.0, 85.0);
            let lon = lon + spread * east / lat.to_radians().cos();
            let weight = (i % 8) as f32 + if signed { -4.0 } else { 1.0 };
            Point::from_lon_lat(lon, lat, weight).unwrap()
        })
        .collect()
}

/// The points, projected one by one, as an index of the projection's square.
fn one_by_one(points: &[Point], projection: &EqualArea) -> Points {
    let placed = points.iter().filter_map(|p| {
        let lon = mercator::longitude(f64::from(p.x));
        let lat = mercator::latitude(f64::from(p.y));
        let [x, y] = projection.place(lon, lat)?;
        let inside = |c: f64| (0.0..WORLD).contains(&c);
        (inside(x) && inside(y)).then_some(Point {
            x: x as u32,
            y: y as u32,
            weight: p.weight,
        })
    });
    Points::from_slice(&placed.collect::<Vec<_>>())
}

fn style(words: &[(&str, &str)]) -> Style {
    let mut style = Style::default();
    style.set_all(words.iter().copied()).unwrap();
    style
}

fn layer(points: &[Point], style: &Style) -> Arc<Layer> {
    Arc::new(Layer::on_cpu(
        "crowd",
        Points::from_slice(points),
        style.clone(),
    ))
}

/// The window of 256 pixels around the middle of the square at a zoom, moved by some pixels.
fn window(zoom: u8, x: i64, y: i64) -> Window {
    let middle = 1i64 << (zoom + 7);
    Window::at_level(zoom + 8, middle - 128 + x, middle - 128 + y, 256, 256)
}

fn peak(density: &Density) -> f32 {
    density.values.iter().fold(0.0, |most, v| most.max(v.abs()))
}

/// The greatest difference as a part of the greatest value.
fn apart(a: &Density, b: &Density) -> f32 {
    let each = a.values.iter().zip(&b.values);
    each.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / peak(b)
}

#[test]
fn densities_are_those_of_projected_points() {
    for (lon, lat) in [(10.0, 52.0), (179.5, -40.0), (20.0, 84.0)] {
        let (points, signed) = (
            crowd(lon, lat, 60_000, false),
            crowd(lon, lat, 60_000, true),
        );
        let projection = Arc::new(EqualArea { lon, lat });
        for (points, words) in [
            (&points, &[("radius", "16px")][..]),
            (&points, &[("radius", "5px"), ("kernel", "quartic")]),
            (&points, &[("radius", "40px"), ("kernel", "triweight")]),
            (&points, &[("radius", "16px"), ("measure", "mean")]),
            (&points, &[("radius", "16px"), ("measure", "count")]),
            (&points, &[("radius", "20px"), ("kernel", "epanechnikov")]),
            (&points, &[("radius", "9px"), ("kernel", "epanechnikov")]),
            (&signed, &[("radius", "16px")]),
        ] {
            let style = style(words);
            let base = layer(points, &style);
            let projected = ProjectedLayer::new(&base, Arc::clone(&projection) as _).unwrap();
            let oracle = one_by_one(points, &projection);
            let oracle = Layer::on_cpu("oracle", oracle, style.clone());
            for zoom in [0, 2, 5, 8] {
                let window = window(zoom, 31, -17);
                let drawn = projected.map(window).density();
                let wanted = oracle.map(View::from(window)).density();
                let off = apart(&drawn, &wanted);
                assert!(off < 1.0 / 256.0, "{lon} {words:?} zoom {zoom}: {off}");
                // A mean has no value where its support ends, where rounding decides.
                let each = drawn.values.iter().zip(&wanted.values);
                let torn = each.filter(|(a, b)| a.is_nan() != b.is_nan()).count();
                assert!(torn <= 60, "{lon} {words:?} zoom {zoom}: {torn}");
            }
        }
    }
}

#[test]
fn pictures_that_overlap_are_equal() {
    for (lon, lat) in [(10.0, 52.0), (179.9, -40.0)] {
        let points = crowd(lon, lat, 30_000, false);
        let projection: Arc<dyn Projection> = Arc::new(EqualArea { lon, lat });
        for words in [
            &[("radius", "16px")][..],
            &[("radius", "10px"), ("kernel", "epanechnikov")],
            &[("radius", "3px"), ("kernel", "quartic")],
        ] {
            let base = layer(&points, &style(words));
            let projected = ProjectedLayer::new(&base, Arc::clone(&projection)).unwrap();
            for zoom in [1, 4, 7] {
                let whole = projected.map(window(zoom, 0, 0)).density();
                let part = projected.map(window(zoom, 100, 60)).density();
                // Discs are sums along rows, which begin at the edge of a picture that is no tile.
                let is_smooth = words.iter().all(|(_, value)| *value != "epanechnikov");
                let most = if is_smooth { 0.0 } else { 1e-6 * peak(&whole) };
                for row in 0..256 - 60 {
                    let there = &whole.values[(row + 60) * 256 + 100..(row + 61) * 256];
                    let here = &part.values[row * 256..row * 256 + 156];
                    let apart = there.iter().zip(here).map(|(a, b)| (a - b).abs());
                    let apart = apart.fold(0.0, f32::max);
                    assert!(
                        apart <= most,
                        "{lon} {words:?} zoom {zoom}, row {row}: {apart}"
                    );
                }
            }
        }
    }
}

#[test]
fn metres_have_the_values_and_colours_of_web_mercator() {
    let (lon, lat) = (10.0, 52.0);
    let points = crowd(lon, lat, 60_000, false);
    let projection: Arc<dyn Projection> = Arc::new(EqualArea { lon, lat });
    for measure in ["sum", "sum_per_km2"] {
        let style = style(&[("radius", "20km"), ("measure", measure)]);
        let base = layer(&points, &style);
        let projected = ProjectedLayer::new(&base, Arc::clone(&projection)).unwrap();
        let window = window(5, 0, 0);
        projected.check(window, &style).unwrap();
        let view = projected.view(window);
        // A view of Web Mercator around the same place, with pixels of the same size.
        let pixel = WORLD
            / (view.level().below() as f64 + view.level().above().map_or(0.0, |a| a.1)).exp2();
        let at = mercator::project(lon, lat).unwrap();
        let corner = |c: u32| f64::from(c) - 128.0 * pixel;
        let there = View::from(Window::new(corner(at.x), corner(at.y), pixel, 256, 256));
        let (here, there_density) = (projected.map(window).density(), base.map(there).density());
        let peak = peak(&there_density);
        for (x, y) in [(128, 128), (118, 131), (140, 120)] {
            let (a, b) = (here.values[y * 256 + x], there_density.values[y * 256 + x]);
            assert!((a - b).abs() < peak / 40.0, "{measure} {x},{y}: {a} {b}");
        }
        let (a, b) = (
            projected
                .layer()
                .normalizer_at(style.level_in(view), &style),
            base.normalizer_at(style.level_in(there), &style),
        );
        assert_eq!(a.domain(), b.domain());
        // At a whole level too, as legends have it.
        let whole = |layer: &Layer| layer.normalizer(13, &style).domain();
        assert_eq!(whole(projected.layer()), whole(&base));
    }
}

#[test]
fn what_can_not_be_drawn_is_refused() {
    let points = crowd(10.0, 52.0, 100, false);
    let base = layer(&points, &Style::default());
    let far: Arc<dyn Projection> = Arc::new(EqualArea {
        lon: -170.0,
        lat: -52.0,
    });
    assert_eq!(
        ProjectedLayer::new(&base, far).err(),
        Some(ProjectedError::Elsewhere)
    );
    let near: Arc<dyn Projection> = Arc::new(EqualArea {
        lon: 10.0,
        lat: 52.0,
    });
    let projected = ProjectedLayer::new(&base, near).unwrap();
    let check = |words: &[(&str, &str)]| projected.check(window(5, 0, 0), &style(words)).err();
    assert_eq!(check(&[("radius", "16px")]), None);
    assert_eq!(check(&[("scale", "local")]), Some(ProjectedError::Local));
    assert!(matches!(
        check(&[("radius", "4000km")]),
        Some(ProjectedError::Wide { .. })
    ));
}
