//! Plans as tables that shaders read. In a table, the weights that one value has in all outputs of
//! a thread lie side by side.

use super::layout::OUTPUTS;
use crate::ramp::Ramp;
use crate::scale::normalizer::Normalizer;
use crate::splat::lattice::{Lattice, REFINE_TAPS};
use crate::splat::plan::{Spread, Term};
use crate::splat::stamp::{KernelStamp, mirrored};
use bytemuck::Pod;

/// A table of weights for a thread that computes `OUTPUTS` outputs. Each output reads as many
/// consecutive values as there are `taps`, beginning `step` values after the first value of the
/// output before. For each value that any output reads, the table has the weight of that value in
/// every output; a weight may be 0. So the thread reads each value once, and adds it to all
/// outputs.
fn side_by_side(taps: &[f32], step: usize) -> Vec<f32> {
    let outputs = OUTPUTS as usize;
    let values = taps.len() + (outputs - 1) * step;
    let weight = |value: usize, output: usize| {
        let tap = value.checked_sub(output * step);
        tap.and_then(|tap| taps.get(tap)).copied().unwrap_or(0.0)
    };
    (0..values)
        .flat_map(|value| (0..outputs).map(move |output| weight(value, output)))
        .collect()
}

/// The tables of a sum of separable terms. For each term in turn, there is one table for the rows
/// and then one for the columns.
#[derive(Debug)]
pub(super) struct SpreadTable {
    pub(super) taps: Vec<f32>,
    /// The number of values that a thread reads along an axis to compute its `OUTPUTS` outputs.
    pub(super) span: u32,
}

impl SpreadTable {
    pub(super) fn new(plan: &Spread) -> Self {
        let step = plan.lattice.finer() as usize;
        let table = |half: &[f32]| side_by_side(&mirrored(half, plan.lattice.centred()), step);
        let both = |term: &Term| [table(&term.across), table(&term.down)].concat();
        let taps: Vec<f32> = plan.terms.iter().flat_map(both).collect();
        let tables = 2 * plan.terms.len().max(1) * OUTPUTS as usize;
        Self {
            span: (taps.len() / tables) as u32,
            taps,
        }
    }
}

/// The tables of the stage that refines a coarse grid to pixels. A pixel is a weighted sum of grid
/// cells.
///
/// * `across` has eight weights for each position of a pixel in a grid cell, from west to east. The
///   first five are the weights of the five columns of cells that the pixel reads; the others are
///   0.
/// * `down` is for threads that compute eight neighbouring pixels of a column. For each position of
///   the first of these pixels in a grid cell, from north to south, and for each row of cells that
///   the eight pixels read, it has the row's weights in all eight pixels.
#[derive(Debug)]
pub(super) struct RefineTable {
    pub(super) across: Vec<f32>,
    pub(super) down: Vec<f32>,
}

impl RefineTable {
    pub(super) fn new(lattice: Lattice) -> Self {
        let weights = lattice.refine_weights();
        let (side, outputs) = (lattice.coarser() as usize, OUTPUTS as usize);
        let rows = (outputs + side - 2) / side + REFINE_TAPS;
        let mut across = Vec::with_capacity(side * outputs);
        for weights in &weights {
            across.extend_from_slice(weights);
            across.resize(across.len().next_multiple_of(outputs), 0.0);
        }
        let mut down = Vec::with_capacity(side * rows * outputs);
        for begin in 0..side {
            for row in 0..rows {
                down.extend((begin..begin + outputs).map(|pixel| {
                    let weights = weights.get(pixel % side);
                    let tap = row.checked_sub(pixel / side);
                    let weight = weights.zip(tap).and_then(|(weights, tap)| weights.get(tap));
                    weight.copied().unwrap_or(0.0)
                }));
            }
        }
        Self { across, down }
    }
}

/// All tables of a plan, one after the other, as the 32-bit words of the device's buffer of tables.
/// Each table begins at a multiple of four words. The other fields are the offsets of tables,
/// counted in groups of four words.
#[derive(Debug, Default)]
pub(super) struct PlanTables {
    pub(super) words: Vec<u32>,
    pub(super) taps: u32,
    pub(super) stamp_rows: u32,
    pub(super) refine_across: u32,
    pub(super) refine_down: u32,
}

impl PlanTables {
    pub(super) fn for_spread(table: &SpreadTable, refine: Option<&RefineTable>) -> Self {
        let mut tables = Self::default();
        tables.taps = tables.push(&table.taps);
        if let Some(refine) = refine {
            tables.refine_across = tables.push(&refine.across);
            tables.refine_down = tables.push(&refine.down);
        }
        tables
    }

    pub(super) fn for_stamp(table: &StampTable) -> Self {
        let mut tables = Self::default();
        tables.taps = tables.push(&table.taps);
        tables.stamp_rows = tables.push(&table.rows);
        tables
    }

    /// Appends a table, and returns its offset, counted in groups of four words.
    fn push<T: Pod>(&mut self, table: &[T]) -> u32 {
        let from = (self.words.len() / 4) as u32;
        self.words.extend_from_slice(bytemuck::cast_slice(table));
        self.words.resize(self.words.len().next_multiple_of(4), 0);
        from
    }
}

/// A stamp, the two-dimensional table of weights of a convolution, as tables for shaders. Each row
/// of the stamp has its own table, in order from the middle row; a shorter row has a shorter table.
#[derive(Debug)]
pub(super) struct StampTable {
    pub(super) taps: Vec<f32>,
    /// Two numbers for each row: the offset of its table, counted in groups of four taps, and the
    /// number of its taps to the left of an output.
    pub(super) rows: Vec<[u32; 2]>,
}

impl StampTable {
    pub(super) fn new(stamp: &KernelStamp) -> Self {
        let (mut taps, mut rows) = (Vec::new(), Vec::new());
        for row in stamp.rows() {
            rows.push([(taps.len() / 4) as u32, (row.len() / 2) as u32]);
            taps.extend(side_by_side(&row, 1));
        }
        Self { taps, rows }
    }
}

/// A scale's 255 thresholds, as integers that are ordered as the floats are, and a 256th threshold
/// that no density reaches.
pub(super) fn thresholds(scale: &Normalizer) -> Vec<u32> {
    let mut keys: Vec<u32> = scale.thresholds().iter().map(|&t| key(t)).collect();
    keys.push(u32::MAX);
    keys
}

/// The 256 thresholds of a scale (see [`thresholds`]), followed by the colours of a ramp.
pub(super) fn colors(scale: &Normalizer, ramp: &Ramp) -> Vec<u32> {
    let mut table = thresholds(scale);
    table.extend(ramp.colors().iter().map(|c| u32::from_le_bytes(*c)));
    table
}

fn key(value: f32) -> u32 {
    match value.to_bits() {
        0 | 0x8000_0000 => 0x8000_0000,
        bits if bits >> 31 == 1 => !bits,
        bits => bits ^ 0x8000_0000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::splat::plan::Plan;
    use crate::style::kernel::{Kernel, Normalize, Shape};

    #[test]
    fn keys_are_ordered_like_floats() {
        let rising = [
            f32::NEG_INFINITY,
            -3.0,
            -1e-30,
            0.0,
            1e-40,
            2.0,
            2.0f32.next_up(),
            f32::INFINITY,
        ];
        assert!(rising.map(key).is_sorted_by(|a, b| a < b));
        assert_eq!(key(-0.0), key(0.0));
    }

    #[test]
    fn every_output_finds_every_tap_once() {
        for (shape, radius) in [
            (Shape::Gaussian, 12.0),
            (Shape::Gaussian, 2.0),
            (Shape::Quartic, 30.0),
        ] {
            let kernel = Kernel::new(shape, radius, Normalize::Peak).unwrap();
            let Plan::Spread(plan) = Plan::for_kernel(&kernel) else {
                panic!("{kernel:?}")
            };
            let table = SpreadTable::new(&plan);
            let sum = |half: &[f32]| mirrored(half, plan.lattice.centred()).iter().sum::<f32>();
            let span = table.span as usize * OUTPUTS as usize;
            for (term, tables) in plan.terms.iter().zip(table.taps.chunks(2 * span)) {
                for (half, table) in [&term.across, &term.down]
                    .into_iter()
                    .zip(tables.chunks(span))
                {
                    for output in 0..OUTPUTS as usize {
                        let found: f32 = table.iter().skip(output).step_by(OUTPUTS as usize).sum();
                        assert!((found - sum(half)).abs() < 1e-4, "{output}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_pixel_finds_its_cells() {
        for radius in [16.0, 40.0, 256.0] {
            let kernel = Kernel::new(Shape::Gaussian, radius, Normalize::Peak).unwrap();
            let table = RefineTable::new(Lattice::for_kernel(&kernel));
            let side = table.across.len() / OUTPUTS as usize;
            for weights in table.across.chunks(OUTPUTS as usize) {
                let sum: f32 = weights.iter().sum();
                assert!((sum - 1.0).abs() < 1e-5, "{radius}: {sum}");
            }
            for begin in table.down.chunks(table.down.len() / side) {
                for output in 0..OUTPUTS as usize {
                    let sum: f32 = begin.iter().skip(output).step_by(OUTPUTS as usize).sum();
                    assert!((sum - 1.0).abs() < 1e-5, "{radius} {output}: {sum}");
                }
            }
        }
    }
}
