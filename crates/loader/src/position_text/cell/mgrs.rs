//! References of the Military Grid Reference System (NGA.STND.0037), which name squares of UTM
//! zones. References to squares at the poles, which are in no zone, are not read, since they are
//! beyond the map.

use super::CodeArea;
use super::utm_zones::{UtmBand, number, system, zone};

/// The letters for the columns of 100 km squares in a zone. A zone uses eight of them, and three
/// zones side by side use all.
const COLUMNS: &[u8; 24] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";

/// The letters for the rows of 100 km squares in a zone. They repeat after 20 rows.
const ROWS: &[u8; 20] = b"ABCDEFGHJKLMNPQRSTUV";

/// The side, in metres, of the squares that [`COLUMNS`] and [`ROWS`] have letters for.
const SQUARE: f64 = 100_000.0;

/// The square that a reference names, of 100 km down to 1 m a side; `None` for any other text.
pub(super) fn cell(text: &[u8]) -> Option<CodeArea> {
    let compact: Vec<u8> = text
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .take(20)
        .map(u8::to_ascii_uppercase)
        .collect();
    let digits = compact.iter().take_while(|byte| byte.is_ascii_digit());
    let (zone_digits, rest) = compact.split_at_checked(digits.count())?;
    let [band, column, row, digits @ ..] = rest else {
        return None;
    };
    let zone = zone(zone_digits)?;
    let band = UtmBand::of(*band)?;
    if digits.len() > 10 || !digits.len().is_multiple_of(2) {
        return None;
    }
    let first = (zone - 1) % 3 * 8;
    let column = COLUMNS.iter().position(|letter| letter == column)? as u32;
    let column = column.checked_sub(first).filter(|column| *column < 8)? + 1;
    let row = ROWS.iter().position(|letter| letter == row)? as u32;
    // In zones with even numbers the letters begin five squares later.
    let shift = if zone.is_multiple_of(2) { 15 } else { 0 };
    let mut row = (row + shift) % 20;
    while row < band.least {
        row += 20;
    }
    if row >= band.least + band.rows {
        return None;
    }
    let precision = digits.len() / 2;
    let (east, north) = digits.split_at_checked(precision)?;
    let unit = SQUARE / 10_f64.powi(precision as i32);
    let place = |square: u32, digits: &[u8]| {
        let inside = match digits {
            [] => 0,
            digits => number(digits)?,
        };
        Some(f64::from(square) * SQUARE + (f64::from(inside) + 0.5) * unit)
    };
    let middle = system(zone, band.is_north)?
        .place(place(column, east)?, place(row, north)?)
        .ok()?;
    Some(CodeArea {
        lon: middle.lon,
        lat: middle.lat,
        size: unit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        // The Jefferson Pier in Washington, Vienna, Honolulu, and the equator at Greenwich.
        for (text, lon, lat, near) in [
            ("18SUJ2337106519", -77.036_54, 38.889_79, 3e-5),
            ("33UXP0500444996", 16.4145, 48.2495, 1e-4),
            ("33U XP 05004 44996", 16.4145, 48.2495, 1e-4),
            ("33uxp04", 16.4, 48.2, 0.2),
            ("4QFJ12345678", -157.916, 21.3098, 1e-3),
            ("31NAA6602100000", 0.0, 0.0, 1e-4),
        ] {
            let cell = cell(text.as_bytes()).unwrap_or_else(|| panic!("{text}"));
            let far = (cell.lon - lon).abs().max((cell.lat - lat).abs());
            assert!(far < near, "{text}: {cell:?}");
        }
        assert_eq!(cell(b"33UXP0544").map(|cell| cell.size), Some(1000.0));
        for text in [
            "33UXP055",
            "61UXP05",
            "0UXP05",
            "33IXP05",
            "33UAP05",
            "33UXW05",
            "33U",
            "",
            "33UXP050044499612",
            "ABC",
            "YZG1234",
            // The rows E and V of an odd zone lie north of the bands U and T.
            "33UXE05",
            "33TXV05",
        ] {
            assert_eq!(cell(text.as_bytes()), None, "{text}");
        }
    }
}
