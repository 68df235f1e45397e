//! Numbers in the notation of a column: with a decimal point or a decimal comma, and perhaps with
//! marks between thousands.

use super::{general, parse, plain};

/// The notation of the numbers in a column of text. It is chosen once for a column, so that parsing
/// has no doubts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum NumberFormat {
    /// Numbers with a decimal point and no marks between thousands, as programs write them.
    #[default]
    Point,
    /// No decimal mark, since none of the column's first values has one. Later numbers are read as
    /// with [`Point`](Self::Point). A decimal comma in one of them contradicts this notation
    /// ([`is_contradicted`](Self::is_contradicted)).
    Whole,
    /// A decimal point; commas, blanks or apostrophes may separate groups of three digits.
    GroupedPoint,
    /// A decimal comma; blanks or apostrophes may separate groups of three digits.
    Comma,
    /// A decimal comma; points, blanks or apostrophes may separate groups of three digits.
    GroupedComma,
}

/// The length limit, in bytes, of a number with a decimal comma or with marks between thousands.
const LONGEST: usize = 64;

impl NumberFormat {
    /// The finite number in a field; `None` if the field has no number in this notation.
    #[inline]
    pub(crate) fn parse(self, field: &[u8]) -> Option<f64> {
        match self {
            Self::Point | Self::Whole => parse(field),
            _ => self.parse_other(field),
        }
    }

    /// Parses a number in a notation other than `Point` and `Whole`. This is a separate function so
    /// that these usual ones stay small enough to be inlined.
    #[inline(never)]
    fn parse_other(self, field: &[u8]) -> Option<f64> {
        match self {
            Self::Point | Self::Whole => parse(field),
            Self::GroupedPoint => parse(field).or_else(|| grouped(field, b'.', b',')),
            Self::Comma => with_comma(field).or_else(|| grouped(field, b',', b' ')),
            Self::GroupedComma => with_comma(field).or_else(|| grouped(field, b',', b'.')),
        }
    }

    /// The finite weight in a field; `None` if the field has no such number. Weights are `f32`, in
    /// which for example 1e308 is not finite.
    #[inline]
    pub(crate) fn parse_weight(self, field: &[u8]) -> Option<f32> {
        self.parse(field)
            .map(|v| v as f32)
            .filter(|v| v.is_finite())
    }

    /// Returns true if numbers in this notation have a decimal comma, and false if they have a
    /// point.
    pub(crate) fn has_comma(self) -> bool {
        matches!(self, Self::Comma | Self::GroupedComma)
    }

    /// Returns true if a field that is no number in this notation is a number with the other
    /// decimal mark, which contradicts the choice of the notation.
    pub(crate) fn is_contradicted(self, field: &[u8]) -> bool {
        match self {
            Self::Point | Self::GroupedPoint => false,
            Self::Whole => parse(field).is_none() && Self::Comma.parse(field).is_some(),
            Self::Comma | Self::GroupedComma => {
                self.parse(field).is_none() && parse(field).is_some()
            }
        }
    }
}

/// Parses a number that has no marks between thousands, and whose decimal mark, if any, is a comma.
/// `None` for any other text.
fn with_comma(field: &[u8]) -> Option<f64> {
    if let Some(number) = plain::<b','>(field) {
        return Some(number);
    }
    let field = field.trim_ascii();
    let mut text = [0; LONGEST];
    let text = text.get_mut(..field.len())?;
    text.copy_from_slice(field);
    if memchr::memchr(b'.', text).is_some() {
        return None;
    }
    let comma = memchr::memchr(b',', text);
    if let Some(comma) = comma.and_then(|at| text.get_mut(at)) {
        *comma = b'.';
    }
    general(text)
}

/// Parses a number with the decimal mark `mark`. Groups of three digits may be separated by the
/// byte `part`, by blanks or by apostrophes, but only by one of these three kinds in one number.
/// `None` for any other text.
fn grouped(field: &[u8], mark: u8, part: u8) -> Option<f64> {
    let field = field.trim_ascii();
    if field.len() > LONGEST {
        return None;
    }
    let unsigned = match field {
        [b'+' | b'-', rest @ ..] => rest,
        all => all,
    };
    let mut text = Vec::with_capacity(LONGEST);
    if field.first() == Some(&b'-') {
        text.push(b'-');
    }
    // The number of digits since the last mark between thousands, that mark, and whether the
    // decimal mark or an exponent has come.
    let (mut digits, mut parted, mut whole) = (0, None, true);
    let mut rest = unsigned;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'0'..=b'9' => digits += 1,
            _ if byte == mark && whole => {
                if parted.is_some() && digits != 3 {
                    return None;
                }
                whole = false;
                text.push(b'.');
                continue;
            }
            b'e' | b'E' => {
                if parted.is_some() && whole && digits != 3 {
                    return None;
                }
                text.push(byte);
                text.extend_from_slice(rest);
                return (!text.contains(&b',')).then(|| general(&text)).flatten();
            }
            _ if whole => {
                let (kind, length) = part_of(byte, rest, part)?;
                let fits = match parted {
                    None => (1..=3).contains(&digits),
                    Some(before) => before == kind && digits == 3,
                };
                if !fits {
                    return None;
                }
                rest = rest.get(length..)?;
                (parted, digits) = (Some(kind), 0);
                continue;
            }
            _ => return None,
        }
        text.push(byte);
    }
    if parted.is_some() && whole && digits != 3 {
        return None;
    }
    general(&text)
}

/// Recognises a mark between thousands that begins with `byte` and goes on in `rest`. Such marks
/// are blanks, apostrophes and the byte `part`. Returns the mark as one byte (`b' '` for any kind
/// of blank, `b'\''` for any apostrophe), and the number of its bytes in `rest`; `None` if no such
/// mark begins here.
fn part_of(byte: u8, rest: &[u8], part: u8) -> Option<(u8, usize)> {
    match (byte, rest) {
        _ if byte == part => Some((part, 0)),
        (b' ' | b'\'', _) => Some((byte, 0)),
        // A no-break space in windows-1252 and in UTF-8, a narrow one, a thin one, and an
        // apostrophe of typographers.
        (0xa0, _) => Some((b' ', 0)),
        (0xc2, [0xa0, ..]) => Some((b' ', 1)),
        (0xe2, [0x80, 0xaf | 0x89, ..]) => Some((b' ', 2)),
        (0xe2, [0x80, 0x99, ..]) => Some((b'\'', 2)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::NumberFormat::{Comma, GroupedComma, GroupedPoint, Point, Whole};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_in_each_notation() {
        for (format, text, number) in [
            (Comma, "48,8566", Some(48.8566)),
            (Comma, " -2,5 ", Some(-2.5)),
            (Comma, "+10", Some(10.0)),
            (Comma, ",5", Some(0.5)),
            (Comma, "1,5e3", Some(1500.0)),
            (Comma, "0,12345678901234567", Some(0.123_456_789_012_345_67)),
            (Comma, "1 234,5", Some(1234.5)),
            (Comma, "1\u{a0}234\u{a0}567,25", Some(1_234_567.25)),
            (Comma, "1\u{202f}234", Some(1234.0)),
            (Comma, "1'234,5", Some(1234.5)),
            (Comma, "1.234,5", None),
            (Comma, "48.85", None),
            (Comma, "1,2,3", None),
            (Comma, "12 34,5", None),
            (Comma, "1 23", None),
            (Comma, "", None),
            (Comma, ",", None),
            (Comma, "1,5 km", None),
            (Comma, "2024-01-01", None),
            (GroupedComma, "1.234,5", Some(1234.5)),
            (GroupedComma, "-1.234.567", Some(-1_234_567.0)),
            (GroupedComma, "1.234", Some(1234.0)),
            (GroupedComma, "1.2345", None),
            (GroupedComma, "1.234 567,5", None),
            (GroupedComma, "48.85", None),
            (GroupedPoint, "1,234.5", Some(1234.5)),
            (GroupedPoint, "1,234", Some(1234.0)),
            (GroupedPoint, "12,34", None),
            (GroupedPoint, "1.5", Some(1.5)),
            (Point, "1,5", None),
            (Whole, "1,5", None),
            (Whole, "15", Some(15.0)),
        ] {
            assert_eq!(format.parse(text.as_bytes()), number, "{format:?} {text:?}");
        }
    }

    #[test]
    fn the_other_mark_is_a_contradiction() {
        for (format, text, is_contradicted) in [
            (Comma, "48.85", true),
            (Comma, "1.234", true),
            (GroupedComma, "1.234", false),
            (GroupedComma, "48.85", true),
            (Comma, "x", false),
            (Whole, "48,85", true),
            (Whole, "48.85", false),
            (Point, "48,85", false),
        ] {
            let found = format.is_contradicted(text.as_bytes());
            assert_eq!(found, is_contradicted, "{format:?} {text}");
        }
    }

    proptest! {
        #[test]
        fn a_comma_reads_as_a_point_does(v in proptest::num::f64::NORMAL) {
            for text in [format!("{v}"), format!("{v:e}")] {
                let comma = text.replace('.', ",");
                prop_assert_eq!(Comma.parse(comma.as_bytes()), Some(v).filter(|_| comma.len() <= LONGEST));
            }
        }

        #[test]
        fn any_bytes_give_a_finite_number_or_none(bytes in "[-+0-9., 'e]{0,12}") {
            for format in [GroupedPoint, Comma, GroupedComma] {
                prop_assert!(format.parse(bytes.as_bytes()).is_none_or(f64::is_finite));
            }
        }
    }
}
