//! A picture of splats that don't simply add up.

use crate::style::blend::Overlap;
use crate::style::kernel::Shape;
use heatsplat_points::{Points, Window};

/// One such picture: see [`Backend::stamped`](crate::Backend::stamped).
#[derive(Clone, Debug)]
pub struct Stamped<'a> {
    /// Points, and the radius of their kernel in the window's pixels.
    pub parts: Vec<(&'a Points, f64)>,
    /// Which pixels.
    pub window: Window,
    /// The kernel's shape; markers have their own.
    pub shape: Shape,
    /// What becomes of overlapping splats.
    pub overlap: &'a Overlap,
    /// Pixels to a CSS pixel.
    pub ratio: f64,
}

impl Stamped<'_> {
    /// The zoom that CSS pixels belong to.
    pub(crate) fn zoom(&self) -> f64 {
        let css_pixel = self.window.pixel() * self.ratio;
        (heatsplat_points::mercator::WORLD / css_pixel).log2() - 8.0
    }
}
