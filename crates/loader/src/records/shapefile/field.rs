//! Fields of a `.dbf`: their types, and the decoding of their values.

use super::code_page::CodePage;
use crate::number;
use crate::time::time;
use crate::value::Value;

/// A field of a table: a column that has a value in each row.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// The field's name as bytes, which are not decoded yet.
    pub(super) name: Vec<u8>,
    pub(super) kind: FieldKind,
    /// The offset of the field in a row, in bytes.
    pub(super) at: usize,
    /// The length of the field in bytes.
    pub(super) width: usize,
    /// The number of digits after the decimal point in the field's numbers.
    pub(super) decimals: u8,
    /// The number, counted from 0, of the bit that marks this field as null. The bits are in the
    /// field of kind `Flags`, which FoxPro writes. `None` if the field can't be null.
    pub(super) null: Option<usize>,
}

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldKind {
    Text,
    /// A number that is written in digits.
    Number,
    Date,
    Truth,
    Integer(ByteOrder),
    Double(ByteOrder),
    /// An amount of money: an integer in binary form that counts ten-thousandths.
    Currency,
    /// A date and time in binary form: the number of a day, and the milliseconds since the day's
    /// beginning.
    DateTime,
    /// A field without values of its own, in which FoxPro marks other fields of the row as null by
    /// bits.
    Flags,
    /// A type that is not supported. The text is the reason.
    Unread(&'static str),
}

/// The order of the bytes in binary numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    /// The least significant byte first, as in FoxPro.
    Little,
    /// The most significant byte first, with the sign encoded so that the bytes of numbers sort as
    /// the numbers do, as in dBase 7. A value whose bytes are all 0 is null.
    Sorted,
}

impl FieldKind {
    /// The type that a letter in a field's description means. `width` is the field's length in
    /// bytes.
    pub(super) fn from_letter(letter: u8, width: usize, order: ByteOrder) -> Self {
        match (letter, width) {
            (b'C', _) => Self::Text,
            (b'N' | b'F', _) => Self::Number,
            (b'D', _) => Self::Date,
            (b'L', _) => Self::Truth,
            (b'I' | b'+', 4) => Self::Integer(order),
            (b'O', 8) => Self::Double(order),
            (b'B', 8) if order == ByteOrder::Little => Self::Double(order),
            (b'Y', 8) => Self::Currency,
            (b'T', 8) => Self::DateTime,
            (b'0', _) => Self::Flags,
            (b'M' | b'G' | b'P' | b'B' | b'W', _) => {
                Self::Unread("what it holds is in a file of its own (a memo)")
            }
            (b'@', _) => Self::Unread("it holds timestamps of dBase 7"),
            (b'V' | b'Q', _) => Self::Unread("it holds texts of varying length"),
            _ => Self::Unread("its type is not known"),
        }
    }
}

impl Field {
    /// The value of the field in a row. `texts` is the code page in which texts are decoded.
    pub(super) fn value(&self, row: &[u8], texts: &CodePage) -> Value<'static> {
        let Some(bytes) = row.get(self.at..self.at + self.width) else {
            return Value::Null;
        };
        let text = || match texts.decode(bytes) {
            text if text.is_empty() => Value::Null,
            text => Value::text(text),
        };
        match self.kind {
            FieldKind::Text => text(),
            FieldKind::Number => self.number(bytes),
            FieldKind::Date => date(bytes),
            FieldKind::Truth => match bytes.trim_ascii() {
                [b'T' | b't' | b'Y' | b'y' | b'1'] => Value::Bool(true),
                [b'F' | b'f' | b'N' | b'n' | b'0'] => Value::Bool(false),
                [b'?'] => Value::Null,
                _ => text(),
            },
            FieldKind::Integer(order) => bytes.first_chunk().map_or(Value::Null, |b| {
                let number = match order {
                    ByteOrder::Little => Some(i32::from_le_bytes(*b)),
                    ByteOrder::Sorted => sorted_integer(u32::from_be_bytes(*b)),
                };
                number.map_or(Value::Null, |n| Value::float(f64::from(n)))
            }),
            FieldKind::Double(order) => bytes.first_chunk().map_or(Value::Null, |b| {
                let number = match order {
                    ByteOrder::Little => Some(f64::from_le_bytes(*b)),
                    ByteOrder::Sorted => sorted_double(u64::from_be_bytes(*b)),
                };
                number.map_or(Value::Null, Value::float)
            }),
            FieldKind::Currency => bytes.first_chunk().map_or(Value::Null, |b| {
                Value::float(i64::from_le_bytes(*b) as f64 / 1e4)
            }),
            FieldKind::DateTime => date_time(bytes),
            FieldKind::Flags | FieldKind::Unread(_) => Value::Null,
        }
    }

    /// Decodes a number that is written in digits. A comma is read as the decimal mark, since some
    /// programs write one. But if the comma may separate thousands, as in `1,000` in a field
    /// without decimals, the value stays a text.
    fn number(&self, bytes: &[u8]) -> Value<'static> {
        let text = digits(bytes);
        // Asterisks mean that a number didn't fit into its field.
        if text.is_empty() || text.first() == Some(&b'*') {
            return Value::Null;
        }
        let with_point = || {
            let (before, behind) = parted(text)?;
            let is_plain = !before.contains(&b'.') && !behind.contains(&b',');
            let may_be_thousands = self.decimals == 0 && behind.len() == 3;
            let point = [before, b".", behind].concat();
            (is_plain && !may_be_thousands).then(|| number::parse(&point))?
        };
        let number = number::parse(text).or_else(with_point);
        // A key may have more digits than an `f64` can hold exactly.
        if number.is_some_and(|number| number.abs() > 9e15)
            && let Some(whole) = std::str::from_utf8(text)
                .ok()
                .and_then(|t| t.parse::<i128>().ok())
        {
            return Value::whole(whole);
        }
        let as_text = || Value::text(String::from_utf8_lossy(text));
        number.map_or_else(as_text, Value::float)
    }
}

/// The text of a number or a date in a field. Left out are NULs at the beginning, everything from
/// the first NUL after them on, and spaces at both ends.
fn digits(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len());
    let bytes = bytes.get(start..).unwrap_or_default();
    let text = bytes.split(|b| *b == 0).next().unwrap_or_default();
    text.trim_ascii()
}

/// The parts of a text before and after its first comma; `None` if there is no comma.
fn parted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|b| *b == b',')?;
    let (before, rest) = text.split_at_checked(at)?;
    Some((before, rest.get(1..)?))
}

/// Decodes a date such as `20240131`. A date of zeros only, or of spaces only, is null.
fn date(bytes: &[u8]) -> Value<'static> {
    let text = digits(bytes);
    if text.iter().all(|b| matches!(b, b'0' | b' ')) {
        return Value::Null;
    }
    let text = String::from_utf8_lossy(text);
    let parts = (text.get(..4), text.get(4..6), text.get(6..));
    let found = match parts {
        (Some(year), Some(month), Some(day)) if text.len() == 8 => {
            time(&format!("{year}-{month}-{day}"))
        }
        _ => None,
    };
    found.map_or_else(|| Value::text(text), Value::Time)
}

/// Decodes a time: the number of a day, counted from 4713 BC, and the milliseconds since the day's
/// beginning.
fn date_time(bytes: &[u8]) -> Value<'static> {
    /// The day number of 1 January 1970.
    const DAY_1970: i64 = 2_440_588;
    const MILLISECONDS: i64 = 86_400_000;
    const MICROSECONDS: i64 = 1000;
    let Some((day, time)) = bytes.split_first_chunk() else {
        return Value::Null;
    };
    let day = i64::from(i32::from_le_bytes(*day));
    let time = time.first_chunk().map_or(0, |t| i32::from_le_bytes(*t));
    // Day 0, or spaces only, mean null. Days after the year 9999 are not accepted.
    if day == 0 || bytes.iter().all(|b| *b == b' ') {
        return Value::Null;
    }
    let time = i64::from(time);
    if !(1..=5_373_484).contains(&day) || !(0..=MILLISECONDS).contains(&time) {
        return Value::text(format!("day {day} and {time} ms, which can't be"));
    }
    Value::Time(((day - DAY_1970) * MILLISECONDS + time) * MICROSECONDS)
}

fn sorted_integer(bits: u32) -> Option<i32> {
    (bits != 0).then_some((bits ^ 0x8000_0000) as i32)
}

fn sorted_double(bits: u64) -> Option<f64> {
    let is_positive = bits >> 63 == 1;
    let bits_of_number = if is_positive { bits ^ (1 << 63) } else { !bits };
    (bits != 0).then(|| f64::from_bits(bits_of_number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::exact::Number;

    fn value(letter: u8, decimals: u8, order: ByteOrder, bytes: &[u8]) -> Value<'static> {
        let field = Field {
            name: Vec::new(),
            kind: FieldKind::from_letter(letter, bytes.len(), order),
            at: 1,
            width: bytes.len(),
            decimals,
            null: None,
        };
        field.value(&[b" ", bytes].concat(), &CodePage::Unsaid)
    }

    #[test]
    fn numbers_in_digits() {
        for (text, decimals, expected) in [
            ("   12.50", 2, Value::float(12.5)),
            (" 1.00000000000e-001", 11, Value::float(0.1)),
            ("123456789", 0, Value::float(123_456_789.0)),
            (
                "867322040000000001",
                0,
                Value::Number(Number::Whole(867_322_040_000_000_001)),
            ),
            (
                "9007199254740993",
                0,
                Value::Number(Number::Whole(9_007_199_254_740_993)),
            ),
            ("9e18", 0, Value::float(9e18)),
            ("    1,50", 2, Value::float(1.5)),
            ("   1,000", 3, Value::float(1.0)),
            ("-0,5", 0, Value::float(-0.5)),
            ("1,000", 0, Value::text("1,000")),
            ("1.234,5", 1, Value::text("1.234,5")),
            ("1,2,3", 1, Value::text("1,2,3")),
            ("        ", 2, Value::Null),
            ("\0\0\0\0\0\0\0", 2, Value::Null),
            ("\0\0 7\0zz", 0, Value::float(7.0)),
            ("********", 2, Value::Null),
            ("n/a", 0, Value::text("n/a")),
        ] {
            for letter in [b'N', b'F'] {
                let found = value(letter, decimals, ByteOrder::Little, text.as_bytes());
                assert_eq!(found, expected, "{text:?}");
            }
        }
    }

    #[test]
    fn dates_truths_and_binary_numbers() {
        let day = Value::Time(1_706_659_200_000_000);
        let number = Value::float;
        let little = |letter, bytes: &[u8]| value(letter, 0, ByteOrder::Little, bytes);
        let sorted = |letter, bytes: &[u8]| value(letter, 0, ByteOrder::Sorted, bytes);
        assert_eq!(little(b'D', b"20240131"), day);
        assert_eq!(little(b'D', b"00000000"), Value::Null);
        assert_eq!(little(b'D', b"        "), Value::Null);
        assert_eq!(little(b'D', b"20241399"), Value::text("20241399"));
        for (text, truth) in [("T", true), ("y", true), ("F", false), ("n", false)] {
            assert_eq!(little(b'L', text.as_bytes()), Value::Bool(truth));
        }
        assert_eq!(little(b'L', b"?"), Value::Null);
        assert_eq!(little(b'L', b" "), Value::Null);
        assert_eq!(little(b'I', &(-7i32).to_le_bytes()), number(-7.0));
        assert_eq!(little(b'B', &2.5f64.to_le_bytes()), number(2.5));
        assert_eq!(little(b'Y', &12_345i64.to_le_bytes()), number(1.2345));
        let moment = [2_460_341i32.to_le_bytes(), 1000i32.to_le_bytes()].concat();
        assert_eq!(little(b'T', &moment), Value::Time(1_706_659_201_000_000));
        assert_eq!(little(b'T', &[0; 8]), Value::Null);
        assert!(matches!(little(b'T', &[0xff; 8]), Value::Text(_)));
        // The documentation of dBase 7 states that the bytes of numbers sort in the order of the
        // numbers.
        assert_eq!(sorted(b'I', &[0x80, 0, 0, 7]), number(7.0));
        assert_eq!(sorted(b'+', &[0x7f, 0xff, 0xff, 0xf9]), number(-7.0));
        assert_eq!(sorted(b'I', &[0; 4]), Value::Null);
        assert_eq!(
            sorted(b'O', &(2.5f64.to_bits() ^ (1 << 63)).to_be_bytes()),
            number(2.5)
        );
        assert_eq!(
            sorted(b'O', &(!(-2.5f64).to_bits()).to_be_bytes()),
            number(-2.5)
        );
        for letter in [b'M', b'G', b'@', b'V', b'Q', b'X'] {
            let kind = FieldKind::from_letter(letter, 10, ByteOrder::Little);
            assert!(matches!(kind, FieldKind::Unread(_)), "{letter}");
        }
    }
}
