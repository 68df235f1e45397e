//! JSON with an array, or an object, for each column: `{"lat": [ … ], "lon": [ … ]}`, and pandas'
//! `{"lat": {"0": …}, "lon": {"0": …}}`.

use super::held_document::HeldDocument;
use super::held_forms::is_column;
use super::path::{PathStep, members, offset_in};
use crate::columns::Schema;
use crate::columns::resolve::{Names, PositionColumns, resolve};
use crate::error::LoadError;
use crate::geojson::object::typed;
use crate::geojson::skip_value;
use crate::input::Input;
use crate::messages::shown;
use crate::options::LoadOptions;
use crate::places::{EXAMINED, PlaceColumn, PlaceColumnError, PlaceSample, TextForm, is_wanted};
use crate::records::{ReadFailure, RecordSink, damaged};
use crate::source::Source;
use crate::value::Value;
use std::ops::Range;

/// A source for JSON that has an array or object per column. `path` leads to the object that holds
/// the columns. `sample` is the beginning of the input, which was read before.
pub(super) fn source(
    input: Input,
    sample: Vec<u8>,
    path: &[PathStep],
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let document = HeldDocument::read(input, sample, (path, "column-wise JSON"), options)?;
    let object = document.root();
    let (mut names, mut ranges) = (Vec::new(), Vec::new());
    for (name, value) in members(object).filter(|(_, value)| is_column(value.json)) {
        let start = offset_in(&document.text, value.json);
        names.push(name.into_owned());
        ranges.push(start..start + value.json.len());
    }
    let file = document.origin.file();
    let text = |range: &Range<usize>| document.text.get(range.clone()).unwrap_or_default();
    let columns: Vec<&[u8]> = ranges.iter().map(text).collect();
    let place = whole_column(&names, &columns, options, &file)?;
    let geometries = place.as_ref().map(PlaceColumn::geometries);
    let mut found = resolve(names.clone(), Names::Typed, options, geometries, &file)?;
    found.columns.why = format!("read as columns of JSON: {}", found.columns.why);
    if let Some(guess) = &mut found.columns.guess {
        guess.positions = format!("read as columns of JSON: {}", guess.positions);
    }
    let (position, mut wanted) = match (found.position, &place) {
        (PositionColumns::LonLat(lon, lat), _) => {
            (ColumnPosition::LonLat(lon, lat), vec![lon, lat])
        }
        (PositionColumns::Geometry(Some(at)), Some(place)) => {
            if !matches!(place.srid, 0 | 4326) {
                return Err(LoadError::Unsupported {
                    file,
                    message: format!(
                        "its geometries are of EPSG:{}, and positions of JSON must be degrees",
                        place.srid
                    ),
                });
            }
            (
                ColumnPosition::Whole(at, (place.form, place.srid)),
                vec![at],
            )
        }
        _ => return Err(LoadError::NoRows { file }),
    };
    wanted.extend(found.weight);
    wanted.extend(found.selection.places());
    wanted.sort_unstable();
    wanted.dedup();
    let reading = ColumnReading {
        columns: wanted
            .into_iter()
            .filter_map(|at| Some((at, names.get(at)?.clone(), ranges.get(at)?.clone())))
            .collect(),
        position,
        weight: found.weight,
    };
    document.source(found, options, move |document, sink| {
        reading.read(document, sink)
    })
}

/// The column of whole positions among the columns called `names`, whose JSON texts are `columns`;
/// `None` if there is none.
fn whole_column(
    names: &[String],
    columns: &[&[u8]],
    options: &LoadOptions,
    file: &str,
) -> Result<Option<PlaceColumn>, LoadError> {
    if !is_wanted(names, options) {
        return Ok(None);
    }
    let refused = |error: PlaceColumnError| error.into_load_error(Schema { names, file });
    let mut sample = PlaceSample::new(names, options).map_err(refused)?;
    for (at, column) in columns.iter().enumerate() {
        for (_, json) in values(column).take(EXAMINED) {
            sample.note_value(at, &typed(json));
        }
    }
    sample.find().map_err(refused)
}

/// The columns of positions, by their indexes among all columns of the document.
#[derive(Clone, Copy)]
enum ColumnPosition {
    LonLat(usize, usize),
    /// A column of whole positions, their form, and the EPSG number that they state, 0 if they
    /// state none.
    Whole(usize, (TextForm, u32)),
}

/// The columns to read. For each column: its index among all columns of the document, its name, and
/// the range of its JSON text in bytes of the document. `weight` is an index among all columns too;
/// it is `None` if every row counts 1.
struct ColumnReading {
    columns: Vec<(usize, String, Range<usize>)>,
    position: ColumnPosition,
    weight: Option<usize>,
}

/// A key and its value in a column, both as JSON texts. The key is empty if the column is an array
/// and not an object.
type KeyedValue<'a> = (&'a [u8], &'a [u8]);

/// The values of one column, in the order of the rows.
type ColumnValues<'a> = Box<dyn Iterator<Item = KeyedValue<'a>> + 'a>;

fn values(column: &[u8]) -> ColumnValues<'_> {
    match column.first() {
        Some(b'{') => Box::new(skip_value::members(column)),
        _ => Box::new(skip_value::elements(column).map(|value| (&b""[..], value))),
    }
}

impl ColumnReading {
    fn read(&self, document: &HeldDocument, sink: &mut RecordSink) -> Result<(), ReadFailure> {
        let text = |range: &Range<usize>| document.text.get(range.clone()).unwrap_or_default();
        let mut all: Vec<(usize, ColumnValues<'_>)> = self
            .columns
            .iter()
            .map(|(at, _, range)| (*at, values(text(range))))
            .collect();
        for number in 1u64.. {
            let row: Vec<_> = all
                .iter_mut()
                .map(|(at, values)| (*at, values.next()))
                .collect();
            if row.iter().all(|(_, value)| value.is_none()) {
                break;
            }
            let key = row
                .first()
                .and_then(|(_, value)| *value)
                .map(|(key, _)| key);
            let differs = row
                .iter()
                .position(|(_, value)| value.map(|(key, _)| key) != key);
            if let Some(at) = differs {
                let name = self.columns.get(at).map_or("", |column| &column.1);
                let message = format!(
                    "column {} has other rows than the column before it",
                    shown(name.as_bytes())
                );
                return Err(damaged(&document.origin, format!("row {number}"), message).into());
            }
            self.row(&row, sink)?;
        }
        Ok(())
    }

    fn row(
        &self,
        row: &[(usize, Option<KeyedValue<'_>>)],
        sink: &mut RecordSink,
    ) -> Result<(), ReadFailure> {
        let json = |column: usize| {
            let found = row.iter().find(|(at, _)| *at == column);
            found.and_then(|(_, value)| *value).map(|(_, json)| json)
        };
        let value = |column: usize| json(column).map_or(Value::Null, |json| owned(typed(json)));
        if !sink.selects(value)? {
            return Ok(());
        }
        let weight = self.weight.map(value);
        let weight = weight.as_ref();
        match self.position {
            ColumnPosition::LonLat(lon, lat) => sink.degrees(&value(lon), &value(lat), weight)?,
            ColumnPosition::Whole(at, whole) => sink.whole_position(&value(at), whole, weight)?,
        }
        Ok(())
    }
}

/// Copies a value, so that it no longer borrows its text from the document.
pub(super) fn owned(value: Value<'_>) -> Value<'static> {
    match value {
        Value::Text(text) => Value::text(text),
        Value::Null => Value::Null,
        Value::Number(number) => Value::Number(number),
        Value::Time(time) => Value::Time(time),
        Value::Bool(truth) => Value::Bool(truth),
    }
}
