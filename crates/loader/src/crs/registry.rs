//! The coordinate systems that EPSG knows: tables made by `scripts/crs-registry`, searched once a
//! file.

use std::cmp::Ordering;

/// Degrees on a datum: code, name, ellipsoid, meridian, unit, shift to WGS 84.
const GEOGRAPHIC: &str = include_str!("geographic.txt");
/// Projections: code, that of the degrees below, the projection in PROJ's words.
const PROJECTED: &str = include_str!("projected.txt");
/// Systems with heights: code, that of the horizontal part.
const COMPOUND: &str = include_str!("compound.txt");
/// Names of datums, and a code with their shift.
const DATUMS: &str = include_str!("datums.txt");

/// Longitudes and latitudes on a datum.
#[derive(Clone, Debug)]
pub(super) struct Geographic {
    pub(super) name: &'static str,
    /// The ellipsoid's half axis, in metres.
    pub(super) axis: f64,
    /// 1 through the ellipsoid's flattening; 0: a sphere.
    pub(super) flattening: f64,
    /// Where longitudes begin, in degrees from Greenwich.
    pub(super) meridian: f64,
    /// Degrees to a unit.
    pub(super) unit: f64,
    /// The shift to WGS 84 as the table has it, which [`Datum::of`](super::datum::Datum::of) reads.
    pub(super) shift: &'static str,
}

/// The system of longitudes and latitudes with a code.
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

/// The projection with a code, in PROJ's words, and the code of the degrees below.
pub(super) fn projected(code: u32) -> Option<(u32, &'static str)> {
    let (base, words) = row(PROJECTED, code)?.split_once('\t')?;
    Some((base.parse().ok()?, words))
}

/// The code of the horizontal part of a system with heights.
pub(super) fn horizontal(code: u32) -> Option<u32> {
    row(COMPOUND, code)?.parse().ok()
}

/// A code whose shift is that of a datum with this name, however it is spelt.
pub(super) fn datum(name: &str) -> Option<u32> {
    let plain = plain(bare(name));
    let known = |name: &str| find(DATUMS, |first| first.cmp(name))?.parse().ok();
    known(&plain).or_else(|| known(plain.strip_suffix("ensemble")?))
}

/// A name without what Esri puts before those of datums and their degrees.
pub(super) fn bare(name: &str) -> &str {
    let name = name.trim();
    let behind = |word: &str| {
        let rest = name.get(word.len()..)?;
        starts_with(name, word).then_some(rest)
    };
    behind("D_").or_else(|| behind("GCS_")).unwrap_or(name)
}

/// Whether a text begins with a word, in whatever case.
pub(super) fn starts_with(text: &str, word: &str) -> bool {
    text.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// A name's letters and digits, in small letters; `+` tells two datums of Switzerland apart.
pub(super) fn plain(name: &str) -> String {
    let kept = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '+');
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

/// What stands behind a code in a table; its rows are in the order of their numbers.
fn row(table: &'static str, code: u32) -> Option<&'static str> {
    find(table, |first| first.parse().unwrap_or(0).cmp(&code))
}

/// What stands behind a row's first field, by the order of those.
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
