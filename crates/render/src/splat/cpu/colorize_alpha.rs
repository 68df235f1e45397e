//! The last stage: densities become colour indices.
//!
//! The GPU's twin is `colorize_alpha.wgsl`.

use crate::scale::thresholds::{BLOCK, Thresholds};
use pulp::{Arch, Simd, WithSimd};

/// The colour index of each density.
pub(crate) fn indices(steps: &Thresholds, densities: &[f32]) -> Vec<u8> {
    let mut indices = vec![0; densities.len()];
    Arch::new().dispatch(Colorize {
        steps,
        densities,
        indices: &mut indices,
    });
    indices
}

/// Writes the colour index of each density; compiled for each vector width.
struct Colorize<'a> {
    steps: &'a Thresholds,
    densities: &'a [f32],
    indices: &'a mut [u8],
}

impl WithSimd for Colorize<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        // A block in which no density reaches the first threshold is skipped and stays 0: most of a
        // map is empty.
        let blocks = self.indices.chunks_mut(BLOCK);
        for (to, from) in blocks.zip(self.densities.chunks(BLOCK)) {
            if from
                .iter()
                .fold(false, |any, &d| any | self.steps.passes_first(d))
            {
                self.steps.indices(from, to);
            }
        }
    }
}
