//! `kernel=pixel`: each point counts in the pixel that it lies in, and nowhere else.
//!
//! On the pixel grid of a zoom the pyramid's cells of that level are the pixels. The GPU has no
//! twin of it: such pictures are the processor's.

use super::place::{Place, Placed};
use crate::stages::{Stage, lap};
use heatsplat_points::mercator::WORLD;
use heatsplat_points::{Point, Points, Window};

/// Writes what lies in each pixel of a window, times `height`.
#[inline(always)]
pub(crate) fn draw(points: &Points, window: &Window, height: f32, out: &mut [f32]) {
    out.fill(0.0);
    // elsewhere a cell may lie across a pixel's edge, so there the points are read
    let finest = if on_grid(window) { 1.0 } else { 0.0 };
    let cells = points.cells(window, finest);
    lap(Stage::Find);
    let width = window.width() as usize;
    let padded = window.grown(1);
    for (run, shift) in cells.slices() {
        let mut add = |at: Placed| {
            let index = (at.row as usize - 1) * width + at.column as usize - 1;
            if let Some(pixel) = out.get_mut(index) {
                *pixel += height * at.weight;
            }
        };
        match Place::new(&padded, shift) {
            Place::Dyadic(grid) => run.iter().for_each(|cell: &Point| add(grid.place(cell))),
            Place::Any(grid) => run.iter().for_each(|cell: &Point| add(grid.place(cell))),
        }
    }
    lap(Stage::Deposit);
}

/// Whether a window's pixels are those of a zoom.
fn on_grid(window: &Window) -> bool {
    let whole = |v: f64| v.fract() == 0.0;
    let pixel = window.pixel();
    pixel <= WORLD
        && whole(pixel.log2())
        && whole(window.left() / pixel)
        && whole(window.top() / pixel)
}
