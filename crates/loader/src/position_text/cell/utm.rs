//! References in UTM: a zone, a letter, an easting and a northing in metres, such as `32U 461344
//! 5481745` or `33N 500000 4649776`.

use super::CodeArea;
use super::utm_zones::{UtmBand, system, zone};
use crate::number;

/// The meaning of the letter after a zone. N and S are bands of latitude as well as hemispheres.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UtmLetter {
    /// A band of latitude, from C to X.
    Band,
    /// N for the northern hemisphere and S for the southern one.
    Hemisphere,
}

/// The position that a reference names, as an area of 1 m × 1 m. `None` for any other text, and for
/// a northing that is not in the band that the letter names.
pub(super) fn cell(text: &[u8], meaning: UtmLetter) -> Option<CodeArea> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let text = match text.get(..3) {
        Some(word) if word.eq_ignore_ascii_case("utm") => text.get(3..)?.trim_start(),
        _ => text,
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (zone_text, rest) = text.split_at_checked(digits)?;
    let zone = zone(zone_text.as_bytes()).filter(|_| digits <= 2)?;
    let rest = rest.trim_start();
    let letter = rest.bytes().next()?.to_ascii_uppercase();
    let (easting, northing) = metres(rest.get(1..)?)?;
    let is_north = match meaning {
        UtmLetter::Hemisphere => match letter {
            b'N' => true,
            b'S' => false,
            _ => return None,
        },
        UtmLetter::Band => {
            let band = UtmBand::of(letter)?;
            let rows = f64::from(band.least)..f64::from(band.least + band.rows);
            if !rows.contains(&(northing / 100_000.0)) {
                return None;
            }
            band.is_north
        }
    };
    let place = system(zone, is_north)?.place(easting, northing).ok()?;
    Some(CodeArea {
        lon: place.lon,
        lat: place.lat,
        size: 1.0,
    })
}

/// The easting and the northing in a text; `None` unless it has exactly these two numbers. After
/// each number its unit `m`, the letter of its direction (`E`, `N`) or both may follow, as in
/// `461344 mE 5481745 mN`.
fn metres(text: &str) -> Option<(f64, f64)> {
    let text = text.trim_start();
    let (easting, rest) = number_before(text, b'e')?;
    let (northing, rest) = number_before(rest, b'n')?;
    let is_inside = (100_000.0..1_000_000.0).contains(&easting)
        && (0.0..=10_000_000.0).contains(&northing)
        && rest.is_empty();
    is_inside.then_some((easting, northing))
}

/// The number at the beginning of a text, and the rest of the text after the number, its unit, its
/// direction and blanks. `direction` is the letter of the direction, in lower case.
fn number_before(text: &str, direction: u8) -> Option<(f64, &str)> {
    let end = text
        .bytes()
        .position(|b| !(b.is_ascii_digit() || b == b'.'));
    let (digits, mut rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
    let number = number::parse(digits.as_bytes())?;
    let behind = rest;
    for letter in [b'm', direction] {
        let next = rest.trim_start();
        if next
            .bytes()
            .next()
            .is_some_and(|b| b.to_ascii_lowercase() == letter)
        {
            rest = next.get(1..)?;
        }
    }
    let is_apart = rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_whitespace());
    let is_end = is_apart || rest.len() < behind.len();
    is_end.then(|| (number, rest.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        use UtmLetter::{Band, Hemisphere};
        // The Jefferson Pier in Washington, and Vienna, as in the tests of MGRS.
        for (text, meaning, lon, lat) in [
            ("18S 323371 4306519", Band, -77.036_54, 38.889_79),
            (
                "UTM 18 s 323371.0mE 4306519.0mN",
                Band,
                -77.036_54,
                38.889_79,
            ),
            ("33U 605004 5344996", Band, 16.4145, 48.2495),
            ("33U605004 5344996", Band, 16.4145, 48.2495),
            ("33N 605004 m E 5344996 m N", Hemisphere, 16.4145, 48.2495),
            ("33N 605004E 5344996N", Hemisphere, 16.4145, 48.2495),
            ("31N 500000 0", Band, 3.0, 0.0),
            ("31S 500000 10000000", Hemisphere, 3.0, 0.0),
            // Sydney.
            ("56H 334873 6252266", Band, 151.215, -33.857),
            ("56S 334873 6252266", Hemisphere, 151.215, -33.857),
        ] {
            let cell = cell(text.as_bytes(), meaning).unwrap_or_else(|| panic!("{text}"));
            let far = (cell.lon - lon).abs().max((cell.lat - lat).abs());
            assert!(far < 1e-3, "{text}: {cell:?}");
        }
        for (text, meaning) in [
            // The northing is not in the band.
            ("33N 605004 5344996", Band),
            ("33S 605004 5344996", Band),
            ("33U 605004 5344996", Hemisphere),
            ("61U 605004 5344996", Band),
            ("0U 605004 5344996", Band),
            ("033U 605004 5344996", Band),
            ("33U 5344996 605004", Band),
            ("33U 605004 5344996 120", Band),
            ("33U 605004,5344996", Band),
            ("33U 605004N 5344996E", Band),
            ("33U 605004", Band),
            ("33U -605004 5344996", Band),
            ("33U 60500x 5344996", Band),
            ("33", Band),
            ("utm", Band),
            ("33ü 605004 5344996", Band),
            ("", Hemisphere),
        ] {
            assert_eq!(cell(text.as_bytes(), meaning), None, "{text}");
        }
    }
}
