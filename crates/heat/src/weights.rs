//! Weights as integers of few bits.
//!
//! The weights of a group are stored as decimal numbers if each of them comes back to the bit.
//! Otherwise they are stored as the bits of the floats, reordered so that close weights are close
//! integers.

use heatsplat_points::Point;

/// The powers of ten of the modes for decimals; a mode's number, which is the index, is the number
/// of digits after the point.
const TENTHS: [f64; 7] = [1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6];

/// The number, in files, of the mode in which weights are the bits of floats.
const BITS: u8 = 15;

/// The bit of a mode's number that is set if a weight of the group is missing: then the greatest
/// number that the packed bits can hold stands for a missing weight.
const MISSING: u8 = 0x80;

/// The rule by which the weights of a group follow from integers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum WeightMode {
    /// The integer, taken as signed, divided by 10 to the power of `digits` is the weight. With
    /// `missing`, the greatest packed number stands for a missing weight instead.
    Decimal { digits: u8, missing: bool },
    /// The integer is the bits of the float, reordered by [`ordered`].
    Bits,
}

impl WeightMode {
    /// Returns the mode that has the number `number` in files; `None` if no mode has it.
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        let (digits, missing) = (number & !MISSING, number & MISSING != 0);
        match digits {
            BITS if !missing => Some(Self::Bits),
            _ if usize::from(digits) < TENTHS.len() => Some(Self::Decimal { digits, missing }),
            _ => None,
        }
    }

    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Decimal { digits, missing } => digits | if missing { MISSING } else { 0 },
            Self::Bits => BITS,
        }
    }
}

/// Returns the bits of a float, changed in such a way that greater floats become greater integers.
fn ordered(weight: f32) -> u32 {
    let bits = weight.to_bits();
    if bits >> 31 == 0 {
        bits | 1 << 31
    } else {
        !bits
    }
}

/// Returns the float whose bits, changed by [`ordered`], are `bits`.
#[inline]
fn unordered(bits: u32) -> f32 {
    // All bits are flipped if the highest is 0, else only the highest.
    let flip = (!(bits as i32) >> 31) as u32 | 1 << 31;
    f32::from_bits(bits ^ flip)
}

/// The description of a group's packed weights, by which they are unpacked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PackedWeights {
    pub(crate) mode: WeightMode,
    /// The least integer of the group; the packed numbers are differences to it.
    pub(crate) base: u32,
    /// The number of bits that each packed number takes.
    pub(crate) bits: u8,
}

/// Makes integers of the weights of a group, in the mode that takes the fewest bits, and subtracts
/// the least of them. Afterwards `out` has the differences, and zeros behind the last weight.
/// Returns the mode, the least integer and the bits of a difference.
pub(crate) fn pack(entries: &[Point], out: &mut [u32; 128]) -> PackedWeights {
    let mut bits = *out;
    let as_bits = from_bits(entries, &mut bits);
    if as_bits.bits > 0
        && let Some(decimals) = as_decimals(entries, out)
        && decimals.bits < as_bits.bits
    {
        return decimals;
    }
    *out = bits;
    as_bits
}

fn from_bits(entries: &[Point], out: &mut [u32; 128]) -> PackedWeights {
    out.fill(0);
    let numbers = || entries.iter().map(|p| ordered(p.weight));
    let (least, greatest) = (numbers().min(), numbers().max());
    let base = least.unwrap_or(0);
    for (to, number) in out.iter_mut().zip(numbers()) {
        *to = number - base;
    }
    PackedWeights {
        mode: WeightMode::Bits,
        base,
        bits: width(greatest.unwrap_or(0) - base),
    }
}

/// Returns weights as decimals with as few digits after the point as possible. Returns `None` if
/// some weights wouldn't come back to the bit, or if all weights are missing.
fn as_decimals(entries: &[Point], out: &mut [u32; 128]) -> Option<PackedWeights> {
    let mut present = entries.iter().filter(|p| p.has_weight());
    let first = present.next()?.weight;
    let comes_back = |digits: u8| {
        let number = integer(first, digits)?;
        (weight(number, digits).to_bits() == first.to_bits()).then_some(digits)
    };
    let fewest = (0..TENTHS.len() as u8).find_map(comes_back)?;
    (fewest..TENTHS.len() as u8).find_map(|digits| with_digits(entries, digits, out))
}

fn with_digits(entries: &[Point], digits: u8, out: &mut [u32; 128]) -> Option<PackedWeights> {
    let (mut least, mut greatest, mut missing) = (i32::MAX, i32::MIN, false);
    for (to, point) in out.iter_mut().zip(entries) {
        if !point.has_weight() {
            missing = true;
            continue;
        }
        let number = integer(point.weight, digits)?;
        if weight(number, digits).to_bits() != point.weight.to_bits() {
            return None;
        }
        (least, greatest) = (least.min(number), greatest.max(number));
        *to = number as u32;
    }
    let range = greatest.abs_diff(least);
    // The greatest integer of the width must be free where it stands for missing weights.
    let bits = width(range.checked_add(u32::from(missing))?);
    for (to, point) in out.iter_mut().zip(entries) {
        *to = match point.has_weight() {
            true => to.wrapping_sub(least as u32),
            false => greatest_of(bits),
        };
    }
    out.iter_mut().skip(entries.len()).for_each(|to| *to = 0);
    Some(PackedWeights {
        mode: WeightMode::Decimal { digits, missing },
        base: least as u32,
        bits,
    })
}

/// Returns a weight, rounded to `digits` digits after the point, as the integer of all its digits:
/// 1.25 becomes 125 with two digits. Returns `None` if the integer is too large.
fn integer(weight: f32, digits: u8) -> Option<i32> {
    let tenths = TENTHS.get(usize::from(digits))?;
    let number = (f64::from(weight) / tenths).round();
    let fits = f64::from(i32::MIN) < number && number < f64::from(i32::MAX);
    fits.then_some(number as i32)
}

fn weight(number: i32, digits: u8) -> f32 {
    let tenths = TENTHS.get(usize::from(digits)).unwrap_or(&1.0);
    (f64::from(number) * tenths) as f32
}

/// Returns the greatest number that `bits` bits can hold.
fn greatest_of(bits: u8) -> u32 {
    u32::MAX.checked_shr(32 - u32::from(bits)).unwrap_or(0)
}

/// Returns the number of bits that the number `greatest` takes.
pub(crate) fn width(greatest: u32) -> u8 {
    (u32::BITS - greatest.leading_zeros()) as u8
}

/// Unpacks the weights of a group into `out`. `numbers` are the packed numbers: the integers minus
/// the base.
#[inline]
pub(crate) fn unpack(packed: PackedWeights, numbers: &[u32; 128], out: &mut [f32; 128]) {
    let base = packed.base;
    match packed.mode {
        WeightMode::Bits => {
            for (weight, number) in out.iter_mut().zip(numbers) {
                *weight = unordered(base.wrapping_add(*number));
            }
        }
        WeightMode::Decimal { digits, missing } => {
            let tenths = *TENTHS.get(usize::from(digits)).unwrap_or(&1.0);
            for (weight, number) in out.iter_mut().zip(numbers) {
                let number = base.wrapping_add(*number) as i32;
                *weight = (f64::from(number) * tenths) as f32;
            }
            if missing {
                let missing = greatest_of(packed.bits);
                for (weight, number) in out.iter_mut().zip(numbers) {
                    *weight = if *number == missing { -0.0 } else { *weight };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns the weights of a group, and the bits that each takes.
    fn there_and_back(weights: &[f32]) -> (Vec<f32>, WeightMode, u8) {
        let point = |&weight: &f32| Point { x: 1, y: 2, weight };
        let points: Vec<Point> = weights.iter().map(point).collect();
        let mut numbers = [7; 128];
        let packed = pack(&points, &mut numbers);
        assert!(numbers.iter().all(|n| width(*n) <= packed.bits));
        assert!(numbers[weights.len()..].iter().all(|n| *n == 0));
        assert_eq!(
            WeightMode::from_number(packed.mode.number()),
            Some(packed.mode)
        );
        let mut out = [9.0; 128];
        unpack(packed, &numbers, &mut out);
        (out[..weights.len()].to_vec(), packed.mode, packed.bits)
    }

    fn assert_same(a: &[f32], b: &[f32]) {
        let bits = |some: &[f32]| some.iter().map(|w| w.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(a), bits(b));
    }

    proptest! {
        #[test]
        fn any_weights_come_back(weights in prop::collection::vec(any::<u32>(), 1..=128)) {
            let finite = |bits| Some(f32::from_bits(bits)).filter(|w| w.is_finite());
            let weights: Vec<f32> = weights.into_iter().map(|b| finite(b).unwrap_or(-0.0)).collect();
            assert_same(&there_and_back(&weights).0, &weights);
        }

        #[test]
        fn decimals_come_back(
            weights in prop::collection::vec((any::<i32>(), 0u32..32, any::<bool>()), 1..=128),
            digits in 0i32..=7, missing in any::<bool>(),
        ) {
            let decimal = |(number, by, not): (i32, u32, bool)| match missing && not {
                true => -0.0,
                false => (f64::from(number >> by) / 10f64.powi(digits)) as f32 + 0.0,
            };
            let weights: Vec<f32> = weights.into_iter().map(decimal).collect();
            assert_same(&there_and_back(&weights).0, &weights);
        }
    }

    #[test]
    fn decimals_take_few_bits() {
        let weights: Vec<f32> = (0..100).map(|i| i as f32 / 10.0).collect();
        let (back, mode, bits) = there_and_back(&weights);
        assert_same(&back, &weights);
        let decimal = |digits, missing| WeightMode::Decimal { digits, missing };
        assert_eq!((mode, bits), (decimal(1, false), 7));
        // 126 integers and the missing weight fit into seven bits, 128 don't.
        let some: Vec<f32> = (0..127).map(|i| i as f32).chain([-0.0]).collect();
        let (back, mode, bits) = there_and_back(&some);
        assert_same(&back, &some);
        assert_eq!((mode, bits), (decimal(0, true), 7));
        let (back, mode, bits) = there_and_back(&[0.0, 127.0, -0.0]);
        assert_same(&back, &[0.0, 127.0, -0.0]);
        assert_eq!((mode, bits), (decimal(0, true), 8));
        for same in [0.1, -0.0, 0.0, f32::MAX, f32::MIN_POSITIVE, 1e-45] {
            let (back, mode, bits) = there_and_back(&[same; 5]);
            assert_same(&back, &[same; 5]);
            assert_eq!((mode, bits), (WeightMode::Bits, 0));
        }
    }

    #[test]
    fn unknown_modes_are_refused() {
        let known = |n: &u8| WeightMode::from_number(*n).is_some();
        assert_eq!((0..=255).filter(known).count(), 2 * TENTHS.len() + 1);
    }
}
