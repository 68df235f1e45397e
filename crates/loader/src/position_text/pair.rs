//! Two coordinates in one text: `48.85, 2.35`, `(37.8, -122.4)`, `[2.35 48.85]` or
//! `41°25'N 2°10'E`, or `geo:48.85,2.35`.

use super::angle::{self, AngleAxis};
use crate::number::format::NumberFormat;
use crate::number::parse;
use crate::options::AxisOrder;

/// Two coordinates that were read from one text, in the order in which the text has them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CoordinatePair {
    pub(crate) first: f64,
    pub(crate) second: f64,
    /// The order of the two coordinates if the text shows it, for example by hemispheres; otherwise
    /// `None`.
    pub(crate) stated: Option<AxisOrder>,
    /// True if the text is in square brackets.
    pub(crate) in_square: bool,
}

impl CoordinatePair {
    /// The longitude and the latitude. If the text doesn't show which of the two coordinates is the
    /// latitude, `order` decides.
    pub(crate) fn lon_lat(&self, order: AxisOrder) -> (f64, f64) {
        match self.stated.unwrap_or(order) {
            AxisOrder::LatLon => (self.second, self.first),
            AxisOrder::LonLat => (self.first, self.second),
        }
    }
}

/// Returns whether a text of two coordinates may be one number with a decimal comma or with marks
/// between thousands: `12,50` or `1,234.5`.
pub(crate) fn may_be_number(text: &[u8]) -> bool {
    let formats = [NumberFormat::GroupedComma, NumberFormat::GroupedPoint];
    formats.iter().any(|format| format.parse(text).is_some())
}

/// Parses two coordinates in one text; `None` for any other text. If the text ends with a pair in
/// parentheses, as postal addresses do in exports of Socrata, only this pair is read.
pub(crate) fn coordinates(text: &[u8]) -> Option<CoordinatePair> {
    let text = text.trim_ascii();
    if let Some(uri) = text.strip_prefix(b"geo:") {
        return uri_pair(str::from_utf8(uri).ok()?);
    }
    let (inner, in_square) = match text {
        [b'[', inner @ .., b']'] => (inner, true),
        [b'{', inner @ .., b'}'] => (inner, false),
        [head @ .., b')'] => {
            let open = memchr::memrchr(b'(', head)?;
            let inner = head.get(open + 1..)?;
            // `POINT (1 2)` has the other order.
            if open > 0 && memchr::memchr(b',', inner).is_none() {
                return None;
            }
            (inner, false)
        }
        inner => (inner, false),
    };
    let inner = inner.trim_ascii();
    if text.starts_with(b"{")
        && let Some(pair) = named_pair(&String::from_utf8_lossy(inner))
    {
        return Some(pair);
    }
    let pair = |first, second, stated| CoordinatePair {
        first,
        second,
        stated,
        in_square,
    };
    // Nearly all texts are of this kind, so it comes first.
    if let Some(comma) = memchr::memchr(b',', inner)
        && let Some((first, second)) = inner.split_at_checked(comma)
        && let (Some(first), Some(second)) = (parse(first), parse(second.get(1..)?))
    {
        return Some(pair(first, second, None));
    }
    let text = std::str::from_utf8(inner).ok()?;
    let (first, second) =
        splits(text).find_map(|(first, second)| coordinate(first).zip(coordinate(second)))?;
    let stated = match (first.1, second.1) {
        (Some(AngleAxis::NorthSouth), Some(AngleAxis::EastWest)) => Some(AxisOrder::LatLon),
        (Some(AngleAxis::EastWest), Some(AngleAxis::NorthSouth)) => Some(AxisOrder::LonLat),
        // Without hemispheres these are two times of a day.
        (None, None) if text.contains(':') => return None,
        (None, None) => None,
        _ => return None,
    };
    Some(pair(first.0, second.0, stated))
}

/// The coordinates in an object whose members have names, in JSON or as Python prints it. `inner`
/// is the text between its brackets, such as `"lat": 48.1, "lon": 11.5`.
fn named_pair(inner: &str) -> Option<CoordinatePair> {
    let (mut lat, mut lon) = (None, None);
    let bare = |text: &str| {
        let quote = |c: char| c.is_whitespace() || matches!(c, '"' | '\'');
        text.trim_matches(quote).to_ascii_lowercase()
    };
    for member in inner.split(',') {
        let Some((name, value)) = member.split_once(':') else {
            continue;
        };
        let axis = match bare(name).as_str() {
            "lat" | "latitude" => &mut lat,
            "lon" | "lng" | "long" | "longitude" => &mut lon,
            _ => continue,
        };
        *axis = axis.or(parse(bare(value).as_bytes()));
    }
    Some(CoordinatePair {
        first: lat?,
        second: lon?,
        stated: Some(AxisOrder::LatLon),
        in_square: false,
    })
}

/// The coordinates in a `geo:` URI (RFC 5870). `uri` is the text after `geo:`. `None` unless `uri`
/// begins with two numbers.
fn uri_pair(uri: &str) -> Option<CoordinatePair> {
    // Parameters may follow, for example an accuracy.
    let mut numbers = uri.split(';').next()?.split(',');
    let mut next = || parse(numbers.next()?.as_bytes());
    Some(CoordinatePair {
        first: next()?,
        second: next()?,
        stated: Some(AxisOrder::LatLon),
        in_square: false,
    })
}

/// The ways to split a text into two coordinates, each as the texts of the first and the second
/// one. The most reliable way comes first.
fn splits(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let once = |mark: &str| {
        let (first, second) = text.split_once(mark)?;
        (!second.contains(mark)).then_some((first, second))
    };
    let behind_letter = text
        .match_indices(|c: char| c.is_alphabetic())
        .find_map(|(at, letter)| {
            let (first, second) = text.split_at_checked(at + letter.len())?;
            let parted = second.strip_prefix([',', ';']).unwrap_or(second);
            angle::hemisphere(letter).map(|_| (first, parted))
        });
    let blank = text
        .split_once(char::is_whitespace)
        .map(|(first, second)| (first, second.trim()))
        .filter(|(_, second)| !second.contains(char::is_whitespace));
    [
        once(";"),
        once("|"),
        once(", "),
        once(","),
        blank,
        behind_letter,
    ]
    .into_iter()
    .flatten()
}

/// Parses one coordinate: a number with a point or a comma, or an angle in degrees with its axis.
/// `None` for any other text.
fn coordinate(text: &str) -> Option<(f64, Option<AngleAxis>)> {
    let text = text.trim();
    let number = parse(text.as_bytes()).or_else(|| NumberFormat::Comma.parse(text.as_bytes()));
    match number {
        Some(number) => Some((number, None)),
        None => angle::parse(text, NumberFormat::Comma).map(|angle| (angle.degrees, angle.axis)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pairs_as_portals_write_them() {
        for (text, first, second) in [
            ("48.8566, 2.3522", 48.8566, 2.3522),
            ("48.8566,2.3522", 48.8566, 2.3522),
            ("(37.7965, -122.4376)", 37.7965, -122.4376),
            (
                "1 MAIN ST\nSAN FRANCISCO, CA\n(37.7965, -122.4376)",
                37.7965,
                -122.4376,
            ),
            ("[-122.4376, 37.7965]", -122.4376, 37.7965),
            ("48.8566 2.3522", 48.8566, 2.3522),
            ("48.8566; 2.3522", 48.8566, 2.3522),
            ("48,8566; 2,3522", 48.8566, 2.3522),
            ("48,8566, 2,3522", 48.8566, 2.3522),
            ("41°30'N, 2°15'E", 41.5, 2.25),
            ("41°30'N 2°15'W", 41.5, -2.25),
            ("41 30 00 N 2 15 00 E", 41.5, 2.25),
            ("-1e1,\t+2", -10.0, 2.0),
            ("{\"lon\": 2.5, \"lat\": 48.5}", 48.5, 2.5),
            (
                "{'latitude': '37.7', 'longitude': '-122.4', 'human_address': '{\"city\": \"\"}'}",
                37.7,
                -122.4,
            ),
        ] {
            let found = coordinates(text.as_bytes()).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((found.first, found.second), (first, second), "{text}");
        }
        let stated = |text: &str| coordinates(text.as_bytes()).unwrap().stated;
        assert_eq!(stated("2°15'E, 41°30'N"), Some(AxisOrder::LonLat));
        assert_eq!(stated("41°30'N, 2°15'E"), Some(AxisOrder::LatLon));
    }

    #[test]
    fn some_pairs_may_be_one_number() {
        for text in ["12,5", "48,8566", "1.234,5", "1,234.5", "48,123", "1 234,5"] {
            assert!(may_be_number(text.as_bytes()), "{text}");
        }
        for text in [
            "12, 5",
            "48.8566,2.3522",
            "(12,5)",
            "48,8566 2,3522",
            "48.8566,2",
        ] {
            assert!(!may_be_number(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_is_no_pair() {
        for text in [
            "",
            "1",
            "1,",
            ",1",
            "1,2,3",
            "POINT (1 2)",
            "(1)",
            "a,b",
            "1,5",
            "2°E, 3°E",
            "2024-01-01 10:00",
            "Main St (west)",
            "12 km",
            "1 2 3",
            "08:00, 17:00",
            "08:00:00 17:00:00",
        ] {
            let found = coordinates(text.as_bytes());
            // A decimal comma and a pair of whole numbers look alike.
            assert!(found.is_none() || text == "1,5", "{text}: {found:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_two_numbers_or_none(bytes: Vec<u8>, text in "[-0-9.,;()\\[\\] NE°']{0,20}") {
            for text in [&bytes[..], text.as_bytes()] {
                let found = coordinates(text);
                prop_assert!(found.is_none_or(|p| p.first.is_finite() && p.second.is_finite()));
            }
        }
    }
}
