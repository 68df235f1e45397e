//! The WGSL sources of heatsplat's GPU backend, one stage a file, each named like its CPU twin in
//! `heatsplat-render`.
//!
//! The crate has no dependencies, so that any program that runs WGSL can use the shaders. Its
//! README says how to run the stages: in what order, with which buffers, and with how many
//! workgroups. The CPU backend is the reference for all of them.
#![forbid(unsafe_code)]

/// A stage of the GPU backend: a WGSL module and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The file's name without its extension.
    pub name: &'static str,
    /// The source of the whole module.
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

/// Deposits cells on a grid: entry point `deposit`.
pub const SPLAT_BIN: Stage = stage!("splat_bin");
/// Converts the grid from fixed point to floating point: entry point `settle`.
pub const SPLAT_SETTLE: Stage = stage!("splat_settle");
/// Convolves the grid with separable terms: entry points `across` and `down`.
pub const SPLAT_SPREAD: Stage = stage!("splat_spread");
/// Evaluates the result on a coarse grid at the pixels, for wide kernels: entry point `refine`.
pub const SPLAT_REFINE: Stage = stage!("splat_refine");
/// Convolves the grid with a stamp, for kernels of many terms: entry point `convolve`.
pub const SPLAT_EDGE: Stage = stage!("splat_edge");
/// Stamps the kernel around each cell, for small kernels: entry point `stamp`.
pub const SPLAT_DIRECT: Stage = stage!("splat_direct", after "splat_bin");
/// Turns densities into colour indices by the entry point `indices`, turns them into colours by
/// `colors`, or copies them by `unchanged`.
pub const COLORIZE_ALPHA: Stage = stage!("colorize_alpha");

/// All stages, in the order in which they run.
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
