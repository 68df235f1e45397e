//! Views: windows of the map, each with a device pixel ratio.

use crate::scale::level::Level;
use heatsplat_points::mercator::WORLD;
use heatsplat_points::{LonLatBox, TileId, Window, WindowError};
use std::ops::Range;

/// The size of a tile's picture: its CSS pixels, and the pixels for each of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TileSize {
    /// The width and the height of the tile in CSS pixels: 256 or 512.
    css: u32,
    /// The device pixel ratio, pixels for each CSS pixel: 1 or 2.
    ratio: u32,
}

impl TileSize {
    /// 256 × 256 pixels at a device pixel ratio of 1.
    pub const NORMAL: Self = Self { css: 256, ratio: 1 };
    /// 512 × 512 pixels that show the same map as [`NORMAL`](Self::NORMAL), for screens with a
    /// device pixel ratio of 2.
    pub const RETINA: Self = Self { css: 256, ratio: 2 };

    /// A tile of 256 or 512 CSS pixels at a device pixel ratio of 1 or 2; `None` for other numbers.
    pub fn new(css: u32, ratio: u32) -> Option<Self> {
        (matches!(css, 256 | 512) && matches!(ratio, 1 | 2)).then_some(Self { css, ratio })
    }

    /// The width and the height of the tile's picture in pixels.
    pub fn pixels(self) -> u32 {
        self.css * self.ratio
    }

    /// The device pixel ratio: pixels for each CSS pixel.
    pub fn ratio(self) -> u32 {
        self.ratio
    }

    /// The level of tiles of zoom `z`. At a level the world is 2^level CSS pixels wide.
    pub(crate) fn css_level(self, z: u8) -> u8 {
        z + self.css.ilog2() as u8
    }
}

/// A part of the map as a picture: a window and a device pixel ratio.
///
/// If a static picture is wider than the world, only the columns of one copy of the world show the
/// map, and the columns beside it stay empty. But if the requested box is itself wider than the
/// world, all of the box is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    window: Window,
    ratio: u32,
    /// The first column of the window that shows the map, counted from 0 at the window's left edge.
    first: u32,
    /// The column after the last one that shows the map, counted from 0 at the window's left edge.
    end: u32,
    ground: Option<PlaneGround>,
}

/// The size of the square of a projection on the ground, for a view in that square. A view in Web
/// Mercator has none: there sizes differ from row to row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PlaneGround {
    /// The number of metres on the ground that a world unit of the square spans.
    pub(crate) metres_per_unit: f64,
    /// The difference between the levels of Web Mercator and of the square at which a pixel has the
    /// same size on the ground, at the middle of the layer.
    pub(crate) level_shift: f64,
    /// The least and the greatest length of a metre in the area of the layer, as fractions of its
    /// length at the layer's middle.
    pub(crate) range: (f64, f64),
}

impl View {
    /// A view of a window, all of whose columns show the map. The device pixel ratio is 1, or 2 for
    /// `@2x`.
    pub fn new(window: Window, ratio: u32) -> Self {
        Self {
            window,
            ratio,
            first: 0,
            end: window.width(),
            ground: None,
        }
    }

    /// A view in the square of a projection.
    pub(crate) fn on_ground(self, ground: PlaneGround) -> Self {
        Self {
            ground: Some(ground),
            ..self
        }
    }

    /// The size of the square on the ground; `None` for a view in Web Mercator.
    pub(crate) fn ground(&self) -> Option<PlaneGround> {
        self.ground
    }

    /// A view of another window with the device pixel ratio of this one. All its columns show the
    /// map.
    pub(crate) fn with_window(&self, window: Window) -> Self {
        Self {
            ground: self.ground,
            ..Self::new(window, self.ratio)
        }
    }

    /// The view of a box in a picture of `width` × `height` CSS pixels. If the box has another
    /// aspect ratio than the picture, the view shows more than the box, around the same centre.
    ///
    /// # Errors
    /// The errors of [`Window::around`].
    pub fn around(
        bounds: LonLatBox,
        width: u32,
        height: u32,
        ratio: u32,
    ) -> Result<Self, WindowError> {
        let side = |css: u32| css.checked_mul(ratio).ok_or(WindowError::Size);
        Self::around_pixels(bounds, side(width)?, side(height)?, ratio)
    }

    /// The view of a box, like [`around`](Self::around), but `width` and `height` are pixels of the
    /// picture and not CSS pixels. So the picture's width need not be a multiple of the device
    /// pixel ratio.
    ///
    /// # Errors
    /// The errors of [`Window::around`].
    pub fn around_pixels(
        bounds: LonLatBox,
        width: u32,
        height: u32,
        ratio: u32,
    ) -> Result<Self, WindowError> {
        let window = Window::around(bounds, width, height)?;
        let [left, _, right, _] = bounds.world_edges();
        let half = (right - left).max(WORLD) / 2.0;
        let middle = (left + right) / 2.0;
        // A column shows the map if its centre lies in the box, or at most half the world's width
        // from the box's middle.
        let column = |x: f64| {
            let column = ((x - window.left()) / window.pixel() - 0.5).ceil();
            column.clamp(0.0, f64::from(window.width())) as u32
        };
        Ok(Self {
            window,
            ratio,
            first: column(middle - half),
            end: column(middle + half),
            ground: None,
        })
    }

    /// The view of a tile in a picture of the given size.
    pub fn tile(tile: TileId, size: TileSize) -> Self {
        Self::new(Window::tile(tile, size.pixels()), size.ratio())
    }

    /// The view of some rows of this view: `count` rows, beginning with row `first`, counted from 0
    /// at the top.
    #[must_use]
    pub fn rows(&self, first: u32, count: u32) -> Self {
        let window = self.window.part(0, first, self.window.width(), count);
        Self { window, ..*self }
    }

    /// The window: the part of the world that the picture shows, divided into the picture's pixels.
    pub fn window(&self) -> Window {
        self.window
    }

    /// The device pixel ratio: pixels for each CSS pixel.
    pub fn ratio(&self) -> u32 {
        self.ratio
    }

    /// The level of the view: at level L the world is 2ᴸ CSS pixels wide. For a view in the square
    /// of another projection it is the level of Web Mercator at which a pixel is as large on the
    /// ground, at the middle of the layer.
    pub fn level(&self) -> Level {
        self.level_of(self.window.pixel() * f64::from(self.ratio))
    }

    /// The level of Web Mercator for pixels of a size, in world units of the view's square.
    pub(crate) fn level_of(&self, pixel: f64) -> Level {
        match self.ground {
            None => Level::from_pixel(pixel),
            Some(ground) => Level::from_pixel(pixel / ground.level_shift.exp2()),
        }
    }

    /// The columns of the window that show the map, counted from 0 at the left. The other columns
    /// stay empty.
    pub fn columns(&self) -> Range<u32> {
        self.first..self.end
    }

    /// Sets the pixels in all columns that don't show the map to `nothing`. `pixels` has the pixels
    /// of the view's window, row by row.
    pub fn clear_beside<T: Copy>(&self, pixels: &mut [T], nothing: T) {
        let width = self.window.width() as usize;
        if self.columns() == (0..self.window.width()) || width == 0 {
            return;
        }
        for row in pixels.chunks_exact_mut(width) {
            let (shown, right) = row.split_at_mut(self.end as usize);
            let (left, _) = shown.split_at_mut(self.first.min(self.end) as usize);
            left.fill(nothing);
            right.fill(nothing);
        }
    }
}

impl From<Window> for View {
    /// A view with one pixel for each CSS pixel.
    fn from(window: Window) -> Self {
        Self::new(window, 1)
    }
}

/// The zoom of 256 px tiles at which CSS pixels are `css_pixel` world units wide. It need not be a
/// whole number.
pub(crate) fn zoom_of(css_pixel: f64) -> f64 {
    (WORLD / css_pixel).log2() - 8.0
}

/// The height of a box on the Mercator map divided by its width.
///
/// # Errors
/// The errors of [`Window::around`].
pub fn height_to_width(bounds: LonLatBox) -> Result<f64, WindowError> {
    Window::around(bounds, 1, 1)?;
    let [left, top, right, bottom] = bounds.world_edges();
    Ok((bottom - top) / (right - left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_is_shown_once_unless_more_is_asked_for() {
        let columns = |edges: [f64; 4], width, height| {
            let view = View::around(edges.try_into().unwrap(), width, height, 1).unwrap();
            view.columns()
        };
        assert_eq!(columns(LonLatBox::WORLD.edges(), 1000, 200), 400..600);
        assert_eq!(columns(LonLatBox::WORLD.edges(), 200, 200), 0..200);
        assert_eq!(columns([170.0, -60.0, 190.0, 60.0], 2000, 100).len(), 238);
        assert_eq!(columns([0.0, 40.0, 10.0, 50.0], 300, 200), 0..300);
        // A box that is one and a half worlds wide is shown whole.
        assert_eq!(columns([-270.0, -85.06, 270.0, 85.06], 600, 200), 150..450);
        assert_eq!(columns([-270.0, -10.0, 270.0, 10.0], 300, 20), 0..300);
        let view = View::around(LonLatBox::WORLD, 4, 2, 1).unwrap();
        let mut pixels = [1, 2, 3, 4, 5, 6, 7, 8];
        view.clear_beside(&mut pixels, 0);
        assert_eq!(pixels, [0, 2, 3, 0, 0, 6, 7, 0]);
    }

    #[test]
    fn sizes_that_overflow_are_refused() {
        let around = |width, ratio| View::around(LonLatBox::WORLD, width, 1, ratio);
        assert_eq!(around(u32::MAX, 2), Err(WindowError::Size));
        assert_eq!(around(0, 1), Err(WindowError::Size));
    }
}
