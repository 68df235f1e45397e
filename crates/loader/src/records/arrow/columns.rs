//! Rows of Arrow record batches: which columns hold the position and the weight, and their
//! values. GeoParquet, plain Parquet and Arrow files all come to this.

use super::super::{Ended, Geometry, Judge};
use super::geoarrow::{Kind, geometry, may_be_geometry};
use crate::batch::Amount;
use crate::columns::selection::Asked;
use crate::columns::{self, Columns, Guess, Position};
use crate::error::LoadError;
use crate::input::Origin;
use crate::number;
use crate::open::Options;
use crate::report::{Skip, shown};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema, TimeUnit};

/// Which columns are read, by their place in the schema.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    place: PlaceColumns,
    weight: Option<usize>,
    /// The columns to filter by and to keep, and where they are in the batches.
    others: Vec<(usize, usize)>,
}

#[derive(Clone, Debug)]
enum PlaceColumns {
    LonLat(usize, usize),
    Geometry(usize, Option<Kind>),
}

/// What a geometry column is called and where that is known from, if there is one.
pub(crate) struct GeometryColumn {
    pub(crate) name: String,
    /// What the geometries are, where that is said.
    pub(crate) kind: Option<Kind>,
    pub(crate) why: String,
}

/// The name of the geometry column that an option names.
pub(crate) fn asked_for(schema: &Schema, name: &str, origin: &Origin) -> Result<String, LoadError> {
    let fields = schema
        .fields()
        .iter()
        .filter(|field| may_be_geometry(field));
    let seen: Vec<String> = fields.map(|field| field.name().clone()).collect();
    let found = columns::named(&seen, name).and_then(|at| seen.get(at));
    match found {
        Some(found) => Ok(found.clone()),
        None => Err(LoadError::NoSuchColumn {
            file: origin.file(),
            parameter: "--geom",
            name: name.to_owned(),
            seen,
        }),
    }
}

/// Where positions come from, of all the columns of geometries there are.
pub(crate) fn positions_from(column: &str, all: &[String]) -> String {
    let shown = |name: &str| crate::report::shown(name.as_bytes());
    let others: Vec<String> = all
        .iter()
        .filter(|n| *n != column)
        .map(|n| shown(n))
        .collect();
    let from = format!("positions from {}", shown(column));
    if others.is_empty() {
        return from;
    }
    format!("{from} (--geom takes {})", others.join(" or "))
}

impl Wanted {
    /// The columns of a schema: those asked for, the geometry, or those that look like it.
    pub(crate) fn find(
        schema: &Schema,
        geometry: Option<GeometryColumn>,
        options: &Options,
        file: &str,
    ) -> Result<(Self, Columns, Asked), LoadError> {
        let seen: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
        let no_column = |parameter, name: &str| LoadError::NoSuchColumn {
            file: file.to_owned(),
            parameter,
            name: name.to_owned(),
            seen: seen.clone(),
        };
        let asked = |parameter, name: &Option<String>| match name {
            Some(name) => columns::named(&seen, name)
                .map(Some)
                .ok_or_else(|| no_column(parameter, name)),
            None => Ok(None),
        };
        let (lon, lat) = (asked("--lon", &options.lon)?, asked("--lat", &options.lat)?);
        let by_geometry = geometry
            .filter(|_| lon.is_none() && lat.is_none())
            .and_then(|g| Some((columns::named(&seen, &g.name)?, g.kind, g.why)));
        let (place, position, why) = if let Some((at, kind, why)) = by_geometry {
            (PlaceColumns::Geometry(at, kind), Position::Geometry, why)
        } else {
            let lon = lon.or_else(|| columns::longitude(&seen));
            let lat = lat.or_else(|| columns::latitude(&seen));
            let (Some(lon), Some(lat)) = (lon, lat) else {
                return Err(LoadError::NoPositionColumns {
                    file: file.to_owned(),
                    missing: match (lon, lat) {
                        (None, None) => "longitude, latitude or geometry",
                        (None, _) => "longitude",
                        _ => "latitude",
                    },
                    seen,
                    hint: "name them with --lon and --lat",
                });
            };
            let name = |at: usize| seen.get(at).cloned().unwrap_or_default();
            let position = Position::LonLat {
                lon: name(lon),
                lat: name(lat),
            };
            let quoted = |at| columns::quoted(&seen, at);
            let why = format!(
                "longitude from {}, latitude from {}",
                quoted(lon),
                quoted(lat)
            );
            (PlaceColumns::LonLat(lon, lat), position, why)
        };
        let taken = match place {
            PlaceColumns::LonLat(lon, lat) => vec![lon, lat],
            PlaceColumns::Geometry(at, _) => vec![at],
        };
        let choice = columns::weight(&seen, options.weight.as_deref(), &taken)
            .map_err(|name| no_column("--weight", name))?;
        let columns = Columns {
            position,
            weight: choice.column.and_then(|at| seen.get(at)).cloned(),
            kept: Vec::new(),
            guess: Guess::of(&choice, &why),
            why: format!("{why}, {}", choice.why),
            seen,
        };
        let asked = Asked::find(options, &columns.seen, file)?;
        refuse_nested(schema, &asked, &columns.seen, file)?;
        let wanted = Self {
            place,
            weight: choice.column,
            others: asked.places().into_iter().map(|at| (at, at)).collect(),
        };
        Ok((wanted, columns, asked))
    }

    /// The leaf columns of the least and greatest x, then y: where rows are points those of x
    /// and of y twice.
    pub(crate) fn axes(&self, schema: &Schema) -> [String; 4] {
        let name = |at: usize| schema.fields().get(at).map_or("", |field| field.name());
        let (x, y) = match self.place {
            PlaceColumns::LonLat(lon, lat) => (name(lon).to_owned(), name(lat).to_owned()),
            PlaceColumns::Geometry(at, _) => (format!("{}.x", name(at)), format!("{}.y", name(at))),
        };
        [x.clone(), x, y.clone(), y]
    }

    /// The places of all columns that are read, rising.
    pub(crate) fn all(&self) -> Vec<usize> {
        let mut all = match self.place {
            PlaceColumns::LonLat(lon, lat) => vec![lon, lat],
            PlaceColumns::Geometry(at, _) => vec![at],
        };
        all.extend(self.weight);
        all.extend(self.others.iter().map(|other| other.0));
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The same columns by their place among [`all`](Self::all): of a batch that holds no others.
    pub(crate) fn projected(&self) -> Self {
        let all = self.all();
        let among = |at: usize| all.iter().position(|&a| a == at).unwrap_or(0);
        Self {
            place: match self.place {
                PlaceColumns::LonLat(lon, lat) => PlaceColumns::LonLat(among(lon), among(lat)),
                PlaceColumns::Geometry(at, kind) => PlaceColumns::Geometry(among(at), kind),
            },
            weight: self.weight.map(among),
            others: self.others.iter().map(|&(at, _)| (at, among(at))).collect(),
        }
    }

    /// Gives all rows of a batch to a judge.
    pub(crate) fn judge(&self, batch: &RecordBatch, judge: &mut Judge) -> Result<(), Ended> {
        let weights = self.weight.map(|at| Amounts::of(batch.column(at)));
        let weight = |row| weights.as_ref().map_or(Amount::Unused, |w| w.at(row));
        let other = |row, place| {
            let here = self.others.iter().find(|other| other.0 == place);
            here.map_or(Amount::Missing, |&(_, at)| any(batch.column(at), row))
        };
        match self.place {
            PlaceColumns::LonLat(lon, lat) => {
                let (lon, lat) = (batch.column(lon), batch.column(lat));
                let (lons, lats) = (Amounts::of(lon), Amounts::of(lat));
                for row in 0..batch.num_rows() {
                    if !judge.wants(|place| other(row, place))? {
                        continue;
                    }
                    match degrees(lons.at(row), lats.at(row)) {
                        Ok((x, y)) => judge.record(Geometry::Point(x, y), &weight(row))?,
                        Err((skip, found)) => judge.refuse(skip, found)?,
                    }
                }
            }
            PlaceColumns::Geometry(at, kind) => {
                for row in 0..batch.num_rows() {
                    if !judge.wants(|place| other(row, place))? {
                        continue;
                    }
                    geometry(batch.column(at), row, kind, &weight(row), judge)?;
                }
            }
        }
        Ok(())
    }
}

/// Refuses columns to filter by or to keep whose values are neither numbers, texts, times nor truths.
fn refuse_nested(
    schema: &Schema,
    asked: &Asked,
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
    let places = asked.places();
    let Some((at, kind)) = places.iter().find_map(nested) else {
        return Ok(());
    };
    let kind: String = kind.chars().take(60).collect();
    Err(LoadError::BadOption {
        file: file.to_owned(),
        parameter: if asked.keep.contains(&at) {
            "--keep"
        } else {
            "--filter"
        },
        message: format!(
            "the values of {} can't be read: they are of type {kind}; leave it out",
            columns::quoted(seen, at)
        ),
    })
}

/// Longitude and latitude, numbers or texts of numbers as in CSV; else why there are none, with
/// the one of the two that is to blame. An empty one comes first.
fn degrees(lon: Amount, lat: Amount) -> Result<(f64, f64), (Skip, String)> {
    if let (Amount::Number(x), Amount::Number(y)) = (&lon, &lat) {
        return Ok((*x, *y));
    }
    let empty = |amount: &Amount| match amount {
        Amount::Missing => Some("null".to_owned()),
        Amount::Text(text) if text.trim().is_empty() => Some(shown(text.as_bytes())),
        _ => None,
    };
    let number = |amount: &Amount| match amount {
        Amount::Number(number) => Ok(*number),
        Amount::Whole(number) => Ok(*number as f64),
        Amount::Text(text) => number::parse(text.as_bytes()).ok_or_else(|| shown(text.as_bytes())),
        Amount::Bool(truth) => Err(truth.to_string()),
        _ => Err("a date or time".to_owned()),
    };
    let both = [("longitude", &lon), ("latitude", &lat)];
    if let Some((axis, found)) = both.iter().find_map(|(axis, a)| Some((*axis, empty(a)?))) {
        return Err((Skip::NoPosition, format!("{axis} {found}")));
    }
    let bad = |axis: &'static str| move |found| (Skip::BadPosition, format!("{axis} {found}"));
    Ok((
        number(&lon).map_err(bad("longitude"))?,
        number(&lat).map_err(bad("latitude"))?,
    ))
}

/// A column whose values are numbers, or texts of numbers.
pub(crate) enum Amounts<'a> {
    F64(&'a ArrayRef, &'a [f64]),
    F32(&'a ArrayRef, &'a [f32]),
    Other(&'a ArrayRef),
}

impl<'a> Amounts<'a> {
    pub(crate) fn of(column: &'a ArrayRef) -> Self {
        match column.data_type() {
            DataType::Float64 => Self::F64(column, column.as_primitive::<Float64Type>().values()),
            DataType::Float32 => Self::F32(column, column.as_primitive::<Float32Type>().values()),
            _ => Self::Other(column),
        }
    }

    #[inline]
    pub(crate) fn at(&self, row: usize) -> Amount {
        match self {
            Self::F64(column, values) if column.null_count() == 0 => values
                .get(row)
                .map_or(Amount::Missing, |n| Amount::Number(*n)),
            Self::F32(column, values) if column.null_count() == 0 => values
                .get(row)
                .map_or(Amount::Missing, |n| Amount::Number(f64::from(*n))),
            Self::F64(column, _) | Self::F32(column, _) | Self::Other(column) => any(column, row),
        }
    }
}

/// A value of any type as a number, as the text of one, or as what it is.
fn any(column: &ArrayRef, row: usize) -> Amount {
    if row >= column.len() || column.is_null(row) {
        return Amount::Missing;
    }
    macro_rules! number {
        ($kind:ty) => {
            column.as_primitive::<$kind>().value(row) as f64
        };
    }
    macro_rules! whole {
        ($kind:ty) => {
            return Amount::whole(column.as_primitive::<$kind>().value(row))
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
        DataType::Boolean => return Amount::Bool(column.as_boolean().value(row)),
        DataType::Timestamp(unit, _) => {
            return Amount::Time(match unit {
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
            return Amount::Time(micros(days.into(), 86_400_000_000));
        }
        DataType::Date64 => {
            return Amount::Time(micros(column.as_primitive::<Date64Type>().value(row), 1000));
        }
        DataType::Utf8 => return Amount::Text(column.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => {
            return Amount::Text(column.as_string::<i64>().value(row).to_owned());
        }
        DataType::Utf8View => return Amount::Text(column.as_string_view().value(row).to_owned()),
        DataType::Dictionary(..) => {
            // one key alone: all of them are copied for whoever asks
            let own = column.slice(row, 1);
            let dictionary = own.as_any_dictionary();
            if dictionary.values().is_empty() {
                return Amount::Missing;
            }
            let key = dictionary.normalized_keys().first().copied();
            return key.map_or(Amount::Missing, |key| any(dictionary.values(), key));
        }
        other => return Amount::Text(format!("a value of type {other}")),
    };
    Amount::Number(number)
}

/// A count of some microseconds each; what is beyond all calendars stays there.
fn micros(count: i64, each: i64) -> i64 {
    count.saturating_mul(each)
}

/// A decimal: exactly where it is whole, else the nearest number.
fn decimal(digits: i128, scale: i8) -> Amount {
    let power = 10i128.checked_pow(u32::from(scale.unsigned_abs()));
    let whole = match power {
        Some(power) if scale > 0 => (digits % power == 0).then(|| digits / power),
        Some(power) => digits.checked_mul(power),
        None => None,
    };
    if let Some(whole) = whole {
        return Amount::whole(whole);
    }
    // the same rounding as of a text of these digits
    decimal_text(format!("{digits}e{}", -i32::from(scale)))
}

fn decimal_text(text: String) -> Amount {
    number::parse(text.as_bytes()).map_or(Amount::Text(text), Amount::Number)
}
