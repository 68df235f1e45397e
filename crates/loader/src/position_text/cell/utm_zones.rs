//! The zones of UTM and their bands of latitude.

use crate::crs::Crs;
use std::sync::OnceLock;

/// The letters of the bands of latitude, from 80° south on. Beside each letter is the least
/// northing in its band, in hundreds of kilometres. On the southern hemisphere northings are
/// counted from a line 10,000 km south of the equator.
const BANDS: [(u8, u32); 20] = [
    (b'C', 11),
    (b'D', 20),
    (b'E', 28),
    (b'F', 37),
    (b'G', 46),
    (b'H', 55),
    (b'J', 64),
    (b'K', 73),
    (b'L', 82),
    (b'M', 91),
    (b'N', 0),
    (b'P', 8),
    (b'Q', 17),
    (b'R', 26),
    (b'S', 35),
    (b'T', 44),
    (b'U', 53),
    (b'V', 62),
    (b'W', 70),
    (b'X', 79),
];

/// The number of UTM zones on the northern hemisphere, and on the southern one too.
const ZONES: usize = 60;

/// The coordinate systems of all UTM zones, the northern ones first. Each is made when it is first
/// needed.
static SYSTEMS: [OnceLock<Option<Crs>>; 2 * ZONES] = [const { OnceLock::new() }; 2 * ZONES];

/// A band of latitude in all zones.
pub(super) struct UtmBand {
    /// The least northing in the band, in hundreds of kilometres: see [`BANDS`].
    pub(super) least: u32,
    /// The most rows of 100 km squares, counted by northing, that the band touches.
    pub(super) rows: u32,
    pub(super) is_north: bool,
}

impl UtmBand {
    /// The band with a letter, in upper case; `None` if there is none.
    pub(super) fn of(letter: u8) -> Option<Self> {
        let (_, least) = BANDS.into_iter().find(|(known, _)| *known == letter)?;
        Some(Self {
            least,
            // A band of 8° touches at most eleven rows; X, the last one, has 12°.
            rows: if letter == b'X' { 15 } else { 11 },
            is_north: letter >= b'N',
        })
    }
}

/// The number of a UTM zone, 1 to 60, that is written in these digits; `None` if there is no such
/// zone.
pub(super) fn zone(digits: &[u8]) -> Option<u32> {
    number(digits).filter(|zone| (1..=ZONES as u32).contains(zone))
}

/// The coordinate system of a zone (1 to 60) on the northern or the southern hemisphere; `None` if
/// there is no such zone.
pub(super) fn system(zone: u32, is_north: bool) -> Option<&'static Crs> {
    let at = (zone as usize).checked_sub(1)? + if is_north { 0 } else { ZONES };
    let code = zone + if is_north { 32_600 } else { 32_700 };
    let system = SYSTEMS.get(at)?;
    let system = system.get_or_init(|| Crs::from_epsg(code, "").ok());
    system.as_ref()
}

/// The whole number with these digits; `None` for other bytes.
pub(super) fn number(digits: &[u8]) -> Option<u32> {
    let is_number = digits.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(digits).ok().filter(|_| is_number)?;
    text.parse().ok()
}
