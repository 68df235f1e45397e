//! The bounds of a layer's heat: the box around its points, enlarged by the distance that their
//! kernels reach.

use crate::layer::Layer;
use crate::splat::view::{TileSize, View};
use crate::style::Style;
use heatsplat_points::mercator::{self, WORLD};
use heatsplat_points::{LonLatBox, Window};
use std::ops::RangeInclusive;

/// The greatest number of iterations in [`edge`]. The search mostly ends much earlier; the limit
/// makes sure that it ends in any case.
const ITERATIONS: usize = 64;

impl Layer {
    /// The distance around a view, in the view's pixels, within which points can change the view's
    /// picture under the layer's own style. It is 1.25 times the distance that kernels reach, plus
    /// 4 pixels: points may be drawn together as cells, which lie at the points' mean position, and
    /// cells are deposited on a grid.
    pub fn margin_in(&self, view: impl Into<View>) -> f64 {
        self.margin_of(self.style(), view.into())
    }

    fn margin_of(&self, style: &Style, view: View) -> f64 {
        self.reach_of(style, view) * 1.25 + 4.0
    }

    /// The smallest box around all points, in degrees. If the layer compares two sets, the box is
    /// around the points of both sets. A box that crosses ±180° has an east over 180. `None` if
    /// there are no points.
    pub fn data_bounds(&self) -> Option<LonLatBox> {
        let own = self.points().summary().bounds;
        let other = self.data().versus().map(|(_, other)| other.points());
        let other = other.and_then(|points| points.summary().bounds);
        match (own, other) {
            (Some(own), Some(other)) => Some(own.union(other)),
            (one, other) => one.or(other),
        }
    }

    /// The box, in degrees, that contains every pixel with heat in the tiles of the given zooms. It
    /// is the box of the points, enlarged by the greatest distance that their kernels reach at any
    /// of these zooms; mostly that is the distance at the lowest zoom. `size` is the width and the
    /// height of a tile.
    ///
    /// A box that crosses ±180° has an east over 180. [`LonLatBox::within_180`] turns it into one
    /// that does not. `None` if there are no points.
    pub fn heat_bounds(
        &self,
        style: &Style,
        zooms: RangeInclusive<u8>,
        size: TileSize,
    ) -> Option<LonLatBox> {
        let points = self.data_bounds()?;
        let css = f64::from(size.pixels() / size.ratio());
        let heat = zooms.map(|z| {
            let pixel = WORLD / (css * (1u64 << z) as f64);
            self.reached(style, points, pixel)
        });
        heat.reduce(|a, b| {
            [
                a[0].min(b[0]),
                a[1].min(b[1]),
                a[2].max(b[2]),
                a[3].max(b[3]),
            ]
        })
        .map(|[west, south, east, north]| LonLatBox::on_the_map(west, south, east, north))
    }

    /// The box, in degrees, that contains the heat of all points within the box `points`, where a
    /// CSS pixel is `pixel` world units wide. The result is the west, south, east and north of this
    /// box; west may be below −180, and east over 180.
    fn reached(&self, style: &Style, points: LonLatBox, pixel: f64) -> [f64; 4] {
        // Kernels are widest, in world units, in the box's first or last row of pixels.
        let reach = |y: f64| {
            let row = Window::new(0.0, y - pixel / 2.0, pixel, 1, 1);
            self.margin_of(style, row.into()) * pixel
        };
        let [_, top, _, bottom] = points.world_edges();
        let top = edge(top, 0.0, reach);
        let bottom = edge(bottom, WORLD, reach);
        let wide = mercator::longitude(reach(top).max(reach(bottom))) + 180.0;
        [
            points.west() - wide,
            mercator::latitude(bottom),
            points.east() + wide,
            mercator::latitude(top),
        ]
    }
}

/// Finds the farthest y, in the direction of `end`, at which points at y = `points` add heat. All
/// lengths are in world units, and y is counted from the north. `end` is the map's northern or
/// southern edge; the result never lies beyond it. `reach(y)` is the distance at which points can
/// add heat to a pixel at y. With a radius in metres this distance grows towards the poles, so the
/// result is found by iteration.
fn edge(points: f64, end: f64, reach: impl Fn(f64) -> f64) -> f64 {
    if reach(end) >= (end - points).abs() {
        return end;
    }
    let toward = (end - points).signum();
    let (mut row, mut far) = (points, 0.0_f64);
    for _ in 0..ITERATIONS {
        let next = far.max(reach(row));
        if next - far < 1.0 {
            break;
        }
        far = next;
        row = (points + toward * far).clamp(0.0, WORLD);
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use heatsplat_points::Points;

    fn layer(points: &[(f64, f64)]) -> Layer {
        let points = points.iter().map(|&(lon, lat)| (lon, lat, 1.0));
        let points = Points::from_lon_lat(points).unwrap();
        Layer::on_cpu("a", points, Style::default())
    }

    fn style(words: &[(&str, &str)]) -> Style {
        let mut style = Style::default();
        for (name, value) in words {
            style.set(name, value).unwrap();
        }
        style
    }

    /// Checks that every pixel with heat lies in the bounds, and that the bounds are not much wider
    /// than needed.
    #[test]
    fn bounds_hold_all_heat_of_every_zoom() {
        for (points, words) in [
            (&[(10.0, 50.0), (12.0, 51.0)][..], &[][..]),
            (&[(10.0, 50.0)], &[("kernel", "uniform"), ("radius", "40")]),
            (
                &[(10.0, 65.0)],
                &[("kernel", "quartic"), ("radius", "900km")],
            ),
            (&[(-30.0, -70.0), (9.0, -3.0)], &[("radius", "300km")]),
            (&[(10.0, 50.0)], &[("radius", "0:4px,2:4px,3:100px")]),
            (
                &[(100.0, 0.0)],
                &[("overlap", "cover:0,8,0.1"), ("radius", "20")],
            ),
        ] {
            let (layer, style) = (layer(points), style(words));
            let size = TileSize::NORMAL;
            let bounds = layer.heat_bounds(&style, 0..=4, size).unwrap();
            let mut found = [180.0_f64, 90.0, -180.0, -90.0];
            for z in 0..=4u8 {
                let world = Window::at_level(z + 8, 0, 0, 256 << z, 256 << z);
                let picture = layer.map(world).style(&style).picture();
                let pixel = world.pixel();
                for (at, index) in picture.indices.iter().enumerate() {
                    let (x, y) = (at as u32 % (256 << z), at as u32 / (256 << z));
                    if *index > 0 {
                        let (lon, lat) = (
                            mercator::longitude((f64::from(x) + 0.5) * pixel),
                            mercator::latitude((f64::from(y) + 0.5) * pixel),
                        );
                        found[0] = found[0].min(lon);
                        found[1] = found[1].min(lat);
                        found[2] = found[2].max(lon);
                        found[3] = found[3].max(lat);
                    }
                }
            }
            let [west, south, east, north] = bounds.edges();
            let inside =
                west <= found[0] && south <= found[1] && east >= found[2] && north >= found[3];
            assert!(inside, "{words:?}: {bounds:?} {found:?}");
            let spare = [
                found[0] - west,
                found[1] - south,
                east - found[2],
                north - found[3],
            ];
            assert!(
                spare.iter().all(|&spare| spare < 35.0),
                "{words:?}: {spare:?}"
            );
        }
    }

    #[test]
    fn heat_across_180_is_on_both_sides() {
        let world = [-180.0, 180.0];
        for points in [&[(-179.0, 0.0)][..], &[(179.0, 0.0), (-179.0, 1.0)]] {
            let heat = layer(points).heat_bounds(&style(&[]), 0..=3, TileSize::NORMAL);
            let [west, south, east, north] = heat.unwrap().edges();
            assert!(
                (-180.0..=180.0).contains(&west) && east > 180.0,
                "{west} {east}"
            );
            let [west, _, east, _] = heat.unwrap().within_180().edges();
            assert_eq!([west, east], world);
            assert!(south > -45.0 && north < 45.0, "{south} {north}");
        }
        let none = layer(&[]).heat_bounds(&style(&[]), 0..=3, TileSize::NORMAL);
        assert_eq!(none, None);
        // A pixel spans fewer degrees at deeper zooms, and in larger tiles.
        let west = |zooms, css| {
            let size = TileSize::new(css, 1).unwrap();
            layer(&[(0.0, 0.0)])
                .heat_bounds(&style(&[]), zooms, size)
                .unwrap()
                .west()
        };
        assert!((west(0..=9, 256) / west(1..=9, 256) - 2.0).abs() < 1e-9);
        assert_eq!(west(0..=9, 512), west(1..=9, 256));
        // The bounds of a comparison include the points of the second set, too.
        let (here, there) = (layer(&[(0.0, 0.0)]), layer(&[(50.0, 10.0)]));
        let how = crate::style::measure::Comparison::Minus;
        let both = here.against(how, &there, "both", Style::default());
        assert!(
            both.heat_bounds(&style(&[]), 5..=6, TileSize::NORMAL)
                .unwrap()
                .east()
                > 50.0
        );
        assert_eq!(
            both.data_bounds().map(|b| b.edges().map(f64::round)),
            Some([0.0, 0.0, 50.0, 10.0])
        );
    }
}
