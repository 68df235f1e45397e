//! The row of names of a sheet, which may be below titles and notes.

use super::sheet::SheetReader;
use super::workbook::{Sheet, Workbook};
use crate::columns::likelihood::{LikeliestError, Likelihood, UnreadableTable};
use crate::columns::resolve::{Names, PositionColumns, ResolvedColumns, resolve};
use crate::error::LoadError;
use crate::input::Origin;
use crate::messages::shown;
use crate::options::LoadOptions;
use crate::value::Value;

/// The number of rows at the beginning of a sheet in which the names of columns are looked for: a
/// choice.
const ROWS: usize = 50;

/// The row of a sheet that has the names of columns, and the columns to read.
pub(super) struct SheetTable {
    /// The number of the row that has the names, counted from 1.
    pub(super) row: u32,
    pub(super) found: ResolvedColumns,
}

impl SheetTable {
    /// Finds the row of names: the first one that has names of columns of positions.
    ///
    /// # Errors
    /// There is no such row. Of the errors of all rows, the error of the row that most likely has
    /// the names is returned.
    pub(super) fn find(
        workbook: &Workbook,
        sheet: &Sheet,
        origin: &Origin,
        options: &LoadOptions,
    ) -> Result<Self, UnreadableTable> {
        let mut cells = SheetReader::open(workbook, sheet, None, origin)?;
        let file = match workbook.sheets.len() {
            1 => origin.file(),
            _ => format!("{}: sheet {}", origin.name, shown(sheet.name.as_bytes())),
        };
        let mut refused = LikeliestError::default();
        for _ in 0..ROWS {
            let Some(row) = cells.next_row()? else {
                break;
            };
            // Rows of numbers alone hold values.
            if !cells.has_text() {
                continue;
            }
            let names = names(&cells);
            let likelihood = Likelihood::new(&names, options);
            match resolve(names, Names::Typed, options, None, &file) {
                Ok(found) if matches!(found.position, PositionColumns::LonLat(..)) => {
                    return Ok(Self { row, found });
                }
                Ok(_) => (),
                Err(error) => refused.note(UnreadableTable { likelihood, error })?,
            }
        }
        let none = || LoadError::NoRows { file }.into();
        Err(refused.into_error().unwrap_or_else(none))
    }
}

/// The texts of a row, which may be the names of columns. A number, such as that of a year, becomes
/// its text, and an empty cell an empty text.
fn names(cells: &SheetReader<'_>) -> Vec<String> {
    let name = |column| match cells.value(column) {
        Value::Null => String::new(),
        Value::Text(text) => text.trim().to_owned(),
        other => other.shown(),
    };
    (0..cells.width()).map(name).collect()
}
