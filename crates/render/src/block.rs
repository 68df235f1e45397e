//! Large pictures are drawn in blocks, each like a tile.

use heatsplat_points::Window;

/// The most pixels a side: a multiple of the coarsest grid's cells.
pub(crate) const BLOCK: u32 = 512;

/// A part of a picture, in its pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Block {
    /// The blocks of a picture, at most so many pixels a side, row by row.
    pub(crate) fn cut(window: &Window, side: u32) -> Vec<Self> {
        let starts = |n: u32| (0..n).step_by(side as usize);
        starts(window.height())
            .flat_map(|y| starts(window.width()).map(move |x| (x, y)))
            .map(|(x, y)| Self {
                x,
                y,
                width: (window.width() - x).min(side),
                height: (window.height() - y).min(side),
            })
            .collect()
    }

    /// The block's part of the picture's window.
    pub(crate) fn window(self, whole: &Window) -> Window {
        whole.part(self.x, self.y, self.width, self.height)
    }
}
