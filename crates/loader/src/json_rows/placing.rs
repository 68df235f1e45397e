//! The choice of the values that are a row's position, by the names of the rows' columns and by
//! their values.

use super::axis_order::{DecidedOrder, OrderReason, decide, number_pairs};
use super::path::PathStep;
use super::picker::Picker;
use super::readings::{leaf, pixels, readings, text_placing};
use super::row_columns::{JsonColumn, JsonColumns, LOOKED_AT};
use super::unused_options::first_set;
use crate::columns::axes::{latitude, longitude};
use crate::columns::{self, normalised, quoted};
use crate::geojson::object::typed;
use crate::options::{AxisOrder, LoadOptions};
use crate::parameter::Parameter;
use crate::places::{PlaceColumnError, PlaceSample, TextForm};
use crate::position_text::cell::CellCode;

/// A rule for reading a position from a row. `lon`, `lat` and `path` are JSON paths in the row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PlaceRule {
    /// Two values in the row, the longitude and the latitude.
    Pair {
        lon: Vec<PathStep>,
        lat: Vec<PathStep>,
        /// True if the two values are degrees times 10⁷.
        is_e7: bool,
        /// The order that was assumed for two coordinates in an array. A row that contradicts this
        /// order ends the load. `None` if the values have names, or if an option names the order.
        assumed: Option<AxisOrder>,
    },
    /// A string with both coordinates.
    Text {
        path: Vec<PathStep>,
        /// The order of the two numbers in the string, unless letters of hemispheres show it.
        order: AxisOrder,
        /// True if `order` is assumed, since no option names it. Then a row that contradicts this
        /// order ends the load.
        is_assumed: bool,
    },
    /// A code of a small area, such as a geohash, whose middle is the position.
    Code { path: Vec<PathStep>, code: CellCode },
    /// An array of objects. In each object, `member` is a string with both coordinates.
    TextsIn { path: Vec<PathStep>, member: String },
    /// An array of positions. Each position is an array that begins with x and y.
    Points { path: Vec<PathStep> },
}

/// The rules for reading positions, which hold for all rows of a document.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placing {
    pub(super) rules: Vec<PlaceRule>,
    /// True if each rule gives a point in a row that has the rule's values. False if a row has only
    /// one point: that of the first rule whose values the row has.
    pub(super) is_each: bool,
    /// The text for reports that names the columns of positions, and the reason for choosing them.
    pub(super) why: String,
    /// The index, among the columns of the rows, of the column of weights, unless an option names
    /// another. `None` if the rules come without a weight: the column is then chosen by its name.
    pub(super) weight: Option<usize>,
    /// The first option that is set although it has no effect with these rules, which is an error;
    /// `None` if there is no such option.
    pub(super) unused: Option<Parameter>,
}

impl Placing {
    pub(super) fn one(rule: PlaceRule, why: String) -> Self {
        Self {
            rules: vec![rule],
            is_each: false,
            why,
            weight: None,
            unused: None,
        }
    }

    /// Sets the field `unused` to the first of `parameters` that the options set; `None` if they
    /// set none of them. `parameters` are those that have no effect on these rules.
    pub(super) fn without(self, options: &LoadOptions, parameters: &[Parameter]) -> Self {
        let unused = first_set(options, parameters);
        Self { unused, ..self }
    }
}

/// The reason why no positions are chosen in the rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PlacingError {
    /// No column looks like a position.
    Missing,
    /// The rows have `x` and `y`, which may be pixels, and no other columns that look like
    /// positions.
    Pixels,
    /// Several columns may be the positions. The text is a sentence that names them.
    Ambiguous(String),
    /// The rows have no pair of columns with the name that the option `pair` states.
    NoPair,
    /// The column of whole positions is not certain.
    Whole(PlaceColumnError),
    /// An option names a column that the rows don't have. The fields are the option and the
    /// column's name.
    NoColumn(Parameter, String),
}

/// Chooses the rules for the positions of rows. `is_array` is true if the rows are arrays and the
/// document states no names for their elements.
pub(super) fn choose(
    columns: &JsonColumns,
    rows: &[&[u8]],
    is_array: bool,
    options: &LoadOptions,
) -> Result<Placing, PlacingError> {
    if options.lon.is_some() || options.lat.is_some() {
        return asked(columns, options);
    }
    if options.geom.is_some() {
        return whole(columns, rows, options)?.ok_or(PlacingError::Missing);
    }
    if is_array {
        return bare(columns, rows, options);
    }
    let mut readings = readings(columns);
    if let Some(asked) = &options.pair {
        let asked = normalised(asked);
        readings.retain(|reading| reading.keys.iter().any(|key| normalised(key) == asked));
        if readings.is_empty() {
            return Err(PlacingError::NoPair);
        }
    }
    let Some(nearest) = readings.iter().map(|r| (r.depth, r.kind.rank())).min() else {
        if let Some(placing) = whole(columns, rows, options)? {
            return Ok(placing);
        }
        return Err(match pixels(columns) {
            true => PlacingError::Pixels,
            false => PlacingError::Missing,
        });
    };
    let mut best = readings
        .iter()
        .filter(|r| (r.depth, r.kind.rank()) == nearest);
    let (Some(reading), second) = (best.next(), best.next()) else {
        return Err(PlacingError::Missing);
    };
    if let Some(second) = second {
        return Err(PlacingError::Ambiguous(format!(
            "rows have positions in {} and in {}; choose with `lon` and `lat`, or by name with `pair`",
            reading.words(),
            second.words()
        )));
    }
    reading.placing(rows, options)
}

/// The rule for the columns that the options `lon` and `lat` name. If only one of the options is
/// set, the other column is found by its name.
fn asked(columns: &JsonColumns, options: &LoadOptions) -> Result<Placing, PlacingError> {
    let names = columns.names();
    let find = |parameter, name: &Option<String>, other: Option<usize>| match name {
        Some(name) => {
            columns::named(&names, name).ok_or(PlacingError::NoColumn(parameter, name.clone()))
        }
        None => other.ok_or(PlacingError::Missing),
    };
    let lon = find(Parameter::Lon, &options.lon, longitude(&names))?;
    let lat = find(Parameter::Lat, &options.lat, latitude(&names))?;
    let why = format!(
        "longitude from {}, latitude from {}",
        quoted(&names, lon),
        quoted(&names, lat)
    );
    match (columns.all.get(lon), columns.all.get(lat)) {
        (Some(lon), Some(lat)) => {
            let placing = Placing::one(pair(lon, lat, None), why);
            Ok(placing.without(options, &[Parameter::Order, Parameter::Pair]))
        }
        _ => Err(PlacingError::Missing),
    }
}

/// The rule for a column of whole positions: the one that the option `geom` names, else a column of
/// codes. `None` if there is none.
fn whole(
    columns: &JsonColumns,
    rows: &[&[u8]],
    options: &LoadOptions,
) -> Result<Option<Placing>, PlacingError> {
    let names = columns.names();
    let last: Vec<String> = columns.all.iter().map(|c| leaf(c).to_owned()).collect();
    let mut sample = PlaceSample::of_paths(&names, &last, options).map_err(PlacingError::Whole)?;
    let (mut picker, mut picked) = (Picker::default(), Vec::new());
    let slots: Vec<usize> = columns.all.iter().map(|c| picker.add(&c.path)).collect();
    for row in rows.iter().take(LOOKED_AT) {
        picker.pick(row, &mut picked);
        for (at, slot) in slots.iter().enumerate() {
            if let Some(json) = picked.get(*slot).copied().flatten() {
                sample.note_value(at, &typed(json));
            }
        }
    }
    if options.geom.is_none() {
        sample.keep_codes();
    }
    let Some(found) = sample.find().map_err(PlacingError::Whole)? else {
        return Ok(None);
    };
    let Some(column) = columns.all.get(found.at) else {
        return Ok(None);
    };
    if let TextForm::Code(code) = found.form {
        let path = column.path.clone();
        let why = format!("read as JSON rows: {}", found.why);
        let placing = Placing::one(PlaceRule::Code { path, code }, why);
        return Ok(Some(placing.without(options, &[Parameter::Order])));
    }
    text_placing(column, None, rows, options).map(Some)
}

pub(super) fn pair(lon: &JsonColumn, lat: &JsonColumn, assumed: Option<AxisOrder>) -> PlaceRule {
    PlaceRule::Pair {
        is_e7: [lon, lat]
            .iter()
            .all(|c| normalised(&c.name).ends_with("e7")),
        lon: lon.path.clone(),
        lat: lat.path.clone(),
        assumed,
    }
}

/// The rule for rows that are arrays, if the document has no names for their elements: the first
/// two neighbouring numbers, or the only array of numbers in the row. Rows that have both are
/// ambiguous.
fn bare(
    columns: &JsonColumns,
    rows: &[&[u8]],
    options: &LoadOptions,
) -> Result<Placing, PlacingError> {
    let numeric = |path: &[PathStep]| columns.at(path).filter(|column| column.is_numeric());
    let width = columns.all.iter().filter_map(|c| match c.path.first() {
        Some(PathStep::Element(at)) => Some(at + 1),
        _ => None,
    });
    let width = width.max().unwrap_or(0);
    let mut pairs = (0..width).filter_map(|at| {
        let first = numeric(&[PathStep::Element(at)])?;
        Some((at, first, numeric(&[PathStep::Element(at + 1)])?))
    });
    let nested = (0..width).filter_map(|at| {
        let inner = |to| numeric(&[PathStep::Element(at), PathStep::Element(to)]);
        Some((at, inner(0)?, inner(1)?))
    });
    let nested: Vec<_> = nested.collect();
    let ambiguous = |places: &str, lon: &JsonColumn, lat: &JsonColumn| {
        Err(PlacingError::Ambiguous(format!(
            "rows have positions in {places}; choose with `lon` and `lat`, for example `lon` {} \
             `lat` {}",
            lon.name, lat.name
        )))
    };
    let (at, first, second) = match (nested.as_slice(), pairs.next()) {
        ([one], None) => *one,
        ([one, ..], Some((_, first, second))) => {
            let places = format!("{} and {}, and in {}", first.name, second.name, one.0 + 1);
            return ambiguous(&places, second, first);
        }
        ([one, two, ..], None) => {
            let places = format!("{} and in {}", one.0 + 1, two.0 + 1);
            return ambiguous(&places, one.2, one.1);
        }
        ([], Some(found)) => found,
        ([], None) => return Err(PlacingError::Missing),
    };
    let paths = (first.path.as_slice(), second.path.as_slice());
    let pairs = number_pairs(rows, paths);
    let decided =
        decide(&pairs, AxisOrder::LatLon, options.order).map_err(PlacingError::Ambiguous)?;
    let is_plain = at == 0 && first.path.len() == 1;
    let third = columns
        .all
        .get(2)
        .filter(|_| is_plain && columns.all.len() == 3);
    let weight =
        third.filter(|c| c.numbers > 0 && c.number_texts + c.others + c.pairs + c.places == 0);
    let mut words = axes(decided.order).join(", ");
    if third.is_some() && options.weight.is_none() {
        words.push_str(match weight {
            Some(_) => ", weight",
            None => ", text",
        });
    }
    let of = match (is_plain, decided.order) {
        (true, AxisOrder::LatLon) => "rows of Leaflet.heat: ",
        (true, AxisOrder::LonLat) => "rows of ",
        (false, _) => "rows of arrays: ",
    };
    let from = match is_plain {
        true => String::new(),
        false => format!(" from {} and {}", first.name, second.name),
    };
    let why = format!("read as {of}{words}{from}{}", reason(decided));
    let mut placing = Placing::one(ordered(first, second, decided), why);
    placing.weight = weight.map(|_| 2);
    Ok(placing.without(options, &[Parameter::Pair]))
}

/// The words for two coordinates in the given order: "longitude" first or "latitude" first.
pub(super) fn axes(order: AxisOrder) -> [&'static str; 2] {
    match order {
        AxisOrder::LatLon => ["latitude", "longitude"],
        AxisOrder::LonLat => ["longitude", "latitude"],
    }
}

/// The reason for an order of coordinates, as text for reports.
pub(super) fn reason(decided: DecidedOrder) -> &'static str {
    match (decided.reason, decided.order) {
        (OrderReason::Asked, _) => " (`order`)",
        (OrderReason::Values, AxisOrder::LonLat) => " (the first goes beyond ±90)",
        (OrderReason::Values, AxisOrder::LatLon) => " (the second goes beyond ±90)",
        (OrderReason::Convention, AxisOrder::LatLon) => {
            " (by convention; `order` lon,lat: the other way round)"
        }
        (OrderReason::Convention, AxisOrder::LonLat) => {
            " (by convention; `order` lat,lon: the other way round)"
        }
    }
}

pub(super) fn ordered(first: &JsonColumn, second: &JsonColumn, decided: DecidedOrder) -> PlaceRule {
    let assumed = (decided.reason != OrderReason::Asked).then_some(decided.order);
    match decided.order {
        AxisOrder::LonLat => pair(first, second, assumed),
        AxisOrder::LatLon => pair(second, first, assumed),
    }
}
