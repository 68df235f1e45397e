//! The structs that the host writes and the shaders read: `shaders/src/job.wgsl` in Rust.
//! A test compares both, field by field.

use bytemuck::{Pod, Zeroable};

/// Spare cells around a grid, so that a deposit never leaves it.
pub(super) const PAD: u32 = 2;
/// Outputs a thread computes side by side in the convolutions.
pub(super) const OUTPUTS: u32 = 8;
/// Invocations of a workgroup.
pub(super) const GROUP: u32 = 64;
/// Bins, or words of a picture, that an invocation takes in the stages that go over them all.
pub(super) const EACH: u32 = 8;
/// The copies of the counters, which spread the atomics.
pub(super) const SLOTS: u32 = 16;
/// The words of a copy.
pub(super) const SLOT: u32 = 8;
/// The word of a slot that counts cells.
pub(super) const SEEN: u32 = 0;
/// The words of a slot that add up the cells' weights, low and high.
pub(super) const WEIGHED: u32 = 1;
/// The words of a slot that add up the bins, low and high.
pub(super) const HELD: u32 = 3;
/// The word of a slot with the picture's checksum.
pub(super) const SEAL: u32 = 5;

/// One picture, or a block of a large one; see `job.wgsl`.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct GpuJob {
    pub(super) bins: u32,
    pub(super) bin_count: u32,
    pub(super) columns: u32,
    pub(super) rows: u32,
    pub(super) across: u32,
    pub(super) inner_rows: u32,
    pub(super) spread: u32,
    pub(super) outputs: u32,
    pub(super) lines: u32,
    pub(super) stride: u32,
    pub(super) step: u32,
    pub(super) span: u32,
    pub(super) terms: u32,
    pub(super) density: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pitch: u32,
    pub(super) coarser: u32,
    pub(super) phase_x: u32,
    pub(super) phase_y: u32,
    pub(super) picture: u32,
    pub(super) words: u32,
    pub(super) row_words: u32,
    pub(super) thresholds: u32,
    pub(super) scale: f32,
    pub(super) unscale: f32,
    pub(super) shape: u32,
    pub(super) margin: u32,
    pub(super) per_radius: f32,
    pub(super) peak: f32,
    pub(super) deposit: u32,
}

/// A run of cells of one workgroup.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct WorkItem {
    pub(super) job: u32,
    pub(super) first: u32,
    pub(super) count: u32,
    pub(super) place: u32,
}

/// The mapping from the world to a grid, in one copy of the world.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct GpuPlace {
    pub(super) anchor_x: u32,
    pub(super) anchor_y: u32,
    pub(super) span_x: u32,
    pub(super) span_y: u32,
    pub(super) offset_x: [u32; 2],
    pub(super) offset_y: [u32; 2],
    pub(super) mantissa: u32,
    pub(super) before: u32,
    pub(super) after: u32,
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
