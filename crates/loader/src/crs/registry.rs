//! EPSG's coordinate systems: tables made by `scripts/crs-registry`, which are searched once for
//! each file.

use std::cmp::Ordering;

/// Geographic systems, with the fields code, name, ellipsoid (two fields), prime meridian, unit and
/// shift to WGS 84.
const GEOGRAPHIC: &str = include_str!("geographic.txt");
/// Projected systems, with the fields code, code of the geographic system and PROJ parameters.
const PROJECTED: &str = include_str!("projected.txt");
/// Compound systems, with the fields code and code of the horizontal part.
const COMPOUND: &str = include_str!("compound.txt");
/// Datums, with the fields name and code of a geographic system that has their shift.
const DATUMS: &str = include_str!("datums.txt");

/// A geographic system of EPSG.
#[derive(Clone, Debug)]
pub(super) struct Geographic {
    pub(super) name: &'static str,
    /// The semi-major axis of the ellipsoid in metres.
    pub(super) axis: f64,
    /// The inverse flattening of the ellipsoid; 0 for a sphere.
    pub(super) flattening: f64,
    /// The prime meridian in degrees east of Greenwich.
    pub(super) meridian: f64,
    /// The angular unit in degrees.
    pub(super) unit: f64,
    /// The text of the shift to WGS 84, which [`Datum::parse`](super::datum::Datum::parse) reads.
    pub(super) shift: &'static str,
}

/// The geographic system with an EPSG number, if there is one.
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

/// The code of the geographic system on which a projected system is based, and the PROJ parameters.
pub(super) fn projected(code: u32) -> Option<(u32, &'static str)> {
    let (base, words) = row(PROJECTED, code)?.split_once('\t')?;
    Some((base.parse().ok()?, words))
}

/// The code of the horizontal part of a compound system; `None` for other codes.
pub(super) fn horizontal(code: u32) -> Option<u32> {
    row(COMPOUND, code)?.parse().ok()
}

/// The code of a geographic system that has the shift of the datum with this name, in any spelling.
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

/// Returns true if a text begins with a word, without regard to case.
pub(super) fn starts_with(text: &str, word: &str) -> bool {
    text.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// The letters and digits of a name in lower case. A `+` is kept, since it distinguishes two Swiss
/// datums.
pub(super) fn plain(name: &str) -> String {
    let kept = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '+');
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

/// The fields after the code in the row with this code. The rows are sorted by code.
fn row(table: &'static str, code: u32) -> Option<&'static str> {
    find(table, |first| first.parse().unwrap_or(0).cmp(&code))
}

/// The fields after the first in the row whose first field matches, by binary search.
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
