//! Shapefiles: points in `.shp`, attributes in `.dbf`, the coordinate system in `.prj`.

mod shapes;
mod table;

use super::{Ended, Geometry, Judge, Opening, Reader, damaged, unreadable};
use crate::asked::Asked;
use crate::batch::Amount;
use crate::columns::Columns;
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::Origin;
use crate::open::Options;
use crate::source::Source;
use shapes::{Shape, Shapes};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use table::Table;

/// The most bytes of a `.prj` or `.cpg`: what they hold is a line.
const LINE: u64 = 64 << 10;

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
    let shapes = Shapes::new(BufReader::with_capacity(1 << 16, origin.counted(shp)))
        .map_err(|error| unreadable(&origin, "header", error))?;
    let projection = text(path, "prj", &origin)?;
    let crs = match &projection {
        Some(text) => Crs::of_wkt(text, &file)?,
        None => Crs::LonLat,
    };
    let table = match companion(path, "dbf") {
        Some(dbf) => Some(Table::open(&dbf, path, &origin)?),
        None => None,
    };
    let seen: Vec<String> = table.iter().flat_map(Table::names).collect();
    let system = if projection.is_some() {
        "positions from the shapes"
    } else {
        "positions from the shapes, taken as longitude and latitude (there is no .prj)"
    };
    let (columns, weight) = Columns::of_geometries(seen, options.weight.as_deref(), system, &file)?;
    let asked = Asked::find(options, &columns.seen, &file)?;
    let errors = origin.clone();
    let reader: Reader = Box::new(move |judge| read(shapes, table, weight, &errors, judge));
    Opening::new(origin, columns, crs, asked, options).start(vec![reader])
}

fn read(
    mut shapes: Shapes<impl Read>,
    mut table: Option<Table>,
    weight: Option<usize>,
    origin: &Origin,
    judge: &mut Judge,
) -> Result<(), Ended> {
    let failed = |record: usize, error| unreadable(origin, format!("record {}", record + 1), error);
    for record in 0.. {
        let Some(shape) = shapes.next().map_err(|error| failed(record, error))? else {
            break;
        };
        let mut value = |column| match &mut table {
            Some(table) => table.value(record, column),
            None => Amount::Missing,
        };
        if !judge.wants(&mut value)? {
            continue;
        }
        let weight = weight.map_or(Amount::Unused, value);
        match shape {
            Shape::Null => judge.record(Geometry::Nothing("null shape"), &weight)?,
            Shape::Point(x, y) => judge.record(Geometry::Point(x, y), &weight)?,
            Shape::Points(count) => {
                let mut failure = None;
                let point = |_| shapes.point().map_err(|error| failure = Some(error)).ok();
                let mut points = (0..count).map_while(point);
                judge.record(Geometry::MultiPoint(&mut points), &weight)?;
                if let Some(error) = failure {
                    return Err(failed(record, error).into());
                }
            }
            Shape::Other(name) => judge.record(Geometry::Other(name), &weight)?,
        }
    }
    Ok(())
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

/// What a short text beside a `.shp` says, if there is one.
fn text(shp: &Path, extension: &str, origin: &Origin) -> Result<Option<String>, LoadError> {
    let Some(path) = companion(shp, extension) else {
        return Ok(None);
    };
    let place = || format!("the .{extension} beside it");
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LINE + 1).read_to_end(&mut bytes));
    read.map_err(|error| damaged(origin, place(), error))?;
    if bytes.len() as u64 > LINE {
        let message = format!("it is over {LINE} bytes long, and should be a line of text");
        return Err(damaged(origin, place(), message));
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
