//! The WGSL sources of heatsplat's GPU backend. Each stage of the drawing has a file, which is
//! named like the module of `heatsplat-render` that does the same work on the CPU.
//!
//! The crate has no dependencies, so that any program that runs WGSL can use the shaders. Its
//! README describes how to run the stages: their order, their buffers and the numbers of
//! workgroups. The results of the stages must agree with the results of the CPU backend.
#![forbid(unsafe_code)]

/// A stage of the GPU backend: a complete WGSL module with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The name of the stage's file, without its extension.
    pub name: &'static str,
    /// The whole source of the module, in which the declarations shared by all stages come first.
    pub source: &'static str,
}

macro_rules! stage {
    ($name:literal $(, after $before:literal)*) => {
        Stage {
            name: $name,
            source: concat!(
                include_str!("job.wgsl"),
                $(include_str!(concat!($before, ".wgsl")),)*
                include_str!(concat!($name, ".wgsl")),
            ),
        }
    };
}

/// Deposits cells on a grid: divides the weight of each among the grid's nearest squares. A cell is
/// a point that may stand for several points. The entry point is `deposit`.
pub const SPLAT_BIN: Stage = stage!("splat_bin");
/// Converts the grid from fixed point to floating point. The entry point is `settle`.
pub const SPLAT_SETTLE: Stage = stage!("splat_settle");
/// Convolves the grid with a kernel that is a sum of separable terms. The entry points are
/// `across`, which comes first, and `down`.
pub const SPLAT_SPREAD: Stage = stage!("splat_spread");
/// Evaluates the convolved grid at the pixels. It is used for wide kernels, whose grid is coarser
/// than the pixels. The entry point is `refine`.
pub const SPLAT_REFINE: Stage = stage!("splat_refine");
/// Convolves the grid with the kernel's stamp, a two-dimensional table of weights. It is used for
/// kernels that would need many separable terms. The entry point is `convolve`.
pub const SPLAT_EDGE: Stage = stage!("splat_edge");
/// Adds the kernel's value at each pixel around each cell, without a grid. It is used for small
/// kernels. The entry point is `stamp`.
pub const SPLAT_DIRECT: Stage = stage!("splat_direct", after "splat_bin");
/// Writes the picture from the densities. The entry point `indices` writes colour indices, `colors`
/// writes RGBA colours, and `unchanged` writes the densities themselves.
pub const COLORIZE_ALPHA: Stage = stage!("colorize_alpha");

/// All stages, in the order in which they run. A picture needs only some of them.
pub const STAGES: [Stage; 7] = [
    SPLAT_BIN,
    SPLAT_DIRECT,
    SPLAT_SETTLE,
    SPLAT_SPREAD,
    SPLAT_EDGE,
    SPLAT_REFINE,
    COLORIZE_ALPHA,
];

#[cfg(test)]
mod tests {
    use super::*;
    use naga::valid::{Capabilities, ValidationFlags, Validator};

    #[test]
    fn every_stage_is_valid_and_asks_for_no_more_than_any_device_has() {
        for stage in STAGES {
            let module = naga::front::wgsl::parse_str(stage.source)
                .unwrap_or_else(|e| panic!("{}", e.emit_to_string(stage.source)));
            Validator::new(ValidationFlags::all(), Capabilities::empty())
                .validate(&module)
                .unwrap_or_else(|e| panic!("{}: {}", stage.name, e.emit_to_string(stage.source)));
            assert!(!module.entry_points.is_empty(), "{}", stage.name);
            for entry in &module.entry_points {
                let [x, y, z] = entry.workgroup_size;
                assert!(x * y * z <= 256, "{} {}", stage.name, entry.name);
            }
            let bound = |v: &naga::GlobalVariable| v.binding.is_some();
            let buffers = module
                .global_variables
                .iter()
                .filter(|(_, v)| bound(v))
                .count();
            assert!(buffers <= 8, "{}: {buffers} buffers", stage.name);
        }
    }
}
