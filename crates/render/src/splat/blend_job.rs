//! Jobs whose splats are stamped: each splat is drawn into the picture pixel by pixel, and a blend
//! mode combines it with what was drawn before. Such jobs have no plan (`plan.rs`).

use crate::splat::view::zoom_of;
use crate::style::blend::BlendMode;
use crate::style::kernel::Shape;
use heatsplat_points::{Points, Window};

/// A picture to draw whose splats are combined by a blend mode: see
/// [`Backend::blend`](crate::Backend::blend).
#[derive(Clone, Debug)]
pub struct BlendJob<'a> {
    /// Sets of points, each with the radius of its kernel in the window's pixels.
    pub parts: Vec<(&'a Points, f64)>,
    /// The rectangle of pixels to draw.
    pub window: Window,
    /// The kernel's shape. It is not used for markers, which have shapes of their own.
    pub shape: Shape,
    /// The rule that combines overlapping splats.
    pub blend: &'a BlendMode,
    /// The device pixel ratio: pixels for each CSS pixel.
    pub ratio: f64,
}

impl BlendJob<'_> {
    /// The zoom at which a 256 px tile's CSS pixels are as wide, in world units, as the CSS pixels
    /// of the job's picture. It need not be a whole number.
    pub(crate) fn zoom(&self) -> f64 {
        zoom_of(self.window.pixel() * self.ratio)
    }
}
