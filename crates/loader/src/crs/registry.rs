//! EPSG's coordinate systems: tables made by `scripts/crs-registry`, searched once per file.

use std::cmp::Ordering;

/// Geographic systems: code, name, ellipsoid, prime meridian, unit, shift to WGS 84.
const GEOGRAPHIC: &str = include_str!("geographic.txt");
/// Projected systems: code, code of the geographic system, PROJ parameters.
const PROJECTED: &str = include_str!("projected.txt");
/// Compound systems: code, code of the horizontal part.
const COMPOUND: &str = include_str!("compound.txt");
/// Names of datums, and a code that has their shift.
const DATUMS: &str = include_str!("datums.txt");

/// A geographic system.
#[derive(Clone, Debug)]
pub(super) struct Geographic {
    pub(super) name: &'static str,
    /// The ellipsoid's semi-major axis, in metres.
    pub(super) axis: f64,
    /// The ellipsoid's inverse flattening; 0 for a sphere.
    pub(super) flattening: f64,
    /// The prime meridian, in degrees from Greenwich.
    pub(super) meridian: f64,
    /// The angular unit in degrees.
    pub(super) unit: f64,
    /// The shift to WGS 84 as the table has it, for [`Datum::parse`](super::datum::Datum::parse).
    pub(super) shift: &'static str,
}

/// The geographic system with a code.
pub(super) fn geographic(code: u32) -> Option<Geographic> {
    let mut fields = row(GEOGRAPHIC, code)?.split('\t');
    let name = fields.next()?;
    let mut number = || fields.next()?.parse().ok();
    let (axis, flattening, meridian, unit) = (number()?, number()?, number()?, number()?);
    let mut shift = fields.next()?;
    if let Some(other) = shift.strip_prefix('@') {
        shift = row(GEOGRAPHIC, other.parse().ok()?)?.rsplit('\t').next()?;
    }
    Some(Geographic {
        name,
        axis,
        flattening,
        meridian,
        unit,
        shift,
    })
}

/// The code of a projected system's geographic system, and the PROJ parameters.
pub(super) fn projected(code: u32) -> Option<(u32, &'static str)> {
    let (base, words) = row(PROJECTED, code)?.split_once('\t')?;
    Some((base.parse().ok()?, words))
}

/// The code of the horizontal part of a compound system.
pub(super) fn horizontal(code: u32) -> Option<u32> {
    row(COMPOUND, code)?.parse().ok()
}

/// A code whose shift is that of the datum with this name, in any spelling.
pub(super) fn datum(name: &str) -> Option<u32> {
    let plain = plain(bare(name));
    let known = |name: &str| find(DATUMS, |first| first.cmp(name))?.parse().ok();
    known(&plain).or_else(|| known(plain.strip_suffix("ensemble")?))
}

/// A name without Esri's prefix for datums and geographic systems.
pub(super) fn bare(name: &str) -> &str {
    let name = name.trim();
    let behind = |word: &str| {
        let rest = name.get(word.len()..)?;
        starts_with(name, word).then_some(rest)
    };
    behind("D_").or_else(|| behind("GCS_")).unwrap_or(name)
}

/// Returns whether a text begins with a word, in whatever case.
pub(super) fn starts_with(text: &str, word: &str) -> bool {
    text.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// A name's letters and digits in lower case; `+` distinguishes two Swiss datums.
pub(super) fn plain(name: &str) -> String {
    let kept = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '+');
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

/// The rest of the row with a code; rows are sorted by number.
fn row(table: &'static str, code: u32) -> Option<&'static str> {
    find(table, |first| first.parse().unwrap_or(0).cmp(&code))
}

/// The rest of the row whose first field matches, by binary search.
fn find(table: &'static str, order: impl Fn(&str) -> Ordering) -> Option<&'static str> {
    let (mut from, mut to) = (0, table.len());
    while from < to {
        let middle = table.get(..(from + to) / 2)?;
        let start = middle.rfind('\n').map_or(0, |at| at + 1);
        let rest = table.get(start..)?;
        let line = rest.get(..rest.find('\n').unwrap_or(rest.len()))?;
        let (first, value) = line.split_once('\t')?;
        match order(first) {
            Ordering::Equal => return Some(value),
            Ordering::Less => from = start + line.len() + 1,
            Ordering::Greater => to = start,
        }
    }
    None
}
