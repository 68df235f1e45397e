//! The last stage of drawing: densities become colour indices.
//!
//! The GPU's version of this stage is `colorize_alpha.wgsl`.

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

/// A task that writes the colour index of each density. It is compiled for each width of vector
/// instructions.
struct Colorize<'a> {
    steps: &'a Thresholds,
    densities: &'a [f32],
    indices: &'a mut [u8],
}

impl WithSimd for Colorize<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        // A block whose densities all lie below the first threshold is skipped and stays 0, since
        // most of a map is empty.
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
