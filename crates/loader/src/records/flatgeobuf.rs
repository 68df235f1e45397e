//! FlatGeobuf: features in FlatBuffers, read one after the other.

use super::{Ended, Geometry, Judge, Opening, Reader, damaged, unreadable};
use crate::batch::Amount;
use crate::columns::{self, Columns, Position};
use crate::crs::Crs;
use crate::error::LoadError;
use crate::filter;
use crate::input::{Input, Origin};
use crate::open::Options;
use crate::source::Source;
use flatgeobuf::geozero::{ColumnValue, FeatureProperties, PropertyProcessor, error};
use flatgeobuf::{FallibleStreamingIterator, FgbFeature, FgbReader, GeometryType, Header};
use std::io::{Cursor, Read};

/// A source that reads an input as FlatGeobuf.
pub(crate) fn source(input: Input, options: &Options) -> Result<Box<dyn Source>, LoadError> {
    let Input {
        origin,
        sample,
        rest,
        ..
    } = input;
    let file = origin.file();
    let reader = FgbReader::open(Cursor::new(sample).chain(rest))
        .map_err(|error| failed(&origin, "header", error))?;
    let header = reader.header();
    let crs = system(&header, &file)?;
    let names = header
        .columns()
        .map(|columns| columns.iter().map(|c| c.name().to_owned()));
    let seen: Vec<String> = names.into_iter().flatten().collect();
    let kind = header.geometry_type();
    let choice = columns::weight(&seen, options.weight.as_deref(), &[]).map_err(|name| {
        LoadError::NoSuchColumn {
            file: file.clone(),
            parameter: "--weight",
            name: name.to_owned(),
            seen: seen.clone(),
        }
    })?;
    let columns = Columns {
        position: Position::Geometry,
        weight: choice.column.and_then(|at| seen.get(at)).cloned(),
        why: format!("positions from the geometries, {}", choice.why),
        seen,
    };
    let filter = filter::found(options.filter.as_ref(), &columns.seen, &file)?;
    let errors = origin.clone();
    let weight = choice.column;
    let read: Reader = Box::new(move |judge| read(reader, kind, weight, &errors, judge));
    let opening = Opening {
        origin,
        columns,
        crs,
        filter,
        strict: options.strict,
    };
    opening.start(vec![read])
}

/// The file's coordinate system; without one: longitude and latitude.
fn system(header: &Header<'_>, file: &str) -> Result<Crs, LoadError> {
    let Some(crs) = header.crs() else {
        return Ok(Crs::LonLat);
    };
    let ours = crs.org().is_none_or(|org| org.eq_ignore_ascii_case("EPSG"));
    match (u32::try_from(crs.code()), crs.wkt()) {
        (Ok(code @ 1..), _) if ours => Crs::of_epsg(code, file),
        (_, Some(wkt)) => Crs::of_wkt(wkt, file),
        _ => Ok(Crs::LonLat),
    }
}

fn read<R: Read>(
    reader: FgbReader<R>,
    kind: GeometryType,
    weight: Option<usize>,
    origin: &Origin,
    judge: &mut Judge,
) -> Result<(), Ended> {
    // 0: unknown
    let promised = reader.header().features_count();
    let mut features = reader
        .select_all_seq()
        .map_err(|error| failed(origin, "index", error))?;
    let mut number = 0u64;
    loop {
        number += 1;
        let feature = match features.next() {
            Ok(Some(feature)) => feature,
            Ok(None) if number <= promised => {
                let message = format!("{promised} features were promised");
                return Err(damaged(origin, format!("record {number}"), message).into());
            }
            Ok(None) => return Ok(()),
            Err(error) => return Err(failed(origin, format!("record {number}"), error).into()),
        };
        if !judge.wants(|column| amount(feature, column)) {
            continue;
        }
        let weight = match weight {
            Some(column) => amount(feature, column),
            None => Amount::Unused,
        };
        let Some(geometry) = feature.geometry() else {
            judge.record(Geometry::Nothing("geometry null"), &weight)?;
            continue;
        };
        let kind = if kind == GeometryType::Unknown {
            geometry.type_()
        } else {
            kind
        };
        let xy = geometry.xy();
        let mut pairs = xy.iter().flat_map(|xy| {
            let pair = move |i: usize| (xy.get(2 * i), xy.get(2 * i + 1));
            (0..xy.len() / 2).map(pair)
        });
        match kind {
            GeometryType::Point => match pairs.next() {
                Some((x, y)) => judge.record(Geometry::Point(x, y), &weight)?,
                None => judge.record(Geometry::Nothing("empty Point"), &weight)?,
            },
            GeometryType::MultiPoint => judge.record(Geometry::MultiPoint(&mut pairs), &weight)?,
            other => {
                let name = other.variant_name().unwrap_or("of an unknown kind");
                judge.record(Geometry::Other(name), &weight)?;
            }
        }
    }
}

/// A feature's value in a column.
fn amount(feature: &FgbFeature, column: usize) -> Amount {
    let mut wanted = Wanted {
        column,
        found: Amount::Missing,
    };
    match feature.process_properties(&mut wanted) {
        Ok(_) => wanted.found,
        Err(error) => Amount::Text(error.to_string()),
    }
}

struct Wanted {
    column: usize,
    found: Amount,
}

impl PropertyProcessor for Wanted {
    fn property(&mut self, at: usize, _: &str, value: &ColumnValue<'_>) -> error::Result<bool> {
        if at != self.column {
            return Ok(false);
        }
        self.found = match *value {
            ColumnValue::Byte(n) => Amount::Number(f64::from(n)),
            ColumnValue::UByte(n) => Amount::Number(f64::from(n)),
            ColumnValue::Short(n) => Amount::Number(f64::from(n)),
            ColumnValue::UShort(n) => Amount::Number(f64::from(n)),
            ColumnValue::Int(n) => Amount::Number(f64::from(n)),
            ColumnValue::UInt(n) => Amount::Number(f64::from(n)),
            ColumnValue::Long(n) => Amount::Number(n as f64),
            ColumnValue::ULong(n) => Amount::Number(n as f64),
            ColumnValue::Float(n) => Amount::Number(f64::from(n)),
            ColumnValue::Double(n) => Amount::Number(n),
            ColumnValue::Bool(b) => Amount::Number(f64::from(u8::from(b))),
            ColumnValue::String(s) | ColumnValue::Json(s) | ColumnValue::DateTime(s) => {
                Amount::Text(s.to_owned())
            }
            ColumnValue::Binary(_) => Amount::Text("binary data".to_owned()),
        };
        Ok(true)
    }
}

fn failed(origin: &Origin, place: impl ToString, error: flatgeobuf::Error) -> LoadError {
    match error {
        flatgeobuf::Error::IO(error) => unreadable(origin, place, error),
        other => damaged(origin, place, other),
    }
}
