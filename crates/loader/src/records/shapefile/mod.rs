//! Reading of Shapefiles. The `.shp` holds the points, the `.shx` the offset of each record, the
//! `.dbf` the attributes, the `.prj` the coordinate system, and the `.cpg` the code page.
//!
//! Shapefiles are read as GDAL does. If there is a `.shx` that fits the `.shp`, records are found
//! by its offsets, else they are read in sequence. A record whose row in the `.dbf` is marked as
//! deleted is left out. If a header states another length than its file has, everything in the file
//! is read, and the report has a note.

mod code_page;
mod code_page_tables;
mod companions;
mod dbf;
mod field;
mod index;
mod shapes;

use super::{
    Geometry, ReadFailure, RecordReader, RecordSink, RecordSourceBuilder, damaged, unreadable,
};
use crate::columns::resolve::{Geometries, Names, resolve};
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::Origin;
use crate::options::LoadOptions;
use crate::parameter::Parameter;
use crate::shape::{Outline, ShapeKind};
use crate::source::Source;
use crate::value::Value;
pub use companions::is_companion;
use companions::{companion, text};
use dbf::{AttributeTable, CodePageSource, RowState};
use index::ShxIndex;
use shapes::{Shapes, ShpShape};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

/// The number of entries of a `.shx` that are compared with the `.shp` before the `.shx` is used: a
/// choice.
const TRIED: usize = 32;

/// A source that reads the Shapefile at the path of its `.shp`.
pub(crate) fn source(
    path: &Path,
    mut origin: Origin,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let file = origin.file();
    let failed = |source| LoadError::Open {
        file: path.display().to_string(),
        source,
    };
    let shp = File::open(path).map_err(failed)?;
    let size = shp.metadata().map_err(failed)?.len();
    origin.bytes_total = Some(size);
    let mut shapes = Shapes::new(origin.counted(shp), size)
        .map_err(|error| unreadable(&origin, "header", error))?;
    let projection = text(path, "prj", &origin)?;
    let crs = match &projection {
        Some(text) => {
            Crs::refuse_option(options, &file, "the .prj beside it")?;
            Crs::from_wkt(text, &file)?
        }
        None => Crs::unstated(options, &file)?,
    };
    let table = match companion(path, "dbf") {
        Some(dbf) => {
            let stated = match options.encoding {
                Some(encoding) => CodePageSource::Requested(encoding.decoder()),
                None => CodePageSource::Beside(text(path, "cpg", &origin)?),
            };
            Some(AttributeTable::open(&dbf, stated, &origin)?)
        }
        None => None,
    };
    let seen: Vec<String> = table.iter().flat_map(AttributeTable::names).collect();
    let system = if projection.is_some() || options.srid.is_some() {
        "positions from the shapes"
    } else {
        "positions from the shapes, taken as longitude and latitude (there is no .prj)"
    };
    let unread = |at| table.as_ref().and_then(|table| table.unread(at));
    let choose = |options: &LoadOptions| {
        let geometries = Geometries {
            column: None,
            why: system.to_owned(),
        };
        resolve(seen.clone(), Names::Typed, options, Some(geometries), &file)
    };
    let mut found = choose(options)?;
    if options.weight.is_none() && found.weight.and_then(unread).is_some() {
        found = choose(&LoadOptions {
            weight: Some("none".to_owned()),
            ..options.clone()
        })?;
    }
    let weight = found.weight;
    let selection = &found.selection;
    let wanted: Vec<usize> = selection.places().into_iter().chain(weight).collect();
    if let Some((at, why)) = wanted.iter().find_map(|at| Some((*at, unread(*at)?))) {
        let name = crate::columns::quoted(&found.columns.seen, at);
        return Err(LoadError::BadOption {
            file,
            parameter: match at {
                at if weight == Some(at) => Parameter::Weight,
                at if selection.keep.contains(&at) => Parameter::Keep,
                _ => Parameter::Filter,
            },
            message: format!("the values of {name} can't be read: {why}; leave it out"),
        });
    }
    let mut notes: Vec<String> = Vec::new();
    notes.extend(table.as_ref().and_then(|table| table.doubt(&wanted)));
    let index = match companion(path, "shx") {
        Some(shx) => match fitting(&shx, &mut shapes, table.as_ref()) {
            Ok(index) => Some(index),
            Err(why) => {
                notes.push(format!("the .shx is not used: {why}"));
                None
            }
        },
        None => None,
    };
    let reading = ShapefileReader {
        shapes,
        index,
        table,
        weight,
        origin: origin.clone(),
    };
    let reader: RecordReader = Box::new(move |sink| {
        for note in notes {
            sink.note(note);
        }
        reading.read(sink)
    });
    RecordSourceBuilder::new(origin, found, crs, options).start(vec![reader])
}

/// Opens the index (`.shx`) of a `.shp` and checks it. The error is the reason why the index can't
/// be used.
fn fitting<R: Read + Seek>(
    shx: &Path,
    shapes: &mut Shapes<R>,
    table: Option<&AttributeTable>,
) -> Result<ShxIndex, String> {
    let mut index = ShxIndex::open(shx).map_err(|error| error.to_string())?;
    let ShxIndex {
        records, stated, ..
    } = index;
    // An index that has fewer entries than its header states was cut off, unless its entries are as
    // many as the rows of the table.
    if stated > records && table.is_none_or(|table| table.rows != records) {
        return Err(format!(
            "by its header it has {stated} records, and there are {records}"
        ));
    }
    match misplaced(&mut index, shapes) {
        Ok(None) => Ok(index),
        Ok(Some(number)) => Err(format!("record {number} is not where it says")),
        Err(error) => Err(error.to_string()),
    }
}

/// The number, counted from 1, of the first record that isn't at the offset that the index states.
/// `None` if the first [`TRIED`] records are all at their offsets.
fn misplaced<R: Read + Seek>(
    index: &mut ShxIndex,
    shapes: &mut Shapes<R>,
) -> io::Result<Option<usize>> {
    for number in 1..=TRIED {
        let Some(place) = index.next()? else { break };
        if !shapes.has(place)? {
            return Ok(Some(number));
        }
    }
    index.rewind()?;
    Ok(None)
}

/// The files of a Shapefile that is read, and the index of the column of weights.
struct ShapefileReader<R> {
    shapes: Shapes<R>,
    index: Option<ShxIndex>,
    table: Option<AttributeTable>,
    weight: Option<usize>,
    origin: Origin,
}

/// The line or area of a shape with the type's name `name`; `None` for other types. The direction
/// of a ring states whether it is a hole.
fn outline(name: &str, parts: Vec<Vec<(f64, f64)>>) -> Option<Outline> {
    match ShapeKind::from_name(name)? {
        ShapeKind::Area => Some(Outline::from_directions(&parts)),
        kind => {
            let mut outline = Outline::new(kind);
            for part in parts {
                outline.add_line(part);
            }
            Some(outline)
        }
    }
}

/// The next record of a `.shp`, or the end of the file.
enum NextRecord {
    Shape(ShpShape),
    /// A record that can't be read, for the given reason. The records after it can be read.
    Broken(String),
    End,
}

impl<R: Read + Seek> ShapefileReader<R> {
    fn read(mut self, sink: &mut RecordSink) -> Result<(), ReadFailure> {
        let mut record = 0;
        loop {
            let next = self.next(record)?;
            if let NextRecord::End = next {
                break;
            }
            self.record(record, next, sink)?;
            record += 1;
        }
        if self.index.is_none() && self.shapes.is_short() {
            self.check_end(record)?;
        }
        for note in self.notes(record) {
            sink.note(note);
        }
        Ok(())
    }

    fn next(&mut self, record: u64) -> Result<NextRecord, ReadFailure> {
        let Some(index) = &mut self.index else {
            let shape = self.shapes.next(record);
            let shape = shape.map_err(|error| self.failed(record, error))?;
            return Ok(shape.map_or(NextRecord::End, NextRecord::Shape));
        };
        let place = index
            .next()
            .map_err(|error| unreadable(&self.origin, "the .shx beside it", error))?;
        let Some(place) = place else {
            return Ok(NextRecord::End);
        };
        match self.shapes.at(place) {
            Ok(shape) => Ok(NextRecord::Shape(shape)),
            Err(error) => match error.kind() {
                io::ErrorKind::InvalidData => Ok(NextRecord::Broken(error.to_string())),
                // The `.shp` is as long as its header states, so the index is wrong.
                io::ErrorKind::UnexpectedEof if !self.shapes.is_short() => {
                    Ok(NextRecord::Broken(error.to_string()))
                }
                _ => Err(self.failed(record, error).into()),
            },
        }
    }

    fn record(
        &mut self,
        record: u64,
        next: NextRecord,
        sink: &mut RecordSink,
    ) -> Result<(), ReadFailure> {
        if let Some(table) = &mut self.table {
            let row = table.go_to(record);
            let row = row.map_err(|error| unreadable(&self.origin, "the .dbf beside it", error))?;
            if row == RowState::Deleted {
                return Ok(sink.deleted()?);
            }
        }
        let table = self.table.as_ref();
        let value = |column| table.map_or(Value::Null, |table| table.value(column));
        if !sink.selects(value)? {
            return Ok(());
        }
        let weight = self.weight.map(value);
        let weight = weight.as_ref();
        match next {
            NextRecord::Shape(ShpShape::Null) => {
                sink.record(Geometry::Nothing("null shape"), weight)?
            }
            NextRecord::Shape(ShpShape::Point(x, y)) => {
                sink.record(Geometry::Point(x, y), weight)?
            }
            NextRecord::Shape(ShpShape::Points(count)) => {
                let mut failure = None;
                let shapes = &mut self.shapes;
                let point = |_| shapes.point().map_err(|error| failure = Some(error)).ok();
                let mut points = (0..count).map_while(point);
                sink.record(Geometry::MultiPoint(&mut points), weight)?;
                if let Some(error) = failure {
                    return Err(self.failed(record, error).into());
                }
            }
            NextRecord::Shape(ShpShape::Other(name)) => {
                let mut failure = None;
                let shapes = &mut self.shapes;
                sink.shape(name, weight, |collector| {
                    let parts = shapes.parts().map_err(|error| failure = Some(error)).ok()?;
                    collector.outline(&outline(name, parts)?);
                    Some(())
                })?;
                // A damaged record is counted, as one that an index names wrongly is.
                if let Some(error) = failure.filter(|e| e.kind() != io::ErrorKind::InvalidData) {
                    return Err(self.failed(record, error).into());
                }
            }
            NextRecord::Broken(why) => sink.malformed(why),
            NextRecord::End => (),
        }
        Ok(())
    }

    /// Checks a `.shp` that ends after a whole record and is shorter than its header states. If the
    /// table has more rows than the file has records, the file was cut off, which is an error.
    /// Otherwise only the header is wrong, which is no error.
    fn check_end(&self, records: u64) -> Result<(), LoadError> {
        match &self.table {
            Some(table) if table.rows > records => Err(damaged(
                &self.origin,
                format!("record {}", records + 1),
                format!(
                    "the file ends here; by its .dbf it has {} records",
                    table.rows
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Notes for the report about lengths that the files' headers state wrongly. `records` is the
    /// number of records that were read.
    fn notes(&self, records: u64) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some((stated, size)) = self.shapes.disagreement() {
            notes.push(format!(
                "the .shp has {stated} bytes by its header and {size} in truth: \
                 {records} records were read"
            ));
        }
        if let Some(index) = &self.index {
            if index.stated != index.records {
                notes.push(format!(
                    "the .shx has {} records by its header and {} in truth: all were read",
                    index.stated, index.records
                ));
            }
            if let Some(unlisted) = self.shapes.unlisted() {
                notes.push(format!(
                    "{unlisted} bytes of the .shp belong to none of the {records} records that the \
                     .shx has: what was moved or taken out is left out"
                ));
            }
        }
        notes.extend(self.table.as_ref().and_then(|table| table.notes(records)));
        notes
    }

    fn failed(&self, record: u64, error: io::Error) -> LoadError {
        unreadable(&self.origin, format!("record {}", record + 1), error)
    }
}
