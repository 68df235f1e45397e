//! Tiling: a large picture is divided into rectangles, its blocks, and each block is drawn like a
//! tile.

use crate::splat::lattice::phase;
use heatsplat_points::Window;

/// The greatest width and height of a block of a picture, in pixels. It is a multiple of the 32
/// pixels that a cell of the coarsest grid is wide, so the corners of all blocks of a picture have
/// the same position in a grid cell.
pub const BLOCK: u32 = 512;

/// A block of a picture: a rectangle of its pixels. Positions are counted in pixels from the
/// picture's top left corner.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Block {
    /// The blocks of a picture, row by row. Each is at most `side` pixels wide and high.
    pub(crate) fn split(window: &Window, side: u32) -> Vec<Self> {
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

    /// The window of this block: a part of `whole`, the picture's window.
    pub(crate) fn window(self, whole: &Window) -> Window {
        whole.part(self.x, self.y, self.width, self.height)
    }
}

/// A block of a picture, and the window that is drawn for the block. The window contains the block
/// and may be larger than the block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PaddedBlock {
    pub(crate) block: Block,
    pub(crate) window: Window,
    /// The number of the window's columns west of the block, and the number of its rows north of
    /// the block.
    skipped: (u32, u32),
}

impl PaddedBlock {
    /// The blocks of a picture; the window of each is exactly the block.
    pub(crate) fn unpadded(picture: &Window) -> Vec<Self> {
        let blocks = Block::split(picture, BLOCK).into_iter();
        let drawn = |block: Block| Self {
            block,
            window: block.window(picture),
            skipped: (0, 0),
        };
        blocks.map(drawn).collect()
    }

    /// The blocks that a grid over the world cuts out of a picture. The grid's cells are `across` ×
    /// `down` pixels and are counted from the world's corner. The window of each block is a whole
    /// cell of the grid, so the cell is drawn alike for every picture.
    pub(crate) fn on_world_grid(picture: &Window, across: u32, down: u32) -> Vec<Self> {
        let columns = spans(picture.width(), phase(picture, across).0, across);
        let rows = spans(picture.height(), phase(picture, down).1, down);
        let pixel = picture.pixel();
        let all = rows
            .iter()
            .flat_map(|row| columns.iter().map(move |column| (column, row)));
        all.map(|(column, row)| Self {
            block: Block {
                x: column.from,
                y: row.from,
                width: column.length,
                height: row.length,
            },
            window: Window::new(
                picture.left() + (f64::from(column.from) - f64::from(column.skipped)) * pixel,
                picture.top() + (f64::from(row.from) - f64::from(row.skipped)) * pixel,
                pixel,
                across,
                down,
            ),
            skipped: (column.skipped, row.skipped),
        })
        .collect()
    }

    /// The block's pixels, cut out of `drawn`, the pixels of the whole window. They are copied to
    /// `buffer`, which is then the result, unless the block is the whole window.
    pub(crate) fn cropped<'a>(&self, drawn: &'a [f32], buffer: &'a mut Vec<f32>) -> &'a [f32] {
        let whole = (self.window.width(), self.window.height());
        if whole == (self.block.width, self.block.height) {
            return drawn;
        }
        buffer.clear();
        let rows = drawn.chunks_exact((whole.0 as usize).max(1));
        let (west, width) = (self.skipped.0 as usize, self.block.width as usize);
        for row in rows
            .skip(self.skipped.1 as usize)
            .take(self.block.height as usize)
        {
            buffer.extend(row.iter().skip(west).take(width));
        }
        buffer
    }
}

/// The consecutive pixels of a row or of a column of a picture that lie in one cell of a grid.
struct CellSpan {
    from: u32,
    length: u32,
    /// The number of the grid cell's pixels that lie before the span.
    skipped: u32,
}

/// Divides a row or column of `n` pixels where the cells of a grid end; the cells are `side` pixels
/// wide. The first pixel lies `skipped` pixels after the beginning of its cell.
fn spans(n: u32, skipped: u32, side: u32) -> Vec<CellSpan> {
    let mut all = Vec::new();
    let (mut from, mut skipped) = (0, skipped);
    while from < n {
        let length = (side - skipped).min(n - from);
        all.push(CellSpan {
            from,
            length,
            skipped,
        });
        (from, skipped) = (from + length, 0);
    }
    all
}
