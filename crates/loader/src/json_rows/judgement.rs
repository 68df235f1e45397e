//! Examination of values in a JSON document: are they rows, are the rows objects or arrays, and
//! where are their positions?

use super::path::{PartialValue, elements, members};
use super::placing::{PlaceRule, Placing, PlacingError, choose};
use super::row_columns::JsonColumns;
use crate::geojson::skip_value;
use crate::options::LoadOptions;
use crate::places::PlaceColumnError;

/// The form of the rows of a JSON document. Each row is an object or an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowForm {
    Objects,
    /// Rows that are arrays, one beside the other: `[[2.3, 48.8], [2.4, 48.9]]`.
    Arrays,
    /// Rows that are arrays, inside arrays that each group several rows: `[[[2.3, 48.8], [2.4,
    /// 48.9]], [[7.0, 43.7]]]`.
    Groups,
}

/// The result of examining values that may be rows: their form, their columns and their positions.
#[derive(Debug)]
pub(super) struct Judgement<'a> {
    pub(super) form: RowForm,
    /// The rows. If they are in groups, these are the rows of all groups.
    pub(super) rows: Vec<&'a [u8]>,
    pub(super) columns: JsonColumns,
    pub(super) placing: Result<Placing, PlacingError>,
    /// True if the rows are recognised as those that a well-known program writes, such as Esri
    /// JSON. The rest of the document is then not searched for rows.
    pub(super) is_known: bool,
    /// For rows of Esri JSON, the JSON text that states the document's coordinate system, which is
    /// empty if the document states none. `None` for all other rows: their coordinates are
    /// longitudes and latitudes.
    pub(super) reference: Option<Vec<u8>>,
}

impl<'a> Judgement<'a> {
    /// Examines `values`, each of which is a complete JSON value. `names` are the names that the
    /// document states for the elements of rows that are arrays, if it states any. Returns `None`
    /// if no value is an object or array.
    pub(super) fn new(
        values: &[&'a [u8]],
        names: Option<&[String]>,
        options: &LoadOptions,
    ) -> Option<Self> {
        let containers = || {
            let all = values.iter().copied();
            all.filter(|value| matches!(value.first(), Some(b'{' | b'[')))
        };
        // An empty value, for example a time without points, doesn't show its form.
        let first = containers()
            .find(|value| !is_empty(value))
            .or_else(|| containers().next())?;
        let form = match first.first() {
            Some(b'{') => RowForm::Objects,
            _ if names.is_none() && is_group(first) => RowForm::Groups,
            _ => RowForm::Arrays,
        };
        let bracket = first.first();
        let alike = values.iter().copied().filter(|v| v.first() == bracket);
        let rows: Vec<&[u8]> = match form {
            RowForm::Groups => alike.flat_map(skip_value::elements).collect(),
            _ => alike.collect(),
        };
        let columns = JsonColumns::new(&rows, names);
        let is_bare = form != RowForm::Objects && names.is_none();
        let placing = choose(&columns, &rows, is_bare, options);
        Some(Self {
            form,
            rows,
            columns,
            placing,
            is_known: false,
            reference: None,
        })
    }

    /// Returns true if the values have positions. It may still be in doubt which of several
    /// positions of a row to use.
    pub(super) fn has_positions(&self) -> bool {
        let several = |error: &PlaceColumnError| matches!(error, PlaceColumnError::Several(_));
        match &self.placing {
            Ok(_) | Err(PlacingError::Ambiguous(_)) => true,
            Err(PlacingError::Whole(error)) => several(error),
            Err(_) => false,
        }
    }
}

/// Returns whether an array or object has no elements or members.
fn is_empty(value: &[u8]) -> bool {
    let behind = value.get(1..).unwrap_or_default().trim_ascii_start();
    matches!(behind.first(), Some(b']' | b'}'))
}

/// Returns true if an array has at least one element, and each element is an array that begins with
/// two numbers.
fn is_group(array: &[u8]) -> bool {
    let mut any = false;
    let all = skip_value::elements(array).all(|element| {
        any = true;
        let mut axes = skip_value::elements(element).map(super::axis_order::json_number);
        matches!((axes.next(), axes.next()), (Some(Some(_)), Some(Some(_))))
    });
    any && all
}

/// Returns whether a value is GeoJSON. `value` may be only the beginning of its text.
pub(super) fn is_geojson(value: &[u8]) -> bool {
    if value.first() != Some(&b'{') {
        return false;
    }
    let (mut is_geometry, mut has_coordinates) = (false, false);
    for (key, value) in members(value) {
        match &*key {
            "type" => match value.json {
                b"\"FeatureCollection\"" | b"\"Feature\"" => return true,
                b"\"Point\""
                | b"\"MultiPoint\""
                | b"\"LineString\""
                | b"\"MultiLineString\""
                | b"\"Polygon\""
                | b"\"MultiPolygon\""
                | b"\"GeometryCollection\"" => {
                    is_geometry = true;
                }
                _ => (),
            },
            "coordinates" | "geometries" => has_coordinates = true,
            "features" if elements(value.json).next().is_some_and(is_feature) => return true,
            _ => (),
        }
    }
    is_geometry && has_coordinates
}

/// Returns whether a value is a feature of GeoJSON. The value's text may be cut off.
fn is_feature(value: PartialValue<'_>) -> bool {
    members(value.json).any(|(key, value)| &*key == "type" && value.json == b"\"Feature\"")
}

impl Judgement<'_> {
    /// Returns true if each row has a value at the JSON path of at least one of the rules in
    /// `placing`.
    pub(super) fn is_everywhere(&self) -> bool {
        let Ok(placing) = &self.placing else {
            return false;
        };
        let mut picker = super::picker::Picker::default();
        let slots: Vec<usize> = placing
            .rules
            .iter()
            .map(|rule| match rule {
                PlaceRule::Pair { lon, .. } => picker.add(lon),
                PlaceRule::Text { path, .. }
                | PlaceRule::Code { path, .. }
                | PlaceRule::TextsIn { path, .. }
                | PlaceRule::Points { path } => picker.add(path),
            })
            .collect();
        let mut picked = Vec::new();
        self.rows.iter().all(|row| {
            picker.pick(row, &mut picked);
            let mut found = slots.iter().filter_map(|slot| picked.get(*slot));
            found.any(Option::is_some)
        })
    }
}
