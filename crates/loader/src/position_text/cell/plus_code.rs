//! Plus codes (Open Location Code, specification 1.0). Only full ones are read: a short one such as
//! `9G8F+6X Zürich` needs a place near it.

use super::CodeArea;

/// The digits of plus codes. A digit's index is its value.
const DIGITS: &[u8; 20] = b"23456789CFGHJMPQRVWX";

/// The number of digits before the `+` of a full code.
const BEFORE: usize = 8;

/// The number of digits, from the beginning of a code on, of which each two are a pair: one digit
/// for the latitude and one for the longitude.
const PAIRED: usize = 10;

/// The most digits that a code has.
const LONGEST: usize = 15;

/// The area that a full plus code names; `None` for any other text.
pub(super) fn cell(text: &[u8]) -> Option<CodeArea> {
    let (before, after) = text.split_at_checked(BEFORE)?;
    let after = after.strip_prefix(b"+")?;
    // Zeros fill up codes of large cells.
    let used = before.iter().position(|byte| *byte == b'0');
    let used = used.unwrap_or(BEFORE);
    let padding = before.get(used..)?;
    let is_padded = !padding.is_empty();
    if padding.iter().any(|byte| *byte != b'0')
        || !used.is_multiple_of(2)
        || used == 0
        || (is_padded && !after.is_empty())
        || after.len() == 1
        || after.len() > LONGEST - BEFORE
    {
        return None;
    }
    let (mut south, mut west) = (-90.0, -180.0);
    let (mut height, mut width) = (400.0, 400.0);
    for (at, byte) in before.get(..used)?.iter().chain(after).enumerate() {
        let digit = byte.to_ascii_uppercase();
        let value = DIGITS.iter().position(|known| *known == digit)?;
        match at {
            ..PAIRED if at.is_multiple_of(2) => {
                height /= 20.0;
                south += height * value as f64;
            }
            ..PAIRED => {
                width /= 20.0;
                west += width * value as f64;
            }
            // Four columns and five rows.
            _ => {
                (height, width) = (height / 5.0, width / 4.0);
                south += height * (value / 4) as f64;
                west += width * (value % 4) as f64;
            }
        }
    }
    let is_inside = south < 90.0 && west < 180.0;
    is_inside.then(|| CodeArea::between((west, west + width), (south, south + height)))
}

/// Returns true if a text begins with a short code: up to six digits before the `+` and at least
/// two after it, and then a blank or the end.
pub(super) fn is_short(text: &[u8]) -> bool {
    let mut words = text.split(u8::is_ascii_whitespace);
    let word = words.find(|word| !word.is_empty()).unwrap_or_default();
    // A comma may follow, before the name of a place.
    let word = word.strip_suffix(b",").unwrap_or(word);
    let Some(plus) = word.iter().position(|byte| *byte == b'+') else {
        return false;
    };
    let (before, after) = (word.get(..plus), word.get(plus + 1..));
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let is_digit = |byte: &u8| DIGITS.contains(&byte.to_ascii_uppercase());
    matches!(before.len(), 2 | 4 | 6)
        && (2..=LONGEST - BEFORE).contains(&after.len())
        && before.iter().chain(after).all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_codes() {
        for text in ["9G8F+6X", " 9g8f+6x Zürich", "9G8F+6XQ, Zürich", "22+22"] {
            assert!(is_short(text.as_bytes()), "{text}");
        }
        for text in [
            "8FVC9G8F+6X",
            "9G8F+",
            "9G8+6X",
            "1+1",
            "2+2",
            "AB+CD",
            "+",
            "",
        ] {
            assert!(!is_short(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn full_codes() {
        // From the test data of the specification: code, south, west, north, east.
        for (code, south, west, north, east) in [
            ("7FG49Q00+", 20.35, 2.75, 20.4, 2.8),
            ("7FG49QCJ+2V", 20.37, 2.782125, 20.370125, 2.78225),
            ("7FG49QCJ+2VX", 20.3701, 2.78221875, 20.370125, 2.78225),
            ("8FVC2222+22", 47.0, 8.0, 47.000125, 8.000125),
            ("4VCPPQGP+Q9", -41.273125, 174.785875, -41.273, 174.786),
            ("62G20000+", 0.0, -180.0, 1.0, -179.0),
        ] {
            let cell = cell(code.as_bytes()).unwrap_or_else(|| panic!("{code}"));
            let lon = (west + east) / 2.0;
            let lat = (south + north) / 2.0;
            let far = (cell.lon - lon).abs().max((cell.lat - lat).abs());
            assert!(far < 1e-9, "{code}: {cell:?}");
        }
        for text in [
            "9G8F+6X",
            "8FVC9G8F",
            "8FVC9G8F+6",
            "8FVC0G8F+6X",
            "8FV00000+",
            "00000000+",
            "8FVC0000+22",
            "8FVC9G8F+6A",
            "8FVC9G8F+66666666",
            "X2222222+22",
            "",
        ] {
            assert_eq!(cell(text.as_bytes()), None, "{text}");
        }
    }
}
