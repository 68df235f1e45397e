//! How large a picture's pixels are: at a whole level, or between two.

use heatsplat_points::Window;
use heatsplat_points::mercator::WORLD;

/// Pictures of fewer pixels, or more, have the scale of these levels.
const LEAST: f64 = 3.0;
const MOST: f64 = 33.0;

/// A level this near to a whole one is taken for it: a box in degrees leads to a tile's pixels but
/// for rounding.
const ROUNDING: f64 = 1e-6;

/// The world drawn 2^level CSS pixels wide: tiles have whole levels (those of 256 pixels their zoom
/// and 8), pictures of any size lie between two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    below: u8,
    /// How far it is on the way to the next, 0 to 1 without 1.
    share: f64,
}

impl Level {
    /// The level of a window with `ratio` pixels to a CSS pixel.
    pub fn of(window: &Window, ratio: u32) -> Self {
        let css_pixel = window.pixel() * f64::from(ratio);
        Self::at((WORLD / css_pixel).log2())
    }

    /// The level of a zoom, which may lie between two.
    pub fn of_zoom(zoom: f64) -> Self {
        Self::at(zoom + 8.0)
    }

    fn at(level: f64) -> Self {
        let level = level.clamp(LEAST, MOST);
        if (level - level.round()).abs() < ROUNDING {
            return Self::from(level.round() as u8);
        }
        Self {
            below: level.floor() as u8,
            share: level.fract(),
        }
    }

    /// The whole level at it or below it.
    pub fn below(self) -> u8 {
        self.below
    }

    /// The whole level above one that is not whole, and how far it is on the way there, 0 to 1.
    pub fn above(self) -> Option<(u8, f64)> {
        (self.share > 0.0).then_some((self.below + 1, self.share))
    }

    /// The one or two whole levels whose scales its own follows from.
    pub fn wholes(self) -> impl Iterator<Item = u8> {
        let above = self.above().map(|(above, _)| above);
        std::iter::once(self.below).chain(above)
    }

    /// The zoom at which 256 px tiles have it.
    pub fn zoom(self) -> f64 {
        f64::from(self.below) + self.share - 8.0
    }
}

impl From<u8> for Level {
    fn from(whole: u8) -> Self {
        Self {
            below: whole,
            share: 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heatsplat_points::TileId;

    #[test]
    fn tiles_are_at_whole_levels_and_pictures_between() {
        for z in 0..=24 {
            let tile = Window::tile(TileId::new(z, 0, 0).unwrap(), 256);
            assert_eq!(Level::of(&tile, 1), Level::from(z + 8));
            assert_eq!(Level::of(&tile.finer(2), 2), Level::from(z + 8));
        }
        let [west, south, east, north] = Window::at_level(13, 5, 9, 300, 200).bounds();
        let typed = Window::around([west, south, east, north], 300, 200).unwrap();
        assert_eq!(Level::of(&typed, 1), Level::from(13));
        let between = Level::of_zoom(3.25);
        assert_eq!((between.below(), between.above()), (11, Some((12, 0.25))));
        assert_eq!(between.zoom(), 3.25);
        // thumbnails of the world, and pixels of a millimetre
        assert_eq!(Level::of_zoom(-1.5).above(), Some((7, 0.5)));
        assert_eq!(Level::of_zoom(-99.0), Level::from(3));
        assert_eq!(Level::of_zoom(99.0), Level::from(33));
    }
}
