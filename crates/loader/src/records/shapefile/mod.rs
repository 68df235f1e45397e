//! Shapefiles: points in `.shp`, which of them belongs to which row in `.shx`, attributes in
//! `.dbf`, the coordinate system in `.prj`, the code page in `.cpg`.
//!
//! Read as GDAL does: by the `.shx` where there is one that fits, else one record after the other;
//! without records whose row is marked as deleted. Where lengths that the files state disagree
//! with what there is, all that there is is read, and the report has a note about it.

mod code_page;
mod code_page_tables;
mod companions;
mod dbf;
mod field;
mod index;
mod shapes;

use super::{Ended, Geometry, Judge, Opening, Reader, damaged, unreadable};
use crate::batch::Amount;
use crate::columns::Columns;
use crate::columns::selection::Asked;
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::Origin;
use crate::open::Options;
use crate::source::Source;
pub use companions::is_companion;
use companions::{companion, text};
use dbf::{Row, Stated, Table};
use index::Index;
use shapes::{Shape, Shapes};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

/// Records whose places in a `.shx` are looked at before the others are believed.
const TRIED: usize = 32;

/// A source that reads the Shapefile of a `.shp` path.
pub(crate) fn source(
    path: &Path,
    mut origin: Origin,
    options: &Options,
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
        Some(text) => Crs::of_wkt(text, &file)?,
        None => Crs::LonLat,
    };
    let table = match companion(path, "dbf") {
        Some(dbf) => {
            let stated = match options.encoding {
                Some(encoding) => Stated::Asked(encoding.decoder()),
                None => Stated::Beside(text(path, "cpg", &origin)?),
            };
            Some(Table::open(&dbf, stated, &origin)?)
        }
        None => None,
    };
    let seen: Vec<String> = table.iter().flat_map(Table::names).collect();
    let system = if projection.is_some() {
        "positions from the shapes"
    } else {
        "positions from the shapes, taken as longitude and latitude (there is no .prj)"
    };
    let unread = |at| table.as_ref().and_then(|table| table.unread(at));
    let choose = |weight| Columns::of_geometries(seen.clone(), weight, system, &file);
    let (mut columns, mut weight) = choose(options.weight.as_deref())?;
    if options.weight.is_none() && weight.and_then(unread).is_some() {
        (columns, weight) = choose(Some("none"))?;
    }
    let asked = Asked::find(options, &columns.seen, &file)?;
    let wanted: Vec<usize> = asked.places().into_iter().chain(weight).collect();
    if let Some((at, why)) = wanted.iter().find_map(|at| Some((*at, unread(*at)?))) {
        let name = crate::columns::quoted(&columns.seen, at);
        return Err(LoadError::BadOption {
            file,
            parameter: match at {
                at if weight == Some(at) => "--weight",
                at if asked.keep.contains(&at) => "--keep",
                _ => "--filter",
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
    let reading = Reading {
        shapes,
        index,
        table,
        weight,
        origin: origin.clone(),
    };
    let reader: Reader = Box::new(move |judge| {
        for note in notes {
            judge.note(note);
        }
        reading.read(judge)
    });
    Opening::new(origin, columns, crs, asked, options).start(vec![reader])
}

/// The index of a `.shp`, or why it is none.
fn fitting<R: Read + Seek>(
    shx: &Path,
    shapes: &mut Shapes<R>,
    table: Option<&Table>,
) -> Result<Index, String> {
    let mut index = Index::open(shx).map_err(|error| error.to_string())?;
    let Index {
        records, stated, ..
    } = index;
    // one that is cut off, unless all rows have a place
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

/// The number, from 1, of an early record that is not where the index says.
fn misplaced<R: Read + Seek>(
    index: &mut Index,
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

/// A Shapefile that is being read.
struct Reading<R> {
    shapes: Shapes<R>,
    index: Option<Index>,
    table: Option<Table>,
    weight: Option<usize>,
    origin: Origin,
}

/// What comes next.
enum Next {
    Shape(Shape),
    /// A record that can't be read, where its neighbours can.
    Broken(String),
    End,
}

impl<R: Read + Seek> Reading<R> {
    fn read(mut self, judge: &mut Judge) -> Result<(), Ended> {
        let mut record = 0;
        loop {
            let next = self.next(record)?;
            if let Next::End = next {
                break;
            }
            self.record(record, next, judge)?;
            record += 1;
        }
        if self.index.is_none() && self.shapes.is_short() {
            self.check_end(record)?;
        }
        for note in self.notes(record) {
            judge.note(note);
        }
        Ok(())
    }

    fn next(&mut self, record: u64) -> Result<Next, Ended> {
        let Some(index) = &mut self.index else {
            let shape = self.shapes.next(record);
            let shape = shape.map_err(|error| self.failed(record, error))?;
            return Ok(shape.map_or(Next::End, Next::Shape));
        };
        let place = index
            .next()
            .map_err(|error| unreadable(&self.origin, "the .shx beside it", error))?;
        let Some(place) = place else {
            return Ok(Next::End);
        };
        match self.shapes.at(place) {
            Ok(shape) => Ok(Next::Shape(shape)),
            Err(error) => match error.kind() {
                io::ErrorKind::InvalidData => Ok(Next::Broken(error.to_string())),
                // the file isn't cut off: the index is wrong
                io::ErrorKind::UnexpectedEof if !self.shapes.is_short() => {
                    Ok(Next::Broken(error.to_string()))
                }
                _ => Err(self.failed(record, error).into()),
            },
        }
    }

    fn record(&mut self, record: u64, next: Next, judge: &mut Judge) -> Result<(), Ended> {
        if let Some(table) = &mut self.table {
            let row = table.go_to(record);
            let row = row.map_err(|error| unreadable(&self.origin, "the .dbf beside it", error))?;
            if row == Row::Deleted {
                return Ok(judge.deleted()?);
            }
        }
        let table = self.table.as_ref();
        let value = |column| table.map_or(Amount::Missing, |table| table.value(column));
        if !judge.wants(value)? {
            return Ok(());
        }
        let weight = self.weight.map_or(Amount::Unused, value);
        match next {
            Next::Shape(Shape::Null) => judge.record(Geometry::Nothing("null shape"), &weight)?,
            Next::Shape(Shape::Point(x, y)) => judge.record(Geometry::Point(x, y), &weight)?,
            Next::Shape(Shape::Points(count)) => {
                let mut failure = None;
                let shapes = &mut self.shapes;
                let point = |_| shapes.point().map_err(|error| failure = Some(error)).ok();
                let mut points = (0..count).map_while(point);
                judge.record(Geometry::MultiPoint(&mut points), &weight)?;
                if let Some(error) = failure {
                    return Err(self.failed(record, error).into());
                }
            }
            Next::Shape(Shape::Other(name)) => judge.record(Geometry::Other(name), &weight)?,
            Next::Broken(why) => judge.malformed(why),
            Next::End => (),
        }
        Ok(())
    }

    /// A file that ends between two records, earlier than it says: whether it is its header that
    /// is wrong shows by the rows there are.
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

    /// What is to be known of a file of so many records, in which some lengths are wrong.
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
