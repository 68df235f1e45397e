//! The sets of points that most tests draw.

use crate::reference::LonLat;
use heatsplat::{Layer, Points, Style};

/// A small random number generator (SplitMix64). Its numbers follow from its seed, so the scenes
/// are the same on every machine.
pub struct Dice(pub u64);

impl Dice {
    /// A number that is at least 0 and less than 1.
    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number between `low` and `high`.
    pub fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A number with nearly a normal distribution, of mean 0 and standard deviation 1.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// All scenes, each with its name.
pub fn all() -> Vec<(&'static str, Vec<LonLat>)> {
    let mut dice = Dice(7);
    let mut scene =
        |n: usize, f: &dyn Fn(&mut Dice) -> LonLat| (0..n).map(|_| f(&mut dice)).collect();
    vec![
        ("lone", vec![(12.345, 47.111, 1.0)]),
        (
            "sparse",
            scene(40, &|d| {
                (d.within(-180.0, 180.0), d.within(-80.0, 80.0), 1.0)
            }),
        ),
        (
            "dense",
            scene(8_000, &|d| {
                (d.within(-40.0, 40.0), d.within(-40.0, 40.0), 1.0)
            }),
        ),
        (
            "clustered",
            scene(2_000, &|d| {
                let (lon, lat) =
                    [(13.4, 52.5), (-0.1, 51.5), (2.3, 48.9)][(d.unit() * 3.0) as usize];
                (
                    lon + d.normal() * 0.8,
                    lat + d.normal() * 0.4,
                    d.within(0.5, 3.0) as f32,
                )
            }),
        ),
        (
            "line",
            scene(2_000, &|d| {
                let t = d.unit();
                (-60.0 + 120.0 * t, 30.0 * (t * 9.0).sin(), 1.0)
            }),
        ),
        (
            "date line",
            scene(1_500, &|d| {
                let lon = 180.0 + d.normal() * 6.0;
                (
                    if lon > 180.0 { lon - 360.0 } else { lon },
                    d.within(-30.0, 30.0),
                    d.within(0.1, 4.0) as f32,
                )
            }),
        ),
        (
            "poles",
            scene(1_000, &|d| {
                let lat = d.within(80.0, 85.05);
                (
                    d.within(-180.0, 180.0),
                    if d.unit() < 0.5 { lat } else { -lat },
                    1.0,
                )
            }),
        ),
        (
            "signed",
            scene(3_000, &|d| {
                (
                    d.within(-30.0, 30.0),
                    d.within(-30.0, 30.0),
                    d.within(-2.0, 3.0) as f32,
                )
            }),
        ),
        (
            "stacked",
            scene(4_000, &|d| {
                (
                    (d.unit() * 6.0).floor() * 3.0,
                    (d.unit() * 6.0).floor() * 3.0,
                    1.0,
                )
            }),
        ),
    ]
}

/// Makes a layer of a scene's points.
pub fn layer(points: &[LonLat]) -> Layer {
    Layer::on_cpu(
        "scene",
        Points::from_lon_lat(points.iter().copied()).unwrap(),
        Style::default(),
    )
}

/// Makes a style from pairs of a parameter's name and its value.
pub fn style(words: &[(&str, &str)]) -> Style {
    let mut style = Style::default();
    for (name, value) in words {
        style.set(name, value).unwrap();
    }
    style
}

/// The kernels whose densities are computed by splines.
pub const SMOOTH: [&str; 3] = ["gaussian", "quartic", "triweight"];
/// The kernels that have an edge or a cusp.
pub const EDGED: [&str; 3] = ["epanechnikov", "triangular", "uniform"];

/// The style in which the program draws points if neither a flag nor a configuration sets a radius:
/// the radius is fitted to the points. A style whose radius isn't the default one is returned as it
/// is.
#[cfg(feature = "program")]
pub fn fitted(style: Style, points: &heatsplat::Points) -> Style {
    use heatsplat::render::Radius;
    if *style.radius() == Radius::default() {
        style.with_radius(Radius::for_points(points))
    } else {
        style
    }
}
