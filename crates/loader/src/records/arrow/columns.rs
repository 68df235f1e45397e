//! Columns of Arrow's record batches: the choice of the columns that are read, and their values.
//! Both Parquet and Arrow files are read with this.

use super::super::{Geometry, ReadFailure, RecordSink};
use super::geoarrow::{GeometryKind, geometry, may_be_geometry};
use crate::columns;
use crate::columns::resolve::{Geometries, Names, PositionColumns, ResolvedColumns, resolve};
use crate::columns::selection::RowSelection;
use crate::error::LoadError;
use crate::input::Origin;
use crate::messages::shown;
use crate::number::{self, exact::Number};
use crate::options::LoadOptions;
use crate::parameter::Parameter;
use crate::places::{EXAMINED, PlaceColumn, PlaceSample, TextForm};
use crate::report::SkipReason;
use crate::value::Value;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema, TimeUnit};

/// The columns to read from record batches, by their indexes in a batch. [`resolve`](Self::resolve)
/// makes a projection for batches that have all columns of the file's schema,
/// [`projected`](Self::projected) one for batches that have only the columns in use.
#[derive(Clone, Debug)]
pub(crate) struct ColumnProjection {
    position: PositionPlaces,
    weight: Option<usize>,
    /// The columns that the filter uses, and the kept columns. The first number is a column's index
    /// in the file's schema, the second its index in a batch.
    others: Vec<(usize, usize)>,
}

#[derive(Clone, Debug)]
enum PositionPlaces {
    LonLat(usize, usize),
    Geometry(usize, Option<GeometryKind>),
    /// A column of whole positions: its index, the form of the positions, and the EPSG number of
    /// the coordinate system that they state, 0 if they state none.
    Whole(usize, (TextForm, u32)),
}

/// A column of geometries, and the reason why it was chosen.
pub(crate) struct GeometryColumn {
    pub(crate) name: String,
    /// The kind of geometries that the file states for the column; `None` if it states none.
    pub(crate) kind: Option<GeometryKind>,
    pub(crate) why: String,
    /// True for a column of structures of two numbers, which states no coordinate system.
    pub(crate) is_plain: bool,
}

/// Returns whether a column may hold whole positions: texts, or whole numbers that may be indexes
/// of H3.
fn may_be_whole(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Int64 | DataType::UInt64 => true,
        DataType::Dictionary(_, values) => may_be_whole(values),
        _ => false,
    }
}

/// The indexes of the columns of a schema that may hold whole positions.
pub(crate) fn whole_columns(schema: &Schema) -> Vec<usize> {
    let fields = schema.fields().iter().enumerate();
    let found = fields.filter(|(_, field)| may_be_whole(field.data_type()));
    found.map(|(at, _)| at).collect()
}

/// Adds the first rows of a batch to a sample. `columns` are the indexes, in the file's schema, of
/// the batch's columns.
pub(crate) fn note_whole(
    sample: &mut PlaceSample<'_>,
    batch: &RecordBatch,
    columns: impl Iterator<Item = usize>,
) {
    for (at, column) in columns.zip(batch.columns()) {
        if may_be_whole(column.data_type()) {
            for row in 0..batch.num_rows().min(EXAMINED) {
                sample.note_value(at, &any(column, row));
            }
        }
    }
}

/// The name, as the schema has it, of the geometry column that the option `geom` means. `name` is
/// the option's value, which may differ from the schema's name in case and punctuation. `None` if
/// the option means a column that may hold whole positions.
pub(crate) fn asked_for(
    schema: &Schema,
    name: &str,
    origin: &Origin,
) -> Result<Option<String>, LoadError> {
    let fields = schema
        .fields()
        .iter()
        .filter(|field| may_be_geometry(field));
    let seen: Vec<String> = fields.map(|field| field.name().clone()).collect();
    let fields = schema.fields().iter();
    let texts = fields.filter(|field| may_be_whole(field.data_type()));
    let texts: Vec<String> = texts.map(|field| field.name().clone()).collect();
    let schema = columns::Schema {
        names: &seen,
        file: &origin.name,
    };
    if columns::named(&seen, name).is_none() && columns::named(&texts, name).is_some() {
        return Ok(None);
    }
    let at = schema.find(Parameter::Geom, name)?;
    Ok(seen.get(at).cloned())
}

/// The text for messages that names the column of positions, for example `positions from "geom"`,
/// and after it the other columns of geometries, which the option `geom` may name. `column` is the
/// column of positions, and `all` are the names of all columns of geometries.
pub(crate) fn positions_from(column: &str, all: &[String]) -> String {
    let others = all.iter().filter(|name| *name != column);
    let others: Vec<String> = others.map(|name| shown(name.as_bytes())).collect();
    let from = format!("positions from {}", shown(column.as_bytes()));
    if others.is_empty() {
        return from;
    }
    format!("{from} (`geom` takes {})", others.join(" or "))
}

impl ColumnProjection {
    /// Chooses the columns to read. Positions come from:
    ///
    /// - the columns that options name;
    /// - without such options, a column of geometries, or `whole`, a column of whole positions with
    ///   the EPSG number that they state;
    /// - without such a column, columns whose names look like coordinates.
    pub(crate) fn resolve(
        schema: &Schema,
        geometry: Option<GeometryColumn>,
        whole: Option<(&PlaceColumn, u32)>,
        options: &LoadOptions,
        file: &str,
    ) -> Result<(Self, ResolvedColumns), LoadError> {
        let seen: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
        let geometry = geometry.and_then(|g| Some((columns::named(&seen, &g.name)?, g)));
        let kind = geometry.as_ref().and_then(|(_, geometry)| geometry.kind);
        let geometries = match (geometry, whole) {
            (Some((at, geometry)), _) => Some(Geometries {
                column: Some(at),
                why: geometry.why,
            }),
            (None, whole) => whole.map(|(column, _)| column.geometries()),
        };
        let found = resolve(seen, Names::Typed, options, geometries, file)?;
        refuse_nested(schema, &found.selection, &found.columns.seen, file)?;
        let position = match found.position {
            PositionColumns::LonLat(lon, lat) => PositionPlaces::LonLat(lon, lat),
            PositionColumns::Geometry(at) => match (at.unwrap_or_default(), whole) {
                (at, Some((column, srid))) => PositionPlaces::Whole(at, (column.form, srid)),
                (at, None) => PositionPlaces::Geometry(at, kind),
            },
        };
        let places = found.selection.places();
        let projection = Self {
            position,
            weight: found.weight,
            others: places.into_iter().map(|at| (at, at)).collect(),
        };
        Ok((projection, found))
    }

    /// The names of four leaf columns (Parquet's columns of single numbers): those with the least
    /// x, the greatest x, the least y and the greatest y of each row. By the statistics of these
    /// columns, row groups outside of a box are skipped. The rows are points here, so least and
    /// greatest x are one column, and so are least and greatest y.
    pub(crate) fn covering_paths(&self, schema: &Schema) -> [String; 4] {
        let name = |at: usize| schema.fields().get(at).map_or("", |field| field.name());
        let (x, y) = match self.position {
            PositionPlaces::LonLat(lon, lat) => (name(lon).to_owned(), name(lat).to_owned()),
            PositionPlaces::Geometry(at, _) | PositionPlaces::Whole(at, _) => {
                (format!("{}.x", name(at)), format!("{}.y", name(at)))
            }
        };
        [x.clone(), x, y.clone(), y]
    }

    /// The indexes in the file's schema of all columns that are read, in ascending order.
    pub(crate) fn all(&self) -> Vec<usize> {
        let mut all = match self.position {
            PositionPlaces::LonLat(lon, lat) => vec![lon, lat],
            PositionPlaces::Geometry(at, _) | PositionPlaces::Whole(at, _) => vec![at],
        };
        all.extend(self.weight);
        all.extend(self.others.iter().map(|other| other.0));
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Makes a projection of the same columns for batches that have only the columns of
    /// [`all`](Self::all). A column's index in such a batch is the column's index in the list that
    /// `all` returns.
    pub(crate) fn projected(&self) -> Self {
        let all = self.all();
        let among = |at: usize| all.iter().position(|&a| a == at).unwrap_or(0);
        Self {
            position: match self.position {
                PositionPlaces::LonLat(lon, lat) => PositionPlaces::LonLat(among(lon), among(lat)),
                PositionPlaces::Geometry(at, kind) => PositionPlaces::Geometry(among(at), kind),
                PositionPlaces::Whole(at, whole) => PositionPlaces::Whole(among(at), whole),
            },
            weight: self.weight.map(among),
            others: self.others.iter().map(|&(at, _)| (at, among(at))).collect(),
        }
    }

    /// Sends the rows of a batch that the filter selects to a sink.
    pub(crate) fn read_rows(
        &self,
        batch: &RecordBatch,
        sink: &mut RecordSink,
    ) -> Result<(), ReadFailure> {
        let weights = self.weight.map(|at| NumberColumn::new(batch.column(at)));
        let weight = |row| weights.as_ref().map(|w| w.at(row));
        let other = |row, place| {
            let here = self.others.iter().find(|other| other.0 == place);
            here.map_or(Value::Null, |&(_, at)| any(batch.column(at), row))
        };
        match self.position {
            PositionPlaces::LonLat(lon, lat) => {
                let (lon, lat) = (batch.column(lon), batch.column(lat));
                let (lons, lats) = (NumberColumn::new(lon), NumberColumn::new(lat));
                for row in 0..batch.num_rows() {
                    if !sink.selects(|place| other(row, place))? {
                        continue;
                    }
                    match degrees(&lons.at(row), &lats.at(row)) {
                        Ok((x, y)) => sink.record(Geometry::Point(x, y), weight(row).as_ref())?,
                        Err((SkipReason::BadPosition, found)) => {
                            let (lon, lat) = (lons.at(row), lats.at(row));
                            sink.angles(&lon, &lat, weight(row).as_ref(), found)?;
                        }
                        Err((skip, found)) => sink.refuse(skip, found)?,
                    }
                }
            }
            PositionPlaces::Geometry(at, kind) => {
                for row in 0..batch.num_rows() {
                    if !sink.selects(|place| other(row, place))? {
                        continue;
                    }
                    geometry(batch.column(at), row, kind, weight(row).as_ref(), sink)?;
                }
            }
            PositionPlaces::Whole(at, whole) => {
                for row in 0..batch.num_rows() {
                    if !sink.selects(|place| other(row, place))? {
                        continue;
                    }
                    let value = any(batch.column(at), row);
                    sink.whole_position(&value, whole, weight(row).as_ref())?;
                }
            }
        }
        Ok(())
    }
}

/// Returns an error if the filter or the option `keep` names a column whose values are no numbers,
/// texts, times or Booleans.
fn refuse_nested(
    schema: &Schema,
    selection: &RowSelection,
    seen: &[String],
    file: &str,
) -> Result<(), LoadError> {
    let nested = |at: &usize| {
        let kind = schema.fields().get(*at)?.data_type();
        let has_values = !kind.is_nested()
            && !kind.is_binary()
            && !matches!(
                kind,
                DataType::Time32(_)
                    | DataType::Time64(_)
                    | DataType::Duration(_)
                    | DataType::Interval(_)
                    | DataType::FixedSizeBinary(_)
            );
        (!has_values).then(|| (*at, kind.to_string()))
    };
    let places = selection.places();
    let Some((at, kind)) = places.iter().find_map(nested) else {
        return Ok(());
    };
    let kind: String = kind.chars().take(60).collect();
    Err(LoadError::BadOption {
        file: file.to_owned(),
        parameter: if selection.keep.contains(&at) {
            Parameter::Keep
        } else {
            Parameter::Filter
        },
        message: format!(
            "the values of {} can't be read: they are of type {kind}; leave it out",
            columns::quoted(seen, at)
        ),
    })
}

/// Returns the longitude and the latitude from the values of a row. A value may be a number or, as
/// in CSV, the text of a number. The error is the reason why the row is skipped, and a text that
/// names the value at fault. If one value is empty and the other malformed, the error is about the
/// empty one.
fn degrees(lon: &Value<'_>, lat: &Value<'_>) -> Result<(f64, f64), (SkipReason, String)> {
    if let (Value::Number(Number::Float(x)), Value::Number(Number::Float(y))) = (lon, lat) {
        return Ok((*x, *y));
    }
    let empty = |value: &Value<'_>| match value {
        Value::Null => Some("null".to_owned()),
        Value::Text(text) if text.trim().is_empty() => Some(shown(text.as_bytes())),
        _ => None,
    };
    let number = |value: &Value<'_>| match value {
        Value::Number(number) => Ok(number.float()),
        Value::Text(text) => number::parse(text.as_bytes()).ok_or_else(|| shown(text.as_bytes())),
        Value::Bool(truth) => Err(truth.to_string()),
        _ => Err("a date or time".to_owned()),
    };
    let both = [("longitude", lon), ("latitude", lat)];
    if let Some((axis, found)) = both.iter().find_map(|(axis, a)| Some((*axis, empty(a)?))) {
        return Err((SkipReason::NoPosition, format!("{axis} {found}")));
    }
    let bad =
        |axis: &'static str| move |found| (SkipReason::BadPosition, format!("{axis} {found}"));
    Ok((
        number(lon).map_err(bad("longitude"))?,
        number(lat).map_err(bad("latitude"))?,
    ))
}

/// A column whose values are numbers or texts of numbers.
pub(crate) enum NumberColumn<'a> {
    F64(&'a ArrayRef, &'a [f64]),
    F32(&'a ArrayRef, &'a [f32]),
    Other(&'a ArrayRef),
}

impl<'a> NumberColumn<'a> {
    pub(crate) fn new(column: &'a ArrayRef) -> Self {
        match column.data_type() {
            DataType::Float64 => Self::F64(column, column.as_primitive::<Float64Type>().values()),
            DataType::Float32 => Self::F32(column, column.as_primitive::<Float32Type>().values()),
            _ => Self::Other(column),
        }
    }

    #[inline]
    pub(crate) fn at(&self, row: usize) -> Value<'static> {
        match self {
            Self::F64(column, values) if column.null_count() == 0 => {
                values.get(row).map_or(Value::Null, |n| Value::float(*n))
            }
            Self::F32(column, values) if column.null_count() == 0 => values
                .get(row)
                .map_or(Value::Null, |n| Value::float(f64::from(*n))),
            Self::F64(column, _) | Self::F32(column, _) | Self::Other(column) => any(column, row),
        }
    }
}

/// The value of a row in a column. If this crate has no equivalent for the column's type, the value
/// is a text that names the type.
fn any(column: &ArrayRef, row: usize) -> Value<'static> {
    if row >= column.len() || column.is_null(row) {
        return Value::Null;
    }
    macro_rules! number {
        ($kind:ty) => {
            column.as_primitive::<$kind>().value(row) as f64
        };
    }
    macro_rules! whole {
        ($kind:ty) => {
            return Value::whole(column.as_primitive::<$kind>().value(row))
        };
    }
    let number = match column.data_type() {
        DataType::Float64 => number!(Float64Type),
        DataType::Float32 => number!(Float32Type),
        DataType::Float16 => column.as_primitive::<Float16Type>().value(row).to_f64(),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => whole!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => whole!(UInt64Type),
        DataType::Decimal32(_, scale) => {
            let digits = column.as_primitive::<Decimal32Type>().value(row);
            return decimal(digits.into(), *scale);
        }
        DataType::Decimal64(_, scale) => {
            let digits = column.as_primitive::<Decimal64Type>().value(row);
            return decimal(digits.into(), *scale);
        }
        DataType::Decimal256(_, scale) => {
            let all = column.as_primitive::<Decimal256Type>();
            return match all.value(row).to_i128() {
                Some(digits) => decimal(digits, *scale),
                None => decimal_text(all.value_as_string(row)),
            };
        }
        DataType::Decimal128(_, scale) => {
            return decimal(column.as_primitive::<Decimal128Type>().value(row), *scale);
        }
        DataType::Boolean => return Value::Bool(column.as_boolean().value(row)),
        DataType::Timestamp(unit, _) => {
            return Value::Time(match unit {
                TimeUnit::Second => micros(
                    column.as_primitive::<TimestampSecondType>().value(row),
                    1_000_000,
                ),
                TimeUnit::Millisecond => micros(
                    column.as_primitive::<TimestampMillisecondType>().value(row),
                    1000,
                ),
                TimeUnit::Microsecond => {
                    column.as_primitive::<TimestampMicrosecondType>().value(row)
                }
                TimeUnit::Nanosecond => column
                    .as_primitive::<TimestampNanosecondType>()
                    .value(row)
                    .div_euclid(1000),
            });
        }
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>().value(row);
            return Value::Time(micros(days.into(), 86_400_000_000));
        }
        DataType::Date64 => {
            return Value::Time(micros(column.as_primitive::<Date64Type>().value(row), 1000));
        }
        DataType::Utf8 => return Value::text(column.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => {
            return Value::text(column.as_string::<i64>().value(row).to_owned());
        }
        DataType::Utf8View => return Value::text(column.as_string_view().value(row).to_owned()),
        DataType::Dictionary(..) => {
            // A slice of one row is used, so that only its key is copied. Without it the library
            // copies all keys.
            let own = column.slice(row, 1);
            let dictionary = own.as_any_dictionary();
            if dictionary.values().is_empty() {
                return Value::Null;
            }
            let key = dictionary.normalized_keys().first().copied();
            return key.map_or(Value::Null, |key| any(dictionary.values(), key));
        }
        other => return Value::text(format!("a value of type {other}")),
    };
    Value::float(number)
}

/// Converts a count of time units to microseconds. `each` is the length of a unit in microseconds.
/// A time beyond the range of `i64` becomes the end of the range.
fn micros(count: i64, each: i64) -> i64 {
    count.saturating_mul(each)
}

/// The value of a decimal number, which is `digits` divided by 10 to the power of `scale`. A whole
/// number is exact; any other number becomes the nearest `f64`.
fn decimal(digits: i128, scale: i8) -> Value<'static> {
    let power = 10i128.checked_pow(u32::from(scale.unsigned_abs()));
    let whole = match power {
        Some(power) if scale > 0 => (digits % power == 0).then(|| digits / power),
        Some(power) => digits.checked_mul(power),
        None => None,
    };
    if let Some(whole) = whole {
        return Value::whole(whole);
    }
    // The number is parsed from its text, so that it is rounded like that of a text column.
    decimal_text(format!("{digits}e{}", -i32::from(scale)))
}

fn decimal_text(text: String) -> Value<'static> {
    number::parse(text.as_bytes()).map_or_else(|| Value::text(text), Value::float)
}
