//! What a static picture shows: a box of the map in pixels, and the world once.

use crate::layer::TileSize;
use crate::scale::level::Level;
use heatsplat_points::mercator::{WORLD, clamped_y, unwrapped_x};
use heatsplat_points::{TileId, Window, WindowError};
use std::ops::Range;

/// A box of the map as a picture of a size. A picture that is wider than the world shows it once,
/// with nothing beside it, unless the box is wider too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    window: Window,
    ratio: u32,
    first: u32,
    end: u32,
}

impl View {
    /// The view of a box (west, south, east, north in degrees) in CSS pixels, `ratio` pixels to
    /// each; it is grown about its centre where the shapes differ.
    ///
    /// # Errors
    /// Those of [`Window::around`].
    pub fn around(
        bounds: [f64; 4],
        width: u32,
        height: u32,
        ratio: u32,
    ) -> Result<Self, WindowError> {
        let side = |css: u32| css.checked_mul(ratio).ok_or(WindowError::Size);
        let window = Window::around(bounds, side(width)?, side(height)?)?;
        let (left, right) = (unwrapped_x(bounds[0]), unwrapped_x(bounds[2]));
        let half = (right - left).max(WORLD) / 2.0;
        let middle = (left + right) / 2.0;
        // columns whose centres are within
        let column = |x: f64| {
            let column = ((x - window.left()) / window.pixel() - 0.5).ceil();
            column.clamp(0.0, f64::from(window.width())) as u32
        };
        Ok(Self {
            window,
            ratio,
            first: column(middle - half),
            end: column(middle + half),
        })
    }

    /// A tile, which shows all of its own.
    pub fn tile(tile: TileId, size: TileSize) -> Self {
        let window = Window::tile(tile, size.pixels());
        Self {
            window,
            ratio: size.ratio(),
            first: 0,
            end: window.width(),
        }
    }

    /// Its pixels over the world.
    pub fn window(&self) -> Window {
        self.window
    }

    /// Pixels to a CSS pixel.
    pub fn ratio(&self) -> u32 {
        self.ratio
    }

    /// The level of its pixels.
    pub fn level(&self) -> Level {
        Level::of(&self.window, self.ratio)
    }

    /// The columns that show something.
    pub fn columns(&self) -> Range<u32> {
        self.first..self.end
    }

    /// Clears what of a picture's pixels lies beside the world.
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

/// The height of a box of degrees on the map, as a share of its width.
///
/// # Errors
/// Those of [`Window::around`].
pub fn height_to_width(bounds: [f64; 4]) -> Result<f64, WindowError> {
    Window::around(bounds, 1, 1)?;
    let [west, south, east, north] = bounds;
    Ok((clamped_y(south) - clamped_y(north)) / (unwrapped_x(east) - unwrapped_x(west)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use heatsplat_points::bounds;

    #[test]
    fn the_world_is_shown_once_unless_more_is_asked_for() {
        let columns = |bounds, width, height| {
            let view = View::around(bounds, width, height, 1).unwrap();
            view.columns()
        };
        assert_eq!(columns(bounds::WORLD, 1000, 200), 400..600);
        assert_eq!(columns(bounds::WORLD, 200, 200), 0..200);
        assert_eq!(columns([170.0, -60.0, 190.0, 60.0], 2000, 100).len(), 238);
        assert_eq!(columns([0.0, 40.0, 10.0, 50.0], 300, 200), 0..300);
        // a box of a world and a half is what it is
        assert_eq!(columns([-270.0, -85.06, 270.0, 85.06], 600, 200), 150..450);
        assert_eq!(columns([-270.0, -10.0, 270.0, 10.0], 300, 20), 0..300);
        let view = View::around(bounds::WORLD, 4, 2, 1).unwrap();
        let mut pixels = [1, 2, 3, 4, 5, 6, 7, 8];
        view.clear_beside(&mut pixels, 0);
        assert_eq!(pixels, [0, 2, 3, 0, 0, 6, 7, 0]);
    }

    #[test]
    fn sizes_that_overflow_are_refused() {
        let around = |width, ratio| View::around(bounds::WORLD, width, 1, ratio);
        assert_eq!(around(u32::MAX, 2), Err(WindowError::Size));
        assert_eq!(around(0, 1), Err(WindowError::Size));
    }
}
