//! Quantization: the step from densities to colour indices. The densities at which the index rises
//! by one, the thresholds, are computed once. A look-up table then finds the index of a density in
//! a few instructions.
#![allow(
    clippy::indexing_slicing,
    reason = "there are 256 thresholds, and bytes count them"
)]

/// The numbers of low bits of a density (an f32) that a look-up table may ignore. With 14 ignored
/// bits a table has 512 entries for each doubling of the density, and with most formulas there is
/// at most one threshold between two entries. Narrow domains need tables that ignore fewer bits.
const SHIFTS: std::ops::RangeInclusive<u32> = 6..=14;

/// The greatest number of entries of a look-up table that ignores fewer than 14 bits: at one byte
/// each they take 8 KiB, which stay in the processor's cache.
const MOST_ENTRIES: u32 = 1 << 13;

/// The number of densities that are looked up together. It is fixed because the compiler turns
/// loops of a fixed length into vector instructions.
pub(crate) const BLOCK: usize = 32;

/// 255 rising thresholds, with a look-up table. The colour index of a density is the number of
/// thresholds that are not greater than the density.
///
/// Evaluating a scale's formula at each pixel, a logarithm for example, would take longer than the
/// splatting. With a table all formulas take equally long. A GPU gets the same thresholds as the
/// CPU, so that both give the same indices.
#[derive(Clone, Debug)]
pub(crate) struct Thresholds {
    /// The 255 thresholds, and at last a NaN. Every comparison with NaN is false, so it acts as a
    /// threshold that no density reaches.
    thresholds: [f32; 256],
    /// The number of low bits of a density that the table ignores. The densities that differ only
    /// in these bits are a *range* of the table.
    shift: u32,
    /// The number of the table's first range. A range's number is the upper bits that its densities
    /// have in common, `f32::to_bits() >> shift`.
    first: u32,
    /// For each range of the table, the colour index of the density at the range's lower edge.
    entries: Vec<u8>,
    /// The colour index of the density 0, by far the most frequent density.
    at_zero: u8,
    /// True if each range of the table has at most one threshold, and no threshold but the first
    /// lies below all positive densities. Then an index is found without a branch.
    simple: bool,
}

impl Thresholds {
    /// The number of bytes of heap memory that the look-up table takes.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.entries.len()
    }

    /// Makes the thresholds, `threshold(k)` for k = 1 to 255, and their table. A threshold that is
    /// less than the one before becomes equal to that one.
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

    /// Makes the look-up table, which ignores the `shift` lowest bits of densities.
    fn tabulate(&mut self, shift: u32) {
        let slot = |v: f32| v.max(0.0).to_bits() >> shift;
        let thresholds = &self.thresholds;
        // The table begins one range before the range of the first threshold, so that the table's
        // first range contains no threshold.
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

    /// The number of thresholds that lie below all positive densities, 0 or 1. It is 0 for amounts.
    /// It is 1 for the other kinds of values, whose negative numbers have an index above 0.
    fn below_zero(&self) -> usize {
        usize::from(self.thresholds[0] <= f32::MIN_POSITIVE)
    }

    /// Writes the colour index of each density into `indices`.
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

    /// Writes the colour indices of [`BLOCK`] densities without a branch. The field `simple` must
    /// be true.
    #[inline(always)]
    fn block(&self, densities: &[f32; BLOCK], indices: &mut [u8; BLOCK]) {
        let lowest = f32::from_bits(self.first << self.shift);
        let last = self.entries.len().saturating_sub(1) as u32;
        let mut slots = [0; BLOCK];
        for (slot, &density) in slots.iter_mut().zip(densities) {
            // Densities below the table's first range, and NaN, are looked up in the first range.
            let density = if density > lowest { density } else { lowest };
            *slot = ((density.to_bits() >> self.shift) - self.first).min(last);
        }
        for ((index, &density), &slot) in indices.iter_mut().zip(densities).zip(&slots) {
            let entry = self.entries.get(slot as usize).copied().unwrap_or(0);
            *index = entry + u8::from(self.thresholds[usize::from(entry)] <= density);
        }
        if self.below_zero() == 1 {
            // NaN must have the index 0, and not the index of the first range.
            for (index, &density) in indices.iter_mut().zip(densities) {
                *index *= u8::from(self.passes_first(density));
            }
        }
    }

    /// The 255 thresholds in rising order: the densities at which the colour index rises by one.
    pub(crate) fn thresholds(&self) -> &[f32] {
        &self.thresholds[..255]
    }

    /// Returns the colour index of a density. NaN has the index 0.
    #[inline(always)]
    pub(crate) fn index(&self, density: f32) -> u8 {
        if density <= 0.0 {
            // Negative densities matter only in domains that begin below 0. They are rare, so they
            // are found by a search instead of the table.
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
        // An addition is used instead of a branch, since the processor can't predict on which side
        // of the threshold a density lies.
        index += u8::from(self.thresholds[usize::from(index)] <= density);
        // With equalised transforms a range of the table can contain several thresholds.
        while self.thresholds[usize::from(index)] <= density {
            index += 1;
        }
        index
    }

    /// True if a density is at least the first threshold, so that its colour index is above 0.
    /// False for NaN.
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
