//! Viewports: the boxes of a picture in a layer's unit, and the values of a query's tokens for the
//! picture.

use super::coordinates::{CoordinateUnit, Sides};
use super::template::TokenValues;
use heatsplat_points::mercator::{self, EQUATOR_METRES, WORLD};
use heatsplat_points::{MAX_ZOOM, Point, Window};

/// The width of a screen's pixel in metres, by which the OGC defines scale denominators.
const SCREEN_PIXEL: f64 = 0.000_28;

/// A picture with a margin, or the part of it that lies on one side of the meridian of ±180°.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Viewport {
    window: Window,
    /// Left, top, right and bottom of the part, with the margin, in world units: the Web-Mercator
    /// square is 2³² units wide, and y points down. The part lies within the square.
    sides: [f64; 4],
    margin: u32,
}

impl Viewport {
    /// The parts of a picture with its margin. There are two parts if it crosses the meridian of
    /// ±180°, and none if it lies beyond the map's north or south edge.
    pub(crate) fn for_window(window: Window, margin: u32) -> Vec<Self> {
        let wide = window.grown(margin);
        let (top, bottom) = (wide.top().max(0.0), wide.bottom().min(WORLD));
        if top >= bottom {
            return Vec::new();
        }
        let width = wide.right() - wide.left();
        let left = wide.left().rem_euclid(WORLD);
        let spans = if width >= WORLD {
            vec![(0.0, WORLD)]
        } else if left + width > WORLD {
            vec![(left, WORLD), (0.0, left + width - WORLD)]
        } else {
            vec![(left, left + width)]
        };
        let view = |(left, right)| Self {
            window,
            sides: [left, top, right, bottom],
            margin,
        };
        spans.into_iter().map(view).collect()
    }

    /// The box of this part of the picture, in degrees: west, south, east and north.
    pub(crate) fn degrees(&self) -> Sides {
        in_unit(CoordinateUnit::Degrees, self.sides)
    }

    /// Returns true if a point belongs to this part of a picture and not to the picture's other
    /// part. The parts meet at the meridian of ±180°. A point on it belongs to the part whose query
    /// finds it. If the point's longitude is written as 180°, `east` must be true: then it belongs
    /// to the part at the eastern end of the world. If it is written as −180°, it belongs to the
    /// part at the western end.
    pub(crate) fn holds(&self, point: &Point, east: bool) -> bool {
        let [left, _, right, _] = self.sides;
        if point.x == 0 {
            return if east { right == WORLD } else { left == 0.0 };
        }
        (left..right).contains(&f64::from(point.x))
    }

    /// The boxes to search for a picture's rows. `views` are the parts of the picture, and the
    /// boxes are in the unit of the layer's stored coordinates, `unit`. A longitude may be stored
    /// 360° higher or lower (190° for −170°), so each box is repeated 360° to the west and 360° to
    /// the east. An empty list means that no box restricts the search: the picture shows the whole
    /// world, and all rows match.
    pub(crate) fn written(views: &[Self], unit: CoordinateUnit) -> Vec<Sides> {
        if views
            .iter()
            .any(|view| view.sides == [0.0, 0.0, WORLD, WORLD])
        {
            return Vec::new();
        }
        let turned = |turn: f64, [left, top, right, bottom]: Sides| {
            [left + turn * WORLD, top, right + turn * WORLD, bottom]
        };
        let turns = [-1.0, 0.0, 1.0].into_iter();
        let mut all: Vec<Sides> = turns
            .flat_map(|turn| views.iter().map(move |view| turned(turn, view.sides)))
            .collect();
        all.sort_by(|a, b| a[0].total_cmp(&b[0]));
        // Two boxes that meet at ±180° are joined to one.
        all.dedup_by(|next, last| {
            let meet = last[2] == next[0];
            if meet {
                last[2] = next[2];
            }
            meet
        });
        all.into_iter().map(|sides| in_unit(unit, sides)).collect()
    }

    /// The number of grid cells that cover this part of the picture, its margin included; it need
    /// not be whole. `cell` is the width of a grid cell in pixels.
    pub(crate) fn cells(&self, cell: f64) -> f64 {
        let [left, top, right, bottom] = self.sides;
        let side = self.window.pixel() * cell;
        ((right - left) / side) * ((bottom - top) / side)
    }

    /// The values of a query's tokens for this part of the picture. Coordinates are in `unit`.
    /// `cell` is the width, in pixels, of a grid cell whose rows may be summed; `None` means half a
    /// pixel.
    pub(crate) fn values(&self, unit: CoordinateUnit, cell: Option<f64>) -> TokenValues {
        let window = &self.window;
        let [left, top, right, bottom] = self.sides;
        let bbox = in_unit(unit, self.sides);
        let inner = [
            window.left().rem_euclid(WORLD).max(left),
            window.top().max(top),
            (window.left().rem_euclid(WORLD) + window.right() - window.left()).min(right),
            window.bottom().min(bottom),
        ];
        let pixels = |from: f64, to: f64| ((to - from) / window.pixel()).max(1e-9);
        let [west, south, east, north] = bbox;
        let pixel = [
            (east - west) / pixels(left, right),
            (north - south) / pixels(top, bottom),
        ];
        let cell = cell.unwrap_or(0.5);
        let zoom = window.zoom().round().clamp(0.0, f64::from(MAX_ZOOM));
        let tile = |at: f64| {
            let side = WORLD / zoom.exp2();
            (at / side).floor().clamp(0.0, zoom.exp2() - 1.0) as i32
        };
        let middle = |a: f64, b: f64| (a + b) / 2.0;
        TokenValues {
            bbox,
            unbuffered: in_unit(unit, inner),
            pixel,
            scale_denominator: window.pixel() / WORLD * EQUATOR_METRES / SCREEN_PIXEL,
            zxy: [
                zoom as i32,
                tile(middle(window.left(), window.right()).rem_euclid(WORLD)),
                tile(middle(window.top(), window.bottom())),
            ],
            cell: cell * pixel[0],
        }
    }
}

/// Converts left, top, right and bottom in world units to west, south, east and north in `unit`.
fn in_unit(unit: CoordinateUnit, [left, top, right, bottom]: [f64; 4]) -> [f64; 4] {
    match unit {
        CoordinateUnit::Degrees => [
            mercator::longitude(left),
            mercator::latitude(bottom),
            mercator::longitude(right),
            mercator::latitude(top),
        ],
        CoordinateUnit::Metres => [
            (left / WORLD - 0.5) * EQUATOR_METRES,
            (0.5 - bottom / WORLD) * EQUATOR_METRES,
            (right / WORLD - 0.5) * EQUATOR_METRES,
            (0.5 - top / WORLD) * EQUATOR_METRES,
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heatsplat_points::TileId;

    fn tile(z: u8, x: u32, y: u32) -> Window {
        Window::tile(TileId::new(z, x, y).unwrap(), 256)
    }

    #[test]
    fn a_tile_in_metres_is_what_everybody_says_it_is() {
        let [view] = Viewport::for_window(tile(3, 5, 2), 0)[..] else {
            panic!("one box");
        };
        let values = view.values(CoordinateUnit::Metres, None);
        let expected = [
            5_009_377.085_697,
            5_009_377.085_697,
            10_018_754.171_394,
            10_018_754.171_394,
        ];
        for (got, expected) in values.bbox.iter().zip(expected) {
            assert!((got - expected).abs() < 1e-3, "{got} {expected}");
        }
        assert_eq!(values.bbox, values.unbuffered);
        assert_eq!(values.zxy, [3, 5, 2]);
        assert!((values.pixel[0] - 19_567.879_241).abs() < 1e-3);
        assert!((values.scale_denominator - 69_885_283.004).abs() < 1.0);
    }

    #[test]
    fn margins_reach_across_the_date_line_and_stop_at_the_poles() {
        let views = Viewport::for_window(tile(2, 3, 0), 16);
        let boxes: Vec<_> = views
            .iter()
            .map(|v| v.values(CoordinateUnit::Degrees, None).bbox)
            .collect();
        assert_eq!(boxes.len(), 2);
        assert_eq!((boxes[0][0], boxes[0][2]), (84.375, 180.0));
        assert_eq!((boxes[1][0], boxes[1][2]), (-180.0, -174.375));
        assert!((boxes[0][3] - mercator::MAX_LATITUDE).abs() < 1e-9);
        let world = Viewport::for_window(tile(0, 0, 0), 16);
        assert_eq!(world.len(), 1);
        let beyond = Window::at_level(8, 0, -999, 256, 256);
        assert!(Viewport::for_window(beyond, 16).is_empty());
    }

    #[test]
    fn longitudes_may_be_written_a_turn_more_or_less() {
        let written = |views: &[Viewport], unit| -> Vec<[f64; 2]> {
            let all = Viewport::written(views, unit).into_iter();
            all.map(|[west, _, east, _]| [west, east].map(f64::round))
                .collect()
        };
        let inside = Viewport::for_window(tile(2, 2, 1), 0);
        let expected = [[-360.0, -270.0], [0.0, 90.0], [360.0, 450.0]];
        assert_eq!(written(&inside, CoordinateUnit::Degrees), expected);
        let across = Viewport::for_window(Window::at_level(8, 192, 64, 128, 64), 0);
        let expected = [
            [-540.0, -450.0],
            [-270.0, -90.0],
            [90.0, 270.0],
            [450.0, 540.0],
        ];
        assert_eq!(written(&across, CoordinateUnit::Degrees), expected);
        let metres = written(&across, CoordinateUnit::Metres);
        assert_eq!(metres[2], [10_018_754.0, 30_056_263.0]);
        // This picture goes all around the world but doesn't reach its north and south edge.
        let around = Viewport::for_window(Window::at_level(8, 0, 64, 256, 64), 0);
        assert_eq!(written(&around, CoordinateUnit::Degrees), [[-540.0, 540.0]]);
        assert!(
            Viewport::written(
                &Viewport::for_window(tile(0, 0, 0), 9),
                CoordinateUnit::Degrees
            )
            .is_empty()
        );
    }

    #[test]
    fn a_point_is_in_one_of_a_pictures_boxes() {
        let views = Viewport::for_window(tile(3, 7, 3), 40);
        assert_eq!(views.len(), 2);
        for lon in [179.0, 180.0, -180.0, -179.0, 150.0, 540.0, -190.0] {
            let point = Point::from_lon_lat(lon, 5.0, 1.0).unwrap();
            let within = |view: &&Viewport| view.holds(&point, lon > 0.0);
            assert_eq!(views.iter().filter(within).count(), 1, "{lon}");
        }
    }
}
