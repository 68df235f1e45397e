//! The shape `pixel`: each point adds its weight to the pixel in which it lies, and to no other.
//!
//! On the pixel grid of a zoom, the pyramid's cells of that size are exactly the pixels. The GPU
//! has no such shader: these pictures are always drawn by the CPU.

use super::place::BinLocator;
use crate::splat::timing::{Phase, lap};
use crate::unit_costs::{self as ns, REPORTED_CELLS, report};
use heatsplat_points::{Points, Window};

/// Writes the summed weight in each pixel of a window, times `height`, the kernel's height. Sums
/// are in f64, so they are exact even if weights nearly cancel, or if counts exceed the precision
/// of f32.
#[inline(always)]
pub(crate) fn draw(
    points: &Points,
    window: &Window,
    height: f64,
    sums: &mut Vec<f64>,
    out: &mut [f32],
) {
    // Cells are read only on the pixel grid of a zoom and for weights of one sign. On other grids a
    // cell may lie across the border of two pixels. With weights of both signs, a cell may be
    // stored as two cells, whose weights are rounded.
    let has_cells = window.is_on_grid() && points.summary().weight_min >= 0.0;
    let cells = points.cells(window, if has_cells { 1.0 } else { 0.0 });
    lap(Phase::Find);
    sums.clear();
    sums.resize(out.len(), 0.0);
    let width = window.width() as usize;
    let padded = window.grown(1);
    for (run, shift) in cells.slices() {
        let place = BinLocator::new(&padded, shift);
        for cells in run.chunks(REPORTED_CELLS) {
            report(cells.len(), ns::LAID);
            for cell in cells {
                let at = place.place(cell);
                let index = (at.row as usize - 1) * width + at.column as usize - 1;
                if let Some(sum) = sums.get_mut(index) {
                    *sum += f64::from(at.weight);
                }
            }
        }
    }
    for (pixel, sum) in out.iter_mut().zip(sums.iter()) {
        *pixel = (height * sum) as f32;
    }
    lap(Phase::Deposit);
}
