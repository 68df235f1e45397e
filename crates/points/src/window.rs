//! Windows: rectangles of pixels over the world square.

use crate::level;
use crate::lon_lat_box::LonLatBox;
use crate::mercator::{self, WORLD};
use crate::tile::TileId;

/// A rectangle of square pixels over the world, at any scale: the part of the map that a picture
/// shows.
///
/// A window may cross ±180°, since the world repeats endlessly in x. In y a window may reach beyond
/// the world square, where there are no points. Edges are in world units: 2⁻³² of the world's side.
/// In this unit an `f64` holds the borders of the pixels of every zoom exactly. So a point has
/// exactly the same position in its pixel in all windows whose pixels lie on one grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    left: f64,
    top: f64,
    pixel: f64,
    width: u32,
    height: u32,
}

/// The reason why a box can't be shown in a window.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WindowError {
    /// The box has no area: its west equals its east, or its south equals its north.
    #[error(
        "the bounding box is inside out: west must be below east and south below north; a box across \
         the date line has an east over 180, like 170,-10,190,10"
    )]
    InsideOut,
    /// The whole box lies outside the Mercator square.
    #[error("the bounding box lies outside the Web-Mercator square (latitude ±85.0511)")]
    Outside,
    /// The width or the height is 0 or more than [`Window::MAX_SIDE`] pixels.
    #[error("width and height must be from 1 to {} pixels", Window::MAX_SIDE)]
    Size,
}

impl Window {
    /// The greatest width and the greatest height of a window, in pixels.
    pub const MAX_SIDE: u32 = 1 << 15;

    /// Makes a window with its top left corner at (`left`, `top`) and with pixels whose side is
    /// `pixel`, all in world units. `pixel` must be positive.
    pub fn new(left: f64, top: f64, pixel: f64, width: u32, height: u32) -> Self {
        Self {
            left,
            top,
            pixel,
            width,
            height,
        }
    }

    /// Makes the window of a tile that is drawn as `size` × `size` pixels.
    pub fn tile(tile: TileId, size: u32) -> Self {
        let pixel = WORLD / (f64::from(size) * (1u64 << tile.z()) as f64);
        let side = pixel * f64::from(size);
        Self {
            left: f64::from(tile.x()) * side,
            top: f64::from(tile.y()) * side,
            pixel,
            width: size,
            height: size,
        }
    }

    /// Makes a window of some pixels of the world drawn 2^`level` pixels wide: those in columns
    /// `x..x+width` and rows `y..y+height`.
    pub fn at_level(level: u8, x: i64, y: i64, width: u32, height: u32) -> Self {
        let pixel = WORLD / (1u64 << level.min(40)) as f64;
        Self {
            left: x as f64 * pixel,
            top: y as f64 * pixel,
            pixel,
            width,
            height,
        }
    }

    /// Makes a window of `width` × `height` pixels that shows a whole box. If the box has another
    /// aspect ratio, the window also shows a strip on two opposite sides of the box.
    ///
    /// # Errors
    /// A [`WindowError`] if the box has no area on the map, if the width or the height is 0, or if
    /// either is more than [`MAX_SIDE`](Self::MAX_SIDE).
    pub fn around(bounds: LonLatBox, width: u32, height: u32) -> Result<Self, WindowError> {
        if bounds.west() >= bounds.east() || bounds.south() >= bounds.north() {
            return Err(WindowError::InsideOut);
        }
        if width == 0 || height == 0 || width > Self::MAX_SIDE || height > Self::MAX_SIDE {
            return Err(WindowError::Size);
        }
        let [left, top, right, bottom] = bounds.world_edges();
        if top >= bottom {
            return Err(WindowError::Outside);
        }
        let pixel = ((right - left) / f64::from(width)).max((bottom - top) / f64::from(height));
        let grown = |low: f64, high: f64, n: u32| (low + high - pixel * f64::from(n)) / 2.0;
        Ok(Self {
            left: grown(left, right, width),
            top: grown(top, bottom, height),
            pixel,
            width,
            height,
        })
    }

    /// Returns a window of this rectangle with smaller pixels: each pixel is divided into `factor`
    /// × `factor`.
    pub fn finer(self, factor: u32) -> Self {
        Self {
            pixel: self.pixel / f64::from(factor),
            width: self.width * factor,
            height: self.height * factor,
            ..self
        }
    }

    /// Returns a window that covers this rectangle with larger pixels, each of which covers
    /// `factor` × `factor` pixels of this window. So that the caller can align the larger pixels
    /// with a grid, the new window begins `phase.0` of this window's pixels further left, and
    /// `phase.1` of them further up.
    pub fn coarser(self, factor: u32, phase: (u32, u32)) -> Self {
        Self {
            left: self.left - self.pixel * f64::from(phase.0),
            top: self.top - self.pixel * f64::from(phase.1),
            pixel: self.pixel * f64::from(factor),
            width: (phase.0 + self.width).div_ceil(factor),
            height: (phase.1 + self.height).div_ceil(factor),
        }
    }

    /// Returns the window enlarged by `by` pixels on each of its four sides.
    pub fn grown(self, by: u32) -> Self {
        Self {
            left: self.left - self.pixel * f64::from(by),
            top: self.top - self.pixel * f64::from(by),
            width: self.width + 2 * by,
            height: self.height + 2 * by,
            ..self
        }
    }

    /// Returns a part of this window: `width` × `height` pixels of which the top left one is pixel
    /// (`x`, `y`) of this window.
    pub fn part(self, x: u32, y: u32, width: u32, height: u32) -> Self {
        Self {
            left: self.left + self.pixel * f64::from(x),
            top: self.top + self.pixel * f64::from(y),
            width,
            height,
            ..self
        }
    }

    /// Returns the x of the window's left edge in world units. Windows whose left edges differ by a
    /// multiple of the world's side show the same part of the map.
    pub fn left(&self) -> f64 {
        self.left
    }

    /// Returns the y of the window's top edge in world units.
    pub fn top(&self) -> f64 {
        self.top
    }

    /// Returns the side of one of the window's pixels in world units.
    pub fn pixel(&self) -> f64 {
        self.pixel
    }

    /// Returns the width of the window in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Returns the height of the window in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Returns the x of the window's right edge in world units.
    pub fn right(&self) -> f64 {
        self.left + self.pixel * f64::from(self.width)
    }

    /// Returns the y of the window's bottom edge in world units.
    pub fn bottom(&self) -> f64 {
        self.top + self.pixel * f64::from(self.height)
    }

    /// Returns the west, south, east and north edge in degrees. Longitudes are not wrapped to
    /// ±180°. If the window reaches beyond the world square in y, the latitude is that of the
    /// square's edge.
    pub fn bounds(&self) -> [f64; 4] {
        [
            mercator::longitude(self.left),
            mercator::latitude(self.bottom().min(WORLD)),
            mercator::longitude(self.right()),
            mercator::latitude(self.top.max(0.0)),
        ]
    }

    /// Returns true if each of the window's pixels is a pixel of the world drawn 2ᴸ pixels wide, L
    /// a whole number; the windows of tiles have such pixels. Then no cell of the pyramid that is
    /// at most a pixel wide crosses the border of a pixel.
    pub fn is_on_grid(&self) -> bool {
        let whole = |v: f64| v.fract() == 0.0;
        self.pixel <= WORLD
            && whole(self.pixel.log2())
            && whole(self.left / self.pixel)
            && whole(self.top / self.pixel)
    }

    /// Returns the zoom at which the pixels of 256 px tiles are as large as this window's pixels.
    /// It need not be a whole number.
    pub fn zoom(&self) -> f64 {
        level::zoom_of_pixel(self.pixel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(edges: [f64; 4], width: u32, height: u32) -> Result<Window, WindowError> {
        Window::around(LonLatBox::try_from(edges).unwrap(), width, height)
    }

    #[test]
    fn tiles_of_a_zoom_meet_exactly() {
        for z in 0..=24u8 {
            let last = (1u32 << z) - 1;
            for x in [0, last / 2, last] {
                let here = Window::tile(TileId::new(z, x, last).unwrap(), 256);
                let next =
                    Window::at_level(level::of_zoom(z), (i64::from(x) + 1) * 256, 0, 256, 256);
                assert_eq!(here.right(), next.left());
                assert_eq!(here.bottom(), WORLD);
            }
        }
    }

    #[test]
    fn a_box_is_shown_whole() {
        let w = around([-10.0, 40.0, 30.0, 60.0], 500, 500).unwrap();
        let [west, south, east, north] = w.bounds();
        assert!(west <= -10.0 && south <= 40.0 && east >= 30.0 && north >= 60.0);
        let w = around([170.0, -10.0, 190.0, 10.0], 200, 300).unwrap();
        assert!((w.bounds()[2] - 190.0).abs() < 1e-9);
    }

    #[test]
    fn impossible_boxes_are_refused() {
        for (edges, width, error) in [
            ([10.0, 0.0, 10.0, 5.0], 10, WindowError::InsideOut),
            ([0.0, 86.0, 1.0, 89.0], 10, WindowError::Outside),
            ([0.0, 0.0, 1.0, 1.0], 0, WindowError::Size),
        ] {
            assert_eq!(around(edges, width, 9), Err(error));
        }
    }
}
