//! Shapefiles: points in `.shp`, attributes in `.dbf`, the coordinate system in `.prj`.

use super::nearby::Nearby;
use super::{Ended, Geometry, Judge, Opening, Reader, damaged, unreadable};
use crate::asked::Asked;
use crate::batch::Amount;
use crate::columns::Columns;
use crate::crs::Crs;
use crate::error::LoadError;
use crate::filter::time;
use crate::input::Origin;
use crate::open::Options;
use crate::source::Source;
use dbase::encoding::DynEncoding;
use dbase::{FieldIndex, FieldValue};
use shapefile::{Shape, ShapeReader};
use std::fs::{self, File};
use std::io::{BufReader, Read, Seek};
use std::path::Path;

/// A source that reads the Shapefile of a `.shp` path.
pub(crate) fn source(
    path: &Path,
    mut origin: Origin,
    options: &Options,
) -> Result<Box<dyn Source>, LoadError> {
    let file = origin.file();
    let open = |path: &Path| {
        File::open(path).map_err(|source| LoadError::Open {
            file: path.display().to_string(),
            source,
        })
    };
    let shp = open(path)?;
    origin.bytes_total = shp.metadata().ok().map(|m| m.len());
    let shapes = ShapeReader::new(BufReader::new(origin.counted(shp)))
        .map_err(|error| failed(&origin, "header", error))?;
    let crs = match companion(path, "prj").and_then(|path| fs::read(path).ok()) {
        Some(text) => Crs::of_wkt(&String::from_utf8_lossy(&text), &file)?,
        None => Crs::LonLat,
    };
    let table = match companion(path, "dbf") {
        Some(dbf) => Some(Table::open(&dbf, path, &origin)?),
        None => None,
    };
    let seen: Vec<String> = table.iter().flat_map(Table::names).collect();
    let system = if companion(path, "prj").is_some() {
        "positions from the shapes"
    } else {
        "positions from the shapes, taken as longitude and latitude (there is no .prj)"
    };
    let (columns, weight) = Columns::of_geometries(seen, options.weight.as_deref(), system, &file)?;
    let asked = Asked::find(options, &columns.seen, &file)?;
    let errors = origin.clone();
    let reader: Reader = Box::new(move |judge| read(shapes, table, weight, &errors, judge));
    let opening = Opening {
        origin,
        columns,
        crs,
        asked,
        within: options.within,
        strict: options.strict,
    };
    opening.start(vec![reader])
}

fn read<T: Read + Seek>(
    mut shapes: ShapeReader<T>,
    mut table: Option<Table>,
    weight: Option<usize>,
    origin: &Origin,
    judge: &mut Judge,
) -> Result<(), Ended> {
    for (record, shape) in shapes.iter_shapes().enumerate() {
        let shape = shape.map_err(|e| failed(origin, format!("record {}", record + 1), e))?;
        let mut value = |column| match &mut table {
            Some(table) => table.value(record, column),
            None => Amount::Missing,
        };
        if !judge.wants(&mut value) {
            continue;
        }
        let weight = weight.map_or(Amount::Unused, value);
        match shape {
            Shape::NullShape => judge.record(Geometry::Nothing("null shape"), &weight)?,
            Shape::Point(p) => judge.record(Geometry::Point(p.x, p.y), &weight)?,
            Shape::PointM(p) => judge.record(Geometry::Point(p.x, p.y), &weight)?,
            Shape::PointZ(p) => judge.record(Geometry::Point(p.x, p.y), &weight)?,
            Shape::Multipoint(m) => many(judge, m.points().iter().map(|p| (p.x, p.y)), &weight)?,
            Shape::MultipointM(m) => many(judge, m.points().iter().map(|p| (p.x, p.y)), &weight)?,
            Shape::MultipointZ(m) => many(judge, m.points().iter().map(|p| (p.x, p.y)), &weight)?,
            other => judge.record(Geometry::Other(&other.shapetype().to_string()), &weight)?,
        }
    }
    Ok(())
}

fn many(
    judge: &mut Judge,
    mut points: impl Iterator<Item = (f64, f64)>,
    weight: &Amount,
) -> Result<(), Ended> {
    Ok(judge.record(Geometry::MultiPoint(&mut points), weight)?)
}

fn failed(origin: &Origin, place: impl ToString, error: shapefile::Error) -> LoadError {
    match error {
        shapefile::Error::IoError(error) => unreadable(origin, place, error),
        other => damaged(origin, place, other),
    }
}

/// Whether a file only belongs to another: the table, index, projection … of a Shapefile.
pub fn is_companion(path: &Path) -> bool {
    const COMPANIONS: [&str; 9] = [
        "dbf", "shx", "prj", "cpg", "qix", "qpj", "sbn", "sbx", "qmd",
    ];
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    COMPANIONS.iter().any(|known| extension == *known)
}

/// The file beside a `.shp` that has another extension, in small or capital letters.
fn companion(path: &Path, extension: &str) -> Option<std::path::PathBuf> {
    [extension.to_owned(), extension.to_uppercase()]
        .into_iter()
        .map(|extension| path.with_extension(extension))
        .find(|path| path.is_file())
}

/// The attributes: only the fields that are asked for are ever read.
struct Table {
    file: dbase::File<Nearby<File>>,
}

impl Table {
    fn open(dbf: &Path, shp: &Path, origin: &Origin) -> Result<Self, LoadError> {
        let name = dbf.display().to_string();
        let opened = File::open(dbf).map_err(|source| LoadError::Open { file: name, source })?;
        let nearby = Nearby::new(opened);
        // what encoding the names and texts are in
        let encoding = companion(shp, "cpg")
            .and_then(|path| fs::read_to_string(path).ok())
            .and_then(|name| DynEncoding::from_name(name.trim()));
        let file = match encoding {
            Some(encoding) => dbase::File::open_with_encoding(nearby, encoding),
            None => dbase::File::open(nearby),
        };
        let file = file.map_err(|error| damaged(origin, "the .dbf beside it", error))?;
        Ok(Self { file })
    }

    fn names(&self) -> Vec<String> {
        self.file
            .fields()
            .iter()
            .map(|f| f.name().to_owned())
            .collect()
    }

    /// What a record has in a field; one that the table lacks has nothing.
    fn value(&mut self, record: usize, column: usize) -> Amount {
        let Some(mut record) = self.file.record(record) else {
            return Amount::Missing;
        };
        match record.read_field(FieldIndex(column)) {
            Ok(value) => amount(value),
            Err(error) => Amount::Text(error.to_string()),
        }
    }
}

fn amount(value: FieldValue) -> Amount {
    let number = |n: Option<f64>| n.map_or(Amount::Missing, Amount::Number);
    match value {
        FieldValue::Numeric(n) => number(n),
        FieldValue::Float(n) => number(n.map(f64::from)),
        FieldValue::Integer(n) => Amount::Number(f64::from(n)),
        FieldValue::Currency(n) | FieldValue::Double(n) => Amount::Number(n),
        FieldValue::Character(text) => text.map_or(Amount::Missing, Amount::Text),
        FieldValue::Logical(truth) => truth.map_or(Amount::Missing, Amount::Bool),
        FieldValue::Date(date) => date.map_or(Amount::Missing, |date| {
            let (year, month, day) = (date.year(), date.month(), date.day());
            let text = format!("{year:04}-{month:02}-{day:02}");
            time(&text).map_or(Amount::Text(text), Amount::Time)
        }),
        other => Amount::Text(format!("{other:?}")),
    }
}
