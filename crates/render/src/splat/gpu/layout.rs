//! Structs that the host writes and the shaders read. They are the Rust version of
//! `shaders/src/job.wgsl`, and a test compares the two field by field.

use bytemuck::{Pod, Zeroable};

/// The width of the padding: the number of grid cells on each side of a grid, beyond its margin,
/// that give room to deposits near the edge. With them a deposit never leaves the grid.
pub(super) const PAD: u32 = 2;
/// The number of outputs of a convolution that one thread computes side by side.
pub(super) const OUTPUTS: u32 = 8;
/// The number of threads in a workgroup.
pub(super) const GROUP: u32 = 64;
/// The number of bins that one thread handles in the shader stage `settle`, which visits all bins.
pub(super) const EACH: u32 = 8;
/// The number of 32-bit words of a picture that one thread of the last shader stage writes.
pub(super) const WORDS: u32 = 2;
/// The number that stands for the plan *direct* in the shaders. The three constants below are the
/// numbers of the plans *spread* and *edge*, and of a job without cells.
pub(super) const DIRECT: u32 = 0;
pub(super) const SPREAD: u32 = 1;
pub(super) const EDGE: u32 = 2;
pub(super) const NOTHING: u32 = 3;
/// The number of slots of a job. A slot is an array of the job's counters, words of 32 bits, and
/// all slots of a job are added up afterwards. Threads use different slots, so that they rarely
/// wait for each other.
pub(super) const SLOTS: u32 = 16;
/// The number of words in a slot.
pub(super) const SLOT: u32 = 8;
/// The index of the word in a slot that counts the deposited cells.
pub(super) const SEEN: u32 = 0;
/// The index of the first of two words in a slot, which are one number in fixed point, its low half
/// first: the sum of the weights of the job's cells.
pub(super) const WEIGHED: u32 = 1;
/// The index of the first of two words in a slot, which are one number in fixed point, its low half
/// first: the sum of all bins of the grid. Added up over all slots, it must equal the number at
/// [`WEIGHED`], added up likewise.
pub(super) const HELD: u32 = 3;
/// The index of the word in a slot whose sum over all slots is the checksum of the job's picture.
pub(super) const SEAL: u32 = 5;

/// One picture, or one block of a large picture: `Job` in `job.wgsl`. Offsets are counted in
/// elements of their buffers.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct GpuJob {
    /// The plan: [`DIRECT`], [`SPREAD`], [`EDGE`], or [`NOTHING`] for a picture without cells. A
    /// batch has jobs of several plans.
    pub(super) plan: u32,
    /// The index of the grid's first bin in the buffer of bins, and also in the buffer that has the
    /// bins as floats. The grid is stored column by column.
    pub(super) bins: u32,
    /// The number of cells of the grid, including the padding.
    pub(super) bin_count: u32,
    /// The number of columns of the grid, including the padding.
    pub(super) columns: u32,
    /// The number of rows of the grid, including the padding.
    pub(super) rows: u32,
    /// The offset of the job's rows after the first pass, which convolves along the rows, in the
    /// buffer of such rows. All rows of one separable term come first, then the rows of the next
    /// term.
    pub(super) across: u32,
    /// The number of rows of the grid without the padding.
    pub(super) inner_rows: u32,
    /// The offset, in the buffer of densities, of the first output of the convolution. It equals
    /// `density` unless the grid is coarser than the picture.
    pub(super) spread: u32,
    /// The number of outputs of the convolution in one row: one for each pixel or, if the grid is
    /// coarser than the picture, one for each grid cell.
    pub(super) outputs: u32,
    /// The number of rows of outputs of the convolution: one for each row of pixels or, if the grid
    /// is coarser than the picture, one for each row of grid cells.
    pub(super) lines: u32,
    /// The number of elements of the buffer of densities from one row of outputs to the next.
    pub(super) stride: u32,
    /// The number of grid cells from one output of the convolution to the next.
    pub(super) step: u32,
    /// The number of values that a thread reads along an axis to compute its `OUTPUTS` outputs. A
    /// table of taps has a group of `OUTPUTS` weights for each of these values.
    pub(super) span: u32,
    /// The number of separable terms of the kernel.
    pub(super) terms: u32,
    /// The greatest number of separable terms of any job of the batch.
    pub(super) most_terms: u32,
    /// The index of the plan's first taps, the weights of a convolution, in the buffer of tables,
    /// counted in groups of four 32-bit words.
    pub(super) taps: u32,
    /// The index of the first row of the plan's stamp in the buffer of tables, counted in pairs of
    /// 32-bit words.
    pub(super) stamp_rows: u32,
    /// The index, in the buffer of tables, of the table by which a coarse grid is refined along the
    /// rows, counted in groups of four 32-bit words.
    pub(super) refine_across: u32,
    /// The index, in the buffer of tables, of the table by which a coarse grid is refined along the
    /// columns, counted in groups of four 32-bit words.
    pub(super) refine_down: u32,
    /// The offset, in the buffer of densities, of the picture's first density.
    pub(super) density: u32,
    /// The width of the picture in pixels.
    pub(super) width: u32,
    /// The height of the picture in pixels.
    pub(super) height: u32,
    /// The number of elements of the buffer of densities from one row of the picture to the next.
    pub(super) pitch: u32,
    /// The number of pixels along the side of a grid cell, if the grid is coarser than the picture;
    /// otherwise 1.
    pub(super) coarser: u32,
    /// The number of pixels, across, from the corner of the first grid cell to the picture's
    /// corner.
    pub(super) phase_x: u32,
    /// The number of pixels, down, from the corner of the first grid cell to the picture's corner.
    pub(super) phase_y: u32,
    /// The offset, in the buffer of pictures, of the first 32-bit word of the picture's output.
    pub(super) picture: u32,
    /// The number of 32-bit words that the picture's pixels take in the output.
    pub(super) words: u32,
    /// The number of 32-bit words that a row of pixels takes in the picture's output.
    pub(super) row_words: u32,
    /// The number of 32-bit words from one row of the picture's output to the next, in the buffer
    /// to which the output is written.
    pub(super) row_pitch: u32,
    /// The offset, in the buffer of thresholds, of the first threshold of the picture's scale.
    pub(super) thresholds: u32,
    /// The number of fixed-point units in a weight of 1, a power of two.
    pub(super) scale: f32,
    /// The weight of one fixed-point unit: the inverse of `scale`.
    pub(super) unscale: f32,
    /// The number that stands for the kernel's shape in the shader stage `stamp`.
    pub(super) shape: u32,
    /// The number of pixels that the kernel, or the stamp of the plan `EDGE`, reaches to each side
    /// of the pixel that contains a cell.
    pub(super) margin: u32,
    /// 1 divided by the kernel's radius in pixels.
    pub(super) per_radius: f32,
    /// The kernel's height: its value at its centre for the weight 1.
    pub(super) peak: f32,
    /// The number that stands for the grid of the deposit: `QUADRATIC` or `QUINCUNX` of the shader.
    pub(super) deposit: u32,
}

/// An item of a batch: consecutive cells, at most 256, that one workgroup of threads deposits.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct WorkItem {
    /// The index of the job, a [`GpuJob`], among the jobs of the batch.
    pub(super) job: u32,
    /// The index of the item's first cell in the buffer of points that has the item's cells.
    pub(super) first: u32,
    /// The number of the item's cells.
    pub(super) count: u32,
    /// The index of the mapping from world coordinates to the job's grid, a [`GpuPlace`], among the
    /// mappings of the batch.
    pub(super) place: u32,
}

/// The mapping from world coordinates to the cells of a job's grid, for one copy of the world.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct GpuPlace {
    /// The x coordinate, in world units, of the anchor, from which positions are counted.
    pub(super) anchor_x: u32,
    /// The y coordinate, in world units, of the anchor, from which positions are counted.
    pub(super) anchor_y: u32,
    /// The greatest distance in x from the anchor at which a cell is on the grid, in world units.
    pub(super) span_x: u32,
    /// The greatest distance in y from the anchor at which a cell is on the grid, in world units.
    pub(super) span_y: u32,
    /// The anchor's x on the grid, in two parts: the fraction of a grid cell in units of 2⁻³², and
    /// the number of whole grid cells.
    pub(super) offset_x: [u32; 2],
    /// The anchor's y on the grid, in two parts: the fraction of a grid cell in units of 2⁻³², and
    /// the number of whole grid cells.
    pub(super) offset_y: [u32; 2],
    /// The first 32 binary digits of the factor that turns a distance in world units into grid
    /// cells. The factor is 0.mantissa, read as a binary number, times 2^(before − after).
    pub(super) mantissa: u32,
    /// The number of bits that a distance is shifted to the left before it is multiplied by the
    /// mantissa.
    pub(super) before: u32,
    /// The number of bits that the product of the shifted distance and the mantissa is shifted to
    /// the right.
    pub(super) after: u32,
    /// Padding, which isn't read: with it the struct is as long as in the shader.
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

    /// Returns the name and the offset in bytes of each member of the WGSL struct `name`, and the
    /// size of the struct in bytes.
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
                plan,
                bins,
                bin_count,
                columns,
                rows,
                across,
                inner_rows,
                spread,
                outputs,
                lines,
                stride,
                step,
                span,
                terms,
                most_terms,
                taps,
                stamp_rows,
                refine_across,
                refine_down,
                density,
                width,
                height,
                pitch,
                coarser,
                phase_x,
                phase_y,
                picture,
                words,
                row_words,
                row_pitch,
                thresholds,
                scale,
                unscale,
                shape,
                margin,
                per_radius,
                peak,
                deposit
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
                ("WORDS", WORDS),
                ("DIRECT", DIRECT),
                ("SPREAD", SPREAD),
                ("EDGE", EDGE),
                ("NOTHING", NOTHING),
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
