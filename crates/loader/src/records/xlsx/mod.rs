//! Reading of Excel workbooks (`.xlsx`, ECMA-376): a sheet is a table below a row of names.
//!
//! A workbook is XML in a zip archive. Its texts and styles are held in memory, up to a limit; the
//! rows of the sheet are read as they come.

mod header;
mod sheet;
mod workbook;

use super::{Geometry, ReadFailure, RecordReader, RecordSink, RecordSourceBuilder};
use crate::columns::resolve::PositionColumns;
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::Origin;
use crate::input::zip::Directory;
use crate::messages::{list, shown};
use crate::number;
use crate::number::exact::Number;
use crate::options::LoadOptions;
use crate::parameter::Parameter;
use crate::report::SkipReason;
use crate::source::Source;
use crate::value::Value;
use header::SheetTable;
use sheet::SheetReader;
use std::sync::Arc;
use workbook::{Sheet, Workbook};

/// The name of the part that lists a workbook's sheets. An archive with this part is a workbook.
pub(crate) const WORKBOOK: &str = "xl/workbook.xml";

/// A source that reads a sheet of a workbook. It is the sheet that [`LoadOptions::table`] names, or
/// the only one, or the only one of several that has columns of positions.
pub(crate) fn source(
    directory: Directory,
    mut origin: Origin,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    origin.bytes_total = None;
    let workbook = Arc::new(Workbook::open(directory, &origin)?);
    let (sheet, table) = choose(&workbook, &origin, options)?;
    let SheetTable { row, mut found } = table;
    found.columns.why = format!(
        "read as an Excel workbook: sheet {}, names in row {row}, {}",
        shown(sheet.name.as_bytes()),
        found.columns.why
    );
    if let Some(guess) = &mut found.columns.guess {
        guess.positions = format!(
            "sheet {}, {}",
            shown(sheet.name.as_bytes()),
            guess.positions
        );
    }
    let rows = RowReader {
        position: found.position,
        weight: found.weight,
        header: row,
    };
    let errors = origin.clone();
    let reader: RecordReader = Box::new(move |sink| {
        let cells = SheetReader::open(&workbook, &sheet, &errors)?;
        rows.read(cells, sink)
    });
    RecordSourceBuilder::new(origin, found, Crs::LonLat, options).start(vec![reader])
}

/// The sheet to read, and the columns that are found in it.
fn choose(
    workbook: &Workbook,
    origin: &Origin,
    options: &LoadOptions,
) -> Result<(Sheet, SheetTable), LoadError> {
    let names: Vec<&str> = workbook.sheets.iter().map(|sheet| &*sheet.name).collect();
    let bad = |message: String| LoadError::BadOption {
        file: origin.file(),
        parameter: Parameter::Table,
        message,
    };
    if let Some(name) = &options.table {
        let exact = workbook.sheets.iter().find(|sheet| sheet.name == *name);
        let alike = || {
            let same = |sheet: &&Sheet| sheet.name.to_lowercase() == name.to_lowercase();
            workbook.sheets.iter().find(same)
        };
        let Some(sheet) = exact.or_else(alike) else {
            let name = shown(name.as_bytes());
            return Err(bad(format!(
                "there is no sheet {name}; there are: {}",
                list(&names)
            )));
        };
        let table = SheetTable::find(workbook, sheet, origin, options)?;
        return Ok((sheet.clone(), table));
    }
    let mut tables = Vec::new();
    let mut refusal = None;
    for sheet in workbook.sheets.iter().filter(|sheet| !sheet.is_hidden) {
        match SheetTable::find(workbook, sheet, origin, options) {
            Ok(table) => tables.push((sheet.clone(), table)),
            Err(error @ (LoadError::NoPositionColumns { .. } | LoadError::NoSuchColumn { .. })) => {
                refusal.get_or_insert(error);
            }
            // Excel made several sheets at first, most of which stayed empty.
            Err(LoadError::NoRows { .. }) => (),
            Err(error) => return Err(error),
        }
    }
    match (tables.len(), refusal) {
        (1, _) => tables.pop().ok_or_else(|| bad(list(&names))),
        (0, Some(refusal)) => Err(refusal),
        (0, None) => Err(LoadError::NoRows {
            file: origin.file(),
        }),
        _ => {
            let names: Vec<&str> = tables.iter().map(|(sheet, _)| &*sheet.name).collect();
            let names = list(&names);
            Err(bad(format!(
                "several sheets have positions; name one of them: {names}"
            )))
        }
    }
}

/// The columns of a sheet's rows, and the row of their names.
struct RowReader {
    position: PositionColumns,
    weight: Option<usize>,
    header: u32,
}

impl RowReader {
    fn read(&self, mut cells: SheetReader<'_>, sink: &mut RecordSink) -> Result<(), ReadFailure> {
        while let Some(number) = cells.next_row()? {
            if number <= self.header || cells.is_blank() {
                continue;
            }
            // Reports count rows as Excel does.
            sink.at_record(u64::from(number.saturating_sub(1)));
            let value = |column: usize| cells.value(column);
            if !sink.selects(value)? {
                continue;
            }
            let weight = self.weight.map(value);
            let PositionColumns::LonLat(lon, lat) = self.position else {
                continue;
            };
            match (degrees(&value(lon)), degrees(&value(lat))) {
                (Ok(Some(lon)), Ok(Some(lat))) => {
                    sink.record(Geometry::Point(lon, lat), weight.as_ref())?;
                }
                (Ok(None), _) => {
                    sink.record(Geometry::Nothing("longitude empty"), weight.as_ref())?;
                }
                (_, Ok(None)) => {
                    sink.record(Geometry::Nothing("latitude empty"), weight.as_ref())?;
                }
                (Err(found), _) => {
                    sink.refuse(SkipReason::BadPosition, format!("longitude {found}"))?;
                }
                (_, Err(found)) => {
                    sink.refuse(SkipReason::BadPosition, format!("latitude {found}"))?;
                }
            }
        }
        Ok(())
    }
}

/// The degrees in a cell; `None` for an empty cell. The error is the cell as messages show it.
fn degrees(value: &Value<'_>) -> Result<Option<f64>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Number(Number::Float(degrees)) => Ok(Some(*degrees)),
        Value::Text(text) if text.trim().is_empty() => Ok(None),
        Value::Text(text) => match number::parse(text.as_bytes()) {
            Some(degrees) => Ok(Some(degrees)),
            None => Err(value.shown()),
        },
        _ => Err(value.shown()),
    }
}
