//! The columns from which positions may be read if a row's values have names: two numbers, an array
//! of two numbers, or a string.

use super::axis_order::{decide, number_pairs};
use super::path::{PathStep, dotted};
use super::picker::Picker;
use super::place_text::PlaceText;
use super::placing::{PlaceRule, Placing, PlacingError, axes, ordered, pair, reason};
use super::row_columns::{JsonColumn, JsonColumns};
use crate::columns::axes::{AxisPair, NamedAxes};
use crate::columns::{axes as column_axes, normalised};
use crate::geojson::object::string;
use crate::messages::shown;
use crate::options::{AxisOrder, LoadOptions};
use crate::parameter::Parameter;
use std::collections::HashMap;

/// Names of arrays that have the longitude before the latitude, as in GeoJSON, deck.gl and
/// Elasticsearch. They are in small letters and without marks between words ([`normalised`]).
const LON_FIRST: &[&str] = &[
    "coordinates",
    "coordinate",
    "coords",
    "position",
    "pos",
    "location",
    "loc",
    "lonlat",
    "lnglat",
    "longlat",
    "point",
    "geopoint",
    "geo",
    "geom",
    "geometry",
    "center",
    "centroid",
];

/// Names of arrays and strings that have the latitude before the longitude, in small letters and
/// without marks between words.
const LAT_FIRST: &[&str] = &["latlng", "latlon", "latlong", "ll", "geopoint2d"];

/// One way to read the positions of rows, found by the names of columns. Rows with several
/// positions, such as a start and an end, have several readings.
pub(super) struct Reading<'c> {
    /// The number of steps from the row to the position: to the object with both coordinates, or to
    /// the array or string that is the position.
    pub(super) depth: usize,
    /// Two names, by either of which the option `pair` may choose this reading: the name of the
    /// object, array or string, and the part that the names of two numbers share, such as `start`
    /// in `start_lon`. A name that doesn't exist is empty.
    pub(super) keys: [String; 2],
    pub(super) kind: ReadingKind<'c>,
}

/// The kind of a row's position (two numbers with names, an array or a string), and the columns
/// that it is read from.
pub(super) enum ReadingKind<'c> {
    Named {
        lon: &'c JsonColumn,
        lat: &'c JsonColumn,
    },
    Array {
        first: &'c JsonColumn,
        second: &'c JsonColumn,
        convention: AxisOrder,
    },
    Text {
        column: &'c JsonColumn,
        /// The order of two numbers in the string, if the name of the column implies it (`lonlat`);
        /// `None` if it implies none.
        convention: Option<AxisOrder>,
    },
}

impl ReadingKind<'_> {
    /// The rank of this kind of position. Of readings with equal [`depth`](Reading::depth) the one
    /// with the lowest rank is preferred.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Named { .. } => 0,
            Self::Array { .. } => 1,
            Self::Text { .. } => 2,
        }
    }
}

impl Reading<'_> {
    /// The names of this reading's columns as text for messages, each in quotes, such as `"lon",
    /// "lat"`.
    pub(super) fn words(&self) -> String {
        let name = |column: &JsonColumn| shown(column.name.as_bytes());
        match &self.kind {
            ReadingKind::Named { lon, lat } => format!("{}, {}", name(lon), name(lat)),
            ReadingKind::Array { first, .. } => shown(dotted(first.parent()).as_bytes()),
            ReadingKind::Text { column, .. } => name(column),
        }
    }

    /// The rules by which this reading's positions are read from rows. `rows` are the first rows,
    /// whose values decide the order of two numbers.
    pub(super) fn placing(
        &self,
        rows: &[&[u8]],
        options: &LoadOptions,
    ) -> Result<Placing, PlacingError> {
        let words = self.words();
        match &self.kind {
            ReadingKind::Named { lon, lat } => {
                let (lon_name, lat_name) = (shown(lon.name.as_bytes()), shown(lat.name.as_bytes()));
                let why = format!(
                    "read as JSON rows: longitude from {lon_name}, latitude from {lat_name}"
                );
                let placing = Placing::one(pair(lon, lat, None), why);
                Ok(placing.without(options, &[Parameter::Order]))
            }
            ReadingKind::Array {
                first,
                second,
                convention,
            } => {
                let paths = (first.path.as_slice(), second.path.as_slice());
                let decided = decide(&number_pairs(rows, paths), *convention, options.order)
                    .map_err(PlacingError::Ambiguous)?;
                let [one, two] = axes(decided.order);
                let why = format!(
                    "read as JSON rows: {one}, {two} from {words}{}",
                    reason(decided)
                );
                Ok(Placing::one(ordered(first, second, decided), why))
            }
            ReadingKind::Text { column, convention } => {
                text_placing(column, *convention, rows, options)
            }
        }
    }
}

/// Finds how to read positions from a column of strings that each hold both coordinates.
/// `convention` is the order of the two numbers that the column's name implies; `None` if it
/// implies none.
pub(super) fn text_placing(
    column: &JsonColumn,
    convention: Option<AxisOrder>,
    rows: &[&[u8]],
    options: &LoadOptions,
) -> Result<Placing, PlacingError> {
    let (mut pairs, mut is_square) = (Vec::new(), true);
    let mut picker = Picker::default();
    let slot = picker.add(&column.path);
    let mut picked = Vec::new();
    for row in rows {
        picker.pick(row, &mut picked);
        let text = picked.get(slot).copied().flatten().map(string);
        if let Some(PlaceText::Pair(pair)) = text.and_then(|text| PlaceText::parse(&text))
            && pair.stated.is_none()
        {
            pairs.push((pair.first, pair.second));
            is_square &= pair.in_square;
        }
    }
    // Two numbers in a text have the latitude first, as people write them, but in square brackets
    // the longitude.
    let convention = convention.unwrap_or(match is_square && !pairs.is_empty() {
        true => AxisOrder::LonLat,
        false => AxisOrder::LatLon,
    });
    let decided = decide(&pairs, convention, options.order).map_err(PlacingError::Ambiguous)?;
    let words = shown(column.name.as_bytes());
    let [one, two] = axes(decided.order);
    let why = match pairs.is_empty() {
        true => format!("read as JSON rows: positions from texts in {words}"),
        false => format!(
            "read as JSON rows: {one}, {two} from texts in {words}{}",
            reason(decided)
        ),
    };
    let rule = PlaceRule::Text {
        path: column.path.clone(),
        order: decided.order,
        is_assumed: options.order.is_none(),
    };
    let unused: &[Parameter] = match pairs.is_empty() {
        true => &[Parameter::Order],
        false => &[],
    };
    Ok(Placing::one(rule, why).without(options, unused))
}

/// The usual order of coordinates in arrays or strings with the name `name`; `None` if the name is
/// in neither [`LON_FIRST`] nor [`LAT_FIRST`].
fn convention(name: &str) -> Option<AxisOrder> {
    let name = normalised(name);
    let is_in = |list: &[&str]| list.contains(&name.as_str());
    match (is_in(LAT_FIRST), is_in(LON_FIRST)) {
        (true, _) => Some(AxisOrder::LatLon),
        (_, true) => Some(AxisOrder::LonLat),
        _ => None,
    }
}

/// All ways to read positions from rows with these columns.
pub(super) fn readings(columns: &JsonColumns) -> Vec<Reading<'_>> {
    let mut found = Vec::new();
    for NamedPair {
        parent,
        key,
        lon,
        lat,
    } in named_pairs(columns)
    {
        if !(is_named(lon, "x") || is_named(lat, "y")) {
            let parent_name = match parent.last() {
                Some(PathStep::Member(name)) => name.clone(),
                _ => String::new(),
            };
            found.push(Reading {
                depth: parent.len(),
                keys: [parent_name, key],
                kind: ReadingKind::Named { lon, lat },
            });
        }
    }
    for first in &columns.all {
        found.extend(array_reading(columns, first));
        found.extend(text_reading(first));
    }
    found
}

fn array_reading<'c>(columns: &'c JsonColumns, first: &'c JsonColumn) -> Option<Reading<'c>> {
    let (Some(PathStep::Element(0)), parent) = (first.path.last(), first.parent()) else {
        return None;
    };
    let Some(PathStep::Member(name)) = parent.last() else {
        return None;
    };
    let second = columns.at(&[parent, &[PathStep::Element(1)]].concat())?;
    let convention = convention(name)?;
    let depth = parent.len();
    (first.is_numeric() && second.is_numeric()).then_some(Reading {
        depth,
        keys: [name.clone(), String::new()],
        kind: ReadingKind::Array {
            first,
            second,
            convention,
        },
    })
}

fn text_reading(column: &JsonColumn) -> Option<Reading<'_>> {
    let name = leaf(column);
    let normal = normalised(name);
    let is_known = convention(name).is_some();
    let convention = match normal.as_str() {
        "lonlat" | "lnglat" | "longlat" => Some(AxisOrder::LonLat),
        name if LAT_FIRST.contains(&name) => Some(AxisOrder::LatLon),
        _ => None,
    };
    let is_marked = column.places > 0 && column.places >= column.others + column.pairs;
    let is_pair = is_known && column.pairs > 0 && column.pairs >= column.others;
    let depth = column.path.len();
    (is_marked || is_pair).then_some(Reading {
        depth,
        keys: [name.to_owned(), String::new()],
        kind: ReadingKind::Text { column, convention },
    })
}

/// A longitude and a latitude that are members of one object, found by their names.
struct NamedPair<'c> {
    /// The JSON path, in a row, of the object that has both coordinates; empty for the row itself.
    parent: &'c [PathStep],
    /// The part that the two names share, such as `start` in `start_lon`; empty if there is none.
    key: String,
    lon: &'c JsonColumn,
    lat: &'c JsonColumn,
}

/// All pairs of a longitude and a latitude that are members of one object in the rows.
fn named_pairs(columns: &JsonColumns) -> Vec<NamedPair<'_>> {
    let mut groups: Vec<(&[PathStep], Vec<&JsonColumn>)> = Vec::new();
    let mut places: HashMap<&[PathStep], usize> = HashMap::new();
    for column in &columns.all {
        let parent = column.parent();
        let place = *places.entry(parent).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, group)) => group.push(column),
            None => groups.push((parent, vec![column])),
        }
    }
    let mut found = Vec::new();
    for (parent, group) in groups {
        let names: Vec<String> = group.iter().map(|c| leaf(c).to_owned()).collect();
        let key = String::new();
        let pairs = match column_axes::find(&names, false) {
            NamedAxes::Found(lon, lat) => match column_axes::pairs(&names).as_slice() {
                [pair] if (pair.lon, pair.lat) == (lon, lat) => vec![pair.clone()],
                _ => vec![AxisPair { key, lon, lat }],
            },
            NamedAxes::Several(pairs) => pairs,
            NamedAxes::Missing(..) => Vec::new(),
        };
        found.extend(pairs.into_iter().filter_map(|pair| {
            let column = |at: usize| group.get(at).copied();
            Some(NamedPair {
                parent,
                key: pair.key,
                lon: column(pair.lon)?,
                lat: column(pair.lat)?,
            })
        }));
    }
    found
}

/// The last part of a column's name: `lat` for `position.lat`. It leaves out the names of the
/// objects that the value is in.
pub(super) fn leaf(column: &JsonColumn) -> &str {
    match column.path.len() {
        1 => &column.name,
        _ => column.last_name(),
    }
}

fn is_named(column: &JsonColumn, name: &str) -> bool {
    normalised(leaf(column)) == name
}

/// Returns true if the rows have columns of numbers named `x` and `y`, which may be pixels.
pub(super) fn pixels(columns: &JsonColumns) -> bool {
    let has = |name| {
        columns
            .all
            .iter()
            .any(|c| is_named(c, name) && c.is_numeric())
    };
    has("x") && has("y")
}
