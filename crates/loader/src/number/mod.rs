//! Numbers in fields of text.
//!
//! A number has the form in which programs write it: an optional sign (`-` or `+`), digits with at
//! most one decimal **point**, and an optional exponent. Spaces around it are ignored. A column of
//! delimiter-separated text may have another [notation](format::NumberFormat), for which its first
//! values are [`evidence`]. The following texts are no numbers, since their meaning would be a
//! guess:
//!
//! - `12,5` and `1,000`, if a column's notation isn't known: a comma may be a decimal point or may
//!   separate thousands.
//! - `NaN`, `inf`, and numbers too large for `f64`: a sum with one of these would not be finite.
//! - `0x1A`, `51°30′26″N`, `5%` and `12 km`: other notations.

pub(crate) mod evidence;
pub(crate) mod exact;
pub(crate) mod format;
pub(crate) mod mark;

/// The finite number in a field; `None` if the field has no such number.
#[inline]
pub(crate) fn parse(field: &[u8]) -> Option<f64> {
    plain::<b'.'>(field).or_else(|| general(field))
}

/// Parses a number of at most 15 digits with the decimal mark `MARK`, without exponent and spaces.
/// Nearly all numbers have this form. `None` for any other text.
///
/// Without the mark, the digits are an integer below 2⁵³. `f64` represents this integer exactly,
/// and also the power of ten by which it is divided. So only the division rounds, and the result is
/// the nearest `f64`.
#[inline]
fn plain<const MARK: u8>(field: &[u8]) -> Option<f64> {
    const POWERS: [f64; 16] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    let (negative, digits) = match field {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.len() > 16 {
        return None;
    }
    let (mut value, mut count, mut point) = (0u64, 0usize, None);
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                value = value * 10 + u64::from(byte - b'0');
                count += 1;
            }
            _ if byte == MARK && point.is_none() => point = Some(count),
            _ => return None,
        }
    }
    if count == 0 || count > 15 {
        return None;
    }
    let fraction = point.map_or(0, |before| count - before);
    let value = value as f64 / POWERS.get(fraction)?;
    Some(if negative { -value } else { value })
}

/// Parses any number in the form that this module describes. `None` for any other text, and for a
/// number too large for `f64`.
fn general(field: &[u8]) -> Option<f64> {
    let trimmed = field.trim_ascii();
    let unsigned = match trimmed {
        [b'+' | b'-', rest @ ..] => rest,
        all => all,
    };
    // Only a digit or a point may follow the sign. That excludes `nan`, `inf` and `+-1`.
    if !matches!(unsigned.first(), Some(b'0'..=b'9' | b'.')) {
        return None;
    }
    let text = trimmed.strip_prefix(b"+").unwrap_or(trimmed);
    fast_float2::parse::<f64, _>(text)
        .ok()
        .filter(|v| v.is_finite())
}

/// Returns true if a field is empty or is a word for a missing value, such as `null`.
pub(crate) fn is_missing(field: &[u8]) -> bool {
    const WORDS: [&[u8]; 8] = [b"na", b"n/a", b"nan", b"null", b"none", b"\\n", b"-", b"?"];
    let field = field.trim_ascii();
    field.is_empty() || WORDS.iter().any(|word| field.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_as_programs_write_them() {
        for (text, value) in [
            ("12.5", 12.5),
            (" 10.5 ", 10.5),
            ("\t-7", -7.0),
            ("+10.0", 10.0),
            ("1e2", 100.0),
            ("1E-2", 0.01),
            (".5", 0.5),
            ("5.", 5.0),
            ("-0.0", 0.0),
            ("0.00000000000000000000000000000000000000000001", 1e-44),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(value), "{text}");
        }
    }

    #[test]
    fn guesses_are_refused() {
        for text in [
            "",
            " ",
            "+",
            "-",
            ".",
            "e5",
            "12,5",
            "1,000",
            "1 000",
            "1_000",
            "NaN",
            "nan",
            "inf",
            "-Infinity",
            "+inf",
            "0x1A",
            "5%",
            "51°30′26″N",
            "12 km",
            "+-1",
            "--1",
            "1e",
            "1e999",
            "1.2.3",
            "\u{661}",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn weights_are_finite_in_single_precision() {
        let weight = |text: &[u8]| format::NumberFormat::Point.parse_weight(text);
        assert_eq!(weight(b"1e308"), None);
        assert_eq!(weight(b"1e-320"), Some(0.0));
        assert_eq!(weight(b"-5"), Some(-5.0));
        assert_eq!(weight(b"3.4e38"), Some(3.4e38));
    }

    proptest! {
        #[test]
        fn every_finite_number_comes_back(v in proptest::num::f64::NORMAL) {
            prop_assert_eq!(parse(format!("{v}").as_bytes()), Some(v));
            prop_assert_eq!(parse(format!("{v:e}").as_bytes()), Some(v));
        }

        #[test]
        fn plain_numbers_are_those_of_the_general_rule(text in "-?[0-9]{0,9}[.]?[0-9]{0,9}") {
            let both = [parse(text.as_bytes()), general(text.as_bytes())];
            prop_assert_eq!(both[0].map(f64::to_bits), both[1].map(f64::to_bits), "{}", text);
        }

        #[test]
        fn any_bytes_give_a_finite_number_or_none(bytes: Vec<u8>) {
            prop_assert!(parse(&bytes).is_none_or(f64::is_finite));
        }
    }
}
