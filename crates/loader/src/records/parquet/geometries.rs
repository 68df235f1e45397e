//! The geometries of a Parquet file: their column, kind and coordinate system. They are found in
//! four ways, which are tried in this order:
//!
//! - by the metadata key `geo` (GeoParquet);
//! - by Parquet's types GEOMETRY and GEOGRAPHY;
//! - by the Arrow schema that many writers store in a file;
//! - by the usual names of columns.

use super::super::arrow::columns::{GeometryColumn, positions_from};
use super::super::arrow::geoarrow::{self, GeometryKind, may_be_geometry};
use super::super::{arrow, damaged};
use crate::columns;
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::Origin;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::LogicalType;
use serde_json::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The paths of four leaf columns (columns of single numbers), which hold the least x, the greatest
/// x, the least y and the greatest y of each row. By the statistics of these columns, row groups
/// outside of a box are skipped.
pub(super) type CoveringPaths = [String; 4];

/// The column of geometries in a Parquet file, and its coordinate system.
pub(super) struct ParquetGeometries {
    pub(super) column: GeometryColumn,
    pub(super) crs: Crs,
    /// The columns with the least x, greatest x, least y and greatest y of each geometry, in the
    /// order of [`CoveringPaths`]. `None` if the file has no such columns.
    pub(super) covering: Option<CoveringPaths>,
}

/// Finds the column of geometries. This is the column that the option `geom` names, `asked`.
/// Without the option it is GeoParquet's primary column; in other files, a column that its type or
/// a usual name shows to hold geometries. `None` if the file has no geometries.
pub(super) fn find(
    metadata: &ArrowReaderMetadata,
    asked: Option<&str>,
    origin: &Origin,
) -> Result<Option<ParquetGeometries>, LoadError> {
    let own = own_types(metadata);
    let is_there = |geo: &Geo| metadata.schema().field_with_name(&geo.column).is_ok();
    if let Some(geo) = geo(metadata, asked, origin)?.filter(is_there) {
        let of_type = own.iter().find(|own| own.0 == geo.column);
        let of_type = of_type.and_then(|own| own.1.as_ref());
        return Ok(Some(ParquetGeometries {
            crs: crs(geo.crs.as_ref().or(of_type), metadata, origin)?,
            column: GeometryColumn {
                why: positions_from(&geo.column, &geo.all),
                kind: geo.kind,
                is_plain: false,
                name: geo.column,
            },
            covering: geo.covering,
        }));
    }
    let names: Vec<String> = own.iter().map(|own| own.0.clone()).collect();
    let place = match asked {
        Some(asked) => columns::named(&names, asked),
        None => {
            let usual = names.iter().position(|name| arrow::is_usual(name));
            usual.or((!names.is_empty()).then_some(0))
        }
    };
    if let Some((name, stated)) = place.and_then(|at| own.get(at)) {
        return Ok(Some(ParquetGeometries {
            crs: crs(stated.as_ref(), metadata, origin)?,
            column: GeometryColumn {
                why: positions_from(name, &names),
                kind: None,
                is_plain: false,
                name: name.clone(),
            },
            covering: None,
        }));
    }
    by_schema(metadata, asked, origin)
}

/// The names of the columns of type GEOMETRY or GEOGRAPHY, each with the coordinate system that its
/// type states; `None` if the type states none.
fn own_types(metadata: &ArrowReaderMetadata) -> Vec<(String, Option<Value>)> {
    let fields = metadata.parquet_schema().root_schema().get_fields();
    let own = |field: &parquet::schema::types::TypePtr| {
        let crs = match field.get_basic_info().logical_type_ref()? {
            LogicalType::Geometry(geometry) => geometry.crs.clone(),
            LogicalType::Geography(geography) => geography.crs.clone(),
            _ => return None,
        };
        Some((field.name().to_owned(), crs.map(Value::String)))
    };
    fields.iter().filter_map(own).collect()
}

/// Finds the column of geometries by the Arrow schema that some writers store in the file, or by a
/// usual name.
fn by_schema(
    metadata: &ArrowReaderMetadata,
    asked: Option<&str>,
    origin: &Origin,
) -> Result<Option<ParquetGeometries>, LoadError> {
    // The file need not have this schema, so a damaged one must do no harm, even if the library
    // panics.
    let kept = catch_unwind(AssertUnwindSafe(|| {
        let (all, how) = (metadata.metadata(), ArrowReaderOptions::new());
        let schema = ArrowReaderMetadata::try_new(Arc::clone(all), how).ok()?;
        Some(Arc::clone(schema.schema()))
    }));
    let kept = kept.ok().flatten();
    let plain = metadata.schema();
    // The schema's statement about a column counts only if the column's real type can hold
    // geometries.
    let understood = |name: &str| plain.field_with_name(name).is_ok_and(may_be_geometry);
    let found = match &kept {
        Some(kept) => arrow::geometry(kept, asked, origin)?,
        None => None,
    };
    let found = match found.filter(|found| understood(&found.0.name)) {
        Some(found) => Some(found),
        None => arrow::geometry(plain, asked, origin)?,
    };
    Ok(found.map(|(column, crs)| ParquetGeometries {
        column,
        crs,
        covering: None,
    }))
}

/// The coordinate system that `stated` describes. The description may be a reference to a key of
/// the file's metadata.
fn crs(
    stated: Option<&Value>,
    metadata: &ArrowReaderMetadata,
    origin: &Origin,
) -> Result<Crs, LoadError> {
    let value = |key: &str| value(metadata, key).map(str::to_owned);
    geoarrow::crs(stated, value, &origin.name)
}

/// The value of a key in the metadata of a Parquet file; `None` if the key is not there.
fn value<'a>(metadata: &'a ArrowReaderMetadata, key: &str) -> Option<&'a str> {
    let pairs = metadata.metadata().file_metadata().key_value_metadata()?;
    pairs.iter().find(|pair| pair.key == key)?.value.as_deref()
}

/// The part of the metadata key `geo` that is about one column of geometries (GeoParquet 1.1).
struct Geo {
    column: String,
    /// The names of all columns of geometries that the metadata key `geo` lists.
    all: Vec<String>,
    /// The kind of the geometries, if they are in GeoArrow's native encoding; `None` if they are in
    /// well-known binary.
    kind: Option<GeometryKind>,
    /// The coordinate system as PROJJSON; `None` means longitude and latitude. GeoParquet writes
    /// `null` for a system that is not known, which is read as longitude and latitude too.
    crs: Option<Value>,
    covering: Option<CoveringPaths>,
}

/// The part of the metadata key `geo` about the column that the option `geom` names or, without the
/// option, about the primary column. `None` if there is no such part.
fn geo(
    metadata: &ArrowReaderMetadata,
    asked: Option<&str>,
    origin: &Origin,
) -> Result<Option<Geo>, LoadError> {
    let Some(text) = value(metadata, "geo") else {
        return Ok(None);
    };
    let geo: Value = serde_json::from_str(text)
        .map_err(|error| damaged(origin, "the metadata key \"geo\"", error))?;
    let columns = geo.get("columns").and_then(Value::as_object);
    let all: Vec<String> = columns.iter().flat_map(|all| all.keys().cloned()).collect();
    let asked = asked.map(|asked| columns::named(&all, asked).and_then(|at| all.get(at)));
    let column = match asked {
        Some(Some(asked)) => asked.as_str(),
        // The file may still have the column that the option names, though this key doesn't list
        // it.
        Some(None) => return Ok(None),
        None => match geo.get("primary_column").and_then(Value::as_str) {
            Some(primary) => primary,
            None => return Ok(None),
        },
    };
    let said = columns.and_then(|columns| columns.get(column));
    let crs = said.and_then(|said| said.get("crs")).cloned();
    let encoding = said.and_then(|said| said.get("encoding")?.as_str());
    let edge = |name: &str| {
        let path = said?.get("covering")?.get("bbox")?.get(name)?.as_array()?;
        let parts: Vec<&str> = path.iter().filter_map(Value::as_str).collect();
        Some(parts.join("."))
    };
    let edges = ["xmin", "xmax", "ymin", "ymax"].map(edge);
    let covering = match edges {
        [Some(west), Some(east), Some(south), Some(north)] => Some([west, east, south, north]),
        _ => None,
    };
    Ok(Some(Geo {
        column: column.to_owned(),
        all,
        kind: encoding.and_then(GeometryKind::from_name),
        crs: crs.filter(|crs| !crs.is_null()),
        covering,
    }))
}
