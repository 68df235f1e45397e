//! The structs that the host writes and the shaders read: `shaders/src/job.wgsl` in Rust.
//! A test compares both, field by field.

use bytemuck::{Pod, Zeroable};

/// Spare cells around a grid, so that a deposit never leaves it.
pub(super) const PAD: u32 = 2;
/// The number of outputs that a thread computes side by side in the convolutions.
pub(super) const OUTPUTS: u32 = 8;
/// The number of invocations of a workgroup.
pub(super) const GROUP: u32 = 64;
/// The number of bins, or of a picture's words, that one invocation handles in the stages that
/// visit all of them.
pub(super) const EACH: u32 = 8;
/// The number of copies (slots) of a job's counters. Invocations use different slots, so that they
/// rarely wait for each other.
pub(super) const SLOTS: u32 = 16;
/// The number of words of 32 bits in a slot.
pub(super) const SLOT: u32 = 8;
/// The word of a slot that counts cells.
pub(super) const SEEN: u32 = 0;
/// The first of the two words of a slot, low and high, that add up the cells' weights.
pub(super) const WEIGHED: u32 = 1;
/// The first of the two words of a slot, low and high, that add up the bins.
pub(super) const HELD: u32 = 3;
/// The word of a slot with the picture's checksum.
pub(super) const SEAL: u32 = 5;

/// One picture, or a block of a large one: `Job` in `job.wgsl`. Offsets are counted in elements of
/// their buffers.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct GpuJob {
    /// Offset of the grid in the bins and in the grid's floats; it is stored column by column.
    pub(super) bins: u32,
    /// Cells of the grid.
    pub(super) bin_count: u32,
    /// Columns of the grid, padding included.
    pub(super) columns: u32,
    /// Rows of the grid, padding included.
    pub(super) rows: u32,
    /// Offset of the grid's rows after the first pass: all rows of one term, then those of the
    /// next.
    pub(super) across: u32,
    /// Rows of the grid without padding.
    pub(super) inner_rows: u32,
    /// Offset of the convolution's outputs.
    pub(super) spread: u32,
    /// Outputs in a row.
    pub(super) outputs: u32,
    /// Rows of outputs.
    pub(super) lines: u32,
    /// Elements from one row of outputs to the next.
    pub(super) stride: u32,
    /// Grid cells from one output to the next.
    pub(super) step: u32,
    /// Values that a thread reads along an axis: the length of a table of taps.
    pub(super) span: u32,
    /// Separable terms of the kernel.
    pub(super) terms: u32,
    /// Offset of the picture's densities.
    pub(super) density: u32,
    /// Width of the picture in pixels.
    pub(super) width: u32,
    /// Height of the picture in pixels.
    pub(super) height: u32,
    /// Elements from one row of densities to the next.
    pub(super) pitch: u32,
    /// Pixels along the side of a coarse grid's cell; 1 for other grids.
    pub(super) coarser: u32,
    /// Pixels from the corner of the first cell to the picture's, across.
    pub(super) phase_x: u32,
    /// Pixels from the corner of the first cell to the picture's, down.
    pub(super) phase_y: u32,
    /// Offset of the output.
    pub(super) picture: u32,
    /// Words of the output.
    pub(super) words: u32,
    /// Words of a row of the output.
    pub(super) row_words: u32,
    /// Offset of the thresholds.
    pub(super) thresholds: u32,
    /// Fixed-point units to a weight of 1, a power of two.
    pub(super) scale: f32,
    /// The inverse of `scale`.
    pub(super) unscale: f32,
    /// The number of the shape, for the stage `stamp`.
    pub(super) shape: u32,
    /// The pixels that a stamp reaches to each side.
    pub(super) margin: u32,
    /// The inverse of the radius in pixels.
    pub(super) per_radius: f32,
    /// The kernel's height at its centre.
    pub(super) peak: f32,
    /// The grid of the deposit: `QUADRATIC` or `QUINCUNX`.
    pub(super) deposit: u32,
}

/// A run of cells that one workgroup deposits.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct WorkItem {
    /// The index of the job.
    pub(super) job: u32,
    /// The index of the first cell in its buffer.
    pub(super) first: u32,
    /// The number of cells in the run.
    pub(super) count: u32,
    /// The index of the mapping to the grid, a [`GpuPlace`].
    pub(super) place: u32,
}

/// The mapping from the world to a grid, in one copy of the world.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct GpuPlace {
    /// The coordinate from which positions are counted, across.
    pub(super) anchor_x: u32,
    /// The coordinate from which positions are counted, down.
    pub(super) anchor_y: u32,
    /// The greatest distance from the anchor at which a cell is on the grid, across.
    pub(super) span_x: u32,
    /// The greatest distance from the anchor at which a cell is on the grid, down.
    pub(super) span_y: u32,
    /// The anchor's position on the grid, across: the fraction of a cell in units of 2⁻³², and
    /// whole cells.
    pub(super) offset_x: [u32; 2],
    /// The anchor's position on the grid, down: the fraction of a cell in units of 2⁻³², and whole
    /// cells.
    pub(super) offset_y: [u32; 2],
    /// The binary digits of the factor from distances to cells, which is 0.mantissa · 2^(before −
    /// after).
    pub(super) mantissa: u32,
    /// The shift of a distance to the left, before the multiplication with the mantissa.
    pub(super) before: u32,
    /// The shift of the product to the right.
    pub(super) after: u32,
    /// Padding, so that the struct is as long as in the shader.
    pub(super) spare: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use naga::{Literal, Module, TypeInner};
    use std::mem::offset_of;

    fn module(stage: heatsplat_shaders::Stage) -> Module {
        naga::front::wgsl::parse_str(stage.source).unwrap()
    }

    /// (name, offset) of a struct's members, and its size.
    fn members(module: &Module, name: &str) -> (Vec<(String, u32)>, u32) {
        let (_, found) = module
            .types
            .iter()
            .find(|(_, t)| t.name.as_deref() == Some(name))
            .unwrap();
        let TypeInner::Struct { members, span } = &found.inner else {
            panic!("{name} is no struct")
        };
        let member = |m: &naga::StructMember| (m.name.clone().unwrap(), m.offset);
        (members.iter().map(member).collect(), *span)
    }

    macro_rules! same_layout {
        ($module:expr, $wgsl:literal, $rust:ty, [$($field:ident),*]) => {{
            let ours = vec![$((stringify!($field).to_owned(), offset_of!($rust, $field) as u32)),*];
            assert_eq!(members($module, $wgsl), (ours, size_of::<$rust>() as u32), $wgsl);
        }};
    }

    #[test]
    fn structs_lie_in_memory_as_shaders_read_them() {
        let module = module(heatsplat_shaders::SPLAT_BIN);
        same_layout!(
            &module,
            "Job",
            GpuJob,
            [
                bins, bin_count, columns, rows, across, inner_rows, spread, outputs, lines, stride,
                step, span, terms, density, width, height, pitch, coarser, phase_x, phase_y,
                picture, words, row_words, thresholds, scale, unscale, shape, margin, per_radius,
                peak, deposit
            ]
        );
        same_layout!(&module, "Item", WorkItem, [job, first, count, place]);
        same_layout!(
            &module,
            "Place",
            GpuPlace,
            [
                anchor_x, anchor_y, span_x, span_y, offset_x, offset_y, mantissa, before, after,
                spare
            ]
        );
    }

    #[test]
    fn constants_are_the_shaders() {
        for stage in heatsplat_shaders::STAGES {
            let module = module(stage);
            let constant = |name: &str| {
                let found = module
                    .constants
                    .iter()
                    .find(|(_, c)| c.name.as_deref() == Some(name));
                let (_, constant) = found.unwrap_or_else(|| panic!("{}: no {name}", stage.name));
                match module.global_expressions[constant.init] {
                    naga::Expression::Literal(Literal::U32(value)) => value,
                    ref other => panic!("{name}: {other:?}"),
                }
            };
            for (name, value) in [
                ("PAD", PAD),
                ("OUTPUTS", OUTPUTS),
                ("GROUP", GROUP),
                ("EACH", EACH),
                ("SLOTS", SLOTS),
                ("SLOT", SLOT),
                ("SEEN", SEEN),
                ("WEIGHED", WEIGHED),
                ("HELD", HELD),
                ("SEAL", SEAL),
            ] {
                assert_eq!(constant(name), value, "{} {name}", stage.name);
            }
            for entry in &module.entry_points {
                assert_eq!(
                    entry.workgroup_size,
                    [GROUP, 1, 1],
                    "{} {}",
                    stage.name,
                    entry.name
                );
            }
        }
    }
}
