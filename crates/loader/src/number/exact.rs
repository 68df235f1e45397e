//! Numbers that filters compare. Whole numbers of up to 38 digits are compared exactly.
//!
//! Keys of 64 bits, like `867322040000000001`, have more digits than a floating-point number can
//! hold. So large whole numbers are stored as integers. Any other number becomes the nearest `f64`,
//! both in rows and in filters.

use crate::number;
use std::cmp::Ordering;

/// A number in a filter or in a row. It is finite if it was parsed from text; from a typed column
/// it may be infinite or NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Whole(i128),
    Float(f64),
}

/// The bound up to which `f64` represents every whole number exactly: 2⁵³.
const SAME: i128 = 1 << 53;

impl Number {
    /// Parses a field of text. `None` if [`number::parse`] finds no number in it.
    #[inline]
    pub(crate) fn parse(field: &[u8]) -> Option<Self> {
        match number::parse(field)? {
            // A whole number of up to 15 digits is represented exactly by `f64`.
            small if small.abs() < 1e15 => Some(Self::Float(small)),
            large => Some(whole(field.trim_ascii()).map_or(Self::Float(large), Self::Whole)),
        }
    }

    /// Compares two numbers by their exact values; `None` if one of them is NaN.
    #[inline]
    pub(crate) fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(&b),
            (Self::Whole(a), Self::Whole(b)) => Some(a.cmp(&b)),
            (Self::Whole(a), Self::Float(b)) => whole_to_float(a, b),
            (Self::Float(a), Self::Whole(b)) => whole_to_float(b, a).map(Ordering::reverse),
        }
    }

    /// The number as the nearest `f64`.
    pub(crate) fn float(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Float(number) => number,
        }
    }

    /// The number as an `i64`. `None` if it is not whole or is too large. A floating-point number
    /// counts as whole only up to ±2⁵³.
    pub(crate) fn whole(self) -> Option<i64> {
        match self {
            Self::Whole(number) => i64::try_from(number).ok(),
            Self::Float(number) => {
                let is_whole = number.fract() == 0.0 && number.abs() <= SAME as f64;
                is_whole.then_some(number as i64)
            }
        }
    }

    /// The number as text that parses to the same number, for example `5`, `0.1` or `1e300`.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Whole(number) => number.to_string(),
            Self::Float(number) => number_text(number),
        }
    }
}

/// A whole number as `f64`; `None` if its absolute value is over 2⁵³.
pub(crate) fn as_float(number: i64) -> Option<f64> {
    (i128::from(number).abs() <= SAME).then_some(number as f64)
}

/// A floating-point number as text that parses to the same number, for example `5`, `0.1` or
/// `1e300`.
pub(crate) fn number_text(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 || (1e-5..1e16).contains(&size) {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

fn whole_to_float(a: i128, b: f64) -> Option<Ordering> {
    const END: f64 = i128::MAX as f64;
    if b.is_nan() {
        return None;
    }
    Some(if b >= END {
        Ordering::Less
    } else if b < -END {
        Ordering::Greater
    } else {
        let below = b.floor();
        let rest = if b > below {
            Ordering::Less
        } else {
            Ordering::Equal
        };
        a.cmp(&(below as i128)).then(rest)
    })
}

/// Returns true if a text is a whole number that is too large for `i128`, so that it can't be
/// compared exactly.
pub(crate) fn is_too_long(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let unsigned = text.strip_prefix(b"-").or(text.strip_prefix(b"+"));
    let mut parts = unsigned.unwrap_or(text).split(|byte| *byte == b'.');
    let digits = parts.next().unwrap_or_default();
    let is_whole = digits.iter().all(u8::is_ascii_digit)
        && parts.all(|fraction| fraction.iter().all(|byte| *byte == b'0'));
    is_whole && digits.len() > 38 && whole(text).is_none()
}

/// Parses a whole number without an exponent: an optional sign, digits, and maybe a point with only
/// zeros after it. `None` for any other text, or if the number is too large for `i128`.
fn whole(text: &[u8]) -> Option<i128> {
    let text = std::str::from_utf8(text).ok()?;
    let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.bytes().any(|byte| byte != b'0') {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Ordering::{Equal, Greater, Less};
    use proptest::prelude::*;

    fn compare(a: &str, b: &str) -> Option<Ordering> {
        let parse = |text: &str| Number::parse(text.as_bytes()).unwrap();
        parse(a).compare(parse(b))
    }

    #[test]
    fn keys_keep_all_their_digits() {
        for (a, b, expected) in [
            ("867322040000000001", "867322040000000002", Less),
            ("867322040000000001", "867322040000000001", Equal),
            ("867322040000000001", "8.67322040e17", Greater),
            ("867322040000000000", "8.67322040e17", Equal),
            ("9223372036854775807", "9223372036854775808", Less),
            ("18446744073709551615", "18446744073709551614", Greater),
            ("-9007199254740993", "-9007199254740992", Less),
            ("89490200001234567890", "89490200001234567891", Less),
            ("9007199254740993.0", "9007199254740993", Equal),
            ("+9007199254740993", " 9007199254740993 ", Equal),
            ("9007199254740993", "1e300", Less),
            ("9007199254740993", "-1e300", Greater),
            ("5", "5.0", Equal),
            ("5", "5.5", Less),
            ("1e3", "1000", Equal),
        ] {
            assert_eq!(compare(a, b), Some(expected), "{a} {b}");
            assert_eq!(compare(b, a), Some(expected.reverse()), "{b} {a}");
        }
        assert_eq!(Number::Whole(1).compare(Number::Float(f64::NAN)), None);
        assert_eq!(
            Number::Whole(-5).compare(Number::Float(-5.5)),
            Some(Greater)
        );
    }

    #[test]
    fn whole_numbers_of_64_bits_are_known() {
        assert_eq!(Number::Float(5.0).whole(), Some(5));
        assert_eq!(Number::Float(5.5).whole(), None);
        assert_eq!(Number::Float(1e300).whole(), None);
        assert_eq!(Number::Whole(i128::from(u64::MAX)).whole(), None);
        assert_eq!(as_float(1 << 53), Some(9_007_199_254_740_992.0));
        assert_eq!(as_float((1 << 53) + 1), None);
    }

    proptest! {
        #[test]
        fn digits_compare_as_numbers_do(a: i64, b: i64, c: u64) {
            prop_assert_eq!(compare(&a.to_string(), &b.to_string()), Some(a.cmp(&b)));
            let expected = i128::from(a).cmp(&i128::from(c));
            prop_assert_eq!(compare(&a.to_string(), &c.to_string()), Some(expected));
        }

        #[test]
        fn a_float_lies_between_the_same_whole_numbers(a in -(1i64 << 52)..1 << 52, b in -1e16..1e16f64) {
            let whole = Number::Whole(a.into());
            prop_assert_eq!(whole.compare(Number::Float(b)), (a as f64).partial_cmp(&b));
        }
    }
}
