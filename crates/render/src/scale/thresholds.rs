//! Quantization: the densities at which the colour index rises by one, and a table that finds the
//! index of a density in a few instructions.

/// Numbers of low mantissa bits that a table ignores, from finest to coarsest. With 14 ignored bits
/// a table has 512 entries per octave, so that with most formulas there is at most one threshold
/// between two entries. Narrow domains get finer tables.
const SHIFTS: std::ops::RangeInclusive<u32> = 6..=14;

/// The most entries of a table finer than the coarsest, so that it stays in the cache.
const MOST_ENTRIES: u32 = 1 << 13;

/// The number of densities that are looked up together: the compiler turns loops of a fixed length
/// into vector instructions.
pub(crate) const BLOCK: usize = 32;

/// 255 rising thresholds: the index of a density is the number of thresholds that are at most as
/// great as it.
///
/// To evaluate a formula at each pixel, a logarithm for example, would take longer than the
/// splatting. With a table all formulas cost the same, and a GPU gets exactly the numbers that the
/// CPU uses.
#[derive(Clone, Debug)]
pub(crate) struct Thresholds {
    /// The 255 thresholds, and a NaN, which no density reaches.
    thresholds: [f32; 256],
    /// The number of low bits of a density that the table ignores.
    shift: u32,
    /// The upper bits, `f32::to_bits() >> shift`, of the densities in the table's first range.
    first: u32,
    /// The index of the density at the lower edge of each of the table's ranges.
    entries: Vec<u8>,
    /// The index of the density 0, by far the most frequent density.
    at_zero: u8,
    /// True if at most the first threshold is below the positive densities, and none of the others
    /// shares its range of the table with another.
    simple: bool,
}

impl Thresholds {
    /// The thresholds `threshold(k)` for k = 1 to 255. A threshold below its predecessor is raised
    /// to it.
    pub(crate) fn new(threshold: impl Fn(u8) -> f32) -> Self {
        let mut thresholds = [f32::NAN; 256];
        let mut last = f32::MIN;
        for (to, k) in thresholds.iter_mut().zip(1..=255u8) {
            last = threshold(k).max(last);
            *to = last;
        }
        let mut made = Self {
            thresholds,
            shift: *SHIFTS.end(),
            first: 0,
            entries: Vec::new(),
            at_zero: 0,
            simple: false,
        };
        made.at_zero = made.search(0.0);
        let bits = |v: f32| v.max(0.0).to_bits();
        let range = bits(thresholds[254]) - bits(thresholds[made.below_zero()]);
        for shift in SHIFTS.rev() {
            if shift == *SHIFTS.end() || (range >> shift) < MOST_ENTRIES {
                made.tabulate(shift);
            }
            if made.simple {
                break;
            }
        }
        made
    }

    /// Makes the table that ignores `shift` low bits of a density.
    fn tabulate(&mut self, shift: u32) {
        let slot = |v: f32| v.max(0.0).to_bits() >> shift;
        let thresholds = &self.thresholds;
        // The table begins one range before that of the first threshold, so its first range
        // contains no threshold.
        let lowest = self.below_zero();
        let (first, last) = (
            slot(thresholds[lowest]).saturating_sub(1),
            slot(thresholds[254]),
        );
        let mut index = 0u8;
        let entry = |s: u32| {
            let edge = f32::from_bits(s << shift);
            while thresholds[usize::from(index)] <= edge {
                index += 1;
            }
            index
        };
        self.entries = (first..=last + 1).map(entry).collect();
        let steps = self.entries.windows(2);
        let apart = steps.into_iter().all(|w| matches!(w, [a, b] if b - a <= 1));
        self.simple = apart && thresholds[lowest] > f32::MIN_POSITIVE;
        (self.shift, self.first) = (shift, first);
    }

    /// The number of thresholds below all positive densities, 0 or 1. It is 1 for kinds of values
    /// other than amounts, whose every number has an index above 0.
    fn below_zero(&self) -> usize {
        usize::from(self.thresholds[0] <= f32::MIN_POSITIVE)
    }

    /// Writes the colour index of each density.
    #[inline(always)]
    pub(crate) fn indices(&self, densities: &[f32], indices: &mut [u8]) {
        if !self.simple {
            for (index, &density) in indices.iter_mut().zip(densities) {
                *index = self.index(density);
            }
            return;
        }
        let (blocks, rest) = indices.as_chunks_mut::<BLOCK>();
        let (full, beyond) = densities.as_chunks::<BLOCK>();
        for (to, from) in blocks.iter_mut().zip(full) {
            self.block(from, to);
        }
        for (index, &density) in rest.iter_mut().zip(beyond) {
            *index = self.index(density);
        }
    }

    /// Writes the indices of a block without a branch; only for a `simple` table.
    #[inline(always)]
    fn block(&self, densities: &[f32; BLOCK], indices: &mut [u8; BLOCK]) {
        let lowest = f32::from_bits(self.first << self.shift);
        let last = self.entries.len().saturating_sub(1) as u32;
        let mut slots = [0; BLOCK];
        for (slot, &density) in slots.iter_mut().zip(densities) {
            // Densities below the first range, and NaN, are looked up in the first range.
            let density = if density > lowest { density } else { lowest };
            *slot = ((density.to_bits() >> self.shift) - self.first).min(last);
        }
        for ((index, &density), &slot) in indices.iter_mut().zip(densities).zip(&slots) {
            let entry = self.entries.get(slot as usize).copied().unwrap_or(0);
            *index = entry + u8::from(self.thresholds[usize::from(entry)] <= density);
        }
        if self.below_zero() == 1 {
            // NaN has index 0, not the first range's index.
            for (index, &density) in indices.iter_mut().zip(densities) {
                *index *= u8::from(self.passes_first(density));
            }
        }
    }

    /// The 255 thresholds in rising order.
    pub(crate) fn thresholds(&self) -> &[f32] {
        &self.thresholds[..255]
    }

    /// The index of a density; 0 for NaN.
    #[inline(always)]
    pub(crate) fn index(&self, density: f32) -> u8 {
        if density <= 0.0 {
            // Negative densities matter only in domains that begin below zero, and are rare enough
            // for a search.
            return if density == 0.0 {
                self.at_zero
            } else {
                self.search(density)
            };
        }
        if !self.passes_first(density) {
            return 0;
        }
        let slot = (density.to_bits() >> self.shift).saturating_sub(self.first) as usize;
        let mut index = self.entries.get(slot).copied().unwrap_or(255);
        // Without a branch, since it cannot be predicted on which side of a threshold a density
        // lies.
        index += u8::from(self.thresholds[usize::from(index)] <= density);
        // With equalised histograms a range can contain several thresholds.
        while self.thresholds[usize::from(index)] <= density {
            index += 1;
        }
        index
    }

    /// True where a density reaches the first threshold, so that its index is above 0. False for
    /// NaN.
    #[inline(always)]
    pub(crate) fn passes_first(&self, density: f32) -> bool {
        density >= self.thresholds[0]
    }

    fn search(&self, density: f32) -> u8 {
        self.thresholds().partition_point(|&t| t <= density) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_table_counts_thresholds(
            lo in -2.0..3.0f32, first: bool, span in prop_oneof![1e-6..1e6f32, 0.01..1.0f32], power in 0.2..5.0f32,
            densities in prop::collection::vec(prop_oneof![-3.0..5.0f32, 0.0..1e6f32, any::<f32>()], 50),
        ) {
            let thresholds = Thresholds::new(|k| match k {
                1 if first => f32::MIN,
                k => lo + span * (f32::from(k) / 255.0).powf(power),
            });
            let counted = |d: f32| thresholds.thresholds().iter().filter(|t| **t <= d).count();
            let around = |&d: &f32| [d, d.next_down(), d.next_up(), -d, 0.0, -0.0, f32::NAN, f32::INFINITY];
            let near: Vec<f32> = densities.iter().chain(thresholds.thresholds()).flat_map(around).collect();
            let mut indices = vec![0; near.len()];
            thresholds.indices(&near, &mut indices);
            for (d, index) in near.into_iter().zip(indices) {
                prop_assert_eq!(usize::from(thresholds.index(d)), counted(d), "{}", d);
                prop_assert_eq!(index, thresholds.index(d), "{}", d);
            }
        }
    }
}
