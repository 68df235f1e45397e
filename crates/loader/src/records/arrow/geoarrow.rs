//! Reading of geometries from columns of Arrow and Parquet. They are in well-known binary or in
//! GeoArrow's native encoding. In the native encoding a point is a few numbers, and any other
//! geometry is a list of points or a list of such lists.
//!
//! A native list of points may be a line or a MultiPoint. The column's extension type (Arrow) or
//! encoding (GeoParquet) states which. If neither states it, the rows are skipped.

use super::super::{Geometry, ReadFailure, RecordSink};
use super::columns::NumberColumn;
use crate::crs::Crs;
use crate::error::LoadError;
use crate::number::exact::Number;
use crate::shape::{Outline, ShapeKind};
use crate::value::Value;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Field, Fields};
use serde_json::Value as Json;

/// The kind of the geometries in a column with GeoArrow's native encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GeometryKind {
    Point,
    LineString,
    Polygon,
    MultiPoint,
    MultiLineString,
    MultiPolygon,
}

impl GeometryKind {
    /// The kind of geometries that a name means: the name of an extension type
    /// (`geoarrow.multipoint`), or of an encoding in GeoParquet (`multipoint`). `None` for any
    /// other name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name.strip_prefix("geoarrow.").unwrap_or(name) {
            "point" => Self::Point,
            "linestring" => Self::LineString,
            "polygon" => Self::Polygon,
            "multipoint" => Self::MultiPoint,
            "multilinestring" => Self::MultiLineString,
            "multipolygon" => Self::MultiPolygon,
            _ => return None,
        })
    }

    /// The kind that a type number means, in a column with geometries of several kinds. The
    /// number's last digit is the kind, and its tens state whether positions have z or m. `None`
    /// for a kind that is not read, such as a GeometryCollection.
    fn from_type_id(number: i8) -> Option<Self> {
        Some(match number % 10 {
            1 => Self::Point,
            2 => Self::LineString,
            3 => Self::Polygon,
            4 => Self::MultiPoint,
            5 => Self::MultiLineString,
            6 => Self::MultiPolygon,
            _ => return None,
        })
    }
}

/// Returns whether the type of a field can hold geometries in an encoding that is read here.
pub(crate) fn may_be_geometry(field: &Field) -> bool {
    match field.data_type() {
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => true,
        DataType::Union(..) => extension(field).is_some_and(|name| name == "geoarrow.geometry"),
        other => is_native(other),
    }
}

fn is_native(kind: &DataType) -> bool {
    match kind {
        DataType::Struct(fields) => axes(fields).is_some(),
        DataType::FixedSizeList(item, 2..=4) => item.data_type().is_floating(),
        // Parquet has no lists of fixed size, so any list of numbers may be a point.
        DataType::List(item) | DataType::LargeList(item) => {
            item.data_type().is_floating() || is_native(item.data_type())
        }
        _ => false,
    }
}

/// The indexes, among the fields of a structure, of the longitude or x and of the latitude or y;
/// `None` if one of the two is missing. It is called for each row, so the names are compared
/// without making texts of them.
pub(crate) fn axes(fields: &Fields) -> Option<(usize, usize)> {
    const AXES: [([&str; 4], [&str; 2]); 2] = [
        (["lon", "lng", "long", "longitude"], ["lat", "latitude"]),
        (["x", "", "", ""], ["y", ""]),
    ];
    let find = |names: &[&str]| {
        let is_one = |name: &String| names.iter().any(|known| name.eq_ignore_ascii_case(known));
        let at = fields.iter().position(|field| is_one(field.name()))?;
        fields.get(at)?.data_type().is_numeric().then_some(at)
    };
    let mut pairs = AXES.iter().map(|(x, y)| find(x).zip(find(y)));
    pairs.find_map(|pair| pair)
}

/// The name of a field's extension type; `None` if the field has none.
pub(crate) fn extension(field: &Field) -> Option<&str> {
    let name = field.metadata().get("ARROW:extension:name");
    name.map(String::as_str)
}

/// Sends the geometry of a row to a sink. `stated` is the kind that the file states for the
/// geometries of the column, if it states one.
pub(crate) fn geometry(
    column: &ArrayRef,
    row: usize,
    stated: Option<GeometryKind>,
    weight: Option<&Value<'_>>,
    sink: &mut RecordSink,
) -> Result<(), ReadFailure> {
    if column.is_null(row) {
        return Ok(sink.record(Geometry::Nothing("geometry null"), weight)?);
    }
    let bytes = match column.data_type() {
        DataType::Binary => column.as_binary::<i32>().value(row),
        DataType::LargeBinary => column.as_binary::<i64>().value(row),
        DataType::BinaryView => column.as_binary_view().value(row),
        DataType::Union(..) => {
            let all = column.as_union();
            let (number, own) = (all.type_id(row), all.value(row));
            return match GeometryKind::from_type_id(number) {
                Some(_) if own.is_null(0) => {
                    Ok(sink.record(Geometry::Nothing("geometry null"), weight)?)
                }
                Some(kind) => native(&own, 0, Some(kind), weight, sink),
                None => Ok(sink.record(Geometry::Other("GeometryCollection"), weight)?),
            };
        }
        _ => return native(column, row, stated, weight, sink),
    };
    Ok(sink.wkb(bytes, weight)?)
}

/// Sends a geometry in GeoArrow's native encoding to a sink. If `stated`, the kind that the file
/// states, doesn't fit the depth to which the column's lists are nested, the depth decides.
fn native(
    column: &ArrayRef,
    row: usize,
    stated: Option<GeometryKind>,
    weight: Option<&Value<'_>>,
    sink: &mut RecordSink,
) -> Result<(), ReadFailure> {
    let depth = depth(column.data_type());
    let name = match (depth, stated) {
        (0, _) => {
            let point = native_point(column, row);
            let nothing = Geometry::Nothing("Point without x or y");
            let point = point.map_or(nothing, |(x, y)| Geometry::Point(x, y));
            return Ok(sink.record(point, weight)?);
        }
        (1, Some(GeometryKind::MultiPoint)) => {
            let list = list(column, row);
            let mut all = list.iter().flat_map(|list| {
                let point = move |i| native_point(list, i).unwrap_or((f64::NAN, f64::NAN));
                (0..list.len()).map(point)
            });
            return Ok(sink.record(Geometry::MultiPoint(&mut all), weight)?);
        }
        (1, Some(GeometryKind::LineString)) => "LineString",
        (1, _) => "LineString or MultiPoint, which isn't said",
        (2, Some(GeometryKind::Polygon)) => "Polygon",
        (2, Some(GeometryKind::MultiLineString)) => "MultiLineString",
        (2, _) => "Polygon or MultiLineString, which isn't said",
        _ => "MultiPolygon",
    };
    Ok(sink.shape(name, weight, |shapes| {
        shapes.outline(&outline(column, row, ShapeKind::from_name(name)?, depth));
        Some(())
    })?)
}

/// The positions of a line or an area, whose points are in lists of `depth` levels.
fn outline(column: &ArrayRef, row: usize, kind: ShapeKind, depth: usize) -> Outline {
    let mut outline = Outline::new(kind);
    let line = |column: &ArrayRef, row: usize| -> Vec<(f64, f64)> {
        let point = |(list, at): (ArrayRef, usize)| native_point(&list, at);
        let points = elements(column, row).map(point);
        points
            .map(|at| at.unwrap_or((f64::NAN, f64::NAN)))
            .collect()
    };
    let polygon = |outline: &mut Outline, column: &ArrayRef, row: usize| {
        for (at, (rings, ring)) in elements(column, row).enumerate() {
            outline.add_ring(line(&rings, ring), at == 0);
        }
    };
    match (kind, depth) {
        (ShapeKind::Area, 2) => polygon(&mut outline, column, row),
        (ShapeKind::Area, _) => {
            for (polygons, at) in elements(column, row) {
                polygon(&mut outline, &polygons, at);
            }
        }
        (_, 1) => outline.add_line(line(column, row)),
        _ => {
            for (lines, at) in elements(column, row) {
                outline.add_line(line(&lines, at));
            }
        }
    }
    outline
}

/// The elements of a row's list, each as a column and a row of it.
fn elements(column: &ArrayRef, row: usize) -> impl Iterator<Item = (ArrayRef, usize)> {
    let list = list(column, row);
    list.into_iter().flat_map(|list| {
        let length = list.len();
        (0..length).map(move |at| (ArrayRef::clone(&list), at))
    })
}

/// The number of lists around a point, one inside the other, in a column of this type.
fn depth(kind: &DataType) -> usize {
    match kind {
        DataType::List(item) | DataType::LargeList(item) if !item.data_type().is_floating() => {
            1 + depth(item.data_type())
        }
        _ => 0,
    }
}

fn list(column: &ArrayRef, row: usize) -> Option<ArrayRef> {
    match column.data_type() {
        DataType::List(_) => Some(column.as_list_opt::<i32>()?.value(row)),
        DataType::LargeList(_) => Some(column.as_list_opt::<i64>()?.value(row)),
        DataType::FixedSizeList(..) => Some(column.as_fixed_size_list_opt()?.value(row)),
        _ => None,
    }
}

/// The x and y of a point, which is a structure or a list of numbers; `None` if x or y is missing.
fn native_point(column: &ArrayRef, row: usize) -> Option<(f64, f64)> {
    let number = |array: &ArrayRef, at| match NumberColumn::new(array).at(at) {
        Value::Number(Number::Float(n)) => Some(n),
        _ => None,
    };
    if let Some(point) = column.as_struct_opt() {
        let axis = |at: usize| number(point.columns().get(at)?, row);
        let (x, y) = axes(point.fields())?;
        return Some((axis(x)?, axis(y)?));
    }
    let point = list(column, row)?;
    Some((number(&point, 0)?, number(&point, 1)?))
}

/// The coordinate system that a column states. `stated` is PROJJSON (an object or its text),
/// `EPSG:25832`, `srid:25832`, well-known text, or `projjson:KEY`. In the last form the PROJJSON is
/// in the file's metadata under this key, and `value` returns it. A missing statement, an empty
/// text and `srid:0` mean longitude and latitude.
pub(crate) fn crs(
    stated: Option<&Json>,
    value: impl Fn(&str) -> Option<String>,
    file: &str,
) -> Result<Crs, LoadError> {
    let unknown = |system: String| LoadError::UnknownCrs {
        file: file.to_owned(),
        system,
    };
    let json = |text: &str| -> Result<Crs, LoadError> {
        match serde_json::from_str::<Json>(text) {
            Ok(crs @ Json::Object(_)) => Crs::from_projjson(&crs, file),
            _ => Err(unknown(crate::messages::shown(text.as_bytes()))),
        }
    };
    let text = match stated {
        None | Some(Json::Null) => return Ok(Crs::LonLat),
        Some(Json::String(text)) => text.trim().to_owned(),
        Some(Json::Number(number)) => number.to_string(),
        Some(other) => return Crs::from_projjson(other, file),
    };
    if text.starts_with('{') {
        return json(&text);
    }
    let (word, rest) = text.split_once(':').unwrap_or(("", &text));
    match (word.to_ascii_lowercase().as_str(), rest.trim().parse()) {
        ("" | "srid", Ok(0)) => Ok(Crs::LonLat),
        ("" | "srid", Ok(code)) => Crs::from_epsg(code, file),
        ("projjson", _) => match value(rest) {
            Some(text) => json(&text),
            None => Err(unknown(format!(
                "it is said to be under the metadata key {}, which is not there",
                crate::messages::shown(rest.as_bytes())
            ))),
        },
        _ if text.is_empty() => Ok(Crs::LonLat),
        ("srid", _) => Crs::from_wkt(rest, file),
        _ => Crs::from_wkt(&text, file),
    }
}
