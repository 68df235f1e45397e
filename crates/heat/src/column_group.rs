//! Groups of 128 values of a column: the unit that is packed and unpacked.
//!
//! Values are integers of 64 bits, and 0 is null. Those of a group are stored as differences to the
//! least one, in steps: of a second, for example, where all times are whole seconds. Numbers with a
//! point are stored as decimals if each comes back to the bit.

use crate::bytes::ByteReader;
use crate::group::GROUP;
use bitpacking::{BitPacker as _, BitPacker4x};

/// Value that stands for null.
pub(crate) const NULL: u64 = 0;

/// Number of bytes of a group's head: the least number, the mode and the bits.
pub(crate) const HEAD: usize = 8 + 1 + 1;

/// Differences between neighbouring values of the integer modes: 1, and of times in microseconds a
/// millisecond, second, minute, hour and day.
const STEPS: [u64; 6] = [
    1,
    1_000,
    1_000_000,
    60_000_000,
    3_600_000_000,
    86_400_000_000,
];

/// Number of the mode of whole decimals; those with more digits after the point follow.
const DECIMALS: u8 = 16;

/// Factors of the decimal modes.
const POWERS: [f64; 10] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Greatest absolute value of a decimal without its point: all whole numbers up to it are floats.
const MOST: f64 = 9_007_199_254_740_992.0;

/// Bit of a mode's number in which the greatest packed number stands for null.
const NULLABLE: u8 = 0x80;

/// Form in which the values of a group are stored.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    /// Least value and a multiple of the step.
    Steps(u64),
    /// Signed integer, divided by this power of ten: a float, as [`ordered`] makes a value of it.
    Decimals(f64),
}

/// Head of a group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ColumnHead {
    base: u64,
    mode: Mode,
    has_nulls: bool,
    bits: u8,
    /// Place of the packed numbers in the page.
    at: u32,
}

/// Value of a float: greater floats have greater values, and none has the value of null but a NaN
/// that is never stored.
pub fn ordered(number: f64) -> u64 {
    let bits = number.to_bits();
    if bits >> 63 == 0 {
        bits | 1 << 63
    } else {
        !bits
    }
}

/// Float of a value that [`float_value`](crate::float_value) has made.
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

/// Numbers of a group less the base, ready to be packed.
struct Packed {
    base: u64,
    mode: u8,
    bits: u8,
    numbers: [u64; GROUP],
}

/// Packs the values of a group: the head is appended to `heads`, the numbers to `packs`. `floats`
/// is true if the values are those of floats.
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

/// Numbers of a group less the least one, in steps. `numbers` gives `None` for null.
fn packed(numbers: &[Option<u64>], base: u64, step: u64, mode: u8) -> Option<Packed> {
    let over = |number: &u64| number.wrapping_sub(base) / step;
    let greatest = numbers.iter().flatten().map(over).max().unwrap_or(0);
    let has_nulls = numbers.contains(&None);
    // The greatest number of the width must be free where it stands for null.
    let bits = width(greatest.checked_add(u64::from(has_nulls))?);
    let mut out = [0; GROUP];
    for (to, number) in out.iter_mut().zip(numbers) {
        *to = number.as_ref().map_or(greatest_of(bits), over);
    }
    Some(Packed {
        base,
        mode: mode | if has_nulls { NULLABLE } else { 0 },
        bits,
        numbers: out,
    })
}

fn with_steps(values: &[u64]) -> Packed {
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
    Packed {
        base: 0,
        mode: 0,
        bits: width(values.iter().copied().max().unwrap_or(0)),
        numbers,
    }
}

/// Values of floats as decimals with as few digits as possible; `None` if some don't come back.
fn with_decimals(values: &[u64]) -> Option<Packed> {
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
    /// Reads a head. `at` is the place of the group's packed numbers. `None` if the head is none.
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

    /// Place behind the group's packed numbers.
    pub(crate) fn end(&self) -> Option<u32> {
        self.at.checked_add(packed_len(self.bits) as u32)
    }

    /// Unpacks the values of the group.
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
