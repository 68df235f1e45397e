//! FlatGeobuf: features in FlatBuffers, read one after the other.

use super::nearby::Nearby;
use super::{Ended, Geometry, Judge, Opening, Reader, damaged, unreadable};
use crate::asked::Asked;
use crate::batch::Amount;
use crate::bounds::Bounds;
use crate::columns::Columns;
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::{Input, Origin};
use crate::open::Options;
use crate::source::Source;
use flatgeobuf::geozero::{ColumnValue, FeatureProperties, PropertyProcessor, error};
use flatgeobuf::{FallibleStreamingIterator, FgbFeature, FgbReader, GeometryType, Header};
use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::path::Path;

/// A source that reads an input as FlatGeobuf, feature by feature.
pub(crate) fn source(input: Input, options: &Options) -> Result<Box<dyn Source>, LoadError> {
    let Input {
        origin,
        sample,
        rest,
        ..
    } = input;
    let reader = FgbReader::open(Cursor::new(sample).chain(rest))
        .map_err(|error| failed(&origin, "header", error))?;
    Plan::of(&reader.header(), origin, options)?.all(reader)
}

/// A source that reads a part of the file of a path, by its index if it has one.
pub(crate) fn file(
    path: &Path,
    origin: Origin,
    options: &Options,
) -> Result<Box<dyn Source>, LoadError> {
    let file = File::open(path).map_err(|source| LoadError::Open {
        file: origin.file(),
        source,
    })?;
    let reader = FgbReader::open(Nearby::new(origin.counted(file)))
        .map_err(|error| failed(&origin, "header", error))?;
    let header = reader.header();
    let plan = Plan::of(&header, origin, options)?;
    match options
        .within
        .filter(|_| plan.has_index_of_degrees(&header))
    {
        Some(within) => plan.part(reader, within),
        None => plan.all(reader),
    }
}

/// How a file is read.
struct Plan {
    opening: Opening,
    kind: GeometryType,
    weight: Option<usize>,
    /// How many features the header promises; 0: unknown.
    promised: u64,
}

impl Plan {
    fn of(header: &Header<'_>, origin: Origin, options: &Options) -> Result<Self, LoadError> {
        let file = origin.file();
        let crs = system(header, &file)?;
        let names = header.columns();
        let names = names.map(|columns| columns.iter().map(|c| c.name().to_owned()));
        let seen: Vec<String> = names.into_iter().flatten().collect();
        let asked = options.weight.as_deref();
        let (columns, weight) =
            Columns::of_geometries(seen, asked, "positions from the geometries", &file)?;
        let asked = Asked::find(options, &columns.seen, &file)?;
        Ok(Self {
            opening: Opening {
                origin,
                columns,
                crs,
                asked,
                within: options.within,
                strict: options.strict,
            },
            kind: header.geometry_type(),
            weight,
            promised: header.features_count(),
        })
    }

    /// Whether the index can be asked for degrees as they are meant.
    fn has_index_of_degrees(&self, header: &Header<'_>) -> bool {
        let envelope: Vec<f64> = header.envelope().iter().flat_map(|e| e.iter()).collect();
        let one_turn = match envelope.as_slice() {
            &[west, _, east, ..] => west >= -180.0 && east <= 180.0,
            _ => false,
        };
        let indexed = header.index_node_size() > 0 && self.promised > 0;
        indexed && one_turn && matches!(self.opening.crs, Crs::LonLat)
    }

    fn all<R: Read + Send + 'static>(
        self,
        reader: FgbReader<R>,
    ) -> Result<Box<dyn Source>, LoadError> {
        let promised = self.promised;
        self.start(promised, move || reader.select_all_seq())
    }

    fn part<R: Read + Seek + Send + 'static>(
        self,
        reader: FgbReader<R>,
        within: Bounds,
    ) -> Result<Box<dyn Source>, LoadError> {
        let [west, south, east, north] = within.edges();
        // a part across ±180 has two sides: the index is asked for both at once
        let (west, east) = if west < -180.0 || east > 180.0 {
            (-180.0, 180.0)
        } else {
            (west, east)
        };
        self.start(0, move || reader.select_bbox(west, south, east, north))
    }

    fn start<F>(
        self,
        promised: u64,
        select: impl FnOnce() -> Result<F, flatgeobuf::Error> + Send + 'static,
    ) -> Result<Box<dyn Source>, LoadError>
    where
        F: FallibleStreamingIterator<Item = FgbFeature, Error = flatgeobuf::Error>,
    {
        let (kind, weight, origin) = (self.kind, self.weight, self.opening.origin.clone());
        let reader: Reader = Box::new(move |judge| {
            let features = select().map_err(|error| failed(&origin, "index", error))?;
            read(features, promised, kind, weight, &origin, judge)
        });
        self.opening.start(vec![reader])
    }
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

fn read(
    mut features: impl FallibleStreamingIterator<Item = FgbFeature, Error = flatgeobuf::Error>,
    promised: u64,
    kind: GeometryType,
    weight: Option<usize>,
    origin: &Origin,
    judge: &mut Judge,
) -> Result<(), Ended> {
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
            ColumnValue::Bool(b) => Amount::Bool(b),
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
