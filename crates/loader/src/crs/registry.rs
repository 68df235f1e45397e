//! Search in the tables of EPSG's coordinate systems, which `scripts/crs-registry` makes. A file
//! needs only a few searches.

use std::cmp::Ordering;

/// The table of geographic systems. The fields of a row, with tabs between them, are the code, the
/// name, the ellipsoid (semi-major axis in metres and inverse flattening), the prime meridian and
/// the size of the unit in degrees, and the shifts to WGS 84.
const GEOGRAPHIC: &str = include_str!("geographic.txt");
/// The table of projected systems. The fields of a row are the code, the code of the geographic
/// system on which the projected one is based, and the PROJ parameters.
const PROJECTED: &str = include_str!("projected.txt");
/// The table of compound systems. The fields of a row are the code, and the code of the horizontal
/// part.
const COMPOUND: &str = include_str!("compound.txt");
/// The table of datums. The fields of a row are the datum's name as [`plain`] returns it, and the
/// code of a geographic system whose row has the datum's shifts.
const DATUMS: &str = include_str!("datums.txt");

/// A geographic system of EPSG: a row of the table `geographic.txt`.
#[derive(Clone, Debug)]
pub(super) struct Geographic {
    pub(super) name: &'static str,
    /// The ellipsoid's semi-major axis in metres.
    pub(super) axis: f64,
    /// The ellipsoid's inverse flattening; 0 for a sphere.
    pub(super) flattening: f64,
    /// The system's prime meridian, as its longitude in degrees east of Greenwich.
    pub(super) meridian: f64,
    /// The size in degrees of the unit in which longitudes and latitudes are given.
    pub(super) unit: f64,
    /// The text of the shifts to WGS 84, which [`Datum::parse`](super::datum::Datum::parse) parses.
    pub(super) shift: &'static str,
}

/// The geographic system with an EPSG number; `None` if there is none.
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

/// The code of the geographic system on which a projected system is based, and the projection's
/// PROJ parameters. `None` if no projected system has the number `code`.
pub(super) fn projected(code: u32) -> Option<(u32, &'static str)> {
    let (base, words) = row(PROJECTED, code)?.split_once('\t')?;
    Some((base.parse().ok()?, words))
}

/// The code of the horizontal part of a compound system; `None` if no compound system has the
/// number `code`.
pub(super) fn horizontal(code: u32) -> Option<u32> {
    row(COMPOUND, code)?.parse().ok()
}

/// The code of a geographic system whose row has the shifts of the datum `name`. Names are compared
/// without regard to case and punctuation. `None` if the name is not known.
pub(super) fn datum(name: &str) -> Option<u32> {
    let plain = plain(bare(name));
    let known = |name: &str| find(DATUMS, |first| first.cmp(name))?.parse().ok();
    known(&plain).or_else(|| known(plain.strip_suffix("ensemble")?))
}

/// A name without the prefix `D_`, which Esri puts before names of datums, or `GCS_`, which it puts
/// before names of geographic systems.
pub(super) fn bare(name: &str) -> &str {
    let name = name.trim();
    let behind = |word: &str| {
        let rest = name.get(word.len()..)?;
        starts_with(name, word).then_some(rest)
    };
    behind("D_").or_else(|| behind("GCS_")).unwrap_or(name)
}

/// Returns whether a text begins with a word, without regard to case.
pub(super) fn starts_with(text: &str, word: &str) -> bool {
    text.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// The letters and digits of a name, in lower case. A `+` is kept too, since only the `+`
/// distinguishes the names of two Swiss datums.
pub(super) fn plain(name: &str) -> String {
    let kept = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '+');
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

/// The rest, after the code, of the table's row that begins with `code`; `None` if there is no such
/// row. The rows must be sorted by code.
fn row(table: &'static str, code: u32) -> Option<&'static str> {
    find(table, |first| first.parse().unwrap_or(0).cmp(&code))
}

/// Finds a row of the table by its first field, and returns the rest of the row after this field;
/// `None` if there is no such row. The search is binary: `order` compares the first field of a row
/// with the wanted one, and the rows must be sorted by it.
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
