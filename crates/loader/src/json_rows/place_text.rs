//! Positions that are written as one text: `geo:48.1,11.5`, `48.1°, 11.5°` or `48.1, 11.5`.

use crate::number;

/// The longest text that may be a position: a choice.
const LONGEST: usize = 80;

/// The latitude and the longitude in a text that is marked as a position: by `geo:` before it
/// (RFC 5870) or by degree signs.
pub(super) fn marked(text: &str) -> Option<(f64, f64)> {
    if text.len() > LONGEST {
        return None;
    }
    let text = text.trim();
    if let Some(uri) = text.strip_prefix("geo:") {
        // Parameters may follow, for example an accuracy.
        let numbers = uri.split(';').next()?;
        let mut numbers = numbers.split(',');
        let (lat, lon) = (numbers.next()?, numbers.next()?);
        return Some((parsed(lat)?, parsed(lon)?));
    }
    let (lat, lon) = text.split_once(',')?;
    let degrees = |text: &str| parsed(text.trim().strip_suffix('°')?);
    Some((degrees(lat)?, degrees(lon)?))
}

/// The two numbers in a text, which are separated by a comma.
pub(super) fn pair(text: &str) -> Option<(f64, f64)> {
    if text.len() > LONGEST {
        return None;
    }
    let (first, second) = text.split_once(',')?;
    // `12,5` may be one number with a decimal comma.
    let is_pair = second.starts_with(' ') || first.contains('.') || second.contains('.');
    is_pair.then_some((parsed(first)?, parsed(second)?))
}

fn parsed(text: &str) -> Option<f64> {
    number::parse(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_positions() {
        for text in ["geo:48.1,11.5", "48.1°, 11.5°", " geo:48.1,11.5,300;u=35 "] {
            assert_eq!(marked(text), Some((48.1, 11.5)), "{text}");
        }
        for text in ["48.1, 11.5", "geo:x,1", "48.1° 11.5°", "1°", "geo:1"] {
            assert_eq!(marked(text), None, "{text}");
        }
        assert_eq!(pair("48.1,11.5"), Some((48.1, 11.5)));
        assert_eq!(pair("48, 11"), Some((48.0, 11.0)));
        assert_eq!(
            (pair("12,5"), pair("1,2,3"), pair("a, b")),
            (None, None, None)
        );
    }
}
