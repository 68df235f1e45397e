//! Last stage: densities become colour indices.
//!
//! The GPU's twin is `colorize_alpha.wgsl`.

use crate::scale::Normalizer;

/// Mantissa bits that choose a table entry: 256 entries an octave are finer than
/// the steps of a linear scale at its upper end, where they lie closest.
const SHIFT: u32 = 15;

/// A normaliser as a table: the index at the lower edge of each small range of densities.
///
/// A formula per pixel (a logarithm, say) would cost more than the splat; all
/// formulas cost the same here, and the steps are exactly the normaliser's.
#[derive(Debug)]
pub(crate) struct IndexTable {
    /// `f32::to_bits() >> SHIFT` of the first entry.
    first: u32,
    entries: Vec<u8>,
    /// The 255 steps of [`Normalizer::thresholds`], then NaN, which no density passes.
    thresholds: [f32; 256],
}

impl IndexTable {
    pub(crate) fn of(normalizer: &Normalizer) -> Self {
        let mut thresholds = [f32::NAN; 256];
        for (to, from) in thresholds.iter_mut().take(255).zip(normalizer.thresholds()) {
            *to = *from;
        }
        let slot = |v: f32| v.max(0.0).to_bits() >> SHIFT;
        let (first, last) = (slot(thresholds[0]), slot(thresholds[254]));
        let entries = (first..=last + 1)
            .map(|s| normalizer.index(f32::from_bits(s << SHIFT)))
            .collect();
        Self {
            first,
            entries,
            thresholds,
        }
    }

    /// The index of a density: how many thresholds are not above it.
    #[inline(always)]
    pub(crate) fn index(&self, density: f32) -> u8 {
        if !(density >= self.thresholds[0]) {
            return 0;
        }
        if density < 0.0 {
            // a domain that begins below zero: rare enough for a search
            return self.thresholds.partition_point(|&t| t <= density).min(255) as u8;
        }
        let slot = (density.to_bits() >> SHIFT).saturating_sub(self.first) as usize;
        let mut index = self.entries.get(slot).copied().unwrap_or(255);
        while self.thresholds[index as usize] <= density {
            index += 1;
        }
        index
    }

    /// The indices of a grid.
    #[inline(always)]
    pub(crate) fn indices(&self, densities: &[f32]) -> Vec<u8> {
        densities.iter().map(|&d| self.index(d)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale::{Domain, Scale, Transform};
    use crate::stats::Statistics;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_the_normaliser(
            which in 0usize..5, lo in -2.0..3.0f64, span in 1e-6..1e6f64,
            densities in prop::collection::vec(prop_oneof![-3.0..5.0f32, 0.0..1e6f32, any::<f32>()], 100),
        ) {
            let mut statistics = Statistics::default();
            statistics.add(&densities, 1.0);
            let scale = Scale { domain: Domain::Fixed(lo, lo + span), transform: Transform::ALL[which].1 };
            let normalizer = scale.resolve(&statistics);
            let table = IndexTable::of(&normalizer);
            for &d in densities.iter().chain(normalizer.thresholds()).filter(|d| d.is_finite()) {
                for d in [d, d.next_down(), d.next_up(), -d] {
                    prop_assert_eq!(table.index(d), normalizer.index(d), "{}", d);
                }
            }
            prop_assert_eq!(table.index(f32::NAN), 0);
            prop_assert_eq!(table.index(f32::INFINITY), 255);
        }
    }
}
