//! The costs of pictures, compared with those of other pictures in the same run.

use cpu_time::ThreadTime;
use heatsplat::{Layer, Points, Style, TileId};
use std::time::Duration;

/// The CPU time in which one thread draws the tile of the whole world: the least of nine
/// measurements.
fn took(layer: &Layer, kernel: &str, radius: f64) -> Duration {
    let radius = format!("{radius}px");
    let style = crate::scenes::style(&[("kernel", kernel), ("radius", &radius)]);
    let world = TileId::new(0, 0, 0).unwrap();
    let once = || {
        let from = ThreadTime::now();
        layer.tile(world).style(&style).density();
        from.elapsed()
    };
    (0..9).map(|_| once()).min().unwrap()
}

#[test]
fn narrow_kernels_cost_about_as_much_as_others() {
    let points = Points::from_lon_lat(heatsplat::generate::points(1_000_000, 1)).unwrap();
    let layer = Layer::on_cpu("speeds", points, Style::default());
    for kernel in ["gaussian", "quartic", "triweight"] {
        let radii = [0.5, 0.75, 1.0, 1.4, 1.5, 1.9, 2.0];
        let times = radii.map(|radius| took(&layer, kernel, radius).as_secs_f64());
        for (i, time) in times.iter().enumerate() {
            assert!(*time < 3.0 * times[6], "{kernel}: {times:?} at {radii:?}");
            let next = times[(i + 1).min(6)];
            assert!(
                time.max(next) < 2.0 * time.min(next),
                "{kernel}: {times:?} at {radii:?}"
            );
        }
    }
}
