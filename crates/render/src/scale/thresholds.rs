//! Quantisation: the densities at which the colour index steps up, and a table that finds the
//! index of a density in a few instructions.

/// Mantissa bits below those that choose a table entry: 512 entries an octave, so that between
/// two of them most formulas' scales have one step at most. Narrow domains have more entries.
const SHIFTS: std::ops::RangeInclusive<u32> = 6..=14;

/// Entries of a table of a narrow domain, at most: they are to stay in the cache.
const MOST_ENTRIES: u32 = 1 << 13;

/// Densities that are looked up together: a loop of a fixed length becomes vectors.
pub(crate) const BLOCK: usize = 32;

/// 255 rising thresholds: the index of a density is the number of them that are not above it.
///
/// A formula per pixel (a logarithm, say) would cost more than the splat; with a
/// table all formulas cost the same, and a GPU can be given the same numbers.
#[derive(Clone, Debug)]
pub(crate) struct Thresholds {
    /// The 255 thresholds, then NaN, which no density passes.
    thresholds: [f32; 256],
    /// Bits of a density below those that choose its entry.
    shift: u32,
    /// `f32::to_bits() >> shift` of the first entry.
    first: u32,
    /// The index at the lower edge of each small range of positive densities.
    entries: Vec<u8>,
    /// The index of density 0, by far the most frequent.
    at_zero: u8,
    /// True where none but the first threshold may be below 0, and none of those above it shares
    /// its range with another.
    simple: bool,
}

impl Thresholds {
    /// The thresholds `threshold(k)` for k = 1 to 255; one that is below its predecessor is
    /// raised to it.
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

    /// Makes the table for a number of bits.
    fn tabulate(&mut self, shift: u32) {
        let slot = |v: f32| v.max(0.0).to_bits() >> shift;
        let thresholds = &self.thresholds;
        // One range before that of the first threshold, which surely holds none.
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

    /// The number of thresholds below all positive densities, 0 or 1: means have one, so that
    /// every value passes it.
    fn below_zero(&self) -> usize {
        usize::from(self.thresholds[0] <= f32::MIN_POSITIVE)
    }

    /// Writes the index of each density.
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

    /// Writes the indices of a block without a branch, where the scale is simple.
    #[inline(always)]
    fn block(&self, densities: &[f32; BLOCK], indices: &mut [u8; BLOCK]) {
        let lowest = f32::from_bits(self.first << self.shift);
        let last = self.entries.len().saturating_sub(1) as u32;
        let mut slots = [0; BLOCK];
        for (slot, &density) in slots.iter_mut().zip(densities) {
            // Densities below the first range, and NaN, are treated as if they were in it.
            let density = if density > lowest { density } else { lowest };
            *slot = ((density.to_bits() >> self.shift) - self.first).min(last);
        }
        for ((index, &density), &slot) in indices.iter_mut().zip(densities).zip(&slots) {
            let entry = self.entries.get(slot as usize).copied().unwrap_or(0);
            *index = entry + u8::from(self.thresholds[usize::from(entry)] <= density);
        }
        if self.below_zero() == 1 {
            // NaN has index 0, not that of the first range.
            for (index, &density) in indices.iter_mut().zip(densities) {
                *index *= u8::from(self.passes_first(density));
            }
        }
    }

    /// The 255 thresholds, rising.
    pub(crate) fn thresholds(&self) -> &[f32] {
        &self.thresholds[..255]
    }

    /// The index of a density; that of NaN is 0.
    #[inline(always)]
    pub(crate) fn index(&self, density: f32) -> u8 {
        if density <= 0.0 {
            // Densities below zero matter where a domain begins there: rare enough for a search.
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
        // Without a branch, since a step here cannot be predicted.
        index += u8::from(self.thresholds[usize::from(index)] <= density);
        // Equalised histograms can have several steps in a range.
        while self.thresholds[usize::from(index)] <= density {
            index += 1;
        }
        index
    }

    /// True where a density reaches the first threshold, which gives it an index above 0. False
    /// for NaN.
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
