//! Last stage: densities become colour indices.
//!
//! The GPU's twin is `colorize_alpha.wgsl`.

use crate::steps::Steps;

/// Pixels that are looked at together: most of a map is empty.
const BLOCK: usize = 32;

/// The index of each density.
pub(crate) fn indices(steps: &Steps, densities: &[f32]) -> Vec<u8> {
    let mut indices = vec![0; densities.len()];
    for (to, from) in indices.chunks_mut(BLOCK).zip(densities.chunks(BLOCK)) {
        if from
            .iter()
            .fold(false, |any, &d| any | steps.passes_first(d))
        {
            steps.indices(from, to);
        }
    }
    indices
}
