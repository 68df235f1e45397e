//! Reading of FIT, the binary format of activities that devices of Garmin and others write: the
//! positions of record messages.
//!
//! The crate `fitparser` is not used, since it brings a profile of three megabytes of source,
//! chrono and nom. What is read here is one kind of message with ten fields.

mod message;

use super::whole::whole;
use super::{Geometry, ReadFailure, RecordReader, RecordSink, RecordSourceBuilder};
use crate::columns::resolve::{Geometries, Names, resolve};
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::{Input, Origin};
use crate::options::LoadOptions;
use crate::source::Source;
use crate::value::Value;
use message::{FitMessage, FitReader};

/// The seconds from 1970 to the moment from which FIT counts times, the 31st of December 1989.
const EPOCH: i64 = 631_065_600;

/// The degrees in one of FIT's units of angle, the semicircle: 2³¹ units are 180°.
const SEMICIRCLE: f64 = 180.0 / 2_147_483_648.0;

/// The number of the field that has a message's time.
const TIMESTAMP: u8 = 253;

/// The numbers of the fields that have a message's longitude and latitude.
const POSITION: (u8, u8) = (1, 0);

/// A column of numbers. `fields` lists the fields of a message that may hold the column's value,
/// each with a scale and an offset: the value is the stored number / scale − offset. If a message
/// has several of these fields, the one that comes last in `fields` counts, since it has the most
/// digits.
struct FitColumn {
    name: &'static str,
    fields: &'static [(u8, f64, f64)],
}

/// The columns that follow the column of times, by the fields that FIT's profile defines for record
/// messages.
const COLUMNS: [FitColumn; 7] = [
    FitColumn {
        name: "altitude",
        fields: &[(2, 5.0, 500.0), (78, 5.0, 500.0)],
    },
    FitColumn {
        name: "heart_rate",
        fields: &[(3, 1.0, 0.0)],
    },
    FitColumn {
        name: "cadence",
        fields: &[(4, 1.0, 0.0)],
    },
    FitColumn {
        name: "distance",
        fields: &[(5, 100.0, 0.0)],
    },
    FitColumn {
        name: "speed",
        fields: &[(6, 1000.0, 0.0), (73, 1000.0, 0.0)],
    },
    FitColumn {
        name: "power",
        fields: &[(7, 1.0, 0.0)],
    },
    FitColumn {
        name: "temperature",
        fields: &[(13, 1.0, 0.0)],
    },
];

/// Returns whether a file that begins with `sample` is FIT.
pub(crate) fn is_fit(sample: &[u8]) -> bool {
    matches!(sample.first(), Some(12 | 14)) && sample.get(8..12) == Some(b".FIT")
}

/// A source that reads an input as FIT.
pub(crate) fn source(input: Input, options: &LoadOptions) -> Result<Box<dyn Source>, LoadError> {
    let Input {
        origin,
        sample,
        rest,
        ..
    } = input;
    let names = COLUMNS.iter().map(|column| column.name);
    let seen = std::iter::once("timestamp").chain(names);
    let seen = seen.map(str::to_owned).collect();
    let geometries = Geometries {
        column: None,
        why: "read as FIT: positions from records".to_owned(),
    };
    let found = resolve(seen, Names::Typed, options, Some(geometries), &origin.name)?;
    let weight = found.weight;
    let errors = origin.clone();
    let bytes = whole(sample, rest);
    let reader: RecordReader = Box::new(move |sink| read(bytes, &errors, weight, sink));
    RecordSourceBuilder::new(origin, found, Crs::LonLat, options).start(vec![reader])
}

/// Sends all record messages to a sink. `weight` is the index of the column of weights; `None` if
/// every position counts 1.
fn read(
    bytes: impl std::io::BufRead,
    origin: &Origin,
    weight: Option<usize>,
    sink: &mut RecordSink,
) -> Result<(), ReadFailure> {
    let mut reader = FitReader::new(bytes, origin.clone());
    while let Some(message) = reader.next_record()? {
        let value = |column: usize| value(&message, column);
        if !sink.selects(value)? {
            continue;
        }
        let weight = weight.map(value);
        let (lon, lat) = (message.number(POSITION.0), message.number(POSITION.1));
        let geometry = match (lon, lat) {
            (Some(lon), Some(lat)) => Geometry::Point(lon * SEMICIRCLE, lat * SEMICIRCLE),
            // Indoors, and while there is no reception.
            _ => Geometry::Nothing("record without position"),
        };
        sink.record(geometry, weight.as_ref())?;
    }
    Ok(())
}

/// The value of a record message in a column. Column 0 is the time.
fn value(message: &FitMessage<'_>, column: usize) -> Value<'static> {
    let Some(at) = column.checked_sub(1) else {
        let seconds = message.timestamp.map(|seconds| i64::from(seconds) + EPOCH);
        return seconds.map_or(Value::Null, |seconds| Value::Time(seconds * 1_000_000));
    };
    let fields = COLUMNS.get(at).map_or(&[][..], |column| column.fields);
    let mut numbers = fields.iter().rev().filter_map(|(field, scale, offset)| {
        let stored = message.number(*field)?;
        Some(stored / scale - offset)
    });
    numbers.next().map_or(Value::Null, Value::float)
}
