//! Levels: a logarithmic measure of the size at which a map is drawn. A level needn't be a whole
//! number.

use heatsplat_points::mercator::WORLD;

/// The least level, at which the world is 8 CSS pixels wide: a choice. Lesser levels become this
/// one.
const LEAST: f64 = 3.0;
/// The greatest level, at which a CSS pixel is 5 mm wide at the equator: a choice. Greater levels
/// become this one.
const MOST: f64 = 33.0;

/// The difference from a whole number below which a level is rounded to that number. A picture of a
/// box in degrees may be meant to have exactly the level of tiles, but the level that is computed
/// from degrees has rounding errors.
const ROUNDING: f64 = 1e-6;

/// The size at which a map is drawn: at level L the world is 2ᴸ CSS pixels wide.
///
/// Tiles have whole levels: a tile of 256 CSS pixels at zoom z has the level z + 8. Other pictures
/// may be drawn at any size, so their levels mostly lie between two whole levels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    below: u8,
    /// The level's fractional part: at least 0 and less than 1.
    share: f64,
}

impl Level {
    /// Makes the level at which a CSS pixel is `css_pixel` world units wide.
    pub fn from_pixel(css_pixel: f64) -> Self {
        Self::new((WORLD / css_pixel).log2())
    }

    /// Makes the level of a zoom of 256 px tiles. The zoom may be fractional.
    pub fn from_zoom(zoom: f64) -> Self {
        Self::new(zoom + 8.0)
    }

    fn new(level: f64) -> Self {
        let level = level.clamp(LEAST, MOST);
        if (level - level.round()).abs() < ROUNDING {
            return Self::from(level.round() as u8);
        }
        Self {
            below: level.floor() as u8,
            share: level.fract(),
        }
    }

    /// The greatest whole level that is not greater than this level.
    pub fn below(self) -> u8 {
        self.below
    }

    /// For a fractional level, the next greater whole level, and this level's fractional part.
    /// `None` for a whole level.
    pub fn above(self) -> Option<(u8, f64)> {
        (self.share > 0.0).then_some((self.below + 1, self.share))
    }

    /// The whole levels from whose scales this level's scale is made: the level itself if it is
    /// whole, otherwise the whole levels below and above it.
    pub fn wholes(self) -> impl Iterator<Item = u8> {
        let above = self.above().map(|(above, _)| above);
        std::iter::once(self.below).chain(above)
    }

    /// The zoom at which tiles of 256 CSS pixels have this level. It needn't be a whole number.
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
    use heatsplat_points::{TileId, Window};

    #[test]
    fn tiles_are_at_whole_levels_and_pictures_between() {
        let level_of = |window: &Window, ratio: f64| Level::from_pixel(window.pixel() * ratio);
        for z in 0..=24 {
            let tile = Window::tile(TileId::new(z, 0, 0).unwrap(), 256);
            assert_eq!(level_of(&tile, 1.0), Level::from(z + 8));
            assert_eq!(level_of(&tile.finer(2), 2.0), Level::from(z + 8));
        }
        let [west, south, east, north] = Window::at_level(13, 5, 9, 300, 200).bounds();
        let typed =
            Window::around([west, south, east, north].try_into().unwrap(), 300, 200).unwrap();
        assert_eq!(level_of(&typed, 1.0), Level::from(13));
        let between = Level::from_zoom(3.25);
        assert_eq!((between.below(), between.above()), (11, Some((12, 0.25))));
        assert_eq!(between.zoom(), 3.25);
        // Zoom −1.5 is that of a thumbnail of the world. Greater and lesser levels are clamped.
        assert_eq!(Level::from_zoom(-1.5).above(), Some((7, 0.5)));
        assert_eq!(Level::from_zoom(-99.0), Level::from(3));
        assert_eq!(Level::from_zoom(99.0), Level::from(33));
    }
}
