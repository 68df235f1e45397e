//! Jobs whose splats are blended: each splat is stamped on the picture, and stamps don't simply add
//! up.

use crate::splat::view::zoom_of;
use crate::style::blend::BlendMode;
use crate::style::kernel::Shape;
use heatsplat_points::{Points, Window};

/// A picture to draw whose splats are blended: see [`Backend::blend`](crate::Backend::blend).
#[derive(Clone, Debug)]
pub struct BlendJob<'a> {
    /// Sets of points, each with the radius of its kernel in the window's pixels.
    pub parts: Vec<(&'a Points, f64)>,
    /// The pixels to draw.
    pub window: Window,
    /// The kernel's shape; markers have shapes of their own and ignore it.
    pub shape: Shape,
    /// The rule by which splats that overlap are combined.
    pub blend: &'a BlendMode,
    /// The device pixel ratio: pixels per CSS pixel.
    pub ratio: f64,
}

impl BlendJob<'_> {
    /// The zoom of 256 px tiles whose CSS pixels are as wide as the job's; it need not be a whole
    /// number.
    pub(crate) fn zoom(&self) -> f64 {
        zoom_of(self.window.pixel() * self.ratio)
    }
}
