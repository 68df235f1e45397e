//! Static maps in projected coordinate systems.

use super::size::PixelSize;
use heatsplat::loader::{PlaneCrs, ProjectedSquare};
use heatsplat::points::mercator::WORLD;
use heatsplat::points::{LonLatBox, Window};
use heatsplat::render::View;
use heatsplat::render::encode::Georeference;
use std::sync::Arc;

/// The side of the projection's square, as a multiple of the longer side of the box that is drawn.
/// Points beside the picture whose splats reach into it must lie in the square. A choice.
const SQUARE: f64 = 8.0;

/// The number of places along each side of a box that are projected to find the box's extent: a
/// choice. Sides are curved in most projections.
const PLACES: u32 = 65;

/// The part of a projected coordinate system that a static map shows.
pub(super) struct ProjectedMap {
    pub(super) square: Arc<ProjectedSquare>,
    /// The view in the system's square.
    pub(super) view: View,
}

impl ProjectedMap {
    /// The map of a box at a size. An error is a pair: the flag that causes it, and the message.
    pub(super) fn new(
        crs: PlaneCrs,
        bounds: LonLatBox,
        size: PixelSize,
    ) -> Result<Self, (&'static str, String)> {
        let Some([west, south, east, north]) = extent(&crs, bounds) else {
            let [west, south, east, north] = bounds.edges();
            let message = format!(
                "EPSG:{} has no place for most of the box {west:.3},{south:.3},{east:.3},{north:.3}; \
                 give a --bbox in its area",
                crs.code()
            );
            return Err(("--projection", message));
        };
        let (width, height) = (east - west, north - south);
        let rows = size.height_of(height / width)?;
        let pixel = (width / f64::from(size.width)).max(height / f64::from(rows));
        let middle = [(west + east) / 2.0, (south + north) / 2.0];
        let side = SQUARE * pixel * f64::from(size.width.max(rows));
        let [x, y] = middle;
        let corner = [x - side / 2.0, y + side / 2.0];
        let square = ProjectedSquare::new(crs, corner, side);
        let pixel = pixel / square.unit();
        let at = |pixels: u32| WORLD / 2.0 - pixel * f64::from(pixels) / 2.0;
        let window = Window::new(at(size.width), at(rows), pixel, size.width, rows);
        Ok(Self {
            square: Arc::new(square),
            view: View::new(window, size.ratio),
        })
    }

    /// The place of the map for GIS programs.
    pub(super) fn georeference(&self) -> Georeference {
        let window = self.view.window();
        let [west, north] = self.square.position([window.left(), window.top()]);
        Georeference {
            epsg: self.square.crs().code(),
            west,
            north,
            pixel: window.pixel() * self.square.unit(),
        }
    }
}

/// The west, south, east and north edge, in a system's coordinates, of a box in degrees; `None` if
/// the system has no place for half of the box or more.
fn extent(crs: &PlaneCrs, bounds: LonLatBox) -> Option<[f64; 4]> {
    let [west, south, east, north] = bounds.edges();
    let at = |from: f64, to: f64, i: u32| from + (to - from) * f64::from(i) / f64::from(PLACES - 1);
    let places = (0..PLACES * PLACES).map(|i| (i % PLACES, i / PLACES));
    let projected = places
        .filter_map(|(x, y)| crs.project(at(west, east, x), at(south, north, y)))
        .collect::<Vec<_>>();
    if projected.len() as u32 <= PLACES * PLACES / 2 {
        return None;
    }
    let start = [f64::MAX, f64::MAX, f64::MIN, f64::MIN];
    let edges = projected.iter().fold(start, |[w, s, e, n], [x, y]| {
        [w.min(*x), s.min(*y), e.max(*x), n.max(*y)]
    });
    let [west, south, east, north] = edges;
    (east > west && north > south).then_some(edges)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: PixelSize = PixelSize {
        width: 400,
        height: None,
        ratio: 1,
        dpi: None,
    };

    #[test]
    fn a_box_is_shown_whole_in_its_shape() {
        let crs = PlaneCrs::from_epsg(25832).unwrap();
        let bounds = LonLatBox::new(6.0, 47.0, 15.0, 55.0).unwrap();
        let map = ProjectedMap::new(crs, bounds, SIZE).unwrap();
        let place = map.georeference();
        let window = map.view.window();
        // As gdaltransform projects the corners and the middle of the southern side.
        let (east, south) = (
            place.west + place.pixel * 400.0,
            place.north - place.pixel * f64::from(window.height()),
        );
        assert!((place.west - 271_944.0).abs() < 1500.0, "{}", place.west);
        assert!((east - 956_214.0).abs() < 1500.0, "{east}");
        assert!((south - 5_205_200.0).abs() < 1500.0, "{south}");
        assert!(window.height() > 500 && window.height() < 560);
    }
}
