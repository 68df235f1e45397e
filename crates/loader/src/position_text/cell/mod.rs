//! Codes of cells. A *cell* is here a small area of the world that a code such as a geohash names.
//! A point with this code is put in the middle of the area.
//!
//! H3 is computed by the crate `h3o`, since its cells are hexagons on an icosahedron. The codes of
//! the other kinds are digits in a grid, which take a few lines of arithmetic each. There are
//! crates for them (`geohash`, `open-location-code`, `mgrs`), but these would bring more crates
//! than they save lines, and what they return for unknown texts would have to be checked here all
//! the same.

mod mgrs;
mod plus_code;
mod utm;
mod utm_zones;

use std::f64::consts::PI;
pub(crate) use utm::UtmLetter;

/// A kind of codes that each name a small area, by a text or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellCode {
    /// H3, in hexadecimal digits or as a decimal number.
    H3,
    Geohash,
    /// Quadkeys: the digits that Bing Maps gives to tiles.
    Quadkey,
    /// Full plus codes (Open Location Code), such as `8FVC9G8F+6X`.
    PlusCode,
    /// References of the Military Grid Reference System, such as `33UXP0500444996`.
    Mgrs,
    /// References in UTM, such as `32U 461344 5481745`, with the meaning of their letter.
    Utm(UtmLetter),
}

/// The area that a code names: the longitude and latitude of its middle in degrees, and its size in
/// metres, the square root of its area.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CodeArea {
    pub(crate) lon: f64,
    pub(crate) lat: f64,
    pub(crate) size: f64,
}

/// The length of a degree at the equator, in metres.
const DEGREE: f64 = 111_320.0;

/// The characters of geohashes. A character's index is its value, a number of five bits.
const GEOHASH: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

/// The most characters of a geohash. The area of a geohash with 24 characters is far smaller than a
/// rounding error.
const LONGEST_GEOHASH: usize = 24;

/// The deepest zoom of quadkeys, which is the most digits that one may have.
const DEEPEST: usize = 30;

/// Endings of the names of columns that describe codes, such as `geohash_precision`, and hold none.
const ABOUT_CODES: [&str; 9] = [
    "precision",
    "length",
    "level",
    "zoom",
    "resolution",
    "res",
    "size",
    "count",
    "area",
];

impl CellCode {
    /// The kinds of codes that are recognised by a value alone, whatever its column is called.
    pub(crate) const UNMISTAKABLE: [Self; 3] = [Self::H3, Self::PlusCode, Self::Mgrs];

    /// The kinds of references in UTM. If both kinds fit the same number of a column's values, the
    /// first kind is meant.
    pub(crate) const UTM: [Self; 2] =
        [Self::Utm(UtmLetter::Band), Self::Utm(UtmLetter::Hemisphere)];

    /// The kind of codes that a column with this name holds. `name` must be
    /// [`normalised`](crate::columns::normalised). `None` if the name means no codes, or means
    /// numbers about codes, such as `geohash_precision`.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        if ABOUT_CODES.iter().any(|ending| name.ends_with(ending)) {
            return None;
        }
        let is_h3 = name.starts_with("h3") || matches!(name, "hexid" | "hexagonid" | "hexaddress");
        let is_plus = matches!(
            name,
            "olc" | "openlocationcode" | "globalcode" | "pluscodes"
        );
        Some(match name {
            _ if is_h3 => Self::H3,
            _ if name.contains("geohash") => Self::Geohash,
            _ if name.contains("quadkey") => Self::Quadkey,
            _ if is_plus || name.contains("pluscode") => Self::PlusCode,
            _ if name.contains("mgrs") || name.contains("usng") => Self::Mgrs,
            _ => return None,
        })
    }

    /// The name of this kind of codes in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::H3 => "H3",
            Self::Geohash => "geohash",
            Self::Quadkey => "quadkey",
            Self::PlusCode => "plus code",
            Self::Mgrs => "MGRS",
            Self::Utm(_) => "UTM",
        }
    }

    /// The area that a text names; `None` if the text is no code of this kind.
    pub(crate) fn cell(self, text: &[u8]) -> Option<CodeArea> {
        let text = text.trim_ascii();
        match self {
            Self::H3 => h3(text),
            Self::Geohash => geohash(text),
            Self::Quadkey => quadkey(text),
            Self::PlusCode => plus_code::cell(text),
            Self::Mgrs => mgrs::cell(text),
            Self::Utm(letter) => utm::cell(text, letter),
        }
    }

    /// Returns true if a text begins with a short plus code such as `9G8F+6X`, which names a place
    /// only together with another place near it.
    pub(crate) fn is_short_plus_code(text: &[u8]) -> bool {
        plus_code::is_short(text)
    }
}

impl CodeArea {
    /// The area between two longitudes and two latitudes, which are in degrees.
    fn between((west, east): (f64, f64), (south, north): (f64, f64)) -> Self {
        let (lon, lat) = ((west + east) / 2.0, (south + north) / 2.0);
        let width = (east - west) * DEGREE * lat.to_radians().cos();
        let height = (north - south) * DEGREE;
        Self {
            lon,
            lat,
            size: (width * height).sqrt(),
        }
    }
}

/// The area that an H3 index names; `None` if `text` is none.
#[cfg(feature = "readers")]
fn h3(text: &[u8]) -> Option<CodeArea> {
    use h3o::{CellIndex, LatLng};
    let text = std::str::from_utf8(text).ok()?;
    let text = text.strip_prefix("0x").unwrap_or(text);
    // A decimal number has more digits than an index has hexadecimal ones.
    let number = match text.len() {
        ..=16 => u64::from_str_radix(text, 16).ok()?,
        _ => text.parse().ok()?,
    };
    let cell = CellIndex::try_from(number).ok()?;
    let middle = LatLng::from(cell);
    Some(CodeArea {
        lon: middle.lng(),
        lat: middle.lat(),
        // The mean area at its resolution: the exact one takes ten times as long as all the rest.
        size: cell.resolution().area_m2().sqrt(),
    })
}

#[cfg(not(feature = "readers"))]
fn h3(_: &[u8]) -> Option<CodeArea> {
    None
}

/// The area that a geohash names; `None` if `text` is none. The bits of its characters halve the
/// range of longitudes and the range of latitudes in turn.
fn geohash(text: &[u8]) -> Option<CodeArea> {
    if text.is_empty() || text.len() > LONGEST_GEOHASH {
        return None;
    }
    let (mut lon, mut lat) = ((-180.0, 180.0), (-90.0, 90.0));
    let mut is_lon = true;
    for byte in text {
        let letter = byte.to_ascii_lowercase();
        let value = GEOHASH.iter().position(|known| *known == letter)?;
        for bit in (0..5).rev() {
            let range = if is_lon { &mut lon } else { &mut lat };
            let middle = (range.0 + range.1) / 2.0;
            if value >> bit & 1 == 1 {
                range.0 = middle;
            } else {
                range.1 = middle;
            }
            is_lon = !is_lon;
        }
    }
    Some(CodeArea::between(lon, lat))
}

/// The area of the Web-Mercator tile that a quadkey names; `None` if `text` is none. Each digit is
/// a bit of the tile's x plus twice a bit of its y.
fn quadkey(text: &[u8]) -> Option<CodeArea> {
    if text.is_empty() || text.len() > DEEPEST {
        return None;
    }
    let (mut x, mut y) = (0_u32, 0_u32);
    for byte in text {
        let digit = u32::from(byte.checked_sub(b'0').filter(|digit| *digit < 4)?);
        (x, y) = (x << 1 | digit & 1, y << 1 | digit >> 1);
    }
    let tiles = 2_f64.powi(text.len() as i32);
    let (x, y) = ((f64::from(x) + 0.5) / tiles, (f64::from(y) + 0.5) / tiles);
    let lat = (PI * (1.0 - 2.0 * y)).sinh().atan();
    Some(CodeArea {
        lon: x * 360.0 - 180.0,
        lat: lat.to_degrees(),
        size: 360.0 / tiles * DEGREE * lat.cos(),
    })
}

/// The size of an area as reports show it, rounded to two digits: `150 m` or `25 km`. `metres` is
/// the square root of the area.
pub(crate) fn shown_size(metres: f64) -> String {
    let rounded = |number: f64| {
        let unit = 10_f64.powf(number.log10().floor() - 1.0);
        let rounded = (number / unit).round() * unit;
        let digits = usize::from(rounded < 10.0);
        format!("{rounded:.digits$}")
    };
    match metres {
        size if size >= 1000.0 => format!("{} km", rounded(size / 1000.0)),
        size if size >= 0.1 => format!("{} m", rounded(size)),
        _ => "less than 0.1 m".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(code: CellCode, text: &str, lon: f64, lat: f64, near: f64) {
        let cell = code
            .cell(text.as_bytes())
            .unwrap_or_else(|| panic!("{text}"));
        let far = (cell.lon - lon).abs().max((cell.lat - lat).abs());
        assert!(far <= near, "{text}: {cell:?}");
    }

    #[test]
    fn middles_of_known_cells() {
        // The example of geohash's own article: 57.64911, 10.40744.
        close(CellCode::Geohash, "u4pruydqqvj", 10.40744, 57.64911, 1e-5);
        close(CellCode::Geohash, "U4PRU", 10.41, 57.63, 0.03);
        // Tile 3/5 of zoom 3, from the description of Bing's tiles.
        close(CellCode::Quadkey, "213", -22.5, -55.776_573_018, 1e-6);
        close(CellCode::Quadkey, "0", -90.0, 66.513_260_44, 1e-6);
        close(CellCode::Geohash, "s", 22.5, 22.5, 0.0);
        #[cfg(feature = "readers")]
        {
            // The example of H3's documentation, and the same index as a decimal number.
            close(
                CellCode::H3,
                "8928308280fffff",
                -122.418_459,
                37.776_702,
                1e-5,
            );
            close(
                CellCode::H3,
                "617700169958293503",
                -122.418_459,
                37.776_702,
                1e-5,
            );
            assert!(CellCode::H3.cell(b"8928308280ffff").is_none());
        }
        for (code, text) in [
            (CellCode::Geohash, "u4pa"),
            (CellCode::Geohash, ""),
            (CellCode::Geohash, "0123456789012345678901234"),
            (CellCode::Quadkey, "0124"),
            (CellCode::Quadkey, ""),
            (CellCode::H3, "xyz"),
            (CellCode::H3, "99999999999999999999999"),
        ] {
            assert_eq!(code.cell(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn names_and_sizes() {
        for (name, code) in [
            ("h3", CellCode::H3),
            ("h3index", CellCode::H3),
            ("h3res9", CellCode::H3),
            ("hexid", CellCode::H3),
            ("pickupgeohash", CellCode::Geohash),
            ("quadkey", CellCode::Quadkey),
            ("pluscode", CellCode::PlusCode),
            ("mgrs", CellCode::Mgrs),
        ] {
            assert_eq!(CellCode::of_name(name), Some(code), "{name}");
        }
        for name in [
            "hash",
            "geohashprecision",
            "quadkeyzoom",
            "h3resolution",
            "h3res",
            "mgrssize",
        ] {
            assert_eq!(CellCode::of_name(name), None, "{name}");
        }
        assert_eq!(CellCode::of_name("name"), None);
        for (metres, text) in [
            (0.01, "less than 0.1 m"),
            (3.12, "3.1 m"),
            (154.0, "150 m"),
            (998.0, "1000 m"),
            (24_600.0, "25 km"),
            (4_890_000.0, "4900 km"),
        ] {
            assert_eq!(shown_size(metres), text);
        }
        let cell = CellCode::Geohash.cell(b"u4pruyd").unwrap();
        assert_eq!(shown_size(cell.size), "110 m");
    }

    proptest! {
        #[test]
        fn any_text_is_a_place_or_none(bytes: Vec<u8>, text in "[0-9A-Za-z+ ]{0,20}") {
            let all = [
                CellCode::H3,
                CellCode::Geohash,
                CellCode::Quadkey,
                CellCode::PlusCode,
                CellCode::Mgrs,
                CellCode::Utm(UtmLetter::Band),
                CellCode::Utm(UtmLetter::Hemisphere),
            ];
            for code in all {
                for text in [&bytes[..], text.as_bytes()] {
                    let is_place = |cell: CodeArea| {
                        cell.lon.abs() <= 360.0 && cell.lat.abs() <= 90.0 && cell.size >= 0.0
                    };
                    prop_assert!(code.cell(text).is_none_or(is_place));
                }
            }
        }
    }
}
