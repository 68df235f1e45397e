//! Reading of Excel workbooks (`.xlsx`, ECMA-376): a sheet is a table below a row of names.
//!
//! A workbook is XML in a zip archive. Its texts and styles are held in memory, up to a limit; the
//! rows of the sheet are read as they come.

mod header;
mod sheet;
mod workbook;

use super::{ReadFailure, RecordReader, RecordSink, RecordSourceBuilder};
use crate::columns::likelihood::{LikeliestError, UnreadableTable};
use crate::columns::resolve::PositionColumns;
use crate::columns::selection::RowSelection;
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::Origin;
use crate::input::zip::Directory;
use crate::messages::{list, shown};
use crate::options::LoadOptions;
use crate::parameter::Parameter;
use crate::places::TextForm;
use crate::source::Source;
use header::SheetTable;
use sheet::SheetReader;
use std::sync::Arc;
use workbook::{Sheet, Workbook};

/// The name of the part that lists a workbook's sheets. An archive with this part is a workbook.
pub(crate) const WORKBOOK: &str = "xl/workbook.xml";

/// A source that reads a sheet of a workbook: the sheet that [`LoadOptions::table`] names. Without
/// this option there must be only one sheet, or only one that has columns of positions.
pub(crate) fn source(
    directory: Directory,
    mut origin: Origin,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    origin.bytes_total = None;
    let workbook = Arc::new(Workbook::open(directory, &origin)?);
    let (sheet, table) = choose(&workbook, &origin, options)?;
    let SheetTable {
        row,
        mut found,
        place,
    } = table;
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
    let (crs, srid) = match &place {
        Some(place) => place.crs(options, &origin.file())?,
        None => (Crs::unstated(options, &origin.file())?, 0),
    };
    let rows = RowReader {
        position: found.position,
        whole: place.map(|place| (place.form, srid)),
        weight: found.weight,
        header: row,
    };
    let errors = origin.clone();
    let wanted = rows.columns(&found.selection);
    let reader: RecordReader = Box::new(move |sink| {
        let cells = SheetReader::open(&workbook, &sheet, Some(wanted), &errors)?;
        rows.read(cells, sink)
    });
    RecordSourceBuilder::new(origin, found, crs, options).start(vec![reader])
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
        let table = SheetTable::find(workbook, sheet, origin, options);
        let table = table.map_err(|refused| refused.error)?;
        return Ok((sheet.clone(), table));
    }
    let (mut tables, mut refused) = (Vec::new(), LikeliestError::default());
    for sheet in workbook.sheets.iter().filter(|sheet| !sheet.is_hidden) {
        match SheetTable::find(workbook, sheet, origin, options) {
            Ok(table) => tables.push((sheet.clone(), table)),
            // Excel made several sheets at first, most of which stayed empty.
            Err(UnreadableTable {
                error: LoadError::NoRows { .. },
                ..
            }) => (),
            Err(error) => refused.note(error)?,
        }
    }
    // Sheets with whole positions in one column count only if no sheet has columns of degrees.
    if tables.iter().any(|(_, table)| table.place.is_none()) {
        tables.retain(|(_, table)| table.place.is_none());
    }
    match (tables.len(), refused.into_error()) {
        (1, _) => tables.pop().ok_or_else(|| bad(list(&names))),
        (0, Some(refused)) => Err(refused.error),
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

/// A reader of the rows of a sheet: the columns that it reads, and the number of the row of names
/// (`header`, counted from 1), below which the rows begin.
struct RowReader {
    position: PositionColumns,
    /// The form of whole positions in one column, and the EPSG number of the coordinate system that
    /// they state, 0 if they state none. `None` if positions are in two columns.
    whole: Option<(TextForm, u32)>,
    weight: Option<usize>,
    header: u32,
}

impl RowReader {
    /// The indexes of the columns whose values are needed, counted from 0.
    fn columns(&self, selection: &RowSelection) -> Vec<usize> {
        let mut columns = selection.places();
        match self.position {
            PositionColumns::LonLat(lon, lat) => columns.extend([lon, lat]),
            PositionColumns::Geometry(column) => columns.extend(column),
        }
        columns.extend(self.weight);
        columns
    }

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
            let weight = weight.as_ref();
            match (self.position, self.whole) {
                (PositionColumns::LonLat(lon, lat), _) => {
                    sink.degrees(&value(lon), &value(lat), weight)?;
                }
                (PositionColumns::Geometry(Some(column)), Some(whole)) => {
                    sink.whole_position(&value(column), whole, weight)?;
                }
                _ => (),
            }
        }
        Ok(())
    }
}
