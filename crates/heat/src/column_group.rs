//! Groups of 128 values of a column: the unit that is packed and unpacked.
//!
//! A value is an integer of 64 bits, and 0 is null; floats become such integers by [`ordered`].
//! Each value of a group is packed as its difference to the group's least value, divided by a step:
//! the step is a second, for example, where all times are whole seconds. Floats are stored as
//! decimal numbers instead if that takes fewer bits and each of them comes back to the bit.

use crate::bytes::ByteReader;
use crate::group::GROUP;
use bitpacking::{BitPacker as _, BitPacker4x};

/// The value that stands for null.
pub(crate) const NULL: u64 = 0;

/// The number of bytes of a group's head: the base (8), the mode (1) and the bits (1) of a
/// [`ColumnHead`].
pub(crate) const HEAD: usize = 8 + 1 + 1;

/// The steps of the modes for integers, indexed by the mode's number: 1, and, for times in
/// microseconds, a millisecond, second, minute, hour and day. A group has the greatest step of
/// which all differences between its values are multiples.
const STEPS: [u64; 6] = [
    1,
    1_000,
    1_000_000,
    60_000_000,
    3_600_000_000,
    86_400_000_000,
];

/// The number, in files, of the mode for decimals without digits after the point. The next nine
/// numbers are those of the modes for decimals with 1 to 9 digits.
const DECIMALS: u8 = 16;

/// The powers of ten of the modes for decimals; the index is the number of digits after the point.
const POWERS: [f64; 10] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// The greatest absolute value of a decimal's digits, taken as one whole number: 2⁵³, up to which
/// an f64 can be each whole number.
const MOST: f64 = 9_007_199_254_740_992.0;

/// The bit of a mode's number that is set if the group has nulls: then the greatest number that the
/// packed bits can hold stands for null.
const NULLABLE: u8 = 0x80;

/// The rule by which a group's values follow from its base and its packed numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    /// The value is the base plus the packed number times this step.
    Steps(u64),
    /// The base plus the packed number is a signed integer; divided by this power of ten, it is a
    /// float; and [`ordered`] of this float is the value.
    Decimals(f64),
}

/// The head of a group: it says how values follow from the packed numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ColumnHead {
    /// The number that is subtracted from all numbers of the group before they are packed: the
    /// least value, or, in a mode for decimals, the least of the integers that the decimals become
    /// without their points.
    base: u64,
    mode: Mode,
    has_nulls: bool,
    bits: u8,
    /// The offset of the group's packed numbers in the page.
    at: u32,
}

/// Returns the integer as which a column stores a float: greater floats have greater integers. 0,
/// which is null, would only be the integer of a NaN that is never stored.
pub fn ordered(number: f64) -> u64 {
    let bits = number.to_bits();
    if bits >> 63 == 0 {
        bits | 1 << 63
    } else {
        !bits
    }
}

/// Returns the float of which [`float_value`](crate::float_value) has made the integer `value`.
pub fn unordered(value: u64) -> f64 {
    f64::from_bits(if value >> 63 == 1 {
        value ^ 1 << 63
    } else {
        !value
    })
}

fn packed_len(bits: u8) -> usize {
    usize::from(bits) * GROUP / 8
}

fn width(greatest: u64) -> u8 {
    (u64::BITS - greatest.leading_zeros()) as u8
}

fn greatest_of(bits: u8) -> u64 {
    u64::MAX.checked_shr(64 - u32::from(bits)).unwrap_or(0)
}

/// The numbers of a group, less the base and ready to be packed, and what the group's head says of
/// them: the base, the mode's number, and the bits that each takes.
struct PackedGroup {
    base: u64,
    mode: u8,
    bits: u8,
    numbers: [u64; GROUP],
}

/// Packs the values of a group: appends its head to `heads`, and its packed numbers to `packs`. If
/// `floats` is true, the values are floats that [`ordered`] has made integers.
pub(crate) fn pack(values: &[u64], floats: bool, heads: &mut Vec<u8>, packs: &mut Vec<u8>) {
    let mut best = with_steps(values);
    if floats
        && best.bits > 0
        && let Some(decimals) = with_decimals(values)
        && decimals.bits < best.bits
    {
        best = decimals;
    }
    heads.extend_from_slice(&best.base.to_le_bytes());
    heads.extend_from_slice(&[best.mode, best.bits]);
    let mut half = [0; GROUP];
    for (shift, bits) in [(0, best.bits.min(32)), (32, best.bits.saturating_sub(32))] {
        for (to, number) in half.iter_mut().zip(best.numbers) {
            *to = (number >> shift) as u32;
        }
        let start = packs.len();
        packs.resize(start + packed_len(bits), 0);
        if let (Some(to), 1..) = (packs.get_mut(start..), bits) {
            BitPacker4x::new().compress(&half, to, bits);
        }
    }
}

/// Subtracts `base` from each number of a group and divides the difference by `step`. A number that
/// is `None` is null. `mode` is the mode's number in files. Returns `None` if the differences need
/// all numbers of 64 bits, so that none is left for null.
fn packed(numbers: &[Option<u64>], base: u64, step: u64, mode: u8) -> Option<PackedGroup> {
    let over = |number: &u64| number.wrapping_sub(base) / step;
    let greatest = numbers.iter().flatten().map(over).max().unwrap_or(0);
    let has_nulls = numbers.contains(&None);
    // The greatest number of the width must be free where it stands for null.
    let bits = width(greatest.checked_add(u64::from(has_nulls))?);
    let mut out = [0; GROUP];
    for (to, number) in out.iter_mut().zip(numbers) {
        *to = number.as_ref().map_or(greatest_of(bits), over);
    }
    Some(PackedGroup {
        base,
        mode: mode | if has_nulls { NULLABLE } else { 0 },
        bits,
        numbers: out,
    })
}

fn with_steps(values: &[u64]) -> PackedGroup {
    let present = || values.iter().copied().filter(|value| *value != NULL);
    let base = present().min().unwrap_or(NULL);
    let fits = |step: &u64| present().all(|value| (value - base) % step == 0);
    let steps = (0u8..).zip(STEPS).filter(|(_, step)| fits(step));
    let (mode, step) = steps.last().unwrap_or((0, 1));
    let numbers: Vec<Option<u64>> = values
        .iter()
        .map(|v| Some(*v).filter(|v| *v != NULL))
        .collect();
    let all_null = base == NULL;
    if !all_null && let Some(packed) = packed(&numbers, base, step, mode) {
        return packed;
    }
    // All are null, or the values are so far apart that null has no number but its own.
    let mut numbers = [0; GROUP];
    numbers
        .iter_mut()
        .zip(values)
        .for_each(|(to, value)| *to = *value);
    PackedGroup {
        base: 0,
        mode: 0,
        bits: width(values.iter().copied().max().unwrap_or(0)),
        numbers,
    }
}

/// Returns a group's values as decimals with as few digits after the point as possible, ready to be
/// packed. The values are floats made integers by [`ordered`]. Returns `None` if some float
/// wouldn't come back to the bit with nine digits, or if all values are null.
fn with_decimals(values: &[u64]) -> Option<PackedGroup> {
    (DECIMALS..).zip(POWERS).find_map(|(mode, power)| {
        let integer = |value: &u64| {
            if *value == NULL {
                return Some(None);
            }
            let float = unordered(*value);
            let number = (float * power).round();
            let fits = number.abs() <= MOST && (number / power).to_bits() == float.to_bits();
            fits.then_some(Some(number as i64))
        };
        let numbers: Vec<Option<i64>> = values.iter().map(integer).collect::<Option<_>>()?;
        let least = numbers.iter().flatten().min().copied()?;
        let numbers: Vec<Option<u64>> = numbers.iter().map(|n| n.map(|n| n as u64)).collect();
        packed(&numbers, least as u64, 1, mode)
    })
}

impl ColumnHead {
    /// Reads a head from `from`. `at` is the offset in the page at which the group's packed numbers
    /// begin. Returns `None` if the bytes are no head.
    pub(crate) fn read(from: &mut ByteReader<'_>, at: u32) -> Option<Self> {
        let (base, mode, bits) = (from.u64()?, from.u8()?, from.u8()?);
        let number = mode & !NULLABLE;
        let mode_of = match number.checked_sub(DECIMALS) {
            Some(digits) => Mode::Decimals(*POWERS.get(usize::from(digits))?),
            None => Mode::Steps(*STEPS.get(usize::from(number))?),
        };
        (bits <= 64).then_some(Self {
            base,
            mode: mode_of,
            has_nulls: mode & NULLABLE != 0,
            bits,
            at,
        })
    }

    /// Returns the offset in the page behind the group's packed numbers, where the next group's
    /// packed numbers begin.
    pub(crate) fn end(&self) -> Option<u32> {
        self.at.checked_add(packed_len(self.bits) as u32)
    }

    /// Unpacks all values of the group from `page`, the bytes of its page.
    pub(crate) fn unpack(&self, page: &[u8], out: &mut [u64; GROUP]) {
        let mut half = [0; GROUP];
        let mut at = self.at as usize;
        out.fill(0);
        for (shift, bits) in [(0, self.bits.min(32)), (32, self.bits.saturating_sub(32))] {
            let end = at + packed_len(bits);
            // The lengths were checked when the page was read, so there is always a slice.
            if let (Some(packed), 1..) = (page.get(at..end), bits) {
                BitPacker4x::new().decompress(packed, &mut half, bits);
                for (to, half) in out.iter_mut().zip(half) {
                    *to |= u64::from(half) << shift;
                }
            }
            at = end;
        }
        let null = self.has_nulls.then_some(greatest_of(self.bits));
        for number in out {
            *number = if Some(*number) == null {
                NULL
            } else {
                self.value(*number)
            };
        }
    }

    fn value(&self, number: u64) -> u64 {
        match self.mode {
            Mode::Steps(step) => self.base.wrapping_add(number.wrapping_mul(step)),
            Mode::Decimals(power) => ordered(self.base.wrapping_add(number) as i64 as f64 / power),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn there_and_back(values: &[u64], floats: bool) -> (Vec<u64>, usize) {
        let (mut heads, mut packs) = (Vec::new(), Vec::new());
        pack(values, floats, &mut heads, &mut packs);
        assert_eq!(heads.len(), HEAD);
        let head = ColumnHead::read(&mut ByteReader::new(&heads), 0).unwrap();
        assert_eq!(head.end(), Some(packs.len() as u32));
        let mut out = [7; GROUP];
        head.unpack(&packs, &mut out);
        (out[..values.len()].to_vec(), packs.len() / 16)
    }

    proptest! {
        #[test]
        fn any_values_come_back(
            values in prop::collection::vec((any::<u64>(), 0u32..64, any::<bool>()), 1..=128),
            base in any::<u64>(), step in prop::sample::select(STEPS.to_vec()), nulls: bool,
        ) {
            let value = |(v, by, is_null): &(u64, u32, bool)| match nulls && *is_null {
                true => NULL,
                false => (base >> 1).wrapping_add((v >> by).wrapping_mul(step)),
            };
            let values: Vec<u64> = values.iter().map(value).collect();
            prop_assert_eq!(&there_and_back(&values, false).0, &values);
            prop_assert_eq!(&there_and_back(&values, true).0, &values);
        }

        #[test]
        fn decimals_come_back(
            values in prop::collection::vec((any::<i64>(), 20u32..64, any::<bool>()), 1..=128),
            digits in 0i32..12, nulls: bool,
        ) {
            let value = |(v, by, is_null): &(i64, u32, bool)| match nulls && *is_null {
                true => NULL,
                false => ordered((v >> by) as f64 / 10f64.powi(digits)),
            };
            let values: Vec<u64> = values.iter().map(value).collect();
            prop_assert_eq!(&there_and_back(&values, true).0, &values);
        }
    }

    #[test]
    fn values_take_few_bits() {
        let prices: Vec<u64> = (0..100).map(|i| ordered(f64::from(i) / 10.0)).collect();
        assert_eq!(there_and_back(&prices, true), (prices.clone(), 7));
        let days: Vec<u64> = (0..100)
            .map(|i| (1 << 63) + 7 + i * 86_400_000_000)
            .collect();
        assert_eq!(there_and_back(&days, false), (days.clone(), 7));
        for same in [[NULL; 9], [u64::MAX; 9], [ordered(-0.0); 9]] {
            assert_eq!(there_and_back(&same, true), (same.to_vec(), 0));
        }
        let far = [NULL, 1, u64::MAX];
        assert_eq!(there_and_back(&far, false), (far.to_vec(), 64));
        let some = [5, NULL, 6];
        assert_eq!(there_and_back(&some, false), (some.to_vec(), 2));
        assert!(ordered(-1.0) < ordered(-0.0) && ordered(-0.0) < ordered(0.0));
        assert_eq!(unordered(ordered(-1.5)), -1.5);
    }
}
