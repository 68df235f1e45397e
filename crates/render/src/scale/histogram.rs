//! Statistics of a layer's values: a logarithmic histogram, from whose percentiles scales take the
//! ends of their domain.

use crate::scale::value_kind::ValueKind;

/// The number of bins for each doubling of the value, as an exponent of two: 2⁵ = 32.
const PER_OCTAVE_BITS: u32 = 5;
const SHIFT: u32 = 23 - PER_OCTAVE_BITS;
/// The number of bins of all positive floats.
const POSITIVE_BINS: usize = 1 << (31 - SHIFT);
/// The bits of the positive infinity, which are greater than those of all numbers.
const INFINITY: u32 = f32::INFINITY.to_bits();
/// The number of values that are counted at a time. A choice.
const CHUNK: usize = 256;
/// The number of values from which on they are counted in a table of all positive bins, which takes
/// some microseconds to make. A choice.
const MANY: usize = 1 << 14;

/// Statistics of a layer's values, from which scales take percentiles: a histogram of positive and
/// negative values in logarithmic bins. There are 32 bins for each doubling of the value, so the
/// edges of a bin differ by about 2 %.
///
/// The [`ValueKind`] decides what is counted. Amounts are counted if they are over 0, and means
/// always. For a difference its distance from 0 is counted. For a quotient the factor by which it
/// differs from 1 is counted, so ½ counts as 2.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    below: LogBins,
    zeros: f64,
    above: LogBins,
    extremes: Option<(f32, f32)>,
}

/// The numbers of values in the bins of one half of a histogram. One half has the positive values;
/// the other half has the negative values, as if they were positive.
#[derive(Clone, Debug, Default)]
struct LogBins {
    /// The number of the first bin. The number of a bin is what all 32-bit floats in it share:
    /// their bits without the lowest `SHIFT` ones.
    first: u32,
    counts: Vec<f64>,
    total: f64,
}

impl LogBins {
    fn count(&mut self, bin: u32, times: f64) {
        if self.counts.is_empty() {
            self.first = bin;
        }
        if bin < self.first {
            let missing = (self.first - bin) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0.0, missing));
            self.first = bin;
        }
        let place = (bin - self.first) as usize;
        if place >= self.counts.len() {
            self.counts.resize(place + 1, 0.0);
        }
        if let Some(count) = self.counts.get_mut(place) {
            *count += times;
            self.total += times;
        }
    }

    fn merge(&mut self, other: &Self) {
        for (i, &n) in other.counts.iter().enumerate() {
            if n > 0.0 {
                self.count(other.first + i as u32, n);
            }
        }
    }

    /// Lists the bins in rising order, each as (lower edge, upper edge, number of values).
    fn bars(&self) -> impl DoubleEndedIterator<Item = (f64, f64, f64)> + '_ {
        let edge = |bin: u32| f64::from(f32::from_bits(bin << SHIFT).min(f32::MAX));
        let bar = move |(i, &n): (usize, &f64)| {
            let bin = self.first + i as u32;
            (edge(bin), edge(bin + 1), n)
        };
        self.counts.iter().enumerate().map(bar)
    }
}

impl Statistics {
    /// Counts each of `numbers` `times` times. Left out are
    ///
    /// * NaN and infinities,
    /// * signed values of 0,
    /// * amounts and quotients that are not positive.
    pub fn add(&mut self, kind: ValueKind, numbers: &[f32], times: f64) {
        let only = |is_counted: bool, v: f32| if is_counted { v } else { f32::NAN };
        match kind {
            ValueKind::Amount => self.add_each(numbers, times, |v| only(v > 0.0, v)),
            ValueKind::Level => self.add_each(numbers, times, |v| v),
            ValueKind::Signed => self.add_each(numbers, times, |v| only(v != 0.0, v.abs())),
            ValueKind::Ratio => self.add_each(numbers, times, |v| only(v > 0.0, v.max(v.recip()))),
        }
    }

    /// Counts `counted` of each of `numbers` `times` times. NaN and infinities are left out.
    fn add_each(&mut self, numbers: &[f32], times: f64, counted: impl Fn(f32) -> f32) {
        if numbers.len() < MANY {
            numbers.iter().for_each(|&v| self.count(counted(v), times));
            return;
        }
        // Neighbouring pixels are often in one bin. Each of four in a row has counters of its own,
        // so that a pixel's count doesn't wait for that of the pixel before.
        let mut counts = vec![[0u32; 4]; POSITIVE_BINS];
        let (mut least, mut most) = (u32::MAX, 0);
        let mut bits = [0; CHUNK];
        let (chunks, last) = numbers.as_chunks::<CHUNK>();
        for chunk in chunks {
            let each = bits.iter_mut().zip(chunk);
            each.for_each(|(bits, &v)| *bits = counted(v).to_bits());
            if bits
                .iter()
                .fold(false, |any, bits| any | (*bits as i32 <= 0))
            {
                // Some are not above 0.
                chunk.iter().for_each(|&v| self.count(counted(v), times));
                continue;
            }
            // Floats above 0 have the order of their bits; those of NaN and infinity come last.
            let finite = |bits: u32| if bits < INFINITY { bits } else { 0 };
            least = bits.iter().fold(least, |least, bits| least.min(*bits));
            most = bits.iter().fold(most, |most, bits| most.max(finite(*bits)));
            for four in bits.as_chunks::<4>().0 {
                for (bits, i) in four.iter().zip(0..4) {
                    let bin = counts.get_mut((bits >> SHIFT) as usize);
                    if let Some(count) = bin.and_then(|counts| counts.get_mut(i)) {
                        *count += 1;
                    }
                }
            }
        }
        for (bin, counts) in (0..INFINITY >> SHIFT).zip(counts) {
            let count: u32 = counts.iter().sum();
            if count > 0 {
                self.above.count(bin, f64::from(count) * times);
            }
        }
        if least <= most {
            self.widen(f32::from_bits(least), f32::from_bits(most));
        }
        last.iter().for_each(|&v| self.count(counted(v), times));
    }

    fn count(&mut self, v: f32, times: f64) {
        if !v.is_finite() {
            return;
        }
        if v > 0.0 {
            self.above.count(v.to_bits() >> SHIFT, times);
        } else if v < 0.0 {
            self.below.count((-v).to_bits() >> SHIFT, times);
        } else {
            self.zeros += times;
        }
        self.widen(v, v);
    }

    fn widen(&mut self, least: f32, most: f32) {
        let (low, high) = self.extremes.unwrap_or((least, most));
        self.extremes = Some((low.min(least), high.max(most)));
    }

    /// Adds the counts of `other` to the counts of these statistics.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.above.merge(&other.above);
        self.below.merge(&other.below);
        self.zeros += other.zeros;
        if let Some((least, most)) = other.extremes {
            self.widen(least, most);
        }
    }

    /// The greatest counted value; 0 if nothing was counted.
    pub fn max(&self) -> f64 {
        self.extremes.map_or(0.0, |(_, most)| f64::from(most))
    }

    /// The least counted value; 0 if nothing was counted.
    pub fn min(&self) -> f64 {
        self.extremes.map_or(0.0, |(least, _)| f64::from(least))
    }

    /// True if nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.extremes.is_none()
    }

    /// The number of bytes of heap memory that the histogram's bins take.
    pub fn heap_bytes(&self) -> usize {
        (self.below.counts.capacity() + self.above.counts.capacity()) * size_of::<f64>()
    }

    fn total(&self) -> f64 {
        self.below.total + self.zeros + self.above.total
    }

    /// Lists the bins that aren't empty, in rising order, each as (lower edge, upper edge, number
    /// of values). The value 0 has a bin of its own, whose two edges are 0.
    fn bars(&self) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
        let below = self
            .below
            .bars()
            .rev()
            .map(|(low, high, n)| (-high, -low, n));
        below
            .chain(std::iter::once((0.0, 0.0, self.zeros)))
            .chain(self.above.bars())
            .filter(|(.., n)| *n > 0.0)
    }

    /// Returns the value below which `percent` per cent of the counted values lie, 0 to 100.
    ///
    /// The value is interpolated within its bin, so its error is mostly much smaller than the width
    /// of a bin, which is 2 % of the value.
    pub fn percentile(&self, percent: f64) -> f64 {
        let wanted = (percent / 100.0).clamp(0.0, 1.0) * self.total();
        let mut below = 0.0;
        for (low, high, n) in self.bars() {
            if below + n >= wanted {
                let value = low + (high - low) * ((wanted - below) / n);
                return value.clamp(self.min(), self.max());
            }
            below += n;
        }
        self.max()
    }

    /// Returns the percentage, 0 to 100, of the counted values that lie below `number`: the inverse
    /// of [`percentile`](Self::percentile). For differences it is the percentage of values that are
    /// nearer to 0 than `number`, and for quotients nearer to 1. `None` if nothing was counted, or
    /// if `number` is NaN.
    pub fn percent_below(&self, kind: ValueKind, number: f64) -> Option<f64> {
        let number = match kind {
            ValueKind::Amount | ValueKind::Level => number,
            ValueKind::Signed => number.abs(),
            ValueKind::Ratio => number.max(number.recip()),
        };
        if self.is_empty() || number.is_nan() {
            return None;
        }
        if number >= self.max() {
            return Some(100.0);
        }
        let share = |(low, high, n): (f64, f64, f64)| match number {
            v if v >= high => n,
            v if v > low => n * (v - low) / (high - low),
            _ => 0.0,
        };
        Some(100.0 * self.bars().map(share).sum::<f64>() / self.total())
    }

    /// The cumulative distribution of the counted values between `low` and `high`: a list of
    /// (value, fraction). Of the counted values between `low` and `high`, this fraction is lower
    /// than the value, so fractions rise from 0 at `low` to 1 at `high`. There is an entry for the
    /// upper edge of each bin.
    pub fn cumulative(&self, low: f64, high: f64) -> Vec<(f64, f64)> {
        let mut curve = vec![(low, 0.0)];
        let mut sum = 0.0;
        for (from, to, n) in self.bars() {
            let (inner_from, inner_to) = (from.max(low), to.min(high));
            let share = match to > from {
                true if inner_to > inner_from => (inner_to - inner_from) / (to - from),
                false if (low..=high).contains(&from) => 1.0,
                _ => continue,
            };
            if curve.last().is_some_and(|&(v, _)| v < inner_from) {
                curve.push((inner_from, sum));
            }
            sum += n * share;
            curve.push((inner_to, sum));
        }
        if sum > 0.0 {
            curve.iter_mut().for_each(|(_, share)| *share /= sum);
        }
        curve
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_a_known_spread() {
        let mut stats = Statistics::default();
        let densities: Vec<f32> = (1..=10_000).map(|i| i as f32).collect();
        stats.add(ValueKind::Amount, &densities, 1.0);
        stats.add(ValueKind::Amount, &[0.0, -5.0, f32::NAN], 1.0);
        for p in [1.0, 10.0, 50.0, 90.0, 99.0, 99.9] {
            let got = stats.percentile(p);
            assert!((got / (p * 100.0) - 1.0).abs() < 0.03, "p{p}: {got}");
        }
        assert_eq!(stats.max(), 10_000.0);
        assert_eq!(stats.percentile(100.0), 10_000.0);
    }

    #[test]
    fn many_values_are_counted_as_each_alone() {
        // Values of all sizes and both signs, some of them special.
        let mut numbers: Vec<f32> = (0..MANY as u32 + 1)
            .map(|i| f32::from_bits(i.wrapping_mul(2_654_435_769)))
            .collect();
        numbers.extend([
            0.0,
            -0.0,
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::MAX,
        ]);
        for kind in [
            ValueKind::Amount,
            ValueKind::Level,
            ValueKind::Signed,
            ValueKind::Ratio,
        ] {
            let (mut together, mut alone) = (Statistics::default(), Statistics::default());
            // Also values above 0 alone, as they are mostly.
            for numbers in [numbers.clone(), numbers.iter().map(|v| v.abs()).collect()] {
                together.add(kind, &numbers, 2.5);
                for number in numbers.chunks(100) {
                    alone.add(kind, number, 2.5);
                }
                assert!(together.bars().eq(alone.bars()), "{kind:?}");
                assert_eq!(together.extremes, alone.extremes);
                assert_eq!(together.total(), alone.total());
            }
        }
    }

    #[test]
    fn pixels_may_stand_for_many() {
        let mut stats = Statistics::default();
        stats.add(ValueKind::Amount, &[1.0], 99.0);
        stats.add(ValueKind::Amount, &[1000.0], 1.0);
        assert!(stats.percentile(98.0) < 1.1);
        assert!(stats.percentile(99.5) > 900.0);
    }

    #[test]
    fn nothing_has_a_maximum_of_zero() {
        let stats = Statistics::default();
        assert_eq!((stats.max(), stats.percentile(99.0)), (0.0, 0.0));
        assert_eq!(stats.cumulative(0.0, 1.0), vec![(0.0, 0.0)]);
    }

    #[test]
    fn numbers_to_both_sides_of_zero_are_in_one_order() {
        let mut stats = Statistics::default();
        let numbers: Vec<f32> = (-500..=500).map(|i| i as f32).collect();
        stats.add(ValueKind::Level, &numbers, 1.0);
        for p in [1.0, 20.0, 50.0, 75.0, 99.0] {
            let (got, wanted) = (stats.percentile(p), (p - 50.0) * 10.0);
            assert!((got - wanted).abs() < 12.0, "p{p}: {got} {wanted}");
        }
        let curve = stats.cumulative(-100.0, 100.0);
        assert!(curve.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1));
        let mut sides = Statistics::default();
        sides.add(ValueKind::Signed, &[-3.0, 2.0, 0.0], 1.0);
        sides.add(ValueKind::Ratio, &[0.25, 2.0, 0.0, -1.0], 1.0);
        assert_eq!((sides.min(), sides.max()), (2.0, 4.0));
    }

    #[test]
    fn the_cumulative_curve_rises_to_one() {
        let mut stats = Statistics::default();
        stats.add(ValueKind::Amount, &[0.5, 1.0, 1.0, 70.0], 1.0);
        let curve = stats.cumulative(0.0, stats.max());
        assert!(curve.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1));
        assert!((curve.last().unwrap().1 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn percents_and_percentiles_are_each_others_inverse() {
        let mut statistics = Statistics::default();
        assert_eq!(statistics.percent_below(ValueKind::Level, 1.0), None);
        let numbers: Vec<f32> = (-300..=700).map(|i| i as f32 * 0.37).collect();
        statistics.add(ValueKind::Level, &numbers, 2.0);
        for percent in 1..100 {
            let number = statistics.percentile(f64::from(percent));
            let back = statistics.percent_below(ValueKind::Level, number).unwrap();
            assert!((back - f64::from(percent)).abs() < 0.2, "{percent}: {back}");
        }
        assert_eq!(statistics.percent_below(ValueKind::Level, 1e9), Some(100.0));
        assert_eq!(statistics.percent_below(ValueKind::Level, -1e9), Some(0.0));
        let mut quotients = Statistics::default();
        quotients.add(ValueKind::Ratio, &[0.25, 2.0, 4.0, 8.0], 1.0);
        let nearer = |v| quotients.percent_below(ValueKind::Ratio, v).unwrap();
        assert!((nearer(0.125) - nearer(8.0)).abs() < 1e-9 && nearer(3.0) < nearer(0.2));
    }
}
