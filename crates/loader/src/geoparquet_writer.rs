//! Writing of points as GeoParquet 1.1, which GDAL, DuckDB, QGIS and GeoPandas read. So the points
//! of an index can be used in other programs.

use crate::table::{Column, Table};
use arrow_array::builder::BinaryBuilder;
use arrow_array::{ArrayRef, Float32Array, Float64Array, RecordBatch, StructArray};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema};
use heatsplat_points::{Point, Points, ReadError, mercator};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

/// The number of points in a row group of the file. Readers leave out a whole group if it lies
/// outside of the box that they search: a choice.
const GROUP: usize = 1 << 16;

/// The name of the column with the positions.
const GEOMETRY: &str = "geometry";
/// The name of the column of weights, if the caller names none.
const WEIGHT: &str = "weight";
/// The name of the column that has a box for each point. The box has no size: all its corners are
/// the point. Parquet states the least and greatest edges of the boxes in a row group, by which
/// readers find the groups that they need.
const BBOX: &str = "bbox";

/// The edges of a box, in the order in which they are written.
const EDGES: [&str; 4] = ["xmin", "ymin", "xmax", "ymax"];

/// An error while points are written as GeoParquet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GeoParquetError {
    /// The points can't be read, since they are in a file that is damaged or gone.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file can't be written.
    #[error("cannot be written: {0}")]
    Write(String),
}

impl From<ParquetError> for GeoParquetError {
    fn from(error: ParquetError) -> Self {
        Self::Write(error.to_string())
    }
}

impl From<ArrowError> for GeoParquetError {
    fn from(error: ArrowError) -> Self {
        Self::Write(error.to_string())
    }
}

/// Writes points as GeoParquet 1.1, in Z-order: their positions in longitude and latitude (WGS 84),
/// their weights and the columns of `table`. The table must have one row for each point, in Z-order
/// too.
///
/// A position is written as the middle of its square of 9.3 mm, so that reading the file gives the
/// equal point. The column of weights has the name that the parameter `weight` gives, or else the
/// name "weight"; it is null where a point has no weight. If the table has a column of numbers with
/// this name, that column is written in place of the weights; a column of another type with this
/// name is left out. If all points have the weight 1, no column of weights is written.
///
/// # Errors
/// A [`GeoParquetError`]: the points can't be read, or the file can't be written.
pub fn write_geoparquet(
    points: &Points,
    table: &Table,
    weight: Option<&str>,
    file: impl Write + Send,
) -> Result<(), GeoParquetError> {
    write(points, table, weight, file, &mut |layout, range| {
        Ok(layout.values(table, range))
    })
}

/// Writes points as [`write_geoparquet`] does, with a table that is not in memory. `columns` is a
/// table without rows, which has the names and types of the columns. `rows` returns the table's
/// rows for a range of points, which are counted from 0 in Z-order.
///
/// # Errors
/// A [`GeoParquetError`]: the points or the rows of their table can't be read, or the file can't be
/// written.
pub fn write_geoparquet_rows(
    points: &Points,
    columns: &Table,
    weight: Option<&str>,
    file: impl Write + Send,
    rows: &mut dyn FnMut(Range<usize>) -> Result<Table, ReadError>,
) -> Result<(), GeoParquetError> {
    write(points, columns, weight, file, &mut |layout, range| {
        let count = range.len();
        Ok(layout.values(&rows(range)?, 0..count))
    })
}

/// A function that returns the values of a table's columns that are written, for a range of points,
/// which are counted from 0 in Z-order.
type KeptColumns<'k> = dyn FnMut(&RowLayout, Range<usize>) -> Result<Vec<ArrayRef>, ReadError> + 'k;

/// Writes points as GeoParquet. `values` returns the values of the table's columns for each group
/// of points that is written.
fn write(
    points: &Points,
    table: &Table,
    weight: Option<&str>,
    file: impl Write + Send,
    values: &mut KeptColumns<'_>,
) -> Result<(), GeoParquetError> {
    let layout = RowLayout::new(points, table, weight);
    let schema = Arc::new(layout.schema());
    let properties = layout.properties(points)?;
    let mut writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))?;
    let mut row = 0;
    let mut failed = None;
    points.scan(&mut |batch| {
        for batch in batch.chunks(GROUP) {
            if failed.is_some() {
                return;
            }
            let written = values(&layout, row..row + batch.len())
                .map_err(GeoParquetError::from)
                .and_then(|kept| {
                    let columns = layout.columns(batch, kept);
                    Ok(RecordBatch::try_new(Arc::clone(&schema), columns)?)
                })
                .and_then(|rows| Ok(writer.write(&rows)?));
            failed = written.err();
            row += batch.len();
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    writer.close()?;
    Ok(())
}

/// The columns of the file that is written.
struct RowLayout {
    /// The name of the column of weights. `None` if all points have the weight 1, or if a column of
    /// the table takes the place of the weights.
    weight: Option<String>,
    /// The name of the column of boxes: [`BBOX`], or another name if the table has a column of that
    /// name.
    bbox: String,
    /// The columns of the table that are written: for each its index in the table, its name and its
    /// type.
    kept: Vec<(usize, String, DataType)>,
}

impl RowLayout {
    fn new(points: &Points, table: &Table, weight: Option<&str>) -> Self {
        let name = weight.unwrap_or(WEIGHT);
        let is_number =
            |column: &Column| matches!(column.arrow_type(), DataType::Int64 | DataType::Float64);
        let columns = table.columns().iter().enumerate();
        let kept: Vec<(usize, String, DataType)> = columns
            .filter(|(_, c)| c.name() != name || is_number(c))
            .map(|(at, c)| (at, c.name().to_owned(), c.arrow_type()))
            .collect();
        let summary = points.summary();
        let is_counted =
            summary.without_weight == 0 && (summary.weight_min, summary.weight_max) == (1.0, 1.0);
        let has_weights = kept.iter().any(|(_, kept, _)| kept == name);
        Self {
            weight: (!is_counted && !has_weights).then(|| name.to_owned()),
            bbox: free_name(BBOX, table),
            kept,
        }
    }

    fn schema(&self) -> Schema {
        let mut fields = vec![
            Field::new(GEOMETRY, DataType::Binary, false),
            Field::new(&self.bbox, DataType::Struct(box_fields()), false),
        ];
        let weight = self.weight.iter();
        fields.extend(weight.map(|name| Field::new(name, DataType::Float32, true)));
        let kept = self.kept.iter();
        fields.extend(kept.map(|(_, name, kind)| Field::new(name, kind.clone(), true)));
        Schema::new(fields)
    }

    /// The properties of the file: the compression of its columns, and the metadata of GeoParquet.
    fn properties(&self, points: &Points) -> Result<WriterProperties, GeoParquetError> {
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_created_by(concat!("heatsplat ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_max_row_group_row_count(Some(GROUP))
            .set_column_dictionary_enabled(ColumnPath::from(GEOMETRY), false)
            .set_key_value_metadata(Some(vec![KeyValue::new(
                "geo".to_owned(),
                self.metadata(points).to_string(),
            )]));
        for edge in EDGES {
            // The highest bytes of neighbours are equal, so they are packed side by side.
            let path = ColumnPath::new(vec![self.bbox.clone(), edge.to_owned()]);
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::BYTE_STREAM_SPLIT);
        }
        Ok(properties.build())
    }

    /// The metadata of GeoParquet 1.1: the column of positions, its columns of boxes and the box of
    /// all points. No coordinate system is stated, since the standard's default, longitude and
    /// latitude on WGS 84, is meant.
    fn metadata(&self, points: &Points) -> serde_json::Value {
        let edge = |name: &&str| ((*name).to_owned(), serde_json::json!([self.bbox, name]));
        let edges: serde_json::Map<_, _> = EDGES.iter().map(edge).collect();
        let mut column = serde_json::json!({
            "encoding": "WKB",
            "geometry_types": ["Point"],
            "covering": { "bbox": edges },
        });
        if let Some(bounds) = points.summary().bounds {
            // A box that crosses ±180° has a west greater than its east there.
            let turned = |lon: f64| if lon > 180.0 { lon - 360.0 } else { lon };
            let [west, south, east, north] = bounds.edges();
            let edges = match east - west >= 360.0 {
                true => [-180.0, south, 180.0, north],
                false => [turned(west), south, turned(east), north],
            };
            if let Some(column) = column.as_object_mut() {
                column.insert("bbox".to_owned(), edges.to_vec().into());
            }
        }
        serde_json::json!({
            "version": "1.1.0",
            "primary_column": GEOMETRY,
            "columns": { GEOMETRY: column },
        })
    }

    /// The values of the columns `kept` in the given rows of the table.
    fn values(&self, table: &Table, rows: Range<usize>) -> Vec<ArrayRef> {
        let columns = self
            .kept
            .iter()
            .filter_map(|(at, ..)| table.columns().get(*at));
        columns
            .map(|column| column.to_arrow(rows.clone()))
            .collect()
    }

    /// All columns of the file for `points`: first those that are made from the points, then
    /// `kept`, the values of the kept columns for the same points.
    fn columns(&self, points: &[Point], kept: Vec<ArrayRef>) -> Vec<ArrayRef> {
        let places: Vec<(f64, f64)> = points.iter().map(middle).collect();
        let mut geometries = BinaryBuilder::with_capacity(places.len(), places.len() * 21);
        for place in &places {
            geometries.append_value(well_known_binary(*place));
        }
        let lons: ArrayRef = Arc::new(Float64Array::from_iter_values(places.iter().map(|p| p.0)));
        let lats: ArrayRef = Arc::new(Float64Array::from_iter_values(places.iter().map(|p| p.1)));
        let edges = vec![Arc::clone(&lons), Arc::clone(&lats), lons, lats];
        let boxes = StructArray::new(box_fields(), edges, None);
        let mut columns: Vec<ArrayRef> = vec![Arc::new(geometries.finish()), Arc::new(boxes)];
        if self.weight.is_some() {
            let weight = |point: &Point| point.has_weight().then_some(point.weight);
            let weights: Float32Array = points.iter().map(weight).collect();
            columns.push(Arc::new(weights));
        }
        columns.extend(kept);
        columns
    }
}

fn box_fields() -> Fields {
    let field = |name: &str| Field::new(name, DataType::Float64, false);
    EDGES.iter().map(|name| field(name)).collect()
}

/// A name that no column of the table has: `name`, or else `name_1`, `name_2` and so on.
fn free_name(name: &str, table: &Table) -> String {
    let is_taken = |name: &String| table.columns().iter().any(|column| column.name() == name);
    let others = (1..).map(|number| format!("{name}_{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(others);
    names
        .find(|name| !is_taken(name))
        .unwrap_or_else(|| name.to_owned())
}

/// The longitude and latitude, in degrees, of the middle of a point's square. Its corner could be
/// rounded into the neighbouring square when it is read again.
fn middle(point: &Point) -> (f64, f64) {
    (
        mercator::longitude(f64::from(point.x) + 0.5),
        mercator::latitude(f64::from(point.y) + 0.5),
    )
}

/// The well-known binary of a point with the given longitude and latitude: numbers with the lowest
/// byte first.
fn well_known_binary((lon, lat): (f64, f64)) -> [u8; 21] {
    let mut bytes = [0; 21];
    let head: [u8; 5] = [1, 1, 0, 0, 0];
    let all = head
        .into_iter()
        .chain(lon.to_le_bytes())
        .chain(lat.to_le_bytes());
    for (to, from) in bytes.iter_mut().zip(all) {
        *to = from;
    }
    bytes
}
